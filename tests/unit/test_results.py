"""What ``netlang run`` prints about the outputs of a net."""

from __future__ import annotations

import json

import numpy as np
import pytest

from netlang.cli.results import describe, to_json
from netlang.inference.scores import shares


def test_scores_are_shown_as_the_best_classes_with_their_probabilities() -> None:
    scores = np.log(np.array([[0.1, 0.2, 0.6, 0.1]], np.float32))
    assert describe({"logits": scores}, 2) == (
        "logits  f32[1, 4]\n"
        "  class 2    -0.5108   60.0%  ████████████\n"
        "  class 1    -1.6094   20.0%  ████"
    )


def test_probabilities_are_not_normalized_again() -> None:
    given = np.array([[0.25, 0.75]], np.float32)
    assert shares(given).tolist() == [[0.25, 0.75]]


def test_probabilities_of_large_scores_do_not_overflow() -> None:
    assert shares(np.array([[1e4, 0.0]], np.float32)).tolist() == [[1.0, 0.0]]


def test_each_example_of_a_batch_has_its_classes_and_many_are_counted() -> None:
    lines = describe({"logits": np.zeros((14, 3), np.float32)}, 1).splitlines()
    assert lines[:3] == [
        "logits  f32[14, 3]",
        "  example 0",
        "  class 0     0.0000   33.3%  ███████",
    ]
    assert lines[-1] == "  + 2 more examples"


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.array([1.5, -2.0], np.float32), "y  f32[2]\n  [ 1.5, -2. ]"),
        (np.array(3, np.int64), "y  i64[]\n  3"),
        (np.arange(100, dtype=np.float32), "y  f32[100]\n  from 0 to 99, mean 49.5"),
        (np.eye(10, dtype=bool), "y  bool[10, 10]\n  10 of 100 are true"),
        (np.full(20, np.nan, np.float32), "y  f32[20]\n  none of 20 numbers is finite"),
        (
            np.append(np.zeros(13, np.float32), np.float32("inf")),
            "y  f32[14]\n  from 0 to 0, mean 0, 1 not finite",
        ),
        (np.zeros((0, 4), np.float32), "y  f32[0, 4]\n  []"),
    ],
    ids=["few", "one", "many", "bools", "nan", "infinite", "empty"],
)
def test_other_outputs_are_listed_or_described(array: np.ndarray, said: str) -> None:
    assert describe({"y": array}, 5) == said


def test_scores_that_are_not_finite_are_not_ranked() -> None:
    assert "class" not in describe({"logits": np.array([[np.nan, 1.0]], np.float32)}, 5)


def test_json_has_the_numbers_and_marks_those_that_are_not_finite() -> None:
    content = to_json({"y": np.array([[1.0, np.inf]], np.float32)}, 5)
    assert json.loads(json.dumps(content, allow_nan=False)) == {
        "y": {"type": "f32[1, 2]", "shape": [1, 2], "values": [[1.0, "inf"]]}
    }


def test_json_of_scores_has_the_best_classes() -> None:
    content = to_json({"logits": np.array([[0.0, 0.0, 9.0]], np.float32)}, 1)
    assert content["logits"] == {
        "type": "f32[1, 3]",
        "shape": [1, 3],
        "top": [[{"class": 2, "score": 9.0, "share": pytest.approx(0.99975, abs=1e-5)}]],
        "values": [[0.0, 0.0, 9.0]],
    }


def test_json_omits_large_arrays() -> None:
    content = to_json({"y": np.zeros(20_000, np.float32)}, 5)
    assert content == {"y": {"type": "f32[20000]", "shape": [20000]}}
