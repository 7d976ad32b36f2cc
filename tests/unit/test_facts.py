"""What an editor shows about a text, also about one with errors, and about one that is edited.

Tests ``netlang.editor.facts``.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from netlang.diagnostics.errors import NetlangError
from netlang.editor import Analyser, Facts, analyse
from netlang.editor.facts.elsewhere import programs_below
from netlang.editor.facts.positions import Positions
from netlang.editor.facts.renaming import apply_edits
from netlang.program import open_program

DATA = Path(__file__).parents[1] / "data"
FAULTS = sorted((DATA / "single_errors").glob("*.net"))
EXAMPLES = Path(__file__).parents[2] / "examples"

STAGES = """\
block unit(x, out: int) -> y {
  h = x |> conv(out, 3, pad=1) |> relu
  y = conv(h, out, 3, pad=1)
}

## Two stages.
net Small(image: f32[N, 3, 32, 32]) -> logits: f32[N, 10] {
  a = unit(image, 16)
  b = unit(a, 32)
  logits = b |> global_avg_pool |> dense(10)
}

train small {
  data = digits("train") |> batches(32)
  model = new Small()
  loss = mean(batch.image)
  optimizer = sgd(0.1)
  run = 1 epochs
}
"""


def types(facts: Facts) -> dict[str, str]:
    """Return the types of all names: line, counted from 1, and name to type."""
    found: dict[str, str] = {}
    for hint in facts.hints:
        if hint.kind == "type":
            line = facts.positions.position(hint.offset)[0] + 1
            name = re.search(r"\w+$", facts.text[: hint.offset])
            assert name is not None
            found[f"{line} {name[0]}"] = hint.text
    return found


def at(text: str, word: str, number: int = 0) -> int:
    """Return the offset of the occurrence of a word with a number."""
    return [m.start() for m in re.finditer(rf"\b{re.escape(word)}", text)][number]


# ---- hints -----------------------------------------------------------------------------------


def test_a_name_in_a_block_has_a_type_for_each_call() -> None:
    facts = analyse(STAGES)
    assert types(facts) == {
        "1 x": ": f32[N, 3, 32, 32] … f32[N, 16, 32, 32]",
        "2 h": ": f32[N, 16, 32, 32] … f32[N, 32, 32, 32]",
        "3 y": ": f32[N, 16, 32, 32] … f32[N, 32, 32, 32]",
        "8 a": ": f32[N, 16, 32, 32]",
        "9 b": ": f32[N, 32, 32, 32]",
        "10 logits": ": f32[N, 10]",
        "14 data": ": image: f32[N, 1, 8, 8], label: i64[N]",
        "16 loss": ": f32[]",
    }


def test_an_argument_without_a_name_has_that_of_its_parameter() -> None:
    facts = analyse(
        "net A(x: f32[N, 4]) -> y {\n  out = 8\n  h = dense(x, 5)\n  y = dense(h, out)\n}\n"
    )
    shown = [(hint.offset, hint.text) for hint in facts.hints if hint.kind == "parameter"]
    assert shown == [(at(facts.text, "5"), "out=")]


def test_a_number_that_is_computed_has_its_value() -> None:
    text = "half = 64 // 2\nwidth = 64\nnet A(x: f32[N, half]) -> y = x |> dense(width * 2)\n"
    assert types(analyse(text)) == {"1 half": " = 32", "3 y": ": f32[N, 128]"}


@pytest.mark.parametrize("path", FAULTS, ids=lambda path: path.stem)
def test_the_types_of_the_lines_before_an_error_remain(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    text = path.read_text("utf-8")
    facts = analyse(text, path=path.name)
    lines = [
        facts.positions.position(problem.location.start)[0]
        for problem in facts.problems
        if problem.severity == "error"
    ]
    before = text.split("\n")[: min(lines, default=text.count("\n"))]
    kind = ""
    expected: set[str] = set()
    for number, line in enumerate(before, 1):
        kind = line.split(" ")[0] if line[:1].isalpha() else kind
        bound = re.match(r"  (\w+) = (?!new ).*[^{]$", line)
        if bound is not None and kind in ("net", "block"):
            expected.add(f"{number} {bound[1]}")
    assert expected <= types(facts).keys()


def test_a_part_that_does_not_parse_leaves_the_others_as_they_are() -> None:
    broken = STAGES.replace("unit(a, 32)", "unit(a, 32")
    facts = analyse(broken)
    assert [problem.rule for problem in facts.problems] == ["unclosed-bracket"]
    assert types(facts)["8 a"] == ": f32[N, 16, 32, 32]"
    assert types(facts)["14 data"] == ": image: f32[N, 1, 8, 8], label: i64[N]"
    assert [symbol.name for symbol in facts.symbols] == ["unit", "Small", "small"]


# ---- problems --------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["single_errors", "panel", "repairs"])
def test_problems_are_what_check_reports_and_each_fix_removes_its_own(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(DATA / folder)
    fixes = 0
    for path in sorted(Path().glob("*.net")):
        facts = analyse(path.read_text("utf-8"), path=path)
        program = open_program(path)
        program.check()
        checked = program.diagnostics.sorted()
        assert [(p.rule, p.message, p.location.start) for p in facts.problems] == [
            (d.rule.code, d.message, d.span.start) for d in checked
        ], path
        for problem in facts.problems:
            same = [p.message for p in facts.problems].count(problem.message)
            for fix in problem.fixes:
                fixes += 1
                fixed = open_program(path, apply_edits(facts.text, fix.edits))
                fixed.check()
                left = [d.message for d in fixed.diagnostics.sorted()].count(problem.message)
                assert left < same, (path, fix)
    assert fixes > 15


def test_unsaved_texts_replace_the_file_and_its_imports(tmp_path: Path) -> None:
    main, blocks = tmp_path / "main.net", tmp_path / "blocks.net"
    text = 'from "blocks.net" import unit\n\nnet A(x: f32[N, 4]) -> y = unit(x)\n'
    facts = analyse(text, path=main)
    assert [problem.rule for problem in facts.problems] == ["import-file"]
    held = {blocks: "block unit(x) -> y = dense(x, 7)\n"}
    facts = analyse(text, path=main, texts=held)
    assert (facts.problems, types(facts)) == ((), {"3 y": ": f32[N, 7]"})
    blocks.write_text("block unit(x) -> y = dense(x, 9)\n", "utf-8")
    assert types(analyse(text, path=main)) == {"3 y": ": f32[N, 9]"}
    assert types(analyse(text, path=main, texts=held)) == {"3 y": ": f32[N, 7]"}


def test_an_error_in_an_import_is_located_there(tmp_path: Path) -> None:
    (tmp_path / "blocks.net").write_text("block unit(x) -> y = dens(x, 9)\n", "utf-8")
    text = 'from "blocks.net" import unit\n\nnet A(x: f32[N, 4]) -> y = unit(x)\n'
    (problem,) = analyse(text, path=tmp_path / "main.net").problems
    assert Path(problem.location.path).name == "blocks.net"


def test_an_import_that_is_not_a_program_is_the_only_problem(tmp_path: Path) -> None:
    (tmp_path / "blocks.net").write_bytes(b"\x89PNG\r\n\x1a\n")
    text = 'from "blocks.net" import unit\nnet A(x: f32[N, 4]) -> y = unit(x)\n'
    facts = analyse(text, path=tmp_path / "main.net")
    assert [problem.rule for problem in facts.problems] == ["not-text"]
    assert facts.hints == facts.symbols == facts.lenses == ()


# ---- editing ---------------------------------------------------------------------------------


def test_only_what_changed_is_evaluated_again() -> None:
    analyser = Analyser()
    analyser.analyse(STAGES)
    assert analyser.evaluations == ["Small", "small"]
    two = f"{STAGES}\nnet Other(x: f32[N, 2]) -> y = dense(x, 3)\n"
    analyser.analyse(two)
    assert analyser.evaluations == ["Other"]
    analyser.analyse(f"# a comment\n\n{two}")
    assert analyser.evaluations == []
    analyser.analyse(two.replace("dense(x, 3)", "dense(x, 4)"))
    assert analyser.evaluations == ["Other"]
    analyser.analyse(two)  # undone
    assert analyser.evaluations == []
    analyser.analyse(two.replace("run = 1 epochs", "run = 2 epochs"))
    assert analyser.evaluations == ["small"]
    analyser.analyse(two.replace("pad=1) |>", "pad=2) |>"))
    assert analyser.evaluations == ["Small", "small"]


def test_a_net_is_evaluated_again_when_an_import_changes(tmp_path: Path) -> None:
    analyser = Analyser(tmp_path / "main.net")
    text = 'from "blocks.net" import unit\n\nnet A(x: f32[N, 4]) -> y = unit(x)\n'
    blocks = {tmp_path / "blocks.net": "block unit(x) -> y = dense(x, 7)\n"}
    analyser.analyse(text, blocks)
    analyser.analyse(text, blocks)
    assert analyser.evaluations == []
    blocks = {tmp_path / "blocks.net": "block unit(x) -> y = dense(x, 8)\n"}
    assert types(analyser.analyse(text, blocks)) == {"3 y": ": f32[N, 8]"}
    assert analyser.evaluations == ["A"]


def test_a_diagnostic_moves_with_its_text() -> None:
    wrong = STAGES.replace("b = unit(a, 32)", "b = unit(a, 32) + a")
    analyser = Analyser()
    before = analyser.analyse(wrong).problems
    after = analyser.analyse(f"\n\n{wrong}").problems
    assert analyser.evaluations == []
    places = [problem.location.start for problem in after]
    assert places == [problem.location.start + 2 for problem in before]
    assert "shape-mismatch" in [problem.rule for problem in before]


# ---- names -----------------------------------------------------------------------------------


def test_a_name_leads_to_where_it_is_defined() -> None:
    facts = analyse(STAGES)
    unit = facts.definition(at(STAGES, "unit", 1))
    assert unit is not None and (unit.path, unit.start) == ("untitled.net", at(STAGES, "unit"))
    conv = facts.definition(at(STAGES, "conv"))
    assert conv is not None and conv.path.endswith("prelude/spatial.net")
    assert Path(conv.path).read_text("utf-8")[conv.start : conv.end] == "conv"
    column = facts.definition(at(STAGES, "a", 1))
    assert column is not None and column.start == STAGES.index("a = unit")


def test_references_are_those_of_the_scope() -> None:
    text = "net A(x: f32[N, 4]) -> y {\n  h = relu(x)\n  y = h + h\n}\n\nop B(h) -> y = h\n"
    facts = analyse(text)
    places = [place.start for place in facts.references(text.index("h ="))]
    assert places == [text.index("h ="), text.index("h + h"), text.index("h\n}")]
    dims = facts.references(at(text, "N"))
    assert [place.start for place in dims] == [at(text, "N")]


def test_an_argument_refers_to_the_parameter_it_names() -> None:
    text = (
        "block unit(x, *, wide: int) -> y = dense(x, wide)\n"
        "net A(x: f32[N, 4]) -> y = unit(x, wide=8)\n"
    )
    facts = analyse(text)
    assert len(facts.references(text.index("wide:"))) == 3


def test_the_definition_in_an_import_is_in_its_file(tmp_path: Path) -> None:
    held = {tmp_path / "blocks.net": "block unit(x) -> y = dense(x, 7)\n"}
    text = 'from "blocks.net" import unit as one\n\nnet A(x: f32[N, 4]) -> y = one(x)\n'
    facts = analyse(text, path=tmp_path / "main.net", texts=held)
    found = facts.definition(text.index("one(x)"))
    assert found is not None
    assert (Path(found.path).name, found.start) == ("blocks.net", 6)


def test_references_are_also_those_of_files_that_import_the_definition(tmp_path: Path) -> None:
    blocks = "block unit(x) -> y = dense(x, 7)\n\nblock two(x) -> y = unit(unit(x))\n"
    main = 'from "../blocks.net" import unit as one\n\nnet A(x: f32[N, 4]) -> y = one(x)\n'
    other = 'from "blocks.net" import two\n\nblock unit(x) -> y = two(x)\n'
    (tmp_path / "deep").mkdir()
    (tmp_path / "blocks.net").write_text(blocks, "utf-8")
    (tmp_path / "deep" / "main.net").write_text(main, "utf-8")
    (tmp_path / "other.net").write_text(other, "utf-8")
    (tmp_path / "broken.net").write_bytes(b"\xff")
    files = programs_below(tmp_path)
    assert [file.name for file in files] == ["blocks.net", "broken.net", "main.net", "other.net"]
    facts = analyse(blocks, path=tmp_path / "blocks.net")

    def found(offset: int, texts: dict[str, str]) -> list[tuple[str, str]]:
        places = facts.references(offset, files, texts)
        here = {tmp_path / "blocks.net": blocks, tmp_path / "deep" / "main.net": main}
        return [
            (Path(each.path).name, here.get(Path(each.path), other)[each.start : each.end])
            for each in places
        ]

    assert found(blocks.index("unit"), {}) == [
        *[("blocks.net", "unit")] * 3, ("main.net", "unit"), ("main.net", "one"),
        ("main.net", "one"),
    ]  # fmt: skip
    assert found(blocks.index("two"), {}) == [("blocks.net", "two"), *[("other.net", "two")] * 2]
    unsaved = {str(tmp_path / "other.net"): "# blocks.net"}
    assert found(blocks.index("two"), unsaved) == [("blocks.net", "two")]
    assert found(blocks.index("x)"), {}) == [("blocks.net", "x")] * 2
    assert all(path == "blocks.net" for path, _ in found(blocks.index("dense"), {}))


# ---- renaming --------------------------------------------------------------------------------


def renamed(text: str, offset: int, name: str) -> tuple[str, tuple[str, ...]]:
    done = analyse(text).rename(offset, name)
    assert done is not None
    return apply_edits(text, done.edits), done.remarks


def test_renaming_a_binding_keeps_the_names_of_its_weights() -> None:
    text = "net A(x: f32[N, 4]) -> y {\n  c1 = x |> dense(8) |> relu\n  y = dense(c1, 2)\n}\n"
    after, remarks = renamed(text, text.index("c1"), "hidden")
    assert after == (
        "net A(x: f32[N, 4]) -> y {\n"
        "  hidden = x |> dense(8) as c1 |> relu\n"
        "  y = dense(hidden, 2)\n"
        "}\n"
    )
    assert remarks == ()


def test_renaming_says_which_weights_get_other_names() -> None:
    text = "net A(x: f32[N, 4]) -> y {\n  c = x |> dense(8) |> dense(3)\n  y = relu(c)\n}\n"
    _, remarks = renamed(text, text.index("c ="), "wide")
    assert remarks == (
        "4 parameters get other names: `c.dense.weight` becomes `wide.dense.weight`, "
        "`c.dense.bias` becomes `wide.dense.bias`, `c.dense2.weight` becomes "
        "`wide.dense2.weight`, `c.dense2.bias` becomes `wide.dense2.bias`",
        "files of parameters that were saved before no longer fit",
    )


def test_renaming_a_block_and_a_dimension_changes_every_use() -> None:
    after, remarks = renamed(STAGES, at(STAGES, "unit"), "stage")
    assert (after, remarks) == (STAGES.replace("unit", "stage"), ())
    after, remarks = renamed(STAGES, at(STAGES, "N"), "B")
    assert after == STAGES.replace("[N,", "[B,")


@pytest.mark.parametrize(
    ("word", "new", "message"),
    [
        ("conv", "fold", "`conv` is part of netlang, and can't be renamed"),
        ("unit", "2d", "`2d` is not a name"),
        ("unit", "net", "`net` is a keyword"),
        ("unit", "Small", "`Small` is defined in this file already"),
        ("h", "y", "`y` is used in this definition already"),
        ("N", "n", "a dimension has a capital letter"),
    ],
)
def test_a_name_that_is_none_or_taken_is_rejected(word: str, new: str, message: str) -> None:
    with pytest.raises(NetlangError, match=re.escape(message)):
        analyse(STAGES).rename(at(STAGES, word), new)


# ---- hover, completion, outline --------------------------------------------------------------


def test_hovering_over_a_layer_works_out_its_sizes_and_counts() -> None:
    hover = analyse((EXAMPLES / "lenet.net").read_text("utf-8")).hover(145)
    assert hover is not None
    assert "f32[N, 1, 28, 28] -> f32[N, 6, 28, 28]" in hover.text
    assert "156 parameters · 117,600 MACs · receptive field 5×5" in hover.text
    assert "height    (28 + 2·2 - 5) / 1 + 1 = 28" in hover.text
    assert "conv: a block (prelude/spatial.net" in hover.text


def test_hovering_over_names_shows_what_they_are() -> None:
    facts = analyse(STAGES)

    def text(word: str, number: int = 0) -> str:
        hover = facts.hover(at(STAGES, word, number))
        return "" if hover is None else hover.text

    assert text("h").startswith("```net\nh: f32[N, 16, 32, 32]\nh: f32[N, 32, 32, 32]\n```")
    assert "block unit(x, out: int) -> y" in text("unit", 1)
    assert "Two stages." in text("Small", 1)
    assert "The learning rate" not in text("run") and "run: a setting" in text("run")
    assert "net: a keyword" in text("net")


def labels(text: str, mark: str = "|") -> dict[str, str]:
    offset = text.index(mark)
    facts = analyse(text.replace(mark, "", 1))
    return {each.label: each.detail for each in facts.complete(offset)}


def test_completion_offers_what_can_stand_at_a_place() -> None:
    found = labels(STAGES.replace("b = unit(a, 32)", "b = §"), "§")
    assert next(iter(found)) == "a"
    assert found["conv"].startswith("conv(x, out, kernel, *, stride")
    assert found["unit"] == "unit(x, out) -> y"
    found = labels(STAGES.replace("batch.image", "batch.§"), "§")
    assert found == {"image": "f32[N, 1, 8, 8]", "label": "i64[N]"}
    found = labels(STAGES.replace("  run = 1 epochs", "  §"), "§")
    assert {"valid = ", "metrics = ", "run = "} <= found.keys()
    found = labels(STAGES.replace("logits: f32[N, 10]", "logits: f32[§, 10]"), "§")
    assert list(found) == ["N"]
    found = labels(STAGES.replace("conv(h, out, 3, pad=1)", "conv(h, out, 3, pad=1, §)"), "§")
    assert found["stride="] == "ints = 1"
    assert "pad=" not in found
    assert labels("net A(x: f32[N]) -> y = x # §\n", "§") == {}


@pytest.mark.parametrize("call", ["only(§)", "only(label=0..4)\n    |> only(§)", "map(§)"])
def test_completion_offers_the_columns_of_examples_that_are_chosen(call: str) -> None:
    found = labels(STAGES.replace(" |> batches(32)", f" |> {call} |> batches(32)", 1), "§")
    assert list(found)[:2] == ["image", "label"]
    assert found["label"] == "i64[]"


def test_completion_leaves_out_the_arguments_that_a_call_has() -> None:
    def offered(line: str) -> list[str]:
        found = labels(STAGES.replace("  b = unit(a, 32)", f"  b = {line}"), "§")
        return [label for label in found if label.endswith("=")]

    assert offered("unit(§)") == ["x=", "out="]
    assert offered("unit(a, §)") == ["out="]
    assert offered("a |> unit(§)") == ["out="]
    assert offered("new unit(§)") == ["out="]
    assert offered("unit(concat([a, a], axis=1), §)") == ["out="]
    assert offered('unit(f("a, b)", (1, 2)), §)') == ["out="]
    assert offered("unit(out=§)") == []
    assert offered("unit([§])") == []
    assert "pad=" in offered("conv(a, 8, 3, stride=1, §)")
    assert "stride=" not in offered("conv(a, 8, 3, stride=1, §)")


@pytest.mark.parametrize(
    ("before", "after", "first", "other"),
    [
        ('data = digits("train")', "data = §", {"char_windows", "digits"}, "batches"),
        ('|> batches(32)', "|> §", {"batches", "map", "only", "together"}, "accuracy"),
        ("|> batches(32)", "\n    |> only()\n    |> §", {"batches", "map", "only"}, "accuracy"),
        ("sgd(0.1)", "§", {"sgd", "adam"}, "abs"),
        ("mean(batch.image)", "a |> §", {"conv", "relu", "cross_entropy"}, "adam"),
        ("mean(batch.image)", "cross_entropy(a, b, class_weights=§)", {"balanced"}, "accuracy"),
        ("conv(h, out, 3, pad=1)", "conv(h, out, 3, pad=§)", {"same"}, "Small"),
        ("  run = 1 epochs", "  clip = §", {"clip_norm", "clip_value"}, "accuracy"),
    ],
)  # fmt: skip
def test_completion_begins_with_what_suits(
    before: str, after: str, first: set[str], other: str
) -> None:
    found = [*labels(STAGES.replace(before, after), "§")]
    assert found.index(other) > max(map(found.index, first)), found[:20]


def test_completion_knows_the_forms_of_data() -> None:
    def offered(line: str) -> list[str]:
        found = labels(STAGES.replace('digits("train")', line), "§")
        return [f"{label}{detail}" for label, detail in found.items() if label.endswith("=")]

    table = 'table("data.csv", '
    assert offered(f"{table}pictures(§)") == ["x=files", 'folder=str = ""', 'ending=str = ""']
    assert offered(f'{table}pictures("name", §)') == ['folder=str = ""', 'ending=str = ""']
    assert offered(f'{table}masks("name", ending=".png", §)') == [
        'folder=str = ""', "values=[int] = []"
    ]  # fmt: skip
    assert offered(f"{table}columns(§)") == ["names=[str]", "fill=filling? = none"]
    assert offered(f'{table}columns(["a"], §)') == ["fill=filling? = none"]


def test_the_outline_has_definitions_and_what_they_bind() -> None:
    facts = analyse(STAGES)
    assert [(s.kind, s.name, [c.name for c in s.children]) for s in facts.symbols] == [
        ("block", "unit", ["h", "y"]),
        ("net", "Small", ["a", "b", "logits"]),
        ("train", "small", ["data", "model", "loss", "optimizer", "run"]),
    ]
    assert [(f.first_line, f.last_line) for f in facts.foldings] == [(0, 2), (6, 9), (12, 17)]
    assert [(lens.command, lens.title) for lens in facts.lenses] == [
        ("summary", "16,986 parameters · 16,957,760 MACs"),
        ("train", "train"),
    ]


def test_tokens_tell_layers_from_values() -> None:
    facts = analyse("net A(x: f32[N, 4]) -> y {\n  h = dense(x, 8)\n  y = relu(h)\n}\n")
    shown = [(facts.text[t.start : t.end], t.kind, t.modifiers) for t in facts.tokens]
    assert ("dense", "class", ("defaultLibrary",)) in shown
    assert ("relu", "function", ("defaultLibrary",)) in shown
    assert ("x", "parameter", ("declaration",)) in shown
    assert ("h", "variable", ()) in shown


def test_columns_count_in_units_of_utf_16() -> None:
    positions = Positions("a\n😀é = x\n")
    assert [positions.position(at) for at in range(2, 9)] == [
        (1, 0), (1, 2), (1, 3), (1, 4), (1, 5), (1, 6), (1, 7),
    ]  # fmt: skip
    for offset in range(len(positions.text) + 1):
        assert positions.offset(*positions.position(offset)) == offset
    assert positions.offset(1, 1) == 2  # inside a character
    assert positions.offset(0, 99) == 1
    assert positions.offset(99, 0) == len(positions.text)


def test_facts_need_neither_numpy_nor_onnx() -> None:
    script = (
        "import sys\n"
        "from netlang.editor import analyse\n"
        f"facts = analyse({STAGES!r})\n"
        f"facts.hints, facts.lenses, facts.hover({at(STAGES, 'conv')}), facts.complete(40)\n"
        f"facts.rename({at(STAGES, 'unit')}, 'stage')\n"
        "print({'numpy', 'onnx', 'onnxruntime', 'pygls', 'lsprotocol'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "set()\n"


def test_a_section_with_the_name_of_its_net_is_evaluated_again() -> None:
    text = STAGES.replace("Small", "small").replace("mean(batch.image)", "mean(model(x))")
    text = text.replace("  loss", "  x = random_normal([8, 3, 32, 32])\n  out = model(x)\n  loss")
    analyser = Analyser()
    assert types(analyser.analyse(text))["17 out"] == ": f32[8, 10]"
    wider = text.replace("dense(10)", "dense(12)").replace("f32[N, 10]", "f32[N, 12]")
    assert types(analyser.analyse(wider))["17 out"] == ": f32[8, 12]"
