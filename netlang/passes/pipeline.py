"""The passes, in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError
from netlang.diagnostics.suggestions import did_you_mean
from netlang.ir.graph import Graph, verify
from netlang.passes.common_subexpressions import eliminate_common_subexpressions
from netlang.passes.dead_code import eliminate_dead_code
from netlang.passes.hoist_scan import hoist_scan
from netlang.passes.identity import fold_identity

Pass = Callable[[Graph], Graph]
Watch = Callable[[str, Graph], None]

PASSES: tuple[Pass, ...] = (
    fold_identity,
    hoist_scan,
    eliminate_common_subexpressions,
    eliminate_dead_code,
)


def name_of(step: Pass) -> str:
    """Return the name of a pass on the command line: ``fold-identity``."""
    return getattr(step, "__name__", type(step).__name__).replace("_", "-")


def transform(
    graph: Graph, passes: Sequence[Pass] = PASSES, *, watch: Watch | None = None
) -> Graph:
    """Run passes in order and verify the graph after each.

    ``watch`` is called with the name of each pass and its result. Raises ``GraphError`` if a pass
    has a bug.
    """
    for step in passes:
        graph = step(graph)
        verify(graph)
        if watch is not None:
            watch(name_of(step), graph)
    return graph


def transform_until(graph: Graph, name: str) -> Graph:
    """Run the passes up to and including the one called ``name``.

    Raises ``NetlangError`` for a name that is not one of a pass.
    """
    names = [name_of(step) for step in PASSES]
    if name not in names:
        raise NetlangError(
            rules.UNKNOWN_PASS,
            f"there is no pass `{name}`",
            notes=[f"the passes are, in order: {', '.join(names)}"],
            helps=did_you_mean(name, names),
            exit_code=USAGE,
        )
    return transform(graph, PASSES[: names.index(name) + 1])
