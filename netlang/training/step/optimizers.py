"""Optimizers: how a weight follows from its gradient, as nodes of a graph.

Each rule is that of PyTorch, term by term, so that published settings mean what they meant. The
state of a weight (momentum, averages) is values that enter the step and leave it changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from netlang.evaluate.context.values import Object, Setting
from netlang.ir.types import F32, F64
from netlang.ops.terms import Term

State = dict[str, Term]
Rule = Callable[["Settings", Term, Term, State, Term, Term], tuple[Term, State]]


@dataclass(frozen=True, slots=True)
class Settings:
    """The numbers of an optimizer for one weight.

    ``decay`` is the weight's own: that of its group, or the optimizer's.
    """

    name: str
    numbers: Mapping[str, float]
    flags: Mapping[str, bool]
    decay: float

    def __getitem__(self, name: str) -> float:
        return self.numbers[name]


def settings(optimizer: Setting, decay: float | None = None) -> Settings:
    """Read the numbers of an optimizer; ``decay`` stands in the place of its own."""
    given = optimizer.arguments
    numbers = {
        name: float(value)
        for name, value in given.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    flags = {name: value for name, value in given.items() if isinstance(value, bool)}
    own = numbers.get("decay", 0.0)
    return Settings(optimizer.name, numbers, flags, own if decay is None else decay)


def states(chosen: Settings) -> tuple[str, ...]:
    """Name what an optimizer keeps for each weight; all of it starts at 0."""
    match chosen.name:
        case "sgd":
            return ("momentum",) if chosen["momentum"] else ()
        case "adagrad":
            return ("squares",)
        case "rmsprop":
            return ("squares", "momentum") if chosen["momentum"] else ("squares",)
        case "adadelta":
            return ("squares", "changes")
        case _:
            return ("mean", "squares")


def update(
    chosen: Settings, weight: Term, gradient: Term, state: State, rate: Term, count: Term
) -> tuple[Term, State]:
    """Add the nodes of one update; give the new weight and the new state.

    ``rate`` is the learning rate f32[] of this step, ``count`` the number of the step i64[],
    counted from 1.
    """
    return _RULES[chosen.name](chosen, weight, gradient, state, rate, count)


def _decayed(chosen: Settings, weight: Term, gradient: Term) -> Term:
    return gradient + weight * chosen.decay if chosen.decay else gradient


def _sgd(
    chosen: Settings, weight: Term, gradient: Term, state: State, rate: Term, _: Term
) -> tuple[Term, State]:
    gradient = _decayed(chosen, weight, gradient)
    if not state:
        return weight - gradient * rate, {}
    momentum = state["momentum"] * chosen["momentum"] + gradient
    nesterov = chosen.flags.get("nesterov", False)
    change = gradient + momentum * chosen["momentum"] if nesterov else momentum
    return weight - change * rate, {"momentum": momentum}


def _adagrad(
    chosen: Settings, weight: Term, gradient: Term, state: State, rate: Term, _: Term
) -> tuple[Term, State]:
    """(Duchi et al., 2011)"""
    gradient = _decayed(chosen, weight, gradient)
    squares = state["squares"] + gradient * gradient
    scale = squares.unary("sqrt") + chosen["eps"]
    return weight - gradient / scale * rate, {"squares": squares}


def _rmsprop(
    chosen: Settings, weight: Term, gradient: Term, state: State, rate: Term, _: Term
) -> tuple[Term, State]:
    """(Tieleman & Hinton, 2012)"""
    gradient = _decayed(chosen, weight, gradient)
    squares = _average(state["squares"], gradient * gradient, chosen["rho"])
    change = gradient / (squares.unary("sqrt") + chosen["eps"])
    if "momentum" not in state:
        return weight - change * rate, {"squares": squares}
    momentum = state["momentum"] * chosen["momentum"] + change
    return weight - momentum * rate, {"squares": squares, "momentum": momentum}


def _adadelta(
    chosen: Settings, weight: Term, gradient: Term, state: State, rate: Term, _: Term
) -> tuple[Term, State]:
    """(Zeiler, 2012)"""
    gradient = _decayed(chosen, weight, gradient)
    rho, eps = chosen["rho"], chosen["eps"]
    squares = _average(state["squares"], gradient * gradient, rho)
    root = (state["changes"] + eps).unary("sqrt")
    change = root / (squares + eps).unary("sqrt") * gradient
    changes = _average(state["changes"], change * change, rho)
    return weight - change * rate, {"squares": squares, "changes": changes}


def _adam(
    chosen: Settings, weight: Term, gradient: Term, state: State, rate: Term, count: Term
) -> tuple[Term, State]:
    """(Kingma & Ba, 2014)"""
    gradient = _decayed(chosen, weight, gradient)
    return _adam_step(chosen, weight, gradient, state, rate, count)


def _adamw(
    chosen: Settings, weight: Term, gradient: Term, state: State, rate: Term, count: Term
) -> tuple[Term, State]:
    """(Loshchilov & Hutter, 2017)"""
    if chosen.decay:
        weight = weight * (1.0 - rate * chosen.decay)
    return _adam_step(chosen, weight, gradient, state, rate, count)


def _adam_step(
    chosen: Settings, weight: Term, gradient: Term, state: State, rate: Term, count: Term
) -> tuple[Term, State]:
    beta1, beta2 = chosen["beta1"], chosen["beta2"]
    mean = _average(state["mean"], gradient, beta1)
    squares = _average(state["squares"], gradient * gradient, beta2)
    size = rate * _correction(beta1, count)
    root = _correction(beta2, count).unary("sqrt")
    scale = squares.unary("sqrt") * root + chosen["eps"]
    return weight - mean / scale * size, {"mean": mean, "squares": squares}


def _average(old: Term, new: Term, keep: float) -> Term:
    return old * keep + new * (1.0 - keep)


def _correction(beta: float, count: Term) -> Term:
    """Give 1 / (1 - beta^count): what an average that began at 0 lacks.

    Computed in double precision: 1 - 0.999 keeps only three digits of a single.
    """
    wide = count.cast(F64)
    power = wide.number(beta) ** wide
    return (1.0 / (1.0 - power)).cast(F32)


_RULES: dict[str, Rule] = {
    "sgd": _sgd,
    "adagrad": _adagrad,
    "rmsprop": _rmsprop,
    "adadelta": _adadelta,
    "adam": _adam,
    "adamw": _adamw,
}


def rate_of(optimizer: Setting, group: Setting | None) -> tuple[Object, float]:
    """Give the schedule of a weight and the factor its group puts on it."""
    own = optimizer.arguments["lr"]
    if group is None:
        return own, 1.0
    lr, scale = group.arguments["lr"], group.arguments["lr_scale"]
    assert isinstance(scale, int | float)
    return (own if lr is None else lr), float(scale)
