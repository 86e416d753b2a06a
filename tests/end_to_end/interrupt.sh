# Ctrl-C and SIGTERM: heard while the data are read, while another run's file of the cache is waited for, and by every cell of a sweep.
. "$(dirname "$0")/lib.sh"

idx_set digits 6000 40 64 4
cat >long.mml <<'P'
use encoders, policies, methods
param root : path
data digits = idx(root)
modality small : image[1, 8, 8] { input = digits.image -> scale(1 / 255) -> resize(8, 8) -> flip(); encoder = flatten -> linear(8) }
modality whole : image[1, 64, 64] { input = digits.image -> scale(1 / 255) -> normalize(train); encoder = flatten -> linear(8) }
target digit : class[4] = digits.label
fusion = concat -> linear(classes)
train {
  batch     = 32
  optimizer = sgd(lr = 1e-3)
  stage joint { epochs = 100000 }
}
P
check "mmlc long.mml" "$MMLC" long.mml -o long
call=(timeout -s KILL 120 ./long --root digits --threads 2 --quiet)      # a signal that isn't heard fails the test and doesn't hang it
left() { pgrep -f -- "--out $1" >/dev/null; }

# signalled SIGNAL PROCESS: sends to the child of timeout, which has the handlers.
signalled() { kill "-$1" $(pgrep -P "$2") 2>/dev/null; wait "$2"; code=$?; }

for moment in 0.01 0.02 0.04 0.08 0.15 0.3; do
    rm -rf store
    for cache in store off; do
        "${call[@]}" --out "at-$moment-$cache" $([ $cache = off ] || echo --cache $cache) >stopped.log 2>&1 &
        process=$!
        sleep "$moment"
        signalled TERM $process
        [ $code -eq 130 ] || [ $code -eq 143 ] || failed "SIGTERM after $moment s, cache $cache: exit $code: $(cat stopped.log)"
        [ $code -ne 130 ] || grep -q '^long: stopped' stopped.log || failed "nothing is said: $(cat stopped.log)"
    done
    [ -z "$(find store -name '*.new' 2>/dev/null)" ] || [ $code -eq 143 ] || failed "unfinished files are left: $(ls store)"
done
[ "$failures" -eq 0 ] && ok "SIGTERM at any moment ends a run with 130"

rm -rf store
check "a run that fills the cache" ./long --root digits --threads 2 --quiet --out made --cache store --set train.joint.epochs=1
for file in store/*.mmlcache; do mv "$file" "${file%.mmlcache}.new"; done
held=$(find store -name '*-prepared-*.new')
flock -x "$held" sleep 100 &
holder=$!
for signal in TERM INT; do
    "${call[@]}" --out "waits-$signal" --cache store >waits.log 2>&1 &
    process=$!
    while ! grep -q 'waits for another run' waits.log && kill -0 $process; do sleep 0.02; done
    signalled $signal $process
    [ $code -eq 130 ] && [ ! -e "waits-$signal" ] && grep -q '^long: stopped while the data were being read$' waits.log &&
        ! grep -q 'to go on' waits.log && ok "SIG$signal ends the wait for another run's file" || failed "SIG$signal while waiting: exit $code: $(cat waits.log)"
done
kill $holder $(pgrep -P $holder) 2>/dev/null; wait $holder 2>/dev/null

# Signals reach the sweep alone; its cells are told at once, in whatever they are.
for moment in 0.05 0.2 0.6; do
    "${call[@]:0:${#call[@]}-1}" --sweep seed=1..4 --jobs 2 --out "swept-$moment" >sweep.log 2>&1 &
    process=$!
    sleep "$moment"
    signalled TERM $process
    if [ $code -eq 143 ]; then continue; fi
    [ $code -eq 130 ] && grep -q -- "--resume swept-$moment" sweep.log && ! grep -q failed sweep.log && ! left "swept-$moment/cells" &&
        ok "SIGTERM ends a sweep and its cells after $moment s" || failed "sweep: exit $code: $(cat sweep.log)"
done
finish
