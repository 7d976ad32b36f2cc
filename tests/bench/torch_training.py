"""The networks of `training_cases.py` written for PyTorch: the same layers, in the same order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn


def softmax() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))


def mlp() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))


def lenet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10),
    )  # fmt: skip


def batch_norm_lenet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.BatchNorm2d(6), nn.Sigmoid(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.BatchNorm2d(16), nn.Sigmoid(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(256, 120), nn.BatchNorm1d(120), nn.Sigmoid(),
        nn.Linear(120, 84), nn.BatchNorm1d(84), nn.Sigmoid(), nn.Linear(84, 10),
    )  # fmt: skip


class Residual(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, c: int, width: int, stride: int) -> None:
        super().__init__()
        self.a = nn.Sequential(
            nn.Conv2d(c, width, 3, stride, 1), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1), nn.BatchNorm2d(width),
        )  # fmt: skip
        self.skip = nn.Identity() if c == width else nn.Conv2d(c, width, 1, stride)

    def forward(self, x: Any) -> Any:
        return torch.relu(self.a(x) + self.skip(x))


def resnet18() -> nn.Module:
    layers = [nn.Conv2d(1, 64, 7, 2, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    c = 64
    for width, stride in [(64, 1), (128, 2), (256, 2), (512, 2)]:
        layers += [Residual(c, width, stride), Residual(width, width, 1)]
        c = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def vgg() -> nn.Module:
    layers: list[nn.Module] = []
    c = 1
    for depth, width in [(1, 16), (1, 32), (2, 64), (2, 128), (2, 128)]:
        for _ in range(depth):
            layers += [nn.Conv2d(c, width, 3, padding=1), nn.ReLU()]
            c = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(
        *layers, nn.Flatten(), nn.Linear(128 * 4, 4096), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4096, 10),
    )  # fmt: skip


def nin_block(c: int, out: int, kernel: int, stride: int, pad: int) -> list[nn.Module]:
    return [
        nn.Conv2d(c, out, kernel, stride, pad), nn.ReLU(),
        nn.Conv2d(out, out, 1), nn.ReLU(), nn.Conv2d(out, out, 1), nn.ReLU(),
    ]  # fmt: skip


def nin() -> nn.Module:
    return nn.Sequential(
        *nin_block(1, 96, 11, 4, 0), nn.MaxPool2d(3, 2),
        *nin_block(96, 256, 5, 1, 2), nn.MaxPool2d(3, 2),
        *nin_block(256, 384, 3, 1, 1), nn.MaxPool2d(3, 2), nn.Dropout(0.5),
        *nin_block(384, 10, 3, 1, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


class Joined(nn.Module):
    """The channels of several branches side by side."""

    def __init__(self, *branches: Sequence[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Sequential(*branch) for branch in branches)

    def forward(self, x: Any) -> Any:
        return torch.cat([branch(x) for branch in self.branches], 1)


def inception(c: int, a: int, b1: int, b2: int, c1: int, c2: int, d: int) -> nn.Module:
    return Joined(
        [nn.Conv2d(c, a, 1), nn.ReLU()],
        [nn.Conv2d(c, b1, 1), nn.ReLU(), nn.Conv2d(b1, b2, 3, padding=1), nn.ReLU()],
        [nn.Conv2d(c, c1, 1), nn.ReLU(), nn.Conv2d(c1, c2, 5, padding=2), nn.ReLU()],
        [nn.MaxPool2d(3, 1, 1), nn.Conv2d(c, d, 1), nn.ReLU()],
    )


def googlenet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 64, 7, 2, 3), nn.ReLU(), nn.MaxPool2d(3, 2, 1),
        nn.Conv2d(64, 64, 1), nn.ReLU(), nn.Conv2d(64, 192, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
        inception(192, 64, 96, 128, 16, 32, 32), inception(256, 128, 128, 192, 32, 96, 64),
        nn.MaxPool2d(3, 2, 1),
        inception(480, 192, 96, 208, 16, 48, 64), inception(512, 160, 112, 224, 24, 64, 64),
        inception(512, 128, 128, 256, 24, 64, 64), inception(512, 112, 144, 288, 32, 64, 64),
        inception(528, 256, 160, 320, 32, 128, 128),
        nn.MaxPool2d(3, 2, 1),
        inception(832, 256, 160, 320, 32, 128, 128), inception(832, 384, 192, 384, 48, 128, 128),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, 10),
    )  # fmt: skip


class Grown(nn.Module):
    """What came in, and a few channels computed from it."""

    def __init__(self, c: int, growth: int) -> None:
        super().__init__()
        self.fresh = nn.Sequential(nn.BatchNorm2d(c), nn.ReLU(), nn.Conv2d(c, growth, 3, padding=1))

    def forward(self, x: Any) -> Any:
        return torch.cat([x, self.fresh(x)], 1)


def densenet() -> nn.Module:
    layers = [nn.Conv2d(1, 64, 7, 2, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    c = 64
    for i in range(4):
        for _ in range(4):
            layers.append(Grown(c, 32))
            c += 32
        if i < 3:
            halved = nn.Conv2d(c, c // 2, 1)
            layers += [nn.BatchNorm2d(c), nn.ReLU(), halved, nn.AvgPool2d(2)]
            c //= 2
    top = [nn.BatchNorm2d(c), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, 10)]
    return nn.Sequential(*layers, *top)


def alexnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 96, 11, 4, 1), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(96, 256, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Flatten(),
        nn.Linear(256, 4096), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4096, 10),
    )  # fmt: skip


MAKERS: dict[str, Callable[[], nn.Module]] = {
    make.__name__: make
    for make in (
        softmax, mlp, lenet, batch_norm_lenet, resnet18, vgg, nin, googlenet, densenet, alexnet,
    )
}  # fmt: skip
MAKERS["resnet18_128"] = resnet18
