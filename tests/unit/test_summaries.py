"""Summaries of programs: order of rows, units, receptive fields.

Tests ``netlang.analysis``.
"""

from __future__ import annotations

from itertools import pairwise, product
from math import ceil

import numpy as np
import pytest
from numpy.typing import NDArray

import netlang
from netlang.analysis.arena import Arena
from netlang.analysis.counts import scaled, short_bytes
from netlang.analysis.receptive_field import receptive_fields
from netlang.analysis.summary import fold, summarize
from netlang.analysis.table import render_summary
from netlang.ir.dims import substitute

INCEPTION = """\
block inception(x: f32[N, C, H, W], width: int) -> y {
  a = x |> conv(width, 1) |> relu
  b = x |> conv(width, 3, pad=1) |> relu
  y = concat([a, b], axis=1)
}

net Inception(x: f32[N, 3, 64, 64]) -> y: f32[N, 10] {
  y = x
    |> inception(4)
    |> max_pool(2)
    |> inception(8)
    |> max_pool(2)
    |> inception(16)
    |> global_avg_pool
    |> dense(10)
}
"""

TWICE = """\
block unit(x: f32[N, C, H, W]) -> y { y = x |> conv(8, 3, pad=1) |> relu }

net Twice(x: f32[N, 8, 64, 64]) -> y {
  unit = new unit()
  a = unit(x)
  b = max_pool(a, 4)
  c = upsample(b, 2, mode="nearest")
  y = unit(c)
}
"""


def rows(text: str, depth: int) -> list[tuple[str, str, str]]:
    net = next(iter(netlang.loads(text).values()))
    return [(r.path, r.kind, r.output) for r in fold(summarize(net.graph), depth).rows]


def test_a_layer_called_at_two_places_has_a_row_at_each() -> None:
    assert rows(TWICE, 1) == [
        ("unit", "unit", "f32[N, 8, 64, 64]"),
        ("b", "max_pool", "f32[N, 8, 16, 16]"),
        ("c", "upsample", "f32[N, 8, 32, 32]"),
        ("unit", "unit", "f32[N, 8, 32, 32]"),
    ]


def test_layers_of_a_binding_between_which_blocks_run_stay_apart() -> None:
    assert rows(INCEPTION, 2) == [
        ("y.inception", "inception", "f32[N, 8, 64, 64]"),
        ("y", "max_pool", "f32[N, 8, 32, 32]"),
        ("y.inception2", "inception", "f32[N, 16, 32, 32]"),
        ("y", "max_pool", "f32[N, 16, 16, 16]"),
        ("y.inception3", "inception", "f32[N, 32, 16, 16]"),
        ("y", "global_avg_pool", "f32[N, 32]"),
        ("y.dense", "dense", "f32[N, 10]"),
    ]


@pytest.mark.parametrize("text", [INCEPTION, TWICE])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_folding_keeps_the_order_and_the_totals(text: str, depth: int) -> None:
    summary = summarize(next(iter(netlang.loads(text).values())).graph)
    folded = fold(summary, depth).rows
    assert all(one.path != other.path for one, other in pairwise(folded)) or folded == summary.rows
    assert sum(r.macs for r in folded if isinstance(r.macs, int)) == summary.macs
    outputs = iter([r.output for r in summary.rows])
    assert all(row.output in outputs for row in folded)  # in this order


def test_operations_have_the_unit_that_suits_them() -> None:
    big = netlang.loads("net Big(x: f32[N, 1024]) -> y { y = dense(x, 600_000) }")["Big"]
    shown = render_summary(summarize(big.graph), depth=None, color=False, width=100)
    assert "MACs             614,400,000 per example (614 M; 1.23 GFLOPs)\n" in shown


@pytest.mark.parametrize(
    ("size", "shown"),
    [(999, "999 "), (1000, "1 k"), (999_499, "999 k"), (999_500, "1 M"), (1.2345e18, "1234 P")],
)
def test_a_count_has_three_digits_and_no_exponent(size: float, shown: str) -> None:
    assert scaled(size, ("", "k", "M", "G", "T", "P"), 1000) == shown


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 B"), (1010, "1010 B"), (1024, "1 KiB"), (1023 << 10, "1023 KiB"),
     ((1 << 20) - 1, "1 MiB"), (3 << 50, "3072 TiB")],
)  # fmt: skip
def test_bytes_have_three_digits_and_no_exponent(size: int, shown: str) -> None:
    assert short_bytes(size) == shown


def test_an_arena_reuses_blocks_and_splits_those_of_twice_the_size() -> None:
    arena = Arena()
    large, small = arena.take(4096), arena.take(1000)
    assert (large, small, arena.size) == (4096, 1024, 5120)
    arena.give(large)
    assert arena.take(1024) == 1024  # leaves 3072
    assert arena.take(2000) == 3072  # is not half of it: the whole block is in use
    assert arena.take(1) == 256
    assert arena.size == 5120 + 256


@pytest.mark.parametrize(
    ("layer", "stored"),
    [
        ("dense(relu(dense(x, 8) as a), 8)", "96*T"),
        ("dropout(dense(x, 8), 0.5)", "96*T"),
        ("encoder_layer(x, 2, 32, dropout=0.0)", "8*T*T + 640*T"),
    ],
)
def test_memory_of_a_free_length_is_what_the_gradient_reads(layer: str, stored: str) -> None:
    net = netlang.loads(f"net L(x: f32[N, T, 16]) -> y {{ y = {layer} }}")["L"]
    assert str(summarize(net.graph).memory.activations) == stored


def test_what_the_gradient_of_an_encoder_layer_reads_is_what_pytorch_stores() -> None:
    """PyTorch stores 458 KiB for each example of 100 steps."""
    text = """net L(x: f32[N, T, 64]) -> y: f32[N, 3] {
  a = encoder_layer(x, 4, 256, dropout=0.0)
  y = dense(mean(a, axis=1), 3)
}"""
    stored = summarize(netlang.loads(text)["L"].graph).memory.activations
    assert str(stored) == "16*T*T + 3072*T + 256"
    assert substitute(stored, {"T": 100}) == pytest.approx(458 * 1024, rel=0.01)


FIELDS = {
    "pixel_shuffle(2)": (3, 3),
    "pixel_unshuffle(2) |> conv(4, 1) as b": (4, 4),
    "depth_to_space(2)": (3, 3),
    "space_to_depth(2) |> conv(4, 1) as b": (4, 4),
    "channel_shuffle(2)": (3, 3),
    "space_to_depth(2) |> conv(4, 3, pad=1) as b": (8, 8),
    "depth_to_space(2) |> conv(4, 3, pad=1) as b": (4, 4),
    "pixel_shuffle(2) |> conv(4, 3, pad=1) as b": (4, 4),
    "transpose([0, 2, 3, 1]) |> reshape([1, 8, 2, 16, 4]) |> max(axis=2)": (4, 3),
    "transpose([0, 1, 3, 2]) |> reshape([1, 4, 16, 8, 2]) |> mean(axis=4)": (4, 3),
    "flatten |> dense(2) as b": (16, 16),
}
"""What follows a 3×3 convolution of 4 channels on 16×16, and the field of the result."""


@pytest.mark.parametrize("layers", FIELDS)
def test_a_receptive_field_is_what_a_position_depends_on(layers: str) -> None:
    text = f"net F(x: f32[1, 4, 16, 16]) -> y {{ y = x |> conv(4, 3, pad=1) |> {layers} }}"
    net = netlang.loads(text)["F"]
    found = receptive_fields(net.graph).fields[net.graph.outputs["y"]]
    assert tuple(16 if axis.field is None else ceil(axis.field) for axis in found) == FIELDS[layers]
    assert measured(net) == FIELDS[layers]


def measured(net: netlang.Network) -> tuple[int, int]:
    """Return the largest extent of what any element of the result depends on."""
    rng = np.random.default_rng(0)
    for path, array in net.parameters.items():
        net.parameters[path] = rng.uniform(0.5, 1.0, array.shape).astype(np.float32)
    x = rng.uniform(0.5, 1.0, (1, 4, 16, 16)).astype(np.float32)
    before = net.run({"x": x}, backend="numpy")["y"].reshape(-1)
    seen = np.zeros((16, 16, before.size), dtype=bool)
    for row, column in product(range(16), range(16)):
        for sign in (1.0, -1.0):  # a maximum shows a change in one direction
            changed = x.copy()
            changed[0, :, row, column] += 10 * sign
            after = net.run({"x": changed}, backend="numpy")["y"].reshape(-1)
            seen[row, column] |= after != before
    return extent(np.any(seen, axis=1)), extent(np.any(seen, axis=0))


def extent(seen: NDArray[np.bool_]) -> int:
    """Return the longest distance between the first and the last position of a column."""
    first, last = seen.argmax(axis=0), len(seen) - seen[::-1].argmax(axis=0)
    return int((last - first).max())
