"""The command line: exit codes, streams, and no traceback whatever happens."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import pytest
from commands import said

from netlang.cli.arguments import Command
from netlang.cli.guard import guarded
from netlang.cli.main import COMMANDS, program
from netlang.diagnostics.errors import ENVIRONMENT, InputError, NetlangError
from netlang.diagnostics.rules import Rule

NETLANG = Path(sysconfig.get_path("scripts")) / "netlang"

SMALL = """\
net Small(x: f32[N, 4]) -> y: f32[N, 3] {
  h = x |> dense(8) |> relu
  y = dense(h, 3)
}
"""
WRONG = SMALL.replace("relu", "rellu")

RULE = Rule("r", "", "", "", "")


def netlang(
    *args: str | Path, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(NETLANG), *map(str, args)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=60,
    )


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.net"
    path.write_text(SMALL, "utf-8")
    return path


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    path = tmp_path / "wrong.net"
    path.write_text(WRONG, "utf-8")
    return path


def ends_with(error: BaseException) -> click.Command:
    @click.command()
    def command() -> None:
        raise error

    return command


# What goes wrong becomes a message and an exit code.


def test_no_command_shows_the_help_and_is_a_usage_error() -> None:
    done = netlang()
    assert done.returncode == 2
    assert "Commands:" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = said(capsys, name, "--help")
    assert code == 0
    assert f"netlang {name} " in out.partition("Examples:")[2]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_examples_of_a_command_parse(name: str) -> None:
    command = program.get_command(click.Context(program), name)
    assert command is not None
    assert isinstance(command, Command)
    assert command.examples
    for example in command.examples:
        netlang, called, *arguments = shlex.split(example)
        assert (netlang, called) == ("netlang", name)
        command.make_context(name, arguments)


def test_the_readme_has_a_row_for_every_command_and_its_options_exist() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `netlang (\w+)(.*)$", readme, re.MULTILINE))
    assert tuple(rows) == COMMANDS
    for name, row in rows.items():
        command = program.get_command(click.Context(program), name)
        assert command is not None
        options = {o for param in command.params for o in (*param.opts, *param.secondary_opts)}
        assert set(re.findall(r"(?<=[` ])--?[a-z][\w-]*", row)) <= options, name


def test_the_version_is_that_of_the_package() -> None:
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8")
    (version,) = re.findall(r'^version = "(.*)"$', project, re.MULTILINE)
    assert netlang("--version").stdout == f"netlang {version}\n"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["chek"], "error[usage]: no such command 'chek'"),
        (["check"], "error[usage]: missing argument 'FILES...'"),
        (["check", "--strickt", "a.net"], "error[usage]: no such option '--strickt'"),
        (["summary", "a.net", "--bind", "H"], "error[usage]: invalid value for '--bind'"),
        (["summary", "a.net", "--bind", "H=x"], "error[usage]: invalid value for '--bind'"),
        (["summary", "a.net", "--depth", "0"], "error[usage]: invalid value for '--depth'"),
        (["compile", "a.net", "--train", "-o", "a.onnx", "--no-fold"],
         "error[usage]: --no-fold applies to a net, and --train compiles the step of"),
        (["compile", "a.net", "--train", "-o", "a.onnx", "-w", "a.safetensors"],
         "error[usage]: --weights applies to a net, and --train compiles the step of"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_incorrect_usage_is_reported_and_exits_with_2(
    args: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = said(capsys, *args)
    assert code == 2
    assert err.startswith(message)
    assert "= help: `netlang" in err
    assert out == ""


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (
            NetlangError(RULE, "m", notes=["n"], helps=["h"]), 1,
            "error[r]: m\n   |\n   = note: n\n   = help: h\n",
        ),
        (InputError("no"), 1, "error[bad-input]: no\n"),
        (NetlangError(RULE, "m", exit_code=ENVIRONMENT), 3, "error[r]: m\n"),
        (MemoryError(), 3, "error[out-of-memory]: there is not enough memory\n"),
        (
            ModuleNotFoundError("No module named 'onnx'", name="onnx.helper"), 3,
            "error[missing-library]: the library `onnx` is not installed\n"
            "   |\n   = help: install it: pip install onnx\n",
        ),
        (PermissionError(13, "Permission denied", "a/b"), 3,
         "error[system]: the system reported an error on a/b: permission denied\n"),
        (KeyboardInterrupt(), 130, "\ninterrupted\n"),
    ],
    ids=["fault", "input", "environment", "memory", "library", "system", "interrupt"],
)  # fmt: skip
def test_an_exception_has_a_message_and_an_exit_code(
    error: BaseException, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(ends_with(error), []) == code
    assert capsys.readouterr().err == message


@pytest.mark.parametrize("error", [KeyError("secret"), RecursionError(), AssertionError()])
def test_a_bug_exits_with_70_and_says_how_to_report_it(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(ends_with(error), []) == 70
    said = capsys.readouterr().err
    assert said.startswith("error[internal]: this is a bug in netlang, not in your program\n")
    assert "Traceback" not in said
    assert "please report it" in said


def test_the_traceback_of_a_bug_is_printed_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NETLANG_DEBUG", "1")
    assert guarded(ends_with(KeyError("secret")), []) == 70
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_errors_are_json_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    command = ends_with(NetlangError(RULE, "m", notes=["n"], helps=["h"]))
    command.params.append(click.Option(["--json"], is_flag=True, expose_value=False))
    assert guarded(command, ["--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "diagnostics": [
            {
                "rule": "r", "severity": "error", "message": "m", "labels": [],
                "notes": ["n"], "helps": ["h"], "fixes": [], "trace": [],
            }
        ]
    }  # fmt: skip


def test_an_unknown_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(program, ["nonsense"]) == 2
    assert capsys.readouterr().err.startswith("error[usage]: no such command 'nonsense'")


# Streams.


def test_a_closed_pipe_is_not_an_error(small: Path) -> None:
    command = f'"{NETLANG}" names "{small}" | true; echo ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_an_error_sets_the_exit_code_of_a_closed_pipe(wrong: Path) -> None:
    command = f'"{NETLANG}" check "{wrong}" | true; echo ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("1\n", "")


@pytest.mark.parametrize("closing", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_closed_streams_are_not_errors(small: Path, closing: str) -> None:
    command = f'"{NETLANG}" check "{small}" {closing}'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_reported(small: Path) -> None:
    command = f'"{NETLANG}" check "{small}" > /dev/full'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 3
    assert done.stderr.startswith("error[system]: the system reported an error: no space left")


def test_a_pipe_gets_no_colors(wrong: Path) -> None:
    assert "\x1b" not in netlang("check", wrong, FORCE_COLOR="", TERM="xterm-256color").stdout


@pytest.mark.parametrize(
    "locale",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "C", "PYTHONIOENCODING": "latin-1"},
    ],
)
def test_every_character_can_be_printed_in_any_locale(
    tmp_path: Path, locale: dict[str, Any]
) -> None:
    path = tmp_path / "schrift.net"
    path.write_text(WRONG.replace("net Small", "# größer → 日本\nnet Small"), "utf-8")
    done = netlang("summary", path, **locale)
    assert done.returncode == 1
    assert done.stderr.startswith("error[")
    path.write_text(SMALL, "utf-8")
    assert netlang("summary", path, **locale).returncode == 0


def test_an_interrupt_while_loading_causes_no_traceback() -> None:
    script = (
        "import sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'click': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "from netlang.cli.entry import main\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "\ninterrupted\n")


def test_the_command_line_runs_as_a_module_too(small: Path) -> None:
    command = [sys.executable, "-m", "netlang", "check", small.name]
    done = subprocess.run(command, cwd=small.parent, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert done.stdout.startswith(f"{small.name}: ok (")


# What a command costs.


def imported(args: list[str], cwd: Path) -> set[str]:
    """Name the modules a command has imported when it ends."""
    script = (
        "import sys\n"
        "from netlang.cli.main import main\n"
        f"sys.argv = ['netlang', *{args!r}]\n"
        "try: main()\n"
        "except SystemExit as ended: assert not ended.code, ended.code\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=cwd, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "args",
    [["check"], ["summary"], ["summary", "--json"], ["draw", "-o", "small.svg"], ["names"]],
)
def test_looking_at_a_program_loads_no_heavy_library(small: Path, args: list[str]) -> None:
    loaded = imported([args[0], small.name, *args[1:]], small.parent)
    assert loaded & {"numpy", "onnx", "onnxruntime", "rich", "asyncio", "PIL"} == set()


def test_click_is_the_only_library_the_entry_point_imports() -> None:
    script = (
        "import sys; before = set(sys.modules); import netlang.cli.entry, netlang.cli.main;"
        "print(*(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded - set(sys.stdlib_module_names) == {"click", "netlang"}
    ours = {name for name in done.stdout.split() if name.startswith("netlang")}
    assert ours == {"netlang", "netlang.cli", "netlang.cli.entry", "netlang.cli.main"}


@pytest.mark.slow
def test_a_summary_of_resnet_50_takes_at_most_three_tenths_of_a_second() -> None:
    example = Path(__file__).parents[2] / "examples" / "resnet.net"
    ours = fastest([str(NETLANG), "summary", str(example), "ResNet50"])
    # A machine that takes more than 20 ms to start Python may take longer in proportion.
    assert ours < max(0.3, 15 * fastest([sys.executable, "-c", "pass"]))


def fastest(command: list[str], times: int = 7) -> float:
    """Return the seconds of the fastest of several runs: the others waited for something else."""
    taken: list[float] = []
    for _ in range(times):
        begun = perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)
        taken.append(perf_counter() - begun)
    return min(taken)
