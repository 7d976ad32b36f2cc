"""PyTorch's reductions, products and operators that move elements."""

from __future__ import annotations

from typing import Any

import torch
from torch_calls import OPERATORS, Call, Excluded, axes, floating, ints, word, writes

# ---- reductions ----------------------------------------------------------------------------


def _reduction(name: str, form: str) -> None:
    def write(
        call: Call, x: torch.Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
    ) -> str:
        if dtype not in (None, x.dtype):
            raise Excluded("elements converted in passing")
        if dim == () and name in ("amax", "amin"):
            dim = None
        given = _one_axis(call, x, dim)
        if name in ("any", "all", "count_nonzero") and x.dtype is not torch.bool:
            given = f"({given} != 0.0)"
        return form.format(given, axes(dim), word(keepdim))

    OPERATORS[name] = write


def _one_axis(call: Call, x: torch.Tensor, dim: Any) -> str:
    """Exclude the axes that PyTorch accepts for a scalar."""
    if x.ndim == 0 and dim not in (None, [], ()):
        raise Excluded("an axis of a number, which has none")
    return call.x(x)


for _name in ("sum", "mean", "prod", "logsumexp"):
    _reduction(_name, f"{_name}({{}}, axis={{}}, keep={{}})")
_reduction("amax", "max({}, axis={}, keep={})")
_reduction("amin", "min({}, axis={}, keep={})")
_reduction("any", "any({}, axis={}, keep={})")
_reduction("all", "all({}, axis={}, keep={})")
_reduction("count_nonzero", "sum(cast({}, i64), axis={}, keep={})")


def _place(name: str) -> None:
    def write(call: Call, x: torch.Tensor, dim: Any = None, keepdim: bool = False) -> str:
        given = _one_axis(call, x, dim)
        if dim is None:
            if keepdim:
                raise Excluded("a place in all axes together")
            return f"{name}(reshape({given}, [-1]), axis=0)"
        return f"{name}({given}, axis={dim}, keep={word(keepdim)})"

    OPERATORS[name] = write


_place("argmax")
_place("argmin")


def _extreme(name: str) -> None:
    def with_dim(call: Call, x: torch.Tensor, dim: int, keepdim: bool = False) -> list[str]:
        given = _one_axis(call, x, dim)
        return [f"{f}({given}, axis={dim}, keep={word(keepdim)})" for f in (name, f"arg{name}")]

    OPERATORS[f"{name}.reduction_with_dim"] = with_dim
    OPERATORS[f"{name}.reduction_no_dim"] = lambda call, x: f"{name}({call.x(x)})"


_extreme("max")
_extreme("min")


def _spread(name: str, ours: str) -> None:
    def write(
        call: Call, x: torch.Tensor, dim: Any = None, unbiased: Any = None,
        keepdim: bool = False, *, correction: Any = 1,
    ) -> str:  # fmt: skip
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        correction = 1 if correction is None else correction
        correction = correction if unbiased is None else int(unbiased)
        given = _one_axis(call, x, dim)
        if correction != int(correction):
            raise Excluded("a correction that is no whole number")
        return (
            f"{ours}({given}, axis={axes(dim)}, keep={word(keepdim)}, correction={int(correction)})"
        )

    OPERATORS[name] = OPERATORS[f"{name}.unbiased"] = write


_spread("var", "variance")
_spread("std", "deviation")


def _both(name: str, ours: str) -> None:
    def write(call: Call, x: torch.Tensor, *given: Any, **named: Any) -> list[str]:
        first = OPERATORS[ours](call, x, *given, **named)
        dim = given[0] if given else named.get("dim")
        dim = None if isinstance(dim, bool) else dim
        keep = word(named.get("keepdim", False))
        return [str(first), f"mean({call.x(x)}, axis={axes(dim)}, keep={keep})"]

    OPERATORS[name] = OPERATORS[f"{name}.unbiased"] = write


_both("var_mean", "var")
_both("std_mean", "std")


@writes("norm norm.inf norm.fro linalg.vector_norm")
def norm(
    call: Call, x: torch.Tensor, p: Any = 2, dim: Any = None, keepdim: bool = False, *,
    ord: Any = None, dtype: Any = None,
) -> str:  # fmt: skip
    p = ord if ord is not None else p
    if p == "fro" or p is None:
        p = 2
    if dtype is not None:
        raise Excluded("elements converted in passing")
    given = _one_axis(call, x, dim)
    keep = word(keepdim)
    if p in (float("inf"), float("-inf")):
        return f"{'max' if p > 0 else 'min'}(abs({given}), axis={axes(dim)}, keep={keep})"
    if p == 0:
        raise Excluded("a count called a norm")
    return f"norm({given}, p={floating(p)}, axis={axes(dim)}, keep={keep})"


@writes("cumsum")
def cumsum(call: Call, x: torch.Tensor, dim: int, *, dtype: Any = None) -> str:
    return f"cumsum({_one_axis(call, x, dim)}, axis={dim})"


@writes("topk")
def topk(
    call: Call, x: torch.Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> list[str]:
    given = _one_axis(call, x, dim)
    call.lines.append(
        f"values, ids = ranked({given}, {k}, axis={dim}, smallest={word(not largest)})"
    )
    return ["values", "ids"]


@writes("sort")
def sort(
    call: Call, x: torch.Tensor, dim: int = -1, descending: bool = False, *, stable: Any = None
) -> list[str]:
    given = _one_axis(call, x, dim)
    settings = f"axis={dim}, descending={word(descending)}"
    return [f"sort({given}, {settings})", f"argsort({given}, {settings})"]


@writes("argsort")
def argsort(
    call: Call, x: torch.Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False
) -> str:
    return str(sort(call, x, dim, descending)[1])


@writes("msort")
def msort(call: Call, x: torch.Tensor) -> str:
    return f"sort({call.x(x)}, axis=0)"


# ---- products ------------------------------------------------------------------------------


@writes("matmul mm bmm mv bmm.triton_optimized")
def matmul(call: Call, x: torch.Tensor, other: torch.Tensor) -> str:
    return f"{call.x(x)} @ {call.x(other)}"


@writes("__rmatmul__")
def matmul_reversed(call: Call, x: torch.Tensor, other: torch.Tensor) -> str:
    return f"{call.x(other)} @ {call.x(x)}"


@writes("dot vdot")
def dot(call: Call, x: torch.Tensor, other: torch.Tensor) -> str:
    return f"dot({call.x(x)}, {call.x(other)})"


@writes("outer")
def outer(call: Call, x: torch.Tensor, other: torch.Tensor) -> str:
    return f"outer({call.x(x)}, {call.x(other)})"


@writes("einsum")
def einsum(call: Call, operands: Any, equation: str) -> str:
    if len(operands) > 2:
        raise Excluded("an einsum of three tensors")
    inputs, arrow, _ = equation.partition("->")
    if "..." in inputs and not arrow:
        raise Excluded("an einsum that doesn't say what comes out")
    return f'einsum("{equation}", {", ".join(map(call.x, operands))})'


@writes("addmm addmm.decomposed baddbmm addmv")
def addmm(
    call: Call, x: torch.Tensor, a: torch.Tensor, b: torch.Tensor, *, beta: Any = 1,
    alpha: Any = 1,
) -> str:  # fmt: skip
    return f"({floating(beta)}) * {call.x(x)} + ({floating(alpha)}) * ({call.x(a)} @ {call.x(b)})"


@writes("linalg.multi_dot")
def multi_dot(call: Call, operands: Any) -> str:
    return " @ ".join(map(call.x, operands))


# ---- shapes --------------------------------------------------------------------------------


@writes("reshape view view_copy")
def reshape(call: Call, x: torch.Tensor, *shape: Any) -> str:
    if len(shape) == 1 and not isinstance(shape[0], int):
        (shape,) = shape
    return f"reshape({call.x(x)}, {list(shape)})"


@writes("reshape_as view_as")
def reshape_as(call: Call, x: torch.Tensor, other: torch.Tensor) -> str:
    return f"reshape({call.x(x)}, {list(other.shape)})"


@writes("ravel")
def ravel(call: Call, x: torch.Tensor) -> str:
    return f"reshape({call.x(x)}, [-1])"


@writes("flatten")
def flatten(call: Call, x: torch.Tensor, start_dim: int = 0, end_dim: int = -1) -> str:
    if x.ndim == 0:
        raise Excluded("an axis of a number, which has none")
    return f"flatten({call.x(x)}, start={start_dim}, end={end_dim})"


@writes("unflatten")
def unflatten(call: Call, x: torch.Tensor, dim: int, sizes: Any) -> str:
    return f"unflatten({call.x(x)}, {dim}, {list(sizes)})"


@writes("permute permute_copy")
def permute(call: Call, x: torch.Tensor, dims: Any) -> str:
    if x.ndim == 0:
        return call.x(x)
    return f"transpose({call.x(x)}, {list(dims)})"


@writes("transpose transpose_copy")
def transpose(call: Call, x: torch.Tensor, a: int, b: int) -> str:
    return f"swap_axes({_one_axis(call, x, a)}, {a}, {b})"


@writes("t t_copy")
def matrix_turned(call: Call, x: torch.Tensor) -> str:
    return call.x(x) if x.ndim < 2 else f"transpose({call.x(x)}, [1, 0])"


@writes("T mT")
def turned(call: Call, x: torch.Tensor) -> str:
    return call.x(x) if x.ndim < 2 else f"swap_axes({call.x(x)}, -1, -2)"


@writes("movedim")
def movedim(call: Call, x: torch.Tensor, source: Any, destination: Any) -> str:
    order = torch.movedim(torch.empty(tuple(range(2, x.ndim + 2))), source, destination).shape
    return f"transpose({call.x(x)}, {[n - 2 for n in order]})"


@writes("squeeze squeeze.multiple squeeze_copy")
def squeeze(call: Call, x: torch.Tensor, dim: Any = None) -> str:
    dims = range(x.ndim) if dim is None else [dim] if isinstance(dim, int) else dim
    if x.ndim == 0:
        raise Excluded("an axis of a number, which has none")
    gone = sorted({d % x.ndim for d in dims if x.shape[d] == 1})
    return f"squeeze({call.x(x)}, {ints(gone)})" if gone else call.x(x)


@writes("unsqueeze unsqueeze_copy")
def unsqueeze(call: Call, x: torch.Tensor, dim: int) -> str:
    return f"unsqueeze({call.x(x)}, {dim})"


@writes("expand expand_copy broadcast_to")
def expand(call: Call, x: torch.Tensor, *shape: Any) -> str:
    if len(shape) == 1 and not isinstance(shape[0], int):
        (shape,) = shape
    return f"expand({call.x(x)}, {list(shape)})"


@writes("expand_as")
def expand_as(call: Call, x: torch.Tensor, other: torch.Tensor) -> str:
    return f"expand({call.x(x)}, {list(other.shape)})"


@writes("tile repeat")
def tile(call: Call, x: torch.Tensor, *repeats: Any) -> str:
    if len(repeats) == 1 and not isinstance(repeats[0], int):
        (repeats,) = repeats
    rank = max(x.ndim, len(repeats))
    if rank == 0:
        return call.x(x)
    if 0 in repeats:
        raise Excluded("a tensor without elements")
    each = [1] * (rank - len(repeats)) + list(repeats)
    given = call.x(x) if x.ndim == rank else f"reshape({call.x(x)}, {_widened(x, rank)})"
    return f"tile({given}, {each})"


def _widened(x: torch.Tensor, rank: int) -> list[int]:
    return [1] * (rank - x.ndim) + list(x.shape)


@writes("cat")
def cat(call: Call, xs: Any, dim: int = 0) -> str:
    if len({t.ndim for t in xs}) > 1:
        raise Excluded("an empty vector that is left out")
    return f"concat([{', '.join(map(call.x, xs))}], axis={dim})"


@writes("stack")
def stack(call: Call, xs: Any, dim: int = 0) -> str:
    return f"stack([{', '.join(map(call.x, xs))}], axis={dim})"


@writes("hstack")
def hstack(call: Call, xs: Any) -> str:
    return cat(call, xs, 1 if xs[0].ndim > 1 else 0)


@writes("chunk unsafe_chunk")
def chunk(call: Call, x: torch.Tensor, chunks: int, dim: int = 0) -> list[str]:
    pieces = call.let(f"chunk({call.x(x)}, {chunks}, axis={dim})")
    return [f"{pieces}[{i}]" for i in range(len(torch.chunk(x, chunks, dim)))]


@writes("split split.list_args unsafe_split split_with_sizes split_with_sizes_copy")
def split(call: Call, x: torch.Tensor, sizes: Any, dim: int = 0) -> list[str]:
    parts = [p.shape[dim] for p in torch.split(x, sizes, dim)]
    if 0 in parts:
        raise Excluded("a tensor without elements")
    pieces = call.let(f"split({call.x(x)}, {parts}, axis={dim})")
    return [f"{pieces}[{i}]" for i in range(len(parts))]


@writes("unbind unbind_copy")
def unbind(call: Call, x: torch.Tensor, dim: int = 0) -> list[str]:
    pieces = call.let(f"unstack({call.x(x)}, axis={dim})")
    return [f"{pieces}[{i}]" for i in range(x.shape[dim])]


@writes("flip")
def flip(call: Call, x: torch.Tensor, dims: Any) -> str:
    return f"flip({call.x(x)}, {ints(dims)})" if len(dims) else call.x(x)


@writes("fliplr")
def fliplr(call: Call, x: torch.Tensor) -> str:
    return f"flip({call.x(x)}, 1)"


@writes("flipud")
def flipud(call: Call, x: torch.Tensor) -> str:
    return f"flip({call.x(x)}, 0)"


@writes("roll")
def roll(call: Call, x: torch.Tensor, shifts: Any, dims: Any = None) -> str:
    given = call.x(x)
    if dims is None or dims == ():
        if not isinstance(shifts, int) or x.ndim == 0:
            raise Excluded("elements moved over all axes at once")
        flat = f"roll(reshape({given}, [-1]), {shifts}, axis=0)"
        return f"reshape({flat}, {list(x.shape)})"
    pairs = zip(_tuple(shifts), _tuple(dims), strict=True)
    for by, axis in pairs:
        given = f"roll({given}, {by}, axis={axis})"
    return given


def _tuple(value: Any) -> tuple[int, ...]:
    return (value,) if isinstance(value, int) else tuple(value)


@writes("repeat_interleave")
def repeat_interleave(
    call: Call, x: torch.Tensor, repeats: Any, dim: Any = None, **rest: Any
) -> str:
    if not isinstance(repeats, int) or x.ndim == 0:
        raise Excluded("another number of times for each element")
    if dim is None:
        return f"repeat(reshape({call.x(x)}, [-1]), {repeats}, axis=0)"
    return f"repeat({call.x(x)}, {repeats}, axis={dim})"


@writes("tril")
def tril(call: Call, x: torch.Tensor, diagonal: int = 0) -> str:
    return f"tril({call.x(x)}, {diagonal})"


@writes("triu")
def triu(call: Call, x: torch.Tensor, diagonal: int = 0) -> str:
    return f"triu({call.x(x)}, {diagonal})"


# ---- places --------------------------------------------------------------------------------


@writes("gather take_along_dim")
def gather(call: Call, x: torch.Tensor, *given: Any, **named: Any) -> str:
    tensors = [v for v in (*given, *named.values()) if isinstance(v, torch.Tensor)]
    numbers = [v for v in (*given, *named.values()) if type(v) is int]
    (ids,) = tensors
    if not numbers:
        raise Excluded("a place in all axes together")
    if x.ndim == 0 or ids.ndim == 0 or ids.numel() == 0:
        raise Excluded("an axis of a number, which has none")
    sides = zip(x.shape, ids.shape, strict=True)
    axis = numbers[0] % x.ndim
    if any(a != b for i, (a, b) in enumerate(sides) if i != axis):
        raise Excluded("places for a corner of a tensor")
    return f"take_along({call.x(x)}, {call.ids(ids)}, axis={axis})"


@writes("index_select")
def index_select(call: Call, x: torch.Tensor, dim: int, index: torch.Tensor) -> str:
    given = _one_axis(call, x, dim)
    if index.ndim == 0:
        return f"gather({given}, reshape({call.ids(index)}, [1]), axis={dim})"
    return f"gather({given}, {call.ids(index)}, axis={dim})"


@writes("take")
def take(call: Call, x: torch.Tensor, index: torch.Tensor) -> str:
    return f"gather(reshape({call.x(x)}, [-1]), {call.ids(index)}, axis=0)"


@writes("scatter")
def scatter(
    call: Call, x: torch.Tensor, dim: int, index: torch.Tensor, src: Any = None, *,
    reduce: Any = None, value: Any = None,
) -> str:  # fmt: skip
    return _scattered(call, x, dim, index, src, {"multiply": "mul"}.get(reduce, reduce))


@writes("scatter_add")
def scatter_add(
    call: Call, x: torch.Tensor, dim: int, index: torch.Tensor, src: torch.Tensor
) -> str:
    return _scattered(call, x, dim, index, src, "add")


def _scattered(
    call: Call, x: torch.Tensor, dim: int, index: torch.Tensor, src: Any, reduce: Any
) -> str:
    if x.ndim == 0 or index.ndim == 0 or index.numel() == 0:
        raise Excluded("an axis of a number, which has none")
    axis = dim % x.ndim
    new = src if isinstance(src, torch.Tensor) else torch.full(index.shape, src, dtype=x.dtype)
    if new.shape != index.shape:
        new = new[tuple(slice(n) for n in index.shape)].contiguous()
    if any(a != b for i, (a, b) in enumerate(zip(x.shape, index.shape, strict=True)) if i != axis):
        raise Excluded("places for a corner of a tensor")
    reduction = f', reduction="{reduce}"' if reduce else ""
    return f"scatter({call.x(x)}, {call.ids(index)}, {call.x(new)}, axis={axis}{reduction})"


@writes("narrow narrow_copy")
def narrow(call: Call, x: torch.Tensor, dim: int, start: Any, length: int) -> str:
    if isinstance(start, torch.Tensor):
        raise Excluded("a place known at run time only")
    axis, first = dim % x.ndim, start % max(x.shape[dim], 1) if start < 0 else start
    if length <= 0:
        raise Excluded("a tensor without elements")
    cuts = [":"] * x.ndim
    cuts[axis] = f"{first}:{first + length}"
    return f"{call.x(x)}[{', '.join(cuts)}]"


@writes("select")
def select(call: Call, x: torch.Tensor, dim: int, index: int) -> str:
    cuts = [":"] * x.ndim
    cuts[dim % x.ndim] = str(index)
    return f"{call.x(x)}[{', '.join(cuts)}]"


@writes("full")
def full(call: Call, sizes: Any, value: Any, **options: Any) -> str:
    return f"full({list(sizes)}, {floating(value)})"
