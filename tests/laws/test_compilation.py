"""One function compiles: what is exported, run, verified and trained is the same model."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "netlang"

COMPILER = "backends/compile.py"
STAGES = {"embed", "fold_batch_norm", "lower", "transform"}
"""The functions of which compilation consists."""

DEFINED = {
    "backends/onnx/files.py": {"embed"},
    "passes/pipeline.py": {"transform"},
}
"""The modules that define stages, and the stages that they build on."""

EXCEPTIONS = {
    # The interpreter runs a training step too, and its memory is estimated before it is compiled.
    ("training/step/graphs.py", "transform"),
    # A program for NumPy reads as the net does, so only what computes nothing is left out.
    ("codegen/numpy_program/program.py", "transform"),
}


def calls(file: Path) -> set[str]:
    """Name the functions that a module calls by their bare name."""
    tree = ast.parse(file.read_text("utf-8"))
    return {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def test_only_one_module_calls_the_stages_of_compilation() -> None:
    callers = {
        (str(file.relative_to(PACKAGE)), stage)
        for file in PACKAGE.rglob("*.py")
        for stage in calls(file) & STAGES
    }
    inside = {(module, stage) for module, stages in DEFINED.items() for stage in stages}
    outside = {caller for caller in callers - inside if caller[0] != COMPILER}
    assert outside == EXCEPTIONS
    assert {stage for module, stage in callers if module == COMPILER} == STAGES
