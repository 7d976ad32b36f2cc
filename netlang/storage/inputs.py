"""Inputs and states that are read from files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, USAGE, FileError, InputError, NetlangError
from netlang.diagnostics.suggestions import did_you_mean, nearest
from netlang.ir.graph import Graph, Value
from netlang.storage.npy import read_npy, read_npz
from netlang.storage.pixels import Pixels
from netlang.system.numpy import Array, np

IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


def known_inputs(graph: Graph, names: Iterable[str]) -> dict[str, Value]:
    """Return the inputs and states of a graph by name; raise ``InputError`` for any other name."""
    known = {v.name: v for v in (*graph.inputs, *(s.value for s in graph.states))}
    for name in names:
        if name not in known:
            raise InputError(
                f"`{graph.name}` has no input `{name}`",
                notes=[f"it takes {', '.join(f'{v.name}: {v.type}' for v in known.values())}"],
                helps=did_you_mean(name, known),
            )
    return known


def read_state(graph: Graph, path: Path) -> dict[str, Array]:
    """Read the state that an earlier call saved as .npz; empty if the file does not exist."""
    if not graph.states:
        raise InputError(f"`{graph.name}` has no state", helps=["leave the file of a state out"])
    if path.suffix.lower() != ".npz":
        raise NetlangError(
            rules.UNKNOWN_FORMAT, f"{path}: a state is stored in a .npz file", exit_code=USAGE
        )
    if not path.exists():
        return {}
    state = read_npz(path)
    names = [s.name for s in graph.states]
    if set(state) != set(names):
        raise InputError(
            f"{path} holds {', '.join(state) or 'nothing'}, and not the state of `{graph.name}`",
            notes=[f"its state is {', '.join(names)}"],
            helps=["take another file, or delete this one to start from scratch"],
        )
    return state


def read_input(
    source: str, value: Value, *, resize: bool = False, pixels: Pixels | None = None
) -> Array:
    """Read the source of an input: ``x.npy``, ``xs.npz:name``, or an image.

    An image becomes ``[1, C, H, W]``, ``[C, H, W]`` or ``[H, W]`` as the input expects: grayscale
    for one channel, RGB for three; 0 to 255 becomes 0 to 1 for an input of floats. Its size must
    match unless ``resize`` is set. With ``pixels``, it becomes ``u8[1, C, H, W]`` as in the dataset
    of the training. Raises ``FileError`` and ``InputError``.
    """
    path, member = _split(source)
    match path.suffix.lower():
        case ".npy":
            return read_npy(path)
        case ".npz":
            return _chosen(path, read_npz(path, texts=True), member, value)
        case suffix if suffix in IMAGES:
            return _image(path, value, resize=resize, pixels=pixels)
        case suffix:
            raise NetlangError(
                rules.UNKNOWN_FORMAT,
                f"`{source}`: {suffix or 'a file without ending'} is not a format of inputs",
                helps=["give a .npy or .npz file, or an image: .png, .jpg, .webp, .bmp or .tif"],
                exit_code=USAGE,
            )


def _image(path: Path, value: Value, *, resize: bool, pixels: Pixels | None) -> Array:
    try:
        from netlang.storage.images import read_image, read_pixels
    except ImportError:
        raise NetlangError(
            rules.PILLOW_MISSING,
            f"{path} is an image, and reading images needs Pillow",
            helps=['pip install "netlang[images]"'],
            exit_code=ENVIRONMENT,
        ) from None
    if pixels is not None:
        how = pixels._replace(how="resize") if resize and pixels.how == "exact" else pixels
        return read_pixels(path, how)[np.newaxis]
    return read_image(path, value, resize=resize)


def file_of(source: str) -> str:
    """Return the file of an input's source, without the member of an archive.

    >>> file_of("digits.npz:image")
    'digits.npz'
    """
    return str(_split(source)[0])


def _split(source: str) -> tuple[Path, str | None]:
    """Split ``file.npz:member``; any other source is a path."""
    head, colon, member = source.rpartition(":")
    if colon and head.lower().endswith(".npz"):
        return Path(head), member
    return Path(source), None


def _chosen(path: Path, arrays: Mapping[str, Array], member: str | None, value: Value) -> Array:
    """Return the named array, else the only one, else the one named like the input."""
    only = next(iter(arrays)) if member is None and len(arrays) == 1 else None
    name = member or only or value.name
    if name in arrays and arrays[name].dtype.kind == "U":
        raise FileError(f"`{name}` of {path} holds texts, which no tensor has")
    if name in arrays:
        return arrays[name]
    near = nearest(name, arrays)
    listed = ", ".join(f"`{n}`" for n in arrays) or "nothing"
    raise FileError(
        f"{path} holds no array `{name}`",
        helps=[f"did you mean `{path}:{near}`?" if near is not None else f"it holds {listed}"],
    )
