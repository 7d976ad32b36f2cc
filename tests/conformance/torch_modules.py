"""PyTorch's modules: layers with weights of their own, made with their constructor."""

from __future__ import annotations

from typing import Any

import torch
from torch_calls import (
    MODULES,
    OPERATORS,
    Call,
    Excluded,
    batched,
    floating,
    ints,
    module,
    word,
)
from torch_layers import adapted, padded, per_axis, pooling, small

BY_NAME = {
    "ReLU": "relu({})", "ReLU6": "relu6({})", "Sigmoid": "sigmoid({})", "Tanh": "tanh({})",
    "SELU": "selu({})", "SiLU": "silu({})", "Mish": "mish({})", "Hardswish": "hardswish({})",
    "LogSigmoid": "log_sigmoid({})", "Softsign": "softsign({})", "Tanhshrink": "tanhshrink({})",
}  # fmt: skip

SETTINGS = {
    "LeakyReLU": ("leaky_relu", "negative_slope"), "ELU": ("elu", "alpha"),
    "CELU": ("celu", "alpha"), "Hardshrink": ("hardshrink", "lambd"),
    "Softshrink": ("softshrink", "lambd"), "Hardtanh": ("hardtanh", "min_val max_val"),
    "Threshold": ("threshold", "threshold value"),
}  # fmt: skip


def _simple(name: str, form: str) -> None:
    MODULES[name] = lambda call, m, x: form.format(call.x(x))


def _set(name: str, ours: str, attributes: list[str]) -> None:
    def write(call: Call, m: Any, x: torch.Tensor) -> str:
        values = ", ".join(floating(getattr(m, a)) for a in attributes)
        return f"{ours}({call.x(x)}, {values})"

    MODULES[name] = write


for _name, _form in BY_NAME.items():
    _simple(_name, _form)
for _name, (_ours, _attributes) in SETTINGS.items():
    _set(_name, _ours, _attributes.split())


@module("Softplus")
def softplus(call: Call, m: Any, x: torch.Tensor) -> Any:
    return OPERATORS["nn.functional.softplus"](call, x, m.beta, m.threshold)


@module("GELU")
def gelu(call: Call, m: Any, x: torch.Tensor) -> Any:
    return OPERATORS["nn.functional.gelu"](call, x, approximate=m.approximate)


@module("GLU")
def glu(call: Call, m: Any, x: torch.Tensor) -> str:
    return f"glu({call.x(x)}, axis={m.dim})"


@module("Softmax LogSoftmax Softmin")
def normalizer(call: Call, m: Any, x: torch.Tensor) -> str:
    name = {"Softmax": "softmax", "LogSoftmax": "log_softmax", "Softmin": "softmin"}
    if m.dim is None:
        raise Excluded("an axis that PyTorch guesses")
    if x.ndim == 0:
        raise Excluded("an axis of a number, which has none")
    return f"{name[type(m).__name__]}({call.x(x)}, axis={m.dim})"


@module("Softmax2d")
def softmax_of_maps(call: Call, m: Any, x: torch.Tensor) -> str:
    return f"softmax({call.x(x)}, axis=-3)"


@module("PReLU")
def prelu(call: Call, m: Any, x: torch.Tensor) -> str:
    call.weights["slope"] = m.weight
    return f"prelu({call.x(x)}, {m.num_parameters})"


def _convolution(call: Call, m: Any, x: torch.Tensor) -> str:
    rank = len(m.kernel_size)
    name = "conv_transpose" if "Transpose" in type(m).__name__ else "conv"
    pad = m.padding if isinstance(m.padding, str) else ints(m.padding)
    if pad == "same" and m.padding_mode != "zeros":
        raise Excluded("a mirrored padding that keeps the size")
    settings = [
        str(m.out_channels), ints(m.kernel_size), f"stride={ints(m.stride)}", f"pad={pad}",
        f"dilation={ints(m.dilation)}", f"groups={m.groups}", f"bias={word(m.bias is not None)}",
    ]  # fmt: skip
    if name == "conv_transpose":
        settings.append(f"out_pad={ints(m.output_padding)}")
    call.weights |= {"weight": m.weight} | ({} if m.bias is None else {"bias": m.bias})
    if m.padding_mode == "zeros":
        return batched(call, x, rank + 2, lambda x: f"{name}({x}, {', '.join(settings)})")
    settings[3] = "pad=0"
    around = padded(call, x, [n for p in reversed(m.padding) for n in (p, p)], m.padding_mode)
    if x.ndim < rank + 2:
        return f"squeeze(conv(unsqueeze({around}, 0), {', '.join(settings)}), 0)"
    return f"conv({around}, {', '.join(settings)})"


def _adaptive(kind: str, rank: int) -> None:
    def write(call: Call, m: Any, x: torch.Tensor) -> str:
        return batched(
            call, x, rank + 2,
            lambda y: f"adaptive_{kind.lower()}_pool({y}, {adapted(x, m.output_size, rank)})",
        )  # fmt: skip

    MODULES[f"Adaptive{kind}Pool{rank}d"] = write


def _with_indices(call: Call, m: Any, x: torch.Tensor, rank: int) -> list[str]:
    if m.ceil_mode or m.dilation not in (1, (1,) * rank):
        raise Excluded("indices of dilated windows, or of windows past the edge")
    name = call.x(x)
    maps = name if x.ndim == rank + 2 else f"unsqueeze({name}, 0)"
    stride = m.kernel_size if m.stride is None else m.stride
    sizes = f"{ints(m.kernel_size)}, stride={ints(stride)}, pad={ints(m.padding)}"
    pooled = call.let(f"max_pool_indices({maps}, {sizes})")
    made = [f"{pooled}.values", f"{pooled}.indices"]
    return made if x.ndim == rank + 2 else [f"squeeze({each}, 0)" for each in made]


def _pool(kind: str, rank: int) -> None:
    def write(call: Call, m: Any, x: torch.Tensor) -> str | list[str]:
        if getattr(m, "return_indices", False):
            return _with_indices(call, m, x, rank)
        if getattr(m, "divisor_override", None) is not None:
            raise Excluded("a mean with another divisor than the count")
        names = "stride padding dilation ceil_mode count_include_pad"
        options = {n: getattr(m, n) for n in names.split() if hasattr(m, n)}
        settings = pooling(m.kernel_size, options, rank)
        return batched(call, x, rank + 2, lambda x: f"{kind.lower()}_pool({x}, {settings})")

    MODULES[f"{kind}Pool{rank}d"] = write


def _lp_pool(rank: int) -> None:
    def write(call: Call, m: Any, x: torch.Tensor) -> str:
        if m.norm_type != int(m.norm_type):
            raise Excluded("a power that is no whole number")
        if m.ceil_mode:
            raise Excluded("an incomplete window counted as if it were whole")
        stride = "" if m.stride is None else f", stride={per_axis(m.stride, rank)}"
        settings = f"{per_axis(m.kernel_size, rank)}, p={int(m.norm_type)}{stride}"
        return batched(call, x, rank + 2, lambda x: f"lp_pool({x}, {settings})")

    MODULES[f"LPPool{rank}d"] = write


def _padding(rank: int) -> None:
    def write(call: Call, m: Any, x: torch.Tensor) -> str:
        kinds = {"Reflection": "reflect", "Replication": "replicate", "Circular": "circular"}
        mode = kinds.get(type(m).__name__.partition("Pad")[0], "constant")
        return padded(call, x, m.padding, mode, getattr(m, "value", None))

    for kind in ("Reflection", "Replication", "Circular", "Zero", "Constant"):
        MODULES[f"{kind}Pad{rank}d"] = write


for _rank in (1, 2, 3):
    for _kind in ("Avg", "Max"):
        _pool(_kind, _rank)
        _adaptive(_kind, _rank)
    _lp_pool(_rank)
    _padding(_rank)
    for _kind in ("Conv", "ConvTranspose", "LazyConv", "LazyConvTranspose"):
        MODULES[f"{_kind}{_rank}d"] = _convolution


def _affine(call: Call, m: Any) -> str:
    """Take the weights of a norm and write which of them it has."""
    weight, bias = getattr(m, "weight", None), getattr(m, "bias", None)
    call.weights |= {} if weight is None else {"scale": weight}
    call.weights |= {} if bias is None else {"shift": bias}
    return f"scale={word(weight is not None)}, shift={word(bias is not None)}"


@module("BatchNorm1d BatchNorm2d BatchNorm3d")
def batch_norm(call: Call, m: Any, x: torch.Tensor) -> str:
    if m.running_mean is None:
        raise Excluded("statistics of the batch, as in training")
    settings = _affine(call, m)
    call.weights |= {"mean": m.running_mean, "var": m.running_var}
    return f"batch_norm({call.x(x)}, {settings}, eps={small(m.eps)})"


@module("InstanceNorm1d InstanceNorm2d InstanceNorm3d")
def instance_norm(call: Call, m: Any, x: torch.Tensor) -> str:
    if m.running_mean is not None:
        raise Excluded("an instance norm by running statistics")
    rank = int(type(m).__name__[-2])
    settings = f"{_affine(call, m)}, eps={small(m.eps)}"
    return batched(call, x, rank + 2, lambda x: f"instance_norm({x}, {settings})")


@module("GroupNorm")
def group_norm(call: Call, m: Any, x: torch.Tensor) -> str:
    return f"group_norm({call.x(x)}, {m.num_groups}, {_affine(call, m)}, eps={small(m.eps)})"


@module("LayerNorm")
def layer_norm(call: Call, m: Any, x: torch.Tensor) -> str:
    axis = -len(m.normalized_shape)
    return f"layer_norm({call.x(x)}, axis={axis}, {_affine(call, m)}, eps={small(m.eps)})"


@module("RMSNorm")
def rms_norm(call: Call, m: Any, x: torch.Tensor) -> str:
    call.weights |= {} if m.weight is None else {"scale": m.weight}
    eps = torch.finfo(x.dtype).eps if m.eps is None else m.eps
    scale = word(m.weight is not None)
    return (
        f"rms_norm({call.x(x)}, axis=-{len(m.normalized_shape)}, scale={scale}, eps={small(eps)})"
    )


@module("LocalResponseNorm")
def local_response_norm(call: Call, m: Any, x: torch.Tensor) -> Any:
    write = OPERATORS["nn.functional.local_response_norm"]
    return write(call, x, m.size, m.alpha, m.beta, m.k)


@module("Linear")
def linear(call: Call, m: Any, x: torch.Tensor) -> str:
    call.weights |= {"weight": m.weight} | ({} if m.bias is None else {"bias": m.bias})
    return f"dense({call.x(x)}, {m.out_features}, bias={word(m.bias is not None)})"


@module("Bilinear")
def bilinear(call: Call, m: Any, a: torch.Tensor, b: torch.Tensor) -> str:
    call.weights |= {"weight": m.weight} | ({} if m.bias is None else {"bias": m.bias})
    return f"bilinear({call.x(a)}, {call.x(b)}, {m.out_features}, bias={word(m.bias is not None)})"


@module("Embedding")
def embedding(call: Call, m: Any, ids: torch.Tensor) -> str:
    call.weights["weight"] = m.weight
    return f"embedding({call.ids(ids)}, {m.num_embeddings}, {m.embedding_dim})"


OPTIONS = "delta beta margin p eps log_input full swap ignore_index"


def _loss(name: str, ours: str) -> None:
    def write(call: Call, m: Any, *given: torch.Tensor) -> Any:
        options = {n: getattr(m, n) for n in OPTIONS.split() if hasattr(m, n)}
        options["reduction"] = m.reduction
        if getattr(m, "pos_weight", None) is not None:
            raise Excluded("a loss other than the plain mean")
        if getattr(m, "weight", None) is not None:
            options["weight"] = m.weight
        return OPERATORS[f"nn.functional.{ours}"](call, *given, **options)

    MODULES[name] = write


_loss("L1Loss", "l1_loss")
_loss("MSELoss", "mse_loss")
_loss("HuberLoss", "huber_loss")
_loss("BCEWithLogitsLoss", "binary_cross_entropy_with_logits")
_loss("SmoothL1Loss", "smooth_l1_loss")
_loss("BCELoss", "binary_cross_entropy")
_loss("NLLLoss", "nll_loss")
_loss("PoissonNLLLoss", "poisson_nll_loss")
_loss("GaussianNLLLoss", "gaussian_nll_loss")
_loss("SoftMarginLoss", "soft_margin_loss")
_loss("MarginRankingLoss", "margin_ranking_loss")
_loss("HingeEmbeddingLoss", "hinge_embedding_loss")
_loss("CosineEmbeddingLoss", "cosine_embedding_loss")
_loss("MultiMarginLoss", "multi_margin_loss")
_loss("MultiLabelMarginLoss", "multilabel_margin_loss")
_loss("MultiLabelSoftMarginLoss", "multilabel_soft_margin_loss")


@module("CrossEntropyLoss")
def cross_entropy(call: Call, m: Any, x: torch.Tensor, target: torch.Tensor) -> Any:
    write = OPERATORS["nn.functional.cross_entropy"]
    return write(call, x, target, m.weight, m.reduction, m.ignore_index, m.label_smoothing)
