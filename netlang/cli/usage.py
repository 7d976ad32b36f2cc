"""Commands and options that do not exist, or lack a name, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import click
from msgspec import Struct, json

from netlang.diagnostics.errors import NetlangError
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
    if name == "version" or (name == "help" and (not rest or rest[0] in known)):
        return (f"write `netlang{after} --{name}`",)
    if name.endswith(".net"):
        return (f"say what to do with it: `netlang check {name}{after}`",)
    for ours, theirs in _advice().commands.items():
        if name in theirs:
            return (f"write `netlang {ours}{after}`",)
    near = nearest(name, known)
    return () if near is None else (f"did you mean `netlang {near}{after}`?",)


def unknown_option(
    name: str, known: Iterable[str], args: Sequence[str] = (), *, top: bool = False
) -> tuple[str, ...]:
    """Return the help for an option that does not exist: what other tools use it for is here.

    ``args`` is the whole command line, and ``top`` whether the option comes before a command.
    """
    plain = name.lstrip("-").replace("-", "_")
    if top and plain.lower() in ("v", "ver"):
        return ("write `netlang --version`",)
    if plain in _SET and (value := _value(name, args)) is not None:
        own = {"learning_rate": "lr", "weight_decay": "decay"}.get(plain, plain)
        return (
            f"write `--set {own}={value}`; the section needs a parameter of that name, "
            f"such as `train main({own}: float = {value})`",
        )
    for text, theirs in _advice().options.items():
        if plain in theirs:
            return (text,)
    return did_you_mean(name, known)


_SET = frozenset({"lr", "learning_rate", "rate", "momentum", "weight_decay", "decay", "dropout"})
"""Options of other tools for what is a parameter of a train section here."""


def _value(option: str, args: Sequence[str]) -> str | None:
    """Return the value that a command line gives an option."""
    for at, text in enumerate(args):
        if text.startswith(f"{option}="):
            return text.partition("=")[2]
        if text == option:
            return next(iter(args[at + 1 : at + 2]), None)
    return None


def missing_option(option: str, args: Sequence[str]) -> tuple[str, ...]:
    """Return the command line with an option that it lacks."""
    files = [text for text in args if text.endswith(".net")]
    given = [text for text in args[2:] if Path(text).suffix in _WRITTEN and "=" not in text]
    stem = Path(files[0]).stem if files else "net"
    rest = " ".join(text for text in args if text not in given)
    match option:
        case "--output":
            suffix = ".svg" if args[0] == "draw" else ".onnx"
            return (f"write `netlang {rest} -o {given[0] if given else stem + suffix}`",)
        case "--weights":
            return (
                f"write `netlang {rest} --weights runs/{stem}/model.safetensors`: a run stores its "
                "parameters in `runs`, in the folder of its section",
            )
        case _:
            return ()


_WRITTEN = frozenset({".onnx", ".py", ".svg", ".png"})


def misplaced_setting(error: NetlangError, args: Sequence[str]) -> NetlangError:
    """Return the error of an unknown section with how to set a parameter, if that was meant."""
    given = next((text for text in args if f"`{text}`" in error.message and "=" in text), None)
    if given is None:
        return error
    helps = [f"write `--set {given}`"]
    return NetlangError(
        error.rule, error.message, notes=error.notes, helps=helps, exit_code=error.exit_code
    )
