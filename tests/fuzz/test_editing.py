"""A text that is edited at random has the facts of the same text in a new analyser.

Tests ``netlang.editor.facts.evaluation`` and ``netlang.editor.facts.analyser``.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from netlang.editor import Analyser, Facts, analyse
from netlang.editor.facts.records import Net
from netlang.ir.text import print_graph

DATA = Path(__file__).parents[1] / "data"
EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAMS = sorted(
    path
    for folder in (*(DATA / name for name in ("language", "single_errors", "panel")), EXAMPLES)
    for path in folder.glob("*.net")
    if path.stat().st_size < 3000
)
WORDS = (
    "conv", "dense(10)", "|> relu", "(", ")", "{", "}", "[", "]", "\n", " = ", "x", "N", "48", "=",
    "net A(x: f32[N, 4]) -> y = x\n", "next h = x", "yield x", "train t {\n}\n", '"', "#", ",", "é",
    "for i in 1..3 ", "with h = x ", "batch.", "😀", "block unit(x) -> y = dense(x, 4)\n", "+ 1",
)  # fmt: skip

Edit = Callable[[random.Random, str], str]


def inserted(rng: random.Random, text: str) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(WORDS) + text[at:]


def removed(rng: random.Random, text: str) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + text[at + rng.randrange(1, 12) :]


def doubled(rng: random.Random, text: str) -> str:
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    return "\n".join([*lines[:at], lines[at], *lines[at:]])


def moved(rng: random.Random, text: str) -> str:
    lines = text.split("\n")
    line = lines.pop(rng.randrange(len(lines)))
    lines.insert(rng.randrange(len(lines) + 1), line)
    return "\n".join(lines)


def number(rng: random.Random, text: str) -> str:
    digits = [at for at, c in enumerate(text) if c.isdigit()]
    if not digits:
        return text
    at = rng.choice(digits)
    return text[:at] + str(rng.randrange(10)) + text[at + 1 :]


EDITS: tuple[Edit, ...] = (inserted, removed, doubled, moved, number)


def shown(facts: Facts) -> tuple[object, ...]:
    """Return all that the facts say, also the graphs of nets and where their nodes are written."""
    nets = [
        (
            net.name,
            net.ends,
            net.graph and print_graph(net.graph, origins=False),
            places(facts, net),
        )
        for net in facts.nets
    ]
    lists = facts.hints, facts.symbols, facts.tokens, facts.lenses, facts.foldings, facts.sections
    return facts.problems, *lists, nets


def places(facts: Facts, net: Net) -> list[object]:
    nodes = net.graph.nodes if net.graph is not None else ()
    return [facts.places(net.name, node) for node in nodes]


def check(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    path = rng.choice(PROGRAMS)
    monkeypatch.chdir(path.parent)
    text = path.read_text("utf-8")
    analyser = Analyser(path.name)
    versions = [text]
    for _ in range(rng.randrange(2, 8)):
        # Now and then what was changed is undone.
        text = rng.choice(versions) if rng.random() < 0.2 else rng.choice(EDITS)(rng, text)
        versions.append(text)
        facts, fresh = analyser.analyse(text), analyse(text, path=path.name)
        assert shown(facts) == shown(fresh), (path.name, text)
        for _ in range(3):
            offset = rng.randrange(len(text) + 1)
            assert facts.hover(offset) == fresh.hover(offset), (path.name, offset, text)
            assert facts.complete(offset) == fresh.complete(offset)
            assert facts.references(offset) == fresh.references(offset)


@pytest.mark.parametrize("seed", range(30))
def test_edits_at_random_give_the_facts_of_the_text(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(seed, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("hundred", range(10))
def test_many_edits_at_random_give_the_facts_of_the_text(
    hundred: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(100 * hundred, 100 * hundred + 100):
        check(seed, monkeypatch)
