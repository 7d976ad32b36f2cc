"""A message or a manual page that lists names takes them from where they are defined."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from netlang.evaluate.calls.datasets import PLACES
from netlang.evaluate.context.values import PADDINGS
from netlang.evaluate.modules.families import returning
from netlang.ir.types import DType
from netlang.manual.pages import library, load_text
from netlang.plan.settings import SETTINGS, STEP_SETTINGS
from netlang.syntax.keywords import DEFINERS, RESERVED

PACKAGE = Path(__file__).parents[2] / "netlang"
TYPES = ("optimizer", "schedule", "init", "transform", "clip", "selection", "checkpoint")
FAMILIES = {type: frozenset(returning(type)) for type in TYPES} | {
    "settings": frozenset(SETTINGS),
    "settings of a step": frozenset(STEP_SETTINGS),
    "keywords": frozenset(RESERVED),
    "keywords that start a definition": frozenset(DEFINERS),
    "element types": frozenset(d.value for d in DType),
    "paddings": frozenset(PADDINGS),
    "sources of a dataset": frozenset(PLACES),
}
MEANT = {
    "`loss`, `update` and `optimizer`": "what each of several steps has",
    "`loss`, `optimizer` and `clip`": "the settings of a step that a section has as well",
    "`same`, `half` or `valid`": "what a transposed convolution takes: not `causal`",
    "`net`, `block` or `op`": "the usual definitions, for someone who writes `def`",
}
"""Lists that are not meant to be of the whole family, with the reason."""
WORDS = {
    ("resize", "mode"): 'resize(x, [4, 4], mode="zz")',
    ("upsample", "mode"): 'upsample(x, 2, mode="zz")',
    ("pad", "mode"): 'pad(x, 1, mode="zz")',
    ("scatter", "reduction"): 'scatter(x, ids, x, axis=1, reduction="zz")',
    ("scatter_nd", "reduction"): 'scatter_nd(x, ids, x, reduction="zz")',
    ("rnn", "activation"): 'rnn(t, 4, activation="zz").y',
    ("embedding_bag", "mode"): 'embedding_bag(i, 4, 4, mode="zz")',
}
"""Parameters that take one of several strings, and a call that the checker rejects."""
FILES = sorted(file for kind in ("py", "md", "net", "json") for file in PACKAGE.rglob(f"*.{kind}"))


def texts(file: Path) -> Iterator[str]:
    """Return the paragraphs of a file that people read: strings, comments, pages."""
    text = file.read_text("utf-8")
    match file.suffix:
        case ".py":
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield from node.value.split("\n\n")
        case ".net":
            lines = [line[2:] if line.startswith("##") else "" for line in text.splitlines()]
            yield from re.split(r"\n\s*\n", "\n".join(lines))
        case _:
            yield from re.split(r"\n\s*\n|\n +\"", text)


def listed(text: str) -> Iterator[tuple[str, str]]:
    """Find sequences of quoted names that are most of a family."""
    for found in re.finditer(
        r"[`\"]\w+[`\"](?:(?:, (?:or |and )?| or | and )[`\"]\w+[`\"])+", text
    ):
        names = set(re.findall(r"\w+(?=[`\"])", found[0]))
        for family, members in FAMILIES.items():
            if len(names & members) >= max(3, len(members) / 2) and names <= members:
                yield family, found[0]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_no_text_lists_the_members_of_a_family_by_hand(file: Path) -> None:
    found = [each for text in texts(file) for each in listed(text) if each[1] not in MEANT]
    assert found == []


@pytest.mark.parametrize(("name", "parameter"), WORDS)
def test_a_page_lists_the_words_that_a_parameter_takes(name: str, parameter: str) -> None:
    inputs = "x: f32[N, 3, 8, 8], ids: i64[N, 3, 8, 8], t: f32[N, 8, 3], i: i64[N, 8]"
    program = load_text(f"net Call({inputs}) -> y = {WORDS[name, parameter]}\n")
    (message,) = [d.message for d in program.diagnostics.items if f"`{parameter}`" in d.message]
    taken = set(re.findall(r'"(\w+)"', message))
    entry = library()[name]
    told = {
        word for line in entry.about for word in re.findall(r'"(\w+)"', line) if "e.g." not in line
    }
    assert told == taken
