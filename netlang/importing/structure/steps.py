"""Programs as lists of calls, in which equal parts can be found and replaced.

A step is one call. Its arguments are values, numbers that may become parameters of a block
(*holes*), and everything else, which two calls must share to be alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct, field

from netlang.importing.operands import Stored
from netlang.ir.dims import Dim, symbols
from netlang.ir.graph import Value
from netlang.ir.types import F32, TensorType

Form = Literal["call", "infix", "prefix", "list", "index", "new", "shared", "scan"]
"""``new`` makes a layer, which ``shared`` calls: its second argument is what ``new`` returned."""

LAYER = TensorType(F32, ())
"""The type of a layer that several steps call, told from tensors by its identity."""


class Hole(Struct, frozen=True):
    """The parameter of a block with an index, times or divided by a number."""

    index: int
    factor: int = 1
    divisor: int = 1


Number = int | float | Dim | Hole
Item = Value | int | float | bool | str | Dim | Hole | tuple["Item", ...] | None


class Arg(Struct, frozen=True, eq=False):
    """One argument; a value that equals ``default`` is not written."""

    name: str
    value: Item
    default: Item = "required"
    positional: bool = False
    fixed: bool = False
    """Whether numbers in it are part of what is called, such as an axis."""


class Step(Struct, eq=False):
    """A call with its results, and the parameters of the program that it makes."""

    callee: str
    args: tuple[Arg, ...]
    results: tuple[Value, ...]
    weights: tuple[Stored, ...] = ()
    form: Form = "call"
    definition: Definition | None = None
    inner: tuple[list[Step], ...] = ()
    """The steps that a call of a definition replaces, those of each iteration of a loop."""
    hint: str = ""

    @property
    def layered(self) -> bool:
        """Whether it calls layers, of its own or shared ones."""
        return bool(self.weights) or any(s.layered for steps in self.inner for s in steps)

    @property
    def weighted(self) -> bool:
        """Whether it makes parameters at a path of its own."""
        own = bool(self.weights) and self.form != "shared"
        return own or any(s.weighted for steps in self.inner for s in steps)


class Parameter(Struct, frozen=True):
    name: str
    kind: str
    default: Item = "required"


class Definition(Struct, eq=False):
    """A block, or the body of a loop: ``carried`` is then what each iteration passes on."""

    name: str
    inputs: tuple[Value, ...]
    parameters: tuple[Parameter, ...]
    body: list[Step]
    result: Value
    loop: bool = False
    symbols: tuple[str, ...] = ()
    calls: list[list[Step]] = field(default_factory=list[list[Step]])
    """The steps that each call of it replaces: as many as the body has, in the same order."""
    ends: tuple[Value, ...] = ()
    """The results of the body of a scan: the next carried values, then what is collected."""
    carried: int = 0
    order: list[int] = field(default_factory=list[int])
    """The positions of the steps in the order in which the text computes them."""


def values(item: Item) -> Iterator[Value]:
    """Return the values that an argument reads, in order."""
    match item:
        case Value():
            yield item
        case tuple():
            for part in item:
                yield from values(part)
        case _:
            pass


def reads(step: Step) -> list[Value]:
    """Return the values that a step reads, in order, with repetitions."""
    return [v for arg in step.args for v in values(arg.value)]


def holes(item: Item) -> Iterator[Number]:
    """Return the numbers of an argument that may differ between calls that are alike."""
    match item:
        case bool():
            pass
        case int() | float() | Dim() | Hole():
            yield item
        case tuple():
            for part in item:
                yield from holes(part)
        case _:
            pass


def numbers(steps: Sequence[Step]) -> list[Number]:
    """Return all numbers of steps that may become parameters."""
    return [n for step in steps for arg in step.args if not arg.fixed for n in holes(arg.value)]


def names_of_numbers(steps: Sequence[Step]) -> list[tuple[str, Item]]:
    """Return, for each of ``numbers``, the argument it is in, and its default."""
    return [
        (arg.name, arg.default if not isinstance(arg.value, tuple) else "required")
        for step in steps
        for arg in step.args
        if not arg.fixed
        for _ in holes(arg.value)
    ]


def filled(item: Item, numbers: Iterator[Number], renamed: dict[Value, Value]) -> Item:
    """Return an argument with other numbers and other values."""
    match item:
        case Value():
            return renamed.get(item, item)
        case bool():
            return item
        case int() | float() | Dim() | Hole():
            return next(numbers)
        case tuple():
            return tuple(filled(part, numbers, renamed) for part in item)
        case _:
            return item


def renamed_only(item: Item, renamed: dict[Value, Value]) -> Item:
    match item:
        case Value():
            return renamed.get(item, item)
        case tuple():
            return tuple(renamed_only(part, renamed) for part in item)
        case _:
            return item


def refilled(step: Step, numbers: Iterator[Number], renamed: dict[Value, Value]) -> Step:
    """Return a step with other numbers and values; its results are renamed too."""
    args = tuple(
        Arg(
            a.name,
            renamed_only(a.value, renamed) if a.fixed else filled(a.value, numbers, renamed),
            a.default,
            a.positional,
            a.fixed,
        )
        for a in step.args
    )
    results = tuple(renamed.get(v, v) for v in step.results)
    return Step(
        step.callee, args, results, step.weights, step.form, step.definition, step.inner, step.hint
    )


def token(step: Step, local: dict[Value, int]) -> object:
    """Return what a step must share with another to be alike; numbers values as they occur."""
    parts = tuple((a.name, a.fixed, _token(a.value, local, fixed=a.fixed)) for a in step.args)
    for result in step.results:
        local.setdefault(result, len(local))
    plain = step.definition is None or step.definition.loop
    identity = step.callee if plain else id(step.definition)
    return identity, step.form, parts, len(step.results), len(step.weights)


def _token(item: Item, local: dict[Value, int], *, fixed: bool) -> object:
    match item:
        case Value():
            return local.setdefault(item, len(local))
        case bool() | str() | None:
            return item
        case float():
            return item if fixed else "float"
        case int() | Dim() | Hole():
            return str(item) if fixed else "int"
        case tuple():
            return tuple(_token(part, local, fixed=fixed) for part in item)


def fixed_symbols(steps: Sequence[Step]) -> list[str]:
    """Return the names of sizes in arguments that cannot become parameters."""
    return [
        name
        for step in steps
        for arg in step.args
        if arg.fixed
        for number in holes(arg.value)
        if isinstance(number, Dim)
        for name in symbols(number)
    ]


def free_symbols(steps: Sequence[Step]) -> list[str]:
    """Return the names of sizes that steps mention."""
    found: dict[str, None] = {}
    for step in steps:
        for arg in step.args:
            for number in holes(arg.value):
                if isinstance(number, Dim):
                    found.update(dict.fromkeys(symbols(number)))
    return list(found)


def collapse(
    steps: list[Step], start: int, call: Step, period: int, owner: Definition | None
) -> None:
    """Replace steps by the call of a definition.

    ``owner`` is the definition whose body they are: what its calls replace changes likewise.
    """
    count = len(call.inner)
    steps[start : start + period * count] = [call]
    definition = call.definition
    assert definition is not None
    definition.calls.extend(call.inner)
    for mirror in owner.calls if owner is not None else ():
        inner = tuple(mirror[start + n * period : start + (n + 1) * period] for n in range(count))
        hint = common([s.hint for group in inner for s in group])
        made = Step(
            call.callee, call.args, call.results, (), "call", definition, inner, hint
        )  # fmt: skip
        mirror[start : start + period * count] = [made]
        definition.calls.extend(inner)


def common(hints: Sequence[str]) -> str:
    """Return the path that begins all paths."""
    paths = [hint.split(".") for hint in hints if hint]
    if not paths:
        return ""
    shared: list[str] = []
    for parts in zip(*paths, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return ".".join(shared)
