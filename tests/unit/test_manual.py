"""Every keyword and every setting has a page, whose example is valid: `netlang/manual/`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from netlang.cli.main import program
from netlang.manual.explain import contents, explain
from netlang.manual.topics import FOLDER, KEYWORD, KINDS, SETTING, Page, pages
from netlang.plan.settings import SETTINGS, STEP_SETTINGS
from netlang.program import load
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


def test_every_keyword_and_every_setting_has_a_page() -> None:
    assert {n for p in of_kind(KEYWORD) for n in p.names} == RESERVED | DEFINITION_ONLY
    assert {n for p in of_kind(SETTING) for n in p.names} == set(SETTINGS) | STEP_SETTINGS


@pytest.mark.parametrize("file", ["keywords.md", "settings.md"])
def test_every_page_of_a_file_is_read(file: str) -> None:
    titles = re.findall(r"^## (.+)$", (FOLDER / file).read_text(), re.MULTILINE)
    assert sorted(titles) == sorted(", ".join(p.names) for p in of_kind(KINDS[file]))


@pytest.mark.parametrize("page", of_kind(KEYWORD), ids=lambda page: page.names[0])
def test_the_example_of_a_keyword_passes_the_check(page: Page, tmp_path: Path) -> None:
    assert diagnosed(tmp_path, page.example) == []
    assert any(re.search(rf"\b{name}\b", page.example) for name in page.names)


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


def test_without_a_name_all_names_are_listed() -> None:
    listed = {name for _, names in contents() for name in names}
    assert listed >= {"conv", "seed", "yield", "shape-mismatch", "residual"}
    assert [name for name in sorted(listed) if not explain(name)] == []
    shown = CliRunner().invoke(program, ["explain"])
    assert shown.exit_code == 0
    assert set(shown.output.split()) >= listed
