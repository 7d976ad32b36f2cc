"""The summary as a table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from netlang.analysis.columns import Column, Paint, bars, narrowed, print_columns
from netlang.analysis.counts import grouped, scaled, short_bytes
from netlang.analysis.receptive_field import show_field
from netlang.analysis.summary import Row, Summary, depth_of, fold
from netlang.ir.dims import Size
from netlang.ir.types import F32, TensorType, Types

# A longer table is folded, unless a depth is given.
ROWS = 40


def render_summary(summary: Summary, *, depth: int | None, color: bool, width: int) -> str:
    """Return a summary ``width`` columns wide; without a ``depth`` it is folded to fit a page."""
    folded = fold(summary, default_depth(summary) if depth is None else depth)
    paint = Paint(color)
    # A net that returns its inputs has no layers to show.
    table: list[str] = []
    if folded.rows:
        table = [*print_columns(_columns(folded, paint, width), paint, width), ""]
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


def _head(summary: Summary, paint: Paint, width: int) -> list[str]:
    title = paint.bold(summary.net)
    if summary.source is not None:
        title += paint.dim(f"  {summary.source}")
    given = [f"{name} {type}" for name, type in summary.inputs.items()]
    made = [f"{name} {type}" for name, type in summary.outputs.items()]
    one_line = f"{', '.join(given)} → {', '.join(made)}"
    if len(one_line) <= width:
        return [title, one_line]
    return [title, *given, *(f"→ {text}" for text in made)]


def _columns(summary: Summary, paint: Paint, width: int) -> list[Column]:
    """Return the columns that fit: paths, kinds and numbers always, the rest by importance."""
    rows = summary.rows
    path = Column("layer", _paths(rows), False, paint.bold)
    kind = Column("kind", [row.kind for row in rows], False, paint.accent)
    output = Column("output", [_shapes(row.results) for row in rows], False, str)
    weights = Column("params", [_count(row.params) for row in rows], True, str)
    macs = Column("MACs", [_count(row.macs) for row in rows], True, str)
    fields = ["" if row.field is None else show_field(row.field) for row in rows]
    extras = [
        (weights, Column("", bars([row.params for row in rows]), False, paint.accent)),
        (macs, Column("", bars([row.macs for row in rows]), False, paint.accent)),
        (None, Column("field", fields, True, paint.dim)),
        (
            None,
            Column("memory", [_short_bytes(r.activation_bytes) for r in rows], True, paint.dim),
        ),
    ]
    chosen = [path, kind, output, weights, macs]
    for after, extra in extras:
        needed = sum(c.width + 2 for c in [*chosen, extra]) - 2
        if needed <= width and any(cell.strip() for cell in extra.cells):
            chosen.insert(len(chosen) if after is None else chosen.index(after) + 1, extra)
    return narrowed(chosen, width)


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


def _totals(summary: Summary, paint: Paint, width: int) -> list[str]:
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
