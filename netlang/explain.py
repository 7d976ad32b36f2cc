"""Words, operators and layers explained: what ``netlang explain`` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, cast

from netlang.analysis.counts import Example, node_macs
from netlang.diagnostics import nearest
from netlang.faults import USAGE, Fault
from netlang.ir.dims import Size, exact_quotient, show
from netlang.ir.graph import Graph, Node, Param, types, written_at
from netlang.ir.op import OPS, Primitive
from netlang.syntax.parser import split_definitions
from netlang.syntax.reader import read_source

if TYPE_CHECKING:
    from netlang.rules import Rule

PRELUDE = Path(__file__).parent / "prelude"


def explain(thing: str) -> str:
    """Explain a rule, a definition of the prelude or an operator, by its name.

    Raises ``Fault`` with the nearest names for one that is none of them.
    """
    definitions, operators = _definitions(), _operators()
    parts: list[str] = []
    if thing in definitions:
        parts.append(definitions[thing])
    if thing in operators:
        parts.append(_operator(operators[thing]))
    if parts:
        return "\n\n".join(parts)
    from netlang.rules import RULES

    if thing in RULES:
        return _rule(RULES[thing])
    near = nearest(thing, [*RULES, *definitions, *operators])
    raise Fault(
        "unknown-thing",
        f"there is no rule, layer or operator `{thing}`",
        helps=[
            f"did you mean `{near}`?"
            if near
            else "name a rule such as `shape-mismatch`, a layer "
            "such as `conv`, or a file and one of its layers"
        ],
        exit_code=USAGE,
    )


def explain_layer(graph: Graph, path: str) -> str:
    """Work out the shapes and counts of everything that belongs to one path of a net."""
    chosen = [node for node in graph.nodes if path in _paths(graph, node)]
    if not chosen:
        known = {p for node in graph.nodes for p in _paths(graph, node)}
        near = nearest(path, known)
        listed = ", ".join(dict.fromkeys(p.partition(".")[0] for p in sorted(known)))
        raise Fault(
            "unknown-layer",
            f"`{graph.name}` has no layer `{path}`",
            notes=[f"its layers are: {listed}"],
            helps=[f"did you mean `{near}`?"] if near else [],
            exit_code=USAGE,
        )
    one = Example.of(graph)
    return "\n\n".join("\n".join(_node(graph, one, node)) for node in chosen)


def _rule(rule: Rule) -> str:
    parts = [f"{rule.code}: {rule.title}", cleandoc(rule.why)]
    parts += [f"{title}:\n{_indented(text)}" for title, text in _examples(rule)]
    return "\n\n".join(parts)


def _examples(rule: Rule) -> Iterator[tuple[str, str]]:
    if rule.bad:
        yield "Wrong", rule.bad
    if rule.good:
        yield "Right", rule.good


def _definitions() -> dict[str, str]:
    """Give the text of every definition of the prelude, with the file it stands in."""
    found: dict[str, str] = {}
    for path in sorted(PRELUDE.glob("*.net")):
        source = read_source(path)
        for name, (start, end) in split_definitions(source).items():
            line, _ = source.line_col(start)
            text = source.text[start:end].rstrip()
            found.setdefault(name, f"{name}: prelude/{path.name}, line {line}\n\n{text}")
    return found


def _operators() -> Mapping[str, type[Primitive]]:
    # The table is filled by importing the operators.
    import_module("netlang.ops")
    return OPS


def _operator(op: type[Primitive]) -> str:
    lines = [f"{op.name}: a primitive operator", "", cleandoc(op.__doc__ or ""), ""]
    lines.append(f"operands: {', '.join(op.operands) or 'none'}")
    for field in fields(op):
        default = "" if field.default is MISSING else f" = {field.default}"
        lines.append(f"attribute: {field.name}: {field.type}{default}")
    sample = next(iter(op.samples()), None)
    if sample is not None:
        given = ", ".join(map(str, sample.types))
        made = ", ".join(map(str, sample.op.infer(*sample.types)))
        lines.append(f"example: {sample.op}({given}) -> {made}")
    return "\n".join(lines)


def _paths(graph: Graph, node: Node) -> set[str]:
    """Name everything a node belongs to: its calls, and the outputs it makes."""
    found = {name for name, value in graph.outputs.items() if value in node.outputs}
    scope = node.scope
    while scope is not None:
        if scope.path:
            found.add(scope.path)
        scope = scope.parent
    return found | {v.name for v in node.outputs}


def _node(graph: Graph, one: Example, node: Node) -> Iterator[str]:
    place = written_at(node)
    yield f"{node.op}  # {place}" if place else str(node.op)
    params = [graph.params[v] for v in node.inputs if v in graph.params]
    given = [str(v.type) for v in node.inputs if v not in graph.params]
    yield f"  {', '.join(given)} -> {', '.join(str(v.type) for v in node.outputs)}"
    yield from _window(node)
    for param in params:
        yield f"  {param.path}: {_weight(param)}"
    macs = one.size(node_macs(node))
    if macs != 0:
        yield f"  multiply-adds: {_product(one, node, macs)}"


def _window(node: Node) -> Iterator[str]:
    """Work out each spatial size where the window's arithmetic gives it."""
    window, pad = node.op.window(*types(node.inputs)), getattr(node.op, "pad", None)
    if window is None or not isinstance(pad, tuple):
        return
    given, made = node.inputs[0].type.shape[2:], node.outputs[0].type.shape[2:]
    pairs = cast("tuple[tuple[int, int], ...]", pad)
    axes = zip(given, made, window.extent, window.stride, pairs, strict=False)
    for axis, (size, result, extent, stride, (before, after)) in enumerate(axes, start=2):
        if (size + before + after - extent) // stride + 1 == result:
            padded = f" + {before} + {after}" if before or after else ""
            worked = f"({show(size)}{padded} - {extent}) // {stride} + 1"
            yield f"  dimension {axis}: {worked} = {show(result)}"


def _weight(param: Param) -> str:
    factors = " * ".join(show(s) for s in param.type.shape) or "1"
    kind = "" if param.trained else ", kept but not trained"
    return f"{factors} = {_count(param.type.size)} numbers{kind}"


def _product(one: Example, node: Node, macs: Size) -> str:
    results = one.size(node.outputs[0].type.size)
    each = exact_quotient(macs, results)
    worked = f"{_count(results)} results * {_count(each)} = " if each is not None else ""
    return f"{worked}{_count(macs)}"


def _count(size: Size) -> str:
    return f"{size:,}" if isinstance(size, int) else show(size)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())
