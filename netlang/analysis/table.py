"""The summary as a table for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import wrap

from msgspec import Struct

from netlang.analysis.counts import grouped, scaled, short_bytes
from netlang.analysis.receptive_field import show_field
from netlang.analysis.summary import Row, Summary, depth_of, fold
from netlang.ir.dims import Size
from netlang.ir.types import F32, TensorType, Types

# A longer table is folded, unless a depth is given.
ROWS = 40

_BAR_CELLS = 4
_BARS = " ▏▎▍▌▋▊▉█"


def render_summary(summary: Summary, *, depth: int | None, color: bool, width: int) -> str:
    """Return a summary ``width`` columns wide; without a ``depth`` it is folded to fit a page."""
    folded = fold(summary, default_depth(summary) if depth is None else depth)
    paint = _Paint(color)
    # A net that returns its inputs has no layers to show.
    table = [*_table(folded, paint, width), ""] if folded.rows else []
    lines = [*_head(summary, paint, width), "", *table, *_totals(summary, paint, width)]
    return "\n".join(lines) + "\n"


def default_depth(summary: Summary, rows: int = ROWS) -> int | None:
    """Return the largest depth with at most ``rows`` rows; ``None`` if all layers fit."""
    if len(summary.rows) <= rows:
        return None
    for depth in range(depth_of(summary), 1, -1):
        if len(fold(summary, depth).rows) <= rows:
            return depth
    return 1


class _Paint(Struct, frozen=True):
    color: bool

    def bold(self, text: str) -> str:
        return self._with("1", text)

    def dim(self, text: str) -> str:
        return self._with("2", text)

    def accent(self, text: str) -> str:
        return self._with("36", text)

    def _with(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and text.strip() else text


class _Column(Struct, frozen=True):
    title: str
    cells: list[str]
    right: bool
    paint: Callable[[str], str]

    @property
    def width(self) -> int:
        return max(len(self.title), *map(len, self.cells), 0)


def _head(summary: Summary, paint: _Paint, width: int) -> list[str]:
    title = paint.bold(summary.net)
    if summary.source is not None:
        title += paint.dim(f"  {summary.source}")
    given = [f"{name} {type}" for name, type in summary.inputs.items()]
    made = [f"{name} {type}" for name, type in summary.outputs.items()]
    one_line = f"{', '.join(given)} → {', '.join(made)}"
    if len(one_line) <= width:
        return [title, one_line]
    return [title, *given, *(f"→ {text}" for text in made)]


def _table(summary: Summary, paint: _Paint, width: int) -> list[str]:
    columns = _columns(summary, paint, width)
    gap = "  "
    header = gap.join(_align(c, c.title) for c in columns).rstrip()
    rule = "─" * min(width, sum(c.width for c in columns) + len(gap) * (len(columns) - 1))
    body = [
        gap.join(c.paint(_align(c, c.cells[at])) for c in columns).rstrip()
        for at in range(len(summary.rows))
    ]
    return [paint.dim(header), paint.dim(rule), *body]


def _align(column: _Column, text: str) -> str:
    return text.rjust(column.width) if column.right else text.ljust(column.width)


def _columns(summary: Summary, paint: _Paint, width: int) -> list[_Column]:
    """Return the columns that fit: paths, kinds and numbers always, the rest by importance."""
    rows = summary.rows
    path = _Column("layer", _paths(rows), False, paint.bold)
    kind = _Column("kind", [row.kind for row in rows], False, paint.accent)
    output = _Column("output", [_shapes(row.results) for row in rows], False, str)
    weights = _Column("params", [_count(row.params) for row in rows], True, str)
    macs = _Column("MACs", [_count(row.macs) for row in rows], True, str)
    fields = ["" if row.field is None else show_field(row.field) for row in rows]
    extras = [
        (weights, _Column("", _bars([row.params for row in rows]), False, paint.accent)),
        (macs, _Column("", _bars([row.macs for row in rows]), False, paint.accent)),
        (None, _Column("field", fields, True, paint.dim)),
        (
            None,
            _Column("memory", [_short_bytes(r.activation_bytes) for r in rows], True, paint.dim),
        ),
    ]
    chosen = [path, kind, output, weights, macs]
    for after, extra in extras:
        needed = sum(c.width + 2 for c in [*chosen, extra]) - 2
        if needed <= width and any(cell.strip() for cell in extra.cells):
            chosen.insert(len(chosen) if after is None else chosen.index(after) + 1, extra)
    return _narrowed(chosen, width)


def _narrowed(columns: list[_Column], width: int) -> list[_Column]:
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
        columns[widest] = _Column(column.title, cells, column.right, column.paint)
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


def _paths(rows: Sequence[Row]) -> list[str]:
    """Return the paths, each only once where consecutive layers share it."""
    before = [""] + [row.path for row in rows[:-1]]
    return ["" if row.path == path else row.path for row, path in zip(rows, before, strict=True)]


def _shapes(results: Types) -> str:
    return ", ".join(map(shape_text, results))


def shape_text(type: TensorType) -> str:
    """Return a type as text, without its element type if that is f32."""
    return str(type).removeprefix("f32") if type.dtype is F32 else str(type)


def _count(size: Size) -> str:
    if size == 0:
        return "·"
    return grouped(size)


def _bars(sizes: Sequence[Size]) -> list[str]:
    """Return bars that show each size relative to the largest, in eighths of a cell."""
    numbers = [size for size in sizes if isinstance(size, int)]
    most = max(numbers, default=0)
    if most == 0 or len(sizes) < 3 or len(numbers) < len(sizes):
        return [""] * len(sizes)
    return [_bar(round(n * _BAR_CELLS * 8 / most)) for n in numbers]


def _bar(eighths: int) -> str:
    return "█" * (eighths // 8) + _BARS[eighths % 8].strip()


def _totals(summary: Summary, paint: _Paint, width: int) -> list[str]:
    kept = summary.memory
    weights = f"{grouped(summary.params)} trainable"
    if summary.running != 0:
        weights += f", {grouped(summary.running)} running statistics"
    facts = {
        "parameters": f"{weights}, {_short_bytes(kept.weights)}" if kept.weights != 0 else "none",
        "MACs": f"{grouped(summary.macs)} per example{_flops(summary.macs)}",
    }
    if kept.inference is not None:
        busiest = _short_bytes(kept.inference)
        facts["inference"] = f"{busiest} per example at peak, excluding parameters"
    facts["training"] = _training(summary)
    if summary.field is not None:
        facts["receptive field"] = _field(show_field(summary.field))
    lines: list[str] = []
    for name, text in facts.items():
        first, *more = wrap(text, max(width - 17, 20))
        lines.append(f"{paint.bold(name.ljust(15))}  {first}")
        lines.extend(" " * 17 + line for line in more)
    return lines


def _training(summary: Summary) -> str:
    kept = summary.memory
    fixed = kept.training("sgd") - kept.activations
    adam = kept.training("adam") - kept.activations
    if not isinstance(fixed, int) or not isinstance(adam, int):
        return f"{_short_bytes(kept.activations)} of activations per example"
    if kept.weights == 0:
        return f"nothing to train; about {_short_bytes(kept.activations)} per example"
    return (
        f"about {_short_bytes(fixed)} (sgd) or {_short_bytes(adam)} (adam)"
        f" + {_short_bytes(kept.activations)} per example"
    )


def _field(field: str) -> str:
    return "the whole image" if field == "all" else f"{field} pixels of the image"


def _flops(size: Size) -> str:
    if not isinstance(size, int) or size < 1000:
        return ""
    macs, flops = (scaled(n, ("", "k", "M", "G", "T", "P"), 1000) for n in (size, 2 * size))
    return f" ({macs}; {flops}FLOPs)"


def _short_bytes(size: Size) -> str:
    if not isinstance(size, int):
        return f"{grouped(size)} B"
    return short_bytes(size) if size else "·"
