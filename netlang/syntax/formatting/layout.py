"""A pretty printer: documents with possible line breaks, laid out in a given width.

After Wadler, "A prettier printer" (2003): a group is set on one line where that fits, and
otherwise broken at all of its own line breaks, from the outside in.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """A possible line break, else a space; nothing if ``soft``; ``hard`` breaks always."""

    soft: bool = False
    hard: bool = False


@dataclass(frozen=True, slots=True)
class Indent:
    doc: Doc


@dataclass(frozen=True, slots=True)
class Group:
    """Set on one line if it fits, else broken at all of its own line breaks."""

    doc: Doc


@dataclass(frozen=True, slots=True)
class Fill:
    """Items and the breaks between them, in turns: as many items to a line as fit."""

    parts: tuple[Doc, ...]
    start: int = 0


@dataclass(frozen=True, slots=True)
class IfBroken:
    """Text that appears only where the group around it is broken."""

    text: str


@dataclass(frozen=True, slots=True)
class TrailingComment:
    """A comment at the end of a line: it takes no width and ends its line."""

    text: str


Doc = str | Line | Indent | Group | Fill | IfBroken | TrailingComment | tuple["Doc", ...]

LINE = Line()
SOFT = Line(soft=True)
HARD = Line(hard=True)
STEP = 2

_Frame = tuple[int, bool, Doc]


def render(doc: Doc, width: int) -> str:
    """Set a document; no line ends in blanks."""
    out: list[str] = []
    column = 0
    # Each frame is an indentation, whether line breaks in it are broken, and a document.
    stack: list[_Frame] = [(0, True, doc)]
    while stack:
        indent, broken, node = stack.pop()
        match node:
            case str():
                out.append(node)
                column += len(node)
            case tuple():
                stack.extend((indent, broken, part) for part in reversed(node))
            case Indent():
                stack.append((indent + STEP, broken, node.doc))
            case IfBroken():
                if broken:
                    out.append(node.text)
                    column += len(node.text)
            case TrailingComment():
                out.append("  " + node.text)
            case Line() if broken:
                while out and out[-1] == " ":
                    out.pop()
                out.append("\n" + " " * indent)
                column = indent
            case Line():
                out.append("" if node.soft else " ")
                column += 0 if node.soft else 1
            case Fill():
                _fill(node, indent, width - column, stack)
            case Group():
                fits = _fits(stack, (indent, False, node.doc), width - column)
                stack.append((indent, not fits, node.doc))
    return "\n".join(line.rstrip() for line in "".join(out).split("\n"))


def _fill(node: Fill, indent: int, room: int, stack: list[_Frame]) -> None:
    parts, at = node.parts, node.start
    if at >= len(parts):
        return
    item = parts[at]
    if at + 2 < len(parts):
        # A comma that follows the next item must fit on its line too.
        pair = (item, parts[at + 1], parts[at + 2], ",")
        stack.append((indent, True, Fill(parts, at + 2)))
        stack.append((indent, not _fits([], (indent, False, pair), room), parts[at + 1]))
    stack.append((indent, not _fits([], (indent, False, item), room), item))


def _fits(rest: list[_Frame], frame: _Frame, room: int) -> bool:
    """Return whether a document, and what follows it on its line, fits into the room."""
    stack = [frame]
    below = len(rest)
    while room >= 0:
        if not stack:
            if below == 0:
                return True
            below -= 1
            stack.append(rest[below])
        indent, broken, node = stack.pop()
        match node:
            case str():
                room -= len(node)
            case tuple():
                stack.extend((indent, broken, part) for part in reversed(node))
            case Indent():
                stack.append((indent, broken, node.doc))
            case Group():
                # What follows the group on the stack decides for itself whether it breaks.
                stack.append((indent, broken and below < len(rest), node.doc))
            case Fill():
                if node.start < len(node.parts):
                    stack.append((indent, broken, Fill(node.parts, node.start + 1)))
                    stack.append((indent, broken, node.parts[node.start]))
            case IfBroken():
                room -= len(node.text) if broken else 0
            case TrailingComment() | Line(hard=True):
                return broken
            case Line() if broken:
                return True
            case Line():
                room -= 0 if node.soft else 1
    return False
