"""Rows L: small programs that require a lot.

Tests ``netlang.evaluate.context``.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from answers import MEMORY, SECONDS, accepted, ask, keeps_the_contract, measured, net, rejected

from netlang.evaluate.context.budget import LENGTH_LIMIT, STEP_LIMIT
from netlang.evaluate.context.budget import NESTING_LIMIT as LISTS_INSIDE_LISTS
from netlang.syntax.building.nodes import NESTING_LIMIT

FLAT = "x: f32[N, 8]"
HALF_A_SECOND = 0.5


def loop(turns: str, body: str = "relu(h)") -> str:
    return f"for i in 1..{turns} with h = x {{\n    next h = {body}\n  }}"


def laughs(levels: int, width: int = 10, call: str = "x |> {}") -> str:
    """Blocks that each call the one before several times."""
    blocks = ["block b0(x) = relu(x)"]
    blocks += [f"block b{i}(x) = x" + f" |> b{i - 1}" * width for i in range(1, levels + 1)]
    return "\n".join([*blocks, net(call.format(f"b{levels}"), FLAT)])


@pytest.mark.parametrize(
    "turns",
    ["1_000_000_000", "1000000000000000000", "9223372036854775807", "10 ** 18", "many", "(10 ** 9)",
     "2 * many", "many ** 2"],
)  # fmt: skip
def test_l1_a_huge_loop_is_counted_not_run(turns: str, tmp_path: Path) -> None:
    text = f"many = 1_000_000_000\n\n{net(loop(turns), FLAT)}"
    answer = rejected(text, "too-large", "number-too-large", folder=tmp_path)
    assert answer.seconds < HALF_A_SECOND


@pytest.mark.parametrize("body", ["[i for i in 1..10 ** 12]", "[x for i in 1..10 ** 9]"])
def test_l1_a_huge_comprehension_is_counted_not_run(body: str, tmp_path: Path) -> None:
    answer = rejected(net(f"concat({body}, axis=1)", FLAT), "too-large", folder=tmp_path)
    assert answer.seconds < HALF_A_SECOND


def test_l2_nested_loops_multiply_before_they_run(tmp_path: Path) -> None:
    lines = ["net A(x: f32[N, 8]) -> y {"]
    before = "x"
    for level in range(1, 11):
        target = "y" if level == 1 else f"next h{level - 1}"
        lines.append(f"{target} = for i{level} in 1..10 with h{level} = {before} {{")
        before = f"h{level}"
    lines += ["next h10 = relu(h10)", *"}" * 11]
    answer = rejected("\n".join(lines) + "\n", "too-large", folder=tmp_path)
    assert "21,111,111,110 calls" in answer.text
    assert answer.seconds < HALF_A_SECOND


def test_l3_a_billion_laughs_are_counted_once_each(tmp_path: Path) -> None:
    answer = rejected(laughs(12), "too-large", folder=tmp_path)
    assert "2,111,111,111,111 calls" in answer.text
    assert answer.seconds < HALF_A_SECOND


@pytest.mark.parametrize(
    "text",
    [
        laughs(60, 2),
        laughs(190, 2),
        laughs(12).replace("block b", "op b"),
        # Behind a layer, a condition, an argument, a list.
        "block b0(x) = relu(x)\n"
        + "".join(
            f"block b{i}(x) -> y {{\n  l = new b{i - 1}()\n  y = x" + " |> l" * 10 + "\n}\n"
            for i in range(1, 13)
        )
        + net("b12(x)", FLAT),
        "block b0(x) = dense(x, 8)\n"
        + "".join(
            f"block b{i}(x) = if size(x, 1) > 1 then x" + f" |> b{i - 1}" * 10 + " else x\n"
            for i in range(1, 13)
        )
        + net("b12(x)", FLAT),
        "block twice(x, f: block) = x |> f |> f\n"
        + "block b0(x) = twice(x, relu)\n"
        + "".join(f"block b{i}(x) = twice(x, b{i - 1})\n" for i in range(1, 60))
        + net("b59(x)", FLAT),
        "block deep(x, n: int) -> y {\n"
        "  y = for i in 1..n with a = x {\n    next a = for j in 1..n with b = a {\n"
        "      next b = for k in 1..n with c = b {\n        next c = relu(c)\n"
        "      }\n    }\n  }\n}\n" + net("deep(x, 1000)", FLAT),
        "net A(x: f32[N, 8], n: int = 1000) -> y {\n"
        "  y = for i in 1..n with a = x {\n    next a = for j in 1..n with b = a {\n"
        "      next b = relu(b)\n    }\n  }\n}\n",
    ],
    ids=["wide", "deep", "ops", "layers", "conditions", "arguments", "parameter", "default"],
)
def test_l3_what_no_text_tells_is_counted_while_it_is_done(text: str, tmp_path: Path) -> None:
    answer = rejected(text, "too-large", "too-deep", folder=tmp_path)
    assert answer.rules == [answer.rules[0]]


@pytest.mark.parametrize(
    "fold",
    [
        "xs + xs", "[xs, xs]", "zip(xs, xs)", "[xs]", "reverse(xs) + xs", "enumerate(xs)",
        "flat([xs, xs, xs])", "[(a, a) for a in xs] + xs", "(xs, xs)", "xs + [xs]",
    ],
)  # fmt: skip
def test_l9_a_list_that_doubles_each_iteration_is_stopped(fold: str, tmp_path: Path) -> None:
    text = f"a = for i in 1..100_000 with xs = [1, 2] {{\n  next xs = {fold}\n}}\n"
    path = tmp_path / "bad.net"
    path.write_text(text)
    answer = measured("check", path)
    keeps_the_contract(answer)
    assert answer.code == 1
    assert answer.seconds < SECONDS
    assert answer.memory < MEMORY


@pytest.mark.parametrize(
    "use", ["xs == xs", "len(xs) + size(x, 1)", "xs in xs", "part(x, xs)", "reshape(x, xs)", "xs"]
)
def test_l9_a_list_that_holds_itself_often_can_be_used(use: str, tmp_path: Path) -> None:
    text = (
        "block part(x, xs: list) = x\n"
        "xs = for i in 1..19 with a = [1] {\n  next a = [a, a]\n}\n" + net(use, FLAT)
    )
    path = tmp_path / "bad.net"
    path.write_text(text)
    answer = measured("check", path)
    keeps_the_contract(answer)
    assert answer.seconds < SECONDS
    assert answer.memory < MEMORY


def test_l4_a_trillion_weights_are_counted_but_not_drawn(tmp_path: Path) -> None:
    path = tmp_path / "wide.net"
    path.write_text(net("dense(x, 1000000, bias=false)", "x: f32[N, 1000000]"))
    summary = measured("summary", path)
    assert summary.code == 0
    assert "1,000,000,000,000" in summary.out
    assert summary.seconds < 1
    assert summary.memory < MEMORY
    import numpy

    numpy.save(tmp_path / "x.npy", numpy.zeros((1, 1_000_000), numpy.float32))
    for command in (
        ["run", path, "--input", f"x={tmp_path / 'x.npy'}"],
        ["run", path, "--input", f"x={tmp_path / 'x.npy'}", "--backend", "numpy"],
        ["compile", path, "-o", tmp_path / "wide.onnx"],
        ["verify", path],
    ):
        answer = ask(*command)
        keeps_the_contract(answer)
        assert answer.rules == ["too-large"], answer.text
        assert answer.code == 1
        assert "4" in answer.text
    assert not (tmp_path / "wide.onnx").exists()


@pytest.mark.parametrize(
    ("signature", "body", "counted"),
    [
        ("x: f32[N, 1099511627776]", "dense(x, 1099511627776, bias=false)", f"{2**80:,}"),
        ("x: f32[N, 2147483648]", "dense(x, 2147483648, bias=false)", f"{2**62:,}"),
        ("x: f32[4294967296, 4294967296, 4294967296]", "relu(x)", "4294967296"),
    ],
)
def test_l5_products_are_exact_past_sixty_four_bits(
    signature: str, body: str, counted: str, tmp_path: Path
) -> None:
    path = tmp_path / "wide.net"
    path.write_text(net(body, signature))
    answer = measured("summary", path)
    keeps_the_contract(answer)
    assert counted in answer.text
    assert answer.seconds < SECONDS


def test_l6_a_thousand_layers_are_checked_and_summarized(tmp_path: Path) -> None:
    path = tmp_path / "chain.net"
    path.write_text(net(loop("1_000", "dense(h, 8)"), FLAT))
    assert "72,000" in ask("check", path).out
    compiled = ask("compile", path, "-o", tmp_path / "chain.onnx")
    assert compiled.code == 0, compiled.text
    assert compiled.seconds < 5


@pytest.mark.parametrize("layer", ["relu(h)", "dense(h, 8)", "h + x", "dropout(h, 0.5)"])
def test_l6_a_chain_of_ten_thousand_layers_is_legal(layer: str, tmp_path: Path) -> None:
    accepted(net(loop("10_000", layer), FLAT), tmp_path)


def test_l6_a_hundred_thousand_layers_are_counted_not_made(tmp_path: Path) -> None:
    answer = rejected(net(loop("100_000"), FLAT), "too-large", folder=tmp_path)
    assert answer.seconds < HALF_A_SECOND


@pytest.mark.slow
def test_l7_weights_of_more_than_two_gigabytes_go_to_a_file_of_their_own(tmp_path: Path) -> None:
    import onnx

    path, out = tmp_path / "wide.net", tmp_path / "out" / "wide.onnx"
    path.write_text(net("dense(x, 23_000, bias=false)", "x: f32[N, 23000]"))
    out.parent.mkdir()
    answer = measured("compile", path, "-o", out, timeout=300)
    assert answer.code == 0, answer.text
    size = 4 * 23_000**2
    assert {p.name: p.stat().st_size >= size for p in out.parent.iterdir()} == {
        "wide.onnx": False,
        "wide.onnx.data": True,
    }
    assert size > 2.1e9
    onnx.checker.check_model(out, full_check=True)


@pytest.mark.slow
def test_l6_ten_thousand_convolutions_are_legal(tmp_path: Path) -> None:
    text = net(loop("10_000", "h |> conv(8, 3, pad=1)"), "x: f32[N, 8, 8, 8]")
    accepted(text, tmp_path)


@pytest.mark.parametrize(
    "value",
    ["2 ** 2 ** 2 ** 2 ** 2 ** 2", "10 ** 10 ** 10", "9 ** 9 ** 9 ** 9", "2 ** 63", "-(2 ** 63)",
     "9223372036854775807 + 1", "4611686018427387904 * 2", "(0 - 3) ** 41", "1e308 * 10",
     "1e200 ** 2",
     "10.0 ** 400", "2 ** 1000000000", "exp(1000.0)", "1e308 + 1e308"],
)  # fmt: skip
def test_l8_constants_stay_below_two_to_the_sixty_three(value: str, tmp_path: Path) -> None:
    answer = rejected(f"a = {value}\n", "number-too-large", "out-of-range", folder=tmp_path, line=1)
    assert answer.seconds < HALF_A_SECOND


@pytest.mark.parametrize("fold", ["s + s", 's + "aaaaaaaaaa" + s'])
def test_l8_a_string_does_not_double_for_ever(fold: str, tmp_path: Path) -> None:
    text = f'a = for i in 1..100 with s = "a" {{\n  next s = {fold}\n}}\n'
    rejected(text, "too-large", folder=tmp_path)


def test_l8_a_string_is_not_multiplied(tmp_path: Path) -> None:
    rejected('a = "a" * 10 ** 12\n', "wrong-type", folder=tmp_path)


@pytest.mark.parametrize(
    "value",
    ["[i for i in 0..10 ** 12]", "reverse(0..10 ** 12)", "(0..10 ** 12) + [1]",
     "(0..10 ** 12)[1:]", "zip(1..10 ** 9, 1..10 ** 9)", "(1..10 ** 12) == (1..10 ** 12)"],
)  # fmt: skip
def test_l9_no_list_is_longer_than_a_million(value: str, tmp_path: Path) -> None:
    answer = rejected(f"a = {value}\n", "too-large", folder=tmp_path)
    assert answer.seconds < HALF_A_SECOND


@pytest.mark.parametrize("value", ["len(0..10 ** 12)", "7 in 0..10 ** 12"])
def test_l9_a_range_takes_no_room(value: str, tmp_path: Path) -> None:
    accepted(f"a = {value}\n", tmp_path)


@pytest.mark.parametrize(
    "step",
    [
        "h * (N + 1)",
        "h * h",
        "(h + 1) // 3",
        "(h * 3 + N) // 7",
        "(h + N) * (h + C) // 2",
        "h % (N + C)",
    ],
)
def test_l8_a_symbolic_size_does_not_grow_for_ever(step: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.net"
    path.write_text(
        "net A(x: f32[N, C]) -> y {\n"
        f"  s = for i in 1..2_000 with h = N {{\n    next h = {step}\n  }}\n"
        "  y = reshape(x, [s, -1])\n}\n"
    )
    answer = measured("check", path)
    keeps_the_contract(answer)
    assert answer.code == 1
    assert answer.seconds < SECONDS
    assert answer.memory < MEMORY


def test_l8_a_size_that_is_halved_ten_thousand_times_is_answered(tmp_path: Path) -> None:
    path = tmp_path / "bad.net"
    text = net(loop("10_000", "max_pool(h, 3, 2)"), "x: f32[N, 3, H, W]")
    path.write_text(text)
    answer = measured("check", path)
    keeps_the_contract(answer)
    assert answer.seconds < SECONDS


_LONG = "a = 1..900_000\n"
_CHAIN = (
    "net X(x: f32[N, 4]) -> y: f32[N, 4] {\n"
    "  y = for i in 1..500 with h = x {\n    next h = dense(h, 4)\n  }\n}\n"
)
_SELECTIONS = (
    "train t {\n  data = two_moons(10) |> batches(5)\n  model = new X()\n"
    "  loss = cross_entropy(model(batch.x), batch.label)\n"
    '  freeze = [pick(model, "**") for i in 1..9_000]\n'
    "  optimizer = sgd(0.1)\n  run = 1 epochs\n}\n"
)
_ALIKE = "ab" * 15
_TYPOS = (
    "".join(f"op {_ALIKE}{i}(x) = x\n" for i in range(600))
    + "net X(x: f32[N, 4]) -> y: f32[N, 4] {\n"
    + "".join(f"  v{i} = {_ALIKE}x{i}(x)\n" for i in range(400))
    + "  y = x\n}\n"
)


@pytest.mark.parametrize(
    "text",
    [
        _LONG + "b = [a == 1..900_000 for i in 1..500]\n",
        _LONG + "b = [total(a) for i in 1..500]\n",
        _LONG + "b = [len(zip(a, a)) for i in 1..500]\n",
        _LONG + "b = len(zip(a, a))\n",
        "a = [1 for i in 1..30_000]\nb = [product(a) for i in 1..20_000]\n",
        _CHAIN + "b = [params(X) for i in 1..20_000]\nc = [macs(X) for i in 1..20_000]\n",
        _CHAIN.replace("x: f32[N, 4]", "x: f32[N, 2]") + _SELECTIONS,
        net("for j in 1..500 with h = x {\n    next h = take(h, [0 for i in 1..20_000], axis=1)"
            "[:, :8]\n  }", FLAT),
        _TYPOS,
        net("reshape(x, 1..900_000)", FLAT),
        net("param(1..900_000)", FLAT),
        f"{_LONG}net X(x: f32[N, 4]) -> y: f32[N, 4] = transpose(x, a)[a]\n",
    ],
    ids=["equal", "total", "zip", "zip once", "product", "params", "pick", "take", "typos",
         "reshape", "param", "transpose"],
)  # fmt: skip
def test_l9_what_goes_over_a_long_list_is_counted_before(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.net"
    path.write_text(text)
    answer = measured("check", path)
    keeps_the_contract(answer)
    assert answer.code == 1
    assert answer.seconds < SECONDS
    assert answer.memory < MEMORY
    assert len(answer.text) < 40_000


@pytest.mark.parametrize(
    "text",
    [
        net(loop("33", "unsqueeze(h, 0)"), FLAT),
        net("reshape(x, [N, 8] + [1 for i in 1..31])", FLAT),
        net("x", f"x: f32[N, {', '.join(['1'] * 32)}]"),
        net("x + param([1 for i in 1..33])", FLAT),
        net("full([1 for i in 1..33], 0.5)", FLAT),
    ],
    ids=["unsqueeze", "reshape", "input", "param", "full"],
)
def test_l9_no_tensor_has_more_axes_than_arrays_have(text: str, tmp_path: Path) -> None:
    answer = rejected(text, "too-large", folder=tmp_path, line=None)
    assert "no tensor has more than 32 axes" in answer.text


def test_l9_a_tensor_may_have_thirty_two_axes(tmp_path: Path) -> None:
    accepted(net("reshape(x, [N, 8] + [1 for i in 1..30])", FLAT), tmp_path)


@pytest.mark.parametrize("use", ["a[1:]", "dropout(x, a)", "upsample(x, 2, mode=a)"])
def test_l9_a_long_string_is_shown_in_part(use: str, tmp_path: Path) -> None:
    doubled = 'for i in 1..19 with s = "a" {\n  next s = s + s\n}'
    text = f"a = {doubled}\n" + net(f"[{use} for i in 1..3]", "x: f32[N, 8, 4, 4]")
    answer = rejected(text, "wrong-type", "out-of-range", folder=tmp_path, line=None)
    assert "aaaaaaaaaa…" in answer.text
    assert len(answer.text) < 2_000
    assert answer.seconds < SECONDS


def test_l10_ten_thousand_errors_are_shown_in_part(tmp_path: Path) -> None:
    path = tmp_path / "bad.net"
    uses = "".join(f"a{i} = nowhere{i}\n" for i in range(10_000))
    path.write_text(uses)
    answer = measured("check", path)
    keeps_the_contract(answer)
    assert len(answer.rules) == 20
    assert "+ 9,980 more" in answer.text


def test_the_limits_are_those_that_are_promised() -> None:
    page = (Path(__file__).parents[2] / "SECURITY.md").read_text("utf-8")
    promised = " ".join(page.split())
    assert f"Checking takes at most {STEP_LIMIT:,} steps" in promised
    assert f"nest at most {NESTING_LIMIT} deep, lists {LISTS_INSIDE_LISTS}" in promised
    assert LENGTH_LIMIT == 1_000_000
    assert "have at most a million items" in promised


@pytest.mark.parametrize("body, rule", [
    ("split(x, 7, axis=1)", "split-mismatch"),
    ("split(x, 1_000_000_000_000, axis=1)[0]", "out-of-range"),
    ("unstack(x, axis=1)[5]", "out-of-range"),
    ("group_norm(x, 7)", "assertion"),
])  # fmt: skip
def test_l9_what_divides_a_huge_size_is_not_tried_one_by_one(
    body: str, rule: str, tmp_path: Path
) -> None:
    text = net(body, "x: f32[N, 1_000_000_000_000, 4]")
    rejected(text, rule, folder=tmp_path, line=None)


def test_l9_parts_of_a_tensor_are_counted_like_the_items_of_a_list(tmp_path: Path) -> None:
    parts = "  p{0} = split(x, 80_000, axis=1)\n"
    cuts = "".join(parts.format(i) for i in range(3))
    text = f"net A(x: f32[N, 80_000]) -> y {{\n{cuts}  y = p0[0] + p1[0] + p2[0]\n}}\n"
    rejected(text, "too-large", folder=tmp_path, line=3)


def test_the_memory_of_a_huge_kernel_is_counted_at_once(tmp_path: Path) -> None:
    path = tmp_path / "huge.net"
    path.write_text("net A(x: f32[N, 3, 5_000_000, 5_000_000]) -> y = conv(x, 8, 4_000_000)\n")
    answer = ask("summary", path)
    assert answer.code == 0
    assert answer.seconds < SECONDS
