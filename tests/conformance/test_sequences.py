"""Recurrent layers and attention against PyTorch: weights, shapes, cost, and numbers in float64.

In `layers_sequences.jsonl` the i-th element of the j-th weight (from 1) is `0.5 sin(0.7 i +
0.3 j)`, that of an input `sin(0.7 i + 0.1)`; sequences are [T, N, features].
"""

from __future__ import annotations

import json
from collections import Counter
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graphs import graph_of
from models import to_onnx

from netlang.analysis.summary import summarize
from netlang.backends import reference
from netlang.inference.verification import verify
from netlang.ir.dims import bind
from netlang.ir.graph import Graph
from netlang.ir.initializers import initialize
from netlang.passes.pipeline import transform
from netlang.program import load
from netlang.system.numpy import Array

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data" / "layers_sequences.jsonl"
CASES: list[dict[str, Any]] = [json.loads(line) for line in DATA.read_text().splitlines()]
NAMES = [f"{n}-{case['layer']}" for n, case in enumerate(CASES)]
every_case = pytest.mark.parametrize("case", CASES, ids=NAMES)
NUMERIC = [(name, case) for name, case in zip(NAMES, CASES, strict=True) if "numbers" in case]


def layer(folder: Path, case: dict[str, Any]) -> Graph:
    """Write a net of the one layer, batch first."""
    attributes: dict[str, Any] = case["attrs"]
    match case["layer"]:
        case "MultiheadAttention":
            return graph_of(folder, attention(case))
        case "GRUCell":
            size, units = attributes["input_size"], attributes["hidden_size"]
            return graph_of(
                folder,
                f"net A(x: f64[N, {size}], h: f64[N, {units}]) -> y: f64[N, {units}] "
                f"{{ y = gru_cell(x, h, {units}) }}",
            )
        case kind:
            return graph_of(folder, recurrent(kind.lower(), attributes))


def recurrent(kind: str, attributes: dict[str, Any]) -> str:
    options = {
        "layers": attributes.get("num_layers"),
        "bidirectional": "true" if attributes.get("bidirectional") else None,
        "dropout": attributes.get("dropout"),
        "activation": f'"{a}"' if (a := attributes.get("nonlinearity")) else None,
    }
    given = "".join(f", {k}={v}" for k, v in options.items() if v is not None)
    sizes = str(attributes["hidden_size"])
    if "proj_size" in attributes:
        kind, sizes = "projected_lstm", f"{sizes}, {attributes['proj_size']}"
    results = "y, h, c" if "lstm" in kind else "y, h"
    return (
        f"net A(x: f64[N, T, {attributes['input_size']}]) -> ({results}) {{\n"
        f"  layer = {kind}(x, {sizes}{given})\n"
        + "".join(f"  {r} = layer.{r}\n" for r in results.split(", "))
        + "}\n"
    )


def attention(case: dict[str, Any]) -> str:
    (_, t, width), (_, s, _), _ = case["input"]
    bias = "true" if case["attrs"].get("bias", True) else "false"
    return (
        f"net A(x: f64[N, {t}, {width}], memory: f64[N, {s}, {width}]) -> y {{\n"
        f"  y = multi_head_attention(x, {case['attrs']['num_heads']}, key=memory, bias={bias})\n"
        "}\n"
    )


def pytorch_name(path: str) -> str:
    """Turn our path of a recurrent weight into PyTorch's name."""
    name = path.removeprefix("layer.").removeprefix("y.")
    number, _, rest = name.partition(".")
    if not number.isdigit():
        return name
    side = "_reverse" if rest.startswith("reverse.") else ""
    return f"{rest.removeprefix('reverse.')}_l{number}{side}"


@every_case
def test_a_layer_has_the_weights_pytorch_gives_it(tmp_path: Path, case: dict[str, Any]) -> None:
    graph = layer(tmp_path, case)
    shapes = {
        pytorch_name(p.path): [bind(d, {}) for d in p.type.shape] for p in graph.params.values()
    }
    if case["layer"] == "MultiheadAttention":
        actual, expected = stacked(shapes), case["param_shapes"]
    elif "proj_size" in case["attrs"] or case["layer"] == "GRUCell":
        actual = shapes
        expected = {k.removesuffix("_l0"): v for k, v in case["param_shapes"].items()}
    else:
        actual, expected = shapes, case["param_shapes"]
    assert actual == expected
    assert case.get("params", summarize(graph).params) == summarize(graph).params


def stacked(shapes: dict[str, list[int]]) -> dict[str, list[int]]:
    """Stack the weights of queries, keys and values as PyTorch does."""
    found: dict[str, list[int]] = {}
    for kind in ("weight", "bias"):
        if f"q.{kind}" in shapes:
            (rows, *columns), *others = (shapes[f"{part}.{kind}"] for part in "qkv")
            assert others == [[rows, *columns]] * 2
            found[f"in_proj_{kind}"] = [3 * rows, *columns]
            found[f"out_proj.{kind}"] = shapes[f"out.{kind}"]
    return found


@every_case
def test_a_layer_gives_the_shapes_pytorch_gives(tmp_path: Path, case: dict[str, Any]) -> None:
    graph = layer(tmp_path, case)
    results = computed(graph, case)
    if case["layer"] in ("GRUCell", "MultiheadAttention"):
        expected = case["output"] if case["layer"] == "GRUCell" else case["output"][0]
        assert [list(a.shape) for a in results] == [expected]
        return
    y, states = case["output"]
    states = [states] if case["layer"] != "LSTM" else states
    several = len(graph.params) > 5
    wanted = [[y[1], y[0], y[2]], *(s if several else s[1:] for s in states)]
    assert [list(a.shape) for a in results] == wanted


def computed(graph: Graph, case: dict[str, Any]) -> list[Array]:
    weights = {
        p.path: 0.5 * wave([n for n in p.type.shape if isinstance(n, int)], 0.3 * j)
        for j, p in enumerate(graph.params.values(), start=1)
    }
    match case["layer"]:
        case "MultiheadAttention":
            given = {"x": wave(case["input"][0], 0.1), "memory": wave(case["input"][1], 0.1)}
        case "GRUCell":
            shape = case["input"]
            given = {"x": wave(shape, 0.1), "h": wave([shape[0], case["output"][1]], 0.1)}
        case _:
            given = {"x": wave(case["input"], 0.1).swapaxes(0, 1)}
    return list(reference.run(graph, given, weights).values())


def wave(shape: list[int], start: float) -> Array:
    return np.sin(0.7 * np.arange(prod(shape)) + start).reshape(shape)


@pytest.mark.parametrize("case", [c for _, c in NUMERIC], ids=[n for n, _ in NUMERIC])
def test_a_layer_computes_the_numbers_pytorch_computes(
    tmp_path: Path, case: dict[str, Any]
) -> None:
    y, *states = computed(layer(tmp_path, case), case)
    numbers, ends = case["numbers"]
    np.testing.assert_allclose(y.swapaxes(0, 1).reshape(-1), numbers, rtol=1e-8, atol=2e-9)
    ends = ends if isinstance(ends[0], list) else [ends]
    for state, end in zip(states, ends, strict=True):
        np.testing.assert_allclose(state.reshape(-1), end, rtol=1e-8, atol=2e-9)


def test_a_recurrent_layer_counts_every_gate_of_every_step(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """net A(x: f32[N, 100, 128]) -> y: f32[N, 10] {
  layer = lstm(x, 256)
  y = dense(layer.h, 10)
}""",
    )
    assert summarize(graph).macs == 39_324_160


def test_attention_counts_both_of_its_products(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path, "net A(x: f32[N, 100, 256]) -> y { y = multi_head_attention(x, 8, causal=true) }"
    )
    assert summarize(graph).macs == 31_334_400


@pytest.mark.parametrize(("kind", "node"), [("rnn", "RNN"), ("gru", "GRU"), ("lstm", "LSTM")])
def test_a_layer_is_one_node_for_each_direction(tmp_path: Path, kind: str, node: str) -> None:
    graph = graph_of(
        tmp_path,
        f"net A(x: f32[N, T, 3]) -> y {{\n"
        f"  layer = {kind}(x, 4, layers=3, bidirectional=true)\n  y = layer.y\n}}\n",
    )
    model = to_onnx(transform(graph), initialize(graph, 0))
    kinds = Counter(p.op_type for p in model.graph.node if p.op_type != "Constant")
    # What puts the batch first stands before the first layer and after the last.
    assert kinds == {node: 6, "Squeeze": 6, "Concat": 3, "Transpose": 2}


def test_weights_that_two_calls_share_are_written_once(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """net A(x: f32[N, T, 4], z: f32[N, T, 4]) -> y {
  shared = new lstm(4)
  one = shared(x)
  two = shared(z)
  y = one.y - two.y
}""",
    )
    model = to_onnx(transform(graph), initialize(graph, 0))
    weights = {t.name: list(t.dims) for t in model.graph.initializer}
    assert sorted(weights.values()) == [[1, 16, 4], [1, 16, 4], [1, 32]]
    assert all(comparison.ok for comparison in verify(graph))


def test_a_loop_over_what_was_turned_reads_it_as_it_is(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """net A(x: f32[3, T, 4]) -> (back, whole, y) {
  there = transpose(x, [1, 2, 0])
  back = transpose(there, [2, 0, 1])
  again = transpose(x, [1, 2, 0])
  whole = concat([there, again], axis=-1)
  y = scan t in back with h = x[:, 0] { next h = tanh(h + t) }
}""",
    )
    assert all(comparison.ok for comparison in verify(graph))
    model = to_onnx(graph, {})
    turns = [list(n.input) for n in model.graph.node if n.op_type == "Transpose"]
    assert turns.count(["x"]) == 1


EXAMPLES: dict[str, dict[str, dict[str, int]]] = {
    "language_models.net": {
        "RNN": {}, "GRU": {}, "LSTM": {}, "DeepLSTM": {}, "BiLSTM": {}, "Classifier": {},
        "Series": {},
    },
    "recurrent_by_hand.net": {"RNN": {"units": 16}, "GRU": {"units": 16}, "Peephole": {"units": 8}},
    "bigru.net": {"Sentiment": {"vocab": 50, "units": 8}},
    "char_lstm.net": {"CharLSTM": {"T": 3}},
    "seq2seq.net": {"Translator": {}, "Encode": {}, "DecodeStep": {}},
    "transformer.net": {"Bert": {"vocab": 60, "width": 64, "depth": 2}},
    "gpt2.net": {"GPT2": {"vocab": 60, "width": 64, "depth": 2}},
    "translation.net": {"Transformer": {"vocab": 60, "width": 32, "depth": 2}},
    "word2vec.net": {"SkipGram": {"words": 40, "dim": 6}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("file", "name"), [(file, name) for file, nets in EXAMPLES.items() for name in nets]
)
def test_both_back_ends_agree_on_an_example(file: str, name: str) -> None:
    graph = load(ROOT / "examples" / file).net(name).bind(EXAMPLES[file][name])
    for each in (graph, transform(graph)):
        assert all(comparison.ok for comparison in verify(each))


@pytest.mark.parametrize(
    ("label", "mask", "expected"),
    [([1, 0, 0, 0], [1, 1, 1, 1], 0.9352), ([0, 1, 0, 0], [1, 1, 0, 0], 1.8462)],
)
def test_negative_sampling_leaves_padding_out(
    tmp_path: Path, label: list[int], mask: list[int], expected: float
) -> None:
    """The losses printed in Dive into Deep Learning 15.4."""
    graph = graph_of(
        tmp_path,
        """net Loss(score: f32[N, K], label: f32[N, K], mask: f32[N, K]) -> loss: f32[] {
  loss = bce_with_logits(score, label, mask=mask)
}""",
    )
    rows = {"score": [1.1, -2.2, 3.3, -4.4], "label": label, "mask": mask}
    feeds = {name: np.array([row], dtype=np.float32) for name, row in rows.items()}
    (loss,) = reference.run(graph, feeds, {}).values()
    assert round(float(loss), 4) == expected
