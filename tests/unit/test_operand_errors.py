"""What the operators reject, and in which words.

Tests ``netlang.ops``.
"""

from __future__ import annotations

import pytest

from netlang.ir.dims import Shape, symbol
from netlang.ir.op import OPS, OperandError, Primitive
from netlang.ir.types import BOOL, F32, I64, DType, TensorType
from netlang.ops.checks import broadcast
from netlang.ops.elementwise.activation import Sigmoid
from netlang.ops.elementwise.arithmetic import Add, Div, FloorDiv, Sub
from netlang.ops.elementwise.channels import AddChannel
from netlang.ops.elementwise.choice import Cast, Clamp, Select
from netlang.ops.elementwise.comparison import LogicalAnd
from netlang.ops.random.random import Dropout, DropPath
from netlang.ops.reducing.einsum import Einsum
from netlang.ops.reducing.linear import Linear, Matmul
from netlang.ops.reducing.normalization import NormalizeGroup
from netlang.ops.reducing.reduction import Max, Mean, Sum
from netlang.ops.reducing.softmax import Softmax
from netlang.ops.shaping.indices import Argmax
from netlang.ops.windows.local_response import LocalResponseNorm

N, H, W = symbol("N"), symbol("H"), symbol("W")


def f32(*shape: int | object) -> TensorType:
    return tensor(F32, *shape)


def tensor(dtype: DType, *shape: object) -> TensorType:
    return TensorType(dtype, shape)  # pyright: ignore[reportArgumentType]


def refusal(op: Primitive, *types: TensorType) -> OperandError:
    with pytest.raises(OperandError) as caught:
        op.infer(*types)
    return caught.value


@pytest.mark.parametrize(
    ("a", "b", "together"),
    [
        ((2, 3), (2, 3), (2, 3)),
        ((), (N, 3), (N, 3)),
        ((N, 3), (), (N, 3)),
        ((N, 1), (1, N), (N, N)),
        ((N, 3, 4), (3, 1), (N, 3, 4)),
        ((4,), (N, 1, 4), (N, 1, 4)),
        ((H // 2, 1), (H // 2, 5), (H // 2, 5)),
        ((1,), (1, 1), (1, 1)),
        ((0, 1), (1, 3), (0, 3)),
    ],
)
def test_two_shapes_that_fit_broadcast_to_one(a: Shape, b: Shape, together: Shape) -> None:
    assert broadcast(f32(*a), f32(*b)) == together


@pytest.mark.parametrize(
    ("a", "b", "rule"),
    [
        ((N, 1), (N,), "broadcast-both"),
        ((3,), (N, 1, 1), "broadcast-both"),
        ((2,), (1, 3), "shape-mismatch"),
        ((N,), (3,), "shape-mismatch"),
        ((N, 3), (N, 4), "shape-mismatch"),
        ((H // 2,), (H,), "shape-mismatch"),
        ((0,), (2,), "shape-mismatch"),
    ],
)
def test_shapes_that_do_not_broadcast(a: Shape, b: Shape, rule: str) -> None:
    assert refusal(Add(), f32(*a), f32(*b)).rule.code == rule


def test_a_mismatch_names_every_dimension_and_proposes_a_projection() -> None:
    found = refusal(Add(), f32(N, 128, 16, 16), f32(N, 64, 32, 32))
    assert found.message == "these two shapes don't fit together"
    assert found.notes == (
        "dimension 1 is 128 on the left and 64 on the right\n"
        "dimension 2 is 16 on the left and 32 on the right\n"
        "dimension 3 is 16 on the left and 32 on the right",
    )
    assert found.helps == ("project the larger one to that shape: `conv({1}, 128, 1, stride=2)`",)


@pytest.mark.parametrize(
    ("left", "right", "fix"),
    [
        ((N, 64, 56, 56), (N, 128, 28, 28), "conv({0}, 128, 1, stride=2)"),
        ((N, 64, 7, 7), (N, 128, 4, 4), "conv({0}, 128, 1, stride=2)"),
        ((N, 64, 56, 56), (N, 256, 56, 56), "conv({1}, 64, 1)"),
        ((N, 8, (H - 1) // 2 + 1), (N, 4, H), "conv({1}, 8, 1, stride=2)"),
    ],
)
def test_the_projection_is_solved_from_the_shapes(left: Shape, right: Shape, fix: str) -> None:
    (help,) = refusal(Add(), f32(*left), f32(*right)).helps
    assert help.endswith(f"to that shape: `{fix}`")


def test_maps_no_stride_can_match_get_no_projection() -> None:
    assert refusal(Add(), f32(N, 8, 10, 10), f32(N, 8, 7, 9)).helps == ()


def test_the_silent_square_is_rejected_with_both_ways_out() -> None:
    found = refusal(Sub(), f32(N, 1), f32(N))
    assert found.message == "both sides would have to be broadcast"
    assert found.notes == ("together they would make [N, N], which is bigger than either side",)
    assert found.helps == (
        "to match them one to one, drop the extra dimension: `squeeze({0}, -1)`",
        "if you do want every pair, say so: `unsqueeze({1}, 0)`",
    )


def test_the_ways_out_follow_the_side_that_is_larger() -> None:
    assert refusal(Sub(), f32(N), f32(N, 1, 1)).helps == (
        "to match them one to one, drop the extra dimensions: `squeeze(squeeze({1}, -1), -1)`",
        "if you do want every pair, say so: `unsqueeze(unsqueeze({0}, 0), 0)`",
    )


def test_sizes_that_differ_by_rounding_are_reported_by_the_clause_that_settles_them() -> None:
    found = refusal(Add(), f32(N, 8, 2 * (H // 4), 2 * (W // 4)), f32(N, 8, H // 2, W // 2))
    assert "`//` rounds down: H//2 and 2*(H//4) are equal only for some sizes" in found.notes
    assert found.helps == (
        "say which sizes are allowed: `where H % 4 == 0, W % 4 == 0` after the net's outputs",
    )


def test_a_vector_for_the_channels_is_reported_how_to_line_up() -> None:
    found = refusal(Add(), f32(N, 64, 8, 8), f32(64))
    assert found.helps == ("for one number per channel: `reshape({1}, [64, 1, 1])`",)
    assert found.notes == (
        "dimension -1 is 8 on the left and 64 on the right",
        "the left has 4 dimensions and the right 1: they are compared from the last one",
    )


def test_an_error_between_two_operands_shows_both_of_them() -> None:
    for b in (f32(N), tensor(I64, 5, 1), f32(4, 1)):
        found = refusal(Add(), f32(5, 1), b)
        assert (found.operand, found.label) == (None, "")


def test_element_types_are_never_mixed() -> None:
    found = refusal(Add(), f32(N), tensor(I64, N))
    assert found.rule.code == "dtype-mismatch"
    assert found.helps == ("convert one side: `cast({1}, f32)`",)
    assert refusal(Add(), tensor(I64, N), f32()).helps == ("convert one side: `cast({0}, f32)`",)


@pytest.mark.parametrize("op", [Sigmoid(), Softmax(), Dropout(0.5), Mean(), Clamp(0.0, 1.0)])
def test_functions_of_floats_reject_integers(op: Primitive) -> None:
    found = refusal(op, tensor(I64, 2, 3))
    assert found.rule.code == "dtype-mismatch"
    assert found.message == f"`{op.name}` needs floating-point numbers, not i64"
    assert found.helps == ("convert with `cast({0}, f32)`",)


def test_division_of_integers_names_the_way_out() -> None:
    assert refusal(Div(), tensor(I64, 3), tensor(I64)).rule.code == "dtype-mismatch"
    assert refusal(FloorDiv(), f32(3), f32()).helps == (
        "for floating-point numbers: `floor({0} / {1})`",
    )


def test_numbers_are_not_truth_values() -> None:
    assert refusal(LogicalAnd(), f32(3), f32(3)).message == "`and` needs bool elements, not f32"
    assert refusal(Add(), tensor(BOOL, 3), tensor(BOOL, 3)).message == "`+` needs numbers, not bool"


def test_a_mask_must_fit_what_it_chooses_from() -> None:
    found = refusal(Select(), tensor(BOOL, N, 3), f32(N, 8, 7), f32())
    assert found.rule.code == "shape-mismatch"
    assert refusal(Select(), f32(3), f32(3), f32(3)).operand == 0
    both = refusal(Select(), tensor(BOOL, N), f32(), f32(N, 1))
    assert both.helps[0].endswith("`squeeze({2}, -1)`")


@pytest.mark.parametrize(
    ("a", "b", "help"),
    [
        ((N, 10), (5, 10), "multiply by the transpose: `{0} @ transpose({1})`"),
        ((10, 4), (10, 5), "multiply the transpose: `transpose({0}) @ {1}`"),
        ((N, 4, 10), (N, 5, 10), "swap the last two axes: `{0} @ transpose({1}, [0, 2, 1])`"),
    ],
)
def test_a_product_with_unequal_inner_sizes_proposes_the_transpose(
    a: Shape, b: Shape, help: str
) -> None:
    assert refusal(Matmul(), f32(*a), f32(*b)).helps == (help,)


def test_stacks_of_matrices_do_not_stretch_on_both_sides() -> None:
    assert refusal(Matmul(), f32(N, 2, 3), f32(5, 3, 4)).rule.code == "shape-mismatch"
    assert refusal(Matmul(), f32(N, 1, 2, 3), f32(N, 3, 4)).rule.code == "broadcast-both"
    assert refusal(Matmul(), f32(2, 3), f32()).rule.code == "rank-mismatch"


def test_a_weight_or_bias_that_does_not_fit_is_pointed_at() -> None:
    assert refusal(Linear(), f32(N, 3), f32(4, 5)).operand == 1
    assert refusal(Linear(), f32(N, 3), f32(4, 3), f32(3)).operand == 2


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("ij,jk", "it has no `->` that says what comes out"),
        ("ij->i", "it describes 1 tensor, and got 2 tensors"),
        ("ij,jk->iz", "`z` comes out and is on no tensor that goes in"),
        ("ij,jk->ii", "`i` comes out twice"),
        ("i1,jk->i", "an axis is one letter a to z or A to Z, not `1`"),
        ("...i,ij->...j", "an axis is one letter a to z or A to Z, not `.`"),
    ],
)
def test_a_malformed_einsum_rule_says_what_is_wrong(rule: str, why: str) -> None:
    found = refusal(Einsum(rule), f32(2, 3), f32(3, 4))
    assert (found.rule.code, found.notes) == ("einsum-rule", (why,))


@pytest.mark.parametrize(
    ("rule", "shapes", "written"),
    [
        ("...ij, ...jk -> ...ik", [(7, 2, 3), (7, 3, 4)], "aij,ajk->aik"),
        ("...ij,...jk->...ik", [(6, 7, 2, 3), (3, 4)], "abij,jk->abik"),
        ("b...,...->b", [(5, 2, 3), (2, 3)], "bac,ac->b"),
        ("...->", [(2, 3)], "ab->"),
    ],
)
def test_an_ellipsis_in_an_einsum_denotes_the_axes_without_a_letter(
    rule: str, shapes: list[tuple[int, ...]], written: str
) -> None:
    types = tuple(f32(*shape) for shape in shapes)
    made = Einsum.make(types, {"rule": rule})
    assert made == Einsum(written)
    made.infer(*types)


def test_three_points_hide_no_axis_that_is_missing() -> None:
    found = refusal(Einsum.make((f32(2, 3),), {"rule": "...ijk->...i"}), f32(2, 3))
    assert found.message == "`ijk` names 3 axes, and the tensor has 2"
    twice = refusal(Einsum.make((f32(2, 3),), {"rule": "...i...->i"}), f32(2, 3))
    assert twice.notes == ("an axis is one letter a to z or A to Z, not `.`",)


def test_an_einsum_letter_has_one_size_and_one_axis_each() -> None:
    found = refusal(Einsum("ij,jk->ik"), f32(2, 3), f32(4, 5))
    assert (found.rule.code, found.operand) == ("shape-mismatch", 1)
    assert refusal(Einsum("ij,jk->ik"), f32(2, 3), f32(3)).rule.code == "rank-mismatch"


def test_an_axis_the_tensor_lacks_is_rejected() -> None:
    for op in (Sum((4,)), Softmax(-5), Argmax(4)):
        assert refusal(op, f32(2, 3, 4, 5)).rule.code == "axis-out-of-range"
    with pytest.raises(OperandError):
        Sum.make((f32(2, 3),), {"axis": 2, "keep": False})
    assert refusal(Sum((1, -1)), f32(2, 3)).message == "axis 1 of a rank-2 tensor is named twice"


def test_axes_of_a_call_are_counted_from_the_front() -> None:
    types = (f32(2, 3, 4),)
    assert Sum.make(types, {"axis": -1, "keep": True}) == Sum((2,), True)
    assert Mean.make(types, {"axis": [-1, 0], "keep": False}) == Mean((0, 2))
    assert Max.make(types, {"axis": None}) == Max()
    assert Softmax.make(types, {"axis": -2}) == Softmax(1)
    assert Argmax.make(types, {"axis": -3}) == Argmax(0)


def test_the_extreme_of_nothing_is_rejected() -> None:
    for op in (Max((1,)), Mean((1,)), Argmax(1), Softmax(1)):
        assert "at least one element along axis 1" in refusal(op, f32(2, 0)).message


@pytest.mark.parametrize("rate", [-0.1, 1.0, 50.0, float("nan")])
@pytest.mark.parametrize("op", [Dropout, DropPath])
def test_a_rate_is_a_part_of_one(op: type[Dropout] | type[DropPath], rate: float) -> None:
    assert refusal(op(rate), f32(2, 3)).rule.code == "out-of-range"


def test_a_rate_in_percent_is_corrected() -> None:
    assert refusal(Dropout(50), f32(2, 3)).helps == ("for 50 %, write `0.5`",)


def test_settings_out_of_range_are_rejected() -> None:
    assert refusal(Clamp(1.0, 0.0), f32(2)).rule.code == "out-of-range"
    assert refusal(LocalResponseNorm(4), f32(N, 8, 4, 4)).helps == ("write `size=5`",)
    group = refusal(NormalizeGroup(3), f32(N, 8, 4), f32(8), f32(8))
    assert group.helps == ("`groups` can be 1, 2, 4, 8",)


def test_a_vector_over_channels_has_one_number_each() -> None:
    found = refusal(AddChannel(), f32(N, 8, 4, 4), f32(9))
    assert (found.operand, found.label) == (1, "this is f32[9]")


def test_an_element_type_is_taken_by_its_name() -> None:
    assert Cast.make((f32(2),), {"to": "i64"}) == Cast(I64)
    with pytest.raises(OperandError):
        Cast.make((f32(2),), {"to": "int"})


@pytest.mark.parametrize("name", sorted(OPS))
def test_helps_name_only_operands_by_their_position(name: str) -> None:
    """Every placeholder is filled by the caller: a brace that is none would break that."""
    for sample in OPS[name].samples():
        wrong = [TensorType(BOOL, (7,)), *(TensorType(I64, (2, 3, 5)) for _ in sample.types)]
        try:
            sample.op.infer(*wrong[: len(sample.types)])
        except OperandError as rejected:
            for help in rejected.helps:
                assert not {"{", "}"} & set(help.format(*"abcdefgh"))
