"""netlang runs"""

from __future__ import annotations

from pathlib import Path

import click

import netlang
from netlang.cli.arguments import command as make_command
from netlang.cli.arguments import completes, json_option
from netlang.cli.output import echo, print_json

EXAMPLES = """
netlang runs
netlang runs runs/moons-sweep-1 -o comparison.svg
netlang runs runs --json
"""


@make_command(EXAMPLES)
@click.argument(
    "folder", default="runs", shell_complete=completes("folders"), metavar="[FOLDER]",
)  # fmt: skip
@click.option(
    "--output", "-o", metavar="FILE", shell_complete=completes("files", ".svg", ".png"),
    help="Plot the runs, one line each, as .svg or .png.",
)  # fmt: skip
@json_option
def command(folder: str, output: str | None, as_json: bool) -> None:
    """List the runs in FOLDER and below: what they differ in, their state, and their best epoch.

    FOLDER is `runs` by default.
    """
    from netlang.diagram.files import check_format, save

    if output is not None:
        check_format(Path(output))
    found = netlang.runs(folder)
    if as_json:
        print_json({"runs": found.plain()})
    else:
        echo(str(found))
    if output is not None:
        save(found.drawing(), Path(output))
