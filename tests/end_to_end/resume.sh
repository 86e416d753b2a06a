# kill -9 at any moment, then --resume: the same numbers as a run that was never stopped.
. "$(dirname "$0")/lib.sh"

idx_set digits 480 120 8 4
cat >killed.mml <<'P'
use encoders, policies, methods
param root : path
data digits = idx(root)
modality gray : image[1, 8, 8] {
  input   = digits.image -> scale(1 / 255)
  encoder = conv(16, 3) -> batchnorm -> relu -> conv(16, 3) -> relu -> avgpool -> linear(16)
}
modality color : image[3, 8, 8] {
  input   = digits.image -> scale(1 / 255) -> colorize(by = digits.label, jitter = 0.03, train = correlated, test = random) -> flip
  encoder = conv(16, 3) -> relu -> dropout(0.2) -> avgpool -> linear(16)
}
target digit : class[4] = digits.label
fusion = concat -> linear(classes)
method regularised() {
  loss = ce(joint) + sum(m in modalities: ce(head[m])) - 0.05 * synergy(soft(feature))
  regularize = -0.1 * redundancy(soft(feature, bins = kmeans(4, pca = 3), every = 2, samples = 200))
}
train {
  batch     = 16
  optimizer = sgd(lr = 1e-2, momentum = 0.9, weight_decay = 1e-4)
  schedule  = step(every = 2 epochs, gamma = 0.5)
  stage unimodal {
    epochs = 6
    probe  = pid(every = 1 epochs, bins = kmeans(6, pca = 3))
    policy = fastpid(tau = 2.0, lambda = 0.0)
  }
  stage joint {
    epochs = 6
    probe  = pid(every = 2 epochs, bins = kmeans(5, pca = 3))
    method = regularised()
  }
}
P
check "mmlc killed.mml" "$MMLC" killed.mml -o killed
check "the unbroken run" ./killed --root digits --out whole --quiet

check "the same seed" ./killed --root digits --out again --quiet
for file in summary.json metrics.jsonl probes.jsonl; do same "same seed, same $file" "whole/$file" "again/$file"; done
check "same seed, same weights" cmp whole/last.safetensors again/last.safetensors
check "one thread" ./killed --root digits --out single --quiet --threads 1

# The unbroken run writes a line for each epoch and split. Kill i comes a little after
# line i of 20 spread over them, so that every part of the schedule is hit at any speed.
lines=$(wc -l <whole/metrics.jsonl)
lines_of() { if [ -f broken/metrics.jsonl ]; then wc -l <broken/metrics.jsonl; else echo 0; fi; }
resumes_equal() {        # name
    [ -d broken ] || mkdir broken
    if ! ./killed --root digits --resume broken --quiet >resume.log 2>&1; then
        failed "$1: --resume"; tail -n 5 resume.log; return 1
    fi
    local file
    for file in summary.json metrics.jsonl probes.jsonl; do
        diff -q <(without_times "whole/$file") <(without_times "broken/$file") >/dev/null || { failed "$1: $file differs"; return 1; }
    done
    for file in metrics.csv probes.csv; do
        diff -q <(sed 's/,[^,]*$//' "whole/$file") <(sed 's/,[^,]*$//' "broken/$file") >/dev/null || { failed "$1: $file differs"; return 1; }
    done
    [ "$(stat -c %s whole/events*)" -eq "$(stat -c %s broken/events*)" ] || { failed "$1: not the same events"; return 1; }
    cmp -s whole/last.safetensors broken/last.safetensors || { failed "$1: weights differ"; return 1; }
}
hits=0 unimodal=0 joint=0
for moment in $(seq 1 20); do
    rm -rf broken
    ./killed --root digits --out broken --quiet >/dev/null 2>&1 &
    process=$!
    while [ "$(lines_of)" -lt $((lines * (moment - 1) / 21)) ] && kill -0 "$process" 2>/dev/null; do :; done
    sleep "0.0$((moment * 7 % 10))"
    if kill -9 "$process" 2>/dev/null; then
        hits=$((hits + 1))
        case $(tail -n 1 broken/metrics.jsonl 2>/dev/null) in
            *'"joint"'*) joint=$((joint + 1)) ;;
            *)           unimodal=$((unimodal + 1)) ;;
        esac
    fi
    wait "$process" 2>/dev/null
    resumes_equal "kill $moment" || continue
done
[ "$failures" -eq 0 ] && ok "20 kills, $hits of a live process ($unimodal in the first stage, $joint in the second): every resumed run ends in the same numbers"
[ "$hits" -ge 15 ] && [ "$unimodal" -ge 3 ] && [ "$joint" -ge 3 ] \
    && ok "at least 15 kills hit a live process, three in each stage" || failed "kills that hit: $hits ($unimodal, $joint)"

# Inside the writing of a checkpoint: as soon as its temporary file is there.
inside=0
for try in 1 2 3 4 5 6 7 8; do
    rm -rf broken
    ./killed --root digits --out broken --quiet >/dev/null 2>&1 &
    process=$!
    while ! compgen -G 'broken/last.safetensors?*' >/dev/null && kill -0 "$process" 2>/dev/null; do :; done
    kill -9 "$process" 2>/dev/null
    wait "$process" 2>/dev/null
    compgen -G 'broken/last.safetensors?*' >/dev/null && inside=$((inside + 1))
    resumes_equal "kill inside a checkpoint, try $try" || break
    [ "$inside" -gt 0 ] && break
done
[ "$inside" -gt 0 ] && ok "a kill inside the writing of a checkpoint" || failed "no kill hit the writing of a checkpoint"

# In a batch of the first stage, and of the second, where clusters fitted before the epoch are in use.
# A run may end before the signal comes: then again, until it comes in time.
for line in 5 15; do
    for attempt in $(seq 1 20); do
        rm -rf stopped
        ./killed --root digits --out stopped --quiet >stop.log 2>&1 &
        process=$!
        while [ "$(if [ -f stopped/metrics.jsonl ]; then wc -l <stopped/metrics.jsonl; else echo 0; fi)" -lt "$line" ] && kill -0 "$process" 2>/dev/null; do :; done
        kill -INT "$process" 2>/dev/null
        wait "$process"; code=$?
        [ "$code" -eq 0 ] || break
    done
    [ "$code" -eq 130 ] && ok "Ctrl-C ends with 130" || failed "Ctrl-C ends with $code"
    check "Ctrl-C says how to resume" grep -q -- '--resume' stop.log
    check "a run stopped by Ctrl-C resumes" ./killed --root digits --resume stopped --quiet
    for file in summary.json metrics.jsonl probes.jsonl; do same "after Ctrl-C behind line $line, the same $file" "whole/$file" "stopped/$file"; done
    check "after Ctrl-C behind line $line, the same weights" cmp whole/last.safetensors stopped/last.safetensors
done
check "a checkpoint holds the clusters of soft assignments" grep -q 'mml.clusters.joint.color.2' whole/last.safetensors
last_loss() { grep '"split": "test"' whole/metrics.jsonl | tail -n 1 | sed -E 's/.*"loss": ([0-9.e-]+).*/\1/' | cut -c 1-8; }
check "--eval uses the checkpoint's clusters: the same loss" bash -c "./killed --root digits --eval whole/last.safetensors --json | grep -q '$(last_loss)'"
fails_with "resuming with another param" 2 'seed' ./killed --root digits --resume whole --seed 9
fails_with "resuming with another setting" 2 'lr' ./killed --root digits --resume whole --set train.joint.optimizer.lr=0.5
finish
