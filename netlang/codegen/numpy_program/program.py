"""A net as a Python program that needs only NumPy."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Sequence

from netlang.codegen.numpy_program.calls import needed
from netlang.codegen.numpy_program.functions import Functions
from netlang.codegen.numpy_program.graphs import nodes_of
from netlang.codegen.numpy_program.helpers import Helper, with_usual_defaults
from netlang.codegen.numpy_program.layout import block, docstring, statement
from netlang.codegen.numpy_program.literals import literal
from netlang.codegen.numpy_program.writing import WEIGHTS, Writer
from netlang.ir.graph import Graph
from netlang.ir.op import Primitive
from netlang.passes.dead_code import eliminate_dead_code
from netlang.passes.identity import fold_identity
from netlang.passes.pipeline import transform
from netlang.syntax import ast

LOAD = '''
def load(path):
    """Return the parameters in a .npz file: a dictionary for each block and layer."""
    parameters = {}
    with np.load(path) as arrays:
        for name in arrays.files:
            *outer, last = (int(n) if n.isdigit() else n for n in name.split("."))
            inner = parameters
            for key in outer:
                inner = inner.setdefault(key, {})
            inner[last] = arrays[name]
    return parameters
'''


Definitions = Callable[[str], ast.Definition | None]
"""A function that returns what defines a block, by its name."""


def numpy_program(graph: Graph, definitions: Definitions, weights: str) -> str:
    """Return the source of a program that computes a net.

    It has a function for each block, called with the tensors and the parameters of the block, and
    one with the name of the net. ``weights`` is the name of the file of the parameters.
    """
    graph = transform(graph, (fold_identity, eliminate_dead_code))
    return _Program(graph, definitions, weights).text()


class _Program:
    def __init__(self, graph: Graph, definitions: Definitions, weights: str) -> None:
        self.graph = graph
        self.definitions = definitions
        self.weights = weights
        self.helpers = self.used()
        self.imports = {line for made in self.helpers.values() for line in made.imports}
        for node in nodes_of(graph):
            if (extern := node.op.python_function()) is not None:
                module, _, name = extern[0].partition(":")
                self.imports.add(f"from {module} import {name}")
        taken = {line.split()[-1] for line in self.imports} | self.helpers.keys()
        self.reserved = frozenset({*dir(builtins), *taken, "load"})
        self.functions = Functions(graph, self.helpers, set(self.reserved))

    def used(self) -> dict[str, Helper]:
        """Return the functions of operators that the program needs, by name."""
        nodes = list(nodes_of(self.graph))
        found = {
            each.name: each
            for node in nodes
            if (made := needed(node.op)) is not None
            for each in made.closure()
        }
        operators: dict[str, list[Primitive]] = {}
        for node in nodes:
            if (made := needed(node.op)) is not None:
                operators.setdefault(made.name, []).append(node.op)
        return found | {n: with_usual_defaults(found[n], ops) for n, ops in operators.items()}

    def text(self) -> str:
        parts = [self.header()]
        for function in self.functions.all()[:-1]:
            found = self.definitions(function.kind)
            writer = Writer(function, self.functions, self.reserved, _first_input(found))
            parts.append(writer.lines(_description(found)))
        parts.append(self.net())
        if self.graph.params:
            parts.append(list[str](LOAD.strip().splitlines()))
        parts += [made.lines() for made in self.helpers.values()]
        parts.append(self.usage())
        return "\n\n\n".join("\n".join(part) for part in parts) + "\n"

    def header(self) -> list[str]:
        path = ["from pathlib import Path"] if self.graph.params else []
        imports = sorted({*self.imports, *path}, key=lambda line: (line.split()[1], line))
        standard = [line for line in imports if _module(line) in sys.stdlib_module_names]
        others = [line for line in imports if line not in standard]
        first = [*docstring(f"{self.graph.name}, compiled to NumPy.", 0), ""]
        return [*first, *standard, *([""] if standard else []), "import numpy as np", *others]

    def net(self) -> list[str]:
        """Return the function of the net, which returns a dictionary of its outputs."""
        graph, function = self.graph, self.functions.net
        found = self.definitions(graph.name)
        writer = Writer(function, self.functions, self.reserved)
        body = writer.body()
        weights = [WEIGHTS] if graph.params else []
        inputs = writer.inputs[: len(graph.inputs)]
        states = [f"{writer.texts[s.value]}=None" for s in graph.states]
        starts = [
            f"{name} = np.asarray({name}, dtype={literal(value.type.dtype)})"
            for name, value in zip(inputs, graph.inputs, strict=True)
        ]
        begin: list[str] = []
        for name, state in zip(writer.inputs[len(inputs) :], graph.states, strict=True):
            shape = writer.level.text([state.value.type.shape], name)
            dtype = literal(state.value.type.dtype)
            begin += [f"    if {name} is None:"]
            begin += statement(f"{name} = np.full({shape}, {state.start!r}, {dtype})", 8)
        results = ", ".join(f'"{n}": {writer.texts[v]}' for n, v in graph.results.items())
        return [
            *statement(f"def {function.name}({', '.join([*inputs, *weights, *states])}):"),
            *docstring(_description(found)),
            *block(starts),
            *writer.size_lines(),
            *begin,
            *body,
            *statement(f"return {{{results}}}", 4),
        ]

    def usage(self) -> list[str]:
        """Return an example of a call, with the smallest tensors of the right shapes."""
        arguments = [_example(value.type.shape, literal(value.type.dtype))
                     for value in self.graph.inputs]  # fmt: skip
        lines = ['if __name__ == "__main__":']
        if self.graph.params:
            lines.append(f"    p = load(Path(__file__).with_name({literal(self.weights)}))")
            arguments.append("p")
        call = f"outputs = {self.functions.net.name}({', '.join(arguments)})"
        return [
            *lines,
            *statement(call, 4),
            "    for name, value in outputs.items():",
            "        print(name, value.shape)",
        ]


def _description(found: ast.Definition | None) -> str:
    """Return the comment before a definition; of one of the library, its first sentence."""
    if found is None:
        return ""
    if not found.head.source.library:
        return found.doc
    first, end, _ = found.doc.partition(". ")
    return f"{first}." if end else first


def _module(line: str) -> str:
    """Return the package that a line imports."""
    return line.split()[1].partition(".")[0]


def _first_input(found: ast.Definition | None) -> str:
    return found.params[0].name.text if found is not None and found.params else ""


def _example(shape: Sequence[object], dtype: str) -> str:
    sizes = tuple(size if isinstance(size, int) else 1 for size in shape)
    return f"np.zeros({literal(sizes)}, {dtype})"
