"""Words, operators and layers explained: what ``netlang explain`` prints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, fields
from inspect import cleandoc
from typing import TYPE_CHECKING

from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError
from netlang.diagnostics.rules import Rule
from netlang.diagnostics.suggestions import did_you_mean
from netlang.ir.graph import Graph, Node
from netlang.ir.op import OPS, Primitive
from netlang.manual.blackboard import Blackboard
from netlang.manual.pages import public
from netlang.manual.topics import SETTING, WORD, pages

if TYPE_CHECKING:
    from netlang.diagnostics.rules import Rule


def explain(thing: str) -> str:
    """Explain a word, a setting, a definition of the prelude, an operator or a rule, by its name.

    Raises ``NetlangError`` with the nearest names for one that is none of them.
    """
    definitions, words = public(), pages()
    parts: list[str] = []
    if thing in words:
        parts.append(str(words[thing]))
    if thing in definitions:
        parts.append(definitions[thing].page())
    if thing in OPS:
        parts.append(_operator(OPS[thing]))
    from netlang.diagnostics.rules import all_rules

    if thing in all_rules():
        parts.append(_rule(all_rules()[thing]))
    if parts:
        return "\n\n".join(parts)
    from netlang.evaluate.calls.unknown import advice

    _, helps = advice(thing, [*words, *all_rules(), *definitions, *OPS])
    if thing.endswith(".net"):
        helps = (f"`netlang explain {thing} LAYER`, with a layer that `netlang summary` shows",)
    raise NetlangError(
        rules.UNKNOWN_THING,
        f"nothing is called `{thing}`",
        helps=helps or ("`netlang explain` lists all there is",),
        exit_code=USAGE,
    )


def contents() -> list[tuple[str, list[str]]]:
    """List the names that ``explain`` knows, by what they are."""
    from netlang.diagnostics.rules import all_rules

    words = pages()
    listed = [
        (f"{title}:", [name for name, page in words.items() if page.kind == kind])
        for title, kind in (("words of the language", WORD), ("settings of `train`", SETTING))
    ]
    files: dict[str, list[str]] = {}
    for name, entry in sorted(public().items()):
        files.setdefault(entry.module, []).append(name)
    listed += [(f"{module}:", names) for module, names in files.items()]
    taken = {name for _, names in listed for name in names}
    inside = [name for name in OPS if name not in taken]
    return [*listed, ("operators that others are made of:", inside), ("rules:", list(all_rules()))]


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
        listed = ", ".join(dict.fromkeys(p.partition(".")[0] for p in sorted(known)))
        raise NetlangError(
            rules.UNKNOWN_LAYER,
            f"`{graph.name}` has no layer `{path}`",
            notes=[f"its layers are: {listed}"],
            helps=did_you_mean(path, known),
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
