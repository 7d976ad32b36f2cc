"""netlang explain"""

from __future__ import annotations

import click

from netlang.cli.arguments import sound_graph
from netlang.cli.output import say

EPILOG = """\b
Examples:
  netlang explain shape-mismatch
  netlang explain conv
  netlang explain lenet.net c1
  netlang explain resnet.net stage2.1.a --net ResNet50
"""


@click.command(epilog=EPILOG)
@click.argument("thing")
@click.argument("layer", required=False)
@click.option("--net", metavar="NET", help="The net of the file that has the layer.")
def command(thing: str, layer: str | None, net: str | None) -> None:
    """Explain a rule, a layer or an operator by name, or a layer of a file with its arithmetic."""
    from netlang.explain import explain, explain_layer

    if layer is None:
        say(explain(thing))
    else:
        say(explain_layer(sound_graph(thing, net), layer))
