"""What convolutions, pools and shape operators reject, and what they say.

Tests ``netlang.ops.shaping`` and ``netlang.ops.windows``.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import netlang
import netlang.ops
from netlang.ir.dims import Size, substitute, symbol
from netlang.ir.op import OPS, OperandError
from netlang.ir.types import F32, TensorType, Types
from netlang.ops.windows.windows import Windows

assert netlang.ops

N, H, W = symbol("N"), symbol("H"), symbol("W")


def f32(*shape: Size) -> TensorType:
    return TensorType(F32, shape)


def result(op: str, types: Types, **attributes: Any) -> Types:
    return OPS[op].make(types, attributes).infer(*types)


def refusal(op: str, types: Types, **attributes: Any) -> OperandError:
    with pytest.raises(OperandError) as caught:
        result(op, types, **attributes)
    return caught.value


def conv(x: TensorType, w: TensorType, **attributes: Any) -> TensorType:
    (y,) = result("convolve", (x, w), **attributes)
    return y


def test_a_window_bigger_than_the_map_shows_both() -> None:
    error = refusal("convolve", (f32(N, 64, 4, 4), f32(128, 64, 5, 5)))
    assert error.rule.code == "window-too-big"
    assert error.message == "the window is bigger than the image"
    assert error.label == "a 5x5 window on a 4x4 map"
    assert error.helps == (
        "pad it (`pad=same`), use a smaller window, or drop an earlier pool or stride",
    )


def test_groups_that_do_not_divide_name_those_that_do() -> None:
    error = refusal("convolve", (f32(N, 3, 32, 32), f32(64, 0, 3, 3)), pad=1, groups=4)
    assert error.message == "3 channels don't divide into 4 groups"
    assert error.helps == ("`groups` can be 1",)
    error = refusal("convolve", (f32(N, 6, 32, 32), f32(64, 2, 3, 3)), groups=3)
    assert error.helps == ("`groups` can be 1 or 2",)


@pytest.mark.parametrize("name", ["stride", "dilation", "groups"])
def test_numbers_below_one_are_rejected(name: str) -> None:
    error = refusal("convolve", (f32(N, 4, 9, 9), f32(8, 4, 3, 3)), **{name: 0})
    assert error.message == f"`{name}` must be 1 or more, not 0"


def test_filters_for_other_channels_are_rejected() -> None:
    error = refusal("convolve", (f32(N, 6, 9, 9), f32(8, 3, 3, 3)))
    assert error.message == "the map has 6 channels, and the filters want 3"


@pytest.mark.parametrize(
    ("pad", "expected"),
    [
        (0, (8, 7)),
        (1, (10, 9)),
        ((0, 2), (8, 11)),
        (((1, 0), (0, 2)), (9, 9)),
        ("valid", (8, 7)),
        ("half", (10, 9)),
        ("same", (10, 9)),
    ],
)
def test_padding_is_said_in_many_ways(pad: object, expected: tuple[int, int]) -> None:
    assert conv(f32(2, 3, 10, 9), f32(4, 3, 3, 3), pad=pad).shape[2:] == expected


def test_same_gives_the_size_over_the_stride_rounded_up_and_the_odd_rest_after() -> None:
    types = (f32(2, 3, 32, 7), f32(4, 3, 3, 3))
    op = OPS["convolve"].make(types, {"stride": 2, "pad": "same"})
    assert str(op) == ("convolve{stride=[2, 2], pad=[[0, 1], [1, 1]], dilation=[1, 1], groups=1}")
    assert op.infer(*types)[0].shape == (2, 4, 16, 4)


def test_half_and_same_differ_with_stride_two() -> None:
    types = (f32(2, 3, 32, 32), f32(4, 3, 3, 3))
    half = OPS["convolve"].make(types, {"stride": 2, "pad": "half"})
    same = OPS["convolve"].make(types, {"stride": 2, "pad": "same"})
    assert half.infer(*types) == same.infer(*types)
    assert half != same


def test_causal_padding_keeps_the_length_and_looks_back_only() -> None:
    types = (f32(N, 3, H), f32(4, 3, 3))
    op = OPS["convolve"].make(types, {"dilation": 4, "pad": "causal"})
    assert "pad=[[8, 0]]" in str(op)
    assert op.infer(*types)[0].shape == (N, 4, H)
    assert refusal("convolve", (f32(N, 3, H, W), f32(4, 3, 3, 3)), pad="causal")


def test_same_on_an_open_size_proposes_a_clause_that_makes_it_pass() -> None:
    w = f32(4, 3, 3, 3)
    error = refusal("convolve", (f32(N, 3, H // 2, 8), w), stride=2, pad="same")
    assert error.rule.code == "needs-divisibility"
    assert "`where H % 4 == 0`" in error.helps[0]
    h = symbol("H", 4)
    assert conv(f32(N, 3, h // 2, 8), w, stride=2, pad="same").shape == (N, 4, h // 4, 4)


def test_a_window_on_an_open_size_counts_symbolically() -> None:
    assert conv(f32(N, 3, H, W), f32(4, 3, 3, 3), stride=2, pad=1).shape == (
        N, 4, (H - 1) // 2 + 1, (W - 1) // 2 + 1,
    )  # fmt: skip


def test_padding_of_a_pool_stays_below_its_window() -> None:
    error = refusal("max_pool", (f32(N, 3, 8, 8),), kernel=2, pad=2)
    assert error.message == "the padding of a pool must be smaller than its window, not 2"


@pytest.mark.parametrize("pool", ["max_pool", "avg_pool", "lp_pool"])
def test_no_window_of_a_pool_holds_nothing_but_padding(pool: str) -> None:
    """Of padding alone, onnxruntime says that the maximum is -3.4e38, and NumPy minus infinity."""
    given = {"kernel": 2, "stride": 1, "pad": 1, "dilation": 2}
    error = refusal(pool, (f32(N, 3, 8, 1),), **given)
    assert (error.message, error.helps) == (
        "a window of a pool holds nothing but padding: it reads the positions -1, 1",
        ("use `dilation=1` or less, or no padding",),
    )
    assert result(pool, (f32(N, 3, 8, 2),), **given)[0].shape == (N, 3, 8, 2)
    op = OPS[pool].make((f32(N, 3, H, W),), given)
    with pytest.raises(OperandError, match="nothing but padding"):
        op.infer(f32(N, 3, 8, 1))


def test_output_padding_stays_below_the_stride() -> None:
    types = (f32(N, 3, 8, 8), f32(3, 4, 3, 3))
    assert refusal("convolve_transpose", types, stride=2, out_pad=2).rule.code == "out-of-range"
    assert result("convolve_transpose", types, stride=2, pad=1, out_pad=1)[0].shape[2:] == (16, 16)


def test_rounding_up_counts_as_pytorch_does() -> None:
    """Count by the definition: the last window may hang over, but must start early enough."""
    for size in range(1, 12):
        for kernel, stride, before, after in [
            (1, 1, 0, 0), (2, 2, 0, 0), (3, 2, 1, 1), (2, 3, 0, 0), (2, 3, 1, 1), (3, 4, 0, 2),
        ]:  # fmt: skip
            if size + before + after < kernel:
                continue
            count = -(-(size + before + after - kernel) // stride) + 1
            if (count - 1) * stride >= size + before:
                count -= 1
            windows = Windows((kernel,), (stride,), ((before, after),), (1,))
            assert windows.ceil((size,)) == (count,)
            (open_count,) = windows.ceil((H,))
            assert substitute(open_count, {"H": size}) == count


def test_odd_sizes_in_a_u_net_suggest_the_clause() -> None:
    left, right = f32(N, 64, H // 2, W // 2), f32(N, 128, 2 * (H // 4), 2 * (W // 4))
    error = refusal("concat", (left, right), axis=1)
    assert error.rule.code == "concat-mismatch"
    assert error.message == "these can't be concatenated along axis 1: they differ in dimension 2"
    assert error.notes == (
        "the first is f32[N, 64, H//2, W//2]\nand the other f32[N, 128, 2*(H//4), 2*(W//4)]",
        "`//` rounds down: 2*(H//4) and H//2 are equal only for some sizes",
    )
    assert error.helps == (
        "say which sizes are allowed: `where H % 4 == 0, W % 4 == 0` after the net's outputs",
    )
    h, w = symbol("H", 4), symbol("W", 4)
    ok = (f32(N, 64, h // 2, w // 2), f32(N, 128, 2 * (h // 4), 2 * (w // 4)))
    assert result("concat", ok, axis=1)[0].shape[1] == 192


def test_sizes_that_no_clause_makes_equal_get_none() -> None:
    error = refusal("concat", (f32(N, 3, H), f32(N, 3, H // 2)), axis=1)
    assert not re.search("where|rounds", " ".join((*error.notes, *error.helps)))


def test_reshape_says_what_does_not_divide() -> None:
    error = refusal("reshape", (f32(N, 7),), shape=[N, -1, 2])
    assert error.rule.code == "reshape-mismatch"
    assert error.message == "this can't be reshaped to [N, -1, 2]: 7 doesn't divide by 2"
    error = refusal("reshape", (f32(N, 100),), shape=[N, 7, 15])
    assert error.message == "this can't be reshaped to [N, 7, 15]: 100 isn't 7*15 = 105"
    assert refusal("reshape", (f32(N, 12),), shape=[N, 3, 5]).helps == ("`[N, 3, 4]` would fit",)
    assert refusal("reshape", (f32(N, 12),), shape=[-1, -1]).rule.code == "reshape-mismatch"
    assert refusal("reshape", (f32(0, 3),), shape=[-1, 0]).rule.code == "reshape-mismatch"


def test_reshape_names_the_clause_it_needs() -> None:
    shape: list[Size] = [N, H // 2, 2]
    assert "`where H % 2 == 0`" in refusal("reshape", (f32(N, H),), shape=shape).helps[0]


def test_a_split_that_does_not_divide_is_rejected_with_parts_that_would() -> None:
    assert refusal("split", (f32(N, 7),), parts=2, axis=1).rule.code == "split-mismatch"
    assert refusal("split", (f32(N, 7),), parts=[3, 3], axis=1).helps == ("`[3, 4]` would fit",)
    assert [str(t) for t in result("split", (f32(N, 6),), parts=3, axis=-1)] == ["f32[N, 2]"] * 3


@pytest.mark.parametrize(
    "places", [(None, 7), (None, -4), (None, (1, 9)), (None, (2, 1)), (0, 0, 0)]
)
def test_places_outside_are_rejected(places: object) -> None:
    assert refusal("index", (f32(N, 3),), items=places).rule.code == "index-out-of-range"


def test_a_list_of_places_is_checked() -> None:
    assert refusal("take", (f32(N, 3),), index=[1, 3], axis=1).rule.code == "index-out-of-range"


@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        ("flatten", {"start": 2}),
        ("squeeze", {"axis": 2}),
        ("unsqueeze", {"axis": 3}),
        ("concat", {"axis": 2}),
        ("stack", {"axis": -4}),
        ("split", {"axis": 2, "parts": 1}),
        ("transpose", {"order": [0, 2]}),
        ("transpose", {"order": [0]}),
        ("flip", {"axis": 2}),
    ],
)
def test_axes_that_are_not_there_are_rejected(op: str, attributes: dict[str, Any]) -> None:
    assert refusal(op, (f32(N, 3),), **attributes).rule.code == "axis-out-of-range"


def test_expand_repeats_only_ones() -> None:
    assert result("expand", (f32(1, 1, 8),), shape=[N, -1, -1])[0].shape == (N, 1, 8)
    assert refusal("expand", (f32(2, 8),), shape=[4, 8]).rule.code == "expand-mismatch"
    assert refusal("expand", (f32(2, 8),), shape=[8]).rule.code == "expand-mismatch"


def test_a_huge_block_is_rejected_before_anything_runs() -> None:
    assert refusal("pixel_shuffle", (f32(N, 3, H, W),), factor=2**32).rule.code == "shape-mismatch"


def test_a_misspelled_mode_is_recognized() -> None:
    error = refusal("upsample", (f32(N, 3, H, W),), scale=2, mode="bilinar")
    assert error.helps == ('did you mean "bilinear"?',)


@pytest.mark.parametrize(
    ("arguments", "message", "helps"),
    [
        ({"scale": -1.5}, "`scale` must be above 0, not -1.5", ()),
        (
            {"scale": 0.1},
            "0.1 times 8 leaves no point",
            ("say the size to reach: `resize(x, 1, mode=…)`",),
        ),
        (
            {"scale": [1.5, 2, 2]},
            "`scale` has 3 values, but there are 2 spatial axes",
            ("give one number for all axes, or one per axis",),
        ),
        (
            {"scale": 0.5, "mode": "nearest", "antialias": True},
            "`antialias` has no meaning for the nearest point",
            ('leave it out, or use `mode="linear"`',),
        ),
        (
            {"scale": 0.5, "align": True, "antialias": True},
            "`antialias` smooths around the middles of points, and `align` moves them",
            ("leave one of them out",),
        ),
    ],
)
def test_a_scale_that_makes_no_map_is_rejected(
    arguments: dict[str, object], message: str, helps: tuple[str, ...]
) -> None:
    error = refusal("upsample", (f32(N, 3, 8, 8),), **{"mode": "linear", **arguments})
    assert error.message == message
    assert error.helps == helps


def test_a_scale_is_the_simplest_fraction_near_it() -> None:
    """PyTorch multiplies in double precision; here a third of 9 is 3 for every size."""
    types = (f32(N, 3, H, 9),)
    (y,) = OPS["upsample"].make(types, {"scale": [1.5, 1 / 3], "mode": "linear"}).infer(*types)
    assert y == f32(N, 3, 3 * H // 2, 3)


def test_an_axis_too_short_to_grow_stays_as_it_is() -> None:
    x = np.arange(4.0).reshape(1, 1, 4)
    (y,) = OPS["upsample"].make((f32(1, 1, 4),), {"scale": 1.2, "mode": "linear"}).forward(x)
    assert (y == x).all()


def test_a_smoothed_map_that_shrinks_has_the_mean_of_the_whole() -> None:
    x = np.random.default_rng(0).normal(size=(1, 1, 12))
    smooth = {"size": 1, "mode": "linear", "antialias": True}
    (y,) = OPS["resize"].make((f32(1, 1, 12),), smooth).forward(x)
    hat = 1.0 - np.abs(np.arange(12) + 0.5 - 6.0) / 12.0
    assert np.isclose(y[0, 0, 0], (x[0, 0] @ hat) / hat.sum())


def test_multiply_adds_of_convolutions_are_exact() -> None:
    types = (f32(N, 8, 14, 14), f32(16, 4, 3, 3))
    op = OPS["convolve"].make(types, {"pad": 1, "groups": 2})
    assert op.macs(*types) == N * 16 * 14 * 14 * 4 * 9
    types = (f32(N, 8, 14, 14), f32(8, 16, 3, 3))
    op = OPS["convolve_transpose"].make(types, {"stride": 2})
    assert op.macs(*types) == N * 8 * 14 * 14 * 16 * 9


def test_a_convolution_is_the_sum_over_its_window() -> None:
    """Compare with plain loops."""
    draw = np.random.default_rng(0)
    x, w = draw.normal(size=(2, 4, 6, 7)), draw.normal(size=(6, 2, 3, 2))
    op = OPS["convolve"].make(
        (f32(*x.shape), f32(*w.shape)),
        {"stride": (2, 1), "pad": ((1, 0), (2, 1)), "dilation": (1, 2), "groups": 2},
    )
    (y,) = op.forward(x, w)
    wide = np.pad(x, ((0, 0), (0, 0), (1, 0), (2, 1)))
    for n, o, i, j in np.ndindex(*y.shape):
        group = 2 * (o // 3)
        seen = wide[n, group : group + 2, 2 * i : 2 * i + 3, j : j + 4 : 2][..., :2]
        assert np.isclose(y[n, o, i, j], (seen * w[o]).sum())


def test_cubic_interpolation_has_the_gradient_pytorch_takes() -> None:
    x = np.random.default_rng(0).normal(size=(1, 1, 1, 8))
    types = (f32(*x.shape),)
    (y,) = OPS["upsample"].make(types, {"scale": (1, 2), "mode": "bicubic"}).forward(x)
    weights = np.array([-0.10546875, 0.87890625, 0.26171875, -0.03515625])
    assert np.isclose(y[0, 0, 0, 7], weights @ x[0, 0, 0, 2:6])


def test_a_size_divided_by_what_may_be_nothing_is_rejected_without_a_clause() -> None:
    """For an even H, `H % 2` is nothing to divide by: no multiple of H is tried to the end."""
    rejected = refusal("reshape", (f32(8, H),), shape=[W, 8 // (H % 2)])
    assert rejected.message.startswith("this can't be reshaped to [W, 8//(H - 2*(H//2))]")
    assert rejected.helps == ()


@pytest.mark.parametrize(("height", "width"), [(1, 2), (3, 3), (5, 6), (8, 9), (10, 7)])
def test_same_on_free_sizes_equals_same_on_known_ones(height: int, width: int) -> None:
    text = (
        "net S(x: f32[N, 2, H, W]) -> y = conv(x, 3, 3, stride=(2, 3), pad=same, dilation=(1, 2))"
    )
    free = netlang.loads(text).network()
    known = netlang.loads(text.replace("H, W", f"{height}, {width}")).network()
    x = np.random.default_rng(1).normal(size=(2, 2, height, width)).astype(np.float32)
    expected = known(x)["y"]
    assert expected.shape[2:] == (-(-height // 2), -(-width // 3))
    np.testing.assert_allclose(free(x)["y"], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(free.interpret(x)["y"], expected, rtol=1e-5, atol=1e-6)
