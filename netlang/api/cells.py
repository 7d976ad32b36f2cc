"""Cells of notebooks with programs."""

from __future__ import annotations

from typing import Any

from netlang.api.program import loads
from netlang.diagnostics.errors import InputError


def register(shell: Any) -> None:
    """Make ``%%netlang`` begin a cell with a program."""

    def run(line: str, cell: str) -> object:
        return program_cell(shell, line, cell)

    shell.register_magic_function(run, "cell", "netlang")


def program_cell(shell: Any, line: str, cell: str) -> object:
    """Run a cell ``%%netlang NAME``: read its text as a program, and assign that to a variable.

    What is wrong with the program is displayed.
    """
    name = line.strip() or "program"
    if not name.isidentifier():
        raise InputError(
            f"`{name}` is not the name of a variable", helps=["write `%%netlang name`"]
        )
    program = loads(cell, f"{name}.net")
    shell.push({name: program})
    return program.problems if program.diagnostics else program
