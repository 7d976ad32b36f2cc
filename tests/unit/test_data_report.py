"""`netlang data`: what the data of a section are, before anything trains.

Tests ``netlang.data.report``, ``netlang.training.section_data`` and ``netlang.cli.commands.data``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from commands import Said, said
from datasets import source_of
from PIL import Image

import netlang as nl

PROGRAM = """
dataset iris(file: str) -> (features: f32[2], species: i64[]) {
  csv = file
  features = columns(["Sepal Length (cm)", "Petal"], fill=mean) |> normalize
  species = column("Species") |> categories
}

net Flowers(features: f32[N, 2]) -> logits: f32[N, 2] = dense(features, 2)

train flowers {
  data = iris("iris.csv") |> part(0..3) |> batches(2)
  valid = iris("iris.csv") |> part(4..5) |> batches(2)
  model = new Flowers()
  loss = cross_entropy(model(batch.features), batch.species)
  optimizer = adam(0.01)
  run = 1 epoch
}
"""
ROWS = """id,Sepal Length (cm),Petal,Species
0,5.0,1.5,setosa
1,,2.5,virginica
2,7.0,1.5,setosa
3,6.0,2.5,setosa
4,5.0,1.5,virginica
5,5.0,1.5,virginica
"""
REPORT = """\
data: 4 examples from iris.csv, in batches of 2
  features  f32[2]  -1.414 to 1.414; mean 0, standard deviation 1; normalized by the mean 6, 2 and the standard deviation 0.7071, 0.5; 1 missing, filled in
  species   i64[]   2 classes: setosa 3, virginica 1

first examples
  #  features    species
  0  -1.414, -1  0 setosa
  1  0, 1        1 virginica
  2  1.414, -1   0 setosa
  3  0, 1        0 setosa

valid: 2 examples from iris.csv, in batches of 2
  features  f32[2]  -1.414 to -1; mean -1.207, standard deviation 0.2071; normalized by the mean 6, 2 and the standard deviation 0.7071, 0.5
  species   i64[]   2 classes: setosa 0, virginica 2

first examples
  #  features    species
  0  -1.414, -1  1 virginica
  1  -1.414, -1  1 virginica

nothing would be rejected
"""  # noqa: E501


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


Netlang = Callable[..., Said]


@pytest.fixture
def netlang(capsys: pytest.CaptureFixture[str]) -> Netlang:
    return partial(said, capsys)


@pytest.fixture
def program() -> str:
    Path("iris.net").write_text(PROGRAM)
    Path("iris.csv").write_text(ROWS)
    return "iris.net"


def test_the_data_of_a_section_are_shown(netlang: Netlang, program: str) -> None:
    assert netlang("data", program) == (0, REPORT, "")
    assert netlang("data", program, "flowers") == (0, REPORT, "")
    assert netlang("data", program, "iris") == (0, REPORT, "")


def test_the_report_is_json(netlang: Netlang, program: str) -> None:
    found = json.loads(netlang("data", program, "--json")[1])
    assert found["section"] == "flowers"
    assert found["rejected"] == []
    data = found["data"]["data"]
    assert (data["examples"], data["examples_read"]) == (4, 4)
    assert data["columns"][1]["classes"] == {"setosa": 3, "virginica": 1}
    assert data["columns"][0]["missing"] == 1
    assert data["first"][0] == {"features": "-1.414, -1", "species": "0 setosa"}


def test_what_a_run_would_reject_is_shown(netlang: Netlang, program: str) -> None:
    Path("iris.csv").write_text(ROWS.replace("2.5", "many"))
    code, output, error = netlang("data", program)
    assert code == 1
    assert output == ""
    assert error.startswith(
        "error[bad-file]: iris.csv:3:3: `many` is not a number in the column `Petal`\n"
    )
    found = json.loads(netlang("data", program, "--json")[1])
    assert found["rejected"] == ["iris.csv:3:3: `many` is not a number in the column `Petal`"]


def test_labels_that_the_net_does_not_have_are_rejected(netlang: Netlang, program: str) -> None:
    Path("iris.csv").write_text(ROWS.replace("6.0,2.5,setosa", "6.0,2.5,versicolor"))
    code, output, error = netlang("data", program)
    assert code == 1
    assert "3 classes: setosa 2, versicolor 1, virginica 1" in output
    assert "nothing would be rejected" not in output
    assert error.startswith(
        "error[bad-file]: `species` of iris.csv has 3 different values, and there are 2 classes\n"
    )


def test_an_unknown_name_is_reported(netlang: Netlang, program: str) -> None:
    code, _, error = netlang("data", program, "flower")
    assert code == 2
    assert "iris.net has no train section `flower`" in error


def test_images_are_shown_after_their_transforms(netlang: Netlang) -> None:
    rng = np.random.default_rng(0)
    for kind in ("cat", "dog"):
        (Path("pets") / kind).mkdir(parents=True)
        for i in range(3):
            pixels = rng.integers(0, 255, (20, 24, 3), np.uint8)
            Image.fromarray(pixels).save(f"pets/{kind}/{i}.png")
    Path("pets.net").write_text(
        """
net Pets(image: f32[N, 3, 12, 12]) -> logits: f32[N, 2] = dense(flatten(image), 2)
train pets {
  data = image_folder("pets", size=16) |> map(image=[crop(12)]) |> batches(2)
  model = new Pets()
  loss = cross_entropy(model(batch.image), batch.label)
  optimizer = adam(0.01)
  run = 1 epoch
}
"""
    )
    code, output, error = netlang("data", "pets.net", "-o", "sheet.png")
    assert code == 0, error
    assert "2 classes: cat 3, dog 3\n" in output
    assert output.endswith(
        "sheet.png: 6 images of 12 by 12 from `image`, 0 is black, 1 is white\n"
        "  row 1: cat, cat, cat\n  row 2: dog, dog, dog\n"
    )
    with Image.open("sheet.png") as sheet:
        assert sheet.size == (3 * 63 + 3, 2 * 63 + 3)


MASKS = """
dataset streets -> (image: f32[3, 8, 8], mask: i64[8, 8]) {
  image = pictures("images/*.png") |> resize(8)
  mask = masks("masks/*.png") |> resize(8)
}

net Roads(image: f32[N, 3, 8, 8]) -> logits: f32[N, 3, 8, 8] = conv(image, 3, 1)

train roads {
  data = streets() |> batches(8)
  model = new Roads()
  loss = cross_entropy(model(batch.image), batch.mask, axis=1)
  optimizer = adam(0.01)
  run = 1 epoch
}
"""


def save_masks(count: int) -> None:
    for folder in ("images", "masks"):
        Path(folder).mkdir()
    mask = np.zeros((8, 8), np.uint8)
    mask[:2], mask[2:3] = 1, 2
    for i in range(count):
        Image.new("RGB", (8, 8), (i % 256, 0, 0)).save(f"images/{i:03}.png")
        Image.fromarray(mask).save(f"masks/{i:03}.png")
    Path("roads.net").write_text(MASKS, "utf-8")


def test_the_classes_of_masks_have_shares_of_the_pixels(netlang: Netlang) -> None:
    save_masks(3)
    code, out, _ = netlang("data", "roads.net")
    assert code == 0
    assert "mask   i64[8, 8]     3 classes: 0 62.5%, 1 25.0%, 2 12.5%\n" in out
    found = json.loads(netlang("data", "roads.net", "--json")[1])
    assert found["data"]["data"]["columns"][1]["classes"] == {"0": 120, "1": 48, "2": 24}


def test_a_damaged_image_after_those_that_are_shown_is_named(netlang: Netlang) -> None:
    save_masks(530)
    for path in ("images/520.png", "masks/527.png"):
        Path(path).write_bytes(Path(path).read_bytes()[:40])
    code, out, err = netlang("data", "roads.net")
    assert code == 1
    assert "error[bad-file]: images/520.png is not a PNG" in err
    assert "error[bad-file]: masks/527.png is not a PNG" in err
    assert "nothing would be rejected" not in out


def test_gaps_are_counted_in_the_examples_that_are_used(netlang: Netlang, program: str) -> None:
    """A range, a division and a restriction each have their own."""
    text = Path(program).read_text("utf-8")
    for step, gaps in (("part(1..2)", 1), ("part(2..3)", 0), ('only(species="virginica")', 1)):
        Path("some.net").write_text(text.replace("part(0..3)", step), "utf-8")
        found = json.loads(netlang("data", "some.net", "--json")[1])
        assert found["data"]["data"]["columns"][0]["missing"] == gaps, step


def test_a_sheet_of_a_table_is_not_written(netlang: Netlang, program: str) -> None:
    code, output, error = netlang("data", program, "-o", "sheet.png")
    assert output.endswith("iris.csv has no images: sheet.png is not written\n")
    assert not Path("sheet.png").exists()
    code, output, error = netlang("data", program, "-o", "sheet.txt")
    assert code == 2
    assert "sheet.txt: images are written as .png" in error


def test_in_python(program: str) -> None:
    found = nl.load(program).describe_data()
    assert str(found) + "\n" == REPORT
    assert found.reports["data"].columns[0].missing == 1


def test_a_value_inside_a_setting_is_to_be_a_parameter(netlang: Netlang, program: str) -> None:
    _, _, err = netlang("data", program, "--set", "optimizer.lr=0.1")
    assert "has no parameter `optimizer.lr`" in err
    assert "make it a parameter, `train flowers(lr: … = …)`, and write `lr` where its" in err


def test_each_folder_that_was_searched_is_named_once(netlang: Netlang, program: str) -> None:
    Path("iris.csv").unlink()
    _, _, err = netlang("data", program)
    assert "note: looked for in ., data" in err
    assert "data, data" not in err


def test_lengths_are_those_of_examples_and_padding_does_not_count(netlang: Netlang) -> None:
    rows = [{"t": [5.0, 7.0, 9.0], "y": 0}, {"t": [5.0], "y": 1}, {"t": [9.0, 7.0], "y": 1}]
    Path("r.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    Path("r.net").write_text(RAGGED, "utf-8")
    assert "t  f32[T]  length 1 to 3; 5 to 9; mean 7, standard" in netlang("data", "r.net")[1]
    Path("r.net").write_text(RAGGED.replace("lines()", "lines() |> part(1..2)"), "utf-8")
    assert "t  f32[T]  length 1 to 2; 5 to 9" in netlang("data", "r.net")[1]
    Path("r.net").write_text(RAGGED.replace("lines()", "lines() |> only(y=1)"), "utf-8")
    assert "t  f32[T]  length 1 to 2; 5 to 9" in netlang("data", "r.net")[1]


RAGGED = """
dataset lines -> (t: f32[T], y: i64[]) { jsonl = "r.jsonl" }
net R(t: f32[N, T]) -> logits: f32[N, 2] = dense(mean(t, axis=1, keep=true), 2)
train r {
  data = lines() |> batches(2)
  model = new R()
  loss = cross_entropy(model(batch.t), batch.y)
  optimizer = adam()
  run = 1 epoch
}
"""


@pytest.mark.parametrize("step", ["", " |> part(0..2)", " |> only(label=0)", " |> map(size)"])
def test_lengths_and_gaps_are_those_of_the_chosen_examples(step: str, tmp_path: Path) -> None:
    """Whatever the source is inside of: a choice, a change, or images that are read late."""
    for name in "ab":
        Image.new("RGB", (4, 4)).save(tmp_path / f"{name}.png")
    rows = ["a.png,one two three,5,p", "b.png,one,,p", "a.png,two three,,p", "b.png,a b c d,,q"]
    (tmp_path / "t.csv").write_text("\n".join(["file,text,age,label", *rows, ""]), "utf-8")
    declared = """
dataset rows -> (image: f32[3, 4, 4], text: i64[T], age: f32[], label: i64[]) {
  csv = "t.csv"
  image = column("file") |> pictures
  text = column("text") |> words(vocab=20)
  age = column("age", fill=0)
  label = column("label") |> categories
}
"""
    changed = step.replace("size", "image=[rescale(0.0, 2.0)]")
    source = source_of(tmp_path, f"rows(){changed}", declared)
    every = [3, 1, 2, 4][: len(source)]
    lengths = source.unpadded_lengths("text")
    assert lengths is not None and lengths.tolist() == every
    some = np.array([0, 2])
    lengths = source.unpadded_lengths("text", some)
    assert lengths is not None and lengths.tolist() == [3, 2]
    assert source.gaps("age") == len(every) - 1
    assert source.gaps("age", some) == 1
