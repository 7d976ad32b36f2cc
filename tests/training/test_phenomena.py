"""The phenomena of `examples/phenomena/`: the commands in the files show what they say.

Tests ``netlang.training.history``.
"""

from __future__ import annotations

import json
import math
import re
import shlex
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from commands import said
from PIL import Image

import netlang
from netlang.api.sweeps import shown
from netlang.training.run.comparison import Recorded, recorded_runs
from netlang.training.run.runs import GIVEN

EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = sorted(file.stem for file in (EXAMPLES / "phenomena").glob("*.net"))


def commands(file: str) -> list[list[str]]:
    """Return the arguments of the commands in the first comment of a file."""
    text = (EXAMPLES / "phenomena" / f"{file}.net").read_text("utf-8")
    found: list[str] = []
    for line in text.partition("\nnet ")[0].splitlines():
        if not line.startswith("##     "):
            continue
        part = line.removeprefix("##     ").strip()
        if part.startswith("netlang "):
            found.append(part)
        else:
            found[-1] = f"{found[-1].removesuffix(chr(92))} {part}"
    return [shlex.split(command)[1:] for command in found]


def runs(name: str) -> dict[str, Recorded]:
    """Return the runs of the newest sweep of a section in its order, by what they were given."""
    folder = Path("runs", f"{name}-sweep").resolve()
    listed = recorded_runs(folder).runs
    ordered = sorted(listed, key=lambda run: (run.folder / "program.net").stat().st_mtime_ns)
    return {shown(given(run)): run for run in ordered}


def given(run: Recorded) -> dict[str, str]:
    fields = run.settings.items()
    return {n.removeprefix(GIVEN): text for n, text in fields if n.startswith(GIVEN)}


def last(run: Recorded, metric: str = "loss", *, train: bool = False) -> float:
    report = run.history.reports[-1]
    return (report.train if train or not report.valid else report.valid)[metric]


def norms(run: Recorded, kind: str = "gradients") -> list[float]:
    """Return the median of each layer's norms, of weights alone."""
    series: dict[str, list[float]] = {}
    for report in run.watched:
        measured = report.gradients if kind == "gradients" else report.activations
        for path, norm in measured.items():
            if not path.endswith("bias"):
                series.setdefault(path, []).append(norm)
    return [median(values) for values in series.values()]


def pixels(path: str) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def gradients() -> None:
    found = {name: norms(run) for name, run in runs("deep").items()}
    sigmoid, relu = found["kind=sigmoid"], found["kind=relu"]
    assert sigmoid[0] < 1e-5 * sigmoid[-1]
    assert all(a < b for a, b in pairwise(sigmoid[1:]))
    assert 0.1 < relu[0] / relu[-1] < 10
    residual = found["kind=residual"][1:-1]
    assert max(residual) < 10 * min(residual)
    assert min(found["kind=large"]) > 1e4 * max(relu)
    svg = Path("runs/deep-sweep/gradients.svg").read_text()
    assert all(svg.count(f">{name}<") == 2 for name in found)


def initial_weights() -> None:
    found = runs("mlp")
    equal, small, large, right = found.values()
    assert last(right, "accuracy") > 0.8 > last(large, "accuracy") > last(equal, "accuracy")
    assert last(small) == pytest.approx(math.log(10), abs=0.05)
    assert norms(small)[0] < 1e-6 < 1e-2 < norms(right)[0]
    assert norms(small, "activations")[3] < 1e-4
    assert norms(large, "activations")[3] > 0.8
    weights = netlang.load("initial_weights.net")["MLP"].load(equal.folder / "model.safetensors")
    hidden = weights.parameters["hidden2.weight"]
    assert np.allclose(hidden, hidden[0], atol=1e-5)
    # A grid of 32 by 32 weights, each row of which is the first one.
    rows = pixels("equal.png")
    assert (rows == rows[0]).all()


def learning_rates() -> None:
    small, fair, right, large = runs("rates").values()
    assert last(right) < last(fair) < 1 < last(small)
    assert last(small) < small.history.reports[0].valid["loss"]
    assert last(large) > 2


def optimizers() -> None:
    found = runs("descent")
    assert len(found) == 14
    traces = {name: run.landscape for name, run in found.items()}
    for name, land in traces.items():
        assert land is not None, name
        assert land.trace[0] == (-5.0, -2.0)
        assert len(land.trace) == 21
    ends = {name: land.trace[-1] for name, land in traces.items() if land is not None}
    assert ends["rule=sgd(0.4)"] == pytest.approx((-0.943467, -0.000073), abs=1e-5)
    assert abs(ends["rule=sgd(0.51)"][1]) > 2
    assert math.hypot(*ends["rule=sgd(0.4, momentum=0.5)"]) < 0.1
    svg = Path("runs/descent-sweep/trace.svg").read_text()
    assert all(f">{name}<" in svg for name in found)


def gates() -> None:
    svg = Path("gates.svg").read_text()
    assert re.findall(r">gradient ([^<]*)<", svg) == ["-8", "6", "2", "0", "2", "2", "2", "1", "1"]


def dropout() -> None:
    off, on = runs("dropping").values()
    assert last(off, train=True) < 0.01
    lowest = min(report.valid["loss"] for report in off.history.reports)
    assert last(off) > 1.3 * lowest
    assert last(on) < last(off)
    assert last(on, "accuracy") > last(off, "accuracy")


def weight_decay() -> None:
    off, on = runs("wide").values()
    assert last(off, train=True) < 1e-3 < 10 < last(off)
    assert last(on) < 1
    assert last(on, "length") < 1 < 10 < last(off, "length")


def degrees() -> None:
    two, four, twenty = runs("polynomial").values()
    assert last(two, train=True) > 1 < last(two)
    assert last(four, train=True) < 0.05 > last(four)
    assert last(twenty) > 5 * last(twenty, train=True)
    assert last(twenty) > 5 * last(four)


def data_size() -> None:
    few, more, most = runs("sizes").values()
    assert last(few) > last(more) > last(most)
    assert last(few, "accuracy") < last(more, "accuracy") < last(most, "accuracy")
    gaps = [last(run) - last(run, train=True) for run in (few, more, most)]
    assert gaps == sorted(gaps, reverse=True)


def clipping() -> None:
    on, off = runs("language").values()
    clipped = [report.train["loss"] for report in on.history.reports]
    assert clipped[-1] < 2
    assert max(clipped[i + 1] - clipped[i] for i in range(len(clipped) - 1)) < 0.1
    assert max(report.train["loss"] for report in off.history.reports) > 10
    largest = [max(max(report.gradients.values()) for report in run.watched) for run in (off, on)]
    assert largest[0] > 10 * largest[1]


def sampling() -> None:
    random, ordered = runs("language").values()
    assert last(ordered, "perplexity") < last(random, "perplexity")


def depth() -> None:
    shallow, deep, _, residual = runs("deep").values()
    assert last(deep, train=True) > 1.5 * last(shallow, train=True)
    assert last(residual, train=True) < last(deep, train=True)
    assert last(residual, "accuracy") > last(deep, "accuracy")


def batch_norm() -> None:
    off, on = runs("lenet").values()
    assert last(off) == pytest.approx(math.log(10), abs=0.1)
    assert last(on, "accuracy") > 0.8


def shifts() -> None:
    mlp, cnn = runs("reader").values()
    assert last(mlp, "accuracy", train=True) > 0.95 < last(cnn, "accuracy", train=True)
    assert last(mlp, "accuracy") < 0.6 < 0.75 < last(cnn, "accuracy")


def edges() -> None:
    kernels = netlang.load("edges.net")["Edges"].load("runs/sobel/model.safetensors")
    vertical = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    learned = kernels.parameters["weight"][:, 0]
    assert np.allclose(learned, [vertical, vertical.T], atol=0.1)
    assert pixels("kernels.png").std() > 50
    assert Path("edges.png").exists()


def features() -> None:
    assert last(recorded_runs(Path("runs/lenet").resolve()).runs[0], "accuracy") > 0.85
    filters, maps = pixels("filters.png"), pixels("maps.png")
    assert filters.std() > 50
    assert maps.std() > 30
    first, second = pixels("field1.png"), pixels("field2.png")
    red = [(np.abs(image.astype(int) - (209, 43, 43)).max(axis=2) < 3) for image in (first, second)]
    assert 0 < red[0].sum() < red[1].sum()


CHECKS: dict[str, Callable[[], None]] = {
    check.__name__: check
    for check in (
        gradients, initial_weights, learning_rates, optimizers, gates, dropout, weight_decay,
        degrees, data_size, clipping, sampling, depth, batch_norm, shifts, edges, features,
    )
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy the examples, and work in the folder of the phenomena."""
    copy = tmp_path / "examples"
    ignored = shutil.ignore_patterns("runs", "__pycache__", "*.safetensors", "*.npz")
    shutil.copytree(EXAMPLES, copy, ignore=ignored)
    monkeypatch.chdir(copy / "phenomena")
    return copy / "phenomena"


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES)
def test_the_commands_of_a_file_show_its_phenomenon(
    file: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del folder
    for arguments in commands(file):
        code, _, err = said(capsys, *arguments)
        assert (code, err) == (0, "")
    CHECKS[file]()


def after(steps: int) -> Callable[[], bool]:
    """Return a function that interrupts a run after some steps."""
    left = iter(range(steps))
    return lambda: next(left, None) is None


@pytest.mark.parametrize("file", FILES)
def test_a_file_starts_and_names_its_command(file: str, tmp_path: Path) -> None:
    assert file in CHECKS
    assert all(f"{file}.net" in arguments for arguments in commands(file))
    assert commands(file)
    program = netlang.load(EXAMPLES / "phenomena" / f"{file}.net")
    if file != "gates":
        assert program.train(folder=tmp_path / "run", interrupted=after(2)).step in (1, 2)


def test_the_page_of_the_phenomena_lists_every_file() -> None:
    page = (EXAMPLES / "phenomena" / "README.md").read_text("utf-8")
    assert re.findall(r"\((\w+)\.net\)", page) == list(CHECKS)


@pytest.mark.slow
def test_vanishing_gradients_are_recorded_in_the_first_steps(tmp_path: Path) -> None:
    program = netlang.load(EXAMPLES / "phenomena" / "gradients.net")
    program.train(folder=tmp_path / "run", record="gradients", interrupted=after(3))
    line = json.loads((tmp_path / "run" / "watch.jsonl").read_text().splitlines()[0])
    found = line["gradients"]
    assert found["model.first.dense.weight"] < 1e-3 * found["model.logits.weight"]
