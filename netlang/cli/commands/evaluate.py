"""netlang evaluate"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from netlang.cli.arguments import (
    backend_option,
    file_and_section,
    json_option,
    provider_option,
    python_option,
    set_option,
)
from netlang.cli.loading import valid_plan, valid_program
from netlang.cli.output import columns, print_json, say

if TYPE_CHECKING:
    from netlang.backends import Backend, Provider

EPILOG = """\b
Examples:
  netlang evaluate lenet.net --weights runs/lenet/model.safetensors
  netlang evaluate gan.net -w gen=runs/gan/gen.safetensors -w disc=runs/gan/disc.safetensors
"""


@click.command(epilog=EPILOG)
@file_and_section
@click.option(
    "--weights",
    "-w",
    multiple=True,
    required=True,
    metavar="[LAYER=]FILE",
    help="Measure these; with the name of the layer they are of, where there are several.",
)
@set_option
@backend_option
@provider_option
@python_option
@json_option
def command(
    file: str, section: str | None, weights: tuple[str, ...], given: dict[str, str],
    backend: Backend, provider: Provider, as_json: bool,
) -> None:  # fmt: skip
    """Measure saved weights: the loss and the metrics of a section on `valid`."""
    plan = valid_plan(valid_program(file, as_json=as_json), section, given, as_json=as_json)
    from netlang.ops.extern import PYTHON_ALLOWED
    from netlang.training.run.measuring import measure
    from netlang.training.run.opening import Choices

    pairs = (text.rpartition("=") for text in weights)
    files = {layer: Path(name) for layer, _, name in pairs}
    choices = Choices(
        Path(file).parent, backend=backend, provider=provider, allow_python=PYTHON_ALLOWED.get()
    )
    measured = measure(plan, choices, files)
    if as_json:
        print_json(
            {"of": measured.of, "examples": measured.rows, "metrics": dict(measured.figures)}
        )
        return
    say(f"{measured.rows:,} examples of `{measured.of}`")
    say(columns((f"  {name}", f"{value:.4f}") for name, value in measured.figures.items()))
