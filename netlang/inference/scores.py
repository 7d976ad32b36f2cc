"""The scores of classes as probabilities."""

from __future__ import annotations

from netlang.system.numpy import Array, np


def shares(scores: Array) -> Array:
    """Return the softmax of scores ``(N, K)``; probabilities stay as they are."""
    wide: Array = scores.astype("float64")
    if (wide >= 0).all() and np.allclose(wide.sum(axis=-1), 1, atol=1e-3):
        return wide
    powers: Array = np.exp(wide - wide.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
