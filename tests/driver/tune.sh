# --tune: kernels by measurement; whichever they are, a run learns the same; what can't be used is said once.
. "$(dirname "$0")/../end_to_end/lib.sh"

program=$tests/programs/one_encoder.mml
export MML_CACHE=$scratch/cache
prints() { local name=$1 pattern=$2; shift 2; if "$@" 2>prints.err | grep -E -- "$pattern" >/dev/null; then ok "$name"; else failed "$name"; cat prints.err; fi }
by_estimates() { "$MMLC" check --explain "$program" >explained 2>explained.err && ! grep -q 'ms measured' explained; }
entry() { ls "$MML_CACHE"/*.kernels; }

check "before, kernels are chosen by estimates" by_estimates
"$MMLC" "$program" -o plain
check "mmlc --tune" "$MMLC" --tune "$program" -o tuned
prints "check --explain says what was measured"     ' ms measured, ' "$MMLC" check --explain "$program"
prints "and so does its JSON"                       '"seconds": ?\{"forward": ?\{"direct": ?[0-9.]+' "$MMLC" check --explain --json "$program"
check "nothing is said beside" test ! -s prints.err
"$MMLC" --cache off check --explain "$program" >explained
check "without the cache the estimates decide" bash -c '! grep -q "ms measured" explained'
idx_set digits 240 80 8 4
losses() { grep -o '"loss": *[0-9.]*' "$1/metrics.jsonl" | grep -o '[0-9.]*$'; }
./plain --root digits --out plain-run --quiet && ./tuned --root digits --out tuned-run --quiet
check "a run learns the same but for rounding" \
    awk 'NR == FNR { a[FNR] = $1; next } { d = a[FNR] - $1; if (d > 1e-3 || d < -1e-3) exit 1; n++ } END { if (n < 2) exit 1 }' <(losses plain-run) <(losses tuned-run)

cp "$(entry)" sealed
printf 'x' | dd of="$(entry)" bs=1 seek=60 conv=notrunc 2>/dev/null
"$MMLC" check --explain "$program" >explained 2>said
check "a damaged entry is said in one line" test "$(grep -c 'warning: what --tune measured.*damaged' said)" -eq 1 -a "$(wc -l <said)" -eq 1
check "and the estimates decide" bash -c '! grep -q "ms measured" explained'
"$MMLC" check --explain "$program" 2>said >/dev/null
check "once" test ! -s said

cp sealed "$MML_CACHE/$(basename "$(ls -d "$MML_CACHE"/*.object | head -n 1)" .object).kernels"
"$MMLC" check --explain "$program" 2>said >explained
check "an entry under another name isn't read" bash -c '! grep -q "ms measured" explained && test ! -s said'
rm -f "$MML_CACHE"/*.kernels

"$MMLC" check --tune "$program" 2>/dev/null
mkdir -p changed/compiler && ln -s "$(dirname "$MMLC")/../runtime" changed/runtime && cp "$MMLC" changed/compiler/mmlc
offset=$(readelf -SW "$MMLC" 2>/dev/null | awk '$2 == ".note.gnu.build-id" { print $5 } $3 == ".note.gnu.build-id" { print $6 }')
if [ -n "$offset" ]; then
    byte $((0x$(tail -c +$((0x$offset + 36)) "$MMLC" | head -c 1 | od -An -tx1 | tr -d ' ') ^ 1)) |
        dd of=changed/compiler/mmlc bs=1 seek=$((0x$offset + 35)) conv=notrunc 2>/dev/null
    changed/compiler/mmlc check --explain "$program" >explained 2>said
    check "an entry of another build of mmlc isn't used, and one line says so" \
        bash -c 'test "$(grep -c "warning: what --tune measured.*another build" said)" -eq 1 -a "$(wc -l <said)" -eq 1 && ! grep -q "ms measured" explained'
else
    skip "another build of mmlc: it has no build id, or there is no readelf"
fi
finish
