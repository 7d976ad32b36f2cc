"""What a run is watched for: norms of gradients and activations by layer, and parameters.

Tests ``netlang.training.step.watching``, ``netlang.training.history`` and
``netlang.diagram.plots``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import said

import netlang
from netlang.backends import Backend
from netlang.diagram.plots.contours import contour
from netlang.training.history.landscapes import landscape
from netlang.training.history.reports import WatchReport

DEEP = """\
net Deep(x: f32[N, 2], act: op = tanh) -> logits: f32[N, 2] {
  deep = for i in 1..3 with h = x {
    y = h |> dense(4) |> act
    next h = y
  }
  _, last = rnn(reshape(deep, [N, 2, 2]), 3) as rnn
  logits = dense(last, 2)
}

train deep(act: op = tanh) {
  data = two_moons(40) |> batches(20)
  model = new Deep(act=act)
  loss = cross_entropy(model(batch.x), batch.label)
  optimizer = sgd(0.1)
  clip = clip_norm(1e-3)
  run = 10 steps
}
"""
LINE = """\
net Line(x: f32[N, 1]) -> y: f32[N, 1] = dense(x, 1, init=0.0)

train line {
  data = noisy_linear(40, w=[2.0], b=-1.0) |> batches(20)
  model = new Line()
  loss = mse(model(batch.x), batch.y)
  optimizer = sgd(0.1)
  run = 20 steps
}
"""
LAYERS = ["deep.1.y", "deep.2.y", "deep.3.y", "rnn", "logits"]


@pytest.fixture(autouse=True)
def _programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("deep.net").write_text(DEEP)
    Path("line.net").write_text(LINE)


def lines(folder: str | Path, name: str = "watch.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(folder, name).read_text().splitlines()]


def half_circles() -> list[tuple[float, float]]:
    """Return about the examples of the section: two half circles."""
    angles = np.linspace(0, np.pi, 20)
    upper = [(float(np.cos(a)), float(np.sin(a))) for a in angles]
    return upper + [(1 - x, 0.5 - y) for x, y in upper]


@pytest.mark.parametrize("backend", ["onnxruntime", "numpy"])
def test_the_norms_of_all_gradients_are_that_of_the_whole_gradient(backend: Backend) -> None:
    netlang.load("deep.net").train(record="gradients", folder="run", backend=backend)
    steps = {each["step"]: each["gradient_norm"] for each in lines("run", "steps.jsonl")}
    for each in lines("run"):
        norms = list(each["gradients"].values())
        assert np.linalg.norm(norms) == pytest.approx(steps[each["step"]], rel=1e-5)
    paths = list(lines("run")[0]["gradients"])
    layers = dict.fromkeys(path.removeprefix("model.").rpartition(".")[0] for path in paths)
    assert [layer.removesuffix(".0") for layer in layers] == LAYERS
    assert len([path for path in paths if ".rnn." in path]) == 4


def test_an_activation_is_that_after_the_nonlinearity() -> None:
    program = netlang.load("deep.net")
    program.train(record="activations", folder="run", record_every=5)
    assert [each["step"] for each in lines("run")] == [1, 5, 10]
    found = lines("run")[-1]["activations"]
    assert [path.removeprefix("model.") for path in found] == LAYERS
    # What tanh returns is below 1, and what relu returns of the same sums is positive.
    assert all(0 < found[f"model.{layer}"] < 1 for layer in LAYERS[:4])
    values = netlang.load("deep.net")["Deep"]
    values.load("run/model.safetensors")
    points = np.asarray(half_circles())
    inside = values.at(["deep.1.y"], {"x": points})["deep.1.y"]
    rms = float(np.sqrt((inside**2).mean()))
    # The gradients are clipped to almost nothing, and so the parameters are those of every step.
    assert found["model.deep.1.y"] == pytest.approx(rms, rel=0.1)


def test_a_run_that_is_not_watched_has_the_same_steps() -> None:
    program = netlang.load("deep.net")
    program.train(record=["gradients", "activations"], folder="watched")
    program.train(folder="plain")
    assert not Path("plain/watch.jsonl").exists()
    for one, other in zip(
        lines("plain", "steps.jsonl"), lines("watched", "steps.jsonl"), strict=True
    ):
        assert one["train"]["loss"] == pytest.approx(other["train"]["loss"], rel=1e-5)


def test_norms_are_plotted_as_lines_and_as_a_heat_map() -> None:
    netlang.load("deep.net").train(record=["gradients", "activations"], folder="run", png=True)
    for kind in ("gradients", "activations"):
        svg = Path(f"run/{kind}.svg").read_text()
        named = ["deep.1.y", "deep.3.y", "logits"]
        assert all(svg.count(f">{name}</text>") == 2 for name in named), kind
        assert Path(f"run/{kind}.png").read_bytes().startswith(b"\x89PNG")
    assert ">deep: gradient norm by layer<" in Path("run/gradients.svg").read_text()


def test_a_sweep_compares_the_norms_of_its_runs(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = said(
        capsys, "train", "deep.net", "--sweep", "act=tanh,relu", "--watch", "gradients"
    )
    assert (code, err) == (0, "")
    svg = Path("runs/deep-sweep/gradients.svg").read_text()
    assert all(svg.count(f">act={name}<") == 2 for name in ("tanh", "relu"))


def test_two_elements_of_parameters_leave_a_trace_over_the_loss() -> None:
    netlang.load("line.net").train(record=["model.weight", "bias"], folder="run")
    watched = lines("run")
    assert watched[0]["step"] == 0
    assert watched[0]["parameters"]["model.weight"] == [0.0]
    found = json.loads(Path("run/landscape.json").read_text())
    assert found["names"] == ["model.weight", "model.bias"]
    assert len(found["trace"]) == 21
    losses = np.array(found["losses"])
    row, column = np.unravel_index(losses.argmin(), losses.shape)
    assert found["xs"][column] == pytest.approx(2.0, abs=0.1)
    assert found["ys"][row] == pytest.approx(-1.0, abs=0.1)
    svg = Path("run/trace.svg").read_text()
    assert ">weight<" in svg
    assert ">bias<" in svg


def test_the_parameters_of_a_run_with_a_trace_are_those_of_its_last_step() -> None:
    run = netlang.load("line.net").train(record=["weight", "bias"], folder="run")
    last = lines("run")[-1]["parameters"]
    assert run.weights["weight"].ravel().tolist() == pytest.approx(last["model.weight"])


def test_a_resumed_run_continues_what_is_watched() -> None:
    left = iter(range(4))
    program = netlang.load("deep.net")
    program.train(record="gradients", folder="run", interrupted=lambda: next(left, None) is None)
    program.train(record="gradients", folder="run", resume=True)
    assert [each["step"] for each in lines("run")] == list(range(1, 11))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("gradient", "did you mean `gradients`?"),
        (
            "weihgt",
            "`gradients`, `activations`, or a trained parameter: `model.weight`, `model.bias`",
        ),
    ],
)
def test_what_cannot_be_watched_is_reported_before_the_run(
    value: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = said(capsys, "train", "line.net", "--watch", value)
    assert code == 2
    assert f"`line` has nothing to watch that is called `{value}`" in err
    assert message in err
    assert not list(Path("runs").glob("line-*/watch.jsonl"))


def test_a_large_parameter_is_not_watched(capsys: pytest.CaptureFixture[str]) -> None:
    wide = LINE.replace("N, 1]) ->", "N, 65]) ->").replace("[2.0]", "[0.1 for i in 1..65]")
    Path("wide.net").write_text(wide)
    code, _, err = said(capsys, "train", "wide.net", "--watch", "weight")
    assert code == 2
    assert "`model.weight` is f32[1, 65], and at most 64 elements are watched" in err
    assert "help: watch the norm of its gradient: `--watch gradients`" in err


def test_an_interval_without_anything_to_watch_is_an_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, _, err = said(capsys, "train", "line.net", "--watch-every", "2")
    assert code == 2
    assert "--watch-every requires --watch" in err


def test_the_contour_of_a_cone_is_a_circle() -> None:
    axis = [at / 10 for at in range(-20, 21)]
    values = [[(x * x + y * y) ** 0.5 for x in axis] for y in axis]
    points = [end for piece in contour(axis, axis, values, 1.5) for end in piece]
    assert len(points) > 40
    assert all((x * x + y * y) ** 0.5 == pytest.approx(1.5, abs=0.01) for x, y in points)


def test_a_landscape_surrounds_its_path() -> None:
    path = [(0.0, 0.0), (1.0, 4.0)]
    reports = [WatchReport(i, i, {}, {}, {"w": list(point)}) for i, point in enumerate(path)]
    found = landscape(reports, lambda place: place[0] + 10 * place[1])
    assert found is not None
    assert (found.xs[0], found.xs[-1]) == (-1.0, 2.0)
    assert (found.ys[0], found.ys[-1]) == (-1.0, 5.0)
    assert found.losses[0][0] == -11.0
    assert landscape(reports[:1], lambda place: 0.0) is None


def test_the_plots_are_named_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "train", "line.net", "--watch", "gradients", "--run", "seen")
    assert code == 0
    assert out.endswith("plot: seen/gradients.svg\n")
    assert Path("seen/gradients.svg").is_file()
