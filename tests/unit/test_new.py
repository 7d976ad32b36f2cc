"""`netlang new`: programs that are written for data, and train at once.

Tests ``netlang.api.templates`` and ``netlang.cli.commands.new``.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from commands import Said, said
from PIL import Image

import netlang as nl
from netlang.diagnostics.errors import NetlangError

Netlang = Callable[..., Said]

IRIS = """\
## Predicts `Species`, one of 2 classes, from the other columns.
##
## netlang data iris.net
## netlang train iris.net
## netlang evaluate iris.net -w runs/iris/model.safetensors
## netlang run iris.net -i 'numbers=iris.csv' -i 'colour=iris.csv' -w runs/iris/model.safetensors -o predictions.csv

dataset iris_table -> (numbers: f32[2], colour: f32[2], species: i64[]) {
  csv = "iris.csv"
  # Left out:
  #   Id: a number for each row
  #   Same: always the same
  #   Remark: text of its own in most rows
  # Brought to the mean 0 and the standard deviation 1.
  numbers = columns(["Sepal Length (cm)", "1st"], fill=mean) |> normalize
  colour = column("Colour", fill=most_frequent) |> categories(one_hot=true)
  species = column("Species") |> categories
}

net Iris(numbers: f32[N, 2], colour: f32[N, 2]) -> logits: f32[N, 2] {
  x = concat([numbers, colour], axis=1)
  h = x |> dense(64) |> relu |> dense(64) |> relu
  logits = dense(h, 2)
}

train iris(lr: float = 0.003) {
  # Four fifths of the rows, each class alike; the others are for tests.
  rows, rest = iris_table() |> split(0.8, by="species", seed=0)
  data = rows |> batches(16, shuffle=true)
  valid = rest |> batches(200)

  model = new Iris()
  logits = model(batch.numbers, batch.colour)

  loss = cross_entropy(logits, batch.species)
  metrics = [accuracy(logits, batch.species)]
  optimizer = adam(lr |> cosine(60 epochs))
  run = 60 epochs
}
"""  # noqa: E501


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def netlang(capsys: pytest.CaptureFixture[str]) -> Netlang:
    return partial(said, capsys)


def iris(separator: str = ",", encoding: str = "utf-8") -> None:
    """Write a table with everything that columns may be."""
    lines = [["Id", "Sepal Length (cm)", "1st", "Same", "Remark", "Colour", "Species"]]
    for i in range(40):
        kind = i % 2
        length = "" if i == 7 else f"{5 + kind + i / 100:.2f}"
        colour = "NA" if i == 5 else ("red", "blü")[i // 3 % 2]
        species = ("setosa", "virginica")[kind]
        lines.append([str(i + 1), length, f"{i % 7}", "x", f"note {i}", colour, species])
    text = "".join(f"{separator.join(cells)}\n" for cells in lines)
    Path("iris.csv").write_text(text, encoding)


def images(folder: str, count: int = 6) -> None:
    rng = np.random.default_rng(0)
    for name, level in (("cat", 60), ("dog", 190)):
        (Path(folder) / name).mkdir(parents=True)
        for i in range(count):
            pixels = rng.integers(level - 40, level + 40, (24, 30, 3), np.uint8)
            Image.fromarray(pixels).save(f"{folder}/{name}/{i}.png")


def rejected(*arguments: str, **named: str) -> str:
    with pytest.raises(NetlangError) as caught:
        nl.new(*arguments, **named)  # pyright: ignore[reportArgumentType]
    error = caught.value
    return "\n".join([error.message, *error.notes, *error.helps])


def test_a_program_is_written_for_a_table(netlang: Netlang) -> None:
    iris()
    told = "iris.net is written: read it, then `netlang train iris.net`\n"
    assert netlang("new", "classifier", "iris", "--data", "iris.csv") == (0, told, "")
    assert Path("iris.net").read_text() == IRIS
    code, output, error = netlang("train", "iris.net")
    assert code == 0, error
    assert "accuracy 1.000" in output.splitlines()[-1]
    every = [f"{name}=iris.csv" for name in ("numbers", "colour")]
    weights = "runs/iris/model.safetensors"
    given = ("-i", every[0], "-i", every[1], "-w", weights, "-o", "predictions.csv")
    assert netlang("run", "iris.net", *given)[0] == 0
    assert Path("predictions.csv").read_text().splitlines()[1].startswith("0,setosa,")


def test_other_separators_and_encodings_are_declared() -> None:
    iris(";", "cp1252")
    nl.new("classifier", "iris", "iris.csv")
    text = Path("iris.net").read_text()
    assert '  separator = ";"\n  encoding = "cp1252"\n' in text
    assert "nothing would be rejected" in str(nl.load("iris.net").describe_data())


def test_the_target_may_be_named() -> None:
    iris()
    with pytest.warns(nl.NetlangWarning, match="iris.csv has 1 row without `Colour`"):
        program = nl.new("classifier", "colours", "iris.csv", target="Colour")
    assert list(program) == ["Colours"]
    assert 'colour = column("Colour", fill=most_frequent) |> categories' in (
        Path("colours.net").read_text()
    )
    assert "nothing would be rejected" in str(program.describe_data())


def test_a_number_is_predicted_in_its_own_unit() -> None:
    rows = "".join(f"{i},{1000 + 200 * i + i % 3}\n" for i in range(60))
    Path("houses.csv").write_text(f"area,price\n1000,7\n{rows}")
    nl.new("regression", "houses", "houses.csv")
    text = Path("houses.net").read_text()
    assert "  # The mean and the standard deviation of `price`" in text
    assert "nothing would be rejected" in str(nl.load("houses.net").describe_data())


def test_rows_without_the_target_are_named() -> None:
    rows = [f"{i / 8},{'' if i % 10 == 3 else 'ab'[i % 2]}" for i in range(40)]
    Path("t.csv").write_text("\n".join(["size,kind", *rows]) + "\n", "utf-8")
    with pytest.warns(nl.NetlangWarning, match="t.csv has 4 rows without `kind`, which is to be"):
        nl.new("classifier", "kinds", "t.csv")
    text = Path("kinds.net").read_text("utf-8")
    assert "# 4 rows without it, where it is the most frequent one: better remove them.\n" in text


def test_texts_are_read_by_their_words() -> None:
    rows = "".join(f'"a film, number {i}",{"good" if i % 2 else "bad"}\n' for i in range(40))
    Path("reviews.csv").write_text(f"review,sentiment\n{rows}")
    program = nl.new("text", "reviews", "reviews.csv")
    assert '  text, length = column("review") |> words(vocab=10_000, longest=200)' in (
        Path("reviews.net").read_text()
    )
    assert "2 classes: bad 16, good 16" in str(program.describe_data())


def test_from_a_folder_of_images_to_predictions_in_three_commands(netlang: Netlang) -> None:
    images("photos")
    told = "pets.net is written: read it, then `netlang train pets.net`\n"
    assert netlang("new", "pictures", "pets", "--data", "photos") == (0, told, "")
    assert netlang("train", "pets.net")[0] == 0
    source = "image=photos/*/*.png"
    code, output, error = netlang(
        "run", "pets.net", "-i", source, "-w", "runs/pets/model.safetensors"
    )
    assert code == 0, error
    assert "cat" in output


def test_folders_for_training_and_validation_are_used() -> None:
    images("pets/train")
    images("pets/valid")
    nl.new("pictures", "animals", "pets")
    text = Path("animals.net").read_text()
    assert '  rows = image_folder("pets/train", size=24)' in text
    assert '  rest = image_folder("pets/valid", size=24)' in text


@pytest.mark.parametrize("kind", ["pictures", "gan"])
def test_without_data_there_are_digits(netlang: Netlang, kind: str) -> None:
    code, output, _ = netlang("new", kind, "digits-2", "--json")
    assert code == 0
    assert json.loads(output)["section"] == "digits_2"
    assert netlang("check", "digits-2.net")[0] == 0


def test_a_gan_takes_a_folder_of_any_images() -> None:
    images("faces")
    program = nl.new("gan", "faces", "faces/cat")
    assert list(program) == ["Generator", "Discriminator"]
    assert "nothing would be rejected" in str(program.describe_data())


def test_images_and_masks_train_a_u_net(netlang: Netlang) -> None:
    rng = np.random.default_rng(0)
    for folder in ("images", "masks"):
        (Path("roads") / folder).mkdir(parents=True)
    for i in range(12):
        pixels = rng.integers(0, 90, (16, 16, 3), np.uint8)
        mask = np.zeros((16, 16), np.uint8)
        mask[4 : 8 + i % 4, 4:12] = 255
        pixels[mask > 0] += 120
        Image.fromarray(pixels).save(f"roads/images/{i:02}.png")
        Image.fromarray(mask).save(f"roads/masks/{i:02}_mask.png")
    told = "streets.net is written: read it, then `netlang train streets.net`\n"
    assert netlang("new", "segmentation", "streets", "--data", "roads") == (0, told, "")
    text = Path("streets.net").read_text()
    assert '  image = pictures("roads/images/*.png") |> resize(16)' in text
    assert '  mask = masks("roads/masks/*_mask.png", values=[0, 255]) |> resize(16)' in text
    assert netlang("data", "streets.net")[0] == 0
    code, output, error = netlang("train", "streets.net")
    assert code == 0, error
    assert float(output.splitlines()[-1].rpartition("accuracy ")[2].split()[0]) > 0.9
    given = ("-i", "image=roads/images/*.png", "-w", "runs/streets/model.safetensors")
    assert netlang("run", "streets.net", *given, "-o", "masks/")[0] == 0
    assert [p.name for p in sorted(Path("masks").iterdir())][::11] == ["00.png", "11.png"]
    found = np.unique([np.asarray(Image.open(path)) for path in Path("masks").iterdir()])
    assert found.tolist() == [0, 255]


def test_folders_without_masks_are_reported() -> None:
    images("photos")
    assert rejected("segmentation", "a", "photos") == (
        "photos does not have a folder of images and a folder of masks\n"
        "such as `images/01.png` and `masks/01.png`"
    )
    for folder, count in (("images", 5), ("masks", 4)):
        Path("roads", folder).mkdir(parents=True)
        for i in range(count):
            Image.new("L", (8, 8), i % 2).save(f"roads/{folder}/{i}.png")
    assert rejected("segmentation", "a", "roads") == (
        "roads/images has 5 images, and roads/masks has 4 masks\n"
        "there is no mask for 4.png\n"
        "each image has a mask whose name is similar, such as `01.png`"
    )
    assert rejected("segmentation", "a") == (
        "`netlang new segmentation` needs data\n"
        "name a folder: `netlang new segmentation a --data roads`"
    )


def test_a_file_is_not_overwritten() -> None:
    nl.new("gan", "faces")
    before = Path("faces.net").read_text()
    assert rejected("gan", "faces") == (
        "faces.net exists already\nchoose another name, or remove it"
    )
    assert Path("faces.net").read_text() == before


def test_data_that_do_not_fit_are_reported() -> None:
    iris()
    images("photos")
    assert rejected("classifier", "a") == (
        "`netlang new classifier` needs data\n"
        "name a table: `netlang new classifier a --data table.csv`"
    )
    assert rejected("classifier", "a", "photos") == (
        "photos is a folder, and `netlang new classifier` takes a table\n"
        "for a folder of images: `netlang new pictures a --data photos`"
    )
    assert rejected("pictures", "a", "iris.csv") == (
        "iris.csv is not a folder\nimages are in a folder, with a folder for each class"
    )
    assert rejected("pictures", "a", "photos/cat") == (
        "photos/cat has no folder for each class\n"
        "the classes are its folders, such as `cat` and `dog`"
    )
    Path("photos/cat").rename("photos/dog/cat")
    assert rejected("pictures", "a", "photos/dog") == (
        "photos/dog has only one class, `cat`\nthe classes are its folders, such as `cat` and `dog`"
    )
    Path("one.csv").write_text("a,b\n1,2\n")
    assert rejected("regression", "a", "one.csv") == (
        "one.csv has no column of numbers to predict\n"
        "`a` is always the same\n`b` is always the same"
    )
    assert rejected("classifier", "a", "one.csv").startswith("one.csv has no column to predict\n")
    assert rejected("classifier", "a", "iris.csv", target="Id") == (
        "`Id` of iris.csv cannot be predicted: it is a number for each row\n"
        "name the column to predict: `--target COLUMN`"
    )
    assert rejected("classifier", "a", "iris.csv", target="specis") == (
        "iris.csv has no column `specis`\n"
        "its columns are: Id, Sepal Length (cm), 1st, Same, Remark, Colour, Species\n"
        "did you mean `Species`?"
    )
    assert rejected("regression", "a", "iris.csv", target="Species") == (
        "`Species` of iris.csv cannot be predicted: it is categories\n"
        "name the column to predict: `--target COLUMN`"
    )
    assert rejected("gan", "2") == "`2` does not name a program\nsuch as `pets`"
    assert not list(Path().glob("*.net"))


def test_a_table_without_names_is_reported() -> None:
    Path("t.csv").write_text("1,2\n3,4\n")
    assert rejected("classifier", "a", "t.csv") == (
        "t.csv has numbers in its first line, which should name the columns\nadd a line of names"
    )
    Path("t.csv").write_text("")
    assert rejected("classifier", "a", "t.csv") == "t.csv has no rows below a line of names"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_tables_with_a_byte_order_mark_are_read(encoding: str) -> None:
    iris(";")
    text = Path("iris.csv").read_text("utf-8")
    mark = "" if encoding in ("utf-8-sig", "utf-16") else "\ufeff"
    Path("iris.csv").write_text(mark + text, encoding)
    program = nl.new("classifier", "iris", "iris.csv")
    written = Path("iris.net").read_text("utf-8")
    assert ('encoding = "utf-16"' in written) == encoding.startswith("utf-16")
    assert 'columns(["Sepal Length (cm)", "1st"]' in written
    assert "nothing would be rejected" in str(program.describe_data())


@pytest.mark.parametrize("kind", ["classifier", "regression", "text"])
def test_names_of_columns_may_have_any_letters(kind: str) -> None:
    names = ['a "b"', "c\nd", "e\\f", "g\th", "i\rj", "same", "the\nlabel"]
    rows = [
        [i % 7, i % 5, i % 3, f"text {i} of many", i * i % 11, 1, "ab"[i % 2]] for i in range(40)
    ]
    if kind == "regression":
        rows = [[*row[:-1], i % 9 + 0.5] for i, row in enumerate(rows)]
    with Path("t.csv").open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([names, *rows])
    program = nl.new(kind, "odd", "t.csv")  # pyright: ignore[reportArgumentType]
    assert "nothing would be rejected" in str(program.describe_data())


@pytest.mark.slow
def test_a_small_folder_of_images_is_learned(netlang: Netlang) -> None:
    """Images that differ in where their stripe is need some hundred steps."""
    rng = np.random.default_rng(1)
    for name, rows in (("across", True), ("down", False)):
        (Path("photos") / name).mkdir(parents=True)
        for i in range(30):
            pixels = rng.integers(0, 120, (24, 24, 3), np.uint8)
            at = rng.integers(2, 20)
            stripe = pixels if rows else pixels.swapaxes(0, 1)
            stripe[at : at + 3] += 100
            Image.fromarray(pixels).save(f"photos/{name}/{i}.png")
    nl.new("pictures", "stripes", "photos")
    code, output, error = netlang("train", "stripes.net")
    assert code == 0, error
    assert float(output.splitlines()[-1].rpartition("accuracy ")[2].split()[0]) > 0.9


def test_a_number_with_many_values_is_not_predicted_as_a_class() -> None:
    rows = "".join(f"{i},{'xyz'[i % 3]},{i % 2},{100 + 3 * i}\n" for i in range(60))
    Path("t.csv").write_text(f"size,kind,sold,price\n{rows}", "utf-8")
    nl.new("classifier", "sales", "t.csv")
    assert Path("sales.net").read_text("utf-8").startswith("## Predicts `sold`, one of 2 classes")
    nl.new("regression", "prices", "t.csv")
    assert Path("prices.net").read_text("utf-8").startswith("## Predicts the number `price`")
