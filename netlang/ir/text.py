"""Graphs as text: for ``netlang show --graph``, golden tests and reports; it parses back.

::

    graph Small {
      sizes N, H % 2
      input %image: f32[N, H]
      weight %w: f32[3, H//2] = normal(0.0, 0.01) at "stem.weight"
      %y: f32[N, 3] = linear{bias=false}(%image, %w)  # stem (dense), small.net:2
      output y = %y
    }

A comment after ``#`` states where a node comes from: scopes and spans are not parsed back,
everything else is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar, cast

from netlang.ir.dims import Dim, Size, symbol
from netlang.ir.graph import Graph, Init, Node, Param, State, Value, written_at
from netlang.ir.op import OPS, Primitive, show_attribute
from netlang.ir.types import DType, TensorType

T = TypeVar("T")


class GraphTextError(Exception):
    """A text is not a graph; ``line`` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line


def print_graph(graph: Graph, *, origins: bool = True) -> str:
    """Write a graph, one value a line; ``origins`` adds where each node comes from."""
    return "\n".join([f"graph {graph.name} {{", *_lines(graph, origins), "}", ""])


def parse_graph(text: str) -> Graph:
    """Read a graph; raises ``GraphTextError``."""
    parser = _Parser(list(_tokens(text)))
    graph = parser.graph()
    parser.blank()
    parser.expect("")
    return graph


def _lines(graph: Graph, origins: bool) -> Iterator[str]:
    if graph.units:
        sizes = (name if unit == 1 else f"{name} % {unit}" for name, unit in graph.units.items())
        yield f"  sizes {', '.join(sizes)}"
    for value in graph.inputs:
        yield f"  input {_typed(value)}"
    for value, param in graph.params.items():
        kind = "weight" if param.trained else "running"
        start = f"{param.init.rule}({', '.join(map(repr, param.init.arguments))})"
        path = "" if param.path == value.name else f" at {_attribute(param.path)}"
        yield f"  {kind} {_typed(value)} = {start}{path}"
    for state in graph.states:
        yield f"  state {state.name} {_typed(state.value)} = {state.start!r} next {state.after}"
    for node in graph.nodes:
        origin = _origin(node) if origins else ""
        yield f"  {_node(node, origins)}" + (f"  # {origin}" if origin else "")
    for name, value in graph.outputs.items():
        yield f"  output {name} = {value}"


def _typed(value: Value) -> str:
    return f"{value}: {value.type}"


def _node(node: Node, origins: bool) -> str:
    shown = (f"{n}={_attribute(getattr(node.op, n), origins)}" for n in node.op.__struct_fields__)
    attributes = f"{{{', '.join(shown)}}}" if node.op.__struct_fields__ else ""
    operands = ", ".join(map(str, node.inputs))
    return f"{', '.join(map(_typed, node.outputs))} = {node.op.name}{attributes}({operands})"


def _origin(node: Node) -> str:
    scope = (
        f"{node.scope.path} ({node.scope.kind})"
        if node.scope is not None and node.scope.path
        else ""
    )
    return ", ".join(part for part in (scope, written_at(node)) if part)


def _attribute(value: object, origins: bool = False) -> str:
    match value:
        case Graph():
            inner = "\n".join(_lines(value, origins)).replace("\n", "\n  ")
            return f"graph {value.name} {{\n  {inner}\n  }}"
        case tuple():
            items = cast("tuple[object, ...]", value)
            return f"[{', '.join(_attribute(item, origins) for item in items)}]"
        case None | str() | int() | float() | Dim() | DType() | TensorType():
            return show_attribute(value)
        case _:
            raise TypeError(f"an attribute of type {type(value).__name__} has no text form")


_TOKEN = re.compile(
    r"""[ \t]+ | \#[^\n]* | (?P<newline>\n)
    | (?P<value>%[^\s,:(){}=\#"]+)
    | (?P<string>"(?:[^"\\\n]|\\.)*")
    | (?P<float>-?(?:\d+\.\d+(?:e[+-]?\d+)?|\d+e[+-]?\d+|inf\b|nan\b))
    | (?P<int>\d+)
    | (?P<word>[^\W\d][\w.]*)
    | (?P<sign>//|[{}()\[\],:=%*+-])""",
    re.VERBOSE,
)

_WORDS: Mapping[str, object] = {
    "none": None,
    "true": True,
    "false": False,
    **{dtype.value: dtype for dtype in DType},
}


class _Parser:
    """Recursive descent over the tokens of the text; lines end statements.

    A graph inside another, the body of a loop, has values of its own and the sizes of the outer.
    """

    def __init__(
        self,
        tokens: list[tuple[str, str, int]],
        at: int = 0,
        units: Mapping[str, int] | None = None,
    ) -> None:
        self.tokens = tokens
        self.at = at
        self.values: dict[str, Value] = {}
        self.outer = units or {}
        self.units: dict[str, int] = {}
        self.inputs: list[Value] = []
        self.params: dict[Value, Param] = {}
        self.nodes: list[Node] = []
        self.outputs: dict[str, Value] = {}
        self.pending: list[tuple[str, Value, float, str]] = []

    def graph(self) -> Graph:
        self.blank()
        self.expect("graph")
        name = self.take("word")
        self.expect("{")
        self.blank()
        while not self.accept("}"):
            self.statement()
            self.expect("\n")
            self.blank()
        states = tuple(State(n, v, start, self.known(end)) for n, v, start, end in self.pending)
        return Graph(
            name, tuple(self.inputs), self.params, tuple(self.nodes), self.outputs, states,
            self.units,
        )  # fmt: skip

    def statement(self) -> None:
        if self.peek()[0] == "value":
            self.node()
            return
        match word := self.take("word"):
            case "sizes":
                self.units = dict(self.separated(self.unit))
            case "input":
                self.inputs.append(self.definition())
            case "weight" | "running":
                self.param(trained=word == "weight")
            case "state":
                name, value = self.take("word"), self.definition()
                self.expect("=")
                start = self.number()
                self.expect("next")
                self.pending.append((name, value, start, self.take("value")))
            case "output":
                name = self.take("word")
                self.expect("=")
                self.outputs[name] = self.use()
            case _:
                raise self.unexpected("a statement", word)

    def unit(self) -> tuple[str, int]:
        return self.take("word"), int(self.take("int")) if self.accept("%") else 1

    def param(self, *, trained: bool) -> None:
        value = self.definition()
        self.expect("=")
        rule = self.take("word")
        self.expect("(")
        arguments = () if self.accept(")") else self.separated(self.number, ")")
        path = _unescaped(self.take("string")) if self.accept("at") else value.name
        self.params[value] = Param(path, value.type, Init(rule, arguments), trained)

    def node(self) -> None:
        # The results become known after the operands: a node cannot use itself.
        results = self.separated(self.typed)
        self.expect("=")
        op = self.operator()
        self.expect("(")
        operands = () if self.accept(")") else self.separated(self.use, ")")
        self.nodes.append(Node(op, operands, tuple(self.define(v) for v in results)))

    def operator(self) -> Primitive:
        name = self.take("word")
        if name not in OPS:
            raise self.unexpected("an operator", name)
        attributes: dict[str, object] = {}
        if self.accept("{"):
            attributes = dict(self.separated(self.attribute, "}"))
        known = {*OPS[name].__struct_fields__}
        if attributes.keys() != known:
            raise self.unexpected(f"the attributes {', '.join(sorted(known))} of {name}")
        return OPS[name](**attributes)

    def attribute(self) -> tuple[str, object]:
        name = self.take("word")
        self.expect("=")
        return name, self.literal()

    def literal(self) -> object:
        kind, text, _ = self.peek()
        if kind == "string":
            return _unescaped(self.take("string"))
        if kind == "float":
            return float(self.take("float"))
        if self.accept("["):
            return () if self.accept("]") else self.separated(self.literal, "]")
        if text == "graph":
            inner = _Parser(self.tokens, self.at, {**self.outer, **self.units})
            graph = inner.graph()
            self.at = inner.at
            return graph
        if text not in _WORDS:
            return self.size()
        value = _WORDS[self.take("word")]
        if isinstance(value, DType) and self.peek()[1] == "[":
            return TensorType(value, self.shape())
        return value

    def definition(self) -> Value:
        return self.define(self.typed())

    def typed(self) -> Value:
        name = self.take("value")[1:]
        self.expect(":")
        element = _WORDS.get(self.take("word"))
        if not isinstance(element, DType):
            raise self.unexpected("an element type")
        return Value(name, TensorType(element, self.shape()))

    def shape(self) -> tuple[Size, ...]:
        self.expect("[")
        return () if self.accept("]") else self.separated(self.size, "]")

    def define(self, value: Value) -> Value:
        if value.name in self.values:
            raise self.unexpected("a new name", str(value))
        self.values[value.name] = value
        return value

    def use(self) -> Value:
        return self.known(self.take("value"))

    def known(self, name: str) -> Value:
        if name[1:] not in self.values:
            raise self.unexpected("a value defined above", name)
        return self.values[name[1:]]

    def number(self) -> float:
        if self.peek()[0] == "float":
            return float(self.take("float"))
        return -float(self.take("int")) if self.accept("-") else float(self.take("int"))

    def size(self) -> Size:
        total = -self.product() if self.accept("-") else self.product()
        while True:
            if self.accept("+"):
                total = total + self.product()
            elif self.accept("-"):
                total = total - self.product()
            else:
                return total

    def product(self) -> Size:
        result = self.factor()
        while True:
            if self.accept("*"):
                result = result * self.factor()
            elif self.accept("//"):
                result = result // self.factor()
            else:
                return result

    def factor(self) -> Size:
        if self.accept("("):
            inner = self.size()
            self.expect(")")
            return inner
        if self.peek()[0] == "word":
            name = self.take("word")
            return symbol(name, self.units.get(name, self.outer.get(name, 1)))
        return int(self.take("int"))

    def separated(self, item: Callable[[], T], end: str = "") -> tuple[T, ...]:
        items = [item()]
        while self.accept(","):
            items.append(item())
        if end:
            self.expect(end)
        return tuple(items)

    def peek(self) -> tuple[str, str, int]:
        return self.tokens[self.at]

    def accept(self, text: str) -> bool:
        kind, found, _ = self.peek()
        if found != text or kind == "string":
            return False
        self.at += 1
        return True

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise self.unexpected({"\n": "the end of the line", "": "the end"}.get(text, text))
        self.at = min(self.at, len(self.tokens) - 1)

    def take(self, kind: str) -> str:
        found, text, _ = self.peek()
        if found != kind:
            raise self.unexpected(f"a {kind}")
        self.at += 1
        return text

    def blank(self) -> None:
        while self.accept("\n"):
            pass

    def unexpected(self, wanted: str, found: str | None = None) -> GraphTextError:
        _, text, line = self.peek()
        return GraphTextError(line, f"expected {wanted}, found {found or text!r}")


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    at, line = 0, 1
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise GraphTextError(line, f"unexpected character {text[at]!r}")
        if found.lastgroup:
            yield found.lastgroup, found.group(), line
        line += found.lastgroup == "newline"
        at = found.end()
    yield "newline", "\n", line
    yield "end", "", line


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], text[1:-1])
