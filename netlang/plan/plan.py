"""A checked train section: everything a run needs to know, in typed records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, get_args

from msgspec import Struct

from netlang.data.pipeline import Pipeline
from netlang.evaluate.context.frame import Balanced, Noise
from netlang.evaluate.context.frame import LayerCall as LayerCall
from netlang.evaluate.context.values import Duration, Layer
from netlang.ir.backward_slice import Gradients
from netlang.ir.graph import Node, Param, State, Value
from netlang.plan.callbacks import EarlyStop, Plateau, SaveBest, SaveEvery
from netlang.plan.clipping import Clip
from netlang.plan.initialization import InitRule
from netlang.plan.optimizers import Change
from netlang.plan.schedules import Rate

Precision = Literal["f32", "f64", "f16", "bf16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
"""What a step may compute in."""


class Computation(Struct, frozen=True, eq=False):
    """What a section computes of a batch, in evaluation mode.

    ``noise`` holds the random inputs, ``gradients`` the values that are gradients of others,
    ``balanced`` weights of classes that the data determine (constants of 1 until then), and
    ``states`` what nets store from call to call, ``calls`` those of the layers.
    """

    nodes: tuple[Node, ...]
    params: Mapping[Value, Param]
    batch: Mapping[str, Value]
    noise: Mapping[Value, Noise]
    gradients: Gradients
    balanced: Mapping[Value, Balanced]
    states: tuple[State, ...]
    calls: tuple[LayerCall, ...]

    def trained_batch_norms(self) -> Iterator[Node]:
        """Yield the nodes with running statistics whose parameters are trained."""
        for node in self.nodes:
            own = (self.params[value] for value in node.inputs if value in self.params)
            if node.op.running_statistics and any(param.trained for param in own):
                yield node


class Update(Struct, frozen=True, eq=False):
    """What one step minimizes, by changing which parameters, and how.

    ``name`` is that of the ``step`` in the section, ``""`` for a section without any; ``changes``
    are those of the trainable parameters that are selected, not frozen, and that the loss depends
    on.
    """

    name: str
    loss: Value
    changes: tuple[Change, ...]
    clip: Clip | None
    repeat: int

    @property
    def loss_name(self) -> str:
        """What reports call the loss."""
        return f"{self.name}.loss" if self.name else "loss"

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the parameters."""
        return tuple(change.path for change in self.changes)

    @property
    def rates(self) -> Iterator[Rate]:
        """The learning rates, each once."""
        rates = (scaled.rate for change in self.changes for scaled in change.rates.values())
        return iter({id(rate): rate for rate in rates}.values())


class Plan(Struct, frozen=True, eq=False):
    """A train section whose settings are all checked.

    ``settings`` has each setting as text, to compare a run with the one it resumes. ``metrics`` are
    by the names that reports use; ``measured`` are those, the losses, and the values that decide
    when to stop or to save. ``layers`` are those with a name in the section.
    """

    name: str
    computation: Computation
    updates: tuple[Update, ...]
    run: Duration
    settings: Mapping[str, str]
    metrics: Mapping[str, Value]
    measured: Mapping[str, Value]
    layers: Mapping[str, Layer]
    data: Pipeline | None
    valid: Pipeline | None
    init: tuple[InitRule, ...]
    frozen: frozenset[str]
    stop: EarlyStop | None
    plateau: Plateau | None
    save_best: tuple[SaveBest, ...]
    save_every: tuple[SaveEvery, ...]
    seed: int
    precision: Precision
    accumulate: int
    carry_state: bool
    ranks: int = 1
    """The processes that divide each batch among themselves."""

    @property
    def parts(self) -> int:
        """The batches, or parts of batches, whose gradients an update adds up."""
        return self.accumulate * self.ranks

    @property
    def losses(self) -> tuple[str, ...]:
        """The names of the losses among what is measured."""
        return tuple(update.loss_name for update in self.updates)
