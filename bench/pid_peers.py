"""The union information I_q of a decomposition by mmlc pid and by public solvers: the problem of Bertschinger et
al. (2014) through cvxpy with CLARABEL, ECOS and SCS, dit's PID_BROJA, and a PyTorch transcription of the
published FastPID (fastpid_torch.py). Same tables, one thread each, one run.

Tables: counts of 6,698 samples from a latent-class model with a fixed seed. Times of the conic solvers are
the solver's own (compilation by cvxpy left out, in their favour); dit's and FastPID's are of the call; ours
are the whole solve with its certificate, the least of 7 before and 7 after the peers. Error: |I_q - ours| in
bits, ours being right to its gap. A peer that takes longer than --limit seconds is stopped.
"""
import argparse
import json
import multiprocessing
import subprocess
import tempfile
import time

import numpy as np

PEERS = ("CLARABEL", "ECOS", "SCS", "dit", "FastPID", "FastPID-2000")     # -2000: goes on to its limit of iterations
TARGETS = {"CLARABEL": 20, "ECOS": 40, "FastPID": 300, "FastPID-2000": 300}          # at 20x20x6


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


def information(pair):
    p = pair / pair.sum()
    outer = p.sum(1, keepdims=True) * p.sum(0, keepdims=True)
    return float((p[p > 0] * np.log2(p[p > 0] / outer[p > 0])).sum())


def ours(mmlc, counts, repeats=7):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        json.dump({"counts": counts.tolist()}, f)
        f.flush()
        runs = [json.loads(subprocess.run([mmlc, "pid", f.name, "--json"], check=True,
                                          capture_output=True, text=True).stdout) for _ in range(repeats)]
    best = min(runs, key=lambda r: r["seconds"])
    return best["seconds"], best["total"] - best["synergy"], best["gap"]


def conic(counts, solver):
    import cvxpy as cp
    p = counts / counts.sum()
    n1, n2, ny = p.shape
    p1, p2 = p.sum(1), p.sum(0)
    q = [cp.Variable((n1, n2), nonneg=True) for _ in range(ny)]
    total = sum(q)
    constraints = [c for y in range(ny) for c in (cp.sum(q[y], axis=1) == p1[:, y], cp.sum(q[y], axis=0) == p2[:, y])]
    problem = cp.Problem(cp.Minimize(sum(cp.sum(cp.rel_entr(q[y], total)) for y in range(ny))), constraints)
    start = time.perf_counter()
    problem.solve(solver=solver)
    seconds = problem.solver_stats.solve_time or time.perf_counter() - start
    py = p.sum((0, 1))
    entropy = -sum(v * np.log(v) for v in py if v > 0)
    return seconds, (entropy + problem.value) / np.log(2)


def by_dit(counts):
    import dit
    from dit.pid import PID_BROJA
    cells = [tuple(map(int, c)) for c in np.argwhere(counts)]
    distribution = dit.Distribution(cells, [counts[c] / counts.sum() for c in cells])
    start = time.perf_counter()
    redundancy = float(PID_BROJA(distribution, ((0,), (1,)), (2,)).get_red(((0,), (1,))))
    return time.perf_counter() - start, information(counts.sum(1)) + information(counts.sum(0)) - redundancy


def by_fastpid(counts, tolerance=1e-5):
    import torch
    from fastpid_torch import fastpid
    torch.set_num_threads(1)
    fastpid(counts, iterations=5)
    result = fastpid(counts, tolerance=tolerance)
    return result["seconds"], result["union"], f"{result['iterations']} iterations"


def attempt(send, counts, peer):
    try:
        own = {"dit": by_dit, "FastPID": by_fastpid, "FastPID-2000": lambda table: by_fastpid(table, 0)}
        send.send(own[peer](counts) if peer in own else conic(counts, peer))
    except Exception as error:                                   # a solver that gives up is a result
        send.send(str(error).splitlines()[0])


def within(limit, counts, peer):
    """(seconds, I_q[, remark]), or why there is none."""
    receive, send = multiprocessing.Pipe(False)
    process = multiprocessing.Process(target=attempt, args=(send, counts, peer))
    process.start()
    outcome = receive.recv() if receive.poll(limit) else f"stopped after {limit:.0f} s"
    process.kill()
    process.join()
    return outcome


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mmlc")
    parser.add_argument("--limit", type=float, default=120)
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--tables", default="4x4x3,8x8x4,20x20x6")
    options = parser.parse_args()
    for text in options.tables.split(","):
        counts = table(*map(int, text.split("x")), 6698, 1)
        seconds, union, gap = ours(options.mmlc, counts)
        outcomes = {peer: within(options.limit, counts, peer) for peer in options.peers.split(",")}
        seconds = min(seconds, ours(options.mmlc, counts)[0])
        print(f"\n{text}: mmlc pid {1e3 * seconds:.2f} ms, I_q = {union:.9f} bit, gap {gap:.1e} bit")
        print(f"{'':>13} {'time':>12} {'ratio':>9} {'error [bit]':>12}")
        for peer, outcome in outcomes.items():
            if isinstance(outcome, str):
                print(f"{peer:>13} {outcome}", end="")
                least = options.limit / seconds
                print(f": at least {least:.0f}x" if outcome.startswith("stopped") else "")
                continue
            target = TARGETS.get(peer) if text == "20x20x6" else None
            print(f"{peer:>13} {1e3 * outcome[0]:9.0f} ms {outcome[0] / seconds:8.0f}x {abs(outcome[1] - union):12.1e}" + "".join("  " + r for r in outcome[2:])
                  + (f"  target {target}x" if target else ""))


if __name__ == "__main__":
    main()
