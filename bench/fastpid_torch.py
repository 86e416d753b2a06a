"""The published FastPID (paper, Algorithm 2) in PyTorch, written from its pseudo-code: float32, autograd
through softmax and Sinkhorn sweeps, torch.optim.Adam. What the pseudo-code leaves open is chosen so that
Table VI comes out (runtime/pid/fastpid.h): a sweep scales (x2, y) first, the first comparison is skipped,
the atoms come from the marginals of q.

As a program: seconds an iteration on counts of given sizes, one thread.
    python bench/fastpid_torch.py 20x20x6 16x16x8 …
"""
import sys
import time

import torch

TINY = 1e-30


def project(q, p1y, p2y, sweeps):
    for _ in range(sweeps):
        q = q * (p2y / q.sum(0).clamp_min(TINY)).unsqueeze(0)
        q = q * (p1y / q.sum(1).clamp_min(TINY)).unsqueeze(1)
    return q


def negative_conditional_entropy(q):
    return (q * ((q + TINY).log() - (q.sum(2, keepdim=True) + TINY).log())).sum()


def information(pair):
    return float((pair * ((pair + TINY).log2() - (pair.sum(1, keepdim=True) + TINY).log2()
                          - (pair.sum(0, keepdim=True) + TINY).log2())).sum())


def fastpid(counts, iterations=2000, lr=0.1, tolerance=1e-5, sweeps=10, init="analytic", seed=0):
    """Returns a dict: redundancy, unique (2), synergy, iterations, seconds, q."""
    torch.manual_seed(seed)
    began = time.perf_counter()
    p = torch.as_tensor(counts, dtype=torch.float64)
    p = (p / p.sum()).to(torch.float32)
    p1y, p2y, py = p.sum(1), p.sum(0), p.sum((0, 1))
    if init == "analytic":
        logits = (p1y.unsqueeze(1) * p2y.unsqueeze(0) / py.clamp_min(TINY) + TINY).log()
    else:
        logits = torch.zeros_like(p) if init == "uniform" else torch.randn_like(p)
    logits.requires_grad_(True)
    optimizer = torch.optim.Adam([logits], lr=lr)
    before, done = None, 0
    for done in range(1, iterations + 1):
        optimizer.zero_grad()
        q = project(torch.softmax(logits.flatten(), 0).view_as(p), p1y, p2y, sweeps)
        negative_conditional_entropy(q).backward()
        optimizer.step()
        q = q.detach()
        if before is not None and float((q - before).abs().max()) < tolerance:
            break
        before = q
    with torch.no_grad():
        q = project(torch.softmax(logits.flatten(), 0).view_as(p), p1y, p2y, sweeps)
    seconds = time.perf_counter() - began
    iq = information(q.reshape(-1, q.shape[2]))
    i1, i2 = information(q.sum(1)), information(q.sum(0))
    return {"redundancy": i1 + i2 - iq, "unique": [iq - i2, iq - i1],
            "synergy": information(p.reshape(-1, p.shape[2])) - iq,
            "union": iq, "iterations": done, "seconds": seconds}


def random_counts(n1, n2, ny, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.floor(8 * torch.rand((n1, n2, ny), generator=generator, dtype=torch.float64))


def main():
    torch.set_num_threads(1)
    for text in sys.argv[1:]:
        counts = random_counts(*map(int, text.split("x")))
        fastpid(counts, iterations=20, tolerance=0)
        runs = [fastpid(counts, iterations=100, tolerance=0)["seconds"] / 100 for _ in range(5)]
        print(f"{text} {min(runs):.9f}", flush=True)


if __name__ == "__main__":
    main()
