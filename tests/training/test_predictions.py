"""What an evaluation reports about each class and each example.

Tests ``netlang.training.targets``, ``netlang.training.predictions``,
``netlang.training.confusion`` and ``netlang.cli.confusions``.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import netlang
from netlang.cli.guard import guarded
from netlang.cli.main import program
from netlang.ir.dims import Size, symbol
from netlang.ir.graph import Value
from netlang.ir.types import F32, I64, TensorType
from netlang.storage.npy import write_npz
from netlang.system.numpy import Array
from netlang.training.predictions import Found
from netlang.training.run.evaluation import Evaluation
from netlang.training.targets import Kind, Target

DRAW = np.random.default_rng(5)
ROWS = 11
SCORES = DRAW.normal(size=(ROWS, 3)).astype(np.float32)
LABELS = DRAW.integers(0, 3, ROWS)
PLANES = DRAW.normal(size=(ROWS, 3, 2, 2)).astype(np.float32)
MAP = DRAW.integers(0, 3, (ROWS, 2, 2))


def ran(*arguments: str) -> int:
    return guarded(program, list(arguments))


def evaluation(
    folder: Path, loss: str, columns: dict[str, Array], types: str, *, batches: str = "batches(4)"
) -> Evaluation:
    """Evaluate a net that returns the column ``x`` times 1."""
    write_npz(folder / "rows.npz", columns)
    shape = ", ".join(["N", *map(str, columns["x"].shape[1:])])
    axes = ", ".join(map(str, columns["x"].shape[1:]))
    (folder / "it.net").write_text(
        f'dataset rows -> ({types}) {{ npz = "rows.npz" }}\n'
        f"net Same(x: f32[{shape}]) -> y: f32[{shape}] {{\n"
        f"  w = param([{axes}], 1.0)\n  y = x * w\n}}\n"
        f"train it {{\n  data = rows() |> {batches}\n  model = new Same()\n"
        f"  y = model(batch.x)\n  loss = {loss}\n  optimizer = sgd(0.1)\n  run = 1 epoch\n}}\n",
        "utf-8",
    )
    loaded = netlang.load(folder / "it.net")
    return loaded.evaluate(loaded["Same"])


def softmax(x: Array) -> Array:
    powers = np.exp(x.astype(np.float64) - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("batches", ["batches(4)", "batches(3, shuffle=true)", "batches(11)"])
def test_each_example_has_its_class_and_prediction_in_the_order_of_the_data(
    batches: str, tmp_path: Path
) -> None:
    found = evaluation(
        tmp_path, "cross_entropy(y, batch.label)", {"x": SCORES, "label": LABELS},
        "x: f32[3], label: i64[]", batches=batches,
    )  # fmt: skip
    titles, rows = found.predictions.rows()
    assert titles == ["example", "label", "label predicted", "label probability", "loss"]
    shares = softmax(SCORES)
    losses = -np.log(shares[np.arange(ROWS), LABELS])
    assert [row[:3] for row in rows] == [
        [str(at), str(label), str(shares[at].argmax())] for at, label in enumerate(LABELS)
    ]
    assert [float(row[3]) for row in rows] == pytest.approx(shares.max(axis=1), rel=1e-5)
    assert [float(row[4]) for row in rows] == pytest.approx(losses, rel=1e-5)
    assert found.metrics["loss"] == pytest.approx(losses.mean(), rel=1e-6)
    _, worst = found.predictions.rows(by_loss=True)
    assert [int(row[0]) for row in worst] == np.argsort(-losses, kind="stable").tolist()
    expected = np.zeros((3, 3), int)
    np.add.at(expected, (LABELS, shares.argmax(axis=1)), 1)
    (confusion,) = found.confusions
    np.testing.assert_array_equal(confusion.counts, expected)
    assert [each.examples for each in confusion.scores()] == np.bincount(LABELS).tolist()


@pytest.mark.parametrize(
    "loss",
    [
        "cross_entropy(y, batch.label, ignore=1)",
        "nll(log_softmax(y, axis=1), batch.label, ignore=1)",
        "cross_entropy(y, batch.label, ignore=1, class_weights=[1.0, 2.0, 3.0])",
        "cross_entropy(y, batch.label, mask=batch.label != 1)",
    ],
)
def test_labels_that_do_not_count_are_in_no_matrix(loss: str, tmp_path: Path) -> None:
    columns = {"x": SCORES, "label": LABELS}
    found = evaluation(tmp_path, loss, columns, "x: f32[3], label: i64[]")
    (confusion,) = found.confusions
    assert confusion.actual.tolist() == [*np.bincount(LABELS)[:1], 0, np.bincount(LABELS)[2]]
    _, rows = found.predictions.rows()
    assert [row[1] for row in rows] == ["" if n == 1 else str(n) for n in LABELS]


def test_images_of_labels_have_their_accuracy(tmp_path: Path) -> None:
    found = evaluation(
        tmp_path, "cross_entropy(y, batch.map, axis=1)", {"x": PLANES, "map": MAP},
        "x: f32[3, 2, 2], map: i64[2, 2]",
    )  # fmt: skip
    titles, rows = found.predictions.rows()
    assert titles == ["example", "map accuracy", "loss"]
    right = (PLANES.argmax(axis=1) == MAP).reshape(ROWS, -1).mean(axis=1)
    assert [float(row[1]) for row in rows] == right.tolist()
    (confusion,) = found.confusions
    assert confusion.counts.sum() == MAP.size
    assert np.trace(confusion.counts) == (PLANES.argmax(axis=1) == MAP).sum()


@pytest.mark.parametrize(
    ("loss", "x"),
    [
        ("bce_with_logits(y, cast(batch.yes, f32))", SCORES[:, 0]),
        ("bce_with_logits(y, cast(batch.yes, f32), pos_weight=3.0)", SCORES[:, 0]),
        ("bce(y, cast(batch.yes, f32))", 1.0 / (1.0 + np.exp(-SCORES[:, 0]))),
    ],
)
def test_of_two_classes_the_more_probable_one_is_predicted(
    loss: str, x: Array, tmp_path: Path
) -> None:
    yes = LABELS > 0
    columns = {"x": x.astype(np.float32), "yes": yes.astype(np.int64)}
    found = evaluation(tmp_path, loss, columns, "x: f32[], yes: i64[]")
    _, rows = found.predictions.rows()
    share = 1.0 / (1.0 + np.exp(-SCORES[:, 0].astype(np.float64)))
    assert [row[1:3] for row in rows] == [
        [str(int(a)), str(int(b))] for a, b in zip(yes, share > 0.5, strict=True)
    ]
    assert [float(row[3]) for row in rows] == pytest.approx(np.maximum(share, 1 - share), rel=1e-5)
    losses = -np.log(np.where(yes, share, 1 - share))
    assert [float(row[4]) for row in rows] == pytest.approx(losses, rel=1e-4)


@pytest.mark.parametrize("loss", ["mse(y, batch.t)", "mean(abs(batch.t - y))", "huber(y, batch.t)"])
def test_numbers_have_a_column_for_each(loss: str, tmp_path: Path) -> None:
    columns = {"x": SCORES, "t": SCORES + 0.5}
    found = evaluation(tmp_path, loss, columns, "x: f32[3], t: f32[3]")
    titles, rows = found.predictions.rows()
    truth = [f"t[{at}]" for at in range(3)]
    assert titles == ["example", *truth, *(f"{name} predicted" for name in truth), "loss"]
    table = np.array([row[1:] for row in rows], float)
    np.testing.assert_allclose(table[:, 3:6] + 0.5, table[:, :3], atol=1e-5)
    np.testing.assert_allclose(table[:, 6], 0.25, rtol=1e-5)
    assert found.confusions == []


@pytest.mark.parametrize(
    ("kind", "scores", "titles"),
    [("classes", [symbol("N"), symbol("T"), 2], ["tag accuracy"]), ("numbers", None, [])],
)
def test_examples_of_different_lengths_have_no_columns_for_each(
    kind: Kind, scores: list[Size] | None, titles: list[str]
) -> None:
    sequence = (symbol("N"), symbol("T"))
    predicted = TensorType(F32, tuple(scores or sequence))
    actual = TensorType(I64, (*sequence, 1)) if scores else predicted
    target = Target(kind, "tag", Value("p", predicted), Value("a", actual), 2)
    table = Found(target)
    for length in (1, 3, 2):
        shape = [2, length, 2] if scores else [2, length]
        table.add(DRAW.normal(size=shape), np.zeros([2, length, 1] if scores else shape), None)
    assert [title for title, _ in table.columns(lambda _: ())] == titles
    assert len(np.concatenate(table.loss)) == 6
    assert table.counts is None or table.counts.sum() == 12


def test_an_axis_joined_with_that_of_the_examples_is_counted_only(tmp_path: Path) -> None:
    found = evaluation(
        tmp_path, "cross_entropy(reshape(transpose(y, [0, 2, 3, 1]), [-1, 3]), "
        "reshape(batch.map, [-1]))", {"x": PLANES, "map": MAP}, "x: f32[3, 2, 2], map: i64[2, 2]",
    )  # fmt: skip
    (confusion,) = found.confusions
    assert np.trace(confusion.counts) == (PLANES.argmax(axis=1) == MAP).sum()
    with pytest.raises(netlang.InputError, match="there are no predictions to write"):
        found.predictions.rows()


def test_a_loss_that_compares_nothing_has_no_predictions(tmp_path: Path) -> None:
    found = evaluation(tmp_path, "mean(y ** 2)", {"x": SCORES}, "x: f32[3]")
    with pytest.raises(netlang.InputError) as error:
        found.predictions.rows()
    assert error.value.message == (
        "there are no predictions to write: no column of the data is compared with an output by "
        "the loss"
    )


FOLDER = """
net Tiny(image: f32[N, 3, 4, 4]) -> logits: f32[N, 2] = image |> flatten |> dense(2)

train it {
  data = image_folder("shown", size=4) |> batches(2)
  model = new Tiny()
  loss = cross_entropy(model(batch.image), batch.label)
  optimizer = sgd(0.5)
  run = 40 epochs
}
"""


def test_the_command_writes_names_of_files_and_classes_and_the_matrix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, color in (("cat", "black"), ("dog", "white")):
        (tmp_path / "shown" / name).mkdir(parents=True)
        for at in range(2):
            Image.new("RGB", (5, 5), color).save(tmp_path / "shown" / name / f"{at}.png")
    (tmp_path / "it.net").write_text(FOLDER, "utf-8")
    assert ran("train", "it.net") == 0
    capsys.readouterr()
    weights = ("-w", "runs/it/model.safetensors")
    outputs = ("-o", "all.csv", "-o", "matrix.svg", "-o", "matrix.png")
    assert ran("evaluate", "it.net", *weights, *outputs) == 0
    shown = capsys.readouterr().out
    assert shown[shown.index("\n\n") :] == (
        "\n\n"
        "  label  precision  recall      f1  examples\n"
        "  cat       1.0000  1.0000  1.0000         2\n"
        "  dog       1.0000  1.0000  1.0000         2\n"
        "\n"
        "  label \\ predicted  cat  dog\n"
        "  cat                  2    0\n"
        "  dog                  0    2\n"
        "all.csv: predictions for 4 examples\n"
        "matrix.svg: the confusion matrix of `label`\n"
        "matrix.png: the confusion matrix of `label`\n"
    )
    rows = list(csv.reader((tmp_path / "all.csv").read_text("utf-8").splitlines()))
    assert [row[:3] for row in rows] == [
        ["example", "label", "label predicted"],
        ["cat/0.png", "cat", "cat"], ["cat/1.png", "cat", "cat"],
        ["dog/0.png", "dog", "dog"], ["dog/1.png", "dog", "dog"],
    ]  # fmt: skip
    assert ">dog</text>" in (tmp_path / "matrix.svg").read_text("utf-8")
    with Image.open(tmp_path / "matrix.png") as image:
        assert image.size[0] > 200
    assert ran("evaluate", "it.net", *weights, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["classes"]["label"]["confusion"] == [[2, 0], [0, 2]]
    assert told["classes"]["label"]["scores"][1] == {
        "class": "dog", "precision": 1.0, "recall": 1.0, "f1": 1.0, "examples": 2
    }  # fmt: skip
    assert ran("evaluate", "it.net", *weights, "-o", "out.txt") == 2
    assert capsys.readouterr().err == (
        "error[unknown-format]: out.txt: predictions are written as .csv, a confusion matrix as "
        ".svg or .png\n   |\n   = help: write to `out.csv`\n"
    )
