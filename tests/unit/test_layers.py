"""Layers that the prelude defines by others compute the same on both back ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from netlang.program import load
from netlang.verification import verify

LAYERS = sorted((Path(__file__).parents[1] / "data" / "layers").glob("*.net"))


@pytest.mark.parametrize("path", LAYERS, ids=lambda path: path.stem)
def test_both_back_ends_agree_on_every_layer(path: Path) -> None:
    program = load(path)
    assert program.diagnostics.items == []
    for net in program.nets.values():
        compared = verify(net.graph)
        assert [c.name for c in compared] == list(net.graph.outputs)
        assert [c for c in compared if not c.ok] == []
