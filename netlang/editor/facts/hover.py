"""What is known about the name at a place: shapes, counts, how they come about, its page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from netlang.analysis.counts import Example, grouped, node_macs, total
from netlang.analysis.layers import chain_of
from netlang.analysis.receptive_field import receptive_fields, show_field
from netlang.diagnostics.errors import NetlangError
from netlang.editor.facts.evaluation import Current
from netlang.editor.facts.names import Meaning, Use
from netlang.editor.facts.values import Shown
from netlang.ir.graph import Graph, Node, Scope, Value
from netlang.manual.arithmetic import Arithmetic
from netlang.manual.explain import explain
from netlang.syntax import ast

_WORKED = 6
"""How many operators of a layer are worked out."""

_TYPES = 8


class Calls:
    """The nodes that each call of a definition at one place in the text has made, in one net."""

    def __init__(self, graph: Graph, calls: dict[Scope, list[Node]]) -> None:
        self.graph = graph
        self.calls = calls


def calls_at(current: Iterable[Current], path: str, name: str, start: int) -> Calls | None:
    """Return the calls of ``name`` that begin at an offset of a file, in the first net with any."""
    for each in current:
        graph = each.evaluated.graph
        at = next(
            (
                at
                for at, place in enumerate(each.places)
                if place.span.source.name == path and place.span.start <= start < place.span.end
            ),
            None,
        )
        if graph is None or at is None:
            continue
        before = each.evaluated.places[at].span
        old = before.start + start - each.places[at].span.start
        found: dict[Scope, list[Node]] = {}
        for node in graph.nodes:
            for scope in chain_of(node.scope):
                span = scope.span
                if span is None or span.start != old or scope.kind != name:
                    continue
                if span.source is before.source:
                    found.setdefault(scope, []).append(node)
        if found:
            return Calls(graph, found)
    return None


def call_text(found: Calls) -> Iterator[str]:
    """Yield what the calls at one place return and cost, and how that comes about."""
    graph = found.graph
    groups = list(found.calls.values())
    first = groups[0]
    costs: dict[str, str] = {}
    for nodes in groups:
        costs.setdefault(_result(nodes), _costs(graph, nodes))
    if len(costs) == 1:
        yield _code(_result(first))
        yield _costs(graph, first)
    else:
        yield _listed([f"- `{result}`: {cost}" for result, cost in costs.items()])
    if len(groups) > 1:
        yield f"called {len(groups)} times in `{graph.name}`"
    if next(iter(found.calls)).library and len(first) <= _WORKED:
        yield _code(Arithmetic.of(graph).explain(first, located=False), "text")


def _result(nodes: Sequence[Node]) -> str:
    given = dict.fromkeys(str(value.type) for value in _entering(nodes) if value.type.rank > 0)
    made = ", ".join(str(value.type) for value in nodes[-1].outputs)
    return f"{', '.join(given)} -> {made}".removeprefix(" -> ")


def _entering(nodes: Sequence[Node]) -> list[Value]:
    """Return the first operand of a layer."""
    made = {value for node in nodes for value in node.outputs}
    return [value for node in nodes for value in node.inputs[:1] if value not in made][:1]


def _costs(graph: Graph, nodes: Sequence[Node]) -> str:
    one = Example.of(graph)
    params = {
        graph.params[v].path: graph.params[v] for n in nodes for v in n.inputs if v in graph.params
    }
    trained = total(p.type.size for p in params.values() if p.trained)
    running = total(p.type.size for p in params.values() if not p.trained)
    macs = total(one.size(node_macs(node)) for node in nodes)
    field = receptive_fields(graph).at(nodes[-1].outputs[0])
    parts = [
        f"{grouped(count)} {what}"
        for count, what in (
            (trained, "parameters"),
            (running, "running statistics"),
            (macs, "MACs"),
        )
        if count != 0
    ]
    if field is not None:
        parts.append(f"receptive field {show_field(field)}")
    return " · ".join(parts)


def value_text(name: str, values: Sequence[Shown]) -> str:
    """Return a name with its values, one on each line."""
    return _code(_listed([_assigned(name, value) for value in dict.fromkeys(values)]))


def _assigned(name: str, value: Shown) -> str:
    return f"{name} = {value.text}" if value.kind == "number" else f"{name}: {value.text}"


def _listed(texts: Sequence[str]) -> str:
    shown = list(texts[:_TYPES])
    return "\n".join([*shown, f"… {len(texts) - _TYPES} more"] if len(texts) > _TYPES else shown)


def meaning_text(meaning: Meaning) -> Iterator[str]:
    """Yield the signature and the comment of a definition, or its page in the manual."""
    if meaning.library and meaning.function is not None:
        if (page := manual(meaning.name)) is not None:
            yield page
        return
    match meaning.declaration:
        case ast.Definition() | ast.Extern() | ast.Train() as declaration:
            yield _code(declaration.head.text)
            if declaration.doc:
                yield declaration.doc
        case ast.Bind():
            yield _code(meaning.declaration.span.text)
        case _:
            pass


@cache
def manual(name: str) -> str | None:
    """Return the manual page of a name, if there is one."""
    try:
        return _code(explain(name), "text")
    except NetlangError:
        return None


def _code(text: str, language: str = "net") -> str:
    return f"```{language}\n{text}\n```"


def joined(parts: Iterable[str]) -> str:
    """Return the parts of a hover as one text."""
    return "\n\n".join(part for part in parts if part)


def use_text(use: Use, values: Sequence[Shown], current: Sequence[Current], path: str) -> str:
    """Return all that is known about a name in the text; empty if it is nothing."""
    parts: list[str] = []
    if values:
        parts.append(value_text(use.meaning.name, values))
    if use.meaning.function is not None:
        found = calls_at(current, path, use.meaning.function.name, use.start)
        if found is not None:
            parts.extend(call_text(found))
    parts.extend(meaning_text(use.meaning))
    return joined(parts)
