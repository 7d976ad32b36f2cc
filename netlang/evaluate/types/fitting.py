"""Comparison of values with types, except for shapes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NoReturn, Unpack

from netlang.advice.definitions import ours_of
from netlang.advice.parameters import argument_helps
from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import DiagnosticError, Parts
from netlang.diagnostics.fix import Fix, replacement
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import Suggestion, renaming, respelled
from netlang.evaluate.context.describe import article_of, describe, part_helps
from netlang.evaluate.context.frame import Frame, reject
from netlang.evaluate.context.limits import listed
from netlang.evaluate.context.source_text import source_text
from netlang.evaluate.context.values import (
    BALANCED,
    FILLINGS,
    PADDINGS,
    UNKNOWN,
    Argued,
    Bound,
    Duration,
    Examples,
    Function,
    Layer,
    Object,
    Part,
    Results,
    Setting,
    Unknown,
    Word,
    is_number,
)
from netlang.evaluate.types.missing import check_missing
from netlang.evaluate.types.shapes import match_shape
from netlang.ir.dims import Dim
from netlang.ir.graph import Value
from netlang.ir.types import DType
from netlang.syntax import ast


def fits(arg: Argued, type: ast.TypeExpr | None, frame: Frame, name: str) -> Object:
    """Return a value converted to a type (an int to a float), or reject it.

    Dimensions are bound in ``frame``, the frame of the definition that declares the type. A number
    for a tensor is passed through: the caller fills a tensor with it once the shape is known.
    """
    value = arg.value
    match type:
        case _ if isinstance(value, Unknown):
            return UNKNOWN
        case None:
            if isinstance(value, Value | list | tuple):
                return value
            _wrong(arg, name, "a tensor", **_tensor_meant(arg, None))
        case ast.OptionalType(inner=inner):
            return None if value is None else fits(arg, inner, frame, name)
        case ast.ShapeType():
            if is_number(value):
                return value
            if not isinstance(value, Value):
                _wrong(arg, name, "a tensor", **_tensor_meant(arg, type, frame))
            try:
                match_shape(value.type, type, frame, name, arg.span)
            except DiagnosticError as rejected:
                from netlang.evaluate.types.conversions import converted

                found = converted(rejected.diagnostic, arg, type, frame)
                raise rejected.repaired(found) from None
            return value
        case ast.ListType():
            return _fit_list(arg, type, frame, name)
        case ast.TupleType():
            return _fit_tuple(arg, type, frame, name)
        case ast.NameType(name="selection") if isinstance(value, Value) and any(
            made.value is value for made in frame.run.weights.values()
        ):
            return value  # one weight: `model.head.weight`
        case ast.NameType(name=kind):
            return _named(arg, kind, name, type.span, frame)


def _fit_list(arg: Argued, type: ast.ListType, frame: Frame, name: str) -> list[Object]:
    budget = frame.run.budget
    budget.traverse(arg.span, arg.value)
    value = listed(arg.value, arg.span, budget)
    if not isinstance(value, list):
        text = arg.span.text if isinstance(arg.value, Value) else ""
        helps = (f"put what is to be concatenated in brackets: `[{text}, …]`",) if text else ()
        fixes: tuple[Fix, ...] = ()
        if isinstance(arg.value, str) and source_text(type.item) == "str":
            listed_text = f"[{arg.span.text}]"
            helps, fixes = (f"write `{listed_text}`",), (replacement(arg.span, listed_text),)
        _wrong(arg, name, f"a list: {source_text(type)}", helps=helps, fixes=fixes)
    kind = type.item.name if isinstance(type.item, ast.NameType) else ""
    if kind in _SCALARS and all(map(QUICK[kind], value)):
        # An int is a float where one is expected.
        return [float(v) if isinstance(v, int) else v for v in value] if kind == "float" else value
    budget.spend(len(value), arg.span)
    given = arg.expr.items if isinstance(arg.expr, ast.List) else ()
    spans = [item.span for item in given] if len(given) == len(value) else [arg.span] * len(value)
    return [
        fits(Argued(v, span), type.item, frame, f"{name}[{i}]")
        for i, (v, span) in enumerate(zip(value, spans, strict=True))
    ]


def _fit_tuple(arg: Argued, type: ast.TupleType, frame: Frame, name: str) -> tuple[Object, ...]:
    value = arg.value
    if not isinstance(value, tuple) or len(value) != len(type.items):
        _wrong(arg, name, f"a tuple {source_text(type)}")
    return tuple(
        fits(Argued(v, arg.span), t, frame, f"{name}[{i}]")
        for i, (v, t) in enumerate(zip(value, type.items, strict=True))
    )


_LONGEST_NAME = 80


def _tensor_meant(
    arg: Argued, type: ast.ShapeType | None, frame: Frame | None = None
) -> Suggestion:
    """Suggest the tensor that was meant by a value of another kind."""
    value = arg.value
    helps: tuple[str, ...] = ()
    match value:
        case Results():
            from netlang.evaluate.types.conversions import accepts, one_result

            return one_result(arg, lambda v: not type or not frame or accepts(type, v.type, frame))
        case str() if len(value) <= _LONGEST_NAME and value.isidentifier():
            helps = (f"to name a value, write it without quotes: `{value}`",)
        case list() if value and all(isinstance(v, Value) for v in value):
            helps = ("concatenate them first: `concat([a, b], axis=1)`",)
        case Bound():
            given = value.arguments
            check_missing(value.function, given, frozenset(), value.span, waiting=True)
        case Function():
            helps = (f"call it first: `{value.name}(…)`",)
        case Part():
            helps = part_helps(value, arg.span.text)
        case _:
            pass
    return {"helps": helps, "fixes": ()}


def _wrong(
    arg: Argued,
    name: str,
    expected: str,
    **suggestion: Unpack[Parts],
) -> NoReturn:
    reject(
        rules.WRONG_TYPE,
        f"`{name}` must be {expected}",
        arg.span,
        f"this is {describe(arg.value)}",
        **suggestion,
    )


def _an_int(value: Object) -> bool:
    return isinstance(value, int | Dim) and not isinstance(value, bool)


def _some_ints(value: Object) -> bool:
    return _an_int(value) or (
        isinstance(value, list | tuple) and len(value) > 0 and all(map(_an_int, value))
    )


def _a_padding(value: Object) -> bool:
    return (
        _is_word(value, PADDINGS)
        or _some_ints(value)
        or (isinstance(value, list | tuple) and len(value) > 0 and all(map(_some_ints, value)))
    )


def _an_op(value: Object) -> bool:
    function = value.function if isinstance(value, Bound) else value
    return isinstance(function, Function) and function.kind == "op"


def _a_number(value: Object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _some_numbers(value: Object) -> bool:
    return _a_number(value) or (
        isinstance(value, list | tuple) and len(value) > 0 and all(map(_a_number, value))
    )


def _a_filling(value: Object) -> bool:
    if isinstance(value, Function):  # `mean` is a function as well
        return value.name == "mean" and value.module.source.library
    return _a_number(value) or isinstance(value, str) or _is_word(value, FILLINGS)


def _a_weighting(value: Object) -> bool:
    listed = isinstance(value, list) and len(value) > 0 and all(map(_a_number, value))
    return listed or _is_word(value, (BALANCED,))


def _some_files(value: Object) -> bool:
    if isinstance(value, list):
        return len(value) > 0 and all(isinstance(each, str) for each in value)
    return isinstance(value, str) or (isinstance(value, Setting) and value.type == "column")


def _is_word(value: Object, words: tuple[str, ...]) -> bool:
    return isinstance(value, Word) and value.text in words


def _setting(kind: str) -> Callable[[Object], bool]:
    return lambda value: isinstance(value, Setting) and value.type == kind


def _words(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)


_KINDS: dict[str, tuple[str, Callable[[Object], bool]]] = {
    "int": ("an int", _an_int),
    "bool": ("true or false", lambda v: isinstance(v, bool)),
    "str": ("a string, in double quotes", lambda v: isinstance(v, str)),
    "number": ("a number", is_number),
    "list": ("a list", lambda v: isinstance(v, list)),
    "any": ("anything", lambda _: True),
    "ints": ("an int, or a tuple with an int per axis", _some_ints),
    "padding": (f"a padding: an int, a tuple, or {_words(PADDINGS)}", _a_padding),
    "filling": (f"a number, a text, {_words(FILLINGS)}", _a_filling),
    "weighting": (f"a list with a number for each class, or `{BALANCED}`", _a_weighting),
    "files": ("a pattern of file names, or a column of them", _some_files),
    "duration": ("a duration (epochs or steps)", lambda v: isinstance(v, Duration)),
    "block": ("a block", lambda v: isinstance(v, Function | Layer | Bound)),
    "op": ("an op", _an_op),
    "net": ("a net", lambda v: isinstance(v, Function) and v.kind == "net"),
    "layer": ("a layer or a part of one", lambda v: isinstance(v, Layer | Part)),
    "selection": (
        "a selection of weights, such as `weights(model)`",
        lambda v: isinstance(v, Layer | Part) or _setting("selection")(v),
    ),
    "rows": ("examples of a dataset", lambda v: isinstance(v, Examples)),
    "dtype": ("an element type, such as f32", lambda v: isinstance(v, DType)),
    "tensor": ("a tensor", lambda v: isinstance(v, Value)),
    "float": ("a float", _a_number),
    "floats": ("a number, or a tuple with a number per axis", _some_numbers),
    "schedule": (
        "a learning rate: a float or a schedule",
        lambda v: _a_number(v) or _setting("schedule")(v),
    ),
    "init": (
        "an initializer, such as `normal(0.01)`, or a number",
        lambda v: _a_number(v) or _setting("init")(v),
    ),
    **{
        kind: (article_of(kind), _setting(kind))
        for kind in (
            *("optimizer", "clip", "stop", "checkpoint", "transform", "group", "init_rule"),
            "column",
        )
    },
    "plateau": ("a rule for a plateau", _setting("plateau")),
}

TYPE_NAMES = frozenset(_KINDS)

QUICK: dict[str, Callable[[Object], bool]] = {kind: test for kind, (_, test) in _KINDS.items()}
"""Quick tests of whether a value fits a named type."""


_SCALARS = frozenset({"int", "number", "str", "bool", "float"})
"""Types of items that are checked all at once, for a list may have a million of them."""


def _named(arg: Argued, kind: str, name: str, at: Span, frame: Frame) -> Object:
    value, budget = arg.value, frame.run.budget
    if kind not in _KINDS:
        reject(rules.UNKNOWN_TYPE, f"I don't know the type `{kind}`", at)
    expected, test = _KINDS[kind]
    if kind == "list":
        value = listed(value, arg.span, budget)
    budget.traverse(arg.span, value)
    if not test(value):
        meant = _meant_literal(kind, value) or _meant_call(kind, value, frame)
        plain = arg.span.text[:1] in _LITERAL or isinstance(value, Function)
        fixes = renaming(arg.span, meant) if plain else ()
        if kind == "duration" and meant is None and plain:
            fixes = tuple(replacement(arg.span, each) for each in _durations(value))
        if kind == "tensor" and isinstance(value, Results | Bound):
            _wrong(arg, name, expected, **_tensor_meant(arg, None))
        _wrong(arg, name, expected, helps=_named_helps(kind, value, name, meant), fixes=fixes)
    if kind == "float" and isinstance(value, int):
        return float(value)
    return value


_LITERAL = frozenset('"-0123456789')
"""What literals begin with."""

_NUMERIC = frozenset({"int", "ints", "padding", "float", "floats", "number", "schedule"})
_DURATION = re.compile(r"[0-9][0-9_]* (epoch|step)s?")
_NUMBER = re.compile(r"-?[0-9][0-9_]*(\.[0-9]+)?(e-?[0-9]+)?")


def _meant_literal(kind: str, value: Object) -> str | None:
    """Return the literal that was meant by one of another type, if that is certain."""
    match kind, value:
        case "bool", 0 | 1:
            return "true" if value else "false"
        case kind, str() if kind in _NUMERIC and _NUMBER.fullmatch(value) is not None:
            return value
        case "padding", str() if value in PADDINGS:
            return value
        case "int" | "ints" | "padding", float() if value.is_integer():
            return str(int(value))
        case "duration", str() if _DURATION.fullmatch(value) is not None:
            return value
        case "dtype", str() if value in {d.value for d in DType}:
            return value
        case _:
            return None


def _durations(value: Object) -> tuple[str, ...]:
    """Return the durations that a number may mean."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return ()
    return (f"{value:g} epochs", f"{value:g} steps") if value != 1 else ("1 epoch", "1 step")


def _meant_call(kind: str, value: Object, frame: Frame) -> str | None:
    """Return the call that was meant by the name of an initializer, an optimizer or the like."""
    if kind not in _MADE or not isinstance(value, str | Function):
        return None
    if kind == "init" and isinstance(value, str) and value in _CONSTANTS:
        return _CONSTANTS[value]
    from netlang.evaluate.modules.families import returning

    known = returning(kind)
    name = value.name if isinstance(value, Function) else value
    function = next(
        (f for n in (ours_of(name), respelled(name, known), name) if n in known
         and (f := frame.module.function(n)) is not None),
        None,
    )  # fmt: skip
    if function is None or any(p.default is None for p in function.params):
        return None
    return f"{function.name}()"


_MADE = frozenset(
    {"init", "optimizer", "clip", "transform", "schedule", "checkpoint", "stop", "plateau"}
)
"""Types of the values that calls make, which other frameworks name in strings."""

_CONSTANTS: Mapping[str, str] = {"zeros": "0.0", "zero": "0.0", "ones": "1.0", "one": "1.0"}
"""The initializers that are numbers here."""


def _named_helps(kind: str, value: Object, name: str, meant: str | None) -> tuple[str, ...]:
    match kind, value:
        case "padding", _ if meant is not None:
            return (f"it is a word, not a string: write `{name}={meant}`",)
        case _, str() if meant == value:
            return (f"write it without quotes: `{meant}`",)
        case _ if meant is not None:
            return (f"write `{meant}`",)
        case "duration", int() | float():
            return (f"write {' or '.join(f'`{each}`' for each in _durations(value))}",)
        case "rows", Function(kind="dataset"):
            return (f"call it: `{value.name}(…)`",)
        case "dtype", str():
            return (f"write it without quotes: `{value}`",)
        case "column", Value() | Examples():
            return (
                'a column of a file is a field of a `dataset`: `x = column("…") |> normalize`',
                "the examples of a batch are normalized by `layer_norm`, `batch_norm` or "
                "`l2_normalize`",
            )
        case "float" | "int" | "bool" | "ints" | "floats", Value():
            return ("a tensor is only known at run time; this is settled when the file is checked",)
        case _:
            return argument_helps(kind)
