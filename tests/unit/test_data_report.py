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
  features  f32[2]  -1.414 to -1; mean -1.207, standard deviation 0.2071; normalized by the mean 6, 2 and the standard deviation 0.7071, 0.5; 1 missing, filled in
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
