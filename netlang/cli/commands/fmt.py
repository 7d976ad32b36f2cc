"""netlang fmt"""

from __future__ import annotations

from difflib import unified_diff
from pathlib import Path

import click
from msgspec import Struct

import netlang
from netlang.cli.arguments import PROGRAMS
from netlang.cli.arguments import command as make_command
from netlang.cli.output import echo, show_diagnostics, show_error
from netlang.diagnostics.errors import NetlangError
from netlang.syntax.reader import read_source
from netlang.system.files import write_atomically

EXAMPLES = """
netlang fmt lenet.net
netlang fmt --check *.net
"""


@make_command(EXAMPLES)
@click.argument("files", nargs=-1, required=True, shell_complete=PROGRAMS)
@click.option("--check", is_flag=True, help="List the files that would change; exit 1 if any.")
@click.option("--diff", is_flag=True, help="Show what would change; exit 1 if anything.")
def command(files: tuple[str, ...], check: bool, diff: bool) -> None:
    """Format programs in the standard layout."""
    results = [_formatted(file) for file in files]
    changes = [r for r in results if isinstance(r, Change) and r.before != r.after]
    for change in changes:
        if diff:
            echo(_difference(change))
        else:
            echo(f"{change.file}: {'would change' if check else 'formatted'}")
        if not (check or diff):
            _write(change)
    errors = [result for result in results if isinstance(result, NetlangError)]
    _show([error for error in errors if not isinstance(error, netlang.ProgramError)])
    if found := [d for e in errors if isinstance(e, netlang.ProgramError) for d in e.diagnostics]:
        show_diagnostics(found)
    if errors or (changes and (check or diff)):
        raise click.exceptions.Exit(max((error.exit_code for error in errors), default=1))


class Change(Struct, frozen=True):
    """The text of a file, and the same in the standard layout."""

    file: str
    before: str
    after: str


def _formatted(file: str) -> Change | NetlangError:
    try:
        after = netlang.format(read_source(file).text, file)
    except NetlangError as error:
        return error
    return Change(file, Path(file).read_bytes().decode("utf-8"), after)


def _show(errors: list[NetlangError]) -> None:
    for error in errors:
        show_error(error)


def _write(change: Change) -> None:
    # A link stays a link: the file it points to gets the new text.
    write_atomically(Path(change.file).resolve(), [change.after.encode("utf-8")])


def _difference(change: Change) -> str:
    lines = unified_diff(
        change.before.splitlines(keepends=True),
        change.after.splitlines(keepends=True),
        change.file,
        change.file,
    )
    whole = (n if n.endswith("\n") else f"{n}\n\\ No newline at end of file\n" for n in lines)
    return "".join(whole).removesuffix("\n")
