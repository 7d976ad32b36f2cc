"""Programs with data, opened for tests."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netlang.data.batches import Batches
from netlang.data.fitted import Fitted
from netlang.data.opening import open_batches, open_examples
from netlang.data.pipeline import Pipeline
from netlang.data.source import Source
from netlang.program import load

PROGRAM = """{declared}
net One(x: f32[N]) -> y: f32[N] = x * param([1])
train t {{
  data = {data}
  model = new One()
  loss = mean(model(random_normal([4])))
  optimizer = sgd(0.1)
  run = 1 epochs
}}
"""


def pipeline_of(folder: Path, data: str, declared: str = "") -> Pipeline:
    """Check a program with this data and return the record of it."""
    path = folder / "program.net"
    path.write_text(PROGRAM.format(data=data, declared=declared), "utf-8")
    program = load(path)
    assert [d.message for d in program.diagnostics.items] == []
    pipeline = program.plans["t"].data
    assert pipeline is not None
    return pipeline


def source_of(
    folder: Path,
    data: str,
    declared: str = "",
    *,
    allow_python: bool = False,
    fitted: Fitted | None = None,
) -> Source:
    """Open the examples of an expression such as ``two_moons(10)``."""
    batched = pipeline_of(folder, f"{data} |> batches(2)", declared)
    return open_examples(batched, root=folder, allow_python=allow_python, fitted=fitted)


def batches_of(folder: Path, data: str, declared: str = "", seed: int = 0) -> Batches:
    """Open an expression that ends in ``batches``."""
    return open_batches(pipeline_of(folder, data, declared), folder, seed)


def write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    """Write bytes as an idx file."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(header + array.tobytes())
