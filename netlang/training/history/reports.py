"""What a run measures: for each epoch, and every few steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SHOWN = 500
"""About how many steps of a run are recorded."""


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


def interval(total: int) -> int:
    """Return every how many steps of a run one is recorded.

    >>> interval(100), interval(20_000)
    (1, 40)
    """
    return max(1, total // SHOWN)
