"""netlang run"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from netlang.cli.arguments import (
    assignments,
    backend_option,
    bind_option,
    file_and_net,
    json_option,
    provider_option,
    python_option,
    seed_option,
    weights_option,
)
from netlang.cli.loading import initial_or_loaded, keep_apart, valid_graph
from netlang.cli.output import print_json, say

if TYPE_CHECKING:
    from netlang.backends import Backend, Provider
    from netlang.ir.graph import Graph
    from netlang.system.numpy import Array

EPILOG = """\b
Examples:
  netlang run lenet.net --input image=digit.png
  netlang run lenet.net --input image=digits.npz:image --weights lenet.safetensors -o scores.npz
  netlang run unet.net --input image=street.jpg --backend numpy --json
  netlang run char_lstm.net --input tokens=next.npy --state h.npz
"""


@click.command(epilog=EPILOG)
@file_and_net
@click.option(
    "--input",
    "-i",
    "inputs",
    multiple=True,
    callback=assignments,
    metavar="NAME=FILE",
    help="Feed an input from .npy, .npz (file.npz:name), .png or .jpg.",
)
@click.option("--resize", is_flag=True, help="Bring pictures to the size of the input.")
@weights_option
@seed_option("Start the weights from this seed.")
@bind_option
@backend_option
@provider_option
@click.option(
    "--state",
    metavar="FILE",
    help="Go on from the state in this .npz, and keep the next one in it; anew if it is missing.",
)
@click.option("--output", "-o", metavar="FILE", help="Write the outputs to .npz or .npy.")
@click.option(
    "--top", type=click.IntRange(1), default=5, show_default=True, help="Show so many classes."
)
@python_option
@json_option
def command(
    file: str, net: str | None, inputs: dict[str, str], resize: bool, weights: str | None,
    seed: int, bind: dict[str, int], backend: Backend, provider: Provider, state: str | None,
    output: str | None, top: int, as_json: bool,
) -> None:  # fmt: skip
    """Compute the outputs of a net from arrays and pictures."""
    from netlang.storage.inputs import file_of, read_inputs, read_state, write_outputs

    read = [file, weights, *map(file_of, inputs.values())]
    keep_apart(output, state, *read)
    keep_apart(state, *read)
    graph = valid_graph(file, net, bind, as_json=as_json)
    from netlang.backends.feeds import bind_sizes
    from netlang.cli import results
    from netlang.cli.memory import run_within_memory
    from netlang.inference.runner import Runner

    kept = {} if state is None else read_state(graph, Path(state))
    feeds = kept | read_inputs(graph, inputs, resize=resize)
    with run_within_memory(graph, bind_sizes(graph, feeds)):
        values = initial_or_loaded(graph, weights, seed)
        outputs = Runner(graph, values, backend=backend, provider=provider).compute(feeds)
    if state is not None:
        _keep_state(graph, outputs, Path(state))
    if as_json:
        print_json({"net": graph.name, "outputs": results.to_json(outputs, top)})
    else:
        if weights is None and graph.params:
            say(f"{graph.name} is untrained: its weights are drawn from seed {seed}")
        say(results.describe(outputs, top))
    if output is not None:
        write_outputs(Path(output), outputs)


def _keep_state(graph: Graph, outputs: dict[str, Array], path: Path) -> None:
    """Move the next state from the outputs into a file."""
    from netlang.storage.npy import write_npz

    write_npz(path, {s.name: outputs.pop(f"{s.name}_next") for s in graph.states})
