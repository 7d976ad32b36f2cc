"""ONNX's own vectors of its optimizers, through steps of train sections on both back ends.

ONNX's definitions differ from PyTorch's, which ours are, in where some numbers stand. Each has a
setting here that makes up for it:

- a decay of the weights is a `decay` of the optimizer;
- Adam adds its `eps` before the bias is corrected, ours after it; and where ONNX's count is 0 no
  bias is corrected at all, as ours isn't after very many steps;
- from the second step on, Momentum scales gradients by `beta`: so do a momentum kept without that
  factor and a learning rate with it. With Nesterov's mode no setting does, unless it is 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator
from onnx_nodes import Case, cases
from plans import plan_of

from netlang.plan.schedules import Clock, follow
from netlang.system.numpy import Array
from netlang.training.run.engine import Engine, NumpyEngine, OrtEngine
from netlang.training.step.graphs import DRAW, STEP, Training, prepare

CASES = cases(("Adam", "Adagrad", "Momentum"))
LATER = 3
"""A count of ONNX's that is not that of the first step."""
MANY = 10**9
"""A count of steps after which no bias is left."""
ENGINES = {"interpreter": NumpyEngine, "onnxruntime": OrtEngine}
KEPT = {"Adam": ("mean", "squares"), "Adagrad": ("squares",), "Momentum": ("momentum",)}
"""What ONNX's node keeps for a weight, in its order, as our states are named."""

every_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
every_engine = pytest.mark.parametrize("engine", ENGINES)


@dataclass(frozen=True)
class Ours:
    """What a node is in our terms: an optimizer, the step it is at, the unit of its state."""

    optimizer: str
    count: int
    unit: float = 1.0


def ours(case: Case) -> Ours:
    lr, count = (float(array) for array in cast("Sequence[Array]", case.arrays[:2]))
    get = {"norm_coefficient": 0.0} | dict(case.attributes)
    decay = f"decay={get['norm_coefficient']!r}"
    match case.op_type:
        case "Adam":
            remaining = 1.0 - get["beta"] ** count if count else 1.0
            eps = get["epsilon"] / math.sqrt(remaining)
            betas = f"beta1={get['alpha']!r}, beta2={get['beta']!r}, eps={eps!r}"
            return Ours(f"adam({lr!r}, {betas}, {decay})", int(count) or MANY)
        case "Adagrad":
            schedule = f"{lr!r} |> inverse_time({get['decay_factor']!r}, every=1 steps)"
            return Ours(f"adagrad({schedule}, eps={get['epsilon']!r}, {decay})", int(count) + 1)
        case _:
            nesterov = get["mode"] == "nesterov"
            beta = get["beta"] if count else 1.0
            assert beta == 1.0 or not nesterov
            mode = f"momentum={get['alpha']!r}, nesterov={str(nesterov).lower()}"
            return Ours(f"sgd({lr * beta!r}, {mode}, {decay})", int(count) + 1, beta)


def parts(case: Case) -> list[Sequence[Array]]:
    """Return weights, gradients and states, each an array for every weight."""
    rest = cast("Sequence[Array]", case.arrays[2:])
    each = len(rest) // (2 + len(KEPT[case.op_type]))
    return [rest[i : i + each] for i in range(0, len(rest), each)]


def program(optimizer: str, weights: Sequence[Array]) -> str:
    """Write a section whose gradients are the columns of its batch."""
    columns = [f"g{i}: f32[{len(w)}]" for i, w in enumerate(weights)]
    inputs = [f"g{i}: f32[N, {len(w)}]" for i, w in enumerate(weights)]
    own = [f"  w{i} = param([{len(w)}], 0.0)\n" for i, w in enumerate(weights)]
    terms = [f"sum(w{i} * g{i})" for i in range(len(weights))]
    body = f"{''.join(own)}  y = {' + '.join(terms)}\n"
    called = [f"batch.g{i}" for i in range(len(weights))]
    return (
        f'dataset rows -> ({", ".join(columns)}) {{\n  npz = "rows.npz"\n}}\n'
        f"net Net({', '.join(inputs)}) -> y: f32[] {{\n{body}}}\n"
        "train it {\n  data = rows() |> batches(1)\n  model = new Net()\n"
        f"  loss = model({', '.join(called)})\n  optimizer = {optimizer}\n  run = 1 epoch\n}}\n"
    )


def stepped(case: Case, engine: str, folder: Path) -> list[Array]:
    """Do the update of a node as one step; give the arrays the node gives, in its order."""
    mapped = ours(case)
    weights, slopes, *states = parts(case)
    path = folder / "it.net"
    path.write_text(program(mapped.optimizer, weights))
    training = prepare(plan_of(path), 0)
    kept = KEPT[case.op_type]
    state = {f"model.w{i}": w for i, w in enumerate(weights)}
    for name, arrays in zip(kept, states, strict=True):
        unit = np.float32(mapped.unit)
        state |= {f"model.w{i}/{name}": a / unit for i, a in enumerate(arrays)}
    made = after(training, ENGINES[engine](training, state), slopes, mapped)
    results = [made[f"model.w{i}"] for i in range(len(weights))]
    for name in kept:
        results += [made[f"model.w{i}/{name}"] * mapped.unit for i in range(len(weights))]
    return results


def after(
    training: Training, engine: Engine, slopes: Sequence[Array], mapped: Ours
) -> Mapping[str, Array]:
    (step,) = training.steps
    clock = Clock(1, MANY)
    rates = {name: follow(own, clock)(mapped.count - 1) for name, own in step.rates.items()}
    batch = {f"g{i}": g[None].astype(np.float32) for i, g in enumerate(slopes)}
    engine.step(step.graph, batch, {STEP: mapped.count, DRAW: 1, **rates})
    return engine.state()


def counted(case: Case, count: int) -> tuple[Case, list[Array]]:
    """Return a case at another count, and what ONNX's definition makes of it."""
    names = [f"x{i}" for i in range(len(case.arrays))]
    wanted = [f"y{i}" for i in range(len(case.expected))]
    node = helper.make_node(
        case.op_type, names, wanted, domain="ai.onnx.preview.training", **case.attributes
    )
    rate, _, *rest = case.arrays
    later = replace(case, arrays=[rate, np.asarray(count), *rest])
    feeds = {
        name: np.asarray(array, np.int64 if i == 1 else np.float32)
        for i, (name, array) in enumerate(zip(names, later.arrays, strict=True))
    }
    return later, cast("list[Array]", ReferenceEvaluator(node).run(None, feeds))


def test_there_are_seven_vectors() -> None:
    assert [case.name for case in CASES] == [
        "adagrad", "adagrad_multiple", "adam", "adam_multiple", "momentum", "momentum_multiple",
        "nesterov_momentum",
    ]  # fmt: skip


@every_engine
@every_case
def test_a_step_is_the_update_that_onnx_states(case: Case, engine: str, tmp_path: Path) -> None:
    for made, expected in zip(stepped(case, engine, tmp_path), case.expected, strict=True):
        assert expected is not None
        np.testing.assert_allclose(made, expected, rtol=2e-6, atol=1e-7)


@every_engine
@every_case
def test_a_later_step_is_the_one_onnx_defines(case: Case, engine: str, tmp_path: Path) -> None:
    later, results = counted(case, LATER)
    for made, expected in zip(stepped(later, engine, tmp_path), results, strict=True):
        np.testing.assert_allclose(made, expected, rtol=2e-6, atol=1e-7)
