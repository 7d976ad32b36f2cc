"""Write what editors and shells know of the language: ``python -m netlang.editor.generate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from lark import Lark
from lark.lexer import PatternStr
from msgspec import json

from netlang.editor.highlighting import page, textmate, vim
from netlang.editor.words import FILE, Words
from netlang.evaluate.context.parameter_names import ELEMENTS
from netlang.evaluate.types.fitting import TYPE_NAMES
from netlang.manual.explain import contents
from netlang.manual.pages import public
from netlang.syntax.generate import OPTIONS, grammar_text

EDITORS = Path(__file__).parents[2] / "editors"
STATIC = Path(__file__).parents[1] / "serve" / "static"
_DISPLAYED = ("CMP", "ADD", "MUL", "OPTIMIZER", "SCHEDULE", "STEP", "LIKE", "NAME", "DURATION",
              "COUNTED", "FLOAT", "INT", "STRING", "COMMENT")  # fmt: skip


def collect() -> Words:
    """Return the words of the grammar, the prelude and the manual as they are now."""
    terminals = cast("Any", Lark(grammar_text(), **OPTIONS)).terminals
    fixed = {t.pattern.value for t in terminals if isinstance(t.pattern, PatternStr)}
    library = public()
    return Words(
        keywords=sorted(text for text in fixed if text.isalpha()),
        symbols=sorted(text for text in fixed if not text.isalpha()),
        patterns={t.name: t.pattern.value for t in terminals if t.name in _DISPLAYED},
        elements=sorted(ELEMENTS),
        types=sorted(TYPE_NAMES - ELEMENTS),
        layers=[name for name, entry in sorted(library.items()) if entry.kind == "block"],
        functions=[name for name, entry in sorted(library.items()) if entry.kind != "block"],
        # Signs mean something else to a shell, which would complete them.
        topics={
            n: title.rstrip(":") for title, names in contents() for n in names if n[0].isalnum()
        },
    )


def generated() -> dict[Path, bytes]:
    """Return the content of every file that is made from the words."""
    words = collect()
    return {
        FILE: json.format(json.encode(words), indent=1) + b"\n",
        EDITORS / "netlang.tmLanguage.json": textmate(words),
        STATIC / "highlighting.json": page(words),
        EDITORS / "vim" / "syntax" / "netlang.vim": vim(words).encode(),
    }


if __name__ == "__main__":
    for path, content in generated().items():
        path.write_bytes(content)
