"""One step of training as one graph: loss, gradients, clipping, new weights, new statistics.

Weights, running statistics and the state of the optimizer are states of the graph: each enters
under its name and leaves as ``NAME_next``. Beside the columns of a batch, ``batch.NAME``, there
are inputs that are single numbers:

- ``step`` i64[]: the number of the update, counted from 1;
- ``draw`` i64[]: the number of the batch, counted from 1, by which noise is drawn;
- ``rate``, ``rate2``, ... f32[]: the learning rates;
- ``share`` f32[]: the part of the rows of an update that this batch is, where it takes several.

With ``precision = "f64"`` all that is f32 here is f64.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from netlang.diagnostics import rules
from netlang.diagnostics.errors import NetlangError
from netlang.evaluate.context.selections import Weights
from netlang.evaluate.context.values import Object, Setting
from netlang.ir.backward_slice import moving
from netlang.ir.dims import product
from netlang.ir.graph import Builder, Graph, State, Value, verify
from netlang.ir.types import F32, I64, TensorType
from netlang.ops.elementwise.choice import Clamp
from netlang.ops.terms import Term, number, terms, zeros
from netlang.passes.autodiff import gradients
from netlang.passes.pipeline import transform
from netlang.passes.promotion import promote
from netlang.plan.section import Plan
from netlang.training.step.modes import Counts, Modes
from netlang.training.step.optimizers import rate_of, settings, states, update

STEP, DRAW, SHARE, GRADIENT = "step", "draw", "share", "gradient"


@dataclass(frozen=True, slots=True)
class StepGraph:
    """The graph of one update, and the schedules behind its learning-rate inputs.

    Where an update takes several batches, ``gathering`` is the graph for all but the last: it adds
    up gradients and changes no weight.
    """

    name: str
    graph: Graph
    rates: Mapping[str, Object]
    trained: tuple[str, ...]
    repeat: int = 1
    gathering: Graph | None = None


@dataclass(frozen=True, slots=True)
class Training:
    """What a train section runs: its steps in turn, and the measuring of a batch."""

    plan: Plan
    weights: Weights
    steps: tuple[StepGraph, ...]
    evaluation: Graph
    measured: Mapping[str, Value]
    frozen: frozenset[str]
    accumulate: int = 1

    @property
    def carried(self) -> tuple[State, ...]:
        """The states that nets keep from batch to batch."""
        return self.evaluation.states

    @property
    def double(self) -> bool:
        """Tell whether all of it is in f64."""
        return self.plan.settings.get("precision") == "f64"

    @property
    def graphs(self) -> tuple[Graph, ...]:
        """Every graph of a run: those of the steps, and the one that measures."""
        each = ((chosen.graph, chosen.gathering) for chosen in self.steps)
        return (*(graph for pair in each for graph in pair if graph is not None), self.evaluation)


@dataclass(frozen=True, slots=True)
class Update:
    """The settings of one step: what is minimised, by changing what, and how."""

    name: str
    loss: Value
    paths: tuple[str, ...]
    optimizer: Setting
    clip: Setting | None
    repeat: int


_REFUSED = {
    "f16": "what is smaller than 6e-8 is 0 in it, and with it many a gradient",
    "bf16": "processors and onnxruntime compute few operators in it",
}
"""Precisions that nothing trains in, and why."""


def prepare(plan: Plan, seed: int) -> Training:
    """Make the graphs of a train section; raises ``NetlangError`` if there is nothing to train."""
    precision = plan.settings.get("precision", "f32")
    if isinstance(precision, str) and precision in _REFUSED:
        raise NetlangError(
            rules.PRECISION,
            f"training in {precision} does not exist yet",
            notes=[_REFUSED[precision]],
            helps=['leave `precision` out, which is f32, or take `"f64"`'],
        )
    weights = Weights(plan.params, plan.nodes)
    frozen = frozenset(weights.chosen_of_all(plan.settings.get("freeze", [])))
    found = updates(plan, weights, frozen)
    if not any(u.paths for u in found):
        raise NetlangError(
            rules.NOTHING_TO_TRAIN,
            f"`{plan.name}` changes no weight",
            notes=["no loss depends on a weight that is trained and not frozen"],
        )
    accumulate = plan.settings.get("accumulate", 1)
    assert isinstance(accumulate, int)
    modes = Modes(plan, weights, {path for u in found for path in u.paths}, seed)
    steps = tuple(
        _step(u, plan, weights, modes, first=i == 0, accumulate=accumulate)
        for i, u in enumerate(found)
    )
    evaluation = _evaluation(plan, modes)
    return Training(plan, weights, steps, evaluation, _measures(plan), frozen, accumulate)


def updates(plan: Plan, weights: Weights, frozen: frozenset[str]) -> list[Update]:
    """List the updates of a section: its steps, or the section itself."""
    given = plan.steps or {"": plan.settings}
    found: list[Update] = []
    for name, own in given.items():
        loss, optimizer = own["loss"], own["optimizer"]
        clip, repeat = own.get("clip"), own.get("repeat", 1)
        assert isinstance(loss, Value) and isinstance(optimizer, Setting)
        assert isinstance(clip, Setting | None) and isinstance(repeat, int)
        what = own.get("update")
        chosen = weights.chosen_of_all(what) if what is not None else list(weights.by_path)
        reached = moving(plan.nodes, loss, plan.slopes)
        paths = tuple(
            p
            for p in chosen
            if p not in frozen and weights.trained(p) and weights.by_path[p] in reached
        )
        found.append(Update(name, loss, paths, optimizer, clip, repeat))
    return found


@dataclass(slots=True)
class _Making:
    """A step graph in the making."""

    b: Builder
    count: Value
    draw: Value
    rates: dict[str, Object] = field(default_factory=dict[str, Object])
    inputs: dict[str, Value] = field(default_factory=dict[str, Value])
    states: list[State] = field(default_factory=list[State])
    outputs: dict[str, Value] = field(default_factory=dict[str, Value])

    def rate(self, schedule: Object, scale: float) -> Term:
        """Give the learning rate of a schedule, one input for each different one."""
        name = next((n for n, s in self.rates.items() if s is schedule or s == schedule), None)
        if name is None:
            name = "rate" if not self.rates else f"rate{len(self.rates) + 1}"
            self.rates[name] = schedule
            self.inputs[name] = self.b.fresh(name, TensorType(F32, ()))
        term = Term(self.b, self.inputs[name])
        return term * scale if scale != 1.0 else term

    def graph(self, name: str, plan: Plan) -> Graph:
        changed = {state.value for state in self.states}
        used = {v for node in self.b.nodes for v in node.inputs}
        fixed = [v for v in plan.params if v in used and v not in changed]
        # A column says how many rows there are, if nothing else of it is used.
        columns = list(plan.batch.values())
        batch = [v for v in columns if v in used] or columns[:1]
        counts = [v for v in (self.count, self.draw) if v in used]
        inputs = (*batch, *counts, *self.inputs.values(), *fixed)
        nodes = tuple(self.b.nodes)
        graph = Graph(name, inputs, {}, nodes, self.outputs, tuple(self.states))
        verify(graph)
        # Derived in f32 and promoted last, so that a run in f64 is the same one, computed finer.
        return transform(promote(graph) if plan.settings.get("precision") == "f64" else graph)


def _step(
    chosen: Update, plan: Plan, weights: Weights, modes: Modes, *, first: bool, accumulate: int
) -> StepGraph:
    several = accumulate > 1
    making, slopes, sums = _backward(chosen, plan, weights, modes, first=first, several=several)
    slopes = _clipped(chosen.clip, slopes, Term(making.b, making.outputs[GRADIENT]))
    for path, slope in zip(chosen.paths, slopes, strict=True):
        _change(making, chosen, plan, weights, path, slope)
    making.states += [State(v.name, v, 0.0, zeros(making.b, v.type)) for v in sums]
    graph = making.graph(chosen.name or plan.name, plan)
    made = StepGraph(chosen.name, graph, making.rates, chosen.paths, chosen.repeat)
    if not several:
        return made
    making, slopes, sums = _backward(chosen, plan, weights, modes, first=first, several=True)
    pairs = zip(sums, slopes, strict=True)
    making.states += [State(v.name, v, 0.0, slope.value) for v, slope in pairs]
    return replace(made, gathering=making.graph(f"{graph.name}_gathering", plan))


def _backward(
    chosen: Update, plan: Plan, weights: Weights, modes: Modes, *, first: bool, several: bool
) -> tuple[_Making, list[Term], list[Value]]:
    """Begin a step graph: measures, gradients, statistics; and the sums of gradients before."""
    b = Builder()
    making = _begin(b)
    b.adopt((*plan.batch.values(), *plan.params, *(s.value for s in plan.states)))
    carried = plan.states if plan.settings.get("carry_state") is True else ()
    measured = {"loss": chosen.loss, **(_metrics(plan) if first else {})}
    wanted = (*measured.values(), *(s.after for s in carried))
    # Elements are dropped anew for each update, and for each of the batches an update takes.
    counts = Counts(making.draw, making.draw if several else making.count)
    values, statistics = modes.training(b, plan.nodes, counts, wanted, chosen.name)
    loss = values[chosen.loss]
    wrt = [values[weights.by_path[path]] for path in chosen.paths]
    b.scope = b.span = None
    seed = number(b, 1.0, loss.type.dtype).value
    slopes = list(terms(b, *gradients(b, {loss: seed}, wrt)))
    sums: list[Value] = []
    if several:
        making.inputs[SHARE] = b.fresh(SHARE, TensorType(F32, ()))
        share = Term(b, making.inputs[SHARE])
        sums = [
            b.fresh(f"{path}/sum", s.type) for path, s in zip(chosen.paths, slopes, strict=True)
        ]
        slopes = [Term(b, v) + s * share for v, s in zip(sums, slopes, strict=True)]
    making.outputs = {name: values[v] for name, v in measured.items()}
    making.outputs[GRADIENT] = _length(slopes).value
    making.states += [State(old.name, old, 0.0, new) for old, new in statistics.items()]
    making.states += [State(s.name, s.value, s.start, values[s.after]) for s in carried]
    return making, slopes, sums


def _begin(b: Builder) -> _Making:
    whole = TensorType(I64, ())
    return _Making(b, b.fresh(STEP, whole), b.fresh(DRAW, whole))


def _change(
    making: _Making, chosen: Update, plan: Plan, weights: Weights, path: str, slope: Term
) -> None:
    """Add the nodes that update one weight and its state."""
    b, value = making.b, weights.by_path[path]
    group = _group(chosen.optimizer, weights, path)
    decay = group.arguments.get("decay") if group else None
    assert isinstance(decay, float | int | None)
    own = settings(chosen.optimizer, None if decay is None else float(decay))
    schedule, scale = rate_of(chosen.optimizer, group)
    # Two steps may change one weight, each with an optimizer of its own.
    place = f"{path}/{chosen.name}/" if chosen.name else f"{path}/"
    kept = {name: b.fresh(f"{place}{name}", value.type) for name in states(own)}
    b.scope = next((n.scope for n in plan.nodes if value in n.inputs), None)
    # onnxruntime takes long for a number times a tensor whose last axis is 1.
    shape = value.type.shape
    flat = (product(shape),) if shape[-1:] == (1,) else shape
    new, after = update(
        own, Term(b, value).reshape(flat), slope.reshape(flat),
        {name: Term(b, v).reshape(flat) for name, v in kept.items()},
        making.rate(schedule, scale), Term(b, making.count),
    )  # fmt: skip
    changes = {value: new} | {v: after[name] for name, v in kept.items()}
    making.states += [State(v.name, v, 0.0, t.reshape(shape).value) for v, t in changes.items()]


def _group(optimizer: Setting, weights: Weights, path: str) -> Setting | None:
    """Find the group a weight belongs to: the last that names it."""
    groups = optimizer.arguments.get("groups", [])
    assert isinstance(groups, list)
    found: Setting | None = None
    for group in groups:
        assert isinstance(group, Setting)
        if path in weights.chosen(group.arguments["what"]):
            found = group
    return found


def _length(slopes: Sequence[Term]) -> Term:
    """Give the length of all gradients together: what clipping limits, and shows a NaN."""
    if not slopes:
        raise NetlangError(rules.NOTHING_TO_TRAIN, "a step changes no weight")
    squares = [_square(slope) for slope in slopes]
    return sum(squares[1:], squares[0]).unary("sqrt")


def _square(slope: Term) -> Term:
    """Add up the squares of a gradient; filters are short rows, which sums take long for."""
    rows = slope.reshape((slope.shape[0], product(slope.shape[1:]))) if slope.rank > 2 else slope
    return (rows * rows).sum(range(rows.rank))


def _clipped(clip: Setting | None, slopes: Sequence[Term], length: Term) -> list[Term]:
    """Limit gradients: each element, or the length of all of them together."""
    if clip is None:
        return list(slopes)
    limit = clip.arguments["limit"]
    assert isinstance(limit, int | float)
    if clip.name == "clip_value":
        return [slope.to(Clamp(-float(limit), float(limit))) for slope in slopes]
    # The small number is PyTorch's, and keeps a gradient of nothing from dividing by 0.
    scale = limit / (length + 1e-6)
    scale = scale.where(scale < 1.0, 1.0)
    return [slope * scale for slope in slopes]


def _evaluation(plan: Plan, modes: Modes) -> Graph:
    """Make the graph that measures a batch: the loss and the metrics, in evaluation mode."""
    b = Builder()
    making = _begin(b)
    b.adopt((*plan.batch.values(), *plan.params, *(s.value for s in plan.states)))
    carried = plan.states if plan.settings.get("carry_state") is True else ()
    measured = _measures(plan)
    wanted = (*measured.values(), *(s.after for s in carried))
    values = modes.evaluation(b, plan.nodes, making.draw, wanted)
    making.outputs = {name: values[v] for name, v in measured.items()}
    making.states = [State(s.name, s.value, s.start, values[s.after]) for s in carried]
    return making.graph(f"{plan.name}_evaluation", plan)


def _measures(plan: Plan) -> dict[str, Value]:
    """List what is measured of a batch: losses, metrics, and what a setting watches."""
    found: dict[str, Value] = {}
    loss = plan.settings.get("loss")
    if isinstance(loss, Value):
        found["loss"] = loss
    for name, own in plan.steps.items():
        value = own.get("loss")
        if isinstance(value, Value):
            found[f"{name}.loss"] = value
    found |= _metrics(plan)
    for value in watched(plan):
        if value not in found.values():
            found[value.name] = value
    return found


def _metrics(plan: Plan) -> dict[str, Value]:
    metrics = plan.settings.get("metrics", [])
    assert isinstance(metrics, list)
    pairs = zip(plan.metrics, metrics, strict=True)
    return {name: value for name, value in pairs if isinstance(value, Value)}


def watched(plan: Plan) -> list[Value]:
    """List the values that decide when to stop and what to save."""
    found = [plan.settings.get("stop")]
    saved = plan.settings.get("checkpoint", [])
    assert isinstance(saved, list)
    settings = [s for s in (*found, *saved) if isinstance(s, Setting)]
    values = [s.arguments.get(name) for s in settings for name in ("watch", "by")]
    return [v for v in values if isinstance(v, Value)]


def kept(graph: Graph) -> dict[str, TensorType]:
    """List what an optimizer keeps between steps: states that are no weights, and start at 0."""
    own = {s.name: s.value.type for s in graph.states if "/" in s.name}
    return {name: type for name, type in own.items() if not name.endswith("/state")}
