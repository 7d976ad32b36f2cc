"""Matrix products, split among threads."""

from __future__ import annotations

from netlang.system.numpy import Array, np
from netlang.system.threads import PRODUCT, parallel_for, part_count, split


def multiply(a: Array, b: Array, *, plus: Array | None = None, out: Array | None = None) -> Array:
    """Multiply ``[..., F, D]`` by ``[..., D, P]``, add ``plus`` and store the sum in ``out``.

    The axes before the last two broadcast; ``plus`` broadcasts to the product.
    """
    if min(a.ndim, b.ndim) < 2:
        y = np.asarray(np.matmul(a, b))
        return y if plus is None else y + plus
    lead = a.shape[:-2]
    if lead != b.shape[:-2]:
        lead = np.broadcast_shapes(lead, b.shape[:-2])
    shape = (*lead, a.shape[-2], b.shape[-1])
    count = part_count(a.shape[-1], *shape, least=PRODUCT)
    if count == 1:
        y = np.matmul(a, b, out=out)
        if plus is not None:
            y += plus
        return y
    into = np.empty(shape, np.result_type(a, b)) if out is None else out
    longest = -2 if shape[-2] > shape[-1] else -1
    axis = next((i for i in range(-into.ndim, -2) if shape[i] >= count), longest)
    parts = split(shape[axis], count)

    def work(i: int) -> None:
        left = a if axis == -1 else _part(a, axis, parts[i])
        right = b if axis == -2 else _part(b, axis, parts[i])
        made = np.matmul(left, right, out=_part(into, axis, parts[i]))
        if plus is not None:
            made += _part(plus, axis, parts[i])

    parallel_for(work, len(parts))
    return into


def _part(x: Array, axis: int, part: slice) -> Array:
    """Return a slice of an axis, counted from the end; a broadcast axis stays whole."""
    if x.ndim < -axis or x.shape[axis] == 1:
        return x
    return x[(..., part, *(slice(None),) * (-axis - 1))]
