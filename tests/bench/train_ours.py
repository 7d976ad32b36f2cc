"""Steps of training by netlang, as many as each line that comes in says.

python tests/bench/train_ours.py CASE [STEPS]
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from measuring import answer
from training_cases import CASES

from netlang.program import open_program
from netlang.training.run.engine import OrtEngine, initial_state
from netlang.training.run.initial_parameters import initial_parameters
from netlang.training.step.graphs import DRAW, STEP, prepare

THREADS = int(os.environ.get("THREADS", "2"))
clock = time.process_time if THREADS == 1 else time.perf_counter


class Steps:
    """A network in training on batches that are always the same."""

    def __init__(self, name: str) -> None:
        case = CASES[name]
        with TemporaryDirectory() as folder:
            path = case.write(Path(folder))
            self.batch: dict[str, Any] = case.arrays()
            np.savez(path.parent / "bench.npz", **self.batch)
            program = open_program(path)
            plan = program.plan("bench", {})
            assert plan is not None, [d.message for d in program.diagnostics.items]
            self.training = prepare(plan, 0)
            state = initial_state(
                self.training, initial_parameters(self.training.plan, 0, path.parent)
            )
        self.engine = OrtEngine(self.training, state, threads=THREADS)
        self.done = 0

    def step(self) -> None:
        self.done += 1
        numbers = {STEP: self.done, DRAW: self.done, "rate": 0.01}
        for step in self.training.steps:
            self.engine.step(step.graph, self.batch, numbers)


if __name__ == "__main__":
    name, *wanted = sys.argv[1:]
    answer(Steps(name).step, clock, *wanted)
