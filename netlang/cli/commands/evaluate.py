"""netlang evaluate"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

import netlang
from netlang.cli.arguments import (
    backend_option,
    completes,
    file_and_section,
    json_option,
    provider_option,
    python_option,
    set_option,
)
from netlang.cli.arguments import command as make_command
from netlang.cli.confusions import (
    check_output,
    confusion_json,
    describe_confusion,
    write_output,
)  # fmt: skip
from netlang.cli.output import columns, echo, print_json
from netlang.system.files import protect_inputs

if TYPE_CHECKING:
    from netlang.backends import Backend, Provider

EXAMPLES = """
netlang evaluate lenet.net --weights runs/lenet/model.safetensors
netlang evaluate lenet.net -w runs/lenet/model.safetensors -o confusion.svg
netlang evaluate lenet.net -w runs/lenet/model.safetensors -o predictions.csv --sort loss
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
@click.option(
    "--output", "-o", "outputs", multiple=True, metavar="FILE",
    shell_complete=completes("files", ".csv", ".svg", ".png"),
    help="Write a prediction for each example to .csv, or draw the confusion matrix as .svg or "
    ".png. Repeatable.",
)  # fmt: skip
@click.option(
    "--sort", type=click.Choice(["data", "loss"]), default="data", show_default=True,
    help="Order of the predictions: as in the data, or the largest loss first.",
)  # fmt: skip
@python_option
@json_option
def command(
    file: str, section: str | None, weights: tuple[str, ...], settings: dict[str, str],
    backend: Backend, provider: Provider, outputs: tuple[str, ...], sort: str, as_json: bool,
) -> None:  # fmt: skip
    """Evaluate saved parameters: the loss and the metrics of a train section on `valid`.

    For classes, this includes a confusion matrix, and the precision and recall of each class.
    """
    files = _by_layer(weights)
    for output in outputs:
        check_output(Path(output))
        protect_inputs(output, file, *files.values())
    found = netlang.load(file).evaluate(
        files, section, settings=settings, backend=backend, provider=provider,
    )  # fmt: skip
    metrics, confusions = found.metrics, found.confusions
    if as_json:
        content = {"of": found.of, "examples": found.examples, "metrics": dict(metrics)}
        print_json({**content, "classes": {c.column: confusion_json(c) for c in confusions}})
    else:
        echo(f"{found.examples:,} examples of `{found.of}`")
        echo(columns((f"  {name}", f"{value:.4f}") for name, value in metrics.items()))
        for confusion in confusions:
            echo(describe_confusion(confusion))
    for output in outputs:
        for line in write_output(found, Path(output), by_loss=sort == "loss"):
            if not as_json:
                echo(line)


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
