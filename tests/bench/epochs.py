"""The time of whole epochs, data included, as ratios to PyTorch with a DataLoader.

python tests/bench/epochs.py --peers PYTHON [CASE ...]    # a Python that has torch

Both sides read the same 12,000 gray images of 28 by 28 bytes, shuffle them, and take steps of
256 rows. Theirs is the fastest of several counts of workers. Each side is a process of its own,
in turn.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from subprocess import run
from tempfile import TemporaryDirectory

import numpy as np
from measuring import NETLANG, has, skipped, table
from training_cases import CASES, Case

HERE = Path(__file__).parent
ROWS, EPOCHS = 12_000, 4
WORKERS = (0, 1, 2, 4)
SMALL = ("softmax", "mlp", "lenet", "batch_norm_lenet")
SECTION = """
dataset pictures -> (image: f32[1, 28, 28], label: i64[]) {{
  idx = ["images-idx3-ubyte", "labels-idx1-ubyte"]
}}

train bench {{
  data = pictures() |> batches({rows}, shuffle=true)
  model = new {net}()
  loss = cross_entropy(model(batch.image), batch.label)
  optimizer = sgd(0.01)
  run = {epochs} epochs
}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cases", nargs="*", help=f"of: {', '.join(SMALL)}; default: all")
    parser.add_argument("--peers", default=sys.executable, help="a Python with torch")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if not has(options.peers, "torch"):
        # Our side alone; the missing peer is reported.
        print(skipped("PyTorch", "torch"), file=sys.stderr)
        options.peers = None
    rows = [row(name, options) for name in options.cases or SMALL]
    print(table(["epoch", "netlang", "PyTorch", "workers", "ratio", "limit"], rows))


def row(name: str, options: argparse.Namespace) -> list[str]:
    with TemporaryDirectory() as folder:
        program = written(CASES[name], Path(folder))
        ours: list[float] = []
        theirs: dict[int, list[float]] = {count: [] for count in WORKERS}
        for _ in range(options.rounds):
            ours.append(our_epoch(program, options.threads))
            for count, taken in theirs.items() if options.peers else ():
                taken.append(their_epoch(options, name, program.parent, count))
    if not options.peers:
        return [name, f"{median(ours):.2f} s", "", "", "", "1.0"]
    best = min(theirs, key=lambda count: median(theirs[count]))
    a, b = median(ours), median(theirs[best])
    return [name, f"{a:.2f} s", f"{b:.2f} s", str(best), f"{a / b:.2f}", "1.0"]


def written(case: Case, folder: Path) -> Path:
    """Write the images and a program that trains on them."""
    program = case.write(folder)
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (ROWS, 28, 28), np.uint8)
    labels = draw.integers(0, 10, ROWS, np.uint8)
    for name, array in (("images-idx3-ubyte", images), ("labels-idx1-ubyte", labels)):
        head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
        (program.parent / name).write_bytes(head + array.tobytes())
    text = program.read_text("utf-8").partition("\ndataset drawn")[0]
    section = SECTION.format(rows=case.rows, net=case.net, epochs=EPOCHS)
    program.write_text(text + section, "utf-8")
    return program


def our_epoch(program: Path, threads: int) -> float:
    """Return the seconds of an epoch after the first, by the log of a run."""
    # No run is written over by the next round's.
    folder = program.parent / f"run-{len([*program.parent.glob('run-*')])}"
    command = [NETLANG, "train", program, "bench", "--run", folder, "--threads", threads]
    run([*map(str, command)], check=True, capture_output=True, cwd=program.parent)
    lines = map(json.loads, (folder / "log.jsonl").read_text("utf-8").splitlines())
    seconds = [line["seconds"] for line in lines if "epoch" in line]
    return (seconds[-1] - seconds[0]) / (EPOCHS - 1)


def their_epoch(options: argparse.Namespace, name: str, folder: Path, workers: int) -> float:
    command = [options.peers, HERE / "epoch_torch.py", name, folder, workers, options.threads]
    answer = run([*map(str, command)], check=True, capture_output=True, text=True)
    return float(answer.stdout)


if __name__ == "__main__":
    main()
