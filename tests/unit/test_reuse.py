"""The tree of a text from those of its parts is the tree of the text.

Tests ``netlang.syntax.reuse``.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from msgspec import json

from netlang.diagnostics.diagnostic import Diagnostics
from netlang.diagnostics.source import Source
from netlang.editor import Analyser
from netlang.syntax import ast
from netlang.syntax.parser import parse
from netlang.syntax.reuse import KnownTrees

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.net"))
INSERTED = ("\n", "x", "(", ")", "# a\n", "net ", "{", "}", "|>", "\n  ", '"', "## d\n", "1e999")
IMPORTS = 'netlang 1\nfrom "a.net" import b\n\n## A\n# comment\n\nnet A(x: f32[N, 4]) -> y = b(x)\n'
SPANS = 'net A(x: f32[4]) -> y = x\n\nassert 1 == 2, "[\\"@\\",1,2]"\n\nassert 1 == 1, "[\\"@"\n'


def content(file: ast.File) -> bytes:
    """Return a tree as JSON; of each span, whether its source is that of the file."""
    whole = file.version, file.imports, file.declarations, file.comments
    return json.encode(whole, enc_hook=lambda source: source is file.source)


def compared(known: KnownTrees, text: str) -> bool:
    """Compare the tree from parts, if there is one, with the tree of the text."""
    found = Diagnostics()
    whole = parse(Source("a.net", text), found)
    joined = known.parse(Source("a.net", text))
    if joined is None:
        return False
    assert whole is not None and not found.items
    assert content(joined) == content(whole)
    return True


@pytest.mark.parametrize("path", EXAMPLES[::3], ids=lambda path: path.stem)
def test_the_parts_of_an_edited_text_make_its_tree(path: Path) -> None:
    text, known, edits = path.read_text("utf-8"), KnownTrees(), random.Random(path.stem)
    assert compared(known, text) and compared(known, f"# new\n\n{text}")
    for _ in range(20):
        at = edits.randrange(len(text))
        compared(known, text[:at] + edits.choice(INSERTED) + text[at:])
        compared(known, text[:at] + text[at + edits.randrange(30) :])


@pytest.mark.parametrize("text", [IMPORTS, SPANS, "", "# only a comment", "x = 1\n"])
def test_other_texts_have_their_trees(text: str) -> None:
    known = KnownTrees()
    assert compared(known, text) and compared(known, text) and compared(known, f"\n{text}\n")


def test_an_import_after_a_definition_and_a_number_without_json_are_parsed_whole() -> None:
    known = KnownTrees()
    assert not compared(known, 'net A(x: f32[4]) -> y = x\n\nfrom "a.net" import b\n')
    assert not compared(known, f"\nassert 1 == {'9' * 400}\n")


def test_what_has_not_changed_is_not_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []

    def counted(source: Source, found: Diagnostics) -> ast.File | None:
        texts.append(source.text)
        return parse(source, found)

    monkeypatch.setattr("netlang.syntax.reuse.parse", counted)
    analyser = Analyser("a.net")
    nets = [f"net A{n}(x: f32[N, 4]) -> y = dense(x, {n})\n" for n in range(1, 5)]
    analyser.analyse("".join(nets))
    assert len(texts) == 3  # the first part is parsed each time
    facts = analyser.analyse("".join([*nets[:2], nets[2].replace("x, 3", "x, 9"), nets[3]]))
    assert len(texts) == 4 and "9" in texts[-1]
    assert [net.graph is not None for net in facts.nets] == [True] * 4
