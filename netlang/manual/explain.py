"""What ``netlang explain`` prints about a name or about a layer of a program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc
from typing import get_args

from msgspec import NODEFAULT
from msgspec.structs import fields

from netlang.advice.tables import parameters
from netlang.analysis.paths import nodes_below
from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError
from netlang.diagnostics.rules import Rule, all_rules
from netlang.diagnostics.suggestions import folded
from netlang.evaluate.calls.unknown import advice
from netlang.ir.graph import Graph
from netlang.ir.op import OPS, Primitive, show_attribute
from netlang.manual.arithmetic import Arithmetic
from netlang.manual.pages import forms, public
from netlang.manual.topics import KEYWORD, SETTING, pages


def explain(thing: str) -> str:
    """Return the pages of a keyword, setting, definition of the library, operator or rule.

    Raises ``NetlangError`` with the most similar names if there is none of this name.
    """
    definitions, topics = public(), pages()
    parts: list[str] = []
    if thing in topics:
        parts.extend(map(str, topics[thing]))
    parts.extend(entry.page() for entry in forms(thing))
    if thing in OPS:
        parts.append(_operator(OPS[thing]))
    if thing in all_rules():
        parts.append(_rule(all_rules()[thing]))
    if parts:
        return "\n\n".join(parts)
    name = thing if thing.endswith(".net") else thing.rpartition(".")[2]
    _, helps, _ = advice(name, [*topics, *all_rules(), *definitions, *OPS])
    if not helps and (ours := our_argument(name)) is not None:
        helps = (f"netlang calls this {ours}",)
    if thing.endswith(".net"):
        helps = (f"`netlang explain {thing} LAYER`, with a layer that `netlang summary` shows",)
    raise NetlangError(
        rules.UNKNOWN_TOPIC,
        f"nothing is called `{thing}`",
        helps=helps or ("`netlang explain` lists all there is",),
        exit_code=USAGE,
    )


def our_argument(name: str) -> str | None:
    """Return the parameter or setting of ours that others call ``name``, with what explains it."""
    elsewhere = parameters()
    if (parameter := elsewhere.aliases.get(folded(name))) is not None:
        return f"`{parameter}`; `netlang explain NAME` shows the parameters of a definition"
    if (setting := elsewhere.settings.get(name.lower())) is not None:
        return f"`{setting}`: see `netlang explain {setting}`"
    return None


def contents() -> list[tuple[str, list[str]]]:
    """Return the names that ``explain`` knows, grouped by what they are."""
    listed = [
        (f"{title}:", [name for name, own in pages().items() if any(p.kind == kind for p in own)])
        for title, kind in (("keywords", KEYWORD), ("settings of `train`", SETTING))
    ]
    files: dict[str, list[str]] = {}
    for name, entry in sorted(public().items()):
        files.setdefault(entry.module, []).append(name)
    listed += [(f"{module}:", names) for module, names in files.items()]
    taken = {name for _, names in listed for name in names}
    inside = [name for name in OPS if name not in taken]
    return [*listed, ("primitive operators:", inside), ("rules:", list(all_rules()))]


def explain_layer(graph: Graph, path: str) -> str:
    """Return the arithmetic of the shapes and counts of all nodes below one path of a net."""
    return Arithmetic.of(graph).explain(nodes_below(graph, path))


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
    lines = [
        f"{op.name}: a primitive operator",
        "",
        cleandoc(op.__doc__ or "").replace("``", "`"),
        "",
    ]
    lines.append(f"operands: {', '.join(op.operands) or 'none'}")
    for field in fields(op):
        default = "" if field.default is NODEFAULT else f" = {show_attribute(field.default)}"
        lines.append(f"attribute: {field.name}: {_shown(field.type)}{default}")
    sample = next(iter(op.samples()), None)
    if sample is not None:
        given = ", ".join(map(str, sample.types))
        made = ", ".join(map(str, sample.op.infer(*sample.types)))
        lines.append(f"example: {sample.op}({given}) -> {made}")
    return "\n".join(lines)


def _shown(kind: object) -> str:
    """Return a type as Python has it, without modules: ``int``, ``tuple[Dim, ...]``."""
    name = kind.__name__ if isinstance(kind, type) and not get_args(kind) else str(kind)
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", name)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())
