"""Layers that the prelude defines by others compute the same on both back ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from netlang.inference.verification import verify
from netlang.program import load
from netlang.syntax.library import FOLDER
from netlang.syntax.parser import split_definitions
from netlang.syntax.reader import read_source

FILES = sorted(FOLDER.glob("**/*.net"))
LAYERS = sorted((Path(__file__).parents[1] / "data" / "layers").glob("*.net"))


@pytest.mark.parametrize("path", LAYERS, ids=lambda path: path.stem)
def test_both_back_ends_agree_on_every_layer(path: Path) -> None:
    program = load(path)
    assert program.diagnostics.items == []
    for net in program.nets.values():
        compared = verify(net.graph)
        assert [c.name for c in compared] == list(net.graph.outputs)
        assert [c for c in compared if not c.ok] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_definition_of_the_library_has_a_line_in_the_manual(path: Path) -> None:
    source = read_source(path)
    missing = [
        name
        for name, (start, end) in split_definitions(source).items()
        if not source.text[start:end].lstrip().startswith("##")
        and not source.text[:start].rstrip().rpartition("\n")[2].startswith("##")
    ]
    assert missing == []
