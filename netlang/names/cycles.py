"""Definitions that call each other recursively."""

from __future__ import annotations

from collections.abc import Mapping

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostics, diagnostic
from netlang.diagnostics.source import Span
from netlang.evaluate.modules.module import ModuleScope

Calls = Mapping[str, Mapping[str, Span]]
"""For each definition of a file, those that its body uses, and where."""


def report_cycles(calls: Calls, module: ModuleScope, diagnostics: Diagnostics) -> None:
    """Report definitions that call themselves, directly or through others."""
    done: set[str] = set()
    for start in calls:
        cycle = _cycle(start, calls, done)
        if not cycle:
            continue
        module.recursive.update(cycle)
        done.update(cycle)
        shown = " → ".join(f"`{name}`" for name in [*cycle, cycle[0]])
        first, second = cycle[0], cycle[1] if len(cycle) > 1 else cycle[0]
        message = (
            f"`{first}` calls itself" if len(cycle) == 1 else f"these call each other: {shown}"
        )
        diagnostics.report(
            diagnostic(
                rules.RECURSION,
                message,
                calls[first][second],
                "this call comes back here",
                notes=("checking a file must end, so no block is part of itself",),
                helps=("repeat with a loop: `for i in 1..depth with h = x { next h = … }`",),
            )
        )


def _cycle(start: str, calls: Calls, done: set[str]) -> list[str]:
    """Find a cycle that can be reached from a definition, without recursion of our own."""
    path: list[str] = []
    stack: list[tuple[str, bool]] = [(start, False)]
    while stack:
        name, leaving = stack.pop()
        if leaving:
            path.pop()
            done.add(name)
            continue
        if name in path:
            return path[path.index(name) :]
        if name in done:
            continue
        path.append(name)
        stack.append((name, True))
        stack.extend((callee, False) for callee in calls.get(name, {}))
    return []
