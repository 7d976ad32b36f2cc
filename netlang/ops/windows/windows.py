"""Sliding windows of convolutions and pools."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from itertools import islice
from itertools import product as combinations

from msgspec import Struct

from netlang.diagnostics import rules
from netlang.ir.dims import Dim, Shape, Size, substitute
from netlang.ir.op import OperandError, Primitive, Window
from netlang.ir.types import TensorType, Types
from netlang.ops.arguments import Arguments, integers, pair, rejected, several
from netlang.ops.clauses import Sizes, where_help
from netlang.system.numpy import Array, np

Pads = tuple[tuple[int, int], ...]
OpenPads = tuple[tuple[Size, Size], ...]
"""Padding before and after each axis, which may depend on sizes that are only known at run time."""
WORDS = ("same", "valid", "half", "causal")


class Windows(Struct, frozen=True):
    """Windows with one number per spatial axis (``pad``: before and after)."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: Pads
    dilation: tuple[int, ...]

    @property
    def extent(self) -> tuple[int, ...]:
        """The extent of a window, including dilation."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    def seen(self) -> Window:
        return Window(self.extent, self.stride, tuple(before for before, _ in self.pad))

    def check(self, spatial: Shape) -> None:
        """Raise ``OperandError`` for windows that are not well formed."""
        counts = {
            "kernel": self.kernel,
            "stride": self.stride,
            "dilation": self.dilation,
            "pad": self.pad,
        }
        for name, values in counts.items():
            if len(values) != len(spatial):
                raise wrong_count(name, len(values), len(spatial))
        for name in ("kernel", "stride", "dilation"):
            for value in counts[name]:
                if not isinstance(value, int) or value < 1:
                    raise rejected(name, "must be 1 or more", value)
        for value in (amount for both in self.pad for amount in both):
            if value < 0:
                raise rejected("pad", "must be 0 or more", value)

    def floor(self, spatial: Shape) -> Shape:
        """Return the number of positions: ``(size + before + after - extent) // stride + 1``."""
        counts = tuple(
            (size + before + after - extent) // stride + 1
            for size, (before, after), extent, stride in zip(
                spatial, self.pad, self.extent, self.stride, strict=True
            )
        )
        self._fits(spatial, counts)
        return counts

    def ceil(self, spatial: Shape) -> Shape:
        """Return the number of positions if an incomplete last window counts.

        It must start inside the input or the padding before it, as in PyTorch.
        """
        covered = covering(self.kernel, self.stride, self.pad, self.dilation)
        counts = tuple(
            (size + before + after - extent) // stride + 1
            for size, (before, after), extent, stride in zip(
                spatial, covered, self.extent, self.stride, strict=True
            )
        )
        self._fits(spatial, counts)
        return counts

    def _fits(self, spatial: Shape, counts: Shape) -> None:
        axis = next((i for i, n in enumerate(counts) if isinstance(n, int) and n < 1), None)
        if axis is None:
            return
        padding = "" if not any(map(sum, self.pad)) else f" padded by {show_pads(self.pad)}"
        size, (before, after) = spatial[axis], self.pad[axis]
        terms = " + ".join(str(n) for n in (size, before, after) if n)
        extent, stride = self.extent[axis], self.stride[axis]
        raise OperandError(
            "the window is bigger than the image",
            rule=rules.WINDOW_TOO_BIG,
            label=f"{_window_text(self.extent)} on {_map_text(spatial)}{padding}",
            notes=[f"({terms} - {extent}) // {stride} + 1 = {counts[axis]} positions"],
            helps=["pad it (`pad=same`), use a smaller window, or drop an earlier pool or stride"],
        )


VARIANTS = 64


def first_fitting(
    variants: Iterable[tuple[Mapping[str, int], Primitive]], wanted: Shape, types: Types
) -> Mapping[str, int]:
    """Return the arguments of the first variant of an operator whose result has a shape.

    Only the first few are tried: a kernel may be as large as a mistyped number.
    """
    for arguments, op in islice(variants, VARIANTS):
        try:
            (made,) = op.infer(*types)
        except OperandError:
            continue
        if made.shape == wanted:
            return arguments
    return {}


def _window_text(extent: Sequence[int]) -> str:
    text = "x".join(map(str, extent))
    return f"a {text} window" if len(extent) > 1 else f"a window of {text}"


def _map_text(spatial: Shape) -> str:
    if len(spatial) == 1:
        return f"a row of {spatial[0]}"
    return f"a {'x'.join(map(str, spatial))} map"


def show_pads(pad: Pads) -> str:
    """Return the shortest text of a padding."""
    if all(before == after for before, after in pad):
        amounts = {before for before, _ in pad}
        if len(amounts) == 1:
            return str(amounts.pop())
        return str(tuple(before for before, _ in pad))
    return str(pad)


def wrong_count(name: str, given: int, rank: int) -> OperandError:
    axes = "1 spatial axis" if rank == 1 else f"{rank} spatial axes"
    return OperandError(
        f"`{name}` has {given} values, but there {'is' if rank == 1 else 'are'} {axes}",
        rule=rules.OUT_OF_RANGE,
        helps=["give one number for all axes, or one per axis"],
    )


def spatial_shape(x: TensorType, what: str) -> Shape:
    """Return the 1, 2 or 3 sizes after batch and channels."""
    if 3 <= x.rank <= 5:
        return x.shape[2:]
    if x.rank < 3:
        helps = _more_axes(x, what)
    else:
        helps = ["merge axes with `reshape` until at most three spatial axes remain"]
    raise OperandError(
        f"{what} works on [N, C, L], [N, C, H, W] or [N, C, D, H, W]",
        operand=0,
        label=f"this is {x}",
        helps=helps,
    )


def _more_axes(x: TensorType, what: str) -> list[str]:
    """Suggest how vectors become feature maps, which depends on what they hold."""
    if x.rank == 2 and "transposed" in what:
        sizes = ", ".join(map(str, (*x.shape, 1, 1)))
        return [f"start from one position with {x.shape[1]} channels: `reshape({{0}}, [{sizes}])`"]
    return [
        "for a sequence of numbers, add the channels: `unsqueeze(x, 1)`",
        "for a map that was flattened, give it its axes back: `reshape(x, [N, C, H, W])`",
    ]


def per_axis(
    arguments: Arguments, name: str, rank: int, default: int | None = None
) -> tuple[int, ...]:
    """Return an argument with one number for all axes, or one per axis."""
    if arguments.get(name) is None and default is not None:
        return (default,) * rank
    values = integers(arguments, name)
    if not isinstance(arguments.get(name), list | tuple):
        return values * rank
    if len(values) != rank:
        raise wrong_count(name, len(values), rank)
    return values


def read_windows(arguments: Arguments, spatial: Shape, *, stride: int | None = 1) -> Windows:
    """Return the windows of a call; without a default, the stride is the kernel size."""
    rank = len(spatial)
    kernel = per_axis(arguments, "kernel", rank)
    as_kernel = stride is None and arguments.get("stride") is None
    steps = kernel if as_kernel else per_axis(arguments, "stride", rank, stride)
    dilation = per_axis(arguments, "dilation", rank, 1)
    none = Windows(kernel, steps, ((0, 0),) * rank, dilation)
    none.check(spatial)
    return Windows(kernel, steps, padding(arguments, spatial, none.extent, steps), dilation)


def padding(
    arguments: Arguments, spatial: Shape, extent: Sequence[int], stride: Sequence[int]
) -> Pads:
    """Return the padding of a call, before and after each axis."""
    rank = len(spatial)
    value = arguments.get("pad", 0)
    match value:
        case None | "valid":
            return ((0, 0),) * rank
        case "half":
            return tuple(_half(e) for e in extent)
        case "same":
            return tuple(_same(n, e, s) for n, e, s in zip(spatial, extent, stride, strict=True))
        case "causal":
            if rank != 1:
                raise OperandError(
                    "`causal` padding needs one time axis",
                    rule=rules.OUT_OF_RANGE,
                    operand=0,
                    label=f"this has {rank} spatial axes",
                    helps=["pad each axis by hand: `pad=((before, after), ...)`"],
                )
            return ((extent[0] - 1, 0),)
        case str():
            raise rejected("pad", "must be a number, a number per axis, or one of the words "
                          f"{', '.join(WORDS)}", f'"{value}"')  # fmt: skip
        case int():
            return ((value, value),) * rank
        case _:
            given = several(arguments, "pad")
            if len(given) != rank:
                raise wrong_count("pad", len(given), rank)
            return tuple(pair(item, "pad") for item in given)


def _half(extent: int) -> tuple[int, int]:
    if extent % 2 == 0:
        raise OperandError(
            "`pad=half` needs an odd kernel",
            rule=rules.OUT_OF_RANGE,
            label=f"the window is {extent} long: it has no middle",
            helps=["use `pad=same`, or an odd kernel"],
        )
    return extent // 2, extent // 2


def _same(size: Size, extent: int, stride: int) -> tuple[int, int]:
    total = _same_total(size, extent, stride)
    if isinstance(total, Dim):

        def known(values: Sizes) -> bool:
            return isinstance(_same_total(substitute(size, values), extent, stride), int)

        raise OperandError(
            f"with stride {stride}, `pad=same` depends on the size of the map",
            rule=rules.NEEDS_DIVISIBILITY,
            operand=0,
            label=f"this size is {size}",
            notes=["its padding is only known if the size is known to divide by the stride"],
            helps=[
                *where_help([size], known, [stride]),
                "or pad both ends alike, which gives other values for even sizes: `pad=half`",
            ],
        )
    total = max(total, 0)
    return total // 2, total - total // 2


def same_at_run_time(spatial: Shape, extent: Sequence[int], stride: Sequence[int]) -> OpenPads:
    """Return the padding `same` where it depends on sizes that are only known at run time.

    It is empty where all of it is known, and where it depends on which of two is larger: a window
    that is shorter than its stride needs none for some sizes.
    """
    totals = [_same_total(n, e, s) for n, e, s in zip(spatial, extent, stride, strict=True)]
    shorter = [1 < e < s for e, s in zip(extent, stride, strict=True)]
    open_totals = [isinstance(total, Dim) for total in totals]
    if not any(open_totals) or any(a and b for a, b in zip(shorter, open_totals, strict=True)):
        return ()
    known = (0 if e == 1 else n if isinstance(n, Dim) else max(n, 0)
             for n, e in zip(totals, extent, strict=True))  # fmt: skip
    return tuple((total // 2, total - total // 2) for total in known)


def _same_total(size: Size, extent: int, stride: int) -> Size:
    return ((size + stride - 1) // stride - 1) * stride + extent - size


def known_sizes(shape: Shape) -> tuple[int, ...]:
    """Return the sizes of a shape that are not symbolic."""
    return tuple(size for size in shape if isinstance(size, int))


def positions(windows: Windows, x: Array) -> tuple[int, ...]:
    """Return the number of positions of the windows on an array."""
    return tuple(n for n in windows.floor(x.shape[2:]) if isinstance(n, int))


def padded(x: Array, pad: Pads, fill: float) -> Array:
    """Return ``x`` with its spatial axes padded with ``fill``."""
    if not any(map(sum, pad)):
        return x
    shape = x.shape[:2] + tuple(
        n + before + after for n, (before, after) in zip(x.shape[2:], pad, strict=True)
    )
    out = np.full(shape, fill, x.dtype)
    inside = (slice(b, b + n) for n, (b, _) in zip(x.shape[2:], pad, strict=True))
    out[(slice(None), slice(None), *inside)] = x
    return out


def onnx_pads(pad: Pads) -> list[int]:
    """Return padding in the order of ONNX: all before, then all after."""
    return [before for before, _ in pad] + [after for _, after in pad]


def taps(windows: Windows, counts: Sequence[int]) -> list[tuple[slice, ...]]:
    """Return the slices of a padded array that each element of the window visits, row-major."""
    return visits(windows.kernel, windows.stride, windows.dilation, counts)


def visits(
    kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int], counts: Sequence[int]
) -> list[tuple[slice, ...]]:
    """Return the slices of an array that each element of a window visits, row-major."""
    steps = list(zip(stride, dilation, counts, strict=True))
    return [
        tuple(
            slice(tap * d, tap * d + (n - 1) * s + 1, s)
            for tap, (s, d, n) in zip(element, steps, strict=True)
        )
        for element in combinations(*(range(k) for k in kernel))
    ]


def patches(
    x: Array, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> Array:
    """Return the elements of each window of a padded array: ``[N, C, window, ...positions]``."""
    counts = [
        (n - (k - 1) * d - 1) // s + 1
        for n, k, s, d in zip(x.shape[2:], kernel, stride, dilation, strict=True)
    ]
    elements = visits(kernel, stride, dilation, counts)
    return np.stack([x[(..., *visited)] for visited in elements], axis=2)


def sum_patches(
    patches: Array, size: Sequence[int], stride: Sequence[int], pad: Pads,
    kernel: Sequence[int], dilation: Sequence[int],
) -> Array:  # fmt: skip
    """Add patches ``[N, C, window, ...positions]`` up to a feature map, without its padding."""
    whole = [n + sum(both) for n, both in zip(size, pad, strict=True)]
    y = np.zeros((*patches.shape[:2], *whole), patches.dtype)
    elements = visits(kernel, stride, dilation, patches.shape[3:])
    for i, visited in enumerate(elements):
        y[(..., *visited)] += patches[:, :, i]
    inside = (slice(b, b + n) for n, (b, _) in zip(size, pad, strict=True))
    return np.ascontiguousarray(y[(..., *inside)])


def covering(
    kernel: Sequence[int], stride: Sequence[int], pad: Pads, dilation: Sequence[int]
) -> Pads:
    """Return the padding with which rounding down gives the count of rounding up.

    Rounding up adds ``stride - 1`` at the end; a window may not start after the input, which
    limits that to its extent less 1. So the same padding works for every size.
    """
    return tuple(
        (before, min((k - 1) * d, after + s - 1))
        for (before, after), k, s, d in zip(pad, kernel, stride, dilation, strict=True)
    )


def reduce_windows(
    x: Array,
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    combine: Callable[[Array, Array], Array],
) -> Array:
    """Reduce the elements of each window of a padded array, one axis after the other."""
    for axis, (k, s, d) in enumerate(zip(kernel, stride, dilation, strict=True), start=2):
        last = (x.shape[axis] - (k - 1) * d - 1) // s * s + 1
        front = (slice(None),) * axis
        parts = (x[(*front, slice(tap * d, tap * d + last, s))] for tap in range(k))
        x = reduce(combine, parts)
    return x
