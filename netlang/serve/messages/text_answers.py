"""What the compiler answers about a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from netlang.serve.messages.message import Message


class Range(Struct, frozen=True):
    start: int
    end: int


class Edit(Struct, frozen=True):
    """A change of a file."""

    path: str
    start: int
    end: int
    text: str


class Fix(Struct, frozen=True):
    title: str
    edits: Sequence[Edit]


class Problem(Struct, frozen=True):
    """An error or a warning; ``text`` is all of it in lines."""

    rule: str
    severity: str
    message: str
    path: str
    start: int
    end: int
    label: str
    notes: Sequence[str]
    helps: Sequence[str]
    trace: Sequence[str]
    text: str
    related: Sequence[Edit]
    fixes: Sequence[Fix]


class Hint(Struct, frozen=True):
    offset: int
    text: str
    kind: str
    types: Sequence[str]


class Symbol(Struct, frozen=True):
    name: str
    kind: str
    detail: str
    start: int
    end: int
    name_start: int
    name_end: int
    children: Sequence[Symbol]


class Folding(Struct, frozen=True):
    first_line: int
    last_line: int
    kind: str


class Token(Struct, frozen=True):
    start: int
    end: int
    kind: str
    modifiers: Sequence[str]


class Lens(Struct, frozen=True):
    offset: int
    title: str
    command: str
    name: str


class Net(Struct, frozen=True):
    """A net; ``summary`` is the table of its layers, ``None`` while it has an error.

    It is ``None`` too where the request did not name the net.
    """

    name: str
    start: int
    end: int
    current: bool
    summary: Mapping[str, object] | None


class Parameter(Struct, frozen=True):
    name: str
    default: str


class Section(Struct, frozen=True):
    name: str
    start: int
    end: int
    current: bool
    parameters: Sequence[Parameter]


class Checked(Message, frozen=True, kw_only=True, tag="checked"):
    path: str
    problems: Sequence[Problem]
    hints: Sequence[Hint]
    symbols: Sequence[Symbol]
    foldings: Sequence[Folding]
    tokens: Sequence[Token]
    lenses: Sequence[Lens]
    nets: Sequence[Net]
    sections: Sequence[Section]


class Box(Struct, frozen=True):
    """A box of a diagram, by its number there; ``places`` are in the text, innermost first."""

    number: int
    role: str
    paths: Sequence[str]
    start: int | None
    end: int | None
    places: Sequence[Range]
    tooltip: str


class Drawn(Message, frozen=True, kw_only=True, tag="drawn"):
    name: str
    svg: str
    boxes: Sequence[Box]


class Part(Struct, frozen=True):
    """A paragraph of an explanation, or a piece of code in a language."""

    kind: Literal["code", "text"]
    text: str
    language: str = ""


class Hovered(Message, frozen=True, kw_only=True, tag="hovered"):
    start: int
    end: int
    name: str
    parts: Sequence[Part]


class Explained(Hovered, frozen=True, kw_only=True, tag="explained"):
    pass


class Candidate(Struct, frozen=True):
    label: str
    kind: str
    start: int
    end: int
    detail: str
    documentation: str


class Completions(Message, frozen=True, kw_only=True, tag="completions"):
    candidates: Sequence[Candidate]
