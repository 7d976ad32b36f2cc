"""Compiled networks: few nodes, the same numbers with every operator set, weights next to them."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import onnx
import pytest
from checked import checked
from models import to_onnx

from netlang.backends import reference
from netlang.backends.onnx import Model, check, save
from netlang.backends.opsets import OPSETS
from netlang.backends.ort import Session
from netlang.ir.graph import Graph
from netlang.ir.initializers import initialize
from netlang.passes.batch_norm import fold_batch_norm
from netlang.passes.pipeline import transform
from netlang.system.numpy import Array

EXAMPLES = Path(__file__).parents[2] / "examples"
Weights = dict[str, Array]

# File, net, and the nodes that its layers need.
NETWORKS = {
    "lenet": ("lenet.net", "LeNet", 12),
    "resnet18": ("resnet.net", "ResNet18", 48),
    "resnet50": ("resnet.net", "ResNet50", 121),
    "squeezenet": ("squeezenet.net", "SqueezeNet", 64),
    "mobilenet": ("mobilenet.net", "MobileNet", 57),
    "densenet121": ("densenet.net", "DenseNet121", 367),
    "googlenet": ("googlenet_torchvision.net", "GoogLeNet", 138),
    "efficientnet": ("efficientnet.net", "EfficientNetB0", 238),
}
DEEP = {"resnet50", "densenet121", "googlenet", "efficientnet"}
MAIN = (13, 18, 24)
nets = pytest.mark.parametrize("name", NETWORKS)


@cache
def graph_of(name: str) -> Graph:
    file, net, _ = NETWORKS[name]
    return transform(checked(EXAMPLES / file).net(net).graph)


@cache
def weights_of(name: str) -> Weights:
    """Draw weights and statistics under which a normalization is not the identity."""
    graph = graph_of(name)
    rng = np.random.default_rng(0)
    weights = initialize(graph, 0)
    norms = [node for node in graph.nodes if node.op.name == "normalize_batch"]
    for node in norms:
        scale, shift, mean, var = (graph.params[v].path for v in node.inputs[1:])
        size = weights[scale].shape
        weights[scale] = rng.uniform(0.7, 1.1, size).astype(np.float32)
        weights[shift] = rng.normal(0, 0.1, size).astype(np.float32)
        weights[mean] = rng.normal(0, 0.1, size).astype(np.float32)
        weights[var] = rng.uniform(0.7, 1.3, size).astype(np.float32)
    return weights


@cache
def images_of(name: str) -> dict[str, Array]:
    (image,) = graph_of(name).inputs
    _, *sizes = image.type.shape
    shape = (2, *(size if isinstance(size, int) else 64 for size in sizes))
    return {image.name: np.random.default_rng(1).normal(size=shape).astype(np.float32)}


@lru_cache(maxsize=1)
def folded(name: str) -> tuple[Graph, Weights]:
    return fold_batch_norm(graph_of(name), weights_of(name))


def close(found: dict[str, Array], expected: dict[str, Array]) -> None:
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        # What a deep network rounds grows with what it adds up, not with each single result.
        np.testing.assert_allclose(found[name], array, rtol=0, atol=2e-4 * abs(array).max())


@cache
def unfolded_results(name: str) -> dict[str, Array]:
    return Session(to_onnx(graph_of(name), weights_of(name))).run(images_of(name))


@nets
def test_folding_leaves_few_nodes_and_no_normalization(name: str) -> None:
    kinds = [k for n in to_onnx(*folded(name)).graph.node if (k := n.op_type) != "Constant"]
    assert len(kinds) == NETWORKS[name][2]
    # A dense block normalizes what several layers made, joined: there is none to fold into.
    assert ("BatchNormalization" in kinds) == (name == "densenet121")


@nets
def test_the_folded_network_equals_the_unfolded_one(name: str) -> None:
    close(Session(to_onnx(*folded(name))).run(images_of(name)), unfolded_results(name))


def test_folding_takes_one_node_for_each_normalization_of_resnet_50() -> None:
    before = to_onnx(graph_of("resnet50"), weights_of("resnet50")).graph.node
    assert [node.op_type for node in before].count("BatchNormalization") == 53
    assert len(before) - len(to_onnx(*folded("resnet50")).graph.node) == 53


@pytest.mark.parametrize("name", ["lenet", "resnet18", "mobilenet", "squeezenet"])
def test_numpy_computes_what_the_compiled_network_does(name: str) -> None:
    expected = reference.run(graph_of(name), images_of(name), weights_of(name))
    close(unfolded_results(name), expected)


@pytest.mark.parametrize("name, opset", [
    pytest.param(name, opset, marks=pytest.mark.slow if name in DEEP and opset not in MAIN else ())
    for name in NETWORKS
    for opset in OPSETS
])  # fmt: skip
def test_every_operator_set_gives_a_sound_model_and_the_same_numbers(name: str, opset: int) -> None:
    model = to_onnx(*folded(name), opset=opset)
    assert [(i.domain, i.version) for i in model.opset_import] == [("", opset)]
    check(model)
    close(Session(model).run(images_of(name)), unfolded_results(name))


def test_a_model_fits_any_number_of_images() -> None:
    graph, weights = folded("resnet18")
    session = Session(to_onnx(graph, weights))
    (name, images), *_ = images_of("resnet18").items()
    both = session.run({name: images})["logits"]
    one = session.run({name: images[1:]})["logits"]
    np.testing.assert_allclose(one, both[1:], rtol=0, atol=1e-4 * abs(both).max())


def test_large_weights_go_next_to_the_model(tmp_path: Path) -> None:
    """Over 1 GiB in earnest; here the limit is lowered to what LeNet has."""
    path = tmp_path / "lenet.onnx"
    written = save(lenet(), path, external_threshold=100_000)
    assert [file.name for file in written] == ["lenet.onnx", "lenet.onnx.data"]
    kept = onnx.load(path, load_external_data=False).graph.initializer
    outside = {t.name for t in kept if t.data_location == onnx.TensorProto.EXTERNAL}
    assert outside == {"c2.weight", "f1.weight", "f2.weight", "logits.weight"}
    assert path.stat().st_size < 10_000 < (tmp_path / "lenet.onnx.data").stat().st_size
    onnx.checker.check_model(str(path), full_check=True)
    close(Session(path).run(images_of("lenet")), unfolded_results("lenet"))


def test_smaller_weights_stay_inside(tmp_path: Path) -> None:
    path = tmp_path / "lenet.onnx"
    assert save(lenet(), path) == (path,)
    assert [file.name for file in tmp_path.iterdir()] == ["lenet.onnx"]


def test_the_limit_is_one_gibibyte() -> None:
    assert save.__kwdefaults__ == {"external_threshold": 2**30}


def lenet() -> Model:
    return to_onnx(graph_of("lenet"), weights_of("lenet"))
