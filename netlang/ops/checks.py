"""Requirements that several operators share, and the errors they raise."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from netlang.diagnostics import rules
from netlang.ir.dims import Shape, Size, substitute
from netlang.ir.op import OperandError
from netlang.ir.types import DType, TensorType
from netlang.ops.arguments import axis_of
from netlang.ops.clauses import where_help

Pair = tuple[Size, Size]
Positions = tuple[int, int]
"""Positions of two operands among several; an error about exactly two operands shows both."""


def shape_text(shape: Shape) -> str:
    """Return a shape as the language writes it.

    >>> shape_text((2, 784))
    '[2, 784]'
    """
    return f"[{', '.join(map(str, shape))}]"


def require_float(op: str, *types: TensorType) -> None:
    """Raise ``OperandError`` at the first operand whose elements are not floating-point numbers."""
    for position, x in enumerate(types):
        if not x.dtype.is_float:
            raise OperandError(
                f"`{op}` needs floating-point numbers, not {x.dtype}",
                rule=rules.DTYPE_MISMATCH,
                operand=position,
                label=f"this is {x}",
                helps=(f"convert with `cast({{{position}}}, f32)`",),
            )


def require_indices(ids: TensorType, operand: int) -> None:
    """Raise ``OperandError`` for indices that are not integers."""
    if ids.dtype not in (DType.I64, DType.I32):
        raise OperandError(
            f"indices are i64 elements, not {ids.dtype}",
            rule=rules.DTYPE_MISMATCH,
            operand=operand,
            label=f"this is {ids}",
            helps=[f"if these are integers, convert them: `cast({{{operand}}}, i64)`"],
        )


def require_number(op: str, *types: TensorType) -> None:
    """Raise ``OperandError`` at the first operand whose elements are Booleans."""
    for position, x in enumerate(types):
        if x.dtype is DType.BOOL:
            raise OperandError(
                f"`{op}` needs numbers, not bool",
                rule=rules.DTYPE_MISMATCH,
                operand=position,
                label=f"this is {x}",
                helps=(f"convert with `cast({{{position}}}, f32)`",)
                if sum(t.dtype is DType.BOOL for t in types) == 1
                else ("convert each with `cast(…, f32)`",),
            )


def require_integer(op: str, *types: TensorType, help: str) -> None:
    """Raise ``OperandError`` at the first operand whose elements are not integers."""
    for position, x in enumerate(types):
        if not x.dtype.is_integer:
            raise OperandError(
                f"`{op}` needs integers, not {x.dtype}",
                rule=rules.DTYPE_MISMATCH,
                operand=position,
                label=f"this is {x}",
                helps=(help,),
            )


def require_bool(op: str, *types: TensorType) -> None:
    """Raise ``OperandError`` at the first operand whose elements are not Booleans."""
    for position, x in enumerate(types):
        if x.dtype is not DType.BOOL:
            raise OperandError(
                f"`{op}` needs bool elements, not {x.dtype}",
                rule=rules.DTYPE_MISMATCH,
                operand=position,
                label=f"this is {x}",
                helps=(f"compare first, for example `{{{position}}} > 0`",),
            )


def require_same_dtype(a: TensorType, b: TensorType, *, at: Positions | None = None) -> None:
    """Raise ``OperandError`` if element types differ; ``at`` holds the operands' positions."""
    if a.dtype is b.dtype:
        return
    left, right = at or (0, 1)
    # Suggest the floating-point side: the other direction would lose digits.
    widen_left = b.dtype.is_float and not a.dtype.is_float
    target, position = (b.dtype, left) if widen_left else (a.dtype, right)
    raise OperandError(
        f"one side has {a.dtype} elements and the other {b.dtype}",
        rule=rules.DTYPE_MISMATCH,
        operand=at and at[0],
        label=str(a) if at else "",
        notes=("element types are never converted silently",),
        helps=(f"convert one side: `cast({{{position}}}, {target})`",),
    )


def require_dtype_of(x: TensorType, v: TensorType, *, operand: int) -> None:
    """Raise ``OperandError`` unless the operand ``v`` has the element type of the first operand."""
    if v.dtype is not x.dtype:
        raise OperandError(
            f"one side has {x.dtype} elements and the other {v.dtype}",
            rule=rules.DTYPE_MISMATCH,
            operand=operand,
            label=f"this is {v}",
            helps=(f"convert it: `cast({{{operand}}}, {x.dtype})`",),
        )


def require_rank(op: str, x: TensorType, least: int, layout: str, *, operand: int = 0) -> None:
    """Raise ``OperandError`` for a tensor with fewer dimensions than ``layout`` names."""
    if x.rank < least:
        raise OperandError(
            f"`{op}` works on {layout}",
            rule=rules.RANK_MISMATCH,
            operand=operand,
            label=f"this is {x}",
            notes=(f"it has {count(x.rank, 'dimension')}, and {least} are needed at least",),
        )


def require_vector(op: str, name: str, v: TensorType, x: TensorType, *, operand: int) -> None:
    """Raise ``OperandError`` unless ``v`` holds one number per channel (axis 1) of ``x``."""
    require_dtype_of(x, v, operand=operand)
    if v.shape != (x.shape[1],):
        raise OperandError(
            f"`{op}` needs one `{name}` for each channel",
            operand=operand,
            label=f"this is {v}",
            notes=(f"dimension 1 of {x} is {x.shape[1]}: `{name}` must be {v.dtype}"
                   f"{shape_text((x.shape[1],))}",),
        )  # fmt: skip


def require_elements(op: str, x: TensorType, axes: Sequence[int]) -> None:
    """Raise ``OperandError`` for a tensor whose size along one of the axes is known to be 0."""
    for axis in axes:
        if x.shape[axis] == 0:
            raise OperandError(
                f"`{op}` needs at least one element along axis {axis}",
                operand=0,
                label=f"this is {x}",
            )


def require_positive(op: str, name: str, value: float) -> None:
    """Raise ``OperandError`` for an attribute that is not positive."""
    if not value > 0:
        raise OperandError(
            f"`{name}` of `{op}` must be above 0, not {value}", rule=rules.OUT_OF_RANGE
        )


def normal_axes(axes: Sequence[int], x: TensorType) -> tuple[int, ...]:
    """Return the axes counted from the front, in order.

    Raises ``OperandError`` for one that is out of range or named twice.
    """
    result = sorted(axis_of(x, axis) for axis in axes)
    for axis, after in pairwise(result):
        if axis == after:
            raise OperandError(
                f"axis {axis} of a rank-{x.rank} tensor is named twice",
                rule=rules.AXIS_OUT_OF_RANGE,
                operand=0,
                label=f"this is {x}",
            )
    return tuple(result)


def broadcast(a: TensorType, b: TensorType, *, at: Positions | None = None) -> Shape:
    """Return the shape of an element-wise operation on two tensors.

    A tensor of rank 0 fits every shape. Tensors of the same rank fit where their dimensions are
    equal or one of them is 1. A tensor of lower rank is repeated over the leading dimensions if it
    is the only one that is expanded. ``at`` holds their positions if there are other operands.

    >>> from netlang.ir.types import F32
    >>> broadcast(TensorType(F32, (2, 3)), TensorType(F32, (3,)))
    (2, 3)
    """
    if a.shape == b.shape or b.rank == 0:
        return a.shape
    if a.rank == 0:
        return b.shape
    pairs = _aligned(a.shape, b.shape)
    if any(m != n and m != 1 and n != 1 for m, n in pairs):
        raise misfit(a, b, at)
    together = tuple(n if m == 1 else m for m, n in pairs)
    if a.rank == b.rank:
        return together
    high = a if a.rank > b.rank else b
    if together != high.shape:
        raise _stretched_twice(a, b, together, at)
    return together


def misfit(a: TensorType, b: TensorType, at: Positions | None) -> OperandError:
    """Return the error for two shapes that do not fit: where they differ, and what would help."""
    same_rank = a.rank == b.rank
    lines: list[str] = []
    differing: list[Pair] = []
    pairs = _aligned(a.shape, b.shape)
    shared = min(a.rank, b.rank)
    for i, (m, n) in enumerate(pairs):
        from_end = i - len(pairs)
        if m == n or 1 in (m, n) or from_end < -shared:
            continue
        differing.append((m, n))
        axis = i if same_rank else from_end
        lines.append(f"dimension {axis} is {m} on the left and {n} on the right")
    notes = ["\n".join(lines)]
    if not same_rank:
        notes.append(
            f"the left has {count(a.rank, 'dimension')} and the right {b.rank}: "
            "they are compared from the last one"
        )
    more, helps = rounding(differing)
    positions = at or (0, 1)
    either = _projections(a, b, positions) if a.dtype is b.dtype else {}
    # Strides first: they are how a feature map is usually brought to the size of another.
    strided = sorted(either.values(), key=lambda help: (help[0] != "p", "stride" in help))
    helps = (
        *helps,
        *strided,
        *_same_size(a, b),
        *_per_channel(a, b, positions),
    )
    return OperandError(
        "these two shapes don't fit together",
        operand=at and at[0],
        other=at and at[1],
        label=str(a) if at else "",
        notes=(*notes, *more),
        helps=helps[:1],
        either=either,
        wanted=_resized(a, b, positions),
    )


def _resized(a: TensorType, b: TensorType, at: Positions) -> dict[int, Shape]:
    """Return the shapes in which one of two feature maps would fit the other, by position."""
    return {at[0]: b.shape, at[1]: a.shape} if a.rank == b.rank else {}


def rounding(differing: Sequence[Pair]) -> tuple[list[str], list[str]]:
    """Return notes and helps for sizes that differ only by rounding; empty if they do not."""
    sizes = [size for pair in differing for size in pair]
    helps = where_help(
        sizes, lambda known: all(substitute(m, known) == substitute(n, known) for m, n in differing)
    )
    if not helps:
        return [], []
    m, n = differing[0]
    return [f"`//` rounds down: {n} and {m} are equal only for some sizes"], helps


def count(n: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, in the singular or the plural.

    >>> count(1, "dimension"), count(2, "axis", "axes")
    ('1 dimension', '2 axes')
    """
    return f"{n} {noun}" if n == 1 else f"{n} {plural or noun + 's'}"


def _aligned(a: Shape, b: Shape) -> list[Pair]:
    rank = max(len(a), len(b))
    left: Shape = (1,) * (rank - len(a)) + a
    right: Shape = (1,) * (rank - len(b)) + b
    return list(zip(left, right, strict=True))


def _stretched_twice(
    a: TensorType, b: TensorType, together: Shape, at: Positions | None
) -> OperandError:
    high, low = (a, b) if a.rank > b.rank else (b, a)
    left, right = at or (0, 1)
    high_at, low_at = (left, right) if high is a else (right, left)
    extra = high.rank - low.rank
    helps: list[str] = []
    dropped = _dropped(high.shape, low.shape)
    if dropped is not None:
        fix = f"{{{high_at}}}"
        for rank, axis in zip(range(high.rank, 0, -1), reversed(dropped), strict=False):
            fix = f"squeeze({fix}, {-1 if axis == rank - 1 else axis})"
        noun = "the extra dimension" if len(dropped) == 1 else "the extra dimensions"
        helps.append(f"to match them one to one, drop {noun}: `{fix}`")
    pair = f"{{{low_at}}}"
    for _ in range(extra):
        pair = f"unsqueeze({pair}, 0)"
    helps.append(f"if you do want every pair, say so: `{pair}`")
    return OperandError(
        "both sides would have to be broadcast",
        rule=rules.BROADCAST_BOTH,
        operand=at and at[0],
        label=str(a) if at else "",
        notes=(
            f"together they would make {shape_text(together)}, which is bigger than either side",
        ),
        helps=helps,
    )


def _dropped(high: Shape, low: Shape) -> tuple[int, ...] | None:
    """Return the dimensions of size 1 that make ``low`` of ``high`` when dropped."""
    kept, dropped = len(low) - 1, list[int]()
    for axis in range(len(high) - 1, -1, -1):
        if kept >= 0 and high[axis] == low[kept]:
            kept -= 1
        elif high[axis] == 1:
            dropped.append(axis)
        else:
            return None
    return tuple(reversed(dropped)) if kept < 0 else None


def _projections(a: TensorType, b: TensorType, at: Positions) -> dict[int, str]:
    """Propose how to bring one operand to the shape of the other, by position."""
    found = {at[1]: _projection(b, a, at[1]), at[0]: _projection(a, b, at[0])}
    return {position: help for position, help in found.items() if help}


def _projection(x: TensorType, to: TensorType, position: int) -> str:
    """Propose the layer that brings ``x`` to the shape of another operand of its rank."""
    if x.rank != to.rank or x.rank < 2 or x.shape[0] != to.shape[0] or not x.dtype.is_float:
        return ""
    operand = f"{{{position}}}"
    if x.shape[:-1] == to.shape[:-1] and (x.rank == 2 or not isinstance(x.shape[1], int)):
        return f"bring one of them to that width: `dense({operand}, {to.shape[-1]})`"
    if x.rank < 3:
        return ""
    for stride in (1, 2, 4, 8):
        if tuple((s - 1) // stride + 1 for s in x.shape[2:]) == to.shape[2:]:
            step = f", stride={stride}" if stride > 1 else ""
            which = "the larger one" if stride > 1 else "one of them"
            return f"project {which} to that shape: `conv({operand}, {to.shape[1]}, 1{step})`"
    for factor in (2, 4, 8):
        if tuple(s * factor for s in x.shape[2:]) == to.shape[2:]:
            if x.shape[1] != to.shape[1]:
                operand = f"conv({operand}, {to.shape[1]}, 1)"
            return f'enlarge the smaller one: `upsample({operand}, {factor}, mode="nearest")`'
    return ""


def _same_size(a: TensorType, b: TensorType) -> tuple[str, ...]:
    """Propose the padding that preserves the size of a feature map."""
    if a.rank != b.rank or a.rank < 3 or a.shape[:2] != b.shape[:2]:
        return ()
    lost = {abs(m - n) for m, n in zip(a.shape[2:], b.shape[2:], strict=True)
            if isinstance(m, int) and isinstance(n, int)}  # fmt: skip
    if len(lost) != 1 or (less := lost.pop()) % 2 or less > 16:
        return ()
    return (f"pad what made the smaller one, so that it keeps its size: `pad={less // 2}`",)


def _per_channel(a: TensorType, b: TensorType, at: Positions) -> tuple[str, ...]:
    """Propose where to insert the dimensions that one operand lacks."""
    high, low, position = (a, b, at[1]) if a.rank > b.rank else (b, a, at[0])
    if low.rank == 1 and high.rank >= 3 and low.shape[0] == high.shape[1]:
        wanted = shape_text((low.shape[0], *(1,) * (high.rank - 2)))
        return (f"for one number per channel: `reshape({{{position}}}, {wanted})`",)
    length, longest = high.shape[-low.rank], low.shape[0]
    shorter = isinstance(longest, int) and (not isinstance(length, int) or length < longest)
    if shorter and high.rank == low.rank + 1 == 3 and low.shape[1:] == high.shape[2:] != (1,):
        return (f"take as many positions as there are: `{{{position}}}[0:{length}]`",)
    rest = list(low.shape)
    aligned = [rest.pop(0) if rest and rest[0] == size else 1 for size in high.shape]
    inserted = [i for i, size in enumerate(aligned) if size == 1 != high.shape[i]]
    ambiguous = len(set(high.shape)) < high.rank and len(inserted) == 1
    if ambiguous or rest or low.rank < 2 or len(inserted) != high.rank - low.rank:
        return ()
    if len(inserted) == 1:
        fix = f"unsqueeze({{{position}}}, {inserted[0]})"
    else:
        fix = f"reshape({{{position}}}, {shape_text(tuple(aligned))})"
    return (f"align the dimensions they share: `{fix}`",)
