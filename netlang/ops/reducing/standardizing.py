"""Numbers brought to mean 0 and variance 1, and the gradient of that."""

from __future__ import annotations

from collections.abc import Sequence

from netlang.ops.terms import Term
from netlang.system.numpy import Array, np


def standardized(x: Array, axes: tuple[int, ...], eps: float) -> Array:
    """Bring the elements over ``axes`` to mean 0 and variance 1."""
    centred = x - np.mean(x, axis=axes, keepdims=True)
    var = np.mean(centred * centred, axis=axes, keepdims=True)
    return centred / np.sqrt(var + x.dtype.type(eps))


def standard_gradient(x: Term, ct: Term, axes: Sequence[int], eps: float) -> tuple[Term, Term]:
    """Take a cotangent back through standardization; give it, and the standardized ``x``."""
    centred = x - x.mean(axes, keep=True)
    inverse = 1.0 / ((centred * centred).mean(axes, keep=True) + eps).unary("sqrt")
    y = centred * inverse
    rest = ct - ct.mean(axes, keep=True) - y * (ct * y).mean(axes, keep=True)
    return inverse * rest, y
