"""Branches and loops of ONNX models become programs that compute the same.

Tests ``netlang.importing.nodes``, ``netlang.importing.calls`` and ``netlang.importing.operators``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
from imported_models import body, check_import, saved
from onnx import TensorProto, helper

import netlang
from netlang.api.importing import read_onnx
from netlang.system.numpy import Array

NODE = helper.make_node
W = np.random.default_rng(0).standard_normal((4, 4)).astype(np.float32) / 2
BIAS = np.array([0.5, -0.25, 1.0, 2.0], np.float32)


def graph(
    nodes: Sequence[onnx.NodeProto],
    outputs: Sequence[str],
    inputs: Sequence[onnx.ValueInfoProto] = (),
    name: str = "inner",
) -> onnx.GraphProto:
    return helper.make_graph(nodes, name, inputs, [onnx.ValueInfoProto(name=o) for o in outputs])


def number(name: str, value: int) -> onnx.NodeProto:
    return NODE("Constant", [], [name], value_int=value)


def branches(
    condition: Sequence[onnx.NodeProto], yes: onnx.NodeProto, no: onnx.NodeProto
) -> list[onnx.NodeProto]:
    chosen = NODE(
        "If", ["c"], ["y"], name="either",
        then_branch=graph([yes], yes.output), else_branch=graph([no], no.output),
    )  # fmt: skip
    return [*condition, chosen]


def test_a_known_condition_chooses_a_branch(tmp_path: Path) -> None:
    condition = [
        NODE("Shape", ["x"], ["s"]),
        number("at", 1),
        NODE("Gather", ["s", "at"], ["n"]),
        number("four", 4),
        NODE("Equal", ["n", "four"], ["c"]),
    ]
    nodes = branches(condition, NODE("Relu", ["x"], ["a"]), NODE("Tanh", ["x"], ["a"]))
    assert body(check_import(saved(tmp_path, nodes, {"x": ["N", 4]}))) == "y = relu(x)"
    assert body(check_import(saved(tmp_path, nodes, {"x": ["N", 5]}))) == "y = tanh(x)"


def test_both_branches_are_computed_if_the_data_chooses(tmp_path: Path) -> None:
    condition = [
        NODE("ReduceSum", ["x"], ["s"], keepdims=0),
        NODE("Constant", [], ["zero"], value_float=0.0),
        NODE("Greater", ["s", "zero"], ["c"]),
    ]
    nodes = branches(condition, NODE("Relu", ["x"], ["a"]), NODE("Tanh", ["x"], ["b"]))
    imported = check_import(saved(tmp_path, nodes, {"x": ["N", 4]}))
    assert body(imported) == "a = relu(x) b = tanh(x) y = (sum(x) > 0.0) |> select(a, b)"
    nodes = branches(
        condition, NODE("Relu", ["x"], ["a"]), NODE("ReduceSum", ["x"], ["b"], keepdims=0)
    )
    with pytest.raises(netlang.FileError) as caught:
        read_onnx(saved(tmp_path, nodes, {"x": ["N", 4]}))
    assert caught.value.message == (
        f"node 4, If `either` of {tmp_path}/made.onnx returns f32[N, 4] or f32[], which only the "
        "data tells"
    )
    assert caught.value.helps == ("export the model with a constant condition",)


def loop(
    nodes: Sequence[onnx.NodeProto], outputs: Sequence[str], *, results: Sequence[str] = ("y",)
) -> onnx.NodeProto:
    value = helper.make_tensor_value_info
    given = [
        value("i", TensorProto.INT64, []),
        value("go", TensorProto.BOOL, []),
        value("h", TensorProto.FLOAT, ["N", 4]),
    ]
    inner = graph(nodes, ["go", *outputs], given)
    return NODE("Loop", ["m", "", "x"], results, name="again", body=inner)


def test_a_loop_of_known_length_becomes_a_for(tmp_path: Path) -> None:
    step = [
        NODE("MatMul", ["h", "w"], ["a"]),
        NODE("Add", ["a", "bias"], ["b"]),
        NODE("Tanh", ["b"], ["next"]),
    ]
    nodes = [number("m", 5), loop(step, ["next"])]
    arrays: dict[str, Array] = {"w": W, "bias": BIAS}
    imported = check_import(saved(tmp_path, nodes, {"x": ["N", 4]}, arrays), 20)
    assert str(imported.text) == (
        "net Made(x: f32[N, 4]) -> y {\n"
        "  a = new dense(4)\n"
        "  y = for i in 1..5 with h = x {\n"
        "    next h = h |> a |> tanh\n"
        "  }\n"
        "}\n"
    )


def test_the_number_of_an_iteration_and_what_is_collected(tmp_path: Path) -> None:
    step = [
        NODE("Cast", ["i"], ["f"], to=TensorProto.FLOAT),
        NODE("Add", ["h", "f"], ["next"]),
        NODE("Mul", ["next", "next"], ["square"]),
    ]
    nodes = [
        number("m", 3),
        loop(step, ["next", "square"], results=["last", "all"]),
        NODE("ReduceSum", ["all"], ["sum"], keepdims=1),
        NODE("Add", ["last", "sum"], ["y"]),
    ]
    imported = check_import(saved(tmp_path, nodes, {"x": ["N", 4]}))
    assert "stack([" in imported.text


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        ([NODE("Shape", ["x"], ["s"]), number("z", 0), NODE("Gather", ["s", "z"], ["m"])],
         "is repeated as often as a size or the data says"),
        ([number("m", 2**40)], "has more than 10,000 iterations"),
    ],
)  # fmt: skip
def test_a_loop_of_another_length_is_rejected(
    length: Sequence[onnx.NodeProto], expected: str, tmp_path: Path
) -> None:
    nodes = [*length, loop([NODE("Identity", ["h"], ["next"])], ["next"])]
    with pytest.raises(netlang.FileError) as caught:
        read_onnx(saved(tmp_path, nodes, {"x": ["N", 4]}))
    assert expected in caught.value.message
    assert "Loop `again`" in caught.value.message


def test_a_node_inside_a_loop_is_rejected_by_name_and_place(tmp_path: Path) -> None:
    nodes = [number("m", 2), loop([NODE("Det", ["h"], ["next"], name="det")], ["next"])]
    path = saved(tmp_path, nodes, {"x": ["N", 4]})
    with pytest.raises(netlang.FileError) as caught:
        read_onnx(path)
    assert caught.value.message == (
        f"node 1, Det `det` in the `body` of node 2, Loop `again` of {path} has no counterpart"
    )


def test_a_loop_that_makes_too_many_nodes_is_rejected(tmp_path: Path) -> None:
    names = ["h", *(f"a{at}" for at in range(99)), "next"]
    step = [NODE("Tanh", [a], [b]) for a, b in pairwise(names)]
    with pytest.raises(netlang.FileError, match="is in a loop that makes more than 50,000 nodes"):
        read_onnx(saved(tmp_path, [number("m", 9_999), loop(step, ["next"])], {"x": ["N", 4]}))


def scan(nodes: Sequence[onnx.NodeProto], **settings: list[int]) -> onnx.NodeProto:
    value = helper.make_tensor_value_info
    given = [value(n, TensorProto.FLOAT, ["N", 4]) for n in ("h", "xt")]
    inner = graph(nodes, ["next", "out"], given)
    made = NODE("Scan", ["h0", "x"], ["last", "y"], body=inner, num_scan_inputs=1)
    made.attribute.extend(helper.make_attribute(name, axes) for name, axes in settings.items())
    return made


STEP = [
    NODE("MatMul", ["h", "w"], ["a"]),
    NODE("Add", ["a", "xt"], ["b"]),
    NODE("Tanh", ["b"], ["next"]),
    NODE("Identity", ["next"], ["out"]),
]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"scan_input_axes": [1], "scan_output_axes": [1]},
         "y, _ = scan xt in x with h = h0 { a = tanh(dense(h, 4, bias=false) + xt) "
         "next h = a yield a }"),
        ({"scan_input_axes": [1], "scan_output_axes": [-2], "scan_input_directions": [1],
          "scan_output_directions": [1]},
         "a = flip(x, axis=1) b, _ = scan xt in a with h = h0 { "
         "b = tanh(dense(h, 4, bias=false) + xt) next h = b yield b } y = flip(b, axis=1)"),
    ],
)  # fmt: skip
def test_a_scan_becomes_a_scan(
    settings: dict[str, list[int]], expected: str, tmp_path: Path
) -> None:
    inputs: dict[str, Sequence[int | str]] = {"h0": ["N", 4], "x": ["N", "T", 4]}
    imported = check_import(saved(tmp_path, [scan(STEP, **settings)], inputs, {"w": W}), 16)
    assert body(imported) == expected


def test_a_scan_over_the_first_axis_walks_along_the_second(tmp_path: Path) -> None:
    inputs: dict[str, Sequence[int | str]] = {"h0": ["N", 4], "x": ["T", "N", 4]}
    imported = check_import(saved(tmp_path, [scan(STEP)], inputs, {"w": W}), 16)
    assert "transpose" in imported.text
    assert "scan xt in" in imported.text


def test_a_layer_inside_and_outside_of_a_scan_is_made_once(tmp_path: Path) -> None:
    nodes = [
        NODE("MatMul", ["g", "w"], ["h0"]),
        scan(STEP, scan_input_axes=[1], scan_output_axes=[1]),
    ]
    inputs: dict[str, Sequence[int | str]] = {"g": ["N", 4], "x": ["N", "T", 4]}
    imported = check_import(saved(tmp_path, nodes, inputs, {"w": W}), 16)
    assert "new dense(4, bias=false)" in imported.text


def test_a_scan_inside_of_a_scan(tmp_path: Path) -> None:
    text = (
        "net Inside(x: f32[N, T, U, 3]) -> y {\n"
        "  y, _ = scan row in x with h = full([N, 3], 0.0) {\n"
        "    line, last = scan cell in row with g = h {\n"
        "      deep = dense(cell, 3) as one |> relu |> dense(3) as two\n"
        "      next g = tanh(deep + g)\n"
        "      yield g\n"
        "    }\n"
        "    next h = last\n"
        "    yield line * unsqueeze(h, 1)\n"
        "  }\n"
        "}\n"
    )
    netlang.loads(text)["Inside"].compile(fold=False).save(tmp_path / "inside.onnx")
    imported = check_import(tmp_path / "inside.onnx", 24)
    assert str(imported.text).count("scan ") == 2


def test_a_value_with_two_names_is_read_under_both(tmp_path: Path) -> None:
    nodes = [
        NODE("MatMul", ["x", "w"], ["a"]),
        NODE("Identity", ["a"], ["b"]),
        NODE("Relu", ["a"], ["c"]),
        NODE("Add", ["b", "bias"], ["d"]),
        NODE("Mul", ["c", "d"], ["y"]),
    ]
    check_import(saved(tmp_path, nodes, {"x": ["N", 4]}, {"w": W, "bias": BIAS}), 20)


@pytest.mark.parametrize(
    "node",
    [
        NODE("Loop", ["m", "", "x"], ["y"], body=graph([], [])),
        NODE("If", ["c"], ["y"]),
        NODE("Scan", ["x"], ["y"], num_scan_inputs=7, body=graph([], [])),
        NODE("Scan", ["x"], ["y"], num_scan_inputs=1, body=graph([], [])),
    ],
)
def test_a_damaged_loop_or_branch_is_rejected(node: onnx.NodeProto, tmp_path: Path) -> None:
    arrays: dict[str, Array] = {"m": np.array(3), "c": np.array(True)}
    with pytest.raises(netlang.FileError, match="does not have the inputs and attributes of its"):
        read_onnx(saved(tmp_path, [node], {"x": ["N", 4]}, arrays))


def test_graphs_in_graphs_that_read_what_nothing_computes_are_rejected(tmp_path: Path) -> None:
    inner = loop([NODE("Tanh", ["nothing"], ["next"])], ["next"])
    with pytest.raises(netlang.FileError) as caught:
        read_onnx(saved(tmp_path, [number("m", 2), inner], {"x": ["N", 4]}))
    assert caught.value.message == (
        f"node 1, Tanh in the `body` of node 2, Loop `again` of {tmp_path}/made.onnx reads "
        "`nothing`, which nothing before it computes"
    )
