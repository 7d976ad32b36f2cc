"""`docs/results.md` says what `results.py` measured, and its commands can be typed as they stand.

A ``console`` block that needs no run is executed; the commands of the others are parsed.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from statistics import median

import pytest
from measuring import CHECKOUT
from results import PHRASES, RESULTS, row

import netlang
from netlang.cli.guard import guarded
from netlang.cli.main import load_command, program

PAGE = (CHECKOUT / "docs" / "results.md").read_text("utf-8")
BLOCKS = re.findall(r"^```console\n((?:.*\n)*?)```$", PAGE, re.MULTILINE)
ROWS = re.findall(r"^\| `netlang train \S+ (\w+)` \| .*$", PAGE, re.MULTILINE)
COMMANDS = [
    command for block in BLOCKS for command in re.findall(r"^\$ netlang (.*)$", block, re.MULTILINE)
]


def test_every_result_has_a_row_or_the_text_says_why_not() -> None:
    assert [section for section in RESULTS if section in ROWS] == ROWS
    assert [section for section in {*RESULTS} - {*ROWS} if f"`{section}`" not in PAGE] == []


@pytest.mark.parametrize("section", ROWS)
def test_a_row_is_what_its_values_make(section: str) -> None:
    (line,) = re.findall(rf"^\| `netlang train \S+ {section}` \| .*$", PAGE, re.MULTILINE)
    values = [float(value) for value in line.split("|")[3].split()]
    assert 1 <= len(values) <= 5
    assert line == row(section, values)
    if published := RESULTS[section].published:
        low, high = map(float, published.split(" to "))
        assert low <= round(median(values), 1) <= high


@pytest.mark.parametrize("section", RESULTS)
def test_a_section_of_the_table_can_be_trained(section: str) -> None:
    assert netlang.load(CHECKOUT / RESULTS[section].file).forecast(section).clock.total > 0


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_can_be_typed(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CHECKOUT)
    name, *arguments = shlex.split(command)
    load_command(name).make_context(name, arguments)
    for word in arguments:
        assert not word.startswith("examples/") or Path(word).exists()


@pytest.mark.parametrize("block", [block for block in BLOCKS if "runs/" not in block])
def test_a_session_without_a_run_prints_what_it_shows(
    block: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(CHECKOUT)
    printed = ""
    for command in re.findall(r"^\$ netlang (.*)$", block, re.MULTILINE):
        assert guarded(program, shlex.split(command)) == 0
        printed += f"$ netlang {command}\n{capsys.readouterr().out}"
    assert printed == block


def test_the_page_decodes_the_phrases_that_are_scored() -> None:
    (command,) = (command for command in COMMANDS if command.startswith("decode"))
    words = shlex.split(command)
    given = {
        option: [words[at + 1] for at, word in enumerate(words) if word == option]
        for option in ("-p", "-r")
    }
    assert dict(zip(given["-p"], given["-r"], strict=True)) == PHRASES


def test_every_link_leads_to_a_file() -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#\w+)?\)", PAGE)
    assert links
    assert [link for link in links if not (CHECKOUT / "docs" / link).exists()] == []
