"""A table and a folder of images, trained here and with Keras: accuracy and the first epoch.

    python tests/bench/jobs_keras.py --keras PYTHON    # a Python with keras, jax and pillow

Both have the same layers, optimizer, batches and data. The accuracy is that on data for validation,
over five seeds; the time is from the start of the process, with its imports, to the end of the
first epoch, of the clock and of the processor.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

SEEDS, EPOCHS = 5, 5
TABLE = """
dataset rows(file: str) -> (x: f32[20], y: i64[]) {
  csv = file
  y = column("y")
  x = columns([NAMES])
}
net Classes(x: f32[N, 20]) -> logits: f32[N, 4] =
  x |> dense(64) |> relu |> dense(64) |> relu |> dense(4)
train table {
  data = rows("train.csv") |> batches(64, shuffle=true)
  valid = rows("valid.csv") |> batches(500)
  model = new Classes()
  logits = model(batch.x)
  loss = cross_entropy(logits, batch.y)
  metrics = [accuracy(logits, batch.y)]
  optimizer = adam(0.001)
  run = 5 epochs
}
""".replace("NAMES", ", ".join(f'"x{i}"' for i in range(20)))
FOLDER = """
net Pictures(image: f32[N, 3, 32, 32]) -> logits: f32[N, 3] {
  first = image |> conv(16, 3, pad=1) |> relu |> max_pool(2)
  second = first |> conv(32, 3, pad=1) |> relu |> max_pool(2)
  logits = second |> flatten |> dense(3)
}
train folder {
  data = image_folder("train", size=32) |> batches(32, shuffle=true)
  valid = image_folder("valid", size=32) |> batches(100)
  model = new Pictures()
  logits = model(batch.image)
  loss = cross_entropy(logits, batch.label)
  metrics = [accuracy(logits, batch.label)]
  optimizer = adam(0.001)
  run = 5 epochs
}
"""
OURS = """
import json, sys, time
import netlang
name, started = sys.argv[1], float(sys.argv[2])
first, found = [], []
def watch(report):
    if not first:
        first.extend([time.time() - started, time.process_time()])
for seed in range(5):
    run = netlang.load(f"{name}.net").train(folder=f"run-{name}-{seed}", seed=seed, watch=watch)
    found.append(run.history[-1].valid["accuracy"])
print(json.dumps([*first, found]))
"""
THEIRS = """
import json, os, sys, time
os.environ["KERAS_BACKEND"] = "jax"
import keras, numpy as np
from pathlib import Path
name, started = sys.argv[1], float(sys.argv[2])
first, found = [], []
class Watch(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if not first:
            first.extend([time.time() - started, time.process_time()])
def table(file):
    rows = np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.float32)
    return rows[:, :20], rows[:, 20].astype(int)
def folder(root):
    from PIL import Image
    images, labels = [], []
    for label, place in enumerate(sorted(Path(root).iterdir())):
        for file in sorted(place.iterdir()):
            images.append(np.asarray(Image.open(file)))
            labels.append(label)
    return np.stack(images).astype(np.float32) / 255, np.array(labels)
L = keras.layers
for seed in range(5):
    keras.utils.set_random_seed(seed)
    if name == "table":
        (x, y), (u, v) = table("train.csv"), table("valid.csv")
        layers = [L.Input((20,)), L.Dense(64, "relu"), L.Dense(64, "relu"), L.Dense(4)]
    else:
        (x, y), (u, v) = folder("train"), folder("valid")
        layers = [L.Input((32, 32, 3)), L.Conv2D(16, 3, padding="same", activation="relu"),
                  L.MaxPooling2D(), L.Conv2D(32, 3, padding="same", activation="relu"),
                  L.MaxPooling2D(), L.Flatten(), L.Dense(3)]
    model = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.001), loss, metrics=["accuracy"])
    run = model.fit(x, y, batch_size=64 if name == "table" else 32, epochs=5, verbose=0,
                    validation_data=(u, v), callbacks=[Watch()])
    found.append(float(run.history["val_accuracy"][-1]))
print(json.dumps([*first, found]))
"""


def write_table(path: Path, rows: int, seed: int) -> None:
    """Write rows of four classes that overlap."""
    rng = np.random.default_rng(seed)
    centers = np.random.default_rng(0).normal(size=(4, 20)) * 0.6
    labels = rng.integers(0, 4, rows)
    numbers = centers[labels] + rng.normal(size=(rows, 20))
    lines = [",".join([*(f"x{i}" for i in range(20)), "y"])]
    for row, label in zip(numbers.tolist(), labels.tolist(), strict=True):
        lines.append(",".join([*(f"{value:.5f}" for value in row), str(label)]))
    path.write_text("\n".join([*lines, ""]))


def write_folder(root: Path, count: int, seed: int) -> None:
    """Write images of disks, squares and crosses, in noise."""
    from PIL import Image

    rng = np.random.default_rng(seed)
    down, across = np.mgrid[:32, :32]
    for name in ("cross", "disk", "square"):
        (root / name).mkdir(parents=True)
        for i in range(count):
            y, x, size = rng.integers(8, 24), rng.integers(8, 24), rng.integers(4, 8)
            rows, columns = abs(down - y), abs(across - x)
            shape = {
                "cross": (np.minimum(rows, columns) < 2) & (np.maximum(rows, columns) < size),
                "disk": rows**2 + columns**2 < size**2,
                "square": np.maximum(rows, columns) < size,
            }[name]
            pixels = rng.normal(100, 30, (32, 32, 3)) + 90 * shape[..., None]
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(root / name / f"{i:04}.png")


def measured(python: str, script: str, name: str, folder: Path) -> tuple[float, float, list[float]]:
    """Run all seeds in one process; return the times to the first epoch and the accuracies."""
    clock = subprocess.run(["date", "+%s.%N"], capture_output=True, text=True, check=True).stdout
    found = subprocess.run(
        [python, "-c", script, name, clock.strip()],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    first, processor, accuracies = json.loads(found.stdout.splitlines()[-1])
    return first, processor, accuracies


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--keras", required=True, help="a Python with keras, jax and pillow")
    parser.add_argument("--job", choices=["table", "folder"], help="only this one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for seed, name, rows, images in ((1, "train", 8000, 200), (2, "valid", 2000, 100)):
            write_table(folder / f"{name}.csv", rows, seed)
            write_folder(folder / name, images, seed)
        (folder / "table.net").write_text(TABLE)
        (folder / "folder.net").write_text(FOLDER)
        for job in [given.job] if given.job else ["table", "folder"]:
            for who, python, script in (
                ("netlang", sys.executable, OURS),
                ("Keras", given.keras, THEIRS),
            ):
                first, processor, accuracies = measured(python, script, job, folder)
                mean, spread = statistics.mean(accuracies), statistics.stdev(accuracies)
                print(
                    f"{job:7} {who:8} accuracy {mean:.4f} ± {spread:.4f}, first epoch after "
                    f"{first:.1f} s ({processor:.1f} s of processor)",
                    flush=True,
                )


if __name__ == "__main__":
    main()
