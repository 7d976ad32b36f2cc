"""Steps of training by PyTorch, eagerly, as many as each line that comes in says.

python tests/bench/train_torch.py CASE [STEPS]
"""

from __future__ import annotations

import os
import sys
import time

os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

import torch
from measuring import answer
from torch import nn
from torch_training import MAKERS
from training_cases import CASES

THREADS = int(os.environ.get("THREADS", "2"))
clock = time.process_time if THREADS == 1 else time.perf_counter


class Steps:
    """A network in training on batches that are always the same."""

    def __init__(self, name: str) -> None:
        case = CASES[name]
        torch.set_num_threads(THREADS)
        torch.manual_seed(0)
        self.model = MAKERS[name]()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01)
        self.loss = nn.CrossEntropyLoss()
        self.image = torch.randn(case.rows, 1, case.side, case.side)
        self.label = torch.randint(0, 10, (case.rows,))

    def step(self) -> float:
        self.optimizer.zero_grad()
        loss = self.loss(self.model(self.image), self.label)
        loss.backward()
        self.optimizer.step()
        return loss.item()


if __name__ == "__main__":
    name, *wanted = sys.argv[1:]
    answer(Steps(name).step, clock, *wanted)
