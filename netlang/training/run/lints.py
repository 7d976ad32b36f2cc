"""What only the data can tell about a training, before its first step."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from netlang.data.batches import Batches
from netlang.data.columns import check_classes
from netlang.ir.graph import Node, Value
from netlang.ops.elementwise.choice import Select
from netlang.ops.shaping.gathering import GatherRows
from netlang.ops.shaping.scattering import TakeAlong
from netlang.training.run.loop import clock_of
from netlang.training.step.schedules import length
from netlang.training.step.step import Training


def check_data(
    training: Training, data: Batches, valid: Batches | None, warn: Callable[[str], None]
) -> None:
    """Check the data against their use; raises ``NetlangError`` for a label that is not a class."""
    for column, count in sorted(_counted(training)):
        for rows in (data, valid):
            if rows is not None:
                check_classes(rows.source, column, count)
    clock = clock_of(training, len(data))
    for chosen in training.steps:
        for schedule in chosen.rates.values():
            over = length(schedule, clock)
            if over > clock.total:
                warn(
                    f"warning: the learning rate changes over {over:,.0f} steps, and the run ends "
                    f"after {clock.total:,}"
                )
    if _sees_single_rows(training) and data.rows % data.size == 1:
        warn(
            "warning: the last batch of an epoch has one row, and batch norm needs more; "
            "leave it out: `batches(…, drop_last=true)`"
        )


def _counted(training: Training) -> set[tuple[str, int]]:
    """Find the columns that number places of a known count: labels of classes, rows of tables."""
    plan = training.plan
    makers = {v: node for node in plan.nodes for v in node.outputs}
    names = {value: name for name, value in plan.batch.items()}
    masked = {node.scope for node in plan.nodes if isinstance(node.op, Select)}
    found: set[tuple[str, int]] = set()
    for node in plan.nodes:
        match node.op:
            case TakeAlong(axis=axis):
                size = node.inputs[0].type.shape[axis]
            case GatherRows():
                size = node.inputs[0].type.shape[0]
            case _:
                continue
        column = names.get(_origin(node.inputs[1], makers))
        # Under a mask, what is masked may hold any number.
        if column is not None and isinstance(size, int) and node.scope not in masked:
            found.add((column, size))
    return found


def _origin(value: Value, makers: dict[Value, Node]) -> Value:
    while (node := makers.get(value)) is not None and node.op.retypes:
        value = node.inputs[0]
    return value


def _sees_single_rows(training: Training) -> bool:
    """Tell whether a batch norm that is trained has one number of a channel for each row."""
    return any(shape[2:] == () for shape in _normalized(training))


def _normalized(training: Training) -> Iterator[tuple[object, ...]]:
    plan = training.plan
    for node in plan.nodes:
        if node.op.running_statistics and any(
            plan.params[v].trained for v in node.inputs if v in plan.params
        ):
            yield node.inputs[0].type.shape
