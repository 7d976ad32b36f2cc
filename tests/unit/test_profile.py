"""Profiles of nets and training steps: whose time is it, and what is computed together.

Tests ``netlang.profiling`` and ``netlang.cli.commands.tools.profile``.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import said
from msgspec.structs import replace

import netlang
from netlang.profiling.profile import Profile
from netlang.profiling.table import render_profile

EXAMPLES = Path(__file__).parents[2] / "examples"
RESIDUAL = """
net Block(x: f32[N, 16, 12, 12]) -> y: f32[N, 16, 12, 12] {
  s = conv(x, 16, 3, pad=1)
  a = conv(s, 16, 3, pad=1) |> relu
  b = conv(a, 16, 3, pad=1) |> batch_norm
  c = relu(b + s)
  y = conv(c, 16, 1)
}
"""


def profiled(source: str, name: str) -> Profile:
    (found,) = netlang.loads(source)[name].profile(runs=3).profiles
    return found


def test_layers_that_one_kernel_computes_are_marked() -> None:
    found = profiled((EXAMPLES / "lenet.net").read_text("utf-8"), "LeNet")
    notes = {(row.path, row.kind): row.within for row in found.layers}
    assert notes["c1", "sigmoid"] == "c1 conv"
    assert notes["f1", "sigmoid"] == "f1 dense"
    measured = [row for row in found.layers if not row.within]
    assert {row.kind for row in measured} == {"conv", "avg_pool", "flatten", "dense"}
    assert all(row.milliseconds > 0 and row.bytes > 0 for row in measured)
    assert all(row.macs > 0 for row in measured if row.kind in ("conv", "dense"))
    assert found.attributed == 1.0
    assert found.kernels <= found.total


def test_a_shortcut_is_added_by_the_convolution_before_it() -> None:
    found = profiled(RESIDUAL, "Block")
    notes = {(row.path, row.kind): row.within for row in found.layers}
    assert notes == {
        ("s", "conv"): "", ("a", "conv"): "", ("a", "relu"): "a conv", ("b.conv", "conv"): "",
        ("b.batch_norm", "batch_norm"): "folded", ("c", "add"): "b.conv conv",
        ("c", "relu"): "b.conv conv",
        ("y", "conv"): "",
    }  # fmt: skip


def test_what_a_loop_computes_counts_once() -> None:
    found = profiled((EXAMPLES / "language_models.net").read_text("utf-8"), "RNN")
    assert found.attributed > 0.98
    assert sum(row.milliseconds for row in found.layers) <= 1.5 * found.total


def test_a_step_is_divided_into_its_phases() -> None:
    program = netlang.load(EXAMPLES / "digits.net")
    (found,) = program.profile(runs=3).profiles
    rows = {(row.path, row.kind): row for row in found.layers}
    assert found.of == "a batch of 64"
    assert rows["model.hidden", "dense"].phases.keys() == {"forward", "backward", "update"}
    assert rows["acc", "accuracy"].phases.keys() == {"forward"}
    assert rows["gradient_norm", "norm"].phases.keys() == {"update"}
    assert rows["loss", "cross_entropy"].phases.keys() == {"forward", "backward"}
    assert found.attributed == 1.0
    # The products of a dense layer: one forward, two backward but for the input of the net.
    assert rows["model.logits", "dense"].macs == 3 * 64 * 32 * 10


def test_each_step_of_a_section_has_a_profile() -> None:
    found = netlang.load(EXAMPLES / "gan.net").profile("gan", runs=2).profiles
    assert [each.name for each in found] == ["gan.judging", "gan.making"]


def test_layers_fold_as_those_of_a_summary() -> None:
    found = profiled(RESIDUAL, "Block")
    folded = found.fold(1)
    assert [row.path for row in folded.layers] == ["s", "a", "b", "c", "y"]
    assert folded.layers[3].within == "b.conv conv"
    times = (sum(row.milliseconds for row in each.layers) for each in (found, folded))
    assert next(times) == pytest.approx(next(times))


def test_the_table_says_what_was_measured() -> None:
    found = profiled(RESIDUAL, "Block")
    busy = Profile(
        "Block",
        "x f32[1, 16, 12, 12]",
        "cpu",
        3,
        tuple(replace(row, spread=0.001) for row in found.layers),
        (),
        1.5,
        0.25,
        1.25,
        0.995,
        others=1.25,
    )
    lines = render_profile(busy, depth=None, color=False, width=110).splitlines()
    assert lines[0] == "Block  x f32[1, 16, 12, 12]"
    assert lines[2].split()[:5] == ["layer", "kind", "output", "ms", "±"]
    assert lines[-4:] == [
        "run      1.500 ms ± 0.250, the median of 3 runs on cpu",
        "kernels  1.250 ms, of which 99.5% are in the layers above; the rest of a run is spent "
        "between them",
        "busy     other processes used 1.2 cores meanwhile, so these times are too long; measure "
        "again when the machine",
        "         is idle",
    ]
    assert max(map(len, render_profile(busy, depth=1, color=False, width=60).splitlines())) <= 60


def test_the_command_knows_nets_and_sections(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(
        capsys, "profile", EXAMPLES / "digits.net", "digits", "--runs", "2", "--json"
    )
    (found,) = json.loads(out)["profiles"]
    assert code == 0 and found["runs"] == 2 and found["attributed"] == 1.0
    code, out, _ = said(capsys, "profile", EXAMPLES / "lenet.net", "-b", "N=4", "--runs", "2")
    assert code == 0 and out.startswith("LeNet  image f32[4, 1, 28, 28]\n") and "[4, 10]" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digts"], "examples/digits.net has no train section `digts`"),
        (["Digits", "--set", "lr=1"], "--set is for train sections; a net has --bind"),
        (["digits", "-b", "N=2"], "--bind is for nets; a section has --set"),
        (["digits", "-w", "x.npz"], "--weights is for nets; a section has --set"),
    ],
)
def test_what_does_not_fit_is_rejected(
    arguments: list[str], message: str,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(EXAMPLES.parent)
    code, _, err = said(capsys, "profile", "examples/digits.net", *arguments)
    assert code == 2
    assert message in err


NETS = (
    ("lenet", "LeNet"), ("resnet", "ResNet18"), ("vgg", "VGG11"), ("nin", "NiN"),
    ("googlenet", "GoogLeNet"), ("densenet", "DenseNet121"), ("mobilenet", "MobileNet"),
    ("efficientnet", "EfficientNetB0"), ("unet", "UNet"), ("gpt2", "GPT2"),
    ("transformer", "Bert"), ("language_models", "LSTM"), ("language_models", "BiLSTM"),
    ("squeezenet", "SqueezeNet"), ("dcgan", "Generator"),
)  # fmt: skip

SMALLER = {"GPT2": {"vocab": 1000, "depth": 4}, "Bert": {"vocab": 1000, "depth": 4}}
"""Fewer layers of the same kind, so that the test takes seconds."""


@pytest.mark.slow
@pytest.mark.parametrize(("file", "name"), NETS)
def test_nearly_all_time_is_attributed(file: str, name: str) -> None:
    network = netlang.load(EXAMPLES / f"{file}.net").network(name, SMALLER.get(name))
    (found,) = network.profile(runs=3).profiles
    assert found.attributed >= 0.98
    assert found.kernels <= found.total


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("digits", "digits"), ("gan", "gan"), ("time_machine", None), ("shapes", None),
        ("train_digits", None), ("linear_regression", None),
        ("regressions", None), ("word2vec", None), ("seq2seq", None),
    ],
)  # fmt: skip
def test_nearly_all_time_of_a_step_is_attributed(file: str, name: str | None) -> None:
    program = netlang.load(EXAMPLES / f"{file}.net")
    for section in [name] if name is not None else program.checked.sections:
        for found in program.profile(section, runs=2).profiles:
            assert found.attributed >= 0.98, section
