"""Descriptions of compile-time values, for messages and traces."""

from __future__ import annotations

from collections.abc import Sequence

from netlang.evaluate.context.values import (
    Bound,
    Duration,
    Examples,
    Function,
    IntRange,
    Layer,
    NamedTuple,
    Object,
    Part,
    Results,
    Setting,
    Unknown,
    Word,
)
from netlang.ir.dims import Dim
from netlang.ir.graph import Value
from netlang.ir.types import DType


def describe(value: Object) -> str:
    """Return a description of a value that follows "this is"."""
    match value:
        case Value():
            return str(value.type)
        case bool():
            return "true" if value else "false"
        case int():
            return f"the int {value}"
        case Dim():
            return f"the size {value}"
        case float():
            return f"the float {value!r}"
        case str():
            return f"the string {_quoted(value)}"
        case None:
            return "none"
        case list():
            return f"a list of {len(value)}"
        case NamedTuple():
            names = value.names
            return f"a tuple with {', '.join(f'`{name}`' for name in names)}"
        case tuple():
            return f"a tuple of {len(value)}"
        case Function():
            article = "an" if value.kind == "op" else "a"
            return f"the {value.kind} `{value.name}`" if value.name else f"{article} {value.kind}"
        case Layer():
            return f"a layer made of `{value.function.name}`"
        case Bound(function=function):
            return f"{describe(function)} with some arguments"
        case Results():
            return f"{len(value.values)} results: {', '.join(value.values)}"
        case Word():
            return f"the word `{value.text}`"
        case Duration():
            return f"the duration {value}"
        case Setting():
            return f"{article_of(value.type)} (`{value.name}`)"
        case Part(names=names):
            return "a part of a layer" if names else "a parameter that does not exist yet"
        case IntRange():
            return f"the range {value.first}..{value.last}"
        case Examples():
            return "examples in batches" if value.batched else "examples"
        case DType():
            return f"the element type {value}"
        case Unknown():
            return "unknown"


def part_helps(part: Part, text: str) -> tuple[str, ...]:
    """Return what to write for a part of a layer where a tensor belongs."""
    if not part.names:
        layer = part.layer.path
        return (f"it is made by the first call of `{layer}`: put this line after that call",)
    steps = part.names[0].split(".")
    name = "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in steps)
    return (f"to use one of its parameters, write it in full: `{text}{name}`",)


def article_of(type_name: str) -> str:
    """Return the name of a type with "a" or "an" before it."""
    shown = type_name.replace("_", " ")
    return f"an {shown}" if shown[0] in "aeiou" else f"a {shown}"


def short(value: Object) -> str:
    """Print a value as a program would write it, for a trace of calls."""
    match value:
        case Value():
            return str(value.type)
        case str():
            return _quoted(value)
        case bool() | None:
            return {True: "true", False: "false", None: "none"}[value]
        case float():
            return f"{value:g}"
        case list():
            return f"[{_items(value)}]"
        case NamedTuple():
            named = zip(value.names, value, strict=True)
            return f"({', '.join(f'{name}={short(item)}' for name, item in named)})"
        case tuple():
            return f"({_items(value)})"
        case Function():
            return value.name
        case Bound(function=function, arguments=arguments):
            given = ", ".join(f"{name}={short(arg.value)}" for name, arg in arguments.items())
            return f"{function.name}({given})"
        case Word():
            return value.text
        case int() | Dim() | Duration() | DType():
            return str(value)
        case IntRange():
            return f"{value.first}..{value.last}"
        case Setting():
            return f"{value.name}(…)"
        case _:
            return "…"


_SHOWN_LETTERS = 80
_SHOWN_ITEMS = 8


def _quoted(text: str) -> str:
    """Return a string in quotes; of a long one, its beginning."""
    return f'"{text}"' if len(text) <= _SHOWN_LETTERS else f'"{text[:_SHOWN_LETTERS]}…"'


def _items(values: Sequence[Object]) -> str:
    """Return the items of a list, of a long one the first."""
    shown = [short(value) for value in values[:_SHOWN_ITEMS]]
    return ", ".join([*shown, "…"] if len(values) > _SHOWN_ITEMS else shown)


def signature(function: Function) -> str:
    """Print the parameters of a function: ``conv(x, out, kernel, *, stride)``."""
    names: list[str] = []
    for param in function.params:
        if param.keyword_only and "*" not in names:
            names.append("*")
        names.append(param.name.text)
    return f"{function.name}({', '.join(names)})"
