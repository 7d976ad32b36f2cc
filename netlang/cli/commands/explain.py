"""netlang explain"""

from __future__ import annotations

from textwrap import wrap

import click

from netlang.cli.loading import valid_graph
from netlang.cli.output import page_width, say

EPILOG = """\b
Examples:
  netlang explain
  netlang explain conv
  netlang explain optimizer
  netlang explain shape-mismatch
  netlang explain lenet.net c1
  netlang explain resnet.net stage2.1.a --net ResNet50
"""


@click.command(epilog=EPILOG)
@click.argument("thing", required=False)
@click.argument("layer", required=False)
@click.option("--net", metavar="NET", help="The net of the file that has the layer.")
def command(thing: str | None, layer: str | None, net: str | None) -> None:
    """Explain a layer, an operator, a word, a setting or a rule by its name, or a layer of a file
    with its arithmetic. Without a name, list what there is.
    """
    from netlang.manual.explain import contents, explain, explain_layer

    if thing is None:
        say("\n\n".join(_listed(title, names) for title, names in contents()))
    elif layer is None:
        say(explain(thing))
    else:
        say(explain_layer(valid_graph(thing, net), layer))


def _listed(title: str, names: list[str]) -> str:
    lines = wrap("  ".join(names), min(page_width(), 100), break_on_hyphens=False)
    return "\n".join([title, *(f"  {line}" for line in lines)])
