"""Models of other formats as programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from netlang.api.display import Text
from netlang.api.network import Network
from netlang.api.program import loads
from netlang.diagnostics.errors import FileError
from netlang.system.files import write_atomically
from netlang.system.json_text import json_text

if TYPE_CHECKING:
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
    from netlang.importing.reading import by_path, read_model
    from netlang.inference.originals import compare_with_original

    file = Path(path)
    model = read_model(file, name)
    program = loads(model.text, f"{file.stem}.net").check()
    network = program.network()
    arrays = by_path(network.graph, model.weights)
    network.parameters.replace({path: stored.array for path, stored in arrays.items()}, copy=False)
    weights, inputs = network.parameters.arrays(), model.converted.inputs
    compared = compare_with_original(model.foreign, network.graph, weights, inputs, seed=seed)
    names = {path: list(stored.names) for path, stored in arrays.items()}
    return Imported(Text(model.text), network, names, compared, model.converted.notes)
