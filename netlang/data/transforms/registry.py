"""The transforms of the library by their names in a program."""

from __future__ import annotations

from netlang.data.transforms.colors import ColorJitter, Lighting, Rescale, Standardize
from netlang.data.transforms.encoding import OneHot
from netlang.data.transforms.geometry import (
    CenterCrop,
    CenteredCrop,
    CenteredResize,
    Crop,
    Erase,
    Flip,
    RandomResizedCrop,
    Resize,
    Rotate,
)
from netlang.data.transforms.transform import Transform

TRANSFORMS: dict[str, type[Transform]] = {
    kind.name: kind
    for kind in (
        Flip,
        Resize,
        Crop,
        RandomResizedCrop,
        CenterCrop,
        Rotate,
        Erase,
        ColorJitter,
        Lighting,
        Standardize,
        Rescale,
    )
}

FIXED: dict[str, type[Transform]] = {
    kind.name: kind
    for kind in (Resize, CenterCrop, CenteredCrop, CenteredResize, Standardize, Rescale, OneHot)
}
"""The transforms that draw no random numbers, those that remain of others among them."""
