"""Models in files: weights outside a model are written as if they were inside."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import pytest
from models import to_onnx
from onnx import helper, numpy_helper

from netlang.backends.onnx import Model, lower, save, weight_bytes
from netlang.ir.initializers import initialize
from netlang.program import load
from netlang.system.numpy import Array

EXAMPLES = Path(__file__).parents[2] / "examples"

WEIGHTS: dict[str, Array] = {
    "plain": np.arange(400, dtype=np.float32).reshape(20, 20),
    "transposed": np.arange(400, dtype=np.float32).reshape(20, 20).T,
    "reversed": np.arange(300, dtype=np.int64)[::-1],
    "foreign": np.arange(300, dtype=">f4"),
    "half": np.arange(600, dtype=np.float16),
    "brain": np.arange(600).astype(ml_dtypes.bfloat16),
    "flags": np.arange(1200) % 3 == 0,
    "scalar": np.array(3.5),
    "empty": np.zeros((0, 4), np.float32),
    "short": np.arange(127, dtype=np.uint8),
    "long": np.arange(128, dtype=np.uint8),
}


@pytest.mark.parametrize("threshold", [1 << 30, 10], ids=["inside", "outside"])
def test_a_file_holds_the_weights_of_the_model_and_those_outside(
    tmp_path: Path, threshold: int
) -> None:
    path = tmp_path / "m.onnx"
    inside = numpy_helper.from_array(np.arange(500), "inside")
    written = save(shell(inside), path, dict(WEIGHTS), external_threshold=threshold)
    assert len(written) == (1 if threshold > 10 else 2)
    model = onnx.load(path)
    found = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    assert list(found) == ["inside", *WEIGHTS]
    for name, array in (WEIGHTS | {"inside": np.arange(500)}).items():
        assert found[name].shape == array.shape
        assert found[name].dtype.name == array.dtype.name
        assert found[name].tobytes() == array.astype(array.dtype.newbyteorder("<")).tobytes()
    assert model.graph.name == "shell"
    assert model.producer_name == "tests"


@pytest.mark.parametrize(("file", "net"), [("lenet.net", "LeNet"), ("char_lstm.net", "CharLSTM")])
def test_a_model_and_the_weights_outside_are_complete(tmp_path: Path, file: str, net: str) -> None:
    graph = load(EXAMPLES / file).net(net).graph
    weights = initialize(graph, 0)
    whole = to_onnx(graph, weights)
    model, outside, _ = lower(graph, weights)
    assert 0 < weight_bytes(model) + sum(a.nbytes for a in outside.values()) == weight_bytes(whole)
    save(model, tmp_path / "m.onnx", outside)
    assert onnx.load(tmp_path / "m.onnx") == whole


def test_lowering_does_not_copy_weights() -> None:
    graph = load(EXAMPLES / "lenet.net").net("LeNet").graph
    weights = initialize(graph, 0)
    _, outside, _ = lower(graph, weights)
    assert outside.keys() == weights.keys()
    assert all(outside[name] is array for name, array in weights.items())


def shell(*tensors: onnx.TensorProto) -> Model:
    graph = helper.make_graph([], "shell", [], [], list(tensors))
    return helper.make_model(graph, producer_name="tests")
