"""Commands and options that do not exist, or lack a name, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import click
from msgspec import Struct, json

from netlang.diagnostics.suggestions import did_you_mean, nearest

_FILE = Path(__file__).parents[1] / "advice" / "commands.json"


class _Advice(Struct):
    commands: dict[str, list[str]]
    options: dict[str, list[str]]


@cache
def _advice() -> _Advice:
    return json.decode(_FILE.read_bytes(), type=_Advice)


class HelpfulUsageError(click.UsageError):
    """A wrong command line with help of its own."""

    def __init__(self, message: str, helps: Sequence[str], ctx: click.Context) -> None:
        super().__init__(message, ctx)
        self.helps = tuple(helps)


def unknown_command(name: str, known: Iterable[str], rest: Sequence[str]) -> tuple[str, ...]:
    """Return the help for a command that does not exist: one of ours, or the file's check."""
    after = " ".join(["", *rest])
    if name.endswith(".net"):
        return (f"say what to do with it: `netlang check {name}{after}`",)
    for ours, theirs in _advice().commands.items():
        if name in theirs:
            return (f"write `netlang {ours}{after}`",)
    near = nearest(name, known)
    return () if near is None else (f"did you mean `netlang {near}{after}`?",)


def unknown_option(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return the help for an option that does not exist: what other tools use it for is here."""
    plain = name.lstrip("-").replace("-", "_")
    for text, theirs in _advice().options.items():
        if plain in theirs:
            return (text,)
    return did_you_mean(name, known)
