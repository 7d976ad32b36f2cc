"""Manual pages of what has no definition to show: the words of the language, the settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
WORD, SETTING = "a word of the language", "a setting of `train`"
KINDS = {"words.md": WORD, "settings.md": SETTING}

_PAGE = re.compile(r"^## (.+?)\n\n(.+?)\n\n```net\n(.+?)```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Page:
    """What one word, or a few that belong together, are for; ``example`` is in the language."""

    names: tuple[str, ...]
    kind: str
    text: str
    example: str

    def __str__(self) -> str:
        indented = "\n".join(f"  {line}".rstrip() for line in self.example.splitlines())
        return f"{', '.join(self.names)}: {self.kind}\n\n{self.text}\n\n{indented}"


@cache
def pages() -> dict[str, Page]:
    """Give the page of every word that has one."""
    return {name: page for file in KINDS for page in _read(file) for name in page.names}


def _read(file: str) -> Iterator[Page]:
    text = (FOLDER / file).read_text("utf-8")
    for title, about, example in _PAGE.findall(text):
        yield Page(tuple(title.split(", ")), KINDS[file], about, example)
