"""netlang import"""  # noqa: N999 (commands are found by their names)

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

import netlang
from netlang.cli.arguments import assignments, completes, seed_option
from netlang.cli.arguments import command as make_command
from netlang.cli.output import columns, echo, warn
from netlang.system.files import protect_inputs

if TYPE_CHECKING:
    from netlang.api.importing import ImportedText
    from netlang.inference.verification import Comparison

EXAMPLES = """
netlang import resnet50.onnx -o resnet50.net
netlang import lenet.prototxt --solver lenet_solver.prototxt --shape data=1x28x28 -o lenet.net
"""


@make_command(EXAMPLES)
@click.argument("file", shell_complete=completes("files", ".onnx", ".prototxt"))
@click.option(
    "-o", "--output", metavar="NAME.net", shell_complete=completes("files", ".net"),
    help="The program; NAME.safetensors and NAME.names.json of an ONNX model are written next to "
    "it. Without it, the program of a prototxt is printed.",
)  # fmt: skip
@click.option(
    "--name", metavar="NAME", help="The name of the net; by default made from the file's."
)
@click.option(
    "--solver", metavar="FILE", shell_complete=completes("files", ".prototxt"),
    help="The solver of a prototxt, which becomes a train section.",
)  # fmt: skip
@click.option(
    "-w", "--weights", metavar="FILE", shell_complete=completes("files", ".caffemodel"),
    help="The parameters of a prototxt, written to NAME.safetensors.",
)  # fmt: skip
@click.option(
    "--shape", "shapes", multiple=True, metavar="NAME=CxHxW", callback=assignments,
    help="The size of an input that a prototxt does not state, without the batch. Repeatable.",
)  # fmt: skip
@seed_option("Random seed of the inputs of the comparison.")
def command(
    file: str, output: str | None, name: str | None, solver: str | None, weights: str | None,
    shapes: dict[str, str], seed: int,
) -> None:  # fmt: skip
    """Write an ONNX model or a prototxt of Caffe as a program.

    An ONNX model and its program are compared on random input.
    """
    protect_inputs(output, file, solver, weights)
    if Path(file).suffix.lower() == ".prototxt":
        if weights is not None and output is None:
            raise click.UsageError("--weights needs -o: the parameters are written next to it")
        sizes = {name: _sizes(name, text) for name, text in shapes.items()}
        _show_caffe(
            netlang.read_caffe(file, solver=solver, weights=weights, sizes=sizes, name=name), output
        )
        return
    given = {"--solver": solver, "--weights": weights, "--shape": shapes}
    for option in (option for option, value in given.items() if value):
        raise click.UsageError(f"{option} belongs to a prototxt, which {file} is not")
    if output is None:
        raise click.UsageError("missing option '-o' / '--output'")
    imported = netlang.read_onnx(Path(file), name=name, seed=seed)
    paths = imported.save(output)
    echo("\n".join(f"{path}: {path.stat().st_size:,} bytes" for path in paths))
    for note in imported.notes:
        echo(f"note: {note}")
    echo(columns(map(_row, imported.compared)))
    largest = max((c.relative for c in imported.compared), default=0.0)
    # Of half precision or quantized, a model may differ by what it rounds.
    equal = "equals the original" if largest < 1e-3 else "is close to the original"
    verdict = equal if imported.ok else "differs from the original"
    echo(f"{imported.network.name}: {verdict}; the largest relative difference is {largest:.1e}")
    if not imported.ok:
        raise click.exceptions.Exit(1)


def _show_caffe(imported: ImportedText, output: str | None) -> None:
    if output is None:
        echo(str(imported.text).removesuffix("\n"))
    else:
        paths = imported.save(output)
        echo("\n".join(f"{path}: {path.stat().st_size:,} bytes" for path in paths))
    for note in imported.notes:
        warn(f"note: {note}") if output is None else echo(f"note: {note}")


def _sizes(name: str, text: str) -> tuple[int, ...]:
    parts = text.replace(",", "x").split("x")
    if not all(part.isascii() and part.isdecimal() and int(part) for part in parts):
        raise click.UsageError(f"the shape of `{name}` is `{text}`, and must be like 3x224x224")
    return tuple(map(int, parts))


def _row(compared: Comparison) -> tuple[str, ...]:
    shape = f"[{', '.join(map(str, compared.shape))}]"
    difference = f"differs by {compared.difference:.1e} of {compared.largest:.3g}"
    return (compared.name, shape, difference, "ok" if compared.ok else "too much")
