"""What to do about a mistake: the words of other tools, and the call as it should be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import did_you_mean, nearest
from netlang.ir.types import DType

PARAMETERS: dict[str, str] = {
    "padding": "pad", "kernelsize": "kernel", "poolsize": "kernel",
    "dim": "axis", "dims": "axis", "axes": "axis", "keepdim": "keep", "keepdims": "keep",
    "outfeatures": "out", "outchannels": "out", "filters": "out", "outputsize": "out",
    "outputdim": "dim", "dilationrate": "dilation", "usebias": "bias", "epsilon": "eps",
    "p": "rate", "numembeddings": "vocab", "inputdim": "vocab", "embeddingdim": "dim",
    "hiddensize": "units", "numunits": "units", "kernelinitializer": "init", "std": "std",
    "scalefactor": "scale", "aligncorners": "align", "interpolation": "mode", "ceilmode": "ceil",
    "countincludepad": "count_pad", "numgroups": "groups", "negativeslope": "slope",
    "learningrate": "lr", "weightdecay": "decay", "batchsize": "size", "numlayers": "layers",
    "outputpadding": "out_pad", "depthmultiplier": "multiplier",
    "units": "out", "numheads": "heads", "numparameters": "slopes", "normtype": "p",
    "alpha": "slope", "min": "low", "minval": "low", "max": "high", "maxval": "high",
    "lambd": "limit", "threshold": "limit", "startdim": "start", "enddim": "end",
    "upscalefactor": "factor", "downscalefactor": "factor", "blocksize": "factor",
    "center": "shift", "ignoreindex": "ignore",
    "labelsmoothing": "smoothing", "weight": "class_weights", "classweight": "class_weights",
}  # fmt: skip
"""What people call parameters elsewhere, in small letters without underscores."""

_UNWRITTEN = frozenset(
    {
        *("infeatures", "inchannels", "inputshape", "inputsize", "numfeatures"),
        *("normalizedshape", "inputchannels", "inputdim", "embeddim", "dmodel", "numchannels"),
    }
)
_ADVICE = {
    "activation": "leave it out and pass the result on: `|> relu`",
    "name": "give the call a name with `as`: `dense(x, 10) as head`",
    "device": "leave it out: where a net runs is chosen when it is run",
    "inplace": "leave it out: values never change",
    "returnsequences": "leave it out: the results are `.y`, every step, and `.h`, the last one",
    "affine": "say it for each: `scale=` is the factor, `shift=` what is added",
    "elementwiseaffine": "say it for each: `scale=` is the factor, `shift=` what is added",
    "dataformat": "leave it out: channels stand second, [N, C, H, W]; `transpose` other data",
    "divisoroverride": "multiply the result: by 4 / 3 to divide windows of 4 by 3",
    "dtype": "leave it out: weights have the element type of what comes in",
    "height": "sizes stand in a list: `[224, 224]`",
    "kernelregularizer": "add `l2(weights(model))` to the loss, or give the optimizer a `decay=`",
    "noiseshape": "`dropout_channels` drops whole channels, `drop_path` whole rows",
    "paddingidx": "multiply by a mask of the words: what is 0 gets no gradient",
    "paddingmode": 'surround the map first: `pad([(1, 1), (1, 1)], mode="reflect")`',
    "returnindices": "`max_pool_indices` gives the places, too",
    "size": "`resize` takes the size to reach",
    "threshold": "leave it out: large numbers are exact without it",
    "trackrunningstats": "leave it out: batch norm has running statistics, other norms have none",
    "training": "leave it out: `train` draws and normalises by the batch, all else does not",
    "width": "sizes stand in a list: `[224, 224]`",
    "reduction": "leave it out: a loss is a mean; a sum is that times the number of rows",
    "fromlogits": "leave it out: `cross_entropy` takes logits, `nll` logarithms of probabilities",
    "recomputescalefactor": "leave it out, or say the size to reach: `resize(x, [H * 3 // 2, …])`",
    "batchfirst": "leave it out: the batch always comes first",
}

ELEMENTS: dict[str, str] = {
    "float": "f32", "float32": "f32", "float64": "f64", "double": "f64", "float16": "f16",
    "half": "f16", "bfloat16": "bf16", "int": "i64", "int64": "i64", "long": "i64",
    "int32": "i32", "int16": "i16", "int8": "i8", "uint8": "u8", "byte": "u8", "boolean": "bool",
}  # fmt: skip
"""What element types are called elsewhere."""

KINDS: dict[str, str] = {
    "optimizer": "such as `sgd(0.1)` or `adam()`",
    "clip": "such as `clip_norm(1.0)` or `clip_value(0.5)`",
    "stop": "such as `early_stop(acc, patience=5 epochs)`",
    "checkpoint": 'such as `save_best(model, "best.safetensors", by=acc)`',
    "group": "such as `group(model, decay=0.0)`",
    "transform": "such as `flip()` or `crop(224)`",
    "init": "such as `normal(0.01)`, or a number",
    "init_rule": "say for which weights: `fill(weights(model), xavier_uniform())`",
    "duration": "such as `10 epochs` or `500 steps`",
}
"""A value of each type that people try to write otherwise."""

_METHODS = {"view": "reshape", "permute": "transpose", "t": "transpose", "ndim": "rank",
            "dim": "rank", "numpy": "", "item": "", "to": "cast", "type": "cast"}  # fmt: skip


def parameter_helps(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Say which parameter an unknown one stands for."""
    folded, parameters = _folded(name), list(known)
    ours = PARAMETERS.get(folded)
    if ours in parameters:
        return (f"netlang calls this `{ours}`",)
    if folded in _UNWRITTEN:
        return ("leave it out: it is read from the shape that comes in",)
    if folded in _ADVICE:
        return (_ADVICE[folded],)
    near = did_you_mean(name, parameters)
    if not near:
        there = {theirs: ours for theirs, ours in PARAMETERS.items() if ours in parameters}
        meant = nearest(folded, there)
        near = (f"did you mean `{there[meant]}`?",) if meant is not None else ()
    return near


def element_helps(name: str) -> tuple[str, ...]:
    """Say which element type an unknown one stands for."""
    known = [d.value for d in DType]
    near = ELEMENTS.get(name.lower()) or nearest(name, known)
    if near is not None:
        return (f"did you mean `{near}`?",)
    return (f"element types: {' '.join(known)}",)


def method_helps(name: str, on: str, visible: Iterable[str]) -> tuple[str, ...]:
    """Say how to write what would be a method of a tensor elsewhere."""
    if name in ("shape", "size"):
        return (
            f"one size is `size({on}, 1)`, all are `shape({on})`; "
            "or name them in the signature: `x: f32[N, C, H, W]`",
        )
    from netlang.advice.layers import ours_of

    known = set(visible)
    ours = _METHODS.get(name) or ours_of(name) or name
    if ours in known:
        return (f"write it as a call: `{ours}({on}, …)` or `{on} |> {ours}(…)`",)
    return ("its sizes have names in the signature: `x: f32[N, C, H, W]`",)


def completed(span: Span, name: str, missing: Sequence[str]) -> str:
    """Write a call with the arguments it lacks."""
    text = " ".join(span.text.split())
    added = ", ".join(f"{parameter}=…" for parameter in missing)
    if len(text) > 60 or not text.startswith(name):
        return f"{name}(…, {added})"
    if text == name:
        return f"{name}({added})"
    opened = text[:-1].rstrip(" ,")
    return f"{opened}{added})" if opened.endswith("(") else f"{opened}, {added})"


def with_tensor(span: Span, name: str) -> tuple[str, ...]:
    """Write a call that lacks its tensor: with it, and as a layer to be called later."""
    text = " ".join(span.text.split())
    if not text.startswith(f"{name}(") or len(text) > 60:
        text = f"{name}(…)"
    rest = text[len(name) + 1 :]
    return (
        f"the tensor comes first: `{name}(x, {rest}` or `x |> {text}`",
        f"to make a layer now and call it later, write `new {text}`",
    )


def _folded(name: str) -> str:
    return name.lower().replace("_", "")
