"""Metrics of a train section on data, of a run in progress or of saved parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from netlang.data.batches import Batches
from netlang.data.fitted import Fitted
from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, InputError, NetlangError, WeightsError
from netlang.plan.plan import Plan
from netlang.storage.weights import described, load_weights, read_metadata
from netlang.system.numpy import Array, np
from netlang.training.class_weights import balanced
from netlang.training.confusion import Confusion
from netlang.training.parallel.carried import check_carried
from netlang.training.predictions import Predictions
from netlang.training.preprocessing import check_same
from netlang.training.run.engine import Evaluates, initial_state
from netlang.training.run.initial_parameters import initial_parameters
from netlang.training.run.parameter_files import by_layer
from netlang.training.run.preparation import Choices, engine_of, open_data, opened, seed_of
from netlang.training.step.graphs import DRAW, Training, prepare
from netlang.training.targets import targets
from netlang.training.totals import Totals


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Metrics over some examples, and which examples they were: ``data`` or ``valid``.

    ``confusions`` has how often classes are predicted as others, for each column of labels, and
    ``predictions`` a row for each example.
    """

    of: str
    examples: int
    metrics: Mapping[str, float]
    predictions: Predictions = field(compare=False, repr=False)

    @property
    def confusions(self) -> Sequence[Confusion]:
        return self.predictions.confusions()


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters by their paths in a layer, and what is fitted on the data they were trained on.

    ``source`` is the file or the object that has them; of a file, ``arrays`` are the types and the
    shapes until it is known that they fit.
    """

    arrays: Mapping[str, Array]
    fitted: Fitted | None
    source: object

    @classmethod
    def read(cls, path: Path) -> Parameters:
        """Read the header of a file of parameters; raises ``FileError``."""
        return cls(described(path), Fitted.read(read_metadata(path), path), path)


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
    fitted = _fitted(given.values())
    plan = balanced(plan, fitted, lambda: open_data(plan, choices)[0].source)
    predicted = targets(plan)
    numbered = enumerate(predicted)
    outputs = {name: v for i, each in numbered for name, v in each.outputs(i).items()}
    training = prepare(plan, seed_of(plan, choices), outputs)
    of, examples = _examples(plan, choices, fitted)
    check_carried(training, examples, of)
    initial = initial_parameters(plan, seed_of(plan, choices), choices.folder)
    state = initial_state(training, initial | _loaded(plan.name, given, initial))
    engine = engine_of(training, state, choices)
    names = (fitted or examples.source.fitted()).names
    predictions = Predictions(predicted, examples.source, names)
    numbers = examples.numbers(0)
    totals = evaluated(
        training, engine, examples, of, watch=lambda found: predictions.add(found, next(numbers))
    )
    return Evaluation(of, totals.examples, metrics_of(training, totals, of), predictions)


def evaluated(
    training: Training, engine: Evaluates, data: Batches, of: str,
    interrupted: Callable[[], bool] = lambda: False,
    watch: Callable[[Mapping[str, Array]], None] = lambda _: None,
    *, among: range | None = None,
) -> Totals:  # fmt: skip
    """Return the sums over all examples, or over those before an interruption.

    ``of`` is what the data are called; ``watch`` is called with the outputs of each batch. Only
    batches ``among`` some are evaluated, if there are any. Raises
    ``EvaluationError`` for a loss that is not finite.
    """
    totals = Totals(training.measures, training.plan.computation.batch)
    losses = [part for name in training.plan.losses for part in training.measures.of(name)]
    some = range(len(data)) if among is None else among
    with data.epoch(0, some.start) as stream:
        for i, batch in zip(some, stream, strict=False):
            if interrupted():
                break
            numbers = {DRAW: i + 1}
            found = engine.evaluate(batch, numbers, first=i == some.start)
            if not all(is_finite(found[name]) for name in losses):
                from netlang.training.run.nonfinite import evaluation_error

                name = _culprit(training, found)
                where = f"batch {i + 1:,} of `{of}`"
                graph, state = training.evaluation, engine.state()
                raise evaluation_error(graph, name, state, batch, numbers, found, where)
            totals.add(found, batch)
            watch(found)
    return totals


def _culprit(training: Training, found: Mapping[str, Array]) -> str:
    """Return the loss that is not finite, or else what it is computed from."""
    names = training.plan.losses
    parts = (part for name in names for part in training.measures.of(name))
    return next(name for name in (*names, *parts) if not is_finite(found[name]))


def metrics_of(training: Training, totals: Totals, of: str) -> dict[str, float]:
    """Return the metrics of an evaluation; ``EvaluationError`` for a loss that is not finite."""
    values = totals.values()
    for name in training.plan.losses:
        if not math.isfinite(values[name]):
            from netlang.training.run.nonfinite import total_error

            raise total_error(name, values[name], totals, of)
    return values


def is_finite(array: Array) -> bool:
    return bool(np.isfinite(array).all())


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
        names = {path.removeprefix(f"{layer}."): path for path in layers[layer]}
        stored = source.arrays
        missing = [
            f"{'missing' if name not in stored else 'of another shape'}: `{name}`"
            for name, path in names.items()
            if name not in stored or stored[name].shape != initial[path].shape
        ]
        if missing:
            raise WeightsError(f"{source.source} does not fit `{layer}`", notes=missing)
        if isinstance(source.source, Path):
            stored = load_weights(source.source, names)
        for name, path in names.items():
            found[path] = stored[name].astype(initial[path].dtype)
    return found
