"""The definitions of the library, parsed in advance.

Parsing what a program uses of the prelude takes as long as the rest of ``netlang check``. So the
syntax trees are part of the package, as JSON that ``netlang.syntax.generate`` writes. They store
offsets; their source is attached as they are decoded, definition by definition.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import cast
from zlib import crc32

from msgspec import Raw, Struct, json

from netlang.diagnostics.diagnostic import DiagnosticError, Diagnostics
from netlang.diagnostics.source import Source
from netlang.syntax import ast
from netlang.syntax.parser import parse_part, split_definitions

FOLDER = Path(__file__).parents[1] / "prelude"
TREES = FOLDER / "trees.json"

LibraryDefinition = ast.Definition | ast.Extern


class StoredFile(Struct, frozen=True):
    """The encoded definitions of a file, and the checksum of the text they were parsed from."""

    checksum: int
    definitions: dict[str, Raw]


def library_files() -> Iterable[str]:
    """Return the files of the prelude, and of the standard modules below it."""
    return _stored().keys()


def defined_names(file: str) -> Iterable[str]:
    """Return the names that a file of the library defines."""
    return (_changed(file) or _stored()[file].definitions).keys()


@cache
def definition(file: str, name: str) -> LibraryDefinition:
    """Return a definition of the library; it is the same node for every program."""
    changed = _changed(file)
    if changed is not None:
        return changed[name]
    return _decoder(file).decode(_stored()[file].definitions[name])


def encode(definition: LibraryDefinition) -> bytes:
    """Return a definition as it is stored, without its source."""
    return json.encode(definition, enc_hook=lambda source: None)


def checksum(text: str) -> int:
    """Return the number by which a changed file is noticed."""
    return crc32(text.encode())


def read_library_source(file: str) -> Source:
    """Read a file of the library."""
    path = FOLDER / file
    return Source(f"<netlang>/{path.name}", path.read_text("utf-8"), library=True)


def parse_definitions(source: Source) -> dict[str, LibraryDefinition]:
    """Parse every definition of a file of the library; raises ``DiagnosticError``."""
    spans = split_definitions(source)
    return {name: _parse(source, start, end) for name, (start, end) in spans.items()}


def _parse(source: Source, start: int, end: int) -> LibraryDefinition:
    found = Diagnostics()
    parsed = parse_part(source, start, end, found)
    if parsed is None or found.items:
        raise DiagnosticError(found.items[0])
    return cast("LibraryDefinition", parsed.declarations[0])


@cache
def _stored() -> dict[str, StoredFile]:
    return json.decode(TREES.read_bytes(), type=dict[str, StoredFile])


@cache
def _source(file: str) -> Source:
    return read_library_source(file)


@cache
def _changed(file: str) -> dict[str, LibraryDefinition] | None:
    """Parse a file that was edited in a checkout since its trees were stored."""
    source = _source(file)
    if _stored()[file].checksum == checksum(source.text):
        return None
    return parse_definitions(source)


@cache
def _decoder(file: str) -> json.Decoder[LibraryDefinition]:
    source = _source(file)
    return json.Decoder(LibraryDefinition, dec_hook=lambda kind, stored: source)
