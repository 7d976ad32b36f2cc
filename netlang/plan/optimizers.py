"""Optimizers: how a parameter follows from its gradient, as nodes of a graph.

Each rule is that of PyTorch, term by term, so that published settings mean the same. The state of a
parameter (momentum, averages) is values that enter the step and leave it changed.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from netlang.ir.types import F32, F64
from netlang.ops.elementwise.choice import Clamp
from netlang.ops.terms import Term
from netlang.plan.initialization import Selection
from netlang.plan.schedules import Rate

State = dict[str, Term]


class Group(Struct, frozen=True, eq=False):
    """Parameters with settings of their own; ``None`` means the optimizer's."""

    name: ClassVar[str] = "group"
    what: Selection
    lr: Rate | None
    lr_scale: float
    decay: float | None


class Optimizer(Struct, frozen=True, kw_only=True, eq=False):
    """An update rule with its hyperparameters."""

    name: ClassVar[str]
    lr: Rate
    groups: tuple[Group, ...] = ()
    decay: float = 0.0

    def group_of(self, path: str) -> Group | None:
        """Return the group a parameter belongs to: the last that selects it."""
        return next((g for g in reversed(self.groups) if path in g.what.paths), None)

    def in_group(self, group: Group) -> Optimizer:
        """Return the optimizer with the settings of a group."""
        return replace(
            self,
            lr=self.lr if group.lr is None else group.lr,
            decay=self.decay if group.decay is None else group.decay,
        )

    @property
    def states(self) -> tuple[str, ...]:
        """The names of what is stored for each parameter, which all starts at 0."""
        raise NotImplementedError

    def update(
        self, weight: Term, gradient: Term, state: State, rate: Term, count: Term
    ) -> tuple[Term, State]:
        """Add the nodes of one update; return the new weight and the new state.

        ``rate`` is the learning rate f32[] of this step, ``count`` the number of the step i64[],
        counted from 1.
        """
        raise NotImplementedError

    def decayed(self, weight: Term, gradient: Term) -> Term:
        """Return the gradient of the loss with an L2 penalty on the weight."""
        return gradient + weight * self.decay if self.decay else gradient


class Sgd(Optimizer, frozen=True, eq=False):
    name: ClassVar[str] = "sgd"
    momentum: float
    nesterov: bool

    @property
    def states(self) -> tuple[str, ...]:
        return ("momentum",) if self.momentum else ()

    def update(
        self, weight: Term, gradient: Term, state: State, rate: Term, count: Term
    ) -> tuple[Term, State]:
        gradient = self.decayed(weight, gradient)
        if not state:
            return weight - gradient * rate, {}
        momentum = state["momentum"] * self.momentum + gradient
        change = gradient + momentum * self.momentum if self.nesterov else momentum
        return weight - change * rate, {"momentum": momentum}


class Adagrad(Optimizer, frozen=True, eq=False):
    """(Duchi et al., 2011)"""

    name: ClassVar[str] = "adagrad"
    eps: float

    @property
    def states(self) -> tuple[str, ...]:
        return ("squares",)

    def update(
        self, weight: Term, gradient: Term, state: State, rate: Term, count: Term
    ) -> tuple[Term, State]:
        gradient = self.decayed(weight, gradient)
        squares = state["squares"] + gradient * gradient
        scale = squares.unary("sqrt") + self.eps
        return weight - gradient / scale * rate, {"squares": squares}


class RmsProp(Optimizer, frozen=True, eq=False):
    """(Tieleman & Hinton, 2012)"""

    name: ClassVar[str] = "rmsprop"
    rho: float
    eps: float
    momentum: float

    @property
    def states(self) -> tuple[str, ...]:
        return ("squares", "momentum") if self.momentum else ("squares",)

    def update(
        self, weight: Term, gradient: Term, state: State, rate: Term, count: Term
    ) -> tuple[Term, State]:
        gradient = self.decayed(weight, gradient)
        squares = _average(state["squares"], gradient * gradient, self.rho)
        change = gradient / (squares.unary("sqrt") + self.eps)
        if "momentum" not in state:
            return weight - change * rate, {"squares": squares}
        momentum = state["momentum"] * self.momentum + change
        return weight - momentum * rate, {"squares": squares, "momentum": momentum}


class Adadelta(Optimizer, frozen=True, eq=False):
    """(Zeiler, 2012)"""

    name: ClassVar[str] = "adadelta"
    rho: float
    eps: float

    @property
    def states(self) -> tuple[str, ...]:
        return ("squares", "changes")

    def update(
        self, weight: Term, gradient: Term, state: State, rate: Term, count: Term
    ) -> tuple[Term, State]:
        gradient = self.decayed(weight, gradient)
        squares = _average(state["squares"], gradient * gradient, self.rho)
        root = (state["changes"] + self.eps).unary("sqrt")
        change = root / (squares + self.eps).unary("sqrt") * gradient
        changes = _average(state["changes"], change * change, self.rho)
        return weight - change * rate, {"squares": squares, "changes": changes}


class Adam(Optimizer, frozen=True, eq=False):
    """(Kingma & Ba, 2014)"""

    name: ClassVar[str] = "adam"
    beta1: float
    beta2: float
    eps: float

    @property
    def states(self) -> tuple[str, ...]:
        return ("mean", "squares")

    def update(
        self, weight: Term, gradient: Term, state: State, rate: Term, count: Term
    ) -> tuple[Term, State]:
        gradient = self.decayed(weight, gradient)
        mean = _average(state["mean"], gradient, self.beta1)
        squares = _average(state["squares"], gradient * gradient, self.beta2)
        size = rate * _correction(self.beta1, count)
        root = _correction(self.beta2, count).unary("sqrt")
        scale = squares.unary("sqrt") * root + self.eps
        return weight - mean / scale * size, {"mean": mean, "squares": squares}


class AdamW(Adam, frozen=True, eq=False):
    """(Loshchilov & Hutter, 2017)"""

    name: ClassVar[str] = "adamw"

    def update(
        self, weight: Term, gradient: Term, state: State, rate: Term, count: Term
    ) -> tuple[Term, State]:
        if self.decay:
            weight = weight * (1.0 - rate * self.decay)
        return super().update(weight, gradient, state, rate, count)

    def decayed(self, weight: Term, gradient: Term) -> Term:
        return gradient


def _average(old: Term, new: Term, keep: float) -> Term:
    return old * keep + new * (1.0 - keep)


def _correction(beta: float, count: Term) -> Term:
    """Return 1 / (1 - beta^count), which corrects the bias of an average that started at 0.

    Computed in double precision: 1 - 0.999 keeps only three digits in single precision.
    """
    wide = count.cast(F64)
    power = wide.number(beta) ** wide
    return (1.0 / (1.0 - power)).cast(F32)


class Clip(Struct, frozen=True, eq=False):
    """A limit on gradients."""

    name: ClassVar[str]
    limit: float

    def apply(self, gradients: list[Term], norm: Term) -> list[Term]:
        """Return the limited gradients; ``norm`` is that of all of them together."""
        raise NotImplementedError


class ClipNorm(Clip, frozen=True, eq=False):
    name: ClassVar[str] = "clip_norm"

    def apply(self, gradients: list[Term], norm: Term) -> list[Term]:
        # The small number is PyTorch's, and avoids dividing by 0.
        scale = self.limit / (norm + 1e-6)
        scale = scale.where(scale < 1.0, 1.0)
        return [gradient * scale for gradient in gradients]


class ClipValue(Clip, frozen=True, eq=False):
    name: ClassVar[str] = "clip_value"

    def apply(self, gradients: list[Term], norm: Term) -> list[Term]:
        return [gradient.to(Clamp(-self.limit, self.limit)) for gradient in gradients]


OPTIMIZERS = (Sgd, Adagrad, RmsProp, Adadelta, Adam, AdamW)
