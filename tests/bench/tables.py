"""How fast a large CSV is read, compared with pandas' C parser, and in how much memory it trains.

    python tests/bench/tables.py --size 1000 --pandas /path/to/python

The interpreter given has pandas; it need not have netlang. Times are the least of three, of the
clock and of the processor (all threads), which says something on a machine that is busy too.
Memory is what a training holds at its end; pages of mapped files, which the system takes back at
will, are not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

COLUMNS = 20
PROGRAM = """
dataset rows -> (x: f32[20], y: i64[]) {{
  csv = "{name}"
  x = columns([{names}]) |> normalize
  y = column("y")
}}
net Line(x: f32[N, 20]) -> logits: f32[N, 10] = dense(x, 10)
train line {{
  data = rows() |> batches(1_000, shuffle=true)
  model = new Line()
  loss = cross_entropy(model(batch.x), batch.y)
  optimizer = sgd(0.01)
  run = 20 steps
}}
"""
THEIRS = """
import json, sys, time
import pandas
clock, cpu = time.perf_counter(), time.process_time()
pandas.read_csv(sys.argv[1], dtype={f"x{i}": "float32" for i in range(20)})
print(json.dumps([time.perf_counter() - clock, time.process_time() - cpu]))
"""
OURS = """
import json, sys, time
from pathlib import Path
import netlang, netlang.data.sources.tables, netlang.data.columns, numpy
from netlang.data.opening import open_examples
plan = netlang.load(sys.argv[1]).plan(None)
clock, cpu = time.perf_counter(), time.process_time()
source = open_examples(plan.data, root=Path(sys.argv[1]).parent)
print(json.dumps([time.perf_counter() - clock, time.process_time() - cpu]))
"""
TRAINING = """
import json, sys, time
import netlang
clock = time.perf_counter()
netlang.load(sys.argv[1]).train(folder=sys.argv[2])
found = open("/proc/self/status").read().split()
print(json.dumps([time.perf_counter() - clock, int(found[found.index("RssAnon:") + 1])]))
"""


def write(path: Path, megabytes: float, digits: int) -> None:
    """Write a table of normal numbers with some digits, and a class."""
    import numpy as np

    rng = np.random.default_rng(0)
    numbers, labels = rng.normal(size=(20_000, COLUMNS)) * 10, rng.integers(0, 10, 20_000)
    lines = [
        ",".join([*(f"{value:.{digits}g}" for value in row), str(label)])
        for row, label in zip(numbers.tolist(), labels.tolist(), strict=True)
    ]
    block = "\n".join([*lines, ""])
    with path.open("w") as file:
        file.write(",".join([*(f"x{i}" for i in range(COLUMNS)), "y"]) + "\n")
        for _ in range(max(1, round(megabytes * 1e6 / len(block)))):
            file.write(block)


def measured(python: str, script: str, *arguments: str, cache: Path) -> tuple[float, float]:
    """Run a script in a process of its own; return the two numbers that it prints."""
    found = subprocess.run(
        [python, "-c", script, *arguments],
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    )
    clock, second = json.loads(found.stdout.splitlines()[-1])
    return clock, second


def program(folder: Path, name: str) -> str:
    path = folder / f"{Path(name).stem}.net"
    names = ", ".join(f'"x{i}"' for i in range(COLUMNS))
    path.write_text(PROGRAM.format(name=name, names=names))
    return str(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", type=float, default=1000, help="megabytes")
    parser.add_argument("--pandas", help="a Python that has pandas")
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        for digits in (6, 17):
            compare(Path(made), digits, given)
            memory(Path(made), digits)
            (Path(made) / f"d{digits}.csv").unlink()


def compare(folder: Path, digits: int, given: argparse.Namespace) -> None:
    """Print how long both take to read a table of numbers with some digits."""
    table = folder / f"d{digits}.csv"
    write(table, given.size, digits)
    ours = program(folder, table.name)
    times: list[tuple[float, float]] = []
    for _ in range(given.repeat):
        shutil.rmtree(folder / "cache", ignore_errors=True)
        times.append(measured(sys.executable, OURS, ours, cache=folder / "cache"))
    clock, cpu = map(min, zip(*times, strict=True))
    size = table.stat().st_size / 1e6
    print(f"{digits} digits, {size:,.0f} MB: {clock:.2f} s, {cpu:.2f} s of processor")
    again = measured(sys.executable, OURS, ours, cache=folder / "cache")
    print(f"  read again from the cache: {again[0]:.2f} s")
    if given.pandas:
        theirs = [
            measured(given.pandas, THEIRS, str(table), cache=folder) for _ in range(given.repeat)
        ]
        their_clock, their_cpu = map(min, zip(*theirs, strict=True))
        print(f"  pandas: {their_clock:.2f} s, {their_cpu:.2f} s of processor")
        print(f"  speed relative to pandas: {their_clock / clock:.2f}")
        print(f"  the same per second of processor: {their_cpu / cpu:.2f}")


def memory(folder: Path, digits: int) -> None:
    """Print what training takes on a table that is in the cache, and on a small one."""
    write(folder / "small.csv", 5, digits)
    sizes: list[float] = []
    for name in (f"d{digits}.csv", "small.csv"):
        own = program(folder, name)
        run = str(folder / f"run-{digits}-{name}")
        sizes.append(measured(sys.executable, TRAINING, own, run, cache=folder / "cache")[1] / 1e3)
    print(
        f"  training: {sizes[0]:,.0f} MB, and on 5 MB of data {sizes[1]:,.0f} MB; "
        f"ratio {sizes[0] / sizes[1]:.2f}"
    )


if __name__ == "__main__":
    main()
