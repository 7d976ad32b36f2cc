"""netlang names"""

from __future__ import annotations

from pathlib import Path

import click

from netlang.analysis.counts import grouped, running, trained
from netlang.cli.arguments import bind_option, file_and_net, json_option
from netlang.cli.loading import valid_graph
from netlang.cli.output import print_json, say
from netlang.ir.graph import Graph, Param

EPILOG = """\b
Examples:
  netlang names lenet.net
  netlang names lenet.net --diff lenet.safetensors
"""


@click.command(epilog=EPILOG)
@file_and_net
@click.option("--diff", metavar="WEIGHTS", help="Compare with the weights in a file.")
@bind_option
@json_option
def command(
    file: str, net: str | None, diff: str | None, bind: dict[str, int], as_json: bool
) -> None:
    """List every parameter of a net and its shape."""
    graph = valid_graph(file, net, bind, as_json=as_json)
    if diff is not None:
        _compare(graph, diff, as_json)
    elif as_json:
        print_json(_json(graph))
    else:
        say("\n".join([*map(_line, graph.params.values()), _total(graph)]))


def _line(param: Param) -> str:
    shape = str(param.type).removeprefix("f32")
    return f"{param.path}  {shape}" + ("" if param.trained else "  running")


def _total(graph: Graph) -> str:
    statistics = running(graph)
    apart = f", {grouped(statistics)} running statistics" if statistics != 0 else ""
    return f"{grouped(trained(graph))} parameters{apart}"


def _json(graph: Graph) -> object:
    return {
        "net": graph.name,
        "parameters": [
            {"path": p.path, "type": str(p.type), "trainable": p.trained, "init": str(p.init)}
            for p in graph.params.values()
        ],
    }


def _compare(graph: Graph, weights: str, as_json: bool) -> None:
    from netlang.storage.weights import load_weights, match

    differences = match(graph, load_weights(Path(weights)))
    if as_json:
        print_json({"net": graph.name, "differences": differences})
    else:
        same = f"{weights} holds exactly the parameters of {graph.name}"
        say("\n".join(differences) or same)
    if differences:
        raise click.exceptions.Exit(1)
