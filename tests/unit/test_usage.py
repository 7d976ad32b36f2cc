"""Command lines that are nearly right, and what is answered.

Tests ``netlang.cli.usage``, ``netlang.cli.guard`` and ``netlang.manual.explain``.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from netlang.cli.guard import guarded
from netlang.cli.main import program
from netlang.manual.explain import explain

PANEL = Path(__file__).parents[1] / "data" / "panel"

ANSWERS = [
    ("digits.net", "say what to do with it: `netlang check digits.net`"),
    ("chek digits.net", "did you mean `netlang check digits.net`?"),
    ("inspect digits.net", "write `netlang summary digits.net`"),
    ("params digits.net", "write `netlang summary digits.net`"),
    ("shapes digits.net", "write `netlang summary digits.net`"),
    ("info digits.net", "write `netlang summary digits.net`"),
    ("export digits.net -o a.onnx", "write `netlang compile digits.net -o a.onnx`"),
    ("version", "write `netlang --version`"),
    ("help train", "write `netlang train --help`"),
    ("-v", "write `netlang --version`"),
    ("run digits.net first.npy", "write `-i image=first.npy`"),
    ("run digits.net image=first.npy", "write `-i image=first.npy`"),
    ("train lr.net lr=0.1", "write `--set lr=0.1`"),
    ("train lr.net --set lr 0.1", "write `--set lr=0.1`, with `=` and no space"),
    (
        "train lr.net --lr 0.1",
        "write `--set lr=0.1`; the section needs a parameter of that name, such as "
        "`train main(lr: float = 0.1)`",
    ),
    ("check digits", "did you mean `digits.net`?"),
    ("check Digits.net", "did you mean `digits.net`?"),
    ("compile digits.net", "write `netlang compile digits.net -o digits.onnx`"),
    ("compile digits.net a.onnx", "write `netlang compile digits.net -o a.onnx`"),
    ("draw digits.net", "write `netlang draw digits.net -o digits.svg`"),
    ("draw digits.net -o a.pdf", "write to `a.svg`"),
    ("draw lr.net moon -o a.svg", "did you mean `moons`?"),
    ("draw digits.net --direction=rigth -o a.svg", "did you mean `right`?"),
    ("new clasifier iris", "did you mean `classifier`?"),
    ("compile digits.net --precision fp16 -o a.onnx", "did you mean `f16`?"),
    ("run digits.net", "give it: `-i image=photo.png`, or `image=…` in Python"),
    (
        "evaluate lr.net",
        "write `netlang evaluate lr.net --weights runs/lr/model.safetensors`: a run stores its "
        "parameters in `runs`, in the folder of its section",
    ),
    (
        "run digits.net -i image=first.npy -w digits.net",
        "a run stores them as `model.safetensors` in its folder, below `runs`",
    ),
    (
        "run digits.net -i image=first.npy -w first.npy",
        "parameters are read from .safetensors or .npz files",
    ),
    (
        "explain learning_rate",
        "netlang calls this `lr`; `netlang explain NAME` shows the parameters of a definition",
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(PANEL, tmp_path_factory.mktemp("usage") / "panel"))


@pytest.mark.parametrize(("line", "help"), ANSWERS, ids=[line for line, _ in ANSWERS])
def test_a_command_line_is_answered_with_the_right_one(
    line: str, help: str, folder: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(folder)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "300")
    assert guarded(program, line.split()) in (1, 2)
    said = "".join(capsys.readouterr())
    assert said.count("error[") == 1
    assert f"   = help: {help}\n" in said


@pytest.mark.parametrize("name", ["conv", "max_pool", "avg_pool", "lstm"])
def test_blocks_of_the_prelude_need_no_import(name: str) -> None:
    assert "import" not in explain(name)


@pytest.mark.parametrize("name", ["inception", "residual", "bottleneck", "patch_embedding"])
def test_blocks_of_a_module_are_explained_with_their_import(name: str) -> None:
    assert f"\n  from std.vision import {name}\n" in explain(name)


NAMED = """
from std.vision import inception, residual

net Named(image: f32[N, 3, 32, 32], words: f32[N, T, 8]) -> y: f32[N, 10] {
  maps = image |> conv(16, 3, pad=1) |> max_pool(2) |> residual(16) |> avg_pool(2)
  wide = maps |> inception(8, (8, 16), (4, 8), 8) |> global_avg_pool
  last = lstm(words, 16).h
  y = concat([wide, last], axis=1) |> dense(10)
}
"""


def test_every_block_that_the_project_is_known_for_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "named.net").write_text(NAMED, "utf-8")
    assert guarded(program, ["check", str(tmp_path / "named.net")]) == 0
    assert "ok (1 net, " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "help"),
    [
        ("pool(2)", "write `max_pool(2)` or `avg_pool(2)`"),
        ("inception(8, (8, 8), (4, 4), 4)", "write `from std.vision import inception` at the top"),
        ("residual(8)", "write `from std.vision import residual` at the top"),
        ("LSTM(8)", "did you mean `lstm`?"),
        ("Conv2d(8, 3)", "netlang calls this `conv`"),
    ],
)
def test_a_block_that_is_not_imported_or_has_another_name_is_found(
    name: str, help: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.net"
    file.write_text(f"net A(image: f32[N, 3, 8, 8]) -> y {{ y = image |> {name} }}\n", "utf-8")
    assert guarded(program, ["check", str(file)]) == 1
    assert f"= help: {help}\n" in "".join(capsys.readouterr())
