"""The source of PyTorch modules, to the letter, and what has none.

Tests ``netlang.codegen.pytorch``.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from string import Formatter

import pytest
from commands import said

import netlang
from netlang.codegen.pytorch.printing.layout import WIDTH, laid_out
from netlang.codegen.pytorch.tables.forms import FORMS, MODULES, NUMBERS, OPERAND_AXIS
from netlang.program import load
from netlang.syntax import ast
from netlang.syntax.library import defined_names, definition, library_files

EXAMPLES = Path(__file__).parents[2] / "examples"

SMALL = """\
## Two convolutions and a shortcut.
block basic(x: f32[N, C, H, W], width: int, stride: int = 1) -> y {
  a = x |> conv(width, 3, stride=stride, pad=1) |> relu
  # The shortcut is a projection where the shape changes.
  skip = if stride == 1 and C == width then x else conv(x, width, 1, stride=stride)
  y = a + skip
}

## A small network.
net Small(image: f32[N, 3, 8, 8], classes: int = 10) -> logits: f32[N, classes] {
  body = for width in [8, 8, 16] with h = image {
    next h = h |> basic(width, if width == 8 then 1 else 2) |> dropout(0.1)
  }
  logits = body |> global_avg_pool |> dense(classes)
}
"""

SOURCE = '''\
"""The network `Small` in PyTorch, compiled by netlang."""

import torch.nn.functional as F
from torch import nn


class Basic(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, C, width, stride=1):
        super().__init__()
        self.width = width
        self.stride = stride
        self.a = nn.Conv2d(C, width, 3, stride=stride, padding=1)
        if not (stride == 1 and C == width):
            self.skip = nn.Conv2d(C, width, 1, stride=stride)

    def forward(self, x):
        C = x.shape[1]
        a = F.relu(self.a(x))
        # The shortcut is a projection where the shape changes.
        skip = x if self.stride == 1 and C == self.width else self.skip(x)
        return a + skip


class Small(nn.Module):
    """A small network."""

    def __init__(self, classes=10):
        super().__init__()
        self.body = nn.ModuleList()
        channels = 3
        for width in [8, 8, 16]:
            self.body.append(Basic(channels, width, 1 if width == 8 else 2))
            channels = width
        self.logits = nn.Linear(channels, classes)

    def forward(self, image):
        h = image
        for layer in self.body:
            h = F.dropout(layer(h), 0.1, self.training)
        body = h
        return self.logits(body.mean(dim=(2, 3)))
'''


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_net_becomes_classes_with_its_loops_and_comments(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("small.net").write_text(SMALL, "utf-8")
    code, out, _ = said(capsys, "compile", "small.net", "--target", "pytorch", "-o", "small.py")
    assert code == 0
    assert Path("small.py").read_text("utf-8") == SOURCE
    assert out == "small.py: 1,294 bytes\nsmall.safetensors: 10,232 bytes\n"


def test_a_bound_parameter_is_a_default(folder: Path) -> None:
    network = netlang.loads(SMALL)["Small"].bind(classes=3)
    path, _ = network.write_pytorch("small.py")
    assert "def __init__(self, classes=3):" in path.read_text("utf-8")


@pytest.mark.parametrize(
    ("file", "name"),
    [(file.name, net) for file in sorted(EXAMPLES.glob("*.net")) for net in load(file).nets],
)
def test_every_example_has_a_form_in_the_standard_format(
    file: str, name: str, folder: Path
) -> None:
    if netlang.load(EXAMPLES / file)[name].trainable_parameters > 30_000_000:  # type: ignore[operator]
        pytest.skip("its parameters take seconds to write")
    path, _ = netlang.load(EXAMPLES / file)[name].write_pytorch(folder / "made.py")
    for command in (["check"], ["format", "--check"]):
        arguments = [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", str(path)]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + path.read_text("utf-8")


EXTERN = """\
extern op deform(x: f32[N, 4]) -> y: f32[N, 4] {
  onnx = "com.acme::Deform"
}

net Bent(x: f32[N, 4]) -> y: f32[N, 4] = x |> deform
"""

REJECTED = """\
error[no-pytorch-form]: `deform` has no form in PyTorch
  --> bent.net:5:47
   |
 5 | net Bent(x: f32[N, 4]) -> y: f32[N, 4] = x |> deform
   |                                               ^^^^^^ this is an extern op of the program
   |
   = help: compile the net to ONNX: `--target onnx`
"""


def test_an_extern_op_is_rejected_where_it_is_called(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("bent.net").write_text(EXTERN, "utf-8")
    code, out, err = said(capsys, "compile", "bent.net", "--target", "pytorch", "-o", "bent.py")
    assert (code, out, err) == (1, "", REJECTED)
    assert not Path("bent.py").exists()


@pytest.mark.parametrize("option", [["--opset", "17"], ["--only", "y"], ["--no-fold"]])
def test_an_option_of_onnx_is_rejected(
    option: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("small.net").write_text(SMALL, "utf-8")
    code, _, err = said(
        capsys, "compile", "small.net", "--target", "pytorch", "-o", "small.py", *option
    )
    assert code == 2
    assert f"{option[0]} applies to ONNX models; a program computes the whole net" in err


def prelude() -> dict[str, ast.Declaration]:
    files = [file for file in library_files() if "/" not in file]
    found = {name: definition(file, name) for file in files for name in defined_names(file)}
    return {name: declared for name, declared in found.items() if declared is not None}


def test_every_form_is_of_something_in_the_prelude() -> None:
    assert FORMS.keys() | NUMBERS.keys() | MODULES.keys() <= prelude().keys()
    assert MODULES.keys() == OPERAND_AXIS.keys()


@pytest.mark.parametrize("name", [n for n, f in {**FORMS, **NUMBERS}.items() if isinstance(f, str)])
def test_a_template_names_parameters_of_the_signature(name: str) -> None:
    declared = prelude()[name]
    assert isinstance(declared, ast.Definition | ast.Extern)
    params = {param.name.text for param in declared.params}
    for form in (table[name] for table in (FORMS, NUMBERS) if name in table):
        assert isinstance(form, str)
        assert {field for _, field, _, _ in Formatter().parse(form) if field} <= params


def test_a_long_line_is_broken_as_the_standard_format_does() -> None:
    arguments = ", ".join(f"argument{i}" for i in range(7))
    assert laid_out([f"value = function({arguments})"]) == [
        "value = function(",
        f"    {arguments}",
        ")",
    ]
    assert all(len(line) <= WIDTH for line in laid_out([f"y = {' + '.join(['term'] * 30)}"]))
