"""Models of other formats as programs."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct

from netlang.api.display import Text
from netlang.api.network import Network
from netlang.api.program import Program, loads
from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, FileError, InputError, NetlangError
from netlang.system.files import write_atomically
from netlang.system.json_text import json_text

if TYPE_CHECKING:
    from netlang.inference.verification import Comparison
    from netlang.system.numpy import Array


class Imported(Struct, frozen=True, eq=False):
    """A network read from another format.

    ``text`` is the program, ``network`` the network with its parameters, ``names`` the names in
    the file of what each parameter comes from, and ``compared`` each output next to that of the
    original on the same random input. ``notes`` are free sizes that nodes of
    the file fix, and parameters that are copied.
    """

    text: Text
    network: Network
    names: Mapping[str, Sequence[str]]
    compared: Sequence[Comparison]
    notes: Sequence[str] = ()

    @property
    def ok(self) -> bool:
        """Whether all outputs equal those of the original."""
        return all(c.ok for c in self.compared)

    def save(self, path: str | Path) -> tuple[Path, ...]:
        """Write the program, its parameters and the table of names; return the files."""
        from netlang.storage.weights import save_weights

        program = _program_path(path)
        weights, names = program.with_suffix(".safetensors"), program.with_suffix(".names.json")
        save_weights(weights, self.network.parameters.arrays())
        write_atomically(names, [(json_text(self.names, indent=1) + "\n").encode()])
        write_atomically(program, [str(self.text).encode()])
        return program, weights, names


def read_onnx(path: str | Path, *, name: str | None = None, seed: int = 0) -> Imported:
    """Read an ONNX model as a program with blocks, and compare it with the original.

    ``name`` is that of the net, by default made from the file's. Raises ``FileError`` for a file
    that is damaged, or a node that has no counterpart.
    """
    from netlang.importing.reading import by_path, read_model
    from netlang.inference.originals import compare_with_original

    file = Path(path)
    model = read_model(file, name)
    program = loads(model.text, f"{file.stem}.net").check()
    network = program.network()
    arrays = by_path(network.graph, model.weights)
    network.parameters.replace({path: stored.array for path, stored in arrays.items()}, copy=False)
    weights, inputs = network.parameters.arrays(), model.converted.inputs
    compared = compare_with_original(
        model.foreign, network.graph, weights, inputs,
        seed=seed, rounded=model.converted.rounded > 0,
    )  # fmt: skip
    names = {path: list(stored.names) for path, stored in arrays.items()}
    return Imported(Text(model.text), network, names, compared, model.notes)


class ImportedText(Struct, frozen=True, eq=False):
    """A network, and how it is trained, read from a format of text.

    ``text`` is the program, ``program`` what it defines, ``parameters`` are arrays by their paths
    if a file has some, and ``notes`` what the other format does in another way, and what there is
    to fill in.
    """

    text: Text
    program: Program
    notes: Sequence[str] = ()
    parameters: Mapping[str, Array] | None = None

    def save(self, path: str | Path) -> tuple[Path, ...]:
        """Write the program, and its parameters if there are some; return the files."""
        program = _program_path(path)
        written = [program]
        if self.parameters is not None:
            from netlang.storage.weights import save_weights

            written.append(program.with_suffix(".safetensors"))
            save_weights(written[1], self.parameters)
        write_atomically(program, [str(self.text).encode()])
        return tuple(written)


def read_caffe(
    path: str | Path, *, solver: str | Path | None = None,
    weights: str | Path | None = None, sizes: Mapping[str, Sequence[int]] | None = None,
    name: str | None = None,
) -> ImportedText:  # fmt: skip
    """Read a prototxt file of Caffe as a program; with a solver, its net has a train section.

    ``path`` is that of a network or of a solver that names one, ``weights`` that of its parameters,
    a .caffemodel file. ``sizes`` are those of inputs
    that the file does not state, without the batch, such as ``{"data": (1, 28, 28)}``. Raises
    ``FileError``, with its location, for what is damaged or has no counterpart.
    """
    from netlang.importing.caffe.reading import fitted_to, read_prototxt, whole_text
    from netlang.importing.reading import by_path

    file = Path(path)
    given = {name: tuple(shape) for name, shape in (sizes or {}).items()}
    read = read_prototxt(file, None if solver is None else Path(solver), name, given)
    network = loads(read.written.text, f"{file.stem}.net").check().network()
    paths = by_path(network.graph, read.written.weights)
    text = whole_text(read, paths)
    program = loads(text, f"{file.stem}.net").check()
    if weights is None:
        return ImportedText(Text(text), program, read.notes)
    arrays, notes = fitted_to(read, paths, Path(weights))
    return ImportedText(Text(text), program, (*read.notes, *notes), arrays)


def _program_path(path: str | Path) -> Path:
    program = Path(path)
    if program.suffix != ".net":
        raise FileError(
            f"{program} does not end in `.net`, as programs do",
            helps=[f"write `{program.with_suffix('.net')}`"],
        )
    return program


def from_torch(
    module: object, example: object, *, name: str | None = None, seed: int = 0
) -> Imported:
    """Read a module of PyTorch as a program with its parameters, and compare it with the original.

    ``example`` is the input of a call, or a tuple of several; the first axis of each is free. The
    module is exported by torch's own ONNX exporter in evaluation mode, and read as ``read_onnx``
    does. Raises ``Error`` where torch is not installed or cannot export the module.
    """
    try:
        torch: Any = import_module("torch")
    except ImportError:
        raise NetlangError(
            rules.MISSING_LIBRARY,
            "`from_torch` needs torch, which is not installed",
            helps=["pip install torch"],
            exit_code=ENVIRONMENT,
        ) from None
    if not isinstance(module, torch.nn.Module):
        raise InputError(
            f"`module` must be a torch.nn.Module, is a {type(module).__name__}",
            helps=["for a file, `netlang.read_onnx(path)`"],
        )
    inputs = cast("tuple[object, ...]", example) if isinstance(example, tuple) else (example,)
    called = type(module).__name__ if name is None else name
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{called}.onnx"
        _export(torch, module, inputs, path)
        return read_onnx(path, name=name, seed=seed)


def _export(torch: Any, module: Any, inputs: tuple[object, ...], path: Path) -> None:
    """Write a module as an ONNX model whose batch is free; its mode is as it was afterwards."""
    names = [f"x{at}" if at else "x" for at in range(len(inputs))]
    axes = {
        name: {0: "N"} for name, each in zip(names, inputs, strict=True) if getattr(each, "ndim", 0)
    }
    training = module.training
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            module.eval()
            torch.onnx.export(
                module, inputs, str(path), dynamo=False, opset_version=17, input_names=names,
                dynamic_axes=axes,
            )  # fmt: skip
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        raise InputError(
            f"torch cannot export the {type(module).__name__} to ONNX",
            notes=[reason] if reason else [],
        ) from error
    finally:
        module.train(training)
