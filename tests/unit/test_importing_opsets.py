"""Operators whose meaning changed are imported alike from each version of ONNX's operators.

Tests ``netlang.importing.operators``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from imported_models import check_import, saved
from onnx import helper

import netlang
from netlang.api.importing import read_onnx
from netlang.system.numpy import Array

NODE = helper.make_node
FOUR: Sequence[int | str] = ["N", 4, 8, 8]
ONES = np.ones(4, np.float32)
RANDOM = np.random.default_rng(0)

Form = tuple[int, int, Sequence[onnx.NodeProto], dict[str, Array]]


def ints(name: str, *numbers: int) -> tuple[str, Array]:
    return name, np.array(numbers, np.int64)


def floats(name: str, *numbers: float) -> tuple[str, Array]:
    return name, np.array(numbers, np.float32)


def scalar(name: str, number: float) -> tuple[str, Array]:
    return name, np.array(number, np.float32)


def norm(*, settings: bool) -> Sequence[onnx.NodeProto]:
    given = [helper.make_attribute("spatial", 1)] if settings else []
    made = NODE("BatchNormalization", ["x", "s", "b", "m", "v"], ["y"], epsilon=1e-3)
    made.attribute.extend(given)
    return [made]


def recurrent(kind: str, *, linear_before_reset: int) -> Sequence[onnx.NodeProto]:
    return [
        NODE("Reshape", ["x", "rows"], ["r"]),
        NODE(kind, ["r", "w", "u"], ["h"], hidden_size=3, linear_before_reset=linear_before_reset),
        NODE("Tanh", ["h"], ["y"]),
    ]


WEIGHTS = {
    "w": RANDOM.standard_normal((1, 9, 16)).astype(np.float32) / 4,
    "u": RANDOM.standard_normal((1, 9, 3)).astype(np.float32) / 2,
}
STATISTICS = dict(
    [floats("s", 1, 2, 0.5, 1), floats("b", 0, 1, 2, -1), floats("m", 0.1, 0, -0.1, 0.2),
     floats("v", 1, 0.5, 2, 1)]
)  # fmt: skip

FORMS: dict[str, Sequence[Form]] = {
    "softmax": [
        (7, 12, [NODE("Softmax", ["x"], ["y"])], {}),
        (7, 12, [NODE("Softmax", ["x"], ["y"], axis=3)], {}),
        (11, 12, [NODE("LogSoftmax", ["x"], ["y"], axis=-2)], {}),
        (13, 24, [NODE("Softmax", ["x"], ["y"])], {}),
        (13, 24, [NODE("LogSoftmax", ["x"], ["y"], axis=1)], {}),
    ],
    "squeeze": [
        (7, 12, [NODE("Unsqueeze", ["x"], ["a"], axes=[1, 3]),
                 NODE("Relu", ["a"], ["b"]), NODE("Squeeze", ["b"], ["y"], axes=[1])], {}),
        (13, 24, [NODE("Unsqueeze", ["x", "two"], ["a"]), NODE("Relu", ["a"], ["b"]),
                  NODE("Squeeze", ["b", "one"], ["y"])],
         dict([ints("two", 1, -2), ints("one", 1)])),
    ],
    "clip": [
        (7, 10, [NODE("Clip", ["x"], ["y"], min=-0.5)], {}),
        (7, 10, [NODE("Clip", ["x"], ["y"], max=0.5, min=-1.0)], {}),
        (11, 24, [NODE("Clip", ["x", "", "high"], ["y"])], dict([scalar("high", 0.5)])),
        (11, 24, [NODE("Clip", ["x", "low"], ["y"])], dict([scalar("low", -0.5)])),
    ],
    "dropout": [
        (7, 11, [NODE("Dropout", ["x"], ["y"], ratio=0.3)], {}),
        (12, 24, [NODE("Dropout", ["x", "ratio"], ["y"])], dict([scalar("ratio", 0.3)])),
        (12, 24, [NODE("Dropout", ["x", "ratio", "no"], ["y"])],
         {"ratio": np.array(0.3, np.float32), "no": np.array(False)}),
    ],
    "upsample": [
        (7, 8, [NODE("Upsample", ["x"], ["y"], scales=[1.0, 1.0, 2.0, 3.0], mode="nearest")], {}),
        (9, 9, [NODE("Upsample", ["x", "s"], ["y"], mode="nearest")],
         dict([floats("s", 1, 1, 2, 3)])),
    ],
    "resize": [
        (10, 10, [NODE("Resize", ["x", "s"], ["y"], mode="nearest")],
         dict([floats("s", 1, 1, 2, 2)])),
        (13, 24, [NODE("Resize", ["x", "", "s"], ["y"], mode="nearest", nearest_mode="floor",
                       coordinate_transformation_mode="asymmetric")],
         dict([floats("s", 1, 1, 2, 2)])),
        (13, 24, [NODE("Resize", ["x", "", "s"], ["y"], mode="linear")],
         dict([floats("s", 1, 1, 2, 2)])),
        (13, 24, [NODE("Resize", ["x", "", "", "n"], ["y"], mode="linear",
                       coordinate_transformation_mode="align_corners")],
         dict([ints("n", 2, 4, 5, 9)])),
        (18, 24, [NODE("Resize", ["x", "", "s"], ["y"], mode="linear", axes=[2, 3])],
         dict([floats("s", 2, 2)])),
        (18, 24, [NODE("Resize", ["x", "", "s"], ["y"], mode="linear", axes=[3])],
         dict([floats("s", 2)])),
    ],
    "pad": [
        (7, 10, [NODE("Pad", ["x"], ["y"], pads=[0, 0, 1, 2, 0, 0, 3, 4], value=1.5)], {}),
        (7, 10, [NODE("Pad", ["x"], ["y"], pads=[0, 0, 1, 1, 0, 0, 1, 1], mode="reflect")], {}),
        (11, 24, [NODE("Pad", ["x", "p", "v"], ["y"])],
         dict([ints("p", 0, 0, 1, 2, 0, 0, 3, 4), scalar("v", 1.5)])),
        (11, 24, [NODE("Pad", ["x", "p"], ["y"], mode="edge")],
         dict([ints("p", 0, 0, 1, 2, 0, 0, 3, 4)])),
        (18, 24, [NODE("Pad", ["x", "p", "", "a"], ["y"])],
         dict([ints("p", 1, 2, 3, 4), ints("a", 2, -1)])),
    ],
    "reductions": [
        (7, 12, [NODE("ReduceSum", ["x"], ["y"], axes=[1, 2], keepdims=0)], {}),
        (13, 24, [NODE("ReduceSum", ["x", "a"], ["y"], keepdims=0)], dict([ints("a", 1, -2)])),
        (13, 24, [NODE("ReduceSum", ["x"], ["y"], noop_with_empty_axes=1)], {}),
        (7, 17, [NODE("ReduceMean", ["x"], ["y"], axes=[1])], {}),
        (18, 24, [NODE("ReduceMean", ["x", "a"], ["y"])], dict([ints("a", 1)])),
        (18, 24, [NODE("ReduceL2", ["x", "a"], ["y"], keepdims=0)], dict([ints("a", 1)])),
        (7, 17, [NODE("Exp", ["x"], ["e"]), NODE("ReduceLogSum", ["e"], ["y"], axes=[1])], {}),
        (7, 17, [NODE("ReduceLogSumExp", ["x"], ["y"], axes=[2, 3], keepdims=0)], {}),
    ],
    "slice": [
        (7, 9, [NODE("Slice", ["x"], ["y"], starts=[1, 0], ends=[-1, 2147483647],
                     axes=[2, 3])], {}),
        (10, 24, [NODE("Slice", ["x", "s", "e", "a", "t"], ["y"])],
         dict([ints("s", 1, 0), ints("e", -1, 9), ints("a", 2, -1), ints("t", 1, 2)])),
    ],
    "top_k": [
        (7, 9, [NODE("TopK", ["x"], ["y", "i"], k=3)], {}),
        (10, 24, [NODE("TopK", ["x", "k"], ["y", "i"], axis=1)], dict([ints("k", 2)])),
        (11, 24, [NODE("TopK", ["x", "k"], ["y", "i"], axis=1, largest=0)], dict([ints("k", 2)])),
    ],
    "batch_norm": [
        (7, 8, norm(settings=True), STATISTICS),
        (7, 24, norm(settings=False), STATISTICS),
    ],
    "split": [
        (7, 12, [NODE("Split", ["x"], ["a", "b"], axis=1, split=[1, 3]),
                 NODE("Mul", ["a", "b"], ["y"])], {}),
        (13, 24, [NODE("Split", ["x", "n"], ["a", "b"], axis=1), NODE("Mul", ["a", "b"], ["y"])],
         dict([ints("n", 1, 3)])),
        (18, 24, [NODE("Split", ["x"], ["a", "b"], axis=1, num_outputs=2),
                  NODE("Mul", ["a", "b"], ["y"])], {}),
    ],
    "gemm": [
        (7, 10, [NODE("Flatten", ["x"], ["f"]), NODE("Gemm", ["f", "w", "b"], ["y"], transB=1)],
         {"w": RANDOM.random((3, 256), np.float32), "b": RANDOM.random(3, np.float32)}),
        (11, 24, [NODE("Flatten", ["x"], ["f"], axis=-3),
                  NODE("Gemm", ["f", "w"], ["y"], alpha=0.5)],
         {"w": RANDOM.random((256, 3), np.float32)}),
    ],
    "pooling": [
        (7, 24, [NODE("AveragePool", ["x"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1])], {}),
        (10, 24, [NODE("MaxPool", ["x"], ["y"], kernel_shape=[3, 3], strides=[2, 2],
                       ceil_mode=1)], {}),
        (10, 24, [NODE("AveragePool", ["x"], ["y"], kernel_shape=[3, 3], strides=[2, 2],
                       ceil_mode=1)], {}),
        (18, 24, [NODE("LpPool", ["x"], ["y"], kernel_shape=[2, 2], p=2)], {}),
    ],
    "depth_to_space": [
        (7, 24, [NODE("DepthToSpace", ["x"], ["y"], blocksize=2)], {}),
        (11, 24, [NODE("DepthToSpace", ["x"], ["y"], blocksize=2, mode="CRD")], {}),
    ],
    "activations": [
        (14, 24, [NODE("HardSwish", ["x"], ["y"])], {}),
        (18, 24, [NODE("Mish", ["x"], ["y"])], {}),
        (20, 24, [NODE("Gelu", ["x"], ["y"], approximate="tanh")], {}),
        (12, 24, [NODE("Celu", ["x"], ["y"], alpha=0.7)], {}),
        (7, 24, [NODE("PRelu", ["x", "a"], ["y"])], {"a": RANDOM.random((4, 1, 1), np.float32)}),
        (10, 24, [NODE("ThresholdedRelu", ["x"], ["y"], alpha=0.5)], {}),
        (7, 24, [NODE("Selu", ["x"], ["y"])], {}),
        (24, 24, [NODE("Swish", ["x"], ["y"])], {}),
    ],
    "normalizations": [
        (17, 24, [NODE("LayerNormalization", ["x", "s", "b"], ["y"])],
         {"s": RANDOM.random(8, np.float32), "b": RANDOM.random(8, np.float32)}),
        (21, 24, [NODE("GroupNormalization", ["x", "s", "b"], ["y"], num_groups=2)],
         {"s": RANDOM.random(4, np.float32), "b": RANDOM.random(4, np.float32)}),
        (23, 24, [NODE("RMSNormalization", ["x", "s"], ["y"])],
         {"s": RANDOM.random(8, np.float32)}),
        (7, 24, [NODE("InstanceNormalization", ["x", "s", "b"], ["y"])],
         {"s": RANDOM.random(4, np.float32), "b": RANDOM.random(4, np.float32)}),
        (9, 24, [NODE("MeanVarianceNormalization", ["x"], ["y"])], {}),
        (7, 24, [NODE("LpNormalization", ["x"], ["y"], axis=1)], {}),
    ],
    "recurrence": [
        (7, 24, recurrent("GRU", linear_before_reset=1), WEIGHTS | dict([ints("rows", -1, 2, 16)])),
    ],
    "sizes as numbers": [
        (7, 24, [NODE("Shape", ["x"], ["y"])], {}),
        (7, 12, [NODE("Shape", ["x"], ["s"]), NODE("Cast", ["s"], ["f"], to=1),
                 NODE("ReduceProd", ["f"], ["p"], axes=[0], keepdims=0),
                 NODE("Div", ["x", "p"], ["y"])], {}),
    ],
    "the rest": [
        (8, 24, [NODE("Max", ["x", "c"], ["y"])], dict([floats("c", 0.1)])),
        (8, 24, [NODE("Mean", ["x", "x", "c"], ["y"])], dict([floats("c", 0.1)])),
        (7, 24, [NODE("ArgMax", ["x"], ["i"], axis=1), NODE("Cast", ["i"], ["y"], to=1)], {}),
        (11, 24, [NODE("CumSum", ["x", "a"], ["y"])], dict([ints("a", 1)])),
        (14, 24, [NODE("Trilu", ["x"], ["y"], upper=0)], {}),
        (7, 24, [NODE("Tile", ["x", "r"], ["y"])], dict([ints("r", 1, 2, 1, 1)])),
        (12, 24, [NODE("Einsum", ["x", "w"], ["y"], equation="nchw,cd->ndhw")],
         {"w": RANDOM.random((4, 3), np.float32)}),
        (9, 24, [NODE("Where", ["c", "x", "z"], ["y"])],
         {"c": RANDOM.random((8, 8)) > 0.5, "z": np.zeros((1,), np.float32)}),
        (11, 24, [NODE("Gather", ["x", "i"], ["y"], axis=-1)], dict([ints("i", -1, 0)])),
        (7, 24, [NODE("Reshape", ["x", "s"], ["y"])], dict([ints("s", 0, 0, -1)])),
    ],
}  # fmt: skip


def _forms() -> list[tuple[str, int]]:
    return [(what, at) for what, forms in FORMS.items() for at in range(len(forms))]


@pytest.mark.parametrize(("what", "at"), _forms())
def test_each_form_is_imported_from_the_opsets_that_have_it(
    what: str, at: int, tmp_path: Path
) -> None:
    first, last, nodes, arrays = FORMS[what][at]
    texts = {
        str(check_import(saved(tmp_path, nodes, {"x": FOUR}, arrays, opset=opset)).text)
        for opset in sorted({first, max(first, min(last, 13)), last})
    }
    assert len(texts) == 1


@pytest.mark.parametrize(
    ("node", "arrays", "why"),
    [
        (NODE("PRelu", ["x", "a"], ["y"]), {"a": np.ones(4, np.float32)},
         "has neither one slope nor one for each channel"),
        (NODE("LSTM", ["t", "w", "u", "", "", "", "", "p"], ["y"], hidden_size=2),
         {"w": RANDOM.random((1, 8, 4), np.float32), "u": RANDOM.random((1, 8, 2), np.float32),
          "p": RANDOM.random((1, 6), np.float32), "t": RANDOM.random((3, 2, 4), np.float32)},
         "has peepholes"),
        (NODE("BatchNormalization", ["x", "s", "b", "m", "v"], ["y"], spatial=0), STATISTICS,
         "has statistics for each element of a channel"),
        (NODE("Upsample", ["x"], ["y"], scales=[2.0, 1.0, 1.0, 1.0]), {},
         "resizes the batch or the channels"),
    ],
)  # fmt: skip
def test_a_form_of_another_meaning_is_rejected(
    node: onnx.NodeProto, arrays: dict[str, Array], why: str, tmp_path: Path
) -> None:
    path = saved(tmp_path, [node], {"x": ["N", 4, 8, 4]}, arrays, opset=7)
    with pytest.raises(netlang.FileError, match=f"node 1, {node.op_type} of .* {why}"):
        read_onnx(path)
