"""What is fitted on the training data, belongs to the model, and is saved with its parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

from msgspec import DecodeError, Struct, ValidationError, field, json

from netlang.data.pipeline import Reading, TableFormat
from netlang.diagnostics.errors import FileError
from netlang.diagnostics.suggestions import did_you_mean
from netlang.ir.arrays import numpy_dtype
from netlang.ir.types import DType, TensorType
from netlang.storage.pixels import Pixels
from netlang.system.numpy import Array, np

KEY = "netlang.data"
"""The entry of a file's metadata that holds a ``Fitted``."""

FORMAT = 1
"""The version of what is saved; a newer one is rejected."""

_VALUES = ("standardize", "rescale")
"""The transforms that change what the numbers of an image mean."""


class Statistics(Struct, frozen=True):
    """The mean and the standard deviation of each number of an example, in the order of memory."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of(cls, examples: Array) -> Statistics:
        """Return the statistics over the first axis; a constant has the standard deviation 1."""
        wide = examples.reshape(len(examples), -1).astype(np.float64)
        std = wide.std(axis=0)
        return cls(tuple(wide.mean(axis=0).tolist()), tuple(np.where(std == 0, 1, std).tolist()))

    @property
    def finite(self) -> bool:
        return all(map(isfinite, (*self.mean, *self.std)))

    def apply(self, examples: Array) -> Array:
        """Bring examples to the mean 0 and the standard deviation 1 of the training data."""
        shape = examples.shape[1:]
        mean, std = (np.array(each).reshape(shape) for each in (self.mean, self.std))
        return ((examples.astype(np.float64) - mean) / std).astype(examples.dtype)


class Applied(Struct, frozen=True):
    """A transform of a column by its name, with its arguments."""

    name: str
    arguments: Mapping[str, float | int | tuple[float, ...]]

    def __str__(self) -> str:
        """Return the transform as a program has it."""
        shown = (
            f"[{', '.join(f'{n:g}' for n in value)}]" if isinstance(value, tuple) else f"{value:g}"
            for value in self.arguments.values()
        )
        return f"{self.name}({', '.join(shown)})"


class Column(Struct, frozen=True, omit_defaults=True):
    """How the examples of a column are read: its dataset's ``dtype`` and ``shape``, then the rest.

    ``names`` are what its numbers denote: classes, characters or words. An image file is resized to
    ``shorter_side`` and center-cropped, or the whole of it is ``resized`` to ``shape``, unless it
    is false: then it has that shape. Bytes are divided by ``scale``; floats that a dataset
    stores are within ``range``. Missing numbers of an example are replaced by those of ``fill``, in
    the order of memory; for categories, that is the number of one. ``statistics`` are those of
    ``normalize``. ``transforms`` are the ones that draw no random numbers, in order. ``reading`` is
    where the column is in a table, and what is done with its cells, if the dataset declares it. The
    loss has ``class_weights`` that balance the classes.
    """

    dtype: str
    shape: tuple[int | str, ...]
    names: tuple[str, ...] = ()
    shorter_side: int | None = None
    resized: bool | None = None
    scale: float | None = None
    range: tuple[float, float] | None = None
    fill: tuple[float, ...] = ()
    statistics: Statistics | None = None
    transforms: tuple[Applied, ...] = ()
    reading: Reading | None = None
    class_weights: tuple[float, ...] = ()

    @classmethod
    def of(cls, type: TensorType, names: Sequence[str] = ()) -> Column:
        """Return a column whose examples are what the dataset stores."""
        shape = tuple(n if isinstance(n, int) else str(n) for n in type.shape)
        return cls(str(type.dtype), shape, tuple(names))

    @property
    def element(self) -> DType:
        return DType(self.dtype)

    @property
    def pixels(self) -> Pixels | None:
        """How image files are read, if that is how examples are stored."""
        if self.shorter_side is not None:
            return Pixels(3, (self.shorter_side, self.shorter_side), "crop")
        sizes = [n for n in self.shape if isinstance(n, int)]
        if self.resized is None or len(sizes) not in (2, 3):
            return None
        channels = sizes[0] if len(sizes) > 2 else 1
        return Pixels(channels, (sizes[-2], sizes[-1]), "resize" if self.resized else "exact")

    def steps(self, *, decoded: bool) -> list[str]:
        """Return what is done to a raw example, as text; to one that is ``decoded``, the rest."""
        found: list[str] = []
        if self.shorter_side is not None and not decoded:
            found.append(f"resize the shorter side to {self.shorter_side}, crop the middle square")
        if self.resized and not decoded:
            found.append(f"resize to {self.shape[-2]} x {self.shape[-1]} pixels")
        if self.scale is not None:
            found.append(f"divide by {self.scale:g}")
        if self.fill and self.element.is_float:
            found.append("fill missing values with those in the metadata")
        if self.statistics is not None:
            found.append("normalize by the statistics in the metadata")
        return found + [str(each) for each in self.transforms]

    def difference(self, other: Column) -> str | None:
        """Return how ``other`` is read unlike this column, if its numbers mean something else."""
        own, others = (_steps(column) for column in (self, other))
        if own != others:
            shown = [", ".join(f"`{step}`" for step in steps) for steps in (own, others)]
            return f"it has {shown[1] or 'nothing'}, and not {shown[0] or 'anything'}"
        for one, two in ((self, other), (other, self)):
            if one.scale and two.scale is None and two.range is not None and two.range[1] > 1:
                low, high = two.range
                return f"one is stored as floats from {low:g} to {high:g}, the other as bytes"
        return None


def _steps(column: Column) -> list[str]:
    """Return what changes the meaning of a column's numbers, as text."""
    normalized = ["normalize"] if column.statistics is not None else []
    return normalized + [str(each) for each in column.transforms if each.name in _VALUES]


class Fitted(Struct, frozen=True, omit_defaults=True):
    """What the training data determine, and which inputs and outputs of a net it is about.

    ``inputs`` has the column that each input of the net is, ``""`` where the section computes it
    from columns; ``outputs`` the column of labels whose classes an output scores. ``table`` is how
    the tables are written that the columns come from, where the dataset declares it.
    """

    columns: Mapping[str, Column]
    inputs: Mapping[str, str] = field(default_factory=dict[str, str])
    outputs: Mapping[str, str] = field(default_factory=dict[str, str])
    table: TableFormat | None = None
    format: int = FORMAT

    def names(self, column: str) -> tuple[str, ...]:
        """Return what the numbers of a column denote; nothing if that is unknown."""
        found = self.columns.get(column)
        return () if found is None else found.names

    def input(self, name: str) -> Column | None:
        """Return the column that an input of the net is."""
        return self.columns.get(self.inputs.get(name, ""))

    def classes(self, output: str) -> tuple[str, ...]:
        """Return the names of the classes that an output scores; nothing if they are unknown."""
        return self.names(self.outputs.get(output, ""))

    def metadata(self) -> dict[str, str]:
        """Return the entry of a file's metadata."""
        return {KEY: json.encode(self).decode()}

    def model_metadata(self, *, raw: bool) -> dict[str, str]:
        """Return the entries of the metadata of a compiled model.

        ``netlang.classes`` has the names of the classes by output, ``netlang.inputs`` whether an
        input is ``raw``, as the dataset stores it, or ``prepared``.
        """
        classes = {output: self.classes(output) for output in self.outputs}
        known = [name for name in self.inputs if self.input(name)]
        inputs = dict.fromkeys(known, "raw" if raw else "prepared")
        entries = {"netlang.classes": {o: names for o, names in classes.items() if names}}
        found = {**entries, "netlang.inputs": inputs}
        listed = {name: json.encode(value).decode() for name, value in found.items() if value}
        return {**self.metadata(), **listed}

    def check(self) -> None:
        """Raise ``ValueError`` for values that no run writes."""
        for column in self.columns.values():
            _check(column)
        if self.table is not None:
            _check_table(self.table)

    @staticmethod
    def read(metadata: Mapping[str, str], place: object) -> Fitted | None:
        """Return what a file's metadata hold, if anything; raise ``FileError`` if it is damaged."""
        text = metadata.get(KEY)
        if text is None:
            return None
        try:
            version = json.decode(text, type=_Version).format
            if version > FORMAT:
                raise FileError(
                    f"{place} describes its data in format {version}, and this netlang reads "
                    f"format {FORMAT}"
                )
            found = json.decode(text, type=Fitted)
            found.check()
        except (DecodeError, ValidationError, ValueError, RecursionError):
            raise FileError(
                f"{place} describes its data in a way that no run wrote",
                helps=["train again, or take the file from the folder of the run"],
            ) from None
        return found


class _Version(Struct):
    format: int = FORMAT


_MOST_AXES, _LARGEST = 8, 1 << 13
"""Limits on the shapes in a file, which may come from anyone."""


def _check(column: Column) -> None:
    """Raise ``ValueError`` for values that no run writes."""
    numpy_dtype(column.element)
    sizes = [n for n in column.shape if isinstance(n, int)]
    sizes += [n for n in (column.shorter_side,) if n is not None]
    sizes += [n for t in column.transforms for n in t.arguments.values() if isinstance(n, int)]
    if len(column.shape) > _MOST_AXES or any(not 0 <= n <= _LARGEST for n in sizes):
        raise ValueError("a size out of range")
    found = column.statistics
    if not all(map(isfinite, column.class_weights)):
        raise ValueError("weights of classes that are not finite")
    count = np.prod([n for n in column.shape if isinstance(n, int)], dtype=np.int64)
    if column.fill and not (len(column.fill) == count and all(map(isfinite, column.fill))):
        raise ValueError("missing values are filled with values of another shape")
    if found is not None and not (len(found.mean) == len(found.std) == count and all(found.std)):
        raise ValueError("statistics of another shape")


def _check_table(table: TableFormat) -> None:
    """Raise ``ValueError`` for a separator or an encoding that no table was read with."""
    if len(table.separator) > 1:
        raise ValueError("a separator of several characters")
    if table.encoding:
        try:
            b"?".decode(table.encoding)
        except LookupError:
            raise ValueError("no encoding of texts") from None
        except UnicodeError:
            pass  # it is one


_SEVERAL = {"category": "categories"}
_ANOTHER = {"category": ("to read it as a category of its own: `categories(unknown=true)`",)}


def numbered(
    found: Sequence[str], known: Sequence[str], place: str, what: str
) -> tuple[tuple[str, ...], list[int]]:
    """Return the names of classes and the number of each name in ``found``, which are distinct.

    The classes are ``known`` from the training data, else those found. Raises ``FileError`` for a
    name that is not known.
    """
    for name in found:
        if not name.isascii() and name != name.encode(errors="replace").decode():
            raise FileError(f"{place} has the {what} {name!a}, which is not valid Unicode")
    if not known:
        return tuple(found), list(range(len(found)))
    index = {name: number for number, name in enumerate(known)}
    for name in found:
        if name not in index:
            listed = known if len(known) <= 10 else (*known[:10], "…")
            raise FileError(
                f"{place} has the {what} `{name}`, which the training data does not have",
                notes=[f"its {_SEVERAL.get(what, 'classes')} are: {', '.join(listed)}"],
                helps=[*did_you_mean(name, known), *_ANOTHER.get(what, ())],
            )
    return tuple(known), [index[name] for name in found]
