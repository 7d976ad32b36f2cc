"""One function builds diagnostics, and the fixes they carry work."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "netlang"
BUILDER = PACKAGE / "diagnostics" / "diagnostic.py"


def test_only_the_builder_constructs_diagnostics() -> None:
    constructions = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        if path != BUILDER
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", None)) == "Diagnostic"
    ]
    assert constructions == []
