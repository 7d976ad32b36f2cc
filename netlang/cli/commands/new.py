"""netlang new"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

import netlang
from netlang.cli.arguments import command as make_command
from netlang.cli.arguments import completes, json_option
from netlang.cli.output import echo, print_json

if TYPE_CHECKING:
    from netlang.api.templates.writing import Kind

EXAMPLES = """
netlang new pictures pets --data photos
netlang new classifier iris --data iris.csv
netlang new regression houses --data houses.csv --target SalePrice
netlang new text reviews --data reviews.csv
netlang new segmentation roads --data roads
netlang new gan faces --data photos
"""
DETAILS = """
KIND is what the program does:
  `classifier`    predicts a class from the other columns of a table
  `regression`    predicts a number from the other columns of a table
  `text`          predicts a class from a column of texts
  `pictures`      predicts the class of an image
  `segmentation`  predicts the class of each pixel of an image
  `gan`           makes images like those of a folder

The program is NAME.net in the working folder; a file of that name is not overwritten. It is written
for the data: the columns of a table, its missing values and categories; the classes and the size of
images. Without --data, `pictures` and `gan` train on the digits that come with netlang. A folder of
images has a folder for each class, for gan also none; its folders may be in `train` and `valid`.
For segmentation it has two folders, such as `images` and `masks`.
"""
_KINDS = ("classifier", "regression", "pictures", "text", "segmentation", "gan")


@make_command(EXAMPLES, DETAILS)
@click.argument("kind", type=click.Choice(_KINDS))
@click.argument("name")
@click.option(
    "--data", metavar="PATH", shell_complete=completes("files", ".csv", ".tsv"),
    help="The data to train on: a table (.csv, .tsv, also .gz), or a folder of images.",
)  # fmt: skip
@click.option(
    "--target", metavar="COLUMN",
    help="The column to predict. Default: one that is named like a label, or the last.",
)  # fmt: skip
@json_option
def command(kind: Kind, name: str, data: str | None, target: str | None, as_json: bool) -> None:
    """Write a program for some data, with a section that trains at once."""
    program = netlang.new(kind, name, data, target=target)
    section = program.checked.section(None).name.text
    if as_json:
        print_json({"file": program.name, "section": section, "nets": list(program)})
        return
    echo(f"{program.name} is written: read it, then `netlang train {program.name}`")
