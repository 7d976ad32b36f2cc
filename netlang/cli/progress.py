"""The progress of a run: a line per epoch, and on a terminal a line that moves."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import click

from netlang.cli.output import echo as say
from netlang.cli.output import movable, page_width
from netlang.plan.plan import Plan
from netlang.plan.schedules import Clock
from netlang.system.watching import WATCHER
from netlang.training.class_weights import described_weights
from netlang.training.history.reports import Report
from netlang.training.lines import epoch_line, epochs_of, metrics, opened_line
from netlang.training.run.preparation import Opened

_PAUSE = 0.1
"""Seconds between two updates of the progress line."""

_CLEAR, _SHOW_CURSOR = "\r\x1b[K", "\x1b[?25h"

_WIDTH = 20
"""Columns of the bar."""


def _can_print(text: str, out: TextIO) -> bool:
    try:
        text.encode(out.encoding)
    except UnicodeEncodeError:
        return False
    return True


class Plain:
    """A line for each epoch."""

    def reading(self, plan: Plan) -> None:
        read = (plan.settings[own] for own in ("data", "valid") if own in plan.settings)
        names = dict.fromkeys(text.partition("(")[0] for text in read)
        say(f"reading {' and '.join(names)} ..." if names else f"preparing {plan.name} ...")

    def read(self, what: str, done: int, total: int) -> None:
        """Show how many bytes of a file are read; a line that does not move says nothing of it."""

    def opened(self, opened: Opened, folder: Path) -> None:
        plan = opened.training.plan
        say(opened_line(opened))
        for line in described_weights(plan, opened.data.source):
            say(line)
        newest = folder.with_name(plan.name)
        same = newest != folder and newest.is_symlink() and newest.resolve() == folder.resolve()
        say(f"run: {folder}" + (f", which is now {newest}" if same else ""))

    def began(self, step: int, clock: Clock) -> None:
        self.clock = clock
        if step:
            say(f"resuming after step {step:,} of {clock.total:,}")

    def stepped(self, step: int, measured: Mapping[str, float]) -> None:
        del step, measured

    def finished_epoch(self, report: Report, line: str) -> None:
        del line
        say(self.summary(report))

    def ended(self) -> None:
        """Leave the terminal to the output that follows."""

    def summary(self, report: Report) -> str:
        """Return an epoch's metrics in one line."""
        return epoch_line(report, self.clock)


class JsonLines(Plain):
    """The log itself."""

    def reading(self, plan: Plan) -> None:
        del plan

    def opened(self, opened: Opened, folder: Path) -> None:
        del opened, folder

    def began(self, step: int, clock: Clock) -> None:
        del step, clock

    def finished_epoch(self, report: Report, line: str) -> None:
        del report
        say(line)


class Live(Plain):
    """A line for each epoch, and below them a progress line that moves with the steps."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._drawn = 0.0

    def read(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._drawn < _PAUSE and done < total:
            return
        self._drawn = now
        line = f"reading {Path(what).name}: {done / max(total, 1):.0%}"
        self._out.write(_CLEAR + (line if done < total else ""))
        self._out.flush()

    def began(self, step: int, clock: Clock) -> None:
        super().began(step, clock)
        self._first, self._start = step, time.monotonic()
        fill, empty = "━─" if _can_print("━─", self._out) else "#-"
        self._bar = click.progressbar(
            length=clock.total, file=self._out, width=_WIDTH, fill_char=fill, empty_char=empty,
            bar_template="%(bar)s %(label)s", show_eta=False, show_percent=False,
        )  # fmt: skip
        self._bar.pos = step

    def stepped(self, step: int, measured: Mapping[str, float]) -> None:
        now = time.monotonic()
        if now - self._drawn < _PAUSE:
            return
        self._drawn = now
        # Not click's estimate: that counts the steps before the run was resumed.
        speed = (step - self._first) / max(now - self._start, 1e-9)
        left = (self.clock.total - step) / speed if speed else 0.0
        epoch = -(-step // self.clock.steps_per_epoch)
        parts = (
            f"{step:,}/{self.clock.total:,}",
            f"epoch {epoch}/{epochs_of(self.clock)}",
            metrics(measured),
            f"{speed:,.0f} steps/s" if speed >= 10 else f"{speed:.2g} steps/s",
            f"{_time(left)} left",
        )
        self._bar.label = "  ".join(parts)[: page_width(self._out) - _WIDTH - 2]
        self._bar.update(step - self._bar.pos)

    def ended(self) -> None:
        self._out.write(f"{_CLEAR}{_SHOW_CURSOR}")
        self._out.flush()

    def finished_epoch(self, report: Report, line: str) -> None:
        self._out.write(_CLEAR)
        seconds = f"  {_time(report.seconds)}"
        say(self.summary(report) + seconds)


@contextmanager
def display(*, as_json: bool) -> Generator[Plain]:
    """Choose how to show a run, and restore the terminal however it ends."""
    live = movable(sys.stdout) and not as_json
    shown = Live(sys.stdout) if live else JsonLines() if as_json else Plain()
    token = WATCHER.set(shown.read)
    try:
        yield shown
    finally:
        WATCHER.reset(token)
        shown.ended()


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
