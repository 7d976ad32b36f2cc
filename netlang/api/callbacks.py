"""What is called while a run progresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netlang.plan.plan import Plan
    from netlang.plan.schedules import Clock
    from netlang.training.history.reports import Report
    from netlang.training.run.preparation import Opened


class Callback:
    """The progress of a run; override what is of interest.

    >>> import netlang
    >>> class Losses(netlang.Callback):
    ...     def finished_epoch(self, report, line):
    ...         print(report.epoch, report.step)
    >>> program = netlang.load("examples/linear_regression.net")
    >>> run = program.train(folder=tmp / "run", callback=Losses())
    1 100
    2 200
    3 300
    """

    def reading(self, plan: Plan) -> None:
        """Called before the data are read."""

    def opened(self, opened: Opened, folder: Path) -> None:
        """Called when data and model are ready, with the folder of the run."""

    def began(self, step: int, clock: Clock) -> None:
        """Called before the first step; ``step`` is not 0 if the run was resumed."""

    def stepped(self, step: int, measured: Mapping[str, float]) -> None:
        """Called after each step, with its loss and metrics."""

    def finished_epoch(self, report: Report, line: str) -> None:
        """Called after each epoch, with its means and the line of the log."""


class Watch(Callback):
    """Passes the results of each epoch on to a function."""

    def __init__(self, watch: Callable[[Report], object]) -> None:
        self._watch = watch

    def finished_epoch(self, report: Report, line: str) -> None:
        self._watch(report)
