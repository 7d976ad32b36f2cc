"""What a run measures: for each epoch, and every few steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SHOWN = 500
"""About how many steps of a run are recorded."""
WATCHED = 100
"""About how many steps of a run are recorded of what is watched."""


@dataclass(frozen=True, slots=True)
class Report:
    """The results of an epoch: its metrics over all examples."""

    epoch: int
    step: int
    train: Mapping[str, float]
    valid: Mapping[str, float]
    rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one step measured: its metrics on its own batch.

    ``epoch`` counts the epochs up to and with this step: 1.5 in the middle of the second. ``rate``
    is the learning rate, ``gradient_norm`` that of all gradients together before ``clip``; in a
    section with several updates, ``rate`` is the first one's and the norms are by their names.
    """

    step: int
    epoch: float
    train: Mapping[str, float]
    rate: float
    gradient_norm: float | Mapping[str, float]


@dataclass(frozen=True, slots=True)
class WatchReport:
    """What is recorded of one step because it is watched, by path.

    ``gradients`` are the norms of the gradients of parameters, before ``clip``. ``activations`` are
    the root mean squares of the results of layers, over the elements of a batch. ``parameters``
    are the elements of parameters after the step, in order; step 0 has those before the first.
    """

    step: int
    epoch: float
    gradients: Mapping[str, float]
    activations: Mapping[str, float]
    parameters: Mapping[str, Sequence[float]]


def interval(total: int, shown: int = SHOWN) -> int:
    """Return every how many steps of a run one is recorded, to have about ``shown`` of them.

    >>> interval(100), interval(20_000)
    (1, 40)
    """
    return max(1, total // shown)
