"""Every keyword, setting, type, symbol and field has a page, whose example is valid."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import netlang
from netlang.cli.main import program
from netlang.editor.words import words
from netlang.evaluate.calls.datasets import FIELDS
from netlang.evaluate.context.parameter_names import ELEMENTS
from netlang.evaluate.types.fitting import TYPE_NAMES
from netlang.manual.explain import MODULES, contents, explain
from netlang.manual.pages import public
from netlang.manual.topics import (
    FIELD,
    FOLDER,
    KEYWORD,
    KINDS,
    PYTHON,
    SETTING,
    SYMBOL,
    TYPE,
    Page,
    pages,
)
from netlang.plan.settings import SETTINGS, STEP_SETTINGS
from netlang.program import load
from netlang.syntax.formatting.format import format_file
from netlang.syntax.keywords import DEFINITION_ONLY, RESERVED

SETTINGS_HERE = {
    "data": '  data = digits("train") |> batches(32, in_order=true)',
    "loss": "  loss = cross_entropy(model(batch.image), batch.label)",
    "optimizer": "  optimizer = sgd(0.1)",
    "run": "  run = 10 epochs",
}
NET = """\
net Small(image: f32[N, 1, 8, 8]) -> logits: f32[N, 10] {
  state seen: f32[N, 16] = 0.0
  hidden = image |> flatten |> dense(16) |> relu
  next seen = seen + hidden
  logits = dense(hidden + seen, 10)
}
"""


def of_kind(kind: str) -> list[Page]:
    found = (page for own in pages().values() for page in own if page.kind == kind)
    return list(dict.fromkeys(found))


def diagnosed(folder: Path, text: str) -> list[str]:
    path = folder / "page.net"
    path.write_text(text)
    return [f"{d.rule.code}: {d.message}" for d in load(path).diagnostics.sorted()]


def test_every_keyword_setting_type_symbol_and_field_has_a_page() -> None:
    named = {kind: {n for p in of_kind(kind) for n in p.names} for kind in KINDS.values()}
    assert named[KEYWORD] == RESERVED | DEFINITION_ONLY
    assert named[SETTING] == set(SETTINGS) | STEP_SETTINGS
    assert named[TYPE] == TYPE_NAMES | ELEMENTS
    assert named[FIELD] == set(FIELDS)
    assert set(words().symbols) <= named[SYMBOL]


def test_the_page_of_the_interface_names_all_of_it() -> None:
    (page,) = of_kind(PYTHON)
    assert set(netlang.__all__) - {"load"} <= set(re.findall(r"`(\w+)`", page.body))
    test = doctest.DocTestParser().get_doctest(page.example, {}, "api", None, 0)
    assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize("file", KINDS)
def test_every_page_of_a_file_is_read(file: str) -> None:
    text = re.sub(r"^```.*?^```$", "", (FOLDER / file).read_text(), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert sorted(titles) == sorted(", ".join(p.names) for p in of_kind(KINDS[file]))


WHOLE = [page for kind in (KEYWORD, TYPE, SYMBOL, FIELD) for page in of_kind(kind)]


@pytest.mark.parametrize("page", WHOLE, ids=lambda page: page.names[0])
def test_the_example_of_a_page_passes_the_check_and_has_the_one_layout(
    page: Page, tmp_path: Path
) -> None:
    assert diagnosed(tmp_path, page.example) == []
    words_or_symbols = [rf"(?<!\w){n}(?!\w)" if n.isalnum() else re.escape(n) for n in page.names]
    assert any(re.search(pattern, page.example) for pattern in words_or_symbols)
    tree = load(tmp_path / "page.net").file
    assert tree is not None
    assert format_file(tree) == page.example


def test_the_function_of_the_page_on_python_returns_what_it_declares(tmp_path: Path) -> None:
    (page,) = (page for page in of_kind(FIELD) if page.names == ("python",))
    (code,) = re.findall(r"^```python\n(.*?)^```$", page.body, re.MULTILINE | re.DOTALL)
    (tmp_path / "walks.py").write_text(code)
    (tmp_path / "walks.net").write_text(
        f"{page.example}\nnet Way(x: f32[N, 10, 2]) -> y: f32[N, 2] = x |> flatten |> dense(2)\n\n"
        "train way {\n  data = walks(50) |> batches(10)\n  model = new Way()\n"
        "  loss = cross_entropy(model(batch.x), batch.label)\n  optimizer = sgd(0.1)\n"
        "  run = 1 epoch\n}\n"
    )
    shown = CliRunner().invoke(program, ["data", str(tmp_path / "walks.net"), "--allow-python"])
    assert shown.exit_code == 0
    assert "data: 50 examples from" in shown.output


@pytest.mark.parametrize("page", of_kind(SETTING), ids=lambda page: page.names[0])
def test_the_example_of_a_setting_passes_the_check(page: Page, tmp_path: Path) -> None:
    given = set(re.findall(r"^  (\w+) =", page.example, re.MULTILINE))
    stepped = "step " in page.example
    rest = {
        name: text
        for name, text in SETTINGS_HERE.items()
        if name not in given and not (stepped and name in ("loss", "optimizer"))
    }
    # The model stands after the data it takes; all else may follow.
    data = page.example if "data" in given else rest.pop("data")
    more = [] if "data" in given else [page.example]
    section = [data, "  model = new Small()", *more, *rest.values()]
    text = NET + "\ntrain page {\n" + "\n".join(section) + "\n}\n"
    assert diagnosed(tmp_path, text) == []
    assert all(re.search(rf"^ +{name} =", page.example, re.MULTILINE) for name in page.names)


def test_a_page_shows_its_names_text_and_example() -> None:
    assert explain("seed") == (
        "seed: a setting of `train`\n\n"
        "The random seed of initialization, shuffling, dropout, noise and transforms. The same "
        "seed\nreproduces a run bit for bit. `--seed` on the command line takes precedence.\n\n"
        "    seed = 7"
    )


def test_a_module_lists_what_it_has() -> None:
    page = explain("std.vision")
    assert page.startswith(
        "std.vision: a module of the standard library\n\n  from std.vision import"
    )
    assert [
        n for n, entry in public().items() if entry.module == "std.vision" and n not in page
    ] == []


def test_layers_are_listed_first_and_rules_last() -> None:
    titles = [title for title, _ in contents()]
    assert (titles[0], titles[-1]) == ("layers:", "rules:")
    assert {entry.module for entry in public().values()} == set(MODULES)


def test_without_a_name_all_names_are_listed() -> None:
    listed = {name for _, names in contents() for name in names}
    assert listed >= {"conv", "seed", "yield", "shape-mismatch", "residual"}
    assert [name for name in sorted(listed) if not explain(name)] == []
    shown = CliRunner().invoke(program, ["explain"])
    assert shown.exit_code == 0
    assert set(shown.output.split()) >= listed
