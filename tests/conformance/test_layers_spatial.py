"""Single layers against PyTorch: shapes, multiply-adds, and numbers in float64.

In `layers_spatial.jsonl` the i-th element of the j-th weight (from 1) is `0.5 sin(0.7 i + 0.3 j)`,
that of an input `sin(0.7 i + 0.1)`.
"""

from __future__ import annotations

import json
import re
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netlang.ops
from netlang.ir.op import OPS, Primitive
from netlang.ir.types import F64, I64, TensorType, Types

DATA = Path(__file__).parents[1] / "data" / "layers_spatial.jsonl"
CASES: list[dict[str, Any]] = [json.loads(line) for line in DATA.read_text().splitlines()]
NAMES = [f"{n}-{case['layer']}" for n, case in enumerate(CASES)]
NUMERIC = [(name, case) for name, case in zip(NAMES, CASES, strict=True) if "numbers" in case]

assert netlang.ops

# PyTorch's names of attributes, and ours.
RENAMED = {
    "kernel_size": "kernel", "padding": "pad", "output_padding": "out_pad", "ceil_mode": "ceil",
    "count_include_pad": "count_pad", "norm_type": "p", "output_size": "out",
    "scale_factor": "scale", "upscale_factor": "factor", "start_dim": "start",
    "stride": "stride", "dilation": "dilation", "groups": "groups", "mode": "mode", "size": "size",
}  # fmt: skip
OP_NAMES = {
    "Conv": "convolve", "ConvTranspose": "convolve_transpose", "MaxPool": "max_pool",
    "AvgPool": "avg_pool", "LPPool": "lp_pool", "AdaptiveAvgPool": "adaptive_avg_pool",
    "AdaptiveMaxPool": "adaptive_max_pool", "PixelShuffle": "pixel_shuffle",
    "Upsample": "upsample", "Flatten": "flatten", "Unflatten": "reshape",
    "ReflectionPad": "pad", "ChannelShuffle": "reshape", "Embedding": "gather_rows",
    "Unfold": "unfold",
}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_a_layer_has_the_shape_and_cost_pytorch_gives_it(case: dict[str, Any]) -> None:
    first, *weights = operand_types(case)
    steps = layer(case, (first, *weights))
    macs = 0
    for op in steps:
        types = (first, *weights) if op is steps[-1] else (first,)
        macs += op.macs(*types)
        (first,) = op.infer(*types)
    assert list(first.shape) == case["output"]
    if "macs_whole_batch" in case:
        assert macs == case["macs_whole_batch"]


@pytest.mark.parametrize("case", [c for _, c in NUMERIC], ids=[n for n, _ in NUMERIC])
def test_a_layer_computes_the_numbers_pytorch_computes(case: dict[str, Any]) -> None:
    types = operand_types(case)
    (op,) = layer(case, types)
    if "ids" in case:
        arrays = [0.5 * wave(types[0], 0.3), np.array(case["ids"])]
    else:
        x, *weights = types
        arrays = [wave(x, 0.1)] + [0.5 * wave(w, 0.3 * j) for j, w in enumerate(weights, start=1)]
    (y,) = op.forward(*arrays)
    np.testing.assert_allclose(y.reshape(-1), case["numbers"], rtol=1e-8, atol=2e-9)


def wave(type: TensorType, start: float) -> np.ndarray:
    shape = tuple(n for n in type.shape if isinstance(n, int))
    return np.sin(0.7 * np.arange(prod(shape)) + start).reshape(shape)


def operand_types(case: dict[str, Any]) -> Types:
    weights = [TensorType(F64, tuple(shape)) for shape in case.get("param_shapes", {}).values()]
    if case["layer"] == "Embedding":
        return (*weights, TensorType(I64, tuple(case["input"])))
    return (TensorType(F64, tuple(case["input"])), *weights)


def layer(case: dict[str, Any], types: Types) -> list[Primitive]:
    """Make our operators for a PyTorch layer."""
    attributes: dict[str, Any] = case["attrs"]
    arguments: dict[str, object] = {
        RENAMED[name]: value for name, value in attributes.items() if name in RENAMED
    }
    name = OP_NAMES[re.sub(r"[123]d$", "", case["layer"])]
    match case["layer"]:
        case "Unflatten":
            sizes = [*case["input"][:1], *attributes["unflattened_size"]]
            return [OPS["reshape"].make(types, {"shape": sizes})]
        case "ReflectionPad2d":
            left, right, top, bottom = attributes["padding"]
            around = {"amounts": ((top, bottom), (left, right)), "mode": "reflect"}
            return [OPS["pad"].make(types, around)]
        case "ChannelShuffle":
            return shuffled(case["input"], attributes["groups"], types)
        case "Upsample" if "size" in arguments:
            name = "resize"
        case _:
            pass
    if attributes.get("padding_mode") == "reflect":
        around = OPS["pad"].make(types[:1], {"amounts": arguments["pad"], "mode": "reflect"})
        return [around, OPS[name].make(types, {**arguments, "pad": 0})]
    return [OPS[name].make(types, arguments)]


def shuffled(shape: list[int], groups: int, types: Types) -> list[Primitive]:
    n, c, *space = shape
    grouped = OPS["reshape"].make(types, {"shape": [n, groups, c // groups, *space]})
    turned = OPS["transpose"].make(grouped.infer(*types), {"order": [0, 2, 1, 3, 4]})
    return [grouped, turned, OPS["reshape"].make(types, {"shape": shape})]
