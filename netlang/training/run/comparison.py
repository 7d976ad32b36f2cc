"""The runs of a folder, and how they differ: in their settings, and in what came of them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec import convert

from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError
from netlang.diagram.drawing import Drawing
from netlang.system.json_text import read_json
from netlang.training.history.curves import History, comparison
from netlang.training.history.landscapes import Landscape
from netlang.training.history.reports import Report, StepReport, WatchReport
from netlang.training.history.traces import traces
from netlang.training.history.watched import compared_norms
from netlang.training.run.checkpoints import BEFORE, LATEST, Progress, progress_of
from netlang.training.run.folder import LANDSCAPE, LOG, STEPS, WATCH, R, parsed
from netlang.training.run.runs import GIVEN, TRACE

_DEPTH = 3
"""How deep below a folder runs are looked for."""
_HIDDEN = ("program", "program.nodes")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A run as its folder records it; ``name`` tells it apart from the others of a list.

    ``settings`` are those of the section and the arguments that it was given, as text. ``steps`` is
    how many were done, and ``total`` how many there are; both are 0 before the first checkpoint.
    """

    name: str
    folder: Path
    section: str
    settings: Mapping[str, str]
    steps: int
    total: int
    stopped: bool
    best_epoch: int
    history: History
    failure: str = ""
    watched: Sequence[WatchReport] = ()
    landscape: Landscape | None = None

    @property
    def best(self) -> Report | None:
        """The epoch that the parameters of the run are of, or that of the lowest loss."""
        reports = self.history.reports
        if self.best_epoch:
            return next((each for each in reports if each.epoch == self.best_epoch), None)
        losses = [(_loss(each), each.epoch, each) for each in reports]
        finite = [each for each in losses if math.isfinite(each[0])]
        return min(finite)[2] if finite else None

    @property
    def state(self) -> str:
        """How far the run is, or why it failed."""
        if self.failure:
            return self.failure
        if not self.total:
            return "no checkpoint"
        if self.stopped:
            return "stopped early"
        over = self.steps >= self.total
        return "finished" if over else f"{self.steps:,} of {self.total:,} steps"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs with their differences; prints as a table for each section."""

    title: str
    runs: Sequence[Recorded]

    def differences(self) -> dict[str, list[str]]:
        """Return the settings that differ, with the value of each run: ``""`` if it has none.

        Of settings that differ between the same runs only the first is listed: a learning rate that
        is a parameter is not listed a second time as that of the optimizer.
        """
        names = dict.fromkeys(name for run in self.runs for name in run.settings)
        found: dict[str, list[str]] = {}
        known: set[tuple[int, ...]] = set()
        for name in sorted(names, key=lambda name: (name in _HIDDEN, not name.startswith(GIVEN))):
            values = [run.settings.get(name, "") for run in self.runs]
            kinds = tuple(values.index(value) for value in values)
            # Of a run without a checkpoint only what it was given is known.
            whole = tuple(kind for kind, run in zip(kinds, self.runs, strict=True) if run.total)
            seen = kinds if name.startswith(GIVEN) or not whole else whole
            if len(set(seen)) < 2 or whole in known:
                continue
            known.add(whole)
            found[name.removeprefix(GIVEN)] = (
                [f"#{sorted(set(kinds)).index(kind) + 1}" for kind in kinds]
                if name in _HIDDEN
                else values
            )
        return found

    def drawing(self) -> Drawing:
        """Plot each metric, one line a run."""
        return comparison(self.title, {run.name: run.history for run in self.runs})

    def watched(self) -> dict[str, Drawing]:
        """Plot what the runs were watched for, by the name of its file."""
        runs = {run.name: run.watched for run in self.runs}
        found = {kind: compared_norms(kind, runs) for kind in ("gradients", "activations")}
        made = {kind: drawing for kind, drawing in found.items() if drawing is not None}
        lands = {r.name: r.landscape for r in self.runs if r.landscape is not None}
        if lands:
            made[TRACE] = traces(f"{self.title}: contours of the loss", lands)
        return made

    @property
    def best(self) -> Recorded | None:
        """The run with the lowest loss at its best epoch."""
        found = [(_loss(run.best), i) for i, run in enumerate(self.runs) if run.best is not None]
        return self.runs[min(found)[1]] if found else None

    def __str__(self) -> str:
        sections = dict.fromkeys(run.section for run in self.runs)
        parts = [
            Comparison(self.title, [run for run in self.runs if run.section == section])
            for section in sections
        ]
        return "\n\n".join(part.table() for part in parts)

    __repr__ = __str__

    def table(self) -> str:
        """Return the runs of one section as a table."""
        differing = self.differences()
        measured = dict.fromkeys(name for run in self.runs for name in _measured(run.best))
        rows = [["run", *differing, "state", "best epoch", *measured]]
        for i, run in enumerate(self.runs):
            values = _measured(run.best)
            epoch = "" if run.best is None else str(run.best.epoch)
            cells = [_number(values[name]) if name in values else "" for name in measured]
            given = [_short(values[i]) for values in differing.values()]
            rows.append([run.name, *given, run.state, epoch, *cells])
        lines = _aligned(rows)
        best = self.best
        if best is not None and len(self.runs) > 1:
            lines += ["", f"lowest loss: {best.name}"]
        return "\n".join(lines)

    def plain(self) -> list[dict[str, object]]:
        """Return the runs as plain values."""
        differing = self.differences()
        return [
            {
                "name": run.name,
                "folder": str(run.folder),
                "section": run.section,
                "steps": run.steps,
                "total": run.total,
                "state": run.state,
                "differences": {name: values[i] for name, values in differing.items()},
                "best": None if run.best is None else _plain(run.best),
                "last": _plain(run.history.reports[-1]) if run.history.reports else None,
            }
            for i, run in enumerate(self.runs)
        ]


def recorded_runs(folder: Path) -> Comparison:
    """Read the runs in a folder and below; raises ``NetlangError`` where there are none."""
    found = list(_folders(folder, _DEPTH))
    if not found:
        raise NetlangError(
            rules.NO_RUN,
            f"there is no run in {folder}" if folder.is_dir() else f"there is no folder {folder}",
            helps=["`netlang train FILE` begins one, in the folder `runs`"],
            exit_code=USAGE,
        )
    names = [str(path.relative_to(folder)) if path != folder else path.name for path in found]
    runs = [recorded(path, name) for path, name in zip(found, names, strict=True)]
    return Comparison(str(folder), sorted(runs, key=lambda run: _natural(run.name)))


def recorded(path: Path, name: str) -> Recorded:
    """Read the run in a folder; what cannot be read is left out."""
    progress = progress_of(path) or Progress(0, {})
    history = History(_read(path / LOG, Report), _read(path / STEPS, StepReport))
    return Recorded(
        name,
        path,
        progress.section,
        progress.settings,
        progress.step,
        progress.total,
        progress.stopped,
        progress.best_epoch,
        history,
        watched=_read(path / WATCH, WatchReport),
        landscape=_landscape(path / LANDSCAPE),
    )


def _read(path: Path, kind: type[R]) -> list[R]:
    try:
        with path.open(encoding="utf-8") as lines:
            return list(parsed(lines, kind))
    except (OSError, UnicodeDecodeError):
        return []


def _landscape(path: Path) -> Landscape | None:
    try:
        return convert(read_json(path.read_text("utf-8")), Landscape)
    except (OSError, ValueError):
        return None


def _folders(folder: Path, depth: int) -> Iterator[Path]:
    if any((folder / name).is_file() for name in (LATEST, BEFORE, LOG, STEPS)):
        yield folder
        return
    inner = [] if not depth or not folder.is_dir() else sorted(folder.iterdir())
    for path in inner:
        # The name of a section is a link to its newest run, which is listed by its number.
        if path.is_dir() and not path.is_symlink() and not path.name.startswith("."):
            yield from _folders(path, depth - 1)


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a key by which `run-9` comes before `run-10`."""
    return [(int(part) if part.isdecimal() else -1, part) for part in re.split(r"(\d+)", name)]


def _loss(report: Report | None) -> float:
    """Return the loss of an epoch on the validation data, if there are any."""
    if report is None:
        return math.nan
    measured = report.valid or report.train
    return next((v for n, v in measured.items() if n == "loss" or n.endswith(".loss")), math.nan)


def _measured(report: Report | None) -> dict[str, float]:
    if report is None:
        return {}
    valid = {f"valid {name}": value for name, value in report.valid.items()}
    return valid or {f"train {name}": value for name, value in report.train.items()}


def _plain(report: Report) -> dict[str, object]:
    return {"epoch": report.epoch, "train": dict(report.train), "valid": dict(report.valid)}


def _number(value: float) -> str:
    return f"{value:.4f}" if 0.001 <= abs(value) < 1000 or value == 0 else f"{value:.4g}"


def _short(text: str) -> str:
    return text if len(text) <= 30 else f"{text[:29]}…"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
