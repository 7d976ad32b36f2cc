"""A failing write ends a run with what it had saved, ready to resume.

Tests ``netlang.training.run`` and ``netlang.system.files``.
"""

from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file
from sections import MLP, section, write

from netlang.cli.guard import guarded
from netlang.cli.main import program
from netlang.training.run import checkpoints
from netlang.training.run.checkpoints import BEFORE, LATEST

TEXT = section(MLP, "adam(0.01)").replace("run = 4 epochs", "run = 2 epochs")
FILES = (
    LATEST, "model.safetensors", "curves.svg", "log.jsonl", "steps.jsonl", "program.net", "lock",
)  # fmt: skip


@dataclass
class System:
    """Counts the calls that change a folder, and makes them fail from one on.

    With ``once`` a single call fails, as on a disk that has room again; else all that follow
    fail, as on one that is read-only from then on.
    """

    folder: Path
    code: int
    rejected: int = -1
    once: bool = False
    calls: list[str] = field(default_factory=list[str])

    def meets(self, name: str, path: object) -> None:
        if not str(path).startswith(str(self.folder)):
            return
        self.calls.append(name)
        done = len(self.calls) - 1
        if done == self.rejected or (done > self.rejected >= 0 and not self.once):
            raise OSError(self.code, os.strerror(self.code), str(path))

    def patch(self, to: pytest.MonkeyPatch) -> None:
        for name in ("replace", "unlink", "mkdir"):
            to.setattr(os, name, self._wrapped(name, getattr(os, name)))
        opened, created = io.open, os.open

        def open_file(path: Any, mode: str = "r", *rest: Any, **more: Any) -> Any:
            if set(mode) & set("wa+"):
                self.meets(f"open {mode}", path)
            return opened(path, mode, *rest, **more)

        def create(path: Any, flags: int, *rest: Any, **more: Any) -> int:
            if flags & os.O_CREAT:
                self.meets("create", path)
            return created(path, flags, *rest, **more)

        to.setattr(io, "open", open_file)
        to.setattr(os, "open", create)

    def _wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *rest: Any, **more: Any) -> Any:
            self.meets(name, path)
            return real(path, *rest, **more)

        return call


def run(*arguments: str | Path) -> int:
    options = ("--threads", "1", "--pause", "0")
    return guarded(program, ["train", *map(str, arguments), *options])


def state_of(folder: Path) -> Mapping[str, bytes]:
    return {name: array.tobytes() for name, array in load_file(folder / LATEST).items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Mapping[str, bytes], int]:
    """Return a program, how its run ends, and how many calls of the system that takes."""
    folder = tmp_path_factory.mktemp("whole")
    path = write(folder, TEXT)
    with pytest.MonkeyPatch.context() as patch:
        system = System(folder / "run", errno.EROFS)
        system.patch(patch)
        assert run(path, "--run", folder / "run") == 0
    return path, state_of(folder / "run"), len(system.calls)


CASES = [
    (code, once, share)
    for i, share in enumerate(range(20))
    for code, once in [
        ((errno.EROFS, False), (errno.ENOSPC, True), (errno.EACCES, False), (errno.EDQUOT, True))[
            i % 4
        ]
    ]
]


@pytest.mark.parametrize(("code", "once", "share"), CASES)
def test_a_failing_write_is_reported_and_loses_nothing(
    code: int, once: bool, share: int, whole: tuple[Path, Mapping[str, bytes], int],
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path, end, calls = whole
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        system = System(folder, code, share * calls // 20, once)
        system.patch(patch)
        assert run(path, "--run", folder) == 3
    told = capsys.readouterr().err
    reason = os.strerror(code)
    reason = reason[:1].lower() + reason[1:]
    assert told in {f"error[cannot-write]: cannot write {p}: {reason}\n" for p in places(folder)}
    # What was saved last is whole, and from there the run ends as if nothing had been.
    if any((folder / name).exists() for name in (LATEST, BEFORE)):
        _, _, problems = checkpoints.load(folder)
        assert problems == []
        assert run(path, "--run", folder, "--resume") == 0
    else:
        assert run(path, "--run", folder) == 0
    assert state_of(folder) == end
    lines = (folder / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]
    assert list(folder.glob(".*")) == []


def places(folder: Path) -> list[Path]:
    return [folder, *(folder / name for name in FILES), folder / f".{LATEST}.new"]


def test_a_folder_that_is_taken_away_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, folder = write(tmp_path, TEXT), tmp_path / "run"
    saved = checkpoints.save

    def save_and_take_away(*given: Any) -> Path:
        made = saved(*given)
        folder.rename(tmp_path / "elsewhere")
        return made

    monkeypatch.setattr(checkpoints, "save", save_and_take_away)
    assert run(path, "--run", folder) == 3
    told = capsys.readouterr().err
    assert told in {
        f"error[cannot-write]: cannot write {place}: no such file or directory\n"
        for place in places(folder)
    }
    assert checkpoints.load(tmp_path / "elsewhere")[1].step >= 1
