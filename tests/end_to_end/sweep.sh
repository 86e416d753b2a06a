# --sweep: a grid of runs, each equal to the run by itself; killed and resumed, the same table.
. "$(dirname "$0")/lib.sh"

idx_set digits 240 80 8 4
cat >swept.mml <<'P'
use encoders, policies, methods
param root : path
param rate = 1e-2
data digits = idx(root)
modality gray : image[1, 8, 8] { input = digits.image -> scale(1 / 255); encoder = conv(4, 3) -> batchnorm -> relu -> avgpool -> linear(8) }
modality flat : image[1, 8, 8] { input = digits.image -> scale(1 / 255); encoder = flatten -> linear(8) }
target digit : class[4] = digits.label
fusion = concat -> linear(classes)
train {
  batch     = 16
  optimizer = sgd(lr = rate, momentum = 0.9)
  stage unimodal {
    epochs = 3
    probe  = pid(every = 1 epochs, bins = kmeans(4, pca = 3))
    policy = fastpid(tau = 2.0, lambda = 0.0)
  }
  stage joint { epochs = 3 }
}
P
check "mmlc swept.mml" "$MMLC" swept.mml -o swept
without_seconds() { sed 's/,[^,]*$//' "$1"; }
grid=(--root digits --sweep train.joint.optimizer.lr=1e-2,1e-1 --sweep seed=1..3)

check "a sweep of two values and three seeds" ./swept "${grid[@]}" --out whole
[ "$(wc -l <whole/sweep.csv)" -eq 7 ] && ok "a line of sweep.csv for each cell" || failed "sweep.csv: $(cat whole/sweep.csv)"
./swept "${grid[@]}" --out shown >shown.log 2>&1
grep -q '^unimodal is trained 3 times and shared$' shown.log && ok "it says what is shared" || failed "shared: $(head -n 3 shown.log)"
[ "$(ls whole/prefixes | grep -c log)" -eq 3 ] && ok "a first stage that cells share is trained once for each seed" || failed "prefixes: $(ls whole/prefixes)"
grep -Eq '^train.joint.optimizer.lr=1e-[12] +3 +[0-9.]+ ± [0-9.]+ %' shown.log && ok "mean and deviation over the seeds" || failed "table: $(tail -n 4 shown.log)"
check "the report names each cell's" grep -q 'cells/005/report.html' whole/report.html
check "the picture stands alone" grep -q 'xmlns="http://www.w3.org/2000/svg"' whole/sweep.svg

for cell in 0:1e-2:1 4:1e-1:2; do
    IFS=: read -r number rate seed <<<"$cell"
    ./swept --root digits --set train.joint.optimizer.lr="$rate" --seed "$seed" --threads 1 --out "alone-$number" --quiet
    check "cell $number is the run by itself, to the last bit" cmp "alone-$number/last.safetensors" "whole/cells/00$number/last.safetensors"
    for file in summary.json metrics.jsonl probes.jsonl; do same "cell $number has the same $file" "alone-$number/$file" "whole/cells/00$number/$file"; done
done

# Warnings stand in the cells' logs, and once behind the sweep.
sed 's/pca = 3)/pca = 3), samples = 900/' swept.mml >warned.mml; sed -i 's/^  batch     = 16$/  batch     = 400/' warned.mml
check "mmlc warned.mml" "$MMLC" warned.mml -o warned
./warned --root digits --sweep train.joint.epochs=1,2 --set train.unimodal.epochs=1 --out warned-sweep --quiet >warned.out 2>warned.err
[ "$(grep -c '^warned: warning: train.unimodal.probe asks for 900 samples, the train split has 240: it takes those (2 of 2 cells)$' warned.err)" -eq 1 ] && \
    [ "$(grep -c '^warned: warning: stage joint: a batch of 400 .* (2 of 2 cells)$' warned.err)" -eq 1 ] && [ "$(wc -l <warned.err)" -eq 3 ] && \
    ok "each warning of the cells once, with their number" || failed "warnings: $(cat warned.err)"
./swept --root digits --sweep train.joint.epochs=1,2 --set train.unimodal.epochs=1 --out silent --quiet >silent.log 2>&1
check "nothing to warn of, nothing said" test ! -s silent.log

# A param may be read by any rule, so that nothing is shared.
check "a sweep of a param" ./swept --root digits --sweep rate=1e-2,1e-1 --out param --quiet
[ -z "$(ls param/prefixes)" ] && ok "a param is not taken for a later stage's own" || failed "prefixes: $(ls param/prefixes)"

# Killed at moments spread over its cells.
hits=0
for moment in 0 1 2 3 4 5; do
    rm -rf broken
    ./swept "${grid[@]}" --out broken --quiet >/dev/null 2>&1 &
    process=$!
    while [ "$(compgen -G 'broken/cells/*/metrics.jsonl' | wc -l)" -lt "$moment" ] && kill -0 "$process" 2>/dev/null; do :; done
    kill -9 "$process" 2>/dev/null && hits=$((hits + 1))
    wait "$process" 2>/dev/null
    [ -f broken/sweep.json ] || { ./swept "${grid[@]}" --out broken --quiet; continue; }
    if ! ./swept --resume broken --quiet >resume.log 2>&1; then failed "kill $moment: --resume"; tail -n 5 resume.log; continue; fi
    diff <(without_seconds whole/sweep.csv) <(without_seconds broken/sweep.csv) >diff.log || { failed "kill $moment: another table"; cat diff.log; }
    cmp -s whole/cells/005/last.safetensors broken/cells/005/last.safetensors || failed "kill $moment: other weights"
done
[ "$hits" -ge 4 ] && [ "$failures" -eq 0 ] && ok "6 sweeps, $hits of them killed: the resumed ones end in the same table" || failed "kills that hit: $hits"

./swept "${grid[@]}" --set train.joint.epochs=60 --out stopped >stop.log 2>&1 &
process=$!
while ! compgen -G 'stopped/*/*/metrics.jsonl' >/dev/null; do sleep 0.02; done
kill -INT "$process"
wait "$process"
[ $? -eq 130 ] && grep -q -- '--resume stopped' stop.log && ok "Ctrl-C ends the cells and says how to go on" || failed "Ctrl-C: $(cat stop.log)"
pgrep -f "stopped/cells" >/dev/null && failed "processes are left" || ok "no process is left"

# A grid over the lengths of Stage I: one run trains each modality, and the cells take over what they need.
cat >lengths.mml <<'P'
use encoders, policies, methods
param root : path
param rows : epochs = 2
param cols : epochs = 2
param rate = 1e-2
data digits = idx(root, holdout = 20 %)
policy turns(rows : epochs, cols : epochs) {
  on epoch(e) {
    all()
    if e.index > rows or e.index == 2 { pause(rowed) }
    if e.index > cols { pause(other(rowed)) }
    if count(active) == 0 and e.index > 2 { finish("both have had their turns") }
  }
}
modality rowed : image[1, 8, 8] { input = digits.image -> scale(1 / 255); encoder = conv(4, 3) -> batchnorm -> relu -> avgpool -> linear(8) -> dropout(0.2) }
modality flat : image[1, 8, 8] { input = digits.image -> scale(1 / 255); encoder = flatten -> linear(8) -> dropout(0.1) }
target digit : class[4] = digits.label
fusion = concat -> linear(classes)
train {
  batch    = 16
  schedule = step(every = 3 epochs, gamma = 0.5)
  stage unimodal {
    epochs    = max(rows, cols) + 1
    optimizer = adam(lr = rate, clip = 1.0)
    policy    = turns(rows = rows, cols = cols)
  }
  stage joint {
    epochs    = 2
    optimizer = adam(lr = 1e-3)
    continue  = true
    watch     = [pid(every = 100 epochs, untrained = true, bins = kmeans(4, pca = 3))]
  }
}
P
check "mmlc lengths.mml" "$MMLC" lengths.mml -o lengths
lengths=(--root digits --sweep rows=0,1,3,4 --sweep cols=0,2,4)
./lengths "${lengths[@]}" --out tables >tables.log 2>&1 || { failed "a grid of lengths"; cat tables.log; }
grep -q '^unimodal is trained 1 time and shared$' tables.log && ok "one run of Stage I trains for a grid over its lengths" || failed "trained: $(head -n 3 tables.log)"
[ "$(ls tables/prefixes | grep -c log)" -eq 1 ] || failed "prefixes: $(ls tables/prefixes)"
for cell in 000:0:0 001:0:2 005:1:4 007:3:2 010:4:2 011:4:4; do
    IFS=: read -r number rows cols <<<"$cell"
    ./lengths --root digits --rows "$rows" --cols "$cols" --threads 1 --out "length-$number" --quiet
    cmp "length-$number/last.safetensors" "tables/cells/$number/last.safetensors" >cmp.log && ok "cell $number is the run by itself, to the last bit" || failed "cell $number: $(cat cmp.log)"
    for file in summary.json metrics.jsonl probes.jsonl; do same "cell $number has the same $file" "length-$number/$file" "tables/cells/$number/$file"; done
done
head -n 1 tables/sweep.csv | grep -qx 'cell,rows,cols,accuracy,head.rowed,head.flat,best,epochs.unimodal,epochs.joint,R,U_rowed,U_flat,S,imbalance,failure,seconds' \
    && ok "sweep.csv has the decomposition of every start" || failed "sweep.csv: $(head -n 1 tables/sweep.csv)"
start=$(sed -n 's/.*"stage": "joint", "epoch": 1,.*"redundancy": \([^,]*\),.*"synergy": \([^,]*\),.*synergy_plugin.*/\1 \2/p' length-005/probes.jsonl)
[ -n "$start" ] && [ "$(awk -F, 'NR == 7 { print $10, $13 }' tables/sweep.csv)" = "$start" ] && ok "as the run by itself measured it" || failed "start: $start, $(sed -n 7p tables/sweep.csv)"
[ "$(grep -A 5 '^accuracy in %; rows: rows, columns: cols$' tables.log | wc -l)" -eq 6 ] && ok "the table of the two settings" || failed "table: $(tail -n 12 tables.log)"
grep -Eq '^imbalance +[+-][0-9.]+ +p [0-9.e-]+$' tables.log && ok "rank correlations of the start with the accuracy" || failed "correlations: $(tail -n 8 tables.log)"
check "heat maps stand alone" grep -q 'xmlns="http://www.w3.org/2000/svg"' tables/accuracy.svg tables/synergy.svg
[ "$(grep -c '<rect class="s0 heat"' tables/report.html)" -ge 1 ] && ! grep -q '<script' tables/report.html && ok "the page has them, and no script" || failed "report.html without heat maps"
./lengths --root digits --sweep rate=1e-2,1e-3 --sweep rows=1,2 --out rates >rates.log 2>&1
grep -q '^unimodal is trained 2 times and shared$' rates.log && ok "another learning rate is trained for itself" || failed "rates: $(head -n 3 rates.log)"
for moment in 1 4 8; do
    rm -rf broken
    ./lengths "${lengths[@]}" --out broken --quiet >/dev/null 2>&1 &
    process=$!
    while [ "$(compgen -G 'broken/*/*/metrics.jsonl' | wc -l)" -lt "$moment" ] && kill -0 "$process" 2>/dev/null; do :; done
    kill -9 "$process" 2>/dev/null
    wait "$process" 2>/dev/null
    check "a grid killed at $moment runs goes on" ./lengths --resume broken --quiet
    diff <(without_seconds tables/sweep.csv) <(without_seconds broken/sweep.csv) >diff.log && ok "to the same table" || { failed "kill $moment: another table"; cat diff.log; }
done

fails_with "cells that fail are said, the others are trained" 1 '1 of 2 cells failed' ./swept --root digits --sweep rate=1e-2,1e30 --out nan
grep -q '^1,1e30,.*exit 1' nan/sweep.csv && grep -q '^0,1e-2,0' nan/sweep.csv && ok "and stand in sweep.csv" || failed "nan: $(cat nan/sweep.csv)"
fails_with "a folder with a sweep"  2 'holds a sweep already: go on with it by --resume whole' ./swept "${grid[@]}" --out whole
fails_with "an unknown path"        2 "no setting 'ratte'; did you mean 'rate'"  ./swept --root digits --sweep ratte=1
fails_with "a value of another type" 2 "'x' is not a value of type epochs"       ./swept --root digits --sweep train.joint.epochs=1,x
fails_with "a value out of range"   2 'out of range'                             ./swept --root digits --sweep train.joint.epochs=-1
fails_with "an empty value"         2 'an empty value'                           ./swept --root digits --sweep rate=1,,2
fails_with "a value twice"          2 'is there twice'                           ./swept --root digits --sweep rate=1,1
fails_with "a value twice, written in two ways" 2 '0.01 is there twice'          ./swept --root digits --sweep rate=1e-2,0.01
fails_with "a param that is swept and given" 2 'has a value of its own'          ./swept --root digits --rate 1 --sweep rate=1e-2
fails_with "a range of all whole numbers" 2 'no range of at most 10000'          ./swept --root digits --sweep seed=-9223372036854775808..9223372036854775807
fails_with "--jobs of a run"        2 'holds one run and no sweep'               ./swept --resume alone-0 --jobs 2
fails_with "--until of a stage that has begun" 2 'has begun stage joint already' ./swept --resume alone-0 --until joint
fails_with "cells that all fail"    1 '1 of 1 cells failed'                      ./swept --root nowhere --sweep seed=1 --out none
grep -q 'nan' none/report.html fails.out && failed "no number of epochs is nan" || ok "no number of epochs is a dash"
fails_with "an axis twice"          2 'swept twice'                              ./swept --root digits --sweep seed=1 --sweep train.seed=2
fails_with "a backward range"       2 'no range'                                 ./swept --root digits --sweep seed=3..1
fails_with "no list"                2 'is not PATH=LIST'                         ./swept --root digits --sweep seed
fails_with "a grid too large"       2 'more than 10000 cells'                    ./swept --root digits --sweep seed=1..5000 --sweep rate=1,2,3
fails_with "what is not a run"      2 'leave out --check'                        ./swept --root digits --sweep seed=1 --check
fails_with "options beside a sweep's --resume" 2 'leave out all but --jobs'   ./swept --resume whole --seed 3
fails_with "a stage that isn't there" 2 "no stage 'jiont'; did you mean 'joint'" ./swept --root digits --until jiont
fails_with "the first stage"        2 'nothing comes before it'                  ./swept --root digits --until unimodal

fails_with "--init of a file that isn't there" 3 'cannot read nowhere.safetensors' ./swept --root digits --init nowhere.safetensors --out new/run
[ ! -e new/run ] && ok "leaves no folder" || failed "leaves the folder: $(ls -R new)"

check "--until stops before a stage" ./swept --root digits --until joint --threads 1 --out until
[ ! -e until/summary.json ] && ok "a run that stopped has no summary" || failed "--until left a summary"
check "--resume goes on with it" ./swept --resume until --quiet
./swept --root digits --threads 1 --out straight --quiet
check "and ends in the same weights" cmp until/last.safetensors straight/last.safetensors
finish
