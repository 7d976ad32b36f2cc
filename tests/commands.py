"""Commands called in a test, in its own process."""

from __future__ import annotations

from pathlib import Path

import pytest

from netlang.cli.guard import guarded
from netlang.cli.main import program

Said = tuple[int, str, str]
"""The exit code, the standard output and the standard error."""


def ran(*arguments: str | Path) -> int:
    """Run a command; give its exit code."""
    return guarded(program, list(map(str, arguments)))


def said(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Said:
    """Run a command; give what it printed too, apart from what was printed before."""
    capsys.readouterr()
    code = ran(*arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err
