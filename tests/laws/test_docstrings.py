"""The examples in docstrings do what they show, and every public name has a docstring."""

from __future__ import annotations

import doctest
import inspect
from importlib import import_module
from pathlib import Path

import pytest

import netlang

CHECKOUT = Path(__file__).parents[2]
MODULES = [
    ".".join(file.relative_to(CHECKOUT).with_suffix("").parts).removesuffix(".__init__")
    for file in sorted((CHECKOUT / "netlang").rglob("*.py"))
    if ">>> " in file.read_text("utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(CHECKOUT)
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    module = import_module(name)
    result = doctest.testmod(module, extraglobs={"tmp": tmp_path}, optionflags=options)
    assert (result.failed, result.attempted > 0) == (0, True)


@pytest.mark.parametrize("name", dir(netlang))
def test_every_public_name_has_a_docstring(name: str) -> None:
    value = getattr(netlang, name)
    assert value.__doc__
    for member, part in inspect.getmembers(value):
        if not member.startswith("_") and member in vars(value):
            assert inspect.getdoc(part) or not callable(part), f"{name}.{member}"
