"""The text of one function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import cast

from netlang.codegen.numpy_program.calls import attributes_of, expression
from netlang.codegen.numpy_program.functions import Function, Functions
from netlang.codegen.numpy_program.layout import docstring, statement
from netlang.codegen.numpy_program.levels import FunctionLevel, Level, LoopLevel, Numbers
from netlang.codegen.numpy_program.names import Names, stem
from netlang.codegen.numpy_program.regions import (
    Loop,
    Number,
    Region,
    nodes_of_item,
    parameter_path,
)
from netlang.codegen.numpy_program.shapes import Shape
from netlang.ir.graph import Graph, Node, Value

_NEVER = 1 << 60
WEIGHTS = "p"
"""The parameter of a function for its weights, a dictionary of dictionaries."""


class Writer:
    """Writes a function from its first call, with what differs in the others as parameters."""

    def __init__(
        self,
        function: Function,
        functions: Functions,
        reserved: frozenset[str],
        only_input: str = "",
    ) -> None:
        self.function = function
        self.only_input = only_input
        self.functions = functions
        self.shapes = functions.shapes
        self.shape = function.calls[0]
        region = self.shape.region
        self.position = {id(node): at for at, node in enumerate(region.nodes())}
        last = {v: at for at, node in enumerate(region.nodes()) for v in node.inputs}
        numbers = function.results or [self.shape.numbers[v] for v in region.outputs]
        self.results = [self.shapes.value(region, number) for number in numbers]
        last |= dict.fromkeys(self.results, _NEVER)
        for number, other in self.shape.replaced.items():
            *_, step = nodes_of_item(self.shape.items[number[0]])
            replacement = self.shapes.value(region, other)
            last[replacement] = max(last.get(replacement, -1), self.position[id(step)])
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
        self.lengths: dict[str, int] = {}
        self.kept = frozenset[Value]()
        """The results of the loops around."""
        self.weights: dict[int, str] = {}
        """The expression of the weights of each region that is written in place."""

    def input_stem(self, value: Value) -> str:
        if self.only_input and len(self.shape.region.inputs) == 1:
            return self.only_input
        if value in self.shapes.params:
            return value.name.rpartition(".")[2]
        return stem(value, self.outer_path()) or "x"

    def outer_path(self) -> str:
        return self.shape.region.path.rpartition(".")[0]

    def lines(self, doc: str) -> list[str]:
        """Return the definition of the function."""
        written = self.body()
        self.function.parameters = {k: list(v) for k, v in self.level.parameters.items()}
        weights = [WEIGHTS] if self.function.takes_parameters else []
        parameters = ", ".join([*self.inputs, *weights, *self.level.parameters])
        results = ", ".join(self.texts[value] for value in self.results)
        return [
            *statement(f"def {self.function.name}({parameters}):"),
            *docstring(doc),
            *self.size_lines(),
            *_returning(written, results),
        ]

    def size_lines(self) -> list[str]:
        return [f"    {name} = {source}" for name, source in self.level.sizes.items()]

    def body(self) -> list[str]:
        return self.block(self.function.calls, self.level, WEIGHTS, 4)

    def block(self, shapes: Sequence[Shape], level: Level, weights: str, indent: int) -> list[str]:
        """Return the statements of a region, given that of each instance of the level."""
        first = shapes[0]
        self.weights[id(first.region)] = weights
        optional = [frozenset(s for s, shape in enumerate(shapes) if at in shape.left_out)
                    for at in range(len(first.items))]  # fmt: skip
        lines: list[str] = []
        for missing, group in groupby(range(len(first.items)), key=lambda at: optional[at]):
            steps = list(group)
            inside = indent + 4 * bool(missing)
            written = [line for at in steps for line in self.step(shapes, at, level, inside)]
            if missing:
                lines += self.condition(shapes, steps, level, indent)
                written += self.otherwise(first, steps, indent)
            lines += written
        return lines

    def step(self, shapes: Sequence[Shape], at: int, level: Level, indent: int) -> list[str]:
        first, items = shapes[0], [shape.items[at] for shape in shapes]
        match first.items[at]:
            case Node():
                return self.node(first, cast("list[Node]", items), level, indent)
            case Region(is_iteration=True) as region:
                inner = [self.shapes.of(cast("Region", each)) for each in items]
                self.pass_weights(first, region)
                return self.block(inner, level, self.below(first, region, region.path), indent)
            case Region():
                return self.call(first, cast("list[Region]", items), level, indent)
            case Loop():
                return self.loop(first, cast("list[Loop]", items), level, indent)

    def condition(
        self, shapes: Sequence[Shape], steps: Sequence[int], level: Level, indent: int
    ) -> list[str]:
        """Return the line before steps that only some of the instances have."""
        first = shapes[0]
        without = [shape for shape in shapes if steps[0] in shape.left_out]
        others = {path for shape in without for path in shape.weights(shape.own_steps())}
        for path in first.weights(steps):
            if path not in others:
                key = path if path.isdigit() else f'"{path}"'
                return [f"{' ' * indent}if {key} in {self.weights[id(first.region)]}:"]
        has = [steps[0] not in shape.left_out for shape in shapes]
        values = [self.shapes.value(first.region, n) for n in first.replaced if n[0] in steps]
        name = stem(values[-1], first.region.path) if values else "steps"
        return [f"{' ' * indent}if {level.text(has, f'has_{name}')}:"]

    def otherwise(self, shape: Shape, steps: Sequence[int], indent: int) -> list[str]:
        """Return what takes the place of the results of steps that an instance lacks."""
        lines: list[str] = []
        for number, other in shape.replaced.items():
            if number[0] in steps:
                target = self.texts[self.shapes.value(shape.region, number)]
                source = self.texts[self.shapes.value(shape.region, other)]
                if target != source:
                    lines += statement(f"{target} = {source}", indent + 4)
        return [f"{' ' * indent}else:", *lines] if lines else []

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
        return _starred([self.reference(shape, value) for value in values], self.lengths)

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
        made = self.functions.helper(first.op)
        fixed = 0 if made else sum(not name.endswith("*") for name in first.op.operands)
        operands = [self.reference(shape, value) for value in first.inputs[:fixed]]
        operands += self.references(shape, first.inputs[fixed:])
        text = expression(first.op, made, operands, attributes)
        (result, *others) = first.outputs
        if not first.op.operands and not others and result.type.rank == 0:
            self.texts[result] = text
            return []
        lines = self.assignment(shape, first.outputs, text, self.position[id(first)], indent)
        if not others and made is not None and made.is_tuple:
            lines[0] = lines[0].replace(self.texts[result], f"({self.texts[result]},)", 1)
        return lines

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
            if used <= position and self.names.free(name, position):
                self.names.held[name] = value
                return name
        name = stem(value, shape.region.path)
        if not name or name in self.names.taken:  # the name of a function, for one
            name = stem(value, self.shape.region.path)
        name = "y" if name in self.names.taken else name
        # A result of a loop must not be where the loop puts another one at its end.
        avoided = [taken for taken, _ in self.carried.values()] if value in self.kept else ()
        return self.names.assign(value, name or "y", position, avoided)

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
        numbers = [Numbers(tuple(_number(each.path) for each in loop.iterations)) for loop in loops]
        if all(each == numbers[0] for each in numbers) and len(numbers[0].values) == 1:
            return self.block(iterations, level, self.below(shape, first, first.path), indent)
        results = {each.numbers[v]: None for each in iterations for v in each.region.outputs}
        values = {number: self.shapes.value(first, number) for number in results}
        around, lists, kept = dict(self.carried), dict(self.lists), self.kept
        self.kept = kept | set(values.values())
        outside = {value: self.texts[value] for value in first.inputs if value in self.texts}
        lines = self.enter(shape, loops[0], values, indent)
        carried = {
            v: self.carried[v][0] for n, v in values.items() if n in loops[0].carries.values()
        }
        inner = LoopLevel(level, numbers, self.names.reserve)
        base = first.path.rpartition(".")[0]
        weights = self.below(shape, first, base) if first.own_parameters else ""
        weights += f"[{inner.numbered()}]" if first.own_parameters else ""
        body = self.block(iterations, inner, weights, indent + 4)
        body += self.leave(loops[0], values, carried, indent + 4)
        self.carried, self.lists, self.kept = around, lists, kept
        self.texts |= outside
        return [*lines, *statement(inner.header(), indent), *body]

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
            old = Value(name, start.type)
            self.names.held[name], self.names.last[old] = old, used
            self.texts[start] = name
        for number in loop.collected:
            name = stem(results[number], first.path) or "y"
            made = self.names.reserve(f"{name}s")
            self.lists[results[number]] = made
            self.lengths[made] = len(loop.iterations)
            lines += statement(f"{made} = []", indent)
        return lines

    def variable(self, shape: Shape, start: Value, output: Value, base: str, end: int) -> str:
        """Return the name of a value that a loop replaces in each iteration."""
        own = stem(Value(base, start.type), shape.region.path)
        text = self.reference(shape, start)
        replaceable = self.names.held.get(text) is start and self.names.last[start] <= end
        if replaceable and own in ("", text):
            return text
        name = own or stem(output, shape.region.path) or "y"
        others = [taken for taken, _ in self.carried.values()]
        return self.names.assign(None, name, end if replaceable else -1, others)

    def leave(
        self,
        loop: Loop,
        results: Mapping[Number, Value],
        carried: Mapping[Value, str],
        indent: int,
    ) -> list[str]:
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
            elif value in carried:
                name = carried[value]
                if name != text:
                    moved[name] = text
                self.texts[ends[-1]] = name
                self.names.held[name] = ends[-1]
            else:
                self.texts[ends[-1]] = text
                self.names.held[text] = ends[-1]
        if moved:
            lines += statement(f"{', '.join(moved)} = {', '.join(moved.values())}", indent)
        return lines


def _returning(lines: list[str], results: str) -> list[str]:
    """Add the return of the results, or return what the last line assigns to the only one."""
    start = f"    {results} = "
    if lines and lines[-1].startswith(start):
        returned = statement(f"return {lines[-1].removeprefix(start)}", 4)
        if len(returned) == 1:
            return [*lines[:-1], *returned]
    return [*lines, *statement(f"return {results}", 4)]


def _starred(texts: list[str], lengths: Mapping[str, int]) -> list[str]:
    """Write all elements of a list in a row as the list itself."""
    for name, count in lengths.items():
        elements = [f"{name}[{at}]" for at in range(count)]
        for start in range(len(texts) - count + 1):
            if texts[start : start + count] == elements:
                texts[start : start + count] = [f"*{name}"]
    return texts


def keys(path: str) -> str:
    """Return the subscripts that lead to a path in a dictionary of dictionaries."""
    parts = path.split(".") if path else []
    return "".join(f"[{part}]" if part.isdigit() else f'["{part}"]' for part in parts)


def _number(path: str) -> int:
    return int(path.rpartition(".")[2])
