"""The tables of `docs/d2l.md` and `docs/frameworks.md` name programs, results and calls that exist.

Tests ``netlang.advice``.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from checked import checked

from netlang.advice.definitions import ours_of, undimensioned
from netlang.diagnostics.suggestions import folded
from netlang.manual.pages import load_text

CHECKOUT = Path(__file__).parents[2]
CHAPTERS = re.findall(
    r"^\| ([^|]*) \| \[\S+\]\(\.\./(\S+)\) `(\w+)` \| ([^|]*) \|",
    (CHECKOUT / "docs/d2l.md").read_text("utf-8"),
    re.MULTILINE,
)
NAMES, _ = (CHECKOUT / "docs/frameworks.md").read_text("utf-8").split("## Training")
RECORDED = "".join(
    (CHECKOUT / f).read_text("utf-8") for f in ("docs/results.md", "examples/README.md")
)
CALLS = [
    (call, *re.findall(r"`(?:nn|torch)\.(\w+)", theirs))
    for call, theirs in re.findall(
        r"^\| `(\w+\([^`…]*\)(?:\.y)?)` \| ([^|]*) \|", NAMES, re.MULTILINE
    )
]
SEQUENCE, VECTOR = "f32[N, T, 64]", "f32[N, 64]"
INPUTS = {
    "dense": VECTOR, "reshape": VECTOR, "lstm": SEQUENCE, "gru": SEQUENCE, "transpose": SEQUENCE,
    "multi_head_attention": SEQUENCE, "iota": "", "y": VECTOR, "p": VECTOR, "log_p": VECTOR,
    "logits": VECTOR, "a": VECTOR, "b": VECTOR, "target": VECTOR, "label": "i64[N]",
    "mask": "bool[N, 64]", "ids": "i64[N, T]", "i": "i64[3]", "bce_with_logits": VECTOR,
}  # fmt: skip
"""The types of inputs by their names, and those of `x` by what is called; others are of images."""


@pytest.mark.parametrize(("chapter", "file", "name", "result"), CHAPTERS)
def test_a_chapter_has_its_program_and_its_result(
    chapter: str, file: str, name: str, result: str
) -> None:
    program = checked(CHECKOUT / file)
    assert name in program.nets or name in program.sections, chapter
    numbers = re.findall(r"-?[0-9][0-9,.]*[0-9]", re.sub(r"\[.*", "", result))
    assert [number for number in numbers if number not in RECORDED] == []


@pytest.mark.parametrize("row", CALLS, ids=lambda row: row[0])
def test_a_call_is_one_of_ours_and_their_name_leads_to_it(row: tuple[str, ...]) -> None:
    call, *theirs = row
    ours = call.partition("(")[0]
    used = re.findall(r"[(, \[](x|a|b|i|y|p|log_p|logits|label|target|mask|ids)\b(?!=)", call)
    image = "f32[N, 32, 8, 8]"
    types = {name: INPUTS.get(name, INPUTS.get(ours, image)) for name in dict.fromkeys(used)}
    inputs = ", ".join(f"{name}: {type}" for name, type in types.items())
    found = load_text(f"block called({inputs}) -> y = {call}\n\n" + _net(types))
    assert [d.message for d in found.diagnostics.sorted() if d.rule.code != "unused-input"] == []
    for name in theirs:
        known = ours_of(name) or undimensioned(name).removesuffix("loss")
        assert folded(known) in folded(ours) or "Adaptive" in name or ours.startswith("depthwise")


def _net(types: dict[str, str]) -> str:
    inputs = ", ".join(f"{name}: {type}" for name, type in (types or {"n": "f32[N]"}).items())
    return f"net Test({inputs}) -> y: tensor[...S] = called({', '.join(types)})\n"


def test_the_tables_are_read() -> None:
    assert len(CHAPTERS) > 35
    assert len(CALLS) > 30
