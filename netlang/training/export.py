"""Steps as ONNX models, for a training loop written in any language.

The model of a step has these inputs and outputs, listed by kind in its metadata
``netlang.contract``:

- ``batch.NAME``: a column of the batch;
- ``step`` i64[]: the number of the update, counted from 1; ``draw`` i64[]: that of the batch;
- ``rate``, ``rate2``, ... f32[]: learning rates;
- state: a parameter by its path, its optimizer state by ``path/name``; each is also an output
  ``NAME_next``, to be fed back as ``NAME``;
- fixed: parameters that the step reads and does not change;
- outputs ``loss``, ``gradient_norm`` (of all gradients together) and the metrics, each f32[], of
  the batch alone.

Over several batches a loss or a metric is computed from accumulators, which ``metrics`` in the
contract lists: outputs to be summed, means to be averaged, each weighted by its count, or examples
to be concatenated. Where the result is not the accumulator itself, ``finish`` is the graph, as
text, that computes it from these totals.

Where an update takes several batches, ``STEP.gathering`` is the model for all but the last. Both
need shares and totals over all of them; ``STEP.weighing``, if there is one, returns what each batch
contributes to the totals.

With ``precision = "f64"``, everything that is f32 here is f64.

The state before the first step is in a safetensors file next to the model, under the same names.
What nets carry from batch to batch has the size of a batch in its shape and is not in the file:
``carried`` in the contract is the number that fills it at the beginning of an epoch.
"""

from __future__ import annotations

import json
from pathlib import Path

from msgspec.structs import replace

from netlang.analysis.accumulators import Accumulator, Decomposition, axis_of_examples
from netlang.diagnostics import rules
from netlang.diagnostics.errors import NetlangError
from netlang.ir.arrays import numpy_dtype
from netlang.ir.dims import bind, symbols
from netlang.ir.graph import Graph, Value
from netlang.ir.text import print_graph
from netlang.plan.plan import Plan
from netlang.plan.schedules import rate_text
from netlang.storage.weights import save_weights
from netlang.system.numpy import Array, np
from netlang.training.class_weights import balanced
from netlang.training.run.engine import Arrays, OrtEngine, initial_state
from netlang.training.run.initial_parameters import initial_parameters
from netlang.training.run.preparation import Choices, open_data, seed_of
from netlang.training.step.graphs import DRAW, STEP, StepGraph, Training, prepare
from netlang.training.step.measures import Measures


def export(plan: Plan, choices: Choices, output: Path, *, opset: int, source: str) -> list[Path]:
    """Write the model of each step and the initial state; return the files.

    ``source`` is the path of the program. With several steps, and for the batches over which
    gradients accumulate, the name of the step becomes part of that of the file:
    ``gan.generator.onnx``.
    """
    from netlang.backends.compile import compile_graph

    seed = seed_of(plan, choices)
    plan = balanced(plan, None, lambda: open_data(plan, choices)[0].source)
    training = prepare(plan, seed)
    state = initial_state(training, initial_parameters(plan, seed, choices.folder))
    if training.double:
        _check_computable(training, state)
    written: list[Path] = []
    for name, chosen, graph in _graphs(training):
        path = output.with_name(f"{output.stem}.{name}{output.suffix}") if name else output
        metadata = {"netlang.contract": json.dumps(contract(chosen, graph, training))}
        model = compile_graph(
            graph, {}, opset=opset, optimize=False, source=source, metadata=metadata
        )
        written += model.save(path)
    path = state_file(output)
    save_weights(path, _used(training, state), {"section": plan.name})
    return [*written, path]


def state_file(output: Path) -> Path:
    """Return the file of the initial state that belongs to a model."""
    return output.with_suffix(".safetensors")


def contract(chosen: StepGraph, graph: Graph, training: Training) -> dict[str, object]:
    """Return what each input and output of a step is for."""
    parameters, carried = set(training.parameters), {s.name for s in training.carried}
    batch = {v.name: str(v.type) for v in graph.inputs if v.name.startswith("batch.")}
    fixed = [v.name for v in graph.inputs if v.name in parameters]
    numbers = [v.name for v in graph.inputs if v.name not in batch and v.name not in parameters]
    return {
        "section": training.plan.name,
        "step": chosen.name,
        "batch": batch,
        "numbers": {name: _meaning(name, chosen) for name in numbers},
        "state": {s.name: s.next_name for s in graph.states},
        "carried": {s.name: s.start for s in graph.states if s.name in carried},
        "fixed": fixed,
        "outputs": list(graph.outputs),
        "metrics": {
            name: _metric(each, chosen.measures)
            for name, each in chosen.measures.metrics.items()
            if name in graph.outputs
        },
        "repeat": chosen.update.repeat,
        "batches": training.plan.accumulate,
    }


def _check_computable(training: Training, state: Arrays) -> None:
    """Raise ``NetlangError`` where onnxruntime lacks an operator in f64: some only in a step."""
    batch: dict[str, Array] = {}
    for name, value in training.plan.computation.batch.items():
        shape = [bind(size, symbols(size)) for size in value.type.shape]
        batch[name] = np.zeros(shape, numpy_dtype(value.type.dtype))
    try:
        engine = OrtEngine(training, state)
        for _, chosen, graph in _graphs(training):
            names = (*chosen.shares, *chosen.totals)
            numbers = {
                STEP: 1,
                DRAW: 1,
                **dict.fromkeys(names, 1.0),
                **dict.fromkeys(chosen.rates, 0.0),
            }
            engine.step(graph, batch, numbers)
    except NetlangError as error:
        # Whether examples of zeros can be computed is another question.
        if error.rule is rules.PRECISION:
            helps = ["leave `precision` out, which is f32"]
            raise NetlangError(error.rule, error.message, notes=error.notes, helps=helps) from None


def _graphs(training: Training) -> list[tuple[str, StepGraph, Graph]]:
    found: list[tuple[str, StepGraph, Graph]] = []
    for chosen in training.steps:
        found.append((chosen.name, chosen, chosen.graph))
        for kind, graph in (("gathering", chosen.gathering), ("weighing", chosen.weighing)):
            if graph is not None:
                found.append((f"{chosen.name}.{kind}".strip("."), chosen, graph))
    return found


def _used(training: Training, state: dict[str, Array]) -> dict[str, Array]:
    names = {
        name
        for _, _, graph in _graphs(training)
        for name in (*(v.name for v in graph.inputs), *(s.value.name for s in graph.states))
    }
    return {name: array for name, array in state.items() if name in names}


_NUMBERS = {
    "step": "the number of the update, counted from 1",
    "draw": "the number of the batch, counted from 1",
}


def _meaning(name: str, chosen: StepGraph) -> str:
    if name in chosen.rates:
        return f"learning rate: {rate_text(chosen.rates[name])}"
    if name in chosen.shares:
        return (
            f"{chosen.shares[name]} of this batch, as a share of that of all batches of an update"
        )
    if name in chosen.totals:
        return _total(chosen.totals[name], chosen.measures)
    return _NUMBERS[name]


def _metric(metric: Decomposition, measures: Measures) -> dict[str, object]:
    """Return how a metric of several batches is computed."""
    parts = {_name(each, measures): each for each in metric.accumulators}
    found: dict[str, object] = {"of": {n: _total(each, measures) for n, each in parts.items()}}
    if metric.nodes:
        now = {each.value: Value(name, each.value.type) for name, each in parts.items()}
        nodes = tuple(
            replace(node, inputs=tuple(now.get(v, v) for v in node.inputs)) for node in metric.nodes
        )
        graph = replace(metric.finish, inputs=tuple(now.values()), nodes=nodes)
        found["finish"] = print_graph(graph, origins=False)
    return found


def _name(each: Accumulator, measures: Measures) -> str:
    return str(each.count) if each.kind == "size" else measures.names[each.value]


def _total(each: Accumulator, measures: Measures) -> str:
    """Return how the total of an accumulator is computed from its values in all batches."""
    name = _name(each, measures)
    match each.kind:
        case "size":
            return f"{name}, with the examples of all batches"
        case "sum":
            return f"sum of {name}"
        case "mean":
            return f"mean of {name}, weighted by {each.count}"
        case "examples":
            return f"{name} of all batches, concatenated along axis {axis_of_examples(each.value)}"
