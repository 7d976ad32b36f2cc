"""A panel of wrong programs: each error is reported once, where it is, with what to write instead.

Tests ``netlang.evaluate.extra_arguments``, ``netlang.evaluate.repairs``,
``netlang.evaluate.types.axis_order``, ``netlang.names.elsewhere``, ``netlang.cli.usage``,
``netlang.syntax.errors.foreign_syntax`` and ``netlang.syntax.errors.resync``.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from netlang.cli.guard import guarded
from netlang.cli.main import program

PANEL = Path(__file__).parents[1] / "data" / "panel"
CASES: list[dict[str, Any]] = json.loads((PANEL / "index.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(PANEL, tmp_path_factory.mktemp("panel") / "panel"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_an_error_is_answered_with_what_to_write(
    case: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(folder)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    code = guarded(program, case["command"])
    said = "".join(capsys.readouterr())
    parts = re.split(r"(?m)^(?=(?:error|warning)\[)", said)
    errors = [part for part in parts if part.startswith("error[")]
    assert code == case["exit"]
    assert len(errors) in ([case["errors"]] if isinstance(case["errors"], int) else case["errors"])
    assert sum(part.startswith("warning[") for part in parts) >= case.get("warnings", 0)
    places = [int(at) for part in errors for at in re.findall(r"--> .*?:(\d+):", part)[:1]]
    if case.get("line"):
        assert set(places) <= {*case["line"], *case.get("line_may", [])}
    words = "\n".join(line for line in said.splitlines() if not re.match(r"\s*(\d+ \||--> )", line))
    assert [text for text in case["match"] if not re.search(text, words)] == []
    assert [text for text in case.get("never", []) if re.search(text, words)] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_the_corrected_program_is_valid(
    case: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(folder)
    assert guarded(program, case["fixed_command"]) == 0
    assert "error[" not in "".join(capsys.readouterr())
