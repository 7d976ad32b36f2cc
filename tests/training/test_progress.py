"""What a terminal shows of a run, and what a pipe does not get."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from sections import MLP, section, write

fcntl = pytest.importorskip("fcntl")
termios = pytest.importorskip("termios")

ROOT = Path(__file__).parents[2]
START = "from netlang.cli.main import main; main()"
CLEAR = "\r\x1b[K"
DRAW, SHOW_CURSOR = "\r\x1b[?25l", "\x1b[?25h"
MOVING = re.compile(
    r"(?P<bar>[━─]{20}) (?P<step>[\d,]+)/(?P<total>[\d,]+)  "
    r"epoch (?P<epoch>\d+)/300  loss (?P<loss>\S+)  acc (?P<acc>\S+)  "
    r"(?P<speed>\S+) steps/s  (?P<left>(\d+:)?\d?\d:\d\d) left"
)


@dataclass
class Seen:
    code: int
    out: str
    err: str


def on_terminal(
    *arguments: str | Path,
    columns: int = 100,
    stop: bool = False,
    env: Mapping[str, str] | None = None,
) -> Seen:
    """Train with a terminal as standard output; ``stop`` interrupts once a line has moved."""
    ours, theirs = os.openpty()
    size = (24).to_bytes(2, sys.byteorder) + columns.to_bytes(2, sys.byteorder) + bytes(4)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
    # netlang is found where it is for this process, whatever is installed.
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "TERM")}
    environment |= {"PYTHONPATH": str(ROOT), "TERM": "xterm", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-c", START, "train", *map(str, arguments), "--threads", "1"]
    with subprocess.Popen(
        command, stdout=theirs, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        env=environment | dict(env or {}),
    ) as process:  # fmt: skip
        os.close(theirs)
        out, asked, end = b"", False, time.monotonic() + 60
        while time.monotonic() < end:
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    part = os.read(ours, 65_536)
                except OSError:
                    break
                if not part:
                    break
                out += part
            if stop and not asked and out.count(DRAW.encode()) > 3:
                process.send_signal(signal.SIGINT)
                asked = True
        assert process.stderr is not None
        err = process.stderr.read().decode()
        code = process.wait(10)
    os.close(ours)
    return Seen(code, out.decode((env or {}).get("PYTHONIOENCODING", "utf-8")), err)


def frames(seen: Seen) -> list[re.Match[str]]:
    """Return what the progress line showed, update by update."""
    return [match for text in drawn(seen) if (match := MOVING.fullmatch(text.rstrip()))]


def drawn(seen: Seen) -> list[str]:
    """Return what each update of the progress line wrote, with its padding."""
    return [part.partition("\r")[0] for part in seen.out.split(DRAW)[1:]]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = section(MLP, "adam(0.01)").replace("run = 4 epochs", "run = 300 epochs")
    return write(tmp_path_factory.mktemp("moving"), text)


@pytest.fixture(scope="module")
def seen(path: Path, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Train on a terminal that supports everything."""
    return on_terminal(path, "--run", tmp_path_factory.mktemp("seen") / "run")


def test_a_line_moves_with_the_steps(seen: Seen) -> None:
    assert (seen.code, seen.err) == (0, "")
    shown = frames(seen)
    assert shown, seen.out[:500]
    steps = [int(frame["step"].replace(",", "")) for frame in shown]
    assert steps == sorted(set(steps))
    for frame, step in zip(shown, steps, strict=True):
        assert frame["total"] == "900"
        assert int(frame["epoch"]) == -(-step // 3)
        assert frame["bar"] == "━" * (done := 20 * step // 900) + "─" * (20 - done)
        assert 0 <= float(frame["acc"]) <= 1
        assert float(frame["loss"]) > 0
    # Each epoch has a line that stays, and nothing is left of the one that moved.
    lines = [line.rpartition(CLEAR)[2] for line in seen.out.split("\r\n")]
    assert lines[0] == "reading rows ..."
    assert lines[1] == "it: 1,091 parameters, 40 examples, 3 steps per epoch"
    epochs = [line for line in lines if line.startswith("epoch ")]
    assert len(epochs) == 300
    told = r"epoch 300/300  loss \S+  acc \S+  valid loss \S+  acc \S+  \d+:\d\d"
    assert re.fullmatch(told, epochs[-1])
    assert lines[-1] == SHOW_CURSOR


def test_the_line_fits_into_the_terminal(path: Path, tmp_path: Path) -> None:
    seen = on_terminal(path, "--run", tmp_path / "run", columns=50)
    assert {len(text) for text in drawn(seen)} == {49}


def test_an_interrupt_clears_the_line_and_shows_the_cursor(path: Path, tmp_path: Path) -> None:
    text = path.read_text().replace("300 epochs", "300_000 epochs")
    long = write(tmp_path, text)
    seen = on_terminal(long, "--run", tmp_path / "run", stop=True)
    assert seen.code == 130
    assert seen.err.startswith("interrupted after step ")
    assert seen.out.endswith(CLEAR + SHOW_CURSOR)


def test_there_are_not_colors(seen: Seen, path: Path, tmp_path: Path) -> None:
    asked = on_terminal(path, "--run", tmp_path / "run", env={"NO_COLOR": "1"})
    for each in (seen, asked):
        assert DRAW in each.out
        assert "\x1b" not in re.sub(
            "|".join(map(re.escape, (CLEAR, DRAW, SHOW_CURSOR))), "", each.out
        )


def test_a_terminal_without_line_characters_gets_ascii(path: Path, tmp_path: Path) -> None:
    seen = on_terminal(path, "--run", tmp_path / "run", env={"PYTHONIOENCODING": "latin-1"})
    assert any(re.match(r"#*-+ \d", text) for text in drawn(seen))
    assert "\\u" not in seen.out


def test_a_dumb_terminal_gets_plain_lines(path: Path, tmp_path: Path) -> None:
    seen = on_terminal(path, "--run", tmp_path / "run", env={"TERM": "dumb"})
    assert "\x1b" not in seen.out
    assert len(seen.out.split("\r\n")) == 3 + 300 + 1


def test_json_on_a_terminal_is_the_log_and_no_more(path: Path, tmp_path: Path) -> None:
    seen = on_terminal(path, "--run", tmp_path / "run", "--json")
    lines = seen.out.split("\r\n")[:-1]
    assert [json.loads(line)["epoch"] for line in lines] == list(range(1, 301))


def test_a_pipe_gets_plain_lines(path: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", START, "train", path, "--run", tmp_path / "run"],
        env=os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm"},
        capture_output=True,
        check=True,
    )
    assert b"\x1b" not in done.stdout + done.stderr
    assert b"\r" not in done.stdout
    assert len(done.stdout.decode().splitlines()) == 3 + 300
