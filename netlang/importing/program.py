"""The text of a network that was converted, and its parameters by their new names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from msgspec import Struct

from netlang.diagnostics.diagnostic import Diagnostics
from netlang.diagnostics.source import Source
from netlang.importing.calls.layers import lift
from netlang.importing.convert import Converted
from netlang.importing.operands import Stored
from netlang.importing.structure.blocks import find_blocks
from netlang.importing.structure.definitions import definition_text, weights_of
from netlang.importing.structure.loops import find_loops
from netlang.importing.structure.ordering import ordered
from netlang.importing.structure.printing import Printer
from netlang.importing.structure.steps import Step
from netlang.importing.structure.windows import Body
from netlang.ir.dims import symbols
from netlang.ir.graph import Value
from netlang.ir.types import TensorType
from netlang.syntax.formatting.format import format_file
from netlang.syntax.parser import parse


class Written(Struct, frozen=True, eq=False):
    """A program, and its parameters in the order in which evaluating the text makes them."""

    text: str
    weights: Sequence[Stored]


def write_program(converted: Converted, doc: str) -> Written:
    """Write a network as text, with blocks for what is repeated."""
    graph = converted.graph
    results = list(graph.outputs.values())
    steps = ordered(lift(converted), results)
    taken = {graph.name, *(v.name for v in graph.inputs), *graph.outputs}
    main = Body(steps, set(results))
    bodies = list(_scans(steps))
    blocks = find_blocks([main, *bodies], taken)
    for block in blocks:
        find_loops(block.body, {block.result}, block)
    for body in (main, *bodies):
        find_loops(body.steps, body.results)
    texts = [definition_text(block) for block in blocks]
    net, order = _net(converted, main.steps)
    text = "\n".join([*texts, _comment(doc) + net])
    # A layer that is called several times makes its parameters at the first call.
    weights = {id(w): w for at in order for w in weights_of(main.steps[at])}
    return Written(formatted(text), list(weights.values()))


def _scans(steps: list[Step]) -> Iterator[Body]:
    """Return the bodies of scans, which are searched too."""
    for step in steps:
        if step.form == "scan" and step.definition is not None:
            yield Body(step.definition.body, set(step.definition.ends))
            yield from _scans(step.definition.body)


def _net(converted: Converted, steps: list[Step]) -> tuple[str, list[int]]:
    graph = converted.graph
    names = {v: v.name for v in graph.inputs}
    wanted: dict[Value, str] = {}
    copies: list[str] = []
    for name, value in graph.outputs.items():
        if value in wanted or value in names:
            copies.append(f"{name} = {names.get(value) or wanted[value]}")
        else:
            wanted[value] = name
    taken = {*names.values(), *graph.outputs}
    printer = Printer(steps, names, (), taken)
    body = printer.body(None, wanted)
    inputs = ", ".join(f"{v.name}: {_type(v.type)}" for v in graph.inputs)
    outputs = ", ".join(graph.outputs)
    outputs = f"({outputs})" if len(graph.outputs) > 1 else outputs
    lines = "\n".join([*body.statements, *copies])
    units: dict[str, int] = {}
    for size in (size for v in graph.inputs for size in v.type.shape):
        units |= symbols(size)
    divisible = [f"{name} % {unit} == 0" for name, unit in units.items() if unit > 1]
    where = f" where {', '.join(divisible)}" if divisible else ""
    return f"net {graph.name}({inputs}) -> {outputs}{where} {{\n{lines}\n}}\n", body.order


def _type(type: TensorType) -> str:
    return f"{type.dtype}[{', '.join(map(str, type.shape))}]"


_MOST_LINES, _WIDEST = 8, 93


def _comment(doc: str) -> str:
    """Return a description from the file as the comment of the net."""
    plain = ["".join(c if c.isprintable() else " " for c in line) for line in doc.splitlines()]
    paragraphs = "\n".join(line.strip() for line in plain[:_MOST_LINES]).split("\n\n")
    lines = [part for paragraph in paragraphs for part in wrap(paragraph, _WIDEST)]
    return "".join(f"## {line}\n" for line in lines[:_MOST_LINES])


def formatted(text: str) -> str:
    """Return a program that was written in the standard format."""
    found = Diagnostics()
    tree = parse(Source("<import>", text), found)
    if tree is None or found.failed:
        shown = "; ".join(d.message for d in found.sorted())
        raise AssertionError(f"the program that was written has errors: {shown}\n{text}")
    return format_file(tree)
