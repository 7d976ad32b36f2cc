"""What a network computes of many examples: files of a folder, or arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from netlang.api.conversion import columns_of
from netlang.api.display import html
from netlang.backends.feeds import as_array
from netlang.diagnostics.errors import FileError, InputError, require_at_least
from netlang.inference.preprocessing import input_of_columns
from netlang.inference.scores import shares
from netlang.inference.sources import expanded, is_table, names_of
from netlang.storage.inputs import known_inputs
from netlang.system.numpy import Array, np

if TYPE_CHECKING:
    from netlang.api.network import Network

_SHOWN = 20
"""The most examples that are printed."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """The outputs for examples, which ``names`` tells apart: files, or numbers from 0.

    Where an output scores classes, ``labels`` has the best class of each example, by its name if
    the training gave it one, and ``probabilities`` those of all classes, f64[N, K], in the order of
    ``classes``. Prints as a table.
    """

    names: Sequence[str]
    outputs: Mapping[str, Array]
    classes: Sequence[str]
    labels: Sequence[str]
    probabilities: Array | None

    def __len__(self) -> int:
        return len(self.names)

    def __str__(self) -> str:
        rows = list(self._rows())
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        more = len(self) - _SHOWN
        return "\n".join(lines + ([f"+ {more:,} more"] if more > 0 else []))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html(str(self))

    def _rows(self) -> Iterator[list[str]]:
        if self.probabilities is not None:
            yield ["example", "class", "probability"]
            best = self.probabilities.max(axis=1)
            for name, label, share in zip(self.names[:_SHOWN], self.labels, best, strict=False):
                yield [name, label, f"{float(share):.1%}"]
            return
        yield ["example", *self.outputs]
        for i, name in enumerate(self.names[:_SHOWN]):
            yield [name, *(_short(array[i]) for array in self.outputs.values())]


def predict(network: Network, source: object, batch: int, resize: bool) -> Predictions:
    """Predict as ``Network.predict`` documents it."""
    require_at_least("batch", batch, 1)
    names: list[str] = []
    parts: list[dict[str, Array]] = []
    for own, inputs in _batches(network, source, batch, resize):
        network.reset()
        names += own
        parts.append(network.run(inputs))
    outputs = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    for name, array in outputs.items():
        if len(array) != len(names):
            raise InputError(f"the output `{name}` has no axis of examples: {list(array.shape)}")
    return _labeled(network, names, outputs)


def _labeled(network: Network, names: Sequence[str], outputs: dict[str, Array]) -> Predictions:
    fitted = network.fitted
    scored = (
        {} if fitted is None else {n: fitted.classes(n) for n in outputs if n in fitted.outputs}
    )
    output = next(iter(scored), None)
    if output is None or outputs[output].ndim != 2:
        return Predictions(names, outputs, (), (), None)
    probabilities = shares(outputs[output])
    count = probabilities.shape[1]
    classes = scored[output] or tuple(map(str, range(count)))
    best: list[int] = probabilities.argmax(axis=1).tolist()
    labels = [classes[at] if at < len(classes) else str(at) for at in best]
    return Predictions(names, outputs, classes, labels, probabilities)


def _batches(
    network: Network, source: object, batch: int, resize: bool
) -> Iterator[tuple[list[str], Mapping[str, Array]]]:
    """Yield the names and the inputs of some examples at a time."""
    texts = _texts(network, source)
    files = None if texts else _files(source)
    table = files is not None and len(files) == 1 and is_table(str(files[0]))
    if files is not None and not table:
        name = _only_input(network)
        every_name = names_of([str(file) for file in files])
        for at in range(0, len(files), batch):
            part = files[at : at + batch]
            read = [network.read_inputs({name: str(each)}, resize=resize)[name] for each in part]
            sizes = {array.shape[1:] for array in read}
            if len(sizes) > 1:
                raise FileError(
                    f"the images in {part[0].parent} have different sizes",
                    helps=["resize them to the size of the input: `resize=True`"],
                )
            here = zip(every_name[at : at + batch], read, strict=True)
            names = [n for each, array in here for n in _names(each, array)]
            yield names, {name: np.concatenate(read)}
        return
    if files is not None:
        every = {value.name: str(files[0]) for value in network.graph.inputs}
        yield from _parts(network.read_inputs(every), batch)
        return
    named: dict[str, Any]
    frame = not isinstance(source, Mapping) and hasattr(source, "columns")
    if isinstance(source, Mapping) or frame or texts:
        given = columns_of(cast("object", texts or source), "source")
        yield from _parts(_of_columns(network, given, frame=frame), batch)
        return
    named = {_only_input(network): cast("Any", source)}
    yield from _parts(_as_inputs(network, named), batch)


def _as_inputs(network: Network, named: Mapping[str, Any]) -> dict[str, Array]:
    known = known_inputs(network.graph, named)
    return {
        name: as_array(name, network.as_input(name, value), known[name].type)
        for name, value in named.items()
    }


def _of_columns(
    network: Network, given: Mapping[str, object], *, frame: bool
) -> Mapping[str, Array]:
    """Return columns by name as inputs.

    Those with the names of inputs are inputs as they are. Those with the names of the table that
    the training read are prepared as its cells were; what such a table has besides is left out.
    """
    rows: dict[str, Array] = {}
    table = frame or not any(value.name in given for value in network.graph.inputs)
    for value in network.graph.inputs:
        fitted = network.fitted
        column = None if fitted is None else fitted.input(value.name)
        if fitted is None or column is None or column.reading is None:
            continue
        own = {n: given[n] for n in column.reading.names if n in given}
        whole, raw = len(own) == len(column.reading.names), table
        if value.name in given:
            raw = whole and (frame or _are_texts(own.values()))
        if raw:
            rows[value.name] = input_of_columns(own if whole else given, column, fitted, value)
    known = {value.name for value in network.graph.inputs} if rows else given
    rest = {name: value for name, value in given.items() if name in known and name not in rows}
    return {**rows, **_as_inputs(network, rest)}


def _are_texts(columns: Iterable[object]) -> bool:
    return all(np.asarray(each).dtype.kind in "UO" for each in columns)


def _texts(network: Network, source: object) -> dict[str, object]:
    """Return the texts of a list by the name of their column, for a net that takes texts."""
    if not isinstance(source, list | tuple) or network.fitted is None:
        return {}
    texts = cast("Sequence[object]", source)
    columns = map(network.fitted.input, (value.name for value in network.graph.inputs))
    readings = [each.reading for each in columns if each is not None and each.reading is not None]
    names = {reading.names for reading in readings if reading.tokens is not None}
    if len(names) != 1 or not texts or not all(isinstance(text, str) for text in texts):
        return {}
    return dict.fromkeys(names.pop(), texts)


def _parts(inputs: Mapping[str, Array], batch: int) -> Iterator[tuple[list[str], dict[str, Array]]]:
    """Yield the numbers and the inputs of some examples at a time."""
    count = len(next(iter(inputs.values())))
    for at in range(0, max(count, 1), batch):
        part = {name: array[at : at + batch] for name, array in inputs.items()}
        yield [str(i) for i in range(at, min(at + batch, count))], part


def _names(file: str, examples: Array) -> list[str]:
    """Return the name of a file, with the number of each example if it has several."""
    if len(examples) == 1:
        return [file]
    return [f"{file}[{i}]" for i in range(len(examples))]


def _files(source: object) -> list[Path] | None:
    """Return the files that a source names; ``None`` for data."""
    if isinstance(source, str | Path):
        return [Path(each) for each in expanded(str(source))]
    if isinstance(source, list | tuple):
        items = cast("Sequence[object]", source)
        if items and all(isinstance(each, str | Path) for each in items):
            return [Path(str(each)) for each in items]
    return None


def _only_input(network: Network) -> str:
    inputs = [value.name for value in network.graph.inputs]
    if len(inputs) != 1:
        given = ", ".join(f'"{name}": …' for name in inputs)
        raise InputError(
            f"`{network.name}` has {len(inputs)} inputs",
            helps=[f"give them by name: `{{{given}}}`"],
        )
    return inputs[0]


def _short(values: Array) -> str:
    if values.size > 6:
        return f"{list(values.shape)}"
    return ", ".join(f"{float(each):.4g}" for each in values.ravel())
