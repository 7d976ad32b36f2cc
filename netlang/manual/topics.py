"""Manual pages of what has no definition to show: the keywords and the settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import fill

from netlang.evaluate.calls.datasets import PLACES
from netlang.evaluate.modules.families import enumerated, with_lists

FOLDER = Path(__file__).parent
KEYWORD, SETTING = "a keyword", "a setting of `train`"
_SEVERAL = {KEYWORD: "keywords", SETTING: "settings of `train`"}
KINDS = {"keywords.md": KEYWORD, "settings.md": SETTING}

_PAGE = re.compile(r"^## (.+?)\n\n(.+?)\n\n```net\n(.+?)```$", re.MULTILINE | re.DOTALL)
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Page:
    """One keyword or setting, or a few that belong together; ``example`` is netlang code."""

    names: tuple[str, ...]
    kind: str
    text: str
    example: str

    def __str__(self) -> str:
        indented = "\n".join(f"  {line}".rstrip() for line in self.example.splitlines())
        kind = self.kind if len(self.names) == 1 else _SEVERAL[self.kind]
        return f"{', '.join(self.names)}: {kind}\n\n{filled(self.text)}\n\n{indented}"


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
    for title, about, example in _PAGE.findall(text):
        listed = with_lists(about.replace("<source>", enumerated(tuple(PLACES))))
        yield Page(tuple(title.split(", ")), KINDS[file], listed, example)
