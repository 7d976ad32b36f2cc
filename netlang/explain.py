"""Words, operators and layers explained: what ``netlang explain`` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING

from netlang.analysis.explain import Blackboard
from netlang.diagnostics import nearest
from netlang.faults import USAGE, Fault
from netlang.ir.graph import Graph, Node
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
    from netlang.elaborate.unknown import advice

    _, helps = advice(thing, [*RULES, *definitions, *operators])
    raise Fault(
        "unknown-thing",
        f"there is no rule, layer or operator `{thing}`",
        helps=helps
        or (
            "name a rule such as `shape-mismatch`, a layer such as `conv`, "
            "or a file and one of its layers",
        ),
        exit_code=USAGE,
    )


def explain_layer(graph: Graph, path: str) -> str:
    """Work out the shapes and counts of everything that belongs to one path of a net."""
    paths = {id(node): _paths(graph, node) for node in graph.nodes}
    known = set[str]().union(*paths.values())
    ends = [p for p in known if p.endswith(f".{path}")]
    full = ends[0] if path not in known and len(ends) == 1 else path
    below = f"{full}."
    chosen = [
        node
        for node in graph.nodes
        if any(p == full or p.startswith(below) for p in paths[id(node)])
    ]
    if not chosen:
        near = nearest(path, known)
        listed = ", ".join(dict.fromkeys(p.partition(".")[0] for p in sorted(known)))
        raise Fault(
            "unknown-layer",
            f"`{graph.name}` has no layer `{path}`",
            notes=[f"its layers are: {listed}"],
            helps=[f"did you mean `{near}`?"] if near else [],
            exit_code=USAGE,
        )
    return Blackboard.of(graph).explain(chosen)


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
    """Give the text of every definition of the library, with the file it stands in."""
    found: dict[str, str] = {}
    # The modules of the standard library lie in folders: the prelude's own files come first.
    files = sorted(PRELUDE.glob("**/*.net"), key=lambda path: (len(path.parts), path))
    for path in files:
        source, shown = read_source(path), path.relative_to(PRELUDE.parent).as_posix()
        for name, (start, end) in split_definitions(source).items():
            line, _ = source.line_col(start)
            place = f"{shown}, line {line}"
            found.setdefault(name, _definition(name, source.text[start:end], place))
    return found


def _definition(name: str, text: str, place: str) -> str:
    """Show what a definition is for, how it is called, and how it is made where that is written."""
    lines = text.rstrip().splitlines()
    about = [line.removeprefix("##").strip() for line in lines if line.startswith("##")]
    code = "\n".join(line for line in lines if not line.startswith("##")).strip()
    kind = code.partition(" ")[0]
    if kind == "extern":
        kind, code = "op", code.removeprefix("extern ").removesuffix("{}").rstrip()
    article = "an" if kind == "op" else "a"
    shown = [f"{name}: {article} {kind} ({place})", " ".join(about), _indented(code)]
    return "\n\n".join(part for part in shown if part)


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


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())
