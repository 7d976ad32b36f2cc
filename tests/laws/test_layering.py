"""A part of netlang imports only from parts below it, so that each can be read without the rest."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "netlang"

LAYERS = (
    ("drawing", "faults", "manual", "record", "rules", "source", "threads"),
    ("versions",),
    ("machine", "numeric"),
    ("diagnostics", "files", "ir", "search"),
    ("arrays", "render", "syntax", "vocabulary"),
    ("initial", "npy", "ops", "pictures", "vectors"),
    ("analysis", "autodiff", "inputs", "passes", "weights"),
    ("backends", "diagram", "elaborate"),
    ("data", "program", "runner", "verification"),
    ("pages",),
    ("explain",),
    ("api", "defaults", "generation", "training"),
    ("__init__", "cli"),
    ("__main__",),
)
"""From the bottom to the top; parts of one layer know nothing of each other."""

HEIGHT = {part: height for height, layer in enumerate(LAYERS) for part in layer}
FOREIGN = {
    "lark": ("syntax/generate.py",),
    "onnx": ("backends/onnx/",),
    "onnxruntime": ("backends/ort.py",),
    "PIL": ("pictures.py",),
    "click": ("cli/",),
}
"""The one door of each foreign library."""


def part_of(file: Path) -> str:
    inside = file.relative_to(PACKAGE)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


@cache
def imported(file: Path) -> set[str]:
    """Name the modules a file loads; those that only the type checker reads are left out."""
    tree = ast.parse(file.read_text("utf-8"))
    unread = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in unread:
            continue
        match node:
            case ast.ImportFrom(module="netlang", names=names):
                found.update(f"netlang.{name.name}" for name in names)
            case ast.ImportFrom(module=str() as module):
                found.add(module)
            case ast.Import(names=names):
                found.update(name.name for name in names)
            case _:
                pass
    return found


FILES = sorted(PACKAGE.rglob("*.py"))


def test_every_part_has_its_layer() -> None:
    assert {part_of(file) for file in FILES} == set(HEIGHT)


def test_every_folder_is_told_of_to_who_contributes() -> None:
    checkout = PACKAGE.parent
    told = set(re.findall(r"`(\w+/(?:\w+/)?)`", (checkout / "CONTRIBUTING.md").read_text("utf-8")))
    holding = [f for top in (PACKAGE, checkout / "tests") for f in top.glob("*/*.*")]
    here = {f"{file.parent.relative_to(checkout)}/" for file in holding}
    assert {folder for folder in here if "__pycache__" not in folder} <= told
    assert all((checkout / folder).is_dir() for folder in told)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_part_imports_only_from_below(file: Path) -> None:
    own = part_of(file)
    parts = {module.split(".")[1] for module in imported(file) if module.startswith("netlang.")}
    above = {part for part in parts if part != own and HEIGHT[part] >= HEIGHT[own]}
    assert above == set()


@pytest.mark.parametrize("library", FOREIGN)
def test_a_foreign_library_comes_in_by_one_door(library: str) -> None:
    users = [
        str(file.relative_to(PACKAGE))
        for file in FILES
        if any(module.split(".")[0] == library for module in imported(file))
    ]
    assert users
    assert all(user.startswith(FOREIGN[library]) for user in users), users
