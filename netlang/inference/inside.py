"""Graphs of what is inside a net: intermediate values, and gradients."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from netlang.analysis.paths import value_at
from netlang.diagnostics.errors import InputError
from netlang.ir.graph import Graph
from netlang.ir.op import NoGradientError
from netlang.passes.autodiff import vjp


def with_outputs(graph: Graph, paths: Sequence[str]) -> Graph:
    """Return a graph whose outputs are the values at some paths, by path.

    Raises ``NetlangError`` for a path that there is not.
    """
    return replace(graph, outputs={path: value_at(graph, path) for path in paths})


def with_gradients(graph: Graph, by: Sequence[str]) -> Graph:
    """Return a graph with the gradients of its only output, by inputs, parameters or layers.

    That by ``x`` is the output ``x.gradient``. Raises ``InputError`` where nothing depends on it.
    """
    name, loss = next(iter(graph.outputs.items()))
    if len(graph.outputs) > 1:
        raise InputError(
            f"`{graph.name}` has {len(graph.outputs)} outputs: choose the one to differentiate",
            helps=[f'such as `--at {name}`, or `of="{name}"`'],
        )
    if loss.type.rank or not loss.type.dtype.is_float:
        raise InputError(
            f"only a floating-point scalar has gradients, and `{name}` is {loss.type}",
            helps=[f"let the net return one, such as `sum({name})`, or choose one with `--at`"],
        )
    wrt = [value_at(graph, path) for path in by]
    for path, value in zip(by, wrt, strict=True):
        if not value.type.dtype.is_float:
            raise InputError(
                f"there is no gradient by `{path}`, which is {value.type}: its elements are not "
                "real numbers"
            )
    try:
        return _renamed(vjp(graph, wrt), by)
    except NoGradientError as error:
        raise InputError(f"`{name}` has no gradient: {error.message}") from None


def _renamed(graph: Graph, by: Sequence[str]) -> Graph:
    """Return a graph whose last outputs are gradients, which it names by their paths."""
    outputs = list(graph.outputs.items())
    first = len(outputs) - len(by)
    names = (f"{path}.gradient" for path in by)
    made = zip(names, (value for _, value in outputs[first:]), strict=True)
    return replace(graph, outputs={**dict(outputs[:first]), **dict(made)})
