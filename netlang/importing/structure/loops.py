"""Runs of equal calls, each of the result of the one before, become loops."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from netlang.importing.structure.steps import (
    Arg,
    Definition,
    Hole,
    Number,
    Parameter,
    Step,
    collapse,
    common,
    names_of_numbers,
    numbers,
    reads,
    refilled,
    token,
)
from netlang.ir.dims import Dim
from netlang.ir.graph import Value

_MOST_STEPS = 6_000
_LONGEST_PERIOD, _LEAST, _MOST_LISTS = 4, 3, 3


class Run(Struct, frozen=True):
    """``count`` groups of ``period`` steps that start at a step."""

    start: int
    period: int
    count: int
    outside: tuple[Value, ...]
    """What every group reads, besides the result of the one before."""
    carried: Value
    """What the first group reads in place of such a result."""


def find_loops(
    steps: list[Step],
    results: set[Value],
    owner: Definition | None = None,
    *,
    longest: int = _LONGEST_PERIOD,
) -> None:
    """Replace runs of alike steps by loops, in place, the shortest periods first."""
    if len(steps) > _MOST_STEPS:
        return
    for period in range(1, longest + 1):
        least = _fewest(steps, results) if period == 1 else {}
        at = 0
        while at < len(steps):
            run = _run(steps, at, period, results)
            if run is not None and run.count >= least.get(id(steps[at].definition), _LEAST):
                collapse(steps, run.start, _loop(steps, run), run.period, owner)
            at += 1


def _run(steps: Sequence[Step], start: int, period: int, results: set[Value]) -> Run | None:
    """Return the longest run that starts at a step."""
    groups: list[Sequence[Step]] = []
    at = start
    shape: object = None
    carried: Value | None = None
    outside: tuple[Value, ...] = ()
    while at + period <= len(steps):
        group = steps[at : at + period]
        inputs = _inputs(group)
        if not inputs or not any(s.layered for s in group):
            break
        before = groups[-1][-1].results[0] if groups else inputs[0]
        if inputs[0] is not before or len(group[-1].results) != 1:
            break
        here = _shape(group, inputs)
        if groups and (here != shape or inputs[1:] != outside):
            break
        later = {v for s in steps[at + period :] for v in reads(s)} | results
        if groups and before in later:
            break
        if not groups:
            shape, outside, carried = here, inputs[1:], before
        if group[-1].results[0].type.rank != before.type.rank:
            break
        if not _closed(steps, at, period, results):
            break
        groups.append(group)
        at += period
    return _shortened(groups, start, period, outside, carried)


def _fewest(steps: Sequence[Step], results: set[Value]) -> dict[int, int]:
    """Return how many calls of a block make a loop: two, where others of it are more."""
    most: dict[int, int] = {}
    for at, step in enumerate(steps):
        run = _run(steps, at, 1, results) if step.definition is not None else None
        if run is not None:
            most[id(step.definition)] = max(run.count, most.get(id(step.definition), 0))
    return {key: 2 if count >= _LEAST else _LEAST for key, count in most.items()}


def _shortened(
    groups: list[Sequence[Step]], start: int, period: int, outside: tuple[Value, ...],
    carried: Value | None,
) -> Run | None:  # fmt: skip
    """Return the run of the groups whose numbers can be written as a few lists."""
    while len(groups) >= 2 and carried is not None:
        columns = list(zip(*(numbers(g) for g in groups), strict=True))
        lists = [c for c in columns if len(set(map(str, c))) > 1]
        plain = all(not isinstance(n, Hole | Dim) for c in lists for n in c)
        if len({tuple(map(str, c)) for c in lists}) <= _MOST_LISTS and plain:
            same = not lists
            if same or (period > 1 and len(groups) >= _LEAST) or len(groups) > _LEAST:
                return Run(start, period, len(groups), outside, carried)
            return None
        groups = groups[:-1]
    return None


def _inputs(group: Sequence[Step]) -> tuple[Value, ...]:
    made: set[Value] = set()
    found: dict[Value, None] = {}
    for step in group:
        found.update((v, None) for v in reads(step) if v not in made)
        made.update(step.results)
    return tuple(found)


def _shape(group: Sequence[Step], inputs: Sequence[Value]) -> object:
    local = {v: at for at, v in enumerate(inputs)}
    return tuple(token(step, local) for step in group)


def _closed(steps: Sequence[Step], at: int, period: int, results: set[Value]) -> bool:
    """Return whether nothing after a group reads its values but the last."""
    inside = {v for s in steps[at : at + period] for v in s.results}
    last = steps[at + period - 1].results[0]
    if inside & results - {last}:
        return False
    later = {v for s in steps[at + period :] for v in reads(s)}
    return not (inside - {last}) & later


def _loop(steps: Sequence[Step], run: Run) -> Step:
    """Return the call of a loop: what it starts from, what it reads, how often, its numbers."""
    groups = [
        list(steps[run.start + n * run.period : run.start + (n + 1) * run.period])
        for n in range(run.count)
    ]
    columns = list(zip(*(numbers(g) for g in groups), strict=True))
    named = names_of_numbers(groups[0])
    parameters: list[Parameter] = []
    chosen: list[tuple[Number, ...]] = []
    filling: list[Number] = []
    for column, (name, _) in zip(columns, named, strict=True):
        same = next(
            (i for i, c in enumerate(chosen) if list(map(str, c)) == list(map(str, column))), None
        )
        if same is None:
            same = len(chosen)
            chosen.append(column)
            parameters.append(Parameter(name, "int"))
        filling.append(Hole(same))
    first = groups[0]
    outer = (run.carried, *run.outside)
    renamed = {v: Value(v.name, v.type) for v in outer}
    for step in first:
        renamed.update((v, Value(v.name, v.type)) for v in step.results)
    supply = iter(filling)
    body = [refilled(step, supply, renamed) for step in first]
    for step in body:
        step.hint = ""
    definition = Definition(
        "", tuple(renamed[v] for v in outer), tuple(parameters), body,
        renamed[first[-1].results[0]], loop=True,
    )  # fmt: skip
    args = [Arg("x", run.carried, positional=True)]
    args += [Arg(f"x{n}", v, positional=True) for n, v in enumerate(run.outside, 1)]
    args.append(Arg("n", run.count, positional=True))
    for parameter, column in zip(parameters, chosen, strict=True):
        equal = len(set(map(str, column))) == 1
        args.append(Arg(parameter.name, column[0] if equal else tuple(column), positional=True))
    key = str([token(step, {}) for step in body])
    hint = common([s.hint for g in groups for s in g])
    return Step(
        f"for {key}", tuple(args), groups[-1][-1].results, (), "call", definition,
        tuple(groups), hint,
    )  # fmt: skip
