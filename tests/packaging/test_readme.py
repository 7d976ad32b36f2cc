"""The README has what a stranger needs: two commands, every command of the tool, and few links.

``.ci/run`` runs the two ``sh`` blocks as they stand. What the other blocks show is tested in
``test_docs.py``, with the pages of ``docs``.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from sessions import FENCED, blocks, said

from netlang.cli.main import COMMANDS

CHECKOUT = Path(__file__).parents[2]
README = (CHECKOUT / "README.md").read_text("utf-8")
CHINESE = (CHECKOUT / "README.zh-CN.md").read_text("utf-8")
DRAWN = CHECKOUT / "docs" / "howto" / "draw.md"


def test_installing_and_testing_is_one_command_each() -> None:
    commands = [block.text for block in blocks(README) if block.language == "sh"]
    assert [text.count("\n") for text in commands] == [1, 1]
    assert all(".venv/bin/pip install" in text for text in commands)
    assert "netlang run" in commands[0]
    assert "pytest" in commands[1]


@pytest.mark.parametrize("page", [README, CHINESE], ids=["English", "Chinese"])
def test_every_command_is_in_the_table(page: str) -> None:
    assert re.findall(r"^\| `netlang (\w+)", page, re.MULTILINE) == list(COMMANDS)


def test_both_tables_have_the_same_arguments_and_options() -> None:
    rows = [
        {line.split("`")[1]: re.findall("`([^`]*)`", line) for line in page.splitlines()
         if line.startswith("| `netlang ")}
        for page in (README, CHINESE)
    ]  # fmt: skip
    assert rows[0] == rows[1]


def test_the_chinese_page_is_parallel() -> None:
    shown = [(block.language, block.name, block.text) for block in blocks(README)]
    assert [(block.language, block.name, block.text) for block in blocks(CHINESE)] == shown
    assert CHINESE.count("\n## ") == README.count("\n## ")
    links = {to for to in targets(README) if to.startswith(("docs/", "examples/", "grammars/"))}
    assert links <= targets(CHINESE)


def targets(page: str) -> set[str]:
    return set(re.findall(r"\]\(([^)]*)\)", FENCED.sub("", page)))


def test_the_image_is_what_the_command_next_to_it_writes(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    page = DRAWN.read_text("utf-8")
    shutil.copytree(CHECKOUT / "examples", tmp_path / "examples")
    command, written = re.findall(r"`(netlang draw examples/\S* \w+ -o ([^`]*))`", page)[0]
    (shown,) = re.findall(r"^!\[.*\]\((.*\.svg)\)$", page, re.MULTILINE)
    said(command, tmp_path)
    kept = DRAWN.parent / shown
    if request.config.getoption("--update"):
        shutil.copy(tmp_path / written, kept)
    assert kept.read_text("utf-8") == (tmp_path / written).read_text("utf-8")
