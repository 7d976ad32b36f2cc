"""Damaged and hostile ONNX files are rejected: nothing outside of their folder is read.

Tests ``netlang.backends.onnx.foreign``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import netlang
from netlang.api.importing import read_onnx
from netlang.backends.onnx import foreign
from netlang.backends.onnx.foreign import read_foreign

NODE = helper.make_node


def model(
    nodes: Sequence[onnx.NodeProto], arrays: Sequence[onnx.TensorProto] = (), opset: int = 18
) -> onnx.ModelProto:
    """Return a model with the input `x` and the output `y`."""
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        arrays,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    made.ir_version = 9
    return made


def save(folder: Path, made: onnx.ModelProto) -> Path:
    path = folder / "made.onnx"
    path.write_bytes(made.SerializeToString())
    return path


def refused(path: Path) -> str:
    """Return the message with which a file is rejected, without its folder."""
    with pytest.raises(netlang.Error) as caught:
        read_onnx(path)
    return caught.value.message.replace(f"{path.parent}/", "")


WEIGHT = numpy_helper.from_array(np.ones((4, 4), np.float32), "w")
PLAIN = [NODE("MatMul", ["x", "w"], ["y"])]


def test_a_file_that_was_cut_off_is_rejected(tmp_path: Path) -> None:
    content = model(PLAIN, [WEIGHT]).SerializeToString()
    path = tmp_path / "made.onnx"
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        assert "made.onnx" in refused(path)


def test_bytes_that_are_changed_never_end_in_another_error(tmp_path: Path) -> None:
    content = model(PLAIN, [WEIGHT]).SerializeToString()
    path = tmp_path / "made.onnx"
    rng = np.random.default_rng(0)
    for _ in range(150):
        changed = bytearray(content)
        for at in rng.integers(0, len(content), 3):
            changed[at] = rng.integers(0, 256)
        path.write_bytes(bytes(changed))
        try:
            read_foreign(path)
        except netlang.Error as error:
            assert "made.onnx" in error.message


def test_other_files_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "made.onnx"
    path.write_bytes(b"")
    assert refused(path) == "made.onnx is not an ONNX model: it has no graph"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" * 9)
    assert refused(path) == "made.onnx is not a complete ONNX model"
    assert refused(tmp_path) == f"{tmp_path.name} is not a regular file"


def test_a_cycle_is_rejected(tmp_path: Path) -> None:
    nodes = [NODE("Add", ["x", "b"], ["a"]), NODE("Relu", ["a"], ["b"]), NODE("Relu", ["b"], ["y"])]
    assert refused(save(tmp_path, model(nodes))) == (
        "node 1, Add of made.onnx reads `b`, which nothing before it computes"
    )


def test_a_value_that_is_computed_twice_is_rejected(tmp_path: Path) -> None:
    nodes = [NODE("Relu", ["x"], ["y"]), NODE("Tanh", ["x"], ["y"])]
    assert refused(save(tmp_path, model(nodes))) == "node 2, Tanh of made.onnx computes `y` again"


def _claim(tensor: onnx.TensorProto) -> None:
    tensor.dims[0] = 1 << 29


def _negative(tensor: onnx.TensorProto) -> None:
    tensor.dims[0] = -4


def _typed(tensor: onnx.TensorProto) -> None:
    tensor.ClearField("raw_data")
    tensor.float_data.extend([1.0, 2.0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_claim, "claims 2,147,483,648 elements, and its data has others"),
        (_negative, "has a shape that no array has"),
        (_typed, "claims 16 elements, and its data has others"),
    ],
)
def test_a_tensor_that_claims_more_than_it_has_is_rejected(
    change: Callable[[onnx.TensorProto], None], message: str, tmp_path: Path
) -> None:
    made = model(PLAIN, [WEIGHT])
    change(made.graph.initializer[0])
    assert refused(save(tmp_path, made)) == f"the tensor `w` of made.onnx {message}"


def test_constants_of_any_claimed_size_take_no_memory(tmp_path: Path) -> None:
    nodes = [
        NODE("Constant", [], ["s"], value_ints=[1 << 20, 1 << 20]),
        NODE("ConstantOfShape", ["s"], ["w"]),
        NODE("MatMul", ["x", "w"], ["y"]),
    ]
    assert refused(save(tmp_path, model(nodes))) == (
        "node 2, ConstantOfShape of made.onnx makes a constant that is too large"
    )


def test_too_many_nodes_are_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "_MOST_NODES", 2)
    nodes = [NODE("Relu", ["x" if n == 0 else f"a{n - 1}"], [f"a{n}"]) for n in range(3)]
    nodes[-1].output[0] = "y"
    assert refused(save(tmp_path, model(nodes))) == "made.onnx has 3 nodes; 2 is the most"


@pytest.mark.parametrize("opset", [6, 25])
def test_an_operator_set_that_is_not_known_is_rejected(opset: int, tmp_path: Path) -> None:
    path = save(tmp_path, model(PLAIN, [WEIGHT], opset))
    assert refused(path) == f"made.onnx uses opset {opset} of ONNX"


def test_names_with_control_characters_and_paths_are_harmless(tmp_path: Path) -> None:
    made = model([NODE("Frob", ["x"], ["y"], name="\x1b[2J../../etc\n")])
    assert refused(save(tmp_path, made)) == (
        "node 1, Frob `?[2J../../etc?` of made.onnx has no counterpart"
    )
    made = model([NODE("Relu", ["\x1b[2J"], ["../y\n"])])
    made.graph.input[0].name, made.graph.output[0].name = "\x1b[2J", "../y\n"
    made.graph.doc_string = "\x1b[2J a \x07 comment"
    imported = read_onnx(save(tmp_path, made))
    assert str(imported.text) == (
        "## [2J a   comment\nnet Made(x: f32[N, 4]) -> y {\n  y = relu(x)\n}\n"
    )


def external(location: str, **entries: int) -> onnx.ModelProto:
    """Return a model whose weight is stored in another file."""
    made = model(PLAIN, [WEIGHT])
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=str(value))
    return made


def test_data_in_the_same_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "made.data").write_bytes(b"0123" + np.eye(4, dtype=np.float32).tobytes())
    imported = read_onnx(save(tmp_path, external("made.data", offset=4, length=64)))
    np.testing.assert_array_equal(imported.network.parameters["y.weight"], np.eye(4))


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "link", "a/../../secret", ""])
def test_data_outside_of_the_folder_is_not_read(location: str, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret").write_bytes(bytes(64))
    (inside / "link").symlink_to(tmp_path / "secret")
    assert refused(save(inside, external(location))) == (
        f"the tensor `w` of made.onnx has its data in `{location}`, outside of the file's folder"
    )


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"offset": 40, "length": 64}, "lies beyond the end of `made.data`"),
        ({"offset": -4}, "lies beyond the end of `made.data`"),
        ({"length": 8}, "claims 16 elements, and its data has others"),
    ],
)
def test_data_that_is_not_there_is_rejected(
    entries: dict[str, int], message: str, tmp_path: Path
) -> None:
    (tmp_path / "made.data").write_bytes(bytes(64))
    path = save(tmp_path, external("made.data", **entries))
    assert refused(path) == f"the tensor `w` of made.onnx {message}"
    assert refused(save(tmp_path, external("other.data"))) == (
        "the tensor `w` of made.onnx has its data in `other.data`, which is not there"
    )


def _functions(depth: int) -> list[onnx.FunctionProto]:
    """Return functions of which each calls the next one twice; the last one is small."""
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    made: list[onnx.FunctionProto] = []
    for at in range(depth):
        kind, domain = (f"f{at + 1}", "own") if at < depth - 1 else ("Relu", "")
        nodes = [
            helper.make_node(kind, [a], [b], domain=domain) for a, b in (("a", "b"), ("b", "c"))
        ]
        made.append(helper.make_function("own", f"f{at}", ["a"], ["c"], nodes, opsets))
    return made


CALLS_BACK = helper.make_function(
    "own", "f1", ["a"], ["c"], [helper.make_node("f0", ["a"], ["c"], domain="own")],
    [helper.make_opsetid("own", 1)],
)  # fmt: skip


@pytest.mark.parametrize(
    ("functions", "words"),
    [
        (_functions(40), "has more than 50,000 nodes, once its functions are inlined"),
        ([_functions(2)[0], CALLS_BACK], "call themselves, or lie too deep"),
    ],
)  # fmt: skip
def test_functions_that_grow_without_bound_are_rejected(
    functions: list[onnx.FunctionProto], words: str, tmp_path: Path
) -> None:
    ends = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [4]) for n in "xy"]
    graph = helper.make_graph(
        [helper.make_node("f0", ["x"], ["y"], domain="own")], "g", ends[:1], ends[1:]
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    model = helper.make_model(graph, opset_imports=opsets, functions=functions, ir_version=9)
    onnx.save(model, tmp_path / "a.onnx")
    with pytest.raises(netlang.Error, match=words):
        read_foreign(tmp_path / "a.onnx")


@pytest.mark.slow
def test_a_million_nodes_are_rejected_soon(tmp_path: Path) -> None:
    node = helper.make_node("Relu", ["v0"], ["v1"]).SerializeToString()
    # The fields of a message may be repeated: a graph is its bytes, and those of each node.
    graph = (b"\x0a" + bytes([len(node)]) + node) * 1_000_000
    model = onnx.ModelProto(ir_version=9, opset_import=[helper.make_opsetid("", 18)])
    size = len(graph)
    length = bytes([size & 127 | 128, size >> 7 & 127 | 128, size >> 14 & 127 | 128, size >> 21])
    path = tmp_path / "a.onnx"
    path.write_bytes(model.SerializeToString() + b"\x3a" + length + graph)
    with pytest.raises(netlang.Error, match="has 1,000,000 nodes; 50,000 is the most"):
        read_foreign(path)
