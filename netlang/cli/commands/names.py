"""netlang names"""

from __future__ import annotations

import click

import netlang
from netlang.analysis.counts import grouped
from netlang.cli.arguments import WEIGHTS, bind_option, file_and_net, json_option
from netlang.cli.arguments import command as make_command
from netlang.cli.output import echo, print_json
from netlang.ir.graph import Param

EXAMPLES = """
netlang names lenet.net
netlang names lenet.net --diff lenet.safetensors
"""


@make_command(EXAMPLES)
@file_and_net
@click.option(
    "--diff", metavar="WEIGHTS", shell_complete=WEIGHTS,
    help="Compare with the parameters in a file.",
)  # fmt: skip
@bind_option
@json_option
def command(
    file: str, net: str | None, diff: str | None, bind: dict[str, int], as_json: bool
) -> None:
    """List every parameter of a net and its shape."""
    network = netlang.load(file).network(net, bind)
    if diff is not None:
        _compare(network, diff, as_json)
    elif as_json:
        print_json(_json(network))
    else:
        echo("\n".join([*map(_line, network.graph.params.values()), _total(network)]))


def _line(param: Param) -> str:
    shape = str(param.type).removeprefix("f32")
    return f"{param.path}  {shape}" + ("" if param.trained else "  running")


def _total(network: netlang.Network) -> str:
    statistics = network.non_trainable_parameters
    excluded = f", {grouped(statistics)} running statistics" if statistics != 0 else ""
    return f"{grouped(network.trainable_parameters)} parameters{excluded}"


def _json(network: netlang.Network) -> object:
    return {
        "net": network.name,
        "parameters": [
            {"path": p.path, "type": str(p.type), "trainable": p.trained, "init": str(p.init)}
            for p in network.graph.params.values()
        ],
    }


def _compare(network: netlang.Network, weights: str, as_json: bool) -> None:
    differences = network.diff(weights)
    if as_json:
        print_json({"net": network.name, "differences": differences})
    else:
        same = f"{weights} holds exactly the parameters of {network.name}"
        echo("\n".join(differences) or same)
    if differences:
        raise click.exceptions.Exit(1)
