"""Functions of examples and random numbers, in train sections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from msgspec.structs import replace

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Label
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import did_you_mean
from netlang.evaluate.builtins.registry import COMPILE_TIME, Args, CompileTime, Values, compile_time
from netlang.evaluate.context.describe import describe
from netlang.evaluate.context.frame import Frame, Noise, reject
from netlang.evaluate.context.values import Examples, IntRange, Object, Results, Setting
from netlang.ir.dims import Dim, symbol
from netlang.ir.types import F32, TensorType
from netlang.syntax import ast


@compile_time("batches")
def _batches(values: Values, args: Args, _n: ast.Expr, span: Span, frame: Frame) -> Object:
    rows = values["d"]
    assert isinstance(rows, Examples)
    if rows.batched:
        reject(rules.WRONG_TYPE, "these examples are in batches already", args["d"].span)
    if values["shuffle"] and values["in_order"]:
        reject(
            rules.SHUFFLED_IN_ORDER,
            "shuffled examples are not in order",
            args["in_order"].span,
            "each example is to follow the one before",
            secondary=(Label(args["shuffle"].span, "and any may follow any"),),
            helps=("leave one of them out",),
        )
    columns = {
        name: TensorType(type.dtype, (symbol("N"), *type.shape))
        for name, type in rows.columns.items()
    }
    given = {name: value for name, value in values.items() if name != "d"}
    return Examples(columns, replace(rows.origin, batches=given), batched=True)


def reject_examples_for_a_transform(name: str, rows: Examples, at: Span, span: Span) -> NoReturn:
    """Report where a transform belongs that was called with examples, as `digits() |> flip()`."""
    # The text of a stage of a pipeline is the transform as it goes into `map`.
    stage = at.end <= span.start
    shown = " ".join(span.text.split()) if stage else f"{name}(…)"
    own = min(rows.batched, 1)  # the images of a batch have `N` in front
    images = [name for name, type in rows.columns.items() if type.rank - own >= 2]
    column = images[0] if images else next(iter(rows.columns))
    reject(
        rules.WRONG_TYPE,
        "a transform changes a column, not the examples",
        span,
        helps=(f"put it into `map`: `map({column}=[{shown}])`",),
    )


@compile_time("part")
def _part(values: Values, args: Args, _n: ast.Expr, span: Span, _f: Frame) -> Object:
    rows, chosen = values["d"], values["chosen"]
    assert isinstance(rows, Examples)
    _require_single("part", rows, args["d"].span)
    if not isinstance(chosen, IntRange):
        reject(
            rules.WRONG_TYPE,
            "`part` takes a range of examples, such as `part(0..799)`",
            args["chosen"].span,
            f"this is {describe(chosen)}",
        )
    if chosen.first < 0 or not len(chosen):
        reject(
            rules.OUT_OF_RANGE,
            "a part has examples, and the first is 0",
            args["chosen"].span,
            f"this is {describe(chosen)}",
        )
    given: dict[str, Object] = {"first": chosen.first, "last": chosen.last}
    return _stepped(rows, "part", given)


def _divided(name: str) -> CompileTime:
    """Return a division of examples into two parts."""

    def apply(values: Values, args: Args, _n: ast.Expr, span: Span, _f: Frame) -> Object:
        rows, by = values["d"], values["by"]
        assert isinstance(rows, Examples)
        _require_single(name, rows, args["d"].span)
        if by:
            _require_classes(name, rows, str(by), args["by"].span if "by" in args else span)
        given = {key: value for key, value in values.items() if key != "d"}
        return Results({"rows": _stepped(rows, name, given), "rest": _rest(rows, name, given)})

    return apply


def _rest(rows: Examples, name: str, given: Values) -> Examples:
    return _stepped(rows, name, {**given, "rest": True})


def _stepped(rows: Examples, name: str, given: Mapping[str, Object]) -> Examples:
    steps = (*rows.origin.steps, Setting("rows", name, given))
    return Examples(rows.columns, replace(rows.origin, steps=steps))


def _require_single(name: str, rows: Examples, span: Span) -> None:
    if rows.batched:
        reject(
            rules.WRONG_TYPE,
            f"`{name}` chooses single examples",
            span,
            "these are in batches",
            helps=(f"put `{name}` before `batches`",),
        )


def _require_classes(name: str, rows: Examples, column: str, span: Span) -> None:
    """Reject a column that is not one of classes: an integer for each example."""
    type = rows.columns.get(column)
    if type is None:
        reject(
            rules.UNKNOWN_COLUMN,
            f"these examples have no column `{column}`",
            span,
            notes=(f"the columns are: {', '.join(rows.columns)}",),
            helps=did_you_mean(column, rows.columns),
        )
    if type.rank or not type.dtype.is_integer:
        reject(
            rules.WRONG_TYPE,
            f"`{name}` takes a column of classes, and `{column}` is {type}",
            span,
            helps=("classes are integers: `i64[]`",),
        )


COMPILE_TIME["split_rows"] = _divided("split")
COMPILE_TIME["folds"] = _divided("folds")


def _listed(sizes: Object) -> str:
    return ", ".join(map(str, sizes)) if isinstance(sizes, list) else "N, 64"


def _random(kind: str) -> CompileTime:
    """Return the type of random numbers, which are an input of the step."""

    def apply(values: Values, args: Args, node: ast.Expr, span: Span, frame: Frame) -> Object:
        if not frame.run.training:
            reject(
                rules.RANDOM_IN_NET,
                "a net computes the same for the same input",
                span,
                "random numbers belong in a `train` section",
                helps=(
                    f"make the noise an input of the net: `z: f32[{_listed(values['shape'])}]`",
                ),
            )
        shape = values["shape"]
        assert isinstance(shape, list)
        sizes = tuple(size for size in shape if isinstance(size, int | Dim))
        name = frame.binding_path() or "noise"
        noise = frame.run.builder.fresh(name, TensorType(F32, sizes))
        frame.run.noise[noise] = Noise(kind, noise.name)
        return noise

    return apply


COMPILE_TIME["random_normal"] = _random("normal")
COMPILE_TIME["random_uniform"] = _random("uniform")
