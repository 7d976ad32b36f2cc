"""Steps as ONNX models, for a loop written in any language.

A model of a step has these inputs and outputs, listed by kind in its metadata ``netlang.contract``:

- ``batch.NAME``: a column of the batch;
- ``step`` i64[]: the number of the update, counted from 1; ``draw`` i64[]: that of the batch;
- ``rate``, ``rate2``, ... f32[]: learning rates;
- state: a weight by its path, what an optimizer keeps for it by ``path/name``; each comes out as
  ``NAME_next``, to be fed back as ``NAME``;
- fixed: weights that the step reads and does not change;
- outputs ``loss``, ``gradient`` (its length) and the metrics, each a number f32[].

Where the section says ``precision = "f64"``, all that is f32 here is f64.

The state before the first step is in a safetensors file beside the model, under the same names.
"""

from __future__ import annotations

import json
from pathlib import Path

from netlang.evaluate.context.describe import short
from netlang.evaluate.context.values import Object, Setting
from netlang.ir.graph import Graph
from netlang.plan.section import Plan
from netlang.storage.weights import save_weights
from netlang.system.numpy import Array
from netlang.training.run.beginning import first_weights
from netlang.training.run.engine import beginning
from netlang.training.run.opening import Choices, seed_of
from netlang.training.step.step import StepGraph, Training, prepare


def export(plan: Plan, choices: Choices, output: Path, *, opset: int) -> list[Path]:
    """Write the model of each step and the state they begin with; give the files.

    With several steps, and for the batches an accumulating step gathers from, the name of the
    step is put into that of the file: ``gan.generator.onnx``.
    """
    from netlang.backends.compile import compile_graph

    training = prepare(plan, seed_of(plan, choices))
    written: list[Path] = []
    for name, chosen, graph in _graphs(training):
        path = output.with_name(f"{output.stem}.{name}{output.suffix}") if name else output
        metadata = {"netlang.contract": json.dumps(contract(chosen, graph, training))}
        model = compile_graph(graph, {}, opset=opset, optimize=False, metadata=metadata)
        written += model.save(path)
    state = beginning(training, first_weights(training, seed_of(plan, choices), choices.folder))
    path = state_file(output)
    save_weights(path, _used(training, state), {"section": plan.name})
    return [*written, path]


def state_file(output: Path) -> Path:
    """Say where the state goes that belongs to a model."""
    return output.with_suffix(".safetensors")


def contract(chosen: StepGraph, graph: Graph, training: Training) -> dict[str, object]:
    """Say what each input and output of a step is for."""
    states = [s.value.name for s in graph.states]
    weights = set(training.weights.by_path)
    batch = {v.name: str(v.type) for v in graph.inputs if v.name.startswith("batch.")}
    fixed = [v.name for v in graph.inputs if v.name in weights]
    numbers = [v.name for v in graph.inputs if v.name not in batch and v.name not in weights]
    return {
        "section": training.plan.name,
        "step": chosen.name,
        "batch": batch,
        "numbers": {name: _told(name, chosen) for name in numbers},
        "state": {name: f"{name}_next" for name in states},
        "fixed": fixed,
        "outputs": list(graph.outputs),
        "repeat": chosen.repeat,
        "batches": training.accumulate,
    }


def _graphs(training: Training) -> list[tuple[str, StepGraph, Graph]]:
    found: list[tuple[str, StepGraph, Graph]] = []
    for chosen in training.steps:
        found.append((chosen.name, chosen, chosen.graph))
        if chosen.gathering is not None:
            found.append((f"{chosen.name}.gathering".strip("."), chosen, chosen.gathering))
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
    "share": "the part of the rows of an update that this batch is",
}


def _told(name: str, chosen: StepGraph) -> str:
    if name in chosen.rates:
        return f"learning rate: {_schedule(chosen.rates[name])}"
    return _NUMBERS[name]


def _schedule(value: Object) -> str:
    if not isinstance(value, Setting):
        return short(value)
    given = ", ".join(f"{name}={_schedule(part)}" for name, part in value.arguments.items())
    return f"{value.name}({given})"
