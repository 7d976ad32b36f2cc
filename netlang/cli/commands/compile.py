"""netlang compile"""

from __future__ import annotations

from pathlib import Path

import click

import netlang
from netlang.backends.targets import SUFFIXES, Target, target_of
from netlang.cli.arguments import bind_option, file_and_net, seed_option, weights_option
from netlang.cli.arguments import command as make_command
from netlang.cli.output import echo
from netlang.system.files import protect_inputs

EXAMPLES = """
netlang compile lenet.net -o lenet.onnx
netlang compile lenet.net -o lenet.onnx --weights lenet.safetensors
netlang compile googlenet.net -o googlenet.onnx --only logits --opset 20
netlang compile lenet.net --target pytorch -o lenet.py
netlang compile lenet.net --train -o lenet.train.onnx
"""
DETAILS = """
With --target pytorch the file has one class for each block, and load_state_dict reads the
parameters that are written next to it, as lenet.safetensors.

With --train the model is one training step, for a loop in any language: feed a batch as
batch.COLUMN, the number of the step, from 1, as step, the learning rate as rate, and the state;
feed each output NAME_next to the next step as NAME. The initial state is written next to the
model, as lenet.train.safetensors. The metadata of the model describes all this, under
netlang.contract. A section with several steps yields one model for each.
"""


@make_command(EXAMPLES, DETAILS)
@file_and_net
@click.option(
    "--output",
    "-o",
    required=True,
    metavar="FILE",
    help=f"Write to FILE, whose extension is {' or '.join(dict.fromkeys(SUFFIXES.values()))}.",
)
@click.option(
    "--target", type=click.Choice(list(SUFFIXES)),
    help="What to compile to. Default: what FILE is.",
)  # fmt: skip
@weights_option
@seed_option("Random seed of the initial parameters.")
@click.option("--opset", default=18, show_default=True, help="ONNX operator set version.")
@click.option("--only", multiple=True, metavar="OUTPUT", help="Keep only OUTPUT. Repeatable.")
@bind_option
@click.option(
    "--fold/--no-fold", default=True, show_default=True,
    help="Fold batch normalization into the preceding layers.",
)  # fmt: skip
@click.option("--train", "training", is_flag=True, help="Write the step of a train section.")
def command(
    file: str, net: str | None, output: str, target: Target | None, weights: str | None,
    seed: int, opset: int, only: tuple[str, ...], bind: dict[str, int], fold: bool,
    training: bool,
) -> None:  # fmt: skip
    """Compile a net with its parameters to an ONNX model or PyTorch modules."""
    if training:
        given = {"--weights": weights, "--only": only, "--bind": bind, "--no-fold": not fold}
        _reject_with_train([name for name, value in given.items() if value])
        program = netlang.load(file)
        for path in program.compile_step(output, net, opset=opset, seed=seed or None):
            echo(f"{path}: {path.stat().st_size:,} bytes")
        return
    protect_inputs(output, file, weights)
    compiles_to = target_of(Path(output), target)
    if compiles_to == "pytorch":
        _reject_for_source({"--opset": opset != 18, "--only": bool(only), "--no-fold": not fold})
    network = netlang.load(file).network(net, bind, seed=seed)
    if weights is not None:
        network.load(weights)
    if compiles_to == "pytorch":
        for path in network.write_pytorch(output):
            echo(f"{path}: {path.stat().st_size:,} bytes")
        return
    name, model = network.name, network.compile(opset=opset, only=only or None, fold=fold)
    del network  # frees the parameters from before folding
    for path in model.save(output):
        echo(f"{path}: {path.stat().st_size:,} bytes")
    echo(f"{name}: {model.node_count:,} nodes, opset {opset}")


def _reject_with_train(options: list[str]) -> None:
    if options:
        raise click.UsageError(
            f"{options[0]} applies to a net, and --train compiles the step of a train section, "
            "which defines its initial state itself"
        )


def _reject_for_source(options: dict[str, bool]) -> None:
    for name, is_given in options.items():
        if is_given:
            raise click.UsageError(
                f"{name} applies to ONNX models; PyTorch modules compute the whole net as it is"
            )
