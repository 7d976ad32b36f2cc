"""Rows R: machines without memory, libraries, a terminal, a home."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from answers import Answer, ask, ask_apart, keeps_the_contract

GOOD = "net A(x: f32[N, 4]) -> y: f32[N, 2] {\n  y = dense(x, 2)\n}\n"
BAD = "net A(x: f32[N, 4]) -> y: f32[N, 2] {\n  y = dens(x, 2)\n}\n"
WIDE = "net A(x: f32[N, 20000]) -> y {\n  y = dense(x, 20000)\n}\n"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "a.net"
    path.write_text(GOOD)
    np.save(tmp_path / "x.npy", np.ones((1, 4), np.float32))
    return path


def run_args(program: Path, *more: str) -> list[str | Path]:
    return ["run", program, "-i", f"x={program.with_name('x.npy')}", *more]


@pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])
def test_r4_too_little_memory_is_told(backend: str, tmp_path: Path) -> None:
    (tmp_path / "a.net").write_text(WIDE)
    np.save(tmp_path / "x.npy", np.ones((1, 20_000), np.float32))
    answer = ask_apart(
        *run_args(tmp_path / "a.net", "--backend", backend),
        address_space=1_200 * 2**20,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    keeps_the_contract(answer)
    assert answer.code == 3, answer.text
    assert answer.rules == ["out-of-memory"]


def test_r5_a_graphics_card_that_is_not_there_is_never_replaced_in_silence(program: Path) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("there is one")
    answer = ask(*run_args(program, "--provider", "cuda"))
    keeps_the_contract(answer)
    assert (answer.code, answer.rules) == (3, ["provider-missing"])
    assert ask(*run_args(program, "--provider", "auto")).code == 0


def without(module: str, *args: str | Path) -> Answer:
    start = (
        f"import sys\nsys.modules[{module!r}] = None\nfrom netlang.cli.main import main\nmain()\n"
    )
    return ask_apart(*args, start=start)


@pytest.mark.parametrize("module", ["onnxruntime", "onnx"])
def test_r6_a_missing_library_is_named(module: str, program: Path) -> None:
    answer = without(module, *run_args(program))
    keeps_the_contract(answer)
    assert (answer.code, answer.rules) == (3, ["missing-library"])
    assert f"pip install {module}" in answer.text


@pytest.mark.parametrize("module", ["onnxruntime", "onnx", "numpy", "safetensors", "PIL"])
@pytest.mark.parametrize("command", ["check", "summary", "names", "show", "fmt"])
def test_r6_what_a_command_does_not_need_it_does_not_miss(
    module: str, command: str, program: Path
) -> None:
    answer = without(module, command, program)
    keeps_the_contract(answer)
    assert answer.code == 0, answer.text


def test_r7_a_reader_that_goes_away_is_no_mistake(program: Path) -> None:
    script = "from netlang.cli.main import main; main()"
    for command in (["summary", program], ["show", program], ["--help"], ["check", program]):
        with subprocess.Popen(
            [sys.executable, "-I", "-c", script, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None and process.stderr is not None
            process.stdout.close()
            error = process.stderr.read()
        assert error == b"", command
        assert process.returncode == 0 or command == ["--help"]


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-", ">/dev/full"])
def test_r7_closed_streams_are_no_mistake_of_ours(closed: str, program: Path) -> None:
    script = "from netlang.cli.main import main; main()"
    for name in ("summary", "check"):
        done = subprocess.run(
            ["sh", "-c", f'"$0" -I -c "{script}" {name} "$1" {closed}', sys.executable, program],
            capture_output=True,
            check=False,
        )
        assert b"Traceback" not in done.stderr
        assert done.returncode in (0, 3)
        assert done.returncode == 0 or "full" in closed


@pytest.mark.parametrize(
    "env",
    [
        {}, {"LANG": "C"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"HOME": "/nonexistent"}, {"TMPDIR": "/proc"}, {"TERM": "xterm", "COLUMNS": "1"},
        {"COLUMNS": "nonsense"}, {"FORCE_COLOR": "1"}, {"PYTHONIOENCODING": "ascii"},
        {"NO_COLOR": "1"}, {"OMP_NUM_THREADS": "8"},
    ],
)  # fmt: skip
def test_r7_no_environment_is_needed(env: dict[str, str], program: Path) -> None:
    bad = program.with_name("bad.net")
    bad.write_text(BAD + "# é → 漢字 🙂\n", "utf-8")
    # -I would hide the variables from Python itself.
    for args, code in (
        (["check", program], 0), (["check", bad], 1), (["summary", program], 0),
        (run_args(program, "--backend", "numpy"), 0),
    ):  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", "from netlang.cli.main import main; main()", *args],
            env={"PATH": "/usr/bin:/bin"} | env,
            capture_output=True,
            check=False,
            cwd="/",
        )
        assert done.returncode == code, done.stderr
        text = (done.stdout + done.stderr).decode()
        assert "Traceback" not in text and "\x1b" not in text


@pytest.mark.parametrize(
    "args",
    [
        [], ["nonsense"], ["check"], ["check", "--nonsense", "a.net"], ["summary"],
        ["run", "a.net", "--top", "0"], ["run", "a.net", "--top", "-1"], ["run", "a.net", "-i",
         "x"],
        ["run", "a.net", "-i", "=x"], ["run", "a.net", "-i", "x=a", "-i", "x=b"],
        ["run", "a.net", "--bind", "N=abc"], ["run", "a.net", "--bind", "N=1e9"],
        ["run", "a.net", "--bind", "N=" + "9" * 5_000], ["run", "a.net", "--seed", "-1"],
        ["run", "a.net", "--seed", "9" * 100], ["run", "a.net", "--backend", "torch"],
        ["run", "a.net", "--provider", "tpu"], ["compile", "a.net"],
        ["compile", "a.net", "-o"], ["summary", "a.net", "--bind", "Q=1"],
        ["summary", "a.net", "B"], ["summary", "a.net", "--depth", "x"],
        ["explain", "nothing-of-that-name"], ["verify", "a.net", "--seed", "x"],
        ["check", "nowhere.net"], ["check", "-", "-"], ["fmt", "nowhere.net"], ["check", "."],
        ["run", "a.net", "-i", "z=x.npy"], ["summary", "a.net", "--bind", "N=-1"],
        ["check", ""], ["check", "a\nb.net"], ["summary", ""], ["run", "a.net", "-i", "x=x.txt"],
        ["run", "a.net", "-w", "nowhere.npz"], ["run", "a.net", "-i", "x=nowhere.npy"],
        ["show", "a.net", "--after", "nonsense"], ["explain", "no-such-rule"],
    ],
)  # fmt: skip
def test_r8_wrong_use_is_told(
    args: list[str], program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(program.parent)
    answer = ask(*args)
    assert "Traceback" not in answer.text
    if args:
        keeps_the_contract(answer)
    assert answer.code in (1, 2, 3)
    assert answer.code == 2 or args[:1] != ["check"]
    if answer.rules == ["usage"]:
        assert answer.code == 2
        assert "--help` shows what it takes" in answer.text


@pytest.mark.parametrize(
    ("options", "before"),
    [
        (["-O"], ""), (["-OO"], ""), (["-W", "error"], ""), (["-X", "utf8=0"], ""),
        (["-W", "error", "-X", "dev"], ""),
        ([], "sys.setrecursionlimit(200)"), (["-OO", "-W", "error"], "sys.setrecursionlimit(200)"),
    ],
    ids=str,
)  # fmt: skip
def test_r9_no_mode_of_python_changes_an_answer(
    options: list[str], before: str, program: Path
) -> None:
    bad = program.with_name("bad.net")
    deep = program.with_name("deep.net")
    bad.write_text(BAD)
    deep.write_text("net A(x: f32[N, 4]) -> y = " + "(" * 190 + "x" + ")" * 190 + "\n")
    start = f"import sys\n{before}\nfrom netlang.cli.main import main\nmain()\n"
    for args in (
        ["check", program, bad, deep],
        ["summary", program],
        ["names", program],
        ["show", program],
        ["summary", bad],
        ["check", "--json", bad],
        run_args(program, "--backend", "numpy"),
        run_args(program, "-w", program),
        run_args(program, "--bind", "N=0"),
        ["compile", program, "-o", program.with_name("a.onnx")],
    ):
        usual = ask(*args)
        answer = ask_apart(*args, options=options, start=start)
        assert (answer.code, answer.out, answer.err) == (usual.code, usual.out, usual.err)


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["faults", "language", "syntax_errors"])
def test_r9_no_diagnostic_relies_on_assertions(folder: str) -> None:
    data = Path(__file__).parent.parent / "data" / folder
    files = sorted(data.rglob("*.net"))
    assert files
    usual = ask("check", *files)
    answer = ask_apart("check", *files, options=["-OO"])
    assert (answer.code, answer.out) == (usual.code, usual.out)
