"""Optimizers and schedules that a program defines, in its own file or an imported one.

Tests ``netlang.evaluate.optimizers``, ``netlang.evaluate.calls.groups`` and
``netlang.plan.definitions``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import ran
from safetensors.numpy import load_file
from sections import MIXED, engines, gan, prepared, section, walk, write

from netlang.system.numpy import Array

OWN = """
optimizer heavy(lr: schedule, *, mass: float = 0.5, limit: schedule = 1.0, decay: float = 0.0)
  where mass >= 0.0, mass < 1.0
{
  state velocity = 0.0 as speed
  state updates: f32[] = 1.0
  moved = velocity * mass + maximum(minimum(gradient, limit), -limit)
  next velocity = if mass > 0.0 then moved else velocity
  next updates = updates + 1.0
  next weight = weight - lr * (moved + decay * weight) / (1.0 + 0.01 * updates)
}

schedule fading(lr: schedule, over: duration, *, power: float = 2.0) -> rate {
  left = larger(1.0 - elapsed / over, 0.0)
  rate = lr * (0.1 + 0.9 * left ** power)
}
"""
CALL = "heavy(0.1 |> fading(4 epochs), limit=0.05 |> fading(8 steps, power=1.0))"


@pytest.fixture(params=["own", "imported"])
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    text = section(optimizer=CALL)
    if request.param == "own":
        return write(tmp_path, OWN + text)
    (tmp_path / "rules.net").write_text(OWN)
    return write(tmp_path, f'from "rules.net" import heavy, fading\n{text}')


def formula(training_steps: int) -> list[tuple[float, float]]:
    """Return the learning rate and the limit of each step; an epoch has three."""
    return [
        (
            0.1 * (0.1 + 0.9 * max(1 - step / 12, 0) ** 2),
            0.05 * (0.1 + 0.9 * max(1 - step / 8, 0)),
        )
        for step in range(training_steps)
    ]


def test_both_back_ends_do_what_the_definition_says(program: Path) -> None:
    training = prepared(program)
    for engine in engines(training, program.parent):
        before = {k: v.copy() for k, v in engine.state().items()}
        assert {k.rpartition("/")[2] for k in before if "/" in k} == {"speed", "updates"}
        walk(training, engine, program.parent, 1)
        after, (rate, limit) = engine.state(), formula(1)[0]
        for path in training.steps[0].update.paths:
            speed = after[f"{path}/speed"]
            assert np.abs(speed).max() <= np.float32(limit)
            expected = before[path] - rate * speed / 1.01
            np.testing.assert_allclose(after[path], expected, atol=1e-7)
            assert after[f"{path}/updates"] == 2.0


def test_back_ends_agree_over_a_run(program: Path) -> None:
    training = prepared(program)
    ours, theirs = engines(training, program.parent)
    for engine in (ours, theirs):
        walk(training, engine, program.parent, 9)
    for name, array in ours.state().items():
        np.testing.assert_allclose(theirs.state()[name], array, atol=2e-6, err_msg=name)


def test_a_stopped_run_resumes_bit_for_bit(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(program.parent)
    assert ran("train", "it.net", "--run", "whole") == 0
    shorter = program.read_text().replace("run = 4 epochs", "run = 2 epochs")
    longer = program.read_text()
    program.write_text(shorter)
    assert ran("train", "it.net", "--run", "parts") == 0
    program.write_text(longer)
    assert ran("train", "it.net", "--run", "parts", "--resume", "--override", "run") == 0
    whole, parts = (Path(name) / "model.safetensors" for name in ("whole", "parts"))
    assert whole.read_bytes() == parts.read_bytes()


def test_an_exported_step_is_that_of_the_run(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnx
    import onnxruntime

    monkeypatch.chdir(program.parent)
    assert ran("compile", "it.net", "--train", "-o", "step.onnx") == 0
    state = load_file("step.safetensors")
    model = onnx.load("step.onnx")
    contract = json.loads({p.key: p.value for p in model.metadata_props}["netlang.contract"])
    assert "fading(lr=0.1, over=4 epochs, power=2)" in json.dumps(contract)

    training = prepared(program)
    engine, _ = engines(training, program.parent)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    with np.load("rows.npz") as rows:
        batch = {"batch.x": rows["x"][:16], "batch.y": rows["y"][:16]}
    (rate, limit), counters = formula(1)[0], {"step": 1, "draw": 1}
    numbers = {"rate": np.array(rate, np.float32), "rate2": np.array(limit, np.float32)}
    counts = {k: np.array(v, np.int64) for k, v in counters.items()}
    wanted = {value.name for value in session.get_inputs()}
    fed = {k: v for k, v in (batch | numbers | counts | state).items() if k in wanted}
    assert fed.keys() == wanted
    names = [value.name for value in session.get_outputs()]
    results = session.run(names, fed)
    made = {name: np.asarray(array) for name, array in zip(names, results, strict=True)}
    plain = {"x": batch["batch.x"], "y": batch["batch.y"]}
    engine.step(training.steps[0].graph, plain, {**counters, "rate": rate, "rate2": limit})
    for name, array in engine.state().items():
        if f"{name}_next" in made:
            np.testing.assert_allclose(made[f"{name}_next"], array, atol=1e-6, err_msg=name)


def test_two_optimizers_of_a_gan_are_a_program_s_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = gan().replace("adam(0.05)", "heavy(0.05, mass=0.0)")
    path = write(tmp_path, OWN + text.replace("adam(0.005)", "heavy(0.005 |> fading(6 steps))"))
    monkeypatch.chdir(tmp_path)
    training = prepared(path)
    stored = {name for name in engines(training, tmp_path)[0].state() if "/" in name}
    # Without mass, the discriminator has no velocity.
    assert {n for n in stored if n.endswith("/speed")} == {"gen.weight/g/speed", "gen.bias/g/speed"}
    assert ran("train", "it.net") == 0
    assert {p.name for p in Path("runs/gan").glob("*.safetensors")} >= {
        "gen.safetensors", "disc.safetensors"
    }  # fmt: skip


def test_a_group_has_settings_of_its_own(tmp_path: Path) -> None:
    groups = "groups=[group(biases(model), mass=0.0, lr=0.5), group(model.h, lr_scale=0.1)]"
    path = write(tmp_path, OWN + section(optimizer=f"heavy(0.1, {groups})"))
    training = prepared(path)
    changes = {change.path: change for change in training.plan.updates[0].changes}
    rates = {
        p: (c.rates["lr"].rate, c.rates["lr"].scale, len(c.rule.states)) for p, c in changes.items()
    }
    assert rates == {
        "model.h.weight": (0.1, 0.1, 2),
        "model.h.bias": (0.1, 0.1, 2),
        "model.logits.weight": (0.1, 1.0, 2),
        "model.logits.bias": (0.5, 1.0, 1),
    }


@pytest.mark.parametrize("optimizer", ["adam(0.01)", "lamb(0.01)", "heavy(0.01)"])
def test_a_parameter_of_one_column_changes_as_in_another_shape(
    optimizer: str, tmp_path: Path
) -> None:
    """Those of which each element changes by itself are flat inside, which is faster."""
    net = (
        "net Net(x: f32[N, 1, 8, 8]) -> logits: f32[N, 3] {\n"
        "  w = param([3, 64, SHAPE], normal(0.1))\n"
        "  logits = flatten(x) @ transpose(reshape(w, [3, 64]), [1, 0])\n}\n"
    )
    states: list[dict[str, Array]] = []
    for shape in ("1", "1, 1"):
        path = write(tmp_path, OWN + section(net.replace("SHAPE", shape), optimizer))
        training = prepared(path)
        engine = engines(training, tmp_path)[0]
        walk(training, engine, tmp_path, 4)
        states.append(engine.state())
    for name, array in states[0].items():
        assert (states[1][name].reshape(array.shape) == array).all()


RANKED = """
optimizer ranked(lr: schedule) {
  kept = if rank(weight) > 1 then weight * (1.0 - lr) else weight
  next weight = kept - 0.0 * gradient
}
"""


def test_a_body_sees_the_shape_of_the_parameter(tmp_path: Path) -> None:
    """A kernel of one by one has four axes, although the step computes with one."""
    net = MIXED.replace("conv(6, 1)", "conv(6, 1, bias=false)")
    path = write(tmp_path, RANKED + section(net, "ranked(0.5)"))
    training = prepared(path)
    for engine in engines(training, tmp_path):
        before = {k: v.copy() for k, v in engine.state().items()}
        walk(training, engine, tmp_path, 1)
        for name, array in engine.state().items():
            factor = 0.5 if array.ndim > 1 else 1.0
            np.testing.assert_allclose(array, before[name] * factor, atol=1e-7, err_msg=name)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("velocity * mass", "velocity * mass * 0.5", "optimizer.definition"),
        ("elapsed / over", "elapsed / (2.0 * over)", "optimizer.lr.definition"),
        ("next updates = updates + 1.0", "next updates = added(updates)", "optimizer.definition"),
    ],
)
def test_a_changed_definition_does_not_resume(
    old: str, new: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    own = OWN + "\nop added(x) = x + 1.0\n"
    path = write(tmp_path, own + section(optimizer=CALL))
    monkeypatch.chdir(tmp_path)
    assert ran("train", "it.net") == 0
    path.write_text(path.read_text().replace(old, new).replace("run = 4", "run = 5"))
    capsys.readouterr()
    assert ran("train", "it.net", "--resume", "--override", "run") == 1
    assert f"{told}: it was " in capsys.readouterr().err


def test_a_state_that_the_checkpoint_lacks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, OWN + section(optimizer=CALL))
    monkeypatch.chdir(tmp_path)
    assert ran("train", "it.net") == 0
    changed = path.read_text().replace("as speed", "as pace").replace("run = 4", "run = 5")
    path.write_text(changed)
    capsys.readouterr()
    overrides = ("--override", "run", "--override", "definition")
    assert ran("train", "it.net", "--resume", *overrides) == 1
    assert capsys.readouterr().err == (
        "error[settings-changed]: the checkpoint does not have the state `model.h.weight/pace` of "
        "this optimizer\n"
        "   |\n"
        "   = note: it should be f32[16, 64], and there is nothing of that name\n"
        "   = help: begin a new run: leave `--resume` out, in another folder\n"
    )


def test_a_rate_of_which_a_schedule_returns_the_inner_one_is_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = "schedule late(lr: schedule) = if elapsed < 3 then lr else lr * 0.5\n"
    write(tmp_path, late + section(optimizer="sgd(1 |> cosine(9 epochs) |> late())"))
    monkeypatch.chdir(tmp_path)
    assert ran("train", "it.net") == 0
    lines = [json.loads(line) for line in Path("runs/it/log.jsonl").read_text().splitlines()]
    assert len(lines) == 4


@pytest.mark.parametrize("backend", ["onnxruntime", "numpy"])
def test_what_is_not_finite_is_reported_with_a_scalar_state(
    backend: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(tmp_path, OWN + section(optimizer="heavy(1e38, limit=1e38)"))
    monkeypatch.chdir(tmp_path)
    assert ran("train", "it.net", "--backend", backend) == 4
    assert "error[not-finite]" in capsys.readouterr().err
