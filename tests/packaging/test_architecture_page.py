"""`docs/architecture.svg` shows the parts of netlang and what they import; ``--update`` draws it.

Tests ``netlang.diagram``.
"""

from __future__ import annotations

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from netlang.diagram.outline import Box, Outline
from netlang.diagram.rendering import render

CHECKOUT = Path(__file__).parents[2]
DRAWN = CHECKOUT / "docs" / "architecture.svg"
PURPOSES = {"program": "a program: a file with what it imports, checked"} | dict(
    re.findall(
        r"^\| `netlang/(\w+)/` \| (.*) \|$",
        (CHECKOUT / "CONTRIBUTING.md").read_text("utf-8"),
        re.MULTILINE,
    )
)
BELOW_ALL = {"diagnostics", "system", "ir"}
"""What almost every part imports: edges to these would hide all others."""


def imports() -> dict[str, set[str]]:
    """Return the parts that each part imports when it is loaded."""
    found: dict[str, set[str]] = {}
    for path in (CHECKOUT / "netlang").rglob("*.py"):
        own = path.relative_to(CHECKOUT / "netlang").parts[0].removesuffix(".py")
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("netlang."):
                part = (node.module or "").split(".")[1]
                found.setdefault(own, set()).add(part)
    return {own: parts - {own} for own, parts in found.items() if not own.startswith("__")}


def reduced(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return the edges of a graph that do not follow from others."""
    reach: dict[str, set[str]] = {}
    for part in TopologicalSorter(graph).static_order():
        own = graph.get(part, set())
        reach[part] = own.union(*(reach[other] for other in own))
    return {
        part: {o for o in own if not any(o in reach[other] for other in own - {o})}
        for part, own in graph.items()
    }


def drawn() -> str:
    found = sorted(imports().items())
    graph = {part: own - BELOW_ALL for part, own in found if part not in BELOW_ALL}
    # Sorted, since the order of sets is another one in each process.
    above = {part: sorted(own) for part, own in graph.items()}
    order = [*reversed([*TopologicalSorter(above).static_order()])]
    number = {part: at for at, part in enumerate(order)}
    boxes = tuple(
        Box(at, "input", "other", part, "", (), PURPOSES[part]) for at, part in enumerate(order)
    )
    edges = tuple(
        (number[part], number[other])
        for part, own in reduced(graph).items()
        for other in sorted(own)
    )
    facts = "An arrow leads to what a part imports; all import ir, system and diagnostics."
    return render(Outline("The parts of netlang", facts, len(boxes), boxes, edges)).svg()


def test_the_diagram_is_of_the_code_as_it_is(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update"):
        DRAWN.write_text(drawn(), "utf-8")
    assert DRAWN.read_text("utf-8") == drawn()
