"""Metrics of saved parameters on the data of a train section."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, InputError, NetlangError, WeightsError
from netlang.plan.plan import Plan
from netlang.storage.weights import described, load_weights
from netlang.system.numpy import Array
from netlang.training.run.engine import initial_state
from netlang.training.run.initial_parameters import initial_parameters
from netlang.training.run.loop import evaluated
from netlang.training.run.parameter_files import by_layer
from netlang.training.run.preparation import Choices, engine_of, open_data, seed_of
from netlang.training.step.graphs import prepare


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Means over some examples, and which examples they were: ``data`` or ``valid``."""

    of: str
    examples: int
    metrics: Mapping[str, float]


Parameters = Path | Mapping[str, Array]
"""A file of parameters, or the parameters."""


def evaluate(plan: Plan, choices: Choices, given: Mapping[str, Parameters]) -> Evaluation:
    """Evaluate parameters on ``valid``, or on ``data`` where there is no ``valid``.

    ``given`` has the parameters of each layer of the section; the only layer may be called ``""``.
    """
    paths = (param.path for param in plan.computation.params.values())
    if not given:
        raise InputError(
            "there are no parameters to evaluate",
            notes=[f"the layers of `{plan.name}`: {', '.join(by_layer(paths))}"],
        )
    training = prepare(plan, seed_of(plan, choices))
    data, valid = open_data(plan, choices)
    initial = initial_parameters(plan, seed_of(plan, choices), choices.folder)
    state = initial_state(training, initial | _loaded(plan.name, given, initial))
    engine = engine_of(training, state, choices)
    of, examples = ("data", data) if valid is None else ("valid", valid)
    totals = evaluated(training, engine, examples, of)
    return Evaluation(of, totals.examples, totals.means())


def _of_layer(layer: str, source: Parameters) -> str:
    file = source if isinstance(source, Path) else "FILE"
    return f'`--weights {layer}={file}`, or `{{"{layer}": …}}`'


def _loaded(
    section: str, given: Mapping[str, Parameters], initial: Mapping[str, Array]
) -> dict[str, Array]:
    """Read the parameters of each layer; all of a layer's must be there, in their shapes."""
    layers = by_layer(initial)
    found: dict[str, Array] = {}
    for name, source in given.items():
        layer = name or next(iter(layers))
        if layer not in layers or (not name and len(layers) > 1):
            raise NetlangError(
                rules.WHICH_LAYER,
                f"`{section}` has no layer `{name}`" if name else
                f"`{section}` has several layers: name the layer of these parameters",
                notes=[f"its layers: {', '.join(layers)}"],
                helps=[_of_layer(next(iter(layers)), source)],
                exit_code=USAGE,
            )  # fmt: skip
        names = {path.removeprefix(f"{layer}."): path for path in layers[layer]}
        stored = described(source) if isinstance(source, Path) else source
        missing = [
            f"{'missing' if name not in stored else 'of another shape'}: `{name}`"
            for name, path in names.items()
            if name not in stored or stored[name].shape != initial[path].shape
        ]
        if missing:
            shown = source if isinstance(source, Path) else "the network"
            raise WeightsError(f"{shown} does not fit `{layer}`", notes=missing)
        if isinstance(source, Path):
            stored = load_weights(source, names)
        for name, path in names.items():
            found[path] = stored[name].astype(initial[path].dtype)
    return found
