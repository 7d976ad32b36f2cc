"""netlang show"""

from __future__ import annotations

import click

from netlang.cli.arguments import bind_option, file_and_net
from netlang.cli.loading import valid_graph, valid_program
from netlang.cli.output import say
from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError
from netlang.diagnostics.suggestions import did_you_mean
from netlang.ir.graph import Graph
from netlang.ir.text import print_graph

EPILOG = """\b
Examples:
  netlang show lenet.net
  netlang show lenet.net --graph
  netlang show resnet.net ResNet18 --after eliminate-dead-code
"""


@click.command(epilog=EPILOG)
@file_and_net
@click.option("--graph", "as_graph", is_flag=True, help="Show the graph of primitive operators.")
@click.option("--after", metavar="PASS", help="Show the graph as a pass leaves it.")
@bind_option
def command(
    file: str, net: str | None, as_graph: bool, after: str | None, bind: dict[str, int]
) -> None:
    """Show a program with every default written out, or the graph a net stands for."""
    if not (as_graph or after):
        from netlang.manual.defaults import with_defaults

        say(with_defaults(valid_program(file)).removesuffix("\n"))
        return
    graph = valid_graph(file, net, bind)
    say(print_graph(_after(graph, after) if after else graph).removesuffix("\n"))


def _after(graph: Graph, wanted: str) -> Graph:
    from netlang.passes.pipeline import PASSES, name_of, transform

    names = [name_of(step) for step in PASSES]
    if wanted not in names:
        raise NetlangError(
            rules.UNKNOWN_PASS,
            f"there is no pass `{wanted}`",
            notes=[f"the passes are, in order: {', '.join(names)}"],
            helps=did_you_mean(wanted, names),
            exit_code=USAGE,
        )
    return transform(graph, PASSES[: names.index(wanted) + 1])
