"""What recurrent layers, attention and scans reject, at check and at run time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from models import to_onnx

from netlang.backends import reference
from netlang.backends.ort import ExecutionError, Session
from netlang.diagnostics.errors import InputError
from netlang.inference.verification import sample_inputs
from netlang.ir.graph import Graph
from netlang.ir.initializers import initialize
from netlang.program import Program, load


def program(folder: Path, text: str) -> Program:
    file = folder / "bad.net"
    file.write_text(text, encoding="utf-8")
    return load(file)


MISTAKES = [
    ("x: f32[N, 4]", "gru(x, 3)", "shape-mismatch", "`x` must be f32[N, T, D]"),
    ("x: f32[N, T, 4, 4]", "rnn(x, 3)", "shape-mismatch", "`x` must be f32[N, T, D]"),
    ("x: i64[N, T, 4]", "lstm(x, 3)", "dtype-mismatch",
     "`x` takes floating-point numbers, not i64"),
    ("x: f32[N, T, 4], h: f32[N, 5]", "gru(x, 3, h0=h)", "shape-mismatch",
     "`h0` must be f32[N, 3]"),
    ("x: f32[N, T, 4], h: f32[N, 3]", "gru(x, 3, layers=2, h0=h)", "assertion",
     "there must be one state for each layer and direction: [layers * directions, N, units]"),
    ("x: f32[N, T, 4], h: f32[3, N, 3]", "gru(x, 3, bidirectional=true, h0=h)", "assertion",
     "there must be one state for each layer and direction: [layers * directions, N, units]"),
    ("x: f32[N, T, 4], n: i64[M]", "gru(x, 3, length=n)", "shape-mismatch",
     "`length` must be i64[N]"),
    ("x: f32[N, T, 4], n: f32[N]", "gru(x, 3, length=n)", "dtype-mismatch",
     "`length` takes i64 elements, not f32"),
    ("x: f32[N, T, 4]", "gru(x, 3, layers=0)", "assertion",
     "`layers` must be at least 1"),
    ("x: f32[N, 8, 4]", "learned_positions(x, 6)", "index-out-of-range",
     "the range 0:8 goes beyond the axis"),
    ("x: f32[N, T]", "embedding(x, 5, 3)", "dtype-mismatch", "`ids` takes i64 elements, not f32"),
    ("q: f32[N, T, 4], k: f32[N, S, 5]", "attention(q, k, k)", "shape-mismatch",
     "`k` must be f32[N, S, 4]"),
    ("q: f32[N, T, 4], m: bool[3, 3]", "attention(q, q, q, mask=m)", "shape-mismatch",
     "these two shapes don't fit together"),
    ("x: f32[N, T, 4], m: f32[N, 4]", "decoder_layer(x, m, 2, 8)", "shape-mismatch",
     "`memory` must be f32[N, S, M]"),
    ("x: f32[N, T, 4]", "scan t in x with h = x[:, 0] { next h = cast(t, f64) }",
     "carried-shape", "`h` changes shape from one step to the next"),
    ("x: f32[T]", "scan t in x { yield t }", "wrong-type",
     "`scan` walks along axis 1 of a tensor [N, T, ...]"),
    ("x: f32[N, T, 4], n: f32[N]", "length_mask(n, x)", "dtype-mismatch",
     "`length` takes i64 elements, not f32"),
    ("x: f32[N, T, 4]", 'rnn(x, 3, activation="rely")', "out-of-range",
     '`activation` must be one of "tanh", "relu"'),
    ("x: f32[N, T, 4]", "gru(x, T)", "undecided-size", "a free dimension has no value yet"),
    ("x: f32[N, T, 4]", "multi_head_attention(x, 3)", "assertion",
     "the width (4) must be divisible by the number of heads (3)"),
    ("x: f32[N, T, 4], m: f32[N, T]", "multi_head_attention(x, 2, mask=m)", "dtype-mismatch",
     "`mask` takes bool elements, not f32"),
    ("x: f32[N, T, 4], m: bool[N]", "multi_head_attention(x, 2, mask=m)", "assertion",
     "a mask is [N, S] for padding, or [N, T, S], or [N, heads, T, S]"),
    ("x: f32[N, T, 4], m: bool[N, S]", "multi_head_attention(x, 2, mask=m)", "shape-mismatch",
     "these two shapes don't fit together"),
    ("x: f32[N, T, 4], k: f32[M, S, 4]", "multi_head_attention(x, 2, key=k)", "shape-mismatch",
     "`key` must be f32[N, S, 4]"),
    ("x: f32[N, T, 5]", "rotary(x)", "assertion",
     "pairs of columns are rotated, so the width (5) must be even"),
    ("x: f32[N, T, 4]", "scan t in x with h = x[:, 0] { next h = dense(t, 5) }", "carried-shape",
     "`h` changes shape from one step to the next"),
    ("x: f32[N, T, 4]", "scan t in x with h = x[:, 0] { next h = 0.0 }", "wrong-type",
     "`h` is carried at run time, so its next value must be a tensor"),
    ("x: f32[N, T, 4]", "scan t in x { yield 1.0 }", "wrong-type", "a `scan` yields tensors"),
    ("x: f32[N, T, 4], z: f32[N, S, 4]", "scan a, b in (x, z) { yield a + b }",
     "shape-mismatch", "these sequences differ in number or length"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("inputs", "call", "rule", "message"), MISTAKES, ids=[f"{m[1]} of {m[0]}" for m in MISTAKES]
)
def test_an_error_is_reported_once_where_it_is_written(
    tmp_path: Path, inputs: str, call: str, rule: str, message: str
) -> None:
    text = f"net Bad({inputs}) -> y {{\n  y = {call}\n}}\n"
    (found,) = program(tmp_path, text).diagnostics.items
    assert (found.rule.code, found.message) == (rule, message)
    assert found.span.line == 2
    assert not found.span.source.library


LENGTHS = """net Lengths(x: f32[N, T, 4], n: i64[N]) -> y {
  layer = gru(x, 3, length=n)
  y = layer.y
}
"""
WORDS = """net Words(tokens: i64[N, T]) -> y {
  y = embedding(tokens, 10, 3) |> learned_positions(6)
}
"""


def run_both(graph: Graph, feeds: dict[str, np.ndarray]) -> tuple[str, str]:
    """Return what either back end says against the input."""
    weights = initialize(graph, 0)
    with pytest.raises(InputError) as numpy:
        reference.run(graph, feeds, weights)
    with pytest.raises(ExecutionError) as onnx:
        Session(to_onnx(graph, weights), threads=1).run(feeds)
    return numpy.value.message, " ".join(onnx.value.notes)


@pytest.mark.parametrize(("row", "length"), [(1, 6), (0, -1)])
def test_a_length_beyond_the_sequence_is_reported_with_its_line(
    tmp_path: Path, row: int, length: int
) -> None:
    graph = program(tmp_path, LENGTHS).net("Lengths").graph
    feeds = sample_inputs(graph, {"N": 2, "T": 5}, 0)
    feeds["n"] = np.array([5, 5])
    feeds["n"][row] = length
    numpy, onnx = run_both(graph, feeds)
    assert f"row {row} has length {length}, and the sequences have 5 steps" in numpy
    assert "bad.net:2" in numpy
    assert "bad.net:2" in onnx


def test_a_token_that_is_not_a_word_is_reported_with_its_line(tmp_path: Path) -> None:
    graph = program(tmp_path, WORDS).net("Words").graph
    numpy, onnx = run_both(graph, {"tokens": np.array([[1, 10]])})
    assert "bad.net:2" in numpy
    assert "bad.net:2" in onnx


def test_a_sequence_with_more_steps_than_learned_positions_is_reported(tmp_path: Path) -> None:
    graph = program(tmp_path, WORDS).net("Words").graph
    numpy, onnx = run_both(graph, {"tokens": np.zeros((1, 7), dtype=np.int64)})
    assert "bad.net:2" in numpy
    assert "bad.net:2" in onnx


def test_a_number_starts_every_state(tmp_path: Path) -> None:
    text = """net Started(x: f32[N, T, 4]) -> (y, same) {
  layer = new lstm(3, layers=2)
  one = layer(x, h0=0.5)
  two = layer(x, h0=full([2, N, 3], 0.5), c0=0.0)
  y = one.y
  same = two.y
}
"""
    graph = program(tmp_path, text).net("Started").graph
    feeds = sample_inputs(graph, {"N": 2, "T": 3}, 0)
    results = reference.run(graph, feeds, initialize(graph, 0))
    np.testing.assert_array_equal(results["y"], results["same"])
    assert np.abs(results["y"]).max() > 0


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_a_layer_without_bias_is_one_whose_biases_are_zero(tmp_path: Path, kind: str) -> None:
    text = f"""net Plain(x: f32[N, T, 4]) -> y {{
  layer = {kind}(x, 3, layers=2, bidirectional=true, bias=false)
  y = layer.y
}}
net Biased(x: f32[N, T, 4]) -> y {{
  layer = {kind}(x, 3, layers=2, bidirectional=true)
  y = layer.y
}}
"""
    loaded = program(tmp_path, text)
    plain, biased = loaded.net("Plain").graph, loaded.net("Biased").graph
    weights = initialize(plain, 0)
    assert all("weight" in name for name in weights)
    every = initialize(biased, 0)
    zeros = {name: np.zeros_like(a) for name, a in every.items() if "bias" in name}
    assert {*weights, *zeros} == every.keys()
    feeds = sample_inputs(plain, {"N": 2, "T": 3}, 0)
    expected = reference.run(biased, feeds, {**weights, **zeros})
    np.testing.assert_array_equal(reference.run(plain, feeds, weights)["y"], expected["y"])


def test_padding_changes_nothing_before_it(tmp_path: Path) -> None:
    """A shorter sequence alone gives what it gives next to a longer one, in both directions."""
    text = """net Padded(x: f32[N, T, 4], n: i64[N]) -> (y, h) {
  layer = gru(x, 3, layers=2, bidirectional=true, length=n)
  y = layer.y
  h = layer.h
}
"""
    graph = program(tmp_path, text).net("Padded").graph
    weights = initialize(graph, 0)
    feeds = sample_inputs(graph, {"N": 2, "T": 5}, 0)
    feeds["n"] = np.array([3, 5])
    together = reference.run(graph, feeds, weights)
    alone = reference.run(graph, {"x": feeds["x"][:1, :3], "n": np.array([3])}, weights)
    np.testing.assert_allclose(together["y"][:1, :3], alone["y"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(together["h"][:, :1], alone["h"], rtol=1e-5, atol=1e-6)
    assert not together["y"][0, 3:].any()
