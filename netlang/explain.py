"""Words, operators and layers explained: what ``netlang explain`` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING

from netlang.analysis.explain import Blackboard
from netlang.diagnostics import did_you_mean
from netlang.faults import USAGE, Fault
from netlang.ir.graph import Graph, Node
from netlang.ir.op import OPS, Primitive
from netlang.manual import SETTING, WORD, pages
from netlang.syntax.parser import split_definitions
from netlang.syntax.reader import read_source

if TYPE_CHECKING:
    from netlang.rules import Rule
    from netlang.source import Source

PRELUDE = Path(__file__).parent / "prelude"


def explain(thing: str) -> str:
    """Explain a word, a setting, a definition of the prelude, an operator or a rule, by its name.

    Raises ``Fault`` with the nearest names for one that is none of them.
    """
    definitions, operators, words = _definitions(), _operators(), pages()
    parts: list[str] = []
    if thing in words:
        parts.append(str(words[thing]))
    if thing in definitions:
        parts.append(definitions[thing])
    if thing in operators:
        parts.append(_operator(operators[thing]))
    from netlang.rules import RULES

    if thing in RULES:
        parts.append(_rule(RULES[thing]))
    if parts:
        return "\n\n".join(parts)
    from netlang.elaborate.unknown import advice

    _, helps = advice(thing, [*words, *RULES, *definitions, *operators])
    if thing.endswith(".net"):
        helps = (f"`netlang explain {thing} LAYER`, with a layer that `netlang summary` shows",)
    raise Fault(
        "unknown-thing",
        f"nothing is called `{thing}`",
        helps=helps or ("`netlang explain` lists all there is",),
        exit_code=USAGE,
    )


def contents() -> list[tuple[str, list[str]]]:
    """List the names that ``explain`` knows, by what they are."""
    from netlang.rules import RULES

    words = pages()
    listed = [
        (f"{title}:", [name for name, page in words.items() if page.kind == kind])
        for title, kind in (("words of the language", WORD), ("settings of `train`", SETTING))
    ]
    for file, names in _files().items():
        listed.append((f"{file}:", names))
    taken = {name for _, names in listed for name in names}
    inside = [name for name in _operators() if name not in taken]
    return [*listed, ("operators that others are made of:", inside), ("rules:", list(RULES))]


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
        raise Fault(
            "unknown-layer",
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


def _definitions() -> dict[str, str]:
    """Give the text of every definition of the library, with the file it stands in."""
    found: dict[str, str] = {}
    for path, source in _sources():
        shown = path.relative_to(PRELUDE.parent).as_posix()
        for name, (start, end) in split_definitions(source).items():
            line, _ = source.line_col(start)
            place = f"{shown}, line {line}"
            found.setdefault(name, _definition(name, source.text[start:end], place))
    return found


def _files() -> dict[str, list[str]]:
    """Give the names of the library's definitions, by the file they stand in."""
    return {
        path.relative_to(PRELUDE).with_suffix("").as_posix().replace("/", "."): sorted(
            split_definitions(source)
        )
        for path, source in _sources()
    }


def _sources() -> list[tuple[Path, Source]]:
    # The modules of the standard library lie in folders: the prelude's own files come first.
    paths = sorted(PRELUDE.glob("**/*.net"), key=lambda path: (len(path.parts), path))
    return [(path, read_source(path)) for path in paths]


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
