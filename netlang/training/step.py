"""One step of training as one graph: loss, gradients, clipping, new weights, new statistics.

Weights, running statistics and the state of the optimizer are states of the graph: each enters
under its name and leaves as ``NAME_next``. Beside the columns of a batch there are two kinds of
inputs: ``step``, the number of the step i64[] counted from 1, and the learning rates f32[].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from netlang.autodiff import gradients
from netlang.elaborate.training import Plan
from netlang.elaborate.values import Object, Setting
from netlang.ir.graph import Builder, Graph, Node, Param, State, Value, verify
from netlang.ir.types import F32, I64, TensorType
from netlang.ops.terms import Term, number
from netlang.passes.pipeline import transform
from netlang.training.modes import Modes
from netlang.training.optimizers import rate_of, settings, states, update
from netlang.training.selection import Weights

STEP = "step"


@dataclass(frozen=True, slots=True)
class StepGraph:
    """The graph of one update, and the schedules behind its learning-rate inputs."""

    name: str
    graph: Graph
    rates: Mapping[str, Object]
    trained: tuple[str, ...]
    repeat: int = 1


@dataclass(frozen=True, slots=True)
class Training:
    """What a train section runs: its steps in turn, and the measuring of a batch."""

    plan: Plan
    weights: Weights
    steps: tuple[StepGraph, ...]
    evaluation: Graph
    measured: Mapping[str, Value]
    frozen: frozenset[str]


@dataclass(frozen=True, slots=True)
class Update:
    """The settings of one step: what is minimised, by changing what, and how."""

    name: str
    loss: Value
    paths: tuple[str, ...]
    optimizer: Setting
    clip: Setting | None
    repeat: int


def prepare(plan: Plan, seed: int) -> Training:
    """Make the graphs of a train section."""
    weights = Weights(plan.params, plan.nodes)
    frozen = frozenset(weights.chosen_of_all(plan.settings.get("freeze", [])))
    updates = _updates(plan, weights, frozen)
    active = {path for u in updates for path in u.paths}
    modes = Modes(plan, weights, active, seed)
    steps = tuple(_step(u, plan, weights, modes, first=i == 0) for i, u in enumerate(updates))
    return Training(plan, weights, steps, _evaluation(plan, modes), _measures(plan), frozen)


def _updates(plan: Plan, weights: Weights, frozen: frozenset[str]) -> list[Update]:
    given = plan.steps or {"": plan.settings}
    found: list[Update] = []
    for name, own in given.items():
        what = own.get("update")
        chosen = weights.chosen_of_all(what) if what is not None else list(weights.by_path)
        paths = tuple(p for p in chosen if p not in frozen and weights.trained(p))
        loss, optimizer = own["loss"], own["optimizer"]
        clip, repeat = own.get("clip"), own.get("repeat", 1)
        assert isinstance(loss, Value) and isinstance(optimizer, Setting)
        assert isinstance(clip, Setting | None) and isinstance(repeat, int)
        found.append(Update(name, loss, paths, optimizer, clip, repeat))
    return found


@dataclass(slots=True)
class _Making:
    """A step graph in the making."""

    b: Builder
    count: Value
    rates: dict[str, Object] = field(default_factory=dict[str, Object])
    inputs: dict[str, Value] = field(default_factory=dict[str, Value])
    states: list[State] = field(default_factory=list[State])

    def rate(self, schedule: Object, scale: float) -> Term:
        """Give the learning rate of a schedule, one input for each different one."""
        name = next((n for n, s in self.rates.items() if s is schedule or s == schedule), None)
        if name is None:
            name = "rate" if not self.rates else f"rate{len(self.rates) + 1}"
            self.rates[name] = schedule
            self.inputs[name] = self.b.fresh(name, TensorType(F32, ()))
        term = Term(self.b, self.inputs[name])
        return term * scale if scale != 1.0 else term


def _step(chosen: Update, plan: Plan, weights: Weights, modes: Modes, *, first: bool) -> StepGraph:
    b = Builder()
    making = _Making(b, b.fresh(STEP, TensorType(I64, ())))
    b.adopt((*plan.batch.values(), *plan.params))
    measured = {"loss": chosen.loss, **(_metrics(plan) if first else {})}
    values, statistics = modes.training(b, plan.nodes, making.count, tuple(measured.values()))
    wrt = [weights.by_path[path] for path in chosen.paths]
    loss = values[chosen.loss]
    seed = number(b, 1.0, loss.type.dtype).value
    slopes = gradients(b, {loss: seed}, [values[v] for v in wrt])
    outputs = {name: values[v] for name, v in measured.items()}
    length = _length([Term(b, v) for v in slopes])
    outputs["gradient"] = length.value
    slopes = _clipped(chosen.clip, [Term(b, v) for v in slopes], length)
    for path, value, slope in zip(chosen.paths, wrt, slopes, strict=True):
        _change(making, chosen, plan, weights, path, value, slope)
    making.states += [State(old.name, old, 0.0, new) for old, new in statistics.items()]
    changed = {state.value for state in making.states}
    fixed = [v for v in _used(b.nodes, plan.params) if v not in changed]
    inputs = (*_batch(b.nodes, plan), making.count, *making.inputs.values(), *fixed)
    graph = Graph(
        chosen.name or plan.name, inputs, {}, tuple(b.nodes), outputs, tuple(making.states)
    )
    verify(graph)
    return StepGraph(chosen.name, transform(graph), making.rates, chosen.paths, chosen.repeat)


def _change(
    making: _Making, chosen: Update, plan: Plan, weights: Weights, path: str, value: Value,
    slope: Term,
) -> None:  # fmt: skip
    """Add the nodes that update one weight and its state."""
    b = making.b
    group = _group(chosen.optimizer, weights, path)
    decay = group.arguments.get("decay") if group else None
    assert isinstance(decay, float | int | None)
    own = settings(chosen.optimizer, None if decay is None else float(decay))
    schedule, scale = rate_of(chosen.optimizer, group)
    kept = {name: b.fresh(f"{path}/{name}", value.type) for name in states(own)}
    b.scope = next((n.scope for n in plan.nodes if value in n.inputs), None)
    new, after = update(
        own, Term(b, value), slope, {name: Term(b, v) for name, v in kept.items()},
        making.rate(schedule, scale), Term(b, making.count),
    )  # fmt: skip
    making.states.append(State(value.name, value, 0.0, new.value))
    making.states += [State(v.name, v, 0.0, after[name].value) for name, v in kept.items()]


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
    total = (slopes[0] * slopes[0]).sum(range(slopes[0].rank))
    for slope in slopes[1:]:
        total = total + (slope * slope).sum(range(slope.rank))
    return total.unary("sqrt")


def _clipped(clip: Setting | None, slopes: Sequence[Term], length: Term) -> list[Term]:
    """Limit gradients: each element, or the length of all of them together."""
    if clip is None:
        return list(slopes)
    limit = clip.arguments["limit"]
    assert isinstance(limit, int | float)
    if clip.name == "clip_value":
        from netlang.ops.choice import Clamp

        return [slope.to(Clamp(-float(limit), float(limit))) for slope in slopes]
    # The small number is PyTorch's, and keeps a gradient of nothing from dividing by 0.
    scale = limit / (length + 1e-6)
    scale = scale.where(scale < 1.0, 1.0)
    return [slope * scale for slope in slopes]


def _used(nodes: Sequence[Node], params: Mapping[Value, Param]) -> list[Value]:
    used = {v for node in nodes for v in node.inputs}
    return [v for v in params if v in used]


def _batch(nodes: Sequence[Node], plan: Plan) -> list[Value]:
    used = {v for node in nodes for v in node.inputs}
    return [v for v in plan.batch.values() if v in used]


def _evaluation(plan: Plan, modes: Modes) -> Graph:
    """Make the graph that measures a batch: the loss and the metrics, in evaluation mode."""
    b = Builder()
    count = b.fresh(STEP, TensorType(I64, ()))
    b.adopt((*plan.batch.values(), *plan.params))
    wanted = _measures(plan)
    values = modes.evaluation(b, plan.nodes, count, tuple(wanted.values()))
    outputs = {name: values[v] for name, v in wanted.items()}
    draws = (count,) if any(count in node.inputs for node in b.nodes) else ()
    inputs = (*_batch(b.nodes, plan), *draws, *_used(b.nodes, plan.params))
    graph = Graph(f"{plan.name}_evaluation", inputs, {}, tuple(b.nodes), outputs)
    verify(graph)
    return transform(graph)


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
    return {s.name: s.value.type for s in graph.states if "/" in s.name}
