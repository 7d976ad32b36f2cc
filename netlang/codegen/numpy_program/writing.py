"""The text of one function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from netlang.codegen.numpy_program.calls import attributes_of, expression
from netlang.codegen.numpy_program.functions import Function, Functions
from netlang.codegen.numpy_program.layout import docstring, statement
from netlang.codegen.numpy_program.levels import FunctionLevel, Level, LoopLevel
from netlang.codegen.numpy_program.names import Names, stem
from netlang.codegen.numpy_program.regions import Loop, Number, Region, parameter_path
from netlang.codegen.numpy_program.shapes import Shape
from netlang.ir.graph import Graph, Node, Value

_NEVER = 1 << 60
WEIGHTS = "p"
"""The parameter of a function for its weights, a dictionary of dictionaries."""


class Writer:
    """Writes a function from its first call, with what differs in the others as parameters."""

    def __init__(self, function: Function, functions: Functions, reserved: frozenset[str]) -> None:
        self.function = function
        self.functions = functions
        self.shapes = functions.shapes
        self.shape = function.calls[0]
        region = self.shape.region
        self.position = {id(node): at for at, node in enumerate(region.nodes())}
        last = {v: at for at, node in enumerate(region.nodes()) for v in node.inputs}
        numbers = function.results or [self.shape.numbers[v] for v in region.outputs]
        self.results = [self.shapes.value(region, number) for number in numbers]
        last |= {value: _NEVER for value in self.results}
        self.names = Names(last, frozenset({*reserved, *functions.taken, WEIGHTS, "np"}))
        self.texts: dict[Value, str] = {}
        for value in region.inputs:
            self.texts[value] = self.names.assign(value, self.input_stem(value), -1)
        self.inputs = [self.texts[value] for value in region.inputs]
        self.level = FunctionLevel(
            [shape.region.inputs for shape in function.calls], self.inputs, self.names.reserve
        )
        self.carried: dict[Value, tuple[str, int]] = {}
        """The variable of an output that a loop replaces, and where its old value is last used."""
        self.lists: dict[Value, str] = {}
        """The list of an output of all iterations of a loop."""
        self.outside: dict[Value, str] = {}
        self.weights: dict[int, str] = {}
        """The expression of the weights of each region that is written in place."""

    def input_stem(self, value: Value) -> str:
        if value in self.shapes.params:
            return value.name.rpartition(".")[2]
        return stem(value, self.outer_path()) or "x"

    def outer_path(self) -> str:
        return self.shape.region.path.rpartition(".")[0]

    def lines(self, doc: str, body: list[str] | None = None) -> list[str]:
        """Return the definition of the function."""
        written = self.body() if body is None else body
        self.function.parameters = {k: list(v) for k, v in self.level.parameters.items()}
        weights = [WEIGHTS] if self.function.takes_parameters else []
        parameters = ", ".join([*self.inputs, *weights, *self.level.parameters])
        results = ", ".join(self.texts[value] for value in self.results)
        return [
            *statement(f"def {self.function.name}({parameters}):"),
            *docstring(doc),
            *self.size_lines(),
            *written,
            *statement(f"return {results}", 4),
        ]

    def size_lines(self) -> list[str]:
        return [f"    {name} = {source}" for name, source in self.level.sizes.items()]

    def body(self) -> list[str]:
        return self.block(self.function.calls, self.level, WEIGHTS, 4)

    def block(self, shapes: Sequence[Shape], level: Level, weights: str, indent: int) -> list[str]:
        """Return the statements of a region, given that of each instance of the level."""
        lines: list[str] = []
        first = shapes[0]
        self.weights[id(first.region)] = weights
        for at, item in enumerate(first.items):
            items = [shape.items[at] for shape in shapes]
            match item:
                case Node():
                    lines += self.node(first, cast("list[Node]", items), level, indent)
                case Region(is_iteration=True):
                    inner = [self.shapes.of(cast("Region", each)) for each in items]
                    self.pass_weights(first, item)
                    path = self.below(first, item, item.path)
                    lines += self.block(inner, level, path, indent)
                case Region():
                    lines += self.call(first, cast("list[Region]", items), level, indent)
                case Loop():
                    lines += self.loop(first, cast("list[Loop]", items), level, indent)
        return lines

    def below(self, shape: Shape, region: Region, path: str) -> str:
        """Return the expression of the weights at a path, in those of a region around it."""
        rest = shape.region.below(path) if region.own_parameters else None
        return self.weights[id(shape.region)] + keys(rest or "")

    def reference(self, shape: Shape, value: Value) -> str:
        path = parameter_path(self.shapes.params, value, shape.region)
        if path is not None:
            return self.weights[id(shape.region)] + keys(path)
        return self.texts[value]

    def pass_weights(self, shape: Shape, region: Region) -> None:
        """Note where a region that is written in place finds the weights of others."""
        for value in region.inputs:
            if value in self.shapes.params:
                self.texts[value] = self.reference(shape, value)

    def references(self, shape: Shape, values: Sequence[Value]) -> list[str]:
        return [self.reference(shape, value) for value in values]

    def node(self, shape: Shape, nodes: list[Node], level: Level, indent: int) -> list[str]:
        first = nodes[0]
        attributes: dict[str, str] = {}
        for name, value in attributes_of(first.op).items():
            if isinstance(value, Graph):
                body = self.shapes.body(first, value)
                attributes[name] = self.functions.of(body).name
            else:
                vector = [attributes_of(node.op)[name] for node in nodes]
                attributes[name] = level.text(vector, name)
        text = expression(first.op, self.references(shape, first.inputs), attributes)
        (result, *others) = first.outputs
        if not first.op.operands and not others and result.type.rank == 0:
            self.texts[result] = text
            return []
        return self.assignment(shape, first.outputs, text, self.position[id(first)], indent)

    def assignment(
        self, shape: Shape, values: Sequence[Value], text: str, position: int, indent: int
    ) -> list[str]:
        targets = [self.target(shape, value, position) for value in values]
        for value, name in zip(values, targets, strict=True):
            self.texts[value] = name
        return statement(f"{', '.join(targets)} = {text}", indent)

    def target(self, shape: Shape, value: Value, position: int) -> str:
        if self.names.last.get(value, -1) < 0:
            return "_"
        if value in self.carried:
            name, used = self.carried[value]
            if used <= position:
                return name
        name = stem(value, shape.region.path) or stem(value, self.shape.region.path)
        return self.names.assign(value, name or "y", position)

    def call(self, shape: Shape, calls: list[Region], level: Level, indent: int) -> list[str]:
        region = calls[0]
        function = self.functions.of(region)
        arguments = self.references(shape, region.inputs)
        if region.own_parameters:
            arguments.append(self.below(shape, region, region.path))
        places = {id(each): at for at, each in enumerate(function.calls)}
        instances = [places[id(self.shapes.of(each))] for each in calls]
        for name, values in function.parameters.items():
            argument = level.text([values[instance] for instance in instances], name)
            arguments.append(f"{name}={argument}")
        values = [self.shapes.value(region, number) for number in function.results]
        *_, last = region.nodes()
        text = f"{function.name}({', '.join(arguments)})"
        return self.assignment(shape, values, text, self.position[id(last)], indent)

    def loop(self, shape: Shape, loops: list[Loop], level: Level, indent: int) -> list[str]:
        first = loops[0].iterations[0]
        self.pass_weights(shape, first)
        iterations = [self.shapes.of(each) for loop in loops for each in loop.iterations]
        results = {each.numbers[v]: None for each in iterations for v in each.region.outputs}
        values = {number: self.shapes.value(first, number) for number in results}
        lines = self.enter(shape, loops[0], values, indent)
        inner = LoopLevel(level, [len(loop.iterations) for loop in loops], self.names.reserve)
        base = first.path.rpartition(".")[0]
        number = self.names.reserve("i") if first.own_parameters else None
        weights = self.below(shape, first, base) + f"[{number}]" if number else ""
        body = self.block(iterations, inner, weights, indent + 4)
        body += self.leave(loops[0], values, indent + 4)
        numbers = [[_number(each.path) for each in loop.iterations] for loop in loops]
        return [*lines, *statement(inner.header(numbers, number), indent), *body]

    def enter(
        self, shape: Shape, loop: Loop, results: Mapping[Number, Value], indent: int
    ) -> list[str]:
        """Return what precedes a loop: the first values of its variables, and empty lists.

        ``results`` are the values that are used outside of an iteration, from the first one.
        """
        first = loop.iterations[0]
        nodes = list(first.nodes())
        end = self.position[id(nodes[-1])]
        for value in results.values():
            self.names.last[value] = max(self.names.last.get(value, -1), end)
        lines: list[str] = []
        base = first.path.rpartition(".")[0]
        for at, number in loop.carries.items():
            start, value = first.inputs[at], results[number]
            text = self.reference(shape, start)
            name = self.variable(shape, start, value, base, end)
            lines += statement(f"{name} = {text}", indent) if name != text else []
            used = max(self.position[id(node)] for node in nodes if start in node.inputs)
            self.carried[value] = name, used
            self.names.held[name] = None
            self.outside.setdefault(start, text)
            self.texts[start] = name
        for number in loop.collected:
            name = stem(results[number], first.path) or "y"
            self.lists[results[number]] = self.names.reserve(f"{name}s")
            lines += statement(f"{self.lists[results[number]]} = []", indent)
        return lines

    def variable(self, shape: Shape, start: Value, output: Value, base: str, end: int) -> str:
        """Return the name of a value that a loop replaces in each iteration."""
        own = stem(Value(base, start.type), shape.region.path)
        text = self.reference(shape, start)
        replaceable = self.names.held.get(text) is start and self.names.last[start] <= end
        if replaceable and own in ("", text):
            return text
        name = own or stem(output, shape.region.path) or "y"
        return self.names.assign(None, name, end if replaceable else -1)

    def leave(self, loop: Loop, results: Mapping[Number, Value], indent: int) -> list[str]:
        """Return the end of a loop's body, and note where its results are after the loop."""
        lines: list[str] = []
        moved: dict[str, str] = {}
        for number, value in results.items():
            text = self.texts[value]
            ends = [self.shapes.value(each, number) for each in loop.iterations]
            if value in self.lists:
                lines += statement(f"{self.lists[value]}.append({text})", indent)
                for at, end in enumerate(ends):
                    self.texts[end] = f"{self.lists[value]}[{at}]"
            elif value in self.carried:
                name, _ = self.carried[value]
                if name != text:
                    moved[name] = text
                self.texts[ends[-1]] = name
                self.names.held[name] = ends[-1]
            else:
                self.texts[ends[-1]] = text
                self.names.held[text] = ends[-1]
        if moved:
            lines += statement(f"{', '.join(moved)} = {', '.join(moved.values())}", indent)
        for value in loop.iterations[0].inputs:
            if value in self.outside:
                self.texts[value] = self.outside.pop(value)
        return lines


def keys(path: str) -> str:
    """Return the subscripts that lead to a path in a dictionary of dictionaries."""
    parts = path.split(".") if path else []
    return "".join(f"[{part}]" if part.isdigit() else f'["{part}"]' for part in parts)


def _number(path: str) -> int:
    return int(path.rpartition(".")[2])
