"""The grammar file, in every kind of installation, and how lark is to read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

OPTIONS: dict[str, Any] = {
    "parser": "lalr",
    "lexer": "contextual",
    "keep_all_tokens": True,
    "maybe_placeholders": True,
}
_PACKAGE = Path(__file__).parents[1]


def grammar_text() -> str:
    """Give the text of ``netlang.lark``; in a wheel packaged, in a checkout beside the package."""
    folder = _PACKAGE / "grammars"
    if not folder.is_dir():
        folder = _PACKAGE.parent / "grammars"
    return (folder / "netlang.lark").read_text(encoding="utf-8")
