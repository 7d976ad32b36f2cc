"""From the columns of a file to those of a dataset: names, missing values, categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netlang.data.fitted import Column
from netlang.data.pipeline import Chosen, Reading
from netlang.diagnostics.errors import FileError
from netlang.diagnostics.suggestions import did_you_mean
from netlang.system.numpy import Array, np


def fill_numbers(
    place: str, array: Array, reading: Reading, column: Column | None, used: Chosen
) -> tuple[Array, tuple[float, ...]]:
    """Return a masked array with what is missing filled, and what each number is filled with.

    The examples are along the first axis. Values of the training data are those of the examples
    that are ``used``, or of a ``column`` that was fitted before. Raises ``FileError`` where all
    values of a column are missing.
    """
    gaps = np.ma.getmaskarray(array).reshape(len(array), -1)
    values = fill_values(place, array, reading, column, used)
    flat = np.ma.getdata(array).reshape(len(array), -1).copy()
    for i, value in enumerate(values):
        flat[gaps[:, i], i] = value
    return flat.reshape(array.shape), values


def fill_values(
    place: str, array: Array, reading: Reading, column: Column | None, used: Chosen
) -> tuple[float, ...]:
    """Return what each missing number is filled with; see ``fill_numbers``."""
    gaps = np.ma.getmaskarray(array).reshape(len(array), -1)
    flat = np.ma.getdata(array).reshape(len(array), -1)
    if column is not None and len(column.fill) == flat.shape[1]:
        return column.fill
    if isinstance(reading.fill, int | float):
        return (float(reading.fill),) * flat.shape[1]
    compute = _mean if reading.statistic == "mean" else _most_frequent_number
    values: list[float] = []
    for i in range(flat.shape[1]):
        kept = flat[used, i][~gaps[used, i]]
        if not len(kept):
            name = reading.names[min(i, len(reading.names) - 1)]
            raise FileError(
                f"all values of `{name}` in {place} are missing, so there is nothing to fill with",
                helps=["leave the column out, or fill it with a number"],
            )
        values.append(compute(kept))
    return tuple(values)


def _mean(values: Array) -> float:
    return float(values.astype(np.float64).mean())


def _most_frequent_number(values: Array) -> float:
    """Return the most frequent number, the least of those that are equally frequent."""
    found, counts = np.unique(values, return_counts=True)
    return float(found[int(np.argmax(counts))])


def most_frequent_text(counts: Mapping[str, int]) -> str:
    """Return the most frequent text, the first by name of those that are equally frequent."""
    return min(counts, key=lambda text: (-counts[text], text))


def sorted_categories(found: Sequence[str]) -> list[str]:
    """Return distinct categories by name, or by size if all are numbers."""
    try:
        return sorted(found, key=lambda text: (float(text), text))
    except ValueError:
        return sorted(found)


def chosen(
    place: str, arrays: Mapping[str, Array], readings: Mapping[str, Reading]
) -> dict[str, Array]:
    """Return arrays by column of the dataset, from arrays by their names in a file.

    NaN in a column that is filled is masked. Raises ``FileError`` for a name that the file lacks,
    and for arrays that do not fit together.
    """
    return {**arrays, **{name: _chosen(place, arrays, each) for name, each in readings.items()}}


def with_gaps(array: Array) -> Array:
    """Return texts or numbers of which some are missing, as a table has them; others as they are.

    Missing values are ``None`` or NaN, also that of pandas. A missing text is empty, and a missing
    number NaN.

    >>> with_gaps(np.array(["gas", None], object)), with_gaps(np.array([1, None], object))
    (array(['gas', ''], dtype='<U3'), array([ 1., nan]))
    """
    if array.dtype != np.object_ or array.ndim != 1:
        return array
    values: list[object] = array.tolist()
    gaps = [_is_missing(each) for each in values]
    given = [each for each, missing in zip(values, gaps, strict=True) if not missing]
    if given and all(isinstance(each, str) for each in given):
        return np.array(["" if gap else v for v, gap in zip(values, gaps, strict=True)], np.str_)
    if any(isinstance(each, bool) or not isinstance(each, int | float) for each in given):
        return array
    return np.array([np.nan if gap else v for v, gap in zip(values, gaps, strict=True)])


def _is_missing(value: object) -> bool:
    """Return whether a value is ``None``, NaN, or what pandas has in their place."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and value != value


def _chosen(place: str, arrays: Mapping[str, Array], reading: Reading) -> Array:
    for name in reading.names:
        if name not in arrays:
            held = ", ".join(f"`{n}`" for n in arrays) or "nothing"
            raise FileError(
                f"{place} has no column `{name}`",
                notes=[f"it has {held}"],
                helps=did_you_mean(name, arrays),
            )
    parts = [arrays[name] for name in reading.names]
    try:
        array = parts[0] if len(parts) == 1 else np.stack(parts, axis=1)
    except ValueError:
        shapes = ", ".join(f"`{n}` is {arrays[n].shape}" for n in reading.names)
        raise FileError(f"the columns of {place} do not fit together: {shapes}") from None
    if reading.categories is not None and array.dtype.kind in "iu":
        return array.astype(np.str_)
    if reading.fills and array.dtype.kind == "f":
        return np.ma.masked_array(array, np.isnan(array))
    return array
