"""The columns of a dataset: which columns of a file they are, and what is done with those."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Literal

from netlang.diagnostics import rules
from netlang.diagnostics.fix import replacement
from netlang.diagnostics.source import Span
from netlang.evaluate.calls.image_columns import check_image_stages, is_image_column, stages_of
from netlang.evaluate.context.describe import describe
from netlang.evaluate.context.frame import Frame, reject
from netlang.evaluate.context.values import UNKNOWN, Function, Object, Setting, Unknown, Word
from netlang.evaluate.evaluate import evaluate
from netlang.ir.types import F32, TensorType
from netlang.syntax import ast

TOKENS: tuple[Literal["words", "characters"], ...] = ("words", "characters")
"""The stages that make numbers of any length from texts."""


def columns_of(
    bind: ast.Bind, columns: Mapping[str, TensorType], frame: Frame, *, cells: bool
) -> dict[str, Object]:
    """Return the sources of the columns that a field names.

    A column of the file has a single number for each example if it has ``cells``.
    Two columns are the tokens of texts and their number, as in ``text, length = … |> words(…)``.
    """
    names = [target.text for target in bind.targets]
    value = _column_of(names[0], bind, columns[names[0]], frame, cells)
    if len(names) == 1 or not isinstance(value, Setting):
        return dict.fromkeys(names, value)
    if value.name not in TOKENS or len(names) > 2:
        reject(
            rules.WRONG_TYPE,
            "a field is for one column, or for texts and their length",
            bind.span,
            helps=(f"write a line for each: `{names[1]} = column(…)`",),
        )
    type = columns[names[1]]
    if not type.dtype.is_integer or type.rank:
        reject(
            rules.WRONG_TYPE,
            f"`{names[1]}` is {type}, and the length of a text is a number",
            bind.targets[1].span,
            helps=(f"declare it as `{names[1]}: i64[]`",),
        )
    return {names[0]: value, names[1]: Setting("column", "length", {"x": value})}


def _column_of(name: str, bind: ast.Bind, type: TensorType, frame: Frame, cells: bool) -> Object:
    """Return the source of a column, such as ``columns(["a", "b"]) |> normalize``.

    Rejects one that cannot give examples of the declared type.
    """
    span = bind.value.span
    value = evaluate(bind.value, frame)
    if isinstance(value, Unknown):
        return UNKNOWN
    if not isinstance(value, Setting) or value.type != "column":
        shown = bind.value.span.text if isinstance(value, str) else f'"{name}"'
        reject(
            rules.WRONG_TYPE,
            f"`{name}` must be a column of the file",
            span,
            f"this is {describe(value)}",
            helps=(f"write `{name} = column({shown})`",),
            fixes=(replacement(span, f"column({shown})"),) if isinstance(value, str) else (),
        )
    stages = stages_of(value)
    if is_image_column(stages):
        check_image_stages(name, type, stages, span)
        _check_fill(name, type, stages[0].arguments.get("fill"), "texts", span)
        return value
    if len(stages) > 2:
        first, *others = (stage.name for stage in stages[1:])
        reject(
            rules.WRONG_TYPE,
            f"`{others[0]}` does not follow `{first}`",
            span,
            helps=(f"leave out `{others[0]}`",),
        )
    _check_stages(name, type, stages, span, cells)
    return value


def _check_stages(
    name: str, type: TensorType, stages: list[Setting], span: Span, cells: bool
) -> None:
    """Check the columns of the file, and what is done with them, against the declared type."""
    first = stages[0].arguments
    named = first.get("names")
    count = len(named) if isinstance(named, list) else 1
    categories = next((s.arguments for s in stages if s.name == "categories"), None)
    what = "numbers" if categories is None else "categories"
    tokens = next((s for s in stages if s.name in TOKENS), None)
    if tokens is not None:
        what = "texts"
        _check_tokens(name, type, count, tokens.name, span)
    elif categories is not None:
        _check_categories(name, type, count, categories, span)
    elif (cells or count > 1) and prod(d for d in type.shape if isinstance(d, int)) != count:
        reject(
            rules.WRONG_TYPE,
            f"`{name}` is {type}, and these are {_several(count)} of the file",
            span,
            helps=(f"declare it as `{name}: {type.with_shape(*[count] * (count > 1))}`",),
        )
    if any(stage.name == "normalize" for stage in stages) and not type.dtype.is_float:
        reject(
            rules.WRONG_TYPE,
            f"`{name}` is {type}, and `normalize` makes floats",
            span,
            helps=(f"declare it as `{name}: {TensorType(F32, type.shape)}`",),
        )
    _check_fill(name, type, first.get("fill"), what, span)


def _check_categories(
    name: str, type: TensorType, count: int, given: Mapping[str, Object], span: Span
) -> None:
    if count > 1:
        reject(
            rules.WRONG_TYPE,
            f"the categories of `{name}` are in one column of the file",
            span,
            f"these are {count}",
            helps=("declare a column of the dataset for each",),
        )
    if given["one_hot"]:
        if not type.dtype.is_float or type.rank != 1:
            help = f"declare it as `{name}: f32[…]`, with the number of categories"
            reject(
                rules.WRONG_TYPE,
                f"`{name}` is {type}, and `one_hot` makes a number for each category",
                span,
                helps=(help,),
            )
    elif not type.dtype.is_integer or type.rank:
        reject(
            rules.WRONG_TYPE,
            f"`{name}` is {type}, and categories are numbers of classes",
            span,
            helps=(
                f"declare it as `{name}: i64[]`",
                "or, with a number for each category: `categories(one_hot=true)`",
            ),
        )
    order = given["order"]
    if isinstance(order, list) and len(set(order)) < len(order):
        twice = next(each for each in order if order.count(each) > 1)
        reject(
            rules.WRONG_TYPE,
            f"`order` has {describe(twice)} twice",
            span,
            helps=("leave one of them out",),
        )


def _check_tokens(name: str, type: TensorType, count: int, unit: str, span: Span) -> None:
    if count > 1:
        reject(
            rules.WRONG_TYPE,
            f"the texts of `{name}` are in one column of the file",
            span,
            f"these are {count}",
            helps=("declare a column of the dataset for each",),
        )
    if not type.dtype.is_integer or type.rank != 1 or isinstance(type.shape[0], int):
        reject(
            rules.WRONG_TYPE,
            f"`{name}` is {type}, and a text is a list of any length, of the numbers of its {unit}",
            span,
            helps=(f"declare it as `{name}: i64[T]`",),
        )


def _check_fill(name: str, type: TensorType, fill: Object, what: str, span: Span) -> None:
    """Check that missing values are filled with what the column has."""
    text = what != "numbers"
    whole = isinstance(fill, int) or (isinstance(fill, float) and fill.is_integer())
    match fill:
        case int() | float() if text:
            message = f"missing {what} are filled with a text"
            helps = (f'write `fill="{fill}"`, or `fill=most_frequent`',)
        case int() | float() if not type.dtype.is_float and not whole:
            message = f"`{name}` is {type}, and `fill` is {describe(fill)}"
            helps = (f"give an integer: `fill={round(fill)}`",)
        case str() if not text:
            message = f"`{name}` is {type}, and `fill` is {describe(fill)}"
            helps = ("give a number, `fill=mean` or `fill=most_frequent`",)
        case Word() if what == "texts":
            message = f"`{name}` has texts, of which none is the most frequent"
            helps = ('give the text: `fill="…"`',)
        case Function() if text or not type.dtype.is_float:
            message = f"{f'{what} have' if text else f'{type} has'} no mean"
            helps = ("write `fill=most_frequent`, or give the value",)
        case _:
            return
    reject(rules.WRONG_TYPE, message, span, helps=helps)


def statistic(fill: Object) -> Literal["mean", "most_frequent"] | None:
    """Return the value of the training data that missing values are filled with, if it is one."""
    match fill:
        case Word():
            return "most_frequent"
        case Function():
            return "mean"
        case _:
            return None


def _several(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"
