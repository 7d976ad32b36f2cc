"""Functions of the prelude by the type they return: what a message lists as alternatives."""

from __future__ import annotations

import re
from functools import cache

from netlang.diagnostics.suggestions import folded
from netlang.syntax.library import FOLDER

_RETURNING = re.compile(r"^extern op (?P<name>\w+)\([^{]*?-> y: (?P<type>\w+)", re.MULTILINE)
_DEFINING = re.compile(r"^(?P<type>optimizer|schedule) (?P<name>\w+)\(", re.MULTILINE)
_OVERLOADED = re.compile(r"^_(\w+)_(?:image|column)$")
"""The transforms `flip()` and `resize()` have names of their own; see ``calls.py``."""


@cache
def returning(type: str) -> tuple[str, ...]:
    """Return the functions that make a value of a type, such as ``optimizer`` or ``transform``."""
    found = [
        match["name"]
        for file in sorted(FOLDER.glob("*.net"))
        for pattern in (_RETURNING, _DEFINING)
        for match in pattern.finditer(file.read_text("utf-8"))
        if match["type"] == type
    ]
    return tuple(_OVERLOADED.sub(r"\1", name) for name in found)


@cache
def module_of(name: str) -> str | None:
    """Return the module to import a block from, such as ``std.vision``."""
    for file in sorted(FOLDER.glob("std/*.net")):
        if re.search(rf"^(?:block|op) {re.escape(name)}\(", file.read_text("utf-8"), re.MULTILINE):
            return f"std.{file.stem}"
    return None


@cache
def module_like(name: str) -> tuple[str, str] | None:
    """Return the module and the name of a block that is called similarly: `ResidualBlock`."""
    plain = folded(name)
    short = next((plain.removesuffix(end) for end in _ENDINGS if plain.endswith(end)), plain)
    for file in sorted(FOLDER.glob("std/*.net")):
        found = re.findall(r"^(?:block|op) ([a-z]\w*)\(", file.read_text("utf-8"), re.MULTILINE)
        for ours in found:
            if ours != name and folded(ours) in (plain, short, f"{short}block"):
                return f"std.{file.stem}", ours
    return None


_ENDINGS = ("block", "layer", "module", "unit")


def enumerated(names: tuple[str, ...]) -> str:
    """Return names in backticks as a list in a sentence."""
    quoted = [f"`{name}`" for name in names]
    return " or ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1])))


def with_lists(text: str) -> str:
    """Return a text with ``<type>`` replaced by the functions that return such a value."""
    return re.sub(r"<(\w+)>", lambda found: enumerated(returning(found[1])), text)
