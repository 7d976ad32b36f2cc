"""The time and memory of a step of training, as ratios to PyTorch: eager, and its fastest mode.

python tests/bench/training.py --peers PYTHON [CASE ...]    # a Python that has torch

PyTorch runs eagerly, with images in channels-last order, and compiled by `torch.compile`. Each is
a process of its own; all run in turn. A ratio is that of the fastest rounds: what else the machine
does only ever adds. The spread is that of netlang's rounds, median to fastest. With `--threads 1`
it is processor time that is measured, which says something on a machine that is busy too.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from statistics import median

from measuring import Command, Worker, has, run, skipped, table, workers_in_turn
from training_cases import CASES

HERE = Path(__file__).parent
STEPS_FOR_MEMORY = "6"
IMAGES = 3
"""The axes that an image has, for which PyTorch has another order in memory."""
HEADER = [
    "step", "netlang", "spread", "PyTorch eager", "fastest mode", "to eager", "to fastest", "limit",
    "memory", "PyTorch's", "ratio",
]  # fmt: skip
QUIET = 0.1
"""How much load there may be besides, in processors, for the machine to count as quiet."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cases", nargs="*", help=f"of: {', '.join(CASES)}; default: all")
    parser.add_argument("--peers", default=sys.executable, help="a Python with torch")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if not has(options.peers, "torch"):
        sys.exit(skipped("PyTorch", "torch"))
    load = os.getloadavg()[0]
    print(f"load before: {load:.2f}, {'quiet' if load < QUIET else 'not quiet'}\n")
    os.environ["THREADS"] = str(options.threads)
    rows = [row(name, options.peers, options.rounds) for name in options.cases or CASES]
    print(table(HEADER, rows))


def row(name: str, peers: str, rounds: int) -> list[str]:
    case = CASES[name]
    ours: Command = [sys.executable, HERE / "train_ours.py", name]
    modes = ["eager", "channels_last", "compile"]
    if len(next(iter(case.batch.values())).shape) != IMAGES:
        modes.remove("channels_last")
    theirs = {mode: [peers, HERE / "train_torch.py", name, mode] for mode in modes}
    workers = [Worker(ours), *map(Worker, theirs.values())]
    times, *peer_times = workers_in_turn(workers, rounds)
    for worker in workers:
        worker.close()
    a, spread = min(times), median(times) / min(times) - 1
    best = dict(zip(modes, map(min, peer_times), strict=True))
    mode = min(best, key=best.__getitem__)
    m, n = (run([*side, STEPS_FOR_MEMORY]).peak for side in (ours, theirs["eager"]))
    shown = f"{best['eager'] * 1e3:.2f} ms", f"{best[mode] * 1e3:.2f} ms ({mode})"
    ratios = f"{a / best['eager']:.2f}", f"{a / best[mode]:.2f}", f"{case.limit}"
    memory = f"{m / 2**20:.0f} MiB", f"{n / 2**20:.0f} MiB", f"{m / n:.2f}"
    line = [f"{name}, {case.size}", f"{a * 1e3:.2f} ms", f"{spread:.0%}", *shown, *ratios, *memory]
    print("  ".join(line), file=sys.stderr, flush=True)
    return line


if __name__ == "__main__":
    main()
