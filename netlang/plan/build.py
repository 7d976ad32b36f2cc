"""From the checked values of a section's settings to its plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netlang.data.pipeline import Pipeline
from netlang.evaluate.builtins.metrics import OWN, numbered
from netlang.evaluate.context.frame import Run
from netlang.evaluate.context.selections import Weights
from netlang.evaluate.context.values import Duration, Examples, Layer, Object, Setting
from netlang.ir.backward_slice import moving
from netlang.ir.graph import Value
from netlang.plan.callbacks import EarlyStop, Plateau, Save, SaveBest, SaveEvery
from netlang.plan.clipping import Clip
from netlang.plan.data import pipeline
from netlang.plan.initialization import InitRule
from netlang.plan.optimizers import Optimizers
from netlang.plan.plan import PRECISIONS, Computation, Plan, Precision, Update
from netlang.plan.records import Records, check_known
from netlang.plan.settings import settings_text

Settings = Mapping[str, Object]


def _computation(run: Run, batch: Mapping[str, Value]) -> Computation:
    """Return what a section computes, once all of it is evaluated."""
    return Computation(
        tuple(run.builder.nodes),
        {made.value: made.param for made in run.made},
        batch,
        dict(run.noise),
        dict(run.gradients),
        dict(run.balanced),
        tuple(run.states),
        tuple(run.calls),
    )


def build_plan(
    name: str,
    settings: Settings,
    steps: Mapping[str, Settings],
    metric_names: Sequence[str],
    run: Run,
    batch: Mapping[str, Value],
    bound: Mapping[str, Object],
) -> Plan:
    """Build the records of a section that has all its settings; ``bound`` are its names.

    Raises ``UnknownValueError`` where an error was reported in one of them.
    """
    for own in (settings, *steps.values()):
        for value in own.values():
            check_known(value)
    computed = _computation(run, batch)
    weights = Weights(computed.params, computed.nodes)
    records = Records(weights)
    optimizers = Optimizers(run, records)
    frozen = frozenset(weights.chosen_of_all(settings.get("freeze", [])))
    updates = tuple(
        _update(step, own, frozen, computed, weights, records, optimizers)
        for step, own in (steps or {"": settings}).items()
    )
    metric_values = records.several(Value, settings.get("metrics", []))
    metrics = dict(zip(metric_names, metric_values, strict=True))
    stop = records.optional(EarlyStop, settings.get("stop"))
    saves = records.several(Save, settings.get("checkpoint", []))
    save_best = tuple(save for save in saves if isinstance(save, SaveBest))
    plateau = records.optional(Plateau, settings.get("plateau"))
    watched = [rule.watch for rule in (stop, plateau) if rule is not None]
    watched += [save.by for save in save_best]
    names = {value: name for name, value in bound.items() if isinstance(value, Value)}
    measured = _measured(updates, metrics, watched, names)
    if settings.get("valid") is None:
        # What decides about the run is measured on `data` then, in its steps.
        losses = {update.loss for update in updates}
        metrics |= {name: value for name, value in measured.items() if value not in losses}
    return Plan(
        name=name,
        computation=computed,
        updates=updates,
        run=records.one(Duration, settings["run"]),
        settings=settings_text(settings, steps),
        metrics=metrics,
        measured=measured,
        layers={name: value for name, value in bound.items() if isinstance(value, Layer)},
        data=_pipeline(settings.get("data"), records),
        valid=_pipeline(settings.get("valid"), records),
        init=records.several(InitRule, settings.get("init", [])),
        frozen=frozen,
        stop=stop,
        plateau=plateau,
        save_best=save_best,
        save_every=tuple(save for save in saves if isinstance(save, SaveEvery)),
        seed=records.one(int, settings.get("seed", 0)),
        precision=_precision(records.one(str, settings.get("precision", "f32"))),
        accumulate=records.one(int, settings.get("accumulate", 1)),
        carry_state=records.one(bool, settings.get("carry_state", False)),
    )


def _measured(
    updates: Sequence[Update],
    metrics: Mapping[str, Value],
    watched: Sequence[Value],
    names: Mapping[Value, str],
) -> dict[str, Value]:
    """Return what a report measures: losses, metrics, and values that decide about the run."""
    measured = {update.loss_name: update.loss for update in updates}
    measured |= metrics
    for value in watched:
        if value not in measured.values():
            name = numbered(names.get(value, value.name), {*measured, *OWN})
            measured[name] = value
    return measured


def _update(
    name: str, own: Settings, frozen: frozenset[str], computed: Computation, weights: Weights,
    records: Records, optimizers: Optimizers,
) -> Update:  # fmt: skip
    optimizer = own["optimizer"]
    assert isinstance(optimizer, Setting)
    loss, selected = records.one(Value, own["loss"]), own.get("update")
    reached = moving(computed.nodes, loss, computed.gradients)
    types = {
        path: weights.by_path[path].type
        for path in (weights.by_path if selected is None else weights.chosen_of_all(selected))
        if path not in frozen and weights.trained(path) and weights.by_path[path] in reached
    }
    return Update(
        name,
        loss,
        optimizers.changes(optimizer, types),
        records.optional(Clip, own.get("clip")),
        records.one(int, own.get("repeat", 1)),
    )


def _pipeline(value: Object, records: Records) -> Pipeline | None:
    return pipeline(value, records) if isinstance(value, Examples) else None


def _precision(value: str) -> Precision:
    return next(precision for precision in PRECISIONS if precision == value)
