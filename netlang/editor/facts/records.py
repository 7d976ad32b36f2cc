"""What an editor shows about a text, as records; offsets count the characters of the text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from netlang.ir.graph import Graph


class Location(Struct, frozen=True):
    """The characters of a file from ``start`` up to, not including, ``end``."""

    path: str
    start: int
    end: int


class TextEdit(Struct, frozen=True):
    """A place, and the text to write there instead."""

    location: Location
    text: str


class QuickFix(Struct, frozen=True):
    """A change after which its problem is gone; its edits are in one file and do not overlap."""

    title: str
    edits: tuple[TextEdit, ...]


class Related(Struct, frozen=True):
    """Another place that a problem is about, and what is there."""

    location: Location
    text: str


class Problem(Struct, frozen=True):
    """One error or warning, as ``netlang check`` reports it.

    ``label`` says what is at the location; ``trace`` lists the calls that led there, innermost
    first. The location is in another file where that is imported.
    """

    rule: str
    severity: Literal["error", "warning"]
    message: str
    location: Location
    label: str = ""
    related: tuple[Related, ...] = ()
    notes: tuple[str, ...] = ()
    helps: tuple[str, ...] = ()
    trace: tuple[str, ...] = ()
    fixes: tuple[QuickFix, ...] = ()

    @property
    def text(self) -> str:
        """The message with all that explains it, a line for each part."""
        parts = [self.message, self.label, *self.notes, *(f"help: {help}" for help in self.helps)]
        parts += [f"in {call}" for call in self.trace]
        return "\n".join(part for part in parts if part)


class Hint(Struct, frozen=True):
    """A text to show inside a line: the type of a name, or the parameter of an argument.

    ``offset`` is where it is shown. ``types`` has all types of a name in a block that is called
    with several; ``text`` shows the first and the last of them.
    """

    offset: int
    text: str
    kind: Literal["type", "parameter"]
    types: tuple[str, ...] = ()


class Symbol(Struct, frozen=True):
    """A definition or a binding, and those inside it."""

    name: str
    kind: str
    detail: str
    start: int
    end: int
    name_start: int
    name_end: int
    children: tuple[Symbol, ...] = ()


class Folding(Struct, frozen=True):
    """Lines, counted from 0, of which an editor may show only the first."""

    first_line: int
    last_line: int
    kind: Literal["body", "comment", "imports"]


class SemanticToken(Struct, frozen=True):
    """A name in the text, and what it denotes."""

    start: int
    end: int
    kind: str
    modifiers: tuple[str, ...] = ()


class Candidate(Struct, frozen=True):
    """A text that completes what is being typed, in place of the characters of ``location``."""

    label: str
    kind: str
    location: Location
    detail: str = ""
    documentation: str = ""


class Hover(Struct, frozen=True):
    """What is known about the characters of the text at a place, as Markdown."""

    start: int
    end: int
    text: str


class Lens(Struct, frozen=True):
    """A text above a definition, and the command of netlang that it runs.

    ``command`` is ``summary`` for a net and ``train`` for a section, and ``name`` is its argument.
    """

    offset: int
    title: str
    command: Literal["summary", "train"]
    name: str


class Net(Struct, frozen=True, eq=False):
    """A net of the text, and its graph; ``None`` while it has an error or needs arguments.

    ``ends`` has where its inputs, outputs and states have their names.
    """

    name: str
    start: int
    end: int
    graph: Graph | None
    ends: Mapping[str, Location]


class Section(Struct, frozen=True):
    """A train section of the text; ``parameters`` are its own, with the texts of their defaults.

    ``failed`` is whether it has an error, or anything that it uses.
    """

    name: str
    start: int
    end: int
    parameters: tuple[tuple[str, str], ...]
    failed: bool


class Renaming(Struct, frozen=True):
    """The edits that rename something, and what they mean for saved weights and other files.

    ``remarks`` is empty if nothing else changes.
    """

    edits: tuple[TextEdit, ...]
    remarks: tuple[str, ...] = ()
