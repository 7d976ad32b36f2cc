"""Parameters with the names of other libraries are loaded as what they are, or not at all.

Tests ``netlang.matching``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from layouts import FOLDER, Layout, layouts, random_tensor, unpacked

import netlang
from netlang.storage.weights import save_weights

EXAMPLES = Path(__file__).parents[2] / "examples"
NETWORKS = FOLDER / "networks.net"

NETS: dict[str, tuple[Path, str, dict[str, object]]] = {
    "torchvision resnet18": (EXAMPLES / "resnet.net", "ResNet18", {}),
    "torchvision resnet34": (EXAMPLES / "resnet.net", "ResNet34", {}),
    "torchvision resnet50": (EXAMPLES / "resnet.net", "ResNet50", {}),
    "torchvision squeezenet1_0": (EXAMPLES / "squeezenet.net", "SqueezeNet", {}),
    "torchvision densenet121": (EXAMPLES / "densenet.net", "DenseNet121", {}),
    "torchvision googlenet": (EXAMPLES / "googlenet_torchvision.net", "GoogLeNet", {}),
    "torchvision inception_v3": (EXAMPLES / "inception_v3.net", "InceptionV3", {}),
    "torchvision efficientnet_b0": (NETWORKS, "EfficientNetB0", {}),
    "torchvision mobilenet_v2": (NETWORKS, "MobileNetV2", {}),
    "torchvision vision_transformer": (NETWORKS, "ViT", {}),
    "torchvision convnext": (
        NETWORKS, "ConvNeXt", {"depths": [3, 3, 2], "widths": [16, 32, 64]},
    ),
    "torchvision vgg_bn": (NETWORKS, "VGG", {}),
    "torchvision regnet_x_400mf": (
        NETWORKS, "RegNet", {"depths": [1, 2, 7, 12], "widths": [32, 64, 160, 400], "group": 16},
    ),
    "timm resnet26": (NETWORKS, "ResNet26", {}),
    "timm mobilenetv1_100": (NETWORKS, "MobileNetV1", {}),
    "timm efficientnet_b0": (NETWORKS, "EfficientNetB0", {}),
    "timm vision_transformer": (NETWORKS, "ViT", {}),
    "timm convnext": (
        NETWORKS, "ConvNeXt", {"depths": [3, 3, 2, 2], "widths": [16, 32, 64, 64]},
    ),
    "timm mlp_mixer": (NETWORKS, "Mixer", {}),
    "timm regnetx_002": (
        NETWORKS, "RegNet", {"depths": [1, 1, 4, 7], "widths": [24, 56, 152, 368], "group": 8},
    ),
}  # fmt: skip
"""The net for each layout, and values of its parameters."""

QUICK = ["torchvision vision_transformer", "timm vision_transformer", "timm mlp_mixer"]


def check_layout(name: str, layout: Layout, folder: Path) -> None:
    """Load a state dict, and compare what the net computes with what PyTorch did."""
    file, net, values = NETS[name]
    arrays = {n: random_tensor(n, shape) for n, shape in unpacked(layout["layers"]).items()}
    path = folder / "theirs.safetensors"
    save_weights(path, arrays)
    network = netlang.load(file).network(net, values)
    network.load(path, dialect="torch")
    side = layout["size"]
    image = np.random.default_rng(0).standard_normal((1, 3, side, side)).astype(np.float32)
    logits = network(image)["logits"].reshape(-1)[:10]
    wanted = np.asarray(layout["logits"])
    assert np.abs(logits - wanted).max() <= 1e-4 * np.abs(wanted).max()


@pytest.mark.parametrize("name", QUICK)
def test_small_layouts_are_loaded(name: str, tmp_path: Path) -> None:
    check_layout(name, layouts()[name], tmp_path)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*tensors that are not used")
@pytest.mark.filterwarnings("ignore:.*matches by order and shape only in 2 layers")
@pytest.mark.parametrize("name", [name for name in NETS if name not in QUICK])
def test_layouts_are_loaded(name: str, tmp_path: Path) -> None:
    check_layout(name, layouts()[name], tmp_path)
