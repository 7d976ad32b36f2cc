"""Statements as `ruff format` lays them out with its default settings."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

WIDTH = 88
_OPENING, _CLOSING = "([{", ")]}"


def statement(text: str, indent: int = 0) -> list[str]:
    """Break a statement of one line at its last brackets until every line fits."""
    line = " " * indent + text
    if len(line) <= WIDTH:
        return [line]
    found = _last_brackets(text)
    if found is None:
        return [line]
    start, end = found
    inside = text[start + 1 : end]
    items = _split(inside)
    head, tail = " " * indent + text[: start + 1], " " * indent + text[end:]
    is_call = start > 0 and (text[start - 1].isalnum() or text[start - 1] in "_])")
    together = " " * (indent + 4) + inside
    if len(together) <= WIDTH and (is_call or len(items) == 1) and not inside.endswith(","):
        return [head, together, tail]
    lines = [line for item in items for line in statement(f"{item},", indent + 4)]
    return [head, *lines, tail]


def block(texts: Sequence[str], indent: int = 4) -> list[str]:
    """Lay out statements of the same indentation."""
    return [line for text in texts for line in statement(text, indent)]


def docstring(text: str, indent: int = 4) -> list[str]:
    """Lay out a docstring; its lines are filled."""
    text = " ".join(text.split()).replace("\\", "\\\\").replace('"""', "'''")
    if not text:
        return []
    if text.endswith('"'):
        text += " "
    lines = wrap(f'"""{text}', WIDTH - indent - 3) or ['"""']
    return [*(f"{' ' * indent}{line}" for line in lines[:-1]), f'{" " * indent}{lines[-1]}"""']


def _last_brackets(text: str) -> tuple[int, int] | None:
    """Return where the last outermost brackets of a statement open and close."""
    found, stack = None, list[int]()
    for at, char in _outside_strings(text):
        if char in _OPENING:
            stack.append(at)
        elif char in _CLOSING:
            start = stack.pop()
            if not stack and at > start + 1:
                found = start, at
    return found


def _split(text: str) -> list[str]:
    """Split the text between brackets at its outermost commas."""
    depth, last = 0, 0
    items: list[str] = []
    for at, char in _outside_strings(text):
        depth += (char in _OPENING) - (char in _CLOSING)
        if char == "," and not depth:
            items.append(text[last:at].strip())
            last = at + 1
    return [*items, rest] if (rest := text[last:].strip()) else items


def _outside_strings(text: str) -> list[tuple[int, str]]:
    """List the characters that are not in a string in double quotes, and their positions."""
    found: list[tuple[int, str]] = []
    quoted = escaped = False
    for at, char in enumerate(text):
        if not quoted and char != '"':
            found.append((at, char))
        quoted ^= char == '"' and not escaped
        escaped = char == "\\" and not escaped
    return found
