"""What happens during a run: it stops early, learns more slowly, and saves parameters."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from netlang.evaluate.context.values import Duration, Mode
from netlang.ir.graph import Value
from netlang.plan.initialization import Selection


class EarlyStop(Struct, frozen=True, eq=False):
    """End the run when a metric has not improved for some time."""

    name: ClassVar[str] = "early_stop"
    watch: Value
    patience: Duration
    min_change: float
    mode: Mode


class Plateau(Struct, frozen=True, eq=False):
    """Multiply the learning rates by a factor when a metric has not improved for some time."""

    name: ClassVar[str] = "reduce_on_plateau"
    watch: Value
    factor: float
    patience: Duration
    min_change: float
    mode: Mode


class Save(Struct, frozen=True, eq=False):
    """Parameters of a layer, or of a part of one, to be saved into a file of the run's folder."""

    name: ClassVar[str]
    what: Selection
    path: str

    def file_name(self, epoch: int, step: int) -> str:
        """Return the name of the file, its placeholders filled in."""
        return self.path.replace("{epoch}", str(epoch)).replace("{step}", str(step))


class SaveBest(Save, frozen=True, eq=False):
    """Save whenever a metric is the best so far."""

    name: ClassVar[str] = "save_best"
    by: Value
    mode: Mode


class SaveEvery(Save, frozen=True, eq=False):
    """Save at regular intervals."""

    name: ClassVar[str] = "save_every"
    every: Duration
