"""One train section run several times, with other values of its parameters each time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from netlang.api.arguments import texts
from netlang.api.training import Options, Run, train
from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostics
from netlang.diagnostics.errors import USAGE, NetlangError
from netlang.diagram.files import save
from netlang.training.run.comparison import Comparison, Recorded, recorded
from netlang.training.run.folder import holds_run, new_sweep, old_sweep
from netlang.training.run.preparation import Choices
from netlang.training.run.runs import CURVES, CURVES_PNG, GIVEN, Display

if TYPE_CHECKING:
    from netlang.api.program import Program


@dataclass(frozen=True, slots=True)
class Sweep:
    """The runs of a sweep by what they were given, such as ``lr=0.1,width=8``, in its order.

    ``failures`` has the message of each run whose loss was not finite. Prints as a table.
    """

    section: str
    folder: Path
    finished: bool
    runs: Mapping[str, Run]
    failures: Mapping[str, str]
    comparison: Comparison

    @property
    def best(self) -> Run | None:
        """The run with the lowest loss, on the validation data if there are any."""
        found = self.comparison.best
        return None if found is None else self.runs.get(found.name)

    def __str__(self) -> str:
        return str(self.comparison)

    __repr__ = __str__


Begin = Callable[[str, int, int], None]
"""Called before each run: with what it is given, its number from 1, and how many there are."""


def sweep(
    program: Program,
    section: str | None,
    over: Mapping[str, Sequence[object]],
    options: Options,
    choices: Choices,
    callback: Display | None,
    interrupted: Callable[[], bool],
    begin: Begin | None = None,
) -> Sweep:
    """Sweep as ``Program.sweep`` documents it."""
    program.require_readable()
    name = program.checked.section(section).name.text
    grid = _grid(over, options.settings)
    for given in grid:
        _check(program, name, texts(options.settings) | given)
    find = old_sweep if options.resume else new_sweep
    folder = find(options.folder, name)
    runs: dict[str, Run] = {}
    failures: dict[str, str] = {}
    records: list[Recorded] = []
    for at, (given, path) in enumerate(zip(grid, _paths(folder, grid), strict=True), 1):
        title = shown(given)
        if begin is not None:
            begin(title, at, len(grid))
        settings = {**options.settings, **given}
        resume = options.resume and holds_run(path)
        own = replace(options, settings=settings, folder=path, resume=resume)
        try:
            runs[title] = train(program, name, own, choices, callback, interrupted)
        except NetlangError as error:
            if error.rule is not rules.NOT_FINITE:
                raise
            failures[title] = error.message
        records.append(_recorded(path, title, name, texts(settings), failures.get(title)))
        if title in runs and not runs[title].finished:
            break
    compared = Comparison(name, records)
    _draw(compared, folder, png=options.png)
    finished = all(run.finished for run in runs.values())
    return Sweep(name, folder, finished, runs, failures, compared)


def _check(program: Program, section: str, settings: Mapping[str, str]) -> None:
    """Raise the errors of a section with some settings before an earlier run takes an hour."""
    found = Diagnostics()
    if program.checked.plan(section, settings, found) is None or found.failed:
        program.plan(section, settings)


def _recorded(
    path: Path, title: str, section: str, settings: Mapping[str, str], failure: str | None
) -> Recorded:
    found = recorded(path, title)
    if failure is None:
        return found
    given = {f"{GIVEN}{name}": text for name, text in settings.items()}
    return replace(found, section=section, settings=given | dict(found.settings), failure=failure)


def _draw(compared: Comparison, folder: Path, *, png: bool) -> None:
    if any(run.history.reports or run.history.steps for run in compared.runs):
        save(compared.drawing(), folder / CURVES)
        if png:
            save(compared.drawing(), folder / CURVES_PNG)
    for kind, drawing in compared.watched().items():
        save(drawing, folder / f"{kind}.svg")
        if png:
            save(drawing, folder / f"{kind}.png")


def _grid(
    over: Mapping[str, Sequence[object]], settings: Mapping[str, object]
) -> list[dict[str, str]]:
    """Return every combination of values; raise ``NetlangError`` for a list of no use."""
    for name, values in over.items():
        written = [texts({name: value})[name] for value in values]
        twice = next((text for text in written if written.count(text) > 1), None)
        problem = (
            f"there are no values for `{name}`"
            if not written
            else f"`{name}` has the value {twice} twice"
            if twice is not None
            else f"`{name}` is swept over, and set to one value"
            if name in settings
            else None
        )
        if problem is not None:
            raise NetlangError(
                rules.USAGE,
                problem,
                helps=[f"list different values, such as `{name}=0.1,0.01`"]
                if name not in settings
                else ["leave one of the two out"],
                exit_code=USAGE,
            )
    named = [[(name, value) for value in values] for name, values in over.items()]
    return [texts(dict(each)) for each in product(*named)]


def shown(given: Mapping[str, str]) -> str:
    """Return what a run of a sweep is called."""
    return ",".join(f"{name}={text}" for name, text in given.items())


def _paths(folder: Path, grid: Sequence[Mapping[str, str]]) -> Iterator[Path]:
    """Yield a folder for each run, with a number where two names would be the same."""
    seen: dict[str, int] = {}
    for given in grid:
        name = re.sub(r"[^A-Za-z0-9_.,=+-]+", "_", shown(given))[:120]
        seen[name] = seen.get(name, 0) + 1
        yield folder / (name if seen[name] == 1 else f"{name}-{seen[name]}")


def split_values(text: str) -> list[str]:
    """Return the values of a list without brackets around it.

    >>> split_values("0.1, [1, 2], 3 epochs")
    ['0.1', '[1, 2]', '3 epochs']
    """
    values, depth, quoted = [""], 0, False
    for letter in text:
        quoted ^= letter == '"'
        depth += 0 if quoted else (letter in "([") - (letter in ")]")
        if letter == "," and not depth and not quoted:
            values.append("")
        else:
            values[-1] += letter
    return [value.strip() for value in values if value.strip()]
