"""The stored trees of the library are those that its sources parse to.

Tests ``netlang.syntax.library``.
"""

from __future__ import annotations

import pytest
from syntax_trees import placeless

from netlang.diagnostics.diagnostic import Diagnostics
from netlang.syntax import library
from netlang.syntax.generate import trees
from netlang.syntax.library import TREES, defined_names, definition, library_files
from netlang.syntax.parser import parse_part, split_definitions


def test_the_stored_trees_are_those_of_the_sources() -> None:
    assert TREES.read_bytes() == trees()


@pytest.mark.parametrize("file", library_files())
def test_a_stored_definition_is_the_parsed_one(file: str) -> None:
    source = library.read_library_source(file)
    spans = split_definitions(source)
    assert list(defined_names(file)) == list(spans)
    for name, (start, end) in spans.items():
        parsed = parse_part(source, start, end, Diagnostics())
        assert parsed is not None
        stored = definition(file, name)
        assert placeless(stored, places=True) == placeless(parsed.declarations[0], places=True)
        assert stored.span.text == parsed.declarations[0].span.text
        assert stored.span.source.library


def test_a_changed_file_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "checksum", lambda text: 0)
    library._changed.cache_clear()
    changed = library._changed("layers.net")
    library._changed.cache_clear()
    assert changed is not None
    assert list(changed) == list(defined_names("layers.net"))
