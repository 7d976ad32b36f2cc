"""Small train sections with data of their own, for the tests of training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from plans import plan_of

from netlang.plan.schedules import follow
from netlang.training.run.engine import Engine, NumpyEngine, OrtEngine, initial_state
from netlang.training.run.initial_parameters import initial_parameters
from netlang.training.run.loop import clock_of
from netlang.training.run.preparation import Choices, open_data
from netlang.training.step.graphs import DRAW, STEP, Training, prepare

ROWS = 40

DATA = """
dataset rows -> (x: f32[1, 8, 8], y: i64[]) {
  npz = "rows.npz"
}
"""

MLP = """
net Net(x: f32[N, 1, 8, 8]) -> logits: f32[N, 3] {
  h = x |> flatten |> dense(16) |> relu |> dropout(0.3)
  logits = dense(h, 3)
}
"""

LENET = """
net Net(x: f32[N, 1, 8, 8]) -> logits: f32[N, 3] {
  a = x |> conv(4, 3, pad=1) |> sigmoid |> avg_pool(2)
  b = a |> conv(6, 3) |> tanh |> max_pool(2)
  logits = b |> flatten |> dense(8) |> relu |> dense(3)
}
"""

MIXED = """
net Net(x: f32[N, 1, 8, 8]) -> logits: f32[N, 3] {
  a = x |> conv(4, 3, stride=2) |> relu |> conv(6, 1) |> tanh
  logits = a |> global_avg_pool |> dense(3)
}
"""

NORMED = """
net Net(x: f32[N, 1, 8, 8]) -> logits: f32[N, 3] {
  a = x |> conv(4, 3, bias=false) |> batch_norm |> relu |> avg_pool(2)
  logits = a |> flatten |> dense(8, bias=false) |> batch_norm |> relu |> dense(3)
}
"""

TRAIN = """
train it(lr: float = 0.1) {
  data = rows() |> batches(16, shuffle=true)
  valid = rows() |> batches(16)
  model = new Net()
  logits = model(batch.x)
  acc = accuracy(logits, batch.y)
  loss = cross_entropy(logits, batch.y)
  metrics = [acc]
  optimizer = OPTIMIZER
  run = 4 epochs
  MORE
}
"""

GAN = """
dataset points -> (p: f32[2]) {
  npz = "points.npz"
}

net Gen(z: f32[N, 2]) -> p: f32[N, 2] = dense(z, 2)

net Disc(p: f32[N, 2]) -> logit: f32[N] {
  a = p |> dense(5) |> tanh |> dense(3) |> tanh
  logit = a |> dense(1) |> reshape([N])
}

train gan {
  data = points() |> batches(BATCH, shuffle=true)
  gen = new Gen()
  disc = new Disc()
  fake = gen(random_normal([N, 2]))
  step d {
    loss = (bce_with_logits(disc(batch.p), 1.0) + bce_with_logits(disc(fake), 0.0)) / 2.0
    update = [disc]
    optimizer = adam(0.05)
    REPEAT
  }
  step g {
    loss = bce_with_logits(disc(fake), 1.0)
    update = [gen]
    optimizer = adam(0.005)
  }
  init = [fill(weights(gen), normal(0.02)), fill(weights(disc), normal(0.02))]
  run = EPOCHS epochs
}
"""


def section(net: str = MLP, optimizer: str = "sgd(lr)", more: str = "") -> str:
    """Write a program of a net and a section that trains it."""
    train = TRAIN.replace("OPTIMIZER", optimizer).replace("MORE", more)
    if "lr" not in optimizer + more:
        train = train.replace("(lr: float = 0.1)", "")
    return DATA + net + train


def gan(*, batch: int = 16, epochs: int = 2, repeat: int = 1) -> str:
    text = GAN.replace("BATCH", str(batch)).replace("EPOCHS", str(epochs))
    return text.replace("REPEAT", f"repeat = {repeat}" if repeat > 1 else "")


def write(folder: Path, text: str, *, rows: int = ROWS, seed: int = 0) -> Path:
    """Write a program and data for it; return the program's path."""
    draw = np.random.default_rng(seed)
    y = draw.integers(0, 3, rows)
    x = draw.normal(size=(rows, 1, 8, 8)).astype(np.float32) * 0.5
    x[np.arange(rows), 0, y, :] += 1.5
    np.savez(folder / "rows.npz", x=x, y=y)
    points = draw.normal(size=(rows, 2)) @ np.array([[1, 2], [-0.1, 0.5]]) + np.array([1, 2])
    np.savez(folder / "points.npz", p=points.astype(np.float32))
    path = folder / "it.net"
    path.write_text(text, "utf-8")
    return path


def prepared(path: Path, given: Mapping[str, str] | None = None, seed: int = 0) -> Training:
    """Make the graphs of the only section of a program that has no errors."""
    return prepare(plan_of(path, None, given), seed)


def engines(training: Training, folder: Path) -> tuple[OrtEngine, NumpyEngine]:
    """Make one engine of each kind, both at the beginning."""
    state = initial_state(training, initial_parameters(training.plan, 0, folder))
    return OrtEngine(training, state, threads=1), NumpyEngine(training, state)


def walk(training: Training, engine: Engine, folder: Path, steps: int) -> list[dict[str, float]]:
    """Do some steps, as a run does them; return the metrics of each update."""
    data, _ = open_data(training.plan, Choices(folder, 0))
    clock = clock_of(training.plan, len(data))
    told: list[dict[str, float]] = []
    many = training.plan.accumulate
    for step in range(steps):
        epoch, at = divmod(step, clock.steps_per_epoch)
        if at == 0:
            engine.reset()
        with data.epoch(epoch, at * many) as stream:
            batches = [b for b, _ in zip(stream, range(many), strict=False)]
        total = sum(len(next(iter(b.values()))) for b in batches)
        for chosen in training.steps:
            rates = {name: follow(own, clock)(step) for name, own in chosen.rates.items()}
            for turn in range(chosen.update.repeat):
                for i, batch in enumerate(batches):
                    last = i == len(batches) - 1
                    graph = chosen.graph if last else chosen.gathering
                    assert graph is not None
                    share = len(next(iter(batch.values()))) / total
                    numbers = {
                        STEP: step * chosen.update.repeat + turn + 1,
                        DRAW: step * many + i + 1,
                        **dict.fromkeys(chosen.shares, share),
                        **rates,
                    }
                    found = engine.step(graph, batch, numbers)
                    told.append({name: float(array) for name, array in found.items()})
    return told


WORSENING = section(
    optimizer="sgd(0.05)",
    more="""stop = early_stop(loss, patience=2 epochs, mode="max")
  checkpoint = [save_best(model, "best.safetensors", by=loss, mode="max"),
    save_every(model, "epoch-{epoch}.safetensors", every=1 epoch)]""",
)
"""A run that is best after its first epoch: its loss falls, and the largest one counts."""
