"""What scattering, folding and ranking reject, and the numbers they give.

Tests ``netlang.ops.shaping`` and ``netlang.ops.windows``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import netlang.ops
from netlang.ir.dims import Size, symbol
from netlang.ir.op import OPS, OperandError
from netlang.ir.types import F32, I64, TensorType, Types
from netlang.system.numpy import Array

assert netlang.ops

N = symbol("N")


def f32(*shape: Size) -> TensorType:
    return TensorType(F32, shape)


def i64(*shape: Size) -> TensorType:
    return TensorType(I64, shape)


def refusal(op: str, types: Types, **attributes: Any) -> OperandError:
    with pytest.raises(OperandError) as caught:
        OPS[op].make(types, attributes).infer(*types)
    return caught.value


def computed(op: str, *arrays: Array, **attributes: Any) -> tuple[Array, ...]:
    kinds = {"f": F32, "i": I64}
    types = tuple(TensorType(kinds[a.dtype.kind], a.shape) for a in arrays)
    return OPS[op].make(types, attributes).forward(*arrays)


def test_new_elements_must_be_as_many_as_their_places() -> None:
    error = refusal("scatter", (f32(2, 5), i64(2, 3), f32(2, 4)), axis=1)
    assert error.operand == 2
    assert error.message == "the new elements must have the shape [2, 3]"
    error = refusal("scatter_nd", (f32(4, 5, 6), i64(3, 2), f32(3, 5)))
    assert error.message == "the new elements must have the shape [3, 6]"


def test_new_elements_must_be_of_the_type_of_the_old() -> None:
    assert refusal("scatter_nd", (f32(4), i64(2, 1), i64(2))).rule.code == "dtype-mismatch"


def test_an_unknown_way_of_joining_proposes_the_known_ones() -> None:
    error = refusal("scatter", (f32(5), i64(2), f32(2)), axis=0, reduction="multiply")
    assert error.message == '`reduction` must be one of "none", "add", "mul"'


@pytest.mark.parametrize("ids", [i64(4, 3), i64(), i64(4, N)])
def test_a_place_names_axes_the_tensor_has(ids: TensorType) -> None:
    error = refusal("gather_nd", (f32(N, 5), ids))
    assert (error.operand, error.rule.code) == (1, "rank-mismatch")
    assert error.message == "an index must refer to 1 to 2 axes of this tensor"


def test_places_are_integers() -> None:
    error = refusal("gather_nd", (f32(3, 5), f32(4, 2)))
    assert error.helps == ("if these are integers, convert them: `cast({1}, i64)`",)


def test_axes_of_a_batch_are_the_same_on_both_sides() -> None:
    error = refusal("gather_nd", (f32(3, 5), i64(4, 1)), batch=1)
    assert error.message == "the axes of the batch must be the same on both sides"
    assert refusal("gather_nd", (f32(3, 5), i64(3, 1)), batch=2).rule.code == "out-of-range"


def test_the_last_of_elements_written_to_one_place_stays_and_sums_keep_all() -> None:
    x, ids, updates = np.zeros(3), np.array([1, 1]), np.array([5.0, 7.0])
    (y,) = computed("scatter", x, ids, updates, axis=0)
    assert y.tolist() == [0, 7, 0]
    (y,) = computed("scatter", x, ids, updates, axis=0, reduction="add")
    assert y.tolist() == [0, 12, 0]
    (y,) = computed("scatter_nd", x + 2, ids[:, None], updates, reduction="mul")
    assert y.tolist() == [2, 70, 2]


def test_columns_must_be_whole_windows_and_as_many_as_the_map_has() -> None:
    error = refusal("fold", (f32(N, 10, 9),), size=(4, 4), kernel=2)
    assert error.message == "a column of 10 isn't made of windows of 4"
    error = refusal("fold", (f32(N, 8, 8),), size=(4, 4), kernel=2)
    assert error.message == "a map of this size has 9 windows, not 8"
    assert refusal("fold", (f32(N, 8),), size=(4, 4), kernel=2).rule.code == "rank-mismatch"
    assert refusal("fold", (f32(N, 25, 9),), size=(4, 4), kernel=5).rule.code == "window-too-big"


def test_folding_what_was_unfolded_counts_the_windows_over_each_place() -> None:
    settings = {"kernel": 3, "stride": 2, "pad": 1}
    (columns,) = computed("unfold", np.ones((1, 2, 5, 5)), **settings)
    (y,) = computed("fold", columns, size=(5, 5), **settings)
    seen = np.array([1, 2, 1, 2, 1])
    assert y.tolist() == [[np.outer(seen, seen).tolist()] * 2]


def test_ranking_takes_the_first_of_equal_elements_from_either_end() -> None:
    x = np.array([[2, 7, 2, 7, 5]])
    values, places = computed("ranked", x, k=3)
    assert (values.tolist(), places.tolist()) == ([[7, 7, 5]], [[1, 3, 4]])
    values, places = computed("ranked", x, k=3, smallest=True)
    assert (values.tolist(), places.tolist()) == ([[2, 2, 5]], [[0, 2, 4]])


def test_no_more_can_be_ranked_than_there_is() -> None:
    assert refusal("ranked", (f32(N, 3),), k=4).message == "there are no 4 elements to choose from"
    assert refusal("ranked", (f32(N, 3),), k=0).rule.code == "out-of-range"


@pytest.mark.parametrize(("op", "end"), [("max", -np.inf), ("min", np.inf)])
def test_the_extreme_of_a_size_that_iterations_out_to_be_0_is_the_end_of_all_numbers(
    op: str, end: float
) -> None:
    (y,) = OPS[op].make((f32(2, N),), {"axis": 1}).forward(np.zeros((2, 0), "float32"))
    assert y.tolist() == [end, end]


def test_the_mean_over_dilated_windows_leaves_out_what_lies_behind_the_padding() -> None:
    x = np.arange(5.0).reshape(1, 1, 5)
    settings = {"kernel": 2, "stride": 2, "pad": 1, "dilation": 3, "ceil": True}
    # Windows at -1, 1 and 3 see themselves and three further on; 6 lies behind the padding.
    (y,) = computed("avg_pool", x, **settings)
    assert y.tolist() == [[[1.0, 2.5, 3.0]]]
    (y,) = computed("avg_pool", x, **settings, count_pad=False)
    assert y.tolist() == [[[2.0, 2.5, 3.0]]]
