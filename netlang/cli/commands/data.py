"""netlang data"""

from __future__ import annotations

from math import ceil, sqrt
from pathlib import Path
from typing import TYPE_CHECKING

import click

import netlang
from netlang.cli.arguments import command as make_command
from netlang.cli.arguments import (
    completes,
    file_and_section,
    json_option,
    python_option,
    set_option,
)
from netlang.cli.output import echo, print_json, show_error, warn
from netlang.system.files import protect_inputs

if TYPE_CHECKING:
    from netlang.training.section_data import SectionData

EXAMPLES = """
netlang data iris.net
netlang data pets.net -o sheet.png
netlang data houses.net houses --json
"""
DETAILS = """
SECTION is a train section, or a dataset that one uses. The columns are those that training sees,
after the transforms that are not random.
"""

_TILES = 36


@make_command(EXAMPLES, DETAILS)
@file_and_section
@set_option
@click.option(
    "--output", "-o", metavar="FILE", shell_complete=completes("files", ".png"),
    help="Write the first images, after their transforms, as one image.",
)  # fmt: skip
@python_option
@json_option
def command(
    file: str, section: str | None, settings: dict[str, str], output: str | None, as_json: bool
) -> None:
    """Show the data of a train section: columns, ranges, classes, missing values, first examples.

    Also shows what a run would warn of or reject, such as any image that cannot be read; then the
    exit code is that of the error.
    """
    if output is not None and Path(output).suffix.lower() != ".png":
        raise click.BadParameter(f"{output}: images are written as .png", param_hint="'--output'")
    protect_inputs(output, file)
    tiles = _TILES if output is not None else 0
    from netlang.cli.progress import display

    program = netlang.load(file)
    with display(as_json=as_json):
        found = program.describe_data(section, settings=settings, images=tiles)
    if as_json:
        problems = [error.diagnostic.message for error in found.problems]
        print_json({**found.plain(), "rejected": problems})
    elif text := str(found):
        echo(text)
    if output is not None:
        for line in _sheet(found, Path(output)):
            (warn if as_json else echo)(line)
    for error in found.problems:
        if not as_json:
            show_error(error)
    if found.problems:
        raise click.exceptions.Exit(found.problems[0].exit_code)


def _sheet(found: SectionData, output: Path) -> list[str]:
    """Write the images of `data`; return what was written, and the classes of its rows."""
    from netlang.storage.outputs import write_images

    report = found.training
    if report is None:
        return []
    if not report.images:
        return [f"{report.place} has no images: {output} is not written"]
    lines = list(write_images(output, report.images, lambda _: False))
    across = ceil(sqrt(len(report.labels)))
    starts = range(0, len(report.labels), max(across, 1))
    rows = [", ".join(report.labels[at : at + across]) for at in starts]
    return [*lines, *(f"  row {number}: {row}" for number, row in enumerate(rows, 1))]
