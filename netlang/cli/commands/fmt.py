"""netlang fmt"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from netlang.cli.output import reject, say, show_error
from netlang.diagnostics.diagnostic import Diagnostic, Diagnostics
from netlang.diagnostics.errors import NetlangError
from netlang.syntax.formatting.format import format_file
from netlang.syntax.parser import parse
from netlang.syntax.reader import read_source

EPILOG = """\b
Examples:
  netlang fmt lenet.net
  netlang fmt --check *.net
"""


@click.command(epilog=EPILOG)
@click.argument("files", nargs=-1, required=True)
@click.option("--check", is_flag=True, help="Only say which files would change; exit 1 if any.")
@click.option("--diff", is_flag=True, help="Only show what would change; exit 1 if anything.")
def command(files: tuple[str, ...], check: bool, diff: bool) -> None:
    """Bring programs into the one layout; files that have it are left alone."""
    results = [_laid_out(file) for file in files]
    changes = [r for r in results if isinstance(r, Change) and r.before != r.after]
    for change in changes:
        if diff:
            say(_difference(change))
        else:
            say(f"{change.file}: {'would change' if check else 'laid out anew'}")
        if not (check or diff):
            _write(change)
    faults = [result for result in results if isinstance(result, NetlangError)]
    for fault in faults:
        show_error(fault)
    if mistakes := [d for result in results if isinstance(result, list) for d in result]:
        reject(mistakes)
    if faults:
        raise click.exceptions.Exit(max(fault.exit_code for fault in faults))
    if changes and (check or diff):
        raise click.exceptions.Exit(1)


@dataclass(frozen=True, slots=True)
class Change:
    """The text of a file, and what the one layout makes of it."""

    file: str
    before: str
    after: str


def _laid_out(file: str) -> Change | list[Diagnostic] | NetlangError:
    diagnostics = Diagnostics()
    try:
        source = read_source(file)
    except NetlangError as fault:
        return fault
    tree = parse(source, diagnostics)
    if tree is None or diagnostics.failed:
        return diagnostics.sorted()
    return Change(file, Path(file).read_bytes().decode("utf-8"), format_file(tree))


def _write(change: Change) -> None:
    from netlang.system.files import write_atomically

    # A link stays a link: the file behind it gets the new text.
    write_atomically(Path(change.file).resolve(), [change.after.encode("utf-8")])


def _difference(change: Change) -> str:
    from difflib import unified_diff

    lines = unified_diff(
        change.before.splitlines(keepends=True),
        change.after.splitlines(keepends=True),
        change.file,
        change.file,
    )
    whole = (n if n.endswith("\n") else f"{n}\n\\ no line end at the end\n" for n in lines)
    return "".join(whole).removesuffix("\n")
