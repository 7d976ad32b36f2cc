"""Programs with one error each: its message, and that following the help fixes it.

``tests/data/single_errors`` has the programs, each with the output of ``netlang check``.

Tests ``netlang.evaluate``, ``netlang.names`` and ``netlang.syntax.errors``.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from netlang.diagnostics.diagnostic import Diagnostic
from netlang.diagnostics.render import render
from netlang.program import load

DATA = Path(__file__).parent.parent / "data"
SINGLE_ERRORS = sorted((DATA / "single_errors").glob("*.net"))

Edit = tuple[str, str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for programs, next to the examples that some of them import."""
    shutil.copytree(DATA / "language", tmp_path / "language")
    (tmp_path / "single_errors").mkdir()
    monkeypatch.chdir(tmp_path / "single_errors")
    return tmp_path / "single_errors"


def diagnostics(name: str, text: str, folder: Path) -> list[Diagnostic]:
    (folder / name).write_text(text, "utf-8")
    return load(name).diagnostics.sorted()


@pytest.mark.parametrize("path", SINGLE_ERRORS, ids=lambda p: p.stem)
def test_a_program_with_one_error_gets_exactly_its_message(
    path: Path, folder: Path, request: pytest.FixtureRequest
) -> None:
    found = diagnostics(path.name, path.read_text("utf-8"), folder)
    shown = "".join(f"{render(d)}\n" for d in found)
    snapshot = path.with_suffix(".txt")
    if request.config.getoption("--update"):
        snapshot.write_text(shown, "utf-8")
    assert len(found) == 1
    assert shown == snapshot.read_text("utf-8")


FIXES: list[tuple[str, str, list[Edit]]] = [
    ("01_residual", "`conv(x, width, 1, stride=stride)`",
     [("b + x", "b + conv(x, width, 1, stride=stride)")]),
    ("02_output", "write `dense(10)`", [("dense(84)", "dense(10)")]),
    ("03_window", "`pad=same`", [("conv(128, 5)", "conv(128, 5, pad=same)")]),
    ("04_unknown", "netlang calls this `conv`", [("Conv2d", "conv")]),
    ("05_keyword", "`stride`?", [("strides", "stride")]),
    ("06_flatten", "put `flatten` before it", [("dense(c1, 10)", "dense(flatten(c1), 10)")]),
    ("07_twice", "such as `h2`", [("h = dense(h,", "h2 = dense(h,"), ("(h, 2)", "(h2, 2)")]),
    ("08_paren", "add `)` at the end of line 2", [("dense(x, 16)", "dense(x, 16))")]),
    ("09_where", "`where H % 4 == 0, W % 4 == 0` after the net's outputs",
     [("2, H, W] {", "2, H, W] where H % 4 == 0, W % 4 == 0 {")]),
    ("10_dim", "did you mean `T`?", [("L", "T")]),
    ("11_unused", "name it `_b`", [("b =", "_b =")]),
    ("12_dtype", "`tokens: i64[N, T]`", [("tokens: f32[N, T]", "tokens: i64[N, T]")]),
    ("13_labels", "`argmax(batch.label, axis=-1)`",
     [(", batch.label", ", argmax(batch.label, axis=-1)")]),
    ("13_labels", "use `soft_cross_entropy`", [("cross_entropy", "soft_cross_entropy")]),
    ("14_setting", "`optimizer`?", [("optimiser", "optimizer")]),
    ("15_freeze", "`stage1`?", [("stage_1", "stage1")]),
    ("16_if", "`select(gate > 0.5, relu(h), h)`",
     [("if gate > 0.5 then relu(h) else h", "select(gate > 0.5, relu(h), h)")]),
    ("17_state", "add `next h = …`", [("16)\n", "16)\n  next h = y\n")]),
    ("18_broadcast", "`squeeze(guess, -1)`",
     [("guess - ", "squeeze(guess, -1) - "), ("f32[N, N]", "f32[N]")]),
    ("18_broadcast", "`unsqueeze(paid, 0)`", [("- paid", "- unsqueeze(paid, 0)")]),
    ("19_duration", "`500 epochs`", [("500", "500 epochs")]),
    ("19_duration", "`500 steps`", [("500", "500 steps")]),
    ("20_groups", "`groups=1`", [("groups=4", "groups=1")]),
    ("22_same", "write `pad=same`", [('pad="same"', "pad=same")]),
    ("23_oneline", "write `|> relu`", [(") relu", ") |> relu")]),
    ("24_loss", "`mean(squared(model(batch.x), batch.y))`",
     [("= squared(model(batch.x), batch.y)", "= mean(squared(model(batch.x), batch.y))")]),
    ("25_shared", "make a second layer",
     [("new dense(8)\n", "new dense(8)\n  other = new dense(8)\n"), ("code(b)", "other(b)")]),
    ("26_mix", "`(x + z) |> relu`", [("x + z |> relu", "(x + z) |> relu")]),
    ("26_mix", "`x + (z |> relu)`", [("x + z |> relu", "x + (z |> relu)")]),
    ("27_reserved", "`train1`", [("train", "train1")]),
    ("28_new", "`model = new LeNet()`, and call `model(…)`",
     [("  loss = cross_entropy(LeNet", "  model = new LeNet()\n  loss = cross_entropy(model")]),
    ("29_import", "`bottleneck`?", [("bottelneck", "bottleneck")]),
    ("30_valid", "give both the same final size", [('"val", size=256', '"val", size=224')]),
    ("31_scan", "`full([N, 128], 0.0)`",
     [("  start = words[:, 0]\n", ""), ("s = start", "s = full([N, 128], 0.0)")]),
    ("32_next", "give the first value a name of its own",
     [("next h = dense", "h1 = dense"), ("relu(h)", "relu(h1)")]),
    ("33_yield", "given by name", [("  yield y\n", "")]),
    ("34_capital", "call it `vocab`", [("Vocab", "vocab")]),
    ("35_op", "`block head(…)`", [("op head", "block head")]),
    ("36_recursion", "`for i in 1..depth with h = x { next h = … }`",
     [("= if depth == 0 then x else tower(dense(x, 8), depth - 1)",
       "= for i in 1..depth with h = x { next h = dense(h, 8) }")]),
    ("37_noflow", "add a line `z = …`", [("y = relu(x)", "y = relu(x)\n  z = x")]),
]  # fmt: skip
"""A program, what its message suggests, and the edits that follow it."""

ADDITIONAL = {"19_duration": "long-schedule"}
"""500 epochs are a duration, but longer than the run: another warning."""


@pytest.mark.parametrize(("name", "advice", "edits"), FIXES, ids=[fix[0] for fix in FIXES])
def test_following_the_help_fixes_the_program(
    name: str, advice: str, edits: list[Edit], folder: Path
) -> None:
    text = (DATA / "single_errors" / f"{name}.net").read_text("utf-8")
    (error,) = diagnostics(f"{name}.net", text, folder)
    assert advice in " ".join(error.helps)
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    left = [
        d for d in diagnostics("fixed.net", text, folder) if d.rule.code != ADDITIONAL.get(name)
    ]
    assert [render(d) for d in left] == []
