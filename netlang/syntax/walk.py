"""Going over syntax trees without recursion, so that no program is too deep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import cast

from netlang.diagnostics.source import Source, Span

_FIELDS: dict[type, tuple[str, ...]] = {}
_LEAVES = (str, int, float, bool, type(None), Span, Source)


def children(node: object) -> list[object]:
    """List the parts of a node that are nodes themselves, in the order of the text."""
    names = _FIELDS.get(type(node))
    if names is None:
        names = tuple(f.name for f in fields(node) if f.name != "span")  # pyright: ignore[reportArgumentType]
        _FIELDS[type(node)] = names
    found: list[object] = []
    for name in names:
        value: object = getattr(node, name)
        if isinstance(value, tuple):
            items = cast("tuple[object, ...]", value)
            found.extend(item for item in items if not isinstance(item, _LEAVES))
        elif not isinstance(value, _LEAVES):
            found.append(value)
    return found


def walk(*roots: object) -> Iterator[object]:
    """Give every node below ``roots`` and the roots themselves, in the order of the text."""
    stack = list(reversed(roots))
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(children(node)))
