"""One function builds diagnostics, and each fix they carry makes its error go away."""

from __future__ import annotations

import ast
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from netlang.diagnostics.diagnostic import Diagnostic
from netlang.diagnostics.fix import apply
from netlang.diagnostics.rules import all_rules, rules_of
from netlang.program import load

TESTS = Path(__file__).parents[1]
PACKAGE = TESTS.parent / "netlang"
BUILDER = PACKAGE / "diagnostics" / "diagnostic.py"
CONVERSION = PACKAGE / "lsp" / "conversion.py"
"""The module that makes the type of this name of the Language Server Protocol."""
BLOCK = re.compile(r"^```(net|file)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAM = "program.net"
SYNTAX = {rule.code for rule in (*rules_of("tokens"), *rules_of("syntax"))}
TWO_ERRORS = frozenset(("call_at_end_of_file.net", "signature_cut_off.net"))
"""Programs in which the first syntax error hides another one."""

Files = dict[str, str]


def test_only_the_builder_constructs_diagnostics() -> None:
    constructions = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        if path not in (BUILDER, CONVERSION)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", None)) == "Diagnostic"
    ]
    assert constructions == []


def programs(folder: str) -> Iterator[Files]:
    """Yield the programs of a folder of the tests, each with the files it imports."""
    for path in sorted((TESTS / folder).glob("*.net")):
        if path.name in TWO_ERRORS:
            continue
        yield {PROGRAM: path.read_text("utf-8")}
    for page in sorted((TESTS / folder).glob("*.md")):
        files: Files = {}
        for kind, name, text in BLOCK.findall(page.read_text("utf-8")):
            files[name.strip() if kind == "file" else PROGRAM] = text
            if kind == "net":
                yield files
                files = {}


def check(files: Files, folder: Path) -> list[Diagnostic]:
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    return load(folder / PROGRAM).diagnostics.sorted()


def messages(found: list[Diagnostic]) -> Counter[tuple[str, str]]:
    return Counter((d.rule.code, d.message) for d in found)


def unfixed(files: Files, folder: Path) -> list[str]:
    """Return the fixes of a program that leave their error in it, or break its syntax."""
    found = check(files, folder)
    before = messages(found)
    remaining: list[str] = []
    for diagnostic in found:
        for fix in diagnostic.fixes:
            (name,) = {Path(edit.span.source.name).name for edit in fix.edits}
            changed = {**files, name: apply(files[name], fix)}
            key = (diagnostic.rule.code, diagnostic.message)
            after = messages(check(changed, folder))
            new = {code for code, _ in after - before} & {*SYNTAX, diagnostic.rule.code}
            if after[key] >= before[key] or new:
                remaining.append(f"{key}: {fix.title}: {sorted(new)}\n{changed[name]}")
    return remaining


@pytest.mark.parametrize(
    "folder", ["data/single_errors", "data/syntax_errors", "spec/diagnostics", "spec/language"]
)
def test_every_fix_makes_its_error_go_away(folder: str, tmp_path: Path) -> None:
    shutil.copytree(TESTS / "data" / "language", tmp_path / "language")
    tmp_path = tmp_path / "programs"
    tmp_path.mkdir()
    assert [left for files in programs(folder) for left in unfixed(files, tmp_path)] == []


def test_every_fix_of_the_examples_of_rules_makes_its_error_go_away(tmp_path: Path) -> None:
    examples = [{PROGRAM: rule.bad} for rule in all_rules().values() if rule.program]
    assert [left for files in examples for left in unfixed(files, tmp_path)] == []
