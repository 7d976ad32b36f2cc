"""The predictions of a model for the examples of a dataset."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from netlang.data.source import Source
from netlang.diagnostics.errors import InputError
from netlang.system.files import write_atomically
from netlang.system.numpy import Array, np
from netlang.training.confusion import Confusion
from netlang.training.targets import Target

Arrays = Mapping[str, Array]
Names = Callable[[str], Sequence[str]]

_MOST_CLASSES = 1000
"""The most classes whose confusion is counted."""
_MOST_NUMBERS = 64
"""The most numbers of an example that a table has columns for."""


@dataclass(slots=True)
class Found:
    """What is predicted of one target: a row for each example, in the order of evaluation.

    ``actual`` and ``predicted`` are ``[N]`` classes, or ``[N, D]`` numbers; of examples with
    several classes each, such as pixels, ``right`` has the share that is predicted instead.
    ``probability`` is that of the predicted class, ``loss`` the cross-entropy or the squared error
    of the example. ``counts`` and ``sizes`` are those of a ``Confusion``.
    """

    target: Target
    actual: list[Array] = field(default_factory=list[Array])
    predicted: list[Array] = field(default_factory=list[Array])
    probability: list[Array] = field(default_factory=list[Array])
    right: list[Array] = field(default_factory=list[Array])
    loss: list[Array] = field(default_factory=list[Array])
    counts: Array | None = None
    sizes: Array | None = None

    def add(self, predicted: Array, actual: Array, counted: Array | None) -> None:
        """Add the outputs of a batch."""
        with np.errstate(all="ignore"):
            if self.target.kind == "numbers":
                self._add_numbers(predicted.astype(np.float64), actual.astype(np.float64))
                return
            # Of examples with many classes each, one at a time takes less memory.
            step = 256 if self.target.width == 1 or not self.target.by_example else 1
            for first in range(0, len(actual), step):
                rows = slice(first, first + step)
                logs, labels = self._logs(predicted[rows], actual[rows])
                self._add_classes(logs, labels, None if counted is None else counted[rows])

    def _logs(self, predicted: Array, actual: Array) -> tuple[Array, Array]:
        """Return the logarithms of probabilities, the classes last, and the classes."""
        wide = predicted.astype(np.float64)
        if self.target.kind != "classes":
            return self._of_two(wide), actual > 0.5
        scores = np.moveaxis(wide, self.target.axis, -1)
        return scores - _logsumexp(scores), np.take(actual, 0, self.target.axis)

    def _of_two(self, x: Array) -> Array:
        """Return the logarithms of the probabilities of both classes, along a new last axis."""
        if self.target.kind == "probability":
            return np.log(np.stack([1.0 - x, x], axis=-1))
        return -np.logaddexp(0.0, np.stack([x, -x], axis=-1))

    def _add_classes(self, logs: Array, actual: Array, counted: Array | None) -> None:
        labels, classes = actual.astype(np.int64), logs.shape[-1]
        valid = (labels >= 0) & (labels < classes)
        if counted is not None:
            valid &= np.broadcast_to(counted.astype(bool), valid.shape)
        comparable = ~np.isnan(logs).any(axis=-1)
        best = np.where(comparable, logs.argmax(axis=-1), -1)
        known = np.where(valid, labels, 0)
        loss = np.where(valid, -np.take_along_axis(logs, known[..., None], -1)[..., 0], 0.0)
        self._count(labels[valid], best[valid], classes)
        if not self.target.by_example:
            return
        rows = (len(labels), -1)
        number = np.maximum(valid.reshape(rows).sum(axis=1), 1)
        self.loss.append(loss.reshape(rows).sum(axis=1) / number)
        if self.target.width == 1:
            self.actual.append(np.where(valid, labels, -1).reshape(-1))
            self.predicted.append(best.reshape(-1))
            self.probability.append(np.exp(logs.max(axis=-1)).reshape(-1))
        else:
            hits = ((best == labels) & valid).reshape(rows).sum(axis=1)
            self.right.append(hits / number)

    def _count(self, actual: Array, predicted: Array, classes: int) -> None:
        if classes > _MOST_CLASSES:
            return
        seen = predicted >= 0
        pairs = np.bincount(actual[seen] * classes + predicted[seen], minlength=classes**2)
        sizes = np.bincount(actual, minlength=classes)
        square = pairs.reshape(classes, classes)
        self.counts = square if self.counts is None else self.counts + square
        self.sizes = sizes if self.sizes is None else self.sizes + sizes

    def _add_numbers(self, predicted: Array, actual: Array) -> None:
        if not self.target.by_example:
            return
        rows = (len(actual), -1)
        self.loss.append(((predicted - actual) ** 2).reshape(rows).mean(axis=1))
        if (self.target.width or _MOST_NUMBERS + 1) <= _MOST_NUMBERS:
            self.actual.append(actual.reshape(rows))
            self.predicted.append(predicted.reshape(rows))

    def confusion(self, names: Names) -> Confusion | None:
        """Return how often classes are predicted as others; ``None`` where that is not known."""
        if self.counts is None or self.sizes is None:
            return None
        known, count = names(self.target.column), len(self.counts)
        listed = known if len(known) == count else [str(number) for number in range(count)]
        return Confusion(self.target.column, listed, self.counts, self.sizes)

    def columns(self, names: Names) -> Iterator[tuple[str, list[str]]]:
        """Yield the columns of a table by their titles."""
        title = self.target.column
        if self.right:
            yield f"{title} accuracy", _texts(self.right)
        elif self.probability:
            known = names(title)

            def name(number: int) -> str:
                return known[number] if 0 <= number < len(known) else str(number)

            for word, arrays in (("", self.actual), (" predicted", self.predicted)):
                numbers = np.concatenate(arrays).tolist()
                yield f"{title}{word}", ["" if n < 0 else name(int(n)) for n in numbers]
            yield f"{title} probability", _texts(self.probability)
        elif self.actual:
            for word, arrays in (("", self.actual), (" predicted", self.predicted)):
                joined = np.concatenate(arrays)
                several = joined.shape[1] > 1
                for at in range(joined.shape[1]):
                    place = f"[{at}]" if several else ""
                    yield f"{title}{place}{word}", _texts([joined[:, at]])


class Predictions:
    """The predictions of an evaluation, a row for each example.

    ``tables`` has what is predicted of each column, ``examples`` the number of each example in the
    data.
    """

    def __init__(self, targets: Sequence[Target], source: Source, names: Names) -> None:
        self.tables = tuple(map(Found, targets))
        self.examples: list[Array] = []
        self._source, self._names = source, names

    def add(self, found: Arrays, examples: Array) -> None:
        """Add the outputs of a batch, of examples by their number."""
        self.examples.append(examples)
        for number, table in enumerate(self.tables):
            predicted, actual, counted = (
                found.get(f"target{number}/{name}") for name in ("predicted", "actual", "counted")
            )
            assert predicted is not None and actual is not None
            table.add(predicted, actual, counted)

    def confusions(self) -> list[Confusion]:
        """Return the confusion of the classes of each column that has some."""
        found = (table.confusion(self._names) for table in self.tables)
        return [confusion for confusion in found if confusion is not None]

    def rows(self, *, by_loss: bool = False) -> tuple[list[str], list[list[str]]]:
        """Return the titles and the rows of a table, in the order of the data.

        With ``by_loss``, the example with the largest loss comes first. Raises ``InputError`` where
        the loss compares no output with a column of the data.
        """
        tables = [table for table in self.tables if table.target.by_example]
        if not tables:
            raise InputError(
                "there are no predictions to write: no column of the data is compared with an "
                "output by the loss",
                notes=[
                    "by `cross_entropy`, `nll`, `bce_with_logits`, `bce`, or a difference, with an "
                    "axis for the examples"
                ],
            )
        numbers = np.concatenate(self.examples)
        order: Array = np.argsort(numbers)
        loss = sum((np.concatenate(table.loss) for table in tables), np.zeros(len(order)))
        columns = {"example": [self._source.name_of(n) for n in numbers.tolist()]}
        for table in tables:
            columns |= dict(table.columns(self._names))
        columns["loss"] = _texts([loss])
        if by_loss:
            order = order[np.argsort(-loss[order], kind="stable")]
        places: list[int] = order.tolist()
        rows = [[column[at] for column in columns.values()] for at in places]
        return list(columns), rows

    def save(self, path: Path, *, by_loss: bool = False) -> None:
        """Write the rows as a CSV file; raises as ``rows`` does."""
        titles, rows = self.rows(by_loss=by_loss)
        text = StringIO()
        csv.writer(text, lineterminator="\n").writerows([titles, *rows])
        write_atomically(path, [text.getvalue().encode("utf-8", "surrogateescape")])


def _logsumexp(x: Array) -> Array:
    top = x.max(axis=-1, keepdims=True)
    return top + np.log(np.exp(x - top).sum(axis=-1, keepdims=True))


def _texts(arrays: Sequence[Array]) -> list[str]:
    return [f"{number:.6g}" for number in np.concatenate(arrays).tolist()]
