"""Tables in columns that fit a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from netlang.ir.dims import Size

_BAR_CELLS = 4
_BARS = " ▏▎▍▌▋▊▉█"


class Paint(Struct, frozen=True):
    """Marks parts of a text on a terminal, if it has color."""

    color: bool

    def bold(self, text: str) -> str:
        return self._with("1", text)

    def dim(self, text: str) -> str:
        return self._with("2", text)

    def accent(self, text: str) -> str:
        return self._with("36", text)

    def _with(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and text.strip() else text


class Column(Struct, frozen=True):
    """A column of texts, or of numbers on the ``right``."""

    title: str
    cells: list[str]
    right: bool
    paint: Callable[[str], str]

    @property
    def width(self) -> int:
        return max(len(self.title), *map(len, self.cells), 0)


def narrowed(columns: list[Column], width: int) -> list[Column]:
    """Shorten the texts of the widest columns until the table fits, but no numbers."""
    over = sum(c.width + 2 for c in columns) - 2 - width
    texts = [at for at, c in enumerate(columns) if not c.right and c.title]
    while over > 0:
        widest = max(texts, key=lambda at: columns[at].width)
        column = columns[widest]
        if column.width <= 8:
            break
        limit = max(8, column.width - over)
        others = [columns[at].width for at in texts if at != widest]
        limit = max(limit, min(column.width - 1, max(others, default=0)))
        shorten = _without_middle if widest == 0 else _without_end
        cells = [shorten(cell, limit) for cell in column.cells]
        columns[widest] = Column(column.title, cells, column.right, column.paint)
        over = sum(c.width + 2 for c in columns) - 2 - width
    return columns


def _without_middle(text: str, limit: int) -> str:
    """Cut the middle out of a path, because paths differ at their ends."""
    if len(text) <= limit:
        return text
    left = (limit - 1) // 2
    return f"{text[:left]}…{text[len(text) - (limit - 1 - left) :]}"


def _without_end(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip(', ')}…"


def bars(sizes: Sequence[Size | float]) -> list[str]:
    """Return bars that show each size relative to the largest, in eighths of a cell."""
    numbers = [size for size in sizes if isinstance(size, int | float)]
    most = max(numbers, default=0)
    if most == 0 or len(sizes) < 3 or len(numbers) < len(sizes):
        return [""] * len(sizes)
    return [_bar(round(n * _BAR_CELLS * 8 / most)) for n in numbers]


def _bar(eighths: int) -> str:
    return "█" * (eighths // 8) + _BARS[eighths % 8].strip()


def print_columns(columns: Sequence[Column], paint: Paint, width: int) -> list[str]:
    """Return the lines of a table: the titles, a rule, and the rows."""
    gap = "  "
    header = gap.join(_align(c, c.title) for c in columns).rstrip()
    rule = "─" * min(width, sum(c.width for c in columns) + len(gap) * (len(columns) - 1))
    rows = range(len(columns[0].cells))
    body = [gap.join(c.paint(_align(c, c.cells[at])) for c in columns).rstrip() for at in rows]
    return [paint.dim(header), paint.dim(rule), *body]


def _align(column: Column, text: str) -> str:
    return text.rjust(column.width) if column.right else text.ljust(column.width)
