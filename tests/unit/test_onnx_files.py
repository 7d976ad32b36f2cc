"""Models in files: weights that stand beside a model are written as if they stood in it."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from netlang.backends.onnx import Model, lower, save, to_onnx, weight_bytes
from netlang.ir.initializers import initialize
from netlang.program import load
from netlang.system.numpy import Array

EXAMPLES = Path(__file__).parents[2] / "examples"

WEIGHTS: dict[str, Array] = {
    "plain": np.arange(400, dtype=np.float32).reshape(20, 20),
    "turned": np.arange(400, dtype=np.float32).reshape(20, 20).T,
    "reversed": np.arange(300, dtype=np.int64)[::-1],
    "foreign": np.arange(300, dtype=">f4"),
    "half": np.arange(600, dtype=np.float16),
    "brain": np.arange(600).astype(ml_dtypes.bfloat16),
    "flags": np.arange(1200) % 3 == 0,
    "number": np.array(3.5),
    "nothing": np.zeros((0, 4), np.float32),
    "short": np.arange(127, dtype=np.uint8),
    "long": np.arange(128, dtype=np.uint8),
}


@pytest.mark.parametrize("threshold", [1 << 30, 10], ids=["inside", "outside"])
def test_weights_beside_a_model_are_those_of_the_file(tmp_path: Path, threshold: int) -> None:
    path = tmp_path / "m.onnx"
    kept = numpy_helper.from_array(np.arange(500), "kept")
    written = save(shell(kept), path, WEIGHTS, external_threshold=threshold)
    assert len(written) == (1 if threshold > 10 else 2)
    model = onnx.load(path)
    found = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    assert list(found) == ["kept", *WEIGHTS]
    for name, array in (WEIGHTS | {"kept": np.arange(500)}).items():
        assert found[name].shape == array.shape
        assert found[name].dtype.name == array.dtype.name
        assert found[name].tobytes() == array.astype(array.dtype.newbyteorder("<")).tobytes()
    assert model.graph.name == "shell"
    assert model.producer_name == "tests"


@pytest.mark.parametrize(("file", "net"), [("lenet.net", "LeNet"), ("char_lstm.net", "CharLSTM")])
def test_a_model_and_its_weights_make_the_whole(tmp_path: Path, file: str, net: str) -> None:
    graph = load(EXAMPLES / file).net(net).graph
    weights = initialize(graph, 0)
    whole = to_onnx(graph, weights)
    model, beside = lower(graph, weights)
    assert 0 < weight_bytes(model) + sum(a.nbytes for a in beside.values()) == weight_bytes(whole)
    save(model, tmp_path / "m.onnx", beside)
    assert onnx.load(tmp_path / "m.onnx") == whole


def test_lowering_does_not_copy_the_weights() -> None:
    graph = load(EXAMPLES / "lenet.net").net("LeNet").graph
    weights = initialize(graph, 0)
    _, beside = lower(graph, weights)
    assert beside.keys() == weights.keys()
    assert all(beside[name] is array for name, array in weights.items())


def shell(*tensors: onnx.TensorProto) -> Model:
    graph = helper.make_graph([], "shell", [], [], list(tensors))
    return helper.make_model(graph, producer_name="tests")
