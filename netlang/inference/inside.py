"""Graphs of what is inside a net: intermediate values, and gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from netlang.analysis.paths import value_at
from netlang.diagnostics.errors import InputError
from netlang.diagram.outline import Note
from netlang.ir.arrays import show_elements
from netlang.ir.graph import Graph, Value
from netlang.ir.op import NoGradientError
from netlang.passes.autodiff import vjp
from netlang.system.numpy import Array


def with_outputs(graph: Graph, paths: Sequence[str]) -> Graph:
    """Return a graph whose outputs are the values at some paths, by path.

    Raises ``NetlangError`` for a path that there is not.
    """
    return replace(graph, outputs={path: value_at(graph, path) for path in paths})


def with_gradients(graph: Graph, by: Sequence[str]) -> Graph:
    """Return a graph with the gradients of its only output, by inputs, parameters or layers.

    That by ``x`` is the output ``x.gradient``. Raises ``InputError`` where nothing depends on it.
    """
    _scalar(graph)
    wrt = [value_at(graph, path) for path in by]
    for path, value in zip(by, wrt, strict=True):
        if not value.type.dtype.is_float:
            raise InputError(
                f"there is no gradient by `{path}`, which is {value.type}: its elements are not "
                "real numbers"
            )
    return _extended(graph, dict(zip(by, wrt, strict=True)))


def with_values(graph: Graph, values: Mapping[str, Value], *, gradients: bool) -> Graph:
    """Return a graph whose outputs are some values by name, and the gradients of its only output.

    That by the value ``x`` is the output ``x.gradient``; integers have no gradient.
    Raises ``InputError`` for an output without gradients.
    """
    if not gradients:
        return replace(graph, outputs=dict(values))
    _scalar(graph)
    by = {name: value for name, value in values.items() if value.type.dtype.is_float}
    made = _extended(graph, by)
    own = {f"{name}.gradient": made.outputs[f"{name}.gradient"] for name in by}
    return replace(made, outputs={**values, **own})


def box_name(number: int) -> str:
    """Return the name of an output with the value of a box."""
    return f"box{number}"


def notes_of(numbers: Iterable[int], found: Mapping[str, Array]) -> dict[int, list[Note]]:
    """Return the notes of boxes: their values, and their gradients where there are any."""
    notes: dict[int, list[Note]] = {}
    for number in numbers:
        name = box_name(number)
        notes[number] = [Note("value", show_elements(found[name]))]
        if (gradient := found.get(f"{name}.gradient")) is not None:
            notes[number].append(Note("gradient", show_elements(gradient)))
    return notes


def _scalar(graph: Graph) -> None:
    """Raise ``InputError`` unless the only output is a scalar, which may have gradients."""
    name, loss = next(iter(graph.outputs.items()))
    if len(graph.outputs) > 1:
        raise InputError(
            f"`{graph.name}` has {len(graph.outputs)} outputs: choose the one to differentiate",
            helps=[f'such as `--at {name}`, or `of="{name}"`'],
        )
    if loss.type.rank or not loss.type.dtype.is_float:
        raise InputError(
            f"only a floating-point scalar has gradients, and `{name}` is {loss.type}",
            helps=[f"let the net return one, such as `sum({name})`, or `netlang run --at`"],
        )


def _extended(graph: Graph, by: Mapping[str, Value]) -> Graph:
    """Return a graph with the gradients of its only output by some values, as ``NAME.gradient``."""
    # A value may have several names.
    values = list(dict.fromkeys(by.values()))
    try:
        made = vjp(graph, values)
    except NoGradientError as error:
        name = next(iter(graph.outputs))
        raise InputError(f"`{name}` has no gradient: {error.message}") from None
    found = list(made.outputs.values())[len(graph.outputs) :]
    gradients = dict(zip(values, found, strict=True))
    named = {f"{name}.gradient": gradients[value] for name, value in by.items()}
    return replace(made, outputs={**graph.outputs, **named})
