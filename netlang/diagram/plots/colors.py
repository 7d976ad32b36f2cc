"""Colors of plots."""

from __future__ import annotations

_RAMP = ("#3b1c6b", "#2f5f9e", "#1f9a8a", "#8cc04a", "#f4dc4e")
"""From low to high: evenly darker, also in print and for the color-blind."""
LEVELS = 32
"""The number of different colors that a ramp returns."""


def ramp(share: float) -> str:
    """Return a color from dark, for 0, to light, for 1; there are ``LEVELS`` of them.

    >>> ramp(0.0), ramp(1.0)
    ('#3b1c6b', '#f4dc4e')
    """
    at = round(min(max(share, 0.0), 1.0) * (LEVELS - 1)) / (LEVELS - 1) * (len(_RAMP) - 1)
    low = min(int(at), len(_RAMP) - 2)
    return _mixed(_RAMP[low], _RAMP[low + 1], at - low)


def light(color: str) -> str:
    """Return a color mixed with twice as much white."""
    return _mixed(color, "#ffffff", 2 / 3)


def _mixed(first: str, second: str, share: float) -> str:
    pairs = ((int(c[i : i + 2], 16) for c in (first, second)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)
