"""How weights start: by their rule, from the seed and their path alone."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from netlang.diagnostics.errors import TooLargeError
from netlang.ir.graph import Graph, Init, Param, Value
from netlang.ir.initializers import RULES, fans, initialize, total_bytes
from netlang.ir.types import F32, DType, TensorType
from netlang.system.numpy import Array


def graph(*params: tuple[str, tuple[int, ...], Init], dtype: DType = F32) -> Graph:
    table = {
        Value(path, TensorType(dtype, shape)): Param(path, TensorType(dtype, shape), init, True)
        for path, shape, init in params
    }
    return Graph("Net", (), table, (), {})


def start(init: Init, *shape: int, seed: int = 0, path: str = "w") -> Array:
    return initialize(graph((path, shape, init)), seed)[path]


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_weight_depends_on_the_seed_and_its_path_alone(rule: str) -> None:
    init = Init(rule)
    other = ("other", (3,), Init("normal", (1.0,)))
    alone = initialize(graph(("w", (4, 5), init)), 7)
    among = initialize(graph(other, ("w", (4, 5), init)), 7)
    np.testing.assert_array_equal(alone["w"], among["w"])
    assert alone["w"].dtype == np.float32
    if rule not in ("constant", "bilinear_kernel"):
        assert not np.array_equal(start(init, 4, 5, seed=7), start(init, 4, 5, seed=8))
        assert not np.array_equal(start(init, 4, 5), start(init, 4, 5, path="v"))


def test_a_bilinear_kernel_interpolates() -> None:
    even = start(Init("bilinear_kernel"), 2, 1, 4, 4)
    side = np.array([0.25, 0.75, 0.75, 0.25])
    np.testing.assert_array_equal(even, np.broadcast_to(np.outer(side, side), (2, 1, 4, 4)))
    odd = start(Init("bilinear_kernel"), 1, 1, 3, 5)
    sides = np.array([0.5, 1, 0.5]), np.array([1, 2, 3, 2, 1]) / 3
    np.testing.assert_allclose(odd[0, 0], np.outer(*sides), rtol=1e-6)


def test_the_numbers_of_a_seed_never_change() -> None:
    drawn = start(Init("normal", (1.0, 0.0)), 3, seed=42, path="hidden.weight")
    np.testing.assert_allclose(drawn, [-0.50093734, -0.16157565, 0.3128035], rtol=1e-6)


def test_a_constant_is_that_number() -> None:
    assert start(Init("constant", (0.25,)), 2, 2).tolist() == [[0.25, 0.25]] * 2
    assert start(Init("constant"), 2).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("init", "bound"),
    [
        (Init("uniform", (-0.3, 0.3)), 0.3),
        (Init("xavier_uniform", (1.0,)), sqrt(6 / (400 * 9 + 200 * 9))),
        (Init("xavier_uniform", (2.0,)), 2 * sqrt(6 / (400 * 9 + 200 * 9))),
        (Init("kaiming_uniform", (sqrt(2),)), sqrt(6 / (200 * 9))),
        (Init("fan_in_uniform"), 1 / sqrt(200 * 9)),
        (Init("bound_uniform", (50.0,)), 1 / sqrt(50)),
    ],
)
def test_a_uniform_rule_fills_its_bounds(init: Init, bound: float) -> None:
    drawn = start(init, 400, 200, 3, 3)
    assert np.abs(drawn).max() <= bound * (1 + 1e-6)
    assert np.abs(drawn).max() > 0.999 * bound
    assert drawn.std() == pytest.approx(bound / sqrt(3), rel=0.01)
    assert abs(drawn.mean()) < 0.01 * bound


@pytest.mark.parametrize(
    ("init", "mean", "std"),
    [
        (Init("normal", (0.02, 0.5)), 0.5, 0.02),
        (Init("xavier_normal", (1.0,)), 0.0, sqrt(2 / (400 * 9 + 200 * 9))),
        (Init("kaiming_normal", (sqrt(2),)), 0.0, sqrt(2 / (200 * 9))),
    ],
)
def test_a_normal_rule_has_its_mean_and_spread(init: Init, mean: float, std: float) -> None:
    drawn = start(init, 400, 200, 3, 3)
    assert drawn.mean() == pytest.approx(mean, abs=0.01 * std)
    assert drawn.std() == pytest.approx(std, rel=0.01)


def test_a_truncated_normal_keeps_within_its_bounds() -> None:
    drawn = start(Init("truncated_normal", (1.0, 0.0, -0.5, 1.0)), 10_000)
    assert drawn.min() >= -0.5
    assert drawn.max() <= 1.0
    assert np.unique(drawn).size > 9_000
    assert start(Init("truncated_normal", (1.0, 0.0, 50.0, 51.0)), 4).tolist() == [50.0] * 4


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (4, 3, 3)])
def test_orthogonal_rows_or_columns_stand_at_right_angles(shape: tuple[int, ...]) -> None:
    matrix = start(Init("orthogonal", (2.0,)), *shape).reshape(shape[0], -1)
    small = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    np.testing.assert_allclose(small @ small.T, 4 * np.eye(len(small)), atol=1e-5)


def test_fans_are_those_of_pytorch() -> None:
    assert fans((64, 3, 7, 7)) == (147, 3136)
    assert fans((10, 84)) == (84, 10)


def test_weights_that_no_memory_holds_are_rejected_before_one_is_drawn() -> None:
    huge = graph(("w", (1_000_000, 1_000_000), Init("normal", (1.0,))))
    assert total_bytes(huge) == 4_000_000_000_000
    with pytest.raises(TooLargeError) as caught:
        initialize(huge, 0)
    assert caught.value.message == "the weights of `Net` take 4,000,000,000,000 bytes"
