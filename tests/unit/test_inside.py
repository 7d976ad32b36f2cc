"""What is inside a net for one example: values and gradients in its diagram, receptive fields.

Tests ``netlang.inference.inside`` and ``netlang.inference.fields``.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from commands import said
from PIL import Image

import netlang

GATES = """\
net Gates(x: f32[], y: f32[], z: f32[], w: f32[]) -> f: f32[] {
  product = x * y
  larger = maximum(z, w)
  total = product + larger
  f = total * 2.0
}

net Unet(image: f32[N, 1, H, W]) -> y: f32[N, 1, H - 6, W - 6] {
  c1 = image |> conv(4, 3)
  c2 = c1 |> conv(4, 3, pad=1)
  c3 = c2 |> conv(4, 3)
  y = conv(c3, 1, 3)
}

net Loop(x: f32[N, 4]) -> y: f32[N, 4] {
  y = for i in 1..3 with h = x { next h = h |> dense(4) |> relu }
}
"""
EXAMPLE = ["-i", "x=3", "-i", "y=-4", "-i", "z=2", "-i", "w=-1"]


@pytest.fixture(autouse=True)
def _program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("gates.net").write_text(GATES)
    Image.fromarray(np.full((12, 12), 200, np.uint8)).save("image.png")


def boxes(svg: str) -> dict[str, list[str]]:
    """Return the notes of each box by the name in bold."""
    found: dict[str, list[str]] = {}
    for group in re.findall(r"<g>.*?</g>", svg, re.DOTALL):
        name = re.search(r'"bold">([^<]*)<', group)
        assert name is not None
        found[name[1]] = re.findall(r">((?:value|gradient) [^<]*)<", group)
    return found


def test_a_diagram_has_the_values_of_an_example_and_their_gradients(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, _, err = said(
        capsys, "draw", "gates.net", "Gates", *EXAMPLE, "--gradients", "-o", "gates.svg"
    )
    assert (code, err) == (0, "")
    assert boxes(Path("gates.svg").read_text()) == {
        "x": ["value 3", "gradient -8"],
        "y": ["value -4", "gradient 6"],
        "z": ["value 2", "gradient 2"],
        "w": ["value -1", "gradient 0"],
        "product": ["value -12", "gradient 2"],
        "larger": ["value 2", "gradient 2"],
        "total": ["value -10", "gradient 2"],
        "f": ["value -20", "gradient 1"],
    }


def test_iterations_are_drawn_one_by_one_with_their_values() -> None:
    net = netlang.load("gates.net")["Loop"]
    svg = net.draw({"x": np.ones((1, 4), np.float32)}).drawing.svg()
    assert svg.count(">value ") == 8
    assert "gradient" not in svg
    assert "×3" in net.draw().drawing.svg()


def test_gradients_by_two_names_of_a_value_are_both_its_own() -> None:
    net = netlang.load("gates.net")["Gates"]
    inputs = {"x": 3.0, "y": -4.0, "z": 2.0, "w": -1.0}
    found = net.gradients(["f", "total", "x"], inputs)
    assert {n: float(a) for n, a in found.items()} == {
        "f": -20.0, "f.gradient": 1.0, "total.gradient": 2.0, "x.gradient": -8.0,
    }  # fmt: skip


@pytest.mark.parametrize("option", [["--gradients"], ["--weights", "w.safetensors"]])
def test_values_need_an_example(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = said(capsys, "draw", "gates.net", "Gates", *option, "-o", "gates.svg")
    assert code == 2
    assert f"{option[0]} requires --input" in err


@pytest.mark.parametrize(
    ("unit", "rows", "columns"),
    [("c1[0,0]", (0, 2), (0, 2)), ("c2[4,0]", (3, 7), (-1, 3)), ("y[5,5]", (4, 12), (4, 12))],
)
def test_a_unit_depends_on_its_receptive_field_alone(
    unit: str, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    net = netlang.load("gates.net")["Unet"]
    image = np.random.default_rng(0).normal(size=(1, 1, 12, 12)).astype(np.float32)
    found, _ = net.receptive_field(unit, {"image": image})
    assert (found.rows, found.columns) == (rows, columns)
    path, row, column = re.findall(r"\w+", unit)
    before = net.at(path, {"image": image})[path][..., int(row), int(column)]
    changed = np.zeros((12, 12), bool)
    for y, x in np.ndindex(12, 12):
        other = image.copy()
        other[0, 0, y, x] += 1
        after = net.at(path, {"image": other}, backend="numpy")[path][..., int(row), int(column)]
        changed[y, x] = not np.allclose(before, after)
    expected = np.zeros((12, 12), bool)
    expected[max(0, rows[0]) : rows[1] + 1, max(0, columns[0]) : columns[1] + 1] = True
    assert np.array_equal(changed, expected)


def test_a_receptive_field_is_drawn_on_its_image(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(
        capsys, "run", "gates.net", "Unet", "-i", "image=image.png", "--field", "c2[4,0]",
        "-o", "field.png",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert out == (
        "c2[4,0] depends on rows 3 to 7 and columns -1 to 3 of `image`: 5×5 of 12×12 pixels, "
        "1 beyond the border, which are padding\n"
    )
    with Image.open("field.png") as drawn:
        pixels = np.asarray(drawn)
    scale = pixels.shape[0] // 12
    assert pixels.shape == (12 * scale, 13 * scale, 3)
    middle = pixels[scale // 2 :: scale, scale // 2 :: scale, 0]
    assert middle[5, 2] == 200
    assert middle[5, 0] == 128
    assert middle[0, 6] == 80


@pytest.mark.parametrize(
    ("unit", "message"),
    [
        ("c2", "`c2` is not a unit of a layer"),
        ("c3[1]", "such as `c3[0,0]`"),
        ("c1[10,0]", "`c1` has no unit at [10, 0]"),
        ("c9[0,0]", "`Unet` has no layer `c9`"),
    ],
)
def test_a_unit_that_there_is_not_is_an_error(
    unit: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = said(
        capsys, "run", "gates.net", "Unet", "-i", "image=image.png", "--field", unit
    )
    assert code != 0
    assert message in err
