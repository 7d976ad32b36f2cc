"""What shells complete: by what is suggested, and in the shells themselves.

Tests ``netlang.cli.completion`` and ``netlang.cli.commands.tools.completion``.
"""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import click
import pytest
from click.shell_completion import get_completion_class
from commands import said

from netlang.cli.completion import SCRIPTS, SHELLS, register, script
from netlang.cli.main import COMMANDS, program

PROGRAM = """\
# net Commented(x) = "net Quoted"
net First(x: f32[N, 4]) -> y: f32[N, 3] = dense(x, 3)
block part(x) = x
  net
Second(x: f32[N, 4]) -> y: f32[N, 3] = dense(x, "net Quoted
train fast() {
}
train slow() {
"""
CASES = (
    ("netlang ", {"check", "completion", "train"}, {"Traceback"}),
    ("netlang che", {"check"}, {"train"}),
    ("netlang check --s", {"--strict"}, {"--json"}),
    ("netlang check ", {"two.net", "folder/"}, {"notes.txt"}),
    ("netlang check folder/", {"folder/deep.net"}, {"two.net"}),
    ("netlang summary two.net ", {"First", "Second"}, {"part", "fast", "Commented", "Quoted"}),
    ("netlang summary two.net S", {"Second"}, {"First"}),
    ("netlang summary with\\ blank.net ", {"Blank"}, {"First"}),
    ("netlang train two.net ", {"fast", "slow"}, {"First"}),
    ("netlang compile two.net --train ", {"fast", "slow"}, {"First"}),
    ("netlang explain conv_tr", {"conv_transpose"}, {"conv"}),
    ("netlang explain unclosed-", {"unclosed-string", "unclosed-bracket"}, {"conv"}),
    ("netlang explain two.n", {"two.net"}, {"notes.txt"}),
    ("netlang explain folder/deep.net --net ", {"Deep"}, {"First"}),
    ("netlang run two.net --backend ", {"numpy", "onnxruntime"}, {"cuda"}),
    ("netlang run two.net --backend nu", {"numpy"}, {"onnxruntime"}),
    ("netlang run two.net -i x=dig", {"digit.png"}, {"digit.txt"}),
    ("netlang run two.net -w ", {"w.safetensors", "folder/"}, {"two.net"}),
    ("netlang train two.net --run ", {"folder/"}, {"notes.txt"}),
    ("netlang nonsense ", set[str](), {"error", "check"}),
    ("netlang summary missing.net ", set[str](), {"error", "First"}),
    ("netlang completion z", {"zsh"}, {"bash"}),
)
"""Lines up to the cursor, what is suggested, and what is not."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "folder").mkdir()
    (tmp_path / "two.net").write_text(PROGRAM, "utf-8")
    (tmp_path / "folder" / "deep.net").write_text("net Deep(x) = x\n", "utf-8")
    (tmp_path / "with blank.net").write_text("net Blank(x) = x\n", "utf-8")
    for name in ("notes.txt", "digit.png", "digit.txt", "w.safetensors"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def suggested(line: str, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the suggestions for a line: kind, text and help of each."""
    register()
    shell = get_completion_class("bash")
    assert shell is not None
    monkeypatch.setenv("COMP_WORDS", line)
    answer = shell(program, {}, "netlang", "_NETLANG_COMPLETE").complete()
    return [reply.split("\t") for reply in answer.splitlines()]


@pytest.mark.parametrize(("line", "expected", "absent"), CASES, ids=[case[0] for case in CASES])
def test_names_are_suggested_by_what_precedes(
    line: str, expected: set[str], absent: set[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replies = suggested(line, monkeypatch)
    plain = {text for kind, text, _ in replies if kind == "plain"}
    assert {name for name in expected if "." not in name and "/" not in name} <= plain
    assert absent.isdisjoint(plain)


@pytest.mark.parametrize(("line", "kind", "endings"), [
    ("netlang check a.net fo", "file", ".net"),
    ("netlang draw a.net -o ", "file", ".svg|.png|.html"),
    ("netlang nearest w.npz --vocab ", "file", "|"),
    ("netlang train a.net --run ", "dir", "/"),
])  # fmt: skip
def test_the_shell_completes_files(
    line: str, kind: str, endings: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert suggested(line, monkeypatch) == [[kind, endings, ""]]


@pytest.mark.parametrize(
    "line", ["A=1 netlang che", "./bin/netlang che", "netlang 'che", "netlang  che"]
)
def test_a_line_is_split_as_the_shell_splits_it(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [reply[1] for reply in suggested(line, monkeypatch)] == ["check"]


def test_commands_and_topics_have_descriptions(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ["plain", "conv", "spatial"] in suggested("netlang explain conv", monkeypatch)
    described = {name: about for _, name, about in suggested("netlang ", monkeypatch)}
    assert set(described) == set(COMMANDS)
    assert described["draw"].startswith("Draw a diagram")


def parameters() -> Iterator[tuple[str, click.Parameter]]:
    for name in COMMANDS:
        command = program.get_command(click.Context(program), name)
        assert command is not None
        yield from ((name, parameter) for parameter in command.params)


def test_every_parameter_that_names_a_file_or_a_part_of_one_is_completed() -> None:
    named = re.compile(r"(file|folder|net|section|weights)s?\b|\bNAME=FILE", re.IGNORECASE)
    lacking = [
        f"{command} {parameter.opts[0]}"
        for command, parameter in parameters()
        if named.fullmatch(parameter.metavar or (parameter.name or ""))
        and isinstance(parameter.type, click.types.StringParamType)
        and parameter._custom_shell_complete is None
    ]
    assert lacking == []


def test_completing_nets_only_parses(folder: Path) -> None:
    show = "import sys, atexit; atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
    code = f"{show}from netlang.cli.main import main\nmain()"
    line = "netlang summary two.net "
    env = {**os.environ, "COMP_WORDS": line, "_NETLANG_COMPLETE": "bash_complete"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    assert done.stdout == "plain\tFirst\t\nplain\tSecond\t\n"
    loaded = set(done.stderr.split())
    heavy = {"lark", "numpy", "onnx", "onnxruntime", "netlang.program", "netlang.manual.explain"}
    assert loaded & heavy == set()


# The command that prints and installs the scripts.


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_printed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "completion", shell)
    assert (code, out) == (0, script(shell))
    assert {path.suffix[1:] for path in SCRIPTS.iterdir()} == set(SHELLS)


@pytest.mark.parametrize(("shell", "path", "start"), [
    ("bash", ".local/share/netlang/netlang.bash", ".bashrc"),
    ("zsh", ".local/share/netlang/netlang.zsh", ".zshrc"),
    ("fish", ".config/fish/completions/netlang.fish", None),
])  # fmt: skip
def test_the_script_is_installed_where_the_shell_looks(
    shell: str, path: str, start: str | None, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "ZDOTDIR"):
        monkeypatch.delenv(variable, raising=False)
    installed = tmp_path / path
    expected = [f"{installed}: written"]
    if start is not None:
        (tmp_path / start).write_text("alias ls='ls -l'")
        expected.append(f"{tmp_path / start}: loads it, by a new last line")
    end = "open a new shell, and press the tabulator key"
    code, out, _ = said(capsys, "completion", shell, "--install")
    assert (code, out.splitlines()) == (0, [*expected, end])
    assert installed.read_text() == script(shell)
    if start is not None:
        line = f"[ ! -f {installed} ] || . {installed}"
        assert (tmp_path / start).read_text() == f"alias ls='ls -l'\n{line}\n"
        _, out, _ = said(capsys, "completion", shell, "--install")
        assert f"{tmp_path / start}: loads it already" in out
        assert (tmp_path / start).read_text().count(line) == 1


# In the shells.


class Session:
    """An interactive shell at a terminal."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self.terminal, other = pty.openpty()
        self.process = subprocess.Popen(
            command, stdin=other, stdout=other, stderr=other, cwd=folder, env=environment,
            start_new_session=True,
        )  # fmt: skip
        os.close(other)
        self.number = 0

    def send(self, keys: str) -> str:
        """Type keys that end a command; return what is displayed until it is done."""
        self.number += 1
        os.write(self.terminal, f"{keys}; echo e''nd{self.number}\r".encode())
        shown, end = b"", monotonic() + 60
        while f"\nend{self.number}\r".encode() not in shown:
            assert monotonic() < end, shown.decode()
            if select.select([self.terminal], [], [], 1)[0]:
                shown += os.read(self.terminal, 65536)
        return re.sub(r"\x1b\[[\d;?]*[A-Za-z]|\x08", "", shown.decode())

    def completed(self, line: str) -> str:
        """Type a line and the tabulator key; return the lists, and the arguments of the line."""
        # Ctrl-A goes to the start of the line, and Ctrl-E to its end.
        return self.send(f"{line}\t\x01printf '<%s>\\n' \x05")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)


@pytest.fixture
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Make `netlang` a command of this Python, and the completion the only one."""
    home = tmp_path_factory.mktemp("home")
    (home / "bin").mkdir()
    command = home / "bin" / "netlang"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m netlang "$@"\n')
    command.chmod(0o755)
    paths = os.pathsep.join(path for path in sys.path if path)
    return {
        "PATH": f"{command.parent}:/usr/local/bin:/usr/bin:/bin", "HOME": str(home),
        "PYTHONPATH": paths, "TERM": "dumb", "LANG": "C.UTF-8",
    }  # fmt: skip


SETUP = {
    "bash": "bind 'set show-all-if-ambiguous on'; bind 'set page-completions off'; "
    "bind 'set completion-query-items 0'; bind 'set enable-bracketed-paste off'",
    "zsh": "LISTMAX=10000; setopt no_beep; unset zle_bracketed_paste",
}


@pytest.mark.slow
@pytest.mark.parametrize(("shell", "command"), [
    ("bash", ["bash", "--noprofile", "-i"]), ("zsh", ["zsh", "-i"])
])  # fmt: skip
def test_a_shell_completes_after_the_installation(
    shell: str, command: list[str], folder: Path, environment: dict[str, str]
) -> None:
    assert shutil.which(shell), f"install {shell}"
    subprocess.run(
        ["netlang", "completion", shell, "--install"], env=environment, check=True,
        capture_output=True,
    )  # fmt: skip
    session = Session(command, folder, environment)
    try:
        session.send(SETUP[shell])
        for line, expected, absent in CASES:
            shown = session.completed(line)
            found = set(re.split(r"[\s<>]+", shown.replace("x=", ""))) - set(line.split())
            # A list shows files without their folders.
            assert all({name, name.rpartition("/")[2]} & found for name in expected), (line, shown)
            assert absent.isdisjoint(found), (line, shown)
    finally:
        session.close()


@pytest.mark.slow
def test_fish_completes_after_the_installation(folder: Path, environment: dict[str, str]) -> None:
    assert shutil.which("fish"), "install fish"
    subprocess.run(["netlang", "completion", "fish", "--install"], env=environment, check=True)
    for line, expected, absent in CASES:
        done = subprocess.run(
            ["fish", "-c", 'complete -C "$line"'], env={**environment, "line": line}, cwd=folder,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        found = {reply.partition("\t")[0].removeprefix("x=") for reply in done.stdout.splitlines()}
        assert expected <= found, (line, done)
        assert absent.isdisjoint(found), (line, done)
        assert done.stderr == ""
