"""How image files become the pixels of examples."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Pixels(NamedTuple):
    """How image files become examples ``u8[C, H, W]`` of a dataset, of ``size`` (rows, columns).

    They are resized, or resized by their shorter side and cropped in the center, or have that size.
    """

    channels: int
    size: tuple[int, int]
    how: Literal["crop", "resize", "exact"]
