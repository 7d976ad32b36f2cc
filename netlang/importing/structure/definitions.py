"""The text of blocks, and the order in which a program makes its parameters."""

from __future__ import annotations

from netlang.importing.operands import Stored
from netlang.importing.structure.printing import Printer
from netlang.importing.structure.steps import LAYER, Definition, Step
from netlang.ir.graph import Value


def definition_text(definition: Definition) -> str:
    """Return the text of a block, and record the order of its steps."""
    layers = [v for v in definition.inputs if v.type is LAYER]
    tensors = [v for v in definition.inputs if v.type is not LAYER]
    called = {v: f"layer{at}" if at > 1 else "layer" for at, v in enumerate(layers, 1)}
    given = called | {v: f"x{at}" if at else "x" for at, v in enumerate(tensors)}
    names = {v: given[v] for v in definition.inputs}
    holes = [p.name for p in definition.parameters]
    taken = {*names.values(), *holes, "y", *definition.symbols}
    printer = Printer(definition.body, names, holes, taken)
    body = printer.body(definition.result, {})
    definition.order = printer.order
    inputs = [_input(definition, v, name) for v, name in names.items()]
    parameters = [
        f"{p.name}: {p.kind}" + ("" if p.default == "required" else f" = {printer.item(p.default)}")
        for p in definition.parameters
    ]
    head = f"block {definition.name}({', '.join([*inputs, *parameters])})"
    if not body.statements:
        return f"{head} = {body.result}\n"
    lines = "\n".join([*body.statements, f"y = {body.result}"])
    return f"{head} -> y {{\n{lines}\n}}\n"


def _input(definition: Definition, value: Value, name: str) -> str:
    if value.type is LAYER:
        return f"{name}: block"
    if not definition.symbols:
        return name
    sizes: list[str] = []
    for axis, size in enumerate(value.type.shape):
        text = str(size)
        sizes.append(text if text in definition.symbols else f"{name.upper()}_{axis}")
    return f"{name}: {value.type.dtype}[{', '.join(sizes)}]"


def weights_of(step: Step, printed: Step | None = None) -> list[Stored]:
    """Return the parameters of a step in the order in which the program makes them.

    ``printed`` is the step of a block or loop that the text has in its place.
    """
    definition = (step if printed is None else printed).definition
    if definition is None:
        return list(step.weights)
    return [
        stored
        for steps in step.inner
        for at in definition.order
        for stored in weights_of(steps[at], definition.body[at])
    ]
