"""Sections that are like another one, numbers of durations with a name, and unused parameters.

Tests ``netlang.evaluate.modules.sections``.
"""

from __future__ import annotations

import pytest

import netlang

BASE = """
net Line(x: f32[N, 2]) -> y: f32[N, 1] = dense(x, 1)

train base(lr: float = 0.1, n: int = 3) {
  data = noisy_linear(100, w=[2.0, -3.4], b=4.2) |> batches(10)
  model = new Line()
  loss = mse(model(batch.x), batch.y)
  optimizer = sgd(lr)
  run = n epochs
}
"""


def settings(own: str, section: str) -> dict[str, str]:
    program = netlang.loads(BASE + own)
    assert str(program.check().problems) == ""
    plan = program.plan(section)
    return dict(plan.settings)


def test_a_section_differs_only_in_its_own_lines() -> None:
    base = settings("", "base")
    own = settings("train other like base { optimizer = adam(lr) }\n", "other")
    assert {n for n in base if base[n] != own.get(n)} == {"optimizer"} | {
        n for n in base if n.startswith("optimizer.") and n not in own
    }
    assert own["optimizer"] == "adam"
    assert own["optimizer.lr"] == "0.1"


def test_parameters_are_taken_over_replaced_and_added() -> None:
    own = "train other(n: int = 5, m: float = 0.5) like base { optimizer = sgd(lr, momentum=m) }\n"
    found = settings(own, "other")
    assert (found["run"], found["optimizer.momentum"]) == ("5 epochs", "0.5")
    plan = netlang.loads(BASE + own).plan("other", {"n": "7", "m": "0.25", "lr": "0.3"})
    assert str(plan.run) == "7 epochs"
    assert (plan.settings["optimizer.lr"], plan.settings["optimizer.momentum"]) == ("0.3", "0.25")


def test_a_line_with_a_new_name_comes_before_the_line_that_uses_it() -> None:
    own = "train other like base {\n  rate = lr |> cosine(n epochs)\n  optimizer = sgd(rate)\n}\n"
    assert settings(own, "other")["optimizer.lr"] == "cosine"


def test_a_section_is_like_one_that_is_like_another_in_any_order_of_the_text() -> None:
    own = "train third like second { run = 9 steps }\n\ntrain second like base { seed = 4 }\n"
    assert settings(own, "third")["run"] == "9 steps"
    assert netlang.loads(BASE + own).plan("third").seed == 4


def test_a_step_takes_the_place_of_the_step_of_its_name() -> None:
    steps = (
        "train two {\n"
        "  data = noisy_linear(100, w=[2.0, -3.4], b=4.2) |> batches(10)\n"
        "  model = new Line()\n"
        "  step judge {\n"
        "    loss = mse(model(batch.x), batch.y)\n"
        "    update = [model]\n"
        "    optimizer = sgd(0.1)\n"
        "  }\n"
        "  run = 3 epochs\n"
        "}\n\n"
        "train three like two {\n"
        "  step judge {\n"
        "    loss = mae(model(batch.x), batch.y)\n"
        "    update = [model]\n"
        "    optimizer = sgd(0.2)\n"
        "  }\n"
        "}\n"
    )
    assert settings(steps, "three")["judge.optimizer.lr"] == "0.2"


def test_the_run_of_such_a_section_is_that_of_the_section_written_out() -> None:
    own = "train other like base { optimizer = adam(lr) }\n"
    out = BASE.replace("train base", "train other").replace("sgd", "adam")
    like, whole = netlang.loads(BASE + own).plan("other"), netlang.loads(out).plan("other")
    assert like.settings == whole.settings


@pytest.mark.parametrize(
    ("text", "formatted"),
    [
        ("train a  like   base{}", "train a like base {}\n"),
        (
            "train a(n:int=3)\nlike base{ seed=n }",
            "train a(n: int = 3) like base {\n  seed = n\n}\n",
        ),
        ("train a { run = n   epochs }", "train a {\n  run = n epochs\n}\n"),
    ],
)
def test_sections_are_formatted(text: str, formatted: str) -> None:
    from netlang.diagnostics.diagnostic import Diagnostics
    from netlang.diagnostics.source import Source
    from netlang.syntax.formatting.format import format_file
    from netlang.syntax.parser import parse

    file = parse(Source("t.net", text), Diagnostics())
    assert file is not None
    assert format_file(file) == formatted


def test_signatures_of_sections_are_not_mixed_up() -> None:
    sections = "\n".join(
        f"train s{i}(p{i}: float = 0.{i}) like base {{ optimizer = sgd(p{i}) }}\n"
        for i in range(1, 9)
    )
    assert str(netlang.loads(BASE + sections).problems) == ""


def test_a_parameter_of_a_section_that_is_never_used_is_a_warning() -> None:
    program = netlang.loads(BASE.replace("n: int = 3", "n: int = 3, unused: float = 0.5"))
    (found,) = program.diagnostics
    assert (found.rule.code, found.is_error) == ("unused-input", False)
    with pytest.raises(netlang.Error, match="never used"):
        program.check(strict=True)


def test_a_duration_may_have_a_number_with_a_name() -> None:
    assert str(netlang.loads(BASE).plan("base").run) == "3 epochs"
    text = BASE.replace("n epochs", "n steps").replace("n: int = 3", "n: float = 2.0")
    assert str(netlang.loads(text).plan("base").run) == "2 steps"
