"""netlang evaluate"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

import netlang
from netlang.cli.arguments import (
    backend_option,
    file_and_section,
    json_option,
    provider_option,
    python_option,
    set_option,
)
from netlang.cli.arguments import command as make_command
from netlang.cli.output import columns, echo, print_json

if TYPE_CHECKING:
    from netlang.backends import Backend, Provider

EXAMPLES = """
netlang evaluate lenet.net --weights runs/lenet/model.safetensors
netlang evaluate gan.net -w gen=runs/gan/gen.safetensors -w disc=runs/gan/disc.safetensors
"""


@make_command(EXAMPLES)
@file_and_section
@click.option(
    "--weights", "-w", multiple=True, required=True, metavar="[LAYER=]FILE",
    help="Parameters to evaluate, of LAYER if the section has several. Repeatable.",
)  # fmt: skip
@set_option
@backend_option
@provider_option
@python_option
@json_option
def command(
    file: str, section: str | None, weights: tuple[str, ...], settings: dict[str, str],
    backend: Backend, provider: Provider, as_json: bool,
) -> None:  # fmt: skip
    """Evaluate saved parameters: the loss and the metrics of a train section on `valid`."""
    found = netlang.load(file).evaluate(
        _by_layer(weights), section, settings=settings, backend=backend,
        provider=provider,
    )  # fmt: skip
    metrics = found.metrics
    if as_json:
        print_json({"of": found.of, "examples": found.examples, "metrics": dict(metrics)})
        return
    echo(f"{found.examples:,} examples of `{found.of}`")
    echo(columns((f"  {name}", f"{value:.4f}") for name, value in metrics.items()))


def _by_layer(weights: tuple[str, ...]) -> dict[str, str]:
    """Return the file of each layer, and that of the only layer as ``""``."""
    files: dict[str, str] = {}
    for text in weights:
        layer, _, path = text.rpartition("=")
        if layer in files:
            raise click.UsageError(
                f"the parameters of `{layer}` are given twice"
                if layer
                else "two files are given without a layer: write `--weights LAYER=FILE`"
            )
        files[layer] = path
    return files
