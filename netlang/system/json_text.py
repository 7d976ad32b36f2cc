"""JSON as its standard has it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import cast


def json_text(content: object, *, indent: int | None = None) -> str:
    """Return plain values as JSON, with null for NaN and infinities, which JSON does not have.

    >>> json_text({"loss": float("nan"), "epoch": 3})
    '{"loss": null, "epoch": 3}'
    """
    return json.dumps(_standard(content), indent=indent, ensure_ascii=False, allow_nan=False)


def read_json(text: str) -> object:
    """Return what ``json_text`` wrote, with NaN for null; raises ``ValueError`` for other text.

    >>> read_json('{"loss": null, "epoch": 3}')
    {'loss': nan, 'epoch': 3}
    """
    return _numbers(json.loads(text))


def _numbers(content: object) -> object:
    match content:
        case None:
            return math.nan
        case dict():
            named = cast("dict[str, object]", content)
            return {name: _numbers(value) for name, value in named.items()}
        case _:
            return content


def _standard(content: object) -> object:
    match content:
        case float() if not math.isfinite(content):
            return None
        case Mapping():
            named = cast("Mapping[str, object]", content)
            return {name: _standard(value) for name, value in named.items()}
        case list() | tuple():
            return [_standard(value) for value in cast("Sequence[object]", content)]
        case _:
            return content
