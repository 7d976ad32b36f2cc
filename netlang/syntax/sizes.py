"""Sizes and indices that are ``None``, as in other frameworks."""

from __future__ import annotations

from collections.abc import Sequence

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, diagnostic
from netlang.diagnostics.fix import replacement
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import renaming
from netlang.syntax import ast
from netlang.syntax.checks import Checks
from netlang.syntax.keywords import FOREIGN_VALUES

Item = ast.Expr | ast.Slice | ast.Dots | ast.Rest
_AXES = {1: "N", 2: "NT", 3: "NTD", 4: "NCHW", 5: "NCDHW"}
"""The usual names of the axes of a tensor, by their number."""
_OTHERS = "NTMLKSPQ"


def is_none(item: Item) -> bool:
    """Return whether a size or an index is ``none``, or ``None``."""
    return isinstance(item, ast.Nothing) or (
        isinstance(item, ast.Name) and FOREIGN_VALUES.get(item.text) == "none"
    )


def named_sizes(
    checks: Checks, dims: Sequence[ast.Expr | ast.Rest]
) -> tuple[ast.Expr | ast.Rest, ...]:
    """Report each size of a type that is ``none``, and return the sizes with names instead."""
    names = [*_AXES.get(len(dims), ""), *_OTHERS]
    taken = {dim.text for dim in dims if isinstance(dim, ast.Name)}
    named: list[ast.Expr | ast.Rest] = []
    for at, dim in enumerate(dims):
        if not is_none(dim):
            named.append(dim)
            continue
        name = next((n for n in names[min(at, len(names) - 1) :] if n not in taken), "N")
        taken.add(name)
        checks.found = [d for d in checks.found if d.span != dim.span]
        checks.found.append(unknown_size(dim.span, name))
        named.append(ast.Name(dim.span, name))
    return tuple(named)


def unknown_size(span: Span, name: str) -> Diagnostic:
    """Return the diagnostic of a size that is left open, and that a name would denote."""
    return diagnostic(
        rules.FOREIGN_OPERATOR,
        "a size that may vary has a name",
        span,
        "each call may have another",
        helps=(f"write `{name}`, or any other name that starts with a capital letter",),
        fixes=renaming(span, name),
    )


def new_axis(checks: Checks, span: Span, value: ast.Expr, items: Sequence[Item]) -> Diagnostic:
    """Return the diagnostic of `x[:, None]`, an index that adds an axis elsewhere."""
    at = next(n for n, item in enumerate(items) if is_none(item))
    checks.found = [d for d in checks.found if d.span != items[at].span]
    kept = [isinstance(item, ast.Slice | ast.Dots) for item in items]
    dots = any(isinstance(item, ast.Dots) for item in items[:at])
    axis = -1 - sum(kept[at + 1 :]) if dots else sum(kept[:at])
    rest = [item.span.text for n, item in enumerate(items) if n != at]
    index = "" if all(item in (":", "...") for item in rest) else f"[{', '.join(rest)}]"
    text = f"unsqueeze({value.span.text}{index}, {axis})"
    shown = text if len(text) <= 60 and "\n" not in text else f"unsqueeze(…, {axis})"
    return diagnostic(
        rules.FOREIGN_OPERATOR,
        "an index adds no axis",
        items[at].span,
        helps=(f"write `{shown}`",),
        fixes=(replacement(span, text),),
    )
