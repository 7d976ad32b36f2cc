"""States that nets carry from batch to batch: each rank has those of its part of the batch."""

from __future__ import annotations

from collections.abc import Mapping

from netlang.analysis.accumulators import axis_of_examples, of_examples
from netlang.data.batches import Batches
from netlang.diagnostics.errors import FileError
from netlang.system.numpy import Array, np
from netlang.system.ranks import Ranks
from netlang.training.step.graphs import Training


def check_carried(training: Training, batches: Batches, of: str) -> None:
    """Raise ``FileError`` for a last batch whose examples do not fit the states of those before.

    ``of`` is what the data are called.
    """
    rest, size = batches.examples % batches.size, batches.size
    alone = len(batches) == batches.part[1] == 1
    if not rest or alone or not any(of_examples(state.value) for state in training.carried):
        return
    raise FileError(
        f"the last batch of `{of}` has {rest:,} of {size:,} examples, and a state is carried to "
        "each of them",
        helps=[
            f"let examples continue those of the batch before: `batches({size}, in_order=true)`",
            f"or leave the last batch out: `batches({size}, drop_last=true)`",
        ],
    )


def whole_carried(state: dict[str, Array], training: Training, ranks: Ranks) -> dict[str, Array]:
    """Return a state with what the nets of all ranks carry, as one process would carry it."""
    values = [each.value for each in training.carried if of_examples(each.value)]
    if ranks.count == 1 or not values:
        return state
    parts = ranks.gather(lambda: {v.name: state[v.name] for v in values if v.name in state})
    return state | {
        v.name: np.concatenate([part[v.name] for part in parts], axis_of_examples(v))
        for v in values
        if all(v.name in part for part in parts)
    }


def own_carried(state: Mapping[str, Array], training: Training, ranks: Ranks) -> dict[str, Array]:
    """Return a state with the part of this rank of what nets carry."""
    found = dict(state)
    for each in training.carried:
        if ranks.count > 1 and of_examples(each.value) and each.name in state:
            axis = axis_of_examples(each.value)
            found[each.name] = np.split(state[each.name], ranks.count, axis)[ranks.rank]
    return found
