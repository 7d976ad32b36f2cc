"""What each process of a job of `mpiexec` runs in the tests: trains the programs it is given.

python train_in_ranks.py FOLDER [resume] [RANK:EVENT:STEP] PROGRAM ...

Each program is trained in a folder of its name. At a step, a rank may be killed (``kill``), raise
an error (``raise``), or be interrupted (``stop``).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import netlang


def event(text: str) -> Callable[[], bool]:
    """Return what is called after each step of this rank; it returns whether to stop."""
    from mpi4py import MPI

    rank, kind, last = text.split(":")
    calls = 0

    def after_a_step() -> bool:
        nonlocal calls
        calls += MPI.COMM_WORLD.rank == int(rank)
        if calls <= int(last):
            return False
        if kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "raise":
            raise OSError("the disk of this machine is gone")
        return kind == "stop"

    return after_a_step


def main() -> None:
    folder, *rest = sys.argv[1:]
    resume = "resume" in rest
    events = [text for text in rest if text.count(":") == 2]
    for program in rest:
        if program.endswith(".net"):
            netlang.load(program).train(
                folder=Path(folder) / Path(program).stem,
                parallel="mpi",
                threads=1,
                resume=resume,
                interrupted=event(events[0]) if events else lambda: False,
            )


main()
