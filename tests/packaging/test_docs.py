"""The README and the pages of ``docs`` show nothing that does not happen.

Every block is executed; ``--update`` writes what the sessions print now. Links lead somewhere, and
programs have the one layout.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from sessions import FENCED, Block, blocks, executed

from netlang.manual.pages import load_text
from netlang.program import open_program
from netlang.syntax.formatting.format import format_file

CHECKOUT = Path(__file__).parents[2]
LONG = "docs/results.md"
"""The page whose runs take hours: tests/bench/test_results_page.py reads it."""
PAGES = {
    path.relative_to(CHECKOUT).as_posix(): path.read_text("utf-8")
    for path in sorted([*CHECKOUT.glob("README*.md"), *CHECKOUT.glob("docs/**/*.md")])
}
SHORT = [name for name in PAGES if name != LONG and blocks(PAGES[name])]
PROGRAMS = {
    f"{name}, {block.name or page.count(chr(10), 0, block.start)}": block
    for name, page in PAGES.items()
    for block in blocks(page)
    if block.language == "net"
}
KINDS = {"console", "net", "python", "sh"}


@pytest.mark.parametrize("name", SHORT)
def test_a_page_shows_what_happens(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    for folder in ("examples", "docs"):
        shutil.copytree(CHECKOUT / folder, tmp_path / folder)
    monkeypatch.chdir(tmp_path)
    found = executed(PAGES[name], tmp_path)
    if request.config.getoption("--update"):
        (CHECKOUT / name).write_text(found, "utf-8")
    else:
        assert found == PAGES[name]


@pytest.mark.parametrize("block", PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_has_the_one_layout_and_checks(block: Block) -> None:
    program = open_program(block.name or "block.net", block.text)
    assert program.file is not None
    assert format_file(program.file) == block.text
    if not block.name:
        assert [d.message for d in load_text(block.text).diagnostics.sorted()] == []


@pytest.mark.parametrize("name", PAGES)
def test_every_block_is_of_a_kind_that_is_executed(name: str) -> None:
    fences = re.findall(r"^```", PAGES[name], re.MULTILINE)
    assert len(fences) == 2 * len(blocks(PAGES[name]))
    unnamed = {block.language for block in blocks(PAGES[name]) if not block.name}
    assert unnamed <= KINDS


def test_what_installs_netlang_is_a_command_of_the_readme() -> None:
    known = {block.text for block in blocks(PAGES["README.md"]) if block.language == "sh"}
    shown = {b.text for page in PAGES.values() for b in blocks(page) if b.language == "sh"}
    assert shown == known


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_to_a_heading_or_a_file(name: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", FENCED.sub("", PAGES[name]))
    for path, heading in links:
        to = (CHECKOUT / name).parent / path if path else CHECKOUT / name
        assert to.exists(), path
        assert not heading or heading in anchors(to), f"{path}#{heading}"


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    prose = re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
