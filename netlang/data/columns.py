"""Arrays against the declared types of their columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from netlang.data.fitted import Column, Fitted, Statistics, numbered
from netlang.data.pipeline import Categories, Chosen, Location, Reading
from netlang.data.readings import fill_numbers, fill_values, most_frequent_text, sorted_categories
from netlang.data.source import Arrays, Source
from netlang.data.tables.coded import Coded
from netlang.data.tables.later import Later, is_mapped, statistics_of
from netlang.diagnostics.errors import FileError
from netlang.diagnostics.suggestions import did_you_mean
from netlang.ir.arrays import dtype_of, numpy_dtype, show_array
from netlang.ir.types import DType, TensorType
from netlang.system.numpy import Array, np

_CHUNK = 1 << 16
_PICTURE_RANK = 2
_MOST_CLASSES = 30_000
_AS_NAMED: Mapping[str, Reading] = {}
UNKNOWN_CATEGORY = "?"
"""The name of the category of all that the training data lack."""
_ADD_TO_ORDER = "add it to `order`, or read it as unknown: `categories(order=…, unknown=true)`"


def fit(
    place: str,
    columns: Mapping[str, TensorType],
    arrays: Mapping[str, Array | Coded],
    *,
    checksum: str = "",
    fitted: Fitted | None = None,
    readings: Mapping[str, Reading] = _AS_NAMED,
    used: Chosen = slice(None),
) -> Arrays:
    """Return arrays as the declared columns; raise ``FileError`` where they do not fit.

    ``readings`` has what is done with columns whose source the dataset declares, where ``used`` are
    the examples that training data keep. Missing values are masked, or empty texts. A column of
    names of images becomes their numbers.

    Bytes for a column of floats with two axes or more are an image and range from 0 to 255; axes
    of length 1 may be added or removed. Texts for a column of integers are the names of classes,
    which are numbered in alphabetical order, or as they are ``fitted``. Otherwise, numbers are only
    converted to wider ones of their kind.
    """
    made = _Made()
    for name, type in columns.items():
        if name not in arrays:
            _reject_missing(place, name, type, arrays)
        column = None if fitted is None else fitted.columns.get(name)
        _Fitting(place, name, type, readings.get(name), column, used).fit(arrays[name], made)
    _check_lengths(place, made.stored)
    return Arrays(
        place, columns, made.stored, made.divisors, made.names, checksum, tuple(made.decided),
        ranges=made.ranges, fills=made.fills, later=made.later, missing=made.missing,
    )  # fmt: skip


@dataclass(slots=True)
class _Made:
    """The columns so far; the fields are those of ``Arrays``."""

    stored: dict[str, Array] = field(default_factory=dict[str, Array])
    divisors: dict[str, float] = field(default_factory=dict[str, float])
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    names: dict[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    decided: list[str] = field(default_factory=list[str])
    fills: dict[str, tuple[float, ...]] = field(default_factory=dict[str, tuple[float, ...]])
    later: dict[str, Later] = field(default_factory=dict[str, Later])
    missing: dict[str, Array] = field(default_factory=dict[str, Array])


@dataclass(frozen=True, slots=True)
class _Fitting:
    """One column: its declared type, how it is read, and what is fitted on the training data."""

    place: str
    name: str
    type: TensorType
    reading: Reading | None
    column: Column | None
    used: Chosen

    def fit(self, array: Array | Coded, made: _Made) -> None:
        """Add the column; raise ``FileError`` where the array does not fit."""
        name, reading = self.name, self.reading
        if reading is not None and reading.images is not None and not isinstance(array, Coded):
            array, made.names[name] = np.arange(len(array)), array.tolist()
        if isinstance(array, Coded) or _are_names(array, self.type):
            in_file = isinstance(array, Coded) and is_mapped(array.codes)
            array = self._numbered(array, made)
            if in_file:
                made.stored[name] = array
                return
        elif is_mapped(np.ma.getdata(array)):
            self._map(array, made)
            return
        elif isinstance(array, np.ma.MaskedArray) and reading is not None:
            made.missing[name] = np.ma.getmaskarray(array)
            array, made.fills[name] = fill_numbers(
                self.place, array, reading, self.column, self.used
            )
        self._store(array, made)

    def _numbered(self, array: Array | Coded, made: _Made) -> Array:
        """Return the numbers of classes, and add their names."""
        of = f"`{self.name}` of {self.place}"
        texts = array if isinstance(array, Coded) else Coded.of(of, array)
        reading, column = self.reading, self.column
        numbers, names, filled = _numbered_texts(of, texts, reading, column, self.used)
        made.names[self.name] = names
        if filled:
            made.fills[self.name], made.missing[self.name] = filled, texts.equal("")
        if (reading is None or reading.categories is None) and not (column and column.names):
            made.decided.append(_listed(self.place, self.name, names))
        return numbers

    def _map(self, array: Array, made: _Made) -> None:
        """Add a column in a file: it was read as what is declared, and is not copied."""
        name = self.name
        made.stored[name] = np.ma.getdata(array)
        if isinstance(array, np.ma.MaskedArray) and self.reading is not None:
            gaps = np.ma.getmaskarray(array)
            fill = fill_values(self.place, array, self.reading, self.column, self.used)
            made.fills[name], made.missing[name] = fill, gaps
            made.later[name] = Later(gaps, fill)

    def _store(self, array: Array, made: _Made) -> None:
        """Add a column in memory, in the declared type."""
        name, type = self.name, self.type
        stored = made.stored[name] = _fitted(self.place, name, type, array)
        if stored.dtype == np.uint8 and type.dtype.is_float:
            made.divisors[name] = 255.0
        elif type.dtype.is_float and type.rank >= _PICTURE_RANK and len(array):
            made.ranges[name] = float(stored.min()), float(stored.max())


def fit_declared(
    place: str, location: Location, arrays: Mapping[str, Array | Coded], checksum: str = ""
) -> Arrays:
    """Return arrays as the columns of a dataset that a program declares; see ``fit``."""
    return fit(
        place,
        location.columns,
        arrays,
        checksum=checksum,
        fitted=location.fitted,
        readings=location.readings,
        used=location.used,
    )


def _are_names(array: Array, type: TensorType) -> bool:
    return array.dtype.kind == "U" and type.dtype.is_integer and array.ndim == 1


def _numbered_texts(
    of: str, texts: Coded, reading: Reading | None, column: Column | None, used: Chosen
) -> tuple[Array, Sequence[str], tuple[float, ...]]:
    """Return the classes of texts, their names, and the class that missing ones have, if any."""
    filled = ""
    if reading is not None and reading.fills:
        filled = _filling(of, texts, reading, column, used)
        texts = texts.replaced("", filled)
    own = None if reading is None else reading.categories
    array, names = _classes(of, texts, () if column is None else column.names, own, used)
    return array, names, (float(names.index(filled)),) if filled in names else ()


def _filling(of: str, texts: Coded, reading: Reading, column: Column | None, used: Chosen) -> str:
    """Return what the empty ones of a column of names are filled with."""
    if column is not None and column.fill and column.names:
        return column.names[int(column.fill[0])]
    if isinstance(reading.fill, str):
        return reading.fill
    given = {text: count for text, count in texts.counts(used).items() if text}
    if not given:
        raise FileError(f"all values of {of} are missing, so there is nothing to fill with")
    return most_frequent_text(given)


def _classes(
    of: str, texts: Coded, known: Sequence[str], categories: Categories | None, used: Chosen
) -> tuple[Array, Sequence[str]]:
    """Return the number of each class in a column of names, and the names by number."""
    found = sorted(texts.texts)
    if len(found) > _MOST_CLASSES:
        raise FileError(
            f"{of} has {len(found):,} different texts, too many for names of "
            f"classes, of which {_MOST_CLASSES:,} are the most"
        )
    if "" in found:
        example = int(np.argmax(texts.codes == texts.texts.index("")))
        raise FileError(f"{of} has no class in example {example:,}, counted from 0")
    if categories is None:
        names, numbers = numbered(found, known, of, "class")
    else:
        trained = list(texts.counts(used)) if categories.unknown else found
        names, numbers = _numbered_categories(of, found, known or trained, categories, bool(known))
    number_of = dict(zip(found, numbers, strict=True))
    return texts.numbered([number_of[text] for text in texts.texts]), names


def _numbered_categories(
    of: str, found: Sequence[str], known: Sequence[str], categories: Categories, trained: bool
) -> tuple[tuple[str, ...], list[int]]:
    """Return the names of categories and the number of each that is ``found``.

    ``known`` are the names of the training data, in their order if they are ``trained`` already.
    """
    names = tuple(known)
    if not trained:
        rest = sorted_categories([name for name in known if name not in categories.order])
        if categories.order and rest and not categories.unknown:
            raise FileError(
                f"{of} has the category `{rest[0]}`, which `order` does not have",
                notes=[f"`order` has: {', '.join(categories.order)}"],
                helps=[*did_you_mean(rest[0], categories.order), _ADD_TO_ORDER],
            )
        names = categories.order or tuple(rest)
        if categories.unknown:
            names = (*(name for name in names if name != UNKNOWN_CATEGORY), UNKNOWN_CATEGORY)
    if categories.unknown:
        return names, numbered([n if n in names else names[-1] for n in found], names, of, "")[1]
    return numbered(found, names, of, "category")


def _listed(place: str, column: str, names: Sequence[str]) -> str:
    """Return the remark on how the classes in a column are numbered."""
    return f"`{column}` of {place} has names, which are numbered: {numbered_list(names)}"


def numbered_list(names: Sequence[str]) -> str:
    """Return classes by number, without the middle of many.

    >>> numbered_list(["cat", "dog"])
    '0 is cat, 1 is dog'
    """
    shown = [f"{number} is {name[:40]}" for number, name in enumerate(names[:4])]
    more = [f"… {len(names) - 1} is {names[-1][:40]}"] if len(names) > 4 else []
    return ", ".join([*shown, *more])


def normalized(source: Arrays, names: Sequence[str], fitted: Fitted | None, used: Chosen) -> Arrays:
    """Return the examples with mean 0 and standard deviation 1 in some columns.

    Both are those of the training data, which ``fitted`` has for other data, over the examples that
    are ``used``.
    """
    arrays, statistics = dict(source.arrays), dict(source.statistics)
    later = dict(source.later)
    for name in names:
        type = source.columns[name]
        if not type.dtype.is_float or name in source.divisors:
            raise FileError(f"`normalize` is for columns of floats, and `{name}` is {type}")
        column = fitted.columns.get(name) if fitted is not None else None
        found = column.statistics if column is not None else None
        mapped = is_mapped(arrays[name])
        if found is None and mapped:
            found = statistics_of(partial(source.given, name), used, len(source))
        elif found is None:
            chosen = arrays[name][used]
            found = Statistics.of(chosen if len(chosen) else arrays[name])
        elif len(found.mean) != arrays[name][0].size:
            raise FileError(
                f"`{name}` of {source.place} is {type} with {arrays[name][0].size:,} numbers, and "
                f"the training data have {len(found.mean):,}"
            )
        if not found.finite:
            raise FileError(f"`{name}` of {source.place} is too large to be normalized")
        statistics[name] = found
        if mapped:
            later[name] = replace(later.get(name, Later()), statistics=found)
        else:
            arrays[name] = found.apply(arrays[name])
    return replace(source, arrays=arrays, statistics=statistics, later=later)


def _reject_missing(place: str, name: str, type: TensorType, arrays: Mapping[str, object]) -> None:
    held = ", ".join(f"`{n}`" for n in arrays) or "nothing"
    raise FileError(
        f"{place} has no column `{name}`, which the dataset declares as {type}",
        notes=[f"it has {held}"],
        helps=did_you_mean(name, arrays),
    )


def _fitted(place: str, name: str, type: TensorType, array: Array) -> Array:
    found = dtype_of(array)
    shown = f"`{name}` of {place} is {show_array(array)}"
    if array.ndim == 0:
        raise FileError(
            f"{shown}, a single number", helps=["a column has a value for each example"]
        )
    if not _holds(type, found):
        raise FileError(
            f"{shown}, and the dataset declares examples of {type}",
            notes=_first_fraction(array, type),
            helps=_cast(type, found),
        )
    shape = _shape(type, array.shape[1:])
    if shape is None:
        raise FileError(
            f"{shown}, and the dataset declares examples of {type}",
            helps=[f"declare it as `{name}: {type.with_shape(*array.shape[1:])}`"],
        )
    given = array.reshape((len(array), *shape))
    if found is DType.U8 and type.dtype.is_float and type.rank >= _PICTURE_RANK:
        return np.ascontiguousarray(given)
    with np.errstate(over="ignore"):
        array = given.astype(numpy_dtype(type.dtype), copy=False)
    _check_finite(place, name, type, array, given)
    return np.ascontiguousarray(array)


def _holds(type: TensorType, found: DType | None) -> bool:
    """Return whether the elements of a file can represent those declared."""
    wanted = type.dtype
    if found is None:
        return False
    if wanted.is_float:
        return found is not DType.BOOL
    if wanted is DType.BOOL:
        return found is DType.BOOL
    return found.is_integer and found.bytes <= wanted.bytes


def _cast(type: TensorType, found: DType | None) -> list[str]:
    if found is None:
        return []
    return [f'save it as such: `x.astype("{numpy_dtype(type.dtype).name}")`']


def _first_fraction(array: Array, type: TensorType) -> list[str]:
    """Return a note about the first fraction in a column of integers."""
    if array.dtype.kind != "f" or not type.dtype.is_integer:
        return []
    flat = array.reshape(-1)
    at = np.flatnonzero(flat != np.floor(flat))
    return [f"value {at[0]} is {flat[at[0]]:g}, counted from 0"] if len(at) else []


def _shape(type: TensorType, found: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the shape of an example; ``None`` unless it is the declared one, up to axes of 1."""
    if len(found) == type.rank and all(
        not isinstance(want, int) or want == have
        for want, have in zip(type.shape, found, strict=True)
    ):
        return found
    wanted = tuple(d for d in type.shape if isinstance(d, int))
    if len(wanted) != type.rank:
        return None
    same = [d for d in wanted if d != 1] == [d for d in found if d != 1]
    return wanted if same else None


def _check_finite(place: str, name: str, type: TensorType, array: Array, given: Array) -> None:
    """Check that a column is finite, also in the narrower numbers it is stored in."""
    if not type.dtype.is_float:
        return
    for start in range(0, len(array), _CHUNK):
        finite = np.isfinite(array[start : start + _CHUNK])
        if finite.all():
            continue
        example = start + int(np.argmin(finite.reshape(len(finite), -1).all(axis=1)))
        at = int(np.argmin(np.isfinite(array[example].reshape(-1))))
        value = given[example].reshape(-1)[at]
        held = f"`{name}` of {place} holds {value:g} in example {example:,}, counted from 0"
        if np.isfinite(value):
            raise FileError(f"{held}, which is more than {type.dtype} holds")
        raise FileError(held, helps=["leave examples without a number out, or fill them in"])


def _check_lengths(place: str, arrays: Mapping[str, Array]) -> None:
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"`{name}` has {length:,}" for name, length in lengths.items())
        raise FileError(f"the columns of {place} differ in their number of examples: {shown}")
    if not any(lengths.values()):
        raise FileError(f"{place} has no examples")


def check_classes(source: Source, column: str, classes: int) -> Sequence[int]:
    """Return the classes that no example has.

    Raises ``FileError`` for a column with anything but numbers from 0 to below ``classes``.
    """
    names = source.names.get(column)
    if names is not None and len(names) > classes:
        raise FileError(
            f"`{column}` of {source.place} has {len(names):,} different values, and there are "
            f"{classes:,} classes",
            helps=[f"give the net {len(names):,}"],
        )
    values = source.whole(column)
    if values is None:
        _check_first(source, column, classes)
        return ()
    outside = (values < 0) | (values >= classes)
    if outside.any():
        at = np.unravel_index(int(np.argmax(outside)), values.shape)
        raise FileError(
            f"`{column}` of {source.place} is {values[at]} in example {at[0]:,}, counted from 0, "
            f"and the {classes:,} classes are 0 to {classes - 1:,}",
            notes=[f"so are {int(outside.sum()) - 1:,} others"] if outside.sum() > 1 else (),
        )
    return tuple(np.setdiff1d(np.arange(classes), values).tolist())


_FIRST = 8
"""How many examples that are not in memory are looked at before the first step."""


def _check_first(source: Source, column: str, classes: int) -> None:
    """Raise ``FileError`` where one of the first examples has another number than that of a class.

    Reading all of them would take long; each batch is checked as well, but not in these words.
    """
    values = source.examples(slice(0, min(_FIRST, len(source))))[column]
    outside = (values < 0) | (values >= classes)
    if not outside.any():
        return
    at = np.unravel_index(int(np.argmax(outside)), values.shape)
    found = np.unique(values).tolist()
    listed = ", ".join(map(str, found))
    mask = values.ndim > 2 and len(found) <= classes
    raise FileError(
        f"`{column}` of {source.place} has {values[at]} in example {source.name_of(int(at[0]))}, "
        f"and the {classes:,} classes are 0 to {classes - 1:,}",
        helps=[f"if its classes are {listed}, number them: `masks(…, values=[{listed}])`"] * mask,
    )


def classes_of(source: Source, column: str) -> Sequence[str]:
    """Return the classes that examples have, by name if they have one; nothing if not in memory."""
    values, names = source.whole(column), source.names.get(column)
    if values is None:
        return ()
    numbers: list[int] = np.unique(values).tolist()
    return [str(number) if names is None else names[number] for number in numbers]
