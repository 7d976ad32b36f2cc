"""Built-ins with arbitrary named arguments: counts of a net, transforms of columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from msgspec.structs import replace

from netlang.diagnostics import rules
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import did_you_mean, suggest
from netlang.evaluate.builtins.conditions import check_condition
from netlang.evaluate.context.describe import describe
from netlang.evaluate.context.frame import Frame, reject
from netlang.evaluate.context.values import (
    UNKNOWN,
    Argued,
    Examples,
    Function,
    IntRange,
    Object,
    Setting,
)
from netlang.ir.dims import Size
from netlang.ir.graph import Graph
from netlang.ir.types import TensorType
from netlang.syntax import ast

Special = Callable[[Sequence[Argued], Span, Frame], Object]


def _count(name: str, count: Callable[[Graph], Size]) -> Special:
    def apply(args: Sequence[Argued], span: Span, frame: Frame) -> Object:
        if not args or args[0].name is not None:
            reject(
                rules.MISSING_ARGUMENT, f"`{name}` needs a net", span, helps=(f"`{name}(LeNet)`",)
            )
        function = args[0].value
        if function is UNKNOWN:
            return UNKNOWN
        if not isinstance(function, Function) or function.kind != "net":
            reject(
                rules.WRONG_TYPE,
                f"`{name}` counts a net",
                args[0].span,
                f"this is {describe(function)}",
            )
        arguments: dict[str, Object] = {}
        for arg in args[1:]:
            if arg.name is None:
                reject(
                    rules.TOO_MANY_ARGUMENTS,
                    f"`{name}` takes one net",
                    arg.span,
                    helps=(f"give sizes and parameters by name: `{name}(…, H=224)`",),
                )
            _check_settable(arg.name, function)
            arguments[arg.name.text] = arg.value
        graph = frame.run.graph_of(function, arguments)
        if graph is None:
            return UNKNOWN
        counts = frame.run.counts
        if (name, graph) not in counts:
            counts[name, graph] = count(graph)
        return counts[name, graph]

    return apply


def _check_settable(name: ast.Ident, net: Function) -> None:
    from netlang.evaluate.nets import settable

    known = settable(net)
    if name.text not in known:
        reject(
            rules.UNKNOWN_PARAMETER,
            f"`{net.name}` has no size or parameter `{name.text}`",
            name.span,
            notes=(f"it has: {', '.join(sorted(known))}",) if known else (),
            suggestion=partial(suggest, name.span, known),
        )


def _trained(graph: Graph) -> Size:
    from netlang.analysis.counts import trained

    return trained(graph)


def _running(graph: Graph) -> Size:
    from netlang.analysis.counts import running

    return running(graph)


def _macs(graph: Graph) -> Size:
    from netlang.analysis.counts import macs

    return macs(graph)


def _map(args: Sequence[Argued], span: Span, frame: Frame) -> Object:
    """``rows |> map(image=[flip(), crop(224)])``: transforms of single columns."""
    del frame
    rows = _rows("map", args, span)
    if rows is None:
        return UNKNOWN
    columns = dict(rows.columns)
    arguments: dict[str, Object] = {}
    for arg in args[1:]:
        name, _ = _by_column(arg, columns, "`map` takes its transforms", "[…]")
        columns[name] = _transformed(name, columns[name], arg)
        arguments[name] = _transforms(arg)
    return _after(rows, columns, "map", arguments)


def _by_column(
    arg: Argued, columns: dict[str, TensorType], takes: str, value: str
) -> tuple[str, Span]:
    """Return the column that an argument is named after, and where the program names it."""
    if arg.name is None:
        reject(
            rules.TOO_MANY_ARGUMENTS,
            f"{takes} by column",
            arg.span,
            helps=(f"say which column: `{next(iter(columns))}={value}`",),
        )
    _known_column(arg.name.text, columns, arg.name.span)
    return arg.name.text, arg.name.span


def _together(args: Sequence[Argued], span: Span, frame: Frame) -> Object:
    """``rows |> together(["image", "mask"], [flip()])``: one transform for several columns."""
    del frame
    rows = _rows("together", args, span)
    if rows is None:
        return UNKNOWN
    if len(args) != 3:
        reject(
            rules.MISSING_ARGUMENT,
            "`together` needs a list of columns and a list of transforms",
            span,
        )
    names = args[1].value
    if not isinstance(names, list):
        reject(
            rules.WRONG_TYPE,
            "the columns are a list of strings",
            args[1].span,
            f"this is {describe(names)}",
        )
    columns = dict(rows.columns)
    for name in names:
        if not isinstance(name, str):
            reject(
                rules.WRONG_TYPE,
                "a column is named by a string",
                args[1].span,
                f"this is {describe(name)}",
            )
        _known_column(name, columns, args[1].span)
        columns[name] = _transformed(name, columns[name], args[2])
    arguments: dict[str, Object] = {"columns": names, "transforms": _transforms(args[2])}
    return _after(rows, columns, "together", arguments)


_MOST_VALUES = 10_000


def _only(args: Sequence[Argued], span: Span, frame: Frame) -> Object:
    """``rows |> only(age >= 18, label=0..4)``: the examples with some values of columns."""
    del frame
    rows = _rows("only", args, span)
    if rows is None:
        return UNKNOWN
    columns = dict(rows.columns)
    conditions: list[Object] = []
    values: dict[str, Object] = {}
    for arg in args[1:]:
        if isinstance(arg.value, Setting) and arg.value.type == "condition":
            assert isinstance(arg.expr, ast.Binary)
            _known_column(arg.expr.left.span.text, columns, arg.expr.left.span)
            conditions.append(check_condition(arg, columns))
            continue
        name, at = _by_column(arg, columns, "`only` takes its values", "…")
        if columns[name].rank or not columns[name].dtype.is_integer:
            reject(
                rules.WRONG_TYPE,
                f"`only` compares integers, and `{name}` is {columns[name]}",
                at,
            )
        values[name] = _chosen_values(arg)
    if not values and not conditions:
        reject(
            rules.MISSING_ARGUMENT,
            "`only` needs the values of a column",
            span,
            helps=("such as `only(label < 5)` or `only(label=[3, 8])`",),
        )
    arguments: dict[str, Object] = {
        "columns": [*values], "values": [*values.values()], "conditions": conditions,
    }  # fmt: skip
    return _after(rows, columns, "only", arguments)


def _chosen_values(arg: Argued) -> list[Object]:
    """Return the integers or names of classes that an argument lists."""
    value = arg.value
    if isinstance(value, IntRange) and 0 < len(value) <= _MOST_VALUES:
        return [*range(value.first, value.last + 1)]
    found: list[Object] = [*value] if isinstance(value, list) else [value]
    plain = all(isinstance(v, int | str) and not isinstance(v, bool) for v in found)
    if not found or not plain:
        reject(
            rules.WRONG_TYPE,
            "the values are integers, names of classes, or a range",
            arg.span,
            f"this is {describe(value)}",
            helps=('such as `0..4`, `[3, 8]` or `"cat"`',),
        )
    return found


def _rows(name: str, args: Sequence[Argued], span: Span) -> Examples | None:
    if not args:
        reject(rules.MISSING_ARGUMENT, f"`{name}` needs examples", span)
    rows = args[0].value
    if rows is UNKNOWN or any(a.value is UNKNOWN for a in args):
        return None
    if not isinstance(rows, Examples):
        reject(
            rules.WRONG_TYPE,
            f"`{name}` works on the examples of a dataset",
            args[0].span,
            f"this is {describe(rows)}",
        )
    if rows.batched:
        reject(
            rules.WRONG_TYPE,
            f"`{name}` works on single examples",
            args[0].span,
            "these are in batches",
            helps=(f"put `{name}` before `batches`",),
        )
    return rows


def _transforms(arg: Argued) -> list[Object]:
    return arg.value if isinstance(arg.value, list) else [arg.value]


def _after(
    rows: Examples, columns: dict[str, TensorType], step: str, arguments: dict[str, Object]
) -> Examples:
    """Return the examples after one more step, with the columns it results in."""
    steps = (*rows.origin.steps, Setting("rows", step, arguments))
    return Examples(columns, replace(rows.origin, steps=steps))


def _known_column(name: str, columns: dict[str, TensorType], span: Span) -> None:
    if name in columns:
        return
    reject(
        rules.UNKNOWN_COLUMN,
        f"these examples have no column `{name}`",
        span,
        notes=(f"the columns are: {', '.join(f'{k}: {v}' for k, v in columns.items())}",),
        helps=did_you_mean(name, columns),
    )


def _transformed(name: str, type: TensorType, arg: Argued) -> TensorType:
    """Return the type of a column after its transforms, in order."""
    for transform in _transforms(arg):
        if not isinstance(transform, Setting) or transform.type != "transform":
            reject(
                rules.WRONG_TYPE,
                "a column is changed by transforms, such as `[flip()]`",
                arg.span,
                f"this is {describe(transform)}",
            )
        if type.rank < 2:
            reject(
                rules.SHAPE_MISMATCH,
                f"`{transform.name}` works on images",
                arg.span,
                f"the column `{name}` is {type}",
            )
        # What a transform calls `size` is the height and width of its results.
        size = transform.arguments.get("size")
        if isinstance(size, int):
            type = type.with_shape(*type.shape[:-2], size, size)
    return type


SPECIAL: dict[str, Special] = {
    "params": _count("params", _trained),
    "running": _count("running", _running),
    "macs": _count("macs", _macs),
    "map": _map,
    "together": _together,
    "only": _only,
}
