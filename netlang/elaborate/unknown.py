"""Names nobody defined: what the writer may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from netlang.diagnostics import nearest
from netlang.elaborate.frame import Frame, refuse
from netlang.source import Span

SYNONYMS: dict[str, str] = {
    "add": "`+`",
    "and_": "`and`",
    "avgpool": "avg_pool",
    "avgpool1d": "avg_pool",
    "avgpool2d": "avg_pool",
    "avgpool3d": "avg_pool",
    "averagepooling2d": "avg_pool",
    "averagepool": "avg_pool",
    "bn": "batch_norm",
    "batchnormalization": "batch_norm",
    "batchnorm1d": "batch_norm",
    "batchnorm2d": "batch_norm",
    "batchnorm3d": "batch_norm",
    "bceloss": "bce_with_logits",
    "bcewithlogitsloss": "bce_with_logits",
    "bmm": "`@`",
    "cat": "concat",
    "concatenate": "concat",
    "conv1d": "conv",
    "conv2d": "conv",
    "conv3d": "conv",
    "convolution": "conv",
    "convolution2d": "conv",
    "convtranspose1d": "conv_transpose",
    "convtranspose2d": "conv_transpose",
    "conv2dtranspose": "conv_transpose",
    "deconv": "conv_transpose",
    "crossentropyloss": "cross_entropy",
    "crossentropy": "cross_entropy",
    "depthwiseconv2d": "depthwise_conv",
    "separableconv2d": "separable_conv",
    "fc": "dense",
    "fullyconnected": "dense",
    "linear": "dense",
    "innerproduct": "dense",
    "adaptiveavgpool2d": "adaptive_avg_pool",
    "adaptivemaxpool2d": "adaptive_max_pool",
    "globalaveragepooling2d": "global_avg_pool",
    "globalavgpool": "global_avg_pool",
    "gap": "global_avg_pool",
    "layernorm": "layer_norm",
    "layernormalization": "layer_norm",
    "groupnorm": "group_norm",
    "localresponsenorm": "local_response_norm",
    "lrn": "local_response_norm",
    "leakyrelu": "leaky_relu",
    "logsoftmax": "log_softmax",
    "maxpool": "max_pool",
    "maxpool1d": "max_pool",
    "maxpool2d": "max_pool",
    "maxpool3d": "max_pool",
    "maxpooling2d": "max_pool",
    "mseloss": "mse",
    "l1loss": "l1_loss",
    "matmul": "`@`",
    "mm": "`@`",
    "mul": "`*`",
    "multiply": "`*`",
    "permute": "transpose",
    "view": "reshape",
    "swish": "silu",
    "dropout2d": "dropout",
    "spatialdropout2d": "dropout",
    "upsamplingnearest2d": "upsample",
    "upsampling2d": "upsample",
    "where": "select",
    "embeddings": "embedding",
    "avg": "mean",
    "reduce_mean": "mean",
    "reducemean": "mean",
    "reducesum": "sum",
    "clip": "clamp",
    "relu_": "relu",
    "hard_swish": "hardswish",
    "zeropadding2d": "pad",
    "zeropad2d": "pad",
    "activation": "relu",
    "simplernn": "rnn",
    "torch": "",
    "nn": "",
    "tf": "",
    "keras": "",
    "true": "true",
    "false": "false",
    "self": "",
    "identity": "",
    "input": "",
    "sequential": "",
    "print": "",
    "range": "`1..n`",
}
"""What other frameworks call things, in small letters without underscores."""

ADVICE: dict[str, str] = {
    "identity": "leave it out: a value stands for itself",
    "sequential": "join the layers with `|>`",
    "input": "the inputs stand in the net's signature",
    "print": "`netlang summary` shows every shape; a shape in a pipeline checks one",
    "self": "weights belong to the binding that makes them; there is no object to name",
    "torch": "layers are called by their names alone: `conv`, `relu`, ...",
    "nn": "layers are called by their names alone: `conv`, `relu`, ...",
    "tf": "layers are called by their names alone: `conv`, `relu`, ...",
    "keras": "layers are called by their names alone: `conv`, `relu`, ...",
}

MODULES = frozenset({"torch", "nn", "F", "tf", "keras", "layers", "np", "jnp", "jax", "K"})
"""Modules whose functions people call by a point."""

_INPUTS_UNWRITTEN = frozenset(
    {"conv1d", "conv2d", "conv3d", "linear", "batchnorm1d", "batchnorm2d", "batchnorm3d"}
)


def refuse_unknown(name: str, span: Span, frame: Frame) -> NoReturn:
    """Report a name that nothing defines, with what it may stand for."""
    if name == "batch" and frame.run.training and frame.call is None:
        refuse(
            "used-early",
            "`batch` is used before `data`",
            span,
            "its columns aren't known yet",
            helps=("put `data = …` first",),
        )
    refuse_unknown_name(name, span, frame.visible())


def refuse_unknown_name(name: str, span: Span, visible: Iterable[str]) -> NoReturn:
    """Report a name that is not among the visible ones."""
    notes, helps = advice(name, visible)
    refuse(
        "unknown-name",
        f"I don't know `{name}`",
        span,
        "not defined in this block, this file, or the prelude",
        notes=notes,
        helps=helps,
    )


def advice(name: str, visible: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give notes and helps for an unknown name."""
    known = set(visible)
    folded = name.lower().replace("_", "")
    if folded in ADVICE:
        return (), (ADVICE[folded],)
    ours = SYNONYMS.get(folded) or SYNONYMS.get(name.lower())
    if ours and (ours in known or ours.startswith("`")):
        notes: tuple[str, ...] = ()
        if folded in _INPUTS_UNWRITTEN:
            notes = ("the number of inputs isn't written: it is read from the shape that comes in",)
        shown = ours if ours.startswith("`") else f"`{ours}`"
        return notes, (f"netlang calls this {shown}",)
    for candidate in known:
        if candidate.lower().replace("_", "") == folded and candidate != name:
            return (), (f"did you mean `{candidate}`?",)
    near = nearest(name, known)
    return (), (f"did you mean `{near}`?",) if near else ()
