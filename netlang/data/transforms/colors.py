"""Changes of the colors of images ``f32[N, C, H, W]`` from 0 to 1."""

from __future__ import annotations

from typing import ClassVar

from netlang.data.transforms.transform import Transform, check_floats
from netlang.diagnostics.errors import InputError
from netlang.system.numpy import Array, np

_LUMA = (0.299, 0.587, 0.114)
"""The shares of red, green and blue in brightness (ITU-R BT.601)."""

_COMPONENTS = (
    (-0.5675, 0.7192, 0.4009),
    (-0.5808, -0.0045, -0.8140),
    (-0.5836, -0.6948, 0.4203),
)
_VARIANCES = (0.2175, 0.0188, 0.0045)
"""Principal components, by columns, of the colors of ImageNet, and their variances."""


class ColorJitter(Transform, frozen=True):
    """Scale each property by a factor from 1 - strength to 1 + strength.

    Brightness, contrast and saturation are changed in that order, then the hue by up to ``hue`` of
    a whole turn either way.
    """

    name: ClassVar[str] = "color_jitter"
    draws: ClassVar[int] = 4
    strength: float
    brightness: float | None
    contrast: float | None
    saturation: float | None
    hue: float

    def apply(self, images: Array, u: Array) -> Array:
        check_floats(self.name, images)
        given = (self.brightness, self.contrast, self.saturation)
        strength = np.array([self.strength if own is None else own for own in given])
        factors = (1 - strength + 2 * strength * u[:, :3]).astype(np.float32)
        brightness, contrast, saturation = (factors[:, i].reshape(-1, 1, 1, 1) for i in range(3))
        images = np.clip(images * brightness, 0, 1)
        mean = _gray(images).mean(axis=(1, 2, 3), keepdims=True)
        images = np.clip(mean + (images - mean) * contrast, 0, 1)
        if images.shape[1] != len(_LUMA):
            return images
        gray = _gray(images)
        images = np.clip(gray + (images - gray) * saturation, 0, 1)
        if not self.hue:
            return images
        shift = ((2 * u[:, 3] - 1) * self.hue).astype(np.float32)
        return _shift_hue(images, shift.reshape(-1, 1, 1))


def _gray(images: Array) -> Array:
    if images.shape[1] != len(_LUMA):
        return images.mean(axis=1, keepdims=True)
    return np.einsum("nchw,c->nhw", images, np.array(_LUMA, np.float32))[:, np.newaxis]


def _shift_hue(images: Array, shift: Array) -> Array:
    """Shift the hue by shares of a whole turn f32[N, 1, 1], in hue, saturation and value."""
    red, green, blue = np.moveaxis(images, 1, 0)
    value, least = images.max(axis=1), images.min(axis=1)
    chroma = value - least
    safe = np.where(chroma > 0, chroma, 1)
    sextant = np.select(
        [value == red, value == green],
        [(green - blue) / safe, (blue - red) / safe + 2],
        (red - green) / safe + 4,
    )
    sixth = (sextant + 6 * shift).astype(np.float32)
    # Each channel falls from the value by the chroma, as far as its hue is away (Smith, 1978).
    away = [np.mod(k + sixth, np.float32(6)) for k in (5, 3, 1)]
    return np.stack([value - chroma * np.clip(np.minimum(k, 4 - k), 0, 1) for k in away], axis=1)


class Lighting(Transform, frozen=True):
    """Add normal amounts of ImageNet's principal color components (Krizhevsky et al., 2012)."""

    name: ClassVar[str] = "lighting"
    draws: ClassVar[int] = 6
    std: float

    def apply(self, images: Array, u: Array) -> Array:
        check_floats(self.name, images)
        if images.shape[1] != len(_LUMA):
            raise InputError(
                f"`lighting` is for images of 3 channels, and these have {images.shape[1]}"
            )
        # Two uniform numbers make a normal one (Box and Muller, 1958); 1 - u is never 0.
        normal = np.sqrt(-2 * np.log(1 - u[:, :3])) * np.cos(2 * np.pi * u[:, 3:])
        added = (normal * self.std * np.array(_VARIANCES)) @ np.array(_COMPONENTS).T
        return images + added.astype(np.float32)[:, :, np.newaxis, np.newaxis]


class Standardize(Transform, frozen=True):
    """Subtract ``mean`` and divide by ``std``, each with a number per channel."""

    name: ClassVar[str] = "standardize"
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def apply(self, images: Array, u: Array) -> Array:
        del u
        check_floats(self.name, images)
        channels = images.shape[1]
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != channels:
                raise InputError(
                    f"`standardize` has {len(values)} numbers as `{name}`, and the images have "
                    f"{channels} channels"
                )
        mean, std = (np.array(v, np.float32).reshape(-1, 1, 1) for v in (self.mean, self.std))
        return (images - mean) / std


class Rescale(Transform, frozen=True):
    """Map the range from 0 to 1 to the range from ``low`` to ``high``."""

    name: ClassVar[str] = "rescale"
    low: float
    high: float

    def apply(self, images: Array, u: Array) -> Array:
        del u
        check_floats(self.name, images)
        return images * np.float32(self.high - self.low) + np.float32(self.low)
