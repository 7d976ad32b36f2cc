"""From the layers of a prototxt file to a graph of our operators, losses and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from netlang.importing.caffe.building import Building, Convert, Term, Unsized
from netlang.importing.caffe.data import DATA, Source, read_source
from netlang.importing.caffe.layers import Described, Layer
from netlang.importing.caffe.losses import LOSSES, weighted_results
from netlang.importing.caffe.operators import elementwise, normalizing, shaping, windows
from netlang.importing.caffe.text import PrototxtError, shown
from netlang.importing.convert import Converted, identifier, unique
from netlang.importing.structure.naming import meaningful
from netlang.ir.dims import symbol
from netlang.ir.graph import Graph, Init, Param, Value
from netlang.ir.types import F32, I64, TensorType
from netlang.passes.common_subexpressions import eliminate_common_subexpressions
from netlang.passes.dead_code import eliminate_dead_code

OPERATORS: Mapping[str, tuple[str, Convert]] = {
    **elementwise.OPERATORS,
    **normalizing.OPERATORS,
    **shaping.OPERATORS,
    **windows.OPERATORS,
}
"""What is understood besides data and losses, by the type of the layer."""

KINDS = (*OPERATORS, *LOSSES, *DATA)
_BATCH = symbol("N")


class Network(Struct, frozen=True, eq=False):
    """A graph, what it is trained with, and the names of its inputs and outputs in the file."""

    converted: Converted
    building: Building
    sources: Sequence[Source]
    names: Mapping[Value, str]
    """The name of each output of the graph."""
    columns: Mapping[str, str]
    """The name of the column of each blob that the data have."""


def convert(described: Described, net: str, sizes: Mapping[str, tuple[int, ...]]) -> Network:
    """Convert a network, whose batch becomes free.

    ``sizes`` are those of inputs that the file does not say, without the batch. Raises
    ``PrototxtError`` for a layer without a counterpart.
    """
    c = Building(described)
    inputs: dict[str, Value] = {}
    sources = [read_source(layer) for layer in described.layers if layer.kind in DATA]
    _add_inputs(c, inputs, sources, sizes)
    for layer in described.layers:
        if layer.kind not in DATA:
            _convert_layer(c, layer)
    return _finished(c, net, inputs, sources)


# ---- inputs ------------------------------------------------------------------------------


def _add_inputs(
    c: Building, inputs: dict[str, Value], sources: Sequence[Source],
    sizes: Mapping[str, tuple[int, ...]],
) -> None:  # fmt: skip
    shapes: dict[str, tuple[int, ...] | None] = {i.name: i.shape[1:] for i in c.described.inputs}
    at = {i.name: i.at for i in c.described.inputs}
    for source in sources:
        for (name, _), shape in zip(source.layer.makes, source.shapes, strict=False):
            known = shapes.get(name) or shape
            if shape is not None and shape != known and name not in sizes:
                c.note(
                    f"`{shown(name)}` has another size in each phase: that of the first is taken"
                )
            shapes[name] = known
            at[name] = source.layer.at
        for note in source.notes:
            c.note(f"`{shown(source.layer.makes[0][0])}`: {note}")
    unknown = [name for name in sizes if name not in shapes]
    if unknown:
        known = ", ".join(f"`{shown(name)}`" for name in shapes)
        raise PrototxtError(
            f"there is no input `{shown(unknown[0])}`", c.described.layers[0].at,
            notes=[f"the inputs are {known}"] if known else [],
        )  # fmt: skip
    ids = {blob for layer in c.described.layers if layer.kind == "Embed" for blob in layer.reads}
    taken = unique([_name(name, "x") for name in shapes])
    for (name, shape), short in zip(shapes.items(), taken, strict=True):
        given = sizes.get(name, shape)
        blob = (name, 1)
        if given is None or (name not in sizes and _compared_only(c.described, blob)):
            c.blobs[blob] = Unsized(name, at[name])
            continue
        dtype = I64 if blob in ids else F32
        inputs[name] = c.builder.fresh(short, TensorType(dtype, (_BATCH, *given)))
        c.blobs[blob] = inputs[name]


def _compared_only(described: Described, blob: tuple[str, int]) -> bool:
    """Return whether losses and metrics alone read a blob, as what they compare with."""
    readers = [layer for layer in described.layers if blob in layer.reads]
    return bool(readers) and all(r.kind in LOSSES and blob != r.reads[0] for r in readers)


def _name(name: str, otherwise: str) -> str:
    return identifier(name, meaningful(name.replace("/", ".")) or otherwise)


# ---- layers ------------------------------------------------------------------------------


def _convert_layer(c: Building, layer: Layer) -> None:
    c.current = layer
    known: Mapping[str, tuple[str, object]] = LOSSES if layer.kind in LOSSES else OPERATORS
    if layer.kind not in known:
        raise PrototxtError(
            f"the layer type `{shown(layer.kind)}` has no counterpart", layer.at,
            f"of {layer.described}" if layer.name else "",
            notes=["nothing was written: a network without the layer would compute otherwise"],
        )  # fmt: skip
    if layer.makes and all(blob in c.blobs for blob in layer.makes):
        c.note(
            f"`{shown(layer.name)}` is left out: another layer makes `{shown(layer.makes[0][0])}`"
            " in the other phase"
        )
        return
    if layer.kind in LOSSES:
        param, loss = LOSSES[layer.kind]
        p = layer.fields.message(param)
        made = list(loss(c, p))
    else:
        param, operator = OPERATORS[layer.kind]
        p = layer.fields.message(param)
        made: list[Value | None] = list(operator(c, p))
        weighted_results(c, made)
    p.reject_unread(f"`{param}`")
    _check_fields(layer)
    if len(made) < len(layer.makes):
        c.fail(f"has {len(layer.makes)} results instead of {len(made)}")
    c.blobs.update(zip(layer.makes, made, strict=False))


def _check_fields(layer: Layer) -> None:
    """Reject a field of a layer that nothing reads; settings of other kinds are without effect."""
    others = {param for param, _ in (*OPERATORS.values(), *LOSSES.values(), *DATA.values())}
    layer.fields.skip("name", "loss_param", "transform_param", "settings", *others)
    layer.fields.skip("blobs_lr", "weight_decay", "param", "phase", "debug_info")
    layer.fields.reject_unread("the layer")


# ---- results -----------------------------------------------------------------------------


def _finished(
    c: Building, net: str, inputs: Mapping[str, Value], sources: Sequence[Source]
) -> Network:
    results = _results(c, inputs)
    given = [v.name for v in inputs.values()]
    fed = {v for node in c.builder.nodes for v in node.inputs}
    for name, value in inputs.items():
        if value not in fed and any(value in _read(t) for t in (*c.losses, *c.metrics)):
            c.columns[name] = value.type
    short = unique([_name(name, "y") for name in results.values()], given)
    outputs = dict(zip(short, results, strict=True))
    if not outputs:
        raise PrototxtError("the network has no result", c.described.layers[-1].at)
    graph = Graph(
        name=net,
        inputs=tuple(v for v in inputs.values() if v in fed),
        params={
            value: Param(value.name, value.type, Init("constant", (0.0,)), stored.trained)
            for value, stored in c.params.items()
        },
        nodes=tuple(c.builder.nodes),
        outputs=outputs,
    )
    graph = eliminate_dead_code(eliminate_common_subexpressions(eliminate_dead_code(graph)))
    read = {v for node in graph.nodes for v in node.inputs} | set(graph.outputs.values())
    params = {v: s for v, s in c.params.items() if v in read}
    names = {value: name for name, value in outputs.items()}
    others = [name for name in c.columns if name not in inputs]
    taken = unique([_name(name, "target") for name in others], given)
    columns = dict(zip([*inputs, *others], [*given, *taken], strict=True))
    used = [name for name, value in inputs.items() if value in fed]
    converted = Converted(graph, params, used, list(results.values()), tuple(c.notes))
    return Network(converted, c, sources, names, columns)


def _results(c: Building, inputs: Mapping[str, Value]) -> dict[Value, str]:
    """Return what losses and metrics read, and what no layer reads, by their names in the file."""
    named: dict[Value, str] = {}
    for (name, _), value in c.blobs.items():
        if isinstance(value, Value):
            named.setdefault(value, name)
    found: dict[Value, str] = {}
    given = set(inputs.values())
    for term in (*c.losses, *c.metrics):
        for value in (value for value in _read(term) if value not in given):
            found[value] = named.get(value, "y")
    for blob, value in c.blobs.items():
        unread = not c.described.uses.get(blob)
        if unread and isinstance(value, Value) and value not in given:
            found[value] = blob[0]
    return found


def _read(term: Term) -> list[Value]:
    return [target.value for target in term.reads if target.value is not None]
