"""Functions of the prelude that run while a file is checked: counting, lists, weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from netlang.diagnostics import Label
from netlang.elaborate.claims import claim, origin, users_span
from netlang.elaborate.frame import Frame, Made, Noise, refuse
from netlang.elaborate.numbers import bounded, finite, in_bounds
from netlang.elaborate.selecting import below, matches, near
from netlang.elaborate.tracing import written
from netlang.elaborate.values import (
    Argued,
    IntRange,
    Layer,
    Object,
    Part,
    Rows,
    Setting,
    describe,
    is_number,
)
from netlang.ir.dims import Dim, Shape, Size, product
from netlang.ir.graph import Init, Param, Value
from netlang.ir.types import F32, TensorType
from netlang.source import Span
from netlang.syntax import ast

Numeric = Callable[[Mapping[str, Object], Span], Object]
CompileTime = Callable[[Mapping[str, Object], Mapping[str, Argued], ast.Expr, Span, Frame], Object]

COMPILE_TIME: dict[str, CompileTime] = {}


# ---- numbers -----------------------------------------------------------------------------


def _of_float(compute: Callable[[float], float]) -> Numeric:
    def apply(values: Mapping[str, Object], span: Span) -> Object:
        (value,) = values.values()
        if not isinstance(value, int | float):
            refuse("undecided-size", "a free dimension has no value yet", span, describe(value))
        try:
            return finite(compute(float(value)), span)
        except (ValueError, OverflowError):
            refuse("out-of-range", "this has no value", span, f"of {value:g}")

    return apply


def _to_int(compute: Callable[[float], int]) -> Numeric:
    def apply(values: Mapping[str, Object], span: Span) -> Object:
        (value,) = values.values()
        if isinstance(value, int | Dim):
            return value
        assert isinstance(value, float)
        return bounded(compute(value), span)

    return apply


def _absolute(values: Mapping[str, Object], span: Span) -> Object:
    (value,) = values.values()
    if isinstance(value, Dim):
        refuse("undecided-size", "a free dimension has no value yet", span, describe(value))
    assert isinstance(value, int | float)
    return abs(value)


def _pick(larger: bool) -> Numeric:
    def apply(values: Mapping[str, Object], span: Span) -> Object:
        numbers = list(values.values())
        if any(isinstance(n, Dim) for n in numbers):
            if len(set(map(str, numbers))) == 1:
                return numbers[0]
            refuse(
                "undecided-size",
                "which is larger is only known at run time",
                span,
                ", ".join(describe(n) for n in numbers),
            )
        known = [n for n in numbers if isinstance(n, int | float)]
        return max(known) if larger else min(known)

    return apply


NUMERIC: dict[str, Numeric] = {
    "sqrt": _of_float(math.sqrt),
    "exp": _of_float(math.exp),
    "log": _of_float(math.log),
    "sin": _of_float(math.sin),
    "cos": _of_float(math.cos),
    "tanh": _of_float(math.tanh),
    "floor": _to_int(math.floor),
    "ceil": _to_int(math.ceil),
    "round": _to_int(round),
    "int": _to_int(int),
    "abs": _absolute,
    "larger": _pick(True),
    "smaller": _pick(False),
    "maximum": _pick(True),
    "minimum": _pick(False),
}
"""What some ops mean when all their arguments are numbers."""


def compile_time(name: str) -> Callable[[CompileTime], CompileTime]:
    """Register the meaning of a compile-time function of the prelude."""

    def register(function: CompileTime) -> CompileTime:
        COMPILE_TIME[name] = function
        return function

    return register


Values = Mapping[str, Object]
Args = Mapping[str, Argued]


@compile_time("float")
def _float(values: Values, args: Args, _n: ast.Expr, span: Span, _f: Frame) -> Object:
    value = values["x"]
    if not isinstance(value, int | float):
        refuse("undecided-size", "a free dimension can't be a float", span, describe(value))
    return float(value)


@compile_time("int")
def _int(values: Values, args: Args, _n: ast.Expr, span: Span, _f: Frame) -> Object:
    refuse("wrong-type", "`int` takes a number", args["x"].span, f"this is {describe(values['x'])}")


# ---- lists -------------------------------------------------------------------------------


def _list(values: Values, name: str = "xs") -> list[Object]:
    value = values[name]
    assert isinstance(value, list)
    return value


@compile_time("len")
def _len(values: Values, args: Args, _n: ast.Expr, span: Span, _f: Frame) -> Object:
    value = values["xs"]
    if isinstance(value, list | tuple | str | IntRange):
        return len(value)
    refuse("wrong-type", "`len` counts a list", args["xs"].span, f"this is {describe(value)}")


@compile_time("reverse")
def _reverse(values: Values, args: Args, _n: ast.Expr, _s: Span, _f: Frame) -> Object:
    return _list(values)[::-1]


@compile_time("enumerate")
def _enumerate(values: Values, args: Args, _n: ast.Expr, _s: Span, _f: Frame) -> Object:
    return [(i, v) for i, v in enumerate(_list(values))]


@compile_time("zip")
def _zip(values: Values, args: Args, _n: ast.Expr, span: Span, _f: Frame) -> Object:
    lists = [v for v in values.values() if isinstance(v, list)]
    lengths = [len(v) for v in lists]
    if len(set(lengths)) > 1:
        refuse(
            "count-mismatch",
            "`zip` takes lists of one length",
            span,
            f"these have {' and '.join(map(str, lengths))} items",
        )
    return [tuple(row) for row in zip(*lists, strict=True)]


@compile_time("flat")
def _flat(values: Values, args: Args, _n: ast.Expr, span: Span, _f: Frame) -> Object:
    items: list[Object] = []
    for value in _list(values):
        if not isinstance(value, list):
            refuse(
                "wrong-type", "`flat` takes a list of lists", span, f"it holds {describe(value)}"
            )
        in_bounds(len(items) + len(value), span)
        items.extend(value)
    return items


def _numbers(values: Values, span: Span) -> list[int | float]:
    found: list[int | float] = []
    for value in _list(values):
        if not isinstance(value, int | float) or isinstance(value, bool):
            refuse(
                "wrong-type", "this takes a list of numbers", span, f"it holds {describe(value)}"
            )
        found.append(value)
    return found


@compile_time("total")
def _total(values: Values, args: Args, _n: ast.Expr, span: Span, _f: Frame) -> Object:
    items = _list(values)
    total: Size | float = 0
    for value in items:
        if not is_number(value) or not isinstance(value, int | float | Dim):
            refuse(
                "wrong-type",
                "`total` adds a list of numbers",
                span,
                f"it holds {describe(value)}",
                helps=("to add tensors, write `sum(stack(xs, axis=0), axis=0)`",),
            )
        if (isinstance(total, Dim) and isinstance(value, float)) or (
            isinstance(total, float) and isinstance(value, Dim)
        ):
            refuse("undecided-size", "a free dimension can't be part of a float", span)
        total = _added(total, value)
    return total


def _added(a: Size | float, b: Size | float) -> Size | float:
    if isinstance(a, float) or isinstance(b, float):
        assert isinstance(a, int | float) and isinstance(b, int | float)
        return a + b
    return a + b


@compile_time("product")
def _product(values: Values, args: Args, _n: ast.Expr, span: Span, _f: Frame) -> Object:
    return bounded(product(v for v in _list(values) if isinstance(v, int | Dim)), span)


@compile_time("greatest")
def _greatest(values: Values, args: Args, _n: ast.Expr, span: Span, _f: Frame) -> Object:
    return max(_some(_numbers(values, span), span))


@compile_time("least")
def _least(values: Values, args: Args, _n: ast.Expr, span: Span, _f: Frame) -> Object:
    return min(_some(_numbers(values, span), span))


def _some(numbers: list[int | float], span: Span) -> list[int | float]:
    if not numbers:
        refuse("out-of-range", "an empty list has no such item", span)
    return numbers


# ---- tensors, seen from the outside ------------------------------------------------------


def _known_int(values: Values, args: Args, name: str, span: Span) -> int:
    """Give an argument that must be known now; an ``int`` of a signature may be a free size."""
    value = values[name]
    if not isinstance(value, int):
        refuse(
            "undecided-size",
            f"`{name}` must be known when the file is checked",
            args[name].span if name in args else span,
            f"this is {describe(value)}",
        )
    return value


@compile_time("rank")
def _rank(values: Values, args: Args, _n: ast.Expr, _s: Span, _f: Frame) -> Object:
    value = values["x"]
    assert isinstance(value, Value)
    return value.type.rank


@compile_time("size")
def _size(values: Values, args: Args, _n: ast.Expr, span: Span, _f: Frame) -> Object:
    value, axis = values["x"], _known_int(values, args, "axis", span)
    assert isinstance(value, Value)
    if not -value.type.rank <= axis < value.type.rank:
        refuse(
            "axis-out-of-range",
            f"there is no axis {axis}",
            args["axis"].span if "axis" in args else span,
            f"{value.type} has {value.type.rank}, numbered from 0",
        )
    return value.type.shape[axis]


@compile_time("shape")
def _shape(values: Values, args: Args, _n: ast.Expr, _s: Span, _f: Frame) -> Object:
    value = values["x"]
    assert isinstance(value, Value)
    return list(value.type.shape)


@compile_time("element")
def _element(values: Values, args: Args, _n: ast.Expr, _s: Span, _f: Frame) -> Object:
    value = values["x"]
    assert isinstance(value, Value)
    return value.type.dtype


@compile_time("window")
def _window(values: Values, args: Args, _n: ast.Expr, span: Span, _f: Frame) -> Object:
    kernel, axes = values["kernel"], _known_int(values, args, "axes", span)
    if not isinstance(kernel, list | tuple):
        in_bounds(axes, span)
        return [kernel for _ in range(axes)]
    if len(kernel) != axes:
        refuse(
            "wrong-type",
            f"a kernel of {len(kernel)} sizes for {axes} axes",
            args["kernel"].span,
            "give one int, or one per axis",
        )
    return list(kernel)


@compile_time("per_group")
def _per_group(values: Values, args: Args, _n: ast.Expr, span: Span, frame: Frame) -> Object:
    channels, groups, side = values["channels"], values["groups"], values["side"]
    if not isinstance(channels, int) or not isinstance(groups, int):
        refuse(
            "symbolic-weight",
            "a weight's shape must be known when the file is checked",
            span,
            f"the {side} channels are {channels}",
            helps=("give the channels a number in the net's signature",),
        )
    _positive(groups, args["groups"].span, frame)
    _positive(channels, args["channels"].span, frame)
    if groups < 1:
        refuse("out-of-range", "`groups` must be at least 1", span, f"it is {groups}")
    if channels % groups:
        refuse(
            "groups-mismatch",
            f"{channels} {side} channels don't divide into {groups} groups",
            span,
            f"{channels} is no multiple of {groups}",
            helps=(_groups_help(channels, frame),),
        )
    return channels // groups


def _groups_help(channels: int, frame: Frame) -> str:
    """Say which numbers of groups divide the channels on both sides."""
    common = channels
    for name in ("C", "out"):
        slot = frame.find(name)
        if slot is not None and isinstance(slot.value, int):
            common = math.gcd(common, slot.value)
    fitting = [n for n in range(1, min(common, 4096) + 1) if common % n == 0]
    if fitting == [1]:
        return "no other number than 1 divides the channels on both sides: `groups=1`"
    shown = fitting if len(fitting) < 10 else [*fitting[:5], "...", *fitting[-2:]]
    return f"`groups` can be {', '.join(map(str, shown))}"


# ---- weights -----------------------------------------------------------------------------


@compile_time("param")
def _param(values: Values, args: Args, node: ast.Expr, span: Span, frame: Frame) -> Object:
    if not frame.run.tensors or frame.kind in ("train", "file"):
        refuse(
            "misplaced-param",
            "`param` makes weights, and only nets and blocks have them",
            span,
            "this is outside of both",
        )
    shape = _weight_shape(values["shape"], args["shape"].expr, span, frame)
    like, trained = values["like"], values["trained"]
    assert isinstance(trained, bool)
    dtype = like.type.dtype if isinstance(like, Value) else F32
    type = TensorType(dtype, shape)
    path = claim(node, span, frame)
    made = frame.run.weights.get(path)
    if made is not None:
        return _shared(made, type, path, span, frame)
    param = Param(path, type, initial(values["init"]), trained, span)
    value = frame.run.builder.fresh(path, type)
    frame.run.add_weight(Made(value, param, frame))
    return value


def _shared(made: Made, type: TensorType, path: str, span: Span, frame: Frame) -> Object:
    first = made.param.span
    assert first is not None
    if frame.layer is None or (first, origin(made.frame)) != (span, origin(frame)):
        refuse(
            "weights-collide",
            f"`{path}` would be made twice",
            span,
            "made again here",
            secondary=(Label(users_span(first, made.frame), "first made here"),),
            helps=("to share weights, make a layer with `new` and call it twice",),
        )
    if made.value.type != type:
        refuse(
            "shared-shape",
            f"the shared weight `{path}` would need two shapes",
            span,
            f"this call needs {type}",
            secondary=(
                Label(users_span(first, made.frame), f"this call made it {made.value.type}"),
            ),
            notes=(
                "a layer made by `new` has one set of weights, so every input needs the same "
                "features",
            ),
            helps=("make a second layer, or bring both inputs to one size first",),
        )
    return made.value


def _weight_shape(value: Object, expr: ast.Expr | None, span: Span, frame: Frame) -> Shape:
    sizes: list[Size] = []
    assert isinstance(value, list)
    entries = expr.items if isinstance(expr, ast.List) else (None,) * len(value)
    for size, entry in zip(value, entries, strict=False):
        if isinstance(size, Dim):
            refuse(
                "symbolic-weight",
                "a weight's shape must be known when the file is checked",
                span,
                f"it would be [{', '.join(map(str, value))}], and {size} is free",
                helps=(
                    "give that dimension a number in the net's signature",
                    *(
                        ("or pool the map to one place first: `global_avg_pool` for `flatten`",)
                        if "*" in str(size)
                        else ()
                    ),
                ),
            )
        assert isinstance(size, int)
        if size < 1:
            if isinstance(entry, ast.Name):
                _positive(size, entry.span, frame)
            refuse(
                "out-of-range",
                "a weight's sizes must be positive",
                span,
                f"it would be [{', '.join(map(str, value))}]",
            )
        sizes.append(size)
    return tuple(sizes)


def _positive(size: int, at: Span, frame: Frame) -> None:
    """Refuse a parameter of the library that counts something, at the user's argument."""
    place = written(at, frame)
    if size < 1 and not place.source.library:
        refuse("out-of-range", f"`{at.text}` must be at least 1", place, f"this is {size}")


def initial(value: Object) -> Init:
    """Turn an initialiser of the language, or a number, into a weight's start."""
    match value:
        case int() | float():
            return Init("constant", (float(value),))
        case Setting(name=name, arguments=arguments):
            numbers = tuple(float(v) for v in arguments.values() if isinstance(v, int | float))
            return Init(name, numbers)
        case _:
            raise TypeError(f"not an initialiser: {value!r}")


@compile_time("pick")
def _pick(values: Values, args: Args, _n: ast.Expr, span: Span, frame: Frame) -> Object:
    what, pattern = values["of"], values["pattern"]
    assert isinstance(what, Layer | Part) and isinstance(pattern, str)
    paths = below(what, frame)
    if paths is None and not frame.run.diagnostics.failed:
        refuse(
            "no-field",
            f"`{args['of'].span.text}` has no weights yet",
            args["of"].span,
            "they are made when it is first called",
            helps=("call the layer before this line",),
        )
    if paths is not None and not any(matches(pattern, path) for path in paths):
        known = ", ".join(near(pattern, paths))
        refuse(
            "no-field",
            f"no weight of `{args['of'].span.text}` matches this pattern",
            args["pattern"].span,
            notes=(f"near it are: {known}",),
            helps=("`*` stands within one name, `**` for any number of names",),
        )
    return Setting("selection", "pick", values)


# ---- data --------------------------------------------------------------------------------


@compile_time("batches")
def _batches(values: Values, args: Args, _n: ast.Expr, span: Span, frame: Frame) -> Object:
    from netlang.ir.dims import symbol

    rows, size = values["d"], values["size"]
    assert isinstance(rows, Rows)
    if isinstance(size, int) and size < 1:
        refuse("out-of-range", "a batch has at least one row", args["size"].span, f"this is {size}")
    if rows.batched:
        refuse("wrong-type", "these rows are in batches already", args["d"].span)
    if values["shuffle"] and values["in_order"]:
        refuse(
            "shuffled-in-order",
            "shuffled rows are not in order",
            args["in_order"].span,
            "each row is to follow the one before",
            secondary=(Label(args["shuffle"].span, "and any may follow any"),),
            helps=("leave one of them out",),
        )
    columns = {
        name: TensorType(type.dtype, (symbol("N"), *type.shape))
        for name, type in rows.columns.items()
    }
    given = {name: value for name, value in values.items() if name != "d"}
    return Rows(columns, replace(rows.origin, batches=given), batched=True)


@compile_time("part")
def _part(values: Values, args: Args, _n: ast.Expr, span: Span, _f: Frame) -> Object:
    rows, chosen = values["d"], values["chosen"]
    assert isinstance(rows, Rows)
    if rows.batched:
        refuse(
            "wrong-type",
            "`part` chooses single rows",
            args["d"].span,
            "these are in batches",
            helps=("put `part` before `batches`",),
        )
    if not isinstance(chosen, IntRange):
        refuse(
            "wrong-type",
            "`part` takes a range of rows, such as `part(0..799)`",
            args["chosen"].span,
            f"this is {describe(chosen)}",
        )
    if chosen.first < 0 or not len(chosen):
        refuse(
            "out-of-range",
            "a part has rows, and the first row is 0",
            args["chosen"].span,
            f"this is {describe(chosen)}",
        )
    given: dict[str, Object] = {"first": chosen.first, "last": chosen.last}
    steps = (*rows.origin.steps, Setting("rows", "part", given))
    return Rows(rows.columns, replace(rows.origin, steps=steps))


def _listed(sizes: Object) -> str:
    return ", ".join(map(str, sizes)) if isinstance(sizes, list) else "N, 64"


def _drawn(kind: str) -> CompileTime:
    """Type a random draw: in a train section it is one more input of the step."""

    def apply(values: Values, args: Args, node: ast.Expr, span: Span, frame: Frame) -> Object:
        if not frame.run.training:
            refuse(
                "random-in-net",
                "a net computes the same for the same input",
                span,
                "random draws belong in a `train` section",
                helps=(
                    f"make the noise an input of the net: `z: f32[{_listed(values['shape'])}]`",
                ),
            )
        shape = values["shape"]
        assert isinstance(shape, list)
        sizes = tuple(size for size in shape if isinstance(size, int | Dim))
        name = frame.binding_path() or "noise"
        drawn = frame.run.builder.fresh(name, TensorType(F32, sizes))
        frame.run.noise[drawn] = Noise(kind, drawn.name)
        return drawn

    return apply


COMPILE_TIME["random_normal"] = _drawn("normal")
COMPILE_TIME["random_uniform"] = _drawn("uniform")
