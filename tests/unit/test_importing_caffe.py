"""Networks of Caffe become programs that compute the same.

Tests ``netlang.importing.caffe``, ``netlang.importing.caffe.operators.elementwise``,
``netlang.importing.caffe.operators.normalizing``, ``netlang.importing.caffe.operators.shaping``,
``netlang.importing.caffe.operators.windows`` and ``netlang.api.importing``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from commands import said
from updates import schedule

import netlang
from netlang.api.importing import ImportedText
from netlang.cli.main import program
from netlang.diagnostics.render import render
from netlang.plan.schedules import Clock, follow
from netlang.system.numpy import Array

FILES = Path(__file__).parents[1] / "data" / "caffe"
DIGITS = {"data": (1, 28, 28)}


def read(
    name: str, sizes: Mapping[str, Sequence[int]] | None = None, solver: str | None = None
) -> ImportedText:
    """Import a file, and check what holds for all of them."""
    imported = netlang.read_caffe(
        FILES / name, sizes=sizes, solver=None if solver is None else FILES / solver
    )
    assert imported.program.diagnostics == ()
    assert netlang.format(str(imported.text)) == str(imported.text)
    again = netlang.read_caffe(
        FILES / name, sizes=sizes, solver=None if solver is None else FILES / solver
    )
    assert str(again.text) == str(imported.text)
    return imported


def network(imported: ImportedText) -> netlang.Network:
    return imported.program.network()


def layers(*texts: str, shape: str = "dim: 1 dim: 2 dim: 5 dim: 6") -> str:
    """Return a network of some layers after an input."""
    head = f'name: "Net"\ninput: "data"\ninput_shape {{ {shape} }}\n'
    return head + "\n".join(f"layer {{ {text} }}" for text in texts) + "\n"


def imported_text(folder: Path, text: str) -> ImportedText:
    path = folder / "net.prototxt"
    path.write_text(text, "utf-8")
    return netlang.read_caffe(path)


def run(folder: Path, text: str, x: Array, **parameters: Array) -> Array:
    """Run the only output of a network on an input, with some parameters by their paths."""
    made = imported_text(folder, text).program.network(seed=3)
    assert set(parameters) <= set(made.parameters.arrays())
    made.parameters.update(parameters)
    (y,) = made(x).values()
    return np.asarray(y)


# ---- six networks ------------------------------------------------------------------------


def test_lenet_has_its_parameters_and_its_solver() -> None:
    imported = read("lenet_solver.prototxt", DIGITS)
    # 5x5 kernels, and dense layers on 50 maps of 4x4.
    count = (20 * 25 + 20) + (50 * 20 * 25 + 50) + (500 * 800 + 500) + (10 * 500 + 10)
    assert network(imported).trainable_parameters == count == 431_080
    assert str(imported.text) == (
        "net LeNet(data: f32[N, 1, 28, 28]) -> ip2 {\n"
        "  ip2 = data\n"
        "    |> conv(20, 5) as conv1\n"
        "    |> max_pool(2)\n"
        "    |> conv(50, 5) as conv2\n"
        "    |> max_pool(2)\n"
        "    |> flatten\n"
        "    |> dense(500) as ip1\n"
        "    |> relu\n"
        "    |> dense(10) as ip2\n"
        "}\n\n"
        "## The rate of Caffe's policy `inv`.\n"
        "schedule inverse(lr: schedule, gamma: float, power: float) =\n"
        "  lr * (1.0 + gamma * elapsed) ** (-power)\n\n"
        "## The data of the original: digits_train_lmdb, digits_test_lmdb. Write a function "
        "`load` in\n"
        '## lenet_data.py that returns them for a split, "train" or "test".\n'
        "dataset lenet_data(split: str) -> (data: f32[1, 28, 28], label: i64[]) {\n"
        '  python = "lenet_data:load"\n'
        "}\n\n"
        "train lenet {\n"
        '  data = lenet_data("train") |> batches(64, shuffle=true)\n'
        '  valid = lenet_data("test") |> batches(100)\n'
        "  model = new LeNet()\n"
        "  ip2 = model(batch.data)\n"
        "  loss = cross_entropy(ip2, batch.label)\n"
        "  metrics = [accuracy(ip2, batch.label) as accuracy]\n"
        "  init = [fill(weights(model), kaiming_uniform(1.0)), fill(biases(model), 0.0)]\n"
        "  optimizer = sgd(\n"
        "    0.01 |> inverse(0.0001, 0.75),\n"
        "    momentum=0.9,\n"
        "    decay=0.0005,\n"
        "    groups=[group(biases(model), lr_scale=2.0)],\n"
        "  )\n"
        "  run = 12_000 steps\n"
        '  checkpoint = [save_every(model, "lenet-{step}.safetensors", every=4_000 steps)]\n'
        "}\n"
    )
    assert imported.notes == (
        "`data`: its pixels, of 0 to 255, are multiplied by 0.00390625",
        "Caffe multiplies gradients by the learning rate before the momentum, netlang after it: "
        "steps differ for a while after the rate changes",
        "`valid` is evaluated as a whole at the end of each epoch: `test_interval` and `test_iter` "
        "have no counterpart",
        "fill in the function that the dataset reads its examples from",
    )


def test_a_solver_may_be_given_by_itself() -> None:
    whole = read("lenet_solver.prototxt", DIGITS)
    assert str(read("lenet.prototxt", DIGITS, "lenet_solver.prototxt").text) == str(whole.text)
    alone = read("lenet.prototxt", DIGITS)
    assert str(whole.text).startswith(str(alone.text))
    assert alone.notes[-1] == (
        "losses, metrics and fillers belong to a train section: give the solver with `--solver`"
    )


def test_alexnet_has_groups_and_neighbors_across_channels() -> None:
    imported = read("alexnet_solver.prototxt")
    count = (
        (96 * 3 * 121 + 96) + (256 * 48 * 25 + 256) + (384 * 256 * 9 + 384)
        + (384 * 192 * 9 + 384) + (256 * 192 * 9 + 256)
        + (4096 * 256 * 36 + 4096) + (4096 * 4096 + 4096) + (1000 * 4096 + 1000)
    )  # fmt: skip
    assert network(imported).trainable_parameters == count == 60_965_224
    text = str(imported.text)
    assert "local_response_norm(size=5)" in text and "groups=2" in text
    assert "0.01 |> step_decay(0.1, every=100_000 steps)" in text
    assert "groups=[group(biases(model), lr_scale=2.0, decay=0.0)]" in text
    assert "map(data=[flip()]) |> batches(128, shuffle=true)" in text
    assert "top_k(fc8, batch.label, 5) as top5" in text


def test_vgg_in_the_format_of_the_first_versions() -> None:
    imported = read("vgg.prototxt")
    widths = [3, 64, 64, 128, 128, 256, 256, 256, *[512] * 6]
    convolutions = sum(9 * a * b + b for a, b in pairwise(widths))
    dense = (4096 * 512 * 49 + 4096) + (4096 * 4096 + 4096) + (1000 * 4096 + 1000)
    assert network(imported).trainable_parameters == convolutions + dense == 138_357_544
    assert "softmax" in str(imported.text) and "pad=0" not in str(imported.text)
    assert len(str(imported.text).splitlines()) <= 32


def test_googlenet_has_three_losses() -> None:
    imported = read("googlenet_solver.prototxt")

    def module(
        width: int, one: int, reduced: int, three: int, small: int, five: int, pool: int
    ) -> int:
        sizes = [
            (one, width), (reduced, width), (three, reduced * 9), (small, width),
            (five, small * 25), (pool, width),
        ]  # fmt: skip
        return sum(out * fan_in + out for out, fan_in in sizes)

    def head(width: int, side: int) -> int:
        return (32 * width + 32) + (64 * 32 * side * side + 64) + (10 * 64 + 10)

    # Sides: 64, 32 after the first layer, 16, and 8 after two pools; heads see 8 and 4 of these.
    count = 16 * 3 * 49 + 16
    count += module(16, 16, 16, 24, 4, 8, 8) + module(56, 16, 16, 24, 4, 8, 8) + head(56, 8)
    count += module(56, 24, 16, 32, 4, 8, 8) + head(72, 4) + module(72, 24, 16, 32, 4, 8, 8)
    count += 10 * 72 + 10
    assert network(imported).trainable_parameters == count
    text = str(imported.text)
    assert (
        "  loss = 0.3 * cross_entropy(classifier, batch.label)\n"
        "    + 0.3 * cross_entropy(classifier2, batch.label)\n"
        "    + cross_entropy(classifier3, batch.label)\n"
    ) in text
    assert "block concat_unit(x, out: int, out2: int)" in text
    for setting in ("clip = clip_norm(5.0)", "accumulate = 2", "seed = 7", "nesterov=true"):
        assert setting in text


def test_resnet_merges_batch_norm_and_scale() -> None:
    imported = read("resnet.prototxt")

    def conv(fan_in: int, out: int) -> int:
        return fan_in * out + 2 * out  # a scale and a shift in place of a bias

    def unit(width: int, inner: int, *, first: bool) -> int:
        outer = 4 * inner
        branch = conv(width, inner) + conv(9 * inner, inner) + conv(inner, outer)
        return branch + (conv(width, outer) if first else 0)

    count = conv(27, 16) + unit(16, 16, first=True) + unit(64, 16, first=False)
    count += unit(64, 32, first=True) + unit(128, 32, first=False) + 10 * 128 + 10
    net = network(imported)
    assert net.trainable_parameters == count
    normalized = [16] + [16, 16, 64] * 2 + [64] + [32, 32, 128] * 2 + [128]
    assert net.non_trainable_parameters == 2 * sum(normalized)
    assert "mul_channel" not in str(imported.text)


def test_fcn_upsamples_and_crops() -> None:
    imported = read("fcn_solver.prototxt")
    count = (16 * 27 + 16) + (32 * 144 + 32) + (64 * 288 + 64) + (128 * 64 * 25 + 128)
    count += (21 * 128 + 21) + (21 * 32 + 21) + 21 * 16 + 21 * 64
    net = network(imported)
    assert net.trainable_parameters == count
    assert net(np.zeros((2, 3, 50, 62), np.float32))["score"].shape == (2, 21, 50, 62)
    text = str(imported.text)
    assert (
        "  loss = mean(\n"
        '    sum(cross_entropy(score, batch.label, axis=1, ignore=255, reduction="none"), '
        "axis=[1, 2]),\n"
        "  )\n"
    ) in text
    both = 'pick(model, "upscore2.weight") + pick(model, "upscore8.weight")'
    assert f"fill({both}, bilinear_kernel())" in text and f"freeze = [{both}]" in text
    assert (
        "layers without a filler begin at 0, as in Caffe: `conv1`, `conv2`, `conv3`, `fc4` and 2 "
        "more"
    ) in imported.notes


# ---- what layers compute -----------------------------------------------------------------


def data(*shape: int) -> Array:
    return np.random.default_rng(5).normal(size=shape or (1, 2, 5, 6)).astype(np.float32)


def pooled(x: Array, kernel: int, stride: int, pad: int, *, average: bool) -> Array:
    """Pool as Caffe does, window by window."""
    n, c, height, width = x.shape
    counts: list[int] = []
    for size in (height, width):
        count = -(-(size + 2 * pad - kernel) // stride) + 1
        if pad and (count - 1) * stride >= size + pad:
            count -= 1
        counts.append(count)
    y = np.zeros((n, c, *counts), np.float32)
    for i, j in np.ndindex(*counts):
        top, left = i * stride - pad, j * stride - pad
        bottom, right = min(top + kernel, height + pad), min(left + kernel, width + pad)
        area = (bottom - top) * (right - left)
        part = x[:, :, max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
        y[:, :, i, j] = part.sum((2, 3)) / area if average else part.max((2, 3))
    return y


@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize(
    ("kernel", "stride", "pad"), [(2, 2, 0), (3, 2, 0), (3, 2, 1), (2, 2, 1), (4, 3, 2), (3, 1, 1)]
)
def test_pools_round_up_and_clip(
    tmp_path: Path, kernel: int, stride: int, pad: int, average: bool
) -> None:
    kind = "AVE" if average else "MAX"
    text = layers(
        f'name: "p" type: "Pooling" bottom: "data" top: "p" pooling_param {{ pool: {kind} '
        f"kernel_size: {kernel} stride: {stride} pad: {pad} }}"
    )
    x = data()
    expected = pooled(x, kernel, stride, pad, average=average)
    np.testing.assert_allclose(run(tmp_path, text, x), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("within", [False, True])
def test_neighbors_across_and_within_channels(tmp_path: Path, within: bool) -> None:
    region = "WITHIN_CHANNEL" if within else "ACROSS_CHANNELS"
    text = layers(
        'name: "n" type: "LRN" bottom: "data" top: "n" lrn_param { local_size: 3 alpha: 2 '
        f"beta: 0.6 norm_region: {region} }}",
        shape="dim: 1 dim: 4 dim: 5 dim: 6",
    )
    x = data(1, 4, 5, 6)
    axes = (2, 3) if within else (1,)
    padded = np.pad(x**2, [(1, 1) if axis in axes else (0, 0) for axis in range(4)])
    for axis in axes:
        windows = np.lib.stride_tricks.sliding_window_view(padded, 3, axis=axis)
        padded = windows.sum(-1)
    expected = x / (1 + 2 / 3 ** len(axes) * padded) ** 0.6
    np.testing.assert_allclose(run(tmp_path, text, x), expected, rtol=1e-5)


def test_deconvolutions_add_kernels_at_their_stride(tmp_path: Path) -> None:
    text = layers(
        'name: "d" type: "Deconvolution" bottom: "data" top: "d" convolution_param { num_output: 4 '
        "group: 2 kernel_size: 3 stride: 2 pad: 1 }"
    )
    x, weight, bias = data(), data(2, 2, 3, 3), data(4)
    expected = np.zeros((1, 4, 2 * 4 + 3, 2 * 5 + 3), np.float32)
    for c, o, i, j in np.ndindex(2, 2, 5, 6):
        part = x[0, c, i, j] * weight[c, o]
        expected[0, 2 * c + o, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += part
    expected = expected[:, :, 1:-1, 1:-1] + bias[:, None, None]
    y = run(tmp_path, text, x, **{"d.weight": weight, "d.bias": bias})
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ('type: "ReLU" relu_param { negative_slope: 0.1 }', lambda x: np.where(x > 0, x, 0.1 * x)),
        ('type: "ELU" elu_param { alpha: 2 }', lambda x: np.where(x > 0, x, 2 * np.expm1(x))),
        ('type: "Sigmoid"', lambda x: 1 / (1 + np.exp(-x))),
        ('type: "TanH"', np.tanh),
        ('type: "AbsVal"', np.abs),
        ('type: "BNLL"', lambda x: np.log1p(np.exp(x))),
        ('type: "Power" power_param { power: 2 scale: 3 shift: 1 }', lambda x: (1 + 3 * x) ** 2),
        ('type: "Exp" exp_param { base: 2 scale: 0.5 shift: 1 }', lambda x: 2 ** (1 + x / 2)),
        ('type: "Threshold" threshold_param { threshold: 0.3 }', lambda x: x > 0.3),
        ('type: "Softmax"', lambda x: np.exp(x) / np.exp(x).sum(1, keepdims=True)),
        ('type: "Flatten"', lambda x: x.reshape(1, 60)),
        ('type: "Reshape" reshape_param { shape { dim: 0 dim: -1 dim: 3 } }',
         lambda x: x.reshape(1, 20, 3)),
        ('type: "Reshape" reshape_param { axis: 2 shape { dim: 3 dim: 10 } }',
         lambda x: x.reshape(1, 2, 3, 10)),
        ('type: "ArgMax" argmax_param { axis: 1 }', lambda x: x.argmax(1)[:, None]),
        ('type: "ArgMax"', lambda x: x.reshape(1, -1).argmax(1)[:, None, None]),
        ('type: "Reduction" reduction_param { operation: SUMSQ axis: 1 coeff: 2 }',
         lambda x: 2 * (x**2).sum((1, 2, 3))),
        ('type: "Tile" tile_param { tiles: 2 }', lambda x: np.tile(x, (1, 2, 1, 1))),
        ('type: "MVN"', lambda x: (x - x.mean((2, 3), keepdims=True))
         / x.std((2, 3), keepdims=True)),
        ('type: "Dropout" dropout_param { dropout_ratio: 0.3 }', lambda x: x),
        ('type: "PReLU"', lambda x: np.where(x > 0, x, 0.25 * x)),
        ('type: "Pooling" pooling_param { pool: AVE global_pooling: true }',
         lambda x: x.mean((2, 3), keepdims=True)),
        ('type: "LRN" lrn_param { local_size: 1 alpha: 3 beta: 1 }', lambda x: x / (1 + 3 * x * x)),
    ],
)  # fmt: skip
def test_layers_of_one_input(tmp_path: Path, layer: str, expected: Callable[..., Array]) -> None:
    x = data()
    y = run(tmp_path, layers(f'name: "l" bottom: "data" top: "l" {layer}'), x)
    np.testing.assert_allclose(y, expected(x), rtol=1e-4, atol=1e-5)


def test_logarithms_have_a_base(tmp_path: Path) -> None:
    text = layers(
        'name: "a" type: "AbsVal" bottom: "data" top: "data"',
        'name: "l" type: "Log" bottom: "data" top: "l" log_param { base: 10 scale: 2 shift: 1 }',
    )
    x = data()
    np.testing.assert_allclose(run(tmp_path, text, x), np.log10(1 + 2 * np.abs(x)), rtol=1e-4)


@pytest.mark.parametrize(
    ("param", "expected"),
    [
        ("", lambda a, b: a + b),
        ("eltwise_param { operation: PROD }", lambda a, b: a * b),
        ("eltwise_param { operation: MAX }", np.maximum),
        ("eltwise_param { operation: SUM coeff: 1 coeff: -0.5 }", lambda a, b: a - 0.5 * b),
        ("eltwise_param { operation: SUM coeff: 2 coeff: -1 }", lambda a, b: 2 * a - b),
    ],
)
def test_slices_meet_again(tmp_path: Path, param: str, expected: Callable[..., Array]) -> None:
    text = layers(
        'name: "s" type: "Slice" bottom: "data" top: "a" top: "b"',
        f'name: "e" type: "Eltwise" bottom: "a" bottom: "b" top: "e" {param}',
        'name: "c" type: "Concat" bottom: "e" bottom: "a" top: "c"',
    )
    x = data()
    a, b = x[:, :1], x[:, 1:]
    joined = np.concatenate([expected(a, b), a], axis=1)
    np.testing.assert_allclose(run(tmp_path, text, x), joined, rtol=1e-5, atol=1e-6)


def test_layers_in_place_change_what_follows_and_not_what_came_before(tmp_path: Path) -> None:
    text = layers(
        'name: "p" type: "Power" bottom: "data" top: "p" power_param { scale: 2 }',
        'name: "q" type: "Power" bottom: "p" top: "q" power_param { shift: 1 }',
        'name: "r" type: "ReLU" bottom: "p" top: "p"',
        'name: "s" type: "Eltwise" bottom: "p" bottom: "q" top: "s"',
    )
    x = data()
    expected = np.maximum(2 * x, 0) + 2 * x + 1
    np.testing.assert_allclose(run(tmp_path, text, x), expected, rtol=1e-5)


def test_batch_norm_and_scale_are_one_layer_only_where_nothing_else_reads_it(
    tmp_path: Path,
) -> None:
    norm = 'name: "n" type: "BatchNorm" bottom: "data" top: "n" batch_norm_param { eps: 0.1 }'
    scale = 'name: "s" type: "Scale" bottom: "n" top: "s" scale_param { bias_term: true }'
    merged = imported_text(tmp_path, layers(norm, scale))
    assert "batch_norm(eps=0.1, momentum=0.001)" in str(merged.text)
    other = 'name: "r" type: "ReLU" bottom: "n" top: "r"'
    apart = layers(norm, scale, other, 'name: "t" type: "Silence" bottom: "r"')
    assert "scale=false, shift=false" in str(imported_text(tmp_path, apart).text)
    x, mean, var, gain, shift = data(), data(2), np.abs(data(2)), data(2) + 2, data(2) - 1
    y = run(
        tmp_path, layers(norm, scale), x,
        **{"s.mean": mean, "s.var": var, "s.scale": gain, "s.shift": shift},
    )  # fmt: skip
    column = (slice(None), None, None)
    expected = (x - mean[column]) / np.sqrt(var + 0.1)[column] * gain[column] + shift[column]
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


def test_kernels_that_caffe_puts_off_center_are_noted(tmp_path: Path) -> None:
    text = layers(
        *[
            f'name: "d{k}" type: "Deconvolution" bottom: "data" top: "d{k}" convolution_param {{ '
            f'num_output: 2 group: 2 kernel_size: {k} weight_filler {{ type: "bilinear" }} }}'
            for k in (3, 4, 5)
        ]
    )
    assert imported_text(tmp_path, text).notes == (
        "a bilinear kernel of 3x3 is off its center in Caffe, and centered here",
        "fillers belong to a train section, and there is no solver",
    )


def test_scales_and_biases_by_themselves(tmp_path: Path) -> None:
    text = layers(
        'name: "s" type: "Scale" bottom: "data" top: "s" scale_param { axis: 2 num_axes: 2 }',
        'name: "b" type: "Bias" bottom: "s" top: "b"',
        'name: "m" type: "Pooling" bottom: "data" top: "m" '
        "pooling_param { pool: AVE global_pooling: true }",
        'name: "f" type: "Flatten" bottom: "m" top: "f"',
        'name: "t" type: "Scale" bottom: "b" bottom: "f" top: "t" scale_param { axis: 0 }',
    )
    imported = imported_text(tmp_path, text)
    assert "param([5, 6], 1.0)" in str(imported.text)
    x = data()
    expected = x * x.mean((2, 3), keepdims=True)
    np.testing.assert_allclose(run(tmp_path, text, x), expected, rtol=1e-4, atol=1e-5)


def test_dense_layers_begin_at_an_axis(tmp_path: Path) -> None:
    text = layers(
        'name: "d" type: "InnerProduct" bottom: "data" top: "d" '
        "inner_product_param { num_output: 3 axis: 2 bias_term: false }"
    )
    x, weight = data(), data(3, 30)
    y = run(tmp_path, text, x, **{"d.weight": weight})
    np.testing.assert_allclose(y, x.reshape(1, 2, 30) @ weight.T, rtol=1e-4, atol=1e-5)


def test_embeddings_take_integers(tmp_path: Path) -> None:
    text = layers(
        'name: "e" type: "Embed" bottom: "data" top: "e" '
        "embed_param { input_dim: 7 num_output: 3 }",
        shape="dim: 1 dim: 4",
    )
    imported = imported_text(tmp_path, text)
    assert "(data: i64[N, 4])" in str(imported.text)
    assert network(imported).trainable_parameters == 7 * 3 + 3


def test_parameters_with_a_name_are_shared(tmp_path: Path) -> None:
    shared = 'param { name: "w" } inner_product_param { num_output: 5 bias_term: false }'
    text = layers(
        'name: "s" type: "Slice" bottom: "data" top: "a" top: "b"',
        f'name: "x" type: "InnerProduct" bottom: "a" top: "x" {shared}',
        f'name: "y" type: "InnerProduct" bottom: "b" top: "y" {shared}',
        'name: "z" type: "Eltwise" bottom: "x" bottom: "y" top: "z"',
        shape="dim: 1 dim: 8",
    )
    assert network(imported_text(tmp_path, text)).trainable_parameters == 4 * 5


def test_phases_rules_and_the_oldest_format(tmp_path: Path) -> None:
    text = layers(
        'name: "t" type: "TanH" bottom: "data" top: "t" include { stage: "other" }',
        'name: "u" type: "TanH" bottom: "data" top: "u" exclude { phase: TEST }',
        'name: "v" type: "Sigmoid" bottom: "data" top: "u" include { phase: TEST }',
    )
    imported = imported_text(tmp_path, text)
    assert "u = tanh(data)" in str(imported.text)
    assert imported.notes == ("`v` is left out: another layer makes `u` in the other phase",)
    old = (
        'input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8\n'
        'layers { layer { name: "c" type: "conv" num_output: 4 kernelsize: 3 pad: 1 } '
        'bottom: "data" top: "c" }\n'
        'layers { layer { name: "p" type: "pool" pool: MAX kernelsize: 2 stride: 2 } '
        'bottom: "c" top: "p" }\n'
    )
    assert "conv(data, 4, 3, pad=1)" in str(imported_text(tmp_path, old).text) or (
        "conv(4, 3, pad=1)" in str(imported_text(tmp_path, old).text)
    )


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("Data", "data_param { batch_size: 4 } transform_param { crop_size: 24 mean_value: 9 }"),
        ("ImageData", "image_data_param { batch_size: 4 crop_size: 24 } "
         "transform_param { mean_value: 9 }"),
        ("MemoryData", "memory_data_param { batch_size: 4 channels: 3 height: 32 width: 32 } "
         "transform_param { crop_size: 24 mean_value: 9 }"),
    ],
)  # fmt: skip
def test_what_is_left_to_the_data_is_noted(tmp_path: Path, kind: str, settings: str) -> None:
    text = (
        f'layer {{ name: "d" type: "{kind}" top: "data" top: "label" {settings} }}\n'
        'layer { name: "r" type: "ReLU" bottom: "data" top: "r" }\n'
    )
    notes = imported_text(tmp_path, text).notes
    assert "`data`: 9 is subtracted from its pixels, of 0 to 255" in notes
    assert (
        "`data`: its images are cropped to 24x24, where they are larger: at a random place while "
        "training, else in the middle"
    ) in notes


# ---- losses ------------------------------------------------------------------------------

SOLVER = "base_lr: 0.1\nmax_iter: 10\n"


def section(folder: Path, *texts: str, solver: str = SOLVER, shape: str = "") -> str:
    """Return the train section of a network of two inputs, data and label."""
    (folder / "solver.prototxt").write_text(f'net: "net.prototxt"\n{solver}', "utf-8")
    sizes = shape or "shape { dim: 4 dim: 3 } shape { dim: 4 }"
    (folder / "net.prototxt").write_text(
        'layer { name: "d" type: "Input" top: "data" top: "label" input_param { '
        f"{sizes} }} }}\n" + "\n".join(f"layer {{ {text} }}" for text in texts),
        "utf-8",
    )
    imported = netlang.read_caffe(folder / "solver.prototxt")
    assert imported.program.diagnostics == ()
    return str(imported.text)


def score(out: int = 3) -> str:
    return (
        'name: "s" type: "InnerProduct" bottom: "data" top: "s" '
        f"inner_product_param {{ num_output: {out} }}"
    )


@pytest.mark.parametrize(
    ("loss", "text"),
    [
        ('type: "SoftmaxWithLoss"', "cross_entropy(s, batch.label)"),
        ('type: "SoftmaxWithLoss" loss_weight: 0.5', "0.5 * cross_entropy(s, batch.label)"),
        ('type: "SoftmaxWithLoss" loss_param { ignore_label: 2 }',
         "cross_entropy(s, batch.label, ignore=2)"),
        ('type: "SoftmaxWithLoss" loss_param { normalization: NONE }',
         'cross_entropy(s, batch.label, reduction="sum")'),
        ('type: "SoftmaxWithLoss" loss_param { normalization: FULL ignore_label: -1 }',
         'mean(cross_entropy(s, batch.label, ignore=-1, reduction="none"))'),
        ('type: "EuclideanLoss"', "1.5 * mse(s, batch.label)"),
        ('type: "EuclideanLoss" loss_weight: 2', "3.0 * mse(s, batch.label)"),
        ('type: "SigmoidCrossEntropyLoss"',
         'mean(sum(bce_with_logits(s, batch.label, reduction="none"), axis=1))'),
        ('type: "HingeLoss"',
         "mean(sum(relu(1.0 - s * (2.0 * one_hot(batch.label, 3) - 1.0)), axis=1))"),
    ],
)  # fmt: skip
def test_losses_are_reduced_as_in_caffe(tmp_path: Path, loss: str, text: str) -> None:
    written = section(tmp_path, score(), f'name: "l" bottom: "s" bottom: "label" top: "l" {loss}')
    assert f"  loss = {text}\n" in written


def test_metrics_and_losses_of_probabilities(tmp_path: Path) -> None:
    written = section(
        tmp_path, score(),
        'name: "p" type: "Softmax" bottom: "s" top: "p"',
        'name: "l" type: "MultinomialLogisticLoss" bottom: "p" bottom: "label" top: "l"',
        'name: "a/top-1" type: "Accuracy" bottom: "p" bottom: "label" top: "a" '
        "accuracy_param { ignore_label: 2 }",
        'name: "m" type: "EuclideanLoss" bottom: "s" bottom: "data" top: "m" loss_weight: 0',
    )  # fmt: skip
    assert "  loss = nll(log(clamp(p, 1e-20, 1.0)), batch.label)\n" in written
    assert (
        "  metrics = [\n"
        "    accuracy(p, batch.label, mask=batch.label != 2) as a_top_1,\n"
        "    (1.5 * mse(s, batch.data)) as m,\n"
        "  ]\n"
    ) in written


def test_rates_of_the_first_versions_and_parameters_that_stay(tmp_path: Path) -> None:
    (tmp_path / "solver.prototxt").write_text(
        f'net: "net.prototxt" weight_decay: 0.5 {SOLVER}', "utf-8"
    )
    dense = "inner_product_param { num_output: 3 }"
    (tmp_path / "net.prototxt").write_text(
        "layers { name: 'd' type: MEMORY_DATA top: 'data' top: 'label' memory_data_param { "
        "batch_size: 4 channels: 1 height: 2 width: 2 } }\n"
        "layers { name: 'a' type: INNER_PRODUCT bottom: 'data' top: 'a' blobs_lr: 0 blobs_lr: 0 "
        f"{dense} }}\n"
        "layers { name: 'b' type: INNER_PRODUCT bottom: 'a' top: 'b' blobs_lr: 10 blobs_lr: 20 "
        f"weight_decay: 1 weight_decay: 0 {dense} }}\n"
        "layers { name: 'l' type: SOFTMAX_LOSS bottom: 'b' bottom: 'label' top: 'l' }\n",
        "utf-8",
    )
    written = str(netlang.read_caffe(tmp_path / "solver.prototxt").text)
    assert '  freeze = [pick(model, "a.weight") + pick(model, "a.bias")]\n' in written
    assert 'group(pick(model, "b.weight"), lr_scale=10.0)' in written
    assert 'group(pick(model, "b.bias"), lr_scale=20.0, decay=0.0)' in written


def test_a_prototxt_that_is_taken_for_a_program_can_be_imported() -> None:
    path = FILES / "lenet.prototxt"
    (found,) = netlang.loads(path.read_text("utf-8")).diagnostics
    assert found.message == "this is a prototxt file of Caffe, not a program"
    assert found.helps == ("make a program of it: `netlang import FILE.prototxt -o FILE.net`",)


def test_losses_of_networks_without_labels(tmp_path: Path) -> None:
    written = section(
        tmp_path, score(),
        'name: "l" type: "EuclideanLoss" bottom: "s" bottom: "data" top: "l"',
        'name: "r" type: "Reduction" bottom: "s" top: "r" loss_weight: 0.1 '
        "reduction_param { operation: ASUM }",
    )  # fmt: skip
    assert "  loss = 1.5 * mse(s, batch.data) + 0.1 * r\n" in written


# ---- solvers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("solver", "text"),
    [
        ("", "sgd(0.1)"),
        ('lr_policy: "step" gamma: 0.5 stepsize: 3', "sgd(0.1 |> step_decay(0.5, every=3 steps))"),
        ('lr_policy: "multistep" gamma: 0.5 stepvalue: 3 stepvalue: 6',
         "sgd(0.1 |> multi_step(0.5, at=[3 steps, 6 steps]))"),
        ('lr_policy: "exp" gamma: 0.9', "sgd(0.1 |> exponential(0.9, every=1 step))"),
        ('lr_policy: "poly" power: 2', "sgd(0.1 |> polynomial(10 steps, power=2.0))"),
        ('lr_policy: "sigmoid" gamma: 0.2 stepsize: 4', "sgd(0.1 |> sigmoid_rate(0.2, 4 steps))"),
        ('lr_policy: "inv" gamma: 0.2 power: 0.75', "sgd(0.1 |> inverse(0.2, 0.75))"),
        ('type: "Adam" momentum: 0.9 momentum2: 0.99 delta: 1e-6',
         "adam(0.1, beta1=0.9, beta2=0.99, eps=1.0e-6)"),
        ("solver_type: ADAGRAD delta: 1e-7", "adagrad(0.1, eps=1.0e-7)"),
        ('type: "RMSProp" rms_decay: 0.98', "rmsprop(0.1, rho=0.98, eps=1.0e-8)"),
        ('type: "AdaDelta" momentum: 0.95', "adadelta(0.1, rho=0.95, eps=1.0e-8)"),
        ('type: "Nesterov" momentum: 0.9 weight_decay: 0.01',
         "sgd(0.1, momentum=0.9, nesterov=true, decay=0.01)"),
    ],
)  # fmt: skip
def test_solvers_become_optimizers(tmp_path: Path, solver: str, text: str) -> None:
    loss = 'name: "l" type: "SoftmaxWithLoss" bottom: "s" bottom: "label" top: "l"'
    written = section(tmp_path, score(), loss, solver=f"{SOLVER}{solver}\n")
    assert f"  optimizer = {text}\n" in written


def test_the_schedules_of_caffe_are_its_formulas(tmp_path: Path) -> None:
    loss = 'name: "l" type: "EuclideanLoss" bottom: "s" bottom: "data" top: "l"'
    policies = {
        'lr_policy: "inv" gamma: 0.2 power: 0.75': lambda t: 0.1 * (1 + 0.2 * t) ** -0.75,
        'lr_policy: "sigmoid" gamma: -0.5 stepsize: 4': lambda t: 0.1 / (1 + np.exp(0.5 * (t - 4))),
        'lr_policy: "exp" gamma: 0.9': lambda t: 0.1 * 0.9**t,
        'lr_policy: "poly" power: 2': lambda t: 0.1 * (1 - t / 10) ** 2,
        'lr_policy: "step" gamma: 0.5 stepsize: 3': lambda t: 0.1 * 0.5 ** (t // 3),
    }
    for policy, formula in policies.items():
        text = section(tmp_path, score(), loss, solver=f"{SOLVER}{policy}\n")
        definitions = text.partition("schedule ")[1:]
        definition = "".join(definitions).partition("\n## ")[0] if definitions[0] else ""
        call = text.partition("optimizer = sgd(")[2].partition("\n")[0].removesuffix(")")
        rate = follow(schedule(call, definition), Clock(steps_per_epoch=5, total=10))
        found = [rate(step) for step in range(10)]
        np.testing.assert_allclose(found, [formula(t) for t in range(10)], rtol=1e-6)


# ---- what is wrong -----------------------------------------------------------------------


def rejected(folder: Path, text: str) -> str:
    """Return the error of a file as it is shown, without the line of the file."""
    (folder / "net.prototxt").write_text(text, "utf-8")
    with pytest.raises(netlang.FileError) as error:
        netlang.read_caffe(folder / "net.prototxt")
    shown = render(error.value.diagnostic).replace(f"{folder}/", "")
    lines = [line for line in shown.splitlines() if line.strip() != "|"]
    return "\n".join(line for line in lines if not line.lstrip()[:1].isdigit())


def test_an_unknown_layer_is_named_with_its_location(tmp_path: Path) -> None:
    text = layers('name: "roi" type: "ROIPooling" bottom: "data" top: "y"')
    assert rejected(tmp_path, text) == (
        "error[bad-file]: the layer type `ROIPooling` has no counterpart\n"
        "  --> net.prototxt:4:27\n"
        "   |                           ^^^^^^^^^^^^ of the layer `roi`\n"
        "   = note: nothing was written: a network without the layer would compute otherwise"
    )


@pytest.mark.parametrize(
    ("layer", "message", "place"),
    [
        ('type: "Convolution" bottom: "data" top: "y" convolution_param { num_output: 4 }',
         "`convolution_param` lacks `kernel_size`", "4:63"),
        ('type: "Convolution" bottom: "data" top: "y" convolution_param { num_output: 4 '
         "kernal_size: 3 }", "`convolution_param` lacks `kernel_size`", "4:63"),
        ('type: "ReLU" bottom: "data" top: "y" relu_param { slope: 3 }',
         "`slope` of `relu_param` is unknown", "4:69"),
        ('type: "ReLU" bottom: "dats" top: "y"',
         "the layer `l` reads `dats`, which no layer before it makes", "4:25"),
        ('type: "ReLU" bottom: "data" top: "y" ralu_param { negative_slope: 3 }',
         "`ralu_param` of the layer is unknown", "4:56"),
        ('type: "Pooling" bottom: "data" top: "y" pooling_param { pool: MIX kernel_size: 2 }',
         "`pool` must be `MAX` or `AVE` or `STOCHASTIC`", "4:81"),
        ('type: "Pooling" bottom: "data" top: "y" pooling_param { pool: STOCHASTIC }',
         "the layer `l` samples from its windows, which has no counterpart", "4:75"),
        ('type: "Pooling" bottom: "data" top: "y" pooling_param { kernel_size: 9 }',
         "the layer `l` has windows of 9 on a side of 5", "4:75"),
        ('type: "Softmax" bottom: "data" top: "y" softmax_param { axis: 7 }',
         "the layer `l` works on axis 7 of f32[N, 2, 5, 6], which it does not have", "4:75"),
        ('type: "InnerProduct" bottom: "data" top: "y" inner_product_param { num_output: 0 }',
         "`num_output` must be at least 1", "4:98"),
        ('type: "InnerProduct" bottom: "data" top: "y" inner_product_param { num_output: 1e12 }',
         "`num_output` must be an integer of 32 bits", "4:98"),
        ('type: "InnerProduct" bottom: "data" top: "y" inner_product_param { '
         "num_output: 2000000000 }",
         "the layer `l` makes 120,000,000,000 elements; 2,147,483,647 is the most of Caffe",
         "4:25"),
        ('type: "InnerProduct" bottom: "data" top: "y" inner_product_param { num_output: 3 '
         'weight_filler { type: "positive_unitball" } }',
         "the filler `positive_unitball` has no counterpart", "4:116"),
        ('type: "Reshape" bottom: "data" top: "y" reshape_param { shape { dim: 1 dim: 60 } }',
         "the layer `l` makes [1, 60] of f32[N, 2, 5, 6]", "4:75"),
        ('type: "Eltwise" bottom: "data" top: "y"', "the layer `l` needs two inputs", "4:25"),
        ('type: "Slice" bottom: "data" top: "a" top: "b" top: "c"',
         "the layer `l` splits 2 elements into 3 parts", "4:25"),
        ('bottom: "data" top: "y"', "this layer lacks a `type`", "4:1"),
        ('type: "ReLU" bottom: "data" top: "data2" top: "z"',
         "the layer `l` has 2 results instead of 1", "4:25"),
    ],
)  # fmt: skip
def test_errors_have_a_location(tmp_path: Path, layer: str, message: str, place: str) -> None:
    shown = rejected(tmp_path, layers(f'name: "l" {layer}'))
    assert shown.startswith(f"error[bad-file]: {message}\n")
    assert f"--> net.prototxt:{place}\n" in shown


def test_a_blob_is_made_once(tmp_path: Path) -> None:
    twice = layers(*['name: "r" type: "ReLU" bottom: "data" top: "y"'] * 2)
    assert "a layer before this one makes `y`, too" in rejected(tmp_path, twice)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no layer in this file"),
        ("name: 3 x", "the file ends early"),
        ("layer {", "the file ends early"),
        ("layer }", "`}` does not belong here"),
        ('name: "a\n', "this does not belong to a prototxt"),
        ("layer: 3", "`layer` must be a message"),
        ("a {" * 200 + "}" * 200, "messages are nested too deeply"),
        ("a {" * 100_000, "the file ends early"),
        ("layer { type: { } }", "this layer lacks a `type`"),
        ("\x00\x01", "`net.prototxt` is not text"),
        (
            'layer { name: "\\377\\n" type: "\\x1b[31m" }',
            "the layer type `?[31m` has no counterpart",
        ),
        ("layer { }\n" * 10_001, "the network has 10,001 layers"),
    ],
)
def test_hostile_files_are_errors(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "net.prototxt").write_text(text, "utf-8")
    with pytest.raises(netlang.Error) as error:
        netlang.read_caffe(tmp_path / "net.prototxt")
    assert error.value.message.replace(f"{tmp_path}/", "") == message


def test_large_files_are_rejected_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text("# " + "x" * (5 << 20), "utf-8")
    with pytest.raises(netlang.Error, match="MiB"):
        netlang.read_caffe(path)


def test_huge_parameters_take_no_memory(tmp_path: Path) -> None:
    text = layers(
        *[
            f'name: "l{n}" type: "InnerProduct" bottom: "{"data" if n == 0 else f"l{n - 1}"}" '
            f'top: "l{n}" inner_product_param {{ num_output: 40000 }}'
            for n in range(9)
        ],
        shape="dim: 1 dim: 40000",
    )
    imported = imported_text(tmp_path, text)
    assert network(imported).trainable_parameters == 9 * (40_000 * 40_000 + 40_000)


def test_a_solver_reads_nothing_outside_of_its_folder(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "net.prototxt").write_text(layers(), "utf-8")
    for text in ("../net.prototxt", str(tmp_path / "net.prototxt"), "missing.prototxt", ""):
        (inside / "solver.prototxt").write_text(f'net: "{text}"\n{SOLVER}', "utf-8")
        with pytest.raises(netlang.FileError) as error:
            netlang.read_caffe(inside / "solver.prototxt")
        assert error.value.helps == ("netlang import NET.prototxt --solver solver.prototxt",)


@pytest.mark.parametrize(
    ("solver", "message"),
    [
        ("max_iter: 5", "the solver lacks a `base_lr` above 0"),
        ("base_lr: 0.1", "`solver` lacks `max_iter`"),
        ('base_lr: 0.1 max_iter: 5 lr_policy: "step"', "`step` needs `gamma`"),
        ('base_lr: 0.1 max_iter: 5 type: "Adamax"',
         "the solver type `Adamax` has no counterpart"),
        ('base_lr: 0.1 max_iter: 5 weight_decay: 0.1 regularization_type: "L1"',
         "the penalty `L1` has no counterpart"),
        ("base_lr: 0.1 max_iter: 5 momentun: 3", "`momentun` of the solver is unknown"),
    ],
)  # fmt: skip
def test_solvers_without_a_counterpart(tmp_path: Path, solver: str, message: str) -> None:
    (tmp_path / "solver.prototxt").write_text(f'net: "net.prototxt" {solver}', "utf-8")
    with pytest.raises(netlang.FileError) as error:
        netlang.read_caffe(tmp_path / "solver.prototxt")
    assert error.value.message == message


# ---- the command -------------------------------------------------------------------------


def test_the_command_prints_or_writes_a_program(tmp_path: Path) -> None:
    runner = CliRunner()
    file = str(FILES / "resnet.prototxt")
    printed = runner.invoke(program, ["import", file])
    assert printed.exit_code == 0 and printed.stdout.startswith("block conv_bn(")
    output = tmp_path / "resnet.net"
    written = runner.invoke(program, ["import", file, "-o", str(output)])
    assert output.read_text("utf-8") == printed.stdout
    assert written.stdout == (
        f"{output}: {output.stat().st_size:,} bytes\n"
        "note: batch norms with `use_global_stats: true` normalize by the batch while training "
        "here\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["net.prototxt", "--shape", "data=3x"],
         "the shape of `data` is `3x`, and must be like 3x224x224"),
        (["net.onnx", "--solver", "a.prototxt", "-o", "a.net"],
         "--solver belongs to a prototxt, which net.onnx is not"),
        (["net.onnx"], "missing option '-o' / '--output'"),
        (["net.prototxt", "-w", "net.caffemodel"],
         "--weights needs -o: the parameters are written next to it"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert f"error[usage]: {message}\n" in said(capsys, "import", *arguments)[2]
