"""One step of training as one graph: loss, gradients, clipping, new parameters and statistics.

Parameters, running statistics and the state of the optimizer are states of the graph: each enters
under its name and leaves as ``NAME_next``. Besides the columns of a batch, ``batch.NAME``, there
are scalar inputs:

- ``step`` i64[]: the number of the update, counted from 1;
- ``draw`` i64[]: the number of the batch, counted from 1, on which random numbers depend;
- ``rate``, ``rate2``, ... f32[]: the learning rates.

The gradient of an update that takes several batches is that of their loss as one batch. It needs
what a batch alone does not tell:

- ``share``, ``share2``, ... f32[]: this batch's share of the elements of a mean over all of them;
- ``total``, ``total2``, ...: sums over all of them, such as of the weights of a weighted mean.

Where several processes divide a batch, each adds up gradients in states ``NAME/sum``, and the
update is a graph of its own, which has no batch: it starts from the sums over all of them.

With ``precision = "f64"``, everything that is f32 here is f64.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count

from netlang.analysis.accumulators import Accumulator, Accumulators
from netlang.diagnostics import rules
from netlang.diagnostics.errors import NetlangError
from netlang.ir.backward_slice import needed
from netlang.ir.dims import Size, product
from netlang.ir.graph import Builder, Graph, State, Value, verify
from netlang.ir.types import F32, I64, TensorType
from netlang.ops.terms import Term, number, terms, zeros
from netlang.passes.autodiff import gradients
from netlang.passes.pipeline import transform
from netlang.passes.promotion import promote
from netlang.plan.optimizers import Change
from netlang.plan.plan import Plan, Update
from netlang.plan.schedules import Rate
from netlang.training.step.measures import Measures, measures
from netlang.training.step.modes import Counts, Modes
from netlang.training.step.watching import NO_WATCH, NOTHING, Watch, Watched, outputs_of

STEP, DRAW, LOSS, GRADIENT_NORM = "step", "draw", "loss", "gradient_norm"
SHARE, TOTAL = "share", "total"


@dataclass(frozen=True, slots=True)
class StepGraph:
    """The graph of one update, what it measures, and the rates of its learning-rate inputs.

    Where an update takes several batches, ``gathering`` is the graph for all but the last: it adds
    up gradients and changes no parameter. Where several processes divide a batch, it is the graph
    for all, and ``graph`` updates from the sums. Both have inputs for the ``shares`` of a batch,
    with the number of elements that they are shares of, and for ``totals`` over all batches, for
    which ``weighing`` computes the accumulators of each batch beforehand.
    """

    update: Update
    graph: Graph
    rates: Mapping[str, Rate]
    measures: Measures
    gathering: Graph | None = None
    weighing: Graph | None = None
    shares: Mapping[str, Size] = field(default_factory=dict[str, Size])
    totals: Mapping[str, Accumulator] = field(default_factory=dict[str, Accumulator])
    watched: Watched = NOTHING

    @property
    def name(self) -> str:
        return self.update.name

    @property
    def sums(self) -> list[Value]:
        """The states of the sums of gradients, where an update takes several batches."""
        names = {f"{path}/sum" for path in self.update.paths}
        return [s.value for s in self.graph.states if s.name in names]

    @property
    def graphs(self) -> tuple[Graph, ...]:
        graphs = (self.graph, self.gathering, self.weighing)
        return tuple(graph for graph in graphs if graph is not None)


@dataclass(frozen=True, slots=True)
class Training:
    """The graphs of a train section: its steps in turn, and the evaluation of a batch.

    ``parameters`` are the parameters and running statistics by path, ``measures`` what the
    evaluation measures.
    """

    plan: Plan
    parameters: Mapping[str, Value]
    steps: tuple[StepGraph, ...]
    evaluation: Graph
    measures: Measures

    @property
    def carried(self) -> tuple[State, ...]:
        """The states that nets carry from batch to batch."""
        return self.evaluation.states

    @property
    def double(self) -> bool:
        """Whether everything is in f64."""
        return self.plan.precision == "f64"

    @property
    def graphs(self) -> tuple[Graph, ...]:
        """Every graph of a run: those of the steps, and that of the evaluation."""
        return (*(graph for step in self.steps for graph in step.graphs), self.evaluation)


_UNSUPPORTED = {
    "f16": "what is smaller than 6e-8 is 0 in it, and with it many a gradient",
    "bf16": "processors and onnxruntime compute few operators in it",
}
"""Precisions that training does not support, and why."""


def prepare(
    plan: Plan, seed: int, outputs: Mapping[str, Value] | None = None, watch: Watch = NO_WATCH
) -> Training:
    """Make the graphs of a train section; raise ``NetlangError`` if there is nothing to train.

    The evaluation of a batch has more ``outputs``, besides what it measures, and the steps have
    those of ``watch``.
    """
    if plan.precision in _UNSUPPORTED:
        raise NetlangError(
            rules.PRECISION,
            f"training in {plan.precision} does not exist yet",
            notes=[_UNSUPPORTED[plan.precision]],
            helps=['leave `precision` out, which is f32, or take `"f64"`'],
        )
    changed = {path for update in plan.updates for path in update.paths}
    if not changed:
        raise NetlangError(
            rules.NOTHING_TO_TRAIN,
            f"`{plan.name}` changes no parameter",
            notes=["no loss depends on a parameter that is trained and not frozen"],
        )
    parameters = {param.path: value for value, param in plan.computation.params.items()}
    modes = Modes(plan, changed, seed)
    analysis = Accumulators(plan.computation.nodes, plan.computation.batch.values())
    steps: list[StepGraph] = []
    for update in plan.updates:
        own = {LOSS: update.loss, **({} if steps else plan.metrics)}
        measured = measures(own, analysis, (LOSS,))
        steps.append(_step(update, plan, parameters, modes, measured, watch))
    measured = measures(plan.measured, analysis, plan.losses)
    evaluation = evaluation_graph(plan, modes, {**measured.outputs, **(outputs or {})})
    return Training(plan, parameters, tuple(steps), evaluation, measured)


@dataclass(slots=True)
class _Step:
    """A step graph under construction."""

    b: Builder
    count: Value
    draw: Value
    rates: dict[str, Rate] = field(default_factory=dict[str, Rate])
    inputs: dict[str, Value] = field(default_factory=dict[str, Value])
    shares: dict[str, Size] = field(default_factory=dict[str, Size])
    totals: dict[Value, Accumulator] = field(default_factory=dict[Value, Accumulator])
    """The inputs for totals over all batches of the update; those that are used stay."""
    states: list[State] = field(default_factory=list[State])
    outputs: dict[str, Value] = field(default_factory=dict[str, Value])
    values: Mapping[Value, Value] = field(default_factory=dict[Value, Value])
    """The values of the step for those of the program."""
    batched: bool = True
    """Whether it has a batch."""

    def rate(self, rate: Rate, scale: float) -> Term:
        """Return a learning rate as a scalar, an input for each different one."""
        name = next((name for name, known in self.rates.items() if known == rate), None)
        if name is None:
            name = self._input("rate", TensorType(F32, ())).name
            self.rates[name] = rate
        term = Term(self.b, self.inputs[name])
        return term * scale if scale != 1.0 else term

    def share(self, count: Size) -> Term:
        """Return a batch's share of the elements of all batches, an input for each count."""
        name = next((name for name, known in self.shares.items() if known == count), None)
        if name is None:
            name = self._input(SHARE, TensorType(F32, ())).name
            self.shares[name] = count
        return Term(self.b, self.inputs[name])

    def total(self, of: Accumulator) -> Value:
        """Return an input for the total of an accumulator."""
        value = self._input(TOTAL, of.value.type)
        self.totals[value] = of
        return value

    def _input(self, stem: str, type: TensorType) -> Value:
        # A metric may have one of the names, and inputs and outputs share their names.
        names = chain([stem], (f"{stem}{number}" for number in count(2)))
        name = next(n for n in names if n not in self.inputs and n not in self.outputs)
        self.inputs[name] = self.b.fresh(name, type)
        return self.inputs[name]

    def graph(self, name: str, plan: Plan) -> Graph:
        changed = {state.value for state in self.states}
        ends = (*self.outputs.values(), *(state.after for state in self.states))
        nodes = tuple(needed(self.b.nodes, ends))
        used = {v for node in nodes for v in node.inputs}
        for value in [value for value in self.totals if value not in used]:
            del self.totals[value], self.inputs[value.name]
        computed = plan.computation
        fixed = [v for v in computed.params if v in used and v not in changed]
        # A column tells how many examples there are, even if nothing of it is used; an update from
        # sums has none.
        columns = list(computed.batch.values()) if self.batched else []
        batch = [v for v in columns if v in used] or columns[:1]
        counts = [v for v in (self.count, self.draw) if v in used]
        inputs = (*batch, *counts, *self.inputs.values(), *fixed)
        graph = Graph(name, inputs, {}, nodes, self.outputs, tuple(self.states))
        verify(graph)
        # Promoted last, so that a run in f64 computes the same with more precision.
        return transform(promote(graph) if plan.precision == "f64" else graph)


def _step(
    update: Update, plan: Plan, parameters: Mapping[str, Value], modes: Modes, measured: Measures,
    watch: Watch,
) -> StepGraph:  # fmt: skip
    alone = plan.ranks == 1
    begin = _backward if alone else _from_sums
    step, grads, sums = begin(update, plan, parameters, modes, measured)
    squares = [_square(grad) for grad in grads] if watch.gradients else []
    if update.clip is not None:
        grads = update.clip.apply(grads, Term(step.b, step.outputs[GRADIENT_NORM]))
    for change, grad in zip(update.changes, grads, strict=True):
        _change(step, update, plan, change, parameters[change.path], grad)
    step.states += [State(v.name, v, 0.0, zeros(step.b, v.type)) for v in sums]
    after = {state.name: state.after for state in step.states}
    own = watch if alone else replace(watch, activations=False)
    watched = _watch(step, own, plan, update, squares, after)
    graph = step.graph(update.name or plan.name, plan)
    made = StepGraph(update, graph, step.rates, measured, watched=watched)
    if plan.parts == 1:
        return made
    step, grads, sums = _backward(update, plan, parameters, modes, measured)
    pairs = zip(sums, grads, strict=True)
    step.states += [State(v.name, v, 0.0, grad.value) for v, grad in pairs]
    if not alone:
        layers = _watch(step, Watch(activations=watch.activations), plan, update, [], {})
        watched = Watched({**watched.names, **layers.names})
    gathering = step.graph(f"{graph.name}_gathering", plan)
    totals = {value.name: of for value, of in step.totals.items()}
    weighing = _weighing(f"{graph.name}_weighing", totals.values(), update, plan, modes, measured)
    return replace(
        made, gathering=gathering, weighing=weighing, shares=step.shares, totals=totals,
        watched=watched,
    )  # fmt: skip


def _watch(
    step: _Step, watch: Watch, plan: Plan, update: Update, squares: Sequence[Term],
    after: Mapping[str, Value],
) -> Watched:  # fmt: skip
    """Add the outputs of what is watched to a step graph; return what is in them."""
    if not watch:
        return NOTHING
    outputs, watched = outputs_of(watch, step.b, plan, update, step.values, squares, after)
    step.outputs |= outputs
    return watched


def _from_sums(
    update: Update, plan: Plan, parameters: Mapping[str, Value], modes: Modes, measured: Measures
) -> tuple[_Step, list[Term], list[Value]]:
    """Begin the graph of an update whose gradients are sums over several processes."""
    del modes, measured
    step, _ = _begin(plan)
    step.batched = False
    sums = [step.b.fresh(f"{path}/sum", parameters[path].type) for path in update.paths]
    grads = list(terms(step.b, *sums))
    step.outputs[GRADIENT_NORM] = _norm(grads).value
    return step, grads, sums


def _backward(
    update: Update, plan: Plan, parameters: Mapping[str, Value], modes: Modes, measured: Measures
) -> tuple[_Step, list[Term], list[Value]]:
    """Begin a step graph: metrics, gradients, statistics; and the sums of earlier gradients."""
    step, carried = _begin(plan)
    b, several = step.b, plan.parts > 1
    wanted = (*measured.outputs.values(), *(s.after for s in carried))
    values, statistics = modes.training(b, _counts(step, plan), wanted, update.name)
    step.values, loss = values, values[update.loss]
    wrt = [values[parameters[path]] for path in update.paths]
    b.scope = b.span = None
    step.outputs = {name: values[v] for name, v in measured.outputs.items()}
    seed = number(b, 1.0, loss.type.dtype).value
    cts = _parts(step, measured, seed, values) if several else {loss: seed}
    grads = list(terms(b, *gradients(b, cts, wrt)))
    sums: list[Value] = []
    if several:
        sums = [b.fresh(f"{path}/sum", s.type) for path, s in zip(update.paths, grads, strict=True)]
        grads = [Term(b, v) + s for v, s in zip(sums, grads, strict=True)]
    step.outputs[GRADIENT_NORM] = _norm(grads).value
    step.states += [State(old.name, old, 0.0, new) for old, new in statistics.items()]
    step.states += [State(s.name, s.value, s.start, values[s.after]) for s in carried]
    return step, grads, sums


def _parts(
    step: _Step, measured: Measures, seed: Value, values: Mapping[Value, Value]
) -> dict[Value, Value]:
    """Return the cotangents of what a batch contributes to the loss of all batches."""
    loss = measured.metrics[LOSS]
    totals = {each.value: step.total(each) for each in loss.accumulators}
    now, first = dict(totals), len(step.b.nodes)
    for node in loss.nodes:
        made = step.b.add(node.op, *(now[v] for v in node.inputs))
        now.update(zip(node.outputs, made, strict=True))
    parts = [a for a in loss.accumulators if a.kind != "size" and a.value.type.dtype.is_float]
    wrt = [totals[each.value] for each in parts]
    made = gradients(step.b, {now[loss.value]: seed}, wrt, nodes=step.b.nodes[first:])
    cts: dict[Value, Value] = {}
    for each, ct in zip(parts, made, strict=True):
        whole = Term(step.b, ct)
        ours = whole * step.share(each.count) if each.kind == "mean" else whole
        cts[values[each.value]] = ours.value
    return cts


def _weighing(
    name: str, totals: Iterable[Accumulator], update: Update, plan: Plan, modes: Modes,
    measured: Measures,
) -> Graph | None:  # fmt: skip
    """Make the graph of what a batch contributes to some totals, as its step computes it."""
    wanted = {measured.names[each.value]: each.value for each in totals if each.kind != "size"}
    if not wanted:
        return None
    step, carried = _begin(plan)
    computed = plan.computation
    nodes = needed(computed.nodes, tuple(wanted.values()), computed.gradients)
    used = {v for node in nodes for v in node.inputs}
    if used.isdisjoint(s.value for s in carried):
        carried = ()
    ends = (*wanted.values(), *(s.after for s in carried))
    values, _ = modes.training(step.b, _counts(step, plan), ends, update.name)
    step.outputs = {name: values[v] for name, v in wanted.items()}
    step.states = [State(s.name, s.value, s.start, values[s.after]) for s in carried]
    return step.graph(name, plan)


def _counts(step: _Step, plan: Plan) -> Counts:
    # Dropout samples a mask for each update, or for each of the batches that an update takes.
    return Counts(step.draw, step.draw if plan.parts > 1 else step.count)


def _begin(plan: Plan) -> tuple[_Step, tuple[State, ...]]:
    """Begin a graph; return it and the states that it carries from batch to batch."""
    b, scalar, computed = Builder(), TensorType(I64, ()), plan.computation
    step = _Step(b, b.fresh(STEP, scalar), b.fresh(DRAW, scalar))
    b.adopt((*computed.batch.values(), *computed.params, *(s.value for s in computed.states)))
    return step, computed.states if plan.carry_state else ()


def _change(
    step: _Step, update: Update, plan: Plan, change: Change, value: Value, grad: Term
) -> None:
    """Add the nodes that update one parameter and its optimizer state."""
    b, rule = step.b, change.rule
    # Two steps may change one parameter, each with an optimizer of its own.
    place = f"{change.path}/{update.name}/" if update.name else f"{change.path}/"
    weight, gradient, count, *rates = rule.inputs
    stored = {s: b.fresh(f"{place}{s.name}", _stored(s, weight, value)) for s in rule.states}
    b.scope = next((n.scope for n in plan.computation.nodes if value in n.inputs), None)
    given = {weight: value, gradient: grad.value} | {s.value: v for s, v in stored.items()}
    values = {inside: _shaped(b, outside, inside) for inside, outside in given.items()}
    values[count] = step.count
    for rate, scaled in zip(rates, change.rates.values(), strict=True):
        values[rate] = step.rate(scaled.rate, scaled.scale).value
    for node in rule.nodes:
        made = b.add(node.op, *(values[v] for v in node.inputs))
        values.update(zip(node.outputs, made, strict=True))
    (next_weight,) = rule.outputs.values()
    after = {value: (next_weight, 0.0)}
    after |= {v: (s.after, s.start) for s, v in stored.items()}
    for outside, (inside, start) in after.items():
        new = Term(b, values[inside]).reshape(outside.type.shape)
        step.states.append(State(outside.name, outside, start, new.value))


def _stored(state: State, weight: Value, value: Value) -> TensorType:
    """Return the type of a state: that of the parameter, or one of its own."""
    return value.type if state.value.type == weight.type else state.value.type


def _shaped(b: Builder, outside: Value, inside: Value) -> Value:
    return Term(b, outside).reshape(inside.type.shape).value


def _norm(grads: Sequence[Term]) -> Term:
    """Return the norm of all gradients together, which clipping limits and which shows a NaN."""
    if not grads:
        raise NetlangError(rules.NOTHING_TO_TRAIN, "a step changes no parameter")
    squares = [_square(grad) for grad in grads]
    return sum(squares[1:], squares[0]).unary("sqrt")


def _square(grad: Term) -> Term:
    """Return the sum of the squares of a gradient, in long rows, which are summed faster."""
    rows = grad.reshape((grad.shape[0], product(grad.shape[1:]))) if grad.rank > 2 else grad
    return (rows * rows).sum(range(rows.rank))


def evaluation_graph(plan: Plan, modes: Modes, outputs: Mapping[str, Value]) -> Graph:
    """Make the graph that evaluates a batch: the losses and the metrics."""
    step, carried = _begin(plan)
    wanted = (*outputs.values(), *(s.after for s in carried))
    values = modes.evaluation(step.b, step.draw, wanted)
    step.outputs = {name: values[v] for name, v in outputs.items()}
    step.states = [State(s.name, s.value, s.start, values[s.after]) for s in carried]
    return step.graph(f"{plan.name}_evaluation", plan)


def optimizer_state(graph: Graph) -> list[State]:
    """Return what an optimizer stores between steps."""
    return [s for s in graph.states if "/" in s.name and not s.name.endswith("/state")]
