"""Losses and metrics over epochs as a picture, in SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib import import_module
from pathlib import Path

from netlang.training.loop import Report

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 640, 260, 64, 150, 30, 36
_COLORS = ("#1f6fb4", "#d1562b", "#3f8f4f", "#8a56a8", "#a87b1c", "#4a4a4a")

Points = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class _Line:
    """One figure over time; that of the validation rows is drawn whole, of training dashed."""

    name: str
    points: Points
    dashed: bool


def curves(title: str, reports: Sequence[Report]) -> str:
    """Draw every figure of a run, losses above and the other metrics below."""
    lines = list(_lines(reports))
    plots = [
        [line for line in lines if _is_loss(line.name)],
        [line for line in lines if not _is_loss(line.name)],
    ]
    plots = [plot for plot in plots if plot]
    height = _HEIGHT * max(1, len(plots)) + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
        f'<text x="{_LEFT}" y="20" font-size="14">{escape(title)}</text>',
    ]
    for i, plot in enumerate(plots):
        parts += _plot(plot, 10 + i * _HEIGHT)
    return "\n".join([*parts, "</svg>", ""])


def draw_png(title: str, reports: Sequence[Report], path: Path) -> None:
    """Draw the same with matplotlib, which must be installed."""
    pyplot = import_module("matplotlib.figure")
    lines = list(_lines(reports))
    losses = [line for line in lines if _is_loss(line.name)]
    plots = [plot for plot in (losses, [line for line in lines if line not in losses]) if plot]
    figure = pyplot.Figure(figsize=(6.4, 2.6 * max(1, len(plots))), layout="constrained")
    figure.suptitle(title)
    for i, plot in enumerate(plots):
        axes = figure.add_subplot(len(plots), 1, i + 1)
        for line in plot:
            xs, ys = zip(*line.points, strict=True)
            name = f"{'train' if line.dashed else 'valid'} {line.name}"
            axes.plot(xs, ys, "--" if line.dashed else "-", label=name)
        axes.set_xlabel("epoch")
        axes.legend()
    figure.savefig(path)


def _is_loss(name: str) -> bool:
    return name == "loss" or name.endswith(".loss")


def _lines(reports: Sequence[Report]) -> Iterator[_Line]:
    for kind in ("train", "valid"):
        figures: dict[str, Points] = {}
        for report in reports:
            measured: Mapping[str, float] = getattr(report, kind)
            for name, value in measured.items():
                if math.isfinite(value):
                    figures.setdefault(name, []).append((report.epoch, value))
        for name, points in figures.items():
            yield _Line(name, points, kind == "train")


def _plot(lines: Sequence[_Line], top: float) -> Iterator[str]:
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points]
    across, up = _ticks(min(xs), max(xs), whole=True), _ticks(min(ys), max(ys))
    right, bottom = _WIDTH - _RIGHT, top + _HEIGHT - _BOTTOM
    first, last = min(*xs, across[0]), max(*xs, across[-1])
    low, high = min(*ys, up[0]), max(*ys, up[-1])

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + (right - _LEFT) * (x - first) / ((last - first) or 1),
            bottom - (bottom - top - _TOP) * (y - low) / ((high - low) or 1),
        )

    for tick in up:
        _, y = at(first, tick)
        yield f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="#ddd"/>'
        yield f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:.4g}</text>'
    for tick in across:
        x, _ = at(tick, low)
        yield f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{tick:g}</text>'
    yield f'<path d="M{_LEFT} {bottom}H{right}" stroke="#888"/>'
    yield f'<text x="{right + 8}" y="{bottom + 16}">epoch</text>'
    names = list(dict.fromkeys(line.name for line in lines))
    for i, line in enumerate(lines):
        color = _COLORS[names.index(line.name) % len(_COLORS)]
        dash = ' stroke-dasharray="5 3"' if line.dashed else ""
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in (at(*p) for p in line.points))
        shape = f'fill="none" stroke="{color}" stroke-width="1.6"{dash}'
        yield f'<path d="M{path}" {shape}/>'
        if len(line.points) == 1:
            x, y = at(*line.points[0])
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>'
        y = top + _TOP + 6 + 18 * i
        kind = "train" if line.dashed else "valid"
        yield f'<path d="M{right + 8} {y - 4}h18" {shape}/>'
        yield f'<text x="{right + 32}" y="{y}">{escape(kind)} {escape(line.name)}</text>'


def _ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Choose about five round numbers from ``low`` to ``high``.

    >>> _ticks(0.0, 1.0)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    span = (high - low) or abs(high) or 1.0
    raw = span / 5
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * m for m in (1, 2, 5, 10) if size * m >= raw * 0.99)
    if whole:
        step = max(1.0, step)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, max(last, first) + 1)]
