"""Definitions that call each other in a circle."""

from __future__ import annotations

from netlang.diagnostics import Diagnostic, Diagnostics, Label
from netlang.elaborate.home import Home
from netlang.source import Span
from netlang.syntax import ast
from netlang.syntax.walk import walk


def report_cycles(file: ast.File, home: Home, diagnostics: Diagnostics) -> None:
    """Report definitions that call themselves, directly or through others."""
    calls: dict[str, dict[str, Span]] = {}
    own = {d.name.text for d in file.declarations if isinstance(d, ast.Definition)}
    for d in file.declarations:
        if isinstance(d, ast.Definition):
            local = {p.name.text for p in d.params}
            body = d.body if isinstance(d.body, tuple) else (d.body,)
            calls[d.name.text] = {
                **{
                    n.path[-1].text: n.span
                    for n in walk(*body)
                    if isinstance(n, ast.New) and n.path[-1].text in own
                },
                **{
                    n.text: n.span
                    for n in walk(*body)
                    if isinstance(n, ast.Name) and n.text in own and n.text not in local
                },
            }
    done: set[str] = set()
    for start in calls:
        cycle = _cycle(start, calls, done)
        if not cycle:
            continue
        home.recursive.update(cycle)
        done.update(cycle)
        shown = " → ".join(f"`{name}`" for name in [*cycle, cycle[0]])
        first, second = cycle[0], cycle[1] if len(cycle) > 1 else cycle[0]
        message = (
            f"`{first}` calls itself" if len(cycle) == 1 else f"these call each other: {shown}"
        )
        diagnostics.report(
            Diagnostic(
                "recursion",
                message,
                Label(calls[first][second], "this call comes back here"),
                notes=("checking a file must end, so no block is part of itself",),
                helps=("repeat with a loop: `for i in 1..depth with h = x { next h = … }`",),
            )
        )


def _cycle(start: str, calls: dict[str, dict[str, Span]], done: set[str]) -> list[str]:
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
