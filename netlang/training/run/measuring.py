"""Figures of saved weights on the rows of a train section."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError, WeightsError
from netlang.plan.section import Plan
from netlang.storage.weights import load_weights
from netlang.system.numpy import Array
from netlang.training.run.beginning import first_weights
from netlang.training.run.engine import beginning
from netlang.training.run.loop import Totals
from netlang.training.run.opening import Choices, engine_of, open_data, seed_of
from netlang.training.run.saving import by_layer
from netlang.training.step.step import DRAW, Training, prepare


@dataclass(frozen=True, slots=True)
class Measured:
    """The means over some rows, and which rows they were."""

    of: str
    rows: int
    figures: Mapping[str, float]


def measure(
    plan: Plan, choices: Choices, files: Mapping[str, Path | Mapping[str, Array]]
) -> Measured:
    """Measure weights on ``valid``, or on ``data`` where there is no ``valid``.

    ``files`` has, for each layer of the section, the file of its weights or the weights; the only
    layer may be called ``""``.
    """
    training = prepare(plan, seed_of(plan, choices))
    data, valid = open_data(plan, choices)
    weights = first_weights(training, seed_of(plan, choices), choices.folder)
    state = beginning(training, weights | _loaded(training, files, weights))
    engine = engine_of(training, state, choices)
    totals = Totals()
    rows = data if valid is None else valid
    with rows.epoch(0) as stream:
        for i, batch in enumerate(stream):
            count = len(next(iter(batch.values())))
            totals.add(engine.measure(batch, {DRAW: i + 1}, anew=i == 0), count)
    return Measured("data" if valid is None else "valid", totals.rows, totals.means())


def _loaded(
    training: Training, files: Mapping[str, Path | Mapping[str, Array]], drawn: Mapping[str, Array]
) -> dict[str, Array]:
    """Read the weights of each layer; all of a layer's must be there, in their shapes."""
    layers = by_layer(training.weights.by_path)
    found: dict[str, Array] = {}
    for name, file in files.items():
        layer = name or next(iter(layers))
        if layer not in layers or (not name and len(layers) > 1):
            raise NetlangError(
                rules.WHICH_LAYER,
                f"`{training.plan.name}` has no layer `{name}`" if name else
                f"`{training.plan.name}` has several layers: say whose weights these are",
                notes=[f"its layers: {', '.join(layers)}"],
                helps=[f"--weights {next(iter(layers))}={file if isinstance(file, Path) else '…'}"],
                exit_code=USAGE,
            )  # fmt: skip
        stored = load_weights(file) if isinstance(file, Path) else file
        missing: list[str] = []
        for path in layers[layer]:
            array = stored.get(path.removeprefix(f"{layer}."))
            if array is None or array.shape != drawn[path].shape:
                what = "missing" if array is None else "of another shape"
                missing.append(f"{what}: `{path.removeprefix(f'{layer}.')}`")
            else:
                found[path] = array.astype(drawn[path].dtype)
        if missing:
            shown = file if isinstance(file, Path) else "the network"
            raise WeightsError(f"{shown} does not fit `{layer}`", notes=missing)
    return found
