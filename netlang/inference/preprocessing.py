"""From raw examples to the inputs of a net, as in the training of its parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import ValidationError, convert, structs

from netlang.data.columns import fit
from netlang.data.datasets import Csv, Declared
from netlang.data.fitted import Applied, Column, Fitted
from netlang.data.memory import PLACE, Memory
from netlang.data.pipeline import Location, Reading, TableFormat
from netlang.data.source import Arrays, Source
from netlang.data.sources.json_lines import read_json_lines
from netlang.data.sources.tables import first_cells, read_tables
from netlang.data.transforms.registry import FIXED
from netlang.data.transforms.transform import Transform
from netlang.diagnostics.errors import FileError, InputError
from netlang.inference.sources import is_image, is_table, is_text, read_source
from netlang.ir.arrays import numpy_dtype
from netlang.ir.dims import symbol
from netlang.ir.graph import Graph, Value
from netlang.ir.types import F32, TensorType
from netlang.storage.inputs import known_inputs
from netlang.system.numpy import Array, np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from netlang.ir.dims import Size

_PREPARED = "if it is preprocessed already: `--prepared`, or `prepared=True`"


def read_inputs(
    graph: Graph, fitted: Fitted, sources: Mapping[str, str], *, resize: bool = False
) -> dict[str, Array]:
    """Read the sources of inputs by name, and preprocess those that are columns of the data.

    Raises the errors of ``read_source`` and of ``preprocess``.
    """
    known = known_inputs(graph, sources)
    found: dict[str, Array] = {}
    for name, source in _with_lengths(graph, fitted, sources).items():
        column = fitted.input(name)
        if column is None:
            found[name] = read_source(source, known[name], resize=resize)
            continue
        if is_table(source):
            found[name] = _rows(Path(source), column, fitted, known[name])
            continue
        if is_text(source) and column.reading is not None and column.reading.tokens is not None:
            texts = {key: [source[1:-1]] for key in column.reading.names}
            found[name] = input_of_columns(texts, column, fitted, known[name])
            continue
        images = is_image(source)
        if images:
            _check_range(source, column)
        stored = Value(name, _batch_type(column))
        pixels = column.pixels if images else None
        words = column.names
        raw = read_source(
            source, stored, resize=resize, pixels=pixels, words=words, format=fitted.table
        )
        found[name] = preprocess(raw, column, known[name], source)
    return found


def _with_lengths(graph: Graph, fitted: Fitted, sources: Mapping[str, str]) -> Mapping[str, str]:
    """Return the sources with those of the lengths of texts, which come with the texts."""
    readings = {v.name: c.reading for v in graph.inputs if (c := fitted.input(v.name)) is not None}
    texts: dict[Sequence[str], str] = {}
    for name, source in sources.items():
        reading = readings.get(name)
        if reading is not None and reading.tokens is not None:
            texts |= {reading.names: source} if is_text(source) or is_table(source) else {}
    lengths = {
        name: texts[reading.names]
        for name, reading in readings.items()
        if reading is not None and reading.length and reading.names in texts
    }
    return {**lengths, **sources}


class _Rows(Csv, frozen=True, kw_only=True):
    """A table that a user names, wherever it is, and the columns of one without names."""

    unnamed: tuple[str, ...] = ()

    def read(self, location: Location) -> Source:
        paths = list(map(Path, self.csv))
        if paths[0].name.lower().removesuffix(".gz").endswith(".jsonl"):
            return read_json_lines(paths, location)
        return read_tables(paths, location, self.table or TableFormat(), unnamed=self.unnamed)


def _rows(path: Path, column: Column, fitted: Fitted, value: Value) -> Array:
    """Return a column of each row of a table as an input ``[N, ...]``.

    The cells are those that the dataset of the training took, filled, numbered and normalized with
    what is ``fitted``. Raises ``FileError`` for a table that lacks them, and ``InputError`` for a
    column that does not come from a table.
    """
    if column.shorter_side is not None or column.scale is not None:
        raise InputError(
            f"`{value.name}` is an image, and {path} is a table",
            helps=[f"give the images: `-i {value.name}=photo.png`, or a folder of them"],
        )
    format = fitted.table or TableFormat()
    rows = _Rows(
        name=str(path), csv=(str(path),),
        separator=format.separator, header=format.header, encoding=format.encoding,
        unnamed=() if column.reading is not None else _unnamed(path, fitted, format),
    )  # fmt: skip
    return _read(rows, column, fitted, value)


def input_of_columns(
    values: Mapping[str, object], column: Column, fitted: Fitted, value: Value
) -> Array:
    """Return columns of rows in memory as an input ``[N, ...]``, as those of a table.

    They have the names that the dataset of the training took, of the ``column`` that the input is.
    Raises ``FileError`` for a column that is missing or does not fit.
    """
    return _read(Memory(name=PLACE, values=values), column, fitted, value)


def _read(rows: Declared, column: Column, fitted: Fitted, value: Value) -> Array:
    name = next((n for n, each in fitted.columns.items() if each is column), value.name)
    readings: Mapping[str, Reading] = {} if column.reading is None else {name: column.reading}
    one_hot = any(r.categories is not None and r.categories.one_hot for r in readings.values())
    type = TensorType(F32, (len(column.names),)) if one_hot else type_of(column)
    normalize = (name,) if column.statistics is not None else False
    dataset = structs.replace(rows, readings=readings, normalize=normalize)
    location = Location({name: type}, Path(), fitted=fitted, readings=readings)
    examples = dataset.open(location).examples(slice(None))[name]
    rest = tuple(each for each in column.transforms if not (one_hot and each.name == "one_hot"))
    return _shaped(_transformed(examples, rest), value)


def _unnamed(path: Path, fitted: Fitted, format: TableFormat) -> tuple[str, ...]:
    """Return names for the values of a table that has none: all columns in order, or the inputs.

    Raises ``FileError`` for another number of values.
    """
    if path.name.lower().removesuffix(".gz").endswith(".jsonl"):
        return ()
    cells = first_cells(path, format)
    if cells is None:
        return ()
    known = {name: _cells(name, column) for name, column in fitted.columns.items()}
    inputs = {name: cells for name, cells in known.items() if name in fitted.inputs.values()}
    every, own = ([n for names in each.values() for n in names] for each in (known, inputs))
    for names in (every, own):
        if len(names) == len(cells):
            return tuple(names)
    raise FileError(
        f"{path} has {len(cells):,} values in a line, and the training data have {len(every):,}",
        notes=[f"they are: {', '.join(known)}"],
        helps=[f"give these, or only the {len(own):,} of the inputs: {', '.join(inputs)}"],
    )


def _cells(name: str, column: Column) -> list[str]:
    """Return names for the values in a line that make up a column."""
    count = prod(size for size in column.shape if isinstance(size, int))
    return [name] if count == 1 else [f"{name}.{i}" for i in range(count)]


def preprocess_all(
    graph: Graph, fitted: Fitted, inputs: Mapping[str, ArrayLike]
) -> dict[str, Array]:
    """Return raw examples as inputs, by name.

    Raises ``InputError`` for an input of which it is not known how it is preprocessed.
    """
    known = known_inputs(graph, inputs)
    found: dict[str, Array] = {}
    for name, given in inputs.items():
        column = fitted.input(name)
        if column is None:
            raise not_known(f"`{name}` of `{graph.name}` is")
        found[name] = preprocess(np.asarray(given), column, known[name], f"`{name}`")
    return found


def not_known(what: str) -> InputError:
    """Return the error for inputs whose preprocessing is in no file; ``what`` ends with a verb."""
    return InputError(
        f"it is not known how {what} preprocessed",
        helps=["load parameters that a run of this version has saved"],
    )


def preprocess(raw: Array, column: Column, value: Value, place: str) -> Array:
    """Return raw examples as an input of a net: as in training, without what is random there.

    ``raw`` is what the dataset stores, ``[N, ...]`` or one example: bytes from 0 to 255, or floats
    from 0 to 1, for images that are stored as bytes. ``place`` names it in messages. Raises
    ``InputError`` for arrays of another shape or range.
    """
    check_fits(column, value)
    examples = _stored(raw, column, place)
    if column.statistics is not None:
        examples = column.statistics.apply(examples)
    return _shaped(_transformed(examples, column.transforms), value)


def _transformed(examples: Array, applied: Sequence[Applied]) -> Array:
    for each in applied:
        transform = transform_of(each)
        examples = transform.apply(examples, np.zeros((len(examples), transform.draws)))
    return np.ascontiguousarray(examples)


def check_fits(column: Column, value: Value) -> None:
    """Raise ``InputError`` where prepared examples are not what an input of a net takes."""
    type = type_of(column)
    for applied in column.transforms:
        type = transform_of(applied).result(type)
    lead = 0 if value.type.rank == type.rank else 1
    wanted = value.type.with_shape(*value.type.shape[lead:])
    sizes = [type.size, wanted.size]
    if sizes[0] != sizes[1] and all(isinstance(size, int) for size in sizes):
        raise InputError(
            f"`{value.name}` is {wanted}, and the parameters were trained on examples of {type}",
            helps=["load the parameters of this net, or prepare the input: `--prepared`"],
        )


def transform_of(applied: Applied) -> Transform:
    """Return a transform by its name; raises ``FileError`` for one that there is not."""
    try:
        return convert(applied.arguments, FIXED[applied.name])
    except (KeyError, ValidationError):
        raise FileError(
            f"the data were transformed by `{applied}`, which this netlang does not have"
        ) from None


def type_of(column: Column) -> TensorType:
    """Return the type of an example in the dataset."""
    return TensorType(column.element, tuple(map(_size, column.shape)))


def _batch_type(column: Column) -> TensorType:
    example = type_of(column)
    return example.with_shape(symbol("N"), *example.shape)


def _size(size: int | str) -> Size:
    return size if isinstance(size, int) else symbol("T")


def _stored(raw: Array, column: Column, place: str) -> Array:
    """Return raw examples as the dataset returns them."""
    type = type_of(column)
    if raw.ndim == type.rank:
        raw = raw[np.newaxis]
    if raw.dtype == np.uint8 and column.element.is_float:
        _check_range(place, column)
    if column.fill and raw.dtype.kind == "f" and column.element.is_float:
        raw = np.where(np.isnan(raw), np.array(column.fill).reshape(raw.shape[1:]), raw)
    stored = fit(place, {"example": type}, {"example": raw})
    if column.scale is None:
        return stored.examples(slice(None))["example"]
    return _scaled(stored, column.scale, place)


def _scaled(stored: Arrays, scale: float, place: str) -> Array:
    """Return images from 0 to 1; raise ``InputError`` for numbers that are in another range."""
    array = stored.arrays["example"]
    top = scale if array.dtype == np.uint8 else 1.0
    low, high = float(array.min()), float(array.max())
    if low < 0 or high > top:
        known = f"bytes from 0 to {scale:g}"
        raise InputError(
            f"{place} has numbers from {low:.4g} to {high:.4g}, and the examples that the model "
            f"was trained on are {known if top == scale else f'floats from 0 to 1, or {known}'}",
            helps=[_PREPARED],
        )
    divided = Arrays(
        place, stored.columns, stored.arrays, {"example": scale} if top == scale else {}
    )
    return divided.examples(slice(None))["example"]


def _check_range(place: str, column: Column) -> None:
    """Raise ``InputError`` for an image where the training data are floats in another range."""
    if column.scale is None and column.range is not None and column.element.is_float:
        low, high = column.range
        if low < 0 or high > 1:
            raise InputError(
                f"{place} is read as numbers from 0 to 1, and the examples that the model was "
                f"trained on are from {low:.4g} to {high:.4g}",
                helps=["give the numbers as the dataset has them, in a .npy file"],
            )


def _shaped(examples: Array, value: Value) -> Array:
    """Return examples in the shape and the element type of an input."""
    shape = [d for d in value.type.shape if isinstance(d, int)]
    if value.type.rank == examples.ndim - 1 and len(examples) == 1:
        examples = examples[0]
    elif len(shape) == value.type.rank - 1 and examples[0].size == np.prod(shape, dtype=np.int64):
        examples = examples.reshape(len(examples), *shape)
    wanted = value.type.dtype
    if wanted.is_float and examples.dtype.kind == "f":
        return examples.astype(numpy_dtype(wanted), copy=False)
    return examples
