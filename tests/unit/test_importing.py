"""ONNX models become programs that compute the same.

Tests ``netlang.importing``, ``netlang.importing.calls``, ``netlang.importing.operators``,
``netlang.importing.structure``, ``netlang.api.importing`` and ``netlang.inference.originals``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from imported_models import EXAMPLES, body, check_import, counted, exported, saved
from onnx import TensorProto, helper, numpy_helper

import netlang
from netlang.api.importing import Imported, read_onnx
from netlang.backends.onnx.foreign import read_foreign
from netlang.importing.convert import convert
from netlang.importing.program import write_program
from netlang.importing.reading import net_name, read_model
from netlang.system.numpy import Array

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"

QUICK = [
    ("lenet", "LeNet"), ("batch_norm_lenet", "BatchNormLeNet"), ("regnet", "RegNetX32"),
    ("densenet_d2l", "DenseNet"), ("gan", "Judge"), ("siamese", "Siamese"),
    ("language_models", "BiLSTM"), ("language_models", "Classifier"), ("language_models", "RNN"),
    ("squeezenet", "SqueezeNet"), ("edge", "Edge"), ("shapes", "Siamese"),
    ("recurrent_by_hand", "Peephole"), ("seq2seq", "Translator"), ("time_machine", "Scratch"),
    ("tour", "Tied"),
]  # fmt: skip
"""Nets that are imported in a moment, of all kinds."""

LARGEST = 70_000_000
"""The most parameters of a net that the slow tests import."""


def test_a_net_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path, count = exported(tmp_path, "mlp", "MLP")
    imported = check_import(path, count)
    assert str(imported.text) == (
        "## A multilayer perceptron with dropout (Dive into Deep Learning 5.6).\n"
        "net MLP(image: f32[N, 1, 28, 28]) -> logits {\n"
        "  logits = image\n"
        "    |> flatten\n"
        "    |> dense(256) as body\n"
        "    |> relu\n"
        "    |> dense(256) as body2\n"
        "    |> relu\n"
        "    |> dense(10) as logits\n"
        "}\n"
    )


@pytest.mark.parametrize(("file", "net"), QUICK)
def test_an_exported_net_has_the_same_parameters_and_outputs(
    file: str, net: str, tmp_path: Path
) -> None:
    path, count = exported(tmp_path, file, net)
    imported = check_import(path, count)
    assert read_onnx(path).text == imported.text


@pytest.mark.parametrize(("file", "net"), [*QUICK[1:4], *QUICK[-5:]])
def test_a_folded_net_has_the_same_outputs(file: str, net: str, tmp_path: Path) -> None:
    check_import(exported(tmp_path, file, net, fold=True)[0])


def _every_net() -> list[tuple[str, str]]:
    return [
        (path.stem, net) for path in sorted(EXAMPLES.glob("*.net")) for net in netlang.load(path)
    ]


LARGE_CONSTANTS = [("nearest_neighbors", "LeaveOneOut")]
"""Nets with a constant that is too large for the text, so that it becomes a parameter."""


@pytest.mark.slow
@pytest.mark.parametrize(("file", "net"), _every_net())
def test_every_example_is_imported(file: str, net: str, tmp_path: Path) -> None:
    trained = netlang.load(EXAMPLES / f"{file}.net")[net].trainable_parameters
    if not isinstance(trained, int) or trained > LARGEST:
        pytest.skip("it takes too much memory")
    path, count = exported(tmp_path, file, net)
    imported = check_import(path, None if (file, net) in LARGE_CONSTANTS else count)
    assert read_model(path).text == imported.text
    check_import(exported(tmp_path, file, net, fold=True)[0])


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.stem for path in LIGHT.glob("*.onnx")))
def test_the_light_models_of_onnx_are_imported(name: str) -> None:
    check_import(LIGHT / f"{name}.onnx")


def test_resnet50_takes_at_most_30_lines() -> None:
    text = write_program(convert(read_foreign(LIGHT / "light_resnet50.onnx"), "ResNet50"), "").text
    assert text.count("\n") <= 30


def test_the_command_writes_a_program_its_parameters_and_the_old_names(tmp_path: Path) -> None:
    from netlang.cli.main import program

    path, _ = exported(tmp_path, "lenet", "LeNet")
    output = tmp_path / "copy.net"
    result = CliRunner().invoke(program, ["import", str(path), "-o", str(output)])
    assert result.exit_code == 0, result.output
    assert result.output.replace(f"{tmp_path}/", "") == (
        "copy.net: 378 bytes\n"
        "copy.safetensors: 247,552 bytes\n"
        "copy.names.json: 339 bytes\n"
        "logits  [2, 10]  differs by 0.0e+00 of 0.764  ok\n"
        "LeNet: equals the original; the largest relative difference is 0.0e+00\n"
    )
    names = json.loads((tmp_path / "copy.names.json").read_text("utf-8"))
    assert names["c1.weight"] == ["c1.weight"]
    again = netlang.load(output)["LeNet"]
    again.load(tmp_path / "copy.safetensors")
    original = netlang.load(EXAMPLES / "lenet.net")["LeNet"]
    image = np.random.default_rng(0).standard_normal((2, 1, 28, 28)).astype(np.float32)
    np.testing.assert_array_equal(again(image)["logits"], original(image)["logits"])


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["summary", "MODEL"], "61,706"),
        (["names", "MODEL"], "61,706 parameters"),
        (["explain", "MODEL", "logits"], "logits"),
        (["show", "MODEL"], "net LeNet("),
        (["verify", "MODEL"], "onnxruntime and NumPy agree"),
        (["check", "MODEL"], "ok (1 net, 61,706 parameters)"),
        (["run", "MODEL", "-i", "image=random(seed=0)", "-b", "N=1"], "logits  f32[1, 10]"),
        (["draw", "MODEL", "-o", "OUT.svg"], "bytes"),
        (["compile", "MODEL", "--target", "pytorch", "-o", "OUT.py"], "bytes"),
    ],
)
def test_a_command_takes_a_model_in_place_of_a_program(
    arguments: Sequence[str], shown: str, tmp_path: Path
) -> None:
    from netlang.cli.main import program

    path, _ = exported(tmp_path, "lenet", "LeNet")
    given = [a.replace("MODEL", str(path)).replace("OUT", str(tmp_path / "o")) for a in arguments]
    result = CliRunner().invoke(program, given)
    assert result.exit_code == 0, result.output
    assert shown in result.output
    assert "untrained" not in result.output


def test_a_loaded_model_has_its_parameters(tmp_path: Path) -> None:
    path, _ = exported(tmp_path, "lenet", "LeNet")
    image = np.random.default_rng(0).standard_normal((2, 1, 28, 28)).astype(np.float32)
    original = netlang.load(EXAMPLES / "lenet.net")["LeNet"]
    np.testing.assert_array_equal(
        netlang.load(path)["LeNet"](image)["logits"], original(image)["logits"]
    )


def test_sizes_that_must_be_even_are_declared(tmp_path: Path) -> None:
    path, count = exported(tmp_path, "shapes", "Segment")
    imported = check_import(path, count)
    assert "-> logits where H % 4 == 0, W % 4 == 0 {" in imported.text
    assert imported.notes == [
        f"{side} must be divisible by 4: node 13, Concat `merged.0.y/Concat` requires it"
        for side in "HW"
    ]


def test_layers_that_are_called_twice_are_made_once(tmp_path: Path) -> None:
    path, count = exported(tmp_path, "shapes", "Siamese")
    imported = check_import(path, count)
    assert imported.notes == []
    assert "block unit(x, layer: block, layer2: block) = x |> layer |> layer2" in imported.text
    assert "a = new conv(8, 3, pad=1, bias=false)" in imported.text
    assert "b = new batch_norm()" in imported.text


def norms(folder: Path, names: Sequence[str]) -> Imported:
    """Import batch norms in a row that read the same arrays, of equal elements."""
    parts = [f"stage.bn.{n}" for n in ("weight", "bias", "running_mean", "running_var")]
    arrays = {n: np.full(4, at in (0, 3), np.float32) for at, n in enumerate(parts)}
    values = ["x", *(f"h{at}" for at in range(1, len(names))), "y"]
    nodes = [
        NODE("BatchNormalization", [values[at], *parts], [values[at + 1]], name=name)
        for at, name in enumerate(names)
    ]
    return read_onnx(saved(folder, nodes, FOUR, arrays))


def test_arrays_that_an_exporter_stored_once_are_not_a_shared_layer(tmp_path: Path) -> None:
    one, other = "/stage/bn/BatchNormalization", "/last/bn/BatchNormalization"
    imported = norms(tmp_path, [one, other])
    assert counted(imported.network) == 2 * 16
    assert imported.notes == [
        "several layers share parameters, of which each has a copy: "
        "`stage.bn.weight`, `stage.bn.bias`, `stage.bn.running_mean`, `stage.bn.running_var`"
    ]
    imported = norms(tmp_path, [one, f"{one}_1"])
    assert counted(imported.network) == 16
    assert imported.notes == []


def test_a_matrix_that_is_read_in_both_layouts_is_one_parameter(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["hidden"]),
        helper.make_node("Gemm", ["hidden", "w"], ["y"], transB=1),
    ]
    w = np.random.default_rng(0).standard_normal((4, 7)).astype(np.float32)
    path = saved(tmp_path, nodes, {"x": ["N", 4]}, {"w": w})
    assert "b = transpose(a, [1, 0])" in check_import(path, 28).text


def test_a_recurrent_layer_that_is_called_twice_is_made_once(tmp_path: Path) -> None:
    text = (
        "net Twice(a: f32[N, T, 4], b: f32[N, T, 4]) -> (y, z) {\n"
        "  layer = new gru(3)\n"
        "  y, _ = layer(a)\n"
        "  _, z = layer(b)\n"
        "}\n"
    )
    network = netlang.loads(text)["Twice"]
    network.compile(fold=False).save(tmp_path / "twice.onnx")
    imported = check_import(tmp_path / "twice.onnx", counted(network))
    assert str(imported.text) == text


def quantized(folder: Path) -> Path:
    """Save a dense layer whose weights are integers, and whose input and output are rounded."""
    random = np.random.default_rng(0)
    arrays = {
        "w": random.integers(-127, 128, (4, 8)).astype(np.int8),
        "w_scale": random.uniform(0.01, 0.02, 4).astype(np.float32),
        "w_zero": np.zeros(4, np.int8),
        "b": random.integers(-50, 50, 4).astype(np.int32),
        "b_scale": np.array(0.01, np.float32),
        "x_scale": np.array(0.025, np.float32),
        "x_zero": np.array(0, np.int8),
    }
    node = helper.make_node
    nodes = [
        node("QuantizeLinear", ["x", "x_scale", "x_zero"], ["xq"]),
        node("DequantizeLinear", ["xq", "x_scale", "x_zero"], ["xf"]),
        node("DequantizeLinear", ["w", "w_scale", "w_zero"], ["wf"], axis=0),
        node("DequantizeLinear", ["b", "b_scale"], ["bf"]),
        node("Gemm", ["xf", "wf", "bf"], ["y"], transB=1),
    ]
    return saved(folder, nodes, {"x": ["N", 8]}, arrays)


def test_a_quantized_model_is_converted_to_floats_with_a_note(tmp_path: Path) -> None:
    imported = check_import(quantized(tmp_path), 36)
    assert imported.notes == [
        "the model is quantized: weights are converted to floats, and 1 value that it rounds to "
        "8 bits is not rounded"
    ]
    assert "dense(4)" in imported.text


def test_a_model_that_rounds_is_close_to_its_program(tmp_path: Path) -> None:
    from netlang.cli.main import program

    path, output = quantized(tmp_path), tmp_path / "copy.net"
    result = CliRunner().invoke(program, ["import", str(path), "-o", str(output)])
    assert result.exit_code == 0, result.output
    assert ": is close to the original; the largest relative difference is" in result.output


def test_a_quantizer_saturates_as_a_rectifier_does(tmp_path: Path) -> None:
    arrays = {"scale": np.array(0.1, np.float32), "zero": np.array(0, np.uint8)}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["y"]),
    ]
    imported = read_onnx(saved(tmp_path, nodes, {"x": ["N", 4]}, arrays))
    given = np.array([[-3.0, 0.5, 20.0, 90.0]], np.float32)
    found = imported.network(given)["y"]
    np.testing.assert_allclose(found, [[0.0, 0.5, 20.0, 25.5]], rtol=1e-6)


def test_small_constants_are_written_as_tensors(tmp_path: Path) -> None:
    mean = numpy_helper.from_array(np.array([0.5, -1.25, 2.0], np.float32), "const_1")
    graph = helper.make_graph(
        [helper.make_node("Sub", ["x", "const_1"], ["y"])],
        "made",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])],
        [mean],
    )
    opset = helper.make_opsetid("", 18)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=9), tmp_path / "a.onnx")
    imported = check_import(tmp_path / "a.onnx", 0)
    assert "tensor([0.5, -1.25, 2.0])" in imported.text


def test_a_program_is_not_written_under_another_ending(tmp_path: Path) -> None:
    path, _ = exported(tmp_path, "edge", "Edge")
    with pytest.raises(netlang.FileError, match=r"does not end in `\.net`"):
        read_onnx(path).save(tmp_path / "edge.txt")


@pytest.mark.parametrize(
    ("file", "name"),
    [("light_resnet50.onnx", "LightResnet50"), ("3d-net.onnx", "Net3dNet"), ("a.b.onnx", "AB")],
)
def test_a_net_is_named_after_its_file(file: str, name: str) -> None:
    assert net_name(Path(file)) == name


# ---- operators, as other exporters write them ---------------------------------------------


NODE = helper.make_node
FOUR: dict[str, Sequence[int | str]] = {"x": ["N", 4, 8, 8]}
THREE: dict[str, Sequence[int | str]] = {"x": ["batch", "seq", 6]}
RANDOM = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)

WRITTEN: dict[str, tuple[Sequence[onnx.NodeProto], int, dict[str, Sequence[int | str]], str]] = {
    "softmax before opset 13 works on all axes after the second": (
        [NODE("Softmax", ["x"], ["y"])], 11, FOUR,
        "y = x |> flatten |> softmax |> reshape([-1, 4, 8, 8])",
    ),
    "axes were attributes": (
        [NODE("Squeeze", ["a"], ["y"], axes=[1]), NODE("Unsqueeze", ["x"], ["a"], axes=[1])][::-1],
        11, THREE, "y = x",
    ),
    "bounds of a clip were attributes": (
        [NODE("Clip", ["x"], ["y"], min=0.0, max=6.0)], 7, FOUR, "y = clamp(x, 0.0, 6.0)",
    ),
    "padding was an attribute": (
        [NODE("Pad", ["x"], ["y"], pads=[0, 0, 1, 2, 0, 0, 3, 4], value=1.0)], 7, FOUR,
        "y = pad(x, [(1, 3), (2, 4)], value=1.0)",
    ),
    "sizes are computed at run time": (
        [
            NODE("Shape", ["x"], ["s"]),
            NODE("Constant", [], ["at"], value_int=1),
            NODE("Gather", ["s", "at"], ["t"]),
            NODE("Constant", [], ["zero"], value_ints=[0]),
            NODE("Unsqueeze", ["t", "zero"], ["u"]),
            NODE("Constant", [], ["rest"], value_ints=[-1, 2, 3]),
            NODE("Concat", ["u", "rest"], ["w"], axis=0),
            NODE("Reshape", ["x", "w"], ["y"]),
        ],
        18, THREE, "y = reshape(x, [T, N, 2, 3])",
    ),
    "gelu is written as a formula": (
        [
            NODE("Constant", [], ["root"], value_float=1.4142135),
            NODE("Constant", [], ["one"], value_float=1.0),
            NODE("Constant", [], ["half"], value_float=0.5),
            NODE("Div", ["x", "root"], ["a"]),
            NODE("Erf", ["a"], ["b"]),
            NODE("Add", ["b", "one"], ["c"]),
            NODE("Mul", ["x", "c"], ["d"]),
            NODE("Mul", ["d", "half"], ["y"]),
        ],
        18, THREE, "y = gelu(x)",
    ),
    "same padding depends on the size": (
        [NODE("MaxPool", ["x"], ["y"], kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")],
        18, FOUR, "y = max_pool(x, 3, stride=2, pad=[(0, 1), (0, 1)])",
    ),
    "a part in steps": (
        [
            NODE("Constant", [], ["one"], value_ints=[1]),
            NODE("Constant", [], ["end"], value_ints=[9223372036854775807]),
            NODE("Constant", [], ["two"], value_ints=[2]),
            NODE("Slice", ["x", "one", "end", "two", "two"], ["y"]),
        ],
        18, FOUR, "y = x[:, :, 1:] |> every(2, axis=2)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRITTEN)
def test_older_and_longer_spellings_are_understood(what: str, tmp_path: Path) -> None:
    nodes, opset, inputs, expected = WRITTEN[what]
    assert body(check_import(saved(tmp_path, nodes, inputs, opset=opset))) == expected


def test_a_weight_keeps_its_name_and_its_use(tmp_path: Path) -> None:
    nodes = [NODE("MatMul", ["x", "fc.weight"], ["h"]), NODE("Add", ["h", "fc.bias"], ["y"])]
    arrays = {"fc.weight": RANDOM, "fc.bias": RANDOM[0]}
    imported = check_import(saved(tmp_path, nodes, {"x": ["N", 4]}, arrays))
    assert body(imported) == "y = x |> dense(3)"
    assert imported.names == {"y.weight": ["fc.weight"], "y.bias": ["fc.bias"]}


def test_an_axis_that_a_node_fixes_is_fixed(tmp_path: Path) -> None:
    nodes = [
        NODE("Constant", [], ["s"], value_ints=[2, 3, 4, 7]),
        NODE("Reshape", ["x", "s"], ["y"]),
    ]
    imported = check_import(saved(tmp_path, nodes, {"x": [2, 12, "seq"]}))
    assert str(imported.text).startswith("net Made(x: f32[2, 12, 7]) -> y {")
    assert list(imported.notes) == ["T is 7: node 2, Reshape requires it"]


def test_equal_layers_become_a_loop_and_equal_parts_a_block(tmp_path: Path) -> None:
    nodes: list[onnx.NodeProto] = []
    arrays: dict[str, Array] = {}
    before = "x"
    for at in range(4):
        arrays[f"layers.{at}.fc.weight"] = np.random.default_rng(at).random((6, 6), np.float32)
        nodes += [
            NODE("MatMul", [before, f"layers.{at}.fc.weight"], [f"m{at}"]),
            NODE("Tanh", [f"m{at}"], [f"t{at}"]),
            NODE("Add", [f"t{at}", before], [f"a{at}" if at < 3 else "y"]),
        ]
        before = f"a{at}"
    imported = check_import(saved(tmp_path, nodes, THREE, arrays))
    assert str(imported.text) == (
        "block dense_tanh_add(x) -> y {\n"
        "  a = x |> dense(6, bias=false) |> tanh\n"
        "  y = a + x\n"
        "}\n"
        "\n"
        "net Made(x: f32[N, T, 6]) -> y {\n"
        "  y = for i in 1..4 with h = x {\n"
        "    next h = h |> dense_tanh_add\n"
        "  }\n"
        "}\n"
    )
    assert imported.names["y.3.a.weight"] == ["layers.2.fc.weight"]


def test_a_model_in_half_precision(tmp_path: Path) -> None:
    nodes = [
        NODE("HardSwish", ["x"], ["a"]),
        NODE("Clip", ["a", "const_1"], ["b"]),
        NODE("MatMul", ["b", "fc.weight"], ["y"]),
    ]
    arrays = {"const_1": np.array(-0.5, np.float16), "fc.weight": RANDOM.astype(np.float16)}
    path = saved(tmp_path, nodes, {"x": ["N", 4]}, arrays, element=TensorProto.FLOAT16)
    imported = check_import(path, 12)
    assert "net Made(x: f16[N, 4]) -> y" in imported.text
    assert body(imported).endswith("|> maximum(-0.5) |> dense(3, bias=false)")


def test_an_output_may_be_a_parameter(tmp_path: Path) -> None:
    nodes = [NODE("Identity", ["w"], ["y"])]
    imported = read_onnx(saved(tmp_path, nodes, {"x": ["N", 4]}, {"w": RANDOM}))
    assert imported.ok
    assert body(imported) == "y = param([4, 3], 0.0)"


def test_values_before_a_softmax_are_compared_too(tmp_path: Path) -> None:
    nodes = [NODE("MatMul", ["x", "w"], ["h"]), NODE("Softmax", ["h"], ["y"])]
    imported = check_import(saved(tmp_path, nodes, {"x": ["N", 4]}, {"w": RANDOM}))
    assert [c.name for c in imported.compared] == ["y", "y before softmax"]


# ---- what is rejected ---------------------------------------------------------------------


def test_a_node_without_a_counterpart_is_rejected_by_name(tmp_path: Path) -> None:
    path = saved(tmp_path, [NODE("Det", ["x"], ["y"], name="det")], {"x": [3, 3]})
    with pytest.raises(netlang.FileError) as caught:
        read_onnx(path)
    assert caught.value.message == f"node 1, Det `det` of {path} has no counterpart"
    assert list(caught.value.notes) == [
        "nothing was written: a network without the node would compute otherwise"
    ]


def test_a_node_of_another_domain_is_rejected_by_name(tmp_path: Path) -> None:
    path = saved(tmp_path, [NODE("Relu", ["x"], ["y"], domain="com.example")], {"x": [3, 3]})
    with pytest.raises(netlang.FileError, match=r"node 1, com\.example::Relu of .* no counterpart"):
        read_onnx(path)


def test_a_quantized_model_is_rejected_by_name(tmp_path: Path) -> None:
    nodes = [NODE("DynamicQuantizeLinear", ["x"], ["a", "b", "y"])]
    with pytest.raises(netlang.FileError, match="node 1, DynamicQuantizeLinear"):
        read_onnx(saved(tmp_path, nodes, {"x": [3, 3]}))


def test_squares_of_squares_are_read_in_linear_time(tmp_path: Path) -> None:
    names = ["x", *(f"a{at}" for at in range(199)), "y"]
    nodes = [helper.make_node("Mul", [names[at], names[at]], [names[at + 1]]) for at in range(200)]
    converted = convert(read_foreign(saved(tmp_path, nodes, {"x": ["N", 4]})), "Squares")
    assert len(converted.graph.nodes) == 200


def test_a_model_that_does_not_fit_into_memory_is_not_run(tmp_path: Path) -> None:
    shape = np.array([1, 10**12], np.int64)
    nodes = [helper.make_node("Expand", ["x", "shape_1"], ["y"])]
    path = saved(tmp_path, nodes, {"x": ["N", 1]}, {"shape_1": shape})
    with pytest.raises(netlang.Error, match=r"comparing `Made` with the original takes about"):
        read_onnx(path)
