"""How convolutions in training are computed where they run: several ways to the same sums.

None is best everywhere. Which one is taken depends on the sizes, by what was measured with
onnxruntime on two cores.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from netlang.ir.dims import Dim, Shape, Size, product
from netlang.ir.op import OnnxBuilder, Operand
from netlang.ir.types import TensorType
from netlang.ops.windows.windows import Windows, onnx_pads
from netlang.system.numpy import np

_SMALL, MANY = 64, 32
"""Positions of a map up to which, and filters from which, one product for the whole batch beats
one for each image, although its result must be turned."""

_TINY = 16
"""Positions of a map up to which that holds for windows of one position, too."""

_LARGE = 1 << 18
"""Weights of a convolution from which arranging them for each image takes its time."""

_WIDE, _FEW = 5, 60
"""Width of a window from which, and filters times the lines' width over the window's up to which,
products of lines beat columns."""


def one_product_is_best(windows: Windows, x: TensorType, w: TensorType) -> bool:
    """Tell where filters are so large, and maps so small, that each is better read once."""
    area, weights = product(windows.floor(x.shape[2:])), product(w.shape)
    if isinstance(area, Dim) or isinstance(weights, Dim):
        return False
    return area <= _SMALL and weights >= _LARGE


def by_one_product(b: OnnxBuilder, windows: Windows, x: Operand, w: Operand, *bias: Operand) -> str:
    """Convolve the whole batch by one product; the gradient by the filters has the same columns.

    Conv makes a product for each image, for which it arranges all filters anew.
    """
    counts = windows.floor(x.type.shape[2:])
    batch, filters, depth = x.type.shape[0], w.type.shape[0], product(w.type.shape[1:])
    columns = _columns(b, windows, x, counts)
    columns = b.add("Reshape", columns, b.shape((depth, batch * product(counts))))
    y = b.add("Gemm", b.add("Reshape", w, b.shape((filters, depth))), columns)
    y = b.add("Reshape", y, b.shape((filters, batch, *counts)))
    y = b.add("Transpose", y, perm=[1, 0, *range(2, x.type.rank)])
    for v in bias:
        y = b.add("Add", y, b.add("Unsqueeze", v, b.axes(range(1, x.type.rank - 1))))
    return y


def input_gradient(
    b: OnnxBuilder, windows: Windows, groups: int, size: Shape, ct: Operand, w: Operand
) -> str:
    """Lower to the form that is fastest for these shapes."""
    filters, channels, area = w.type.shape[0], w.type.shape[1], product(ct.type.shape[2:])
    many = isinstance(filters, int) and filters >= MANY
    # onnxruntime's Col2Im is right for maps of two axes alone.
    known = groups == 1 and ct.type.rank == 4 and b.opset >= 18
    if groups == 1 and _turnable(windows) and _turned_is_best(windows, channels, filters, area):
        return _by_convolution(b, windows, ct, w)
    if known and many and isinstance(area, int) and area <= _SMALL:
        return _by_im2col(b, windows, size, ct, w)
    return _by_transpose(b, windows, groups, size, ct, w)


def _turnable(windows: Windows) -> bool:
    """Tell whether a convolution with turned filters takes a cotangent back."""
    pairs = zip(windows.extent, windows.pad, strict=True)
    return set(windows.stride) == {1} and all(max(pad) < extent for extent, pad in pairs)


def _turned_is_best(windows: Windows, channels: Size, filters: Size, area: Size) -> bool:
    """Tell where columns of the cotangent are cheaper than those of the map and turned filters."""
    if isinstance(channels, Dim) or isinstance(filters, Dim):
        return False
    if prod(windows.kernel) == 1:
        return isinstance(area, Dim) or area > _TINY or filters < MANY
    if channels >= 2 * filters:
        return True
    large = isinstance(area, Dim) or area > max(_SMALL, channels - 1)
    return channels >= filters and large


def _by_convolution(b: OnnxBuilder, windows: Windows, ct: Operand, w: Operand) -> str:
    """Convolve with filters that are turned around, and whose channels have changed places."""
    (filters, channels), kernel = w.type.shape[:2], windows.kernel
    taps, turned = prod(kernel), w.name
    if taps > 1:
        # A Slice that runs backwards takes much longer.
        turned = b.add("Reshape", turned, b.shape((filters, channels, taps)))
        turned = b.add("Gather", turned, b.axes(range(taps - 1, -1, -1)), axis=2)
    order = [1, 0, *range(2, 3 if taps > 1 else w.type.rank)]
    turned = b.add("Transpose", turned, perm=order)
    if taps > 1:
        turned = b.add("Reshape", turned, b.shape((channels, filters, *kernel)))
    around = tuple(
        (extent - 1 - before, extent - 1 - after)
        for extent, (before, after) in zip(windows.extent, windows.pad, strict=True)
    )
    return b.add(
        "Conv", ct, turned,
        kernel_shape=list(kernel), pads=onnx_pads(around), dilations=list(windows.dilation),
    )  # fmt: skip


def _by_im2col(b: OnnxBuilder, windows: Windows, size: Shape, ct: Operand, w: Operand) -> str:
    """Make the columns of all images by one product, then add up where they overlap."""
    rank, filters, (channels, *window) = ct.type.rank, w.type.shape[0], w.type.shape[1:]
    area, depth = product(ct.type.shape[2:]), product((channels, *window))
    positions = ct.type.shape[0] * area
    rows = b.add("Transpose", ct, perm=[1, 0, *range(2, rank)])
    rows = b.add("Reshape", rows, b.shape((filters, positions)))
    columns = b.add("Gemm", b.add("Reshape", w, b.shape((filters, depth))), rows, transA=1)
    columns = b.add("Reshape", columns, b.shape((depth, ct.type.shape[0], area)))
    columns = b.add("Transpose", columns, perm=[1, 0, 2])
    if depth == channels and set(windows.stride) == {1} and not any(map(sum, windows.pad)):
        return b.add("Reshape", columns, b.shape((ct.type.shape[0], channels, *size)))
    return b.add(
        "Col2Im",
        columns,
        b.shape(size),
        b.shape(tuple(window)),
        strides=list(windows.stride),
        pads=onnx_pads(windows.pad),
        dilations=list(windows.dilation),
    )


def _by_transpose(
    b: OnnxBuilder, windows: Windows, groups: int, sizes: Shape, ct: Operand, w: Operand
) -> str:
    """Lower by ConvTranspose, which spreads each position over the window it came from."""
    rests: list[int] = []
    cut: dict[int, Size] = {}
    for axis, (size, n, extent) in enumerate(
        zip(sizes, ct.type.shape[2:], windows.extent, strict=True)
    ):
        stride, pair = windows.stride[axis], windows.pad[axis]
        rest = size + sum(pair) - extent - (n - 1) * stride
        if isinstance(rest, Dim):
            # The windows leave a rest that only the run knows: make room for any, then cut.
            cut[axis + 2] = size
            rest = stride - 1
        rests.append(rest)
    y = b.add(
        "ConvTranspose",
        ct,
        w,
        kernel_shape=list(windows.kernel),
        strides=list(windows.stride),
        pads=onnx_pads(windows.pad),
        output_padding=rests,
        dilations=list(windows.dilation),
        group=groups,
    )
    if cut:
        ends = b.shape(tuple(cut.values()))
        y = b.add("Slice", y, b.axes([0] * len(cut)), ends, b.axes(list(cut)))
    return y


def weight_gradient(
    b: OnnxBuilder, windows: Windows, groups: int, w: Shape, x: Operand, ct: Operand
) -> str:
    """Lower to the form that is fastest for these shapes; ``w`` is the shape of the filters."""
    spatial = x.type.shape[2:]
    alone = set(windows.stride) == {1} and groups == 1
    sizes = _numbers((*w[:2], *spatial))
    if alone and len(sizes) == x.type.rank:
        filters, channels, area = *sizes[:2], prod(sizes[2:])
        if prod(windows.kernel) == 1 and not any(map(sum, windows.pad)):
            if filters * channels <= area * (filters + channels):
                return _by_images(b, w, x, ct)
        elif channels >= 2 * filters:
            return _by_shifts(b, windows, w, x, ct)
        elif len(spatial) == 2 and _lines_are_best(windows, filters, sizes[-1]):
            return _by_lines(b, windows, w, x, ct)
    return _by_sights(b, windows, groups, w, x, ct)


def _by_images(b: OnnxBuilder, w: Shape, x: Operand, ct: Operand) -> str:
    """Multiply image by image and add up, for windows of one position: nothing is turned."""
    area, batch = product(x.type.shape[2:]), x.type.shape[0]
    left = b.add("Reshape", ct, b.shape((batch, w[0], area)))
    right = b.add("Reshape", x, b.shape((batch, w[1], area)))
    parts = b.add("MatMul", left, b.add("Transpose", right, perm=[0, 2, 1]))
    return b.add("Reshape", b.add("ReduceSum", parts, b.axes([0]), keepdims=0), b.shape(w))


def _by_shifts(b: OnnxBuilder, windows: Windows, w: Shape, x: Operand, ct: Operand) -> str:
    """Lay all images out in one row, and move the cotangent along it, which has few channels.

    There is room behind each line and each map, so that what an element of the window sees is the
    same distance away from everywhere: a column is one run of numbers.
    """
    inner, outer = _numbers(x.type.shape[2:]), _numbers(ct.type.shape[2:])
    sizes = zip(inner, outer, windows.pad, strict=True)
    room = tuple(max(size + max(pad), n) for size, n, pad in sizes)
    length = x.type.shape[0] * prod(room)
    shifts: list[int] = []
    for tap in np.ndindex(*windows.kernel):
        shift = 0
        axes = zip(tap, windows.dilation, windows.pad, room, strict=True)
        for place, dilation, (before, _), size in axes:
            shift = shift * size + place * dilation - before
        shifts.append(shift)
    first, last = max(0, *shifts), min(0, *shifts)
    row = b.add("Pad", _in_a_row(b, ct, outer, room, length), b.axes([0, first, 0, -last]))
    columns = [
        b.add("Slice", row, b.axes([start]), b.shape((start + length,)), b.axes([1]))
        for start in (first - shift for shift in shifts)
    ]
    joined = b.add("Concat", *columns, axis=0)
    y = b.add("Gemm", joined, _in_a_row(b, x, inner, room, length), transB=1)
    y = b.add("Reshape", y, b.shape((len(shifts), *w[:2])))
    return b.add("Reshape", b.add("Transpose", y, perm=[1, 2, 0]), b.shape(w))


def _in_a_row(
    b: OnnxBuilder, x: Operand, sizes: Sequence[int], room: Sequence[int], length: Size
) -> str:
    """Put each channel of a whole batch in a row, with zeros up to ``room`` along each axis."""
    row = b.add("Transpose", x, perm=[1, 0, *range(2, x.type.rank)])
    ends = [whole - size for whole, size in zip(room, sizes, strict=True)]
    if any(ends):
        row = b.add("Pad", row, b.axes([0] * (2 + x.type.rank) + ends))
    return b.add("Reshape", row, b.shape((x.type.shape[1], length)))


def _lines_are_best(windows: Windows, filters: int, size: int) -> bool:
    """Tell where more products take less time than columns with every element many times."""
    wide = windows.kernel[-1]
    return wide >= _WIDE and filters * (size + sum(windows.pad[-1])) <= _FEW * wide


def _by_lines(b: OnnxBuilder, windows: Windows, w: Shape, x: Operand, ct: Operand) -> str:
    """Multiply whole lines of the map with whole lines of the cotangent, for few filters.

    Of a product of two lines only as many diagonals are wanted as the window is wide. But a line
    is copied once for each line of the window, not for each of its elements.
    """
    (before, after), (left, right) = windows.pad
    (down, aside), (_, wide) = windows.dilation, windows.kernel
    batch, width = x.type.shape[0], x.type.shape[3] + left + right
    lines, places = ct.type.shape[2:]
    rows = b.add("Pad", x, b.axes([0, 0, before, left, 0, 0, after, right]))
    rows = b.add("Transpose", rows, perm=[0, 2, 1, 3])
    shape = b.shape((batch * lines, w[1] * width))
    bands: list[str] = []
    for start in range(0, windows.kernel[0] * down, down):
        band = b.add("Slice", rows, b.axes([start]), b.shape((start + lines,)), b.axes([1]))
        bands.append(b.add("Reshape", band, shape))
    turned = b.add("Transpose", ct, perm=[0, 2, 1, 3])
    turned = b.add("Reshape", turned, b.shape((batch * lines, w[0] * places)))
    y = b.add("Gemm", turned, b.add("Concat", *bands, axis=1), transA=1)
    y = b.add("Reshape", y, b.shape((w[0], places, len(bands) * w[1], width)))
    y = b.add("Transpose", y, perm=[0, 2, 1, 3])
    # In lines that are one longer, a diagonal stands upright.
    squares = w[0] * len(bands) * w[1]
    y = b.add("Reshape", y, b.shape((squares, places * width)))
    y = b.add("Pad", y, b.shape((0, 0, 0, places)))
    y = b.add("Reshape", y, b.shape((squares, places, width + 1)))
    end, step = b.axes([(wide - 1) * aside + 1]), b.axes([aside])
    y = b.add("Slice", y, b.axes([0]), end, b.axes([2]), step)
    y = b.add("ReduceSum", y, b.axes([1]), keepdims=0)
    y = b.add("Reshape", y, b.shape((w[0], len(bands), w[1], wide)))
    return b.add("Transpose", y, perm=[0, 2, 1, 3])


def _by_sights(
    b: OnnxBuilder, windows: Windows, groups: int, w: Shape, x: Operand, ct: Operand
) -> str:
    """Multiply matrices once for the whole batch.

    What each position sees becomes a column, as in a convolution by columns; with channels first
    a column is copied in long runs.
    """
    columns = _columns(b, windows, x, ct.type.shape[2:])
    depth, filters = product(w[1:]), w[0] // groups
    area = product(ct.type.shape[2:])
    positions = ct.type.shape[0] * area
    lead: Shape = () if groups == 1 else (groups,)
    columns = b.add("Reshape", columns, b.shape((*lead, depth, positions)))
    rows = b.add("Transpose", ct, perm=[1, 0, *range(2, ct.type.rank)])
    rows = b.add("Reshape", rows, b.shape((*lead, filters, positions)))
    # A product copies its right side. With few filters and many positions that side is better the
    # filters'; else turning the result costs more. A batch of unknown size is taken to be 32.
    many = positions if isinstance(positions, int) else 32 * area
    few = 4 * filters
    turned = isinstance(many, Dim) or isinstance(few, Dim) or many > few
    left, right = (columns, rows) if turned else (rows, columns)
    if groups == 1:
        y = b.add("Gemm", left, right, transB=1)
        if turned:
            # An axis more keeps onnxruntime from turning the product instead of its result.
            y = b.add("Reshape", y, b.shape((1, depth, filters)))
            y = b.add("Transpose", y, perm=[0, 2, 1])
    else:
        y = b.add("MatMul", left, b.add("Transpose", right, perm=[0, 2, 1]))
        y = b.add("Transpose", y, perm=[0, 2, 1]) if turned else y
    return b.add("Reshape", y, b.shape(w))


def _columns(b: OnnxBuilder, windows: Windows, x: Operand, counts: Shape) -> str:
    """Join what the elements of the window see: ``[C, taps, N, ...counts]``."""
    turned = b.add("Transpose", x, perm=[1, 0, *range(2, x.type.rank)])
    sights = _sights(b, windows, turned, counts)
    spread = [b.add("Unsqueeze", sight, b.axes([1])) for sight in sights]
    return spread[0] if len(spread) == 1 else b.add("Concat", *spread, axis=1)


def _sights(b: OnnxBuilder, windows: Windows, x: str, counts: Shape) -> list[str]:
    """Slice out, for each element of the window, what all positions see there: ``[C, N, ...]``."""
    axes = range(2, 2 + len(counts))
    if any(map(sum, windows.pad)):
        befores, afters = zip(*windows.pad, strict=True)
        x = b.add("Pad", x, b.axes([0, 0, *befores, 0, 0, *afters]))
    if prod(windows.kernel) == 1 and set(windows.stride) == {1}:
        return [x]
    sights: list[str] = []
    for place in np.ndindex(*windows.kernel):
        starts = tuple(tap * d for tap, d in zip(place, windows.dilation, strict=True))
        ends = tuple(
            start + (n - 1) * s + 1
            for start, n, s in zip(starts, counts, windows.stride, strict=True)
        )
        steps = b.axes(windows.stride)
        sights.append(b.add("Slice", x, b.axes(starts), b.shape(ends), b.axes(list(axes)), steps))
    return sights


def _numbers(shape: Shape) -> tuple[int, ...]:
    return tuple(n for n in shape if isinstance(n, int))
