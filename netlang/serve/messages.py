"""The messages between a page and the compiler, and how they are written as JSON.

Each is an object with the number of the version, an ``id`` that its answers repeat, and its type.
Offsets count units of UTF-16, as the strings of a browser do; paths are those in the folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

from msgspec import DecodeError, Struct, field, json
from msgspec.structs import replace

from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError

VERSION = 1


class _Message(Struct, frozen=True, kw_only=True, tag_field="type"):
    version: int = VERSION
    id: int = 0


# ---- requests --------------------------------------------------------------------------------


class Hello(_Message, frozen=True, kw_only=True, tag="hello"):
    """The first request of a page."""


class TextRequest(_Message, frozen=True, kw_only=True):
    """A request about a text; ``texts`` are those of other files that are not saved."""

    path: str
    text: str
    texts: Mapping[str, str] = field(default_factory=dict[str, str])


class PositionRequest(TextRequest, frozen=True, kw_only=True):
    offset: int


class Check(TextRequest, frozen=True, kw_only=True, tag="check"):
    """What is known about the whole text? ``summaries`` names the nets whose tables it has."""

    summaries: Sequence[str] | None = None


class Draw(TextRequest, frozen=True, kw_only=True, tag="draw"):
    """A diagram of a net."""

    name: str
    depth: int | None = None
    direction: Literal["down", "right"] = "down"


class Explain(PositionRequest, frozen=True, kw_only=True, tag="explain"):
    """What is known about the layer at an offset?"""


class Hover(PositionRequest, frozen=True, kw_only=True, tag="hover"):
    """What is known about the name at an offset?"""


class Complete(PositionRequest, frozen=True, kw_only=True, tag="complete"):
    """What can be written at an offset?"""


class Format(TextRequest, frozen=True, kw_only=True, tag="format"):
    """The text in the standard layout."""


class ListFiles(_Message, frozen=True, kw_only=True, tag="files"):
    """The programs of the folder."""


class Open(_Message, frozen=True, kw_only=True, tag="open"):
    """The text of a file."""

    path: str


class Save(_Message, frozen=True, kw_only=True, tag="save"):
    """Write a file; ``revision`` is that of the text that was opened, ``None`` for a new file."""

    path: str
    text: str
    revision: str | None = None


class Train(TextRequest, frozen=True, kw_only=True, tag="train"):
    """Run a train section, by default the only one."""

    section: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    seed: int | None = None


class Stop(_Message, frozen=True, kw_only=True, tag="stop"):
    """End a run after the step it is in."""

    run: str


class Image(Struct, frozen=True):
    """An image file: its name, and its bytes."""

    name: str
    content: bytes = field(name="bytes")


class Predict(_Message, frozen=True, kw_only=True, tag="predict"):
    """What does a trained network compute of an image, or a drawing in ``[H][W]`` from 0 to 1?"""

    run: str | None = None
    layer: str | None = None
    image: Image | None = None
    drawing: Sequence[Sequence[float]] | None = None


Request = (
    Hello | Check | Draw | Explain | Hover | Complete | Format | ListFiles | Open | Save | Train
    | Stop | Predict
)  # fmt: skip


# ---- answers ---------------------------------------------------------------------------------


class Error(Struct, frozen=True):
    """An error without a place in a text."""

    rule: str
    message: str
    notes: Sequence[str] = ()
    helps: Sequence[str] = ()


class Failed(_Message, frozen=True, kw_only=True, tag="error"):
    """The answer to any request that cannot be answered."""

    error: Error


class RunMessage(_Message, frozen=True, kw_only=True):
    """A message about a run."""

    run: str | None = None


class Known(Struct, frozen=True):
    """The words of the language, for highlighting."""

    keywords: Sequence[str]
    layers: Sequence[str]
    functions: Sequence[str]
    types: Sequence[str]


class Welcome(_Message, frozen=True, kw_only=True, tag="welcome"):
    """What the page talks to; ``can`` are the types of requests that it answers."""

    netlang: str
    folder: str
    file: str | None
    can: Sequence[str]
    words: Known


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


class Checked(_Message, frozen=True, kw_only=True, tag="checked"):
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


class Drawn(_Message, frozen=True, kw_only=True, tag="drawn"):
    name: str
    svg: str
    boxes: Sequence[Box]


class Part(Struct, frozen=True):
    """A paragraph of an explanation, or a piece of code in a language."""

    kind: Literal["code", "text"]
    text: str
    language: str = ""


class Hovered(_Message, frozen=True, kw_only=True, tag="hovered"):
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


class Completions(_Message, frozen=True, kw_only=True, tag="completions"):
    candidates: Sequence[Candidate]


class Formatted(_Message, frozen=True, kw_only=True, tag="formatted"):
    """The text in the standard layout; ``None`` if it has a syntax error."""

    text: str | None


class FileEntry(Struct, frozen=True):
    path: str
    size: int


class Listed(_Message, frozen=True, kw_only=True, tag="listed"):
    folder: str
    files: Sequence[FileEntry]


class Opened(_Message, frozen=True, kw_only=True, tag="opened"):
    path: str
    text: str
    revision: str
    writable: bool


class Saved(_Message, frozen=True, kw_only=True, tag="saved"):
    path: str
    revision: str


class Conflict(_Message, frozen=True, kw_only=True, tag="conflict"):
    """Nothing was written: this text is in the file, and not the one that was opened."""

    path: str
    revision: str
    text: str


class Stopping(_Message, frozen=True, kw_only=True, tag="stopping"):
    run: str
    found: bool


# ---- JSON ------------------------------------------------------------------------------------

R = TypeVar("R", bound=_Message)
_DECODER = json.Decoder[Request](Request)
_ENCODER = json.Encoder()


class _Envelope(Struct, frozen=True):
    version: int = VERSION
    id: int = 0


def decoded(data: bytes) -> Request:
    """Return a request; raises ``NetlangError`` for what is not one."""
    try:
        envelope = json.decode(data, type=_Envelope)
        if envelope.version != VERSION:
            raise NetlangError(
                rules.USAGE,
                f"this netlang has version {VERSION} of the messages, not {envelope.version}",
                helps=["reload the page"],
                exit_code=USAGE,
            )
        return _DECODER.decode(data)
    except (DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise NetlangError(
            rules.USAGE, f"this is not a message: {error}", exit_code=USAGE
        ) from None


def encoded(message: Struct) -> bytes:
    """Return a message as one line of JSON; numbers that are not finite are ``null``."""
    return _ENCODER.encode(message)


def answering(answer: R, request: _Message) -> R:
    """Return an answer with the ``id`` of the request."""
    return replace(answer, id=request.id)
