"""Whole epochs of training by PyTorch; prints the seconds of one, the first left out.

python tests/bench/epoch_torch.py CASE FOLDER WORKERS THREADS
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torch_training import MAKERS
from training_cases import CASES

EPOCHS = 4


class ImageFolder(Dataset):
    """Images as bytes, converted to f32 from 0 to 1 one by one, as `ToTensor` does."""

    def __init__(self, folder: Path) -> None:
        images = np.frombuffer((folder / "images-idx3-ubyte").read_bytes(), np.uint8, offset=16)
        labels = np.frombuffer((folder / "labels-idx1-ubyte").read_bytes(), np.uint8, offset=8)
        self.images = torch.from_numpy(images.copy()).reshape(-1, 1, 28, 28)
        self.labels = labels.astype(np.int64).tolist()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.images[index].float().div(255), self.labels[index]


def main(name: str, folder: str, workers: str, threads: str) -> None:
    torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    model = MAKERS[name]()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    count = int(workers)
    loader = DataLoader(
        ImageFolder(Path(folder)), CASES[name].rows, shuffle=True, num_workers=count,
        persistent_workers=count > 0,
    )  # fmt: skip
    measured = nn.CrossEntropyLoss()
    start = 0.0
    for epoch in range(EPOCHS):
        if epoch == 1:
            start = time.perf_counter()
        total = 0.0
        for image, label in loader:
            optimizer.zero_grad()
            loss = measured(model(image), label)
            loss.backward()
            optimizer.step()
            total += loss.item()
    print((time.perf_counter() - start) / (EPOCHS - 1))


if __name__ == "__main__":
    main(*sys.argv[1:])
