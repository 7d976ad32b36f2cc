"""A call that is copied makes what a call that is evaluated makes."""

from __future__ import annotations

from pathlib import Path

import pytest
from checked import checked

from netlang.evaluate.calls import calls
from netlang.ir.graph import verify
from netlang.ir.text import print_graph
from netlang.program import Program, open_program

EXAMPLES = sorted(Path(__file__).parents[2].joinpath("examples").glob("*.net"))


def graphs(program: Program) -> dict[str, str]:
    shown = {}
    for name, net in program.nets.items():
        verify(net.graph)
        shown[name] = print_graph(net.graph)
    return shown


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_copied_calls_make_the_graph_that_evaluated_calls_make(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = graphs(checked(path))
    monkeypatch.setattr(calls, "key_of", lambda *_: None)
    assert copied == graphs(open_program(path))


def test_a_copy_does_not_hide_that_weights_collide(tmp_path: Path) -> None:
    file = tmp_path / "twice.net"
    file.write_text(
        "block unit(x) -> y {\n"
        "  y = dense(x, 8)\n"
        "}\n\n"
        "net Twice(x: f32[N, 8]) -> y: f32[N, 8] {\n"
        "  a = unit(x) as same\n"
        "  y = unit(a) as same\n"
        "}\n"
    )
    program = open_program(file)
    program.check()
    assert [d.rule.code for d in program.diagnostics.sorted()] == ["weights-collide"]


def test_each_call_draws_random_numbers_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "noisy.net"
    file.write_text(
        "op noisy(x: f32[N, 2]) -> y = x + random_normal([N, 2])\n\n"
        "net Line(x: f32[N, 2]) -> y: f32[N, 2] = dense(x, 2)\n\n"
        "train line {\n"
        "  data = two_moons(20) |> batches(10)\n"
        "  model = new Line()\n"
        "  a = model(noisy(batch.x))\n"
        "  b = model(noisy(batch.x))\n"
        "  loss = mean((a - b) ** 2)\n"
        "  optimizer = sgd(0.1)\n"
        "  run = 1 epochs\n"
        "}\n"
    )
    program = open_program(file)
    program.check()
    assert program.diagnostics.sorted() == []
    plan = program.plan("line")
    assert plan is not None and len(plan.computation.noise) == 2
