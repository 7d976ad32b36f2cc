"""Operators as expressions: their formulas, or calls of their functions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from string import Formatter
from typing import cast

from netlang.codegen.numpy_program.helpers import Helper, helper
from netlang.codegen.numpy_program.literals import Index, literal
from netlang.ir.op import Primitive

_INDEX = "np.s_["
_WHOLE_LIST = re.compile(r"\[\*(\w+)\]")


def attributes_of(op: Primitive) -> dict[str, object]:
    """Return the attributes that the expression of an operator contains."""
    if (extern := op.python_function()) is not None:
        return dict(extern[1])
    if not op.formula:
        return {name: getattr(op, name) for name in helper(type(op)).attributes}
    return {
        name: Index(cast("tuple[object, ...]", getattr(op, name)))
        if spec == "subscript"
        else getattr(op, name)
        for name, spec in _parts(op.formula)
        if name in op.__struct_fields__
    }


def needed(op: Primitive) -> Helper | None:
    """Return the function that the expression of an operator calls."""
    own = op.formula or op.python_function() is not None
    return None if own else helper(type(op))


def expression(
    op: Primitive,
    made: Helper | None,
    operands: Sequence[str],
    attributes: Mapping[str, str],
) -> str:
    """Return the expression of an operator, given those of its operands and attributes.

    ``made`` is the function that it calls, if it does.
    """
    if (extern := op.python_function()) is not None:
        settings = [f"{name}={text}" for name, text in attributes.items()]
        return f"{extern[0].rpartition(':')[2]}({', '.join([*operands, *settings])})"
    if made is not None:
        defaults = {name: literal(value) for name, value in made.defaults.items()}
        given = [f"{k}={v}" for k, v in attributes.items() if defaults.get(k) != v]
        return f"{made.name}({', '.join([*operands, *given])})"
    texts = {**_operand_texts(op, operands), **attributes}
    text = "".join(
        before + ("" if name is None else _field(op, texts, name, spec or ""))
        for before, name, spec, _ in Formatter().parse(op.formula)
    )
    return _WHOLE_LIST.sub(r"\1", text)


def _field(op: Primitive, texts: Mapping[str, str], name: str, spec: str) -> str:
    text = texts[name] if name in texts else str(getattr(op, name))
    if spec == "subscript" and text.startswith(_INDEX):
        return text.removeprefix(_INDEX)[:-1]
    return text


def _operand_texts(op: Primitive, operands: Sequence[str]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for at, name in enumerate(op.operands):
        if name.endswith("*"):
            texts[name[:-1]] = ", ".join(operands[at:])
        else:
            texts[name] = operands[at]
    return texts


@cache
def _parts(formula: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, spec or "") for _, name, spec, _ in Formatter().parse(formula) if name)
