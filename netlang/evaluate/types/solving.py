"""Solving a shape entry such as ``2 * C`` or ``H * W`` for the one dimension not known yet."""

from __future__ import annotations

from netlang.evaluate.context.frame import Frame
from netlang.evaluate.evaluate import evaluate
from netlang.ir.dims import Dim, Size, exact_quotient, substitute, symbol, symbols
from netlang.syntax import ast
from netlang.syntax.walk import walk


def open_names(entry: ast.Expr, frame: Frame) -> list[str]:
    """Return the dimensions in an entry that have no size yet."""
    found = [
        node.text
        for node in walk(entry)
        if isinstance(node, ast.Name) and node.text[0].isupper() and frame.find(node.text) is None
    ]
    return list(dict.fromkeys(found))


def solve(entry: ast.Expr, name: str, size: Size, frame: Frame) -> tuple[Size | None, Size]:
    """Return the size of ``name`` for which ``entry`` equals ``size``, and its factor in it.

    The size is ``None`` if the division leaves a remainder; the factor is 0 if the entry is not
    linear in the name.
    """
    mark = f"{name}'"  # a name that no program can contain
    frame.bind(name, symbol(mark), entry.span)
    value = evaluate(entry, frame)
    del frame.names[name]
    if not isinstance(value, Dim) or mark not in symbols(value):
        return None, 0
    start = substitute(value, {mark: 0})
    factor = substitute(value, {mark: 1}) - start
    if substitute(value, {mark: 2}) - start != 2 * factor or factor == 0:
        return None, 0
    if value != factor * symbol(mark) + start:
        return None, 0
    solution = exact_quotient(size - start, factor)
    if isinstance(solution, int) and solution < 1:
        solution = None
    return solution, factor
