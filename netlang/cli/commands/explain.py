"""netlang explain"""

from __future__ import annotations

from textwrap import wrap

import click

import netlang
from netlang.cli.arguments import command as make_command
from netlang.cli.arguments import completes
from netlang.cli.output import echo, page_width

EXAMPLES = """
netlang explain
netlang explain conv
netlang explain optimizer
netlang explain std.vision
netlang explain "|>"
netlang explain shape-mismatch
netlang explain lenet.net c1
netlang explain resnet.net stage2.1.a --net ResNet50
netlang explain resnet50.onnx stem
"""


@make_command(EXAMPLES)
@click.argument("name", required=False, shell_complete=completes("topics", ".net"))
@click.argument("layer", required=False)
@click.option(
    "--net", metavar="NET", shell_complete=completes("nets"),
    help="The net of the file that has the layer.",
)  # fmt: skip
def command(name: str | None, layer: str | None, net: str | None) -> None:
    """Explain a layer, type, operator, keyword, setting or rule, or work out a layer of a file.

    Without a name, list everything that can be explained.
    """
    if name is None:
        echo("\n\n".join(_listed(title, names) for title, names in netlang.contents()))
    elif layer is None:
        echo(netlang.explain(name))
    else:
        echo(netlang.load(name).network(net).explain(layer))


def _listed(title: str, names: list[str]) -> str:
    lines = wrap("  ".join(names), min(page_width(), 100), break_on_hyphens=False)
    return "\n".join([title, *(f"  {line}" for line in lines)])
