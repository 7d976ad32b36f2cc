"""The texts that an editor has open, and the facts about them."""

from __future__ import annotations

from pathlib import Path

from netlang.editor import Analyser, Facts
from netlang.editor.facts.positions import Encoding, Positions


class Document:
    """An open text: its version, and its facts once something needs them."""

    def __init__(self, path: str, text: str, version: int | None) -> None:
        self.path = path
        self.text = text
        self.version = version
        self.facts: Facts | None = None
        self.positions: Positions | None = None
        self.analyser = Analyser(path)


class Documents:
    """The open texts by their paths. Texts that are not saved are those that others import."""

    def __init__(self) -> None:
        self.encoding: Encoding = "utf-16"
        self._open: dict[str, Document] = {}

    def __contains__(self, path: str) -> bool:
        return path in self._open

    def put(self, path: str, text: str, version: int | None) -> None:
        """Open a text, or replace it."""
        document = self._open.get(path)
        if document is None:
            self._open[path] = Document(path, text, version)
        else:
            document.text, document.version, document.facts = text, version, None
        self._reconsider(path)

    def close(self, path: str) -> None:
        """Forget a text: what imports it reads the file again."""
        self._open.pop(path, None)
        self._reconsider(path)

    def saved(self) -> None:
        """Evaluate everything again: what programs read of the disk may be different."""
        for document in self._open.values():
            document.analyser = Analyser(document.path)
            document.facts = None

    def texts(self) -> dict[str, str]:
        """Return the open texts by their paths."""
        return {path: it.text for path, it in self._open.items()}

    def version(self, path: str) -> int | None:
        """Return the version of an open text."""
        return self._open[path].version if path in self._open else None

    def importing(self, path: str) -> list[str]:
        """Return the open texts that need analysis since a file that they import is different."""
        return [other for other, it in self._open.items() if other != path and it.facts is None]

    def facts(self, path: str) -> Facts | None:
        """Return the facts of an open text as it is now; ``None`` if it is not open."""
        document = self._open.get(path)
        if document is None:
            return None
        if document.facts is None:
            texts = {other: it.text for other, it in self._open.items() if other != path}
            document.facts = document.analyser.analyse(document.text, texts)
            document.positions = Positions(document.facts.text, self.encoding)
        return document.facts

    def positions(self, path: str) -> Positions:
        """Return the lines of an open text, or else of a file."""
        document = self._open.get(path)
        if document is not None and self.facts(path) is not None and document.positions is not None:
            return document.positions
        try:
            text = Path(path).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            text = ""
        return Positions(text, self.encoding)

    def _reconsider(self, path: str) -> None:
        """Drop the facts of the texts that import a file, or would if it were there."""
        real = Path(path).resolve()
        for document in self._open.values():
            facts = document.facts
            if facts is not None and real in facts.imports:
                document.facts = None
