"""A text becomes a tree of its parts, with their spans.

Tests ``netlang.syntax`` and ``netlang.syntax.building``.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from syntax_trees import PROGRAMS, SINGLE_ERRORS, codes, placeless, tree_of, words

from netlang.diagnostics.diagnostic import Diagnostics
from netlang.diagnostics.source import Source
from netlang.syntax import ast, parser
from netlang.syntax.parser import no_definition, parse, parse_part, split_definitions

PRELUDE = sorted((Path(parser.__file__).parent.parent / "prelude").glob("*.net"))


def expression(text: str) -> ast.Expr:
    (bind,) = tree_of(f"x = {text}\n").declarations
    assert isinstance(bind, ast.Bind)
    return bind.value


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_the_example_programs_parse(path: Path) -> None:
    tree = tree_of(path.read_text())
    assert tree.declarations


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_white_space_has_no_meaning(path: Path) -> None:
    text = path.read_text()
    tree = placeless(tree_of(text), docs=False)
    for gap in (" ", "\n", "\t \r\n", "  # remark\n"):
        squeezed = parse(Source("squeezed", gap.join(words(text))), Diagnostics())
        assert squeezed is not None
        assert placeless(squeezed, docs=False) == tree


def test_every_node_knows_its_text() -> None:
    head = "net A(x: f32[N, ...S] = 1) -> (y: f32[]) where N == 1"
    text = head + ' {\n  y = f(-x, a=[1, "b"]).c[0:]\n}\n'
    (net,) = tree_of("# before\n" + text).declarations
    assert isinstance(net, ast.Definition)
    assert net.span.text == text.rstrip()
    assert net.head.text == head
    assert net.params[0].span.text == "x: f32[N, ...S] = 1"
    assert net.outs[0].span.text == "y: f32[]"
    assert isinstance(net.body, ast.Suite)
    bind = net.body.statements[0]
    assert isinstance(bind, ast.Bind)
    index = bind.value
    assert isinstance(index, ast.Index)
    assert index.span.text == 'f(-x, a=[1, "b"]).c[0:]'
    assert index.value.span.text == 'f(-x, a=[1, "b"]).c'
    assert index.items[0].span.text == "0:"


def test_operators_bind_as_in_python() -> None:
    def shown(node: ast.Expr) -> str:
        match node:
            case ast.Binary():
                return f"({shown(node.left)} {node.op} {shown(node.right)})"
            case ast.Unary():
                return f"({node.op} {shown(node.operand)})"
            case _:
                return node.span.text

    assert shown(expression("a or not b and c == d + e * -f ** 2")) == (
        "(a or ((not b) and (c == (d + (e * (- (f ** 2)))))))"
    )
    assert shown(expression("a - b - c // d % e")) == "((a - b) - ((c // d) % e))"
    assert shown(expression("a ** b ** c")) == "(a ** (b ** c))"
    assert shown(expression("1..n - 1")) == "(1 .. (n - 1))"


def test_a_pipeline_of_any_length_is_one_node() -> None:
    pipe = expression("x |> f |> g(1) as h |> f32[N]")
    assert isinstance(pipe, ast.Pipe)
    assert [type(stage).__name__ for stage in pipe.stages] == ["Name", "Label", "Index"]


def test_numbers_strings_and_durations_have_values() -> None:
    assert placeless(expression("60_000")) == ["Int", 60000]
    assert placeless(expression("1_0.5e-3")) == ["Float", 0.0105]
    assert placeless(expression("1e6")) == ["Float", 1e6]
    assert placeless(expression("500  steps")) == ["Duration", 500.0, "steps"]
    assert placeless(expression("1 epoch")) == ["Duration", 1.0, "epochs"]
    assert placeless(expression(r'"a\"\\\n"')) == ["Str", 'a"\\\n']
    assert placeless(expression("9_223_372_036_854_775_807")) == ["Int", 2**63 - 1]
    assert codes("x = 9_223_372_036_854_775_808") == ["number-too-large"]
    assert codes("x = " + "9" * 5000) == ["number-too-large"]


def test_a_doc_comment_belongs_to_the_definition_below_it() -> None:
    text = "## not this\n\n##  one\n## two\nop f(x) = x\n# plain\nop g(x) = x\n"
    first, second = tree_of(text).declarations
    assert isinstance(first, ast.Definition)
    assert isinstance(second, ast.Definition)
    assert (first.doc, second.doc) == ("one\ntwo", "")


def test_comments_are_in_the_tree_with_their_spans() -> None:
    tree = tree_of('a = "#no" # yes\n# own\nb = 2\n')
    assert [(c.text, c.trailing) for c in tree.comments] == [("# yes", True), ("# own", False)]


def test_parameters_after_a_star_are_named() -> None:
    (op,) = tree_of("op f(a, b: int = 1, *, c: int?) = a\n").declarations
    assert isinstance(op, ast.Definition)
    assert [(p.name.text, p.keyword_only) for p in op.params] == [
        ("a", False), ("b", False), ("c", True),
    ]  # fmt: skip


def test_keywords_are_not_names_anywhere() -> None:
    from netlang.syntax.keywords import RESERVED

    assert len(RESERVED) == 29
    for word in sorted(RESERVED):
        for text in (
            f"{word} = 1\n",
            f"op f({word}) = 1\n",
            f"block f(x) {{\n  {word} = x\n}}\n",
            f"x = y as {word}\n",
            f"x = y.{word}\n",
            f"x = f({word}=1)\n",
        ):
            assert len(codes(text)) == 1, text
            if word not in ("true", "false", "none", "not", "new", "for", "if", "scan"):
                assert codes(text) == ["reserved-word"], text


@pytest.mark.parametrize("path", PRELUDE, ids=lambda p: p.stem)
def test_a_definition_cut_out_of_its_file_is_the_same_tree(path: Path) -> None:
    source = Source(path.name, path.read_text(), library=True)
    whole = parse(source, Diagnostics())
    assert whole is not None
    definitions = (d for d in whole.declarations if isinstance(d, ast.Definition | ast.Extern))
    named = {definition.name.text: definition for definition in definitions}
    cuts = split_definitions(source)
    assert cuts.keys() == named.keys()
    for name, (start, end) in cuts.items():
        diagnostics = Diagnostics()
        part = parse_part(source, start, end, diagnostics)
        assert part is not None
        assert diagnostics.items == []
        (cut,) = part.declarations
        assert placeless(cut, places=True) == placeless(named[name], places=True)


def test_an_error_in_a_part_has_its_offset_in_the_file() -> None:
    source = Source("t", "op f(x) = x\nop g(x) = x x\n")
    diagnostics = Diagnostics()
    assert parse_part(source, *split_definitions(source)["g"], diagnostics) is None
    assert diagnostics.items[0].span.line == 2


def test_a_file_of_comments_defines_nothing() -> None:
    found = no_definition(tree_of("# only this\n"))
    assert found is not None
    assert found.rule.code == "no-definition"
    assert no_definition(tree_of("a = 1\n")) is None


# ---- size and depth ------------------------------------------------------------------------


def test_a_chain_of_100_000_terms_is_not_deep() -> None:
    bind = tree_of("x = " + " + ".join(["x"] * 100_000)).declarations[0]
    assert isinstance(bind, ast.Bind)
    assert isinstance(bind.value, ast.Binary)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 201 + "1" + ")" * 201,
        "[" * 100_000,
        "-" * 201 + "1",
        "not " * 100_000 + "true",
        "a" + " ** a" * 300,
        "if a then b else " * 300 + "c",
        "a" + ".b" * 300,
        "a" + "(1)" * 300,
        "-(" * 150 + "1" + ")" * 150,
    ],
    ids=["parens", "open", "signs", "nots", "powers", "ifs", "fields", "calls", "mixed"],
)
def test_nesting_beyond_200_is_rejected(text: str) -> None:
    assert codes(f"x = {text}\n") == ["too-deep"]


def test_nesting_up_to_200_is_accepted() -> None:
    assert codes("x = " + "(" * 200 + "1" + ")" * 200) == []
    assert codes("x = " + "f(-" * 66 + "1" + ")" * 66) == []


def test_a_string_of_a_million_characters_that_never_ends_is_found() -> None:
    assert codes('x = "' + "a" * 1_000_000) == ["unclosed-string"]


@pytest.mark.parametrize("path", SINGLE_ERRORS, ids=lambda p: p.stem)
def test_the_programs_with_errors_break_at_most_one_rule_of_the_syntax(path: Path) -> None:
    expected = {
        "08_paren": ["unclosed-bracket"],
        "17_state": ["missing-next"],
        "23_oneline": ["two-statements"],
        "26_mix": ["pipe-mix"],
        "27_reserved": ["reserved-word"],
        "32_next": ["two-nexts"],
        "33_yield": ["stray-yield"],
        "34_capital": ["capital-name"],
    }
    assert codes(path.read_text()) == expected.get(path.stem, [])
