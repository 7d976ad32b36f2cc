"""Nets in a lower precision, and what their metrics lose by it on the data of a train section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

from msgspec import Struct
from msgspec.structs import replace

from netlang.analysis.accumulators import Accumulators
from netlang.backends import reference
from netlang.backends.compile import CompiledModel
from netlang.backends.feeds import prepare
from netlang.backends.onnx import Model
from netlang.backends.ort import Session
from netlang.backends.precision import Lower, converted, ends, is_dynamic
from netlang.diagnostics import rules
from netlang.diagnostics.errors import EvaluationError, NetlangError
from netlang.ir.backward_slice import needed
from netlang.ir.graph import Graph
from netlang.plan.plan import LayerCall, Plan
from netlang.system.numpy import Array, np
from netlang.training.class_weights import balanced
from netlang.training.run.engine import Arrays, Evaluates, Numbers, batch_size
from netlang.training.run.evaluation import evaluated, metrics_of
from netlang.training.run.initial_parameters import initial_parameters
from netlang.training.run.preparation import Choices, open_data, seed_of
from netlang.training.step.graphs import Training, evaluation_graph
from netlang.training.step.measures import measures
from netlang.training.step.modes import Modes

_EXAMPLES = 512
"""Examples of `data` by which the ranges of values are determined."""
_DROP = 0.005
_TIMED = 5


class Measured(Struct, frozen=True):
    """A model on the data of a section: its bytes, milliseconds for a batch, and metrics."""

    bytes: int
    milliseconds: float
    metrics: Mapping[str, float]


class Conversion(Struct, frozen=True):
    """A model in a lower precision, next to the one in f32.

    ``of`` is what the examples of the metrics are called, with their number and the batch size.
    ``kept`` are the nodes that stay in f32 because the metrics would have dropped; ``dropped`` the
    metrics that are worse by more than half a point even so.
    """

    model: Model
    of: tuple[str, int, int]
    calibrated: int
    before: Measured
    after: Measured
    kept: tuple[str, ...]
    dropped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConvertedModel(CompiledModel):
    """A compiled model in a lower precision, and what that changed, if it was measured."""

    precision: Lower = "f16"
    conversion: Conversion | None = None


def convert(
    compiled: CompiledModel, precision: Lower, found: Model, conversion: Conversion | None = None
) -> ConvertedModel:
    """Return a compiled model with its converted form."""
    return ConvertedModel(
        found, {}, compiled.folded, compiled.parameter_counts, compiled.computation,
        compiled.prepared, compiled.layers, precision, conversion,
    )  # fmt: skip


def convert_for(
    plan: Plan, layer: str, graph: Graph, model: Model, precision: Lower, choices: Choices
) -> Conversion:
    """Convert the model of a layer, and compare its metrics with those of f32.

    If a metric drops by more than half a point, the first and the last product stay in f32, where
    that helps. Raises ``NetlangError`` if the inputs of the layer are not computed from data alone.
    """
    section = _Section(plan, layer, graph, choices)
    calibrated = 0
    examples: list[dict[str, Array]] = []
    if precision == "int8" and not is_dynamic(model):
        examples = section.examples()
        calibrated = sum(len(next(iter(each.values()))) for each in examples)
    before = section.measure(model)
    found = converted(model, precision, examples)
    after = _measured(section, found)
    kept: list[str] = []
    dropped = list(before.metrics) if after is None else _worse(before, after, plan.losses)
    if dropped:
        again = converted(model, precision, examples, ends(model))
        measured = _measured(section, again)
        if measured is not None:
            still = _worse(before, measured, plan.losses)
            if after is None or len(still) < len(dropped):
                found, after, kept, dropped = again, measured, ends(model), still
    if after is None:
        raise NetlangError(
            rules.PRECISION,
            f"a loss of `{plan.name}` is not finite in {precision}",
            helps=["leave `--precision` out, which is f32"],
        )
    return Conversion(
        found, (section.of, len(section.data.source), section.data.size), calibrated, before,
        after, tuple(kept), tuple(dropped),
    )  # fmt: skip


def _measured(section: _Section, model: Model) -> Measured | None:
    """Return the metrics of a model; ``None`` where a loss is not finite."""
    try:
        return section.measure(model)
    except EvaluationError:
        return None


def _worse(before: Measured, after: Measured, losses: Sequence[str]) -> list[str]:
    """Return the metrics that are worse: shares by half a point, losses by half a percent."""
    shares = [
        name for name, value in before.metrics.items() if name not in losses and 0 <= value <= 1
    ]
    if shares:
        # Of an error less is better, and NaN compares with nothing: what changes is worse.
        return [n for n in shares if not abs(before.metrics[n] - after.metrics[n]) <= _DROP]
    rises = {n: after.metrics[n] - before.metrics[n] for n in losses}
    return [n for n, rise in rises.items() if not rise <= _DROP * abs(before.metrics[n])]


class _Section:
    """The data and the metrics of a section, for a model that computes one of its layers."""

    def __init__(self, plan: Plan, layer: str, graph: Graph, choices: Choices) -> None:
        self._train, valid = open_data(plan, choices)
        plan = balanced(plan, None, lambda: self._train.source)
        self.of, self.data = ("data", self._train) if valid is None else ("valid", valid)
        self._graph = graph
        self._calls = [call for call in plan.computation.calls if call.layer == layer]
        self._inputs = [_inputs_of(plan, call) for call in self._calls]
        self._training = _after(plan, self._calls, seed_of(plan, choices))
        parameters = initial_parameters(plan, seed_of(plan, choices), choices.folder)
        self.given: dict[str, Array] = {}
        if plan.carry_state and graph.states:
            raise _unmeasured(plan, layer, "carry states from batch to batch")
        read = {value.name for value in self._training.evaluation.inputs}
        params = plan.computation.params
        others = [p.path for value, p in params.items() if value.name in read and p.trained]
        if others:
            raise _unmeasured(plan, layer, f"depend on trained parameters too: `{others[0]}`")
        names = {value.name: param.path for value, param in params.items()}
        self._parameters = {name: parameters[path] for name, path in names.items()}

    def examples(self) -> list[dict[str, Array]]:
        """Return the inputs of the layer for the first batches of `data`."""
        found: list[dict[str, Array]] = []
        count = 0
        with self._train.epoch(0) as stream:
            for batch in stream:
                found += [self._fed(inputs, batch) for inputs in self._inputs]
                count += batch_size(batch)
                if count >= _EXAMPLES:
                    break
        return found

    def measure(self, model: Model) -> Measured:
        """Compute the metrics with a model of the layer, and how long it takes for a batch."""
        session = Session(model)
        totals = evaluated(self._training, _Outside(self, session), self.data, self.of)
        metrics = metrics_of(self._training, totals, self.of)
        return Measured(model.ByteSize(), self._milliseconds(session), metrics)

    def outcome(self, session: Session, batch: Arrays, numbers: Numbers) -> dict[str, Array]:
        """Return what a batch measures, with the outputs of the layer from a session."""
        known: dict[str, Array] = {f"batch.{name}": array for name, array in batch.items()}
        known |= {name: np.asarray(number) for name, number in numbers.items()}
        for call, inputs in zip(self._calls, self._inputs, strict=True):
            outputs = session.run(self._fed(inputs, batch))
            known |= {value.name: outputs[name] for name, value in call.outputs.items()}
        known |= self._parameters
        graph = self._training.evaluation
        self.given = {v.name: known[v.name] for v in graph.inputs}
        return reference.run(graph, self.given, {})

    def _milliseconds(self, session: Session) -> float:
        with self.data.epoch(0) as stream:
            feeds = self._fed(self._inputs[0], next(stream))
        times: list[float] = []
        for _ in range(_TIMED + 1):
            began = perf_counter()
            session.run(feeds)
            times.append(perf_counter() - began)
        return median(times[1:]) * 1000

    def _fed(self, inputs: Graph, batch: Arrays) -> dict[str, Array]:
        """Return the inputs of a call of the layer, and its initial states."""
        columns = {v.name: batch[v.name.removeprefix("batch.")] for v in inputs.inputs}
        return dict(prepare(self._graph, reference.run(inputs, columns, {})).arrays)


class _Outside(Evaluates):
    """Evaluates batches with a model that computes a layer."""

    def __init__(self, section: _Section, session: Session) -> None:
        self._section, self._session = section, session

    def evaluate(self, batch: Arrays, numbers: Numbers, *, first: bool) -> dict[str, Array]:
        del first
        return self._section.outcome(self._session, batch, numbers)

    def state(self) -> dict[str, Array]:
        return self._section.given


def _unmeasured(plan: Plan, layer: str, why: str) -> NetlangError:
    return NetlangError(
        rules.PRECISION,
        f"the metrics of `{plan.name}` cannot be measured with `{layer}` alone: they {why}",
    )


def _inputs_of(plan: Plan, call: LayerCall) -> Graph:
    """Return the function from columns of a batch to the inputs of a call."""
    computed = plan.computation
    wanted = tuple(call.inputs.values())
    nodes = needed(computed.nodes, wanted)
    made = {value for node in nodes for value in node.outputs}
    read = {value for node in nodes for value in node.inputs}.union(wanted) - made
    columns = tuple(value for value in computed.batch.values() if value in read)
    if read != set(columns):
        raise NetlangError(
            rules.PRECISION,
            f"the inputs of `{call.layer}` in `{plan.name}` are not computed from data alone",
            notes=["its metrics are measured on the data of the section"],
            helps=["name a section that calls it with columns of its data: `--section NAME`"],
        )
    return Graph(call.layer, columns, {}, tuple(nodes), dict(call.inputs))


def _after(plan: Plan, calls: Sequence[LayerCall], seed: int) -> Training:
    """Return the evaluation of a batch, given the outputs of some calls."""
    computed = plan.computation
    outputs = {value.name: value for call in calls for value in call.outputs.values()}
    given = set(outputs.values())
    nodes = tuple(node for node in computed.nodes if given.isdisjoint(node.outputs))
    cut = replace(computed, nodes=nodes, batch={**computed.batch, **outputs})
    analysis = Accumulators(computed.nodes, computed.batch.values())
    measured = measures(plan.measured, analysis, plan.losses)
    rest = replace(plan, computation=cut)
    graph = evaluation_graph(rest, Modes(rest, frozenset(), seed), measured.outputs)
    return Training(plan, {}, (), graph, measured)
