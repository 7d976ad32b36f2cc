"""A profile as a table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from netlang.analysis.columns import Column, Paint, bars, narrowed, print_columns
from netlang.analysis.counts import scaled
from netlang.analysis.table import ROWS
from netlang.profiling.profile import LayerTime, Profile

_BUSY = 0.1
"""Cores that other processes use on a machine that is not busy."""


def render_profile(profile: Profile, *, depth: int | None, color: bool, width: int) -> str:
    """Return a profile ``width`` columns wide; without a ``depth`` it is folded to fit a page."""
    paint = Paint(color)
    depth = _depth(profile) if depth is None else depth
    shown = profile if depth is None else profile.fold(depth)
    table = print_columns(_columns(shown, paint, width), paint, width) if shown.layers else []
    title = paint.bold(profile.name) + (paint.dim(f"  {profile.of}") if profile.of else "")
    return "\n".join([title, "", *table, "", *_totals(profile, paint, width)]) + "\n"


def _depth(profile: Profile) -> int | None:
    """Return the largest depth with few enough rows; ``None`` if all layers fit."""
    if len(profile.layers) <= ROWS:
        return None
    longest = max(row.path.count(".") + 1 for row in profile.layers)
    return next((d for d in range(longest, 1, -1) if len(profile.fold(d).layers) <= ROWS), 1)


def _columns(profile: Profile, paint: Paint, width: int) -> list[Column]:
    """Return the columns that fit: layers, times and shares always, the rest by importance."""
    rows = profile.layers
    before = ["", *(row.path for row in rows)]
    paths = ["" if row.path == path else row.path for row, path in zip(rows, before, strict=False)]
    whole = sum(row.milliseconds for row in rows) or 1.0
    phases = [
        Column(phase, [_time(row.phases.get(phase, 0.0)) for row in rows], True, str)
        for phase in profile.phases
    ]
    chosen = [
        Column("layer", paths, False, paint.bold),
        Column("kind", [row.kind for row in rows], False, paint.accent),
        *phases,
        Column("ms", [_taken(row) for row in rows], True, str),
        Column("share", [_share(row.milliseconds / whole) for row in rows], True, str),
    ]
    extras = [
        Column("", bars([row.milliseconds for row in rows]), False, paint.accent),
        Column("", [_note(row) for row in rows], False, paint.dim),
        Column("±", [_time(row.spread) for row in rows], True, paint.dim),
        Column("GMAC/s", [_rate(row) for row in rows], True, str),
        Column("bytes", [_bytes(row.bytes) for row in rows], True, paint.dim),
        Column("output", [row.output for row in rows], False, str),
    ]
    at = {"±": len(phases) + 3, "output": 2}
    for extra in extras:
        needed = sum(c.width + 2 for c in [*chosen, extra]) - 2
        if needed <= width and any(cell.strip(" ·") for cell in extra.cells):
            chosen.insert(_place(extra, chosen, at), extra)
    return narrowed(chosen, width)


def _place(extra: Column, chosen: Sequence[Column], at: dict[str, int]) -> int:
    """Return where a column goes: notes stay last."""
    if extra.title in at:
        return at[extra.title]
    notes = [i for i, c in enumerate(chosen) if not c.title and c.width > 4]
    return notes[0] if extra.title and notes else len(chosen)


def _taken(row: LayerTime) -> str:
    return "·" if row.within else _time(row.milliseconds)


def _time(milliseconds: float) -> str:
    if milliseconds == 0:
        return "·"
    return f"{milliseconds:.3f}" if milliseconds < 100 else f"{milliseconds:,.1f}"


def _share(share: float) -> str:
    return f"{share:.1%}" if share else "·"


def _rate(row: LayerTime) -> str:
    if not row.macs or not row.milliseconds:
        return "·"
    return f"{row.macs / row.milliseconds / 1e6:.1f}"


def _bytes(size: int) -> str:
    return scaled(size, ("B", "KiB", "MiB", "GiB", "TiB"), 1024) if size else "·"


def _note(row: LayerTime) -> str:
    if not row.within:
        return ""
    path, _, kind = row.within.rpartition(" ")
    return f"in {kind if path == row.path else path}" if path else row.within


def _totals(profile: Profile, paint: Paint, width: int) -> list[str]:
    facts = {
        "run": f"{_time(profile.total)} ms ± {_time(profile.spread)}, the median of "
        f"{profile.runs:,} runs on {profile.provider}",
        "kernels": f"{_time(profile.kernels)} ms, of which {profile.attributed:.1%} are in the "
        f"layers above; the rest of a run is spent between them",
    }
    if profile.others is not None and profile.others > _BUSY:
        facts["busy"] = (
            f"other processes used {profile.others:.1f} cores meanwhile, so these times are too "
            "long; measure again when the machine is idle"
        )
    lines: list[str] = []
    for name, text in facts.items():
        first, *more = wrap(text, max(width - 9, 20))
        lines.append(f"{paint.bold(name.ljust(7))}  {first}")
        lines.extend(" " * 9 + line for line in more)
    return lines
