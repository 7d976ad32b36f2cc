"""Each module of netlang has tests that can be found by its name.

A test module is named after what it tests (``test_data_batches`` after ``netlang.data.batches``),
or its docstring ends in a sentence that says what: "Tests ``netlang.…`` and ``netlang.…``." Tests
of a folder are tests of all that is in it.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PACKAGE = TESTS.parent / "netlang"
NAMED = ("training", "unit")
"""Folders where each test module is about certain modules; in the others it may be about all."""


def name_of(path: Path) -> str:
    """Return the dotted name of a module or a folder."""
    inside = path.relative_to(PACKAGE.parent).with_suffix("")
    return ".".join(part for part in inside.parts if part != "__init__")


def has_code(path: Path) -> bool:
    defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return any(isinstance(node, defined) for node in ast.walk(ast.parse(path.read_text("utf-8"))))


MODULES = [name_of(path) for path in sorted(PACKAGE.rglob("*.py")) if has_code(path)]
NAMES = {
    name_of(path)
    for path in PACKAGE.rglob("*")
    if path.name != "__pycache__" and (path.is_dir() or path.suffix == ".py")
}


@cache
def subjects(path: Path) -> frozenset[str]:
    """Return the modules and folders that a test module claims, by its docstring or its name."""
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    if sentence := re.search(r"^Tests (``netlang\..*)\Z", docstring, re.DOTALL | re.MULTILINE):
        return frozenset(re.findall(r"``([\w.]+)``", sentence[1]))
    own = path.stem.removeprefix("test_")
    alike = [name for name in NAMES if own in endings(name)]
    return frozenset(alike if path.parent.name in NAMED and len(alike) == 1 else ())


def endings(name: str) -> set[str]:
    """Return the names that a test module may have: ``batches`` and ``data_batches``."""
    parts = name.split(".")[1:]
    return {"_".join(parts[first:]) for first in range(len(parts))}


FILES = sorted([*TESTS.rglob("test_*.py"), TESTS / "conftest.py"])
TESTED = frozenset[str]().union(*map(subjects, FILES))


def shown(path: Path) -> str:
    return path.relative_to(TESTS).as_posix()


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_tests(module: str) -> None:
    assert {module, module.rpartition(".")[0]} & TESTED or module == "netlang"


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_what_a_test_module_says_it_tests_exists(path: Path) -> None:
    assert subjects(path) - NAMES == set()
    assert subjects(path) or path.parent.name not in NAMED
