"""Estimates of the memory of a step, compared with runs.

Tests ``netlang.training.step.memory``.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import netlang
from netlang.analysis.summary import summarize
from netlang.training.step.graphs import prepare
from netlang.training.step.memory import footprint

EXAMPLES = Path(__file__).parents[2] / "examples"


class Measured(NamedTuple):
    """A net, and the KiB that each example of a batch adds to the peak of a run."""

    column: str
    body: str
    batches: tuple[int, int]
    kib: int


NETS = {
    "encoder layer": Measured(
        "f32[100, 64]",
        "a = encoder_layer(x, 4, 256, dropout=0.0)\n  y = dense(mean(a, axis=1), 3)",
        (8, 40),
        1133,
    ),
    "encoder layer with dropout": Measured(
        "f32[100, 64]",
        "a = encoder_layer(x, 4, 256, dropout=0.1)\n  y = dense(mean(a, axis=1), 3)",
        (8, 40),
        2946,
    ),
    "attention over 512 steps": Measured(
        "f32[512, 64]",
        "a = multi_head_attention(x, 4)\n  y = dense(mean(a, axis=1), 3)",
        (2, 6),
        13839,
    ),
    "two LSTM layers": Measured(
        "f32[100, 64]",
        "a, _, _ = lstm(x, 256, layers=2) as rnn\n  y = dense(a[:, -1], 3)",
        (8, 40),
        5309,
    ),
    "GRU": Measured(
        "f32[100, 64]", "a, _ = gru(x, 256) as rnn\n  y = dense(a[:, -1], 3)", (8, 40), 3702
    ),
    "LeNet": Measured(
        "f32[1, 28, 28]",
        "a = conv(x, 6, 5, pad=2) |> sigmoid |> avg_pool(2)\n"
        "  b = conv(a, 16, 5) |> sigmoid |> avg_pool(2)\n"
        "  y = flatten(b) |> dense(120) |> sigmoid |> dense(84) |> sigmoid |> dense(10)",
        (256, 1280),
        119,
    ),
    "batch norm and pools": Measured(
        "f32[100, 64]",
        "a = unsqueeze(x, 1) |> conv(32, 3, pad=1) |> relu |> max_pool(2)\n"
        "  b = a |> conv(32, 3, pad=1, bias=false) |> batch_norm |> relu |> max_pool(2)\n"
        "  y = dense(mean(b, axis=[2, 3]), 3)",
        (8, 40),
        6815,
    ),
    "small VGG": Measured(
        "f32[3, 32, 32]",
        "a = conv(x, 32, 3, pad=1) |> relu |> conv(32, 3, pad=1) as a2 |> relu |> max_pool(2)\n"
        "  b = conv(a, 64, 3, pad=1) |> relu |> conv(64, 3, pad=1) as b2 |> relu |> max_pool(2)\n"
        "  y = flatten(b) |> dense(256) |> relu |> dropout(0.5) |> dense(10)",
        (16, 80),
        3883,
    ),
    "ResNet-18": Measured("f32[3, 224, 224]", "y = ResNet18(x)", (2, 6), 49772),
    "word vectors": Measured(
        "i64[64]",
        "a = embedding(x, 1000, 128)\n  y = dense(tanh(a) |> mean(axis=1), 3)",
        (64, 320),
        133,
    ),
}
"""Measured with `test_an_estimate_is_near_what_a_run_takes` on two cores."""

PROGRAM = """\
from "resnet.net" import ResNet18

dataset points -> (x: COLUMN, label: i64[]) {{ npz = "points.npz" }}

net Net(x: {batched}) -> y {{
  {body}
}}

train run(size: int) {{
  data = points() |> batches(size)
  model = new Net()
  loss = cross_entropy(model(batch.x), batch.label)
  optimizer = sgd(0.01)
  run = 2 steps
}}
"""

RUN = """\
import sys
import netlang
size = int(sys.argv[1])
netlang.load("a.net").train(folder=sys.argv[1], settings={"size": size}, threads=1)
# Not ru_maxrss, which counts what the parent had when it forked.
peak = open("/proc/self/status").read().partition("VmHWM:")[2].split()[0]
print("peak", int(peak) * 1024)
"""

MOST = 1.3
"""How many times what a run takes an estimate may be, and the reverse."""


def write(folder: Path, net: Measured) -> netlang.Program:
    """Write a program that trains a net, without its data."""
    text = PROGRAM.format(batched=net.column.replace("[", "[N, "), body=net.body)
    (folder / "resnet.net").write_bytes((EXAMPLES / "resnet.net").read_bytes())
    (folder / "a.net").write_text(text.replace("COLUMN", net.column))
    return netlang.load(folder / "a.net")


def near(estimate: float, kib: float) -> bool:
    return 1 / MOST < estimate / (kib * 1024) < MOST


@pytest.mark.parametrize("name", NETS)
def test_estimates_are_near_what_runs_took(name: str, tmp_path: Path) -> None:
    net = NETS[name]
    program = write(tmp_path, net)
    assumed = summarize(program["Net"].graph).memory.activations
    assert isinstance(assumed, int)
    assert near(assumed, net.kib)
    few, many = net.batches
    training = prepare(program.plan("run", {"size": str(few)}), 0)
    steps = [footprint(training, size).step for size in net.batches]
    assert near((steps[1] - steps[0]) / (many - few), net.kib)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the unit differs")
@pytest.mark.parametrize("name", NETS)
def test_an_estimate_is_near_what_a_run_takes(name: str, tmp_path: Path) -> None:
    net = NETS[name]
    few, many = net.batches
    shape = [int(n) for n in re.findall(r"\d+", net.column.split("[")[1])]
    draw = np.random.default_rng(0)
    if net.column.startswith("i64"):
        x = draw.integers(0, 1000, (many, *shape))
    else:
        x = draw.normal(size=(many, *shape)).astype(np.float32)
    np.savez(tmp_path / "points.npz", x=x, label=np.zeros(many, np.int64))
    assumed = summarize(write(tmp_path, net)["Net"].graph).memory.activations
    assert isinstance(assumed, int)
    per_example = (run_peak(tmp_path, many) - run_peak(tmp_path, few)) / (many - few)
    assert near(assumed, per_example / 1024)


def run_peak(folder: Path, size: int) -> int:
    """Return the most memory that a run with batches of ``size`` has taken."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(size)],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = re.search(r"peak (\d+)", done.stdout)
    assert found is not None
    return int(found[1])
