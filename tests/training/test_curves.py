"""The curves of a run, as SVG and as PNG: the same drawing.

Tests ``netlang.training.history``.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from sections import section, write

from netlang.cli.guard import guarded
from netlang.cli.main import program
from netlang.diagram.drawing import Drawing, Label, Line, dashes
from netlang.diagram.png import save_drawing
from netlang.training.history.curves import History, comparison, curves, smoothed
from netlang.training.history.reports import Report, StepReport

SVG = "{http://www.w3.org/2000/svg}"


def reports(*losses: float) -> Sequence[Report]:
    return [
        Report(i, i * 10, {"loss": x, "acc": 1 - x}, {"loss": x + 0.1}, 0.1, float(i))
        for i, x in enumerate(losses, 1)
    ]


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB")).astype(int)


def colored(picture: np.ndarray, color: str) -> np.ndarray:
    """Return which pixels are of about a color."""
    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return (abs(picture - wanted).max(axis=2) < 40).nonzero()[0]


def test_a_run_writes_both_when_requested(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, run = write(tmp_path, section()), tmp_path / "run"
    assert guarded(program, ["train", str(path), "--run", str(run), "--png"]) == 0
    assert capsys.readouterr().err == ""
    tree = ElementTree.parse(run / "curves.svg").getroot()
    picture = pixels(run / "curves.png")
    assert picture.shape[:2] == (2 * int(tree.attrib["height"]), 2 * int(tree.attrib["width"]))
    for path_element in tree.iter(f"{SVG}path"):
        assert len(colored(picture, path_element.attrib["stroke"]))


def test_a_run_writes_no_png_unless_requested(tmp_path: Path) -> None:
    path, run = write(tmp_path, section()), tmp_path / "run"
    assert guarded(program, ["train", str(path), "--run", str(run)]) == 0
    assert not (run / "curves.png").exists()


def test_a_line_is_where_its_values_are(tmp_path: Path) -> None:
    drawing = curves("a & b", History(reports(1.0, 0.5, 0.25, 0.125)))
    texts = {shape.text for shape in drawing.shapes if isinstance(shape, Label)}
    assert {"a & b", "epoch", "train loss", "valid loss", "train acc"} <= texts
    assert "<text" in drawing.svg() and "a &amp; b" in drawing.svg()
    lines = [shape for shape in drawing.shapes if isinstance(shape, Line)]
    train, valid, _ = (line for line in lines if len(line.points) == 4)
    assert train.color != valid.color
    valid = valid.points
    across = [x for x, _ in valid]
    assert np.diff(across) == pytest.approx([(across[3] - across[0]) / 3] * 3)
    down = np.array([y for _, y in valid])
    assert np.diff(down) / (0.5, 0.25, 0.125) == pytest.approx([np.diff(down)[0] / 0.5] * 3)
    save_drawing(drawing, tmp_path / "a.png")
    rows = colored(pixels(tmp_path / "a.png"), "#d1562b")
    assert rows.min() / 2 <= down.min() + 2
    assert rows.max() / 2 >= down.max() - 2


def test_a_single_epoch_is_a_dot(tmp_path: Path) -> None:
    drawing = curves("one", History(reports(0.5)))
    # Of three metrics one is on the validation data, which has a marker in the legend too.
    assert drawing.svg().count("<circle") == 4
    save_drawing(drawing, tmp_path / "one.png")
    assert len(colored(pixels(tmp_path / "one.png"), "#1f6fb4"))


def test_a_dashed_line_has_gaps_around_corners_too(tmp_path: Path) -> None:
    points = ((10.0, 10.0), (10.0, 13.0), (40.0, 13.0))
    parts = list(dashes(points))
    lengths = [abs(u - x) + abs(v - y) for (x, y), (u, v) in parts]
    # The first dash goes around the corner: 3 down and 2 to the right.
    assert lengths[:3] == pytest.approx([3, 2, 5])
    assert sum(lengths) == pytest.approx(5 * (33 // 8) + min(5, 33 % 8))
    save_drawing(Drawing(50, 20, (Line(points, "#000000", 1, True),)), tmp_path / "d.png")
    row = pixels(tmp_path / "d.png")[26, :, 0] < 128
    assert 2 < np.count_nonzero(np.diff(row.astype(int)) == 1) < 6


def test_what_cannot_be_written_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, run = write(tmp_path, section()), tmp_path / "run"
    (run / "curves.png").mkdir(parents=True)
    assert guarded(program, ["train", str(path), "--run", str(run), "--png"]) == 3
    told = capsys.readouterr().err
    assert told == f"error[cannot-write]: cannot write {run}/curves.png: is a directory\n"
    assert (run / "model.safetensors").exists()


WITHOUT = """\
error[pillow-missing]: curves.png is an image, which requires Pillow
   |
   = help: pip install "netlang[images]"
"""


def test_missing_pillow_is_reported_before_the_run(tmp_path: Path) -> None:
    path, run = write(tmp_path, section()), tmp_path / "run"
    start = "import sys; sys.modules['PIL'] = None; from netlang.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", start, "train", path, "--run", run, "--png"],
        capture_output=True,
        check=False,
        text=True,
    )
    assert (done.returncode, done.stderr, done.stdout) == (3, WITHOUT, "")
    assert not run.exists()


def steps(*losses: float, per_epoch: int) -> list[StepReport]:
    return [StepReport(i, i / per_epoch, {"loss": x}, 0.1, 1.0) for i, x in enumerate(losses, 1)]


def test_one_epoch_has_the_curve_of_its_steps() -> None:
    losses = [1.0 / i for i in range(1, 201)]
    drawing = curves("one", History(reports(0.5), steps(*losses, per_epoch=200)))
    lines = [s for s in drawing.shapes if isinstance(s, Line) and len(s.points) == 200]
    assert [line.width for line in lines] == [0.8, 1.6]
    assert lines[0].color != lines[1].color
    texts = {shape.text for shape in drawing.shapes if isinstance(shape, Label)}
    assert {"0.2", "0.4", "1", "train loss", "valid loss"} <= texts


def test_a_smoothed_line_is_near_the_mean_and_begins_with_the_first_value() -> None:
    noisy = [(float(i), 1.0 + 0.5 * (-1) ** i) for i in range(1000)]
    found = smoothed(noisy)
    assert found[0] == noisy[0]
    assert all(abs(y - 1.0) < 0.05 for _, y in found[200:])
    assert [x for x, _ in found] == [x for x, _ in noisy]


def test_few_steps_far_off_do_not_flatten_the_others() -> None:
    losses = [1.0] * 300 + [1e6] + [0.5] * 300
    drawing = curves("spike", History([], steps(*losses, per_epoch=601)))
    (every, line) = (s for s in drawing.shapes if isinstance(s, Line) and len(s.points) == 601)
    assert every.width < line.width
    # What is beyond the axis is at its end.
    assert min(y for _, y in every.points) >= 0


def test_runs_are_compared_on_the_validation_data() -> None:
    drawing = comparison("sweep", {"lr=0.1": History(reports(1.0, 0.5)),
                                   "lr=0.2": History(reports(2.0, 1.5))})  # fmt: skip
    texts = [shape.text for shape in drawing.shapes if isinstance(shape, Label)]
    assert texts.index("valid loss") < texts.index("lr=0.1") < texts.index("train acc")
    lines = [s for s in drawing.shapes if isinstance(s, Line) and s.width == 1.6]
    assert len({line.color for line in lines}) == 2
