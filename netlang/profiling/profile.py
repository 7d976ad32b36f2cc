"""The time of a run, layer by layer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from statistics import median, quantiles

from msgspec import Struct
from msgspec.structs import replace

from netlang.analysis.summary import prefix_of
from netlang.diagnostics.errors import require_at_least
from netlang.profiling.kernels import Kernel, Recording

Key = tuple[str, str]
"""The path and the kind of a layer."""


class Known(Struct, frozen=True):
    """A layer before it is measured: what it returns, and its multiply-adds in one run."""

    key: Key
    output: str
    macs: int


class LayerTime(Struct, frozen=True):
    """One layer in one run, in milliseconds: medians over the runs.

    ``phases`` are the parts of a training step. ``spread`` is half the distance between the
    quartiles. ``bytes`` are read and written by its kernels. ``within`` names the layer whose
    kernel computes this one too, ``"folded"`` where nothing of it is left to compute.
    """

    path: str
    kind: str
    output: str
    milliseconds: float
    spread: float
    phases: Mapping[str, float]
    macs: int
    bytes: int
    within: str


class Profile(Struct, frozen=True):
    """Where the time of a run goes; times are in milliseconds.

    ``total`` is the median of whole runs and ``spread`` half the distance between its quartiles;
    ``kernels`` is the part of it in kernels, ``attributed`` the share of that in ``layers``.
    ``others`` is how many cores other processes took meanwhile, where the system tells.
    """

    name: str
    of: str
    provider: str
    runs: int
    layers: tuple[LayerTime, ...]
    phases: tuple[str, ...]
    total: float
    spread: float
    kernels: float
    attributed: float
    others: float | None

    def json(self) -> dict[str, object]:
        """Return the content of ``netlang profile --json``."""
        fields = ("path", "kind", "output", "milliseconds", "spread", "macs", "bytes", "within")
        return {
            "name": self.name,
            "of": self.of,
            "provider": self.provider,
            "runs": self.runs,
            "milliseconds": {
                "total": self.total, "spread": self.spread, "kernels": self.kernels,
            },
            "attributed": self.attributed,
            "other_processes_cores": self.others,
            "layers": [
                {**{f: getattr(row, f) for f in fields}, "phases": dict(row.phases)}
                for row in self.layers
            ],
        }  # fmt: skip

    def fold(self, depth: int) -> Profile:
        """Merge consecutive layers whose paths begin with the same ``depth`` names."""
        require_at_least("depth", depth, 1)
        groups = groupby(self.layers, lambda row: prefix_of(row.path, depth))
        return replace(self, layers=tuple(_merged(path, list(rows)) for path, rows in groups))


def _merged(path: str, rows: Sequence[LayerTime]) -> LayerTime:
    if len(rows) == 1:
        return replace(rows[0], path=path)
    kinds = dict.fromkeys(row.kind for row in rows)
    phases: defaultdict[str, float] = defaultdict(float)
    for row in rows:
        for phase, taken in row.phases.items():
            phases[phase] += taken
    return LayerTime(
        path, ", ".join(kinds), rows[-1].output,
        milliseconds=sum(row.milliseconds for row in rows),
        spread=sum(row.spread**2 for row in rows) ** 0.5,
        phases=dict(phases),
        macs=sum(row.macs for row in rows),
        bytes=sum(row.bytes for row in rows),
        within=rows[0].within if len({row.within for row in rows}) == 1 else "",
    )  # fmt: skip


def attribute(
    recording: Recording, layers: Iterable[Known], layer_of: Mapping[str, Key],
    phase_of: Mapping[str, str] | None = None,
) -> tuple[tuple[LayerTime, ...], float, float]:  # fmt: skip
    """Return the layers with their times, the median time in kernels, and the share of layers.

    ``layer_of`` and ``phase_of`` tell the layer and the phase of each node of the compiled model.
    A kernel that computes several layers counts for the one with the most multiply-adds.
    """
    known = {layer.key: layer for layer in layers}
    phases = phase_of or {}
    runs = len(recording.runs)
    times: dict[Key, dict[str, list[float]]] = {}
    bytes: defaultdict[Key, int] = defaultdict(int)
    within: dict[Key, Key] = {}
    whole, found = [0.0] * runs, [0.0] * runs
    for kernel in recording.kernels:
        _add(whole, kernel)
        parts = dict.fromkeys(layer_of[n] for n in kernel.nodes if layer_of.get(n) in known)
        if not parts:
            continue
        _add(found, kernel)
        main = max(parts, key=lambda key: known[key].macs)
        phase = phases.get(kernel.nodes[0], "")
        _add(times.setdefault(main, {}).setdefault(phase, [0.0] * runs), kernel)
        bytes[main] += kernel.bytes
        if not kernel.near:
            within |= {part: main for part in parts if part != main}
    rows = tuple(
        _row(layer, times.get(key, {}), bytes[key], _within(within.get(key), key in times))
        for key, layer in known.items()
    )
    share = sum(found) / sum(whole) if sum(whole) else 1.0
    return rows, median(whole) / 1000, share


def _add(sums: list[float], kernel: Kernel) -> None:
    for at, taken in enumerate(kernel.microseconds):
        sums[at] += taken


def _within(main: Key | None, measured: bool) -> str:
    if measured:
        return ""
    return "folded" if main is None else " ".join(main)


def _row(layer: Known, times: Mapping[str, Sequence[float]], bytes: int, within: str) -> LayerTime:
    path, kind = layer.key
    sums = [sum(each) / 1000 for each in zip(*times.values(), strict=True)]
    return LayerTime(
        path, kind, layer.output, median(sums) if sums else 0.0, spread_of(sums),
        {phase: median(each) / 1000 for phase, each in times.items() if phase},
        layer.macs, bytes, within,
    )  # fmt: skip


def spread_of(times: Sequence[float]) -> float:
    """Return half the distance between the quartiles."""
    if len(times) < 2:
        return 0.0
    first, _, third = quantiles(times, n=4)
    return (third - first) / 2
