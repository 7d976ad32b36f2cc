"""netlang profile"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

import netlang
from netlang.cli.arguments import (
    bind_option,
    completes,
    depth_option,
    file_argument,
    is_section,
    json_option,
    provider_option,
    python_option,
    set_option,
    weights_option,
)
from netlang.cli.arguments import command as make_command
from netlang.cli.output import colorful, echo, page_width, print_json

if TYPE_CHECKING:
    from netlang.backends import Provider

EXAMPLES = """
netlang profile resnet.net ResNet18
netlang profile unet.net --bind N=4 --bind H=256 --bind W=256
netlang profile digits.net digits --threads 1 --json
"""


@make_command(EXAMPLES)
@file_argument
@click.argument(
    "name", required=False, metavar="[NET|SECTION]", shell_complete=completes("definitions"),
)  # fmt: skip
@depth_option
@bind_option
@set_option
@weights_option
@click.option(
    "--runs", type=click.IntRange(1), metavar="N",
    help="Number of runs. Default: as many as take a second, at least 10.",
)  # fmt: skip
@click.option(
    "--threads", type=click.IntRange(1), metavar="N", help="Threads of one operator. Default: all.",
)  # fmt: skip
@provider_option
@python_option
@json_option
def command(
    file: str, name: str | None, depth: int | None, bind: dict[str, float],
    settings: dict[str, str], weights: str | None, runs: int | None, threads: int | None,
    provider: Provider, as_json: bool,
) -> None:  # fmt: skip
    """Measure how long each layer takes: of a net, or of a step of a train section.

    A net runs on random inputs; --bind N=16 sets the batch size. A section runs on its first batch,
    and its time is divided into forward, backward and update. Layers that onnxruntime computes
    together are marked, and so are those that nothing is left of.
    """
    program = netlang.load(file)
    if is_section(program, name):
        if bind or weights is not None:
            option = "--bind" if bind else "--weights"
            raise click.UsageError(f"{option} is for nets; a section has --set")
        found = program.profile(
            name, depth=depth, runs=runs, settings=settings, provider=provider, threads=threads
        )
    else:
        network = program.network(name, bind)
        if settings:
            raise click.UsageError("--set is for train sections; a net has --bind")
        if weights is not None:
            network.load(weights)
        found = network.profile(depth, runs=runs, provider=provider, threads=threads)
    if as_json:
        print_json({"profiles": [each.json() for each in found.profiles]})
    else:
        echo(found.render(color=colorful(), width=page_width()), styled=True)
