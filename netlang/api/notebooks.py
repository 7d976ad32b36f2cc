"""Curves that move in a notebook while a run trains.

IPython is never imported: in a notebook it is loaded already.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from netlang.api.callbacks import Callback
from netlang.diagram.dark import adaptive_svg
from netlang.plan.schedules import Clock
from netlang.training.history.curves import History, curves
from netlang.training.history.reports import Report, StepReport, interval

_PAUSE = 0.5
"""Seconds between two updates of the curves."""


class LiveCurves(Callback):
    """Displays the curves of a run in a notebook, and replaces them as it progresses."""

    def __init__(self, shell: Any, title: str) -> None:
        self._shell = shell
        self._title = title
        self._handle: Any = None
        self._reports: list[Report] = []
        self._steps: list[StepReport] = []
        self._drawn = 0.0

    def began(self, step: int, clock: Clock) -> None:
        self._clock, self._interval = clock, interval(clock.total)

    def stepped(self, step: int, measured: Mapping[str, float]) -> None:
        if step % self._interval == 0:
            epoch = step / self._clock.steps_per_epoch
            self._steps.append(StepReport(step, epoch, dict(measured), 0.0, 0.0))
        if step == self._clock.total or time.monotonic() - self._drawn > _PAUSE:
            self._draw()

    def finished_epoch(self, report: Report, line: str) -> None:
        self._reports.append(report)
        self._draw()

    def _draw(self) -> None:
        if not self._reports and len(self._steps) < 2:
            return
        self._drawn = time.monotonic()
        drawing = curves(self._title, History(self._reports, self._steps))
        content = {"image/svg+xml": adaptive_svg(drawing), "text/plain": self._title}
        display = sys.modules["IPython"].display.display
        if self._handle is None:
            self._handle = display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)


def notebook() -> Any:
    """Return the shell of the notebook that this process is the kernel of, or ``None``."""
    module: Any = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    return shell if shell is not None and hasattr(shell, "kernel") else None
