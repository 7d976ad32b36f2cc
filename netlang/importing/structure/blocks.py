"""Equal parts of a program become blocks, and the numbers that differ their parameters.

A *window* is a run of steps of which only the last has a result that others read. The windows
that occur more than once are found by a hash of what alike windows share, and the one that saves
most becomes a block; then the search is repeated, also inside of the blocks.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from netlang.importing.structure.loops import find_loops
from netlang.importing.structure.naming import block_name
from netlang.importing.structure.steps import (
    Arg,
    Definition,
    Hole,
    Number,
    Parameter,
    Step,
    collapse,
    common,
    fixed_symbols,
    free_symbols,
    names_of_numbers,
    numbers,
    refilled,
)
from netlang.importing.structure.windows import Body, Search, Window, repeated
from netlang.ir.dims import Dim, is_symbol, symbols
from netlang.ir.graph import Value

_MOST_BLOCKS, _MOST_PARAMETERS = 40, 6
_MOST_STEPS = 12_000
"""The most steps that are searched: huge programs remain long."""
_DIVISORS = (2, 3, 4, 8)
"""What a number may be a fraction by, such as the padding by the kernel."""
_LEAST_SAVING, _LONG, _SHORT = 2, 5, 3


def find_blocks(given: Sequence[Body], taken: set[str]) -> list[Definition]:
    """Replace repeated windows by calls of blocks, and return these in the order of use.

    ``given`` are the steps of a net, and those of the bodies of its scans.
    """
    bodies, found = list(given), list[Definition]()
    if sum(len(body.steps) for body in given) > _MOST_STEPS:
        return []
    search = Search()
    for _ in range(_MOST_BLOCKS):
        best = _best(bodies, search)
        if best is None:
            break
        definition = _extract(best, taken)
        found.append(definition)
        bodies.append(Body(definition.body, {definition.result}, definition))
        # A run of calls becomes a loop at once, so that no block cuts it in two.
        for body in bodies:
            find_loops(body.steps, body.results, body.owner, longest=1)
    return found[::-1]


def _best(bodies: Sequence[Body], search: Search) -> list[Window] | None:
    """Return the windows, all alike, that save most."""
    best, most = None, 0
    ranked = sorted(repeated(bodies, search), key=_bound, reverse=True)
    for windows in ranked:
        if _bound(windows) <= most:
            break
        chosen = _apart(windows)
        saving = _saving(chosen)
        least = 1 if windows[0].end - windows[0].start >= _LONG else _LEAST_SAVING
        if saving > most and saving >= least:
            best, most = chosen, saving
    return best


def _bound(windows: Sequence[Window]) -> int:
    """Return the most that windows can save."""
    length = windows[0].end - windows[0].start
    # The lines of a block: a short one is a pipeline on a line of its own.
    return len(windows) * (length - 1) - (length + 3 if length > _SHORT else _SHORT)


def _saving(windows: Sequence[Window]) -> int:
    """Return how many calls fewer a program has with a block: the block and its calls count."""
    if len(windows) < 2:
        return 0
    differing = _differing(windows)
    if differing > _MOST_PARAMETERS or not set(fixed_symbols(windows[0].steps)) <= set(
        _symbols(windows)
    ):
        return 0
    # A block begins with a layer rather than with the activation of the one before.
    first = windows[0].steps[0]
    loose = 2 if first.form == "call" and not first.weighted and len(first.args) == 1 else 0
    return _bound(windows) - max(0, differing - 3) * len(windows) // 2 - loose


def _differing(windows: Sequence[Window]) -> int:
    """Return how many parameters a block would have."""
    chosen: list[tuple[Number, ...]] = []
    for column in zip(*(numbers(w.steps) for w in windows), strict=True):
        if len(set(map(str, column))) > 1 and _derived(column, chosen) is None:
            chosen.append(column)
    return len(chosen)


def _apart(windows: Sequence[Window]) -> list[Window]:
    """Return windows that do not overlap."""
    chosen: list[Window] = []
    end: dict[int, int] = {}
    for window in windows:
        if window.start >= end.get(id(window.body), 0):
            chosen.append(window)
            end[id(window.body)] = window.end
    return chosen


def _extract(windows: Sequence[Window], taken: set[str]) -> Definition:
    """Make a block of alike windows, and put a call in the place of each."""
    first = windows[0]
    columns = list(zip(*(numbers(w.steps) for w in windows), strict=True))
    named = names_of_numbers(first.steps)
    shared = _symbols(windows)
    parameters: list[Parameter] = []
    chosen: list[tuple[Number, ...]] = []
    filling: list[Number] = []
    for column, (name, default) in zip(columns, named, strict=True):
        if _constant(column, shared):
            filling.append(column[0])
            continue
        hole = _derived(column, chosen)
        if hole is None:
            hole = Hole(len(chosen))
            chosen.append(column)
            usual = default if default in column and isinstance(default, int) else "required"
            parameters.append(Parameter(_parameter_name(name, parameters), _kind(column), usual))
        filling.append(hole)
    ordered = _defaults_last(parameters)
    place = {old: new for new, old in enumerate(ordered)}
    filling = [
        Hole(place[n.index], n.factor, n.divisor) if isinstance(n, Hole) and h else n
        for n, h in zip(filling, _made_here(filling, columns, shared), strict=True)
    ]
    body = _formal(first, filling, windows)
    definition = Definition(
        name=block_name(body.steps, taken),
        inputs=body.inputs,
        parameters=tuple(parameters[old] for old in ordered),
        body=body.steps,
        result=body.result,
        symbols=tuple(s for s in shared if s in free_symbols(body.steps)),
    )
    _replace(windows, definition, [chosen[old] for old in ordered])
    return definition


def _made_here(
    filling: Sequence[Number], columns: Sequence[tuple[Number, ...]], shared: Sequence[str]
) -> list[bool]:
    """Return which numbers are parameters of the new block and not of the one around it."""
    del filling
    return [not _constant(column, shared) for column in columns]


class _Formal(Struct):
    steps: list[Step]
    inputs: tuple[Value, ...]
    result: Value


def _formal(first: Window, filling: Sequence[Number], windows: Sequence[Window]) -> _Formal:
    """Return the steps of a window with values of their own."""
    renamed = {v: Value(v.name, v.type) for v in first.inputs}
    for step in first.steps:
        renamed.update((v, Value(v.name, v.type)) for v in step.results)
    supply = iter(filling)
    steps = [refilled(step, supply, renamed) for step in first.steps]
    relative = [_relative(w.steps) for w in windows]
    for at, step in enumerate(steps):
        hints = {hints[at] for hints in relative}
        step.hint = hints.pop() if len(hints) == 1 else ""
    inputs = tuple(renamed[v] for v in first.inputs)
    return _Formal(steps, inputs, renamed[first.result])


def _relative(steps: Sequence[Step]) -> list[str]:
    """Return the paths of steps inside of the path that they share."""
    shared = common([s.hint for s in steps])
    return [s.hint[len(shared) :].lstrip(".") if shared else s.hint for s in steps]


def _replace(
    windows: Sequence[Window], definition: Definition, columns: Sequence[tuple[Number, ...]]
) -> None:
    for at in reversed(range(len(windows))):
        window = windows[at]
        steps = window.steps
        args = [Arg(f"x{n}", v, positional=True) for n, v in enumerate(window.inputs)]
        for parameter, column in zip(definition.parameters, columns, strict=True):
            args.append(Arg(parameter.name, column[at], parameter.default, positional=True))
        call = Step(
            definition.name, tuple(args), (window.result,), (), "call", definition,
            (steps,), common([s.hint for s in steps]),
        )  # fmt: skip
        collapse(window.body.steps, window.start, call, len(steps), window.body.owner)


def _constant(column: Sequence[Number], shared: Sequence[str]) -> bool:
    """Return whether a number is the same everywhere, and known inside of a block."""
    first = column[0]
    if isinstance(first, Hole) or any(str(n) != str(first) for n in column):
        return False
    if isinstance(first, Dim):
        return set(symbols(first)) <= set(shared)
    return True


def _symbols(windows: Sequence[Window]) -> list[str]:
    """Return the free sizes that are whole axes of the inputs of all windows."""
    found: list[set[str]] = []
    for window in windows:
        sizes = [n for v in window.inputs for n in v.type.shape]
        found.append({name for n in sizes if (name := is_symbol(n)) is not None})
    shared = set[str].intersection(*found)
    return sorted(shared) if any(free_symbols(w.steps) for w in windows) else []


def _derived(column: Sequence[Number], chosen: Sequence[tuple[Number, ...]]) -> Hole | None:
    """Return a number as a parameter, or as a parameter times or divided by a number."""
    for index, other in enumerate(chosen):
        if list(map(str, column)) == list(map(str, other)):
            return Hole(index)
    if len(set(map(str, column))) < 2 and not isinstance(column[0], Hole):
        return None
    for index, other in enumerate(chosen):
        pairs = list(zip(map(_split, column), map(_split, other), strict=True))
        if not all(p is not None and q is not None and p[0] == q[0] for p, q in pairs):
            continue
        if any(q is not None and not q[1] for _, q in pairs):
            continue
        numbers = [(p[1], q[1]) for p, q in pairs if p is not None and q is not None]
        n, m = numbers[0]
        if n % m == 0 and n and all(p == q * (n // m) for p, q in numbers):
            return Hole(index, factor=n // m)
        for divisor in _DIVISORS:
            if all(p == q // divisor for p, q in numbers):
                return Hole(index, divisor=divisor)
    return None


def _split(number: Number) -> tuple[int, int] | None:
    """Return the parameter around a number, if any, and the factor it is multiplied by."""
    match number:
        case Hole(index, factor, 1):
            return index, factor
        case int() if number >= 0 and not isinstance(number, bool):
            return -1, number
        case _:
            return None


def _kind(column: Sequence[Number]) -> str:
    return "float" if any(isinstance(n, float) for n in column) else "int"


def _parameter_name(name: str, known: Sequence[Parameter]) -> str:
    names = {p.name for p in known}
    stem = {"x": "size", "b": "value", "a": "value", "shape": "size", "parts": "size"}.get(
        name, name
    )
    stem = "value" if stem.startswith("x") else stem
    made, number = stem, 1
    while made in names:
        number += 1
        made = f"{stem}{number}"
    return made


def _defaults_last(parameters: Sequence[Parameter]) -> list[int]:
    """Return the positions of parameters so that those with defaults are last."""
    return sorted(range(len(parameters)), key=lambda at: parameters[at].default != "required")
