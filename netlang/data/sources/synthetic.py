"""Examples that are generated from a formula and a seed."""

from __future__ import annotations

from math import factorial
from typing import TYPE_CHECKING, ClassVar

from netlang.data.pipeline import Dataset, Location
from netlang.diagnostics.errors import InputError
from netlang.system.numpy import Array, np

if TYPE_CHECKING:
    from netlang.data.source import Arrays

Vector = tuple[float, ...]
Matrix = tuple[Vector, ...]


class Synthetic(Dataset, frozen=True):
    """``count`` examples that depend on ``seed`` alone."""

    name: ClassVar[str]
    count: int
    seed: int

    def open(self, location: Location) -> Arrays:
        from netlang.data.columns import fit

        rng = np.random.Generator(np.random.Philox(key=self.seed & 2**64 - 1))
        arrays = self.generate(rng)
        floats = {
            name: array.astype(np.float32) if array.dtype.kind == "f" else array
            for name, array in arrays.items()
        }
        source = fit(self.name, location.columns, floats)
        if "label" not in floats:
            return source
        classes = int(floats["label"].max()) + 1
        return source.named("label", [str(n) for n in range(classes)], location.known("label"))

    def generate(self, rng: np.random.Generator) -> dict[str, Array]:
        """Return the columns, the examples along the first axis."""
        raise NotImplementedError


def _array(name: str, values: Vector | Matrix) -> Array:
    try:
        return np.array(values, np.float64)
    except ValueError:
        raise InputError(f"the rows of `{name}` differ in length") from None


class TwoMoons(Synthetic, frozen=True):
    name: ClassVar[str] = "two_moons"
    noise: float

    @property
    def classes(self) -> int:
        return 2

    def generate(self, rng: np.random.Generator) -> dict[str, Array]:
        label = np.arange(self.count) % 2
        angle = rng.uniform(0, np.pi, self.count)
        upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
        x = np.where(label[:, np.newaxis] == 0, upper, lower)
        return {"x": x + rng.normal(0, 1, x.shape) * self.noise, "label": label}


class NoisyLinear(Synthetic, frozen=True):
    name: ClassVar[str] = "noisy_linear"
    w: Vector
    b: float
    noise: float

    def generate(self, rng: np.random.Generator) -> dict[str, Array]:
        w = _array("w", self.w)
        x = rng.normal(0, 1, (self.count, len(w)))
        noise = rng.normal(0, 1, self.count) * self.noise
        return {"x": x, "y": (x @ w + self.b + noise)[:, np.newaxis]}


class GaussianClouds(Synthetic, frozen=True):
    name: ClassVar[str] = "gaussian_clouds"
    centers: Matrix
    std: float

    @property
    def classes(self) -> int:
        return len(self.centers)

    def generate(self, rng: np.random.Generator) -> dict[str, Array]:
        centers = _array("centers", self.centers)
        label = np.arange(self.count) % len(centers)
        noise = rng.normal(0, 1, (self.count, centers.shape[1])) * self.std
        return {"x": centers[label] + noise, "label": label}


class TransformedGaussian(Synthetic, frozen=True):
    name: ClassVar[str] = "transformed_gaussian"
    matrix: Matrix
    shift: Vector

    def generate(self, rng: np.random.Generator) -> dict[str, Array]:
        matrix, shift = _array("matrix", self.matrix), _array("shift", self.shift)
        if matrix.shape != (len(shift), len(shift)):
            raise InputError(
                f"`matrix` is {' by '.join(map(str, matrix.shape))} and `shift` has {len(shift)} "
                "numbers: the matrix is square, with a row for each of them"
            )
        return {"x": rng.normal(0, 1, (self.count, len(shift))) @ matrix + shift}


class NoisyPolynomial(Synthetic, frozen=True):
    name: ClassVar[str] = "noisy_polynomial"
    terms: int
    w: Vector
    noise: float

    def generate(self, rng: np.random.Generator) -> dict[str, Array]:
        w = _array("w", self.w)
        terms = max(self.terms, len(w))
        scale = np.array([factorial(i) for i in range(terms)], np.float64)
        x = rng.normal(0, 1, (self.count, 1)) ** np.arange(terms) / scale
        y = x[:, : len(w)] @ w + rng.normal(0, 1, self.count) * self.noise
        return {"x": x[:, : self.terms], "y": y[:, np.newaxis]}


class NoisySine(Synthetic, frozen=True):
    name: ClassVar[str] = "noisy_sine"
    window: int
    rate: float
    noise: float

    def generate(self, rng: np.random.Generator) -> dict[str, Array]:
        time = np.arange(1, self.count + self.window + 1)
        wave = np.sin(self.rate * time)
        wave = wave + rng.normal(0, 1, len(time)) * self.noise
        x = np.lib.stride_tricks.sliding_window_view(wave[:-1], self.window)
        return {"x": x, "y": wave[self.window :, np.newaxis]}


SYNTHETIC = (
    TwoMoons,
    NoisyLinear,
    GaussianClouds,
    TransformedGaussian,
    NoisyPolynomial,
    NoisySine,
)
