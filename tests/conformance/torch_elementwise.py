"""PyTorch's operators on single elements, and its activations."""

from __future__ import annotations

from typing import Any

import torch
from torch_calls import OPERATORS, Call, Excluded, floating, same_dtype, word, writes

UNARY = {
    "abs": "abs({})", "acos": "acos({})", "acosh": "acosh({})", "asin": "asin({})",
    "asinh": "asinh({})", "atan": "atan({})", "atanh": "atanh({})", "ceil": "ceil({})",
    "cos": "cos({})", "cosh": "cosh({})", "deg2rad": "{} * 0.017453292519943295",
    "rad2deg": "{} * 57.29577951308232", "exp": "exp({})", "exp2": "exp2({})",
    "expm1": "expm1({})", "floor": "floor({})", "frac": "frac({})", "log": "log({})",
    "log1p": "log1p({})", "log2": "log2({})", "log10": "log10({})", "logical_not": "not {}",
    "isnan": "is_nan({})", "isinf": "is_inf({})", "neg": "-{}", "positive": "{}", "clone": "{}",
    "reciprocal": "reciprocal({})", "round": "round({})", "rsqrt": "rsqrt({})",
    "sigmoid": "sigmoid({})", "sign": "sign({})", "sgn": "sign({})", "sin": "sin({})",
    "sinh": "sinh({})", "sqrt": "sqrt({})", "square": "square({})", "tan": "tan({})",
    "tanh": "tanh({})", "trunc": "trunc({})", "erf": "erf({})", "erfc": "1.0 - erf({})",
    "nn.functional.relu": "relu({})", "nn.functional.relu6": "relu6({})",
    "nn.functional.hardswish": "hardswish({})", "nn.functional.hardsigmoid": "hardsigmoid({})",
    "nn.functional.selu": "selu({})", "nn.functional.silu": "silu({})",
    "nn.functional.logsigmoid": "log_sigmoid({})", "nn.functional.mish": "mish({})",
    "nn.functional.softsign": "softsign({})", "nn.functional.tanhshrink": "tanhshrink({})",
}  # fmt: skip

# What stands between two operands, or around them.
BINARY = {
    "mul": "{} * {}", "maximum": "maximum({}, {})", "minimum": "minimum({}, {})",
    "max.binary": "maximum({}, {})", "min.binary": "minimum({}, {})", "true_divide": "{} / {}",
    "div.no_rounding_mode": "{} / {}", "eq": "{} == {}", "ne": "{} != {}", "ge": "{} >= {}",
    "gt": "{} > {}", "le": "{} <= {}", "lt": "{} < {}", "logaddexp": "logaddexp({}, {})",
    "atan2": "atan2({}, {})", "fmod": "fmod({}, {})", "remainder": "{0} - {1} * floor({0} / {1})",
    "floor_divide": "floor({} / {})", "pow": "{} ** {}",
    "logical_and": "{} and {}", "logical_or": "{} or {}", "logical_xor": "logical_xor({}, {})",
}  # fmt: skip

REVERSED = {
    "__radd__": "{1} + {0}", "__rmul__": "{1} * {0}", "__rsub__": "{1} - {0}",
    "__rdiv__": "{1} / {0}", "__rmod__": "{1} - {0} * floor({1} / {0})", "__rpow__": "{1} ** {0}",
}  # fmt: skip


def _unary(name: str, form: str) -> None:
    def write(call: Call, x: torch.Tensor, inplace: bool = False) -> str:
        del inplace
        given = call.x(x)
        if name == "logical_not" and x.dtype is not torch.bool:
            return f"{given} == {'0.0' if x.is_floating_point() else '0'}"
        return form.format(given)

    OPERATORS[name] = write


def _binary(name: str, form: str) -> None:
    def write(call: Call, x: torch.Tensor, other: Any) -> str:
        operands = call.pair(x, other)
        if name.startswith("logical"):
            operands = tuple(_truth(t, o) for t, o in zip((x, other), operands, strict=True))
        return form.format(*(f"({o})" if o.startswith("-") else o for o in operands))

    OPERATORS[name] = write


def _truth(tensor: torch.Tensor, name: str) -> str:
    if tensor.dtype is torch.bool:
        return name
    return f"({name} != {'0.0' if tensor.is_floating_point() else '0'})"


for _name, _form in UNARY.items():
    _unary(_name, _form)
for _name, _form in (BINARY | REVERSED).items():
    _binary(_name, _form)


@writes("add")
def add(call: Call, x: torch.Tensor, other: Any, *, alpha: Any = 1) -> str:
    a, b = call.pair(x, other)
    return f"{a} + {_scaled(b, alpha)}"


@writes("sub")
def sub(call: Call, x: torch.Tensor, other: Any, *, alpha: Any = 1) -> str:
    a, b = call.pair(x, other)
    return f"{a} - {_scaled(b, alpha)}"


@writes("rsub")
def rsub(call: Call, x: torch.Tensor, other: Any, *, alpha: Any = 1) -> str:
    a, b = call.pair(x, other)
    return f"{b} - {_scaled(a, alpha)}"


def _scaled(operand: str, alpha: Any) -> str:
    operand = f"({operand})" if operand.startswith("-") else operand
    return operand if alpha == 1 else f"({floating(alpha)}) * {operand}"


def _fused(name: str, sign: str) -> None:
    def write(call: Call, x: Any, a: Any, b: Any, *, value: Any = 1) -> str:
        rank = max(x.ndim, a.ndim, b.ndim)
        first, second, third = (call.aligned(t, rank) for t in (x, a, b))
        return f"{first} + ({floating(value)}) * ({second} {sign} {third})"

    OPERATORS[name] = write


_fused("addcmul", "*")
_fused("addcdiv", "/")


@writes("div.floor_rounding")
def floor_division(call: Call, x: torch.Tensor, other: Any, *, rounding_mode: str) -> str:
    a, b = call.pair(x, other)
    return f"floor({a} / {b})"


@writes("div.trunc_rounding")
def cut_division(call: Call, x: torch.Tensor, other: Any, *, rounding_mode: str) -> str:
    a, b = call.pair(x, other)
    return f"trunc({a} / {b})"


@writes("clamp")
def clamp(call: Call, x: torch.Tensor, min: Any = None, max: Any = None) -> str:
    if isinstance(min, torch.Tensor) or isinstance(max, torch.Tensor):
        y = call.x(x)
        same_dtype(*(t for t in (x, min, max) if isinstance(t, torch.Tensor)))
        if min is not None:
            y = f"maximum({y}, {call.operand(min)})"
        return y if max is None else f"minimum({y}, {call.operand(max)})"
    if min is None:
        return f"clamp_high({call.x(x)}, {floating(max)})"
    if max is None:
        return f"clamp_low({call.x(x)}, {floating(min)})"
    return f"clamp({call.x(x)}, {floating(min)}, {floating(max)})"


@writes("clamp_min")
def clamp_min(call: Call, x: torch.Tensor, low: Any) -> str:
    return "maximum({}, {})".format(*call.pair(x, low))


@writes("clamp_max")
def clamp_max(call: Call, x: torch.Tensor, high: Any) -> str:
    return "minimum({}, {})".format(*call.pair(x, high))


@writes("lerp")
def lerp(call: Call, x: torch.Tensor, end: torch.Tensor, weight: Any) -> str:
    given = [t for t in (x, end, weight) if isinstance(t, torch.Tensor)]
    rank = max(t.ndim for t in given)
    by = call.aligned(weight, rank) if isinstance(weight, torch.Tensor) else floating(weight)
    return f"lerp({call.aligned(x, rank)}, {call.aligned(end, rank)}, {by})"


@writes("logit")
def logit(call: Call, x: torch.Tensor, eps: float | None = None) -> str:
    given = call.x(x)
    if eps is None:
        return f"logit({given})"
    return f"logit(clamp({given}, {floating(eps)}, {floating(1 - eps)}))"


@writes("where")
def where(call: Call, x: torch.Tensor, mask: torch.Tensor, other: Any) -> str:
    if mask.dtype is not torch.bool or not isinstance(other, torch.Tensor):
        raise Excluded("a mask that is no bool")
    same_dtype(x, other)
    rank = max(x.ndim, mask.ndim, other.ndim)
    given = [call.aligned(t, rank) for t in (mask, x, other)]
    return f"select({', '.join(given)})"


@writes("masked_fill")
def masked_fill(call: Call, x: torch.Tensor, mask: torch.Tensor, value: Any) -> str:
    rank = max(x.ndim, mask.ndim)
    new = call.operand(value)
    return f"select({call.aligned(mask, rank)}, {new}, {call.aligned(x, rank)})"


@writes("hypot")
def hypot(call: Call, x: torch.Tensor, other: torch.Tensor) -> str:
    a, b = call.pair(x, other)
    return f"sqrt(square({a}) + square({b}))"


@writes("nan_to_num")
def nan_to_num(call: Call, x: torch.Tensor, nan: Any = None, **bounds: Any) -> str:
    if any(v is not None for v in bounds.values()):
        raise Excluded("bounds in the place of infinity")
    given = call.x(x)
    return f"select(is_nan({given}), {floating(nan or 0.0)}, {given})"


@writes("nn.functional.leaky_relu")
def leaky_relu(
    call: Call, x: torch.Tensor, negative_slope: float = 0.01, inplace: bool = False
) -> str:
    return f"leaky_relu({call.x(x)}, {floating(negative_slope)})"


def _bent(name: str) -> None:
    def write(call: Call, x: torch.Tensor, alpha: float = 1.0, inplace: bool = False) -> str:
        return f"{name}({call.x(x)}, {floating(alpha)})"

    OPERATORS[f"nn.functional.{name}"] = write


_bent("elu")
_bent("celu")


@writes("nn.functional.hardtanh")
def hardtanh(
    call: Call, x: torch.Tensor, min_val: float = -1, max_val: float = 1, inplace: bool = False
) -> str:
    return f"hardtanh({call.x(x)}, {floating(min_val)}, {floating(max_val)})"


@writes("nn.functional.hardshrink")
def hardshrink(call: Call, x: torch.Tensor, lambd: float = 0.5) -> str:
    return f"hardshrink({call.x(x)}, {floating(lambd)})"


@writes("nn.functional.softshrink")
def softshrink(call: Call, x: torch.Tensor, lambd: float = 0.5) -> str:
    return f"softshrink({call.x(x)}, {floating(lambd)})"


@writes("nn.functional.threshold")
def threshold(
    call: Call, x: torch.Tensor, threshold: float, value: float, inplace: bool = False
) -> str:
    return f"threshold({call.x(x)}, {floating(threshold)}, {floating(value)})"


@writes("nn.functional.softplus")
def softplus(call: Call, x: torch.Tensor, beta: float = 1, threshold: float = 20) -> str:
    if threshold < 20:
        raise Excluded("a straight line from a threshold on")
    return f"softplus({call.x(x)}, {floating(beta)})"


@writes("nn.functional.gelu")
def gelu(call: Call, x: torch.Tensor, *, approximate: str = "none") -> str:
    if approximate not in ("none", "tanh"):
        raise Excluded("an approximation without a name")
    return f"gelu({call.x(x)}, approximate={word(approximate == 'tanh')})"


@writes("nn.functional.glu")
def glu(call: Call, x: torch.Tensor, dim: int = -1) -> str:
    return f"glu({call.x(x)}, axis={dim})"


@writes("nn.functional.rrelu")
def rrelu(
    call: Call, x: torch.Tensor, lower: float = 1 / 8, upper: float = 1 / 3,
    training: bool = False, inplace: bool = False,
) -> str:  # fmt: skip
    if training:
        raise Excluded("random draws of training")
    return f"rrelu({call.x(x)}, {floating(lower)}, {floating(upper)})"


@writes("nn.functional.prelu")
def prelu(call: Call, x: torch.Tensor, weight: torch.Tensor) -> str:
    if weight.ndim > 1:
        raise Excluded("slopes with several axes, which our parameter cannot have")
    call.weights["slope"] = weight.reshape(-1)
    return f"prelu({call.x(x)}, {weight.numel()})"


def _normalized(name: str, form: str) -> None:
    def write(
        call: Call, x: torch.Tensor, dim: int | None = None, dtype: Any = None, **rest: Any
    ) -> str:
        if dim is None:
            raise Excluded("an axis that PyTorch guesses")
        if not x.is_floating_point() or dtype not in (None, torch.float32, torch.float64):
            raise Excluded("operands of different elements, which are never converted silently")
        if dtype is torch.float32:
            raise Excluded("digits cut off by a conversion")
        if x.ndim == 0:
            raise Excluded("an axis of a number, which has none")
        return form.format(call.x(x), dim)

    OPERATORS[name] = write


for _suffix in ("", ".with_dtype"):
    _normalized(f"softmax{_suffix}", "softmax({}, axis={})")
    _normalized(f"log_softmax{_suffix}", "log_softmax({}, axis={})")
    _normalized(f"nn.functional.softmin{_suffix}", "softmin({}, axis={})")
