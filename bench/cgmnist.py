"""The rows of bench/cgmnist, which says what they are and how to call them."""
import argparse, gzip, json, math, os, statistics, subprocess, sys
import numpy as np

PALETTE = np.array([[220, 20, 60], [0, 128, 128], [253, 233, 16], [0, 149, 182], [237, 145, 33], [145, 30, 188],
                    [70, 240, 240], [250, 197, 187], [210, 245, 60], [128, 0, 0]]) / 255.0      # Kim et al. 2019, ten mean colours

# name, head it is judged by (None: fused), Stage I policy or None, Stage II method or None, other settings when compiled
ROWS = [
    ("gray alone",                    "gray",  "fixed(length = each(gray = {n}, color = 0))", None,        {}),
    ("color alone",                   "color", "fixed(length = each(gray = 0, color = {n}))", None,        {}),
    ("concat",                        None,    None,                                          "concat()",  {}),
    ("uniform",                       None,    None,                                          "uniform()", {}),
    ("Algorithm 1, plug-in S",        None,    "fastpid()",                                   "uniform()", {"estimator": "plugin"}),
    ("Algorithm 1, adjusted S",       None,    "fastpid()",                                   "uniform()", {"estimator": "adjusted"}),
    ("gray first, uniform",           None,    "fixed(length = each(gray = {e}, color = 0))", "uniform()", {}),
    ("gray first, concat",            None,    "fixed(length = each(gray = {e}, color = 0))", "concat()",  {}),
]


def read_idx(folder, name):
    for path, opener in ((f"{folder}/{name}", open), (f"{folder}/{name}.gz", gzip.open)):
        if os.path.exists(path):
            data = opener(path, "rb").read()
            sizes = [int.from_bytes(data[4 + 4 * i: 8 + 4 * i], "big") for i in range(data[3])]
            return np.frombuffer(data, np.uint8, offset=4 + 4 * len(sizes)).reshape(sizes)
    sys.exit(f"bench/cgmnist: no {name} in {folder}")


def make_container(mnist, path, train, test):
    """Each training image in its digit's mean colour plus N(0, 0.03 I), clipped; each test image in that of a random digit."""
    random, parts = np.random.default_rng(30), {}
    for split, stem, rows in (("train", "train", train), ("test", "t10k", test)):
        gray, label = read_idx(mnist, f"{stem}-images-idx3-ubyte")[:rows], read_idx(mnist, f"{stem}-labels-idx1-ubyte")[:rows]
        digit = label if split == "train" else random.integers(0, 10, rows)
        noise = random.normal(0, math.sqrt(0.03), (rows, 3)) if split == "train" else 0
        colour = np.clip(PALETTE[digit] + noise, 0, 1)
        parts[f"{split}_image"] = np.round(gray[..., None] * colour[:, None, None, :]).astype(np.uint8)
        parts[f"{split}_label"] = label.astype(np.int64)
    np.save(path, np.array(parts, dtype=object), allow_pickle=True)


# ---- Ours ----

def slug(name):
    return "".join(c if c.isalnum() else "-" for c in name)


def compile_row(o, name, policy, method, settings):
    out = f"{o.out}/{slug(name)}"
    call = [o.mmlc, "examples/cgmnist.mml", "-o", out]
    if policy:
        call += ["--set", "train.unimodal.policy=" + policy.format(n=o.stage1 + o.stage2, e=o.stage1)]
        call += ["--set", f"train.unimodal.probe=pid(every = {o.every} epochs, bins = kmeans(20, pca = 5), samples = 2000, "
                          f"estimator = {settings.get('estimator', 'adjusted')})"]
    if method:
        call += ["--set", f"train.joint.method={method}"]
    subprocess.run(call, check=True)
    return out


def data_options(o):
    return ["--root", o.mnist, "--file", o.container, "--limit", str(o.train), "--test-limit", str(o.test)]


def run_row(o, program, policy, method, kernels="fast"):
    """The folders of the runs, one a seed."""
    out = f"{program}-runs" if kernels == "fast" else f"{program}-{kernels}"
    call = [program] + data_options(o) + ["--joint-epochs", str(o.stage2 if method and policy else o.stage1 + o.stage2 if method else 0)]
    call += ["--unimodal-epochs", str(0 if not policy else o.stage1 if method else o.stage1 + o.stage2)]
    call += ["--sweep", f"seed=1..{o.seeds}", "--jobs", str(o.jobs), "--out", out, "--quiet", "--kernels", kernels]
    if os.path.exists(f"{out}/sweep.json"):
        call = [program, "--resume", out, "--quiet"]
    subprocess.run(call, check=True)
    return [f"{out}/cells/{cell:03d}" for cell in range(o.seeds)]


def accuracy_of(folder, head):
    summary = json.load(open(f"{folder}/summary.json"))
    return 100 * (summary["head"][head] if head else summary["accuracy"])


def initial_weights(o, program, seed):
    out = f"{o.out}/initial-{seed}"
    if not os.path.exists(f"{out}/last.safetensors"):
        subprocess.run([program] + data_options(o) + ["--unimodal-epochs", "0", "--joint-epochs", "0", "--seed", str(seed), "--out", out, "--quiet"], check=True)
    return f"{out}/last.safetensors"


# ---- The same in PyTorch ----

def tensors(o):
    import torch
    parts = np.load(o.container, allow_pickle=True, encoding="latin1").item()
    sets = {}
    for split, stem, rows in (("train", "train", o.train), ("test", "t10k", o.test)):
        gray = (read_idx(o.mnist, f"{stem}-images-idx3-ubyte")[:rows, None] / 255 - 0.1307) / 0.3081
        color = (parts[f"{split}_image"][:rows].transpose(0, 3, 1, 2) / 255 - np.array([.4914, .4822, .4465])[:, None, None]) / np.array([.2023, .1994, .2010])[:, None, None]
        label = read_idx(o.mnist, f"{stem}-labels-idx1-ubyte")[:rows]
        sets[split] = ({"gray": torch.tensor(gray, dtype=torch.float32), "color": torch.tensor(color, dtype=torch.float32)}, torch.tensor(label, dtype=torch.int64))
    return sets


def model(weights):
    import torch
    from torch import nn
    from safetensors.torch import load_file
    there = load_file(weights)

    def cnn4(channels):
        layers = {"0.0": nn.BatchNorm2d(channels), "0.1": nn.Conv2d(channels, 32, 5, padding=2), "relu1": nn.ReLU(), "pool": nn.MaxPool2d(3, 2, 1),
                  "0.4": nn.Conv2d(32, 32, 3, padding=1), "relu2": nn.ReLU(), "0.6": nn.Conv2d(32, 64, 3, 2, 1), "relu3": nn.ReLU(),
                  "0.8": nn.Conv2d(64, 64, 3, padding=1), "relu4": nn.ReLU(), "mean": nn.AdaptiveAvgPool2d(1), "flat": nn.Flatten(),
                  "0.11": nn.Linear(64, 512), "1": nn.Linear(512, 64)}
        return layers, nn.Sequential(*layers.values())

    class Pair(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.head, named = nn.ModuleDict(), nn.ModuleDict(), {}
            for m, channels in (("gray", 1), ("color", 3)):
                layers, self.encoder[m] = cnn4(channels)
                self.head[m] = nn.Linear(64, 10)
                named |= {f"encoder.{m}.{name}": layer for name, layer in layers.items()} | {f"head.{m}": self.head[m]}
            self.fusion = nn.Linear(128, 10)
            for name, layer in (named | {"fusion": self.fusion}).items():
                own = {k[len(name) + 1:]: v for k, v in there.items() if k.rpartition(".")[0] == name}
                layer.load_state_dict(own, strict=True)

    return Pair()


def train_torch(o, sets, weights, seed, active, method, joint_epochs):
    """active: for each epoch of Stage I the modalities that are trained. Gives accuracies by head and fused."""
    import torch
    from torch.nn.functional import cross_entropy
    torch.manual_seed(seed)
    net, (inputs, labels) = model(weights), sets["train"]
    for stage, epochs in (("unimodal", len(active)), ("joint", joint_epochs)):
        optimizer = torch.optim.SGD(net.parameters(), lr=1e-2, momentum=0.9, weight_decay=1e-4)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, 30, 0.1)
        for epoch in range(epochs):
            net.train()
            for rows in torch.randperm(len(labels)).split(64):
                y, loss, features = labels[rows], 0, {}
                for m in active[epoch] if stage == "unimodal" else ("gray", "color"):
                    features[m] = net.encoder[m](inputs[m][rows])
                    if stage == "unimodal" or method == "uniform()":
                        loss = loss + cross_entropy(net.head[m](features[m]), y)
                if stage == "joint":
                    loss = loss + cross_entropy(net.fusion(torch.cat([features["gray"], features["color"]], 1)), y)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
            schedule.step()
    net.eval()
    (inputs, labels), right = sets["test"], {"gray": 0, "color": 0, None: 0}
    with torch.no_grad():
        for rows in torch.arange(len(labels)).split(500):
            features = {m: net.encoder[m](inputs[m][rows]) for m in inputs}
            logits = {m: net.head[m](features[m]) for m in inputs} | {None: net.fusion(torch.cat([features["gray"], features["color"]], 1))}
            for k, z in logits.items():
                right[k] += int((z.argmax(1) == labels[rows]).sum())
    return {k: 100 * n / len(labels) for k, n in right.items()}


def torch_row(o, sets, name, folders, head, policy, method):
    """Accuracies, one a seed. Each is kept in OUT/pytorch.json as soon as it is there, so that a broken-off table goes on."""
    kept, values = f"{o.out}/pytorch.json", []
    results = json.load(open(kept)) if os.path.exists(kept) else {}
    for seed, folder in enumerate(folders, 1):
        key = f"{name}, seed {seed}"
        if key in results:
            values.append(results[key])
            continue
        lines = [json.loads(line) for line in open(f"{folder}/metrics.jsonl")]
        active = [line["active"] for line in lines if line["stage"] == "unimodal" and line["split"] == "train"]
        joint = sum(line["stage"] == "joint" and line["split"] == "train" for line in lines)
        values.append(train_torch(o, sets, initial_weights(o, o.initial, seed), seed, active, method, joint)[head])
        results[key] = values[-1]
        with open(f"{kept}.new", "w") as file:
            json.dump(results, file, indent=1)
        os.replace(f"{kept}.new", kept)
    return values


# ---- The table ----

def spread(values):
    return f"{statistics.mean(values):5.1f} ± {statistics.stdev(values) if len(values) > 1 else math.nan:4.1f}"


def main():
    p = argparse.ArgumentParser()
    p.add_argument("mnist")
    for name, default in (("train", 60000), ("test", 10000), ("stage1", 150), ("stage2", 100), ("seeds", 5), ("every", 5), ("jobs", 1)):
        p.add_argument(f"--{name}", type=int, default=default)
    p.add_argument("--container")
    p.add_argument("--mmlc", default="build/release/compiler/mmlc")
    p.add_argument("--out", default="build/cgmnist")
    p.add_argument("--rows", default="")
    p.add_argument("--ours", action="store_true")
    p.add_argument("--reference", action="store_true")
    o = p.parse_args()
    o.out, o.mnist = os.path.abspath(o.out), os.path.abspath(o.mnist)
    os.makedirs(o.out, exist_ok=True)
    kept, protocol = f"{o.out}/protocol.json", {k: v for k, v in vars(o).items() if k in ("mnist", "container", "train", "test", "stage1", "stage2", "every")}
    if os.path.exists(kept) and json.load(open(kept)) != protocol:
        sys.exit(f"bench/cgmnist: {o.out} holds the runs of another protocol ({kept}); name another --out")
    with open(kept, "w") as file:
        json.dump(protocol, file, indent=1)
    if not o.container:
        o.container = f"{o.out}/container.npy"
        if not os.path.exists(o.container):
            make_container(o.mnist, o.container, o.train, o.test)
    chosen = [row for row in ROWS if not o.rows or row[0] in o.rows.split(";")]
    programs = {name: compile_row(o, name, policy, method, settings) for name, _, policy, method, settings in chosen}
    o.initial = programs[chosen[0][0]]        # weights before training are the same in all rows
    sets = None if o.ours or o.reference else tensors(o)
    print(f"test accuracy in % after the last epoch, mean ± standard deviation over {o.seeds} seeds; {o.train} training and {o.test} test rows,")
    print(f"Stage I {o.stage1} epochs at most, Stage II {o.stage2}; rows of one stage train for {o.stage1 + o.stage2}")
    print(f"{'':26} {'MML':>12} {'plain kernels' if o.reference else 'PyTorch':>13} {'difference':>11} {'allowed':>8}  epochs of Stage I")
    for name, head, policy, method, _ in chosen:
        folders = run_row(o, programs[name], policy, method)
        ours = [accuracy_of(folder, head) for folder in folders]
        lengths = [json.load(open(f"{folder}/summary.json"))["stages"][0]["epochs"] for folder in folders]
        line = f"{name:26} {spread(ours):>12}"
        if sets or o.reference:
            theirs = ([accuracy_of(folder, head) for folder in run_row(o, programs[name], policy, method, "reference")] if o.reference
                      else torch_row(o, sets, name, folders, head, policy, method))
            deviation = [statistics.stdev(v) if len(v) > 1 else 0 for v in (ours, theirs)]
            allowed = max(1, 2 * math.sqrt(sum(d * d / o.seeds for d in deviation)))
            difference = statistics.mean(ours) - statistics.mean(theirs)
            line += f" {spread(theirs):>13} {difference:+11.2f} {allowed:8.2f}{' ' if abs(difference) <= allowed else '!'}"
        print(line, "", " ".join(map(str, lengths)), flush=True)


main()
