"""PyTorch's layers as functions: what takes its weights as operands."""

from __future__ import annotations

from typing import Any

import torch
from torch_calls import OPERATORS, Call, Excluded, axes, batched, floating, ints, word, writes


def _each(value: Any, rank: int) -> list[Any]:
    given = list(value) if isinstance(value, tuple | list) else [value]
    return given * rank if len(given) == 1 else given


def _conv(name: str, rank: int, order: str) -> None:
    def write(
        call: Call, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None,
        *given: Any, **named: Any,
    ) -> str:  # fmt: skip
        options = dict(zip(order.split(), given, strict=False)) | named
        steps, extra = options.get("stride", 1), options.get("output_padding", 0)
        pairs = zip(_each(steps, rank), _each(extra, rank), strict=True)
        if any(step <= more for step, more in pairs):
            raise Excluded("more output padding than the stride, which onnxruntime refuses")
        operands = ", ".join(call.x(t) for t in (weight, bias) if t is not None)
        settings = [
            f"{ours}={ints(options[theirs])}"
            for theirs, ours in (
                ("stride", "stride"), ("output_padding", "out_pad"), ("dilation", "dilation"),
            )
            if theirs in options
        ]  # fmt: skip
        pad = options.get("padding", 0)
        pad = pad if isinstance(pad, str) else ints(pad)
        settings += [f"groups={options.get('groups', 1)}", f"pad={pad}"]
        ours = "convolve_transpose" if "transpose" in name else "convolve"
        return batched(
            call, x, rank + 2, lambda x: f"{ours}({x}, {operands}, {', '.join(settings)})"
        )

    OPERATORS[name] = write


for _rank in (1, 2, 3):
    _conv(f"nn.functional.conv{_rank}d", _rank, "stride padding dilation groups")
    _conv(
        f"nn.functional.conv_transpose{_rank}d",
        _rank,
        "stride padding output_padding groups dilation",
    )


def _pool(kind: str, rank: int) -> None:
    name = f"nn.functional.{kind}_pool{rank}d"
    order = {
        "avg": "stride padding ceil_mode count_include_pad divisor_override",
        "max": "stride padding dilation ceil_mode return_indices",
    }[kind]

    def write(call: Call, x: torch.Tensor, kernel_size: Any, *given: Any, **named: Any) -> str:
        options = dict(zip(order.split(), given, strict=False)) | named
        if options.get("divisor_override") is not None:
            raise Excluded("a mean with another divisor than the count")
        return batched(
            call, x, rank + 2,
            lambda x: f"{kind}_pool({x}, {pooling(kernel_size, options, rank)})",
        )  # fmt: skip

    OPERATORS[name] = write


def per_axis(value: Any, rank: int) -> str:
    """Write one int for all axes; PyTorch takes it in a tuple of its own, too."""
    alone = isinstance(value, tuple | list) and len(value) == 1 < rank
    return ints(value[0] if alone else value)


def pooling(kernel_size: Any, options: Any, rank: int) -> str:
    """Write the settings of a pool."""
    settings = [per_axis(kernel_size, rank)]
    for theirs, ours in (("stride", "stride"), ("padding", "pad"), ("dilation", "dilation")):
        value = options.get(theirs)
        if value is not None and value != ():
            settings.append(f"{ours}={per_axis(value, rank)}")
    for theirs, ours in (("ceil_mode", "ceil"), ("count_include_pad", "count_pad")):
        if theirs in options:
            settings.append(f"{ours}={word(options[theirs])}")
    return ", ".join(settings)


def _adaptive(kind: str, rank: int) -> None:
    def write(call: Call, x: torch.Tensor, output_size: Any, return_indices: bool = False) -> str:
        return batched(
            call, x, rank + 2,
            lambda y: f"adaptive_{kind}_pool({y}, {adapted(x, output_size, rank)})",
        )  # fmt: skip

    OPERATORS[f"nn.functional.adaptive_{kind}_pool{rank}d"] = write


def adapted(x: torch.Tensor, output_size: Any, rank: int) -> str:
    """Write the sizes of an adaptive pool; PyTorch's none means the size that is there."""
    wanted = list(output_size) if isinstance(output_size, tuple | list) else [output_size] * rank
    own = x.shape[x.ndim - rank :]
    sizes = [n if want is None else want for want, n in zip(wanted, own, strict=True)]
    return f"{ints(sizes)}"


for _rank in (1, 2, 3):
    for _kind in ("avg", "max"):
        _pool(_kind, _rank)
        _adaptive(_kind, _rank)


def small(eps: float) -> str:
    """Write what keeps a division from zero."""
    if eps <= 0:
        raise Excluded("an eps below 0")
    return floating(eps)


def vector(call: Call, tensor: torch.Tensor | None, sizes: Any, value: float) -> str:
    """Name a weight, or fill one."""
    return f"full({list(sizes)}, {value})" if tensor is None else call.x(tensor)


@writes("nn.functional.batch_norm")
def batch_norm(
    call: Call, x: torch.Tensor, running_mean: Any, running_var: Any, weight: Any = None,
    bias: Any = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> str:  # fmt: skip
    if training or running_mean is None:
        raise Excluded("statistics of the batch, as in training")
    if x.ndim < 2:
        raise Excluded("a batch without channels")
    c = (x.shape[1],)
    return (
        f"normalize_batch({call.x(x)}, {vector(call, weight, c, 1.0)}, "
        f"{vector(call, bias, c, 0.0)}, {call.x(running_mean)}, {call.x(running_var)}, "
        f"eps={small(eps)}, momentum=0.1)"
    )


@writes("nn.functional.group_norm")
def group_norm(
    call: Call, x: torch.Tensor, num_groups: int, weight: Any = None, bias: Any = None,
    eps: float = 1e-5,
) -> str:  # fmt: skip
    c = (x.shape[1],)
    return (
        f"normalize_group({call.x(x)}, {vector(call, weight, c, 1.0)}, "
        f"{vector(call, bias, c, 0.0)}, groups={num_groups}, eps={small(eps)})"
    )


@writes("nn.functional.instance_norm")
def instance_norm(
    call: Call, x: torch.Tensor, running_mean: Any = None, running_var: Any = None,
    weight: Any = None, bias: Any = None, use_input_stats: bool = True, momentum: float = 0.1,
    eps: float = 1e-5,
) -> str:  # fmt: skip
    if not use_input_stats:
        raise Excluded("an instance norm by running statistics")
    c = (x.shape[1],)
    return (
        f"normalize_instance({call.x(x)}, {vector(call, weight, c, 1.0)}, "
        f"{vector(call, bias, c, 0.0)}, eps={small(eps)})"
    )


@writes("nn.functional.layer_norm")
def layer_norm(
    call: Call, x: torch.Tensor, normalized_shape: Any, weight: Any = None, bias: Any = None,
    eps: float = 1e-5,
) -> str:  # fmt: skip
    return (
        f"normalize_layer({call.x(x)}, {vector(call, weight, normalized_shape, 1.0)}, "
        f"{vector(call, bias, normalized_shape, 0.0)}, axis=-{len(normalized_shape)}, "
        f"eps={small(eps)})"
    )


@writes("nn.functional.rms_norm")
def rms_norm(
    call: Call, x: torch.Tensor, normalized_shape: Any, weight: Any = None, eps: Any = None
) -> str:
    smallest = torch.finfo(x.dtype).eps if eps is None else eps
    return (
        f"normalize_rms({call.x(x)}, {vector(call, weight, normalized_shape, 1.0)}, "
        f"axis=-{len(normalized_shape)}, eps={small(smallest)})"
    )


@writes("nn.functional.local_response_norm")
def local_response_norm(
    call: Call, x: torch.Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75,
    k: float = 1.0,
) -> str:  # fmt: skip
    if size % 2 == 0:
        raise Excluded("neighbours without a middle, which ONNX puts elsewhere")
    return (
        f"local_response_norm({call.x(x)}, size={size}, alpha={floating(alpha)}, "
        f"beta={floating(beta)}, k={floating(k)})"
    )


@writes("nn.functional.normalize")
def normalize(
    call: Call, x: torch.Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Any = None
) -> str:
    if x.ndim == 0:
        raise Excluded("an axis of a number, which has none")
    if p == 2 and isinstance(dim, int):
        return f"l2_normalize({call.x(x)}, axis={dim}, eps={floating(eps)})"
    if p == 0:
        raise Excluded("a count called a norm")
    length = f"norm({call.x(x)}, p={floating(p)}, axis={axes(dim)}, keep=true)"
    return f"{call.x(x)} / clamp_low({length}, {floating(eps)})"


@writes("nn.functional.dropout nn.functional.dropout2d nn.functional.dropout3d")
def dropout(
    call: Call, x: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> str:
    if training:
        raise Excluded("random draws of training")
    if p == 1:
        raise Excluded("a dropout of everything")
    return f"dropout({call.x(x)}, {floating(p)})"


@writes("nn.functional.linear")
def linear(call: Call, x: torch.Tensor, weight: torch.Tensor, bias: Any = None) -> str:
    if weight.ndim != 2:
        raise Excluded("a matrix with one row, written as a vector")
    if bias is not None and bias.ndim != 1:
        raise Excluded("a bias that is stretched")
    return f"linear({', '.join(call.x(t) for t in (x, weight, bias) if t is not None)})"


@writes("nn.functional.embedding")
def embedding(
    call: Call, weight: torch.Tensor, ids: torch.Tensor, padding_idx: Any = None,
    max_norm: Any = None, norm_type: float = 2.0, scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> str:  # fmt: skip
    if max_norm is not None:
        raise Excluded("rows that a look-up shortens")
    return f"gather_rows({call.x(weight)}, {call.ids(ids)})"


@writes("nn.functional.embedding_bag")
def embedding_bag(
    call: Call, weight: torch.Tensor, ids: torch.Tensor, offsets: Any = None, *,
    mode: str = "mean", **options: Any,
) -> str:  # fmt: skip
    if offsets is not None or ids.ndim != 2 or options.get("per_sample_weights") is not None:
        raise Excluded("bags of different sizes or weights")
    if options.get("max_norm") is not None or options.get("padding_idx") is not None:
        raise Excluded("rows that a look-up shortens or leaves out")
    return f"{mode}(gather_rows({call.x(weight)}, {call.ids(ids)}), axis=1)"


def padded(call: Call, x: torch.Tensor, pad: Any, mode: str, value: Any = None) -> str:
    """Write a padding; PyTorch names the last axis first."""
    if any(n < 0 for n in pad):
        raise Excluded("a padding that cuts off")
    pairs = [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)][::-1]
    amounts = ", ".join(f"({before}, {after})" for before, after in pairs)
    amounts += "," if len(pairs) == 1 else ""
    fill = "" if not value else f", value={floating(value)}"
    if not pairs:
        return call.x(x)
    return f'pad({call.x(x)}, ({amounts}), mode="{mode}"{fill})'


def _padding(name: str, mode: str) -> None:
    def write(call: Call, x: torch.Tensor, pad: Any, mode: str = mode, value: Any = None) -> str:
        return padded(call, x, pad, mode, value)

    OPERATORS[name] = write


for _mode in ("constant", "reflect", "replicate", "circular"):
    _padding(f"nn.functional.pad.{_mode}", _mode)
_padding("nn.functional.pad.replicate_negative", "replicate")


@writes("constant_pad_nd")
def constant_pad(call: Call, x: torch.Tensor, pad: Any, value: Any = 0) -> str:
    return padded(call, x, pad, "constant", value)


def resized(
    call: Call, x: torch.Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
    align_corners: Any = None, recompute_scale_factor: Any = None, antialias: bool = False,
) -> str:  # fmt: skip
    """Write a resize to a size, or by factors."""
    rank = x.ndim - 2
    if size is None and (mode == "area" or recompute_scale_factor):
        factors = _each(scale_factor, rank)
        size = [int(n * factor) for n, factor in zip(x.shape[2:], factors, strict=True)]
    if mode == "area":
        return f"adaptive_avg_pool({call.x(x)}, {adapted(x, _each(size, rank), rank)})"
    ours = f'mode="{mode.replace("-", "_")}", align={word(bool(align_corners))}'
    ours += f", antialias={word(antialias)}"
    if size is not None:
        return f"resize({call.x(x)}, {ints(size)}, {ours})"
    factors = ", ".join(str(float(factor)) for factor in _each(scale_factor, rank))
    return f"upsample({call.x(x)}, [{factors}], {ours})"


for _mode in ("nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area"):
    OPERATORS[f"nn.functional.interpolate.{_mode}"] = resized


@writes("nn.functional.upsample_nearest")
def upsample_nearest(
    call: Call, x: torch.Tensor, size: Any = None, scale_factor: Any = None
) -> str:
    return resized(call, x, size, scale_factor)


@writes("nn.functional.upsample_bilinear")
def upsample_bilinear(
    call: Call, x: torch.Tensor, size: Any = None, scale_factor: Any = None
) -> str:
    return resized(call, x, size, scale_factor, mode="bilinear", align_corners=True)


@writes("nn.functional.pixel_shuffle")
def pixel_shuffle(call: Call, x: torch.Tensor, upscale_factor: int) -> str:
    return _over_images(call, x, f"pixel_shuffle({{}}, {upscale_factor})")


@writes("nn.functional.pixel_unshuffle")
def pixel_unshuffle(call: Call, x: torch.Tensor, downscale_factor: int) -> str:
    return _over_images(call, x, f"pixel_unshuffle({{}}, {downscale_factor})")


def _over_images(call: Call, x: torch.Tensor, form: str) -> str:
    """Write a layer over images, of which PyTorch allows any number of batch axes."""
    if x.ndim == 4:
        return form.format(call.x(x))
    if x.ndim == 3:
        return batched(call, x, 4, form.format)
    raise Excluded("several batch axes")


@writes("nn.functional.channel_shuffle")
def channel_shuffle(call: Call, x: torch.Tensor, groups: int) -> str:
    return f"channel_shuffle({call.x(x)}, {groups})"


@writes("nn.functional.unfold")
def unfold(
    call: Call, x: torch.Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0,
    stride: Any = 1,
) -> str:  # fmt: skip
    def each(value: Any) -> str:
        sizes = [value] if isinstance(value, int) else list(value)
        return ints(sizes * 2 if len(sizes) == 1 else sizes)

    return batched(
        call, x, 4,
        lambda x: f"unfold({x}, {each(kernel_size)}, stride={each(stride)}, "
        f"pad={each(padding)}, dilation={each(dilation)})",
    )  # fmt: skip


@writes("nn.functional.cosine_similarity")
def cosine_similarity(
    call: Call, x: torch.Tensor, other: torch.Tensor, dim: int = 1, eps: float = 1e-8
) -> str:
    a, b = _stretched(call, x, other)
    if x.ndim == 0:
        raise Excluded("an axis of a number, which has none")
    return f"cosine_similarity({a}, {b}, axis={dim}, eps={floating(eps)})"


@writes("cdist")
def cdist(call: Call, x1: torch.Tensor, x2: torch.Tensor, p: float = 2.0, *_: Any) -> str:
    if x1.ndim != x2.ndim or x1.shape[:-2] != x2.shape[:-2]:
        raise Excluded("batches that are both stretched")
    if p in (0.0, float("inf")):
        raise Excluded("a norm that counts, or takes the largest")
    return f"cdist({call.x(x1)}, {call.x(x2)}, p={float(p)})"


@writes("nn.functional.pairwise_distance")
def pairwise_distance(
    call: Call, x: torch.Tensor, other: torch.Tensor, p: float = 2.0, eps: float = 1e-6,
    keepdim: bool = False,
) -> str:  # fmt: skip
    a, b = _stretched(call, x, other)
    settings = f"p={floating(p)}, eps={floating(eps)}, keep={word(keepdim)}"
    return f"pairwise_distance({a}, {b}, {settings})"


def _stretched(call: Call, *given: torch.Tensor) -> list[str]:
    shape = torch.broadcast_shapes(*(t.shape for t in given))
    return [
        call.x(t) if t.shape == shape else f"expand({call.aligned(t, len(shape))}, {list(shape)})"
        for t in given
    ]


def _loss(name: str, form: str) -> None:
    def write(
        call: Call, x: torch.Tensor, target: torch.Tensor, *, reduction: str = "mean",
        delta: float = 1.0, **options: Any,
    ) -> str:  # fmt: skip
        if reduction != "mean" or any(v is not None for v in options.values()):
            raise Excluded("a loss other than the plain mean")
        return form.format(call.x(x), call.x(target), floating(delta))

    OPERATORS[name] = write


_loss("nn.functional.mse_loss", "mse({}, {})")
_loss("nn.functional.l1_loss", "mae({}, {})")
_loss("nn.functional.huber_loss", "huber({}, {}, delta={})")
_loss("nn.functional.binary_cross_entropy_with_logits", "bce_with_logits({}, {})")


@writes("nn.functional.cross_entropy")
def cross_entropy(
    call: Call, x: torch.Tensor, target: torch.Tensor, weight: Any = None,
    reduction: str = "mean", ignore_index: int = -100, label_smoothing: float = 0.0,
) -> str:  # fmt: skip
    if reduction != "mean":
        raise Excluded("a loss other than the plain mean")
    if target.is_floating_point():
        if weight is not None:
            raise Excluded("weights of classes beside a distribution")
        if label_smoothing:
            raise Excluded("a smoothed distribution as target")
        axis = 1 if x.ndim > 1 else 0
        return f"soft_cross_entropy({call.x(x)}, {call.x(target)}, axis={axis})"
    if x.ndim == 1:
        raise Excluded("a class for a single row")
    return (
        f"cross_entropy({call.x(x)}, {call.x(target)}, axis=1, "
        f"smoothing={floating(label_smoothing)}{counting(weight, ignore_index)})"
    )


def counting(weight: torch.Tensor | None, ignored: int) -> str:
    """Write which labels count how much."""
    weights = [] if weight is None else [floating(w) for w in weight.tolist()]
    return f", ignore={ignored}" + (f", class_weights=[{', '.join(weights)}]" if weights else "")


def plain(options: dict[str, Any], *allowed: str) -> None:
    """Exclude a loss with other options than those that are written, or with another reduction."""
    unsaid = {
        n: v
        for n, v in options.items()
        if n not in allowed and v is not None and (n, v) not in PLAIN
    }
    if unsaid:
        raise Excluded("a loss other than the plain mean")


PLAIN = {("reduction", "mean"), ("ignore_index", -100), ("log_input", True), ("full", False),
         ("swap", False)}  # fmt: skip
"""Options that say what the losses of the prelude do."""


@writes("nn.functional.smooth_l1_loss")
def smooth_l1(call: Call, x: torch.Tensor, target: torch.Tensor, **options: Any) -> str:
    plain(options, "beta")
    beta = options.get("beta", 1.0)
    if beta == 0:
        raise Excluded("an absolute error called smooth")
    return f"smooth_l1({call.x(x)}, {call.x(target)}, beta={floating(beta)})"


@writes("nn.functional.binary_cross_entropy")
def binary_cross_entropy(
    call: Call, x: torch.Tensor, target: torch.Tensor, weight: Any = None, **options: Any
) -> str:
    plain(options | {"weight": weight})
    return f"bce({call.x(x)}, {call.x(target)})"


@writes("nn.functional.nll_loss")
def nll(call: Call, x: torch.Tensor, target: torch.Tensor, **options: Any) -> str:
    plain(options, "weight", "ignore_index")
    if x.ndim == 1:
        raise Excluded("a class for a single row")
    counted = counting(options.get("weight"), options.get("ignore_index", -100))
    return f"nll({call.x(x)}, {call.x(target)}{counted})"


@writes("nn.functional.poisson_nll_loss")
def poisson_nll(call: Call, x: torch.Tensor, target: torch.Tensor, **options: Any) -> str:
    plain(options, "eps")
    return f"poisson_nll({call.x(x)}, {call.x(target)})"


@writes("nn.functional.gaussian_nll_loss")
def gaussian_nll(
    call: Call, x: torch.Tensor, target: torch.Tensor, var: Any, **options: Any
) -> str:
    plain(options, "eps")
    if not isinstance(var, torch.Tensor) or var.shape != x.shape or target.shape != x.shape:
        raise Excluded("operands of a loss that are stretched")
    settings = f"eps={small(options.get('eps', 1e-6))}"
    return f"gaussian_nll({call.x(x)}, {call.x(target)}, {call.x(var)}, {settings})"


@writes("nn.functional.soft_margin_loss")
def soft_margin(call: Call, x: torch.Tensor, target: torch.Tensor, **options: Any) -> str:
    plain(options)
    return f"soft_margin({call.x(x)}, {call.x(target)})"


@writes("nn.functional.margin_ranking_loss")
def margin_ranking(
    call: Call, a: torch.Tensor, b: torch.Tensor, target: torch.Tensor, **options: Any
) -> str:
    plain(options, "margin")
    if not a.shape == b.shape == target.shape:
        raise Excluded("operands of a loss that are stretched")
    sign = call.x(target) if target.is_floating_point() else f"cast({call.x(target)}, f32)"
    given = f"{call.x(a)}, {call.x(b)}, {sign}"
    return f"margin_ranking({given}, margin={floating(options.get('margin', 0.0))})"


@writes("nn.functional.hinge_embedding_loss")
def hinge_embedding(call: Call, x: torch.Tensor, target: torch.Tensor, **options: Any) -> str:
    plain(options, "margin")
    if not bool((target.abs() == 1).all()):
        raise Excluded("labels that are neither 1 nor -1")
    margin = floating(options.get("margin", 1.0))
    return f"hinge_embedding({call.x(x)}, {call.x(target)}, margin={margin})"


@writes("nn.functional.cosine_embedding_loss")
def cosine_embedding(
    call: Call, a: torch.Tensor, b: torch.Tensor, target: torch.Tensor, **options: Any
) -> str:
    plain(options, "margin")
    if a.ndim == 1:
        raise Excluded("a class for a single row")
    given = ", ".join(map(call.x, (a, b, target)))
    return f"cosine_embedding({given}, margin={floating(options.get('margin', 0.0))})"


@writes("nn.functional.triplet_margin_loss")
def triplet(call: Call, a: torch.Tensor, b: torch.Tensor, c: torch.Tensor, **options: Any) -> str:
    plain(options, "margin", "p", "eps")
    if not a.shape == b.shape == c.shape or a.ndim != 2 or options.get("eps", 1e-6) != 1e-6:
        raise Excluded("operands of a loss that are stretched")
    settings = f"margin={floating(options.get('margin', 1.0))}, p={floating(options.get('p', 2))}"
    return f"triplet({call.x(a)}, {call.x(b)}, {call.x(c)}, {settings})"


@writes("nn.functional.multi_margin_loss")
def multi_margin(call: Call, x: torch.Tensor, target: torch.Tensor, **options: Any) -> str:
    plain(options, "p", "margin")
    if x.ndim < 2:
        raise Excluded("a class for a single row")
    margin = floating(options.get("margin", 1.0))
    return f"multi_margin({call.x(x)}, {call.x(target)}, p={options.get('p', 1)}, margin={margin})"


@writes("nn.functional.multilabel_margin_loss")
def multilabel_margin(call: Call, x: torch.Tensor, target: torch.Tensor, **options: Any) -> str:
    plain(options)
    if x.ndim < 2:
        raise Excluded("a class for a single row")
    # PyTorch lists the classes that are true, up to a -1.
    listed = [row[: (*row, -1).index(-1)] for row in target.tolist()]
    if any(len(set(row)) < len(row) for row in listed):
        raise Excluded("a class that is true twice")
    several = torch.zeros(x.shape, dtype=torch.bool)
    for row, classes in zip(several, listed, strict=True):
        row[classes] = True
    return f"multilabel_margin({call.x(x)}, {call.x(several)})"


@writes("nn.functional.multilabel_soft_margin_loss")
def multilabel_soft_margin(
    call: Call, x: torch.Tensor, target: torch.Tensor, **options: Any
) -> str:
    plain(options)
    sides = call.x(target) if target.is_floating_point() else f"cast({call.x(target)}, f32)"
    return f"bce_with_logits({call.x(x)}, {sides})"


def _unpool(rank: int) -> None:
    def write(
        call: Call, x: torch.Tensor, indices: torch.Tensor, kernel_size: Any, stride: Any = None,
        padding: Any = 0, output_size: Any = None,
    ) -> str:  # fmt: skip
        function = getattr(torch.nn.functional, f"max_unpool{rank}d")
        made = function(x, indices, kernel_size, stride, padding, output_size)
        sizes = ints(tuple(made.shape[-rank:]))
        if x.ndim == rank + 2:
            return f"max_unpool({call.x(x)}, {call.x(indices)}, {sizes})"
        one = f"unsqueeze({call.x(x)}, 0), unsqueeze({call.x(indices)}, 0)"
        return f"squeeze(max_unpool({one}, {sizes}), 0)"

    OPERATORS[f"nn.functional.max_unpool{rank}d"] = write


for _rank in (1, 2, 3):
    _unpool(_rank)
