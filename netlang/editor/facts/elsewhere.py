"""Other files of a folder, and where they use what a file defines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from netlang.diagnostics.errors import NetlangError
from netlang.editor.facts.names import Names
from netlang.editor.facts.records import Location
from netlang.program import open_program
from netlang.syntax.walk import walk

SUFFIX = ".net"
_MOST, _DEEPEST = 1_000, 4
"""How many programs are found, and how deep below a folder."""


def programs_below(folder: Path) -> list[Path]:
    """Return the programs in a folder and below, without hidden folders and links."""
    return list(islice(_programs(folder, _DEEPEST), _MOST))


def _programs(folder: Path, depth: int) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.is_symlink():
            continue
        if entry.is_dir():
            if depth:
                yield from _programs(entry, depth - 1)
        elif entry.suffix == SUFFIX:
            yield entry


def uses_elsewhere(
    definition: Location, files: Iterable[Path], texts: Mapping[str, str]
) -> Iterator[Location]:
    """Yield where files mean what another file defines at a place, which they import.

    ``texts`` are read instead of the files at these paths. What cannot be read is left out.
    """
    origin = Path(definition.path).resolve()
    for file in files:
        if file.resolve() == origin:
            continue
        try:
            text = texts.get(str(file)) or file.read_text("utf-8")
            if origin.name not in text:
                continue
            program = open_program(file, text, texts=texts, editing=True)
        except (OSError, UnicodeDecodeError, NetlangError):
            continue
        declared = program.file.declarations if program.file is not None else ()
        for use in Names(program, tuple(walk(*declared))).uses():
            found = use.meaning.definition
            same = (found.start, found.end) == (definition.start, definition.end)
            if same and Path(found.path).resolve() == origin:
                yield Location(str(file), use.start, use.end)
