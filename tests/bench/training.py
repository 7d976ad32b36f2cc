"""The time and memory of a step of training, as ratios to PyTorch eager.

python tests/bench/training.py --peers PYTHON [CASE ...]    # a Python that has torch

Each side is a process of its own; both run in turn. A ratio is that of the fastest rounds: what
else the machine does only ever adds. With `--threads 1` it is processor time that is measured,
which says something on a machine that is busy too.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from measuring import Command, Worker, has, run, skipped, table, workers_in_turn
from training_cases import CASES

HERE = Path(__file__).parent
STEPS_FOR_MEMORY = "6"
HEADER = ["step", "netlang", "PyTorch", "ratio", "limit", "memory", "PyTorch's", "ratio"]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cases", nargs="*", help=f"of: {', '.join(CASES)}; default: all")
    parser.add_argument("--peers", default=sys.executable, help="a Python with torch")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if not has(options.peers, "torch"):
        sys.exit(skipped("PyTorch", "torch"))
    os.environ["THREADS"] = str(options.threads)
    rows = [row(name, options.peers, options.rounds) for name in options.cases or CASES]
    print(table(HEADER, rows))


def row(name: str, peers: str, rounds: int) -> list[str]:
    case = CASES[name]
    ours: Command = [sys.executable, HERE / "train_ours.py", name]
    theirs: Command = [peers, HERE / "train_torch.py", name]
    sides = Worker(ours), Worker(theirs)
    a, b = (min(times) for times in workers_in_turn(*sides, rounds))
    for side in sides:
        side.close()
    m, n = (run([*side, STEPS_FOR_MEMORY]).peak for side in (ours, theirs))
    what = f"{name}, {case.rows} of {case.side}x{case.side}"
    times = f"{a * 1e3:.2f} ms", f"{b * 1e3:.2f} ms", f"{a / b:.2f}", f"{case.limit}"
    return [what, *times, f"{m / 2**20:.0f} MiB", f"{n / 2**20:.0f} MiB", f"{m / n:.2f}"]


if __name__ == "__main__":
    main()
