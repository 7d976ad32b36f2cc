"""A part of netlang imports only from parts below it, so that each can be read without the rest."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from functools import cache
from graphlib import TopologicalSorter
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
    ("backends", "codegen", "plan"),
    ("matching",),
    ("importing", "inference", "names", "training"),
    ("profiling",),
    ("program",),
    ("manual",),
    ("editor",),
    ("api", "lsp"),
    ("serve",),
    ("__init__", "cli"),
    ("__main__",),
)
"""From the bottom to the top; parts of one layer do not depend on each other."""

HEIGHT = {part: height for height, layer in enumerate(LAYERS) for part in layer}
MODULES_AT_THE_TOP, MODULES_IN_A_FOLDER = 4, 15
ONE_A_COMMAND = PACKAGE / "cli" / "commands"
"""A folder that has as many modules as there are commands."""
LIBRARIES = {
    "lark": (
        "syntax/grammar.py",
        "syntax/generate.py",
        "editor/generate.py",
        "importing/caffe/text.py",
    ),
    "onnx": ("backends/onnx/", "backends/precision.py"),
    "onnxruntime": ("backends/ort/", "backends/precision.py"),
    "PIL": ("storage/images.py", "diagram/png.py"),
    "click": ("cli/",),
    "pygments": ("editor/pygments_lexer.py",),
    "pygls": ("lsp/",),
    "lsprotocol": ("lsp/",),
    "ml_dtypes": ("ir/arrays.py",),
    "numpy": ("system/numpy.py",),
    "safetensors": ("storage/weights.py",),
    "threadpoolctl": ("system/threads.py",),
    "mpi4py": ("system/mpi.py",),
}
"""The modules through which each third-party library enters; msgspec is how records are written."""

TERMS = PACKAGE / "ops" / "terms.py"
"""The one module whose imports inside functions may lead back to it.

A gradient is a formula of `Term`, and a `Term` is made of operators, each of which has a gradient.
"""


DEFERRED = (
    ("__init__.py", "importlib", "`import netlang` is fast"),
    ("__init__.py", "netlang.api.cells", "only notebooks need it"),
    ("api", "netlang", "a method loads what it needs when it is called"),
    ("api", "html", "only notebooks need it"),
    ("cli", "netlang", "a command loads what it needs once its arguments are checked"),
    (
        "cli",
        "difflib json shutil sys traceback importlib webbrowser",
        "few commands or errors need it",
    ),
    ("program.py", "netlang.plan", "only a file with a train section needs it"),
    ("backends", "onnx onnxruntime", "only a lower precision needs the converters"),
    ("backends", "netlang.backends.providers", "only sessions and their options need it"),
    ("backends", "importlib", "only what is said of a missing provider needs it"),
    ("backends", "netlang.backends.onnx", "a session of a saved model does not need onnx"),
    ("matching", "netlang.backends.onnx", "only parameters of an ONNX model need it"),
    ("inference", "netlang.backends netlang.passes", "only the chosen backend is loaded"),
    ("training", "netlang.backends", "only the chosen backend is loaded"),
    ("training", "netlang.matching", "only parameters with other names need it"),
    ("training", "netlang.training.run.nonfinite", "only a run that fails needs it"),
    ("training", "fcntl msvcrt", "not every system has it"),
    ("system", "resource", "not every system has it"),
    ("system", "mpi4py", "it starts MPI, and is optional"),
    ("training", "netlang.system.mpi", "only a run in several processes starts MPI"),
    ("system", "concurrent", "only work that is shared among threads needs it"),
    ("serve", "netlang.serve.worker", "only the process of a run trains"),
    ("system", "netlang.system.versions", "NumPy itself is loaded on demand"),
    ("system", "importlib", "only who asks for the version needs it"),
    ("training", "netlang.diagram.png", "Pillow is optional"),
    ("diagram", "netlang.diagram.png", "Pillow is optional"),
    ("storage", "netlang.storage.images", "Pillow is optional"),
    ("data", "netlang.storage.images importlib", "Pillow is optional"),
    (
        "data",
        "netlang.data netlang.storage",
        "only the kinds of data that a section names are loaded",
    ),
    ("plan", "netlang.evaluate.calls.columns", "only datasets that name columns need it"),
    ("plan", "netlang.data.transforms", "only sections that transform images need it"),
    ("data", "zlib", "only data that was changed is identified by its bytes"),
    ("diagnostics", "difflib unicodedata", "only some errors need it"),
    ("editor", "netlang.editor.facts", "highlighters and shells need only words"),
    ("editor", "netlang.syntax.formatting", "only the command to format needs it"),
    ("names", "netlang.evaluate.calls.datasets", "few programs have datasets of their own"),
    ("names", "netlang.evaluate.modules.sections", "few programs have sections like another one"),
    ("plan", "netlang.evaluate.modules.sections", "few programs have sections like another one"),
    ("names", "netlang.names", "only errors need it"),
    ("evaluate", "difflib", "only some errors need it"),
    ("evaluate", "netlang.ops.windows.windows", "only convolutions need it"),
    ("evaluate", "netlang.evaluate netlang.analysis", "few programs need it"),
    ("syntax", "netlang.syntax", "only syntax errors need it"),
    ("ir", "pkgutil", "only a list of all operators needs it"),
    ("ops", "netlang.ops", "gradients and lowerings build operators that build these"),
    ("ops", "netlang.ir.arrays", "loads NumPy"),
)
"""The imports inside functions: the importing part, its targets, and why they are not on top."""


def part_of(file: Path) -> str:
    inside = file.relative_to(PACKAGE)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


@cache
def imports(file: Path) -> tuple[set[str], set[str]]:
    """Return the modules a file loads at once and inside functions, except for the type checker."""
    tree = ast.parse(file.read_text("utf-8"))
    unread = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    inside = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for inner in ast.walk(node)
    }
    at_once: set[str] = set()
    deferred: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in unread:
            continue
        found = deferred if id(node) in inside else at_once
        match node:
            case ast.ImportFrom(module=str() as module, names=names):
                for name in names:
                    inner = f"{module}.{name.name}"
                    found.add(inner if module_file(inner) is not None else module)
            case ast.Import(names=names):
                found.update(name.name for name in names)
            case _:
                pass
    return at_once, deferred


def imported(file: Path) -> set[str]:
    """Return the modules a file loads, at once or inside functions."""
    at_once, deferred = imports(file)
    return at_once if file == TERMS else at_once | deferred


@cache
def loaded(file: Path) -> frozenset[str]:
    """Return every module of ours that importing a file loads, directly or indirectly."""
    found: set[str] = set()
    todo = [file]
    while todo:
        for module in imports(todo.pop())[0] - found:
            found.add(module)
            parents = (module.rsplit(".", n)[0] for n in range(module.count(".") + 1))
            todo.extend(f for parent in parents if (f := module_file(parent)) is not None)
    return frozenset(found)


@cache
def module_file(module: str) -> Path | None:
    """Return the file of one of our modules or packages."""
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
    elif folder != ONE_A_COMMAND:
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
    TopologicalSorter(needs).prepare()


def test_no_module_needs_itself() -> None:
    needs = {
        file: {found for m in imported(file) if (found := module_file(m)) not in (None, file)}
        for file in FILES
    }
    TopologicalSorter(needs).prepare()


def _child(folder: Path, file: Path) -> str:
    return file.relative_to(folder).parts[0].removesuffix(".py")


def libraries(file: Path) -> set[str]:
    """Return the packages that a file imports, also by name."""
    by_name = {
        str(name.value)
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "import_module"
        for name in node.args
        if isinstance(name, ast.Constant)
    }
    return {module.split(".")[0] for module in imported(file) | by_name}


def test_every_library_that_is_required_is_listed_and_no_other() -> None:
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text("utf-8"))["project"]
    optional = project["optional-dependencies"]
    extras = [*optional["images"], *optional["lsp"], *optional["mpi"]]
    required = [*project["dependencies"], *extras]
    names = {re.split(r"[<>=]", requirement)[0] for requirement in required}
    # Pygments is there whenever it imports the lexer; lsprotocol comes with pygls.
    assert names == {*LIBRARIES, "msgspec"} - {"PIL", "pygments", "lsprotocol"} | {"Pillow"}


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_enters_through_one_module(library: str) -> None:
    users = [str(f.relative_to(PACKAGE)) for f in FILES if library in libraries(f)]
    assert users
    assert all(user.startswith(LIBRARIES[library]) for user in users), users


def _reasons(file: Path, module: str) -> list[tuple[str, str, str]]:
    """Return the rows of ``DEFERRED`` that allow an import inside a function of a file."""
    return [
        row
        for row in DEFERRED
        if file.relative_to(PACKAGE).parts[0] == row[0]
        and any(f"{module}.".startswith(f"{target}.") for target in row[1].split())
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_an_import_inside_a_function_has_a_reason(file: Path) -> None:
    _, deferred = imports(file)
    assert [module for module in sorted(deferred) if not _reasons(file, module)] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_an_import_inside_a_function_defers_something(file: Path) -> None:
    _, deferred = imports(file)
    # A module that builds this one's operators is loaded, but its names are not there yet.
    cyclic = part_of(file) == "ops"
    assert cyclic or deferred & loaded(file) == set()


def test_every_reason_to_defer_an_import_is_used() -> None:
    used = {row for file in FILES for module in imports(file)[1] for row in _reasons(file, module)}
    assert set(DEFERRED) - used == set()
