"""netlang run"""

from __future__ import annotations

from dataclasses import asdict
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
    load_parameters,
    provider_option,
    python_option,
    seed_option,
    weights_options,
)
from netlang.cli.arguments import command as make_command
from netlang.cli.output import echo, print_json, warn
from netlang.system.files import protect_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from netlang.backends import Backend, Provider
    from netlang.matching.loading import Dialect
    from netlang.system.numpy import Array

EXAMPLES = """
netlang run lenet.net --input image=digit.png
netlang run lenet.net --input image=digits.npz:image --weights lenet.safetensors -o scores.npz
netlang run resnet.net ResNet18 -i image=cat.npy -w resnet18.safetensors --from torch
netlang run pets.net -i 'image=photos/*.jpg' --weights runs/pets/model.safetensors -o found.csv
netlang run roads.net -i 'image=photos/*.jpg' --weights runs/roads/model.safetensors -o masks/
netlang run iris.net -i x=5.1,3.5,1.4,0.2 --weights runs/iris/model.safetensors
netlang run gan.net Generator -i 'z=random(seed=1)' -b N=16 -w runs/gan/gen.safetensors -o faces.png
netlang run lenet.net -i image=digit.png --at c1 -o maps.png
netlang run bowl.net -i x=1,2 --grad x
netlang run lenet.net -i image=digit.png --field "c2[4,4]" -o field.png
netlang run char_lstm.net --input tokens=next.npy --state h.npz
netlang run lenet.onnx --input image=digit.png
"""

SOURCES = """
A SOURCE is a file (.npy, .npz or file.npz:name, .png, .jpg), a folder or a pattern of such files,
a table (rows.csv, or rows.csv:width,height), numbers (5.1,3.5 or [[1, 2], [3, 4]]), a text in
double quotes, or random(seed=0).
"""


@make_command(EXAMPLES, SOURCES)
@file_and_net
@click.option(
    "--input", "-i", "inputs", multiple=True, callback=files, metavar="NAME=SOURCE",
    shell_complete=completes("files", ".npy", ".npz", ".csv", ".png", ".jpg", ".jpeg"),
    help="Read an input: see below. Repeatable.",
)  # fmt: skip
@click.option("--resize", is_flag=True, help="Resize images to the size of the input.")
@click.option(
    "--prepared", is_flag=True,
    help="Pass inputs to the net as they are, without the preprocessing of the training.",
)  # fmt: skip
@weights_options
@seed_option("Random seed of the initial parameters.")
@bind_option
@backend_option
@provider_option
@click.option(
    "--at", multiple=True, metavar="PATH",
    help="Compute an intermediate value instead of the outputs, by the path of a layer or a "
    "parameter. Repeatable.",
)  # fmt: skip
@click.option(
    "--grad", multiple=True, metavar="NAME",
    help="Compute the gradient of the output, a scalar, by an input, a parameter or a layer. "
    "Repeatable.",
)  # fmt: skip
@click.option(
    "--field", metavar="PATH[ROW,COLUMN]",
    help="Report the part of the image on which a unit of a layer depends; -o draws it.",
)  # fmt: skip
@click.option(
    "--state", metavar="FILE", shell_complete=completes("files", ".npz"),
    help="Load the recurrent state from this .npz file and save the new state to it. "
    "Start fresh if the file does not exist.",
)  # fmt: skip
@click.option(
    "--output", "-o", metavar="FILE",
    shell_complete=completes("files", ".npz", ".npy", ".csv", ".json", ".png"),
    help="Write the outputs as arrays (.npz, .npy), a table (.csv), .json, or images (.png); or an "
    "image or mask for each example to a folder (masks/).",
)  # fmt: skip
@click.option(
    "--top", type=click.IntRange(1), default=5, show_default=True, help="Number of classes to show."
)
@python_option
@json_option
def command(
    file: str, net: str | None, inputs: dict[str, str], resize: bool, prepared: bool,
    weights: str | None, dialect: Dialect, mapping: str | None, seed: int, bind: dict[str, float],
    backend: Backend, provider: Provider, at: tuple[str, ...], grad: tuple[str, ...],
    field: str | None, state: str | None, output: str | None, top: int, as_json: bool,
) -> None:  # fmt: skip
    """Compute the outputs of a net from arrays, images, tables and numbers."""
    from netlang.cli import results
    from netlang.storage.inputs import file_of
    from netlang.storage.outputs import check_format

    if net is not None and "=" in net:
        _reject_unnamed(f"unexpected argument `{net}`", net)
    if net is not None and Path(net).suffix in (".npy", ".npz", ".png", ".jpg", ".jpeg"):
        net, inputs = None, {"": net}
    read = [file, weights, mapping, *map(file_of, inputs.values())]
    protect_inputs(output, state, *read)
    protect_inputs(state, *read)
    folder = output is not None and (output.endswith("/") or Path(output).is_dir())
    if output is not None and not folder:
        check_format(Path(output))
    network = netlang.load(file).network(net, bind, seed=seed)
    _require_names(network, inputs)
    if state is not None:
        network.load_state(state)
    load_parameters(network, weights, dialect, mapping)
    feeds = network.read_inputs(inputs, resize=resize, prepared=prepared)
    if field is not None:
        _show_field(network, feeds, field, output, as_json=as_json)
        return
    outputs = _computed(network, feeds, at, grad, backend, provider)
    if state is not None:
        network.save_state(state)
    classes = results.unnamed if network.fitted is None else network.fitted.classes
    examples = _examples(inputs)
    if as_json:
        print_json({"net": network.name, "outputs": results.to_json(outputs, top, classes)})
    else:
        if network.parameters.initial and network.graph.params:
            echo(f"{network.name} is untrained: its parameters are random, from seed {seed}")
        echo(results.describe(outputs, top, classes, examples))
    if output is None:
        return
    written = (
        results.write_folder(
            Path(output), outputs, _examples(inputs, least=1), classes, _pixels_of(network)
        )
        if folder
        else results.write(Path(output), outputs, top, classes, examples)
    )
    for line in written:
        (warn if as_json else echo)(line)


def _pixels_of(network: netlang.Network) -> Callable[[str], Sequence[int]]:
    """Return what returns the pixels of the classes of an output, as the masks of the data."""

    def pixels(output: str) -> Sequence[int]:
        fitted = network.fitted
        column = None if fitted is None else fitted.columns.get(fitted.outputs.get(output, ""))
        images = None if column is None or column.reading is None else column.reading.images
        return () if images is None else images.values

    return pixels


def _computed(
    network: netlang.Network, feeds: dict[str, Array], at: tuple[str, ...],
    grad: tuple[str, ...], backend: Backend, provider: Provider,
) -> dict[str, Array]:  # fmt: skip
    """Return the outputs, or the intermediate values and gradients that are requested."""
    if grad:
        if len(at) > 1:
            raise click.UsageError("`--grad` is of one value: give `--at` once")
        of = at[0] if at else None
        return network.gradients(grad, feeds, of=of, backend=backend, provider=provider)
    if at:
        return network.at(at, feeds, backend=backend, provider=provider)
    return network.run(feeds, backend=backend, provider=provider)


def _show_field(
    network: netlang.Network, feeds: dict[str, Array], unit: str, output: str | None,
    *, as_json: bool,
) -> None:  # fmt: skip
    """Print the receptive field of a unit, and draw it on its image."""
    found, image = network.receptive_field(unit, feeds)
    if as_json:
        print_json({"net": network.name, **asdict(found)})
    else:
        echo(str(found))
    if output is not None:
        from netlang.storage.outputs import write_image

        write_image(Path(output), found.drawing(image))


def _examples(inputs: dict[str, str], least: int = 2) -> list[str]:
    """Return the names of the files of an input, if there are enough of them."""
    from netlang.inference.sources import expanded, names_of

    for listed in map(expanded, inputs.values()):
        if len(listed) >= least:
            return names_of(listed)
    return []


def _require_names(network: netlang.Network, inputs: dict[str, str]) -> None:
    if "" not in inputs:
        return
    names = [value.name for value in network.graph.inputs]
    form = f"`{inputs['']}` is not of the form NAME=SOURCE"
    message = f"invalid value for '--input' / '-i': {form}"
    _reject_unnamed(message, f"{names[0]}={inputs['']}", f"the inputs: {', '.join(names)}")


def _reject_unnamed(message: str, assignment: str, *more: str) -> NoReturn:
    """Reject an input that is not passed as `-i NAME=FILE`."""
    from netlang.cli.usage import HelpfulUsageError

    helps = (f"write `-i {assignment}`", *more)
    raise HelpfulUsageError(message, helps, click.get_current_context())
