"""Rows that are drawn from a formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import factorial
from typing import cast

from netlang.data.columns import fit
from netlang.data.source import Arrays
from netlang.diagnostics.errors import InputError
from netlang.evaluate.context.values import Object, Origin
from netlang.system.numpy import Array, np

Draw = Callable[[Mapping[str, Object], int, "np.random.Generator"], dict[str, Array]]


def open_synthetic(origin: Origin, count: int, seed: int) -> Arrays:
    """Draw the rows; the seed decides them."""
    rng = np.random.Generator(np.random.Philox(key=seed & 2**64 - 1))
    arrays = SYNTHETIC[origin.dataset](origin.arguments, count, rng)
    floats = {
        name: array.astype(np.float32) if array.dtype.kind == "f" else array
        for name, array in arrays.items()
    }
    source = fit(origin.dataset, origin.columns, floats)
    if "label" not in floats:
        return source
    classes = int(floats["label"].max()) + 1
    return source.named(label=tuple(map(str, range(classes))))


def _number(given: Mapping[str, Object], name: str) -> float:
    return float(cast("float", given[name]))


def _array(given: Mapping[str, Object], name: str) -> Array:
    try:
        return np.array(given[name], np.float64)
    except ValueError:
        raise InputError(f"the rows of `{name}` differ in length") from None


def _moons(given: Mapping[str, Object], count: int, rng: np.random.Generator) -> dict[str, Array]:
    label = np.arange(count) % 2
    angle = rng.uniform(0, np.pi, count)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    x = np.where(label[:, np.newaxis] == 0, upper, lower)
    return {"x": x + rng.normal(0, 1, x.shape) * _number(given, "noise"), "label": label}


def _linear(given: Mapping[str, Object], count: int, rng: np.random.Generator) -> dict[str, Array]:
    w = _array(given, "w")
    x = rng.normal(0, 1, (count, len(w)))
    noise = rng.normal(0, 1, count) * _number(given, "noise")
    return {"x": x, "y": (x @ w + _number(given, "b") + noise)[:, np.newaxis]}


def _clouds(given: Mapping[str, Object], count: int, rng: np.random.Generator) -> dict[str, Array]:
    centers = _array(given, "centers")
    label = np.arange(count) % len(centers)
    noise = rng.normal(0, 1, (count, centers.shape[1])) * _number(given, "std")
    return {"x": centers[label] + noise, "label": label}


def _transformed(
    given: Mapping[str, Object], count: int, rng: np.random.Generator
) -> dict[str, Array]:
    matrix, shift = _array(given, "matrix"), _array(given, "shift")
    if matrix.shape != (len(shift), len(shift)):
        raise InputError(
            f"`matrix` is {' by '.join(map(str, matrix.shape))} and `shift` has {len(shift)} "
            "numbers: the matrix is square, with a row for each of them"
        )
    return {"x": rng.normal(0, 1, (count, len(shift))) @ matrix + shift}


def _polynomial(
    given: Mapping[str, Object], count: int, rng: np.random.Generator
) -> dict[str, Array]:
    w = _array(given, "w")
    terms = max(int(_number(given, "terms")), len(w))
    scale = np.array([factorial(i) for i in range(terms)], np.float64)
    x = rng.normal(0, 1, (count, 1)) ** np.arange(terms) / scale
    y = x[:, : len(w)] @ w + rng.normal(0, 1, count) * _number(given, "noise")
    return {"x": x[:, : int(_number(given, "terms"))], "y": y[:, np.newaxis]}


def _sine(given: Mapping[str, Object], count: int, rng: np.random.Generator) -> dict[str, Array]:
    window = int(_number(given, "window"))
    time = np.arange(1, count + window + 1)
    wave = np.sin(_number(given, "rate") * time)
    wave = wave + rng.normal(0, 1, len(time)) * _number(given, "noise")
    x = np.lib.stride_tricks.sliding_window_view(wave[:-1], window)
    return {"x": x, "y": wave[window:, np.newaxis]}


SYNTHETIC: Mapping[str, Draw] = {
    "two_moons": _moons,
    "noisy_linear": _linear,
    "gaussian_clouds": _clouds,
    "transformed_gaussian": _transformed,
    "noisy_polynomial": _polynomial,
    "noisy_sine": _sine,
}
"""What draws the rows of each synthetic dataset of the prelude."""
