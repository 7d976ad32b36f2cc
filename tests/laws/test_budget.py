"""No function that runs while a file is checked takes long, whatever lists it is given.

Every function of the library is called again and again with the longest lists, strings and ints
that a program can make. Tests ``netlang.evaluate.context.budget``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from netlang.evaluate.arguments import takes_tensor
from netlang.evaluate.builtins.counts import SPECIAL
from netlang.evaluate.builtins.registry import COMPILE_TIME
from netlang.evaluate.context.source_text import source_text
from netlang.evaluate.modules.module import is_private
from netlang.program import load
from netlang.syntax import ast
from netlang.syntax.library import defined_names, definition, library_files

SECONDS = 2.0
MEMORY = 300 * 2**20
"""What SECURITY.md promises for a program of up to 100 kB."""

LONG = "1..900_000"
MADE = "[1 for i in 1..30_000]"
NESTED = "[[1, 2] for i in 1..10_000]"
STRING = 'for i in 1..19 with s = "a" { next s = s + s }'
LISTS = {
    "list": (LONG, MADE, NESTED),
    "any": (LONG, MADE, STRING),
    "ints": (MADE,),
    "padding": (MADE, NESTED),
    "floats": (MADE,),
    "str": (STRING,),
    "int": ("9_000_000_000_000_000_000", "1_000_000", "100_003"),
}
"""The largest arguments of each type."""
SMALL = {"int": "1", "float": "0.5", "number": "1", "str": '"a"', "bool": "true", "ints": "1"}
OPERATORS = (
    "a == a", "a != a", "a + a", "a in [a]", "a[1:]", "a[::2]", "[a, a]", "(a, a)", "1 in a",
    "a < a", "a == b", "a + b", "b in [b]", "[n for n in a]",
)  # fmt: skip
FUNCTIONS = {
    name: found
    for file in library_files()
    if "/" not in file
    for name in defined_names(file)
    if isinstance(found := definition(file, name), ast.Extern) and not is_private(name)
}
"""Functions of the language itself; others are written with them."""


def parameters(definition: ast.Extern) -> Iterator[tuple[ast.Param, str]]:
    """List the parameters that can be large, each with a large argument."""
    runs = definition.name.text in {*COMPILE_TIME, *SPECIAL}
    for param in definition.params:
        type = param.type.inner if isinstance(param.type, ast.OptionalType) else param.type
        if isinstance(type, ast.ListType):
            inner = "1" if isinstance(type.item, ast.NameType) else "x"
            yield param, f"[{inner} for i in 1..10_000]"
            if inner == "1":
                yield param, LONG
        kind = source_text(type) if type is not None else ""
        for large in LISTS.get(kind, ()) if runs or kind != "int" else ():
            yield param, large


def argument(param: ast.Param) -> str:
    if takes_tensor(param):
        return "h"
    return SMALL.get(source_text(param.type) if param.type is not None else "", "1")


def programs(name: str, definition: ast.Extern) -> Iterator[str]:
    """Call a function very often with one large argument, at the top of a file and in a net."""
    for param, large in parameters(definition):
        needed = [p for p in definition.params if p.default is None and p is not param]
        given = [
            argument(p) if not p.keyword_only else f"{p.name.text}={argument(p)}" for p in needed
        ]
        given = [
            *(g for p, g in zip(needed, given, strict=True) if not p.keyword_only),
            f"{param.name.text}=a",
            *(g for p, g in zip(needed, given, strict=True) if p.keyword_only),
        ]
        call = f"{name}({', '.join(given)})"
        tensors = any(map(takes_tensor, definition.params)) or "x for" in large
        if not tensors:
            yield f"a = {large}\nb = [{call} for i in 1..20_000]\n"
            continue
        yield (
            "net X(x: f32[N, 4]) -> y: f32[N, 4] {\n"
            f"  a = {large}\n  z = for i in 1..500 with h = x {{\n    next h = {call}\n  }}\n"
            "  y = x\n}\n"
        )


def costs(text: str, path: Path) -> tuple[float, int]:
    """Check a program in a process of its own; return its processor time and its memory."""
    path.write_text(text)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        before, started = peak(), time.process_time()
        load(path)
        told = f"{time.process_time() - started} {peak() - before}"
        os.write(writing, told.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    assert status == 0, text
    seconds, memory = told.split()
    return float(seconds), int(memory)


def peak() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def sampled(items: Sequence[str], *, every: int) -> list[object]:
    """Leave all but a few parameters to the slow tests."""
    return [
        item if i % every == 0 else pytest.param(item, marks=pytest.mark.slow)
        for i, item in enumerate(items)
    ]


CALLED = [name for name in sorted(FUNCTIONS) if any(programs(name, FUNCTIONS[name]))]


@pytest.mark.parametrize("name", sampled(CALLED, every=4))
def test_every_function_is_fast_with_the_largest_arguments(name: str, tmp_path: Path) -> None:
    for text in programs(name, FUNCTIONS[name]):
        seconds, memory = costs(text, tmp_path / "a.net")
        assert seconds < SECONDS, text
        assert memory < MEMORY, text


@pytest.mark.parametrize("use", sampled(OPERATORS, every=4))
@pytest.mark.parametrize(
    "large", [LONG, MADE, NESTED, STRING], ids=["range", "list", "nested", "str"]
)
def test_every_operator_is_fast_with_the_longest_lists(
    use: str, large: str, tmp_path: Path
) -> None:
    text = f"a = {large}\nb = {large}\nc = [{use} for i in 1..20_000]\n"
    seconds, memory = costs(text, tmp_path / "a.net")
    assert (seconds < SECONDS, memory < MEMORY) == (True, True), (seconds, memory)
