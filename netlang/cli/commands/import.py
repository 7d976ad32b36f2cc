"""netlang import"""  # noqa: N999 (commands are found by their names)

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

import netlang
from netlang.cli.arguments import command as make_command
from netlang.cli.arguments import completes, seed_option
from netlang.cli.output import columns, echo
from netlang.system.files import protect_inputs

if TYPE_CHECKING:
    from netlang.inference.verification import Comparison

EXAMPLES = """
netlang import resnet50.onnx -o resnet50.net
"""


@make_command(EXAMPLES)
@click.argument("file", shell_complete=completes("files", ".onnx"))
@click.option(
    "-o", "--output", required=True, metavar="NAME.net", shell_complete=completes("files", ".net"),
    help="The program; NAME.safetensors and NAME.names.json are written next to it.",
)  # fmt: skip
@click.option(
    "--name", metavar="NAME", help="The name of the net; by default made from the file's."
)
@seed_option("Random seed of the inputs of the comparison.")
def command(file: str, output: str, name: str | None, seed: int) -> None:
    """Write an ONNX model as a program, and compare the two on random input."""
    protect_inputs(output, file)
    imported = netlang.read_onnx(Path(file), name=name, seed=seed)
    paths = imported.save(output)
    echo("\n".join(f"{path}: {path.stat().st_size:,} bytes" for path in paths))
    for note in imported.notes:
        echo(f"note: {note}")
    echo(columns(map(_row, imported.compared)))
    verdict = "equals the original" if imported.ok else "differs from the original"
    largest = max((c.relative for c in imported.compared), default=0.0)
    echo(f"{imported.network.name}: {verdict}; the largest relative difference is {largest:.1e}")
    if not imported.ok:
        raise click.exceptions.Exit(1)


def _row(compared: Comparison) -> tuple[str, ...]:
    shape = f"[{', '.join(map(str, compared.shape))}]"
    difference = f"differs by {compared.difference:.1e} of {compared.largest:.3g}"
    return (compared.name, shape, difference, "ok" if compared.ok else "too much")
