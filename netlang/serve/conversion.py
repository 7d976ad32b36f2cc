"""The facts about a text as messages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from netlang.editor import Facts
from netlang.editor.facts import records
from netlang.serve.messages import text_answers
from netlang.serve.offsets import Offsets

_CODE = re.compile(r"^```(\w*)\n(.*?)\n```$", re.DOTALL | re.MULTILINE)

TextOf = Callable[[str], str]
"""Returns the text of a file by the path that facts have."""


class Places:
    """Converts places in files, and what is said about them.

    ``shown`` returns a path as messages have it, ``text_of`` the text of a file.
    """

    def __init__(self, shown: Callable[[str], str], text_of: TextOf) -> None:
        self.shown = shown
        self._text_of = text_of
        self._offsets: dict[str, Offsets] = {}

    def offsets(self, path: str) -> Offsets:
        """Return what converts offsets in a file."""
        if path not in self._offsets:
            self._offsets[path] = Offsets(self._text_of(path))
        return self._offsets[path]

    def range(self, location: records.Location) -> tuple[str, int, int]:
        """Return the path and the units of a place."""
        units = self.offsets(location.path).units
        return self.shown(location.path), units(location.start), units(location.end)

    def problem(self, found: records.Problem) -> text_answers.Problem:
        """Return a problem with its fixes."""
        path, start, end = self.range(found.location)
        fixes = [
            text_answers.Fix(fix.title, [self.edit(each.location, each.text) for each in fix.edits])
            for fix in found.fixes
        ]
        related = [self.edit(each.location, each.text) for each in found.related]
        return text_answers.Problem(
            found.rule, found.severity, found.message, path, start, end, found.label, found.notes,
            found.helps, found.trace, found.text, related, fixes,
        )  # fmt: skip

    def edit(self, location: records.Location, text: str) -> text_answers.Edit:
        """Return a place with a text."""
        return text_answers.Edit(*self.range(location), text)


class Converter(Places):
    """Converts the facts about one text; ``text_of`` returns the texts of other files."""

    def __init__(self, facts: Facts, shown: Callable[[str], str], text_of: TextOf) -> None:
        super().__init__(shown, lambda path: facts.text if path == facts.path else text_of(path))
        self.facts = facts
        self.units = self.offsets(facts.path).units

    def offset(self, units: int) -> int:
        """Return an offset of the text from one of a message."""
        return self.offsets(self.facts.path).characters(units)

    # ---- the parts of an answer to `check` -----------------------------------------------------

    def problems(self) -> list[text_answers.Problem]:
        return list(map(self.problem, self.facts.problems))

    def hints(self) -> list[text_answers.Hint]:
        return [
            text_answers.Hint(self.units(each.offset), each.text, each.kind, each.types)
            for each in self.facts.hints
        ]

    def symbols(self) -> list[text_answers.Symbol]:
        return list(map(self._symbol, self.facts.symbols))

    def _symbol(self, found: records.Symbol) -> text_answers.Symbol:
        return text_answers.Symbol(
            found.name,
            found.kind,
            found.detail,
            self.units(found.start),
            self.units(found.end),
            self.units(found.name_start),
            self.units(found.name_end),
            list(map(self._symbol, found.children)),
        )

    def foldings(self) -> list[text_answers.Folding]:
        return [
            text_answers.Folding(each.first_line, each.last_line, each.kind)
            for each in self.facts.foldings
        ]

    def tokens(self) -> list[text_answers.Token]:
        return [
            text_answers.Token(
                self.units(each.start), self.units(each.end), each.kind, each.modifiers
            )
            for each in self.facts.tokens
        ]

    def lenses(self) -> list[text_answers.Lens]:
        return [
            text_answers.Lens(self.units(each.offset), each.title, each.command, each.name)
            for each in self.facts.lenses
        ]

    def sections(self) -> list[text_answers.Section]:
        return [
            text_answers.Section(
                each.name, self.units(each.start), self.units(each.end), not each.failed,
                [text_answers.Parameter(name, default) for name, default in each.parameters],
            )
            for each in self.facts.sections
        ]  # fmt: skip

    def candidate(self, found: records.Candidate) -> text_answers.Candidate:
        start, end = self.units(found.location.start), self.units(found.location.end)
        return text_answers.Candidate(
            found.label, found.kind, start, end, found.detail, found.documentation
        )

    def hover(self, found: records.Hover | None, offset: int) -> text_answers.Hovered:
        """Return what is known about a place, which may be nothing."""
        start, end = (offset, offset) if found is None else (found.start, found.end)
        return text_answers.Hovered(
            start=self.units(start),
            end=self.units(end),
            name=self.facts.text[start:end],
            parts=[] if found is None else list(parts(found.text)),
        )

    def ranges(self, places: Sequence[records.Location]) -> list[text_answers.Range]:
        """Return those of some places that are in the text."""
        return [
            text_answers.Range(self.units(each.start), self.units(each.end))
            for each in places
            if each.path == self.facts.path
        ]


def parts(text: str) -> Iterator[text_answers.Part]:
    """Yield the paragraphs and the code of a text in Markdown.

    >>> [part.kind for part in parts("one\\n\\n```net\\nx\\n```")]
    ['text', 'code']
    """
    at = 0
    for found in _CODE.finditer(text):
        yield from _paragraph(text[at : found.start()])
        yield text_answers.Part("code", found[2], found[1])
        at = found.end()
    yield from _paragraph(text[at:])


def _paragraph(text: str) -> Iterator[text_answers.Part]:
    if text.strip():
        yield text_answers.Part("text", text.strip())
