"""Tensors whose elements are written in a program.

Tests ``netlang.evaluate.builtins.literals``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from graphs import graph_of
from models import to_onnx

import netlang
from netlang.backends import reference
from netlang.backends.ort import Session
from netlang.ir.arrays import show_array
from netlang.ir.text import parse_graph, print_graph
from netlang.system.numpy import Array

LITERALS = {
    "1.5": np.array(1.5, np.float32),
    "[1.0, 2]": np.array([1, 2], np.float32),
    "[[1, 2, 3], [4, 5, -6]]": np.array([[1, 2, 3], [4, 5, -6]], np.int64),
    "[[true], [false]]": np.array([[True], [False]]),
    "[[[0.5]], [[-1e-3]]]": np.array([[[0.5]], [[-1e-3]]], np.float32),
    "1..4": np.array([1, 2, 3, 4], np.int64),
    "[(1, 2), (3, 4)]": np.array([[1, 2], [3, 4]], np.int64),
    "[i * 0.5 for i in 0..3]": np.array([0, 0.5, 1, 1.5], np.float32),
    "[[i * j for j in 1..2] for i in 1..3]": np.array([[1, 2], [2, 4], [3, 6]], np.int64),
    "[1, 2], dtype=i32": np.array([1, 2], np.int32),
    "[1, 2.5], dtype=f64": np.array([1, 2.5], np.float64),
    "[0, 255], dtype=u8": np.array([0, 255], np.uint8),
    "[65504], dtype=f16": np.array([65504], np.float16),
}


def _net(text: str, type: str) -> str:
    return (
        f"net L(x: f32[N, 2]) -> (y: f32[N, 2], z: {type}) {{\n  y = x\n  z = tensor({text})\n}}\n"
    )


@pytest.mark.parametrize("text", LITERALS)
def test_a_tensor_holds_the_numbers_as_written_on_both_back_ends(tmp_path: Path, text: str) -> None:
    expected = LITERALS[text]
    graph = graph_of(tmp_path, _net(text, show_array(expected)))
    feeds: dict[str, Array] = {"x": np.zeros((3, 2), np.float32)}
    parsed = parse_graph(print_graph(graph))
    for made in (
        reference.run(graph, feeds, {})["z"],
        reference.run(parsed, feeds, {})["z"],
        Session(to_onnx(graph, {})).run(feeds)["z"],
    ):
        np.testing.assert_array_equal(made, expected, strict=True)


def test_a_layer_after_a_written_tensor_is_trained(tmp_path: Path) -> None:
    file = tmp_path / "fit.net"
    file.write_text(
        'dataset rows() -> (x: f32[2], y: f32[1]) {\n  csv = "rows.csv"\n}\n'
        "net Fit(x: f32[N, 2]) -> y: f32[N, 1] = dense(x @ tensor([[2.0, 0.0], [0.0, 4.0]]), 1)\n"
        "train fit {\n  data = rows() |> batches(2)\n  model = new Fit()\n"
        "  near = tensor([0.5])\n"
        "  loss = mse(model(batch.x) + near, batch.y)\n"
        "  optimizer = sgd(lr=0.05)\n  run = 200 epochs\n}\n"
    )
    (tmp_path / "rows.csv").write_text("x1,x2,y\n1,0,1\n0,1,2\n", encoding="utf-8")
    for backend in ("onnxruntime", "numpy"):
        run = netlang.load(file).train("fit", folder=tmp_path / backend, backend=backend)
        (trained,) = run.networks.values()
        y = trained(np.eye(2, dtype=np.float32))["y"]
        np.testing.assert_allclose(y, [[0.5], [1.5]], atol=0.01)


REJECTED = {
    "[[1, 2], [3]]": "the lists of a tensor have different lengths",
    "[[1, 2], 3]": "the lists of a tensor have different lengths",
    "[[k for k in 1..n] for n in 1..3]": "the lists of a tensor have different lengths",
    "[1, true]": "a tensor holds either Booleans or numbers",
    "[1.5], dtype=i64": "`i64` has no such element",
    "[true], dtype=f32": "`f32` has no such element",
    "[1], dtype=bool": "`bool` has no such element",
    "[256], dtype=u8": "this number is too large for `u8`",
    "[-129], dtype=i8": "this number is too large for `i8`",
    "[1e39]": "this number is too large for `f32`",
    "[]": "an empty list has no shape and no element type",
    "[[], []]": "an empty list has no shape and no element type",
    "[x, x]": "a tensor is written as numbers in lists",
    "[N]": "a tensor is written as numbers in lists",
    '["a"]': "a tensor is written as numbers in lists",
    "[" * 33 + "1" + "]" * 33: "no tensor has more than 32 axes",
    "0..100_000": "a tensor in a program has at most 100,000 elements",
    "[0..60_000, 0..60_000]": "a tensor in a program has at most 100,000 elements",
    "[[0 for i in 1..2000] for j in 1..2000]": "this expands to 4,002,001 calls",
}


@pytest.mark.parametrize("text", REJECTED)
def test_other_values_are_errors(text: str) -> None:
    with pytest.raises(netlang.Error) as caught:
        netlang.loads(_net(text, "f32[1]"))["L"]
    assert REJECTED[text] in str(caught.value)
