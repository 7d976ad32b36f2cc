"""A run folder may come from someone else: nothing outside of it is written.

Tests ``netlang.training.run.folder``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from commands import said

from netlang.training.run import checkpoints
from netlang.training.run.checkpoints import CheckpointError, Progress, Sums
from netlang.training.run.folder import LOCK, LOG, RunFolder
from netlang.training.run.loop import Report

MOONS = """\
net Moons(x: f32[N, 2]) -> logits: f32[N, 2] = dense(x, 2)
train moons {
  data = two_moons(40) |> batches(20)
  model = new Moons()
  loss = cross_entropy(model(batch.x), batch.label)
  optimizer = sgd(0.1)
  run = 1 epochs
}
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("moons.net").write_text(MOONS)
    Path("thesis.txt").write_text("thesis\n")
    Path("r").mkdir()
    return Path("moons.net")


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("name", [LOCK, LOG])
def test_a_planted_link_is_not_followed(
    name: str, hard: bool, resume: bool, program: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if resume:
        assert said(capsys, "train", program, "--run", "r")[0] == 0
        Path("r", name).unlink()
    if hard:
        os.link("thesis.txt", Path("r", name))
    else:
        Path("r", name).symlink_to("../thesis.txt")
    options = ["--resume"] if resume else []
    code, out, err = said(capsys, "train", program, "--run", "r", *options)
    what = "has a second name (a hard link)" if hard else "is a symbolic link"
    assert (code, f"cannot write r/{name}: {what}" in out + err) == (3, True), out + err
    assert Path("thesis.txt").read_text() == "thesis\n"


def test_a_pipe_in_place_of_a_lock_does_not_block(
    program: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo("r/lock")
    code, out, err = said(capsys, "train", program, "--run", "r")
    assert (code, "cannot write r/lock: is not a regular file" in out + err) == (3, True)


GOOD = {"epoch": 1, "step": 2, "train": {"loss": 0.5}, "valid": {}, "rate": 0.1, "seconds": 1.0}


@pytest.mark.parametrize("field", GOOD)
@pytest.mark.parametrize("value", ["x", None, [], {"loss": "x"}, {"loss": None}, True, 10**400])
def test_a_line_of_the_log_with_wrong_types_is_left_out(
    field: str, value: object, tmp_path: Path
) -> None:
    lines = [json.dumps(GOOD), json.dumps(GOOD | {field: value}), "[" * 100_000, "null", ""]
    (tmp_path / LOG).write_text("\n".join(lines))
    with RunFolder(tmp_path) as folder:
        first, *others = folder.reports(9)
    assert first == Report(**GOOD)  # pyright: ignore[reportArgumentType]
    assert all(isinstance(report.epoch, int) and isinstance(report.rate, float | int)
               and all(isinstance(v, float | int) for v in report.train.values())
               for report in others)  # fmt: skip


@pytest.mark.parametrize("text", ["{}", '{"step": "1", "settings": {}}', "[]", "1", "{"])
def test_a_sealed_checkpoint_of_another_content_is_rejected(text: str, tmp_path: Path) -> None:
    from netlang.storage.weights import save_weights

    metadata = {"format": checkpoints.FORMAT, "progress": text, "seal": checkpoints.seal({}, text)}
    save_weights(tmp_path / checkpoints.LATEST, {}, metadata)
    with pytest.raises(CheckpointError) as caught:
        checkpoints.load(tmp_path)
    assert caught.value.notes == (
        f"{tmp_path / checkpoints.LATEST}: its progress is not that of a run",
    )


def test_progress_is_read_as_it_was_written(tmp_path: Path) -> None:
    sums = Sums({"loss": [1.0], "loss.sum2": [0.1, float("nan")]}, {"loss": 4}, 4)
    progress = Progress(3, {"seed": "1"}, 1, {"a": float("inf")}, 2, False, {"": sums}, 0.5)
    checkpoints.save(tmp_path, {}, progress, {})
    assert repr(checkpoints.load(tmp_path)[1]) == repr(progress)
