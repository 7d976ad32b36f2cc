"""What a page asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct, field

from netlang.serve.messages.message import Message


class Hello(Message, frozen=True, kw_only=True, tag="hello"):
    """The first request of a page."""


class TextRequest(Message, frozen=True, kw_only=True):
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


class ListFiles(Message, frozen=True, kw_only=True, tag="files"):
    """The programs of the folder."""


class Open(Message, frozen=True, kw_only=True, tag="open"):
    """The text of a file."""

    path: str


class Save(Message, frozen=True, kw_only=True, tag="save"):
    """Write a file; ``revision`` is that of the text that was opened, ``None`` for a new file."""

    path: str
    text: str
    revision: str | None = None


class Train(TextRequest, frozen=True, kw_only=True, tag="train"):
    """Run a train section, by default the only one."""

    section: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    seed: int | None = None


class Stop(Message, frozen=True, kw_only=True, tag="stop"):
    """End a run after the step it is in."""

    run: str


class Image(Struct, frozen=True):
    """An image file: its name, and its bytes."""

    name: str
    content: bytes = field(name="bytes")


class Predict(Message, frozen=True, kw_only=True, tag="predict"):
    """What does a trained network compute of an image, or a drawing in ``[H][W]`` from 0 to 1?"""

    run: str | None = None
    layer: str | None = None
    image: Image | None = None
    drawing: Sequence[Sequence[float]] | None = None


Request = (
    Hello | Check | Draw | Explain | Hover | Complete | Format | ListFiles | Open | Save | Train
    | Stop | Predict
)  # fmt: skip
