"""Published networks have the published weights, multiply-adds and shapes, layer by layer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from checked import checked

from netlang.analysis.counts import total
from netlang.analysis.summary import Row, Summary, summarize

ROOT = Path(__file__).parents[2]
REFERENCE: dict[str, dict[str, Any]] = json.loads(
    (ROOT / "tests/data/networks.json").read_text(encoding="utf-8")
)

# What the libraries call a layer of ours.
KINDS = {
    "conv": "conv",
    "depthwise_conv": "conv",
    "dense": "dense",
    "batch_norm": "norm",
    "max_pool": "max_pool",
    "avg_pool": "avg_pool",
}


@dataclass(frozen=True)
class Network:
    """A program and the published network it must equal.

    ``apart`` are bindings the reference doesn't count (auxiliary classifiers), ``unlisted`` layers
    it computes without listing them, and ``ordered`` tells whether it lists layers in our order.
    """

    reference: str
    file: str
    net: str
    apart: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    ordered: bool = True

    def __str__(self) -> str:
        return self.reference


NETWORKS = [
    Network("d2l/linear_regression", "linear_regression.net", "Linear"),
    Network("d2l/softmax_regression", "softmax_regression.net", "Softmax"),
    Network("d2l/mlp", "perceptron.net", "Perceptron"),
    Network("d2l/dropout_mlp", "mlp.net", "MLP"),
    Network("d2l/weight_decay", "regressions.net", "Wide"),
    Network("d2l/poly_underfit_overfit", "regressions.net", "Cubic"),
    Network("d2l/autoregressive_mlp", "regressions.net", "NextValue"),
    Network("d2l/kaggle_house", "regressions.net", "House"),
    Network("d2l/lenet", "lenet.net", "LeNet"),
    Network("d2l/lenet_v1", "lenet_d2l_v1.net", "LeNetV1"),
    Network("d2l/lenet_relu_maxpool", "../tests/data/networks/lenet_relu.net", "LeNet"),
    Network("d2l/batch_norm_lenet", "batch_norm_lenet.net", "BatchNormLeNet"),
    Network("d2l/alexnet", "alexnet_d2l.net", "AlexNet"),
    Network("d2l/vgg11", "vgg_d2l.net", "VGG11"),
    Network("d2l/vgg11_quarter", "vgg_d2l.net", "SmallVGG11"),
    Network("d2l/nin", "nin.net", "NiN"),
    Network("d2l/googlenet", "googlenet_d2l.net", "GoogLeNet"),
    Network("d2l/resnet18", "resnet_d2l.net", "ResNet18"),
    Network("d2l/resnet18_cifar", "resnet_d2l.net", "CifarResNet18"),
    Network("d2l/densenet", "densenet_d2l.net", "DenseNet"),
    Network("d2l/regnet_x32", "regnet.net", "RegNetX32"),
    Network("torchvision/alexnet", "alexnet_torchvision.net", "AlexNet"),
    Network("torchvision/vgg11", "vgg.net", "VGG11"),
    Network("torchvision/vgg11_bn", "vgg.net", "VGG11BN"),
    Network("torchvision/vgg13", "vgg.net", "VGG13"),
    Network("torchvision/vgg16", "vgg.net", "VGG16"),
    Network("torchvision/vgg16_bn", "vgg.net", "VGG16BN"),
    Network("torchvision/vgg19", "vgg.net", "VGG19"),
    Network("keras/VGG16", "vgg.net", "VGG16"),
    Network("keras/VGG19", "vgg.net", "VGG19"),
    Network("torchvision/googlenet", "googlenet_torchvision.net", "GoogLeNetAux",
            apart=("aux1", "aux2")),
    Network("torchvision/inception_v3", "inception_v3.net", "InceptionV3",
            apart=("side", "aux"), unlisted=("max_pool", "avg_pool"), ordered=False),
    Network("torchvision/resnet18", "resnet.net", "ResNet18"),
    Network("torchvision/resnet34", "resnet.net", "ResNet34"),
    Network("torchvision/resnet50", "resnet.net", "ResNet50"),
    Network("torchvision/resnet101", "resnet.net", "ResNet101"),
    Network("torchvision/resnet152", "resnet.net", "ResNet152"),
    Network("torchvision/densenet121", "densenet.net", "DenseNet121"),
    Network("keras/DenseNet121", "densenet.net", "DenseNet121"),
    Network("torchvision/efficientnet_b0", "efficientnet.net", "EfficientNetB0"),
    Network("torchvision/efficientnet_b1", "efficientnet.net", "EfficientNetB1"),
    Network("keras/EfficientNetB0", "efficientnet.net", "EfficientNetB0"),
    Network("torchvision/squeezenet1_0", "squeezenet.net", "SqueezeNet"),
    Network("keras/MobileNet", "mobilenet.net", "MobileNet"),
]  # fmt: skip

cases = pytest.mark.parametrize("network", NETWORKS, ids=str)


@cache
def summary_of(file: str, net: str) -> Summary:
    program = checked(ROOT / "examples" / file)
    assert program.diagnostics.items == []
    return summarize(program.net(net).graph)


def summary(network: Network) -> Summary:
    return summary_of(network.file, network.net)


def counted(network: Network) -> list[Row]:
    rows = summary(network).rows
    return [row for row in rows if row.path.split(".")[0] not in network.apart]


def test_every_reference_has_a_program() -> None:
    assert {network.reference for network in NETWORKS} == REFERENCE.keys()


@cases
def test_weights_and_running_statistics_are_as_published(network: Network) -> None:
    expected = REFERENCE[network.reference]
    actual = summary(network)
    assert (actual.params, actual.running) == (expected["params"], expected["running"])


@cases
def test_multiply_adds_are_as_published(network: Network) -> None:
    expected = REFERENCE[network.reference]
    assert total(row.macs for row in counted(network)) == expected["macs"]
    if not network.apart:
        assert summary(network).macs == expected["macs"]


@cases
def test_the_rows_add_up_to_the_totals(network: Network) -> None:
    actual = summary(network)
    sums = (
        total(row.params for row in actual.rows),
        total(row.running for row in actual.rows),
        total(row.macs for row in actual.rows),
    )
    assert sums == (actual.params, actual.running, actual.macs)


@pytest.mark.parametrize("network", [n for n in NETWORKS if n.apart], ids=str)
def test_without_auxiliary_classifiers_the_weights_are_as_published(network: Network) -> None:
    expected = REFERENCE[network.reference]["params_without_aux_head"]
    assert total(row.params for row in counted(network)) == expected


@cases
def test_inputs_and_outputs_have_the_published_shapes(network: Network) -> None:
    expected, actual = REFERENCE[network.reference], summary(network)
    (given,) = actual.inputs.values()
    made = next(iter(actual.outputs.values()))
    assert list(given.shape[1:]) == expected["input"]
    # Some libraries leave two axes of size 1 behind a global pool.
    assert list(made.shape[1:]) == [n for n in expected["output"] if n != 1] or expected[
        "output"
    ] == list(made.shape[1:])


@pytest.mark.parametrize(
    "network", [n for n in NETWORKS if "layers" in REFERENCE[n.reference]], ids=str
)
def test_each_layer_has_the_published_shape_and_weights(network: Network) -> None:
    expected = [
        (kind, tuple(shape), weights)
        for kind, shape, weights in REFERENCE[network.reference]["layers"]
        if kind not in network.unlisted
    ]
    actual = list(layers(counted(network), network.unlisted))
    if network.ordered:
        assert actual == expected
    else:
        assert Counter(actual) == Counter(expected)


def layers(
    rows: Iterable[Row], unlisted: tuple[str, ...]
) -> Iterable[tuple[str, tuple[object, ...], object]]:
    for row in rows:
        kind = KINDS.get(row.kind)
        if kind is not None and kind not in unlisted:
            yield kind, row.results[0].shape[1:], row.params
