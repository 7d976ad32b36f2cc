"""Two sides measured in turn, each in a process of its own, and the ratio pair by pair.

A machine's speed drifts while one measures; two runs that follow each other drift together.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netlang.system.numpy import Array

CHECKOUT = Path(__file__).parents[2]
EXAMPLES = CHECKOUT / "examples"
NETLANG = str(Path(sysconfig.get_path("scripts")) / "netlang")
Command = Sequence[str | Path]
SYMBOLS = {"N": 1, "T": 64, "H": 224, "W": 224}
"""Sizes that a network leaves open: one image, one text of 64 tokens."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of a process took: seconds on the clock, on the processors; bytes at most."""

    wall: float
    cpu: float
    peak: int


class Failed(Exception):
    """A command did not do what was to be measured."""


def arrays(inputs: Mapping[str, tuple[bool, Iterable[str]]]) -> dict[str, Array]:
    """Draw what a network is given, by whether it is of floats and by its sizes: ``N``, ``3``."""
    import numpy as np

    rng = np.random.default_rng(0)
    drawn: dict[str, Array] = {}
    for name, (floats, sizes) in inputs.items():
        shape = [SYMBOLS[size] if size in SYMBOLS else int(size) for size in sizes]
        drawn[name] = (
            rng.normal(size=shape).astype(np.float32) if floats else rng.integers(0, 10, shape)
        )
    return drawn


def clock() -> float:
    """Return the time by which a worker measures: of the processor where there is one thread."""
    return time.process_time() if os.environ.get("OMP_NUM_THREADS") == "1" else time.perf_counter()


def run(command: Command) -> Run:
    """Run a command to its end, its output thrown away."""
    # As in an installed package, what Python has compiled once it need not compile again.
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        start = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command], stdout=nowhere, stderr=subprocess.PIPE, env=env
        )
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise Failed(said.decode(errors="replace").strip().rpartition("\n")[2])
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)


def in_turn(ours: Command, theirs: Command | None, rounds: int) -> tuple[list[Run], list[Run]]:
    """Run two commands A B A B ..., after one run of each that does not count."""
    sides = [ours] if theirs is None else [ours, theirs]
    for side in sides:
        run(side)
    runs: tuple[list[Run], list[Run]] = ([], [])
    for _ in range(rounds):
        for side, kept in zip(sides, runs, strict=False):
            kept.append(run(side))
    return runs


def middle(runs: Sequence[Run], what: Callable[[Run], float]) -> float:
    return median(map(what, runs))


def ratio(slow: Sequence[float], fast: Sequence[float]) -> float:
    """Return how many times as long the first takes: the median over pairs."""
    return median(a / b for a, b in zip(slow, fast, strict=True))


class Worker:
    """A process that does something once for each line it is sent and says how long it took."""

    def __init__(self, command: Command) -> None:
        self._process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if not self._line():
            raise Failed(f"{command[1]} did not start")

    def measure(self, times: int = 1) -> float:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{times}\n")
        self._process.stdin.flush()
        return float(self._line())

    def close(self) -> None:
        self._process.communicate()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def workers_in_turn(workers: Sequence[Worker], rounds: int) -> list[list[float]]:
    """Let workers measure in turn, each so often at a time that it takes a third of a second.

    What runs once after another process had the machine finds nothing where it left it, which
    costs a fast side more than a slow one. Which of them comes first changes from round to round: a
    twin measured against itself would seem some percent slower.
    """
    often = [max(1, round(0.3 / min(w.measure(), w.measure()))) for w in workers]
    taken: list[list[float]] = [[] for _ in workers]
    sides = list(zip(workers, often, taken, strict=True))
    for turn in range(rounds):
        for side, times, kept in sides if turn % 2 == 0 else sides[::-1]:
            kept.append(side.measure(times))
    return taken


def has(python: str, *modules: str) -> bool:
    """Check whether a Python can import what a peer needs."""
    code = f"from importlib.util import find_spec; assert all(map(find_spec, {modules!r}))"
    try:
        return not subprocess.run([python, "-c", code], capture_output=True, check=False).returncode
    except OSError:
        return False


def skipped(what: str, modules: str) -> str:
    return f"{what}: skipped, {modules} is not installed there (--peers names another Python)"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def answer(step: Callable[[], object], clock: Callable[[], float], wanted: str = "") -> None:
    """Do as many steps as each line that comes in says, and tell how long one takes.

    Where a number is ``wanted``, do that many and print nothing.
    """
    if wanted:
        for _ in range(int(wanted)):
            step()
        return
    step()
    print("ready", flush=True)
    for line in sys.stdin:
        start = clock()
        for _ in range(int(line)):
            step()
        print((clock() - start) / int(line), flush=True)
