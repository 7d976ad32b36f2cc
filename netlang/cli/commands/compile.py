"""netlang compile"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

import netlang
from netlang.backends.opsets import DEFAULT, OPSETS, losses_text
from netlang.backends.snippets import Language
from netlang.backends.targets import SUFFIXES, Target, target_of
from netlang.cli.arguments import (
    bind_option,
    completes,
    file_and_net,
    load_parameters,
    precision_option,
    seed_option,
    weights_options,
)
from netlang.cli.arguments import command as make_command
from netlang.cli.output import columns, echo, warn
from netlang.system.files import protect_inputs

if TYPE_CHECKING:
    from netlang.backends import Lower
    from netlang.backends.compile import CompiledModel
    from netlang.matching.loading import Dialect

EXAMPLES = """
netlang compile lenet.net -o lenet.onnx
netlang compile lenet.net -o lenet.onnx --weights lenet.safetensors
netlang compile resnet.net ResNet18 -o resnet18.onnx --weights resnet18.safetensors --from torch
netlang compile googlenet.net -o googlenet.onnx --only logits --opset 20
netlang compile lenet.net -o lenet.onnx --snippet js
netlang compile digits.net -o digits.onnx -w digits.safetensors --precision int8 --section digits
netlang compile lenet.net --target numpy -o lenet.py
netlang compile lenet.net --target pytorch -o lenet.py
netlang compile lenet.net --train -o lenet.train.onnx
netlang compile lenet.onnx --target pytorch -o lenet.py
"""
DETAILS = f"""
With --target numpy the program has one function for each block, and needs nothing but NumPy. The
parameters are written next to it, as lenet.npz. With --target pytorch it has one class for each
block, and load_state_dict reads the parameters next to it, lenet.safetensors.

What an older opset lacks is written out in its operators; the results are the same.
{losses_text()}

--precision f16 halves the file, which a processor computes no faster. bf16 stores the parameters in
16 bits and computes in f32. int8 computes products in 8 bits, with ranges of values from the data
of the train section; in nets with loops or attention, each batch determines them. If a metric
drops by more than half a point, the first and the last product stay in f32, where that helps.

With --train the model is one training step, for a loop in any language: feed a batch as
batch.COLUMN, the number of the step, from 1, as step, the learning rate as rate, and the state;
feed each output NAME_next to the next step as NAME. The initial state is written next to the
model, as lenet.train.safetensors. The metadata of the model describes all this, under
netlang.contract, also how metrics of several batches combine. A section with several steps yields
one model for each; one that accumulates gradients has a model, gathering, for all batches of an
update but the last, and one, weighing, for what they need to know of each other.
"""


@make_command(EXAMPLES, DETAILS)
@file_and_net
@click.option(
    "--output",
    "-o",
    required=True,
    metavar="FILE",
    shell_complete=completes("files", *dict.fromkeys(SUFFIXES.values())),
    help=f"Write to FILE, whose extension is {' or '.join(dict.fromkeys(SUFFIXES.values()))}.",
)
@click.option(
    "--target", type=click.Choice(list(SUFFIXES)),
    help="What to compile to. Default: what FILE is.",
)  # fmt: skip
@weights_options
@seed_option("Random seed of the initial parameters.")
@click.option(
    "--opset", default=DEFAULT, show_default=True,
    help=f"Version of the ONNX operator set, {OPSETS[0]} to {OPSETS[-1]}.",
)  # fmt: skip
@click.option("--only", multiple=True, metavar="OUTPUT", help="Keep only OUTPUT. Repeatable.")
@bind_option
@click.option(
    "--fold/--no-fold", default=True, show_default=True,
    help="Fold batch normalization into the preceding layers, and store recurrent weights in "
    "ONNX's layout; --no-fold keeps every parameter under the name that `netlang names` lists.",
)  # fmt: skip
@click.option(
    "--raw-input", is_flag=True,
    help="Take inputs as the dataset stores them, such as bytes, and prepare them in the model.",
)  # fmt: skip
@precision_option
@click.option(
    "--section", shell_complete=completes("sections"),
    help="Train section for --precision. Default: the one that the weights come from.",
)  # fmt: skip
@click.option("--functions", is_flag=True, help="Keep each block as an ONNX function.")
@click.option(
    "--snippet", type=click.Choice(get_args(Language)), is_flag=False, flag_value="python",
    help="Print a program that runs the model with onnxruntime. Default language: python. "
    "Everything else that is printed goes to the standard error.",
)  # fmt: skip
@click.option("--train", "training", is_flag=True, help="Write the step of a train section.")
def command(
    file: str, net: str | None, output: str, target: Target | None, weights: str | None,
    dialect: Dialect, mapping: str | None, seed: int, opset: int, only: tuple[str, ...],
    bind: dict[str, float], fold: bool, raw_input: bool, precision: Lower | None,
    section: str | None, functions: bool, snippet: Language | None, training: bool,
) -> None:  # fmt: skip
    """Compile a net with its parameters to an ONNX model, or a NumPy or PyTorch program."""
    if training:
        given = {
            "--weights": weights, "--from": dialect != "netlang", "--map": mapping,
            "--only": only, "--bind": bind, "--no-fold": not fold,
            "--functions": functions, "--raw-input": raw_input, "--snippet": snippet,
            "--precision": precision, "--section": section,
        }  # fmt: skip
        _reject_with_train([name for name, value in given.items() if value])
        program = netlang.load(file)
        for path in program.compile_step(output, net, opset=opset, seed=seed or None):
            echo(f"{path}: {path.stat().st_size:,} bytes")
        return
    protect_inputs(output, file, weights, mapping)
    compiles_to = target_of(Path(output), target)
    if compiles_to != "onnx":
        only_for_onnx = {
            "--opset": opset != 18, "--only": bool(only), "--no-fold": not fold,
            "--functions": functions, "--raw-input": raw_input, "--snippet": snippet is not None,
            "--precision": precision is not None, "--section": section is not None,
        }  # fmt: skip
        _reject_for_source([name for name, is_given in only_for_onnx.items() if is_given])
    network = netlang.load(file).network(net, bind, seed=seed)
    load_parameters(network, weights, dialect, mapping)
    untrained = _untrained(network, seed)
    if compiles_to != "onnx":
        write = network.write_numpy if compiles_to == "numpy" else network.write_pytorch
        report = [f"{path}: {path.stat().st_size:,} bytes" for path in write(output)]
        echo("\n".join([*report, *untrained]))
        return
    name = network.name
    model = network.compile(
        opset=opset, only=only or None, fold=fold, functions=functions, raw_input=raw_input,
        precision=precision, section=section,
    )  # fmt: skip
    del network  # frees the parameters from before folding
    report = [f"{path}: {path.stat().st_size:,} bytes" for path in model.save(output)]
    report += _report(name, model, opset)
    report += [*untrained, *_precision(model)]
    if snippet is None:
        echo("\n".join(report))
    else:
        warn("\n".join(report))
        echo(model.snippet(output, snippet))


def _untrained(network: netlang.Network, seed: int) -> list[str]:
    if not network.parameters.initial or not network.graph.params:
        return []
    return [
        f"untrained: the parameters are the initial ones of seed {seed}; --weights loads others"
    ]


def _report(name: str, model: CompiledModel, opset: int) -> list[str]:
    before, after = model.parameter_counts
    functions = len(model.graph.functions)
    counts = [
        _count(model.node_count, "node"),
        *([_count(functions, "function")] if functions else []),
        _count(after, "parameter"),
    ]
    lines = [f"{name}: {', '.join(counts)}, opset {opset}"]
    if model.folded:
        lines.append(f"folded {_count(model.folded, 'batch norm')}; --no-fold keeps them")
        lines.append(f"{before:,} parameters before folding, {after:,} after")
    return lines


def _precision(model: CompiledModel) -> list[str]:
    """Return what a lower precision has changed."""
    from netlang.training.conversion import ConvertedModel

    if not isinstance(model, ConvertedModel):
        return []
    found = model.conversion
    if found is None:
        return [f"{model.precision}: metrics were not measured; --section names a train section"]
    of, examples, batch = found.of
    ranges = f", ranges from {found.calibrated:,} examples of `data`" if found.calibrated else ""
    rows = [
        ("", "f32", model.precision),
        ("bytes", f"{found.before.bytes:,}", f"{found.after.bytes:,}"),
        (
            f"ms for {_count(batch, 'example')}",
            f"{found.before.milliseconds:.3f}",
            f"{found.after.milliseconds:.3f}",
        ),
        *(
            (name, f"{value:.4f}", f"{found.after.metrics[name]:.4f}")
            for name, value in found.before.metrics.items()
        ),
    ]
    lines = [f"{model.precision}: measured on {examples:,} examples of `{of}`{ranges}"]
    lines += [f"  {line}" for line in columns(rows).splitlines()]
    if found.kept:
        lines.append(f"  in f32, because metrics would drop: {', '.join(found.kept)}")
    return lines


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _reject_with_train(options: list[str]) -> None:
    if options:
        raise click.UsageError(
            f"{options[0]} applies to a net, and --train compiles the step of a train section, "
            "which defines its initial state itself"
        )


def _reject_for_source(options: list[str]) -> None:
    if options:
        raise click.UsageError(
            f"{options[0]} applies to ONNX models; a program computes the whole net as it is"
        )
