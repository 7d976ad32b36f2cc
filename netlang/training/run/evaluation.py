"""Metrics of saved parameters on the data of a train section."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from netlang.data.batches import Batches
from netlang.data.fitted import Fitted
from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, InputError, NetlangError, WeightsError
from netlang.plan.plan import Plan
from netlang.storage.weights import load_weights, read_metadata
from netlang.system.numpy import Array
from netlang.training.preprocessing import check_same
from netlang.training.run.engine import initial_state
from netlang.training.run.initial_parameters import initial_parameters
from netlang.training.run.loop import evaluated
from netlang.training.run.parameter_files import by_layer
from netlang.training.run.preparation import Choices, engine_of, open_data, opened, seed_of
from netlang.training.step.graphs import prepare


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Means over some examples, and which examples they were: ``data`` or ``valid``."""

    of: str
    examples: int
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters by their paths in a layer, and what is fitted on the data they were trained on.

    ``source`` is the file or the object that has them, for messages.
    """

    arrays: Mapping[str, Array]
    fitted: Fitted | None
    source: object

    @classmethod
    def read(cls, path: Path) -> Parameters:
        """Read a file of parameters; raises ``FileError``."""
        arrays = load_weights(path)
        return cls(arrays, Fitted.read(read_metadata(path), path), path)


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
    of, examples = _examples(plan, choices, _fitted(given.values()))
    initial = initial_parameters(plan, seed_of(plan, choices), choices.folder)
    state = initial_state(training, initial | _loaded(plan.name, given, initial))
    engine = engine_of(training, state, choices)
    totals = evaluated(training, engine, examples, of)
    return Evaluation(of, totals.examples, totals.means())


def _fitted(given: Iterable[Parameters]) -> Fitted | None:
    """Return what is fitted on the data of all layers; nothing if no file has it."""
    known = [(each.source, each.fitted) for each in given if each.fitted is not None]
    for source, fitted in known[1:]:
        if fitted.columns != known[0][1].columns:
            raise InputError(
                f"{known[0][0]} and {source} were trained on different data",
                helps=["take the files of one run"],
            )
    return known[0][1] if known else None


def _examples(plan: Plan, choices: Choices, fitted: Fitted | None) -> tuple[str, Batches]:
    """Open the examples to evaluate on, and say what they are called."""
    of, pipeline = ("data", plan.data) if plan.valid is None else ("valid", plan.valid)
    if fitted is None or pipeline is None:
        data, valid = open_data(plan, choices)
        return of, data if valid is None else valid
    examples = opened(plan, pipeline, choices, fitted)
    check_same(fitted.columns, examples.source, of)
    return of, examples


def _of_layer(layer: str, source: object) -> str:
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
                helps=[_of_layer(next(iter(layers)), source.source)],
                exit_code=USAGE,
            )  # fmt: skip
        missing: list[str] = []
        for path in layers[layer]:
            array = source.arrays.get(path.removeprefix(f"{layer}."))
            if array is None or array.shape != initial[path].shape:
                what = "missing" if array is None else "of another shape"
                missing.append(f"{what}: `{path.removeprefix(f'{layer}.')}`")
            else:
                found[path] = array.astype(initial[path].dtype)
        if missing:
            raise WeightsError(f"{source.source} does not fit `{layer}`", notes=missing)
    return found
