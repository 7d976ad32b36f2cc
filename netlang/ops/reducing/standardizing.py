"""Standardization to mean 0 and variance 1, and its gradient."""

from __future__ import annotations

from collections.abc import Sequence

from netlang.ops.terms import Term
from netlang.system.numpy import Array, np


def standardized(x: Array, axes: tuple[int, ...], eps: float) -> Array:
    """Return ``x`` with mean 0 and variance 1 over ``axes``."""
    if not x.size:
        return x  # NumPy warns of a mean over nothing
    centered = x - np.mean(x, axis=axes, keepdims=True)
    var = np.mean(centered * centered, axis=axes, keepdims=True)
    return centered / np.sqrt(var + x.dtype.type(eps))


def standard_gradient(x: Term, ct: Term, axes: Sequence[int], eps: float) -> tuple[Term, Term]:
    """Return the cotangent of ``x`` under standardization, and the standardized ``x``."""
    centered = x - x.mean(axes, keep=True)
    inverse = 1.0 / ((centered * centered).mean(axes, keep=True) + eps).unary("sqrt")
    y = centered * inverse
    rest = ct - ct.mean(axes, keep=True) - y * (ct * y).mean(axes, keep=True)
    return inverse * rest, y
