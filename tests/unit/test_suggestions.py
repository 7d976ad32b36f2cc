"""A typo gets the right name suggested."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import pytest
from typos import typo

import netlang
from netlang.advice.parameters import meant_parameter, setting_like
from netlang.diagnostics.diagnostic import SHOWN, Diagnostics
from netlang.diagnostics.suggestions import nearest
from netlang.evaluate.calls import unknown
from netlang.evaluate.context.values import UNKNOWN
from netlang.evaluate.modules.library import Library
from netlang.names import lookup
from netlang.plan.settings import SETTINGS
from netlang.program import load

LIBRARY = Library(Diagnostics(), lambda *_: {"": UNKNOWN})
PRELUDE = LIBRARY.prelude
FUNCTIONS = sorted(name for name in PRELUDE.names() if not name.startswith("_"))
PARAMETERS = {
    name: [param.name.text for param in found.params]
    for name in FUNCTIONS
    if (found := PRELUDE.function(name)) is not None
}
VISION = (Path(netlang.__file__).parent / "prelude" / "std" / "vision.net").read_text("utf-8")
STANDARD = sorted(re.findall(r"^(?:block|op) ([a-z]\w+)\(", VISION, re.MULTILINE))
NAMES = sorted({*FUNCTIONS, *SETTINGS, *(p for names in PARAMETERS.values() for p in names)})

Case = tuple[str, str | None]
"""A name, and what is suggested for a typo in it."""


def function(draw: random.Random) -> Case | None:
    """Typo in a layer, an activation, a loss, an optimizer, a dataset, a transform or the like."""
    name = draw.choice([name for name in FUNCTIONS if len(name) > 2])
    wrong = typo(name, draw)
    return None if wrong in FUNCTIONS else (name, unknown.advice(wrong, FUNCTIONS)[2])


def parameter(draw: random.Random) -> Case | None:
    names = PARAMETERS[draw.choice(FUNCTIONS)]
    long = [name for name in names if len(name) > 2]
    if not long:
        return None
    name = draw.choice(long)
    wrong = typo(name, draw)
    return None if wrong in names else (name, meant_parameter(wrong, names).name)


def setting(draw: random.Random) -> Case | None:
    name = draw.choice(sorted(SETTINGS))
    wrong = typo(name, draw)
    return None if wrong in SETTINGS else (name, setting_like(wrong, SETTINGS))


def imported(draw: random.Random) -> Case | None:
    name = draw.choice(STANDARD)
    wrong = typo(name, draw)
    return None if wrong in STANDARD else (name, nearest(wrong, STANDARD))


@pytest.mark.parametrize("of", [function, parameter, setting, imported])
def test_ninety_five_of_a_hundred_typos_get_the_right_name(
    of: Callable[[random.Random], Case | None],
) -> None:
    draw = random.Random(0)
    tried: list[Case] = []
    while len(tried) < 1000:
        tried += [case] if (case := of(draw)) is not None else []
    missed = [(name, suggested) for name, suggested in tried if suggested != name]
    assert len(missed) <= 50, missed


@pytest.mark.parametrize(
    ("word", "meant"),
    [("Softmax", "softmax"), ("BatchNorm", "batch_norm"), ("optimiser", "optimizer"),
     ("strides", "stride"), ("embed", "embedding"), ("maxpooling", "max_pool")],
)  # fmt: skip
def test_case_and_underscores_do_not_count(word: str, meant: str) -> None:
    assert nearest(word, NAMES) == meant


OWN = """
    xyz qq my_own_block x1 tower stem backbone head neck body stage fused joined result first
    second third left right upper lower middle bottom branch shared teacher student generator
    discriminator critic actor policy speaker price cloud island house photo painting
    weather river mountain bread coffee window_of_time my_loss helper thing stuff foo bar quux
    alpha_zero layer_one big_network feature_pyramid anchors proposals query_words
"""
"""Words of the user's own."""


@pytest.mark.parametrize("word", OWN.split())
def test_nothing_is_proposed_for_a_word_of_its_own(word: str) -> None:
    assert unknown.advice(word, FUNCTIONS)[2] is None
    assert meant_parameter(word, PARAMETERS["conv"]).name is None
    assert setting_like(word, SETTINGS) is None


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
