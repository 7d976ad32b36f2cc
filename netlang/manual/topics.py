"""Manual pages of what has no definition to show: types, symbols, keywords, settings and fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import fill, indent

from netlang.evaluate.calls.datasets import PLACES
from netlang.evaluate.modules.families import enumerated, with_lists

FOLDER = Path(__file__).parent
KEYWORD, SETTING, TYPE = "a keyword", "a setting of `train`", "a type"
SYMBOL, FIELD, PYTHON = (
    "an operator or a punctuation mark",
    "a field of `dataset`",
    "the Python interface",
)
PLURAL = {
    KEYWORD: "keywords",
    SETTING: "settings of `train`",
    FIELD: "fields of `dataset`",
    TYPE: "types",
    SYMBOL: "operators and punctuation",
    PYTHON: "Python interface",
}
KINDS = {
    "keywords.md": KEYWORD,
    "settings.md": SETTING,
    "datasets.md": FIELD,
    "types.md": TYPE,
    "symbols.md": SYMBOL,
    "api.md": PYTHON,
}

_PAGE = re.compile(r"^## (.+)\n((?:```[\s\S]*?^```$\n?|(?!## |```).*\n)+)", re.MULTILINE)
_CODE = re.compile(r"^```\w+\n(.+?)\n```$", re.MULTILINE | re.DOTALL)
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Page:
    """One name, or a few that belong together: paragraphs of text, and examples between them."""

    names: tuple[str, ...]
    kind: str
    body: str

    @property
    def text(self) -> str:
        """What is before the first example."""
        return _CODE.split(self.body)[0].strip()

    @property
    def example(self) -> str:
        """The first example: netlang code, or a session in Python."""
        return _CODE.split(self.body)[1] + "\n"

    def __str__(self) -> str:
        kind = self.kind if len(self.names) == 1 else PLURAL[self.kind]
        # What is between two examples is text: `split` returns both, alternately.
        parts = [f"{', '.join(self.names)}: {kind}"]
        for number, part in enumerate(_CODE.split(self.body)):
            whole = part.strip("\n")
            parts += [indent(whole, "  ")] if number % 2 else map(filled, whole.split("\n\n"))
        return "\n\n".join(part for part in parts if part)


def filled(text: str) -> str:
    """Return a paragraph as lines, none of which breaks a piece of code."""
    whole = re.sub(r"`[^`]+`", lambda code: code[0].replace(" ", "\0"), text)
    return fill(whole, _WIDTH).replace("\0", " ")


@cache
def pages() -> dict[str, tuple[Page, ...]]:
    """Return the pages of each name: `optimizer` is a keyword and a setting."""
    found: dict[str, tuple[Page, ...]] = {}
    for page in (page for file in KINDS for page in _read(file)):
        for name in page.names:
            found[name] = (*found.get(name, ()), page)
    return found


def _read(file: str) -> Iterator[Page]:
    text = (FOLDER / file).read_text("utf-8")
    for title, body in _PAGE.findall(text):
        listed = with_lists(body.replace("<source>", enumerated(tuple(PLACES))))
        yield Page(tuple(re.split(r"(?<=.), ", title)), KINDS[file], listed)
