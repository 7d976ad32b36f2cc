"""Loops at run time: both back ends agree, hoisting keeps values, a layer is a scan of its cell.

Tests ``netlang.passes.hoist_scan`` and ``netlang.ops.looping``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from shutil import copy

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models import to_onnx

from netlang.backends import reference
from netlang.backends.onnx import check
from netlang.backends.ort import Session
from netlang.diagnostics.diagnostic import Severity
from netlang.inference.verification import sample_inputs
from netlang.ir.graph import Graph, verify
from netlang.ir.initializers import initialize
from netlang.ir.types import DType
from netlang.ops.looping.scan import Scan
from netlang.passes.autodiff import vjp
from netlang.passes.hoist_scan import hoist_scan
from netlang.passes.pipeline import transform
from netlang.program import RECURSION_LIMIT, load
from netlang.system.numpy import Array

few = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

# Hypothesis asks that a test leaves the limit alone, which loading a program raises once.
sys.setrecursionlimit(max(sys.getrecursionlimit(), RECURSION_LIMIT))

# What an iteration may bind: {a}, {b} are values [N, 4] of it, from outside or carried.
STEPS = (
    "dense({a}, 4)",
    "linear({a}, w)",
    "{a} + {b}",
    "{a} - fixed",
    "fixed * {a}",
    "{a} * row",
    "0.5 * {a}",
    "tanh({a})",
    "sigmoid({a})",
    "softmax({a}, axis=-1)",
    "softmax({a}, axis=0)",
    "concat([{a}, {b}], axis=-1) |> dense(4)",
    "split(dense({a}, 8), 2, axis=-1)[1]",
    "squeeze(unsqueeze({a}, 1), 1)",
    "unsqueeze({a}, 0) |> squeeze(0)",
    "dropout({a}, 0.5)",
    "embedding(word, 10, 4) + {a}",
    "cast({a} > {b}, f32)",
    "select({a} > 0.0, {b}, fixed)",
    "select(fixed > 0.0, {b}, row)",
    "layer_norm({a})",
    "sum({a} * {b}, axis=-1, keep=true) * {a}",
    "({a} * {b})[:, 1:2] + {b}",
    "tanh(fixed) + tanh(row)",
    "maximum({a}, {b}) + wide[:, 0:4]",
    "(scan st in past with u = {a} {{ next u = tanh(u + st + 0.5 * fixed) }})",
)


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Write a net with a scan over three sequences and two carried values."""
    known = ["x", "z", "h", "k", "fixed"]
    lines: list[str] = []
    for number in range(draw(st.integers(2, 7))):
        template = draw(st.sampled_from(STEPS))
        a, b = (draw(st.sampled_from(known[-5:])) for _ in range(2))
        text = template.format(a=a, b=b)
        lines.append(f"    v{number} = {text}")
        known.append(f"v{number}")
    values = [draw(st.sampled_from(known)) for _ in range(4)]
    body = "\n".join(lines)
    return f"""net Looped(
  xs: f32[N, T, 4], zs: f32[N, T, 4], words: i64[N, T], past: f32[N, S, 4],
  fixed: f32[N, 4], row: f32[4], h0: f32[N, 4],
) -> (loss: f32[], y1: f32[N, T, 4], y2: f32[N, T, 4], last: f32[N, 4], other: f32[N, 4]) {{
  w = param([4, 4], normal(0.5))
  wide = concat([fixed, fixed], axis=-1)
  ys, last, other = scan x, z, word in (xs, zs, words) with h = h0, k = fixed {{
{body}
    next h = 0.5 * tanh({values[0]}) + 0.5 * h
    next k = tanh({values[1]})
    yield ({values[2]}, {values[3]})
  }}
  y1 = ys[0]
  y2 = ys[1]
  loss = mean(y1 * y1) + mean(y2 * y2) + mean(last * other)
}}
"""


def graph_of(text: str, folder: Path, net: str = "Looped") -> Graph:
    file = folder / "looped.net"
    file.write_text(text, encoding="utf-8")
    program = load(file)
    errors = [d for d in program.diagnostics.items if d.severity is Severity.ERROR]
    assert errors == [], (text, errors)
    return program.net(net).graph


@few
@given(programs(), st.integers(1, 4))
def test_both_backends_agree_on_a_scan(tmp_path: Path, text: str, steps: int) -> None:
    graph = graph_of(text, tmp_path)
    weights = initialize(graph, 0)
    feeds = sample_inputs(graph, {"N": 2, "T": steps, "S": 3}, 0)
    model = to_onnx(graph, weights)
    check(model)
    close(Session(model, threads=1).run(feeds), reference.run(graph, feeds, weights))


@few
@given(programs())
def test_hoisting_preserves_the_results_of_a_scan(tmp_path: Path, text: str) -> None:
    graph = graph_of(text, tmp_path)
    hoisted = hoist_scan(graph)
    verify(hoisted)
    weights = initialize(graph, 0)
    feeds = sample_inputs(graph, {"N": 2, "T": 3, "S": 3}, 0)
    before = reference.run(graph, feeds, weights, dtype=DType.F64)
    after = reference.run(hoisted, feeds, weights, dtype=DType.F64)
    for name, array in before.items():
        np.testing.assert_allclose(after[name], array, rtol=1e-9, atol=1e-12)
    model = to_onnx(transform(graph), weights)
    check(model)
    close(Session(model, threads=1).run(feeds), reference.run(graph, feeds, weights))


@settings(few, max_examples=40)
@given(programs())
def test_hoisting_preserves_the_gradients_of_a_scan(tmp_path: Path, text: str) -> None:
    graph = graph_of(text, tmp_path)
    smooth = [v for v in (*graph.inputs, *graph.params) if v.type.dtype.is_float]
    gradients = vjp(graph, smooth)
    weights = initialize(graph, 0)
    feeds = sample_inputs(graph, {"N": 2, "T": 3, "S": 2}, 0)
    before = reference.run(gradients, feeds, weights, dtype=DType.F64)
    hoisted = transform(gradients)
    after = reference.run(hoisted, feeds, weights, dtype=DType.F64)
    for name, array in before.items():
        np.testing.assert_allclose(after[name], array, rtol=1e-9, atol=1e-12)
    close(Session(to_onnx(hoisted, weights), threads=1).run(feeds), before)


def close(actual: dict[str, Array], expected: dict[str, Array]) -> None:
    assert list(actual) == list(expected)
    for name, array in expected.items():
        np.testing.assert_allclose(actual[name], array, rtol=1e-4, atol=1e-5)


# ---- what is hoisted ---------------------------------------------------------------------


def inside(graph: Graph) -> list[list[str]]:
    """List the operators in the body of each scan."""
    return [
        [inner.op.name for inner in node.op.body.nodes]
        for node in graph.nodes
        if isinstance(node.op, Scan)
    ]


def test_only_what_depends_on_the_state_stays_in_the_loop(tmp_path: Path) -> None:
    graph = graph_of(
        """net Decoder(words: i64[N, T], memory: f32[N, S, 4]) -> logits: f32[N, T, 9] {
  logits, _ = scan word in words with h = memory[:, 0] {
    keys = dense(memory, 4)
    score = softmax(einsum("nd,nsd->ns", h, keys))
    look = einsum("ns,nsk->nk", score, memory)
    next h = tanh(dense(embedding(word, 9, 4), 4) as given + look)
    yield dense(h, 9)
  }
}""",
        tmp_path,
        "Decoder",
    )
    hoisted = transform(graph)
    assert inside(hoisted) == [["einsum", "softmax", "einsum", "add", "tanh"]]


def test_a_loop_that_carries_nothing_between_steps_disappears(tmp_path: Path) -> None:
    graph = graph_of(
        """net Each(xs: f32[N, T, 4]) -> y: f32[N, T, 3] {
  y = scan x in xs { yield relu(dense(x, 3)) }
}""",
        tmp_path,
        "Each",
    )
    assert inside(graph) == [["linear", "relu"]]
    assert inside(transform(graph)) == []


def test_several_scans_have_distinct_names(tmp_path: Path) -> None:
    graph = graph_of(
        """net Twice(x: f32[N, T, 3], n: i64[N]) -> loss: f32[] {
  y = lstm(x, 4, layers=2, bidirectional=true, length=n)
  loss = mean(y.y)
}""",
        tmp_path,
        "Twice",
    )
    gradients = transform(vjp(graph, list(graph.params)))
    weights = initialize(graph, 0)
    feeds = {"x": np.ones((2, 3, 3), dtype=np.float32), "n": np.array([3, 1])}
    expected = reference.run(gradients, feeds, weights)
    close(Session(to_onnx(gradients, weights), threads=1).run(feeds), expected)


# ---- layers ------------------------------------------------------------------------------

SCANS = Path(__file__).with_name("scans_of_cells.net")
STATES = {"rnn": ("h",), "gru": ("h",), "lstm": ("h", "c")}


def native_and_composite(kind: str, *, started: bool, lengths: bool) -> str:
    """Write a layer in both directions as one operator, and as two loops over its cell."""
    states = STATES[kind]
    ends = ", ".join(f"{s}: f32[2, N, 3]" for s in states)
    loss = " + ".join(f"sum({s} * {s} * {s})" for s in ("y", *states))
    last = "\n".join(f"  {s} = stack([ahead.{s}, back.{s}], axis=0)" for s in states)
    length = ", length=length" if lengths else ""
    whole = "".join(f", {s}0={s}0" for s in states) if started else ""
    one, two = (
        "".join(f", {s}0={s}0[{side}]" for s in states) if started else "" for side in (0, 1)
    )
    starts = ", ".join(f"{s}0: f32[2, N, 3]" for s in states)
    given = f"x: f32[N, T, 2], length: i64[N], {starts}"
    return f"""from "{SCANS.name}" import {kind}_scan

net Native({given}) -> (loss: f32[], y: f32[N, T, 6], {ends}) {{
  layer = {kind}(x, 3, bidirectional=true{whole}{length})
  y = layer.y
{chr(10).join(f"  {s} = layer.{s}" for s in states)}
  loss = {loss}
}}
net Composite({given}) -> (loss: f32[], y: f32[N, T, 6], {ends}) {{
  ahead = {kind}_scan(x, 3{one}{length})
  back = {kind}_scan(reverse_time(x{length}), 3{two}{length})
  y = concat([ahead.y, reverse_time(back.y{length})], axis=-1)
{last}
  loss = {loss}
}}
"""


@pytest.mark.parametrize("kind", STATES)
@pytest.mark.parametrize("started", [False, True], ids=["zeros", "started"])
@pytest.mark.parametrize("lengths", [False, True], ids=["full", "lengths"])
def test_a_layer_is_a_scan_of_its_cell(
    tmp_path: Path, kind: str, started: bool, lengths: bool
) -> None:
    """In its results, and in the gradients of their cubes."""
    states = STATES[kind]
    text = native_and_composite(kind, started=started, lengths=lengths)
    (tmp_path / "looped.net").write_text(text, encoding="utf-8")
    copy(SCANS, tmp_path)
    program = load(tmp_path / "looped.net")
    assert [d for d in program.diagnostics.items if d.severity is Severity.ERROR] == []
    native, composite = (program.net(name).graph for name in ("Native", "Composite"))
    weights = initialize(native, 1)
    feeds = sample_inputs(native, {"N": 4, "T": 5}, 2)
    feeds["length"] = np.array([5, 2, 0, 1])
    renamed = {by_cell(name): array for name, array in weights.items()}
    gradients = [
        vjp(graph, [v for v in (*graph.inputs, *graph.params) if v.type.dtype.is_float])
        for graph in (native, composite)
    ]
    actual, expected = (
        reference.run(graph, feeds, given, dtype=DType.F64)
        for graph, given in zip(gradients, (weights, renamed), strict=True)
    )
    actual = {by_cell(name): array for name, array in actual.items()}
    assert actual.keys() == expected.keys()
    assert len(actual) == 2 + len(states) + len(weights) + 1 + len(states)
    for name, array in expected.items():
        np.testing.assert_allclose(actual[name], array, rtol=1e-9, atol=1e-12, err_msg=name)
    for before, after in ((native, composite), gradients):
        found, wanted = (
            Session(to_onnx(transform(graph), given), threads=1).run(feeds)
            for graph, given in ((before, weights), (after, renamed))
        )
        found = {by_cell(name): array for name, array in found.items()}
        close({name: found[name] for name in wanted}, wanted)


def by_cell(name: str) -> str:
    """Turn the name of a layer's weight into that of the cell in a loop."""
    return name.replace("layer.0.reverse.", "back.cell.").replace("layer.0.", "ahead.cell.")
