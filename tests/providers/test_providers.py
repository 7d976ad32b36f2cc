"""Every provider of the installed onnxruntime computes what its CPU provider computes.

`.ci/providers` runs these tests where onnxruntime-openvino or onnxruntime-webgpu is installed
instead of onnxruntime; on a machine with an NVIDIA GPU, onnxruntime-gpu is tested in the same way.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnxruntime
import pytest

from netlang.backends.compile import compile_graph
from netlang.backends.ort import ExecutionError, Session
from netlang.backends.ort.selection import available
from netlang.backends.providers import PLACED, Placement, distributions, known
from netlang.inference.verification import lively
from netlang.ir.graph import Graph
from netlang.program import open_program
from netlang.training.run.engine import OrtEngine, initial_state
from netlang.training.run.initial_parameters import initial_parameters
from netlang.training.run.preparation import Choices, open_data
from netlang.training.step.graphs import DRAW, STEP, Training, prepare

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PROVIDERS = available(without="cpu")
NETWORKS = open_program(HERE / "networks.net")
TRAININGS = open_program(HERE / "trainings.net")
SECTIONS = list(TRAININGS.sections)
OUTPUTS, LOSSES, PARAMETERS = 2e-5, 1e-4, 2e-3
"""How far results may be from those of the CPU: the outputs of a network, relative to the largest
element; the loss of each of 20 steps, relative; and each parameter after them. Adam divides a
gradient by its size: where it is nearly 0, rounding moves a parameter by up to a step, of 1e-3."""
STEPS = 20
REJECTED = {("openvino", "letters")}
"""Trainings that a provider rejects, as docs/providers.md says."""

each_provider = pytest.mark.parametrize(
    "provider",
    PROVIDERS or [pytest.param("", marks=pytest.mark.skip("onnxruntime has only the CPU"))],
)


@contextmanager
def placements() -> Iterator[list[Placement]]:
    """Collect which nodes run on the CPU."""
    found: list[Placement] = []
    token = PLACED.set(found.append)
    try:
        yield found
    finally:
        PLACED.reset(token)


def inputs_of(graph: Graph) -> dict[str, np.ndarray]:
    """Return random inputs of a network: three examples of five positions."""
    draw = np.random.default_rng(1)
    sizes = {"N": 3, "T": 5}
    made: dict[str, np.ndarray] = {}
    for value in graph.inputs:
        shape = [axis if isinstance(axis, int) else sizes[str(axis)] for axis in value.type.shape]
        made[value.name] = (
            draw.normal(size=shape).astype(np.float32)
            if value.type.dtype.is_float
            else draw.integers(0, 7, shape)
        )
    return made


@each_provider
@pytest.mark.parametrize("net", list(NETWORKS.nets))
def test_a_network_has_the_outputs_that_it_has_on_the_cpu(provider: str, net: str) -> None:
    graph = NETWORKS.net(net).graph
    model = compile_graph(graph, lively(graph, 0)).proto
    feeds = inputs_of(graph)
    expected = Session(model).run(feeds)
    with placements() as placed:
        found = Session(model, provider=provider).run(feeds)
    check_table(provider, placed)
    for name, array in expected.items():
        difference = np.abs(found[name].astype(float) - array.astype(float)).max()
        assert difference <= OUTPUTS * np.abs(array).max(), (name, difference)


@each_provider
@pytest.mark.parametrize("section", SECTIONS)
def test_steps_are_those_on_the_cpu(provider: str, section: str) -> None:
    expected, before = trained("cpu", section)
    if (provider, section) in REJECTED:
        with pytest.raises(ExecutionError) as caught:
            started(provider, section)
        assert caught.value.helps == ("`--provider cpu` runs it",)
        return
    with placements() as placed:
        found, _ = trained(provider, section)
    check_table(provider, placed)
    np.testing.assert_allclose(found["losses"], expected["losses"], rtol=LOSSES)
    for path, array in expected.items():
        np.testing.assert_allclose(found[path], array, atol=PARAMETERS, err_msg=path)
    moved = [path for path in before if np.abs(expected[path] - before[path]).max() > PARAMETERS]
    assert len(moved) > len(before) / 2


@each_provider
def test_only_batches_go_in_and_only_metrics_come_out(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = known(provider)
    if about is None or not about.memory:
        pytest.skip("the provider computes in the memory of the processor")
    training, engine, batches = started(provider, "perceptron")
    take = onnxruntime.OrtValue.ortvalue_from_numpy
    names = {"in": 0, "out": 0}

    def counted_in(array: np.ndarray) -> object:
        names["in"] += 1
        return take(array)

    copied = onnxruntime.OrtValue.numpy

    def counted_out(self: onnxruntime.OrtValue) -> np.ndarray:
        names["out"] += 1
        return copied(self)

    monkeypatch.setattr(onnxruntime.OrtValue, "ortvalue_from_numpy", staticmethod(counted_in))
    monkeypatch.setattr(onnxruntime.OrtValue, "numpy", counted_out)
    step(training, engine, batches[0], 0)
    # The image and its label, the rate and the number of the draw; loss, accuracy and norm.
    assert names == {"in": 4, "out": 3}
    on_device = [str(held.device_name()) for held in cast("dict[str, Any]", engine._held).values()]
    assert "cpu" not in on_device


@cache
def trained(provider: str, section: str) -> tuple[dict[str, np.ndarray], Mapping[str, np.ndarray]]:
    """Return the state and the losses of a section after some steps, and the state before."""
    training, engine, batches = started(provider, section)
    before = engine.state()
    losses = [step(training, engine, batch, i) for i, batch in enumerate(batches)]
    return {**engine.state(), "losses": np.asarray(losses)}, before


def started(
    provider: str, section: str
) -> tuple[Training, OrtEngine, Sequence[Mapping[str, np.ndarray]]]:
    plan = TRAININGS.plan(section, {})
    assert plan is not None
    training = prepare(plan, 0)
    state = initial_state(training, initial_parameters(plan, 0, HERE))
    data, _ = open_data(plan, Choices(HERE, 0))
    with data.epoch(0) as stream:
        batches = [batch for batch, _ in zip(stream, range(STEPS), strict=False)]
    return training, OrtEngine(training, state, provider=provider), batches


def step(
    training: Training, engine: OrtEngine, batch: Mapping[str, np.ndarray], done: int
) -> float:
    (chosen,) = training.steps
    rate = {"perceptron": 0.05, "normalized": 0.05}.get(training.plan.name, 1e-3)
    numbers = {STEP: done + 1, DRAW: done + 1, **dict.fromkeys(chosen.rates, rate)}
    return float(engine.step(chosen.graph, batch, numbers)["loss"])


def check_table(provider: str, placed: list[Placement]) -> None:
    """Check that each kind of node that runs on the CPU is listed in the documentation."""
    rows = re.findall(rf"^\| {provider} \| ([^|]+) \| [^|]+ \|$", TABLE, re.M)
    listed = {kind for row in rows for kind in re.findall(r"`(\w+)`", row)}
    found = {node.kind for placement in placed for node in placement.on_cpu}
    if rows and "any" not in rows:
        missing = sorted(found - listed)
        assert not missing, f"docs/providers.md does not list {missing}"


TABLE = (ROOT / "docs" / "providers.md").read_text("utf-8").partition("## Nodes")[2]

COMMANDS = (
    ["new", "table", "mine", "--help"],
    ["check", "it.net"],
    ["fmt", "--check", "it.net"],
    ["summary", "it.net"],
    ["profile", "it.net", "Digits", "--runs", "1"],
    ["draw", "it.net", "-o", "it.svg"],
    ["show", "it.net"],
    ["names", "it.net"],
    ["explain", "conv"],
    ["compile", "it.net", "-o", "it.onnx"],
    ["compile", "it.net", "-o", "small.onnx", "--precision", "f16"],
    ["import", "it.onnx", "-o", "again.net"],
    ["run", "it.net", "-i", "image=image.npy"],
    ["verify", "it.net"],
    ["data", "it.net"],
    ["train", "it.net", "--run", "mine"],
    ["evaluate", "it.net", "-w", "mine/model.safetensors"],
    ["runs", "."],
    ["providers", "--json"],
    ["completion", "bash"],
)


@pytest.mark.skipif(not PROVIDERS, reason="onnxruntime has only the CPU")
def test_every_command_works_with_the_one_package(tmp_path: Path) -> None:
    assert len(distributions()) == 1
    text = (HERE / "trainings.net").read_text("utf-8")
    net = re.search(r"^net Perceptron.*?^}\n", text, re.M | re.S)
    train = re.search(r"^train perceptron.*?^}\n", text, re.M | re.S)
    assert net is not None and train is not None
    program = f"{net[0]}\n{train[0]}".replace(
        "logits = new Perceptron()(", "model = new Perceptron()\n  logits = model("
    ).replace("Perceptron", "Digits")
    (tmp_path / "it.net").write_text(program, "utf-8")
    np.save(tmp_path / "image.npy", np.zeros((1, 1, 8, 8), np.float32))
    for command in COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "netlang", *command],
            cwd=tmp_path, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, (command, done.stdout, done.stderr)
