"""States that nets carry from batch to batch: each rank has those of its part of the batch."""

from __future__ import annotations

from collections.abc import Mapping

from netlang.analysis.accumulators import axis_of_examples, of_examples
from netlang.system.numpy import Array, np
from netlang.system.ranks import Ranks
from netlang.training.step.graphs import Training


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
