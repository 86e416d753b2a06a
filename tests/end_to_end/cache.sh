# --cache: the same numbers with and without, found, waited for, made again; data that memory doesn't hold.
. "$(dirname "$0")/lib.sh"

idx_set digits 6000 40 64 4
cat >cached.mml <<'P'
use encoders, policies, methods
param root : path
data digits = idx(root)
modality small : image[1, 8, 8] { input = digits.image -> scale(1 / 255) -> resize(8, 8) -> flip(); encoder = flatten -> linear(8) }
modality whole : image[1, 64, 64] { input = digits.image -> scale(1 / 255); encoder = flatten -> linear(8) }
target digit : class[4] = digits.label
fusion = concat -> linear(classes)
train {
  batch     = 32
  optimizer = sgd(lr = 1e-2, momentum = 0.9)
  stage joint { epochs = 3 }
}
P
check "mmlc cached.mml" "$MMLC" cached.mml -o cached
call=(./cached --root digits --threads 2)

# peak COMMAND…: the most anonymous memory, in KiB, that was seen.
peak() {
    local most=0 now run
    "$@" >peak.log 2>&1 &
    run=$!
    while now=$(sed -n 's/^RssAnon:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$run/status" 2>/dev/null) && [ -n "$now" ]; do
        [ "$now" -gt "$most" ] && most=$now
        sleep 0.01
    done
    wait "$run" || { failed "$*"; tail -n 5 peak.log; }
    peak=$most
}
peak "${call[@]}" --out plain
held=$peak
peak "${call[@]}" --out made --cache store
mapped=$peak
[ $((held - mapped)) -gt 20000 ] && ok "24 MB of images: held in memory without a cache, not with one" ||
    failed "anonymous memory: $held KiB without, $mapped KiB with a cache"
grep -q '^cache     store, 3 made' peak.log && ok "it says what it made" || failed "made: $(grep cache peak.log)"
same "the same numbers through the cache" plain/metrics.jsonl made/metrics.jsonl
"${call[@]}" --out found --cache store >found.log 2>&1
grep -q '^cache     store, 3 found' found.log && ok "and what it found" || failed "found: $(grep cache found.log)"
same "the same numbers from the cache" plain/metrics.jsonl found/metrics.jsonl
same "the same checksum and counts" <(grep -E '"(checksum|description)"' plain/run.json) <(grep -E '"(checksum|description)"' found/run.json)

for file in store/*.mmlcache; do printf 'x' | dd of="$file" bs=1 seek=70001 conv=notrunc status=none; done
"${call[@]}" --out mended --cache store >mended.log 2>mended.err
[ "$(grep -c 'warning: .* is damaged (.*): it is made again' mended.err)" -eq 3 ] && [ "$(wc -l <mended.err)" -eq 3 ] && ok "a line for each damaged file" ||
    failed "damaged: $(cat mended.err)"
same "the same numbers after damage" plain/metrics.jsonl mended/metrics.jsonl

for file in store/*.mmlcache; do rm "$file"; mkfifo "$file"; done
timeout 60 "${call[@]}" --out piped --cache store >piped.log 2>piped.err
[ "$(grep -c 'warning: .* is damaged (it is no file): it is made again' piped.err)" -eq 3 ] && ok "a pipe in a file's place isn't waited for" ||
    failed "pipe: $(cat piped.err)"
same "the same numbers after a pipe" plain/metrics.jsonl piped/metrics.jsonl

rm -rf store
for moment in 0.01 0.03 0.06 0.1 0.2; do
    "${call[@]}" --out "killed-$moment" --cache store >/dev/null 2>&1 &
    sleep "$moment"; kill -9 $! 2>/dev/null; wait $! 2>/dev/null
done
"${call[@]}" --out after --cache store >/dev/null 2>after.err
[ ! -s after.err ] && [ "$(find store -name '*.new' | wc -l)" -eq 0 ] && ok "nothing is left of runs that were killed while writing" ||
    failed "after kills: $(cat after.err) $(ls store)"
same "the same numbers after kills" plain/metrics.jsonl after/metrics.jsonl

"${call[@]}" --out stopped --cache store >/dev/null 2>&1 &
for _ in $(seq 200); do [ -s stopped/last.safetensors ] && break; sleep 0.02; done
kill -9 $! 2>/dev/null; wait $! 2>/dev/null
check "--resume with the cache" ./cached --resume stopped --cache store
same "the same numbers as never stopped" plain/metrics.jsonl stopped/metrics.jsonl

rm -rf store
check "a sweep whose runs share a cache" ./cached --root digits --sweep seed=1..4 --jobs 2 --out swept --cache store
check "a sweep without" ./cached --root digits --sweep seed=1..4 --jobs 2 --out unswept
without_seconds() { sed 's/,[^,]*$//' "$1"; }
diff <(without_seconds swept/sweep.csv) <(without_seconds unswept/sweep.csv) >diff.log && ok "the same table" || { failed "another table"; cat diff.log; }
[ "$(ls store | wc -l)" -eq 3 ] && ok "each file was made once" || failed "files: $(ls store)"

fails_with "a cache that is no folder" 3 '--cache' ./cached --root digits --out no --cache cached.mml
"${call[@]}" --out limited --cache little --cache-limit 1MiB >limited.log 2>limited.err
grep -q 'more than --cache-limit leaves: this part of the data is held in memory' limited.err && ok "what the limit leaves no room for is told" ||
    failed "limit: $(cat limited.err)"
same "the same numbers" plain/metrics.jsonl limited/metrics.jsonl

awk 'BEGIN { print "a,b,k"; for (i = 0; i < 60; i++) print i % 7 "," i % 5 "," i % 3 }' >table.csv
cat >text.mml <<'P'
data d = csv("table.csv", label = last)
modality x : vector[2] { input = d.table; encoder = linear(4) }
modality y : vector[2] { input = d.table; encoder = linear(4) }
target k : class[3] = d.label
fusion = concat -> linear(classes)
train { batch = 8; optimizer = sgd(lr = 1e-2); stage joint { epochs = 1 } }
P
check "mmlc text.mml" "$MMLC" text.mml -o text
./text --out text-run --cache store >text.log 2>text.err
grep -q '^cache     store, nothing to keep there: small data' text.log && ok "a cache that a small table leaves unused says so" || failed "table: $(cat text.log)"
[ "$(grep -c 'warning: the data have no test split.*give their source test = 10 %' text.err)" -eq 1 ] && ok "data without a test split are told of" ||
    failed "no test split: $(cat text.err)"

# A table that memory need not hold: 3 million numbers, in text and as floats.
awk 'BEGIN { for (i = 0; i < 2000; i++) { line = i % 3; for (j = 1; j < 1500; j++) line = (i * j) % 10 "," line; print line } }' >wide.csv
cat >wide.mml <<'P'
data d = csv("wide.csv", label = last, header = false, test = every(10, 9))
modality x : vector[1499] { input = d.wide -> scale(1 / 10); encoder = linear(4) }
modality y : vector[1499] { input = d.wide; encoder = linear(4) }
target k : class[3] = d.label
fusion = concat -> linear(classes)
train { batch = 8; optimizer = sgd(lr = 1e-5); stage joint { epochs = 1 } }
P
check "mmlc wide.mml" "$MMLC" wide.mml -o wide
peak ./wide --out wide-plain --threads 1
held=$peak
peak ./wide --out wide-made --threads 1 --cache store
mapped=$peak
[ $((held - mapped)) -gt 10000 ] && grep -q ', 1 made' peak.log && ok "12 MB of a table: held in memory without a cache, not with one" ||
    failed "anonymous memory: $held KiB without, $mapped KiB with a cache: $(grep cache peak.log)"
peak ./wide --out wide-found --threads 1 --cache store
grep -q ', 1 found' peak.log && ok "and found again" || failed "found: $(grep cache peak.log)"
same "the same numbers from a table in the cache" wide-plain/metrics.jsonl wide-made/metrics.jsonl
same "and from one that was found" wide-plain/metrics.jsonl wide-found/metrics.jsonl
finish
