"""The reference of the site, from ``explain``, the help of the commands and the docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cache

import click

import netlang
import netlang.editor
from netlang.cli.main import COMMANDS, program


@cache
def pages() -> dict[str, str]:
    """Return the generated pages by their names."""
    found = {"commands.md": _commands(), "python.md": _interface()}
    for title, names in netlang.contents():
        title = title.rstrip(":")
        if title == "Python interface":
            continue
        own = "\n\n".join(_topic(name) for name in names)
        heading = title if title.startswith("std.") else title[0].upper() + title[1:]
        found[f"{re.sub(r'[^a-z]+', '-', title.lower()).strip('-')}.md"] = f"# {heading}\n\n{own}\n"
    return found


def _topic(name: str) -> str:
    """Return a page of ``explain`` as a section."""
    text = str(netlang.explain(name)).removeprefix(f"{name}: ")
    heading = f"`{name}`" if not name[0].isalnum() else name
    return "\n".join([f"## {heading}", "", *_marked(text)])


def _marked(text: str) -> Iterator[str]:
    """Yield the lines of a page, with those that are indented as code."""
    code: list[str] = []
    for line in [*text.splitlines(), "end"]:
        if line.startswith("  ") or (code and not line):
            code.append(line[2:])
            continue
        if code:
            yield from _code(code)
            code = []
        if line != "end":
            yield line if line else ""


def _code(lines: list[str]) -> Iterator[str]:
    while lines and not lines[-1]:
        lines.pop()
    first = lines[0]
    worked = first.startswith(("example ", "returns ", "costs "))
    language = "text" if worked else "python" if first.startswith((">>>", "import ")) else "net"
    yield from ("", f"```{language}", *lines, "```", "")


def _commands() -> str:
    parts = ["# Commands"]
    for name in COMMANDS:
        command = program.get_command(click.Context(program), name)
        assert command is not None
        context = click.Context(command, info_name=f"netlang {name}", terminal_width=90)
        help = click.unstyle(command.get_help(context))
        parts.append(f"## netlang {name}\n\n```text\n{help}\n```")
    return "\n\n".join(parts) + "\n"


def _interface() -> str:
    parts = ["# Python interface"]
    for module in (netlang, netlang.editor):
        parts += _documented(module.__doc__)
        for name in module.__all__:
            value = getattr(module, name)
            parts += [f"## {module.__name__}.{name}", *_member(name, value)]
            if inspect.isclass(value):
                parts += _members(name, value)
    return "\n\n".join(parts) + "\n"


def _members(name: str, value: type) -> Iterator[str]:
    for member, part in vars(value).items():
        if member.startswith("_") or not inspect.getdoc(part):
            continue
        found = part.__func__ if isinstance(part, classmethod | staticmethod) else part
        yield f"### {name}.{member}"
        yield from _member(member, found)


def _member(name: str, value: object) -> Iterator[str]:
    shown = value.fget if isinstance(value, property) else value
    if callable(shown) and not isinstance(value, property | type):
        try:
            # Annotations are strings; parameters are on lines of their own where it is long.
            signature = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(shown)))
        except (TypeError, ValueError):
            signature = ""
        signature = re.sub(r"^\(self(, /)?(, |(?=\)))", "(", signature)
        if len(name + signature) > 88:
            signature = re.sub(r", (?=\*{0,2}\w+[:,=)]|\*,)", ",\n    ", signature)
        if signature:
            yield f"```python\n{name}{signature}\n```"
    yield from _documented(inspect.getdoc(shown))


def _documented(text: str | None) -> Iterator[str]:
    """Yield the paragraphs of a docstring, with its sessions as code."""
    for paragraph in inspect.cleandoc(text or "").replace("``", "`").split("\n\n"):
        if paragraph.startswith(">>>"):
            yield f"```python\n{paragraph}\n```"
        elif re.match(r"\w+:\n ", paragraph):
            head, *lines = paragraph.splitlines()
            items = [
                f"- {line.strip()}" if re.match(r" {4}\S", line) else f"  {line.strip()}"
                for line in lines
            ]
            yield "\n".join([f"**{head}**", "", *items])
        else:
            yield paragraph
