"""netlang compile"""

from __future__ import annotations

from pathlib import Path

import click

from netlang.cli.arguments import (
    bind_option,
    file_and_net,
    seed_option,
    weights_option,
)
from netlang.cli.loading import (
    initial_or_loaded,
    keep_apart,
    valid_graph,
    valid_plan,
    valid_program,
)
from netlang.cli.output import say

EPILOG = """\b
Examples:
  netlang compile lenet.net -o lenet.onnx
  netlang compile lenet.net -o lenet.onnx --weights lenet.safetensors
  netlang compile googlenet.net -o googlenet.onnx --only logits --opset 20
  netlang compile lenet.net --train -o lenet.train.onnx

With --train the model is one step of training, for a loop in any language: feed a batch as
batch.COLUMN, the number of the step from 1 as step, the learning rate as rate, and the state; give
each output NAME_next back as NAME in the next step. The state to begin with is written beside the
model, as lenet.train.safetensors. The model says all this of itself in its metadata, under
netlang.contract. A section with several steps gives one model for each.
"""


@click.command(epilog=EPILOG)
@file_and_net
@click.option("--output", "-o", required=True, metavar="FILE", help="Write the model here.")
@weights_option
@seed_option("Start the weights from this seed.")
@click.option("--opset", default=18, show_default=True, help="Use this version of the operators.")
@click.option("--only", multiple=True, metavar="OUTPUT", help="Keep this output; repeatable.")
@bind_option
@click.option(
    "--fold/--no-fold",
    default=True,
    help="Multiply batch norms into the layers before them, or do not.",
)
@click.option("--train", "training", is_flag=True, help="Write a step of a train section.")
def command(
    file: str, net: str | None, output: str, weights: str | None, seed: int, opset: int,
    only: tuple[str, ...], bind: dict[str, int], fold: bool,
    training: bool,
) -> None:  # fmt: skip
    """Write a net as an ONNX model with its weights."""
    keep_apart(output, file, weights)
    if training:
        given = {"--weights": weights, "--only": only, "--bind": bind, "--no-fold": not fold}
        _reject_beside_a_step([name for name, value in given.items() if value])
        _compile_step(file, net, output, opset, seed)
        return
    graph = valid_graph(file, net, bind)
    from netlang.backends.onnx import lower, save
    from netlang.passes.batch_norm import fold_batch_norm
    from netlang.passes.pipeline import transform

    values = initial_or_loaded(graph, weights, seed)
    lowered = transform(graph)
    if fold:
        lowered, values = fold_batch_norm(lowered, values)
    metadata = {"source": file}
    model, kept = lower(lowered, values, opset=opset, only=only or None, metadata=metadata)
    del values
    count = len(model.graph.node)
    for path in save(model, Path(output), kept):
        say(f"{path}: {path.stat().st_size:,} bytes")
    say(f"{graph.name}: {count:,} nodes, opset {opset}")


def _reject_beside_a_step(given: list[str]) -> None:
    if given:
        raise click.UsageError(
            f"{given[0]} is about a net, and --train writes the step of a section, which says "
            "itself how it begins"
        )


def _compile_step(file: str, section: str | None, output: str, opset: int, seed: int) -> None:
    plan = valid_plan(valid_program(file), section, {})
    from netlang.system.files import check_replaceable
    from netlang.training.export import export, state_file
    from netlang.training.run.beginning import weight_files
    from netlang.training.run.opening import Choices

    check_replaceable(Path(output))
    choices = Choices(Path(file).parent, seed or None)
    state = str(state_file(Path(output)))
    if state == output:
        raise click.UsageError(f"{output} is where the state goes: give the model another ending")
    keep_apart(state, file, *map(str, weight_files(plan, choices.folder)))
    for path in export(plan, choices, Path(output), opset=opset):
        say(f"{path}: {path.stat().st_size:,} bytes")
