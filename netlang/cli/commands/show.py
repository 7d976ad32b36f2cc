"""netlang show"""

from __future__ import annotations

import click

import netlang
from netlang.cli.arguments import bind_option, file_and_net
from netlang.cli.arguments import command as make_command
from netlang.cli.output import echo

EXAMPLES = """
netlang show lenet.net
netlang show lenet.net --graph
netlang show resnet.net ResNet18 --after eliminate-dead-code
"""


@make_command(EXAMPLES)
@file_and_net
@click.option("--graph", "as_graph", is_flag=True, help="Show the graph of primitive operators.")
@click.option("--after", metavar="PASS", help="Show the graph after a compiler pass.")
@bind_option
def command(
    file: str, net: str | None, as_graph: bool, after: str | None, bind: dict[str, float]
) -> None:
    """Show a program with every default written out, or the graph of a net."""
    program = netlang.load(file)
    if as_graph or after:
        echo(program.network(net, bind).show(after=after))
    else:
        echo(program.show())
