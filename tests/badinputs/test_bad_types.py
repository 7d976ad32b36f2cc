"""Rows T: shapes, sizes and element types that do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest
from answers import ask, keeps_the_contract, net, refused

IMAGE = "x: f32[N, 16, 8, 8]"
SMALL = "x: f32[N, 3, 3, 3]"
FLAT = "x: f32[N, 100]"
TOKENS = "x: i64[N, 12]"
SHAPE_RULES = (
    "shape-mismatch", "out-of-range", "wrong-type", "window-too-big", "groups-mismatch",
    "count-mismatch", "axis-out-of-range", "index-out-of-range", "dtype-mismatch", "rank-mismatch",
    "indivisible", "reshape", "bad-split", "assertion", "wrong-rank", "size-mismatch",
    "reshape-mismatch", "split-mismatch", "undecided-size", "padding-too-big", "not-a-condition",
    "number-too-large", "too-large",
)  # fmt: skip


@pytest.mark.parametrize(
    ("signature", "body", "said"),
    [
        (SMALL, "conv(x, 4, 7)", "7"),
        (SMALL, "max_pool(x, 4)", "4"),
        (SMALL, "conv(x, 4, 3, dilation=2)", "3"),
        (SMALL, "avg_pool(x, 5, 1)", "5"),
        # T2
        (IMAGE, "conv(x, 4, 3, stride=0)", "stride"),
        (IMAGE, "conv(x, 4, 3, stride=-1)", "stride"),
        (IMAGE, "conv(x, 4, 3, dilation=0)", "dilation"),
        (IMAGE, "conv(x, 4, 3, groups=0)", "groups"),
        (IMAGE, "conv(x, 4, 3, groups=3)", "3"),
        (IMAGE, "conv(x, 5, 3, groups=4)", "4"),
        (IMAGE, "conv(x, 4, 0)", ""),
        (IMAGE, "conv(x, 4, -3)", ""),
        (IMAGE, "max_pool(x, 2, 0)", "stride"),
        (IMAGE, "max_pool(x, 0)", ""),
        (IMAGE, "conv(x, 4, 3, pad=-1)", "pad"),
        (IMAGE, "conv(x, 4, (3, 3, 3))", ""),
        # T3
        (IMAGE, "max_pool(x, 2, pad=2)", ""),
        (IMAGE, "avg_pool(x, 2, pad=3)", ""),
        # T4
        (IMAGE, "x + conv(x, 32, 1)", "32"),
        (IMAGE, "x + conv(x, 16, 3)", "6"),
        (IMAGE, "concat([x, conv(x, 4, 3)], axis=1)", ""),
        (IMAGE, "concat([x, flatten(x)], axis=1)", ""),
        (IMAGE, "stack([x, conv(x, 32, 1)], axis=0)", ""),
        # T6
        (FLAT, "reshape(x, [N, 7, 15])", "105"),
        (FLAT, "reshape(x, [-1, -1, 4])", ""),
        (FLAT, "reshape(x, [N, -1, 7])", "7"),
        (FLAT, "reshape(x, [N, 0, -1])", ""),
        (FLAT, "reshape(x, [N, -2, 50])", ""),
        (FLAT, "reshape(x, [N, 2.5, 40])", ""),
        # T7
        (FLAT, "concat(split(x, [30, 30], axis=1), axis=1)", ""),
        (FLAT, "concat(split(x, 7, axis=1), axis=1)", ""),
        (FLAT, "concat(split(x, 0, axis=1), axis=1)", ""),
        (FLAT, "concat(split(x, -2, axis=1), axis=1)", ""),
        (FLAT, "x[:, 100]", "100"),
        (FLAT, "x[:, 50:200]", ""),
        (FLAT, "x[0, 0, 0]", ""),
        (FLAT, "sum(x, axis=9)", "9"),
        (FLAT, "softmax(x, axis=-3)", "-3"),
        (FLAT, "transpose(x, [0, 0])", ""),
        (FLAT, "transpose(x, [0, 1, 2])", ""),
        (FLAT, "unsqueeze(x, 7)", "7"),
        (FLAT, "squeeze(x, 1)", "100"),
        (FLAT, "concat([x, x], axis=2)", "2"),
        # T8
        (FLAT, "embedding(x, 10, 4)", "i64"),
        (FLAT, "conv(argmax(x, axis=1), 3, 1)", ""),
        (FLAT, "(x > 0.0) + (x > 0.0)", "bool"),
        (FLAT, "x and x", ""),
        (TOKENS, "dense(x, 3)", "i64"),
        (TOKENS, "x + 0.5", "i64"),
        (TOKENS, "relu(x) + softmax(x)", ""),
        (FLAT, "select(x, x, x)", ""),
        # T10
        ("x: f32[0, 3]", "x", "0"),
        ("x: f32[N, -1]", "x", "-1"),
        ("x: f32[N, 2.5]", "x", ""),
        ("x: f32[]", "sum(x, axis=0)", ""),
        ("x: f32[]", "dense(x, 3)", ""),
        # T11
        (IMAGE, "conv_transpose(x, 4, 3, stride=2, output_pad=2)", ""),
        (IMAGE, "conv_transpose(x, 4, 3, stride=2, output_pad=-1)", ""),
        # T14
        ("x: f32[N, 7, 10]", "multi_head_attention(x, 3)", "3"),
        ("x: f32[N, 7, 10]", "multi_head_attention(x, 0)", ""),
        (IMAGE, "group_norm(x, 5)", "5"),
        (IMAGE, "group_norm(x, 0)", ""),
        (IMAGE, "channel_shuffle(x, 3)", ""),
        # T16
        (IMAGE, "depth_to_space(x, 4294967296)", ""),
        (IMAGE, "pixel_shuffle(x, 4294967296)", ""),
        (IMAGE, "space_to_depth(x, 3)", ""),
        (IMAGE, "space_to_depth(x, 0)", ""),
        (IMAGE, "depth_to_space(x, -2)", ""),
        (FLAT, "tile(x, [1])", ""),
        (FLAT, "tile(x, [1, -1])", ""),
        (FLAT, "expand(x, [N, 7])", ""),
        (IMAGE, "upsample(x, 0)", ""),
        (IMAGE, "upsample(x, -2)", ""),
        (IMAGE, "global_avg_pool(x)[:, :, 0, 0, 0]", ""),
        (FLAT, "x @ x", ""),
        (FLAT, 'einsum("ij,jk->ik", x, x)', ""),
        (FLAT, 'einsum("", x)', ""),
        (FLAT, 'einsum("ij->zz", x)', ""),
        (FLAT, "one_hot(x, 10)", ""),
        (FLAT, "dropout(x, 1.5)", ""),
        (FLAT, "dropout(x, -0.1)", ""),
        (FLAT, "clamp(x, 1.0)", ""),
        (FLAT, "batch_norm(x, eps=-1.0)", ""),
        (FLAT, "layer_norm(x, eps=0.0 - 1.0)", ""),
    ],
)
def test_a_shape_or_a_size_that_does_not_fit_is_refused(
    signature: str, body: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "bad.net"
    path.write_text(net(body, signature))
    answer = ask("check", path)
    keeps_the_contract(answer)
    assert answer.code == 1, answer.text
    assert answer.rules[0] not in ("unknown-name", "unexpected-token", "internal"), answer.text
    assert said in answer.text


def test_t1_the_size_is_worked_out(tmp_path: Path) -> None:
    answer = refused(net("conv(x, 4, 7)", SMALL), "window-too-big", folder=tmp_path, line=2)
    assert "(3 - 7)" in answer.text.replace("−", "-") or "-4" in answer.text.replace("−", "-")


def test_t2_the_divisors_are_named(tmp_path: Path) -> None:
    answer = refused(net("conv(x, 32, 3, groups=3)", IMAGE), "groups-mismatch", folder=tmp_path)
    assert "1, 2, 4, 8, 16" in answer.text


def test_t4_both_origins_are_shown(tmp_path: Path) -> None:
    answer = refused(net("x + conv(x, 32, 1)", IMAGE), "shape-mismatch", folder=tmp_path, line=2)
    assert "f32[N, 16, 8, 8]" in answer.text
    assert "f32[N, 32, 8, 8]" in answer.text


def test_t5_a_dense_layer_on_a_map_is_told_of_flatten(tmp_path: Path) -> None:
    text = "net A(x: f32[N, 3, 8, 8]) -> y: f32[N, 10] {\n  y = dense(x, 10)\n}\n"
    answer = refused(text, "shape-mismatch", "rank-mismatch", folder=tmp_path)
    assert "flatten" in answer.text


def test_t12_a_loss_says_what_labels_it_wants(tmp_path: Path) -> None:
    body = "cross_entropy(x, one)"
    answer = refused(
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
