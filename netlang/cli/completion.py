"""What the completion of shells suggests: click's machinery, with scripts that filter files.

A script passes the command line up to the cursor, and reads one suggestion from each line: what
it is (``plain``, or ``file`` and ``dir`` for the shell to complete), its text, and its help.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click
from click.shell_completion import (
    CompletionItem,
    ShellComplete,
    add_completion_class,
    split_arg_string,
)

from netlang.diagnostics.errors import NetlangError
from netlang.editor.words import words
from netlang.syntax.reader import read_source

SCRIPTS = Path(__file__).with_name("shells")
SHELLS = ("bash", "zsh", "fish")

_LEXEMES = re.compile(
    r'#[^\n]*|"(?:[^"\\\n]|\\.)*"?|\b(?P<kind>net|train)\s+(?P<name>[A-Za-z_][A-Za-z0-9_]*)'
)
"""Comments, strings, and definitions: `net` and `train` are reserved, so nothing else has them."""

Suggestion = CompletionItem[str]


class _Shell(ShellComplete):
    """Completion of a shell whose script passes the command line up to the cursor."""

    def source(self) -> str:
        return script(self.name)

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ["COMP_WORDS"]
        parts = split_arg_string(line)
        while parts and "=" in parts[0]:
            del parts[0]  # variables that are set for the command
        if len(parts) < 2 or split_arg_string(f"{line}x")[-1] == "x":
            parts.append("")  # the cursor is behind a blank
        return parts[1:-1], parts[-1]

    def get_completions(self, args: list[str], incomplete: str) -> list[Suggestion]:
        group = self.cli
        known = group.list_commands(click.Context(group)) if isinstance(group, click.Group) else []
        if args and not args[0].startswith("-") and args[0] not in known:
            return []  # click would suggest the commands once more
        return super().get_completions(args, incomplete)

    def format_completion(self, item: Suggestion) -> str:
        return "\t".join((item.type, item.value, " ".join((item.help or "").split())))


def script(shell: str) -> str:
    """Return the script that a shell runs for its completion."""
    return (SCRIPTS / f"netlang.{shell}").read_text("utf-8")


def register() -> None:
    """Make click answer the scripts."""
    for shell in SHELLS:
        add_completion_class(type(shell, (_Shell,), {"name": shell}), shell)


def suggestions(
    what: str, details: tuple[str, ...], ctx: click.Context, incomplete: str
) -> list[Suggestion]:
    """Return what may follow on the command line.

    Arguments:
        what: ``files``, ``folders``, ``nets``, ``sections``, ``targets``, ``definitions`` (nets and
            sections), ``providers`` or ``topics``.
        details: the extensions of files; none for any file.
        ctx: what precedes; its ``file`` is the program that has the nets.
        incomplete: what the word begins with.
    """
    match what:
        case "files":
            return [_files(details)]
        case "folders":
            return [CompletionItem("/", type="dir")]
        case "providers":
            from netlang.backends.providers import AUTO, KNOWN

            names = (AUTO, *(each.name for each in KNOWN))
            return [CompletionItem(name) for name in names if name.startswith(incomplete)]
        case "topics":
            topics = ((n, t) for n, t in words().topics.items() if n.startswith(incomplete))
            return [_files(details), *(CompletionItem(name, help=title) for name, title in topics)]
        case _:
            kinds = ["train" if what == "sections" or ctx.params.get("training") else "net"]
            if what == "definitions":
                kinds = ["net", "train"]
            # Until an option has its value, click has not assigned the arguments.
            given = (ctx.params.get("file"), ctx.params.get("name"), *ctx.args)
            names = defined(next(filter(None, given), ""), kinds)
            return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def defined(file: str, kinds: Sequence[str]) -> Iterable[str]:
    """Return the names of the nets or the train sections of a file, also if it has errors."""
    try:
        text = read_source(Path(file).expanduser()).text
    except (NetlangError, RuntimeError):
        return ()
    return dict.fromkeys(_definitions(text, kinds))


def _definitions(text: str, kinds: Sequence[str]) -> Iterator[str]:
    return (found["name"] for found in _LEXEMES.finditer(text) if found["kind"] in kinds)


def _files(extensions: tuple[str, ...]) -> Suggestion:
    # An alternation, as the patterns of the shells write it; a value must not be empty.
    return CompletionItem("|".join(extensions) or "|", type="file")
