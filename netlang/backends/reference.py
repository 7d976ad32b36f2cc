"""The reference interpreter: NumPy, node by node. It defines the meaning of a net."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import cache

from netlang.backends.feeds import Feeds, prepare
from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, InputError, NetlangError
from netlang.ir.arrays import numpy_dtype
from netlang.ir.graph import Graph, Node, Value, written_at
from netlang.ir.types import DType
from netlang.passes.promotion import promoted
from netlang.storage.weights import require
from netlang.system.numpy import Array, np
from netlang.system.threads import computation


def run(
    graph: Graph,
    feeds: Mapping[str, Array] | Feeds,
    weights: Mapping[str, Array],
    *,
    dtype: DType = DType.F32,
    sizes: Mapping[str, int] | None = None,
) -> dict[str, Array]:
    """Compute the outputs of a graph, and each state ``h`` of the next call as ``h_next``.

    With ``dtype`` f64 everything that the graph calls f32 is computed in float64. ``Feeds`` must
    be prepared for it. Raises ``InputError`` for arrays and ``WeightsError`` for weights that do
    not match.
    """
    wide = dtype is DType.F64
    require(graph, weights)
    fed = feeds if isinstance(feeds, Feeds) else prepare(graph, feeds, sizes=sizes, wide=wide)
    values: dict[Value, Array] = {v: fed.arrays[v.name] for v in graph.inputs}
    values |= {s.value: fed.arrays[s.value.name] for s in graph.states}
    values |= {v: _widen(weights[p.path], wide=wide) for v, p in graph.params.items()}
    results = graph.results
    last_use = _last_uses(graph)
    kept = set(results.values())
    _keep_freed_memory()
    with computation():
        for position, node in enumerate(graph.nodes):
            computed = compute(node, [values[v] for v in node.inputs], fed.sizes, wide=wide)
            for value, array in zip(node.outputs, computed, strict=True):
                values[value] = _widen(array, wide=wide)
            for value in {*node.inputs, *node.outputs}:
                if value not in kept and last_use.get(value, position) == position:
                    del values[value]
    return {name: values[v] for name, v in results.items()}


def compute(
    node: Node, operands: list[Array], sizes: Mapping[str, int], *, wide: bool = False
) -> tuple[Array, ...]:
    """Compute one node; if ``wide``, in float64 what it would create as f32."""
    op = promoted(node.op) if wide else node.op
    try:
        with np.errstate(all="ignore"):
            return tuple(np.asarray(a) for a in op.at(sizes).forward(*operands))
    except MemoryError:
        raise NetlangError(
            rules.OUT_OF_MEMORY,
            f"{describe(node)} needs more memory than there is",
            exit_code=ENVIRONMENT,
        ) from None
    except InputError as error:
        raise InputError(
            f"{describe(node)}: {error.message}", notes=error.notes, helps=error.helps
        ) from None
    except IndexError as error:
        raise InputError(
            f"{describe(node)} looks up an entry that does not exist: {error}"
        ) from None


def describe(node: Node) -> str:
    """Return the path, the operator and the line of a node, for messages."""
    path = (
        f"`{node.scope.path}`"
        if node.scope is not None and node.scope.path
        else f"`{node.op.name}`"
    )
    where = written_at(node)
    return f"{path} ({node.op.name}{', ' + where if where else ''})"


def _widen(array: Array, *, wide: bool) -> Array:
    if wide and array.dtype == numpy_dtype(DType.F32):
        return array.astype(numpy_dtype(DType.F64))
    return array


@cache
def _keep_freed_memory() -> None:
    """Make the C library keep freed memory for later allocations.

    glibc returns large blocks to the system, and gets them again page by page, until a block of
    nearly 32 MiB has been freed. This one is never touched: it occupies no memory.
    """
    with suppress(MemoryError):  # if even this is too much, the net may still fit
        np.empty(31 << 20, np.uint8)


def _last_uses(graph: Graph) -> dict[Value, int]:
    return {v: position for position, node in enumerate(graph.nodes) for v in node.inputs}
