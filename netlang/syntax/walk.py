"""Traversal of syntax trees without recursion, so that no program is too deep."""

from __future__ import annotations

from collections.abc import Iterator

from netlang.syntax.ast import Node


def children(node: Node) -> list[Node]:
    """Return the nodes directly below a node, in the order of the text."""
    found: list[Node] = []
    for name in node.__struct_fields__:
        match getattr(node, name):
            case Node() as child:
                found.append(child)
            case tuple():
                found.extend(getattr(node, name))
            case _:
                pass
    return found


def walk(*roots: Node) -> Iterator[Node]:
    """Yield every node below ``roots`` and the roots themselves, in the order of the text."""
    stack = list(reversed(roots))
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(children(node)))
