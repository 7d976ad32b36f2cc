"""netlang summary"""

from __future__ import annotations

import click

from netlang.analysis.summary import fold, summarize
from netlang.cli.arguments import bind_option, file_and_net, json_option
from netlang.cli.loading import valid_graph
from netlang.cli.output import colorful, page_width, print_json, say

EPILOG = """\b
Examples:
  netlang summary lenet.net
  netlang summary resnet.net ResNet50 --depth 1
  netlang summary unet.net --bind H=224 --bind W=224 --json
"""


@click.command(epilog=EPILOG)
@file_and_net
@click.option(
    "--depth", "-d", type=click.IntRange(1), metavar="N",
    help="Join layers whose paths begin with the same N names; default: what fits a page.",
)  # fmt: skip
@bind_option
@json_option
def command(
    file: str, net: str | None, depth: int | None, bind: dict[str, int], as_json: bool
) -> None:
    """Show each layer of a net: its output, weights, multiply-adds and memory."""
    summary = summarize(valid_graph(file, net, bind, as_json=as_json), source_name=file)
    if as_json:
        print_json((fold(summary, depth) if depth else summary).json())
        return
    # Imported late: who asks for JSON needs no table.
    from netlang.analysis.table import render_summary

    table = render_summary(summary, depth=depth, color=colorful(), width=page_width())
    say(table.removesuffix("\n"), painted=True)
