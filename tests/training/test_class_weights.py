"""Weights of classes that balance the training data.

Tests ``netlang.training.class_weights`` and ``netlang.evaluate.builtins.class_weights``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import said

import netlang

LABELS = [0, 0, 0, 1, 2, 2, 0, 1]
WEIGHTS = [8 / 12, 8 / 6, 8 / 6]
PROGRAM = """
dataset rows(file: str) -> (x: f32[2], label: i64[]) {
  npz = file
}

net Line(x: f32[N, 2]) -> logits: f32[N, 3] = dense(x, 3)

train line {
  data = rows("t.npz") |> batches(4)
  valid = rows("v.npz") |> batches(4)
  model = new Line()
  loss = cross_entropy(model(batch.x), batch.label, class_weights=WEIGHTS)
  optimizer = sgd(0.1)
  run = 3 epochs
}
"""

TAGGED = """
dataset rows -> (x: f32[T], label: i64[T]) { jsonl = "t.jsonl" }

net Tag(x: f32[N, T]) -> logits: f32[N, T, 2] = dense(unsqueeze(x, 2), 2)

train tagged {
  data = rows() |> batches(1)
  model = new Tag()
  loss = cross_entropy(model(batch.x), batch.label, axis=2, class_weights=balanced)
  optimizer = sgd(0.1)
  run = 1 epochs
}
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save("t.npz", LABELS)
    save("v.npz", [0, 1, 2])
    Path("line.net").write_text(PROGRAM.replace("WEIGHTS", "balanced"))


def save(path: str, labels: list[int]) -> None:
    x = np.random.default_rng(len(labels)).normal(size=(len(labels), 2)).astype(np.float32)
    np.savez(path, x=x, label=np.array(labels))


def loss(program: netlang.Program, folder: str) -> float:
    """Train, and return the last loss on the validation data."""
    program.train(folder=folder, seed=1)
    return float(program.evaluate(f"{folder}/model.safetensors", "line").metrics["loss"])


def test_balanced_weights_are_those_of_the_training_data() -> None:
    balanced = netlang.load("line.net")
    given = netlang.loads(PROGRAM.replace("WEIGHTS", str(WEIGHTS)), "line.net")
    assert loss(balanced, "a") == pytest.approx(loss(given, "b"), rel=1e-6)


def test_two_losses_have_weights_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    """The second call has the same arguments but for the labels, and is not a copy of the first."""
    one = "cross_entropy(model(batch.x), batch.label, class_weights=WEIGHTS)"
    other = one.replace("batch.label", "batch.other")
    text = PROGRAM.replace("label: i64[])", "label: i64[], other: i64[])")
    text = text.replace(one, f"{one} + {other}").replace("WEIGHTS", "balanced")
    x = np.zeros((8, 2), np.float32)
    np.savez("t.npz", x=x, label=np.array(LABELS), other=np.array([0, 1, 2, 2, 2, 2, 2, 2]))
    np.savez("v.npz", x=x, label=np.array(LABELS), other=np.array(LABELS))
    Path("line.net").write_text(text)
    code, out, _ = said(capsys, "train", "line.net")
    assert code == 0
    assert "class weights of `label`: 0 0.6667, 1 1.333, 2 1.333\n" in out
    assert "class weights of `other`: 0 2.667, 1 2.667, 2 0.4444\n" in out


def test_padding_does_not_count_as_a_class(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [[0, 1], [1], [0, 1, 1, 0, 1, 0, 0]] * 200
    lines = [{"x": [1.0] * len(row), "label": row} for row in rows]
    Path("t.jsonl").write_text("\n".join(map(json.dumps, lines)))
    Path("tagged.net").write_text(TAGGED)
    code, out, err = said(capsys, "train", "tagged.net")
    assert code == 0, err
    assert "class weights of `label`: 0 1, 1 1\n" in out


def test_they_are_printed_saved_and_used_by_evaluate_and_resume(
    capsys: pytest.CaptureFixture[str],
) -> None:
    weights = "runs/line/model.safetensors"
    code, out, _ = said(capsys, "train", "line.net")
    assert code == 0
    assert "class weights of `label`: 0 0.6667, 1 1.333, 2 1.333\n" in out
    fitted = netlang.load("line.net")["Line"].load(weights).fitted
    assert fitted is not None
    assert list(fitted.columns["label"].class_weights) == pytest.approx(WEIGHTS)
    before = said(capsys, "evaluate", "line.net", "line", "--weights", weights)
    save("t.npz", [0, 1, 1, 1, 1, 1, 2, 2])
    assert said(capsys, "evaluate", "line.net", "line", "--weights", weights) == before


def test_a_compiled_step_has_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "compile", "line.net", "--train", "line", "-o", "step.onnx")[0] == 0
    import onnx

    graph = onnx.load("step.onnx").graph
    constants = [onnx.numpy_helper.to_array(i) for i in graph.initializer]
    constants += [
        onnx.numpy_helper.to_array(a.t)
        for node in graph.node
        if node.op_type == "Constant"
        for a in node.attribute
    ]
    assert any(
        each.shape == (3,) and np.allclose(each, WEIGHTS) for each in constants if each.ndim == 1
    )


def test_ignored_labels_are_not_counted(capsys: pytest.CaptureFixture[str]) -> None:
    save("t.npz", [*LABELS, 255, 255])
    Path("line.net").write_text(PROGRAM.replace("WEIGHTS", "balanced, ignore=255"))
    assert "0 0.6667, 1 1.333, 2 1.333" in said(capsys, "train", "line.net")[1]


def test_a_class_without_examples_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    save("t.npz", [0, 0, 2, 2])
    code, _, err = said(capsys, "train", "line.net")
    assert code != 0
    assert "no example of t.npz has the class 1 of `label`, so nothing balances it" in err
    assert "help: give the weights themselves, such as `class_weights=[1.0, 3.0]`" in err


@pytest.mark.parametrize(
    ("net", "told"),
    [
        (
            "net A(x: f32[N, 3], y: i64[N]) -> z = cross_entropy(x, y, class_weights=balanced)",
            "`balanced` counts the labels of the training data",
        ),
        (
            "net A(x: f32[N, 3], y: i64[N]) -> z: f32[] = cross_entropy(x, y, class_weights=2.0)",
            "`class_weights` must be a list with a number for each class, or `balanced`",
        ),
        (
            "net A(x: f32[N, 3], y: i64[N]) -> z: f32[] = cross_entropy(x, y, class_weights=[1.0])",
            "`class_weights` must have a weight for each class",
        ),
    ],
)
def test_what_weights_cannot_be_is_reported(net: str, told: str) -> None:
    with pytest.raises(netlang.Error) as caught:
        netlang.loads(net + "\n")["A"]
    assert told in str(caught.value)


@pytest.mark.parametrize("labels", [[1, 1, 1, 2], [0, 0, 1, 1, 1, 2]])
def test_a_class_that_is_ignored_needs_no_examples(
    labels: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    """Padding is often class 0, whether or not the data have it."""
    save("t.npz", labels)
    Path("line.net").write_text(PROGRAM.replace("WEIGHTS", "balanced, ignore=0"))
    code, out, err = said(capsys, "train", "line.net")
    assert code == 0, err
    assert "class weights of `label`: 0 0, 1 0.6667, 2 2\n" in out
