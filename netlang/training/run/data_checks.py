"""Checks of a training that need its data, before the first step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from netlang.backends.indices import indices_among
from netlang.data.batches import Batches
from netlang.data.columns import check_classes, classes_of
from netlang.data.source import Source
from netlang.plan.plan import Computation
from netlang.plan.schedules import Clock, Rate, durations, follow
from netlang.training.parallel.carried import check_carried
from netlang.training.preprocessing import check_same
from netlang.training.run.loop import clock_of
from netlang.training.step.graphs import Training

_RATES = 2000
"""How many steps of a run its learning rates are computed for in advance."""


def check_data(
    training: Training, data: Batches, valid: Batches | None, warn: Callable[[str], None]
) -> None:
    """Check how the data are used; raise ``NetlangError`` where they can't be.

    Such as for a label that is not a class.
    """
    plan = training.plan
    opened = [batches for batches in (data, valid) if batches is not None]
    for batches, of in zip(opened, ("data", "valid"), strict=False):
        check_carried(training, batches, of)
    for remark in dict.fromkeys(r for batches in opened for r in batches.source.remarks()):
        warn(f"warning: {remark}")
    if valid is not None:
        check_same(data.source.fitted().columns, valid.source, "valid")
    for column, count in sorted(_index_columns(plan.computation)):
        for batches in opened:
            check_classes(batches.source, column, count)
        if valid is not None:
            _check_shared(column, data.source, valid.source, warn)
    clock = clock_of(plan, len(data))
    rates = [rate for chosen in training.steps for rate in chosen.rates.values()]
    for rate in rates:
        _check_rate(rate, clock)
    # Durations in the unit of the run were compared when the section was checked.
    unlike = (o for rate in rates for o in durations(rate) if o.unit != plan.run.unit)
    longest = max(map(clock.steps, unlike), default=0.0)
    if longest > clock.total:
        warn(
            f"warning: the learning rate changes over {longest:,.0f} steps, and the run ends after "
            f"{clock.total:,}"
        )
    if _sees_single_examples(plan.computation) and data.examples % data.part_size == 1:
        warn(
            "warning: the last batch of an epoch has one example, and batch norm needs more; "
            "leave it out: `batches(…, drop_last=true)`"
        )


def _check_shared(column: str, data: Source, valid: Source, warn: Callable[[str], None]) -> None:
    """Warn where validation data have none of the classes that are trained."""
    trained, validated = classes_of(data, column), classes_of(valid, column)
    if trained and validated and not set(trained) & set(validated):
        warn(
            f"warning: `valid` has no class of `data`: its `{column}` is {_listed(validated)}, and "
            f"that of `data` is {_listed(trained)}"
        )


def _listed(names: Sequence[str]) -> str:
    shown = names if len(names) < 6 else [*names[:3], "…", names[-1]]
    return ", ".join(shown)


def _check_rate(rate: Rate, clock: Clock) -> None:
    """Compute a learning rate over the run; raise ``NetlangError`` where it has no value."""
    compute = follow(rate, clock)
    for step in {*range(0, clock.total, max(1, clock.total // _RATES)), clock.total - 1}:
        compute(step)


def _index_columns(computed: Computation) -> set[tuple[str, int]]:
    """Return the columns of indices, and how many there are: of classes, of rows of a table."""
    names = {value: name for name, value in computed.batch.items()}
    found = indices_among(computed.nodes, tuple(names))
    return {(names[value], size) for value, size, _ in found if isinstance(size, int)}


def _sees_single_examples(computed: Computation) -> bool:
    """Return whether a trainable batch norm has one number per channel and example."""
    return any(node.inputs[0].type.rank == 2 for node in computed.trained_batch_norms())
