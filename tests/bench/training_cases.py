"""The networks whose steps of training are measured: programs of `examples/`, on small inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netlang.system.numpy import Array

EXAMPLES = Path(__file__).parents[2] / "examples"

SECTION = """
dataset drawn -> ({columns}) {{
  npz = "bench.npz"
}}

train bench {{
  data = drawn() |> batches({rows})
{body}
  run = {steps} steps
}}
"""

MLP = """
net MLP(image: f32[N, 1, 28, 28]) -> logits: f32[N, 10] {
  logits = image |> flatten |> dense(256) |> relu |> dense(10)
}
"""


@dataclass(frozen=True, slots=True)
class Column:
    """What a batch has of each example: normal numbers, or indices below a bound."""

    shape: tuple[int, ...]
    below: int | None = None
    dtype: str = "f32"

    def type(self) -> str:
        """Return the type as a program writes it."""
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"

    def drawn(self, rows: int, seed: int) -> Array:
        import numpy as np

        random, shape = np.random.default_rng(seed), (rows, *self.shape)
        if self.below is None:
            return random.normal(size=shape).astype(np.float32)
        numpy = {"f32": np.float32, "i64": np.int64, "bool": np.bool_}[self.dtype]
        return random.integers(0, self.below, shape).astype(numpy)


@dataclass(frozen=True, slots=True)
class Case:
    """A network of a file, what its batches have, and how it is trained."""

    file: str
    body: str
    batch: Mapping[str, Column]
    rows: int
    limit: float = 1.0
    """How many times the time of PyTorch's fastest mode a step may take."""
    net: str = ""
    """The network, where it classifies images."""
    side: int = 0
    """The size of the images, where the file has another; nothing else of it depends on that."""
    steps: int = 1000

    @property
    def size(self) -> str:
        """The size of a batch, for a person."""
        shape = next(iter(self.batch.values())).shape
        return f"{self.rows} of {'x'.join(map(str, shape)) or 'one'}"

    def arrays(self) -> dict[str, Array]:
        """Return one batch, always the same."""
        columns = enumerate(self.batch.items())
        return {name: column.drawn(self.rows, seed) for seed, (name, column) in columns}

    def write(self, folder: Path) -> Path:
        """Write a program that trains the network, next to the files it imports."""
        here = folder / "examples"
        copytree(EXAMPLES, here, ignore=lambda _, names: [n for n in names if "." not in n])
        text = MLP if self.file == "" else (EXAMPLES / self.file).read_text("utf-8")
        lines = text.splitlines()
        sized = "\n".join(line for line in lines if not line.startswith("assert"))
        if self.side:
            sized = sized.replace("224, 224", f"{self.side}, {self.side}")
        columns = ", ".join(f"{name}: {column.type()}" for name, column in self.batch.items())
        body = "\n".join(f"  {line}" for line in self.body.strip().splitlines())
        more = SECTION.format(columns=columns, rows=self.rows, body=body, steps=self.steps)
        path = here / "bench.net"
        path.write_text(sized + more, "utf-8")
        return path


CLASSIFY = """
model = new {net}()
logits = model(batch.image)
loss = cross_entropy(logits, batch.label)
optimizer = sgd(0.01)
init = [fill(weights(model), kaiming_uniform())]
"""
FORETELL = """
model = new {net}
loss = cross_entropy(model(batch.tokens), batch.target)
optimizer = sgd(0.01)
"""
ENCODE = """
model = new Bert(vocab=1000, width=256, depth=4)
top = new dense(1000)
hidden, _ = model(batch.tokens, batch.segment, batch.mask)
loss = cross_entropy(top(hidden), batch.target)
optimizer = sgd(0.01)
"""
WORDS = """
model = new SkipGram(words=6719)
loss = bce_with_logits(model(batch.center, batch.context), batch.label, mask=batch.mask)
optimizer = adam(2e-3)
"""
PIXELS = """
model = new UNet()
loss = cross_entropy(model(batch.image), batch.mask, axis=1)
optimizer = sgd(0.01)
init = [fill(weights(model), kaiming_uniform())]
"""
ADVERSARIES = """
gen = new Generator()
disc = new Discriminator()
fake = gen(batch.z)
step discriminator {
  loss = bce_with_logits(disc(batch.image), 1.0) + bce_with_logits(disc(fake), 0.0)
  update = [disc]
  optimizer = adam(2e-4, beta1=0.5)
}
step generator {
  loss = bce_with_logits(disc(fake), 1.0)
  update = [gen]
  optimizer = adam(2e-4, beta1=0.5)
}
init = [fill(convs(gen), normal(0.02)), fill(convs(disc), normal(0.02))]
"""


def pictures(net: str, file: str, side: int = 28, rows: int = 256, limit: float = 1.0) -> Case:
    columns = {"image": Column((1, side, side)), "label": Column((), 10, "i64")}
    return Case(file, CLASSIFY.format(net=net), columns, rows, limit, net, side)


def texts(net: str, file: str, length: int, rows: int, words: int) -> Case:
    columns = {name: Column((length,), words, "i64") for name in ("tokens", "target")}
    return Case(file, FORETELL.format(net=net), columns, rows)


_INDEX, _MASK = Column((128,), 1000, "i64"), Column((128,), 2, "bool")
_CONTEXT = {"context": Column((60,), 6719, "i64"), "label": Column((60,), 2)}

CASES = {
    "softmax": pictures("Softmax", "softmax_regression.net"),
    "mlp": pictures("MLP", ""),
    "lenet": pictures("LeNet", "lenet.net"),
    "batch_norm_lenet": pictures("BatchNormLeNet", "batch_norm_lenet.net"),
    "resnet18": pictures("ResNet18", "resnet_d2l.net", 96, 16, 1.15),
    "resnet18_128": pictures("ResNet18", "resnet_d2l.net", 96, 128, 1.15),
    "vgg": pictures("SmallVGG11", "vgg_d2l.net", 64, 16, 1.15),
    "nin": pictures("NiN", "nin.net", 112, 16, 1.15),
    "googlenet": pictures("GoogLeNet", "googlenet_d2l.net", 96, 16, 1.15),
    "densenet": pictures("DenseNet", "densenet_d2l.net", 96, 16, 1.15),
    "alexnet": pictures("AlexNet", "alexnet_d2l.net", 96, 16, 1.15),
    "unet": Case(
        "unet.net", PIXELS, {"image": Column((3, 64, 64)), "mask": Column((64, 64), 2, "i64")}, 4,
        1.15,
    ),
    "rnn": texts("RNN()", "language_models.net", 35, 32, 28),
    "gru": texts("GRU()", "language_models.net", 35, 32, 28),
    "lstm": texts("LSTM()", "language_models.net", 35, 32, 28),
    "lstm_two_layers": texts("DeepLSTM()", "language_models.net", 35, 32, 28),
    "gpt2": texts("GPT2(vocab=1000, width=256, depth=4)", "gpt2.net", 128, 8, 1000),
    "bert": Case(
        "transformer.net", ENCODE,
        {"tokens": _INDEX, "segment": Column((128,), 2, "i64"), "mask": _MASK, "target": _INDEX}, 8,
    ),
    "word2vec": Case(
        "word2vec.net", WORDS,
        {"center": Column((), 6719, "i64"), **_CONTEXT, "mask": Column((60,), 2)}, 512,
    ),
    "dcgan": Case(
        "dcgan.net", ADVERSARIES, {"image": Column((3, 64, 64)), "z": Column((100,))}, 32,
    ),
}  # fmt: skip
