"""A network of Caffe, and its solver, as the text of a program."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from netlang.diagnostics.errors import FileError
from netlang.diagnostics.source import Span
from netlang.importing.caffe.building import Blob
from netlang.importing.caffe.convert import Network, convert
from netlang.importing.caffe.fields import Fields
from netlang.importing.caffe.layers import read_layers
from netlang.importing.caffe.solver import NETS, Solver, is_solver, read_solver
from netlang.importing.caffe.text import Message, PrototxtError, parse_message, shown
from netlang.importing.caffe.training import training_text
from netlang.importing.caffe.weights import fitted
from netlang.importing.convert import identifier
from netlang.importing.operands import Stored
from netlang.importing.program import Written, formatted, write_program
from netlang.importing.reading import named
from netlang.syntax.reader import read_source
from netlang.system.numpy import Array

_MOST_SHOWN = 4


class Read(Struct, frozen=True, eq=False):
    """A network as a graph and as text, its solver, and what was decided while reading."""

    network: Network
    written: Written
    solver: Solver | None
    notes: tuple[str, ...]


def read_prototxt(
    path: Path, solver: Path | None = None, name: str | None = None,
    sizes: Mapping[str, tuple[int, ...]] | None = None,
) -> Read:  # fmt: skip
    """Read a network, or a solver that names one.

    Raises ``PrototxtError`` with the location of what is wrong or has no counterpart.
    """
    message, whole = _parsed(path)
    setup: Solver | None = None
    if is_solver(message):
        setup = read_solver(Fields(message, "solver", whole))
        message, whole, path = _net_of(path, Fields(message, "solver", whole))
    if solver is not None:
        settings, at = _parsed(solver)
        if not is_solver(settings):
            raise FileError(f"{solver} is a network, not a solver")
        setup = read_solver(Fields(settings, "solver", at))
    described = read_layers(message, whole)
    called = name or named(described.name or path.stem)
    network = convert(described, called, sizes or {})
    written = write_program(network.converted, "")
    notes = [*network.building.notes, *(setup.notes if setup else ())]
    return Read(network, written, setup, (*notes, *_left_out(network, setup)))


def _parsed(path: Path) -> tuple[Message, Span]:
    source = read_source(path)
    message = parse_message(source)
    return message, message.fields[0].span if message.fields else Span(source, 0, 0)


def _net_of(path: Path, solver: Fields) -> tuple[Message, Span, Path]:
    """Read the network of a solver, in whose folder it must be.

    Paths in solvers start where Caffe is run: the name alone is looked for as well.
    """
    for name in ("net_param", "train_net_param"):
        if name in solver:
            inner = solver.all(name)[-1]
            if isinstance(inner.value, Message):
                return inner.value, inner.span, path
    found = next((name for name in NETS if name in solver), None)
    text = solver.text(found) if found else ""
    folder = path.resolve().parent
    for candidate in (folder / text, folder / Path(text).name):
        inside = candidate.resolve().is_relative_to(folder)
        if text and inside and candidate.is_file():
            message, whole = _parsed(candidate)
            return message, whole, candidate
    raise PrototxtError(
        f"the network `{shown(text)}` is not next to the solver" if text
        else "the solver names no network",
        solver.span(found) if found else solver.at,
        helps=[f"netlang import NET.prototxt --solver {path.name}"],
    )  # fmt: skip


def _left_out(network: Network, solver: Solver | None) -> list[str]:
    """Return what the text lacks without a solver, and what a user fills in with one."""
    building = network.building
    if solver is not None and building.losses:
        zeros = [
            shown(stored.names[0].removesuffix(".weight"))
            for stored, blob in building.trained.items()
            if blob.init == "0.0" and stored.names[0].endswith(".weight")
        ]
        few = ", ".join(f"`{name}`" for name in zeros[:_MOST_SHOWN])
        more = f" and {len(zeros) - _MOST_SHOWN} more" if len(zeros) > _MOST_SHOWN else ""
        without = f"layers without a filler begin at 0, as in Caffe: {few}{more}"
        fill_in = "fill in the function that the dataset reads its examples from"
        return [without, fill_in] if zeros else [fill_in]
    if solver is not None:
        return ["the network has no loss: no train section was written"]
    if building.losses or building.metrics:
        return [
            "losses, metrics and fillers belong to a train section: give the solver with `--solver`"
        ]
    fillers = {blob.init for blob in building.trained.values()} - {"0.0", "1.0", "0.25"}
    return ["fillers belong to a train section, and there is no solver"] if fillers else []


def trained(read: Read, paths: Mapping[str, Stored]) -> dict[str, Blob]:
    """Return how each parameter is initialized and trained, by its path in the program."""
    known = read.network.building.trained
    return {path: known[stored] for path, stored in paths.items() if stored in known}


def whole_text(read: Read, paths: Mapping[str, Stored]) -> str:
    """Return the program, with a train section where there is a solver and a loss.

    ``paths`` are the parameters by their paths in the network of the program.
    """
    if read.solver is None or not read.network.building.losses:
        return read.written.text
    name = identifier(read.network.converted.graph.name, "section")
    section = training_text(read.network, read.solver, trained(read, paths), name)
    return formatted(f"{read.written.text}\n{section}")


def fitted_to(
    read: Read, paths: Mapping[str, Stored], weights: Path
) -> tuple[dict[str, Array], list[str]]:
    """Return the arrays of a .caffemodel file by the paths of parameters, and notes."""
    origins = read.network.building.origins
    return fitted(
        weights,
        {path: origins[stored] for path, stored in paths.items()},
        {path: stored.array.shape for path, stored in paths.items()},
    )
