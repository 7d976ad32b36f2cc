"""Products of matrices, cut into parts for the threads."""

from __future__ import annotations

from netlang.numeric import Array, np
from netlang.threads import PRODUCT, cut, shares, spread


def multiply(a: Array, b: Array) -> Array:
    """Multiply ``[..., F, D]`` by ``[..., D, P]``; the axes before the last two broadcast."""
    if min(a.ndim, b.ndim) < 2:
        return np.asarray(np.matmul(a, b))
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    shape = (*lead, a.shape[-2], b.shape[-1])
    count = shares(a.shape[-1], *shape, least=PRODUCT)
    if count == 1:
        return np.matmul(a, b)
    y = np.empty(shape, np.result_type(a, b))
    longest = -2 if shape[-2] > shape[-1] else -1
    axis = next((i for i in range(-y.ndim, -2) if shape[i] >= count), longest)
    parts = cut(shape[axis], count)

    def work(i: int) -> None:
        left = a if axis == -1 else _part(a, axis, parts[i])
        right = b if axis == -2 else _part(b, axis, parts[i])
        np.matmul(left, right, out=_part(y, axis, parts[i]))

    spread(work, len(parts))
    return y


def _part(x: Array, axis: int, part: slice) -> Array:
    """Cut an axis, counted from the end; one that is stretched stays whole."""
    if x.ndim < -axis or x.shape[axis] == 1:
        return x
    return x[(..., part, *(slice(None),) * (-axis - 1))]
