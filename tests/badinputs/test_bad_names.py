"""Rows N: names that lead nowhere, or to more than one thing."""

from __future__ import annotations

from pathlib import Path

import pytest
from answers import accepted, ask, keeps_the_contract, net, rejected


@pytest.mark.parametrize(
    ("written", "meant"),
    [("relux", "relu"), ("Relu", "relu"), ("sigmod", "sigmoid"), ("batchnorm", "batch_norm"),
     ("maxpool", "max_pool"), ("flaten", "flatten"), ("tahn", "tanh")],
)  # fmt: skip
def test_n1_a_misspelt_name_gets_the_right_one(written: str, meant: str, tmp_path: Path) -> None:
    answer = rejected(net(f"x |> {written}"), "unknown-name", folder=tmp_path, line=2)
    assert f"`{meant}`" in answer.text


def test_n2_a_name_used_before_its_line_is_reported(tmp_path: Path) -> None:
    text = "net A(x: f32[N, 4]) -> y {\n  y = h\n  h = relu(x)\n}\n"
    rejected(text, "used-early", folder=tmp_path, line=2)


@pytest.mark.parametrize("body", ["nowhere(x)", "x |> nowhere", "new nowhere()", "nowhere"])
def test_n2_an_undefined_block_is_unknown(body: str, tmp_path: Path) -> None:
    rejected(net(body), "unknown-name", folder=tmp_path, line=2)


@pytest.mark.parametrize(
    ("call", "rule", "said"),
    [
        ("conv(x, 16, kernal=3)", "unknown-parameter", "kernel"),
        ("conv(x, 16, 3, strides=2)", "unknown-parameter", "stride"),
        ("conv(x, 16, kernel=3, kernel=5)", "argument-twice", "kernel"),
        ("conv(x, 16, 3, kernel=5)", "argument-twice", "kernel"),
        ("conv(x)", "missing-argument", "out"),
        ("conv()", "missing-argument", "x"),
        ("conv(x, 16, 3, 1, 1, 1, 1, 1)", "too-many-arguments", "conv"),
        ("relu(x, 1)", "too-many-arguments", "relu"),
    ],
)
def test_n3_arguments_are_named_in_the_error(
    call: str, rule: str, said: str, tmp_path: Path
) -> None:
    answer = ask_rules(net(call), tmp_path)
    assert answer.rules[0] in (rule, "given-twice", "repeated-argument", "duplicate-argument")
    assert said in answer.text


def ask_rules(text: str, folder: Path):
    path = folder / "bad.net"
    path.write_text(text)
    answer = ask("check", path)
    keeps_the_contract(answer)
    assert answer.code == 1
    return answer


@pytest.mark.parametrize(
    "blocks",
    [
        "block a(x) = a(x)",
        "block a(x) = b(x)\nblock b(x) = a(x)",
        "block a(x) = b(x)\nblock b(x) = c(x)\nblock c(x) = a(x)",
        "op a(x) = a(x)",
        "block a(x) { l = new a()\n  y = l(x)\n}",
        "a = b\nb = a",
        "a = a",
        "a = [i for i in a]",
    ],
)
def test_n4_a_circle_is_shown_as_a_path(blocks: str, tmp_path: Path) -> None:
    answer = ask_rules(f"{blocks}\n\n{net('a(x)')}", tmp_path)
    assert "recursion" in answer.rules or "missing-outputs" in answer.rules


def test_n4_a_circle_of_three_names_all(tmp_path: Path) -> None:
    text = "block a(x) = b(x)\nblock b(x) = c(x)\nblock c(x) = a(x)\n" + net("a(x)")
    assert "`a` → `b` → `c` → `a`" in rejected(text, "recursion", folder=tmp_path).text


def test_n4_a_net_that_calls_itself_is_rejected(tmp_path: Path) -> None:
    rejected(net("A(x)"), "recursion", folder=tmp_path)


def test_n4_a_chain_of_five_thousand_blocks_is_answered(tmp_path: Path) -> None:
    chain = "block b0(x) = relu(x)\n" + "".join(
        f"block b{i}(x) = b{i - 1}(x)\n" for i in range(1, 5_000)
    )
    rejected(chain + net("b4999(x)"), "too-deep", folder=tmp_path)


def test_n5_a_name_bound_twice_shows_both_places(tmp_path: Path) -> None:
    text = "net A(x: f32[N, 4]) -> y {\n  x = relu(x)\n  y = x\n}\n"
    rejected(text, "already-bound", folder=tmp_path, line=2)


def test_n5_two_layers_never_share_a_label_by_accident(tmp_path: Path) -> None:
    text = net("x |> conv(3, 1) as c |> conv(3, 1) as c")
    rejected(text, "weights-collide", "already-bound", folder=tmp_path)


def test_n6_an_output_that_is_never_set_is_an_error(tmp_path: Path) -> None:
    rejected("net A(x: f32[N, 4]) -> y {\n  z = x\n}\n", "output-missing", "unused-binding",
            "unused-name", "unused", folder=tmp_path)  # fmt: skip


def test_n6_an_unused_input_is_a_warning(tmp_path: Path) -> None:
    accepted("net A(x: f32[N, 4], z: f32[N]) -> y {\n  y = x\n}\n", tmp_path, "unused-input")


def test_n6_a_block_that_nobody_calls_may_be_there_for_another_file(tmp_path: Path) -> None:
    accepted("block spare(x) = relu(x)\n" + net("x"), tmp_path)


@pytest.mark.parametrize(
    "name",
    ["__class__", "self", "__init__", "con", "nul", "__builtins__", "_", "__", "print", "os",
     "eval",
     "import_", "lambda", "def", "None_", "mro", "forward", "infer"],
)  # fmt: skip
def test_n7_no_name_has_a_meaning_of_pythons(name: str, tmp_path: Path) -> None:
    text = f"net A(x: f32[N, 4]) -> y {{\n  {name} = dense(x, 4)\n  y = relu({name})\n}}\n"
    path = tmp_path / "name.net"
    path.write_text(text)
    for command in ("check", "summary", "names", "show"):
        answer = ask(command, path)
        keeps_the_contract(answer)


@pytest.mark.parametrize("name", ["__class__", "__dict__", "weight", "func_globals", "mro"])
@pytest.mark.parametrize("value", ["x", "relu", "l", "A", "[1]", '"a"', "1", "same", "f32"])
def test_n7_a_field_is_never_an_attribute_of_python(name: str, value: str, tmp_path: Path) -> None:
    path = tmp_path / "field.net"
    path.write_text(
        f"net A(x: f32[N, 4]) -> y {{\n  l = new dense(4)\n  y = l(x)\n  z = {value}.{name}\n}}\n"
    )
    answer = ask("check", path)
    keeps_the_contract(answer)
    assert "<class" not in answer.text and "<function" not in answer.text


@pytest.mark.parametrize("label", ["../x", '"../x"', "a/b", "", "1", "a.b"])
def test_n7_a_label_is_a_name(label: str, tmp_path: Path) -> None:
    assert ask_rules(net(f"conv(x, 3, 1) as {label}"), tmp_path).code == 1


def test_n8_nothing_can_lead_back_to_itself(tmp_path: Path) -> None:
    text = "net A(x: f32[N, 4]) -> y {\n  a = b + x\n  b = relu(a)\n  y = b\n}\n"
    rejected(text, "used-early", folder=tmp_path, line=2)
