"""From a model's nodes to a graph of our operators and the parameters it has."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from netlang.backends.onnx.foreign import Foreign, ForeignInput, describe
from netlang.importing.conversion import Conversion, Equated, Unsupported
from netlang.importing.nodes import convert_node, count_uses
from netlang.importing.operands import Known, Operand, Stored
from netlang.ir.dims import Size, substitute, symbol, symbols
from netlang.ir.graph import Graph, Init, Param, Value
from netlang.ir.types import TensorType
from netlang.passes.common_subexpressions import eliminate_common_subexpressions
from netlang.passes.dead_code import eliminate_dead_code

_BATCH = ("n", "batch", "batch_size", "b", "bs", "unk", "none", "batchsize")
_TIME = ("t", "seq", "sequence", "seq_len", "sequence_length", "time", "length", "s")
_SIDES = {"height": "H", "width": "W", "h": "H", "w": "W"}


class Converted(Struct, frozen=True, eq=False):
    """A graph with the arrays of its parameters, and the names that inputs and outputs had."""

    graph: Graph
    params: Mapping[Value, Stored]
    inputs: Sequence[str]
    outputs: Sequence[str]
    """The names in the file, in the order of the graph's inputs and outputs."""
    notes: Sequence[str] = ()
    """What was found out about free sizes, and what is left out."""
    rounded: int = 0
    """How many values a quantized model rounds, and the network does not."""


_MOST_EQUATED = 16


def convert(foreign: Foreign, net: str) -> Converted:
    """Convert a model; raises ``Unsupported`` for a node without a counterpart.

    A free size that a node shows to be a number, or equal to another, is replaced by it.
    """
    known: dict[str, Size] = {}
    notes: dict[str, str] = {}
    for _ in range(_MOST_EQUATED):
        try:
            return _converted(foreign, net, known, list(notes.values()))
        except Equated as found:
            known = {n: substitute(size, {found.name: found.size}) for n, size in known.items()}
            known[found.name] = found.size
            unit = symbols(found.size).get(found.name)
            what = f"is {found.size}" if unit is None else f"must be divisible by {unit}"
            notes[found.name] = f"{found.name} {what}: {describe(found.node)} requires it"
    raise Unsupported(f"{foreign.path} has sizes that depend on each other")


def _converted(
    foreign: Foreign, net: str, known: Mapping[str, Size], notes: Sequence[str]
) -> Converted:
    uses = Counter(foreign.outputs)
    count_uses(foreign.nodes, uses)
    c = Conversion(foreign, uses)
    for name, array in foreign.arrays.items():
        c.found[name] = Known(array, (name,) if name in foreign.stored else ())
    free: dict[str, str] = {}
    names = unique([identifier(i.name, "x") for i in foreign.inputs])
    inputs: list[Value] = []
    for name, given in zip(names, foreign.inputs, strict=True):
        shape = tuple(substitute(size, known) for size in _shape(given, free))
        made = c.builder.fresh(name, TensorType(given.dtype, shape))
        inputs.append(made)
        c.bind(given.name, made)
    for node in foreign.nodes:
        convert_node(c, node)
    return _finished(c, net, inputs, notes)


def _finished(c: Conversion, net: str, inputs: Sequence[Value], notes: Sequence[str]) -> Converted:
    foreign = c.foreign
    taken = [v.name for v in inputs]
    names = unique([identifier(name, "y") for name in foreign.outputs], taken)
    c.node = foreign.nodes[-1] if foreign.nodes else None
    ends = [_end(c, c.found[name]) for name in foreign.outputs]
    graph = Graph(
        name=net,
        inputs=tuple(inputs),
        params={
            value: Param(value.name, value.type, Init("constant", (0.0,)), stored.trained)
            for value, stored in c.params.items()
        },
        nodes=tuple(c.builder.nodes),
        outputs=dict(zip(names, ends, strict=True)),
    )
    graph = eliminate_dead_code(eliminate_common_subexpressions(eliminate_dead_code(graph)))
    read = {v for node in graph.nodes for v in node.inputs} | set(graph.outputs.values())
    params = {v: s for v, s in c.params.items() if v in read}
    names = [i.name for i in foreign.inputs]
    if c.rounded:
        values, be = ("value", "is") if c.rounded == 1 else ("values", "are")
        notes = [
            *notes,
            f"the model is quantized: weights are converted to floats, and {c.rounded:,} {values} "
            f"that it rounds to 8 bits {be} not rounded",
        ]
    return Converted(graph, params, names, list(foreign.outputs), tuple(notes), c.rounded)


def _end(c: Conversion, operand: Operand) -> Value:
    return c.tensor(operand)


def _shape(given: ForeignInput, symbols: dict[str, str]) -> tuple[Size, ...]:
    """Return the sizes of an input; free ones become symbols by their names and positions."""
    shape: list[Size] = []
    for axis, dim in enumerate(given.dims):
        if isinstance(dim, int):
            shape.append(dim)
            continue
        key = dim if dim is not None else f"?{given.name}.{axis}"
        if key not in symbols:
            symbols[key] = _symbol(dim, axis, len(given.dims), set(symbols.values()))
        shape.append(symbol(symbols[key]))
    return tuple(shape)


def _symbol(dim: str | None, axis: int, rank: int, taken: set[str]) -> str:
    plain = re.sub(r"\W+", "_", dim or "").strip("_0123456789").lower()
    if dim and re.fullmatch(r"[A-Z][A-Za-z0-9]{0,7}", dim):
        wanted = dim
    elif axis == 0 and (plain in _BATCH or not plain or plain.startswith(("unk", "s", "dyn"))):
        wanted = "N"
    elif plain in _TIME or (not plain and rank == 3) or (rank == 2 and axis == 1):
        wanted = "T"
    elif plain in _SIDES or (rank == 4 and axis >= 2):
        wanted = _SIDES.get(plain, "HW"[axis - 2] if axis >= 2 else "H")
    else:
        wanted = "N" if plain in _BATCH else "S"
    return unique([wanted], taken)[0]


RESERVED = frozenset(
    [
        "net",
        "block",
        "op",
        "if",
        "then",
        "else",
        "for",
        "scan",
        "in",
        "with",
        "next",
        "yield",
        "state",
        "train",
        "where",
        "as",
        "from",
        "import",
        "new",
        "and",
        "or",
        "not",
        "true",
        "false",
        "none",
        "extern",
        "optimizer",
        "schedule",
        "dataset",
        "assert",
        "netlang",
        "step",
        "param",
    ]
)


def identifier(name: str, otherwise: str) -> str:
    """Return a name of the language that resembles one of the file, or another word."""
    text = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").lower()
    numbered = re.search(r"\d_|_\d+$|\d\d", text) is not None
    if not text or not text[0].isalpha() or len(text) > 24 or text in RESERVED or numbered:
        return otherwise
    return text


def unique(names: Sequence[str], taken: Sequence[str] | set[str] = ()) -> list[str]:
    """Return names of which none occurs twice: a second one gets a number."""
    found: list[str] = []
    for name in names:
        made, number = name, 1
        while made in found or made in taken:
            number += 1
            made = f"{name}{number}"
        found.append(made)
    return found
