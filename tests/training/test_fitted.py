"""What is fitted on the training data is the model's: names, statistics, transforms.

Tests ``netlang.data.fitted`` and ``netlang.training.preprocessing``.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from commands import said
from datasets import source_of
from PIL import Image

import netlang
from netlang.data.fitted import KEY, Fitted
from netlang.data.pipeline import TableFormat
from netlang.diagnostics.errors import FileError, InputError
from netlang.storage.weights import load_weights, read_metadata, save_weights

COLORS = {"a": (255, 0, 0), "b": (0, 255, 0), "c": (0, 0, 255)}

FOLDERS = """
net C(image: f32[N, 3, 8, 8]) -> logits: f32[N, 3] { logits = image |> global_avg_pool |> dense(3) }
train t {
  data = image_folder("train", size=8) |> map(image=[flip(), crop(8, pad=1)]) |> batches(9)
  valid = image_folder("valid", size=8) |> batches(8)
  model = new C()
  logits = model(batch.image)
  loss = cross_entropy(logits, batch.label)
  metrics = [accuracy(logits, batch.label)]
  optimizer = adam(0.3)
  run = 30 steps
}
"""

LINE = """
dataset d(file: str) -> (x: f32[1], y: f32[1]) {
  csv = file
  normalize = "x"
}
net L(x: f32[N, 1]) -> y: f32[N, 1] { y = dense(x, 1) }
train t {
  data = DATA |> batches(10, shuffle=true)
  valid = VALID |> batches(10)
  model = new L()
  loss = mse(model(batch.x), batch.y)
  optimizer = adam(0.3)
  run = 60 epochs
}
"""

LETTERS = """
net L(tokens: i64[N, T]) -> y: f32[N, T, 16] { y = embedding(tokens, 16, 16) }
train t(va: str = "va.txt") {
  data = char_windows("tr.txt", length=10) |> batches(8, shuffle=true)
  valid = char_windows(va, length=10) |> batches(8)
  model = new L()
  loss = cross_entropy(model(batch.tokens), batch.target)
  optimizer = adam(0.05)
  run = 20 epochs
}
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def save_colors(split: str, classes: str, count: int = 3) -> None:
    """Write images of one color for each class."""
    for name in classes:
        folder = Path(split, name)
        folder.mkdir(parents=True)
        for i in range(count):
            Image.new("RGB", (10, 8), COLORS[name]).save(folder / f"{i}.png")


def save_line(path: str, low: float, high: float, count: int = 50) -> None:
    """Write a CSV file of y = 3x + 5."""
    rows = [f"{x},{3 * x + 5}" for x in np.linspace(low, high, count).round(3).tolist()]
    Path(path).write_text("\n".join(["x,y", *rows]))


def fitted_of(file: str | Path) -> Fitted:
    found = Fitted.read(read_metadata(Path(file)), file)
    assert found is not None
    return found


def trained(text: str, **settings: object) -> netlang.Run:
    Path("it.net").write_text(text)
    return netlang.load("it.net").train(settings=settings, folder="run")


@pytest.mark.parametrize("valid", ["bc", "c", "abc", "ca"])
def test_classes_of_valid_are_those_of_the_training_data_by_name(valid: str) -> None:
    save_colors("train", "abc")
    save_colors("valid", valid)
    run = trained(FOLDERS)
    assert run.history[-1].valid["accuracy"] == 1
    assert fitted_of("run/model.safetensors").classes("logits") == ("a", "b", "c")


def test_evaluate_and_resume_use_the_classes_of_the_run() -> None:
    save_colors("train", "abc")
    save_colors("valid", "abc")
    run = trained(FOLDERS)
    shutil.rmtree("valid/a")
    shutil.rmtree("train/a")  # what is left would be numbered 0 and 1
    found = netlang.load("it.net").evaluate("run/model.safetensors")
    assert (found.examples, found.metrics["accuracy"]) == (6, 1)
    assert netlang.load("it.net").evaluate(run.networks["model"]).metrics == found.metrics
    Path("it.net").write_text(FOLDERS.replace("30 steps", "31 steps"))
    resumed = netlang.load("it.net").train(folder="run", resume=True, override=("examples", "run"))
    assert resumed.history[-1].valid["accuracy"] == 1
    assert fitted_of("run/model.safetensors").classes("logits") == ("a", "b", "c")


def test_a_run_is_saved_with_what_was_fitted_in_every_file() -> None:
    save_colors("train", "abc")
    save_colors("valid", "abc")
    saves = """checkpoint = [
    save_best(model, "best.safetensors", by=loss),
    save_every(model, "s-{step}.safetensors", every=15 steps),
  ]
  run"""
    trained(FOLDERS.replace("run", saves))
    files = ["model", "best", "s-15", "s-30"]
    first = fitted_of("run/model.safetensors")
    assert all(fitted_of(f"run/{name}.safetensors") == first for name in files)
    progress = json.loads(read_metadata(Path("run/checkpoint.safetensors"))["progress"])
    assert progress["fitted"]["columns"]["label"]["names"] == ["a", "b", "c"]


def test_random_transforms_are_left_out_and_those_of_valid_are_used() -> None:
    save_colors("train", "abc")
    save_colors("valid", "abc")
    plain = fitted_of(trained(FOLDERS).folder / "model.safetensors").columns["image"]
    assert (plain.shorter_side, plain.scale, plain.transforms) == (8, 255, ())
    shutil.rmtree("run")
    text = FOLDERS.replace('  valid = image_folder("valid", size=8) |> batches(8)\n', "")
    alone = fitted_of(trained(text).folder / "model.safetensors").columns["image"]
    assert list(map(str, alone.transforms)) == ["centered_crop(8, 1)"]


@pytest.mark.parametrize(
    ("data", "valid"),
    [
        ('d("train.csv")', 'd("test.csv")'),
        ('d("both.csv") |> part(0..49)', 'd("both.csv") |> part(50..99)'),
        ('d("both.csv") |> part(0..79) |> part(0..49)', 'd("both.csv") |> part(50..99)'),
    ],
)
def test_valid_is_normalized_by_the_examples_of_the_training(data: str, valid: str) -> None:
    save_line("train.csv", -1, 1)
    save_line("test.csv", 30, 50)
    head, *rows = Path("train.csv").read_text().split("\n")
    tested = Path("test.csv").read_text().split("\n")[1:]
    Path("both.csv").write_text("\n".join([head, *rows, *tested]))
    run = trained(LINE.replace("DATA", data).replace("VALID", valid))
    assert run.history[-1].valid["loss"] < 1e-4
    found = fitted_of("run/model.safetensors").columns["x"].statistics
    assert found is not None
    xs = np.array([float(row.split(",")[0]) for row in rows], np.float32).astype(np.float64)
    assert found.mean == pytest.approx([xs.mean()], abs=1e-12)
    assert found.std == pytest.approx([xs.std()])


def test_what_is_normalized_is_evaluated_without_the_training_data() -> None:
    save_line("train.csv", -1, 1)
    save_line("test.csv", 30, 50)
    text = LINE.replace("DATA", 'd("train.csv")').replace("VALID", 'd("test.csv")')
    run = trained(text)
    Path("train.csv").unlink()
    found = netlang.load("it.net").evaluate("run/model.safetensors")
    assert found.metrics["loss"] == run.history[-1].valid["loss"]


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_letters_of_valid_are_numbered_as_in_the_training_data(ends: str) -> None:
    Path("tr.txt").write_text("abcde\nbcde\n" * 150)
    Path("va.txt").write_bytes(f"bcde{ends}".encode() * 80)
    run = trained(LETTERS)
    assert run.history[-1].valid["loss"] < 0.4
    assert fitted_of("run/model.safetensors").names("tokens") == ("\n", "a", "b", "c", "d", "e")


def test_a_letter_that_the_training_data_lacks_is_an_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("tr.txt").write_text("abcde\nbcde\n" * 150)
    Path("va.txt").write_text("abcx" * 40)
    Path("it.net").write_text(LETTERS)
    assert said(capsys, "train", "it.net")[::2] == (
        1,
        "error[bad-file]: va.txt has 'x' at character 3, which the training data has not\n   |\n"
        '   = help: give `data` and `valid` a file that has every character: `vocabulary="…"`\n',
    )


def test_words_of_valid_have_the_numbers_of_the_training_data() -> None:
    Path("tr.txt").write_text("one two three\tun deux trois\n" * 4 + "two\tdeux\n")
    Path("va.txt").write_text("three two zero\ttrois deux rien\n" * 3)
    declared = 'sentence_pairs("{}.txt", vocab=20, longest=9)'
    data = source_of(Path(), declared.format("tr"))
    valid = source_of(Path(), declared.format("va"), fitted=data.fitted())
    assert valid.names == data.names
    words = [data.names["src"][n] for n in valid.examples(slice(0, 1))["src"][0]]
    assert words == ["three", "two", "?", ">"]


CLASSES: Mapping[str, str] = {
    "csv": "csv = file",
    "npz": "npz = file",
}


def save_named(kind: str, split: str, names: list[str]) -> str:
    xs = [[float("bca".index(n)), 1.0] for n in names]
    if kind == "csv":
        rows = [f"{x[0]},{x[1]},{n}" for x, n in zip(xs, names, strict=True)]
        Path(f"{split}.csv").write_text("\n".join(["x1,x2,label", *rows]))
    elif kind == "npz":
        np.savez(f"{split}.npz", x=np.array(xs, np.float32), label=np.array(names))
    return f"{split}.{kind}"


NAMED = """
dataset rows(file: str) -> (x: f32[2], label: i64[]) { PLACE }
net L(x: f32[N, 2]) -> logits: f32[N, 3] = x |> dense(16) |> relu |> dense(3)
train t {
  data = rows("DATA") |> batches(6)
  valid = rows("VALID") |> batches(4)
  model = new L()
  logits = model(batch.x)
  loss = cross_entropy(logits, batch.label)
  metrics = [accuracy(logits, batch.label)]
  optimizer = adam(0.1)
  run = 60 epochs
}
"""


@pytest.mark.parametrize("kind", ["csv", "npz"])
def test_names_in_a_column_of_integers_are_classes(kind: str) -> None:
    data = save_named(kind, "train", list("abcabc"))
    valid = save_named(kind, "valid", list("cbbc"))
    text = NAMED.replace("PLACE", CLASSES[kind]).replace("DATA", data).replace("VALID", valid)
    with pytest.warns(UserWarning, match="numbered: 0 is a, 1 is b, 2 is c"):
        run = trained(text)
    assert run.history[-1].valid["accuracy"] == 1
    assert run.networks["model"].fitted is not None
    assert run.networks["model"].fitted.classes("logits") == ("a", "b", "c")


def test_a_class_that_the_training_data_lack_is_an_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = save_named("csv", "train", list("abab"))
    valid = save_named("csv", "valid", list("abcb"))
    text = NAMED.replace("PLACE", CLASSES["csv"]).replace("DATA", data).replace("VALID", valid)
    Path("it.net").write_text(text)
    assert said(capsys, "train", "it.net")[::2] == (
        1,
        "error[bad-file]: `label` of valid.csv has the class `c`, which the training data does not "
        "have\n   |\n   = note: its classes are: a, b\n",
    )


def test_one_typo_in_a_column_of_integers_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    Path("train.csv").write_text("x1,x2,label\n1,2,0\n1,2,one\n")
    text = NAMED.replace("PLACE", CLASSES["csv"]).replace("DATA", "train.csv")
    Path("it.net").write_text(text.replace("VALID", "train.csv"))
    code, _, message = said(capsys, "train", "it.net")
    assert (code, message.split("\n")[0]) == (
        1,
        "error[bad-file]: train.csv:3:3: `one` is not an integer in the column `label`",
    )


def test_unlike_preprocessing_of_valid_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    save_colors("train", "abc")
    save_colors("valid", "abc")
    standard = "[flip(), standardize([0.5, 0.5, 0.5], [0.2, 0.2, 0.2])]"
    Path("it.net").write_text(FOLDERS.replace("[flip(), crop(8, pad=1)]", standard))
    assert said(capsys, "train", "it.net")[::2] == (
        1,
        "error[bad-input]: `image` of `valid` is preprocessed unlike in training: it has nothing, "
        "and not `standardize([0.5, 0.5, 0.5], [0.2, 0.2, 0.2])`\n   |\n   = help: the model "
        "expects the same numbers: give both the same transforms\n",
    )


def test_a_model_is_not_evaluated_with_other_preprocessing() -> None:
    save_colors("train", "abc")
    save_colors("valid", "abc")
    trained(FOLDERS)
    standard = "size=8) |> map(image=[rescale(-1.0, 1.0)]) |> batches(8)"
    Path("it.net").write_text(FOLDERS.replace("size=8) |> batches(8)", standard))
    with pytest.raises(InputError, match="preprocessed unlike in training"):
        netlang.load("it.net").evaluate("run/model.safetensors")


def test_files_without_what_was_fitted_are_evaluated_as_before() -> None:
    save_line("train.csv", -1, 1)
    save_line("test.csv", 30, 50)
    text = LINE.replace("DATA", 'd("train.csv")').replace("VALID", 'd("test.csv")')
    run = trained(text)
    save_weights(Path("older.safetensors"), load_weights(Path("run/model.safetensors")))
    found = netlang.load("it.net").evaluate("older.safetensors")
    assert found.metrics["loss"] == run.history[-1].valid["loss"]


@pytest.mark.parametrize(
    "text",
    [
        "[", "3", "{}", '{"columns": 3}', '{"columns": {"x": {"dtype": "f99", "shape": [2]}}}',
        '{"columns": {"x": {"dtype": "f32", "shape": [-2]}}}',
        '{"columns": {"x": {"dtype": "f32", "shape": [2, 1000000000]}}}',
        '{"columns": {"x": {"dtype": "f32", "shape": [2], "shorter_side": 1000000000}}}',
        '{"columns": {"x": {"dtype": "f32", "shape": [2], '
        '"statistics": {"mean": [1], "std": [1]}}}}',
        '{"columns": {"x": {"dtype": "f32", "shape": [1], '
        '"statistics": {"mean": [1], "std": [0]}}}}',
        '{"columns": {"x": {"dtype": "f32", "shape": [1], "transforms": '
        '[{"name": "resize", "arguments": {"size": 100000000}}]}}}',
        "[" * 10_000,
        '{"columns": {}, "format": 2}',
        '{"columns": {}, "table": {"separator": "::"}}',
        '{"columns": {}, "table": {"encoding": "nope"}}',
        '{"columns": {}, "table": {"encoding": "hex"}}',
        '{"columns": {}, "table": {"encoding": "utf-8\\u0000"}}',
    ],
)  # fmt: skip
def test_what_no_run_wrote_is_rejected(text: str) -> None:
    with pytest.raises(FileError, match="describes its data in"):
        Fitted.read({KEY: text}, "a.safetensors")


@pytest.mark.parametrize("encoding", ["", "utf-16", "cp1252", "undefined"])
def test_a_format_of_tables_that_a_run_may_have_is_read(encoding: str) -> None:
    table = TableFormat(";", None, encoding)
    text = Fitted({}, table=table).metadata()[KEY]
    found = Fitted.read({KEY: text}, "a.safetensors")
    assert found is not None and found.table == table
