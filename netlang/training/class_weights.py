"""Weights of classes that balance the training data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from msgspec import structs

from netlang.data.fitted import Fitted
from netlang.data.source import Source
from netlang.diagnostics.errors import FileError
from netlang.ops.elementwise.choice import Constant
from netlang.plan.plan import Balanced, Plan
from netlang.system.numpy import Array, np

_CHUNK = 256
_MOST_SHOWN = 10


def balanced(plan: Plan, fitted: Fitted | None, training: Callable[[], Source]) -> Plan:
    """Return a section with the weights of classes that are ``fitted``, or balance the data.

    ``training`` opens the training data, where they are needed. A class of K, which n of N labels
    have, has the weight N / (K n). A class that the loss ignores does not count among these, and
    its weight is 0. Raises ``FileError`` for any other class without examples.
    """
    wanted = plan.computation.balanced
    if not wanted:
        return plan
    known = Fitted({}).columns if fitted is None else fitted.columns
    made: dict[Balanced, tuple[float, ...]] = {}
    for each in set(wanted.values()):
        column = known.get(each.column)
        saved = None if column is None else column.class_weights
        made[each] = saved if saved and len(saved) == each.classes else _weights(training(), each)
    nodes = tuple(
        structs.replace(node, op=Constant(made[wanted[node.outputs[0]]]))
        if node.outputs[0] in wanted
        else node
        for node in plan.computation.nodes
    )
    return structs.replace(plan, computation=structs.replace(plan.computation, nodes=nodes))


def class_weights(plan: Plan) -> Mapping[str, tuple[float, ...]]:
    """Return the balanced weights of a section by the column of labels, once they are known."""
    wanted = plan.computation.balanced
    found: dict[str, tuple[float, ...]] = {}
    for node in plan.computation.nodes:
        if node.outputs[0] in wanted and isinstance(node.op, Constant):
            value = node.op.value
            weights = value if isinstance(value, tuple) else ()
            found[wanted[node.outputs[0]].column] = tuple(
                float(n) for n in weights if isinstance(n, int | float)
            )
    return found


def with_class_weights(fitted: Fitted, plan: Plan) -> Fitted:
    """Return what is fitted on the training data with the weights of its classes."""
    weights = class_weights(plan)
    columns = {
        name: structs.replace(column, class_weights=weights[name]) if name in weights else column
        for name, column in fitted.columns.items()
    }
    return structs.replace(fitted, columns=columns)


def described_weights(plan: Plan, source: Source) -> Iterator[str]:
    """Yield a line on the weights of each column, with the names of classes."""
    for column, weights in class_weights(plan).items():
        names = source.names.get(column, range(len(weights)))
        shown = [f"{name} {weight:.4g}" for name, weight in zip(names, weights, strict=False)]
        more = [f"… {shown[-1]}"] if len(shown) > _MOST_SHOWN else []
        few = shown[: _MOST_SHOWN - 1] if more else shown
        yield f"class weights of `{column}`: {', '.join([*few, *more])}"


def _weights(source: Source, wanted: Balanced) -> tuple[float, ...]:
    counts = np.zeros(wanted.classes, np.int64)
    for labels in _labels(source, wanted.column):
        kept = labels[labels != wanted.ignore] if wanted.ignore is not None else labels
        inside = kept[(kept >= 0) & (kept < wanted.classes)]
        counts += np.bincount(inside.reshape(-1).astype(np.int64), minlength=wanted.classes)
    weighted = np.arange(wanted.classes) != (-1 if wanted.ignore is None else wanted.ignore)
    if not counts[weighted].all():
        empty = int(np.argmin(np.where(weighted, counts, 1)))
        names = source.names.get(wanted.column, ())
        shown = f"`{names[empty]}`" if empty < len(names) else str(empty)
        raise FileError(
            f"no example of {source.place} has the class {shown} of `{wanted.column}`, so nothing "
            "balances it",
            helps=["give the weights themselves, such as `class_weights=[1.0, 3.0]`"],
        )
    weights = np.zeros(wanted.classes)
    np.divide(counts.sum(), int(weighted.sum()) * counts, out=weights, where=weighted)
    return tuple(weights.tolist())


def _labels(source: Source, column: str) -> Iterator[Array]:
    """Yield all labels, some at a time; those in files are read."""
    values = source.whole(column)
    if values is not None:
        yield values
        return
    # Together, examples of several lengths are padded, and padding would count as a label.
    free = any(not isinstance(size, int) for size in source.columns[column].shape)
    step = 1 if free else _CHUNK
    for start in range(0, len(source), step):
        yield source.examples(slice(start, min(start + step, len(source))))[column]
