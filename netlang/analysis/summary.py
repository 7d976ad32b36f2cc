"""The layers of a net, with their outputs and costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from msgspec import Struct
from msgspec.structs import replace

from netlang.analysis import counts
from netlang.analysis.counts import Example, total
from netlang.analysis.layers import Layer, layer_outputs, layers_of
from netlang.analysis.memory import Memory, memory
from netlang.analysis.receptive_field import (
    Field,
    ReceptiveFields,
    receptive_fields,
    show_field,
    union,
)
from netlang.diagnostics.errors import require_at_least
from netlang.ir.dims import Size
from netlang.ir.graph import Graph, Value
from netlang.ir.types import TensorType, Types


class Row(Struct, frozen=True):
    """One layer: a call of a library layer, or an operator in the user's code.

    ``calls`` are the paths and kinds of the enclosing calls, outermost first; tables are folded by
    them. ``params`` and ``running`` count the parameters that no earlier layer has used.
    """

    path: str
    kind: str
    results: Types
    params: Size
    running: Size
    macs: Size
    activation_bytes: Size
    field: Field | None
    calls: tuple[tuple[str, str], ...]

    @property
    def output(self) -> str:
        return ", ".join(map(str, self.results))


class Summary(Struct, frozen=True):
    """A net layer by layer, in the order of execution, with totals.

    Multiply-adds and bytes are those of one example.
    """

    net: str
    source: str | None
    inputs: Mapping[str, TensorType]
    outputs: Mapping[str, TensorType]
    rows: tuple[Row, ...]
    params: Size
    running: Size
    macs: Size
    memory: Memory
    field: Field | None

    def json(self) -> dict[str, object]:
        """Return the content of ``netlang summary --json``."""
        return {
            "net": self.net,
            "inputs": {name: str(type) for name, type in self.inputs.items()},
            "outputs": {name: str(type) for name, type in self.outputs.items()},
            "trainable_parameters": number(self.params),
            "non_trainable_parameters": number(self.running),
            "macs": number(self.macs),
            "memory": {
                "parameters": number(self.memory.weights),
                "inference": self.memory.inference,
                "activations": number(self.memory.activations),
                "training": {
                    rule: number(self.memory.training(rule)) for rule in ("sgd", "momentum", "adam")
                },
            },
            "receptive_field": None if self.field is None else show_field(self.field),
            "layers": [_row_json(row) for row in self.rows],
        }


def number(size: Size) -> int | str:
    """Return a count as a number, or as the text of a polynomial if it is symbolic."""
    return size if isinstance(size, int) else str(size)


def _row_json(row: Row) -> dict[str, object]:
    return {
        "path": row.path,
        "kind": row.kind,
        "output": row.output,
        "trainable_parameters": number(row.params),
        "non_trainable_parameters": number(row.running),
        "macs": number(row.macs),
        "activation_bytes": number(row.activation_bytes),
        "receptive_field": None if row.field is None else show_field(row.field),
    }


def summarize(graph: Graph, *, source_name: str | None = None) -> Summary:
    """Return the summary of a graph."""
    layers = layers_of(graph)
    fields = receptive_fields(graph)
    values = layer_outputs(graph, layers)
    counted: set[str] = set()
    one = Example.of(graph)
    rows = [
        _row(graph, one, layer, outputs, fields, counted)
        for layer, outputs in zip(layers, values, strict=True)
    ]
    rows.extend(_unused(graph, counted))
    results = [f for v in graph.outputs.values() if (f := fields.at(v)) is not None]
    return Summary(
        net=graph.name,
        source=source_name,
        inputs={v.name: v.type for v in graph.inputs},
        outputs={name: v.type for name, v in graph.outputs.items()},
        rows=tuple(rows),
        params=counts.trained(graph),
        running=counts.running(graph),
        macs=total(row.macs for row in rows),
        memory=memory(graph),
        field=union(results) if results else None,
    )


def fold(summary: Summary, depth: int | None) -> Summary:
    """Merge consecutive layers whose paths begin with the same ``depth`` names.

    Layers between which others run stay apart: a row has one place in the flow of the data, and
    one output. Depth 1 shows the bindings of the net itself; ``None``, or more names than any path
    has, shows every layer. Raises ``InputError`` for a depth below 1.
    """
    require_at_least("depth", depth, 1)
    if depth is None or depth > depth_of(summary):
        return summary
    groups = groupby(summary.rows, lambda row: prefix_of(row.path, depth))
    return replace(summary, rows=tuple(merge_rows(list(rows), depth) for _, rows in groups))


def depth_of(summary: Summary) -> int:
    """Return the number of names in the longest path."""
    return max((row.path.count(".") + 1 for row in summary.rows), default=1)


def merge_rows(rows: Sequence[Row], depth: int) -> Row:
    """Merge consecutive rows whose paths share a prefix into one."""
    last = rows[-1]
    if len(rows) == 1:
        return replace(last, path=prefix_of(last.path, depth))
    kinds = dict.fromkeys(kind_at(row, depth) for row in rows)
    return Row(
        path=prefix_of(last.path, depth),
        kind=", ".join(kinds),
        results=last.results,
        params=total(row.params for row in rows),
        running=total(row.running for row in rows),
        macs=total(row.macs for row in rows),
        activation_bytes=total(row.activation_bytes for row in rows),
        field=last.field,
        calls=last.calls,
    )


def kind_at(row: Row, depth: int) -> str:
    """Return the kind of the outermost call in the row's group, other than a loop iteration."""
    prefix = prefix_of(row.path, depth)
    for path, kind in row.calls:
        if kind not in LOOP_SCOPES and (path == prefix or path.startswith(f"{prefix}.")):
            return kind
    return row.kind


# The kinds of scopes that are loop iterations.
LOOP_SCOPES = frozenset({"for", "scan"})


def prefix_of(path: str, depth: int) -> str:
    return ".".join(path.split(".")[:depth])


def _row(
    graph: Graph,
    one: Example,
    layer: Layer,
    values: tuple[Value, ...],
    receptive: ReceptiveFields,
    counted: set[str],
) -> Row:
    weights = [graph.params[v] for node in layer.nodes for v in node.inputs if v in graph.params]
    fresh = {p.path: p for p in weights if p.path not in counted}
    counted.update(fresh)
    fields = [f for v in values if (f := receptive.at(v)) is not None]
    return Row(
        path=layer.path,
        kind=layer.kind,
        results=tuple(v.type for v in values),
        params=total(p.type.size for p in fresh.values() if p.trained),
        running=total(p.type.size for p in fresh.values() if not p.trained),
        macs=total(one.size(counts.node_macs(node)) for node in layer.nodes),
        activation_bytes=total(map(one.bytes, values)),
        field=union(fields) if fields else None,
        calls=layer.calls,
    )


def _unused(graph: Graph, counted: set[str]) -> Iterable[Row]:
    """Yield a row for each weight that no layer reads, so that the rows add up to the total."""
    for param in graph.params.values():
        if param.path in counted:
            continue
        counted.add(param.path)
        size = param.type.size
        yield Row(
            path=param.path,
            kind="param",
            results=(param.type,),
            params=size if param.trained else 0,
            running=0 if param.trained else size,
            macs=0,
            activation_bytes=0,
            field=None,
            calls=((param.path, "param"),),
        )
