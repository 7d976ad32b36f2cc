"""What the compiler answers: about itself, errors, files, runs."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from netlang.serve.messages.message import Message


class Error(Struct, frozen=True):
    """An error without a place in a text."""

    rule: str
    message: str
    notes: Sequence[str] = ()
    helps: Sequence[str] = ()


class Failed(Message, frozen=True, kw_only=True, tag="error"):
    """The answer to any request that cannot be answered."""

    error: Error


class RunMessage(Message, frozen=True, kw_only=True):
    """A message about a run."""

    run: str | None = None


class Known(Struct, frozen=True):
    """The words of the language, for highlighting."""

    keywords: Sequence[str]
    layers: Sequence[str]
    functions: Sequence[str]
    types: Sequence[str]


class Welcome(Message, frozen=True, kw_only=True, tag="welcome"):
    """What the page talks to; ``can`` are the types of requests that it answers."""

    netlang: str
    folder: str
    file: str | None
    can: Sequence[str]
    words: Known


class Formatted(Message, frozen=True, kw_only=True, tag="formatted"):
    """The text in the standard layout; ``None`` if it has a syntax error."""

    text: str | None


class FileEntry(Struct, frozen=True):
    path: str
    size: int


class Listed(Message, frozen=True, kw_only=True, tag="listed"):
    folder: str
    files: Sequence[FileEntry]


class Opened(Message, frozen=True, kw_only=True, tag="opened"):
    path: str
    text: str
    revision: str
    writable: bool


class Saved(Message, frozen=True, kw_only=True, tag="saved"):
    path: str
    revision: str


class Conflict(Message, frozen=True, kw_only=True, tag="conflict"):
    """Nothing was written: this text is in the file, and not the one that was opened."""

    path: str
    revision: str
    text: str


class Stopping(Message, frozen=True, kw_only=True, tag="stopping"):
    run: str
    found: bool
