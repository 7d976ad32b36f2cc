"""Programs with one error each: the exact message, and the program after its fix is applied.

``tests/data/repairs`` has the programs. Next to each is what ``netlang check`` prints and, after
``--- fixed``, the lines that its fixes change; a program without such lines gets advice in prose.

Tests ``netlang.evaluate.repairs``, ``netlang.evaluate.types`` and ``netlang.plan``.
"""

from __future__ import annotations

from difflib import ndiff
from pathlib import Path

import pytest

from netlang.diagnostics.diagnostic import Diagnostic
from netlang.diagnostics.fix import apply, joined
from netlang.diagnostics.render import render
from netlang.program import load

DATA = Path(__file__).parents[1] / "data" / "repairs"
PROGRAMS = sorted(DATA.glob("*.net"))
MARK = "--- fixed\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def diagnostics(name: str, text: str, folder: Path) -> list[Diagnostic]:
    (folder / name).write_text(text, "utf-8")
    return load(name).diagnostics.sorted()


def repaired(text: str, found: list[Diagnostic]) -> str:
    """Return a program with the first fix of each diagnostic applied; the same edit counts once."""
    fixes = {d.fixes[0].edits: d.fixes[0] for d in found if d.fixes}
    return apply(text, joined([*fixes.values()])) if fixes else text


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_an_error_is_reported_with_its_repair(
    path: Path, folder: Path, request: pytest.FixtureRequest
) -> None:
    text = path.read_text("utf-8")
    found = diagnostics(path.name, text, folder)
    fixed = repaired(text, found)
    changed = [
        line for line in ndiff(text.splitlines(True), fixed.splitlines(True)) if line[0] in "+-"
    ]
    shown = "".join(f"{render(d)}\n" for d in found) + (MARK + "".join(changed)) * bool(changed)
    snapshot = path.with_suffix(".txt")
    if request.config.getoption("--update"):
        snapshot.write_text(shown, "utf-8")
    assert shown == snapshot.read_text("utf-8")


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_its_fix_leaves_nothing_to_report(path: Path, folder: Path) -> None:
    text = path.read_text("utf-8")
    found = diagnostics(path.name, text, folder)
    fixed = repaired(text, found)
    assert len(found) == 1 or fixed != text
    if fixed != text:
        assert [render(d) for d in diagnostics("fixed.net", fixed, folder)] == []
