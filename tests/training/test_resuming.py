"""A run that was stopped, in whatever way, ends as one that was not.

Tests ``netlang.training.run``.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sysconfig
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from plans import plan_of
from sections import MLP, NORMED, WORSENING, prepared, section, write

from netlang.cli.guard import guarded
from netlang.cli.main import program
from netlang.diagnostics.errors import NetlangError
from netlang.training.run.checkpoints import BEFORE, LATEST
from netlang.training.run.folder import RunFolder
from netlang.training.run.preparation import Choices
from netlang.training.run.runs import Request, train
from netlang.training.run.settings import differences, run_settings

NETLANG = Path(sysconfig.get_path("scripts")) / "netlang"
AUGMENTED = "rows() |> map(x=[flip(), crop(8, pad=1)]) |> batches(16, shuffle=true)"


def program_text(net: str = MLP, more: str = "") -> str:
    text = section(net, "adam(0.01 |> cosine(4 epochs))", more)
    return text.replace("rows() |> batches(16, shuffle=true)", AUGMENTED)


@dataclass
class Silent:
    """Shows nothing; counts steps."""

    steps: int = 0
    lines: list[str] = field(default_factory=list[str])

    def reading(self, plan: object) -> None: ...
    def opened(self, opened: object, folder: Path) -> None: ...
    def began(self, step: int, clock: object) -> None: ...

    def stepped(self, step: int, measured: Mapping[str, float]) -> None:
        self.steps += 1

    def finished_epoch(self, report: object, line: str) -> None:
        self.lines.append(line)


def trained(
    path: Path,
    folder: Path,
    *,
    stop: Callable[[Silent], bool] = lambda _: False,
    given: Mapping[str, str] | None = None,
    seed: int | None = 3,
    **asked: Any,
) -> bool:
    """Train, or resume, until a display says stop; return whether the end was reached."""
    display = Silent()
    request = Request(
        lambda values: plan_of(path, None, values), lambda: "text", given or {}, **asked
    )
    with RunFolder(folder) as opened:
        choices = Choices(path.parent, seed, threads=1)
        return train(request, choices, opened, display, lambda: stop(display)).over


def log(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "log.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]


@pytest.mark.parametrize(
    ("more", "loss"),
    [
        ("", ""),
        ("accumulate = 2", ""),
        ("", ", ignore=0"),
        ("accumulate = 2", ", class_weights=[0.1, 0.7, 1.3]"),
    ],
)
def test_stopping_after_any_step_changes_no_bit(more: str, loss: str, tmp_path: Path) -> None:
    text = program_text(NORMED.replace("relu |>", "relu |> dropout(0.2) |>"), more)
    text = text.replace("cross_entropy(logits, batch.y)", f"cross_entropy(logits, batch.y{loss})")
    metrics = "[acc, perplexity(loss), recall(logits, batch.y), auc(logits, batch.y)]"
    path = write(
        tmp_path, text.replace("[acc]", metrics).replace("run = 4 epochs", "run = 3 epochs")
    )
    straight = tmp_path / "straight"
    assert trained(path, straight)
    for after in (1, 2, 3, 5, 8):
        folder = tmp_path / f"after-{after}"
        over = trained(path, folder, stop=lambda d, n=after: d.steps >= n)
        assert not over or more
        while not over:
            over = trained(
                path, folder, stop=lambda d, n=after: d.steps >= n, resume=True, seed=None
            )
        for name in ("model.safetensors",):
            assert (folder / name).read_bytes() == (straight / name).read_bytes()
        assert log(folder) == log(straight)


def test_two_runs_of_one_seed_are_the_same_and_of_another_are_not(tmp_path: Path) -> None:
    path = write(tmp_path, program_text())
    weights = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        assert trained(path, tmp_path / name, seed=seed)
        weights.append((tmp_path / name / "model.safetensors").read_bytes())
    assert weights[0] == weights[1] != weights[2]


def test_a_run_that_is_over_has_nothing_to_resume(tmp_path: Path) -> None:
    path = write(tmp_path, program_text())
    assert trained(path, tmp_path / "run")
    before = (tmp_path / "run" / "model.safetensors").read_bytes()
    assert trained(path, tmp_path / "run", resume=True)
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == before
    assert len(log(tmp_path / "run")) == 4


def test_stopping_early_is_remembered(tmp_path: Path) -> None:
    # A metric that cannot grow: the run ends after one epoch and the patience.
    more = "stop = early_stop(acc, patience=1 epoch, min_change=2.0)"
    path = write(tmp_path, program_text(more=more))
    assert trained(path, tmp_path / "a")
    assert len(log(tmp_path / "a")) == 2
    assert not trained(path, tmp_path / "b", stop=lambda d: d.steps >= 4)
    assert trained(path, tmp_path / "b", resume=True)
    assert log(tmp_path / "b") == log(tmp_path / "a")


@pytest.mark.parametrize("after", [2, 4, 7])
def test_a_resumed_run_has_the_same_best_and_continues_from_the_last(
    after: int, tmp_path: Path
) -> None:
    path = write(tmp_path, WORSENING)
    assert trained(path, tmp_path / "straight")
    assert not trained(path, tmp_path / "run", stop=lambda d: d.steps >= after)
    assert trained(path, tmp_path / "run", resume=True, seed=None)
    for name in ("model", "epoch-3", "best"):
        files = [tmp_path / folder / f"{name}.safetensors" for folder in ("straight", "run")]
        assert files[0].read_bytes() == files[1].read_bytes()
    assert log(tmp_path / "run") == log(tmp_path / "straight")


def test_a_run_that_is_made_longer_continues_from_the_last_state(tmp_path: Path) -> None:
    text = WORSENING.replace("patience=2", "patience=9")
    path = write(tmp_path, text.replace("run = 4 epochs", "run = 2 epochs"))
    assert trained(path, tmp_path / "run")
    path = write(tmp_path, text)
    assert trained(path, tmp_path / "run", resume=True, seed=None, allowed=["run"])
    assert trained(path, tmp_path / "straight")
    for name in ("model", "epoch-4"):
        files = [tmp_path / folder / f"{name}.safetensors" for folder in ("straight", "run")]
        assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "text"])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(damage: str, tmp_path: Path) -> None:
    path = write(tmp_path, program_text())
    assert trained(path, tmp_path / "straight")
    folder = tmp_path / "run"
    assert not trained(path, folder, stop=lambda d: d.steps >= 3)
    assert not trained(path, folder, stop=lambda d: d.steps >= 2, resume=True)
    content = bytearray((folder / LATEST).read_bytes())
    if damage == "flip":
        content[-5] ^= 4
    damaged = {"cut": content[:-7], "flip": content, "empty": b"", "text": b"x" * 300}[damage]
    (folder / LATEST).write_bytes(damaged)
    warnings: list[str] = []
    assert trained(path, folder, resume=True, warn=warnings.append)
    assert [str(folder / LATEST) in warning for warning in warnings] == [True]
    weights = [(f / "model.safetensors").read_bytes() for f in (folder, tmp_path / "straight")]
    assert weights[0] == weights[1]


def test_without_a_whole_checkpoint_nothing_resumes(tmp_path: Path) -> None:
    path = write(tmp_path, program_text())
    folder = tmp_path / "run"
    trained(path, folder, stop=lambda d: d.steps >= 3)
    (folder / LATEST).write_bytes(b"")
    (folder / BEFORE).write_bytes(b"")
    with pytest.raises(NetlangError, match=r"no checkpoint in .* is complete") as rejected:
        trained(path, folder, resume=True)
    assert rejected.value.rule.code == "bad-checkpoint"
    assert len(rejected.value.notes) == 2


def test_what_differs_is_named_and_can_be_allowed(tmp_path: Path) -> None:
    path = write(tmp_path, section())
    folder = tmp_path / "run"
    trained(path, folder, stop=lambda d: d.steps >= 3)
    with pytest.raises(NetlangError) as rejected:
        trained(path, folder, resume=True, given={"lr": "0.2"})
    assert rejected.value.notes == ("optimizer.lr: it was 0.1, and is 0.2",)
    assert trained(path, folder, resume=True, given={"lr": "0.2"}, allowed=["lr"])


CHANGES = {
    "batches(16, shuffle=true)": ("batches(8, shuffle=true)", ["data.size"]),
    "sgd(lr)": ("adam(lr)", ["optimizer", "optimizer.momentum"]),
    "dense(16)": ("dense(15)", ["program"]),
    "run = 4 epochs": ("run = 5 epochs", ["run"]),
    "relu": ("tanh", ["program"]),
}


@pytest.mark.parametrize("old", CHANGES)
def test_a_changed_program_does_not_resume(old: str, tmp_path: Path) -> None:
    path = write(tmp_path, section())
    trained(path, tmp_path / "run", stop=lambda d: d.steps >= 3)
    new, names = CHANGES[old]
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(NetlangError) as rejected:
        trained(path, tmp_path / "run", resume=True)
    told = [note.partition(":")[0] for note in rejected.value.notes]
    assert set(names) <= {*told, *(name.partition(".")[0] for name in told)}


DROPPED = """\
net M(x: f32[N, 2]) -> y: f32[N, 2] {
  a = dense(x, 8) |> relu
  b = dropout(a, 0.5)
  c = b + drop_path(a, 0.1)
  y = dense(c, 2)
}
train moons {
  data = two_moons(40) |> batches(20)
  model = new M()
  loss = cross_entropy(model(batch.x), batch.label)
  optimizer = sgd(0.1)
  run = 2 epochs
}
"""
FIELDS = {
    ("dropout(a, 0.5)", "dropout(a, 0.25)"): [
        "program.model.b: it was f32[N, 8] = dropout{rate=0.5}(%model.a), "
        "and is f32[N, 8] = dropout{rate=0.25}(%model.a)"
    ],
    ("drop_path(a, 0.1)", "drop_path(a, 0.2)"): ["rate=0.1", "rate=0.2"],
    ("relu", "leaky_relu(0.1)"): ["relu", "slope"],
    ("dense(c, 2)", "dense(c, 2, bias=false)"): [
        "program.model.y.bias: it was f32[2] = ",
        "and is none",
    ],
}


@pytest.mark.parametrize("change", FIELDS)
def test_a_resume_reports_what_changed_in_the_net(change: tuple[str, str], tmp_path: Path) -> None:
    path, folder = tmp_path / "a.net", tmp_path / "run"
    path.write_text(DROPPED)
    trained(path, folder, stop=lambda d: d.steps >= 2)
    path.write_text(DROPPED.replace(*change))
    with pytest.raises(NetlangError) as rejected:
        trained(path, folder, resume=True)
    assert all(any(part in note for note in rejected.value.notes) for part in FIELDS[change]), (
        rejected.value.notes
    )
    assert rejected.value.helps == ("if that is meant, resume with `--override program`",)
    assert trained(path, folder, resume=True, allowed=["program"])


WHOLE = """\
schedule falling(lr: schedule, over: duration) = lr * (1.0 - elapsed / over)
optimizer own(lr: schedule, *, keep: float = 0.9) {
  state speed = 0.0
  next speed = speed * keep + gradient
  next weight = weight - lr * speed
}
net M(x: f32[N, 2]) -> y: f32[N, 2] {
  a = dense(x, 8) |> batch_norm |> relu
  y = dense(dropout(a, 0.5), 2)
}
train moons {
  data = two_moons(40, noise=0.1) |> batches(20, shuffle=true)
  valid = two_moons(20, noise=0.1) |> batches(20)
  model = new M()
  out = model(batch.x)
  loss = cross_entropy(out, batch.label)
  right = accuracy(out, batch.label)
  other = mse(out, out * 0.5)
  metrics = [right, other]
  optimizer = own(0.1 |> falling(10 epochs), keep=0.8)
  init = [fill(weights(model), normal(0.01))]
  freeze = [model.a.dense]
  clip = clip_norm(1.0)
  run = 2 epochs
  stop = early_stop(right, patience=3 epochs)
  checkpoint = [save_best(model, "best.safetensors", by=right)]
  accumulate = 2
}
"""
EVERY_CHANGE = {
    ("two_moons(40, noise=0.1)", "two_moons(40, noise=0.1000000001)"): "0.1000000001",
    ("two_moons(40,", "two_moons(60,"): "data: it was two_moons(40",
    ("shuffle=true", "shuffle=false"): "data.shuffle: it was true, and is false",
    ("batches(20)", "batches(10)"): "valid.size: it was 20, and is 10",
    ("|> batches(20)\n", "|> part(1..10) |> batches(20)\n"): "valid.part",
    ("loss = cross_entropy(out, batch.label)", "loss = cross_entropy(out, batch.label) * 2.0"):
        "program.loss",
    ("mse(out, out * 0.5)", "mse(out, out * 0.25)"): "program.",
    ("loss = cross_entropy(out, batch.label)", "_b = cross_entropy(out, batch.label)\n  loss = mse"
     "(out, out * 0.5)"): "program.output.loss",
    ("early_stop(right", "early_stop(other"): "stop.mode: it was",
    ("patience=3 epochs", "patience=4 epochs"): "stop.patience: it was 3 epochs, and is 4 epochs",
    ("keep=0.8", "keep=0.7"): "optimizer.keep: it was 0.8, and is 0.7",
    ("speed * keep + gradient", "speed * keep - gradient"): "speed * keep + gradient next weight",
    ("1.0 - elapsed / over", "2.0 - elapsed / over"): "optimizer.lr.definition: it was schedule",
    ("0.1 |> falling(10 epochs)", "0.1 |> falling(11 epochs)"): "optimizer.lr.over: it was 10",
    ("own(0.1 |>", "own(0.2 |>"): "optimizer.lr.lr: it was 0.1, and is 0.2",
    ("normal(0.01)", "normal(0.02)"): "init[0].init.std: it was 0.01, and is 0.02",
    ("[model.a.dense]", "[model.y]"): "freeze[0]",
    ("clip_norm(1.0)", "clip_norm(2.0)"): "clip.limit: it was 1, and is 2",
    ("clip_norm", "clip_value"): "clip: it was clip_norm, and is clip_value",
    ('"best.safetensors"', '"b.safetensors"'): 'checkpoint[0].path: it was "best.safetensors"',
    ("accumulate = 2", "accumulate = 1"): "accumulate: it was 2, and is 1",
    ("accumulate = 2", 'accumulate = 2\n  precision = "f64"'): 'precision: it was none',
    ("accumulate = 2", "accumulate = 2\n  carry_state = true"): "carry_state: it was none",
    ("run = 2 epochs", "run = 3 epochs"): "run: it was 2 epochs, and is 3 epochs",
    ("relu", "tanh"): "program.model.a",
    ("dropout(a, 0.5)", "dropout(a, 0.25)"): "rate=0.25",
    ("|> batch_norm ", "|> layer_norm "): "program.model.a",
}  # fmt: skip


@pytest.mark.parametrize("change", EVERY_CHANGE)
def test_every_change_is_reported_by_the_field_that_changed(
    change: tuple[str, str], tmp_path: Path
) -> None:
    def settings(text: str) -> dict[str, str]:
        path = tmp_path / "it.net"
        path.write_text(text)
        return run_settings(prepared(path), seed=0, data="")

    assert change[0] in WHOLE
    before = settings(WHOLE)
    assert differences(before, before) == ([], set())
    lines, _ = differences(before, settings(WHOLE.replace(*change)))
    assert any(EVERY_CHANGE[change] in line for line in lines), lines
    assert not any(re.search(r"it was [0-9a-f]{8,}, ", line) for line in lines), lines
    assert max(map(len, lines)) < 400


def test_a_long_setting_is_shown_where_it_differs() -> None:
    old, new = "a" * 1_000 + "b" + "c" * 1_000, "a" * 1_000 + "d" * 3 + "c" * 1_000
    (line,), _ = differences({"x": old}, {"x": new})
    near = "a" * 30, "c" * 30
    assert line == "x: it was …{0}b{1}…, and is …{0}ddd{1}…".format(*near)
    (line,), _ = differences({"examples": "1f"}, {"examples": "2f"})
    assert line == "examples: their contents have changed"


def test_changed_data_or_another_seed_do_not_resume(tmp_path: Path) -> None:
    path = write(tmp_path, section())
    trained(path, tmp_path / "run", stop=lambda d: d.steps >= 3)
    with pytest.raises(NetlangError) as rejected:
        trained(path, tmp_path / "run", resume=True, seed=9)
    assert rejected.value.notes == ("seed: it was 3, and is 9",)
    write(tmp_path, section(), seed=5)
    with pytest.raises(NetlangError) as rejected:
        trained(path, tmp_path / "run", resume=True)
    assert [note.partition(":")[0] for note in rejected.value.notes] == ["examples"]


def test_a_run_resumes_with_the_arguments_it_was_given(tmp_path: Path) -> None:
    path = write(tmp_path, section())
    assert trained(path, tmp_path / "a", given={"lr": "0.2"})
    trained(path, tmp_path / "b", given={"lr": "0.2"}, stop=lambda d: d.steps >= 3)
    assert trained(path, tmp_path / "b", resume=True)
    assert log(tmp_path / "a") == log(tmp_path / "b")


def test_a_second_run_in_a_folder_is_rejected(tmp_path: Path) -> None:
    with (
        RunFolder(tmp_path / "run"),
        pytest.raises(NetlangError, match="another run is in progress") as rejected,
    ):
        RunFolder(tmp_path / "run")
    assert rejected.value.exit_code == 3
    RunFolder(tmp_path / "run").close()


def start(path: Path, folder: Path, *more: str, **rest: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [NETLANG, "train", path, "--run", folder, "--threads", "1", "--pause", "0", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"COLUMNS": "100"},
        **rest,
    )


def slow_program(epochs: int) -> str:
    return program_text().replace("run = 4 epochs", f"run = {epochs} epochs")


@pytest.mark.skipif(os.name == "nt", reason="there are no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_saves_and_ends(number: int, tmp_path: Path) -> None:
    path = write(tmp_path, slow_program(100_000))
    run = start(path, tmp_path / "run")
    while run.poll() is None and not (tmp_path / "run" / "log.jsonl").exists():
        time.sleep(0.05)
    asked = time.monotonic()
    run.send_signal(number)
    _, told = run.communicate(timeout=20)
    assert run.returncode == 130
    assert time.monotonic() - asked < 2
    assert "--resume" in told
    assert "Traceback" not in told
    assert (tmp_path / "run" / LATEST).exists()


def kills(count: int, folder: Path, epochs: int) -> None:
    """Kill a run ``count`` times, resume it each time, and compare it with one left alone."""
    path = write(folder, slow_program(epochs))
    straight = ["train", str(path), "--run", str(folder / "straight"), "--threads", "1"]
    assert guarded(program, straight) == 0
    draw = random.Random(count)
    killed = 0
    resume: tuple[str, ...] = ()
    while True:
        run = start(path, folder / "run", *resume)
        if killed < count:
            time.sleep(draw.uniform(0.2, 1.2))
            run.kill()
            killed += 1
        _, told = run.communicate(timeout=600)
        if run.returncode == 0:
            break
        assert run.returncode == -signal.SIGKILL, told
        begun = any((folder / "run" / name).exists() for name in (LATEST, BEFORE))
        resume = ("--resume",) if begun else ()
    name = "model.safetensors"
    assert (folder / "run" / name).read_bytes() == (folder / "straight" / name).read_bytes()
    assert log(folder / "run") == log(folder / "straight")


@pytest.mark.skipif(os.name == "nt", reason="there is no such signal")
def test_a_run_that_is_killed_resumes_to_the_same_end(tmp_path: Path) -> None:
    kills(3, tmp_path, 150)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no such signal")
def test_two_hundred_kills_change_no_bit(tmp_path: Path) -> None:
    kills(200, tmp_path, 3000)


@pytest.mark.skipif(os.name == "nt", reason="there is no such limit")
def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    import resource

    path = write(tmp_path, slow_program(100_000))
    folder = tmp_path / "run"
    trained(path, folder, stop=lambda d: d.steps >= 3)
    before = (folder / LATEST).read_bytes()

    def limit() -> None:
        # A limit on the size of files simulates a disk that is almost full.
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, len(before) // 2))

    run = start(path, folder, "--resume", preexec_fn=limit)
    _, told = run.communicate(timeout=30)
    assert run.returncode == 3, told
    assert told.startswith("error[cannot-write]: ")
    assert (folder / LATEST).read_bytes() == before
    assert not list(folder.glob(".*"))
