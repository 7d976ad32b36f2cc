"""Programs cannot see private names of the library.

Tests ``netlang.evaluate.modules.module``.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netlang.diagnostics.errors import NetlangError
from netlang.evaluate.modules.module import is_private
from netlang.manual.explain import contents, explain
from netlang.program import load
from netlang.syntax.library import FOLDER
from netlang.syntax.parser import split_definitions
from netlang.syntax.reader import read_source

DEFINED = {
    name: file for file in FOLDER.glob("**/*.net") for name in split_definitions(read_source(file))
}
PRIVATE = sorted(filter(is_private, DEFINED))


def diagnosed(folder: Path, text: str) -> list[tuple[str, tuple[str, ...]]]:
    path = folder / "private.net"
    path.write_text(text, "utf-8")
    return [(d.rule.code, d.helps) for d in load(path).diagnostics.sorted()]


@pytest.mark.parametrize("name", PRIVATE)
def test_a_program_cannot_call_a_private_name(name: str, tmp_path: Path) -> None:
    ((code, helps),) = diagnosed(tmp_path, f"net Calls(x: f32[N, 4]) -> y = {name}(x)\n")
    assert code == "unknown-name"
    assert not any("`_" in text for text in helps)


@pytest.mark.parametrize("name", PRIVATE)
def test_a_misspelled_name_never_suggests_a_private_one(name: str, tmp_path: Path) -> None:
    misspelled = f"{name}x"
    ((code, helps),) = diagnosed(tmp_path, f"net Calls(x: f32[N, 4]) -> y = {misspelled}(x)\n")
    assert code == "unknown-name"
    assert not any("`_" in text for text in helps)


def test_a_program_cannot_import_a_private_name(tmp_path: Path) -> None:
    found = diagnosed(tmp_path, "from std.vision import _conv_bn\n\na = 1\n")
    assert found == [("unknown-import", ("did you mean `conv_bn`?",))]


def test_the_manual_does_not_list_private_names() -> None:
    listed = {name for _, names in contents() for name in names}
    assert listed & set(PRIVATE) == set()
    assert not any(re.search(r"\b_[a-z]", help) for name in PRIVATE for help in refused(name))


def refused(name: str) -> tuple[str, ...]:
    """Return the help that `explain` gives for a name it does not know."""
    with pytest.raises(NetlangError) as rejected:
        explain(name)
    return rejected.value.helps


def test_private_names_are_used_where_they_are_defined() -> None:
    text = "\n".join(file.read_text("utf-8") for file in set(DEFINED.values()))
    # `flip()` and `resize()` without a tensor, `grad` with a selection, `split` of examples
    calls = {"_flip_image", "_resize_image", "_resize_column", "_split_rows"}
    calls |= {"_grad_of_parameters"}
    unused = {name for name in PRIVATE if len(re.findall(rf"\b{name}\b", text)) < 2}
    assert unused == calls
