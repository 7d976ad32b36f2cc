"""netlang draw"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

import netlang
from netlang.cli.arguments import bind_option, completes, depth_option, file_and_net
from netlang.cli.arguments import command as make_command
from netlang.cli.output import echo
from netlang.system.files import protect_inputs

if TYPE_CHECKING:
    from netlang.diagram.layout import Direction

EXAMPLES = """
netlang draw lenet.net -o lenet.svg
netlang draw resnet.net ResNet50 --depth 3 -o resnet50.svg
netlang draw unet.net --bind H=224 --bind W=224 --direction right -o unet.png
netlang draw resnet50.onnx -o resnet50.svg
"""
DETAILS = """
Blocks are frames. A box with another one behind it represents several layers; identical
iterations of a loop are drawn once, with their number. In an SVG, hover over a box to see its
path, the source line it comes from, its parameters and its multiply-adds.
"""


@make_command(EXAMPLES, DETAILS)
@file_and_net
@click.option(
    "--output", "-o", required=True, metavar="FILE",
    shell_complete=completes("files", ".svg", ".png"),
    help="Write the diagram to FILE: .svg, or .png, which requires Pillow.",
)  # fmt: skip
@depth_option
@click.option(
    "--direction", type=click.Choice(["down", "right"]), default="down", show_default=True,
    help="Direction in which data flows.",
)  # fmt: skip
@bind_option
def command(
    file: str, net: str | None, output: str, depth: int | None, direction: Direction,
    bind: dict[str, float],
) -> None:  # fmt: skip
    """Draw a diagram of a net: layers as boxes with their shapes, blocks as frames."""
    from netlang.diagram.files import check_format

    protect_inputs(output, file)
    check_format(Path(output))
    diagram = netlang.load(file).network(net, bind).draw(depth=depth, direction=direction)
    diagram.save(output)
    echo(f"{Path(output)}: {Path(output).stat().st_size:,} bytes")
    echo(diagram.caption)
