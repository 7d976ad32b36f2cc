"""Each command of `docs/coverage.md` prints what the page says, and there is a row for each topic.

Tests ``netlang.cli``.
"""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from commands import said

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs/coverage.md").read_text("utf-8")
ROWS = re.findall(r"^\| (\d+) \| (.+?) \| (.*) \| (.+) \|$", PAGE, re.MULTILINE)
RUN = [(int(n), command.strip("`"), printed) for n, _, command, printed in ROWS if command]
NEEDS = {108: "netlang train examples/edge.net edge"}
"""What runs before the command of a row: that of another one."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("checkout")
    for name in ("docs", "examples"):
        shutil.copytree(CHECKOUT / name, made / name)
    return made


def test_the_rows_are_numbered_from_1_to_187() -> None:
    assert [int(n) for n, *_ in ROWS] == [*range(1, 188)]


@pytest.mark.parametrize(("number", "command", "printed"), RUN, ids=[str(n) for n, *_ in RUN])
def test_a_command_prints_what_the_page_says(
    number: int,
    command: str,
    printed: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    found = ""
    for part in [*filter(None, [NEEDS.get(number)]), *command.split(" && ")]:
        name, *arguments = shlex.split(part)
        code, out, err = said(capsys, *arguments)
        assert (name, code) == ("netlang", 0), err
        found += f"{out} {err}"
    flat = " ".join(found.split())
    assert [value for value in re.findall(r"`(.+?)`", printed) if value not in flat] == []


def test_the_programs_of_the_page_have_the_one_layout(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert said(capsys, "fmt", "--check", CHECKOUT / "docs/coverage.net")[0] == 0
    assert said(capsys, "check", "--strict", CHECKOUT / "docs/coverage.net")[0] == 0
