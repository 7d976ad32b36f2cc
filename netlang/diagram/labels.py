"""The labels and families of layers in a diagram."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import get_args

from netlang.analysis.counts import grouped
from netlang.analysis.layers import Layer
from netlang.analysis.summary import Row, Summary
from netlang.analysis.table import shape_text
from netlang.ir.dims import Size
from netlang.ir.graph import Graph, Node, written_at
from netlang.ir.op import Family
from netlang.ir.types import Types
from netlang.ops.looping.recurrent import Recurrence
from netlang.ops.random.random import RandomDrop
from netlang.ops.reducing.einsum import Einsum
from netlang.ops.reducing.linear import Linear, Matmul
from netlang.ops.reducing.softmax import Softmax
from netlang.ops.shaping.gathering import GatherRows
from netlang.ops.windows.averaging import AvgPool, LpPool
from netlang.ops.windows.convolution import Convolve
from netlang.ops.windows.pooling import MaxPool
from netlang.ops.windows.transposed_convolution import ConvolveTranspose

FAMILIES: tuple[Family, ...] = get_args(Family)
"""From the most to the least characteristic of a group of layers."""
_CELLS = frozenset({"rnn_cell", "gru_cell", "lstm_cell"})


def family_of(layers: Sequence[Layer]) -> Family:
    """Return the family of a layer, or the most characteristic one of several."""
    found: set[Family] = {_family(layer) for layer in layers}
    ops = [node.op for layer in layers for node in layer.nodes]
    products = sum(isinstance(op, Matmul | Einsum) for op in ops)
    if products > 1 and any(isinstance(op, Softmax) for op in ops):
        found.add("attention")
    return min(found, key=FAMILIES.index) if found else "other"


def _family(layer: Layer) -> Family:
    if layer.kind in _CELLS:
        return "recurrent"
    if "pool" in layer.kind:
        return "pooling"
    # Many layers add something; a join is one that does nothing else.
    joins = _several(layer)
    found: set[Family] = {"other"}
    for op in (node.op for node in layer.nodes):
        if op.family != "join" or (joins and op.name == layer.kind):
            found.add(op.family)
    return min(found, key=FAMILIES.index)


def _several(layer: Layer) -> bool:
    return len({v for node in layer.nodes for v in node.inputs}) > 1


def is_recurrent(layers: Iterable[Layer]) -> bool:
    """Return whether a layer carries a state along a sequence."""
    return any(node.op.family == "recurrent" for each in layers for node in each.nodes)


def description(kinds: Sequence[str], layers: Sequence[Layer], graph: Graph) -> str:
    """Return the description of a box, as in textbooks: ``conv 64 7×7 /2``.

    Each kind of several layers is named once, with the settings if only one layer has any.
    """
    described = [(kind, settings(layer, graph)) for kind, layer in zip(kinds, layers, strict=True)]
    only = [text for text in described if text[1]]
    owner, text = only[0] if len(only) == 1 else ("", "")
    return ", ".join(f"{k} {text}" if k == owner else k for k in dict.fromkeys(kinds))


def settings(layer: Layer, graph: Graph) -> str:
    """Return the settings of a layer, ``""`` if none are worth mentioning."""
    found = [text for node in layer.nodes if (text := _settings(node))]
    found = found or _weights(layer, graph)
    return found[0] if len(found) == 1 else ""


def _settings(node: Node) -> str:
    match node.op:
        case Convolve(stride=stride, dilation=dilation, groups=groups):
            out, _, *kernel = node.inputs[1].type.shape
            return _window(kernel, stride, dilation, groups, out)
        case ConvolveTranspose(stride=stride, dilation=dilation, groups=groups):
            out, kernel = node.outputs[0].type.shape[1], node.inputs[1].type.shape[2:]
            return _window(kernel, stride, dilation, groups, out)
        case (
            MaxPool(kernel=kernel, stride=stride)
            | AvgPool(kernel=kernel, stride=stride)
            | LpPool(kernel=kernel, stride=stride)
        ):
            return _window(kernel, stride)
        case Linear():
            return str(node.outputs[0].type.shape[-1])
        case Recurrence(reverse=reverse):
            units = str(node.outputs[0].type.shape[-1])
            return f"{units}, backwards" if reverse else units
        case RandomDrop(rate=rate):
            return f"{rate:g}"
        case GatherRows():
            return "×".join(map(str, node.inputs[0].type.shape))
        case _:
            return ""


def _window(
    kernel: Sequence[Size],
    stride: Sequence[int],
    dilation: Sequence[int] = (),
    groups: int = 1,
    out: Size | None = None,
) -> str:
    words = [str(out)] if out is not None else []
    words.append("×".join(map(str, kernel)))
    if set(stride) != {1}:
        words.append(f"/{_each(stride)}")
    if set(dilation) - {1}:
        words.append(f"dilated {_each(dilation)}")
    if groups != 1:
        words.append(f"{groups} groups")
    return " ".join(words)


def _each(numbers: Sequence[int]) -> str:
    return str(numbers[0]) if len(set(numbers)) == 1 else "×".join(map(str, numbers))


def _weights(layer: Layer, graph: Graph) -> list[str]:
    """Return the paths of the weights that an operator in the user's code reads."""
    if layer.scopes and layer.scopes[-1].library:
        return []
    read = [graph.params[v].path for n in layer.nodes for v in n.inputs if v in graph.params]
    return list(dict.fromkeys(read))


_LONGEST = 36


def name(paths: Sequence[str], around: str) -> str:
    """Return the name of a path or of several iterations, relative to the enclosing frame.

    >>> name(["hidden.1", "hidden.2", "hidden.3"], "")
    'hidden.1–3'
    """
    first = paths[0]
    if around and (first == around or first.startswith(f"{around}.")):
        first = first[len(around) + 1 :]
    return first if len(paths) == 1 else f"{first}–{paths[-1].rpartition('.')[2]}"


def without_kind(name: str, kind: str) -> str:
    """Return a name without its last part, if that repeats the kind that follows it.

    >>> without_kind("first.conv", "conv")
    'first'
    """
    return "" if name == kind else name.removesuffix(f".{kind}")


def label(name: str, kind: str) -> str:
    """Return the name and the kind of a block, once if they are equal."""
    return name if name == kind else "  ".join(filter(None, (name, kind)))


def shortened(text: str) -> str:
    """Shorten a text that would make a box too wide."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1].rstrip(', ')}…"


def shapes(types: Types) -> tuple[str, ...]:
    """Return shapes as lines, shortened to three."""
    shown = tuple(map(shape_text, types))
    return shown if len(shown) <= 3 else (*shown[:2], f"and {len(shown) - 2} more")


def parameters(row: Row, shared: bool, times: int) -> Iterator[str]:
    """Yield the number of parameters of a box, per iteration."""
    if shared:
        yield "shared parameters"
    elif row.params != 0:
        each = f"{times} × " if times > 1 else ""
        yield f"{each}{_counted(row.params, 'parameter')}"


def parameter_count(size: Size) -> tuple[str, ...]:
    """Return a number of parameters as a line, if there are any."""
    return (_counted(size, "parameter"),) if size != 0 else ()


def totals(summary: Summary) -> str:
    """Return the total parameters and multiply-adds of a net."""
    return f"{_counted(summary.params, 'parameter')}, {_counted(summary.macs, 'MAC')} per example"


def tooltip(
    description: str, row: Row, layers: Sequence[Layer], paths: Sequence[str], types: Types
) -> str:
    """Return the tooltip of a box: its path, its line in the program, its costs."""
    written = (location for each in layers for node in each.nodes if (location := written_at(node)))
    costs = [_counted(row.params, "parameter"), f"{_counted(row.macs, 'MAC')} per example"]
    if row.running != 0:
        costs.insert(1, f"{grouped(row.running)} running statistics")
    lines = [
        f"{name(paths, '')}: {description}",
        ", ".join(map(str, types)),
        ", ".join(costs) + (f", each of {len(paths)}" if len(paths) > 1 else ""),
        next(written, ""),
    ]
    return "\n".join(filter(None, lines))


def _counted(size: Size, noun: str) -> str:
    if size == 0:
        return f"no {noun}s"
    return f"{grouped(size)} {noun if size == 1 else f'{noun}s'}"
