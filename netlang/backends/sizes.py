"""The sizes of a call, checked against every operator before the first one runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import diagnostic
from netlang.diagnostics.errors import NetlangError
from netlang.diagnostics.render import render_all
from netlang.ir.dims import substitute, symbols
from netlang.ir.graph import Graph, Node, origin, types
from netlang.ir.op import OperandError, Primitive
from netlang.ir.types import TensorType, Types
from netlang.ops.looping.scan import Scan
from netlang.ops.shaping.joining import Concat

_LARGEST = 1 << 14
"""The largest size that is proposed."""

Sizes = Mapping[str, int]


class SizeError(NetlangError):
    """An operator rejects its operands for the sizes of a call, such as an image too small for it.

    The location is that of the operator in the program.
    """

    def __init__(
        self, rejected: OperandError, node: Node, sizes: Sizes, least: Mapping[str, int]
    ) -> None:
        notes = [note for note in rejected.notes if "{" not in note]
        notes.append(f"for {_listed(sizes, '=')}")
        # Helps that quote an operand need its text, which is known where the program is evaluated.
        helps = [text for text in rejected.helps if "{" not in text]
        if least:
            helps.insert(0, f"pass a larger one: {_listed(least, '>=')}")
        if nothing := [name for name, size in sizes.items() if not size]:
            helps = [f"pass at least one element along {' and '.join(nothing)}"]
        super().__init__(rejected.rule, rejected.message, notes=notes, helps=helps)
        parts = self.diagnostic
        self.diagnostic = diagnostic(
            rejected.rule,
            rejected.message,
            origin(node),
            rejected.label,
            notes=parts.notes,
            helps=parts.helps,
        )

    def __str__(self) -> str:
        return render_all([self.diagnostic]).rstrip("\n")


def check_sizes(graph: Graph, sizes: Sizes) -> bool:
    """Raise ``SizeError`` if an operator does not accept its operands at the sizes of a call.

    Returns whether one has an operand without elements, such as an empty batch. What it makes of
    that is defined by the interpreter: onnxruntime may return something else, or end the process.
    Concatenation is an exception, where an operand without elements is usual.
    """
    return _checked(graph, tuple(sizes.items()))


@lru_cache(maxsize=64)
def _checked(graph: Graph, items: tuple[tuple[str, int], ...]) -> bool:
    sizes = dict(items)
    found = next(_rejections(graph, sizes), None)
    if found is not None:
        raise SizeError(*found, sizes, _least(graph, found, sizes))
    nodes = (node for node in _distinct(graph) if not isinstance(node.op, Concat))
    return any(0 in _fixed(v.type, sizes).shape for node in nodes for v in node.inputs)


@lru_cache(maxsize=64)
def _distinct(graph: Graph) -> tuple[Node, ...]:
    """Return the nodes to check: of those with the same operator on the same types, the first."""
    found: dict[tuple[Primitive, Types], Node] = {}
    for node in _inside(graph.nodes):
        found.setdefault((node.op, types(node.inputs)), node)
    return tuple(found.values())


def _inside(nodes: Sequence[Node]) -> Iterator[Node]:
    """Yield the nodes, and those in the bodies of loops."""
    for node in nodes:
        yield node
        if isinstance(node.op, Scan):
            yield from _inside(node.op.body.nodes)


def _rejections(graph: Graph, sizes: Sizes) -> Iterator[tuple[OperandError, Node]]:
    """Yield the nodes that do not accept their operands, with what they say."""
    for node in _distinct(graph):
        if isinstance(node.op, Scan):  # whose types are those of its body
            continue
        op, given = node.op.at(sizes), [_fixed(v.type, sizes) for v in node.inputs]
        if op is node.op and all(t is v.type for t, v in zip(given, node.inputs, strict=True)):
            continue
        try:
            op.infer(*given)
        except OperandError as rejected:
            yield rejected, node


def _fixed(type: TensorType, sizes: Sizes) -> TensorType:
    if all(isinstance(size, int) for size in type.shape):
        return type
    return type.with_shape(*(substitute(size, sizes) for size in type.shape))


def _least(graph: Graph, found: tuple[OperandError, Node], sizes: Sizes) -> dict[str, int]:
    """Return the sizes of an image that would be accepted, as small as possible, if it is small."""
    rejected, node = found
    if rejected.rule is not rules.WINDOW_TOO_BIG:
        return {}
    units = {n: u for size in node.inputs[0].type.shape[1:] for n, u in symbols(size).items()}

    def grown(least: int) -> dict[str, int]:
        return {n: max(sizes[n], -(-least // u) * u) for n, u in units.items() if n in sizes}

    def accepted(least: int) -> bool:
        return next(_rejections(graph, {**sizes, **grown(least)}), None) is None

    too_small, enough = 0, 1
    while not accepted(enough):
        too_small, enough = enough, 2 * enough
        if enough > _LARGEST:
            return {}
    while enough - too_small > 1:
        middle = (too_small + enough) // 2
        too_small, enough = (too_small, middle) if accepted(middle) else (middle, enough)
    return {name: size for name, size in grown(enough).items() if size > sizes[name]}


def _listed(sizes: Sizes, relation: str) -> str:
    return ", ".join(f"{name} {relation} {size}" for name, size in sizes.items())
