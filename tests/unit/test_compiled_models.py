"""What a compiled model holds, and what `netlang compile` reports about it.

Tests ``netlang.backends.compile``, ``netlang.backends.onnx`` and ``netlang.passes.dead_code``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from commands import said

import netlang as nl

EXAMPLES = Path(__file__).parents[2] / "examples"

NORMED = """\
net Normed(x: f32[N, 4]) -> (y: f32[N, 2], z: f32[N, 3]) {
  h = x |> dense(8) |> batch_norm |> relu
  y = dense(h, 2)
  z = h |> dense(3) |> batch_norm
}
"""


@pytest.fixture(autouse=True)
def normed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> nl.Network:
    monkeypatch.chdir(tmp_path)
    Path("normed.net").write_text(NORMED, "utf-8")
    return nl.load("normed.net")["Normed"]


def nodes(program: str, net: str | None = None) -> dict[str, str]:
    """Return the names of the nodes of an example, and where each is from."""
    model = nl.load(EXAMPLES / f"{program}.net").network(net).compile().proto
    return {node.name: node.doc_string for node in model.graph.node}


def initializers(path: str) -> dict[str, list[int]]:
    return {t.name: list(t.dims) for t in onnx.load(path).graph.initializer}


def test_folding_is_reported_with_both_counts(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "compile", "normed.net", "-o", "a.onnx", "--seed", "7")
    size = Path("a.onnx").stat().st_size
    assert (code, out) == (0, (
        f"a.onnx: {size:,} bytes\n"
        "Normed: 4 nodes, 85 parameters, opset 18\n"
        "folded 2 batch norms; --no-fold keeps them\n"
        "129 parameters before folding, 85 after\n"
        "untrained: the parameters are the initial ones of seed 7; --weights loads others\n"
    ))  # fmt: skip


def test_without_folding_nothing_is_reported_about_it(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = said(capsys, "compile", "normed.net", "-o", "a.onnx", "--no-fold")
    assert "Normed: 6 nodes, 129 parameters, opset 18\nuntrained" in out


def test_what_is_not_exported_is_not_counted(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = said(capsys, "compile", "normed.net", "-o", "a.onnx", "--only", "y")
    assert "folded 1 batch norm; --no-fold keeps them\n" in out
    assert "90 parameters before folding, 58 after\n" in out
    assert initializers("a.onnx").keys() == {
        "h.dense.weight", "h.dense.bias", "y.weight", "y.bias"
    }  # fmt: skip


def test_loaded_parameters_are_not_called_untrained(
    normed: nl.Network, capsys: pytest.CaptureFixture[str]
) -> None:
    normed.save("w.safetensors")
    _, out, _ = said(capsys, "compile", "normed.net", "-o", "a.onnx", "-w", "w.safetensors")
    assert "untrained" not in out


def test_a_net_without_parameters_is_not_untrained(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.net").write_text("net Twice(x: f32[N]) -> y: f32[N] = 2.0 * x\n", "utf-8")
    _, out, _ = said(capsys, "compile", "a.net", "-o", "a.onnx")
    assert out.endswith("Twice: 1 node, 0 parameters, opset 18\n")


def test_python_reports_what_was_folded(normed: nl.Network) -> None:
    model = normed.compile()
    assert (model.folded, model.parameter_counts) == (2, (129, 85))
    assert normed.compile(fold=False).folded == 0


@pytest.mark.parametrize(("file", "net"), [
    ("lenet", "LeNet"), ("char_lstm", "CharLSTM"), ("bigru", None), ("batch_norm_lenet", None),
    ("squeezenet", "SqueezeNet"), ("recurrent_by_hand", "Peephole"), ("linear_regression", None),
])  # fmt: skip
def test_unfolded_initializers_are_the_parameters(file: str, net: str | None) -> None:
    network = nl.load(EXAMPLES / f"{file}.net").network(net)
    stored = network.compile(fold=False).proto.graph.initializer
    expected = [(p.path, p.type.shape) for p in network.graph.params.values()]
    assert [(t.name, tuple(t.dims)) for t in stored] == expected


def test_unread_parameters_stay_in_an_unfolded_model() -> None:
    text = "net A(x: f32[N, 2]) -> y: f32[N, 2] {\n  w = param([2])\n  y = dense(x, 2)\n}\n"
    network = nl.loads(text)["A"]
    for fold, names in ((False, ["w", "y.weight", "y.bias"]), (True, ["y.weight", "y.bias"])):
        stored = network.compile(fold=fold).proto.graph.initializer
        assert [t.name for t in stored] == names


def test_a_state_whose_next_value_is_not_exported_is_an_input() -> None:
    text = """
    net Sum(x: f32[N, 2]) -> y: f32[N, 2] {
      state total: f32[N, 2] = 0.0
      y = x + total
      next total = y
    }
    """
    model = nl.loads(text)["Sum"].compile(only="y").proto
    assert [i.name for i in model.graph.input] == ["x", "total"]
    assert [o.name for o in model.graph.output] == ["y"]


def test_recurrent_weights_compute_the_same_in_either_layout() -> None:
    from netlang.backends.ort import Session

    network = nl.load(EXAMPLES / "bigru.net").network(sizes={"vocab": 50})
    tokens = np.random.default_rng(0).integers(0, 50, (2, 7))
    one, other = (
        Session(network.compile(fold=fold).proto).run({"tokens": tokens}) for fold in (True, False)
    )
    for name, array in one.items():
        np.testing.assert_allclose(other[name], array, rtol=0, atol=1e-6)


# Reproducible files

BLOCKS = "block body(x: f32[N, 2]) -> y: f32[N, 8] = x |> dense(8) |> relu\n"
IMPORTING = """\
from "lib/blocks.net" import body

## Two classes.
net Imported(x: f32[N, 2]) -> y: f32[N, 2] {
  h = body(x)
  y = dense(h, 2)
}

train fit {
  data = two_moons(8) |> batches(4)
  model = new Imported()
  loss = cross_entropy(model(batch.x), batch.label)
  optimizer = adam(0.1)
  run = 1 epoch
}
"""


def compiled_in(folder: Path, program: str, *options: str, seed: str) -> bytes:
    """Compile in a process of its own, with the program in a folder."""
    (folder / "lib").mkdir(parents=True)
    (folder / "lib/blocks.net").write_text(BLOCKS, "utf-8")
    (folder / "a.net").write_text(IMPORTING, "utf-8")
    output = folder / "a.onnx"
    subprocess.run(
        [sys.executable, "-m", "netlang", "compile", program, "-o", output, *options],
        cwd=folder, check=True, capture_output=True, env=os.environ | {"PYTHONHASHSEED": seed},
    )  # fmt: skip
    return output.read_bytes()


@pytest.mark.parametrize("options", [(), ("--no-fold",), ("--train",), ("--opset", "20")])
def test_a_file_depends_on_the_program_alone(tmp_path: Path, options: tuple[str, ...]) -> None:
    one = compiled_in(tmp_path / "here", "a.net", *options, seed="1")
    path = tmp_path / "over" / "there"
    other = compiled_in(path, str(path / "a.net"), *options, seed="2")
    assert one == other
    for text in (b"a.net", b"/lib", b"lib/", str(tmp_path).encode()):
        assert text not in one


def test_a_node_has_the_line_it_is_from(tmp_path: Path) -> None:
    compiled_in(tmp_path / "here", "a.net", seed="0")
    model = onnx.load(tmp_path / "here/a.onnx")
    found = {node.name: node.doc_string for node in model.graph.node}
    assert found == {
        "h/Gemm": "blocks.net line 1 dense h",
        "h/Relu": "blocks.net line 1 relu h",
        "y/Gemm": "line 6 dense y",
    }


# Names


def test_the_comment_of_a_net_describes_the_graph() -> None:
    described = {
        "lenet": "LeNet-5 (LeCun et al., 1998), as in Dive into Deep Learning 7.6.",
        "char_lstm": "A character language model whose LSTM state persists from call to call.",
    }
    for name, text in described.items():
        model = nl.load(EXAMPLES / f"{name}.net").network().compile().proto
        assert model.graph.doc_string == text
    assert nl.loads(NORMED)["Normed"].compile().proto.graph.doc_string == ""


def test_nodes_are_named_after_bindings() -> None:
    assert nodes("lenet") == {
        "c1/Conv": "line 3 conv c1",
        "c1/Sigmoid": "line 3 sigmoid c1",
        "c1/AveragePool": "line 3 avg_pool c1",
        "c2/Conv": "line 4 conv c2",
        "c2/Sigmoid": "line 4 sigmoid c2",
        "c2/AveragePool": "line 4 avg_pool c2",
        "f1/Flatten": "line 5 flatten f1",
        "f1/Gemm": "line 5 dense f1",
        "f1/Sigmoid": "line 5 sigmoid f1",
        "f2/Gemm": "line 6 dense f2",
        "f2/Sigmoid": "line 6 sigmoid f2",
        "logits/Gemm": "line 7 dense logits",
    }


def test_nodes_inside_blocks_have_the_path_of_the_call() -> None:
    found = nodes("googlenet", "GoogLeNet")
    assert [name for name in found if name.startswith("i3a.")] == [
        "i3a.a/Conv", "i3a.a/Relu",
        "i3a.reduce3/Conv", "i3a.b/Relu", "i3a.conv3/Conv", "i3a.b/Relu.1",
        "i3a.reduce5/Conv", "i3a.c/Relu", "i3a.conv5/Conv", "i3a.c/Relu.1",
        "i3a.d/MaxPool", "i3a.d/Conv", "i3a.d/Relu",
        "i3a.y/Concat",
    ]  # fmt: skip


def test_a_recurrent_layer_and_constants_are_named_after_what_they_are() -> None:
    found = nodes("char_lstm")
    assert found["rnn.0.r.0/LSTM"] == "line 10 lstm rnn.0.r.0"
    assert found["stack/Concat"] == "line 14 stack"
    constants = [name for name, where in found.items() if not where]
    assert constants == ["constant/0", "axes/[0]", "axes/[1]", "constant/1"]


def test_constants_that_look_alike_have_names_of_their_own() -> None:
    text = """
    net Alike(x: f32[N, 2], y: i64[N], z: f64[N]) -> (a, b, c) {
      a = x + 1.0
      b = y + 1
      c = z + 1.0
    }
    """
    model = nl.loads(text)["Alike"].compile().proto
    names = [node.name for node in model.graph.node if node.op_type == "Constant"]
    assert names == ["constant/1.0", "constant/1", "constant/1.0/f64"]


# Blocks as functions

BLOCK = """
## A layer and its rectifier.
block unit(x: f32[N, C], width: int) -> y: f32[N, width] {
  h = dense(x, width)
  y = relu(h)
}

block pair(x: f32[N, C], width: int) -> y {
  a = unit(x, width)
  y = unit(a, width) + x
}
"""


def with_functions(text: str, **options: Any) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    """Return a model with functions, which ONNX accepts, and the one without."""
    (network,) = nl.loads(BLOCK + text).values()
    model = network.compile(functions=True, **options).proto
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    return model, network.compile(**options).proto


def agree(one: onnx.ModelProto, other: onnx.ModelProto, **shapes: tuple[int, ...]) -> None:
    from netlang.backends.ort import Session

    rng = np.random.default_rng(0)
    feeds = {n: rng.normal(size=shape).astype(np.float32) for n, shape in shapes.items()}
    expected = Session(other).run(feeds)
    for name, array in Session(one).run(feeds).items():
        np.testing.assert_array_equal(array, expected[name])


def test_calls_of_a_block_share_a_function() -> None:
    model, plain = with_functions("""
    net A(x: f32[N, 4]) -> y: f32[N, 8] {
      h = pair(x, 4)
      y = unit(h, 8) |> sigmoid
    }
    """)
    unit, pair = model.functions
    assert [f.name for f in (unit, pair)] == ["unit", "pair"]
    assert unit.doc_string == "A layer and its rectifier."
    assert list(unit.input) == ["x", "h.weight", "h.bias"]
    assert list(unit.output) == ["y/Relu"]
    assert [(n.name, n.doc_string) for n in unit.node] == [
        ("h/Gemm", "line 4 dense h"), ("y/Relu", "line 5 relu y")
    ]  # fmt: skip
    assert [(n.op_type, n.name) for n in pair.node] == [
        ("unit", "a"), ("unit", "y"), ("Add", "y/Add")
    ]  # fmt: skip
    assert [(n.op_type, n.name) for n in model.graph.node] == [
        ("pair", "h"), ("unit", "y"), ("Sigmoid", "y/Sigmoid")
    ]  # fmt: skip
    assert {f.domain for f in model.functions} == {"netlang.blocks"}
    agree(model, plain, x=(3, 4))


def test_blocks_that_differ_have_functions_of_their_own() -> None:
    model, plain = with_functions("""
    block padded(x: f32[N, C, H, W], pad: int) -> y = conv(x, C, 3, pad=pad)

    net A(x: f32[N, 2, 8, 8]) -> y = x |> padded(1) |> padded(2) |> padded(1)
    """)
    assert [f.name for f in model.functions] == ["padded", "padded_2"]
    assert [n.op_type for n in model.graph.node] == ["padded", "padded_2", "padded"]
    assert [n.name for n in model.graph.node] == ["padded", "padded2", "padded3"]
    agree(model, plain, x=(2, 2, 8, 8))


def test_a_layer_that_is_called_twice_is_one_function() -> None:
    model, plain = with_functions("""
    net A(x: f32[N, 4], z: f32[N, 4]) -> y: f32[N, 4] {
      shared = new unit(4)
      y = shared(x) + shared(z)
    }
    """)
    assert [f.name for f in model.functions] == ["unit"]
    assert [n.name for n in model.graph.node] == ["shared", "shared/1", "y/Add"]
    assert list(model.graph.node[0].input[1:]) == ["shared.h.weight", "shared.h.bias"]
    agree(model, plain, x=(3, 4), z=(3, 4))


def test_a_loop_inside_a_block_is_part_of_its_function() -> None:
    model, plain = with_functions("""
    block sums(x: f32[N, T, D]) -> y {
      w = param([D], constant(2.0))
      y, _ = scan xt in x with total = 0.0 * x[:, 0] {
        next total = tanh(total * w + xt + 1.0)
        yield total
      }
    }

    net A(x: f32[N, T, 3]) -> y = x |> sums |> relu
    """)
    assert [f.name for f in model.functions] == ["sums"]
    assert "Scan" in {n.op_type for n in model.functions[0].node}
    agree(model, plain, x=(2, 5, 3))


def test_a_loop_of_which_a_part_runs_outside_agrees() -> None:
    model, plain = with_functions("""
    block sums(x: f32[N, T, D]) -> y {
      w = param([D], constant(2.0))
      y, _ = scan xt in x with total = 0.0 * x[:, 0] {
        next total = tanh(total + sigmoid(xt * w))
        yield total
      }
    }

    net A(x: f32[N, T, 3]) -> y = x |> sums |> sums
    """)
    assert [f.name for f in model.functions] == ["sums"]
    assert [n.name for n in model.graph.node] == ["sums", "sums2"]
    agree(model, plain, x=(2, 5, 3))


def test_a_block_whose_computation_was_merged_with_another_is_smaller() -> None:
    """What both blocks compute is computed once, in the first: the second is a smaller function."""
    model, plain = with_functions("""
    block first(x: f32[N, 4], z: f32[N, 4]) -> (a, b) {
      a = exp(x)
      b = a + z
    }

    net A(x: f32[N, 4], z: f32[N, 4]) -> y {
      one = first(x, z)
      two = first(x, one.b)
      y = two.b * one.a
    }
    """)
    assert [n.op_type for n in model.graph.node] == ["first", "first_2", "Mul"]
    agree(model, plain, x=(3, 4), z=(3, 4))


@pytest.mark.parametrize("options", [{"opset": 22}, {"fold": False}, {"only": "y"}])
def test_functions_fit_every_other_option(options: dict[str, Any]) -> None:
    model, plain = with_functions(
        "net A(x: f32[N, 4]) -> (y, z) {\n  y = pair(x, 4)\n  z = batch_norm(y)\n}", **options
    )
    assert [f.name for f in model.functions] == ["unit", "pair"]
    agree(model, plain, x=(3, 4))


def test_functions_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    program = EXAMPLES / "googlenet.net"
    _, out, _ = said(capsys, "compile", program, "-o", "g.onnx", "--functions")
    assert "GoogLeNet: 25 nodes, 2 functions, 13,378,280 parameters, opset 18\n" in out
    assert [f.name for f in onnx.load("g.onnx").functions] == ["inception", "auxiliary"]
