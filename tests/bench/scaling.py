"""How a step of training scales with ranks: measurements, and a model of its cost.

python tests/bench/scaling.py [--side 224] [--rows 32] [--ranks 1 2 4] [--rounds 3] [--steps 5]
python tests/bench/scaling.py --plan

With --processor, the time of a step is that of the processor without the sums, and of one sum: for
a machine that others use too, on which a rank that waits for another one says nothing.
The first command trains a network of `training_cases.py` with batches of ROWS in 1, 2 and 4 ranks
of one thread, one after the other in each round, and compares their steps with the model, whose
numbers come from one rank with two batch sizes and from sums over two ranks. It fails if the model
is wrong by more than a quarter, or two ranks are less than 1.6 times as fast as one. The second
prints the tables of `docs/scaling.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from math import ceil, log2
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netlang.system.numpy import Array

MPIEXEC = Path(sys.executable).with_name("mpiexec")
SPEEDUP, ERROR = 1.6, 0.25
"""How many times as fast two ranks are at least, and how wrong the model may be."""
COPIES = 4
"""How often the gradients are copied: into sums, into a flat array, from it, and as zeros."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What the cost of a step depends on, in seconds, bytes, and bytes per second.

    ``example`` is for forward and backward of an example, ``fixed`` for what every rank does in
    each step: the update, calls. ``copying`` is how many bytes a core copies in a second. ``cores``
    are those that the ranks of one host share; 0 where each rank has its own.
    """

    example: float
    fixed: float
    latency: float
    bandwidth: float
    copying: float
    cores: int = 0

    def exchange(self, ranks: int, size: int) -> float:
        """Return the seconds of what several ranks do and one does not.

        That is a sum over them, as reduce-scatter and allgather, and what surrounds it.
        """
        if ranks == 1:
            return 0.0
        messages = 2 * ceil(log2(ranks)) * self.latency
        moved = 2 * (ranks - 1) / ranks * size / self.bandwidth
        return messages + moved + COPIES * size / self.copying

    def step(self, rows: int, ranks: int, size: int) -> float:
        """Return the seconds of a step with a batch of some rows, of all ranks together."""
        waiting = max(1.0, ranks / self.cores) if self.cores else 1.0
        computing = self.example * rows / ranks + self.fixed
        return waiting * (computing + self.exchange(ranks, size))


def fitted(
    whole: float, half: float, rows: int, sums: Sequence[float], copy: float, size: int
) -> Machine:
    """Return the machine on which these seconds were measured.

    ``whole`` and ``half`` are those of a step of one rank with ``rows`` and half of them, ``sums``
    those of a sum over two ranks, of one number and of ``size`` bytes, which ``copy`` copies.
    """
    example = (whole - half) / (rows / 2)
    fixed = max(0.0, whole - example * rows)
    return Machine(example, fixed, sums[0] / 2, size / (sums[1] - sums[0]), size / copy)


NETWORKS = {
    "1 Gbit/s Ethernet": (50e-6, 0.117e9),
    "10 Gbit/s Ethernet": (30e-6, 1.17e9),
    "100 Gbit/s InfiniBand": (2e-6, 11.7e9),
}
"""Usual latencies of a message, and bytes per second in each direction."""
MEASURED = Machine(example=0.0881, fixed=0.0, latency=2e-6, bandwidth=0.458e9, copying=19.9e9)
"""ResNet-18 with images of 224 by 224 on one core, and what is in `docs/scaling.md`."""
BYTES = 44_744_744
"""What its ranks exchange in a step."""
PLANNED = (8, 64, 512)


def plan(machine: Machine, size: int, rows: Callable[[int], int]) -> list[str]:
    """Return a table of the seconds of the exchange, and the share of a step that computes.

    ``rows`` are those of a rank, of some ranks.
    """
    lines = [
        f"| network | {' | '.join(f'{ranks} ranks' for ranks in PLANNED)} |",
        f"| --- |{' --- |' * len(PLANNED)}",
    ]
    for name, (latency, bandwidth) in NETWORKS.items():
        there = replace(machine, latency=latency, bandwidth=bandwidth, cores=0)
        cells: list[str] = []
        for ranks in PLANNED:
            alone = there.step(rows(ranks), 1, size)
            seconds = there.step(rows(ranks) * ranks, ranks, size)
            cells.append(f"{there.exchange(ranks, size) * 1e3:,.0f} ms, {alone / seconds:.0%}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def weak(ranks: int) -> int:
    """Return the examples of a rank where the batch grows with the ranks."""
    del ranks
    return 32


def strong(ranks: int) -> int:
    """Return the examples of a rank where the batch stays as it is."""
    return 1024 // ranks


# Measuring.


def work(arguments: argparse.Namespace) -> None:
    """Train in this rank, and let the first one print how long steps and sums take."""
    import numpy as np
    from training_cases import CASES, pictures

    import netlang
    from netlang.system.mpi import start

    ranks, now = start(), time.process_time if arguments.processor else time.perf_counter
    times, size, waited, add = [now()], 0, 0.0, ranks.add

    def added(values: Array) -> None:
        nonlocal waited
        began = now()
        add(values)
        waited += now() - began

    if arguments.processor:
        ranks.add = added  # pyright: ignore

    class Times(netlang.Callback):
        def stepped(self, step: int, measured: object) -> None:
            times.append(now() - waited)

    with TemporaryDirectory() as folder:
        known = CASES[arguments.case]
        sized = pictures(known.net, known.file, arguments.side, arguments.rows)
        case = replace(sized, steps=arguments.steps + 1)
        path = case.write(Path(folder))
        draw = np.random.default_rng(0)
        # One epoch: a checkpoint after each would take longer than a step.
        count = case.rows * case.steps
        shape = (count, 1, case.side, case.side)
        images = draw.normal(size=shape).astype(np.float32)
        np.savez(path.parent / "bench.npz", image=images, label=draw.integers(0, 10, count))
        program = netlang.load(path)
        run = program.train(folder=Path(folder) / "run", parallel="mpi", threads=1,
                            callback=Times(), pause=3600)  # fmt: skip
        size = (
            sum(a.nbytes for a in run.model.parameters.arrays().values()) if not ranks.rank else 0
        )
    size = ranks.share(lambda: size)
    sums = {count: summed(ranks, count) for count in (1, size // 4)}
    if ranks.rank == 0:
        # The first step opens sessions and allocates memory.
        seconds = median(b - a for a, b in pairwise(times[1:]))
        if arguments.processor and ranks.count > 1:
            seconds += sums[size // 4]  # what is outside of the sum is in the seconds already
        found = Found(seconds, size, list(sums.values()), copied(size // 4))
        print(json.dumps(asdict(found)))


def copied(count: int) -> float:
    """Return the least seconds of a copy of some numbers."""
    import numpy as np

    source, target, times = np.ones(count, np.float32), np.ones(count, np.float32), list[float]()
    for _ in range(9):
        began = time.process_time()
        np.copyto(target, source)
        times.append(time.process_time() - began)
    return min(times)


def summed(ranks: object, count: int) -> float:
    """Return the least seconds of a sum of some numbers over all ranks."""
    import numpy as np

    from netlang.system.mpi import MpiRanks

    assert isinstance(ranks, MpiRanks)
    values, times = np.ones(count, np.float32), list[float]()
    for _ in range(9):
        ranks.gather(lambda: None)
        began = time.perf_counter()
        ranks.add(values)
        times.append(time.perf_counter() - began)
    return min(times)


@dataclass(frozen=True, slots=True)
class Found:
    """What one job measured: seconds of a step, of an empty and of a full sum, and of a copy."""

    step: float
    bytes: int
    sums: Sequence[float]
    copy: float


def job(ranks: int, rows: int, arguments: argparse.Namespace) -> Found:
    words = [str(MPIEXEC), "-n", str(ranks), sys.executable, __file__, "--work"]
    words += ["--case", arguments.case, "--rows", str(rows), "--steps", str(arguments.steps)]
    words += ["--side", str(arguments.side)]
    words += ["--processor"] if arguments.processor else []
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return Found(**json.loads(done.stdout.splitlines()[-1]))


def measure(arguments: argparse.Namespace) -> bool:
    """Print measurements next to what the model says; return whether they are good enough."""
    rows, all = arguments.rows, sorted({1, 2, *arguments.ranks})
    half: list[Found] = []
    found: dict[int, list[Found]] = {ranks: [] for ranks in all}
    for _ in range(arguments.rounds):
        half.append(job(1, rows // 2, arguments))
        for ranks in all:
            found[ranks].append(job(ranks, rows, arguments))
    steps = {ranks: median(each.step for each in jobs) for ranks, jobs in found.items()}
    sums = [median(each.sums[i] for each in found[2]) for i in (0, 1)]
    copy, size = median(each.copy for each in found[1]), found[1][0].bytes
    machine = fitted(steps[1], median(f.step for f in half), rows, sums, copy, size)
    cores = 0 if arguments.processor else len(os.sched_getaffinity(0))
    machine = replace(machine, cores=cores)
    print(
        f"{arguments.case}, {rows} images of {arguments.side} by {arguments.side}, {size:,} bytes\n"
        f"{machine}"
    )
    good = True
    for ranks, seconds in steps.items():
        said = machine.step(rows, ranks, size)
        speedup = median(a.step / b.step for a, b in zip(found[1], found[ranks], strict=True))
        print(
            f"{ranks} ranks: {seconds * 1e3:.0f} ms per step, {speedup:.2f} times as fast as one; "
            f"model: {said * 1e3:.0f} ms ({said / seconds - 1:+.0%})"
        )
        good &= abs(said / seconds - 1) <= ERROR and (ranks != 2 or speedup >= SPEEDUP)
    return good


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--case", default="resnet18")
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--processor", action="store_true")
    parser.add_argument("--plan", action="store_true")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(arguments)
    elif arguments.plan:
        print("\n\n".join("\n".join(plan(MEASURED, BYTES, rows)) for rows in (weak, strong)))
    else:
        sys.exit(not measure(arguments))


if __name__ == "__main__":
    main()
