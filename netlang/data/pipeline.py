"""What a train section says about its data: a dataset, what is done to it, and batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from msgspec import Struct, field
from msgspec.structs import astuple

from netlang.diagnostics.errors import NetlangError
from netlang.ir.types import TensorType
from netlang.system.files import find_data, find_each
from netlang.system.numpy import Array

if TYPE_CHECKING:
    from netlang.data.fitted import Fitted
    from netlang.data.source import Source
    from netlang.data.transforms.transform import Transform


Chosen = Array | slice
"""Indices of examples: an ``i64[N]`` in any order, or a slice."""
Statistic = Literal["mean", "most_frequent"]


class Categories(Struct, frozen=True):
    """How categories are numbered.

    Those that are not in the ``order`` follow by name; numbers by size. With ``unknown``, a
    category that the training data lack has a number of its own, the last. With ``one_hot``, an
    example has a number for each category.
    """

    order: tuple[str, ...] = ()
    unknown: bool = False
    one_hot: bool = False


class Tokens(Struct, frozen=True):
    """How texts are split into words or characters, which are numbered.

    The most frequent words of the training data are numbered from 2, so that there are ``vocab``
    numbers; all characters are. A text has at most the ``longest`` length. It is in lower case with
    ``lower``, and reduced to a to z with ``letters``.
    """

    unit: Literal["words", "characters"]
    vocab: int | None = None
    longest: int | None = None
    lower: bool = False
    letters: bool = False


class Images(Struct, frozen=True):
    """Images or masks in files: those that patterns name, or a column of a table.

    The names in a table are those of files in a ``folder``, without their ``ending``. All are
    resized to ``size`` (rows, columns), or have one size. A pixel of a mask that is ``values[i]``
    has class i; without values, it is the number of its class.
    """

    kind: Literal["pictures", "masks"]
    files: tuple[str, ...] = ()
    folder: str = ""
    ending: str = ""
    size: tuple[int, int] | None = None
    values: tuple[int, ...] = ()


class Reading(Struct, frozen=True):
    """Where a column of a dataset is in a file, and what is done with its cells.

    ``names`` are those of the columns of the file. A missing value becomes the value ``fill``, or
    the ``statistic`` of the training data; without both, it is an error. With ``length``, the
    column is the number of tokens of each text. The cells of ``images`` are names of files.
    """

    names: tuple[str, ...]
    fill: float | str | None = None
    statistic: Statistic | None = None
    categories: Categories | None = None
    normalize: bool = False
    tokens: Tokens | None = None
    length: bool = False
    images: Images | None = None

    @property
    def fills(self) -> bool:
        return self.fill is not None or self.statistic is not None


class TableFormat(Struct, frozen=True, omit_defaults=True):
    """How a table is written; what is empty is decided by the file.

    ``separator`` is between its values, ``header`` says whether the first line has names, and
    ``encoding`` is that of the text, UTF-8 by default.
    """

    separator: str = ""
    header: bool | None = None
    encoding: str = ""


class Location(Struct, frozen=True):
    """Where a dataset is opened: its declared columns, the program's folder, the run's seed.

    ``about`` is the comment above the dataset, which a missing file is reported with. ``fitted`` is
    what the training data determine, for other data; ``used`` are the examples that are not left
    out by a ``part``. ``readings`` has the columns whose source the dataset declares.
    """

    columns: Mapping[str, TensorType]
    root: Path
    seed: int = 0
    allow_python: bool = False
    about: str = ""
    fitted: Fitted | None = None
    used: Chosen = slice(None)
    readings: Mapping[str, Reading] = field(default_factory=dict[str, Reading])

    def known(self, column: str) -> tuple[str, ...]:
        """Return what training data have a column's numbers denote; nothing for the data itself."""
        return () if self.fitted is None else self.fitted.names(column)

    def find(self, path: str) -> Path:
        """Return the path of a data file; raise ``NetlangError`` where there is none."""
        return find_data(path, self.root, about=self.about)

    def find_all(self, patterns: Sequence[str]) -> list[Path]:
        """Return the paths of data files, of which some may be named by patterns such as `*.csv`.

        Raises ``NetlangError`` for a name or a pattern of no file.
        """
        return [path for pattern in patterns for path in find_each(pattern, self.root, self.about)]


class Dataset(Struct, frozen=True):
    """A dataset with its arguments."""

    @property
    def classes(self) -> int | None:
        """The number of classes that `label` numbers from 0; ``None`` if only the data shows it."""
        return None

    @property
    def reads(self) -> Mapping[str, Reading]:
        """How the columns are read from a table, where the dataset declares it."""
        return {}

    @property
    def table(self) -> TableFormat | None:
        """How its tables are written, where the dataset declares it."""
        return None

    @property
    def is_fitted(self) -> bool:
        """Whether what is read depends on which of the examples are used."""
        return False

    def unnormalized(self) -> Dataset:
        """Return the same dataset without `normalize`."""
        return self

    def open(self, location: Location) -> Source:
        """Return the examples; raise ``NetlangError`` for missing, damaged or unsuitable files."""
        raise NotImplementedError


class Subset(Struct, frozen=True):
    """The examples from ``first`` to ``last``, both included."""

    first: int
    last: int


class Division(Struct, frozen=True):
    """Examples in random order, divided; ``rest`` are those that are not kept.

    A division has a ``fraction`` of them, or is without fold ``index`` of ``count``. With ``by``, a
    column of classes, each class is divided alike.
    """

    seed: int
    by: str
    fraction: float | None = None
    count: int = 0
    index: int = 0
    rest: bool = False


class Condition(Struct, frozen=True):
    """What a column of single numbers is compared with: a number, or the name of a class."""

    column: str
    comparison: Literal["<", "<=", ">", ">=", "==", "!="]
    value: bool | int | float | str


class Restriction(Struct, frozen=True):
    """The examples with some values of columns: integers, or names of classes.

    Of those, the ones that meet all ``conditions``, which are about values before `normalize`.
    """

    values: Mapping[str, tuple[int | str, ...]]
    conditions: tuple[Condition, ...] = ()


class Change(Struct, frozen=True):
    """Transforms of one column, or of several columns that share their random numbers."""

    columns: tuple[str, ...]
    transforms: tuple[Transform, ...]


class Transformation(Struct, frozen=True):
    """What ``map`` or ``together`` does to examples."""

    changes: tuple[Change, ...]


Step = Subset | Division | Restriction | Transformation


class Batching(Struct, frozen=True):
    """How examples are put into batches."""

    size: int
    shuffle: bool
    in_order: bool
    drop_last: bool


def data_paths(pipeline: Pipeline, root: Path) -> list[Path]:
    """Return the files and folders that the arguments of a dataset name."""
    found: list[Path] = []
    pending: list[object] = [*astuple(pipeline.dataset)]
    while pending:
        value = pending.pop()
        match value:
            case str():
                with suppress(NetlangError):  # it is another string, or opening it reports why
                    found += find_each(value, root)
            case tuple():
                pending += cast("tuple[object, ...]", value)
            case _:
                pass
    return found


class Pipeline(Struct, frozen=True):
    """Where examples come from and what happens to them, in order.

    ``columns`` are the types that the dataset declares, before any of the ``steps``. ``about`` is
    the comment above a dataset that the program itself declares.
    """

    dataset: Dataset
    columns: Mapping[str, TensorType]
    steps: tuple[Step, ...]
    batching: Batching
    about: str
