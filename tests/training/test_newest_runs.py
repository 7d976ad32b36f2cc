"""The newest run of a section is easy to find, and none is taken for another.

Tests ``netlang.training.run.folder``.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import said
from test_run_folders_of_others import MOONS

import netlang
from netlang.training.run.checkpoints import LATEST
from netlang.training.run.folder import RunFolder, new_folder, old_folder


@pytest.fixture(autouse=True)
def _program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("moons.net").write_text(MOONS.replace("train moons", "train moons(lr: float = 0.1)")
                                 .replace("sgd(0.1)", "sgd(lr)"))  # fmt: skip


def weights(folder: str) -> bytes:
    return Path(folder, "model.safetensors").read_bytes()


def test_the_name_of_the_section_is_always_the_newest_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for number, lr in enumerate(("0.1", "0.5", "0.9"), 1):
        code, out, _ = said(capsys, "train", "moons.net", "--set", f"lr={lr}")
        assert code == 0
        assert f"run: runs/moons-{number}, which is now runs/moons\n" in out
        assert weights("runs/moons") == weights(f"runs/moons-{number}")
    assert len({weights(f"runs/moons-{number}") for number in (1, 2, 3)}) == 3


def test_a_run_that_fails_in_its_first_step_does_not_take_the_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = Path("moons.net").read_text("utf-8")
    never = "cross_entropy(", "log(lr - 0.5 + 0.0 * mean(batch.x)) + cross_entropy("
    Path("moons.net").write_text(text.replace(*never), "utf-8")
    assert said(capsys, "train", "moons.net", "--set", "lr=0.75")[0] == 0
    before = weights("runs/moons")
    code, _, err = said(capsys, "train", "moons.net", "--set", "lr=0.5")
    assert code == 4
    assert "note: this run has not done a step, so runs/moons is runs/moons-1 again" in err
    assert weights("runs/moons") == before


def test_networks_of_an_earlier_run_stay_those_of_that_run() -> None:
    program = netlang.load("moons.net")
    first = program.train(settings={"lr": 0.1})
    before = {n: a.copy() for n, a in first.networks["model"].parameters.items()}
    second = program.train(settings={"lr": 0.9})
    assert [run.folder for run in (first, second)] == [Path("runs/moons-1"), Path("runs/moons-2")]
    for name, array in first.networks["model"].parameters.items():
        assert (array == before[name]).all()


def test_the_newest_run_is_resumed(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert said(capsys, "train", "moons.net")[0] == 0
    code, out, _ = said(capsys, "train", "moons.net", "--resume")
    assert (code, "run: runs/moons-2, which is now runs/moons" in out) == (0, True)
    code, out, _ = said(capsys, "train", "moons.net", "--resume", "--run", "runs/moons-1")
    assert (code, "run: runs/moons-1\n" in out) == (0, True)


def test_a_run_that_does_not_begin_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "train", "moons.net")[0] == 0
    before = weights("runs/moons")
    text = Path("moons.net").read_text()
    Path("bad.net").write_text(
        'dataset two -> (x: f32[2], label: i64[]) { npz = "none.npz" }\n'
        + text.replace("two_moons(40)", "two()")
    )
    assert said(capsys, "train", "bad.net")[0] != 0
    assert weights("runs/moons") == before
    # The folder that it was to have is that of the next run.
    assert said(capsys, "train", "moons.net")[0] == 0
    assert Path("runs/moons").resolve().name == "moons-2"


def test_a_run_in_the_folder_of_that_name_gets_a_number(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert said(capsys, "train", "moons.net", "--run", "runs/moons")[0] == 0
    before = weights("runs/moons")
    assert said(capsys, "train", "moons.net", "--set", "lr=0.9")[0] == 0
    assert weights("runs/moons-1") == before
    assert weights("runs/moons") == weights("runs/moons-2") != before


def test_a_name_that_cannot_be_a_link_is_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    code, out, err = said(capsys, "train", "moons.net")
    assert (code, "run: runs/moons-1\n" in out) == (0, True)
    assert err == (
        "warning: runs/moons is not this run, which is in runs/moons-1: Operation not permitted\n"
    )
    assert not list(Path("runs").glob(".*"))


def test_two_runs_at_once_have_folders_of_their_own() -> None:
    with new_folder(None, "moons") as one, new_folder(None, "moons") as other:
        assert (one.path, other.path) == (Path("runs/moons-1"), Path("runs/moons-2"))
        (other.path / LATEST).touch()
        assert other.become_newest() is None
    with old_folder(None, "moons") as newest:
        assert newest.path == Path("runs/moons-2")


def test_numbers_go_up_even_where_folders_are_removed() -> None:
    for name in ("moons-4", "moons-x", "moons-07"):
        (Path("runs") / name).mkdir(parents=True)
        (Path("runs") / name / LATEST).touch()
    with new_folder(None, "moons") as folder:
        assert folder.path == Path("runs/moons-8")


def test_steps_are_logged_with_the_rate_and_the_norm_of_the_gradient(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = Path("moons.net").read_text().replace("run = 1 epochs", "run = 700 epochs")
    Path("moons.net").write_text(text)
    assert said(capsys, "train", "moons.net", "--set", "lr=0.1 |> cosine(700 epochs)")[0] != 0
    text = text.replace("sgd(lr)", "sgd(lr |> cosine(700 epochs))")
    Path("moons.net").write_text(text)
    assert said(capsys, "train", "moons.net")[0] == 0
    lines = [json.loads(line) for line in Path("runs/moons/steps.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(2, 1401, 2))
    assert [line["epoch"] for line in lines] == list(range(1, 701))
    assert lines[0]["rate"] == pytest.approx(0.1, rel=1e-3)
    assert lines[-1]["rate"] < 1e-3
    assert all(line["gradient_norm"] > 0 and line["train"]["loss"] > 0 for line in lines)


def test_a_resumed_run_has_the_steps_of_one_that_was_not_interrupted() -> None:
    program = netlang.load("moons.net")
    whole = program.train(folder="whole")
    stops = iter([False, True])
    program.train(folder="part", interrupted=lambda: next(stops, True))
    with RunFolder(Path("part")) as folder:
        assert len(folder.steps(10**9)) == 1
    program.train(folder="part", resume=True)
    assert (
        whole.folder.joinpath("steps.jsonl").read_bytes() == Path("part/steps.jsonl").read_bytes()
    )
