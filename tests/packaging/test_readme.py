"""The README says nothing that does not happen.

A ``console`` block is a session: each ``$`` line is run in an empty folder that holds only
``examples``, and must print what stands under it. A ``net`` block is a program that checks without
a finding; with a name behind it, it is a file the sessions use. A ``python`` block is a session
at Python's prompt. The ``sh`` blocks are the two installation commands, which ``.ci/run`` runs as
they stand.
"""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
README = (CHECKOUT / "README.md").read_text("utf-8")
CHINESE = (CHECKOUT / "README.zh-CN.md").read_text("utf-8")
FENCED = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
BLOCKS: list[tuple[str, str]] = FENCED.findall(README)


def blocks(language: str) -> list[tuple[str, str]]:
    """Return the name and the text of each block of a language."""
    parts = [(info.split(), text) for info, text in BLOCKS]
    return [(" ".join(words[1:]), text) for words, text in parts if words[:1] == [language]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(CHECKOUT / "examples", tmp_path / "examples")
    for name, text in blocks("net"):
        if name:
            (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def said(command: str, folder: Path) -> str:
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    return done.stdout


def sessions() -> list[str]:
    return [text for _, text in blocks("console")]


@pytest.mark.parametrize("session", sessions(), ids=lambda s: s.partition("\n")[0])
def test_a_session_prints_what_the_readme_shows(session: str, folder: Path) -> None:
    printed = ""
    for command in re.findall(r"^\$ (.*)$", session, re.MULTILINE):
        printed += f"$ {command}\n{said(command, folder)}"
    assert printed == session


@pytest.mark.parametrize("session", [text for _, text in blocks("python")])
def test_a_python_session_prints_what_the_readme_shows(
    session: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    test = doctest.DocTestParser().get_doctest(session, {}, "README", None, 0)
    assert doctest.DocTestRunner().run(test).failed == 0


def test_the_image_is_what_the_command_next_to_it_writes(
    folder: Path, request: pytest.FixtureRequest
) -> None:
    ((command, written),) = re.findall(r"`(netlang draw examples/.* -o (.*))`", README)
    ((shown,),) = [re.findall(r"^!\[.*\]\((.*\.svg)\)$", README, re.MULTILINE)]
    said(command, folder)
    if request.config.getoption("--update"):
        shutil.copy(folder / written, CHECKOUT / shown)
    assert (CHECKOUT / shown).read_text("utf-8") == (folder / written).read_text("utf-8")


@pytest.mark.parametrize("text", [text for name, text in blocks("net") if not name])
def test_a_program_in_the_readme_checks(text: str, folder: Path) -> None:
    (folder / "block.net").write_text(text, "utf-8")
    assert said("netlang check --strict block.net", folder).startswith("block.net: ok (")


@pytest.mark.parametrize("text", [text for _, text in blocks("net")])
def test_a_program_in_the_readme_has_the_one_layout(text: str, folder: Path) -> None:
    (folder / "block.net").write_text(text, "utf-8")
    assert said("netlang fmt --diff block.net", folder) == ""


def test_installing_and_testing_is_one_command_each() -> None:
    commands = [text for _, text in blocks("sh")]
    assert [text.count("\n") for text in commands] == [1, 1]
    assert all(".venv/bin/pip install" in text for text in commands)
    assert "netlang run" in commands[0]
    assert "pytest" in commands[1]


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    assert {info.split()[0] for info, _ in BLOCKS} <= {"console", "net", "python", "sh"}


def test_every_block_in_chinese_is_one_that_is_tested() -> None:
    found = FENCED.findall(CHINESE)
    assert len(found) > 10
    assert [block for block in found if block not in BLOCKS] == []


def test_what_is_named_in_chinese_exists() -> None:
    from netlang.cli.main import COMMANDS

    prose = FENCED.sub("", CHINESE)
    assert set(re.findall(r"`netlang (\w+)", prose)) <= set(COMMANDS)
    links = re.findall(r"\]\((?!http)([^)#]+)", prose)
    assert [link for link in links if not (CHECKOUT / link).exists()] == []


def test_every_command_is_in_the_table() -> None:
    from netlang.cli.main import COMMANDS

    assert re.findall(r"^\| `netlang (\w+)", README, re.MULTILINE) == list(COMMANDS)


def test_every_link_leads_to_a_file() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (CHECKOUT / link).exists()] == []
