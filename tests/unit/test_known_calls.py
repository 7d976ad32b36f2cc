"""What is known of calls of the library makes the same graphs as evaluating them again.

Tests ``netlang.evaluate.context.known_calls``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from netlang.editor import Analyser, analyse
from netlang.editor.facts import analyser as analyser_module
from netlang.evaluate.calls import calls
from netlang.evaluate.context.known_calls import KnownCalls
from netlang.ir.graph import Graph
from netlang.ir.text import print_graph
from netlang.program import Program, open_program

EXAMPLES = sorted(Path(__file__).parents[2].joinpath("examples").glob("*.net"))


def checked(path: Path, known: KnownCalls | None, text: str | None = None) -> Program:
    program = open_program(path, text, editing=True)
    program.known_calls = known
    program.check()
    return program


def made(program: Program) -> dict[str, object]:
    """Return all that a program makes: messages, graphs with their places, steps of training."""
    found: dict[str, object] = {"messages": list(program.diagnostics.sorted())}
    for name, net in program.nets.items():
        if net.complete:
            found[f"net {name}"] = print_graph(net.graph)
    for name, plan in program.plans.items():
        of = plan.computation
        inputs = (*of.batch.values(), *of.noise)
        graph = Graph(name, inputs, of.params, of.nodes, {}, of.states)
        found[f"train {name}"] = (
            print_graph(graph),
            [(u.name, u.loss.name, u.paths) for u in plan.updates],
            sorted(noise.site for noise in of.noise.values()),
        )
    return found


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_known_calls_make_what_evaluated_calls_make(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    known = KnownCalls()
    first, again = made(checked(path, known)), made(checked(path, known))
    fresh = made(checked(path, None))
    assert first == fresh
    assert again == fresh


def test_the_parts_of_the_library_in_a_known_net_are_not_evaluated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = EXAMPLES[0].with_name("googlenet.net")
    known = KnownCalls()
    checked(path, known)
    evaluated: list[str] = []
    run_body = calls.run_body
    monkeypatch.setattr(
        calls, "run_body", lambda f, *rest: (evaluated.append(f.name), run_body(f, *rest))[1]
    )
    checked(path, known)
    assert "inception" in evaluated
    assert "conv" not in evaluated and "max_pool" not in evaluated


TWICE = """\
net Twice(x: f32[N, 8]) -> y: f32[N, 8] {
  a = dense(x, 8) as same
  y = dense(a, 8) as same
}
"""


def test_a_known_call_does_not_hide_that_weights_collide() -> None:
    analyser = Analyser("twice.net")
    analyser.analyse(TWICE.replace("(a, 8) as same", "(a, 8) as other"))
    found = analyser.analyse(TWICE).problems
    assert found == analyse(TWICE, path="twice.net").problems
    assert [each.rule for each in found] == ["weights-collide"]
    (first,) = found[0].related
    assert TWICE[first.location.start : first.location.end] == "dense(x, 8)"


SHARED = """\
block unit(x) -> y = dense(x, 8)

net Shared(x: f32[N, 8]) -> y: f32[N, 8] {
  layer = new unit()
  other = new dense(8)
  y = x |> layer |> layer |> other |> other
}

train shared {
  data = two_moons(20) |> batches(10)
  wide = new dense(8)
  model = new Shared()
  loss = mean(square(model(model(wide(batch.x)))))
  optimizer = sgd(0.1)
  run = 1 epochs
}
"""


def test_a_layer_that_is_called_twice_shares_the_parameters_of_a_known_call() -> None:
    known = KnownCalls()
    checked(Path("shared.net"), known, SHARED)
    again = checked(Path("shared.net"), known, SHARED)
    assert not again.diagnostics.items
    assert made(again) == made(checked(Path("shared.net"), None, SHARED))
    assert len(again.nets["Shared"].graph.params) == 4


def test_near_the_limit_of_steps_nothing_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """With copies, such a text could have an error that it has not, or lack one that it has.

    The first call of `conv` takes more steps than those after it, which repeat parts of it.
    """
    limit = 100_000

    def opened(*args: Any, **options: Any) -> Program:
        program = open_program(*args, **options)
        program.budget.limit = limit
        return program

    monkeypatch.setattr(analyser_module, "open_program", opened)
    text = (
        "net Many(x: f32[N, 8, 1]) -> y: f32[N, 8, 1] {\n"
        "  h = [conv(x, i, 1) for i in {range}]\n"
        "  y = x\n}\n"
    )
    analyser = Analyser("many.net")
    analyser.analyse(text.replace("{range}", "1..9"))
    version = text.replace("{range}", "2..9")
    program = checked(Path("many.net"), None, version)
    needed = program.budget.spent
    for limit in range(needed - 20, needed + 20):
        facts, fresh = analyser.analyse(version), analyse(version, path="many.net")
        assert facts.problems == fresh.problems
        assert any(p.rule == "too-large" for p in facts.problems) == (limit < needed)
