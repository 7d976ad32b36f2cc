"""Diagrams of train sections: their data, nets, losses and optimizers."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from checked import checked
from commands import said

import netlang
from netlang.diagnostics.diagnostic import Diagnostics
from netlang.diagram.outline import Box, Frame, Outline, boxes_of
from netlang.diagram.rendering import render
from netlang.training.section_diagram import outline_of

EXAMPLES = Path(__file__).parents[2] / "examples"
SECTIONS = [
    (path.name, name) for path in sorted(EXAMPLES.glob("*.net")) for name in checked(path).sections
]


def outline(file: str, section: str) -> Outline:
    plan = checked(EXAMPLES / file).plan(section, None, Diagnostics())
    assert plan is not None
    return outline_of(plan)


def test_a_gan_has_two_nets_and_a_loss_of_each() -> None:
    made = outline("gan.net", "gan")
    boxes = {box.number: f"{box.name} {box.description}".strip() for box in made.boxes()}
    frames = [item for item in made.items if isinstance(item, Frame)]
    assert [frame.label for frame in frames] == [
        "step judging",
        "step making",
        "in detail: generator  Generator",
        "in detail: judge  Judge",
    ]
    net = {box.number for box in boxes_of([i for i in made.items if i not in frames[2:]])}
    assert {(boxes[a], boxes[b]) for a, b in made.edges if a in net} == {
        ("fake random normal", "generator Generator"),
        ("data transformed_gaussian", "judge Judge"),
        ("generator Generator", "judge Judge"),
        ("judge Judge", "judging.loss bce_with_logits, add, div"),
        ("judge Judge", "making.loss bce_with_logits"),
        ("judging.loss bce_with_logits, add, div", "adam lr 0.05"),
        ("making.loss bce_with_logits", "adam lr 0.005"),
    }
    facts = [box.facts for box in made.boxes() if box.number in net]
    assert ("x: [N, 2]", "batches of 8, shuffled") in facts
    assert ("[N]", "37 parameters") in facts
    assert ("[N]", "shared parameters") in facts
    assert ("updates judge",) in facts
    detail = [box.name for box in frames[3].items if isinstance(box, Box)]
    assert (detail[0], detail[-1]) == ("point", "logit")


def test_a_gradient_in_a_loss_has_its_sources() -> None:
    made = outline("gradient_penalty.net", "penalty")
    boxes = {box.number: f"{box.name} {box.description}".strip() for box in made.boxes()}
    into = {boxes[a] for a, b in made.edges if boxes[b] == "gradient"}
    assert into == {"critic Critic", "x mul, sub, add"}


@pytest.mark.parametrize(("file", "section"), SECTIONS)
def test_every_section_fits_a_page(file: str, section: str) -> None:
    made = outline(file, section)
    numbers = [box.number for box in made.boxes()]
    assert sorted(numbers) == sorted(set(numbers))
    assert {number for edge in made.edges for number in edge} <= set(numbers)
    drawing = render(made)
    assert 0.5 <= drawing.width / drawing.height <= 2.0


def test_draw_takes_a_section(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run = partial(said, capsys)
    file = str(EXAMPLES / "gan.net")
    code, out, err = run("draw", file, "gan", "-o", "gan.svg")
    assert (code, out.splitlines()[-1], err) == (0, "gan: 24 layers in 6 boxes", "")
    assert run("draw", file, "gan", "-o", "gan.svg", "--depth", "2")[::2] == (
        2,
        f"error[usage]: --depth is for a net, and `gan` of {file} is a train section\n"
        "   |\n   = help: `netlang draw --help` lists the arguments and options\n",
    )
    diagram = netlang.load(file).draw()
    assert diagram._repr_html_().startswith("<svg")


def test_a_misspelled_section_is_answered_with_sections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    file = EXAMPLES / "train_digits.net"
    assert said(capsys, "draw", str(file), "readr", "-o", "a.svg")[2] == (
        f"error[unknown-section]: {file} has no train section `readr`\n"
        "   |\n   = note: its train sections: reader\n   = help: did you mean `reader`?\n"
    )


def test_an_imported_net_is_not_a_misspelled_section(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (EXAMPLES / "train_digits.net").read_text()
    net, section = text.split("train reader", 1)
    Path("nets.net").write_text(net)
    Path("a.net").write_text(f'from "nets.net" import Reader\n\ntrain reader{section}')
    for name in ("Reader", None):
        code, out, _ = said(capsys, "draw", "a.net", *([name] if name else []), "-o", "a.svg")
        assert (code, out.splitlines()[-1].split(":")[0]) == (0, "Reader")
    code, out, _ = said(capsys, "profile", "a.net", "Reader", "--runs", "1")
    assert (code, out.split()[0]) == (0, "Reader")
