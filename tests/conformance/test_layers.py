"""Single layers, written as programs: PyTorch's shapes, weights, multiply-adds and numbers.

`layers.jsonl` holds attributes, shapes and counts, and what PyTorch rejects; `layers_numeric.jsonl`
numbers in float64, where the i-th element of the j-th weight (from 1) is `0.5 sin(0.7 i + 0.3 j)`
and that of an input `sin(0.7 i + 0.1)`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import to_onnx
from msgspec.structs import replace

from netlang.analysis.counts import node_macs, running, total, trained
from netlang.backends import reference
from netlang.backends.ort import Session
from netlang.ir.types import DType
from netlang.program import Program, load

DATA = Path(__file__).parents[1] / "data"
Case = dict[str, Any]


def cases(file: str) -> list[Case]:
    return [json.loads(line) for line in (DATA / file).read_text("utf-8").splitlines()]


def named(case: Case) -> str:
    return f"{case['id']}-{case.get('layer') or case['loss'].partition(' ')[0]}"


LAYERS = cases("layers.jsonl")
NUMERIC = cases("layers_numeric.jsonl")
SOUND = [case for case in LAYERS if "error" not in case]
FAULTY = [case for case in LAYERS if "error" in case]
WEIGHED = [case for case in NUMERIC if case.get("mode") == "eval"]
TRAINED = [case for case in NUMERIC if case.get("mode") == "train"]
POINTWISE = [case for case in NUMERIC if "layer" in case and "mode" not in case]
LOSSES = [case for case in NUMERIC if "loss" in case]


@pytest.mark.parametrize("case", SOUND, ids=named)
def test_a_layer_has_the_shape_weights_and_cost_of_pytorch(case: Case, tmp_path: Path) -> None:
    graph = sound(program(case, tmp_path))
    (made,) = graph.outputs.values()
    assert list(made.type.shape) == case["output"]
    assert (trained(graph), running(graph)) == (case["params"], case["running_stats"])
    shapes = sorted(list(p.type.shape) for p in graph.params.values() if p.trained)
    assert shapes == sorted(case.get("param_shapes", {}).values())
    if "macs_whole_batch" in case:
        assert total(map(node_macs, graph.nodes)) == case["macs_whole_batch"]


@pytest.mark.parametrize("case", FAULTY, ids=named)
def test_what_pytorch_rejects_is_diagnosed(case: Case, tmp_path: Path) -> None:
    found = program(case, tmp_path).diagnostics.items
    assert {d.rule.code for d in found} == {"shape-mismatch"}


@pytest.mark.parametrize("case", WEIGHED, ids=named)
def test_a_layer_computes_the_numbers_of_pytorch(case: Case, tmp_path: Path) -> None:
    (shape,) = case["inputs"]
    graph = sound(program(case | {"input": shape}, tmp_path))
    weights = {
        p.path: 0.5 * wave([int(str(n)) for n in p.type.shape], 0.3 * j)
        for j, p in enumerate((p for p in graph.params.values() if p.trained), 1)
    }
    x = np.array(case["ids"]) if "ids" in case else wave(shape, 0.1)
    agree(graph, {"x": x}, {"y": case["output"]}, weights)


@pytest.mark.parametrize("case", TRAINED, ids=named)
def test_batch_norm_in_training_computes_the_numbers_of_pytorch(case: Case, tmp_path: Path) -> None:
    (shape,) = case["inputs"]
    axes = tuple(i for i in range(len(shape)) if i != 1)
    axis = f"({', '.join(map(str, axes))},)" if len(axes) == 1 else str(axes)
    graph = sound(
        written(
            f"net Case(x: f32{shape}, scale: f32[{shape[1]}], shift: f32[{shape[1]}])"
            " -> (y, running_mean, running_var) {\n"
            f"  m = mean(x, axis={axis})\n"
            f"  v = variance(x, axis={axis}, correction=0)\n"
            "  y = normalize_batch(x, scale, shift, m, v, eps=1e-5, momentum=0.1)\n"
            "  running_mean = 0.1 * m\n"
            f"  running_var = 0.9 + 0.1 * variance(x, axis={axis})\n"
            "}\n",
            tmp_path,
        )
    )
    feeds = {"x": wave(shape, 0.1)}
    feeds |= {n: 0.5 * wave(shape[1:2], 0.3 * j) for j, n in enumerate(("scale", "shift"), 1)}
    agree(graph, feeds, {"y": case["output"], **case["buffers_after"]}, {})


@pytest.mark.parametrize("case", POINTWISE, ids=named)
def test_an_activation_computes_the_numbers_of_pytorch(case: Case, tmp_path: Path) -> None:
    function = case["layer"].partition(" ")[0].lower()
    graph = sound(written(f"net Case(x: f32[7]) -> y {{\n  y = {function}(x)\n}}\n", tmp_path))
    agree(graph, {"x": np.array(case["inputs"])}, {"y": case["output"]}, {})


LOSS = {
    "CrossEntropyLoss": "cross_entropy(x, label, smoothing=0.1)",
    # PyTorch divides the hinge loss by the number of classes, too.
    "MultiMarginLoss": "hinge(x, label) / 3.0",
    "L1Loss": "mae(x, full([4, 3], 0.0) + 0.0 * cast(unsqueeze(label, 1), f32))",
    "BCEWithLogitsLoss": "bce_with_logits(x, reshape(cast(iota(12) % 2, f32), [4, 3]))"
    " + 0.0 * cast(sum(label), f32)",
}


@pytest.mark.parametrize("case", LOSSES, ids=named)
def test_a_loss_computes_the_number_of_pytorch(case: Case, tmp_path: Path) -> None:
    text = f"  y = {LOSS[case['loss'].partition(' ')[0]]}\n"
    graph = sound(written(f"net Case(x: f32[4, 3], label: i64[4]) -> y {{\n{text}}}\n", tmp_path))
    feeds = {"x": np.array(case["logits"]).reshape(4, 3), "label": np.array(case["labels"])}
    agree(graph, feeds, {"y": case["value"]}, {})


# ---- programs ------------------------------------------------------------------------------


def program(case: Case, folder: Path) -> Program:
    """Write the net of one layer."""
    shapes = case["input"]
    shapes = shapes if isinstance(shapes[0], list) else [shapes]
    element = "i64" if case["layer"] == "Embedding" else "f32"
    given = [f"{name}: {element}{shape}" for name, shape in zip("xz", shapes, strict=False)]
    if case in FAULTY:
        # What PyTorch's layer was made for is stated by its weights.
        given += [f"{n}: f32{shape}" for n, shape in case.get("param_shapes", {}).items()]
    expression = (FAULTY_LAYERS if case in FAULTY else LAYER)[case["layer"]](case)
    text = f"net Case({', '.join(given)}) -> y {{\n  y = {expression}\n}}\n"
    return written(text, folder)


def written(text: str, folder: Path) -> Program:
    path = folder / "case.net"
    path.write_text(text, "utf-8")
    return load(path)


def sound(program: Program) -> Any:
    assert program.diagnostics.items == []
    return program.net(None).graph


SETTINGS = {
    "stride": "stride", "padding": "pad", "dilation": "dilation", "groups": "groups",
    "bias": "bias", "output_padding": "out_pad", "ceil_mode": "ceil",
    "count_include_pad": "count_pad", "norm_type": "p",
}  # fmt: skip


def settings(case: Case) -> str:
    """Write the attributes that have other names here."""
    given = case["attrs"]
    return "".join(f", {ours}={value(given[n])}" for n, ours in SETTINGS.items() if n in given)


def value(given: Any) -> str:
    match given:
        case bool():
            return "true" if given else "false"
        case list():
            return f"({', '.join(map(value, given))})"
        case _:
            return str(given)


def conv(case: Case) -> str:
    given = case["attrs"]
    name = "conv_transpose" if "Transpose" in case["layer"] else "conv"
    x = "x"
    if len(case["input"]) == 3 and case["layer"].endswith("2d"):
        one = case | {"input": [1, *case["input"]]}
        return f"squeeze({conv(one).replace('(x,', '(unsqueeze(x, 0),')}, 0)"
    if "padding_mode" in given:
        x = f'pad(x, {given["padding"]}, mode="{given["padding_mode"]}")'
        case = case | {"attrs": given | {"padding": 0}}
    out, kernel = given["out_channels"], value(given["kernel_size"])
    return f"{name}({x}, {out}, {kernel}{settings(case)})"


def pool(name: str) -> Callable[[Case], str]:
    return lambda case: f"{name}(x, {value(case['attrs']['kernel_size'])}{settings(case)})"


def adaptive_pool(case: Case) -> str:
    own = case["input"][2:]
    wanted = case["attrs"]["output_size"]
    sizes = [n if want is None else want for want, n in zip(wanted, own, strict=True)]
    return f"adaptive_avg_pool(x, {value(sizes)})"


def norm(name: str, *, plain: bool = False) -> Callable[[Case], str]:
    def write(case: Case) -> str:
        affine = case["attrs"].get("affine", not plain)
        given = "" if affine is not plain else f", scale={value(affine)}, shift={value(affine)}"
        return f"{name}(x{given})"

    return write


def upsample(case: Case) -> str:
    given = case["attrs"]
    if "size" in given:
        return f'resize(x, {value(given["size"])}, mode="{given["mode"]}")'
    return f'upsample(x, {given["scale_factor"]}, mode="{given["mode"]}")'


def padding(case: Case) -> str:
    left, right, top, bottom = case["attrs"]["padding"]
    return f'pad(x, (({top}, {bottom}), ({left}, {right})), mode="reflect")'


def groups(case: Case) -> int:
    given = case["attrs"]
    return given.get("num_groups") or given["args"][0]


LAYER: dict[str, Callable[[Case], str]] = {
    "Conv1d": conv,
    "Conv2d": conv,
    "ConvTranspose2d": conv,
    "MaxPool2d": pool("max_pool"),
    "AvgPool1d": pool("avg_pool"),
    "AvgPool2d": pool("avg_pool"),
    "LPPool2d": pool("lp_pool"),
    "AdaptiveAvgPool2d": adaptive_pool,
    "Embedding": lambda c: "embedding(x, {num_embeddings}, {embedding_dim})".format(**c["attrs"]),
    "Linear": lambda c: f"dense(x, {c['attrs']['out_features']})",
    "BatchNorm1d": norm("batch_norm"),
    "BatchNorm2d": norm("batch_norm"),
    "LayerNorm": lambda c: f"layer_norm(x, axis=-{len(c['attrs']['args'][0])})",
    "GroupNorm": lambda c: f"group_norm(x, {groups(c)})",
    "InstanceNorm2d": norm("instance_norm", plain=True),
    "LocalResponseNorm": lambda c: f"local_response_norm(x, size={c['attrs']['args'][0]})",
    "PixelShuffle": lambda c: f"pixel_shuffle(x, {c['attrs']['upscale_factor']})",
    "Upsample": upsample,
    "Flatten": lambda c: f"flatten(x, start={c['attrs']['start_dim']})",
    "Unflatten": lambda c: "unflatten(x, {dim}, {unflattened_size})".format(**c["attrs"]),
    "ReflectionPad2d": padding,
    "ChannelShuffle": lambda c: f"channel_shuffle(x, {c['attrs']['groups']})",
    "Unfold": pool("unfold"),
    "PReLU": lambda c: f"prelu(x, {c['attrs']['num_parameters']})",
    "Softmax": lambda c: f"softmax(x, axis={c['attrs']['dim']})",
    "Dropout": lambda c: f"dropout(x, {c['attrs']['p']})",
    "Hardswish": lambda _: "hardswish(x)",
    "Add": lambda _: "x + z",
    "MatMul": lambda _: "x @ unsqueeze(z, 0)",
}

FAULTY_LAYERS: dict[str, Callable[[Case], str]] = {
    "Linear": lambda _: "linear(x, weight, bias)",
    "BatchNorm2d": lambda _: (
        "normalize_batch(x, weight, bias, bias, weight, eps=1e-5, momentum=0.1)"
    ),
    "Add": lambda _: "x + z",
}


# ---- numbers -------------------------------------------------------------------------------


def wave(shape: list[int], start: float) -> np.ndarray:
    return np.sin(0.7 * np.arange(prod(shape)) + start).reshape(shape)


def agree(graph: Any, feeds: dict[str, np.ndarray], expected: Case, weights: Any) -> None:
    """Hold both back ends to the numbers: NumPy in float64, onnxruntime in float32."""
    fed = {n: a for n, a in feeds.items() if n in {v.name for v in graph.inputs}}
    # Weights have 32 bits; as inputs they may have 64.
    as_inputs = replace(graph, inputs=(*graph.inputs, *graph.params), params={})
    wide = {v.name: weights[p.path] for v, p in graph.params.items()}
    exact = reference.run(as_inputs, fed | wide, {}, dtype=DType.F64)
    narrow = {n: a.astype(np.float32) if a.dtype.kind == "f" else a for n, a in fed.items()}
    light = {n: a.astype(np.float32) for n, a in weights.items()}
    fast = Session(to_onnx(graph, light), threads=1).run(narrow)
    for name, numbers in expected.items():
        wanted = np.array(numbers)
        np.testing.assert_allclose(exact[name].reshape(wanted.shape), wanted, rtol=0, atol=2e-9)
        np.testing.assert_allclose(fast[name].reshape(wanted.shape), wanted, rtol=2e-5, atol=2e-6)
