"""Training steps against PyTorch's, from the same parameters, on the same batches.

Tests ``netlang.training.step``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import accumulate, cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench.training_cases import CASES
from plans import plan_of
from updates import update_graph

from netlang.backends import reference
from netlang.ir.types import DType
from netlang.system.numpy import Array
from netlang.training.run.engine import OrtEngine, initial_state
from netlang.training.run.initial_parameters import initial_parameters
from netlang.training.step.graphs import DRAW, STEP, Training, prepare

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.slow

Batch = dict[str, Array]
STEPS, ROWS, RATE, MOMENTUM = 20, 8, 0.001, 0.9

NETWORKS = [
    "lenet", "batch_norm_lenet", "resnet18", "densenet", "googlenet", "nin", "alexnet", "vgg",
]  # fmt: skip


def batches(rows: int, side: int) -> list[Batch]:
    """Sample images that differ by class, so that there is something to learn."""
    draw = np.random.default_rng(5)
    kinds = draw.normal(size=(10, 1, side, side))
    labels = draw.integers(0, 10, (4, rows))
    noise = draw.normal(size=(4, rows, 1, side, side))
    return [
        {"image": (kinds[y] + 0.5 * n).astype(np.float32), "label": y}
        for y, n in zip(labels, noise, strict=True)
    ]


def training_of(name: str, folder: Path) -> Training:
    """Make the step of a network without dropout, whose draws are not PyTorch's."""
    case = CASES[name]
    body = case.body.replace("sgd(0.01)", f"sgd({RATE}, momentum={MOMENTUM})")
    fewer = replace(case, rows=ROWS, body=body)
    path = fewer.write(folder)
    for file in path.parent.glob("*.net"):
        text = file.read_text("utf-8").replace("dropout(0.5)", "dropout(0.0)")
        if name == "alexnet":
            # From wider weights its loss rises sixfold at once, and any error with it.
            text = text.replace("kaiming_uniform()", "xavier_uniform()")
        file.write_text(text, "utf-8")
    arrays: dict[str, Any] = batches(ROWS, case.side)[0]
    np.savez(path.parent / "bench.npz", **arrays)
    return prepare(plan_of(path, "bench"), 0)


def ours(training: Training, weights: Mapping[str, Array], data: Iterator[Batch]) -> list[float]:
    engine = OrtEngine(training, initial_state(training, weights), threads=2)
    graph = training.steps[0].graph
    return [
        float(engine.step(graph, batch, {STEP: i + 1, DRAW: i + 1, "rate": RATE})["loss"])
        for i, batch in enumerate(data)
    ]


def theirs(
    name: str, training: Training, weights: Mapping[str, Array], data: Iterator[Batch], dtype: Any
) -> list[float]:
    from bench.torch_training import MAKERS

    model = MAKERS[name]().to(dtype)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0  # pyright: ignore[reportArgumentType]
    paths = [p.path for p in training.plan.computation.params.values() if p.trained]
    for path, parameter in zip(paths, model.parameters(), strict=True):
        assert weights[path].shape == tuple(parameter.shape), path
        parameter.data = torch.tensor(weights[path], dtype=dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM)
    losses: list[float] = []
    for batch in data:
        optimizer.zero_grad()
        scores = model(torch.from_numpy(batch["image"]).to(dtype))
        loss = torch.nn.functional.cross_entropy(scores, torch.from_numpy(batch["label"]))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.filterwarnings("ignore:TF32 acceleration")
def test_twenty_losses_are_those_of_pytorch(name: str, tmp_path: Path) -> None:
    training = training_of(name, tmp_path)
    weights = initial_parameters(training.plan, 0, tmp_path)
    pool = batches(ROWS, CASES[name].side)

    def data() -> Iterator[Batch]:
        return islice(cycle(pool), STEPS)

    exact = theirs(name, training, weights, data(), torch.float64)
    # PyTorch computes a convolution in two ways, and which one is luckier changes with the network.
    singles = [theirs(name, training, weights, data(), torch.float32)]
    with torch.backends.mkldnn.flags(enabled=False):
        singles.append(theirs(name, training, weights, data(), torch.float32))
    made = ours(training, weights, data())
    assert sum(exact[-len(pool) :]) < sum(exact[: len(pool)])
    # What is lost in one step is found in all that follow; a loss itself has seven digits.
    errors = (max(abs(a - b) for a in found) for b, *found in zip(exact, *singles, strict=True))
    lost = accumulate(errors, max)
    for step, (loss, expected, error) in enumerate(zip(made, exact, lost, strict=True), start=1):
        allowed = 4 * error + 2e-6 * max(1.0, abs(expected))
        assert math.isclose(loss, expected, rel_tol=0, abs_tol=allowed), f"step {step}"


DEEP = ["resnet18", "densenet", "googlenet", "nin", "alexnet", "vgg"]
MANY, WINDOW, FALLEN = 200, 20, 0.95


@pytest.mark.parametrize("name", DEEP)
@pytest.mark.filterwarnings("ignore:TF32 acceleration")
def test_the_loss_of_a_deep_network_falls_as_it_does_in_pytorch(name: str, tmp_path: Path) -> None:
    """Single losses part after some dozen steps, by rounding alone; their course does not."""
    training = training_of(name, tmp_path)
    weights = initial_parameters(training.plan, 0, tmp_path)
    pool = batches(ROWS, CASES[name].side)

    def data() -> Iterator[Batch]:
        return islice(cycle(pool), MANY)

    mine = course(ours(training, weights, data()))
    wanted = course(theirs(name, training, weights, data(), torch.float32))
    half = len(mine) // 2
    np.testing.assert_allclose(mine[:half], wanted[:half], rtol=0.05, atol=0.01 * wanted[0])
    # Late in a run PyTorch's own losses jump, in GoogLeNet by half, and where they do is chance.
    assert max(mine[-1], wanted[-1]) < FALLEN * wanted[0]


def course(losses: list[float]) -> Array:
    """Return the mean loss of each window of steps."""
    return np.reshape(losses, (-1, WINDOW)).mean(axis=1)


OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd(0.01)": ("SGD", {}),
    "sgd(0.01, momentum=0.9, decay=0.01)": ("SGD", {"momentum": 0.9, "weight_decay": 0.01}),
    "sgd(0.01, momentum=0.9, nesterov=true)": ("SGD", {"momentum": 0.9, "nesterov": True}),
    "adagrad(0.01)": ("Adagrad", {}),
    "rmsprop(0.01, momentum=0.5)": ("RMSprop", {"alpha": 0.99, "momentum": 0.5}),
    "adadelta(0.01, decay=0.01)": ("Adadelta", {"weight_decay": 0.01}),
    "adam(0.01, decay=0.01)": ("Adam", {"weight_decay": 0.01}),
    "adamw(0.01, decay=0.1)": ("AdamW", {"weight_decay": 0.1}),
    "adamax(0.01, decay=0.01)": ("Adamax", {"weight_decay": 0.01}),
    "radam(0.01, decay=0.01)": ("RAdam", {"weight_decay": 0.01}),
}


@pytest.mark.parametrize("call", OPTIMIZERS)
def test_a_thousand_updates_are_those_of_pytorch(call: str) -> None:
    name, settings = OPTIMIZERS[call]
    graph = update_graph(call, (6,))
    draw = np.random.default_rng(3)
    start, scale = draw.normal(size=6), draw.uniform(0.5, 2.0, 6)

    weight = torch.tensor(start, requires_grad=True)
    stepping = getattr(torch.optim, name)([weight], lr=0.01, **settings)
    w = start.copy()
    state = {s.name: np.full(6, s.start) for s in graph.states}
    for step in range(1, 1001):
        stepping.zero_grad()
        ((weight * torch.tensor(scale)).cos() + weight**2 / 8).sum().backward()
        stepping.step()
        gradient = -scale * np.sin(w * scale) + w / 4
        feeds = {"weight": w, "gradient": gradient, "lr": np.array(0.01), "count": np.array(step)}
        feeds |= {s.value.name: state[s.name] for s in graph.states}
        results = reference.run(graph, feeds, {}, dtype=DType.F64)
        w, state = results["weight"], {s.name: results[s.next_name] for s in graph.states}
    np.testing.assert_allclose(w, weight.detach().numpy(), rtol=1e-6, atol=1e-6)
    assert np.abs(w - start).max() > 0.05


@pytest.mark.parametrize("name", CASES)
def test_both_sides_of_the_benchmark_have_as_many_parameters(name: str, tmp_path: Path) -> None:
    from bench.torch_training import TRAININGS

    case = CASES[name]
    path = case.write(tmp_path)
    arrays: dict[str, Any] = case.arrays()
    np.savez(path.parent / "bench.npz", **arrays)
    params = plan_of(path, "bench").computation.params
    sizes = [
        [n for n in v.type.shape if isinstance(n, int)] for v, p in params.items() if p.trained
    ]
    ours = sum(map(math.prod, sizes))
    modules = TRAININGS[name]().modules
    assert ours == sum(p.numel() for module in modules for p in module.parameters())
