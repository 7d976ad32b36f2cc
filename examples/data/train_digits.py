"""Make ``digits.safetensors``: two dense layers, trained by plain gradient descent in NumPy.

The first 1,500 images of ``digits.npz`` are learned from, the other 297 tell how well. Run from
this folder.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

Floats = NDArray[np.float32]

LEARNED, HIDDEN, STEPS, RATE = 1_500, 32, 3_000, 0.5


def start(rng: np.random.Generator, out: int, inputs: int) -> Floats:
    bound = inputs**-0.5
    return rng.uniform(-bound, bound, (out, inputs)).astype(np.float32)


def main() -> None:
    data = np.load("digits.npz")
    x, label = data["image"].reshape(-1, 64), data["label"]
    rng = np.random.default_rng(0)
    w1, w2 = start(rng, HIDDEN, 64), start(rng, 10, HIDDEN)
    b1, b2 = np.zeros(HIDDEN, np.float32), np.zeros(10, np.float32)
    for _ in range(STEPS):
        chosen = rng.integers(0, LEARNED, 64)
        h = np.maximum(x[chosen] @ w1.T + b1, 0)
        logits = h @ w2.T + b2
        grad = np.exp(logits - logits.max(axis=1, keepdims=True))
        grad /= grad.sum(axis=1, keepdims=True)
        grad[np.arange(64), label[chosen]] -= 1
        grad /= 64
        grad_h = (grad @ w2) * (h > 0)
        w2, b2 = w2 - RATE * grad.T @ h, b2 - RATE * grad.sum(axis=0)
        w1, b1 = w1 - RATE * grad_h.T @ x[chosen], b1 - RATE * grad_h.sum(axis=0)
    save_file(
        {"hidden.weight": w1, "hidden.bias": b1, "logits.weight": w2, "logits.bias": b2},
        "digits.safetensors",
    )
    for name, part in (("learned", slice(LEARNED)), ("unseen", slice(LEARNED, None))):
        guess = (np.maximum(x[part] @ w1.T + b1, 0) @ w2.T + b2).argmax(axis=1)
        right = int((guess == label[part]).sum())
        print(f"{name}: {right:,} of {len(guess):,} right")


if __name__ == "__main__":
    main()
