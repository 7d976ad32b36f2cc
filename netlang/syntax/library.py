"""The definitions of the library, parsed in advance.

Parsing what a program uses of the prelude takes as long as the rest of ``netlang check``. So the
syntax trees are part of the package, as JSON that ``netlang.syntax.generate`` writes. They store
offsets; their source is attached as they are decoded, definition by definition.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from zlib import crc32

from msgspec import Raw, Struct, json

from netlang.diagnostics.source import Source
from netlang.syntax import ast

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
    _decoder(file)  # a name is of no use without the text that defines it
    return _stored()[file].definitions.keys()


@cache
def definition(file: str, name: str) -> LibraryDefinition:
    """Return a definition of the library; it is the same node for every program."""
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


@cache
def _stored() -> dict[str, StoredFile]:
    return json.decode(TREES.read_bytes(), type=dict[str, StoredFile])


@cache
def _decoder(file: str) -> json.Decoder[LibraryDefinition]:
    source = read_library_source(file)
    if _stored()[file].checksum != checksum(source.text):
        raise RuntimeError(f"{file} has changed: run `python -m netlang.syntax.generate`")
    return json.Decoder(LibraryDefinition, dec_hook=lambda kind, stored: source)
