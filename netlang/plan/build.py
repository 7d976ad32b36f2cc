"""From the checked values of a section's settings to its plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netlang.data.pipeline import Pipeline
from netlang.evaluate.context.frame import Run
from netlang.evaluate.context.selections import Weights
from netlang.evaluate.context.values import Duration, Examples, Layer, Object
from netlang.ir.backward_slice import moving
from netlang.ir.graph import Value
from netlang.plan.callbacks import EarlyStop, Save, SaveBest, SaveEvery
from netlang.plan.data import pipeline
from netlang.plan.initialization import InitRule
from netlang.plan.optimizers import Clip, Optimizer
from netlang.plan.plan import PRECISIONS, Computation, Plan, Precision, Update
from netlang.plan.records import Records
from netlang.plan.settings_text import settings_text

Settings = Mapping[str, Object]


def computation(run: Run, batch: Mapping[str, Value]) -> Computation:
    """Return what a section computes, once all of it is evaluated."""
    return Computation(
        tuple(run.builder.nodes),
        {made.value: made.param for made in run.made},
        batch,
        dict(run.noise),
        dict(run.gradients),
        tuple(run.states),
    )


def build_plan(
    name: str,
    settings: Settings,
    steps: Mapping[str, Settings],
    metric_names: Sequence[str],
    computed: Computation,
    layers: Mapping[str, Layer],
) -> Plan:
    """Build the records of a section that has all its settings.

    Raises ``UnknownValueError`` where an error was reported in one of them.
    """
    weights = Weights(computed.params, computed.nodes)
    records = Records(weights)
    frozen = frozenset(weights.chosen_of_all(settings.get("freeze", [])))
    updates = tuple(
        _update(step, own, frozen, computed, weights, records)
        for step, own in (steps or {"": settings}).items()
    )
    metric_values = records.several(Value, settings.get("metrics", []))
    metrics = dict(zip(metric_names, metric_values, strict=True))
    stop = records.optional(EarlyStop, settings.get("stop"))
    saves = records.several(Save, settings.get("checkpoint", []))
    save_best = tuple(save for save in saves if isinstance(save, SaveBest))
    loss = records.optional(Value, settings.get("loss"))
    measured = {} if loss is None else {"loss": loss}
    measured |= {f"{update.name}.loss": update.loss for update in updates if update.name}
    measured |= metrics
    for watched in (*([] if stop is None else [stop.watch]), *(save.by for save in save_best)):
        if watched not in measured.values():
            measured[watched.name] = watched
    return Plan(
        name,
        computed,
        updates,
        records.one(Duration, settings["run"]),
        settings_text(settings, steps),
        metrics,
        measured,
        layers,
        _pipeline(settings.get("data"), records),
        _pipeline(settings.get("valid"), records),
        records.several(InitRule, settings.get("init", [])),
        frozen,
        stop,
        save_best,
        tuple(save for save in saves if isinstance(save, SaveEvery)),
        records.one(int, settings.get("seed", 0)),
        _precision(settings.get("precision", "f32")),
        records.one(int, settings.get("accumulate", 1)),
        records.one(bool, settings.get("carry_state", False)),
    )


def _update(
    name: str, own: Settings, frozen: frozenset[str], computed: Computation, weights: Weights,
    records: Records,
) -> Update:  # fmt: skip
    loss, selected = records.one(Value, own["loss"]), own.get("update")
    reached = moving(computed.nodes, loss, computed.gradients)
    paths = tuple(
        path
        for path in (weights.by_path if selected is None else weights.chosen_of_all(selected))
        if path not in frozen and weights.trained(path) and weights.by_path[path] in reached
    )
    return Update(
        name,
        loss,
        paths,
        records.one(Optimizer, own["optimizer"]),
        records.optional(Clip, own.get("clip")),
        records.one(int, own.get("repeat", 1)),
    )


def _pipeline(value: Object, records: Records) -> Pipeline | None:
    return pipeline(value, records) if isinstance(value, Examples) else None


def _precision(value: Object) -> Precision:
    return next(precision for precision in PRECISIONS if precision == value)
