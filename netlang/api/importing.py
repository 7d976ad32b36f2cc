"""Models of other formats as programs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from netlang.api.display import Text
from netlang.api.network import Network
from netlang.api.program import loads
from netlang.diagnostics.errors import FileError, WeightsError
from netlang.ir.arrays import type_of
from netlang.system.files import write_atomically
from netlang.system.json_text import json_text

if TYPE_CHECKING:
    from netlang.importing.operands import Stored
    from netlang.inference.verification import Comparison


class Imported(Struct, frozen=True, eq=False):
    """A network read from another format.

    ``text`` is the program, ``network`` the network with its parameters, ``names`` the names in
    the file of what each parameter comes from, and ``compared`` each output next to that of the
    original on the same random input. ``notes`` are free sizes that nodes of the file fix.
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

        program = Path(path)
        if program.suffix != ".net":
            raise FileError(
                f"{program} does not end in `.net`, as programs do",
                helps=[f"write `{program.with_suffix('.net')}`"],
            )
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
    from netlang.backends.onnx.foreign import read_foreign
    from netlang.importing.convert import convert
    from netlang.importing.program import write_program
    from netlang.inference.originals import compare_with_original

    file = Path(path)
    foreign = read_foreign(file)
    converted = convert(foreign, net_name(file) if name is None else name)
    written = write_program(converted, foreign.doc)
    program = loads(written.text, f"{file.stem}.net").check()
    network = program.network()
    arrays = _by_path(network, written.weights)
    network.parameters.replace({path: stored.array for path, stored in arrays.items()}, copy=False)
    weights = network.parameters.arrays()
    compared = compare_with_original(foreign, network.graph, weights, converted.inputs, seed=seed)
    names = {path: list(stored.names) for path, stored in arrays.items()}
    return Imported(Text(written.text), network, names, compared, converted.notes)


def _by_path(network: Network, weights: Sequence[Stored]) -> dict[str, Stored]:
    """Return the arrays by the paths of the parameters, which are made in the same order."""
    params = list(network.graph.params.values())
    fits = len(params) == len(weights) and all(
        type_of(stored.array) == param.type for param, stored in zip(params, weights, strict=True)
    )
    if not fits:
        raise WeightsError("the program that was written has other parameters than the file")
    return {param.path: stored for param, stored in zip(params, weights, strict=True)}


def net_name(path: Path) -> str:
    """Return the name of the net of a file: `light_resnet50.onnx` has `LightResnet50`."""
    words = re.findall(r"[A-Za-z0-9]+", path.stem)
    name = "".join(word[:1].upper() + word[1:] for word in words)[:40]
    return name if name[:1].isalpha() else f"Net{name}"
