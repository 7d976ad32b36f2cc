"""Steps of training by PyTorch, as many as each line that comes in says.

python tests/bench/train_torch.py CASE eager|channels_last|compile [STEPS]
"""

from __future__ import annotations

import os
import sys
import time

os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

import torch
from measuring import answer
from torch_training import TRAININGS
from training_cases import CASES

THREADS = int(os.environ.get("THREADS", "2"))
clock = time.process_time if THREADS == 1 else time.perf_counter


class Steps:
    """A network in training on batches that are always the same."""

    def __init__(self, name: str, mode: str) -> None:
        torch.set_num_threads(THREADS)
        torch.manual_seed(0)
        self.training = TRAININGS[name]()
        self.batch = {k: torch.from_numpy(a) for k, a in CASES[name].arrays().items()}
        self.losses = [loss for loss, _ in self.training.steps]
        if mode == "channels_last":
            layout = torch.channels_last
            for module in self.training.modules:
                module.to(memory_format=layout)  # pyright: ignore[reportCallIssue]
            self.batch["image"] = self.batch["image"].to(memory_format=layout)
        elif mode == "compile":
            self.losses = [torch.compile(loss) for loss in self.losses]

    def step(self) -> None:
        for loss, (_, optimizer) in zip(self.losses, self.training.steps, strict=True):
            optimizer.zero_grad()
            value = loss(self.batch)
            value.backward()
            optimizer.step()
            value.item()


if __name__ == "__main__":
    name, mode, *wanted = sys.argv[1:]
    answer(Steps(name, mode).step, clock, *wanted)
