"""The broadcasting rule, over every pair of small shapes.

Tests ``netlang.ops.checks``.
"""

from __future__ import annotations

import re
from itertools import product

import numpy as np
import pytest

from netlang.diagnostics import rules
from netlang.ir.op import OperandError
from netlang.ir.types import F32, TensorType
from netlang.ops.checks import broadcast
from netlang.ops.reducing.linear import Matmul

Sizes = tuple[int, ...]
SHAPES = [shape for rank in range(4) for shape in product((1, 2, 3), repeat=rank)]
PAIRS = list(product(SHAPES, SHAPES))


def ours(a: Sizes, b: Sizes) -> Sizes | OperandError:
    try:
        return broadcast(TensorType(F32, a), TensorType(F32, b))  # pyright: ignore
    except OperandError as rejected:
        return rejected


def numpys(a: Sizes, b: Sizes) -> Sizes | None:
    try:
        return np.broadcast_shapes(a, b)
    except ValueError:
        return None


def test_what_is_accepted_is_what_numpy_makes_of_it() -> None:
    accepted = [(a, b, y) for a, b in PAIRS if isinstance(y := ours(a, b), tuple)]
    # One rank: 7 of 9 pairs fit in each axis. A lower rank: 5 of 9. A number: everything.
    assert len(accepted) == (1 + 7 + 49 + 343) + 2 * (3 + 9 + 27) + 2 * (3 * 5 + 9 * 5 + 3 * 25)
    for a, b, y in accepted:
        assert y == numpys(a, b)


def test_what_numpy_rejects_is_a_mismatch_and_the_rest_stretches_both() -> None:
    for a, b in PAIRS:
        if isinstance(rejected := ours(a, b), OperandError):
            together = numpys(a, b)
            assert rejected.rule.code == (
                "shape-mismatch" if together is None else "broadcast-both"
            )
            if together is not None:
                assert together not in (a, b)
                assert len(a) != len(b)


def test_both_ways_out_of_a_double_stretch_lead_out() -> None:
    tried = 0
    for a, b in PAIRS:
        match ours(a, b):
            case OperandError(rule=rules.BROADCAST_BOTH, helps=helps):
                for help in helps:
                    tried += 1
                    assert isinstance(applied(help, a, b), tuple), (a, b, help)
            case _:
                pass
    assert tried > 200


def applied(help: str, a: Sizes, b: Sizes) -> Sizes | OperandError:
    """Rewrite the operand a help is about, and broadcast again."""
    found = re.search(r"`(.*)`$", help)
    assert found
    fix = found[1]
    place = int(fix[fix.index("{") + 1])
    shape = [a, b][place]
    # Calls are nested: the innermost comes last in the text, its number first.
    numbers = [int(n) for n in re.findall(r", (-?\d+)\)", fix)]
    for name, number in zip(reversed(re.findall(r"\w+(?=\()", fix)), numbers, strict=True):
        rank = len(shape)
        if name == "squeeze":
            assert shape[number] == 1
            shape = tuple(s for i, s in enumerate(shape) if i != number % rank)
        else:
            assert name == "unsqueeze"
            shape = (*shape[:number], 1, *shape[number:])
    return ours(shape, b) if place == 0 else ours(a, shape)


@pytest.mark.parametrize(("a", "b"), PAIRS[::7])
def test_a_product_has_the_shape_numpy_gives_it(a: Sizes, b: Sizes) -> None:
    try:
        (y,) = Matmul().infer(TensorType(F32, a), TensorType(F32, b))
    except OperandError:
        return
    assert y.shape == np.matmul(np.ones(a), np.ones(b)).shape
