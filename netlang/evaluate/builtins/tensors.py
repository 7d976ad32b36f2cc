"""Built-ins for properties of tensors that are known while a file is checked."""

from __future__ import annotations

import math
from typing import cast

from netlang.diagnostics import rules
from netlang.diagnostics.fix import replacement
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import Suggestion
from netlang.evaluate.builtins.registry import Args, Values, compile_time
from netlang.evaluate.builtins.weights import positive
from netlang.evaluate.context.frame import Frame, reject
from netlang.evaluate.context.limits import known_int
from netlang.evaluate.context.values import Object, Word
from netlang.ir.dims import Dim, divisors
from netlang.ir.graph import Value
from netlang.syntax import ast


@compile_time("tensor")
def _tensor(values: Values, args: Args, _n: ast.Expr, span: Span, frame: Frame) -> Object:
    from netlang.evaluate.builtins.literals import tensor_of

    return tensor_of(args["values"], args.get("dtype"), span, frame)


@compile_time("rank")
def _rank(values: Values, args: Args, _n: ast.Expr, _s: Span, _f: Frame) -> Object:
    value = values["x"]
    assert isinstance(value, Value)
    return value.type.rank


@compile_time("size")
def _size(values: Values, args: Args, _n: ast.Expr, _s: Span, _f: Frame) -> Object:
    value, axis = values["x"], known_int("axis", values["axis"], args["axis"].span)
    assert isinstance(value, Value)
    if not -value.type.rank <= axis < value.type.rank:
        reject(
            rules.AXIS_OUT_OF_RANGE,
            f"there is no axis {axis}",
            args["axis"].span,
            f"{value.type} has {value.type.rank}, numbered from 0",
        )
    return value.type.shape[axis]


@compile_time("shape")
def _shape(values: Values, args: Args, _n: ast.Expr, _s: Span, _f: Frame) -> Object:
    value = values["x"]
    assert isinstance(value, Value)
    return list(value.type.shape)


@compile_time("element")
def _element(values: Values, args: Args, _n: ast.Expr, _s: Span, _f: Frame) -> Object:
    value = values["x"]
    assert isinstance(value, Value)
    return value.type.dtype


@compile_time("per_axis")
def _per_axis(values: Values, args: Args, _n: ast.Expr, span: Span, frame: Frame) -> Object:
    kernel, axes = values["kernel"], known_int("axes", values["axes"], args["axes"].span)
    if not isinstance(kernel, list | tuple):
        if isinstance(kernel, int) and values["least"] == 1:
            positive(kernel, args["kernel"].span, frame)
        frame.run.budget.reserve(axes, span)
        return [kernel for _ in range(axes)]
    if len(kernel) != axes:
        reject(
            rules.WRONG_TYPE,
            f"a kernel of {len(kernel)} sizes for {axes} axes",
            args["kernel"].span,
            "give one int, or one per axis",
        )
    return list(kernel)


@compile_time("same_padding")
def _same_padding(values: Values, args: Args, _n: ast.Expr, _s: Span, _f: Frame) -> Object:
    from netlang.ops.windows.windows import same_at_run_time

    x, kernel = values["x"], cast("list[int]", values["kernel"])
    assert isinstance(x, Value)
    spatial, axes = x.type.shape[2:], len(kernel)
    if values["pad"] != Word("same") or len(spatial) != axes:
        return None
    # What is not valid is rejected by the convolution.
    stride, dilation = (_positive(values[name], axes) for name in ("stride", "dilation"))
    if not stride or not dilation:
        return None
    extent = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    return same_at_run_time(spatial, extent, stride) or None


def _positive(given: Object, axes: int) -> list[int]:
    """Return a number for each axis; nothing where some are not valid."""
    listed = list(given) if isinstance(given, list | tuple) else [given] * axes
    numbers = [n for n in listed if isinstance(n, int) and n > 0]
    return numbers if len(numbers) == len(listed) == axes else []


def _numbered(channels: Object, frame: Frame) -> Suggestion:
    """Suggest how the number of channels becomes known."""
    from netlang.evaluate.types.axis_order import in_front_of_parameters

    found = in_front_of_parameters(channels, frame) if isinstance(channels, Dim) else None
    plain: Suggestion = {
        "helps": ("give the channels a number in the net's signature",),
        "fixes": (),
    }
    return found or plain


@compile_time("channels_per_group")
def _channels_per_group(
    values: Values, args: Args, _n: ast.Expr, span: Span, frame: Frame
) -> Object:
    channels, groups, side = values["channels"], values["groups"], values["side"]
    if not isinstance(channels, int) or not isinstance(groups, int):
        reject(
            rules.SYMBOLIC_WEIGHT,
            "a parameter's shape must be known when the file is checked",
            span,
            f"the {side} channels are {channels}",
            **_numbered(channels, frame),
        )
    positive(groups, args["groups"].span, frame)
    positive(channels, args["channels"].span, frame)
    if groups < 1:
        reject(rules.OUT_OF_RANGE, "`groups` must be at least 1", span, f"it is {groups}")
    if channels % groups:
        reject(
            rules.GROUPS_MISMATCH,
            f"{channels} {side} channels don't divide into {groups} groups",
            span,
            f"{channels} is not a multiple of {groups}",
            **_grouped(channels, groups, frame),
        )
    return channels // groups


def _grouped(channels: int, groups: int, frame: Frame) -> Suggestion:
    """Suggest numbers of groups that divide both channel counts, or of channels."""
    counts = [s.value for n in ("C", "out") if (s := frame.find(n)) is not None]
    known = [count for count in counts if isinstance(count, int)]
    if groups > 1 and known[:1] == [groups]:
        least = channels // groups * groups
        sizes = [str(size) for size in (least, least + groups) if size]
        help = (
            f"each input channel has its own group: make {' or '.join(sizes)} channels, and mix "
            f"them with `conv({channels}, 1)`"
        )
        return {"helps": (help,), "fixes": ()}
    fitting = divisors(math.gcd(channels, *known))
    slot = frame.find("groups")
    below = [n for n in fitting if n < groups][-1:]
    near = [*below, *[n for n in fitting if n > groups][:1]]
    own = slot is not None and not slot.span.source.library and slot.span.text == str(groups)
    fixes = tuple(replacement(slot.span, str(n)) for n in near) if slot is not None and own else ()
    return {"helps": (_groups_help(fitting),), "fixes": fixes}


def _groups_help(fitting: list[int]) -> str:
    """Return help that lists the numbers of groups that divide both channel counts."""
    if fitting == [1]:
        return "no other number than 1 divides the channels on both sides: `groups=1`"
    shown = fitting if len(fitting) < 10 else [*fitting[:5], "...", *fitting[-2:]]
    return f"`groups` can be {', '.join(map(str, shown))}"
