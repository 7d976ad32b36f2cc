"""Measures how long nets and training steps take, layer by layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from netlang.analysis.counts import node_macs
from netlang.analysis.layers import layer_name, owning_paths
from netlang.analysis.table import shape_text
from netlang.backends.compile import CompiledModel, compile_graph
from netlang.diagnostics.errors import require_at_least
from netlang.inference.verification import INTEGERS, choose_sizes, sample_inputs
from netlang.ir.dims import Size, is_symbol, substitute, symbols
from netlang.ir.graph import Graph, Node
from netlang.ir.types import TensorType
from netlang.plan.plan import Plan
from netlang.plan.schedules import follow
from netlang.profiling.kernels import Recording, record
from netlang.profiling.profile import Key, Known, Profile, attribute, spread_of
from netlang.system.load import watch_others
from netlang.training.class_weights import balanced
from netlang.training.run.engine import (
    batch_size,
    cast_state,
    fed,
    initial_carried,
    initial_state,
)
from netlang.training.run.initial_parameters import initial_parameters
from netlang.training.run.loop import clock_of
from netlang.training.run.preparation import Choices, open_data, seed_of
from netlang.training.step.graphs import (
    DRAW,
    GRADIENT_NORM,
    STEP,
    StepGraph,
    Training,
    prepare,
)

if TYPE_CHECKING:
    from netlang.backends import Provider
    from netlang.backends.onnx import Model
    from netlang.system.numpy import Array

Phase = Literal["forward", "backward", "update"]
PHASES: tuple[Phase, ...] = "forward", "backward", "update"
_NORM: Key = ("gradient_norm", "norm")


def profile_net(
    graph: Graph, parameters: Mapping[str, Array], *, runs: int | None = None,
    provider: Provider = "cpu", threads: int | None = None,
) -> Profile:  # fmt: skip
    """Measure the layers of a net on random inputs: one example, other free sizes being small.

    Raises ``InputError`` for sizes with which a value is empty.
    """
    require_at_least("runs", runs, 1)
    chosen = choose_sizes(graph, {"N": graph.units.get("N", 1)} if "N" in _symbols(graph) else {})
    compiled = compile_graph(graph, parameters)
    others = watch_others()
    recording = record(
        compiled.proto, _samples(graph, chosen), runs=runs, provider=provider, threads=threads,
        shared_arena=False,
    )  # fmt: skip
    layers = _known(graph.nodes, graph, chosen)
    for key, layer in _known(compiled.computation.nodes, compiled.computation, chosen).items():
        layers.setdefault(key, layer)
    inputs = (f"{v.name} {_bound(v.type, chosen)}" for v in graph.inputs)
    return _profile(
        graph.name, ", ".join(inputs), provider, recording, layers.values(), others(),
        layer_of=_layer_of(compiled), phase_of={},
    )  # fmt: skip


def profile_section(plan: Plan, choices: Choices, *, runs: int | None = None) -> list[Profile]:
    """Measure a step of a train section on its first batch, for each ``step`` of the section."""
    require_at_least("runs", runs, 1)
    seed = seed_of(plan, choices)
    data, _ = open_data(replace(plan, valid=None), choices)
    plan = balanced(plan, None, lambda: data.source)
    training = prepare(plan, seed)
    with data.epoch(0) as stream:
        batch = next(stream)
    state = initial_state(training, initial_parameters(plan, seed, choices.folder))
    held = {**cast_state(training, state), **initial_carried(training.carried, batch_size(batch))}
    clock = clock_of(plan, len(data))
    found: list[Profile] = []
    for chosen in training.steps:
        rates = {name: follow(rate, clock)(0) for name, rate in chosen.rates.items()}
        numbers = {**rates, STEP: 1, DRAW: 1, **dict.fromkeys(chosen.shares, 1.0)}
        feeds = {**held, **fed(chosen.graph, batch, numbers)}
        found.append(_profile_step(training, chosen, feeds, choices, runs, batch_size(batch)))
    return found


def _profile_step(
    training: Training, chosen: StepGraph, feeds: Mapping[str, Array], choices: Choices,
    runs: int | None, size: int,
) -> Profile:  # fmt: skip
    graph = chosen.graph
    compiled = compile_graph(graph, {}, optimize=False)
    others = watch_others()
    recording = record(
        compiled.proto, [feeds], runs=runs, provider=choices.provider, threads=choices.threads,
        shared_arena=True,
    )  # fmt: skip
    phase_of, layer_of = _phases(compiled.graph, graph), _layer_of(compiled)
    sizes = _sizes_of(graph, feeds)
    layers = _known(graph.nodes, graph, sizes)
    # What is written nowhere is the norm of all gradients, and what clips them.
    written = _known([node for node in graph.nodes if node.scope is not None], graph, sizes)
    for node, key in layer_of.items():
        if key not in written and phase_of[node] != "forward":
            layer_of[node], phase_of[node] = _NORM, "update"
    measured = set(layer_of.values())
    known = [layer for key, layer in layers.items() if key in measured]
    if _NORM in measured:
        known.append(Known(_NORM, "", 0))
    name = f"{training.plan.name}.{chosen.name}" if chosen.name else training.plan.name
    return _profile(
        name, f"a batch of {size:,}", choices.provider, recording, known, others(),
        layer_of=layer_of, phase_of=phase_of,
    )  # fmt: skip


def _profile(
    name: str, of: str, provider: str, recording: Recording, layers: Iterable[Known],
    others: float | None, *, layer_of: Mapping[str, Key], phase_of: Mapping[str, str],
) -> Profile:  # fmt: skip
    rows, kernels, attributed = attribute(recording, layers, layer_of, phase_of)
    runs = [taken / 1000 for taken in recording.runs]
    return Profile(
        name, of, provider, len(runs), rows, PHASES if phase_of else (), median(runs),
        spread_of(runs), kernels, attributed, others,
    )  # fmt: skip


def _samples(graph: Graph, sizes: Mapping[str, int]) -> Iterator[dict[str, Array]]:
    """Yield random inputs, with integers from the widest range on."""
    integers = any(v.type.dtype.is_integer for v in graph.inputs)
    for below in INTEGERS if integers else INTEGERS[-1:]:
        yield sample_inputs(graph, sizes, 0, below=below)


def _symbols(graph: Graph) -> set[str]:
    values = (*graph.inputs, *(s.value for s in graph.states))
    return {name for value in values for size in value.type.shape for name in symbols(size)}


def _sizes_of(graph: Graph, feeds: Mapping[str, Array]) -> dict[str, int]:
    axes = (
        axis
        for value in graph.inputs
        if value.name in feeds
        for axis in zip(value.type.shape, feeds[value.name].shape, strict=True)
    )
    return {name: size for dim, size in axes if (name := is_symbol(dim)) is not None}


def _known(nodes: Sequence[Node], graph: Graph, sizes: Mapping[str, int]) -> dict[Key, Known]:
    """Return the layers that nodes belong to, in the order of their first nodes."""
    owning = owning_paths(graph)
    found: dict[Key, Known] = {}
    for node in nodes:
        if not node.inputs:
            continue
        key = layer_name(node, owning)
        before = found.get(key)
        macs = _number(node_macs(node), sizes) + (before.macs if before is not None else 0)
        found[key] = Known(key, _shown(node.outputs[0].type, sizes), macs)
    return found


def _number(size: Size, sizes: Mapping[str, int]) -> int:
    number = substitute(size, sizes)
    return number if isinstance(number, int) else 0


def _shown(type: TensorType, sizes: Mapping[str, int]) -> str:
    return shape_text(_bound(type, sizes))


def _bound(type: TensorType, sizes: Mapping[str, int]) -> TensorType:
    return TensorType(type.dtype, tuple(substitute(size, sizes) for size in type.shape))


def _layer_of(compiled: CompiledModel) -> dict[str, Key]:
    """Return the layer of each ONNX node: its own, or that of the first node that needs it.

    Nodes that compute sizes belong to no layer; a node added for another one has a longer name.
    """
    found: dict[str, Key] = {}
    readers = _readers(compiled.graph)
    for node in reversed(compiled.graph.graph.node):
        own = compiled.layers.get(node.name) or compiled.layers.get(node.name.rpartition("/")[0])
        after = (found[r] for out in node.output for r in readers.get(out, ()) if r in found)
        key = own or next(after, None)
        if key is not None:
            found[node.name] = key
    return found


def _readers(model: Model) -> dict[str, list[str]]:
    readers: dict[str, list[str]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node.name)
    return readers


def _phases(model: Model, graph: Graph) -> dict[str, Phase]:
    """Return which part of a step each node belongs to, by what depends on it."""
    forward = _behind(model, {name for name in graph.outputs if name != GRADIENT_NORM})
    backward = _behind(model, {GRADIENT_NORM})
    return {
        node.name: "forward"
        if node.name in forward
        else "backward"
        if node.name in backward
        else "update"
        for node in model.graph.node
    }


def _behind(model: Model, wanted: set[str]) -> set[str]:
    """Return the nodes that some values depend on."""
    open = set(wanted)
    found: set[str] = set()
    for node in reversed(model.graph.node):
        if not open.isdisjoint(node.output):
            open.update(node.input)
            found.add(node.name)
    return found
