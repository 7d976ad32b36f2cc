"""Lowerings of convolutions and their gradients in training steps.

None is fastest for all sizes. The choice is based on measurements with onnxruntime on two cores.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from netlang.ir.dims import Dim, Shape, Size, product
from netlang.ir.op import OnnxBuilder, Operand
from netlang.ir.types import TensorType
from netlang.ops.windows.windows import Windows, known_sizes, onnx_pads
from netlang.system.numpy import np

_SMALL, MANY = 64, 32
"""The most positions and the fewest filters for which one product for the whole batch is faster
than one per image, although its result must be transposed."""

_TINY = 16
"""The most positions for which that also holds for 1x1 windows."""

_LARGE = 1 << 18
"""The fewest weights for which packing them for each image takes long."""

_WIDE, _FEW = 5, 60
"""The least width of a window, and the largest ratio of filters times row width to window width,
for which products of rows are faster than im2col."""


def one_product_is_best(windows: Windows, x: TensorType, w: TensorType) -> bool:
    """Return whether filters are so large, and feature maps so small, that one product is best."""
    area, weights = product(windows.floor(x.shape[2:])), product(w.shape)
    if isinstance(area, Dim) or isinstance(weights, Dim):
        return False
    return area <= _SMALL and weights >= _LARGE


def by_one_product(b: OnnxBuilder, windows: Windows, x: Operand, w: Operand, *bias: Operand) -> str:
    """Convolve the whole batch by one product; the gradient by the filters uses the same patches.

    Conv computes a product per image, and packs all filters again for each.
    """
    counts = windows.floor(x.type.shape[2:])
    batch, filters, depth = x.type.shape[0], w.type.shape[0], product(w.type.shape[1:])
    patches = _patches(b, windows, x, counts)
    patches = b.add("Reshape", patches, b.shape((depth, batch * product(counts))))
    y = b.add("Gemm", b.add("Reshape", w, b.shape((filters, depth))), patches)
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
    if groups == 1 and _flippable(windows) and _flipping_is_best(windows, channels, filters, area):
        return _by_convolution(b, windows, ct, w)
    if groups == 1 and few_positions(b, ct.type, w.type, _SMALL):
        return by_im2col(b, windows, size, ct, w)
    return _by_transpose(b, windows, groups, size, ct, w)


def few_positions(b: OnnxBuilder, x: TensorType, w: TensorType, most: int = _TINY) -> bool:
    """Return whether a transposed convolution has so few positions that one product is best."""
    filters, area = w.shape[0], product(x.shape[2:])
    many = isinstance(filters, int) and filters >= MANY
    # onnxruntime's Col2Im is correct for two spatial axes only.
    return many and x.rank == 4 and b.opset >= 18 and isinstance(area, int) and area <= most


def _flippable(windows: Windows) -> bool:
    """Return whether a convolution with flipped filters computes the gradient by the input."""
    pairs = zip(windows.extent, windows.pad, strict=True)
    return set(windows.stride) == {1} and all(max(pad) < extent for extent, pad in pairs)


def _flipping_is_best(windows: Windows, channels: Size, filters: Size, area: Size) -> bool:
    """Return whether convolving with flipped filters is fastest."""
    if isinstance(channels, Dim) or isinstance(filters, Dim):
        return False
    if prod(windows.kernel) == 1:
        return isinstance(area, Dim) or area > _TINY or filters < MANY
    if channels >= 2 * filters:
        return True
    large = isinstance(area, Dim) or area > max(_SMALL, channels - 1)
    return channels >= filters and large


def _by_convolution(b: OnnxBuilder, windows: Windows, ct: Operand, w: Operand) -> str:
    """Convolve the cotangent with flipped filters, with channels and filters swapped."""
    (filters, channels), kernel = w.type.shape[:2], windows.kernel
    taps, flipped = prod(kernel), w.name
    if taps > 1:
        # A Slice with a negative step takes much longer.
        flipped = b.add("Reshape", flipped, b.shape((filters, channels, taps)))
        flipped = b.add("Gather", flipped, b.axes(range(taps - 1, -1, -1)), axis=2)
    order = [1, 0, *range(2, 3 if taps > 1 else w.type.rank)]
    flipped = b.add("Transpose", flipped, perm=order)
    if taps > 1:
        flipped = b.add("Reshape", flipped, b.shape((channels, filters, *kernel)))
    around = tuple(
        (extent - 1 - before, extent - 1 - after)
        for extent, (before, after) in zip(windows.extent, windows.pad, strict=True)
    )
    return b.add(
        "Conv", ct, flipped,
        kernel_shape=list(kernel), pads=onnx_pads(around), dilations=list(windows.dilation),
    )  # fmt: skip


def by_im2col(b: OnnxBuilder, windows: Windows, size: Shape, ct: Operand, w: Operand) -> str:
    """Compute the patches of all images by one product, then add them where they overlap."""
    rank, filters, (channels, *window) = ct.type.rank, w.type.shape[0], w.type.shape[1:]
    area, depth = product(ct.type.shape[2:]), product((channels, *window))
    positions = ct.type.shape[0] * area
    rows = b.add("Transpose", ct, perm=[1, 0, *range(2, rank)])
    rows = b.add("Reshape", rows, b.shape((filters, positions)))
    patches = b.add("Gemm", b.add("Reshape", w, b.shape((filters, depth))), rows, transA=1)
    patches = b.add("Reshape", patches, b.shape((depth, ct.type.shape[0], area)))
    patches = b.add("Transpose", patches, perm=[1, 0, 2])
    if depth == channels and set(windows.stride) == {1} and not any(map(sum, windows.pad)):
        return b.add("Reshape", patches, b.shape((ct.type.shape[0], channels, *size)))
    return b.add(
        "Col2Im",
        patches,
        b.shape(size),
        b.shape(tuple(window)),
        strides=list(windows.stride),
        pads=onnx_pads(windows.pad),
        dilations=list(windows.dilation),
    )


def _by_transpose(
    b: OnnxBuilder, windows: Windows, groups: int, sizes: Shape, ct: Operand, w: Operand
) -> str:
    """Lower to ConvTranspose."""
    rests: list[int] = []
    cut: dict[int, Size] = {}
    for axis, (size, n, extent) in enumerate(
        zip(sizes, ct.type.shape[2:], windows.extent, strict=True)
    ):
        stride, pair = windows.stride[axis], windows.pad[axis]
        rest = size + sum(pair) - extent - (n - 1) * stride
        if isinstance(rest, Dim):
            # The remainder is known at run time only: compute the largest output, then slice it.
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
    sizes = known_sizes((*w[:2], *spatial))
    if alone and len(sizes) == x.type.rank:
        filters, channels, area = *sizes[:2], prod(sizes[2:])
        if prod(windows.kernel) == 1 and not any(map(sum, windows.pad)):
            if filters * channels <= area * (filters + channels):
                return _by_images(b, w, x, ct)
        elif channels >= 2 * filters:
            return _by_shifts(b, windows, w, x, ct)
        elif len(spatial) == 2 and rows_are_best(windows, filters, sizes[-1]):
            return _by_rows(b, windows, w, x, ct)
    return _by_patches(b, windows, groups, w, x, ct)


def _by_images(b: OnnxBuilder, w: Shape, x: Operand, ct: Operand) -> str:
    """Sum the products of all images, for 1x1 windows; nothing is transposed."""
    area, batch = product(x.type.shape[2:]), x.type.shape[0]
    left = b.add("Reshape", ct, b.shape((batch, w[0], area)))
    right = b.add("Reshape", x, b.shape((batch, w[1], area)))
    parts = b.add("MatMul", left, b.add("Transpose", right, perm=[0, 2, 1]))
    return b.add("Reshape", b.add("ReduceSum", parts, b.axes([0]), keepdims=0), b.shape(w))


def _by_shifts(b: OnnxBuilder, windows: Windows, w: Shape, x: Operand, ct: Operand) -> str:
    """Lay all images out in one row, and shift the cotangent along it, for few filters.

    Padding after each row and each image makes the distance to an element of the window the same
    at every position, so that its patches are one contiguous slice.
    """
    inner, outer = known_sizes(x.type.shape[2:]), known_sizes(ct.type.shape[2:])
    sizes = zip(inner, outer, windows.pad, strict=True)
    room = tuple(max(size + max(pad), n) for size, n, pad in sizes)
    length = x.type.shape[0] * prod(room)
    shifts: list[int] = []
    for tap in np.ndindex(*windows.kernel):
        shift = 0
        axes = zip(tap, windows.dilation, windows.pad, room, strict=True)
        for offset, dilation, (before, _), size in axes:
            shift = shift * size + offset * dilation - before
        shifts.append(shift)
    first, last = max(0, *shifts), min(0, *shifts)
    row = b.add("Pad", _in_a_row(b, ct, outer, room, length), b.axes([0, first, 0, -last]))
    patches = [
        b.add("Slice", row, b.axes([start]), b.shape((start + length,)), b.axes([1]))
        for start in (first - shift for shift in shifts)
    ]
    stacked = b.add("Concat", *patches, axis=0)
    y = b.add("Gemm", stacked, _in_a_row(b, x, inner, room, length), transB=1)
    y = b.add("Reshape", y, b.shape((len(shifts), *w[:2])))
    return b.add("Reshape", b.add("Transpose", y, perm=[1, 2, 0]), b.shape(w))


def _in_a_row(
    b: OnnxBuilder, x: Operand, sizes: Sequence[int], room: Sequence[int], length: Size
) -> str:
    """Return each channel of a whole batch as a row, padded with zeros to ``room`` per axis."""
    row = b.add("Transpose", x, perm=[1, 0, *range(2, x.type.rank)])
    ends = [whole - size for whole, size in zip(room, sizes, strict=True)]
    if any(ends):
        row = b.add("Pad", row, b.axes([0] * (2 + x.type.rank) + ends))
    return b.add("Reshape", row, b.shape((x.type.shape[1], length)))


def rows_are_best(windows: Windows, filters: int, size: int) -> bool:
    """Return whether more products are faster than patches that copy every element many times."""
    wide = windows.kernel[-1]
    return wide >= _WIDE and filters * (size + sum(windows.pad[-1])) <= _FEW * wide


def _by_rows(b: OnnxBuilder, windows: Windows, w: Shape, x: Operand, ct: Operand) -> str:
    """Multiply whole rows of the input by whole rows of the cotangent, for few filters.

    Of the product of two rows, only as many diagonals are used as the window is wide. But a row is
    copied once for each row of the window, not for each of its elements.
    """
    (before, after), (left, right) = windows.pad
    (down, aside), (_, wide) = windows.dilation, windows.kernel
    batch, width = x.type.shape[0], x.type.shape[3] + left + right
    height, positions = ct.type.shape[2:]
    rows = b.add("Pad", x, b.axes([0, 0, before, left, 0, 0, after, right]))
    rows = b.add("Transpose", rows, perm=[0, 2, 1, 3])
    shape = b.shape((batch * height, w[1] * width))
    bands: list[str] = []
    for start in range(0, windows.kernel[0] * down, down):
        band = b.add("Slice", rows, b.axes([start]), b.shape((start + height,)), b.axes([1]))
        bands.append(b.add("Reshape", band, shape))
    transposed = b.add("Transpose", ct, perm=[0, 2, 1, 3])
    transposed = b.add("Reshape", transposed, b.shape((batch * height, w[0] * positions)))
    y = b.add("Gemm", transposed, b.add("Concat", *bands, axis=1), transA=1)
    y = b.add("Reshape", y, b.shape((w[0], positions, len(bands) * w[1], width)))
    y = b.add("Transpose", y, perm=[0, 2, 1, 3])
    # In rows that are one element longer, a diagonal becomes a column.
    squares = w[0] * len(bands) * w[1]
    y = b.add("Reshape", y, b.shape((squares, positions * width)))
    y = b.add("Pad", y, b.shape((0, 0, 0, positions)))
    y = b.add("Reshape", y, b.shape((squares, positions, width + 1)))
    end, step = b.axes([(wide - 1) * aside + 1]), b.axes([aside])
    y = b.add("Slice", y, b.axes([0]), end, b.axes([2]), step)
    y = b.add("ReduceSum", y, b.axes([1]), keepdims=0)
    y = b.add("Reshape", y, b.shape((w[0], len(bands), w[1], wide)))
    return b.add("Transpose", y, perm=[0, 2, 1, 3])


def _by_patches(
    b: OnnxBuilder, windows: Windows, groups: int, w: Shape, x: Operand, ct: Operand
) -> str:
    """Multiply matrices once for the whole batch, by im2col.

    With channels first, patches are copied in long contiguous runs.
    """
    patches = _patches(b, windows, x, ct.type.shape[2:])
    depth, filters = product(w[1:]), w[0] // groups
    area = product(ct.type.shape[2:])
    positions = ct.type.shape[0] * area
    lead: Shape = () if groups == 1 else (groups,)
    patches = b.add("Reshape", patches, b.shape((*lead, depth, positions)))
    rows = b.add("Transpose", ct, perm=[1, 0, *range(2, ct.type.rank)])
    rows = b.add("Reshape", rows, b.shape((*lead, filters, positions)))
    # A product packs its right operand. With few filters and many positions, that should be the
    # filters; else transposing the result costs more. A batch of unknown size is taken to be 32.
    many = positions if isinstance(positions, int) else 32 * area
    few = 4 * filters
    transposed = isinstance(many, Dim) or isinstance(few, Dim) or many > few
    left, right = (patches, rows) if transposed else (rows, patches)
    if groups == 1:
        y = b.add("Gemm", left, right, transB=1)
        if transposed:
            # The extra axis keeps onnxruntime from transposing the product instead of its result.
            y = b.add("Reshape", y, b.shape((1, depth, filters)))
            y = b.add("Transpose", y, perm=[0, 2, 1])
    else:
        y = b.add("MatMul", left, b.add("Transpose", right, perm=[0, 2, 1]))
        y = b.add("Transpose", y, perm=[0, 2, 1]) if transposed else y
    return b.add("Reshape", y, b.shape(w))


def _patches(b: OnnxBuilder, windows: Windows, x: Operand, counts: Shape) -> str:
    """Return the patches of the input: ``[C, taps, N, ...counts]``."""
    transposed = b.add("Transpose", x, perm=[1, 0, *range(2, x.type.rank)])
    slices = _tap_slices(b, windows, transposed, counts)
    spread = [b.add("Unsqueeze", part, b.axes([1])) for part in slices]
    return spread[0] if len(spread) == 1 else b.add("Concat", *spread, axis=1)


def _tap_slices(b: OnnxBuilder, windows: Windows, x: str, counts: Shape) -> list[str]:
    """Return, for each element of the window, its slice at all positions: ``[C, N, ...]``."""
    axes = range(2, 2 + len(counts))
    if any(map(sum, windows.pad)):
        befores, afters = zip(*windows.pad, strict=True)
        x = b.add("Pad", x, b.axes([0, 0, *befores, 0, 0, *afters]))
    if prod(windows.kernel) == 1 and set(windows.stride) == {1}:
        return [x]
    slices: list[str] = []
    for element in np.ndindex(*windows.kernel):
        starts = tuple(tap * d for tap, d in zip(element, windows.dilation, strict=True))
        ends = tuple(
            start + (n - 1) * s + 1
            for start, n, s in zip(starts, counts, windows.stride, strict=True)
        )
        steps = b.axes(windows.stride)
        slices.append(b.add("Slice", x, b.axes(starts), b.shape(ends), b.axes(list(axes)), steps))
    return slices
