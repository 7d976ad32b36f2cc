"""Rows R: machines without memory, libraries, a terminal, a home.

Tests ``netlang.system``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from answers import Answer, ask, ask_apart, ask_in_turn, keeps_the_contract

from netlang.system.versions import KNOWN

PROVIDERS = onnxruntime.get_available_providers()
CHECKOUT = Path(__file__).parents[2]
GOOD = "net A(x: f32[N, 4]) -> y: f32[N, 2] {\n  y = dense(x, 2)\n}\n"
BAD = "net A(x: f32[N, 4]) -> y: f32[N, 2] {\n  y = dens(x, 2)\n}\n"
WIDE = "net A(x: f32[N, 20000]) -> y {\n  y = dense(x, 20000)\n}\n"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "a.net"
    path.write_text(GOOD)
    np.save(tmp_path / "x.npy", np.ones((1, 4), np.float32))
    return path


def run_args(program: Path, *more: str | Path) -> list[str | Path]:
    return ["run", program, "-i", f"x={program.with_name('x.npy')}", *more]


@pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])
def test_r4_too_little_memory_is_reported(backend: str, tmp_path: Path) -> None:
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
    taken = (
        "`A` takes about 1,600,240,000 bytes: 1,600,080,000 for parameters, 160,000 for activations"
    )
    warning, _, error = answer.err.partition("\n")
    assert warning.startswith(f"warning[out-of-memory]: {taken}; there are ")
    assert error == (
        "error[out-of-memory]: there is not enough memory\n"
        "   |\n"
        f"   = note: {taken}\n"
        "   = help: take a smaller batch or smaller inputs, "
        "or allow it more memory (ulimit -v)\n"
    )


DEEP = """net B(x: f32[N, 3, 512, 512]) -> y {
  a = x |> conv(64, 3, pad=1) as c1 |> relu |> conv(64, 3, pad=1) as c2 |> relu
  y = a |> global_avg_pool |> dense(10)
}
"""


@pytest.mark.parametrize("mebibytes", [256, 320, 600, 1_000])
@pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])
def test_r4_what_layers_hand_on_is_part_of_the_estimate(
    backend: str, mebibytes: int, tmp_path: Path
) -> None:
    (tmp_path / "b.net").write_text(DEEP)
    np.save(tmp_path / "x.npy", np.ones((8, 3, 512, 512), np.float32))
    answer = ask_apart(
        *run_args(tmp_path / "b.net", "--backend", backend),
        address_space=mebibytes * 2**20,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    keeps_the_contract(answer)
    assert (answer.code, answer.rules) == (3, ["out-of-memory"]), answer.text
    taken = 4 * (2 * 8 * 64 * 512 * 512)
    assert f"{taken:,} for activations" in answer.err


TRAINED = """
dataset rows -> (x: f32[3, 256, 256], y: i64[]) {
  npz = "rows.npz"
}

net B(x: f32[N, 3, 256, 256]) -> y: f32[N, 10] {
  a = x |> conv(64, 3, pad=1) as c1 |> relu |> conv(64, 3, pad=1) as c2 |> relu
  y = a |> global_avg_pool |> dense(10)
}

net W(x: f32[N, 9000]) -> y: f32[N, 9000] = dense(x, 9000, init=0.0)

train maps {
  data = rows() |> batches(8)
  model = new B()
  loss = cross_entropy(model(batch.x), batch.y)
  optimizer = adam()
  run = 2 steps
}

train weights {
  model = new W()
  loss = mean(model(random_normal([4, 9000])) ** 2)
  optimizer = adam()
  run = 2 steps
}
"""


LIMITS = [
    *product(["maps", "weights"], ["numpy", "onnxruntime"], [300, 1_000], [True]),
    # More than is estimated, and less than is taken.
    ("maps", "onnxruntime", 3_800, False),
    *product(["weights"], ["numpy", "onnxruntime"], [2_800], [False]),
]


@pytest.mark.parametrize(("section", "backend", "mebibytes", "warned"), LIMITS)
def test_r4_training_within_too_little_memory_is_reported(
    section: str, backend: str, mebibytes: int, warned: bool, tmp_path: Path
) -> None:
    (tmp_path / "a.net").write_text(TRAINED)
    x = np.zeros((8, 3, 256, 256), np.float32)
    np.savez(tmp_path / "rows.npz", x=x, y=np.zeros(8, np.int64))
    answer = ask_apart(
        "train", tmp_path / "a.net", section, "--run", tmp_path / "run", "--backend", backend,
        address_space=mebibytes * 2**20,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    # What is printed before is of the run that had begun.
    keeps_the_contract(replace(answer, out=""))
    assert (answer.code, answer.rules) == (3, ["out-of-memory"]), answer.text
    count = 9000 * 9000 + 9000
    said = {
        # Feature maps and their gradients, and the patches of one for the gradient of filters.
        "maps": "`maps` takes about 3,227,990,136 bytes: "
        "472,440 for parameters and optimizer state, 3,227,517,696 for a step of 8 examples",
        # Weights and two averages; the gradient, what follows from it, and the new ones.
        "weights": f"`weights` takes about 2,269,692,896 bytes: "
        f"{3 * 4 * count:,} for parameters and optimizer state, 1,297,584,896 for a step",
    }[section]
    warning = f"warning[out-of-memory]: {said}; there are "
    assert answer.err.startswith(warning) == warned
    error = answer.err[answer.err.index("error[") :]
    assert error.endswith(
        f"\n   |\n   = note: {said}\n"
        "   = help: take a smaller batch or smaller inputs, "
        "or allow it more memory (ulimit -v)\n"
    )


def test_r4_a_run_that_fits_says_nothing_of_memory(program: Path) -> None:
    assert ask(*run_args(program)).err == ""


@pytest.mark.skipif("CUDAExecutionProvider" in PROVIDERS, reason="there is one")
def test_r5_a_graphics_card_that_is_not_there_is_never_replaced_silently(program: Path) -> None:
    answer = ask(*run_args(program, "--provider", "cuda"))
    keeps_the_contract(answer)
    assert (answer.code, answer.rules) == (3, ["provider-missing"])
    assert ask(*run_args(program, "--provider", "auto")).code == 0


class Broken(onnxruntime.InferenceSession):
    """What onnxruntime does where its CUDA does not load: it falls back to the CPU, or raises."""

    raises = False

    def __init__(self, model: str | bytes, options: object, **given: Any) -> None:
        providers = given.pop("providers")
        left = [p for p in providers if p == "CPUExecutionProvider"]
        if self.raises and left != providers:
            raise RuntimeError("CUDA failure 35: driver too old\nin cuda_call.cc:121")
        super().__init__(model, options, providers=left, **given)


@pytest.mark.skipif("CUDAExecutionProvider" in PROVIDERS, reason="there is one")
@pytest.mark.parametrize(
    ("raises", "why"),
    [
        (False, "onnxruntime knows `cuda` but could not load it"),
        (True, "CUDA failure 35: driver too old in cuda_call.cc:121"),
    ],
)
def test_r5_a_graphics_card_whose_library_fails_is_reported(
    raises: bool, why: str, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """onnxruntime lists CUDA where it was built with it; only opening a model loads it."""
    listed = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(Broken, "raises", raises)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: listed)
    monkeypatch.setattr(onnxruntime, "InferenceSession", Broken)
    assert ask(*run_args(program, "--provider", "auto")).code == 0
    answer = ask(*run_args(program, "--provider", "cuda"))
    keeps_the_contract(answer)
    assert answer.code == 3
    assert answer.err == (
        "error[provider-missing]: the provider `cuda` is not available\n"
        "   |\n"
        f"   = note: {why}\n"
        "   = note: available here: cpu\n"
        "   = help: the provider `auto` takes the best there is\n"
        "   = help: `cuda` needs the package onnxruntime-gpu and a driver of NVIDIA: pip uninstall "
        '-y onnxruntime onnxruntime-gpu && pip install "onnxruntime-gpu[cuda,cudnn]"\n'
    )


def test_r5_a_graphics_card_that_fails_half_way_is_reported(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: object) -> None:
        raise RuntimeError("CUDA failure 700: an illegal memory access was encountered")

    monkeypatch.setattr(onnxruntime.InferenceSession, "run", fail)
    answer = ask(*run_args(program))
    keeps_the_contract(answer)
    assert (answer.code, answer.rules) == (3, ["run-failed"])
    assert "CUDA failure 700" in answer.err


def without(modules: Sequence[str], *args: str | Path) -> Answer:
    start = (
        f"import sys\nsys.modules |= dict.fromkeys({modules!r})\n"
        "from netlang.cli.main import main\nmain()\n"
    )
    return ask_apart(*args, start=start)


@pytest.mark.parametrize("module", ["onnxruntime", "onnx"])
def test_r6_a_missing_library_is_named(module: str, program: Path) -> None:
    answer = without([module], *run_args(program))
    keeps_the_contract(answer)
    assert (answer.code, answer.rules) == (3, ["missing-library"])
    assert f"pip install {module}" in answer.text


def stubbed(module: str, text: str, folder: Path, *args: str | Path) -> Answer:
    """Run a command where a library of this text stands before the one that is installed."""
    (folder / "stubs").mkdir()
    (folder / "stubs" / f"{module}.py").write_text(text)
    start = (
        f"import sys\nsys.path.insert(0, {str(folder / 'stubs')!r})\n"
        "from netlang.cli.main import main\nmain()\n"
    )
    return ask_apart(*args, start=start)


@pytest.mark.parametrize(
    ("module", "found", "word", "need", "pip"),
    [
        ("onnxruntime", "1.15.1", "old", "1.20 or newer, before 2", ">=1.20,<2"),
        ("onnxruntime", "1.9.0", "old", "1.20 or newer, before 2", ">=1.20,<2"),
        ("onnxruntime", "2.0.0rc1", "new", "1.20 or newer, before 2", ">=1.20,<2"),
        ("onnx", "1.16.2", "old", "1.17 or newer, before 2", ">=1.17,<2"),
        ("onnx", "10.0.dev3", "new", "1.17 or newer, before 2", ">=1.17,<2"),
        ("numpy", "1.26.4", "old", "2.0 or newer, before 3", ">=2.0,<3"),
        ("numpy", "3.0.0", "new", "2.0 or newer, before 3", ">=2.0,<3"),
    ],
)
def test_r6_a_library_too_old_or_too_new_is_reported_with_its_versions(
    module: str, found: str, word: str, need: str, pip: str, program: Path
) -> None:
    text = f'__version__ = "{found}"\n'
    answer = stubbed(module, text, program.parent, *run_args(program))
    keeps_the_contract(answer)
    assert answer.code == 3
    assert answer.err == (
        f"error[library-version]: {module} {found} is too {word}\n"
        "   |\n"
        f"   = note: installed: {module} {found}\n"
        f"   = note: needed: {module} {need}\n"
        f'   = help: install another: pip install "{module}{pip}"\n'
    )


def test_r6_a_runtime_too_old_for_the_opset_is_reported_with_both(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """onnxruntime itself rejects an opset that is newer than it is: here one from the future."""
    import onnx

    from netlang.backends import ort
    from netlang.system.versions import VersionError

    assert ask("compile", program, "-o", tmp_path / "a.onnx").code == 0
    model = onnx.load(tmp_path / "a.onnx")
    model.opset_import[0].version = 999
    onnx.save(model, tmp_path / "new.onnx")
    monkeypatch.setattr(onnxruntime, "__version__", "1.20.1")
    with pytest.raises(VersionError) as caught:
        ort.Session(tmp_path / "new.onnx")
    newest = onnx.defs.onnx_opset_version()
    assert caught.value.message == "onnxruntime 1.20.1 is too old for opset 999"
    installed, needed = caught.value.notes
    assert installed.startswith("installed: onnxruntime 1.20.1, which knows opsets up to ")
    assert abs(int(installed.split()[-1]) - newest) < 5
    assert needed == "needed: one that knows opset 999"
    assert caught.value.helps[0] == "pip install --upgrade onnxruntime"
    assert caught.value.exit_code == 3


def test_r6_the_versions_we_know_are_those_we_require() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = set(project["dependencies"])
    assert {f"{name}>={first},<{end}" for name, (first, end) in KNOWN.items()} < asked


@pytest.mark.parametrize("module", ["onnxruntime", "onnx"])
def test_r5_a_library_that_cannot_be_loaded_is_not_an_error_of_ours(
    module: str, program: Path
) -> None:
    text = f'raise ImportError("libcudart.so.12: cannot open", name="{module}")\n'
    answer = stubbed(module, text, program.parent, *run_args(program))
    keeps_the_contract(answer)
    assert answer.code == 3
    assert answer.err == (
        f"error[missing-library]: the library `{module}` cannot be loaded\n"
        "   |\n"
        "   = note: libcudart.so.12: cannot open\n"
        "   = help: reinstall it\n"
    )


@pytest.mark.parametrize("command", ["check", "summary", "names", "show", "fmt"])
def test_r6_what_a_command_does_not_need_it_does_not_miss(command: str, program: Path) -> None:
    answer = without(["onnxruntime", "onnx", "numpy", "safetensors", "PIL"], command, program)
    keeps_the_contract(answer)
    assert answer.code == 0, answer.text


def test_r7_a_reader_that_goes_away_is_not_an_error(program: Path) -> None:
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
def test_r7_closed_streams_are_not_an_error_of_ours(closed: str, program: Path) -> None:
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
    answers = ask_in_turn(
        [["check", program], ["check", bad], ["summary", program],
         run_args(program, "--backend", "numpy")],
        env={"PATH": "/usr/bin:/bin"} | env,
        cwd=Path("/"),
    )  # fmt: skip
    assert [answer.code for answer in answers] == [0, 1, 0, 0]
    for answer in answers:
        assert "Traceback" not in answer.text and "\x1b" not in answer.text


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
def test_r8_wrong_use_is_reported(
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
        assert "\n   = help: " in answer.text


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
    commands = [
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
    ]
    for args, answer in zip(
        commands, ask_in_turn(commands, options=["-I", *options], before=before), strict=True
    ):
        usual = ask(*args)
        assert (answer.code, answer.out, answer.err) == (usual.code, usual.out, usual.err)


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["single_errors", "language", "syntax_errors"])
def test_r9_no_diagnostic_relies_on_assertions(folder: str) -> None:
    data = Path(__file__).parent.parent / "data" / folder
    files = sorted(data.rglob("*.net"))
    assert files
    usual = ask("check", *files)
    answer = ask_apart("check", *files, options=["-OO"])
    assert (answer.code, answer.out) == (usual.code, usual.out)
