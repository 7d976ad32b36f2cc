"""Training on data in memory, what a run returns, and notebooks.

Tests ``netlang.api.conversion``, ``netlang.api.predictions``, ``netlang.api.notebooks``,
``netlang.api.cells``, ``netlang.api.callbacks``, ``netlang.inference.scores`` and
``netlang.data.memory``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from commands import said
from PIL import Image

import netlang
from netlang.api.conversion import column
from netlang.api.display import Text
from netlang.storage.outputs import write_each_image
from netlang.system.numpy import Array

TEXT = """
dataset photos -> (image: f32[1, 4, 4], label: i64[]) {
  npz = "shapes.npz"
}

net Shapes(image: f32[N, 1, 4, 4]) -> logits: f32[N, 2] {
  logits = image |> flatten |> dense(2)
}

train shapes(lr: float = 0.1, size: int = 8) {
  data = photos() |> batches(size, shuffle=true)
  model = new Shapes()
  logits = model(batch.image)
  loss = cross_entropy(logits, batch.label)
  metrics = [accuracy(logits, batch.label)]
  optimizer = sgd(lr)
  run = 3 epochs
}
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> netlang.Program:
    monkeypatch.chdir(tmp_path)
    return netlang.loads(TEXT, str(tmp_path / "shapes.net"))


def images() -> tuple[Array, Array]:
    draw = np.random.default_rng(0)
    label = draw.integers(0, 2, 40)
    pixels = draw.integers(0, 120, (40, 1, 4, 4)).astype(np.uint8)
    pixels[:, 0, 0] += (label * 100).astype(np.uint8)[:, None]
    return pixels, label


def test_arrays_train_as_the_same_arrays_in_a_file_do(program: netlang.Program) -> None:
    image, label = images()
    np.savez("shapes.npz", image=image, label=label)
    stored = program.train(folder="stored")
    given = program.train("shapes", data={"image": image, "label": label}, folder="given")
    assert given.history[-1].train == stored.history[-1].train
    for name, array in stored.weights.items():
        assert (given.weights[name] == array).all()


def test_parameters_are_given_by_name(program: netlang.Program) -> None:
    image, label = images()
    data = {"image": image, "label": label}
    seen: list[int] = []
    run = program.train("shapes", lr=0.5, size=20, data=data, watch=lambda r: seen.append(r.step))
    assert seen == [2, 4, 6]
    assert [report.rate for report in run.history] == [0.5] * 3
    with pytest.raises(netlang.Error, match="has no parameter `momentum`"):
        program.train("shapes", momentum=0.5, data=data)


def test_a_run_has_its_best_epoch_its_model_and_its_weights(program: netlang.Program) -> None:
    image, label = images()
    run = program.train(data={"image": image, "label": label})
    best = run.best
    assert best is not None
    assert best.train["loss"] == min(report.train["loss"] for report in run.history)
    assert run.model is not None
    assert set(run.weights) == {"logits.weight", "logits.bias"}
    found = run.model(image[:3].astype(np.float32) / 255)["logits"].argmax(axis=1)
    assert found.shape == (3,)


def test_classes_are_named_and_images_are_those_of_pillow(program: netlang.Program) -> None:
    image, label = images()
    pictures = [Image.fromarray(each[0]) for each in image]
    names = [("dark", "bright")[i] for i in label]
    with pytest.warns(UserWarning, match="0 is bright, 1 is dark"):
        run = program.train(data={"image": pictures, "label": names}, folder="named")
    alone = program.train(
        data={"image": image, "label": 1 - label}, folder="alone"
    )  # `bright` comes first
    assert run.history[-1].train == alone.history[-1].train
    assert run.model.fitted is not None
    photo: Any = pictures[0]
    scores = run.model(photo)["logits"]
    prepared = run.model.run(run.model.preprocess(image=image[0]))["logits"]
    assert (scores == prepared).all()


class Series:
    def __init__(self, values: Array) -> None:
        self._values = values

    def to_numpy(self) -> Array:
        return self._values


class Frame:
    """What a frame of pandas or polars has in common."""

    def __init__(self, **columns: Array) -> None:
        self._columns = {name: Series(values) for name, values in columns.items()}
        self.columns = list(columns)

    def __getitem__(self, name: str) -> Series:
        return self._columns[name]


def test_a_frame_has_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    program = netlang.loads("""
dataset table -> (x: f32[], kind: i64[]) { csv = "rows.csv" }

net Line(x: f32[N]) -> logits: f32[N, 2] = x |> unsqueeze(1) |> dense(2)

train rows {
  data = table() |> batches(4)
  model = new Line()
  loss = cross_entropy(model(batch.x), batch.kind)
  optimizer = sgd(0.1)
  run = 1 epochs
}
""")
    kinds = np.array(["a", "b"] * 8, dtype=object)
    frame = Frame(x=np.arange(16.0), kind=kinds, unused=np.arange(16))
    with pytest.warns(UserWarning, match="0 is a, 1 is b"):
        run = program.train(data=frame)
    assert run.model.fitted is not None
    assert column(Series(kinds)).dtype.kind == "U"  # pyright: ignore


TABLE = """
dataset table -> (x: f32[], kind: f32[2], text: i64[T], length: i64[], label: i64[]) {
  csv = "rows.csv"
  x = column("Width", fill=mean) |> normalize
  kind = column("Kind", fill=most_frequent) |> categories(one_hot=true)
  text, length = column("Review") |> words(vocab=20)
  label = column("Label") |> categories
}

net Line(x: f32[N], kind: f32[N, 2], text: i64[N, T], length: i64[N]) -> logits: f32[N, 2] {
  last = embedding(text, 20, 4) |> gru(4, length=length)
  logits = concat([unsqueeze(x, 1), kind, last.h], axis=1) |> dense(2)
}

train rows {
  data = table() |> batches(4)
  model = new Line()
  loss = cross_entropy(model(batch.x, batch.kind, batch.text, batch.length), batch.label)
  optimizer = sgd(0.1)
  run = 2 epochs
}
"""
ROWS: dict[str, list[Any]] = {
    "Note": ["left out"] * 8,
    "Width": [1.0, None, 3.0, 2.0, 5.0, None, 7.5, 1.0],
    "Kind": ["a", "b", None, "a", "a", "b", float("nan"), "a"],
    "Review": ["Good, really.", "bad", "so good", "it is Bad"] * 2,
    "Label": ["yes", "no"] * 4,
}
"""Columns as users have them: with gaps, with texts, and with one that is not used."""


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> netlang.Program:
    monkeypatch.chdir(tmp_path)
    lines = [
        ",".join("" if v is None or v != v else f'"{v}"' for v in row)
        for row in zip(*ROWS.values(), strict=True)
    ]
    Path("rows.csv").write_text("\n".join([",".join(ROWS), *lines]))
    return netlang.loads(TABLE, str(tmp_path / "rows.net"))


def as_frame() -> Frame:
    return Frame(**{name: np.array(values, object) for name, values in ROWS.items()})


@pytest.mark.parametrize("data", [ROWS, as_frame()], ids=["lists", "frame"])
def test_columns_with_gaps_and_texts_train_as_those_of_a_file(
    data: Any, table: netlang.Program
) -> None:
    stored = table.train(folder="stored")
    given = table.train(data=data, folder="given")
    assert given.history[-1].train == stored.history[-1].train
    assert given.model.fitted is not None
    assert stored.model.fitted is not None
    assert given.model.fitted.columns.keys() == stored.model.fitted.columns.keys()
    for name, array in stored.weights.items():
        assert (given.weights[name] == array).all()


WRONG: dict[str, tuple[Any, str]] = {
    "no columns": ({}, "`data` has no columns"),
    "a number": (3, "`data` is a mapping of columns or a frame, and this is a int"),
    "a column is missing": ({"image": images()[0]}, "label"),
    "lengths": ({"image": images()[0], "label": images()[1][:5]}, "the data given"),
    "ragged": ({"image": [[1.0], [1.0, 2.0]], "label": [0, 1]}, "`image` of the data given is not"),
}


@pytest.mark.parametrize("case", WRONG)
def test_data_that_do_not_fit_are_reported(case: str, program: netlang.Program) -> None:
    data, message = WRONG[case]
    with pytest.raises(netlang.Error) as caught:
        program.train(data=data)
    assert message in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_data_of_a_section_without_are_reported(program: netlang.Program) -> None:
    image, label = images()
    columns = {"image": image, "label": label}
    with pytest.raises(netlang.Error, match="the train section `shapes` has no `valid`"):
        program.train(data=columns, valid=columns)
    with pytest.raises(netlang.Error, match="a `callback` or a `watch`, not both"):
        program.train(data=columns, callback=netlang.Callback(), watch=print)


# Notebooks.


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """Pretend to be the kernel of a notebook."""
    shown: list[tuple[str, dict[str, str]]] = []

    class Handle:
        def update(self, content: dict[str, str], *, raw: bool) -> None:
            assert raw
            shown.append(("update", content))

    def display(content: dict[str, str], *, raw: bool, display_id: bool) -> Handle:
        assert raw
        assert display_id
        shown.append(("display", content))
        return Handle()

    variables: dict[str, object] = {}
    magics: dict[str, Any] = {}
    found = SimpleNamespace(
        kernel=True, shown=shown, variables=variables, magics=magics, push=variables.update,
        register_magic_function=lambda run, _, name: magics.update({name: run}),
    )  # fmt: skip
    module = SimpleNamespace(get_ipython=lambda: found, display=SimpleNamespace(display=display))
    monkeypatch.setitem(sys.modules, "IPython", module)  # pyright: ignore
    yield found


def test_a_notebook_shows_one_drawing_that_moves(
    program: netlang.Program, shell: SimpleNamespace
) -> None:
    image, label = images()
    program.train(data={"image": image, "label": label})
    kinds = [kind for kind, _ in shell.shown]
    assert kinds[0] == "display"
    assert set(kinds[1:]) == {"update"}
    assert all(content["image/svg+xml"].startswith("<svg") for _, content in shell.shown)
    program.train(data={"image": image, "label": label}, watch=lambda _: None)
    assert len(shell.shown) == len(kinds)


def test_a_cell_is_a_program(shell: SimpleNamespace) -> None:
    netlang.load_ipython_extension(shell)
    run = shell.magics["netlang"]
    cell = "net Halve(x: f32[N, 4]) -> y: f32[N, 2] = dense(x, 2)\n"
    program = run("halves", cell)
    assert shell.variables["halves"] is program
    assert list(program) == ["Halve"]
    problems = run("", cell.replace("dense", "dens"))
    assert "I don't know `dens`" in problems
    assert isinstance(problems, Text)
    assert "program.net:1" in problems
    with pytest.raises(netlang.Error, match="is not the name of a variable"):
        run("a b", cell)


def test_tables_keep_their_columns_in_a_notebook() -> None:
    text = netlang.explain("relu")._repr_html_()
    assert "font-family: monospace; white-space: pre" in text


# Predictions.


def trained(program: netlang.Program) -> tuple[netlang.Network, Array]:
    image, label = images()
    names = [("dark", "bright")[i] for i in label]
    with pytest.warns(UserWarning, match="0 is bright, 1 is dark"):
        run = program.train(data={"image": image, "label": names}, lr=0.5)
    return run.model, image


def test_the_images_of_a_folder_are_predicted_as_their_arrays(program: netlang.Program) -> None:
    model, image = trained(program)
    Path("photos").mkdir()
    for i, each in enumerate(image[:5]):
        Image.fromarray(each[0]).save(f"photos/{i}.png")
    Path("photos/notes.txt").touch()
    found = model.predict("photos", batch=2)
    assert list(found.names) == [f"{i}.png" for i in range(5)]
    expected = model.run(model.preprocess(image=image[:5]))["logits"]
    assert np.allclose(found.outputs["logits"], expected, atol=1e-6)
    assert found.classes == ("bright", "dark")
    assert found.labels == [found.classes[i] for i in expected.argmax(axis=1)]
    assert found.probabilities is not None
    assert np.allclose(found.probabilities.sum(axis=1), 1)
    head, *rows = str(found).splitlines()
    assert head.split() == ["example", "class", "probability"]
    assert rows[0].split()[:2] == ["0.png", found.labels[0]]
    assert "white-space: pre" in found._repr_html_()
    one = model.predict(Path("photos/3.png"))
    assert (list(one.names), one.labels) == (["3.png"], [found.labels[3]])


def test_files_of_the_same_name_have_their_folders_in_their_names(
    program: netlang.Program, capsys: pytest.CaptureFixture[str]
) -> None:
    model, image = trained(program)
    for i, folder in enumerate(("photos/cats", "photos/dogs")):
        Path(folder).mkdir(parents=True)
        Image.fromarray(image[i][0]).save(f"{folder}/1.png")
    found = model.predict("photos/*/1.png", batch=1)
    assert found.names == ["cats/1.png", "dogs/1.png"]
    Path("shapes.net").write_text(TEXT)
    model.save("shapes.safetensors")
    given = ["run", "shapes.net", "-i", "image=photos/*/1.png", "-w", "shapes.safetensors"]
    code, out, _ = said(capsys, *given, "-o", "found.csv")
    assert code == 0
    assert "  cats/1.png\n" in out
    lines = Path("found.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["example", "cats/1.png", "dogs/1.png"]
    images = {"y": image[:2]}
    list(write_each_image(Path("out"), images, found.names, lambda _: False, lambda _: ()))
    assert sorted(each.name for each in Path("out").iterdir()) == ["cats-1.png", "dogs-1.png"]


def test_arrays_and_images_in_memory_are_predicted(program: netlang.Program) -> None:
    model, image = trained(program)
    pictures = [Image.fromarray(each[0]) for each in image]
    prepared = model.preprocess(image=image)["image"]
    by_array, by_name = model.predict(prepared, batch=7), model.predict({"image": prepared})
    by_picture = model.predict(pictures)
    for found in (by_name, by_picture):
        assert np.allclose(found.outputs["logits"], by_array.outputs["logits"], atol=1e-6)
    assert len(by_array) == 40
    assert by_array.names[-1] == "39"
    assert str(by_array).endswith("+ 20 more")


PHOTOS = """
net Classes(image: f32[N, 3, 8, 8]) -> logits: f32[N, 2] = image |> flatten |> dense(2)

train photos {
  data = image_folder("photos", size=8)
    |> map(image=[standardize([0.5, 0.4, 0.5], [0.2, 0.3, 0.2])])
    |> batches(2)
  model = new Classes()
  loss = cross_entropy(model(batch.image), batch.label)
  optimizer = sgd(0.1)
  run = 1 epochs
}
"""


def test_images_of_any_size_are_prepared_as_files_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    files = [Path(f"photos/{name}/1.png") for name in ("cats", "dogs")]
    for file, size in zip(files, ((20, 12), (9, 30)), strict=True):
        file.parent.mkdir(parents=True)
        pixels = draw.integers(0, 256, (*size, 3)).astype(np.uint8)
        # Turned, as telephones write them.
        turned = Image.Exif()
        turned[0x0112] = 6
        Image.fromarray(pixels).save(file, exif=turned)
    model = netlang.loads(PHOTOS, str(tmp_path / "photos.net")).train().model
    expected = model.predict([str(file) for file in files]).outputs["logits"]
    found = model.predict([Image.open(file) for file in files]).outputs["logits"]
    assert np.allclose(found, expected, atol=1e-6)
    photo: Any = Image.open(files[0])
    one = model(image=photo)["logits"]
    assert np.allclose(one, expected[:1], atol=1e-6)


def test_outputs_other_than_scores_of_classes_are_printed_as_numbers() -> None:
    net = netlang.loads("net Twice(x: f32[N, 2]) -> y: f32[N, 2] = 2.0 * x\n")["Twice"]
    found = net.predict([[1.0, 2.0], [3.0, 4.0]])
    assert str(found) == "example  y\n0        2, 4\n1        6, 8"
    assert (found.labels, found.probabilities) == ((), None)


def test_what_cannot_be_predicted_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    two = netlang.loads("net Two(a: f32[N], b: f32[N]) -> y: f32[N] = a + b\n")["Two"]
    with pytest.raises(netlang.Error, match="`Two` has 2 inputs"):
        two.predict([1.0])
    assert two.predict({"a": [1.0], "b": [2.0]}).outputs["y"] == [3.0]
    Path("empty").mkdir()
    small = netlang.loads("net One(x: f32[N, 1, 4, 4]) -> y: f32[N, 16] = flatten(x)\n")["One"]
    with pytest.raises(netlang.Error, match="empty holds no inputs"):
        small.predict("empty")
    Image.new("L", (4, 4)).save("empty/a.png")
    Image.new("L", (5, 5)).save("empty/b.png")
    with pytest.raises(netlang.Error):
        small.predict("empty")
    assert len(small.predict("empty", resize=True)) == 2
    with pytest.raises(netlang.Error):
        small.predict("empty", batch=0)


# Rows of a table, and texts.


def test_rows_in_memory_are_predicted_as_those_of_a_file(table: netlang.Program) -> None:
    model = table.train(folder="stored").model
    expected = model.predict("rows.csv")
    frame = as_frame()
    asked = {name: values for name, values in ROWS.items() if name not in ("Note", "Label")}
    for source in (frame, ROWS, asked):
        found = model.predict(source, batch=3)
        assert found.labels == expected.labels
        assert np.allclose(found.outputs["logits"], expected.outputs["logits"], atol=1e-6)


def test_columns_with_the_names_of_inputs_are_inputs(table: netlang.Program) -> None:
    model = table.train(folder="stored").model
    given = {"x": [0, 1], "kind": [[1, 0], [0, 1]], "text": [[2, 3], [4, 0]], "length": [2, 1]}
    found = model.predict(given)
    assert (found.outputs["logits"] == model(**given)["logits"]).all()


def test_rows_that_do_not_fit_are_reported(table: netlang.Program) -> None:
    model = table.train(folder="stored").model
    with pytest.raises(netlang.Error, match="the data given has no column `Kind`") as caught:
        model.predict({"Width": [1.0], "Knd": ["a"], "Review": ["bad"]})
    assert caught.value.notes == ("it has `Width`, `Knd`, `Review`",)
    assert caught.value.helps == ("did you mean `Knd`?",)
    with pytest.raises(netlang.Error, match="no value was given for input `kind`"):
        model.predict({"x": [1.0]})
    with pytest.raises(netlang.Error, match="has the category `c`, which the training data"):
        model.predict(ROWS | {"Kind": ["c"] * 8})
    message = "`kind` must be an array of numbers, and is an array of texts"
    with pytest.raises(netlang.Error, match=message):
        model(x=[1.0], kind=np.array(["a"]), text=[[1]], length=[1])


TEXTS = """
dataset table -> (text: i64[T], length: i64[], label: i64[]) {
  csv = "rows.csv"
  text, length = column("Review") |> words(vocab=20)
  label = column("Label") |> categories
}

net Verdict(text: i64[N, T], length: i64[N]) -> logits: f32[N, 2] {
  last = embedding(text, 20, 4) |> gru(4, length=length)
  logits = dense(last.h, 2)
}

train rows {
  data = table() |> batches(4)
  model = new Verdict()
  loss = cross_entropy(model(batch.text, batch.length), batch.label)
  optimizer = sgd(0.1)
  run = 2 epochs
}
"""


def test_texts_are_split_as_in_training(table: netlang.Program, tmp_path: Path) -> None:
    del table
    program = netlang.loads(TEXTS, str(tmp_path / "texts.net"))
    model = program.train().model
    stored = model.predict("rows.csv").outputs["logits"]
    given = model.predict(ROWS["Review"]).outputs["logits"]
    assert np.allclose(given, stored, atol=1e-6)
    # The length comes with the text, which has a word that the training did not.
    (logits,) = model.run(model.read_inputs({"text": '"Good, REALLY. unheard"'})).values()
    assert logits.shape == (1, 2)
    read = model.read_inputs({"text": '"Good, REALLY."'})
    assert read["length"].tolist() == [4]
    again = model.run(read)["logits"]
    assert np.allclose(again, stored[:1], atol=1e-6)
