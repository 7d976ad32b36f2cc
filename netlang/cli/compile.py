"""netlang compile"""

from __future__ import annotations

from pathlib import Path

import click

from netlang.cli.arguments import (
    bind_option,
    file_and_net,
    initial_or_given,
    keep_apart,
    seed_option,
    sound_graph,
    weights_option,
)
from netlang.cli.output import say

EPILOG = """\b
Examples:
  netlang compile lenet.net -o lenet.onnx
  netlang compile lenet.net -o lenet.onnx --weights lenet.safetensors
  netlang compile googlenet.net -o googlenet.onnx --only logits --opset 20
"""


@click.command(epilog=EPILOG)
@file_and_net
@click.option("--output", "-o", required=True, metavar="FILE", help="Write the model here.")
@weights_option
@seed_option
@click.option("--opset", default=18, show_default=True, help="Use this version of the operators.")
@click.option("--only", multiple=True, metavar="OUTPUT", help="Keep this output; repeatable.")
@bind_option
@click.option(
    "--fold/--no-fold",
    default=True,
    help="Multiply batch norms into the layers before them, or do not.",
)
def command(
    file: str, net: str | None, output: str, weights: str | None, seed: int, opset: int,
    only: tuple[str, ...], bind: dict[str, int], fold: bool,
) -> None:  # fmt: skip
    """Write a net as an ONNX model with its weights."""
    keep_apart(output, file, weights)
    graph = sound_graph(file, net, bind)
    from netlang.backends.onnx import save, to_onnx
    from netlang.passes.batch_norm import fold_batch_norm
    from netlang.passes.pipeline import transform

    values = initial_or_given(graph, weights, seed)
    lowered = transform(graph)
    if fold:
        lowered, values = fold_batch_norm(lowered, values)
    model = to_onnx(lowered, values, opset=opset, only=only or None, metadata={"source": file})
    count = len(model.graph.node)
    for path in save(model, Path(output)):
        say(f"{path}: {path.stat().st_size:,} bytes")
    say(f"{graph.name}: {count:,} nodes, opset {opset}")
