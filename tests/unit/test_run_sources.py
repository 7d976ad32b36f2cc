"""What `netlang run` takes as inputs, what it computes inside a net, and what it writes.

Tests ``netlang.inference.sources``, ``netlang.inference.inside``, ``netlang.storage.outputs`` and
``netlang.storage.image_grids``.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import netlang
from netlang.api.errors import ProgramError
from netlang.cli.guard import guarded
from netlang.cli.main import program
from netlang.data.fitted import Column, Fitted
from netlang.diagnostics.errors import FileError, InputError
from netlang.storage.image_grids import grid_of
from netlang.system.numpy import Array

PROGRAM = """
net Double(x: f32[N, 4]) -> y: f32[N, 4] = 2.0 * x
net Bowl(x: f32[2]) -> y: f32[] {
  w = param([2], 3.0)
  h = x * w
  y = sum(h * h)
}
net Gray(image: f32[N, 1, 3, 4]) -> image_out: f32[N, 1, 3, 4] = image * 1.0
net Words(tokens: i64[N, T]) -> y: i64[N, T] = tokens * 1
net Choice(on: bool[N, 2], k: i64[N]) -> (a: bool[N, 2], b: i64[N]) {
  a = not on
  b = k + 1
}
net Conv(image: f32[N, 3, 6, 6]) -> logits: f32[N, 5, 6, 6] {
  c1 = image |> conv(4, 3, pad=1) |> relu
  logits = conv(c1, 5, 1)
}
net Drop(x: f32[N, 4], p: float = 0.5, twice: bool = false) -> y: f32[N, 4] =
  if twice then x * p * 2.0 else x * p
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "it.net").write_text(PROGRAM, "utf-8")
    return tmp_path


def ran(*arguments: str) -> int:
    return guarded(program, list(arguments))


def read(net: str, **sources: str) -> dict[str, Array]:
    return netlang.load("it.net")[net].read_inputs(sources)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1,2,3,4", [[1, 2, 3, 4]]),
        ("-.5, +1., 1e2,1_000", [[-0.5, 1, 100, 1000]]),
        ("[[1, 2, 3, 4], [.5, 6, 7, 8]]", [[1, 2, 3, 4], [0.5, 6, 7, 8]]),
        ("rows.csv:d,a,b,c", [[4, 1, 2, 3], [8, 5, 6, 7]]),
        ("bare.csv", [[1, 2, 3, 4]]),
        ("bare.tsv", [[1, 2, 3, 4]]),
        ("rows", [[1, 1, 1, 1], [2, 2, 2, 2], [2, 2, 2, 2]]),
        ("rows/*1.npy", [[1, 1, 1, 1]]),
    ],
)
def test_numbers_tables_folders_and_patterns_are_read(
    source: str, expected: list[list[float]], folder: Path
) -> None:
    (folder / "rows.csv").write_text("\ufeffa, b,name,c,d\n1,2,x,3,4\n5,6,y,7,8\n", "utf-8")
    (folder / "bare.csv").write_text("1,2,3,4\n", "utf-8")
    (folder / "bare.tsv").write_text("1\t2\t3\t4\n", "utf-8")
    (folder / "rows").mkdir()
    np.save(folder / "rows" / "a1.npy", np.full(4, 1.0, np.float32))
    np.save(folder / "rows" / "b2.npy", np.full((2, 4), 2.0, np.float32))
    (folder / "rows" / ".hidden.npy").write_bytes(b"")
    found = read("Double", x=source)["x"]
    assert found.tolist() == expected
    assert netlang.load("it.net")["Double"].run({"x": found})["y"].shape == found.shape


def test_one_example_has_the_shape_of_the_input() -> None:
    found = read("Choice", on="true,false", k="3")
    assert found["on"].tolist() == [[True, False]]
    assert found["k"].tolist() == [3]
    image = read("Gray", image=",".join(map(str, range(12))))["image"]
    assert image.tolist() == np.arange(12.0).reshape(1, 1, 3, 4).tolist()
    assert read("Bowl", x="1,2")["x"].tolist() == [1, 2]


def test_images_of_a_folder_are_examples_and_name_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "shown").mkdir()
    for at, level in enumerate((0, 255)):
        Image.new("L", (4, 3), level).save(folder / "shown" / f"p{at}.png")
    assert read("Gray", image="shown")["image"][:, 0, 0, 0].tolist() == [0, 1]
    assert ran("run", "it.net", "Gray", "-i", "image=shown/*.png", "-o", "out.csv") == 0
    rows = list(csv.reader((folder / "out.csv").read_text("utf-8").splitlines()))
    assert [row[0] for row in rows] == ["example", "p0.png", "p1.png"]
    assert rows[0][1:3] == ["image_out[0, 0, 0]", "image_out[0, 0, 1]"]
    assert rows[2][1:] == ["1"] * 12
    assert capsys.readouterr().err == ""


def test_random_numbers_depend_on_the_seed_and_a_size_that_is_bound() -> None:
    net = netlang.load("it.net").network("Double", {"N": 3})
    one, two, same = (
        net.read_inputs({"x": source})["x"]
        for source in ("random(seed=1)", "random(seed=2)", "random(seed=1)")
    )
    assert one.shape == (3, 4)
    assert one.tolist() == same.tolist() != two.tolist()
    assert read("Double", x="random")["x"].shape == (1, 4)


def test_text_is_encoded_by_the_vocabulary_of_the_training() -> None:
    net = netlang.load("it.net")["Words"]
    net.fitted = Fitted({"text": Column("i64", ("T",), tuple("abc"))}, {"tokens": "text"})
    assert net.read_inputs({"tokens": '"abba"'})["tokens"].tolist() == [[0, 1, 1, 0]]
    with pytest.raises(InputError, match='the vocabulary of 3 words has no "d"'):
        net.read_inputs({"tokens": '"abd"'})


@pytest.mark.parametrize(
    ("net", "source", "message"),
    [
        ("Double", "x=[[1, 2], [3]]", "`x=[[1, 2], [3]]` is not a list of numbers"),
        ("Double", "x=1,,2", "`x=1,,2` is not a list of numbers"),
        ("Double", 'x=["a"]', '`x=["a"]`: some elements are not numbers'),
        ("Double", 'x="a b"', "`x` is f32[N, 4], and there is no vocabulary to read a text by"),
        ("Double", "x=none/*.npy", "no file matches `none/*.npy`"),
        ("Double", "x=empty", "empty holds no inputs"),
        ("Double", "x=bad.csv", "bad.csv:2:3: `x` is not a number"),
        ("Double", "x=short.csv", "short.csv:2:2: nothing is not a number"),
        ("Double", "x=bad.csv:a,e", "bad.csv has no column `e`"),
        ("Double", "x=names.csv", "names.csv has no rows of numbers"),
        ("Words", "tokens=random", "`tokens` is i64[N, T]: `random` samples floating-point numbers "
         "only"),
    ],
)  # fmt: skip
def test_a_source_that_is_none_is_explained(
    net: str, source: str, message: str, folder: Path
) -> None:
    (folder / "empty").mkdir()
    (folder / "bad.csv").write_text("a,b,c\n1,2,x\n", "utf-8")
    (folder / "short.csv").write_text("1,2\n1\n", "utf-8")
    (folder / "names.csv").write_text("a,b\n", "utf-8")
    name, _, text = source.partition("=")
    with pytest.raises((FileError, InputError)) as error:
        read(net, **{name: text})
    assert error.value.message == message


def test_values_inside_a_net_are_those_that_are_computed() -> None:
    net = netlang.load("it.net")["Conv"]
    x = np.random.default_rng(0).normal(size=(2, 3, 6, 6)).astype(np.float32)
    for backend in ("onnxruntime", "numpy"):
        found = net.at(["c1", "logits", "image", "c1.weight"], {"image": x}, backend=backend)
        assert {name: array.shape for name, array in found.items()} == {
            "c1": (2, 4, 6, 6), "logits": (2, 5, 6, 6), "image": (2, 3, 6, 6),
            "c1.weight": (4, 3, 3, 3),
        }  # fmt: skip
        assert found["c1"].min() == 0
        np.testing.assert_allclose(found["logits"], net(image=x)["logits"], rtol=1e-4, atol=1e-5)
        assert found["image"].tolist() == x.tolist()
    assert net.at("logits.bias")["logits.bias"].shape == (5,)
    with pytest.raises(netlang.Error) as error:
        net.at("c1.weigth")
    assert error.value.message == "`Conv` has no layer `c1.weigth`"
    assert error.value.helps == ("did you mean `c1.weight`?",)


def test_the_gradient_of_a_scalar_is_by_inputs_parameters_and_layers() -> None:
    net = netlang.load("it.net")["Bowl"]
    for backend in ("onnxruntime", "numpy"):
        found = net.gradients(["x", "w", "h"], {"x": [1, 2]}, backend=backend)
        assert {name: array.tolist() for name, array in found.items()} == {
            "y": 45.0, "x.gradient": [18.0, 36.0], "w.gradient": [6.0, 24.0],
            "h.gradient": [6.0, 12.0],
        }  # fmt: skip


@pytest.mark.parametrize(
    ("net", "by", "message"),
    [
        ("Double", "x", "only a floating-point scalar has gradients, and `y` is f32[N, 4]"),
        ("Choice", "k", "`Choice` has 2 outputs: choose the one to differentiate"),
        ("Bowl", "v", "`Bowl` has no layer `v`"),
    ],
)
def test_what_has_no_gradient_is_explained(net: str, by: str, message: str) -> None:
    with pytest.raises(netlang.Error) as error:
        netlang.load("it.net")[net].gradients(by, {})
    assert error.value.message == message


def test_the_command_shows_gradients_and_intermediate_values(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ran("run", "it.net", "Bowl", "-i", "x=1,2", "--grad", "x") == 0
    shown = capsys.readouterr().out
    assert shown == (
        "Bowl is untrained: its parameters are random, from seed 0\n"
        "y  f32[]\n  45.\nx.gradient  f32[2]\n  [18., 36.]\n"
    )
    assert ran("run", "it.net", "Bowl", "-i", "x=1,2", "--at", "h", "--json") == 0
    assert json.loads(capsys.readouterr().out)["outputs"]["h"]["values"] == [3.0, 6.0]


@pytest.mark.parametrize(
    ("array", "classes", "tiles", "shown"),
    [
        (np.linspace(0, 1, 2 * 16).reshape(2, 1, 4, 4), False, (1, 2), "0 is black, 1 is white"),
        (np.linspace(-1, 1, 48).reshape(1, 3, 4, 4), False, (1, 1), "-1 is black, 1 is white"),
        (np.linspace(0, 8, 16).reshape(4, 4), False, (1, 1), "0 is black, 8 is white"),
        (np.ones((3, 7, 4, 4)), False, (3, 7), "each channel by its own range"),
        (np.ones((1, 7, 4, 4)), False, (3, 3), "each channel by its own range"),
        (np.ones((2, 7, 4, 4)), True, (1, 2), "a color for each class"),
        (np.ones((5, 4, 4), np.int64), False, (2, 3), "a color for each class"),
        (np.full((4, 4), 7, np.uint8), False, (1, 1), "bytes"),
    ],
)
def test_arrays_are_images_and_grids_of_them(
    array: Array, classes: bool, tiles: tuple[int, int], shown: str
) -> None:
    grid = grid_of("y", array, classes=classes)
    assert grid.tiles.shape[:2] == tiles
    assert grid.shown == shown
    pixels = grid.pixels()
    assert pixels.dtype == np.uint8
    assert (pixels.shape[0] == 64) == (grid.count == 1)


def test_an_image_has_the_levels_of_its_array() -> None:
    array = np.array([[0.0, 0.5, 1.0, 0.0]] * 4)[np.newaxis, np.newaxis]
    pixels = grid_of("y", array).pixels()
    assert pixels[0, ::16, 0].tolist() == [0, 128, 255, 0]
    labels = np.array([[[0, 1], [2, 11]]])
    colors = grid_of("y", labels).pixels()[::32, ::32]
    assert colors[0, 0].tolist() == colors[1, 1].tolist() == [0, 0, 0]
    assert len({tuple(color) for color in colors.reshape(-1, 3).tolist()}) == 3
    with pytest.raises(InputError, match=r"`y` is \[2, 3\], which is not an image"):
        grid_of("y", np.ones((2, 3)))


def test_outputs_are_written_as_images_tables_and_json(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("run", "it.net", "Conv", "-i", "image=random", "-b", "N=2")
    assert ran(*given, "-o", "mask.png") == 0
    assert capsys.readouterr().out.endswith(
        "mask.png: 2 images of 6 by 6 from `logits`, a color for each class\n"
    )
    assert ran(*given, "--at", "c1", "--at", "c1.weight", "-o", "in.png") == 0
    assert sorted(path.name for path in folder.glob("in*")) == ["in-c1.png", "in-c1.weight.png"]
    assert ran("run", "it.net", "Double", "-i", "x=1,2,3,4", "-o", "y.json") == 0
    assert json.loads((folder / "y.json").read_text("utf-8"))["y"]["values"] == [[2, 4, 6, 8]]
    assert (
        ran("run", "it.net", "Choice", "-i", "on=[[true, false]]", "-i", "k=3", "-o", "y.csv") == 0
    )
    assert (folder / "y.csv").read_text("utf-8") == "example,a[0],a[1],b\n0,False,True,4\n"
    capsys.readouterr()
    assert ran("run", "it.net", "Double", "-i", "x=1,2,3,4", "-o", "y.txt") == 2
    assert capsys.readouterr().err == (
        "error[unknown-format]: y.txt: outputs are written as .npz, .npy, .csv, .json or .png\n"
        "   |\n   = help: write to `y.npz`\n"
    )


@pytest.mark.parametrize(
    ("given", "expected"), [("p=1.0", 1), ("p=1", 1), ("p=2.5e-1", 0.25), ("twice=true", 1)]
)
def test_parameters_are_bound_to_numbers_of_any_kind(
    given: str, expected: float, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran("run", "it.net", "Drop", "-i", "x=1,1,1,1", "-b", given, "--json") == 0
    assert json.loads(capsys.readouterr().out)["outputs"]["y"]["values"] == [[expected] * 4]


@pytest.mark.parametrize("text", ["1e", "nan", "1e999", "half", "1,5", "0x10", "--1"])
def test_what_is_not_a_number_is_not_bound(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran("summary", "it.net", "Drop", "-b", f"p={text}") == 2
    assert f"`p={text}`: {text} is not a number" in capsys.readouterr().err


def test_a_size_that_is_not_an_integer_is_an_error_of_the_program() -> None:
    with pytest.raises(ProgramError, match="a dimension must be an int"):
        netlang.load("it.net").network("Drop", {"N": 2.5})


def test_names_shows_the_values_of_parameters(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran("names", "it.net", "Bowl", "--values") == 0
    assert capsys.readouterr().out == (
        "initial values, from seed 0; `--weights FILE` has those of a run\n"
        "w  [2]\n  [3., 3.]\n2 parameters\n"
    )
    net = netlang.load("it.net")["Bowl"]
    net.parameters["w"] += 1
    net.save(folder / "w.safetensors")
    assert ran("names", "it.net", "Bowl", "--values", "-w", "w.safetensors", "--json") == 0
    (param,) = json.loads(capsys.readouterr().out)["parameters"]
    assert param["values"] == [4.0, 4.0]


def test_an_image_for_each_example_is_written_to_a_folder(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("shown").mkdir()
    for name, level in (("a", 0), ("b", 255)):
        Image.new("L", (4, 3), level).save(f"shown/{name}.png")
    assert ran("run", "it.net", "Gray", "-i", "image=shown/*.png", "-o", "made/") == 0
    assert capsys.readouterr().out.endswith("made: 2 images from `image_out`, such as a.png\n")
    assert [p.name for p in sorted(Path("made").iterdir())] == ["a.png", "b.png"]
    assert np.unique(np.asarray(Image.open("made/b.png"))).tolist() == [255]
    assert ran("run", "it.net", "Conv", "-i", "image=random(seed=1)", "-b", "N=12", "-o", "m/") == 0
    masks = [np.asarray(Image.open(path)) for path in sorted(Path("m").iterdir())]
    assert [p.name for p in sorted(Path("m").iterdir())][::11] == ["00.png", "11.png"]
    given = ("-i", "image=random(seed=1)", "-b", "N=12", "-o", "m.npz")
    assert ran("run", "it.net", "Conv", *given) == 0
    assert np.array_equal(masks, np.load("m.npz")["logits"].argmax(axis=1))
    capsys.readouterr()
    assert ran("run", "it.net", "Double", "-i", "x=1,2,3,4", "-o", "m/") == 1
    err = capsys.readouterr().err
    assert "m is a folder for images, and `y` is [1, 4]" in err
    assert "help: write to a file: `m.csv` or `m.npz`" in err


@pytest.mark.parametrize(
    ("file", "line"),
    [("y.csv", "y.csv: 1 row"), ("y.npz", "y.npz: y f32[1, 4]"), ("y.npy", "y.npy: y f32[1, 4]"),
     ("y.json", "y.json: y f32[1, 4]")],
)  # fmt: skip
def test_the_file_that_is_written_is_announced(
    file: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran("run", "it.net", "Double", "-i", "x=1,2,3,4", "-o", file) == 0
    assert capsys.readouterr().out.splitlines()[-1] == line
