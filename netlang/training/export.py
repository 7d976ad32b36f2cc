"""Steps as ONNX models, for a training loop written in any language.

The model of a step has these inputs and outputs, listed by kind in its metadata
``netlang.contract``:

- ``batch.NAME``: a column of the batch;
- ``step`` i64[]: the number of the update, counted from 1; ``draw`` i64[]: that of the batch;
- ``rate``, ``rate2``, ... f32[]: learning rates;
- state: a parameter by its path, its optimizer state by ``path/name``; each is also an output
  ``NAME_next``, to be fed back as ``NAME``;
- fixed: parameters that the step reads and does not change;
- outputs ``loss``, ``gradient_norm`` (of all gradients together) and the metrics, each f32[].

With ``precision = "f64"``, everything that is f32 here is f64.

The state before the first step is in a safetensors file next to the model, under the same names.
"""

from __future__ import annotations

import json
from pathlib import Path

from netlang.ir.graph import Graph
from netlang.plan.plan import Plan
from netlang.plan.schedules import rate_text
from netlang.storage.weights import save_weights
from netlang.system.numpy import Array
from netlang.training.run.engine import initial_state
from netlang.training.run.initial_parameters import initial_parameters
from netlang.training.run.preparation import Choices, seed_of
from netlang.training.step.graphs import StepGraph, Training, prepare


def export(plan: Plan, choices: Choices, output: Path, *, opset: int, source: str) -> list[Path]:
    """Write the model of each step and the initial state; return the files.

    ``source`` is the path of the program. With several steps, and for the batches over which
    gradients accumulate, the name of the step becomes part of that of the file:
    ``gan.generator.onnx``.
    """
    from netlang.backends.compile import compile_graph

    seed = seed_of(plan, choices)
    training = prepare(plan, seed)
    written: list[Path] = []
    for name, chosen, graph in _graphs(training):
        path = output.with_name(f"{output.stem}.{name}{output.suffix}") if name else output
        metadata = {"netlang.contract": json.dumps(contract(chosen, graph, training))}
        model = compile_graph(
            graph, {}, opset=opset, optimize=False, source=source, metadata=metadata
        )
        written += model.save(path)
    state = initial_state(training, initial_parameters(plan, seed, choices.folder))
    path = state_file(output)
    save_weights(path, _used(training, state), {"section": plan.name})
    return [*written, path]


def state_file(output: Path) -> Path:
    """Return the file of the initial state that belongs to a model."""
    return output.with_suffix(".safetensors")


def contract(chosen: StepGraph, graph: Graph, training: Training) -> dict[str, object]:
    """Return what each input and output of a step is for."""
    parameters = set(training.parameters)
    batch = {v.name: str(v.type) for v in graph.inputs if v.name.startswith("batch.")}
    fixed = [v.name for v in graph.inputs if v.name in parameters]
    numbers = [v.name for v in graph.inputs if v.name not in batch and v.name not in parameters]
    return {
        "section": training.plan.name,
        "step": chosen.name,
        "batch": batch,
        "numbers": {name: _meaning(name, chosen) for name in numbers},
        "state": {s.name: s.next_name for s in graph.states},
        "fixed": fixed,
        "outputs": list(graph.outputs),
        "repeat": chosen.update.repeat,
        "batches": training.plan.accumulate,
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
    "share": "this batch's share of the examples of an update",
}


def _meaning(name: str, chosen: StepGraph) -> str:
    if name in chosen.rates:
        return f"learning rate: {rate_text(chosen.rates[name])}"
    return _NUMBERS[name]
