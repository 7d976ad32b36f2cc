"""netlang evaluate"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from netlang.cli.arguments import (
    assignments,
    json_option,
    permit_python,
    sound_plan,
    sound_program,
)
from netlang.cli.output import columns, say, say_json

EPILOG = """\b
Examples:
  netlang evaluate lenet.net --weights runs/lenet/model.safetensors
  netlang evaluate gan.net -w gen=runs/gan/gen.safetensors -w disc=runs/gan/disc.safetensors
"""


@click.command(epilog=EPILOG)
@click.argument("file")
@click.argument("section", required=False)
@click.option(
    "--weights",
    "-w",
    multiple=True,
    required=True,
    metavar="[LAYER=]FILE",
    help="Measure these; with the name of the layer they are of, where there are several.",
)
@click.option(
    "--set",
    "given",
    multiple=True,
    callback=assignments,
    metavar="NAME=VALUE",
    help="Set a parameter of the section; repeatable.",
)
@click.option(
    "--backend",
    type=click.Choice(["onnxruntime", "numpy"]),
    default="onnxruntime",
    show_default=True,
    help="Compute with this.",
)
@click.option(
    "--provider",
    type=click.Choice(["cpu", "cuda", "auto"]),
    default="cpu",
    show_default=True,
    help="Where onnxruntime computes; one that is missing is an error.",
)
@click.option(
    "--allow-python", is_flag=True, callback=permit_python,
    help="Run Python that the program's data and its `extern op`s name.",
)  # fmt: skip
@json_option
def command(
    file: str, section: str | None, weights: tuple[str, ...], given: dict[str, str],
    backend: Literal["onnxruntime", "numpy"], provider: Literal["cpu", "cuda", "auto"],
    allow_python: bool, as_json: bool,
) -> None:  # fmt: skip
    """Measure saved weights: the loss and the metrics of a section on `valid`."""
    plan = sound_plan(sound_program(file, as_json=as_json), section, given, as_json=as_json)
    from netlang.training.measuring import measure
    from netlang.training.opening import Choices

    pairs = (text.rpartition("=") for text in weights)
    files = {layer: Path(name) for layer, _, name in pairs}
    choices = Choices(Path(file).parent, None, backend, provider, None, allow_python)
    measured = measure(plan, choices, files)
    if as_json:
        say_json({"of": measured.of, "rows": measured.rows, "figures": dict(measured.figures)})
        return
    say(f"{measured.rows:,} rows of `{measured.of}`")
    say(columns((f"  {name}", f"{value:.4f}") for name, value in measured.figures.items()))
