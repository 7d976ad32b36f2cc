"""Inputs and states read from files, outputs written to them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, USAGE, FileError, InputError, NetlangError
from netlang.diagnostics.suggestions import did_you_mean, nearest
from netlang.ir.graph import Graph, Value
from netlang.storage.npy import read_npy, read_npz, write_npy, write_npz
from netlang.system.numpy import Array

PICTURES = (".png", ".jpg", ".jpeg")


def read_inputs(
    graph: Graph, places: Mapping[str, str], *, resize: bool = False
) -> dict[str, Array]:
    """Read what is given for each input or state by name; raises as ``read_input`` does."""
    known = {v.name: v for v in (*graph.inputs, *(s.value for s in graph.states))}
    for name in places:
        if name not in known:
            raise InputError(
                f"`{graph.name}` has no input `{name}`",
                notes=[f"it takes {', '.join(f'{v.name}: {v.type}' for v in known.values())}"],
                helps=did_you_mean(name, known),
            )
    return {name: read_input(place, known[name], resize=resize) for name, place in places.items()}


def read_state(graph: Graph, path: Path) -> dict[str, Array]:
    """Read the state a call before left in a .npz file; a net starts anew where there is none."""
    if not graph.states:
        raise InputError(f"`{graph.name}` keeps no state", helps=["leave --state out"])
    if path.suffix.lower() != ".npz":
        raise NetlangError(
            rules.UNKNOWN_FORMAT, f"{path}: a state is kept in a .npz file", exit_code=USAGE
        )
    if not path.exists():
        return {}
    kept = read_npz(path)
    names = [s.name for s in graph.states]
    if set(kept) != set(names):
        raise InputError(
            f"{path} holds {', '.join(kept) or 'nothing'}, and not the state of `{graph.name}`",
            notes=[f"its state is {', '.join(names)}"],
            helps=["take another file, or delete this one to start anew"],
        )
    return kept


def read_input(place: str, value: Value, *, resize: bool = False) -> Array:
    """Read what is given for an input: ``x.npy``, ``xs.npz:name``, or a picture.

    A picture becomes ``[1, C, H, W]``, ``[C, H, W]`` or ``[H, W]`` as the input wants it: grey
    for one channel, red-green-blue for three; 0 to 255 becomes 0 to 1 where the input is of
    floats. Its size must be right, or ``resize`` makes it so. Raises ``FileError`` and
    ``InputError``.
    """
    path, member = _parted(place)
    match path.suffix.lower():
        case ".npy":
            return read_npy(path)
        case ".npz":
            return _chosen(path, read_npz(path), member, value)
        case suffix if suffix in PICTURES:
            return _picture(path, value, resize=resize)
        case suffix:
            raise NetlangError(
                rules.UNKNOWN_FORMAT,
                f"`{place}`: {suffix or 'a file without ending'} is no format of inputs",
                helps=["give a .npy, .npz, .png or .jpg file"],
                exit_code=USAGE,
            )


def _picture(path: Path, value: Value, *, resize: bool) -> Array:
    try:
        from netlang.storage.images import read_image
    except ImportError:
        raise NetlangError(
            rules.PILLOW_MISSING,
            f"{path} is a picture, and reading pictures needs Pillow",
            helps=['pip install "netlang[images]"'],
            exit_code=ENVIRONMENT,
        ) from None
    return read_image(path, value, resize=resize)


def file_of(place: str) -> str:
    """Name the file that is read for an input, without the member of an archive.

    >>> file_of("digits.npz:image")
    'digits.npz'
    """
    return str(_parted(place)[0])


def _parted(place: str) -> tuple[Path, str | None]:
    """Take ``file.npz:member`` apart; any other place is a path as it stands."""
    head, colon, member = place.rpartition(":")
    if colon and head.lower().endswith(".npz"):
        return Path(head), member
    return Path(place), None


def _chosen(path: Path, arrays: Mapping[str, Array], member: str | None, value: Value) -> Array:
    """Choose the array named, else the only one, else the one named like the input."""
    if member is None and len(arrays) == 1:
        return next(iter(arrays.values()))
    name = member or value.name
    if name in arrays:
        return arrays[name]
    near = nearest(name, arrays)
    listed = ", ".join(f"`{n}`" for n in arrays) or "nothing"
    raise FileError(
        f"{path} holds no array `{name}`",
        helps=[f"did you mean `{path}:{near}`?" if near is not None else f"it holds {listed}"],
    )


def write_outputs(path: Path, outputs: Mapping[str, Array]) -> None:
    """Write one output as ``.npy``, or any number as ``.npz``; raises ``NetlangError``."""
    match path.suffix.lower():
        case ".npz":
            write_npz(path, outputs)
        case ".npy" if len(outputs) == 1:
            write_npy(path, next(iter(outputs.values())))
        case ".npy":
            raise NetlangError(
                rules.SEVERAL_OUTPUTS,
                f"{path} can hold one array, and there are {len(outputs)}: {', '.join(outputs)}",
                helps=["write them to a .npz file, or name one output"],
                exit_code=USAGE,
            )
        case _:
            raise NetlangError(
                rules.UNKNOWN_FORMAT,
                f"{path}: outputs are written as .npy or .npz",
                exit_code=USAGE,
            )
