"""The benches run on our side, and starting loads only what a program uses.

`.ci/run` measures the start-up time; what is loaded is the same on every machine.
"""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from measuring import NETLANG

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
# Each costs a millisecond or more, and has its use elsewhere.
LATE = {
    "asyncio", "concurrent", "difflib", "json", "numpy", "onnx", "onnxruntime", "PIL", "rich",
    "safetensors",
    "netlang.api.functions", "netlang.api.parameters", "netlang.api.training",
    "netlang.passes.autodiff", "netlang.data.batches", "netlang.data.source",
    "netlang.data.sources.collections",
    "netlang.training", "netlang.manual.explain",
    "netlang.ir.initializers",
    "netlang.passes", "netlang.diagnostics.rules.syntax", "netlang.diagnostics.rules.shapes",
    "netlang.inference.runner",
    "netlang.syntax.errors.lexical",
    "netlang.syntax.formatting.format", "netlang.syntax.generate", "netlang.syntax.errors",
    "netlang.inference.verification", "netlang.storage.weights",
    "click.shell_completion", "pygments", "netlang.cli.completion", "netlang.editor",
}  # fmt: skip


@pytest.mark.parametrize("command", [
    ("check", "examples/lenet.net"),
    ("summary", "examples/resnet.net", "ResNet50"),
], ids=lambda c: c[0])  # fmt: skip
def test_starting_loads_only_what_a_program_uses(command: tuple[str, ...]) -> None:
    loaded = loaded_by(command)
    assert {m for m in loaded if m in LATE or m.partition(".")[0] in LATE} == set()


@pytest.mark.parametrize("command", [
    ("check", "examples/lenet.net"),
    ("summary", "examples/resnet.net", "ResNet50"),
], ids=lambda c: c[0])  # fmt: skip
def test_starting_loads_only_the_operators_of_the_program(command: tuple[str, ...]) -> None:
    operators = {m for m in loaded_by(command) if m.startswith("netlang.ops.")}
    assert "netlang.ops.windows.convolution" in operators
    unused = {"recurrent", "resize", "random", "trigonometry", "ranking", "unfolding"}
    assert {m for m in operators if m.split(".")[-1] in unused or "gradients" in m} == set()


def test_a_program_without_a_train_section_loads_nothing_for_one() -> None:
    loaded = loaded_by(("check", "examples/squeezenet.net"))
    assert {m for m in loaded if m.startswith(("netlang.plan.", "netlang.data"))} == {
        "netlang.plan.settings"
    }


@cache
def loaded_by(command: tuple[str, ...]) -> set[str]:
    script = (
        "import sys\n"
        "from netlang.cli.main import main\n"
        f"sys.argv = ['netlang', *{command!r}]\n"
        "try: main()\n"
        "except SystemExit as ended: assert not ended.code, ended.code\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = run([sys.executable, "-c", script])
    return set(done.stderr.split())


@pytest.mark.parametrize(("limit", "code"), [(1, 1), (1000, 0)])
def test_the_bench_of_the_start_up_time_fails_above_its_limit(limit: int, code: int) -> None:
    options = ["--rounds", "1", "--netlang", NETLANG, "--limit", str(limit)]
    done = subprocess.run(
        [sys.executable, HERE / "startup.py", *options], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("| command | times an empty Python | limit |\n")
    assert done.stdout.count(f" | {limit} |\n") == 2
    assert done.returncode == code


@pytest.mark.parametrize("part", ["check", "summary", "train"])
def test_the_bench_of_speed_runs_without_peers(part: str) -> None:
    nobody = [HERE / "speed.py", part, "--rounds", "1", "--peers", "no-such-python"]
    done = run([sys.executable, *nobody])
    assert done.stdout.startswith("| what | netlang | peer | times as fast |\n")
    assert done.stdout.count("\n") == 3
    assert ("skipped" in done.stderr) == (part != "check")


@pytest.mark.parametrize(("limit", "code"), [(0.001, 1), (100_000, 0)])
def test_the_bench_of_the_editor_fails_above_its_limit(limit: float, code: int) -> None:
    options = ["--rounds", "1", "--limit", str(limit)]
    done = subprocess.run(
        [sys.executable, HERE / "editor.py", *options], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("240 lines, 7 nets\n| edit | milliseconds | evaluated |\n")
    assert "| in a comment | " in done.stdout
    assert done.returncode == code


def test_the_bench_of_the_editor_goes_over_the_examples() -> None:
    done = run([sys.executable, HERE / "editor.py", "--examples", "--rounds", "1"])
    assert re.match(r"\d+ definitions; the slowest:\n\| edit in \| evaluated \|", done.stdout)
    assert done.stdout.count("\n") == 3 + 12


def test_the_bench_of_compiled_networks_says_what_it_misses() -> None:
    done = run([sys.executable, HERE / "compiled.py", "LeNet", "--peers", "no-such-python"])
    assert "skipped, torch or onnxscript is not installed" in done.stdout


def test_the_measured_tasks_run() -> None:
    done = run([sys.executable, HERE / "ours.py", "chain", "100"], given="1\n1\n")
    ready, *seconds = done.stdout.split()
    assert ready == "ready"
    assert len([s for s in seconds if 0 < float(s) < 60]) == 2


def test_the_bench_of_epochs_trains_on_our_side() -> None:
    nobody = [HERE / "epochs.py", "softmax", "--rounds", "1", "--peers", "no-such-python"]
    done = run([sys.executable, *nobody])
    assert "skipped, torch is not installed" in done.stderr
    name, seconds = (part.strip() for part in done.stdout.splitlines()[2].split("|")[1:3])
    assert name == "softmax"
    assert 0 < float(seconds.removesuffix(" s")) < 60


def run(command: list[str | Path], given: str = "") -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, input=given, cwd=CHECKOUT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done
