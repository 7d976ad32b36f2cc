"""A run resumes whatever the names of its folder and its machine, and the time of its clock.

Tests ``netlang.training.run``.
"""

from __future__ import annotations

import os
import platform
import shlex
import socket
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from safetensors.numpy import load_file
from sections import NORMED, section, write

from netlang.cli.commands import train
from netlang.cli.guard import guarded
from netlang.cli.main import program
from netlang.training.run.checkpoints import LATEST

TEXT = section(NORMED.replace("relu |>", "relu |> dropout(0.2) |>"), "adam(0.01)")
NAMES = [
    "two words", "🙂", "it's", 'say "hi"', "$HOME", "a;b", "back\\slash", "line\nbreak", "ünïcödé",
    "a*b?", "-r",
]  # fmt: skip


def run(*arguments: str | Path) -> int:
    return guarded(program, [*map(str, arguments), "--threads", "1"])


def state_of(folder: Path) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in load_file(folder / LATEST).items()}


def stops_after(questions: int, patch: pytest.MonkeyPatch) -> None:
    """Interrupt the next run after it has asked so often whether it is."""

    @contextmanager
    def interruptible() -> Generator[Callable[[], bool]]:
        asked = count()
        yield lambda: next(asked) >= questions

    patch.setattr(train, "interruptible", interruptible)


@pytest.fixture(scope="module")
def end(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the state that the run ends with which is never stopped."""
    folder = tmp_path_factory.mktemp("whole")
    assert run("train", write(folder, TEXT), "--run", folder / "run") == 0
    return state_of(folder / "run")


@pytest.mark.parametrize("name", NAMES)
def test_a_run_resumes_as_its_message_says_whatever_its_path(
    name: str, end: dict[str, bytes], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path(name).mkdir()
    path = Path(name, name.removeprefix("-") + ".net")
    write(tmp_path / name, TEXT).rename(path)
    file = f"./{path}"
    with monkeypatch.context() as patch:
        stops_after(5, patch)
        assert run("train", file, f"--run=./{name}/run {name}") == 130
    told = capsys.readouterr()
    assert f"\nrun: {name}/run {name}\n" in told.out
    assert told.err.startswith("interrupted after step 3; resume with `netlang train ")
    command = told.err.rstrip("\n").partition("`")[2].removesuffix("`")
    words = shlex.split(command)
    assert words[:1] == ["netlang"]
    assert run(*words[1:]) == 0
    assert state_of(Path(name, f"run {name}")) == end


def test_neither_the_clock_nor_the_name_of_the_machine_matters(
    end: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, folder = write(tmp_path, TEXT), tmp_path / "run"
    with monkeypatch.context() as patch:
        stops_after(5, patch)
        assert run("train", path, "--run", folder) == 130
    later = time.time() + 400 * 86_400
    for file in folder.iterdir():
        os.utime(file, (later, later))
    past = count(1_000_000, -1)
    monkeypatch.setattr(time, "time", lambda: float(next(past)))
    monkeypatch.setattr(socket, "gethostname", lambda: "another")
    monkeypatch.setattr(platform, "node", lambda: "another")
    monkeypatch.setenv("HOSTNAME", "another")
    assert run("train", path, "--run", folder, "--resume") == 0
    assert state_of(folder) == end


def test_a_run_resumes_in_a_folder_that_was_moved(end: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        stops_after(5, patch)
        assert run("train", write(tmp_path, TEXT), "--run", tmp_path / "run") == 130
    (tmp_path / "there").mkdir()
    for name in ("it.net", "rows.npz", "run"):
        (tmp_path / name).rename(tmp_path / "there" / name)
    there = tmp_path / "there"
    assert run("train", there / "it.net", "--run", there / "run", "--resume") == 0
    assert state_of(there / "run") == end
