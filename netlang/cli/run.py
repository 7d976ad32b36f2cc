"""netlang run"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from netlang.cli.arguments import (
    assignments,
    bind_option,
    file_and_net,
    initial_or_given,
    json_option,
    keep_apart,
    python_option,
    seed_option,
    sound_graph,
    weights_option,
)
from netlang.cli.output import say, say_json
from netlang.diagnostics import nearest
from netlang.faults import USAGE, BadInput, Fault

if TYPE_CHECKING:
    from netlang.ir.graph import Graph
    from netlang.numeric import Array

Backend = Literal["onnxruntime", "numpy"]
Provider = Literal["cpu", "cuda", "auto"]

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
@seed_option
@bind_option
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
    keep_apart(output, file, weights, state, *inputs.values())
    keep_apart(state, file, weights, *inputs.values())
    graph = sound_graph(file, net, bind, as_json=as_json)
    from netlang.cli import results

    values = initial_or_given(graph, weights, seed)
    feeds = {**_kept(graph, state), **_feeds(graph, inputs, resize)}
    outputs = _compute(graph, feeds, values, backend, provider)
    if state is not None:
        from netlang.npy import write_npz

        write_npz(Path(state), {s.name: outputs.pop(f"{s.name}_next") for s in graph.states})
    if as_json:
        say_json({"net": graph.name, "outputs": results.to_json(outputs, top)})
    else:
        if weights is None and graph.params:
            say(f"{graph.name} is untrained: its weights are drawn from seed {seed}")
        say(results.describe(outputs, top))
    if output is not None:
        from netlang.images import write_outputs

        write_outputs(Path(output), outputs)


def _kept(graph: Graph, file: str | None) -> dict[str, Array]:
    """Read the state a call before left."""
    if file is None:
        return {}
    if not graph.states:
        raise BadInput(f"`{graph.name}` keeps no state", helps=["leave --state out"])
    if Path(file).suffix.lower() != ".npz":
        raise Fault("unknown-format", f"{file}: a state is kept in a .npz file", exit_code=USAGE)
    if not Path(file).exists():
        return {}
    from netlang.npy import read_npz

    kept = read_npz(Path(file))
    names = [s.name for s in graph.states]
    if set(kept) != set(names):
        raise BadInput(
            f"{file} holds {', '.join(kept) or 'nothing'}, and not the state of `{graph.name}`",
            notes=[f"its state is {', '.join(names)}"],
            helps=["take another file, or delete this one to start anew"],
        )
    return kept


def _feeds(graph: Graph, inputs: Mapping[str, str], resize: bool) -> dict[str, Array]:
    from netlang.images import read_input

    known = {v.name: v for v in (*graph.inputs, *(s.value for s in graph.states))}
    for name in inputs:
        if name not in known:
            near = nearest(name, known)
            raise BadInput(
                f"`{graph.name}` has no input `{name}`",
                notes=[f"it takes {', '.join(f'{v.name}: {v.type}' for v in known.values())}"],
                helps=[f"did you mean `{near}`?"] if near else [],
            )
    return {name: read_input(place, known[name], resize=resize) for name, place in inputs.items()}


def _compute(
    graph: Graph,
    feeds: Mapping[str, Array],
    weights: Mapping[str, Array],
    backend: Backend,
    provider: Provider,
) -> dict[str, Array]:
    if backend == "numpy":
        if provider == "cuda":
            raise Fault(
                "provider-missing",
                "NumPy computes on the CPU only",
                helps=["use --backend onnxruntime for --provider cuda"],
                exit_code=USAGE,
            )
        from netlang.backends import reference

        return reference.run(graph, feeds, weights)
    from netlang.backends.feeds import prepare
    from netlang.backends.onnx import to_onnx
    from netlang.backends.ort import Session
    from netlang.passes.pipeline import transform

    prepared = prepare(graph, feeds)
    session = Session(to_onnx(transform(graph), weights), provider=provider)
    return session.run(prepared.arrays)
