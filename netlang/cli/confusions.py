"""What an evaluation reports about classes, and the files it writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, InputError, NetlangError

if TYPE_CHECKING:
    from netlang.training.confusion import Confusion
    from netlang.training.run.evaluation import Evaluation

_MOST = 20
"""The most classes that are shown as text."""
_WIDEST = 110


def describe_confusion(confusion: Confusion) -> str:
    """Return the scores of each class, and the matrix where it fits on a page."""
    count = len(confusion.names)
    if count > _MOST:
        return (
            f"\n{confusion.column}: {count:,} classes; `--json` has the scores and the confusion "
            "of each, `-o confusion.svg` draws the matrix"
        )
    scores = [
        [each.name, *(f"{n:.4f}" for n in (each.precision, each.recall, each.f1)),
         f"{each.examples:,}"]
        for each in confusion.scores()
    ]  # fmt: skip
    titles = [confusion.column, "precision", "recall", "f1", "examples"]
    lines = ["", *_aligned([titles, *scores])]
    rows = [
        [name, *(f"{int(n):,}" for n in line)]
        for name, line in zip(confusion.names, confusion.counts.tolist(), strict=True)
    ]
    matrix = list(_aligned([[f"{confusion.column} \\ predicted", *confusion.names], *rows]))
    if max(map(len, matrix)) <= _WIDEST:
        lines += ["", *matrix]
    return "\n".join(lines)


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table: the first column to the left, numbers to the right."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        cells = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        yield f"  {row[0]:<{widths[0]}}  {'  '.join(cells)}"


def confusion_json(confusion: Confusion) -> dict[str, object]:
    """Return a confusion matrix as plain values."""
    return {
        "scores": [
            {
                "class": each.name,
                "precision": each.precision,
                "recall": each.recall,
                "f1": each.f1,
                "examples": each.examples,
            }
            for each in confusion.scores()
        ],
        "confusion": confusion.counts.tolist(),
    }


def check_output(path: Path) -> None:
    """Raise ``NetlangError`` for a path that nothing of an evaluation is written to."""
    if path.suffix.lower() not in (".csv", ".svg", ".png"):
        raise NetlangError(
            rules.UNKNOWN_FORMAT,
            f"{path}: predictions are written as .csv, a confusion matrix as .svg or .png",
            helps=[f"write to `{path.with_suffix('.csv')}`"],
            exit_code=USAGE,
        )


def write_output(found: Evaluation, path: Path, *, by_loss: bool) -> Iterator[str]:
    """Write predictions, or the drawing of a confusion matrix, and describe each file.

    Raises ``NetlangError``.
    """
    if path.suffix.lower() == ".csv":
        found.predictions.save(path, by_loss=by_loss)
        yield f"{path}: predictions for {found.examples:,} examples"
        return
    from netlang.diagram.files import save

    confusions = found.confusions
    if not confusions:
        raise InputError(
            f"there is no confusion matrix for {path}: the loss compares no scores of classes with "
            "a column of the data",
            helps=["write the predictions: `-o predictions.csv`"],
        )
    for confusion in confusions:
        several = len(confusions) > 1
        file = path.with_stem(f"{path.stem}-{confusion.column}") if several else path
        save(confusion.drawing(), file)
        yield f"{file}: the confusion matrix of `{confusion.column}`"
