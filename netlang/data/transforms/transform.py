"""What every transform of images has in common."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from netlang.diagnostics.errors import InputError
from netlang.ir.types import TensorType
from netlang.system.numpy import Array


class Transform(Struct, frozen=True):
    """A change of images, a batch at a time: ``f32[N, C, H, W]`` or masks ``[N, H, W]``.

    ``name`` is the transform in a program, ``draws`` how many random numbers each image takes.
    """

    name: ClassVar[str]
    draws: ClassVar[int] = 0

    def result(self, type: TensorType) -> TensorType:
        """Return the type of a changed example."""
        return type

    def fixed(self) -> Transform | None:
        """Return what remains of the transform where nothing is random, as when a net is used."""
        return None if self.draws else self

    def apply(self, images: Array, u: Array) -> Array:
        """Return the changed images, given ``f64[N, draws]`` numbers from 0 to below 1."""
        raise NotImplementedError


class Resizing(Transform, frozen=True):
    """A transform whose results are squares of ``size``."""

    size: int

    def result(self, type: TensorType) -> TensorType:
        return type.with_shape(*type.shape[:-2], self.size, self.size)


def check_floats(name: str, images: Array) -> None:
    """Raise ``InputError`` for anything but a batch of float images with channels."""
    if images.dtype.kind != "f" or images.ndim < 4:
        raise InputError(
            f"`{name}` is for images of floats with channels, and these are "
            f"{images.dtype.name} with {images.ndim - 1} axes"
        )
