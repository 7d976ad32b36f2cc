"""netlang draw"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

import netlang
from netlang.cli.arguments import (
    bind_option,
    completes,
    depth_option,
    files,
    is_section,
    seed_option,
    weights_option,
)  # fmt: skip
from netlang.cli.arguments import command as make_command
from netlang.cli.output import echo
from netlang.system.files import protect_inputs

if TYPE_CHECKING:
    from netlang.api.display import Diagram
    from netlang.diagram.layout import Direction

EXAMPLES = """
netlang draw lenet.net -o lenet.svg
netlang draw resnet.net ResNet50 --depth 3 -o resnet50.svg
netlang draw gates.net -i x=3 -i y=-4 --gradients -o gates.svg
netlang draw unet.net --bind H=224 --bind W=224 --direction right -o unet.png
netlang draw resnet50.onnx -o resnet50.svg
netlang draw transformer.net -o transformer.html
netlang draw gan.net gan -o gan.svg
"""
DETAILS = """
Blocks are frames; a dashed frame next to the net shows what is in a block that repeats. A box with
another one behind it represents several layers; identical iterations of a loop are drawn once, with
their number. In an SVG, hover over a box to see its path, the source line it comes from, its
parameters and its multiply-adds; in an HTML file, click on it to see what is in it. With --input,
each box shows the value that it computes, of many numbers the least and the greatest, and
iterations are drawn one by one.
"""


@make_command(EXAMPLES, DETAILS)
@click.argument("file", shell_complete=completes("files", ".net", ".onnx"))
@click.argument(
    "net", metavar="[NET|SECTION]", required=False, shell_complete=completes("definitions")
)
@click.option(
    "--output", "-o", required=True, metavar="FILE",
    shell_complete=completes("files", ".svg", ".png", ".html"),
    help="Write the diagram to FILE: .svg, .html, or .png, which requires Pillow.",
)  # fmt: skip
@depth_option
@click.option(
    "--direction", type=click.Choice(["down", "right"]), default="down", show_default=True,
    help="Direction in which data flows.",
)  # fmt: skip
@click.option(
    "--wrap/--no-wrap", default=True, show_default=True,
    help="Fit a deep net to a page, in columns or rows.",
)  # fmt: skip
@click.option(
    "--dark", is_flag=True,
    help="Draw for a dark ground. Otherwise .svg and .html follow the viewer's color scheme.",
)  # fmt: skip
@click.option(
    "--input", "-i", "inputs", multiple=True, callback=files, metavar="NAME=SOURCE",
    shell_complete=completes("files", ".npy", ".npz", ".csv", ".png", ".jpg", ".jpeg"),
    help="Show the values that the net computes of an input, as for `netlang run`. Repeatable.",
)  # fmt: skip
@click.option(
    "--gradients", is_flag=True,
    help="With --input, show the gradients of the output, a scalar, by each value.",
)  # fmt: skip
@weights_option
@seed_option("Random seed of the initial parameters.")
@bind_option
def command(
    file: str, net: str | None, output: str, depth: int | None, direction: Direction,
    wrap: bool, dark: bool, inputs: dict[str, str], gradients: bool, weights: str | None,
    seed: int, bind: dict[str, float],
) -> None:  # fmt: skip
    """Draw a diagram of a net: layers as boxes with their shapes, blocks as frames.

    Or of a train section: data, nets, losses and optimizers.
    """
    from netlang.diagram.files import IMAGES, check_format

    if (gradients or weights is not None) and not inputs:
        option = "--gradients" if gradients else "--weights"
        raise click.UsageError(f"{option} requires --input")
    from netlang.storage.inputs import file_of

    protect_inputs(output, file, weights, *map(file_of, inputs.values()))
    check_format(Path(output), (*IMAGES, ".html"))
    program = netlang.load(file)
    if is_section(program, net) and (net or not program.checked.imported_nets()):
        _require_net(file, net, depth=depth, input=inputs, bind=bind)
        _save(program.draw(net, direction=direction, wrap=wrap), output, dark=dark)
        return
    network = program.network(net, bind, seed=seed)
    if weights is not None:
        network.load(weights)
    feeds = network.read_inputs(inputs) if inputs else None
    diagram = network.draw(feeds, gradients=gradients, depth=depth, direction=direction, wrap=wrap)
    _save(diagram, output, dark=dark)


def _require_net(file: str, section: str | None, **options: object) -> None:
    """Reject options that are for a net where a train section is drawn."""
    what = f"`{section}` of {file} is a train section" if section else f"{file} has no net"
    for name, value in options.items():
        if value:
            raise click.UsageError(f"--{name} is for a net, and {what}")


def _save(diagram: Diagram, output: str, *, dark: bool) -> None:
    diagram.save(output, dark=dark)
    echo(f"{Path(output)}: {Path(output).stat().st_size:,} bytes")
    echo(diagram.caption)
