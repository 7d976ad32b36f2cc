"""The extension of an output file decides what is compiled.

Tests ``netlang.backends.targets``.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from commands import said

import netlang as nl
from netlang.backends import targets

SMALL = "net Small(x: f32[N, 4]) -> y: f32[N, 3] = dense(x, 3)\n"
TRAINED = """\
net Small(x: f32[N, 2]) -> y: f32[N, 2] = dense(x, 2)

train fit {
  data = two_moons(8) |> batches(4)
  model = new Small()
  loss = cross_entropy(model(batch.x), batch.label)
  optimizer = sgd(0.1)
  run = 1 epoch
}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("small.net").write_text(SMALL, "utf-8")
    return tmp_path


@pytest.mark.parametrize("name", ["small.txt", "small.npz", "small", "small.onnx.bak"])
def test_an_unknown_extension_is_an_error_and_writes_nothing(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = said(capsys, "compile", "small.net", "-o", name)
    assert (code, out) == (2, "")
    assert err == (
        f"error[unknown-format]: {name}: a compiled net is written as .onnx or .py\n"
        "   |\n"
        "   = note: the targets are: onnx (.onnx), numpy (.py), pytorch (.py)\n"
        f"   = help: write to `{Path(name).with_suffix('.onnx')}`\n"
    )
    assert [file.name for file in folder.iterdir()] == ["small.net"]


def test_the_extension_of_a_step_is_checked_too(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("small.net").write_text(TRAINED, "utf-8")
    code, _, err = said(capsys, "compile", "small.net", "--train", "-o", "small.txt")
    assert code == 2
    assert err.startswith("error[unknown-format]: small.txt: ")
    assert [file.name for file in folder.iterdir()] == ["small.net"]


def test_python_saves_to_the_same_extension(folder: Path) -> None:
    model = nl.load("small.net")["Small"].compile()
    with pytest.raises(nl.Error, match=r"small.pt: the target onnx is written as \.onnx"):
        model.save("small.pt")
    assert model.save("SMALL.ONNX") == (Path("SMALL.ONNX"),)


def test_an_extension_of_several_targets_needs_a_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("numpy", "pytorch"):
        monkeypatch.setitem(cast("dict[str, str]", targets.SUFFIXES), name, ".py")
    assert targets.target_of(Path("a.onnx")) == "onnx"
    assert targets.target_of(Path("a.py"), cast("targets.Target", "numpy")) == "numpy"
    with pytest.raises(nl.Error) as caught:
        targets.target_of(Path("a.py"))
    assert caught.value.message == "a.py: several targets are written as .py"
    assert caught.value.helps == ("choose one with `--target numpy` or `--target pytorch`",)
    with pytest.raises(nl.Error) as caught:
        targets.target_of(Path("a.txt"))
    assert caught.value.message == "a.txt: a compiled net is written as .onnx or .py"
    assert caught.value.notes == (
        "the targets are: onnx (.onnx), numpy (.py), pytorch (.py)",
    )  # fmt: skip
