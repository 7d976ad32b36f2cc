"""The datasets that a program can name: the arguments of each, and how it is opened.

A module that reads a format is imported when a dataset of it is opened: checking a program reads
no data.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from msgspec import field, structs

from netlang.data.pipeline import Dataset, Location, Reading, TableFormat
from netlang.data.sources.synthetic import SYNTHETIC
from netlang.diagnostics import rules
from netlang.diagnostics.errors import FileError, NetlangError
from netlang.ir.types import I64, TensorType

if TYPE_CHECKING:
    from netlang.data.source import Arrays, Source
    from netlang.data.sources.neighbors import PairReading


class Digits(Dataset, frozen=True):
    split: str

    @property
    def classes(self) -> int:
        return 10

    def open(self, location: Location) -> Source:
        from netlang.data.sources.collections import open_digits

        return open_digits(self.split, location)


class Mnist(Dataset, frozen=True):
    name: ClassVar[str] = "mnist"
    split: str

    @property
    def classes(self) -> int:
        return 10

    def open(self, location: Location) -> Source:
        from netlang.data.sources.collections import open_mnist

        return open_mnist(self.name, self.split, location)


class FashionMnist(Mnist, frozen=True):
    name: ClassVar[str] = "fashion_mnist"


class Cifar10(Dataset, frozen=True):
    split: str

    @property
    def classes(self) -> int:
        return 10

    def open(self, location: Location) -> Source:
        from netlang.data.sources.collections import open_cifar10

        return open_cifar10(self.split, location)


class ImageFolder(Dataset, frozen=True):
    path: str
    size: int

    def open(self, location: Location) -> Source:
        from netlang.data.sources.images.folders import open_folder

        columns, known = location.columns, location.known("label")
        return open_folder(location.find(self.path), columns, self.size, known)


class Imdb(Dataset, frozen=True):
    split: str
    vocab: int
    longest: int

    def open(self, location: Location) -> Source:
        from netlang.data.sources.texts import open_reviews

        return open_reviews(self.split, location, self.vocab, self.longest)


class CharWindows(Dataset, frozen=True):
    path: str
    length: int
    letters: bool
    vocabulary: str

    def open(self, location: Location) -> Source:
        from netlang.data.sources.texts import open_windows

        return open_windows(
            location.find(self.path),
            location.columns,
            self.length,
            letters=self.letters,
            vocabulary=location.find(self.vocabulary) if self.vocabulary else None,
            known=location.known("tokens"),
        )


class SentencePairs(Dataset, frozen=True):
    path: str
    vocab: int
    longest: int

    def open(self, location: Location) -> Source:
        from netlang.data.sources.pairs import open_sentences

        return open_sentences(location.find(self.path), location, self.vocab, self.longest)


class _WordPairs(Dataset, frozen=True):
    path: str
    vocab: int
    window: int
    subsample: float
    lower: bool
    letters: bool

    def reading(self) -> PairReading:
        from netlang.data.sources.neighbors import PairReading

        return PairReading(self.vocab, self.window, self.subsample, self.lower, self.letters)


class SkipgramPairs(_WordPairs, frozen=True):
    negatives: int

    def open(self, location: Location) -> Source:
        from netlang.data.sources.neighbors import open_neighbors

        path = location.find(self.path)
        return open_neighbors(path, location, self.reading(), self.negatives, bags=False)


class CbowPairs(_WordPairs, frozen=True):
    negatives: int

    def open(self, location: Location) -> Source:
        from netlang.data.sources.neighbors import open_neighbors

        path = location.find(self.path)
        return open_neighbors(path, location, self.reading(), self.negatives, bags=True)


class HuffmanPairs(_WordPairs, frozen=True):
    def open(self, location: Location) -> Source:
        from netlang.data.sources.neighbors import open_paths

        return open_paths(location.find(self.path), location, self.reading())


class Declared(Dataset, frozen=True, kw_only=True):
    """A dataset that a program declares; the fields are those of its declaration.

    ``normalize`` names the columns to bring to mean 0 and variance 1, or says whether all are.
    ``readings`` has the columns whose source the program declares.
    """

    name: str
    normalize: tuple[str, ...] | bool = False
    readings: Mapping[str, Reading] = field(default_factory=dict[str, Reading])

    @property
    def reads(self) -> Mapping[str, Reading]:
        return self.readings

    @property
    def is_fitted(self) -> bool:
        return bool(self.normalize or self.readings)

    def unnormalized(self) -> Dataset:
        readings = {n: structs.replace(r, normalize=False) for n, r in self.readings.items()}
        return structs.replace(self, normalize=False, readings=readings)

    def open(self, location: Location) -> Source:
        images = {name: r for name, r in self.readings.items() if r.images is not None}
        spread = [n for n, r in self.readings.items() if r.categories and r.categories.one_hot]
        numbers = dict.fromkeys((*spread, *images), TensorType(I64, ()))
        stored = {**location.columns, **numbers}
        own = structs.replace(location, columns=stored, readings=self.readings)
        source = self._normalized(own)
        if images:
            from netlang.data.sources.images.files import with_images

            shown = {name: location.columns[name] for name in images}
            source = with_images(source, images, location, {**stored, **shown})
        if not spread:
            return source
        from netlang.data.mapped import with_one_hot

        return with_one_hot(source, spread, location.columns)

    def _normalized(self, location: Location) -> Source:
        source = self.read(location)
        own = [name for name, reading in self.readings.items() if reading.normalize]
        if self.normalize is False and not own:
            return source
        from netlang.data.columns import normalized
        from netlang.data.source import Arrays
        from netlang.data.sources.ragged import RaggedSource

        if isinstance(source, RaggedSource) and self.normalize is False:
            inner = normalized(source.inner, own, location.fitted, location.used)
            return dataclasses.replace(source, inner=inner)
        if not isinstance(source, Arrays):
            raise FileError(
                f"`normalize` is for examples of one length, and those of {source.place} differ",
                helps=["normalize them in the function"],
            )

        given = self.normalize
        names = tuple(source.columns) if given is True else tuple({*own, *(given or ())})
        for name in names:
            if name not in source.columns:
                raise FileError(
                    f"`normalize` names `{name}`, and {source.place} has no such column"
                )
        return normalized(source, names, location.fitted, location.used)

    def read(self, location: Location) -> Source:
        """Return the examples before they are normalized."""
        raise NotImplementedError


class PythonFunction(Declared, frozen=True, kw_only=True):
    """What a Python function returns that is called with the dataset's arguments."""

    python: str
    arguments: Mapping[str, object]

    def read(self, location: Location) -> Source:
        from netlang.data.sources.functions import call_function

        if not location.allow_python:
            raise NetlangError(
                rules.PYTHON_NOT_ALLOWED,
                f"the dataset `{self.name}` runs Python: `{self.python}`",
                notes=["a program from someone else could do anything this way"],
                helps=["if you trust it, give `--allow-python`"],
            )
        return call_function(self.python, self.arguments, location)


class Csv(Declared, frozen=True, kw_only=True):
    csv: tuple[str, ...]
    separator: str = ""
    header: bool | None = None
    encoding: str = ""

    @property
    def table(self) -> TableFormat | None:
        declared = TableFormat(self.separator, self.header, self.encoding)
        return None if declared == TableFormat() else declared

    def read(self, location: Location) -> Source:
        from netlang.data.sources.tables import read_tables

        if len(self.separator) > 1:
            raise FileError(
                f"a separator is one character, and `{self.separator}` is {len(self.separator)}"
            )
        return read_tables(location.find_all(self.csv), location, self.table or TableFormat())


class JsonLines(Declared, frozen=True, kw_only=True):
    jsonl: tuple[str, ...]

    def read(self, location: Location) -> Source:
        from netlang.data.sources.json_lines import read_json_lines

        return read_json_lines(location.find_all(self.jsonl), location)


class Npz(Declared, frozen=True, kw_only=True):
    npz: str

    def read(self, location: Location) -> Arrays:
        from netlang.data.columns import fit_declared
        from netlang.data.readings import chosen
        from netlang.storage.npy import read_npz

        path = location.find(self.npz)
        arrays = chosen(str(path), read_npz(path, texts=True), self.readings)
        return fit_declared(str(path), location, arrays)


class Npy(Declared, frozen=True, kw_only=True):
    npy: tuple[str, ...]

    def read(self, location: Location) -> Arrays:
        from netlang.data.columns import fit_declared
        from netlang.storage.npy import read_npy

        paths = _column_files(self.name, self.npy, location)
        arrays = {name: read_npy(path) for name, path in paths.items()}
        place = ", ".join(map(str, paths.values()))
        return fit_declared(place, location, arrays)


class Idx(Declared, frozen=True, kw_only=True):
    idx: tuple[str, ...]

    def read(self, location: Location) -> Arrays:
        from netlang.data.columns import fit_declared
        from netlang.data.sources.idx import read_idx

        paths = _column_files(self.name, self.idx, location)
        read = {name: read_idx(path) for name, path in paths.items()}
        return fit_declared(
            ", ".join(map(str, paths.values())),
            location,
            {name: array for name, (array, _) in read.items()},
            "-".join(checksum for _, checksum in read.values()),
        )


def _column_files(name: str, files: Sequence[str], location: Location) -> dict[str, Path]:
    """Return the file of each column."""
    paths = [location.find(file) for file in files]
    if len(paths) != len(location.columns):
        raise FileError(
            f"the dataset `{name}` has {len(location.columns)} columns and {len(paths)} files: "
            "each column is a file"
        )
    return dict(zip(location.columns, paths, strict=True))


class ImageFiles(Declared, frozen=True, kw_only=True):
    """Files that are named by patterns, in each column."""

    def read(self, location: Location) -> Source:
        from netlang.data.sources.images.files import find_images

        return find_images(self.readings, location)


DATASETS: Mapping[str, type[Dataset]] = {
    "digits": Digits,
    "mnist": Mnist,
    "fashion_mnist": FashionMnist,
    "cifar10": Cifar10,
    "image_folder": ImageFolder,
    "imdb": Imdb,
    "char_windows": CharWindows,
    "sentence_pairs": SentencePairs,
    "skipgram_pairs": SkipgramPairs,
    "cbow_pairs": CbowPairs,
    "huffman_pairs": HuffmanPairs,
    **{kind.name: kind for kind in SYNTHETIC},
}
"""The datasets that the library declares."""

DECLARED: Mapping[str, type[Declared]] = {
    "python": PythonFunction,
    "csv": Csv,
    "jsonl": JsonLines,
    "npz": Npz,
    "npy": Npy,
    "idx": Idx,
}
"""The datasets that a program declares, by the field that says where the examples are."""
