"""The networks whose steps of training are measured: programs of `examples/`, on smaller images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

EXAMPLES = Path(__file__).parents[2] / "examples"

SECTION = """
dataset pictures -> (image: f32[1, {side}, {side}], label: i64[]) {{
  npz = "bench.npz"
}}

train bench {{
  data = pictures() |> batches({rows})
  model = new {net}()
  logits = model(batch.image)
  loss = cross_entropy(logits, batch.label)
  optimizer = {optimizer}
  init = [fill(weights(model), kaiming_uniform())]
  run = {steps} steps
}}
"""

MLP = """
net MLP(image: f32[N, 1, 28, 28]) -> logits: f32[N, 10] {
  logits = image |> flatten |> dense(256) |> relu |> dense(10)
}
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A network of a file, the size of its images, and how it is trained."""

    net: str
    file: str
    side: int = 28
    rows: int = 256
    optimizer: str = "sgd(0.01)"
    limit: float = 1.0
    """How many times PyTorch's time a step may take."""
    steps: int = 1000

    def write(self, folder: Path) -> Path:
        """Write a program that trains the network, next to the files it imports."""
        here = folder / "examples"
        copytree(EXAMPLES, here, ignore=lambda _, names: [n for n in names if "." not in n])
        text = MLP if self.file == "" else (EXAMPLES / self.file).read_text("utf-8")
        # A network says the size of its images; nothing else of it depends on that.
        lines = text.splitlines()
        kept = [line for line in lines if not line.startswith("assert")]
        sized = "\n".join(kept).replace("224, 224", f"{self.side}, {self.side}")
        more = SECTION.format(
            side=self.side, rows=self.rows, net=self.net, optimizer=self.optimizer,
            steps=self.steps,
        )  # fmt: skip
        path = here / "bench.net"
        path.write_text(sized + more, "utf-8")
        return path


CASES = {
    "softmax": Case("Softmax", "softmax_regression.net"),
    "mlp": Case("MLP", ""),
    "lenet": Case("LeNet", "lenet.net"),
    "batch_norm_lenet": Case("BatchNormLeNet", "batch_norm_lenet.net"),
    "resnet18": Case("ResNet18", "resnet_d2l.net", 96, 16, limit=1.3),
    "resnet18_128": Case("ResNet18", "resnet_d2l.net", 96, 128, limit=1.3),
    "vgg": Case("SmallVGG11", "vgg_d2l.net", 64, 16, limit=1.3),
    "nin": Case("NiN", "nin.net", 112, 16, limit=1.3),
    "googlenet": Case("GoogLeNet", "googlenet_d2l.net", 96, 16, limit=1.3),
    "densenet": Case("DenseNet", "densenet_d2l.net", 96, 16, limit=1.3),
    "alexnet": Case("AlexNet", "alexnet_d2l.net", 96, 16, limit=1.3),
}
