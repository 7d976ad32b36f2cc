"""Networks of `examples/` written for PyTorch, to measure against: the same layers in one order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

Make = Callable[[], nn.Module]


class Add(nn.Module):
    """The sum of two branches, and what comes after it."""

    def __init__(self, branch: nn.Module, skip: nn.Module, after: nn.Module) -> None:
        super().__init__()
        self.branch, self.skip, self.after = branch, skip, after

    def forward(self, x: Any) -> Any:
        return self.after(self.branch(x) + self.skip(x))


class Joined(nn.Module):
    """The channels of several branches side by side."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Any) -> Any:
        return torch.cat([branch(x) for branch in self.branches], 1)


def normed(c: int, out: int, kernel: int, stride: int = 1, **more: Any) -> list[nn.Module]:
    conv = nn.Conv2d(c, out, kernel, stride, more.pop("pad", kernel // 2), bias=False, **more)
    return [conv, nn.BatchNorm2d(out)]


def lenet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10),
    )  # fmt: skip


def alexnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Flatten(),
        nn.Dropout(0.5), nn.Linear(9216, 4096), nn.ReLU(),
        nn.Dropout(0.5), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000),
    )  # fmt: skip


def vgg(*depths: int) -> nn.Module:
    layers: list[nn.Module] = []
    c = 3
    for depth, width in zip(depths, [64, 128, 256, 512, 512], strict=True):
        for _ in range(depth):
            layers += [nn.Conv2d(c, width, 3, padding=1), nn.ReLU()]
            c = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(
        *layers, nn.Flatten(), nn.Linear(25088, 4096), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4096, 1000),
    )  # fmt: skip


def basic(c: int, width: int, stride: int) -> nn.Module:
    branch = [*normed(c, width, 3, stride), nn.ReLU(), *normed(width, width, 3)]
    same = stride == 1 and c == width
    skip = nn.Identity() if same else nn.Sequential(*normed(c, width, 1, stride))
    return Add(nn.Sequential(*branch), skip, nn.ReLU())


def bottleneck(c: int, width: int, stride: int) -> nn.Module:
    branch = [
        *normed(c, width, 1), nn.ReLU(), *normed(width, width, 3, stride), nn.ReLU(),
        *normed(width, 4 * width, 1),
    ]  # fmt: skip
    same = stride == 1 and c == 4 * width
    skip = nn.Identity() if same else nn.Sequential(*normed(c, 4 * width, 1, stride))
    return Add(nn.Sequential(*branch), skip, nn.ReLU())


def resnet(unit: Callable[[int, int, int], nn.Module], depths: list[int], wide: int) -> nn.Module:
    layers: list[nn.Module] = [*normed(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    c = 64
    for i, depth in enumerate(depths):
        width = 64 << i
        for j in range(depth):
            layers.append(unit(c, width, 2 if i and not j else 1))
            c = wide * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, 1000))


def fire(c: int, squeeze: int, expand: int) -> list[nn.Module]:
    narrow = nn.Sequential(nn.Conv2d(squeeze, expand, 1), nn.ReLU())
    broad = nn.Sequential(nn.Conv2d(squeeze, expand, 3, padding=1), nn.ReLU())
    return [nn.Conv2d(c, squeeze, 1), nn.ReLU(), Joined(narrow, broad)]


def squeezenet() -> nn.Module:
    def shrink() -> nn.Module:
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    return nn.Sequential(
        nn.Conv2d(3, 96, 7, 2), nn.ReLU(), shrink(),
        *fire(96, 16, 64), *fire(128, 16, 64), *fire(128, 32, 128), shrink(),
        *fire(256, 32, 128), *fire(256, 48, 192), *fire(384, 48, 192), *fire(384, 64, 256),
        shrink(), *fire(512, 64, 256), nn.Dropout(0.5), nn.Conv2d(512, 1000, 1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


def mobilenet() -> nn.Module:
    def padded(c: int, out: int, stride: int, groups: int) -> list[nn.Module]:
        # As TensorFlow pads: with stride 2 only below and on the right.
        before: list[nn.Module] = [nn.ZeroPad2d((0, 1, 0, 1))] if stride == 2 else []
        pad = 0 if stride == 2 else 1
        return [*before, *normed(c, out, 3, stride, groups=groups, pad=pad), nn.ReLU6()]

    layers = padded(3, 32, 2, 1)
    c = 32
    for width, stride in [
        (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2),
        (1024, 1),
    ]:  # fmt: skip
        layers += [*padded(c, c, stride, c), *normed(c, width, 1), nn.ReLU6()]
        c = width
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Dropout(0.001), nn.Conv2d(1024, 1000, 1), nn.Flatten()
    )


def densenet121() -> nn.Module:
    growth = 32
    layers: list[nn.Module] = [*normed(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    c = 64
    for i, depth in enumerate([6, 12, 24, 16]):
        if i:
            layers += [nn.BatchNorm2d(c), nn.ReLU(), nn.Conv2d(c, c // 2, 1, bias=False)]
            layers.append(nn.AvgPool2d(2))
            c //= 2
        for _ in range(depth):
            narrow = [nn.BatchNorm2d(c), nn.ReLU(), *normed(c, 4 * growth, 1), nn.ReLU()]
            conv = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)
            layers.append(Joined(nn.Identity(), nn.Sequential(*narrow, conv)))
            c += growth
    return nn.Sequential(
        *layers, nn.BatchNorm2d(c), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(c, 1000),
    )  # fmt: skip


def googlenet() -> nn.Module:
    def unit(c: int, out: int, kernel: int, stride: int = 1) -> list[nn.Module]:
        conv = nn.Conv2d(c, out, kernel, stride, kernel // 2, bias=False)
        return [conv, nn.BatchNorm2d(out, eps=1e-3), nn.ReLU()]

    def inception(c: int, c1: int, r2: int, c2: int, r3: int, c3: int, proj: int) -> nn.Module:
        near = nn.MaxPool2d(3, 1, 1, ceil_mode=True)
        branches = (
            unit(c, c1, 1), [*unit(c, r2, 1), *unit(r2, c2, 3)],
            [*unit(c, r3, 1), *unit(r3, c3, 3)], [near, *unit(c, proj, 1)],
        )  # fmt: skip
        return Joined(*(nn.Sequential(*branch) for branch in branches))

    def shrink(window: int = 3) -> nn.Module:
        return nn.MaxPool2d(window, 2, ceil_mode=True)

    return nn.Sequential(
        *unit(3, 64, 7, 2), shrink(), *unit(64, 64, 1), *unit(64, 192, 3), shrink(),
        inception(192, 64, 96, 128, 16, 32, 32), inception(256, 128, 128, 192, 32, 96, 64),
        shrink(), inception(480, 192, 96, 208, 16, 48, 64),
        inception(512, 160, 112, 224, 24, 64, 64), inception(512, 128, 128, 256, 24, 64, 64),
        inception(512, 112, 144, 288, 32, 64, 64), inception(528, 256, 160, 320, 32, 128, 128),
        shrink(2), inception(832, 256, 160, 320, 32, 128, 128),
        inception(832, 384, 192, 384, 48, 128, 128),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(1024, 1000),
    )  # fmt: skip


NETWORKS: dict[str, Make] = {
    "LeNet": lenet,
    "AlexNet": alexnet,
    "VGG11": lambda: vgg(1, 1, 2, 2, 2),
    "VGG16": lambda: vgg(2, 2, 3, 3, 3),
    "ResNet18": lambda: resnet(basic, [2, 2, 2, 2], 1),
    "ResNet50": lambda: resnet(bottleneck, [3, 4, 6, 3], 4),
    "SqueezeNet": squeezenet,
    "MobileNet": mobilenet,
    "DenseNet121": densenet121,
    "GoogLeNet": googlenet,
}


def image(name: str) -> torch.Tensor:
    """One image of the size that a network takes."""
    return torch.zeros(1, 1, 28, 28) if name == "LeNet" else torch.zeros(1, 3, 224, 224)


def export(name: str, path: str) -> None:
    """Write a network as PyTorch does."""
    model = NETWORKS[name]().eval()
    torch.onnx.export(model, (image(name),), path, dynamo=True, verbose=False)
