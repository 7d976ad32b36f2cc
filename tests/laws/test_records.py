"""A train section is typed records once it is checked, each with the fields of its declaration."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import fields

from netlang.data.datasets import DATASETS, DECLARED, PythonFunction
from netlang.data.pipeline import Batching, Pipeline, Subset, Transformation
from netlang.data.transforms.registry import TRANSFORMS
from netlang.data.transforms.transform import Resizing
from netlang.diagnostics.diagnostic import Diagnostics
from netlang.diagnostics.source import Source
from netlang.evaluate.calls.datasets import FIELDS, PLACES
from netlang.plan.initialization import Selection
from netlang.plan.optimizers import Change, ScaledRate
from netlang.plan.plan import Computation, Plan, Update
from netlang.plan.records import RECORDS
from netlang.syntax import ast as tree
from netlang.syntax.parser import parse

PACKAGE = Path(__file__).parents[2] / "netlang"

BUILDING = {
    "build", "checks", "data", "definitions", "optimizers", "overrides", "records", "section",
    "settings",
}  # fmt: skip
"""The modules of ``plan`` that make records of what the evaluator returns."""

BELOW = [
    *(PACKAGE / "training").rglob("*.py"),
    *(PACKAGE / "data").rglob("*.py"),
    *(file for file in (PACKAGE / "plan").rglob("*.py") if file.stem not in BUILDING),
]
"""The modules that receive records."""

KEYS = {
    "data/sources/synthetic.py": {"label"},
    "data/tables/cache.py": {"XDG_CACHE_HOME"},
    "training/run/checkpoints.py": {"progress", "format", "seal"},
    "training/run/runs.py": {"seed"},
}
"""Names that are looked up: a column that a class makes itself, a variable of the environment, and
texts in a file of an earlier run."""

LOOKUPS = ("get", "pop", "setdefault")

UNTYPED = {
    "data/pipeline.py": "the fields of every dataset",
    "data/sources/functions.py": "a user's function",
    "data/sources/neighbors.py": "NumPy",
}
"""The modules that a value without a static type enters, and where it comes from."""

FOR_PYTHON = (PythonFunction, "arguments")
"""The field with what a user's function is called with, which may be anything."""

CALLS: dict[str, type[Struct]] = {**RECORDS, **TRANSFORMS, **DATASETS}
"""The records that are built from a call of the library."""

SECTION = [
    Batching, Change, Computation, Pipeline, Plan, ScaledRate, Selection, Subset, Transformation,
    Update,
]  # fmt: skip
"""Records of everything else, except `data.Change`: its types are imported for checkers only."""

KINDS = {"clip", "stop", "plateau", "checkpoint", "init_rule", "transform"}


def declared() -> dict[str, tuple[str, ...]]:
    """Return the parameters of the datasets and training functions that the library declares."""
    found: dict[str, tuple[str, ...]] = {}
    for file in ("training.net", "data.net"):
        text = (PACKAGE / "prelude" / file).read_text("utf-8")
        parsed = parse(Source(file, text, library=True), Diagnostics())
        assert parsed is not None
        for each in parsed.declarations:
            match each:
                case tree.Extern(outs=[tree.Out(type=tree.NameType(name=kind))]) if kind in KINDS:
                    name = each.name.text.removeprefix("_").removesuffix("_image")
                    found[name] = tuple(param.name.text for param in each.params)
                case tree.Extern(kind="dataset"):
                    found[each.name.text] = tuple(param.name.text for param in each.params)
                case _:
                    pass
    return found


def test_every_declaration_has_a_record() -> None:
    assert set(declared()) == set(CALLS)


def test_every_field_of_a_declared_dataset_is_in_a_record() -> None:
    assert set(DECLARED) == set(PLACES)
    own = {field.name for kind in DECLARED.values() for field in fields(kind)}
    assert own == {*FIELDS, "name", "arguments", "readings"}
    for place, kind in DECLARED.items():
        required = {field.name for field in fields(kind) if field.required}
        assert required - {"name", "arguments"} == {place}


@pytest.mark.parametrize("name", sorted(CALLS))
def test_the_fields_of_a_record_are_the_parameters_of_its_declaration(name: str) -> None:
    own, parameters = fields(CALLS[name]), declared()[name]
    assert set(parameters) <= {field.name for field in own}
    assert {field.name for field in own if field.required} <= set(parameters)


def test_a_transform_with_a_size_has_results_of_that_size() -> None:
    """By that name, the evaluator knows the type of what a transform returns."""
    for name, kind in TRANSFORMS.items():
        assert ("size" in declared()[name]) == issubclass(kind, Resizing), name


@pytest.mark.parametrize("record", [*CALLS.values(), *DECLARED.values(), *SECTION])
def test_a_record_is_immutable_and_every_field_has_a_type(record: type[Struct]) -> None:
    assert record.__struct_config__.frozen
    for field in fields(record):
        if (record, field.name) != FOR_PYTHON:
            assert not {Any, object, dict, list} & set(parts(field.type)), field.name


def parts(type: Any) -> list[Any]:
    """List a type and the types it is composed of."""
    return [type, *(part for inner in getattr(type, "__args__", ()) for part in parts(inner))]


@pytest.mark.parametrize("file", BELOW, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_what_receives_records_looks_nothing_up_and_asserts_no_type(file: Path) -> None:
    """No name of a setting is looked up, no type is asserted, and no value is cast."""
    here, text = str(file.relative_to(PACKAGE)), file.read_text("utf-8")
    keys: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Assert(test=test):
                assert "isinstance" not in ast.unparse(test), f"line {node.lineno}"
            case ast.Call(func=ast.Name(id="cast")):
                assert here in UNTYPED, f"line {node.lineno}"
            case ast.Call(func=ast.Name(id="getattr")):
                assert here in UNTYPED, f"line {node.lineno}"
            case ast.Call(
                func=ast.Attribute(attr=lookup), args=[ast.Constant(value=str(key)), *_]
            ) if lookup in LOOKUPS:
                keys.add(key)
            case ast.MatchMapping():
                pytest.fail(f"line {node.lineno} matches the keys of a mapping")
            case ast.Subscript(slice=ast.Constant(value=str(key)), ctx=ast.Load()):
                keys.add(key)
            case ast.ImportFrom(module=str(module)) if here.split("/")[0] in ("training", "data"):
                assert not module.startswith("netlang.evaluate"), "a value of the evaluator"
            case _:
                pass
    assert keys == KEYS.get(here, set())
