"""Seconds of a training step: ours and PyTorch's, alternating in rounds. Called by bench/train_step.

A round times some steps of each; a step of ours is the trainer's own time for an epoch (loading included) by its
number of batches, first epoch left out, a step of PyTorch's is forward, backward and SGD on a batch that lies ready.
While one is timed the other waits. The machine is watched: when others, or the hypervisor, left less than 1.6 of the
two cores to the process at hand, its round is thrown away and said so.

Ratios: PyTorch's seconds by ours, of the medians and of the minima. --start adds the time from process start to the
end of the first step (ours: mmlc without its cache and the trainer; PyTorch: python, import and step; five of each,
alternating), --memory the peak resident memory after five steps.
"""
import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

from train_step_models import PAIRS, module

LEAST_CORES = 1.6
STEPS = {"cnn": 10, "resnet18": 2, "mlp": 200}      # in one round
WARM = {"cnn": 3, "resnet18": 1, "mlp": 50}
STARTS = 5


def busy_seconds(cpus):
    """Of these CPUs since boot: by anybody, the hypervisor's other guests included."""
    total = 0
    for line in open("/proc/stat"):
        name, *fields = line.split()
        if name.startswith("cpu") and name[3:].isdigit() and int(name[3:]) in cpus:
            user, nice, system, _, _, irq, softirq, steal = map(int, fields[:8])
            total += user + nice + system + irq + softirq + steal
    return total / os.sysconf("SC_CLK_TCK")


class Watch:
    """Cores that others left to us while the block ran."""

    def __init__(self, cpus, own_seconds):
        self.cpus, self.own_seconds = cpus, own_seconds

    def __enter__(self):
        self.wall, self.busy, self.own = time.perf_counter(), busy_seconds(self.cpus), self.own_seconds()
        return self

    def __exit__(self, *_):
        wall = time.perf_counter() - self.wall
        others = busy_seconds(self.cpus) - self.busy - (self.own_seconds() - self.own)
        self.cores = len(self.cpus) - max(0, others) / wall


def children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def high_water(pid="self"):
    """VmHWM of a living process in MiB. (ru_maxrss won't do: over vfork and exec it keeps the size of the parent.)"""
    try:
        with open(f"/proc/{pid}/status") as status:
            return next((int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:")), 0)
    except (FileNotFoundError, ProcessLookupError):
        return 0


def spawn(command, folder, peak=False):
    """Runs a child; with peak its peak memory in MiB, looked at every 5 ms."""
    most = 0
    with open(folder / "log", "w") as log:
        child = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        while peak and child.poll() is None:
            most = max(most, high_water(child.pid))
            time.sleep(5e-3)
        status = child.wait()
    if status:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{(folder / 'log').read_text()}")
    return most


class Ours:
    def __init__(self, mmlc, key, folder):
        self.pair, self.key, self.folder, self.mmlc, self.runs = PAIRS[key], key, folder, mmlc, 0
        self.batches = max(WARM[key], STEPS[key])
        self.pair.write(folder, self.batches * self.pair.batch)
        (folder / "pair.mml").write_text(self.pair.program(folder))
        spawn([mmlc, "--cache", "off", "pair.mml"], folder)

    def round(self):
        self.runs += 1
        out = self.folder / f"run{self.runs}"
        spawn(["./pair", "--threads", "2", "--out", str(out), "--set", "train.joint.epochs=2"], self.folder)
        lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
        epochs = [line["seconds"] for line in lines if line["split"] == "train"]
        return epochs[-1] / self.batches

    def memory(self):
        return spawn(["./pair", "--threads", "2", "--out", str(self.folder / "memory"), "--set", "train.joint.epochs=2"], self.folder, peak=True)

    def start(self, cache="off"):
        began = time.perf_counter()
        spawn([self.mmlc, "--cache", cache, "pair.mml"], self.folder)
        spawn(["./pair", "--threads", "2", "--check"], self.folder)
        return time.perf_counter() - began


class Torch:
    """One model in this process."""

    def __init__(self, key, peer):
        import torch
        torch.set_num_threads(2)
        self.torch, self.key, pair = torch, key, PAIRS[key]
        self.model = module(pair)
        arrays = pair.arrays(pair.batch, 1)
        self.views = [torch.from_numpy(arrays[v[0]]) for v in pair.views]
        self.labels = torch.from_numpy(arrays["label"])
        if peer == "channels_last" and self.views[0].dim() == 4:
            self.model = self.model.to(memory_format=torch.channels_last)
            self.views = [v.to(memory_format=torch.channels_last) for v in self.views]
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-3, momentum=0.9, weight_decay=1e-4)
        if peer == "compile":
            self.model = torch.compile(self.model)
        for _ in range(WARM[key]):
            self.step()

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        self.torch.nn.functional.cross_entropy(self.model(*self.views), self.labels).backward()
        self.optimizer.step()

    def round(self):
        began = time.perf_counter()
        for _ in range(STEPS[self.key]):
            self.step()
        return (time.perf_counter() - began) / STEPS[self.key]


def torch_alone(key, what):
    """In a process of its own, what: start (one step) or memory (five); prints the peak in MiB."""
    peer = Torch.__new__(Torch)
    WARM[key] = 1 if what == "start" else 5
    peer.__init__(key, "eager")
    print(high_water())


def bench(mmlc, key, peers, rounds, cpus, options):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        ours = Ours(mmlc, key, folder)
        contestants = {peer: Torch(key, peer) for peer in peers}
        times, rejected = {"mml": [], **{p: [] for p in peers}}, 0
        for _ in range(rounds):
            with Watch(cpus, children_seconds) as watch:
                seconds = ours.round()
            if watch.cores >= LEAST_CORES: times["mml"].append(seconds)
            else: rejected += 1
            for peer, contestant in contestants.items():
                with Watch(cpus, time.process_time) as watch:
                    seconds = contestant.round()
                if watch.cores >= LEAST_CORES: times[peer].append(seconds)
                else: rejected += 1
        print(f"{PAIRS[key].title}: ms a step, {rounds} rounds of {STEPS[key]} steps"
              + (f", {rejected} measurements thrown away: others had more than {2 - LEAST_CORES:.1f} cores" if rejected else ""))
        if not all(times.values()):
            sys.exit(f"{key}: too little of the machine was left; try again when nothing else runs")
        best = {p: (statistics.median(t), min(t)) for p, t in times.items()}
        for peer, (median, least) in best.items():
            ratio = "" if peer == "mml" else f"   {median / best['mml'][0]:6.2f} times ours by medians, {least / best['mml'][1]:6.2f} by minima"
            print(f"  {peer:>14}  median {1000 * median:9.3f}  minimum {1000 * least:9.3f}{ratio}", flush=True)
        if peers:
            median, least = min(best[p][0] for p in peers), min(best[p][1] for p in peers)
            print(f"  best of PyTorch by ours: {median / best['mml'][0]:.2f} (medians), {least / best['mml'][1]:.2f} (minima)", flush=True)
        alone = lambda what: subprocess.run([sys.executable, __file__, "--alone", what, key], check=True, capture_output=True, text=True).stdout
        if options.start:
            def torch_start():
                began = time.perf_counter()
                alone("start")
                return time.perf_counter() - began
            seconds, theirs = zip(*((ours.start(), torch_start()) for _ in range(STARTS)))
            ours.start("cache")
            cached = [ours.start("cache") for _ in range(STARTS)]
            print("  start to the end of the first step, s:")
            for name, t in ("mml", seconds), ("mml, code cached", cached), ("PyTorch", theirs):
                print(f"  {name:>18}  median {statistics.median(t):6.2f}  minimum {min(t):6.2f}")
            print(f"  PyTorch by ours: {statistics.median(theirs) / statistics.median(seconds):.1f} (medians), "
                  f"{min(theirs) / min(seconds):.1f} (minima)", flush=True)
        if options.memory:
            theirs = float(alone("memory"))
            print(f"  peak memory: mml {ours.memory():.0f} MiB (two epochs), PyTorch {theirs:.0f} MiB (five steps)", flush=True)


def main():
    if sys.argv[1] == "--alone":
        return torch_alone(sys.argv[3], sys.argv[2])
    parser = argparse.ArgumentParser(prog="bench/train_step")
    parser.add_argument("mmlc")
    parser.add_argument("--pairs", default="cnn,resnet18,mlp")
    parser.add_argument("--peers", default="eager,channels_last,compile")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--start", action="store_true")
    parser.add_argument("--memory", action="store_true")
    options = parser.parse_args()
    cpus = sorted(os.sched_getaffinity(0))[:2]
    os.sched_setaffinity(0, cpus)
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    print(f"processor: {model}, CPUs {cpus}", flush=True)
    for key in options.pairs.split(","):
        bench(options.mmlc, key, [p for p in options.peers.split(",") if p], options.rounds, set(cpus), options)


main()
