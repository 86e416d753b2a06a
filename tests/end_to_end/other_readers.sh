# What a run writes, read by the libraries that other people read it with: TensorBoard's
# event reader and safetensors, from a Python environment that MML_BENCH_VENV names.
. "$(dirname "$0")/lib.sh"

python=${MML_BENCH_VENV:+$MML_BENCH_VENV/bin/python}
reads() { [ -n "$python" ] && "$python" -c "import $1" 2>/dev/null; }

idx_set digits 120 40 8 4
cat >read.mml <<'P'
use encoders, policies, methods
param root : path
data digits = idx(root)
modality a : image[1, 8, 8] { input = digits.image -> scale(1 / 255); encoder = conv(4, 3) -> batchnorm -> relu -> avgpool -> linear(8) }
modality b : image[1, 8, 8] { input = digits.image -> scale(1 / 255); encoder = flatten -> linear(8) }
target digit : class[4] = digits.label
fusion = concat -> linear(classes)
train {
  stage unimodal { epochs = 2; probe = pid(every = 1 epochs, bins = kmeans(4, pca = 3)) }
  stage joint { epochs = 1 }
}
P
check "mmlc read.mml" "$MMLC" read.mml -o read
check "a run to read" ./read --root digits --out run --quiet

if reads tensorboard; then
    cat >events.py <<'P'
import csv, json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator("run"); events.Reload()
start = {"unimodal": 0, "joint": 2}
for line in map(json.loads, open("run/metrics.jsonl")):
    scalars = {s.step: s.value for s in events.Scalars(f"loss/{line['split']}")}
    assert abs(scalars[start[line["stage"]] + line["epoch"]] - line["loss"]) <= 1e-6 * abs(line["loss"]), line
probes = [json.loads(line) for line in open("run/probes.jsonl")]
assert [s.step for s in events.Scalars("synergy/probe")] == [p["epoch"] - 1 for p in probes]
rows = list(csv.DictReader(open("run/metrics.csv")))
assert [float(r["loss"]) for r in rows] == [json.loads(line)["loss"] for line in open("run/metrics.jsonl")]
P
    check "TensorBoard reads the events, csv the tables" "$python" events.py
else
    skip "TensorBoard's reader is not there (MML_BENCH_VENV names no environment with it)"
fi

if reads safetensors; then
    cat >tensors.py <<'P'
from safetensors import safe_open
with safe_open("run/last.safetensors", "numpy") as file:
    names = set(file.keys())
    assert any(n.startswith("encoder.a.") for n in names) and any(n.startswith("head.b.") for n in names), sorted(names)
    for name in names: file.get_tensor(name)
P
    check "safetensors' own library reads the weights" "$python" tensors.py
else
    skip "the safetensors library is not there (MML_BENCH_VENV names no environment with it)"
fi
finish
