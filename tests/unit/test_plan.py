"""Train sections whose settings are unknown, missing, or given twice.

Tests ``netlang.plan``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from netlang.plan.settings import SETTINGS, STEP_SETTINGS
from netlang.program import Program, load

PROGRAM = """
net Small(x: f32[N, 2]) -> y: f32[N, 1] = dense(x, 1)

dataset points -> (x: f32[2], y: f32[1]) {
  csv = "points.csv"
}

train small {
  model = new Small()
  SETTINGS
}
"""

WHOLE = {
    "data": "points() |> batches(4)",
    "loss": "mse(model(batch.x), batch.y)",
    "metrics": "[mean(model(batch.x))]",
    "optimizer": "sgd(0.1)",
    "run": "1 epoch",
}
STEP = {"loss": WHOLE["loss"], "update": "[model]", "optimizer": WHOLE["optimizer"]}


def program(folder: Path, text: str) -> Program:
    path = folder / "example.net"
    path.write_text(text, "utf-8")
    return load(path)


def whole(settings: dict[str, str]) -> str:
    """Write a program whose section has these settings."""
    return PROGRAM.replace("SETTINGS", lines(settings))


def stepped(step: dict[str, str], **settings: str) -> str:
    """Write a program whose section has one step of these settings."""
    of_all = {"data": WHOLE["data"], "run": WHOLE["run"], **settings}
    return PROGRAM.replace("SETTINGS", f"{lines(of_all)}\n  step one {{\n{lines(step)}\n  }}")


def lines(settings: dict[str, str]) -> str:
    return "\n".join(f"  {name} = {text}" for name, text in settings.items())


def messages(program: Program) -> list[str]:
    return [d.message for d in program.diagnostics.items]


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_that_is_unknown_is_no_second_error(name: str, tmp_path: Path) -> None:
    text = f"unknown = nope\n{whole({**WHOLE, name: 'unknown'})}"
    assert messages(program(tmp_path, text)) == ["I don't know `nope`"]


@pytest.mark.parametrize("name", sorted(STEP_SETTINGS))
def test_a_setting_of_a_step_that_is_unknown_is_no_second_error(name: str, tmp_path: Path) -> None:
    text = f"unknown = nope\n{stepped({**STEP, name: 'unknown'})}"
    assert messages(program(tmp_path, text)) == ["I don't know `nope`"]


@pytest.mark.parametrize("name", ["accumulate", "seed", "repeat"])
def test_a_count_is_known_when_the_file_is_checked(name: str, tmp_path: Path) -> None:
    text = stepped({**STEP, name: "N"}) if name == "repeat" else whole({**WHOLE, name: "N"})
    (error,) = program(tmp_path, text).diagnostics.items
    assert error.rule.code == "undecided-size"
    assert error.message == f"`{name}` must be known when the file is checked"
