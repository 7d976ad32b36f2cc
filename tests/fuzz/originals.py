"""Correct programs to make errors in, with what they mean and where their parts are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import TypeVar

from canonical import canonical

from netlang.diagnostics.source import Span
from netlang.ir.types import TensorType
from netlang.program import Program, open_program
from netlang.syntax import ast
from netlang.syntax.walk import walk

TESTS = Path(__file__).parent.parent
LONGEST = 3_000
"""The characters of the longest program."""

NODES = 400
"""The nodes of the largest program: thousands of its variants are checked."""

_BLOCK = re.compile(r"^```(net|file)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
N = TypeVar("N", bound=ast.Node)


class Original:
    """A program without errors or warnings."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text = path, text
        self.program = check(path, text)

    @property
    def usable(self) -> bool:
        """Whether nothing is wrong with it, and it is small."""
        if self.program.diagnostics.items or self.program.file is None:
            return False
        graphs = [net.graph for net in self.program.nets.values() if net.complete]
        return 0 < sum(len(graph.nodes) for graph in graphs) <= NODES

    @cached_property
    def nodes(self) -> tuple[ast.Node, ...]:
        """The nodes of the syntax tree."""
        file = self.program.file
        assert file is not None
        return tuple(walk(*file.imports, *file.declarations))

    def all(self, kind: type[N]) -> list[N]:
        """Return the nodes of one kind."""
        return [node for node in self.nodes if isinstance(node, kind)]

    @cached_property
    def calls(self) -> list[ast.Call]:
        """The calls of functions by name."""
        return [c for c in self.all(ast.Call) if isinstance(c.callee, ast.Name)]

    def calls_of(self, *names: str) -> list[ast.Call]:
        """Return the calls of some functions."""
        return [call for call in self.calls if call.callee.span.text in names]

    @cached_property
    def stages(self) -> list[tuple[ast.Pipe, int]]:
        """The stages of pipelines, by number."""
        return [(pipe, i) for pipe in self.all(ast.Pipe) for i in range(len(pipe.stages))]

    @cached_property
    def meaning(self) -> object:
        """The graphs and the plans."""
        return meaning(self.program)

    def input_of(self, call: ast.Expr) -> TensorType | None:
        """Return the type of the first tensor that a call of the library takes."""
        for net in self.program.nets.values():
            for node in net.graph.nodes if net.complete else ():
                scope = node.scope
                while scope is not None and scope.span != call.span:
                    scope = scope.parent
                if scope is not None and node.inputs:
                    return node.inputs[0].type
        return None

    def replaced(self, span: Span, text: str) -> str:
        """Return the text with another text in place of a span."""
        return self.text[: span.start] + text + self.text[span.end :]


def check(path: Path, text: str) -> Program:
    """Check a text as if it were in a file."""
    program = open_program(path, text)
    program.check()
    return program


def meaning(program: Program) -> object:
    """Describe the graphs of a program, and the settings of its train sections.

    Dimensions are named in the order in which they occur.
    """
    names: dict[str, str] = {}

    def numbered(found: re.Match[str]) -> str:
        return names.setdefault(found[0], f"D{len(names)}")

    nets = {n: net.graph for n, net in program.nets.items() if net.complete}
    graphs = [re.sub(r"\b[A-Z]\w*", numbered, repr(canonical(graph))) for graph in nets.values()]
    plans = {
        name: {key: re.sub(r"\s", "", text) for key, text in plan.settings.items()}
        for name, plan in program.plans.items()
    }
    return graphs, plans


@cache
def originals() -> tuple[Original, ...]:
    """Return the programs: examples, the specification, and the corrected ones of the panel."""
    files = [TESTS.parent / "examples", TESTS / "data" / "language", TESTS / "data" / "panel"]
    texts = [(p, p.read_text("utf-8")) for folder in files for p in sorted(folder.glob("*.net"))]
    texts += _specified()
    found = (Original(path, text) for path, text in texts if 120 <= len(text) <= LONGEST)
    return tuple(original for original in found if original.usable)


def _specified() -> Iterator[tuple[Path, str]]:
    """Yield the programs of the specification that need no other file."""
    for page in sorted((TESTS / "spec" / "language").glob("*.md")):
        alone = True
        for kind, _, text in _BLOCK.findall(page.read_text("utf-8")):
            if kind == "net" and alone:
                yield page.with_suffix(".net"), text
            alone = kind == "net"
