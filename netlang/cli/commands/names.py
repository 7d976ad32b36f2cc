"""netlang names"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

import netlang
from netlang.analysis.counts import grouped
from netlang.cli.arguments import (
    WEIGHTS,
    bind_option,
    completes,
    file_and_net,
    from_option,
    json_option,
    load_parameters,
    map_option,
    weights_option,
)  # fmt: skip
from netlang.cli.arguments import command as make_command
from netlang.cli.output import echo, print_json, warn
from netlang.ir.graph import Param
from netlang.system.files import protect_inputs

if TYPE_CHECKING:
    from netlang.matching.loading import Dialect

EXAMPLES = """
netlang names lenet.net
netlang names lenet.net --diff lenet.safetensors
netlang names resnet.net ResNet18 --diff resnet18.safetensors --from torch
netlang names resnet.net ResNet18 --match resnet18.safetensors -o names.json
netlang names lenet.net --values --weights lenet.safetensors
"""


@make_command(EXAMPLES)
@file_and_net
@click.option(
    "--diff", metavar="WEIGHTS", shell_complete=WEIGHTS,
    help="Compare with the parameters in a file.",
)  # fmt: skip
@click.option(
    "--match", metavar="WEIGHTS", shell_complete=WEIGHTS,
    help="Find which tensor of a file with other names is which parameter.",
)  # fmt: skip
@click.option(
    "-o", "--output", metavar="NAMES.json", shell_complete=completes("files", ".json"),
    help="With --match, write a mapping file, which can be edited and given as --map.",
)  # fmt: skip
@click.option("--values", is_flag=True, help="Show the values, too.")
@weights_option
@from_option
@map_option
@bind_option
@json_option
def command(
    file: str, net: str | None, diff: str | None, match: str | None, output: str | None,
    values: bool, weights: str | None, dialect: Dialect, mapping: str | None,
    bind: dict[str, float], as_json: bool,
) -> None:  # fmt: skip
    """List every parameter of a net and its shape."""
    network = netlang.load(file).network(net, bind)
    if diff is None:
        load_parameters(network, weights, dialect, mapping)
    if match is not None:
        _match(network, match, output, as_json)
    elif output is not None:
        raise click.UsageError("`--output` is the mapping file of `--match`: give that, too")
    elif diff is not None:
        _compare(network, network.diff(diff, dialect=dialect, mapping=mapping), diff, as_json)
    elif as_json:
        print_json(_json(network, values=values))
    else:
        if values and weights is None:
            echo("initial values, from seed 0; `--weights FILE` has those of a run")
        shown = [_values(network, p) if values else _line(p) for p in network.graph.params.values()]
        echo("\n".join([*shown, _total(network)]))


def _line(param: Param) -> str:
    shape = str(param.type).removeprefix("f32")
    return f"{param.path}  {shape}" + ("" if param.trained else "  running")


def _values(network: netlang.Network, param: Param) -> str:
    """Return the line of a parameter, and its elements; of many, those at the ends."""
    from netlang.system.numpy import np

    shown = np.array2string(
        network.parameters.arrays()[param.path], separator=", ", prefix="  ", precision=6
    )
    return f"{_line(param)}\n  {shown}"


def _total(network: netlang.Network) -> str:
    statistics = network.non_trainable_parameters
    excluded = f", {grouped(statistics)} running statistics" if statistics != 0 else ""
    return f"{grouped(network.trainable_parameters)} parameters{excluded}"


def _json(network: netlang.Network, *, values: bool) -> object:
    return {
        "net": network.name,
        "parameters": [
            {
                "path": p.path,
                "type": str(p.type),
                "trainable": p.trained,
                "init": str(p.init),
                **({"values": network.parameters[p.path].tolist()} if values else {}),
            }
            for p in network.graph.params.values()
        ],
    }


def _match(network: netlang.Network, weights: str, output: str | None, as_json: bool) -> None:
    protect_inputs(output, weights)
    matched = network.match(weights, save=output)
    if as_json:
        print_json({"net": network.name, **matched.json()})
    else:
        echo(str(matched))
        for line in matched.rules:
            echo(f"note: {line}")
    if output is not None:
        (warn if as_json else echo)(f"{output}: {Path(output).stat().st_size:,} bytes")
    if not matched.complete:
        raise click.exceptions.Exit(1)


def _compare(network: netlang.Network, differences: list[str], weights: str, as_json: bool) -> None:
    if as_json:
        print_json({"net": network.name, "differences": differences})
    else:
        same = f"{weights} holds exactly the parameters of {network.name}"
        echo("\n".join(differences) or same)
    if differences:
        raise click.exceptions.Exit(1)
