"""NumPy functions by name, and the error function, which NumPy lacks."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import erf as exact_erf
from typing import Any

from netlang.system.numpy import Array, np


def numpy_function(name: str) -> Callable[..., Any]:
    """Return NumPy's function of this name; loads NumPy."""
    return getattr(np, name)


def erf(x: Array) -> Array:
    """Compute the error function to within 3e-16.

    Uses Taylor series of degree 6 around the nearest multiple of 1/64. Beyond 6, the result is 1 in
    double precision.
    """
    values, derivatives = _erf_table()
    size = np.minimum(np.abs(x).astype(np.float64), 6.0)
    at = np.nan_to_num(np.rint(size * 64)).astype(np.int64)
    c = at / 64.0
    h = size - c
    # The derivatives of exp(-c^2) are Hermite polynomials of c; Horner's scheme in h.
    c2 = c * c
    series = (c2 * (-32 * c2 + 160) - 120) * c / 720
    series = (c2 * (16 * c2 - 48) + 12) / 120 + series * h
    series = (-8 * c2 + 12) * c / 24 + series * h
    series = (4 * c2 - 2) / 6 + series * h
    series = -c + series * h
    return np.copysign(values[at] + derivatives[at] * h * (1 + series * h), x).astype(x.dtype)


@cache
def _erf_table() -> tuple[Array, Array]:
    centers = np.arange(6 * 64 + 1) / 64.0
    values = np.array([exact_erf(c) for c in centers])
    return values, np.exp(-centers * centers) * (2 / np.sqrt(np.pi))
