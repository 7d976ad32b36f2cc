"""Requirements on the inputs, filters and biases of convolutions."""

from __future__ import annotations

from collections.abc import Sequence

from netlang.diagnostics import rules
from netlang.ir.dims import Dim, Shape, Size, divides, divisors
from netlang.ir.op import OperandError, Primitive, Sample
from netlang.ir.types import F32, TensorType
from netlang.ops.arguments import rejected
from netlang.ops.checks import require_dtype_of, require_float


def kernel_of(w: TensorType, spatial: Shape) -> tuple[int, ...]:
    """Return the kernel size; raises ``OperandError`` if it does not fit the input."""
    sizes = w.shape[2:]
    if w.rank < 3 or len(sizes) != len(spatial):
        raise OperandError(
            f"these filters must have {len(spatial) + 2} axes",
            operand=1,
            label=f"this is {w}",
            notes=["two for channels, and one per spatial axis of the map"],
        )
    kernel: list[int] = []
    for size in sizes:
        if isinstance(size, Dim):
            raise OperandError(
                "the size of a window must be known", operand=1, label=f"this is {w}"
            )
        if size < 1:
            raise rejected("kernel", "must be 1 or more", size)
        kernel.append(size)
    return tuple(kernel)


def require_floats(*types: TensorType) -> None:
    """Raise ``OperandError`` unless all operands have the same floating-point type."""
    require_float("convolve", types[0])
    for i, t in enumerate(types[1:], start=1):
        require_dtype_of(types[0], t, operand=i)


def require_groups(groups: int, channels: Size, filters: Size, *, operand: int) -> None:
    """Raise ``OperandError`` unless channels and filters divide into groups.

    ``operand`` is the position of the operand with the channels.
    """
    if groups < 1:
        raise rejected("groups", "must be 1 or more", groups)
    for what, size in (("channels", channels), ("filters", filters)):
        if size == 0:
            raise OperandError(f"a convolution of no {what} makes nothing", rule=rules.OUT_OF_RANGE)
        if divides(groups, size):
            continue
        fits = divisors(*(n for n in (channels, filters) if isinstance(n, int))) or [1]
        raise OperandError(
            f"{size} {what} don't divide into {groups} groups",
            rule=rules.GROUPS_MISMATCH,
            operand=operand if what == "channels" else None,
            label=f"this has {size} channels" if what == "channels" else "",
            notes=[
                f"{channels} channels come in, {filters} go out; each group gets an equal share"
            ],
            helps=[f"`groups` can be {_choices(fits)}"],
        )


def _choices(values: Sequence[int]) -> str:
    texts = [str(v) for v in values]
    if len(texts) > 8:
        texts = [*texts[:6], "...", texts[-1]]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"


def require_channels(x: TensorType, w: TensorType, expected: Size) -> None:
    """Raise ``OperandError`` unless the input has the channels that the filters expect."""
    if x.shape[1] != expected:
        raise OperandError(
            f"the map has {x.shape[1]} channels, and the filters want {expected}",
            operand=0,
            label=f"this is {x}",
            notes=[f"the filters are {w}"],
        )


def require_bias(bias: Sequence[TensorType], filters: Size) -> None:
    """Raise ``OperandError`` unless there is at most one bias, with a number per filter."""
    if len(bias) > 1:
        raise OperandError("a convolution takes one bias", operand=3, label="one too many")
    if bias and bias[0].shape != (filters,):
        raise OperandError(
            "the bias must have one number per filter",
            operand=2,
            label=f"this is {bias[0]}, not [{filters}]",
        )


def sample(
    op: Primitive, x: Shape, w: Shape, *, bias: bool = True, out: int | None = None
) -> Sample:
    """Return a sample of an input, filters and a bias for ``out`` filters."""
    last = [TensorType(F32, (w[0] if out is None else out,))] if bias else []
    return Sample(op, (TensorType(F32, x), TensorType(F32, w), *last))
