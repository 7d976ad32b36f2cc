"""Files of weights, each named by its path."""

from __future__ import annotations

import json
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any, cast

from netlang.diagnostics.errors import FileError, TooLargeError, WeightsError
from netlang.ir.arrays import dtype_of, numpy_dtype, raw, show_array, type_of
from netlang.ir.graph import Graph
from netlang.ir.types import DType
from netlang.storage.npy import describe_npz, read_npz
from netlang.system.files import reading, write_atomically
from netlang.system.numpy import Array, np
from netlang.system.versions import check_version

_MOST_TENSORS = 100_000
_LONGEST_HEADER = 100_000_000

_TORCH = (
    "from safetensors.torch import save_file; save_file(model.state_dict(), '{stem}.safetensors')"
)
_KERAS = "numpy.savez('{stem}.npz', **{{w.path: w.numpy() for w in model.weights}})"

_REFUSED = {
    ".pt": ("a PyTorch pickle", _TORCH),
    ".pth": ("a PyTorch pickle", _TORCH),
    ".bin": ("a PyTorch pickle", _TORCH),
    ".ckpt": ("a checkpoint of a training framework", _TORCH),
    ".pkl": ("a Python pickle", "numpy.savez('{stem}.npz', **weights)"),
    ".pickle": ("a Python pickle", "numpy.savez('{stem}.npz', **weights)"),
    ".h5": ("an HDF5 file", _KERAS),
    ".hdf5": ("an HDF5 file", _KERAS),
    ".keras": ("a Keras archive", _KERAS),
}


def save_weights(
    path: Path, weights: Mapping[str, Array], metadata: Mapping[str, str] | None = None
) -> None:
    """Write weights as a safetensors file, completely or not at all, without copying them."""
    # Large elements first, so that each array is aligned to its elements.
    names = sorted(weights, key=lambda name: (-weights[name].dtype.itemsize, name))
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    end = 0
    for name in names:
        array, start = weights[name], end
        end += array.nbytes
        kind = _KINDS[array.dtype.name]
        header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    chunks = (raw(weights[name]) for name in names)
    write_atomically(path, chain([len(text).to_bytes(8, "little"), text], chunks))


_KINDS = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64",
    "int32": "I32", "int16": "I16", "int8": "I8", "uint8": "U8", "bool": "BOOL",
    "uint64": "U64", "uint32": "U32", "uint16": "U16",
}  # fmt: skip
"""The format's names of element types."""

_READ_KINDS = frozenset(_KINDS.values())
_MOST_AXES, _LARGEST_SIZE = 32, 1 << 40
"""An array with an axis of length 0 takes no bytes, whatever its other sizes."""


def load_weights(path: Path, names: Collection[str] | None = None) -> dict[str, Array]:
    """Read weights from a ``.safetensors`` or ``.npz`` file, without running code from it.

    Only those of ``names`` are read, by default all. Raises ``FileError`` for a file of another
    kind, and names the format if it is known.
    """
    if path.suffix.lower() == ".npz":
        return read_npz(path, names)
    with _opened(path) as stored:
        known = stored.keys()
        return {name: stored.get_tensor(name) for name in known if names is None or name in names}


def described(path: Path) -> dict[str, Array]:
    """Return arrays of the types and shapes in a file, without their values.

    They take no memory: a file can be compared with a graph before any of it is read.
    """
    if path.suffix.lower() == ".npz":
        return describe_npz(path)
    names = {kind: name for name, kind in _KINDS.items()}
    found: dict[str, Array] = {}
    with _opened(path) as stored:
        for name in stored.keys():  # noqa: SIM118 (it is not a mapping)
            part = stored.get_slice(name)
            one = np.zeros((), np.dtype(names[part.get_dtype()]))
            found[name] = np.broadcast_to(one, part.get_shape())
    return found


@contextmanager
def _opened(path: Path) -> Generator[Any]:
    """Open a safetensors file whose header is checked."""
    _check_format(path)
    numpy_dtype(DType.BF16)  # bf16 is known to NumPy from here on; safetensors does not see to it
    library = import_module("safetensors")
    check_version("safetensors", library.__version__)
    try:
        with library.safe_open(str(path), framework="numpy") as stored:
            yield stored
    except (KeyError, library.SafetensorError) as error:
        raise FileError(f"{path} is not a readable safetensors file: {error}") from None


def _check_format(path: Path) -> None:
    """Reject what is not a safetensors file, by its name and its header."""
    suffix = path.suffix.lower()
    if suffix in _REFUSED:
        what, recipe = _REFUSED[suffix]
        raise FileError(
            f"{path} is {what}: reading it could run code from the file",
            helps=[f"convert it where you trust it: {recipe.format(stem=path.stem)}"],
        )
    if suffix == ".onnx":
        raise FileError(
            f"{path} is an ONNX model, whose initializers have other names",
            helps=['find out which is which: `--from auto`, in Python `dialect="auto"`'],
        )
    if suffix == ".net":
        raise FileError(
            f"{path} is a program, not the parameters of one",
            helps=["a run stores them as `model.safetensors` in its folder, below `runs`"],
        )
    _check_header(path)


def load_with_metadata(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """Read a safetensors file with its metadata."""
    return load_weights(path), read_metadata(path)


def read_metadata(path: Path) -> dict[str, str]:
    """Return the metadata of a safetensors file that can be read; nothing for any other."""
    if path.suffix.lower() in (".npz", ".onnx"):
        return {}
    with reading(path) as stream:
        header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
    return dict(header.get("__metadata__", {}))


def match(graph: Graph, weights: Mapping[str, Array]) -> list[str]:
    """Return a line for every difference between a graph's parameters and these weights.

    Weights can be missing or extra, or have another shape or element type.
    """
    differences: list[str] = []
    for path, given in cast("Mapping[str, object]", weights).items():
        if not isinstance(given, np.ndarray | np.generic):
            differences.append(f"different: `{path}` must be an array, is a {type(given).__name__}")
    if differences:
        return differences
    needed = {param.path: param for param in graph.params.values()}
    for path, param in needed.items():
        given = weights.get(path)
        if given is None:
            differences.append(f"missing: `{path}` {param.type}")
        elif type_of(given) != param.type:
            differences.append(f"different: `{path}` must be {param.type}, is {show_array(given)}")
    differences.extend(
        f"extra: `{path}` {show_array(array)}"
        for path, array in weights.items()
        if path not in needed
    )
    return differences


def require(graph: Graph, weights: Mapping[str, Array]) -> None:
    """Raise ``WeightsError`` unless every weight of a graph is present with its type.

    Extra weights are accepted.
    """
    differences = [d for d in match(graph, weights) if not d.startswith("extra:")]
    if differences:
        count = f"{len(differences)} difference{'s' if len(differences) > 1 else ''}"
        raise WeightsError(f"the weights do not fit `{graph.name}`: {count}", notes=differences)


def not_finite(weights: Mapping[str, Array]) -> dict[str, int]:
    """Return the number of NaNs and infinities of each weight that has any."""
    counts = {
        name: int(np.count_nonzero(~np.isfinite(array)))
        for name, array in weights.items()
        if (dtype := dtype_of(array)) is not None and dtype.is_float
    }
    return {name: count for name, count in counts.items() if count}


def _check_header(path: Path) -> None:
    """Reject what the library accepts: duplicate names, and headers of absurd size."""
    with reading(path) as stream:
        start = stream.read(8)
        if start.startswith(b"\x93NUMPY"):
            raise FileError(
                f"{path} is one NumPy array, not the parameters of a net by name",
                helps=["parameters are read from .safetensors or .npz files"],
            )
        length = int.from_bytes(start, "little")
        if length > _LONGEST_HEADER:
            raise FileError(
                f"{path} is not a readable safetensors file: "
                f"its first 8 bytes claim a header of {length:,} bytes"
            )
        text = stream.read(length)

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len(pairs) > _MOST_TENSORS:
            raise TooLargeError(
                f"{path} holds {len(pairs):,} tensors; {_MOST_TENSORS:,} is the most"
            )
        names: set[str] = set()
        for name, _ in pairs:
            if name in names:
                raise FileError(f"{path} names `{name}` twice")
            names.add(name)
        return dict(pairs)

    try:
        header = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path} is not a readable safetensors file: {error}") from None
    if isinstance(header, dict):
        _check_entries(path, cast("dict[str, object]", header))


def _check_entries(path: Path, header: Mapping[str, object]) -> None:
    """Reject element types and shapes that no array has; the library checks everything else."""
    for name, entry in header.items():
        if name == "__metadata__" or not isinstance(entry, dict):
            continue
        described = cast("dict[str, object]", entry)
        kind, shape = described.get("dtype"), described.get("shape")
        if isinstance(kind, str) and kind not in _READ_KINDS:
            raise FileError(
                f"{path} stores `{name}` as {kind}, which is not an element type of a net",
                helps=["save it as F32, F16 or BF16"],
            )
        sizes = cast("list[object]", shape) if isinstance(shape, list) else []
        large = 0 in sizes and any(isinstance(n, int) and n >= _LARGEST_SIZE for n in sizes)
        if len(sizes) > _MOST_AXES or large:
            shown = f"{len(sizes)} axes" if len(sizes) > _MOST_AXES else f"the shape {sizes}"
            raise TooLargeError(f"{path} gives `{name}` {shown}, which no array has")
