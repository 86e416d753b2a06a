# Programs by the specification compile and train; the canon compiles and does what it can here.
. "$(dirname "$0")/lib.sh"

idx_set digits 120 40 8 4

for program in "$tests"/programs/*.mml; do
    name=$(basename "$program" .mml)
    check "mmlc check $name"  "$MMLC" check "$program"
    check "mmlc check --explain $name" "$MMLC" check --explain "$program"
    check "mmlc $name"        "$MMLC" "$program" -o "$name"
    check "./$name trains"    "./$name" --root digits --out "$name-run" --quiet
    check "./$name leaves a summary" test -s "$name-run/summary.json"
    check "./$name leaves a report" grep -q "</html>" "$name-run/report.html"
    check "mmlc run $name"    "$MMLC" run "$program" -- --root digits --out "$name-jit" --quiet
    same  "mmlc run $name gives the same numbers" "$name-run/summary.json" "$name-jit/summary.json"
done

check "--explain lists the clusters of soft assignments" grep -q 'soft .*top: 5 clusters of normalised features on 2 components' \
    <("$MMLC" check --explain "$tests/programs/soft.mml")
check "mmlc soft, its own clusters fitted before each epoch" "$MMLC" --set train.joint.method.refit=1 "$tests/programs/soft.mml" -o soft1
check "./soft1 trains" ./soft1 --root digits --out soft1-run --quiet
same "clusters fitted every epoch and every second: the same first epoch" <(head -n 2 soft-run/metrics.jsonl) <(head -n 2 soft1-run/metrics.jsonl)
check "and another second epoch" bash -c '! diff -q <(sed -n 4p soft-run/metrics.jsonl | cut -d, -f4) <(sed -n 4p soft1-run/metrics.jsonl | cut -d, -f4)'
fails_with "a probe's bins that a soft assignment uses are fixed when compiling" 2 'mmlc --set train.joint.probe.bins.k=3' \
    ./soft --root digits --set train.joint.probe.bins.k=3

if [ -d "$fashion" ]; then
    for name in fashion own_rules soft_synergy; do
        check "mmlc $name" "$MMLC" "$project/examples/$name.mml" -o "$name"
    done
    check "fashion trains" ./fashion --epochs 1 --set data.clothes.limit=300 --set data.clothes.test_limit=100 --out fashion-run
    check "soft_synergy trains" ./soft_synergy --set data.clothes.limit=300 --set data.clothes.test_limit=100 --set train.joint.epochs=1 --out synergy-run
    check "own_rules trains" ./own_rules --set data.clothes.limit=300 --set train.unimodal.epochs=2 --set train.joint.epochs=1 --out own-run
    check "mmlc -D half=10 own_rules" "$MMLC" -D half=10 "$project/examples/own_rules.mml" -o ten
    fails_with "a fixed param at run time names the mmlc call" 2 'mmlc -D half=10' ./own_rules --half 10
else
    skip "fashion and own_rules: no $fashion"
fi
for name in two_views two_views_grid cgmnist cgmnist_grid; do check "mmlc $name" "$MMLC" "$project/examples/$name.mml" -o "$name"; done
if [ -d "$shared/data/mfeat" ]; then
    check "two_views_grid sweeps" ./two_views_grid --root "$shared/data/mfeat" --joint-epochs 1 --sweep fourier_epochs=0,1 --sweep zernike_epochs=0,1 --out views-grid
    check "with the decomposition of each start" grep -Eq '^cell,.*,R,U_fourier,U_zernike,S,imbalance,' views-grid/sweep.csv
    check "two_views trains" ./two_views --root "$shared/data/mfeat" --set train.unimodal.epochs=6 --set train.joint.epochs=2 --out views-run
else
    skip "two_views on mfeat: no ../shared"
fi
if [ -d "$shared/data/cgmnist-mini" ] && [ -d "$shared/data/mnist" ]; then
    mini=(--root "$shared/data/mnist" --file "$(realpath "$shared/data/cgmnist-mini")/mnist_10color_jitter_var_0.030.npy" --limit 200 --test-limit 100)
    check "cgmnist trains" ./cgmnist "${mini[@]}" --unimodal-epochs 1 --joint-epochs 1 --out digits-run
    check "cgmnist_grid sweeps" ./cgmnist_grid "${mini[@]}" --joint-epochs 1 --sweep gray_epochs=0,1 --sweep color_epochs=1 --out digits-grid
    check "cgmnist without any epoch keeps the weights it begins with" ./cgmnist "${mini[@]}" --unimodal-epochs 0 --joint-epochs 0 --out start --quiet
    check "they are there" test -s start/last.safetensors
else
    skip "cgmnist: no ../shared"
fi
fails_with "a required param is asked for before anything starts" 2 'root' ./two_views

for name in cremad avdigits; do
    check "mmlc check $name" "$MMLC" check "$project/examples/$name.mml"
    check "mmlc $name" "$MMLC" "$project/examples/$name.mml" -o "$name"
    fails_with "$name says what is missing" 3 'nowhere' "./$name" --root nowhere
done
"$MMLC" check --explain "$project/examples/cremad.mml" >explain.txt 2>&1
check "ResNet-18 has 11,170,240 parameters on one channel"   grep -q '11,170,240' explain.txt
check "ResNet-18 has 11,176,512 parameters on three"         grep -q '11,176,512' explain.txt

check "all canon programs, as they stand, pass mmlc check" true
for program in "$shared"/specs/examples/*.mml; do
    [ -f "$program" ] || { skip "canon: no ../shared"; break; }
    check "canon $(basename "$program")" "$MMLC" check "$program"
done
finish
