"""What a run knows about its data that is saved with the parameters of each of its layers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from msgspec import structs

from netlang.data.fitted import Column, Fitted
from netlang.data.pipeline import Pipeline, Reading
from netlang.data.source import Source
from netlang.diagnostics.errors import InputError
from netlang.ir.backward_slice import producers, walk_back
from netlang.ir.graph import Node, Value
from netlang.ops.shaping.scattering import TakeAlong
from netlang.plan.plan import Computation


def fitted_on(data: Source, valid: Source | None, named: Pipeline | None = None) -> Fitted:
    """Return what the data of a section determine about its model.

    The names and the statistics are those of the training data. The model is used as it is
    evaluated: files are read and transformed as ``valid`` has it, where there is one. How columns
    are read from a table is what the dataset ``named`` in the section declares.
    """
    fitted = data.fitted()
    readings: Mapping[str, Reading] = {} if named is None else named.dataset.reads
    used = {
        name: structs.replace(
            column if valid is None else valid.column(name),
            names=column.names, statistics=column.statistics, reading=readings.get(name),
        )
        for name, column in fitted.columns.items()
    }  # fmt: skip
    table = None if named is None else named.dataset.table
    return structs.replace(fitted, columns=used, table=table)


def check_same(trained: Mapping[str, Column], source: Source, of: str) -> None:
    """Raise ``InputError`` for examples that are preprocessed unlike those of the training.

    ``of`` is what the examples are called.
    """
    for name in source.columns:
        if name not in trained:
            continue
        if (difference := trained[name].difference(source.column(name))) is not None:
            raise InputError(
                f"`{name}` of `{of}` is preprocessed unlike in training: {difference}",
                helps=["the model expects the same numbers: give both the same transforms"],
            )


def of_layer(fitted: Fitted, computed: Computation, layer: str) -> Fitted:
    """Return the same values with the inputs and the outputs of a layer that they are about."""
    columns = {value: name for name, value in computed.batch.items()}
    made_by = producers(computed.nodes)
    inputs: dict[str, set[str]] = {}
    outputs: dict[Value, str] = {}
    for call in computed.calls:
        if call.layer == layer:
            outputs |= {value: name for name, value in call.outputs.items()}
            for name, value in call.inputs.items():
                found = _column(value, columns, made_by)
                if found is not None:
                    inputs.setdefault(name, set()).add(found)
    scored = {
        outputs[value]: column
        for scores, column in _labels(computed, columns, made_by)
        for value in reached(scores, outputs, made_by)
        if value.type.shape[-1:] == scores.type.shape[-1:]
    }
    single = {name: min(found) if _alike(found, fitted) else "" for name, found in inputs.items()}
    return structs.replace(fitted, inputs=single, outputs=scored)


def _column(
    value: Value, columns: Mapping[Value, str], made_by: Mapping[Value, Node]
) -> str | None:
    """Return the column that a value is, ``""`` if it is computed from some, ``None`` if not."""
    source = origin(value, made_by)
    if source in columns and source.type.size == value.type.size:
        return columns[source]
    needed = next(reached(value, columns, made_by), None)
    return None if needed is None else ""


def _alike(columns: set[str], fitted: Fitted) -> bool:
    """Return whether an input is always a column, or several that are read in the same way."""
    found = [fitted.columns.get(name) for name in columns]
    return found[0] is not None and found.count(found[0]) == len(found)


def _labels(
    computed: Computation, columns: Mapping[Value, str], made_by: Mapping[Value, Node]
) -> Iterator[tuple[Value, str]]:
    """Yield scores of classes with the column that says which class an example has."""
    for node in computed.nodes:
        if isinstance(node.op, TakeAlong):
            column = columns.get(origin(node.inputs[1], made_by))
            if column is not None:
                yield node.inputs[0], column


def reached(
    value: Value, sources: Collection[Value], made_by: Mapping[Value, Node]
) -> Iterator[Value]:
    """Yield those of some values that another is computed from."""
    pending, seen = [value], {value}
    while pending:
        found = pending.pop()
        if found in sources:
            yield found
        elif found in made_by:
            fresh = set(made_by[found].inputs) - seen
            seen |= fresh
            pending += fresh


def origin(value: Value, made_by: Mapping[Value, Node]) -> Value:
    """Return the value that another has in a different shape or element type."""
    for node in walk_back(value, made_by):
        if node.op.retypes:
            value = node.inputs[0]
    return value
