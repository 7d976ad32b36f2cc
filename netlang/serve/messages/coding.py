"""Messages as JSON."""

from __future__ import annotations

from typing import TypeVar

from msgspec import DecodeError, Struct, json
from msgspec.structs import replace

from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError
from netlang.serve.messages.message import VERSION, Message
from netlang.serve.messages.requests import Request

R = TypeVar("R", bound=Message)
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


def answering(answer: R, request: Message) -> R:
    """Return an answer with the ``id`` of the request."""
    return replace(answer, id=request.id)
