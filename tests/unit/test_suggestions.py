"""A typo gets the right name suggested."""

from __future__ import annotations

import random
import string
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import pytest

from netlang.diagnostics.diagnostic import SHOWN, Diagnostics
from netlang.diagnostics.suggestions import nearest
from netlang.evaluate.calls import unknown
from netlang.evaluate.context.values import UNKNOWN
from netlang.evaluate.modules.library import Library
from netlang.names import lookup
from netlang.plan.settings import SETTINGS
from netlang.program import load
from netlang.syntax import ast


def names() -> list[str]:
    """Return every name of the prelude, of its parameters and of the settings of training."""
    prelude = Library(Diagnostics(), lambda *_: {"": UNKNOWN}).prelude
    found = {*SETTINGS, *prelude.names()}
    for name in prelude.names():
        match prelude.declaration(name):
            case ast.Definition(params=params) | ast.Extern(params=params):
                found |= {param.name.text for param in params}
            case _:
                pass
    return sorted(name for name in found if len(name) > 2)


NAMES = names()


def slip(word: str, draw: random.Random) -> str:
    """Add, drop, change or exchange one letter."""
    at = draw.randrange(len(word))
    letter = draw.choice(string.ascii_lowercase)
    match draw.randrange(4):
        case 0:
            return word[:at] + letter + word[at:]
        case 1:
            return word[:at] + word[at + 1 :]
        case 2:
            return word[:at] + letter + word[at + 1 :]
        case _:
            at = min(at, len(word) - 2)
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def slips(seed: int) -> Iterator[tuple[str, str]]:
    draw = random.Random(seed)
    while True:
        word = draw.choice(NAMES)
        wrong = slip(word, draw)
        if wrong not in NAMES:
            yield word, wrong


@pytest.mark.parametrize("seed", range(5))
def test_ninety_of_a_hundred_typos_get_the_right_name(seed: int) -> None:
    tried = [pair for pair, _ in zip(slips(seed), range(100), strict=False)]
    missed = [(word, wrong) for word, wrong in tried if nearest(wrong, NAMES) != word]
    assert len(missed) <= 10, missed


@pytest.mark.parametrize(
    ("word", "meant"),
    [("Softmax", "softmax"), ("BatchNorm", "batch_norm"), ("optimiser", "optimizer"),
     ("strides", "stride"), ("embed", "embedding"), ("maxpooling", "max_pool")],
)  # fmt: skip
def test_case_and_underscores_do_not_count(word: str, meant: str) -> None:
    assert nearest(word, NAMES) == meant


@pytest.mark.parametrize("word", ["xyz", "qq", "my_own_block", "x1"])
def test_nothing_is_proposed_for_a_word_of_its_own(word: str) -> None:
    assert nearest(word, NAMES) is None


def test_names_are_suggested_for_the_errors_that_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []

    def counted(word: str, known: Iterable[str], preferred: Collection[str] = ()) -> str | None:
        compared.append(word)
        return nearest(word, known, preferred)

    for user in (lookup, unknown):
        monkeypatch.setattr(user, "nearest", counted)
    body = "".join(f"  v{i} = relux{i}(x)\n" for i in range(5_000))
    path = tmp_path / "many.net"
    path.write_text(f"net A(x: f32[N, 8]) -> y: f32[N, 8] {{\n{body}  y = x\n}}\n")
    found = load(path).diagnostics.sorted()
    assert [d.rule.code for d in found] == ["unknown-name"] * 5_000
    assert 0 < len(compared) <= 2 * SHOWN
