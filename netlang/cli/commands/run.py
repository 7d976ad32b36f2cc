"""netlang run"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

import netlang
from netlang.cli.arguments import (
    backend_option,
    bind_option,
    completes,
    file_and_net,
    files,
    json_option,
    provider_option,
    python_option,
    seed_option,
    weights_option,
)
from netlang.cli.arguments import command as make_command
from netlang.cli.output import echo, print_json
from netlang.system.files import protect_inputs

if TYPE_CHECKING:
    from netlang.backends import Backend, Provider

EXAMPLES = """
netlang run lenet.net --input image=digit.png
netlang run lenet.net --input image=digits.npz:image --weights lenet.safetensors -o scores.npz
netlang run unet.net --input image=street.jpg --backend numpy --json
netlang run char_lstm.net --input tokens=next.npy --state h.npz
"""


@make_command(EXAMPLES)
@file_and_net
@click.option(
    "--input", "-i", "inputs", multiple=True, callback=files, metavar="NAME=FILE",
    shell_complete=completes("files", ".npy", ".npz", ".png", ".jpg", ".jpeg"),
    help="Read an input from .npy, .npz (file.npz:name), .png or .jpg. Repeatable.",
)  # fmt: skip
@click.option("--resize", is_flag=True, help="Resize images to the size of the input.")
@click.option(
    "--prepared", is_flag=True,
    help="Pass inputs to the net as they are, without the preprocessing of the training.",
)  # fmt: skip
@weights_option
@seed_option("Random seed of the initial parameters.")
@bind_option
@backend_option
@provider_option
@click.option(
    "--state", metavar="FILE", shell_complete=completes("files", ".npz"),
    help="Load the recurrent state from this .npz file and save the new state to it. "
    "Start fresh if the file does not exist.",
)  # fmt: skip
@click.option(
    "--output", "-o", metavar="FILE", shell_complete=completes("files", ".npz", ".npy"),
    help="Write the outputs to .npz or .npy.",
)  # fmt: skip
@click.option(
    "--top", type=click.IntRange(1), default=5, show_default=True, help="Number of classes to show."
)
@python_option
@json_option
def command(
    file: str, net: str | None, inputs: dict[str, str], resize: bool, prepared: bool,
    weights: str | None,
    seed: int, bind: dict[str, int], backend: Backend, provider: Provider, state: str | None,
    output: str | None, top: int, as_json: bool,
) -> None:  # fmt: skip
    """Compute the outputs of a net from arrays and images."""
    from netlang.cli import results
    from netlang.storage.inputs import file_of, write_outputs

    if net is not None and "=" in net:
        _reject_unnamed(f"unexpected argument `{net}`", net)
    if net is not None and Path(net).suffix in (".npy", ".npz", ".png", ".jpg", ".jpeg"):
        net, inputs = None, {"": net}
    read = [file, weights, *map(file_of, inputs.values())]
    protect_inputs(output, state, *read)
    protect_inputs(state, *read)
    network = netlang.load(file).network(net, bind, seed=seed)
    if "" in inputs:
        names = [value.name for value in network.graph.inputs]
        form = f"`{inputs['']}` is not of the form NAME=FILE"
        message = f"invalid value for '--input' / '-i': {form}"
        _reject_unnamed(message, f"{names[0]}={inputs['']}", f"the inputs: {', '.join(names)}")
    if state is not None:
        network.load_state(state)
    if weights is not None:
        network.load(weights)
    feeds = network.read_inputs(inputs, resize=resize, prepared=prepared)
    outputs = network.run(feeds, backend=backend, provider=provider)
    if state is not None:
        network.save_state(state)
    names = results.unnamed if network.fitted is None else network.fitted.classes
    if as_json:
        print_json({"net": network.name, "outputs": results.to_json(outputs, top, names)})
    else:
        if weights is None and network.graph.params:
            echo(f"{network.name} is untrained: its parameters are random, from seed {seed}")
        echo(results.describe(outputs, top, names))
    if output is not None:
        write_outputs(Path(output), outputs)


def _reject_unnamed(message: str, assignment: str, *more: str) -> NoReturn:
    """Reject an input that is not passed as `-i NAME=FILE`."""
    from netlang.cli.usage import HelpfulUsageError

    helps = (f"write `-i {assignment}`", *more)
    raise HelpfulUsageError(message, helps, click.get_current_context())
