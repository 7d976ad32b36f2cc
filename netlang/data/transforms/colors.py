"""Changes of the colours of images ``f32[N, C, H, W]`` from 0 to 1, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from netlang.diagnostics.errors import InputError
from netlang.system.numpy import Array, np

Apply = Callable[[Array, Array], Array]

_GREY = (0.299, 0.587, 0.114)
"""How bright red, green and blue are (ITU-R BT.601)."""

_PRINCIPAL = (
    (-0.5675, 0.7192, 0.4009),
    (-0.5808, -0.0045, -0.8140),
    (-0.5836, -0.6948, 0.4203),
)
_VARIANCES = (0.2175, 0.0188, 0.0045)
"""Directions, by columns, in which the colours of ImageNet's photographs vary, and how much."""


def jitter(brightness: float, contrast: float, saturation: float, hue: float) -> Apply:
    """Change each by a factor from 1 - strength to 1 + strength; hue by up to that share of a turn.

    Brightness, contrast, saturation and hue are changed in that order, by four draws.
    """

    def apply(images: Array, u: Array) -> Array:
        check_floats("color_jitter", images)
        strength = np.array((brightness, contrast, saturation))
        factors = (1 - strength + 2 * strength * u[:, :3]).astype(np.float32)
        bright, steep, strong = (factors[:, i].reshape(-1, 1, 1, 1) for i in range(3))
        images = np.clip(images * bright, 0, 1)
        mean = _grey(images).mean(axis=(1, 2, 3), keepdims=True)
        images = np.clip(mean + (images - mean) * steep, 0, 1)
        if images.shape[1] != len(_GREY):
            return images
        grey = _grey(images)
        images = np.clip(grey + (images - grey) * strong, 0, 1)
        if not hue:
            return images
        turn = ((2 * u[:, 3] - 1) * hue).astype(np.float32)
        return _turned(images, turn.reshape(-1, 1, 1))

    return apply


def _grey(images: Array) -> Array:
    if images.shape[1] != len(_GREY):
        return images.mean(axis=1, keepdims=True)
    return np.einsum("nchw,c->nhw", images, np.array(_GREY, np.float32))[:, np.newaxis]


def _turned(images: Array, turn: Array) -> Array:
    """Turn the hue by shares of a whole turn f32[N, 1, 1], through hue, saturation and value."""
    red, green, blue = np.moveaxis(images, 1, 0)
    value, least = images.max(axis=1), images.min(axis=1)
    chroma = value - least
    safe = np.where(chroma > 0, chroma, 1)
    sextant = np.select(
        [value == red, value == green],
        [(green - blue) / safe, (blue - red) / safe + 2],
        (red - green) / safe + 4,
    )
    sixth = (sextant + 6 * turn).astype(np.float32)
    # Each channel falls from the value by the chroma, as far as its hue is away (Smith, 1978).
    away = [np.mod(k + sixth, np.float32(6)) for k in (5, 3, 1)]
    return np.stack([value - chroma * np.clip(np.minimum(k, 4 - k), 0, 1) for k in away], axis=1)


def lighting(std: float) -> Apply:
    """Add normal amounts of the principal colours of ImageNet (Krizhevsky et al., 2012)."""

    def apply(images: Array, u: Array) -> Array:
        check_floats("lighting", images)
        if images.shape[1] != len(_GREY):
            raise InputError(
                f"`lighting` is for images of 3 channels, and these have {images.shape[1]}"
            )
        # Two even draws make a normal one (Box and Muller, 1958); 1 - u is never 0.
        normal = np.sqrt(-2 * np.log(1 - u[:, :3])) * np.cos(2 * np.pi * u[:, 3:])
        added = (normal * std * np.array(_VARIANCES)) @ np.array(_PRINCIPAL).T
        return images + added.astype(np.float32)[:, :, np.newaxis, np.newaxis]

    return apply


def standardize(mean: Sequence[float], std: Sequence[float]) -> Apply:
    """Take ``mean`` away and divide by ``std``, each with a number a channel."""

    def apply(images: Array, u: Array) -> Array:
        del u
        check_floats("standardize", images)
        channels = images.shape[1]
        for name, values in (("mean", mean), ("std", std)):
            if len(values) != channels:
                raise InputError(
                    f"`standardize` has {len(values)} numbers as `{name}`, and the images have "
                    f"{channels} channels"
                )
        center, spread = (np.array(v, np.float32).reshape(-1, 1, 1) for v in (mean, std))
        return (images - center) / spread

    return apply


def rescale(low: float, high: float) -> Apply:
    """Bring 0 to 1 to ``low`` to ``high``."""

    def apply(images: Array, u: Array) -> Array:
        del u
        check_floats("rescale", images)
        return images * np.float32(high - low) + np.float32(low)

    return apply


def check_floats(name: str, images: Array) -> None:
    """Raise ``InputError`` for what is no batch of images of floats with channels."""
    if images.dtype.kind != "f" or images.ndim < 4:
        raise InputError(
            f"`{name}` is for images of floats with channels, and these are "
            f"{images.dtype.name} with {images.ndim - 1} axes"
        )
