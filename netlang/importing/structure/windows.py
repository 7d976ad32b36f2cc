"""Windows: runs of steps that may become the body of a block, found where alike ones occur."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from netlang.importing.structure.steps import (
    Definition,
    Step,
    free_symbols,
    numbers,
    reads,
    token,
)
from netlang.ir.dims import is_symbol
from netlang.ir.graph import Value

_LONGEST, _MOST_INPUTS = 80, 4
_MOST_WINDOWS = 250_000
"""The most windows that are looked at, over all rounds: a few seconds."""


class Body(Struct, eq=False):
    """A list of steps that is searched, and the values that are read after it."""

    steps: list[Step]
    results: set[Value]
    owner: Definition | None = None


class Window(Struct, frozen=True):
    """Steps of a body from ``start`` to before ``end``, and the values that they read."""

    body: Body
    start: int
    end: int
    inputs: tuple[Value, ...]
    stated: object = ()
    """The types of the inputs, if a block states them since it reads a size from them."""

    @property
    def steps(self) -> list[Step]:
        return self.body.steps[self.start : self.end]

    @property
    def result(self) -> Value:
        return self.steps[-1].results[0]


class Search(Struct):
    """How many windows may still be looked at."""

    left: int = _MOST_WINDOWS


def repeated(bodies: Sequence[Body], search: Search) -> list[list[Window]]:
    """Return the groups of alike windows, in the order of the first of each."""
    growing = [windows for body in bodies for windows in _from_each_step(body)]
    groups: dict[object, list[tuple[int, Window]]] = {}
    numbered = list(enumerate(growing))
    while numbered and search.left > 0:
        search.left -= len(numbered)
        # What begins with steps that occur once occurs once, however long it is.
        grown = [(at, w, made) for at, w in numbered if (made := next(w, None)) is not None]
        alike = Counter(key for _, _, (key, _) in grown)
        numbered = [(at, w) for at, w, (key, _) in grown if alike[key] > 1]
        for at, _, (key, window) in grown:
            if window is not None and alike[key] > 1:
                group = key, window.end - window.start, window.stated
                groups.setdefault(group, []).append((at, window))
    first = sorted(groups.values(), key=lambda group: (group[0][0], group[0][1].end))
    return [[window for _, window in group] for group in first]


Growing = Iterator[tuple[int, Window | None]]
"""What the first steps share with others alike, and the window that they are, if they are one."""


def _from_each_step(body: Body) -> list[Growing]:
    last_read = _last_reads(body)
    joins = [len(reads(step)) > 1 for step in body.steps]
    exact = [hash((token(step, {}), str(numbers([step])))) for step in body.steps]
    return [_growing(body, start, last_read, joins, exact) for start in range(len(body.steps))]


def _growing(
    body: Body, start: int, last_read: Mapping[Value, int], joins: Sequence[bool],
    exact: Sequence[int],
) -> Growing:  # fmt: skip
    """Return the windows of a body that begin with a step, the shortest first."""
    steps = body.steps
    local: dict[Value, int] = {}
    inside: set[Value] = set()
    open_until, key = start, 0
    inputs: dict[Value, None] = {}
    weighted = joined = symbolic = False
    for end in range(start + 1, min(start + _LONGEST, len(steps)) + 1):
        step = steps[end - 1]
        joined = joined or joins[end - 1]
        if joined and _ends_twice(exact[start:end], joins[start:end]):
            break
        inputs.update((v, None) for v in reads(step) if v not in inside)
        if len(inputs) > _MOST_INPUTS:
            break
        key = hash((key, token(step, local)))
        weighted = weighted or step.weighted
        symbolic = symbolic or bool(free_symbols([step]))
        inside.update(step.results)
        # Everything before the last step is read inside of the window only.
        if end - start > 1:
            read = (last_read.get(v, -1) for v in steps[end - 2].results)
            open_until = max(open_until, *read)
        whole = end - start > 1 and open_until < end and len(step.results) == 1
        whole = whole and step.form != "new" and (weighted or end - start > 3)
        if not (whole and inputs):
            yield key, None
            continue
        stated = _stated(inputs) if symbolic else ()
        yield key, Window(body, start, end, tuple(inputs), stated)


def _stated(inputs: Iterable[Value]) -> object:
    """Return the types of inputs but for the sizes, of which it tells which ones are equal."""
    places: dict[str, int] = {}
    found: list[object] = []
    for value in inputs:
        axes = (places.setdefault(str(n), len(places)) for n in value.type.shape if is_symbol(n))
        free = tuple(is_symbol(n) is not None for n in value.type.shape)
        found.append((value.type.dtype, free, tuple(axes)))
    return tuple(found)


def _ends_twice(steps: Sequence[int], joins: Sequence[bool]) -> bool:
    """Return whether steps end in the same calls twice, of which a loop is made instead.

    Those of a simple chain do not count: a pipeline holds both.
    """
    return any(
        steps[-length:] == steps[-2 * length : -length] and any(joins[-length:])
        for length in range(2, len(steps) // 2 + 1)
    )


def _last_reads(body: Body) -> dict[Value, int]:
    """Return the last step that reads each value; results of the body are read after all."""
    found: dict[Value, int] = {}
    for at, step in enumerate(body.steps):
        found.update((v, at) for v in reads(step))
    found.update((v, len(body.steps)) for v in body.results)
    return found
