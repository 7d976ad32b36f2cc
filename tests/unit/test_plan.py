"""Train sections whose settings are unknown, missing, or given twice.

Tests ``netlang.plan``.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from plans import plan_of

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


def written(folder: Path, text: str) -> Path:
    path = folder / "example.net"
    path.write_text(text, "utf-8")
    return path


def program(folder: Path, text: str) -> Program:
    return load(written(folder, text))


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
def test_an_unknown_setting_is_reported_once(name: str, tmp_path: Path) -> None:
    text = f"unknown = nope\n{whole({**WHOLE, name: 'unknown'})}"
    assert messages(program(tmp_path, text)) == ["I don't know `nope`"]


@pytest.mark.parametrize("name", sorted(STEP_SETTINGS))
def test_an_unknown_setting_of_a_step_is_reported_once(name: str, tmp_path: Path) -> None:
    text = f"unknown = nope\n{stepped({**STEP, name: 'unknown'})}"
    assert messages(program(tmp_path, text)) == ["I don't know `nope`"]


@pytest.mark.parametrize("name", ["accumulate", "seed", "repeat"])
def test_a_count_is_known_when_the_file_is_checked(name: str, tmp_path: Path) -> None:
    text = stepped({**STEP, name: "N"}) if name == "repeat" else whole({**WHOLE, name: "N"})
    (error,) = program(tmp_path, text).diagnostics.items
    assert error.rule.code == "undecided-size"
    assert error.message == f"`{name}` must be known when the file is checked"


def test_settings_are_not_taken_out_of_a_tuple(tmp_path: Path) -> None:
    text = f"{whole(WHOLE)[:-2]}  seed, accumulate = (1, 2)\n}}\n"
    assert messages(program(tmp_path, text)) == ["the setting `seed` needs a line of its own"]
    step = {"loss": STEP["loss"], "update, optimizer": "([model], sgd(0.1))"}
    assert messages(program(tmp_path, stepped(step))) == [
        "the setting `update` needs a line of its own"
    ]


def test_a_step_comes_once(tmp_path: Path) -> None:
    text = stepped(STEP)[:-2] + f"  step one {{\n{lines(STEP)}\n  }}\n}}\n"
    assert messages(program(tmp_path, text)) == ["there is a step `one` already"]


@pytest.mark.parametrize("name", ["loss", "optimizer", "clip"])
def test_updates_are_settings_of_the_steps_where_there_are_any(name: str, tmp_path: Path) -> None:
    text = stepped(STEP, **{name: {**WHOLE, "clip": "clip_norm(1.0)"}[name]})
    (error,) = program(tmp_path, text).diagnostics.items
    assert error.message == f"`{name}` has no effect in a section with steps"
    assert error.rule.code == "unused-setting"
    assert error.helps == ("move it into a step",)


def test_all_that_a_step_lacks_is_reported_at_once(tmp_path: Path) -> None:
    text = stepped({"loss": WHOLE["loss"]})
    assert messages(program(tmp_path, text)) == ["the step `one` has no `update` and `optimizer`"]


NAMED = """
net Judge(x: f32[N, 2]) -> (y: f32[N, 2], loss: f32[], gradient_norm: f32[]) {
  y = dense(x, 2)
  loss = mean(y)
  gradient_norm = mean(y ** 2)
}
"""


@pytest.mark.parametrize(
    ("metrics", "names"),
    [
        ("[out.loss]", ["loss2"]),
        ("[loss]", ["loss"]),
        ("[out.loss, (loss), loss]", ["loss2", "loss", "loss3"]),
        ("[out.gradient_norm]", ["gradient_norm2"]),
        ("[loss as a, loss as a2, out.loss as a]", ["a", "a2", "a3"]),
    ],
)
def test_no_metric_takes_the_name_of_a_result_of_every_step(
    metrics: str, names: list[str], tmp_path: Path
) -> None:
    settings = {
        "data": WHOLE["data"],
        "judge": "new Judge()",
        "out": "judge(batch.x)",
        "loss": "mse(model(out.y), batch.y) + out.loss + out.gradient_norm",
        "metrics": metrics,
        "optimizer": WHOLE["optimizer"],
        "run": WHOLE["run"],
    }
    plan = plan_of(written(tmp_path, NAMED + whole(settings)))
    assert list(plan.metrics) == names
    assert plan.measured["loss"] is plan.updates[0].loss


def test_watched_values_are_reported_by_the_names_of_their_bindings(tmp_path: Path) -> None:
    more = {
        "off": "mae(model(batch.x), batch.y)",
        "stop": "early_stop(off, patience=2 epochs)",
        "checkpoint": '[save_best(model, "a", by=mean(model(batch.x)), mode="max")]',
    }
    settings = {**WHOLE, "metrics": "[mean(model(batch.x)) as off]", **more}
    plan = plan_of(written(tmp_path, whole(settings)))
    assert plan.stop is not None
    assert plan.measured["off2"] is plan.stop.watch
    assert list(plan.measured)[:3] == ["loss", "off", "off2"]


def test_sections_with_different_parameters_do_not_share_a_signature(tmp_path: Path) -> None:
    names = [f"rate{i}" for i in range(30)]
    sections = "\n".join(
        f"train s{i}({name}: float = 0.1) {{\n"
        "  data = noisy_linear(10, w=[1.0]) |> batches(2)\n  model = new Line()\n"
        f"  loss = mse(model(batch.x), batch.y)\n  optimizer = sgd({name})\n  run = 1 epochs\n}}\n"
        for i, name in enumerate(names)
    )
    net = "net Line(x: f32[N, 1]) -> y: f32[N, 1] = dense(x, 1)\n"
    file = tmp_path / "sections.net"
    file.write_text(net + sections, encoding="utf-8")
    assert load(file).diagnostics.items == []
