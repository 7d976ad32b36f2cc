"""Rows T: shapes, sizes and element types that do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest
from answers import ask, keeps_the_contract, net, rejected

IMAGE = "x: f32[N, 16, 8, 8]"
SMALL = "x: f32[N, 3, 3, 3]"
FLAT = "x: f32[N, 100]"
TOKENS = "x: i64[N, 12]"
ZERO, MINUS, HALF = "x: f32[0, 3]", "x: f32[N, -1]", "x: f32[N, 2.5]"
SCALAR = "x: f32[]"
LABELLED = "x: f32[N, 10], one: f32[N, 10], label: i64[N, 10]"
STEPS = "x: f32[N, 7, 10]"


@pytest.mark.parametrize(
    ("row", "signature", "body", "rule", "said"),
    [
        ("T1", SMALL, "conv(x, 4, 7)", "window-too-big", "(3 - 7)"),
        ("T1", SMALL, "max_pool(x, 4)", "window-too-big", "(3 - 4)"),
        ("T1", SMALL, "conv(x, 4, 3, dilation=2)", "window-too-big", "5"),
        ("T1", SMALL, "avg_pool(x, 5, stride=1)", "window-too-big", "(3 - 5)"),
        (
            "T2",
            IMAGE,
            "conv(x, 4, 3, stride=0)",
            "out-of-range",
            "`stride` must be 1 or more, not 0",
        ),
        (
            "T2",
            IMAGE,
            "conv(x, 4, 3, stride=-1)",
            "out-of-range",
            "`stride` must be 1 or more, not -1",
        ),
        (
            "T2",
            IMAGE,
            "conv(x, 4, 3, dilation=0)",
            "out-of-range",
            "`dilation` must be 1 or more, not 0",
        ),
        ("T2", IMAGE, "conv(x, 4, 3, groups=0)", "out-of-range", "`groups` must be at least 1"),
        (
            "T2",
            IMAGE,
            "conv(x, 4, 3, groups=3)",
            "groups-mismatch",
            "4 output channels don't divide into 3 groups",
        ),
        (
            "T2",
            IMAGE,
            "conv(x, 5, 3, groups=4)",
            "groups-mismatch",
            "5 output channels don't divide into 4 groups",
        ),
        ("T2", IMAGE, "conv(x, 32, 3, groups=3)", "groups-mismatch", "1, 2, 4, 8, 16"),
        ("T2", IMAGE, "conv(x, 4, 0)", "out-of-range", "`kernel` must be at least 1"),
        ("T2", IMAGE, "conv(x, 4, -3)", "out-of-range", "`kernel` must be at least 1"),
        (
            "T2",
            IMAGE,
            "max_pool(x, 2, stride=0)",
            "out-of-range",
            "`stride` must be 1 or more, not 0",
        ),
        ("T2", IMAGE, "max_pool(x, 0)", "out-of-range", "`kernel` must be 1 or more, not 0"),
        ("T2", IMAGE, "conv(x, 4, 3, pad=-1)", "out-of-range", "`pad` must be 0 or more, not -1"),
        ("T2", IMAGE, "conv(x, 4, (3, 3, 3))", "wrong-type", "a kernel of 3 sizes for 2 axes"),
        ("T3", IMAGE, "max_pool(x, 2, pad=2)", "out-of-range", "smaller than its window, not 2"),
        ("T3", IMAGE, "avg_pool(x, 2, pad=3)", "out-of-range", "smaller than its window, not 3"),
        ("T3", IMAGE, "lp_pool(x, 3, pad=3)", "out-of-range", "smaller than its window, not 3"),
        ("T4", IMAGE, "x + conv(x, 32, 1)", "shape-mismatch", "32"),
        ("T4", IMAGE, "x + conv(x, 16, 3)", "shape-mismatch", "[N, 16, 6, 6]"),
        (
            "T4",
            IMAGE,
            "concat([x, conv(x, 4, 3)], axis=1)",
            "concat-mismatch",
            "they differ in dimension 2",
        ),
        (
            "T4",
            IMAGE,
            "concat([x, flatten(x)], axis=1)",
            "concat-mismatch",
            "they have 4 and 2 dimensions",
        ),
        (
            "T4",
            IMAGE,
            "stack([x, conv(x, 32, 1)], axis=0)",
            "concat-mismatch",
            "they must have one shape",
        ),
        ("T6", FLAT, "reshape(x, [N, 7, 15])", "reshape-mismatch", "100 isn't 7*15 = 105"),
        (
            "T6",
            FLAT,
            "reshape(x, [-1, -1, 4])",
            "reshape-mismatch",
            "only one size can be left open",
        ),
        ("T6", FLAT, "reshape(x, [N, -1, 7])", "reshape-mismatch", "100 doesn't divide by 7"),
        ("T6", FLAT, "reshape(x, [N, 0, -1])", "reshape-mismatch", "next to a size of 0"),
        ("T6", FLAT, "reshape(x, [N, -2, 50])", "out-of-range", "not -2"),
        ("T6", FLAT, "reshape(x, [N, 2.5, 40])", "wrong-type", "must be an int"),
        (
            "T7",
            FLAT,
            "concat(split(x, [30, 30], axis=1), axis=1)",
            "split-mismatch",
            "60 together, and axis 1 is 100",
        ),
        ("T7", FLAT, "concat(split(x, 7, axis=1), axis=1)", "split-mismatch", "7 equal parts"),
        ("T7", FLAT, "concat(split(x, 0, axis=1), axis=1)", "out-of-range", "not 0"),
        ("T7", FLAT, "concat(split(x, -2, axis=1), axis=1)", "out-of-range", "not -2"),
        ("T7", FLAT, "x[:, 100]", "index-out-of-range", "there is no index 100"),
        ("T7", FLAT, "x[:, 50:200]", "index-out-of-range", "50:200 goes beyond the axis"),
        ("T7", FLAT, "x[0, 0, 0]", "axis-out-of-range", "too many indices"),
        ("T7", FLAT, "sum(x, axis=9)", "axis-out-of-range", "there is no axis 9"),
        ("T7", FLAT, "softmax(x, axis=-3)", "axis-out-of-range", "there is no axis -3"),
        (
            "T7",
            FLAT,
            "transpose(x, [0, 0])",
            "axis-out-of-range",
            "the order must name each axis once",
        ),
        ("T7", FLAT, "transpose(x, [0, 1, 2])", "axis-out-of-range", "there is no axis 2"),
        ("T7", FLAT, "unsqueeze(x, 7)", "axis-out-of-range", "inserted at 7"),
        ("T7", FLAT, "squeeze(x, 1)", "shape-mismatch", "its size is 100, not 1"),
        ("T7", FLAT, "concat([x, x], axis=2)", "axis-out-of-range", "there is no axis 2"),
        ("T7", IMAGE, "global_avg_pool(x)[:, :, 0, 0, 0]", "axis-out-of-range", "too many indices"),
        ("T8", FLAT, "embedding(x, 10, 4)", "dtype-mismatch", "`ids` takes i64 elements, not f32"),
        ("T8", FLAT, "conv(argmax(x, axis=1), 3, 1)", "dtype-mismatch", "not i64"),
        ("T8", FLAT, "(x > 0.0) + (x > 0.0)", "dtype-mismatch", "`+` needs numbers, not bool"),
        ("T8", FLAT, "x and x", "dtype-mismatch", "`and` needs bool elements, not f32"),
        ("T8", FLAT, "not x", "dtype-mismatch", "f32"),
        ("T8", FLAT, "relu(x > 0.0)", "dtype-mismatch", "bool"),
        ("T8", TOKENS, "dense(x, 3)", "dtype-mismatch", "not i64"),
        ("T8", TOKENS, "x + 0.5", "dtype-mismatch", "i64 elements and a float"),
        ("T8", TOKENS, "relu(x) + softmax(x)", "dtype-mismatch", "not i64"),
        ("T8", FLAT, "select(x, x, x)", "dtype-mismatch", "`mask` takes bool elements, not f32"),
        ("T8", FLAT, "one_hot(x, 10)", "dtype-mismatch", "not f32"),
        ("T10", ZERO, "x", "out-of-range", "a dimension must be at least 1"),
        ("T10", MINUS, "x", "out-of-range", "this is -1"),
        ("T10", HALF, "x", "wrong-type", "a dimension must be an int"),
        ("T10", SCALAR, "sum(x, axis=0)", "axis-out-of-range", "there is no axis 0"),
        ("T10", SCALAR, "dense(x, 3)", "shape-mismatch", "`x` must be f32[...B, D]"),
        ("T10", SCALAR, "batch_norm(x)", "shape-mismatch", "f32[]"),
        (
            "T11",
            IMAGE,
            "conv_transpose(x, 4, 3, stride=2, out_pad=2)",
            "out-of-range",
            "use `out_pad=1` or less",
        ),
        ("T11", IMAGE, "conv_transpose(x, 4, 3, stride=2, out_pad=-1)", "out-of-range", "not -1"),
        (
            "T11",
            IMAGE,
            "conv_transpose(x, 4, 3, stride=2, output_pad=1)",
            "unknown-parameter",
            "`out_pad`",
        ),
        ("T12", LABELLED, "cross_entropy(x, one)", "dtype-mismatch", "i64"),
        (
            "T12",
            LABELLED,
            "cross_entropy(x, argmax(x, axis=1, keep=true))",
            "assertion",
            "one class index for each vector",
        ),
        ("T12", LABELLED, "mse(x, label)", "dtype-mismatch", "i64"),
        (
            "T14",
            STEPS,
            "multi_head_attention(x, 3)",
            "assertion",
            "must be divisible by the number of heads (3)",
        ),
        ("T14", STEPS, "multi_head_attention(x, 0)", "division-by-zero", "`heads` is 0"),
        ("T14", IMAGE, "group_norm(x, 5)", "assertion", "not a multiple of 5"),
        ("T14", IMAGE, "group_norm(x, 0)", "assertion", "groups is 0"),
        (
            "T14",
            IMAGE,
            "channel_shuffle(x, 3)",
            "assertion",
            "must be divisible by the number of groups (3)",
        ),
        ("T16", IMAGE, "depth_to_space(x, 4294967296)", "number-too-large", "too large"),
        ("T16", IMAGE, "pixel_shuffle(x, 4294967296)", "shape-mismatch", "18446744073709551616"),
        ("T16", IMAGE, "space_to_depth(x, 3)", "assertion", "divisible by the factor"),
        ("T16", IMAGE, "space_to_depth(x, 0)", "assertion", "divisible by the factor"),
        ("T16", IMAGE, "depth_to_space(x, -2)", "assertion", "the square of the factor"),
        ("", FLAT, "tile(x, [1])", "out-of-range", "names 1 of 2 axes"),
        ("", FLAT, "tile(x, [1, -1])", "out-of-range", "not -1"),
        ("", FLAT, "expand(x, [N, 7])", "expand-mismatch", "[N, 7]"),
        (
            "",
            IMAGE,
            'upsample(x, 0, mode="nearest")',
            "out-of-range",
            "`scale` must be above 0, not 0",
        ),
        ("", IMAGE, 'upsample(x, -2, mode="linear")', "out-of-range", "not -2"),
        ("", IMAGE, 'resize(x, (0, 4), mode="cubic")', "out-of-range", "not 0"),
        ("", FLAT, "x @ x", "shape-mismatch", "the inner dimensions differ"),
        (
            "",
            FLAT,
            'einsum("ij,jk->ik", x, x)',
            "shape-mismatch",
            "`j` denotes two different sizes",
        ),
        ("", FLAT, 'einsum("", x)', "einsum-rule", '""'),
        ("", FLAT, 'einsum("ij->zz", x)', "einsum-rule", '"ij->zz"'),
        ("", FLAT, "dropout(x, 1.5)", "out-of-range", "not 1.5"),
        ("", FLAT, "dropout(x, -0.1)", "out-of-range", "not -0.1"),
        ("", FLAT, "clamp(x, 1.0)", "missing-argument", "high="),
        ("", FLAT, "clamp(x, 2.0, 1.0)", "out-of-range", ""),
        ("", FLAT, "batch_norm(x, eps=-1.0)", "out-of-range", "must be above 0, not -1.0"),
        ("", FLAT, "layer_norm(x, eps=0.0 - 1.0)", "out-of-range", "must be above 0, not -1.0"),
    ],
)
def test_what_does_not_fit_is_reported(
    row: str, signature: str, body: str, rule: str, said: str, tmp_path: Path
) -> None:
    answer = rejected(net(body, signature), rule, folder=tmp_path)
    assert said in answer.text
    assert len(answer.rules) == 1 or row == "T8"


def test_t1_the_size_is_worked_out(tmp_path: Path) -> None:
    answer = rejected(net("conv(x, 4, 7)", SMALL), "window-too-big", folder=tmp_path, line=2)
    assert "(3 - 7)" in answer.text.replace("−", "-") or "-4" in answer.text.replace("−", "-")


def test_t2_the_divisors_are_named(tmp_path: Path) -> None:
    answer = rejected(net("conv(x, 32, 3, groups=3)", IMAGE), "groups-mismatch", folder=tmp_path)
    assert "1, 2, 4, 8, 16" in answer.text


def test_t4_both_origins_are_shown(tmp_path: Path) -> None:
    answer = rejected(net("x + conv(x, 32, 1)", IMAGE), "shape-mismatch", folder=tmp_path, line=2)
    assert "f32[N, 16, 8, 8]" in answer.text
    assert "f32[N, 32, 8, 8]" in answer.text


def test_t5_a_dense_layer_on_a_map_is_reported_of_flatten(tmp_path: Path) -> None:
    text = "net A(x: f32[N, 3, 8, 8]) -> y: f32[N, 10] {\n  y = dense(x, 10)\n}\n"
    answer = rejected(text, "shape-mismatch", "rank-mismatch", folder=tmp_path)
    assert "flatten" in answer.text


def test_t12_a_loss_says_what_labels_it_expects(tmp_path: Path) -> None:
    body = "cross_entropy(x, one)"
    answer = rejected(
        net(body, "x: f32[N, 10], one: f32[N, 10]"), "dtype-mismatch", "shape-mismatch",
        "wrong-type", folder=tmp_path, line=2,
    )  # fmt: skip
    assert "i64" in answer.text


@pytest.mark.parametrize("kernel", [1, 2, 3, 7, 50, 2**31, 2**62])
@pytest.mark.parametrize("size", [1, 2, 3, 2**31, 2**62])
def test_sizes_of_any_magnitude_are_exact(kernel: int, size: int, tmp_path: Path) -> None:
    path = tmp_path / "large.net"
    path.write_text(net(f"conv(x, 4, {kernel})", f"x: f32[N, 3, {size}, {size}]"))
    answer = ask("summary", path)
    keeps_the_contract(answer)
    if kernel <= size and answer.code:
        assert answer.rules == ["number-too-large"] and kernel > 2**30
    elif kernel <= size:
        assert f"{4 * (3 * kernel * kernel + 1):,}" in answer.text
