"""What was watched in a run, as plots: lines over epochs, and heat maps of a row a layer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from netlang.diagram.drawing import Drawing
from netlang.diagram.plots.chart import Chart, Curve, charts
from netlang.diagram.plots.heat import Heat, below
from netlang.training.history.reports import WatchReport

_TITLES = {
    "gradients": "gradient norm",
    "activations": "activation, root mean square",
}
Series = dict[str, list[tuple[float, float]]]
"""The numbers of each layer: pairs of an epoch and a value, by path."""


def watched_plots(title: str, reports: Sequence[WatchReport]) -> dict[str, Drawing]:
    """Return a drawing of each kind that was watched, by the name of its file."""
    found: dict[str, Drawing] = {}
    for kind, shown in _TITLES.items():
        series = series_of(kind, reports)
        if any(_positive(points) for points in series.values()):
            found[kind] = _norms(f"{title}: {shown} by layer", series)
    values = [report for report in reports if report.parameters]
    lines = _lines(values)
    if len(values) > 1 and any(line.points for line in lines):
        found["parameters"] = charts(f"{title}: parameters", [Chart(lines)])
    return found


def series_of(kind: str, reports: Sequence[WatchReport]) -> Series:
    """Return the norms of a kind by path.

    Of gradients, those of weights where there are any: of what has a bias, it says nothing new.
    """
    found: Series = {}
    for report in reports:
        measured = report.gradients if kind == "gradients" else report.activations
        for path, norm in measured.items():
            found.setdefault(path, []).append((report.epoch, norm))
    weights = {path: points for path, points in found.items() if not _is_vector(path)}
    return short_names(weights or found)


def _is_vector(path: str) -> bool:
    return "bias" in path.rpartition(".")[2]


def short_names(series: Series) -> Series:
    """Return the same without what all paths begin with, and without ``.weight``."""
    begins = {name.partition(".")[0] for name in series}
    begin = f"{begins.pop()}." if len(begins) == 1 else ""
    return {
        name.removeprefix(begin).removesuffix(".weight"): points for name, points in series.items()
    }


def _norms(title: str, series: Series) -> Drawing:
    lines = [Curve(name, _positive(points), [], False) for name, points in series.items()]
    lines = [line for line in lines if line.points]
    return below(charts(title, [Chart(lines, log=True, ordered=True)]), [heat("", series)])


def _positive(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(x, y) for x, y in points if y > 0 and math.isfinite(y)]


def heat(title: str, series: Series) -> Heat:
    """Return the heat map of some norms."""
    epochs = [x for x, _ in next(iter(series.values()))]
    return Heat(title, {name: [y for _, y in points] for name, points in series.items()}, epochs)


def _lines(reports: Sequence[WatchReport]) -> list[Curve]:
    return [
        Curve(name, [(x, y) for x, y in points if math.isfinite(y)], [], False)
        for name, points in elements(reports).items()
    ]


def elements(reports: Sequence[WatchReport]) -> Series:
    """Return the values of each element of the watched parameters, by name."""
    lines: Series = {}
    for report in reports:
        for path, values in report.parameters.items():
            for at, value in enumerate(values):
                name = f"{path}[{at}]" if len(values) > 1 else path
                lines.setdefault(name, []).append((report.epoch, value))
    return lines


def compared_norms(kind: str, runs: Mapping[str, Sequence[WatchReport]]) -> Drawing | None:
    """Return the norms of several runs by layer, in the middle of each run, and their heat maps.

    ``None`` where no run was watched for the kind.
    """
    found = {name: series_of(kind, reports) for name, reports in runs.items()}
    found = {name: series for name, series in found.items() if series}
    if not found:
        return None
    lines: list[Curve] = [Curve("median of the run", [], [], False)]
    for name, series in found.items():
        middles = [(float(at), _median(points)) for at, points in enumerate(series.values(), 1)]
        lines.append(Curve(name, _positive(middles), [], True))
    title = f"{_TITLES[kind]} by layer"
    chart = Chart([line for i, line in enumerate(lines) if not i or line.points], log=True,
                  across="layer")  # fmt: skip
    return below(charts(title, [chart]), [heat(name, series) for name, series in found.items()])


def _median(points: Sequence[tuple[float, float]]) -> float:
    values = sorted(y for _, y in points)
    return values[len(values) // 2]
