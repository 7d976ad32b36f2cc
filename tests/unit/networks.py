"""Small networks for tests, made without the language."""

from __future__ import annotations

import numpy as np

import netlang.ops  # noqa: F401
from netlang.diagnostics.source import Source, Span
from netlang.ir.dims import Size, symbol
from netlang.ir.graph import Builder, Graph, Init, Param, Scope, State, Value
from netlang.ir.op import OPS
from netlang.ir.types import F32, I64, DType, TensorType
from netlang.system.numpy import Array

SOURCE = Source(
    "mlp.net", "net Mlp(x: f32[N, 4]) {\n  hidden = dense(x, 3)\n  y = relu(hidden)\n}\n"
)
N = symbol("N")


def f32(*shape: Size) -> TensorType:
    return TensorType(F32, shape)


def i64(*shape: Size) -> TensorType:
    return TensorType(I64, shape)


def add(b: Builder, name: str, *inputs: Value, **attributes: object) -> Value:
    op = OPS[name].make(tuple(v.type for v in inputs), attributes)
    return b.one(op, *inputs)


def weight(b: Builder, path: str, *shape: int, rule: Init | None = None) -> tuple[Value, Param]:
    value = b.fresh(path, f32(*shape))
    return value, Param(path, value.type, rule or Init("normal", (0.5,)), trained=True)


def mlp() -> Graph:
    """f32[N, 4] -> dense(3) -> relu, written on lines 2 and 3 of mlp.net."""
    b = Builder()
    x = b.fresh("x", f32(N, 4))
    w, w_param = weight(b, "hidden.weight", 3, 4)
    v, v_param = weight(b, "hidden.bias", 3)
    at = SOURCE.text.index("dense")
    b.scope = Scope("hidden", "dense", Span(SOURCE, at, at + 11), None, library=True)
    b.span = b.scope.span
    hidden = add(b, "linear", x, w, v)
    at = SOURCE.text.index("relu")
    b.scope, b.span = None, Span(SOURCE, at, at + 12)
    y = add(b, "relu", hidden)
    params = {w: w_param, v: v_param}
    return Graph("Mlp", (x,), params, tuple(b.nodes), {"y": y, "hidden": hidden})


def mlp_weights() -> dict[str, Array]:
    rng = np.random.default_rng(0)
    return {
        "hidden.weight": rng.standard_normal((3, 4)).astype(np.float32),
        "hidden.bias": rng.standard_normal(3).astype(np.float32),
    }


def counter() -> Graph:
    """Add each input to a running total: a state ``total`` that starts at 0.5."""
    b = Builder()
    x = b.fresh("x", f32(N, 2))
    total = b.fresh("total", f32(N, 2))
    after = add(b, "add", total, x)
    state = State("total", total, 0.5, after)
    return Graph("Counter", (x,), {}, tuple(b.nodes), {"y": after}, (state,))


def picture(*shape: Size, dtype: DType = F32) -> Value:
    return Value("image", TensorType(dtype, shape))


def spatial(unit: int = 4) -> Graph:
    """f32[N, 1, H, W] -> a pool of 2 -> flatten; H and W are multiples of ``unit``."""
    b = Builder()
    h, w = symbol("H", unit), symbol("W", unit)
    x = b.fresh("image", f32(N, 1, h, w))
    pooled = add(b, "max_pool", x, kernel=2)
    y = add(b, "flatten", pooled)
    return Graph("Spatial", (x,), {}, tuple(b.nodes), {"y": y}, units={"H": unit, "W": unit})
