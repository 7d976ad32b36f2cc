"""What every message between a page and the compiler has."""

from __future__ import annotations

from msgspec import Struct

VERSION = 1


class Message(Struct, frozen=True, kw_only=True, tag_field="type"):
    """A request or an answer; ``id`` is the number of the request."""

    version: int = VERSION
    id: int = 0
