"""A call of a net: what its arrays are checked for before the first node runs, on any backend."""

from __future__ import annotations

from collections.abc import Mapping

from netlang.backends.feeds import Feeds, prepare
from netlang.backends.indices import indices_of
from netlang.backends.sizes import check_sizes
from netlang.ir.graph import Graph


def prepare_call(graph: Graph, feeds: Mapping[str, object], *, wide: bool = False) -> Feeds:
    """Prepare the arrays of a call, and check their sizes and the indices among them.

    Raises ``InputError`` as ``prepare`` does, and for an index outside of what it selects from;
    ``SizeError`` for sizes that an operator rejects.
    """
    fed = prepare(graph, feeds, wide=wide)
    check_sizes(graph, fed.sizes)
    for indices in indices_of(graph, fed.sizes):
        indices.check(fed.arrays[indices.name])
    return fed
