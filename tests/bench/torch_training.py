"""The networks of `training_cases.py` written for PyTorch: the same layers, in the same order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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


def double(c: int, width: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(c, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
    )  # fmt: skip


class UNet(nn.Module):
    """Levels that are halved, and levels that are doubled and joined with those."""

    def __init__(self) -> None:
        super().__init__()
        widths = [64, 128, 256, 512]
        self.down = nn.ModuleList(double(*c) for c in zip([3, *widths], widths, strict=False))
        self.middle = double(512, 1024)
        up = [512, 256, 128, 64]
        self.grow = nn.ModuleList(nn.ConvTranspose2d(2 * c, c, 2, 2) for c in up)
        self.up = nn.ModuleList(double(2 * c, c) for c in up)
        self.top = nn.Conv2d(64, 2, 1)

    def forward(self, x: Any) -> Any:
        skips = []
        for down in self.down:
            x = down(x)
            skips.append(x)
            x = nn.functional.max_pool2d(x, 2)
        x = self.middle(x)
        for grow, up, skip in zip(self.grow, self.up, reversed(skips), strict=True):
            x = up(torch.cat([skip, grow(x)], 1))
        return self.top(x)


class Letters(nn.Module):
    """A recurrent layer over letters, one-hot."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer, self.top = layer, nn.Linear(256, 28)

    def forward(self, tokens: Any) -> Any:
        letters = nn.functional.one_hot(tokens, 28).float()
        return self.top(self.layer(letters)[0])


class GPT2(nn.Module):
    """Four blocks of GPT-2, of width 256."""

    def __init__(self, words: int = 1000, places: int = 1024, width: int = 256) -> None:
        super().__init__()
        self.word, self.place = nn.Embedding(words, width), nn.Embedding(places, width)
        self.dropout, self.last = nn.Dropout(0.1), nn.LayerNorm(width)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, width // 64, 4 * width, batch_first=True, norm_first=True,
                activation=lambda x: nn.functional.gelu(x, approximate="tanh"),
            )
            for _ in range(4)
        )  # fmt: skip

    def forward(self, tokens: Any) -> Any:
        length = tokens.shape[1]
        x = self.dropout(self.word(tokens) + self.place(torch.arange(length)))
        later = nn.Transformer.generate_square_subsequent_mask(length)
        for block in self.blocks:
            x = block(x, src_mask=later, is_causal=True)
        return self.last(x) @ self.word.weight.T


class Bert(nn.Module):
    """Four layers of BERT, of width 256."""

    def __init__(self, words: int = 1000, width: int = 256) -> None:
        super().__init__()
        self.word, self.place = nn.Embedding(words, width), nn.Embedding(512, width)
        self.part, self.norm = nn.Embedding(2, width), nn.LayerNorm(width)
        self.dropout, self.top = nn.Dropout(0.1), nn.Linear(width, words)
        # What it computes is not used here; it counts as a parameter.
        self.pooled = nn.Linear(width, width)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, width // 64, 4 * width, batch_first=True, activation="gelu"
            )
            for _ in range(4)
        )

    def forward(self, tokens: Any, segment: Any, mask: Any) -> Any:
        places = self.place(torch.arange(tokens.shape[1]))
        x = self.dropout(self.norm(self.word(tokens) + places + self.part(segment)))
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=~mask)
        return self.top(x)


class SkipGram(nn.Module):
    """Scores of words around a word."""

    def __init__(self, words: int = 6719, width: int = 100) -> None:
        super().__init__()
        self.v, self.u = nn.Embedding(words, width), nn.Embedding(words, width)

    def forward(self, center: Any, context: Any) -> Any:
        return torch.einsum("nd,nkd->nk", self.v(center), self.u(context))


def generator() -> nn.Module:
    layers: list[nn.Module] = []
    c = 100
    for width, stride in [(512, 1), (256, 2), (128, 2), (64, 2)]:
        layers.append(nn.ConvTranspose2d(c, width, 4, stride, stride - 1, bias=False))
        layers += [nn.BatchNorm2d(width), nn.ReLU()]
        c = width
    return nn.Sequential(
        nn.Unflatten(1, (100, 1, 1)), *layers, nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False),
        nn.Tanh(),
    )  # fmt: skip


def discriminator() -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    c = 64
    for width in (128, 256, 512):
        layers += [nn.Conv2d(c, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width)]
        layers.append(nn.LeakyReLU(0.2))
        c = width
    return nn.Sequential(*layers, nn.Conv2d(512, 1, 4, bias=False), nn.Flatten(0))


Batch = Mapping[str, Any]
Loss = Callable[[Batch], Any]
Step = tuple[Loss, torch.optim.Optimizer]
"""What is computed of a batch, and what then changes the parameters."""


@dataclass(frozen=True, slots=True)
class Training:
    """Modules and the steps by which they are trained in turn; ``images`` where 4-d is NCHW."""

    modules: Sequence[nn.Module]
    steps: Sequence[Step]
    images: bool = True


def _sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.01)


def classifier(make: Callable[[], nn.Module], target: str = "label") -> Callable[[], Training]:
    """Return what trains a network that classifies images, or their pixels."""

    def made() -> Training:
        model, entropy = make(), nn.CrossEntropyLoss()

        def loss(batch: Batch) -> Any:
            return entropy(model(batch["image"]), batch[target])

        return Training([model], [(loss, _sgd(model))])

    return made


def texts(make: Callable[[], nn.Module], *inputs: str) -> Callable[[], Training]:
    """Return what trains a network that foretells a word for each place of a text."""

    def made() -> Training:
        model, entropy = make(), nn.CrossEntropyLoss()

        def loss(batch: Batch) -> Any:
            logits = model(*(batch[name] for name in inputs))
            return entropy(logits.flatten(0, 1), batch["target"].flatten())

        return Training([model], [(loss, _sgd(model))], images=False)

    return made


def word2vec() -> Training:
    model = SkipGram()

    def loss(batch: Batch) -> Any:
        score, mask = model(batch["center"], batch["context"]), batch["mask"]
        each = nn.functional.binary_cross_entropy_with_logits(
            score, batch["label"], reduction="none"
        )
        return (each * mask).sum() / mask.sum()

    return Training([model], [(loss, torch.optim.Adam(model.parameters(), 2e-3))], images=False)


def dcgan() -> Training:
    gen, disc = generator(), discriminator()
    entropy = nn.functional.binary_cross_entropy_with_logits

    def real_or_not(batch: Batch) -> Any:
        real, fake = disc(batch["image"]), disc(gen(batch["z"]).detach())
        return entropy(real, torch.ones_like(real)) + entropy(fake, torch.zeros_like(fake))

    def deceived(batch: Batch) -> Any:
        fake = disc(gen(batch["z"]))
        return entropy(fake, torch.ones_like(fake))

    adams = [torch.optim.Adam(m.parameters(), 2e-4, (0.5, 0.999)) for m in (disc, gen)]
    return Training([gen, disc], list(zip((real_or_not, deceived), adams, strict=True)))


MAKERS: dict[str, Callable[[], nn.Module]] = {
    make.__name__: make
    for make in (
        softmax, mlp, lenet, batch_norm_lenet, resnet18, vgg, nin, googlenet, densenet, alexnet,
    )
} | {"resnet18_128": resnet18}  # fmt: skip
"""The networks that classify images."""

TRAININGS: dict[str, Callable[[], Training]] = {
    **{name: classifier(make) for name, make in MAKERS.items()},
    "unet": classifier(UNet, "mask"),
    "rnn": texts(lambda: Letters(nn.RNN(28, 256, batch_first=True)), "tokens"),
    "gru": texts(lambda: Letters(nn.GRU(28, 256, batch_first=True)), "tokens"),
    "lstm": texts(lambda: Letters(nn.LSTM(28, 256, batch_first=True)), "tokens"),
    "lstm_two_layers": texts(lambda: Letters(nn.LSTM(28, 256, 2, batch_first=True)), "tokens"),
    "gpt2": texts(GPT2, "tokens"),
    "bert": texts(Bert, "tokens", "segment", "mask"),
    "word2vec": word2vec,
    "dcgan": dcgan,
}  # fmt: skip
