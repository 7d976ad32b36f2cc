"""netlang verify"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

import netlang
from netlang.cli.arguments import (
    bind_option,
    file_and_net,
    json_option,
    load_parameters,
    precision_option,
    provider_option,
    python_option,
    seed_option,
    weights_options,
)
from netlang.cli.arguments import command as make_command
from netlang.cli.output import columns, echo, print_json

if TYPE_CHECKING:
    from netlang.backends import Lower, Provider
    from netlang.inference.verification import Comparison
    from netlang.matching.loading import Dialect

EXAMPLES = """
netlang verify lenet.net
netlang verify lenet.net --precision int8
netlang verify unet.net --bind H=64 --bind W=64 --seed 7
netlang verify resnet.net ResNet18 --weights resnet18.safetensors --from torch
"""


@make_command(EXAMPLES)
@file_and_net
@weights_options
@seed_option("Random seed of the initial parameters and the inputs.")
@bind_option
@precision_option
@provider_option
@python_option
@json_option
def command(
    file: str, net: str | None, weights: str | None, dialect: Dialect, mapping: str | None,
    seed: int, bind: dict[str, float], precision: Lower | None, provider: Provider, as_json: bool,
) -> None:  # fmt: skip
    """Compare onnxruntime with NumPy on the same random input, output by output."""
    network = netlang.load(file).network(net, bind, seed=seed)
    load_parameters(network, weights, dialect, mapping)
    compared = network.verify(seed=seed, provider=provider, precision=precision)
    agreed = all(c.ok for c in compared)
    if as_json:
        print_json({"net": network.name, "ok": agreed, "outputs": list(map(_json, compared))})
    else:
        echo(columns(map(_row, compared)))
        verdict = "onnxruntime and NumPy agree" if agreed else "onnxruntime and NumPy differ"
        echo(f"{network.name}: {verdict}")
    if not agreed:
        raise click.exceptions.Exit(1)


def _row(compared: Comparison) -> tuple[str, ...]:
    shape = f"[{', '.join(map(str, compared.shape))}]"
    difference = f"differs by {compared.difference:.1e} of {compared.largest:.3g}"
    verdict = "ok" if compared.ok else "too much" if compared.finite else "not finite"
    return (compared.name, shape, difference, verdict)


def _json(compared: Comparison) -> dict[str, object]:
    return {
        "name": compared.name,
        "shape": list(compared.shape),
        "difference": compared.difference if compared.finite else None,
        "largest": compared.largest if compared.finite else None,
        "tolerance": compared.tolerance if compared.finite else None,
        "ok": compared.ok,
    }
