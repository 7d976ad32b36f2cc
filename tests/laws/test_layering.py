"""A part of netlang imports only from parts below it, so that each can be read without the rest."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "netlang"

LAYERS = (
    ("diagnostics",),
    ("system",),
    ("ir",),
    ("advice", "ops", "syntax"),
    ("analysis", "passes", "storage"),
    ("data", "diagram", "evaluate"),
    ("backends", "plan"),
    ("inference", "names", "training"),
    ("program",),
    ("manual",),
    ("api",),
    ("__init__", "cli"),
    ("__main__",),
)
"""From the bottom to the top; parts of one layer do not depend on each other."""

HEIGHT = {part: height for height, layer in enumerate(LAYERS) for part in layer}
MODULES_AT_THE_TOP, MODULES_IN_A_FOLDER = 4, 15
LIBRARIES = {
    "lark": ("syntax/grammar.py", "syntax/generate.py"),
    "msgspec": ("diagnostics/", "syntax/"),
    "onnx": ("backends/onnx/",),
    "onnxruntime": ("backends/ort.py",),
    "PIL": ("storage/images.py", "diagram/png.py"),
    "click": ("cli/",),
}
"""The modules through which each third-party library enters."""

CYCLIC = {
    "ops", "ops/looping", "ops/reducing", "ops/shaping", "ops/windows",
}  # fmt: skip
"""Folders whose parts depend on each other: a gradient is written with other operators."""


def part_of(file: Path) -> str:
    inside = file.relative_to(PACKAGE)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


@cache
def imported(file: Path) -> set[str]:
    """Name the modules a file loads, also inside functions, but not for the type checker alone."""
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
            case ast.ImportFrom(module=str() as module, names=names):
                for name in names:
                    inner = f"{module}.{name.name}"
                    found.add(inner if module_file(inner) is not None else module)
            case ast.Import(names=names):
                found.update(name.name for name in names)
            case _:
                pass
    return found


@cache
def module_file(module: str) -> Path | None:
    """Find the file of one of our modules or packages."""
    if module.split(".")[0] != "netlang":
        return None
    inside = PACKAGE.joinpath(*module.split(".")[1:])
    found = (inside.with_suffix(".py"), inside / "__init__.py")
    return next((file for file in found if file.is_file()), None)


FILES = sorted(PACKAGE.rglob("*.py"))
FOLDERS = sorted({file.parent for file in FILES})


def test_every_part_has_its_layer() -> None:
    assert {part_of(file) for file in FILES} == set(HEIGHT)


def test_every_folder_is_described_for_contributors() -> None:
    checkout = PACKAGE.parent
    text = (checkout / "CONTRIBUTING.md").read_text("utf-8")
    described = set(re.findall(r"`(\w+/(?:\w+/)?)`", text))
    holding = [f for top in (PACKAGE, checkout / "tests") for f in top.glob("*/*.*")]
    here = {f"{file.parent.relative_to(checkout)}/" for file in holding}
    assert {folder for folder in here if "__pycache__" not in folder} <= described
    assert all((checkout / folder).is_dir() for folder in described)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(PACKAGE)))
def test_a_folder_holds_few_modules(folder: Path) -> None:
    modules = list(folder.glob("*.py"))
    if folder == PACKAGE:
        assert len(modules) <= MODULES_AT_THE_TOP
    else:
        assert len([m for m in modules if m.stem != "__init__"]) <= MODULES_IN_A_FOLDER


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_part_imports_only_from_below(file: Path) -> None:
    own = part_of(file)
    parts = {module.split(".")[1] for module in imported(file) if module.startswith("netlang.")}
    above = {part for part in parts if part != own and HEIGHT[part] >= HEIGHT[own]}
    assert above == set()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(PACKAGE)))
def test_the_parts_of_a_folder_form_layers(folder: Path) -> None:
    needs: dict[str, set[str]] = defaultdict(set)
    for file in folder.rglob("*.py"):
        own = _child(folder, file)
        for module in imported(file):
            target = module_file(module)
            if target is not None and folder in target.parents:
                needs[own].add(_child(folder, target))
    for own, others in needs.items():
        others.discard(own)
    if str(folder.relative_to(PACKAGE)) in CYCLIC:
        with pytest.raises(CycleError):
            TopologicalSorter(needs).prepare()
    else:
        TopologicalSorter(needs).prepare()


def _child(folder: Path, file: Path) -> str:
    return file.relative_to(folder).parts[0].removesuffix(".py")


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_enters_through_one_module(library: str) -> None:
    users = [
        str(file.relative_to(PACKAGE))
        for file in FILES
        if any(module.split(".")[0] == library for module in imported(file))
    ]
    assert users
    assert all(user.startswith(LIBRARIES[library]) for user in users), users
