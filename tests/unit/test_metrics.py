"""The metrics of the library have the values of scikit-learn, of a batch and of a dataset.

``tests/data/metrics.json`` has these values; with scikit-learn, a slow test computes them again.
Tests ``netlang.prelude`` and ``netlang.training.totals``.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netlang
from netlang.api.errors import ProgramError
from netlang.storage.npy import write_npz
from netlang.system.numpy import Array

STORED = Path(__file__).parents[1] / "data" / "metrics.json"
EXAMPLES, CLASSES = 120, 4
AVERAGES = ("macro", "micro", "weighted")

SEVERAL = {
    **{
        f"{name} {average}": f'{name}(logits, label, average="{average}")'
        for name in ("precision", "recall", "f1", "iou", "dice")
        for average in AVERAGES
    },
    **{f"{name} of 2": f"{name}(logits, label, of=2)" for name in ("precision", "recall", "f1")},
    "iou ignoring": "iou(logits, label, ignore=1)",
    "f1 masked": "f1(logits, label, mask=counted)",
    "auc": "auc(logits, label)",
    "auc masked": "auc(logits, label, mask=counted)",
    "average_precision": "average_precision(logits, label)",
}
TWO = {
    f"{name} of two": f"{name}(score, yes)"
    for name in ("precision", "recall", "f1", "iou", "dice", "auc", "average_precision")
}
IMAGES = {
    "iou of images": "iou(planes, map, axis=1)",
    "dice of images": "dice(planes, map, axis=1, mask=shown)",
    "auc of images": "auc(planes, map, axis=1, mask=shown)",
}
NUMBERS = {"r2": "r2(x, target)", "mae": "mae(x, target)"}
METRICS = {**SEVERAL, **TWO, **IMAGES, **NUMBERS}

COLUMNS = {
    "logits": f"f32[{CLASSES}]", "label": "i64[]", "counted": "bool[]", "score": "f32[]",
    "yes": "i64[]", "planes": f"f32[{CLASSES}, 3, 5]", "map": "i64[3, 5]", "shown": "bool[3, 5]",
    "x": "f32[2]", "target": "f32[2]",
}  # fmt: skip


def inputs() -> dict[str, Array]:
    """Return columns of examples, with scores that are equal and a class that is never right."""
    draw = np.random.default_rng(3)
    label = draw.integers(0, CLASSES, EXAMPLES)
    logits = draw.normal(size=(EXAMPLES, CLASSES)) + 1.5 * np.eye(CLASSES)[label]
    logits[:, 3] -= 9.0
    target = draw.normal(size=(EXAMPLES, 2)) + np.array([1000.0, 0.0])
    score = draw.normal(size=EXAMPLES)
    return {
        "logits": logits.astype(np.float32),
        "label": label,
        "counted": draw.random(EXAMPLES) < 0.7,
        "score": score.round(1).astype(np.float32),
        "yes": (score + draw.normal(size=EXAMPLES) > 0.3).astype(np.int64),
        "planes": draw.normal(size=(EXAMPLES, CLASSES, 3, 5)).astype(np.float32),
        "map": draw.integers(0, CLASSES, (EXAMPLES, 3, 5)),
        "shown": draw.random((EXAMPLES, 3, 5)) < 0.6,
        "x": (target + 0.3 * draw.normal(size=target.shape)).astype(np.float32),
        "target": target.astype(np.float32),
    }


def softmax(x: Array, axis: int) -> Array:
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def computed() -> dict[str, float]:
    """Return the values of scikit-learn."""
    sk: Any = pytest.importorskip("sklearn.metrics")
    scores = {
        "precision": sk.precision_score, "recall": sk.recall_score, "f1": sk.f1_score,
        "iou": sk.jaccard_score, "dice": sk.f1_score,
    }  # fmt: skip
    given = inputs()
    label, counted, yes = given["label"], given["counted"], given["yes"]
    chosen, known = given["logits"].argmax(1), label != 1
    shares, positive = softmax(given["logits"], 1), given["score"] > 0
    shown, planes, map = given["shown"], given["planes"], given["map"]
    plane, share = planes.argmax(1), np.moveaxis(softmax(planes, 1), 1, -1)
    found: dict[str, float] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class that is never predicted
        for name, score in scores.items():
            for average in AVERAGES:
                found[f"{name} {average}"] = score(label, chosen, average=average)
            found[f"{name} of two"] = score(yes, positive)
        for name in ("precision", "recall", "f1"):
            found[f"{name} of 2"] = scores[name](label, chosen, average=None)[2]
        found["f1 masked"] = sk.f1_score(label[counted], chosen[counted], average="macro")
        found["iou ignoring"] = sk.jaccard_score(label[known], chosen[known], average="macro")
    found |= {
        "auc": sk.roc_auc_score(label, shares, multi_class="ovr"),
        "auc masked": sk.roc_auc_score(label[counted], shares[counted], multi_class="ovr"),
        "average_precision": sk.average_precision_score(np.eye(CLASSES)[label], shares),
        "auc of two": sk.roc_auc_score(yes, given["score"]),
        "average_precision of two": sk.average_precision_score(yes, given["score"]),
        "iou of images": sk.jaccard_score(map.ravel(), plane.ravel(), average="macro"),
        "dice of images": sk.f1_score(map[shown], plane[shown], average="macro"),
        "auc of images": sk.roc_auc_score(map[shown], share[shown], multi_class="ovr"),
        "r2": sk.r2_score(given["target"], given["x"]),
        "mae": sk.mean_absolute_error(given["target"], given["x"]),
    }
    return {name: float(found[name]) for name in METRICS}


def expected() -> dict[str, float]:
    return json.loads(STORED.read_text("utf-8"))


@pytest.mark.slow
def test_the_stored_values_are_those_of_scikit_learn() -> None:
    assert expected() == pytest.approx(computed(), rel=1e-12)


def test_a_batch_has_the_values_of_scikit_learn_on_both_back_ends() -> None:
    columns = ", ".join(
        f"{name}: {type.replace('[', '[N, ').replace(', ]', ']')}" for name, type in COLUMNS.items()
    )
    outputs = {f"m{i}": value for i, value in enumerate(METRICS.values())}
    body = "".join(f"  {name} = {value}\n" for name, value in outputs.items())
    net = netlang.loads(f"net All({columns}) -> ({', '.join(outputs)}) {{\n{body}}}")["All"]
    for found in (net.run(inputs(), backend="numpy"), net.run(inputs())):
        values = {name: float(v) for name, v in zip(METRICS, found.values(), strict=True)}
        assert values == pytest.approx(expected(), rel=2e-6)


@pytest.mark.parametrize("size", [EXAMPLES, 50, 7])
def test_a_dataset_has_the_values_of_scikit_learn_however_it_is_batched(
    size: int, tmp_path: Path
) -> None:
    write_npz(tmp_path / "rows.npz", inputs())
    declared = ", ".join(f"{name}: {type}" for name, type in COLUMNS.items())
    bound = "".join(f"  {name} = batch.{name}\n" for name in COLUMNS if name != "x")
    metrics = ", ".join(f"({value}) as m{i}" for i, value in enumerate(METRICS.values()))
    (tmp_path / "it.net").write_text(
        f'dataset rows -> ({declared}) {{ npz = "rows.npz" }}\n'
        "net Same(x: f32[N, 2]) -> y: f32[N, 2] {\n  w = param([2], 1.0)\n  y = x * w\n}\n"
        f"train it {{\n  data = rows() |> batches({size})\n{bound}  model = new Same()\n"
        "  x = model(batch.x)\n  loss = mean(x ** 2)\n"
        f"  metrics = [{metrics}]\n  optimizer = sgd(0.1)\n  run = 1 epoch\n}}\n",
        "utf-8",
    )
    program = netlang.load(tmp_path / "it.net")
    found = program.evaluate(program["Same"])
    assert found.examples == EXAMPLES
    values = {name: found.metrics[f"m{i}"] for i, name in enumerate(METRICS)}
    # Scores are stored as the back end computes them: the softmax of float32.
    assert values == pytest.approx(expected(), rel=1e-6)
    counts = [name for name in METRICS if "auc" not in name and name not in NUMBERS]
    for name in counts:
        assert values[name] == pytest.approx(expected()[name], rel=1e-12), name


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("confusion(logits, label)", [[1, 1, 0], [0, 1, 0], [1, 0, 0]]),
        ("confusion(logits[:, 0], label == 0)", [[0, 2], [0, 2]]),
        ("confusion(logits, label, ignore=0)", [[0, 0, 0], [0, 1, 0], [1, 0, 0]]),
        ("precision(logits * 0.0 - 1.0, cast(logits > 9.0, i64))", 0.0),
        ("auc(logits, label * 0)", np.nan),
        ("r2(logits * 0.0 + 1.0, logits * 0.0 + 1.0)", 1.0),
        ("r2(logits, logits * 0.0)", 0.0),
    ],
)
def test_counts_and_cases_without_a_value(value: str, expected: object) -> None:
    net = netlang.loads(f"net It(logits: f32[N, 3], label: i64[N]) -> y = {value}")["It"]
    logits = np.array([[3, 1, 2], [1, 3, 2], [1, 3, 2], [3, 1, 2]], np.float32)
    for found in (net.interpret(logits, [0, 0, 1, 2]), net(logits, [0, 0, 1, 2])):
        np.testing.assert_array_equal(found["y"], np.array(expected, np.float32))


def test_an_example_with_nan_is_in_no_column_and_has_no_rank() -> None:
    net = netlang.loads(
        "net It(logits: f32[N, 2], label: i64[N]) -> (counts, recalled, area) {\n"
        "  counts = confusion(logits, label)\n"
        "  recalled = recall(logits, label)\n"
        "  area = auc(logits, label)\n}"
    )["It"]
    logits = np.array([[1.0, np.nan], [2.0, 1.0], [1.0, 2.0]], np.float32)
    for found in (net.interpret(logits, [0, 0, 1]), net(logits, [0, 0, 1])):
        np.testing.assert_array_equal(found["counts"], [[1, 0], [0, 1]])
        assert float(found["recalled"]) == 0.75
        assert np.isnan(found["area"])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("f1(x[:, :1], label)", "these logits have an axis for classes, and one class: leave it "
         "out, `squeeze(logits, axis)`"),
        ("auc(planes, label)", "`label` must have the shape of `logits`, or that shape without the "
         "axis of the classes"),
        ('recall(x, label, average="mean")', '`average` must be "macro", "micro" or "weighted"'),
        ("iou(x[:, 0], label, of=1)", "`of` chooses one of several classes, and these logits have "
         "only two"),
    ],
)  # fmt: skip
def test_labels_that_do_not_fit_and_averages_that_are_unknown(value: str, message: str) -> None:
    text = f"net It(x: f32[N, 3], planes: f32[N, 3, 4], label: i64[N]) -> y = {value}"
    with pytest.raises(ProgramError) as error:
        netlang.loads(text)["It"]
    assert f"error[assertion]: {message}\n" in str(error.value)
