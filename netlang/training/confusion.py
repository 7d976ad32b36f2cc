"""How often each class is predicted as each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netlang.diagram.drawing import Drawing, Label, Rectangle, Shape, text_width
from netlang.system.numpy import Array

_CELL, _MARGIN, _LONGEST = 44, 12, 24
_BLUE = (31, 111, 180)


@dataclass(frozen=True, slots=True)
class ClassScores:
    """The scores of one class: what is 0 / 0 counts as 0, as in scikit-learn."""

    name: str
    precision: float
    recall: float
    f1: float
    examples: int


@dataclass(frozen=True, slots=True)
class Confusion:
    """How many elements of a column of each class, a row, are predicted as each class, a column.

    ``names`` are those of the classes, their numbers where they have none. Elements without a
    prediction, because of a NaN, are only in ``actual``, which has the size of each class.
    """

    column: str
    names: Sequence[str]
    counts: Array
    actual: Array

    def scores(self) -> list[ClassScores]:
        """Return the scores of each class."""
        found: list[ClassScores] = []
        for at, name in enumerate(self.names):
            hits, predicted = int(self.counts[at, at]), int(self.counts[:, at].sum())
            actual = int(self.actual[at])
            found.append(
                ClassScores(
                    name,
                    hits / max(predicted, 1),
                    hits / max(actual, 1),
                    2 * hits / max(predicted + actual, 1),
                    actual,
                )
            )
        return found

    def drawing(self) -> Drawing:
        """Return the matrix as a drawing: each cell by its share of the class of its row."""
        names = [_short(name) for name in self.names]
        left = _MARGIN + 24 + max(text_width(name, 12) for name in names)
        top, side = _MARGIN + 46.0, _CELL * len(names)
        shapes: list[Shape] = [
            Label((left + side / 2, _MARGIN + 12), "predicted", "middle", size=13),
            Label((_MARGIN, top - 8), self.column, size=13),
        ]
        for at, name in enumerate(names):
            middle = top + _CELL * (at + 0.5) + 4
            shapes.append(Label((left - 8, middle), name, "end"))
            shapes.append(Label((left + _CELL * (at + 0.5), top - 8), name, "middle", size=11))
        for row, line in enumerate(self.counts.tolist()):
            total = max(int(self.actual[row]), 1)
            for at, count in enumerate(line):
                corner = (left + _CELL * at, top + _CELL * row)
                shapes += _cell(corner, int(count), int(count) / total)
        width = round(left + side + _MARGIN)
        height = round(top + side + _MARGIN)
        return Drawing(width, height, tuple(shapes), f"confusion matrix of {self.column}")


def _cell(corner: tuple[float, float], count: int, share: float) -> list[Shape]:
    x, y = corner
    mixed = (round(255 + (part - 255) * min(share, 1.0)) for part in _BLUE)
    fill = "#" + "".join(f"{part:02x}" for part in mixed)
    text = f"{count:,}" if count < 100_000 else f"{count:.1e}"
    color = "white" if share > 0.55 else "black"
    return [
        Rectangle(corner, _CELL, _CELL, fill, "#cccccc"),
        Label((x + _CELL / 2, y + _CELL / 2 + 4), text, "middle", size=11, color=color),
    ]


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
