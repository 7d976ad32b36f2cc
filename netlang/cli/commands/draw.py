"""netlang draw"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from netlang.cli.arguments import bind_option, file_and_net
from netlang.cli.loading import keep_apart, valid_graph
from netlang.cli.output import say

if TYPE_CHECKING:
    from netlang.diagram.layout import Direction

EPILOG = """\b
Examples:
  netlang draw lenet.net -o lenet.svg
  netlang draw resnet.net ResNet50 --depth 3 -o resnet50.svg
  netlang draw unet.net --bind H=224 --bind W=224 --direction right -o unet.png

Blocks are frames. A box with another one behind it stands for several layers; turns of a loop that
are alike are drawn once, with their number. In an SVG a box says more where the pointer rests on
it: its path, its line in the program, its weights and multiply-adds.
"""


@click.command(epilog=EPILOG)
@file_and_net
@click.option(
    "--output", "-o", required=True, metavar="FILE",
    help="Write the picture here, as .svg, or as .png with Pillow.",
)  # fmt: skip
@click.option(
    "--depth", "-d", type=click.IntRange(1), metavar="N",
    help="Join layers whose paths begin with the same N names; default: what fits a page.",
)  # fmt: skip
@click.option(
    "--direction", type=click.Choice(["down", "right"]), default="down", show_default=True,
    help="Where the data go.",
)  # fmt: skip
@bind_option
def command(
    file: str, net: str | None, output: str, depth: int | None, direction: Direction,
    bind: dict[str, int],
) -> None:  # fmt: skip
    """Draw the layers of a net: boxes with their shapes, blocks as frames, edges as arrows."""
    keep_apart(output, file)
    # Imported late: other commands draw nothing.
    from netlang.diagram.painting import paint
    from netlang.diagram.saving import check_format, save
    from netlang.diagram.sketch import sketch

    path = Path(output)
    check_format(path)
    outline = sketch(valid_graph(file, net, bind), depth)
    save(paint(outline, direction), path)
    say(f"{path}: {path.stat().st_size:,} bytes")
    say(str(outline))
