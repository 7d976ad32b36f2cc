"""A program: its nets, what they can be bound to, and what opening one touches.

Tests ``netlang.program``.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from netlang.diagnostics.errors import NetlangError
from netlang.program import load

TWO = """\
net Small(x: f32[N, 4], width: int = 3) -> y: f32[N, width] {
  y = dense(x, width)
}

net Large(image: f32[N, 1, H, 2 * W], act: op = relu) -> y: f32[N, 2, H, 2 * W] where H % 4 == 0 {
  y = image |> conv(2, 3, pad=1) |> act
}
"""


def program(folder: Path, text: str):
    path = folder / "example.net"
    path.write_text(text, "utf-8")
    return load(path)


def test_a_program_lists_its_nets_in_the_order_of_the_file(tmp_path: Path) -> None:
    assert list(program(tmp_path, TWO).nets) == ["Small", "Large"]


def test_the_only_net_needs_no_name(tmp_path: Path) -> None:
    small = program(tmp_path, TWO.split("\n\n")[0])
    assert small.net(None).name == "Small"


@pytest.mark.parametrize(
    ("text", "name", "rule", "said"),
    [
        (TWO, None, "which-net", "2 nets"),
        ("a = 1\n", None, "which-net", "no net"),
        (TWO, "Smal", "unknown-net", "Smal"),
        ("a = 1\n", "Small", "unknown-net", "Small"),
    ],
)
def test_an_unknown_net_is_a_usage_error(
    tmp_path: Path, text: str, name: str | None, rule: str, said: str
) -> None:
    with pytest.raises(NetlangError) as caught:
        program(tmp_path, text).net(name)
    assert (caught.value.rule.code, caught.value.exit_code) == (rule, 2)
    assert said in caught.value.message


def test_a_similar_net_is_suggested(tmp_path: Path) -> None:
    with pytest.raises(NetlangError) as caught:
        program(tmp_path, TWO).net("smal")
    assert caught.value.helps == ("did you mean `Small`?",)


def test_a_graph_is_made_once_for_each_choice_of_parameters(tmp_path: Path) -> None:
    net = program(tmp_path, TWO).net("Small")
    assert net.graph is net.graph
    assert net.bind({"width": 5}) is net.bind({"width": 5})
    assert net.bind({"width": 5}) is not net.graph
    assert str(net.bind({"width": 5}).outputs["y"].type) == "f32[N, 5]"


def test_sizes_are_bound_before_the_net_is_elaborated(tmp_path: Path) -> None:
    net = program(tmp_path, TWO).net("Large")
    assert [str(v.type) for v in net.graph.inputs] == ["f32[N, 1, H, 2*W]"]
    assert net.graph.units == {"H": 4}
    bound = net.bind({"H": 8, "W": 3})
    assert [str(v.type) for v in bound.inputs] == ["f32[N, 1, 8, 6]"]


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"H": 6}, "where-fails"),
        ({"H": 0}, "out-of-range"),
        ({"H": -4}, "out-of-range"),
        ({"Q": 4}, "unknown-size"),
        ({"width": 4}, "unknown-size"),
        ({"act": 3}, "wrong-type"),
        ({"H": 2.5}, "wrong-type"),
        ({"W": "4"}, "wrong-type"),
    ],
)
def test_values_that_a_net_does_not_accept_are_rejected(
    tmp_path: Path, values: dict[str, Any], rule: str
) -> None:
    net = program(tmp_path, TWO).net("Large")
    with pytest.raises(NetlangError) as caught:
        net.bind(values)
    assert caught.value.rule.code == rule


def test_a_net_with_an_open_parameter_is_elaborated_when_it_has_a_value(tmp_path: Path) -> None:
    text = TWO.replace("width: int = 3", "width: int")
    opened = program(tmp_path, text)
    assert opened.diagnostics.items == []
    assert str(opened.net("Small").bind({"width": 2}).outputs["y"].type) == "f32[N, 2]"
    with pytest.raises(NetlangError) as caught:
        opened.net("Small").bind({})
    assert caught.value.rule.code == "open-parameter"


def test_the_graph_of_a_net_with_an_error_raises_it(tmp_path: Path) -> None:
    net = program(tmp_path, TWO.replace("f32[N, width] {", "f32[N, 7] {")).net("Small")
    with pytest.raises(NetlangError) as caught:
        net.bind({})
    assert caught.value.rule.code == "shape-mismatch"
    assert "netlang check" in caught.value.helps[-1]


def test_an_error_in_one_net_does_not_affect_the_others(tmp_path: Path) -> None:
    both = program(tmp_path, TWO.replace("f32[N, width] {", "f32[N, 7] {"))
    assert [d.rule.code for d in both.diagnostics.items] == ["shape-mismatch"]
    assert len(both.net("Large").graph.params) == 2


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NetlangError) as caught:
        load(tmp_path / "missing.net")
    assert caught.value.rule.code == "no-such-file"


EXTERN = """\
extern op deform(x: f32[N, C]) -> y: f32[N, C] {
  numpy = "left_a_trace:deform"
}

dataset rows -> (x: f32[4], y: f32[4]) {
  python = "left_a_trace:rows"
}

net Deform(x: f32[N, 4]) -> y: f32[N, 4] {
  y = deform(dense(x, 4))
}

train deform_it {
  data = rows() |> batches(2)
  model = new Deform()
  loss = mse(model(batch.x), batch.y)
  optimizer = sgd(0.1)
  run = 1 epoch
}
"""


def test_checking_imports_no_python_of_the_program_and_no_heavy_library(tmp_path: Path) -> None:
    (tmp_path / "left_a_trace.py").write_text("open('trace', 'w').close()\n", "utf-8")
    (tmp_path / "example.net").write_text(EXTERN, "utf-8")
    script = (
        "import sys; sys.path.insert(0, '.')\n"
        "from netlang.program import load\n"
        "program = load('example.net')\n"
        "assert program.diagnostics.items == [], program.diagnostics.items\n"
        "assert len(program.net(None).graph.nodes) == 2\n"
        "heavy = {'numpy', 'onnx', 'onnxruntime', 'rich', 'left_a_trace'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert not (tmp_path / "trace").exists()


def test_a_plan_holds_the_settings_and_the_names_of_metrics(tmp_path: Path) -> None:
    text = """\
net Small(image: f32[N, 1, 8, 8]) -> logits: f32[N, 10] {
  logits = image |> flatten |> dense(10)
}

train small(lr: float = 0.1) {
  data = digits("train") |> batches(32, shuffle=true)
  model = new Small()
  logits = model(batch.image)
  acc = accuracy(logits, batch.label)
  loss = cross_entropy(logits, batch.label)
  metrics = [
    acc,
    top_k(logits, batch.label, 5) as top5,
    top_k(logits, batch.label, 2),
    logits |> top_k(batch.label, 3),
  ]
  optimizer = sgd(lr)
  run = 10 epochs
}
"""
    opened = program(tmp_path, text)
    assert opened.diagnostics.items == []
    plan = opened.plans["small"]
    assert list(plan.metrics) == ["acc", "top5", "top_k", "top_k2"]
    assert list(plan.measured) == ["loss", *plan.metrics]
    assert str(plan.run) == "10 epochs"


def test_an_imported_net_is_found_by_its_name_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "parts.net").write_text(
        "net Line(x: f32[N, 2]) -> y: f32[N, 1] = dense(x, 1)\n"
        "net Wide(x: f32[N, 2], units: int = 3) -> y: f32[N, units] = dense(x, units)\n"
        "block unit(x) -> y = dense(x, 1)\n"
    )
    file = tmp_path / "main.net"
    file.write_text(
        'from "parts.net" import Line, Wide as Broad, unit\n'
        "net Own(x: f32[N, 2]) -> y: f32[N, 1] = unit(x)\n"
    )
    program = load(file)
    assert program.net(None).name == "Own"
    assert list(program.imported_nets()) == ["Line", "Broad"]
    (output,) = program.net("Broad").bind({"units": 5}).outputs.values()
    assert output.type.shape[1] == 5
    with pytest.raises(NetlangError) as unknown:
        program.net("Broat")
    assert unknown.value.notes == ("its nets: Own", "imported nets: Line, Broad")
    assert unknown.value.helps == ("did you mean `Broad`?",)


def test_the_only_imported_net_of_a_file_without_nets_is_found_without_a_name(
    tmp_path: Path,
) -> None:
    (tmp_path / "parts.net").write_text("net Line(x: f32[N, 2]) -> y: f32[N, 1] = dense(x, 1)\n")
    file = tmp_path / "main.net"
    file.write_text('from "parts.net" import Line\nassert params(Line) == 3\n')
    assert load(file).net(None).name == "Line"
