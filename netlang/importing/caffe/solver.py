"""A solver of Caffe as the settings of a train section."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from netlang.importing.caffe.fields import Fields
from netlang.importing.caffe.fillers import written
from netlang.importing.caffe.text import Message, PrototxtError, shown

_TYPES = ("SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam")
_OLD_TYPES = ("SGD", "NESTEROV", "ADAGRAD", "RMSPROP", "ADADELTA", "ADAM")
_POLICIES = ("fixed", "step", "exp", "inv", "multistep", "poly", "sigmoid")
_WITHOUT_EFFECT = (
    "average_loss", "debug_info", "device_id", "display", "layer_wise_reduce", "net", "net_param",
    "snapshot_after_train", "snapshot_diff", "snapshot_format", "solver_mode", "test_compute_loss",
    "test_initialization", "test_net", "test_net_param", "test_state", "train_net",
    "train_net_param", "train_state", "weights",
)  # fmt: skip
NETS = ("net", "train_net")

_INVERSE = """
## The rate of Caffe's policy `inv`.
schedule inverse(lr: schedule, gamma: float, power: float) =
  lr * (1.0 + gamma * elapsed) ** (-power)
"""
_SIGMOID = """
## The rate of Caffe's policy `sigmoid`: half of it at `middle`.
schedule sigmoid_rate(lr: schedule, gamma: float, middle: duration) =
  lr / (1.0 + 2.718281828459045 ** (-gamma * (elapsed - middle)))
"""


class Solver(Struct, frozen=True):
    """Settings as text, each of a line of a train section."""

    optimizer: str
    """The optimizer without its end: groups may follow."""
    decay: float
    settings: tuple[str, ...]
    save_every: str
    """The rule that saves parameters, without the layer: a path and an interval."""
    definitions: str
    notes: tuple[str, ...]


def is_solver(message: Message) -> bool:
    """Return whether a file is a solver rather than a network."""
    names = {field.name for field in message.fields}
    return not names & {"layer", "layers"} and bool(
        names & {*NETS, "net_param", "train_net_param", "base_lr", "lr_policy"}
    )


def read_solver(s: Fields) -> Solver:
    """Convert a solver; raises ``PrototxtError`` for what has no counterpart."""
    s.skip(*_WITHOUT_EFFECT)
    notes: list[str] = []
    rate, definitions = _rate(s)
    steps = s.whole("max_iter", least=1)
    decay = s.number("weight_decay", 0.0, least=0.0)
    if decay and s.word("regularization_type", ("L1", "L2"), "L2") == "L1":
        raise PrototxtError(
            "the penalty `L1` has no counterpart", s.span("regularization_type"),
            helps=["write `L2`, or add the penalty to the loss by hand"],
        )  # fmt: skip
    s.skip("regularization_type")
    optimizer = _optimizer(s, rate, decay)
    if "lr_policy" in s and s.text("lr_policy") != "fixed" and s.number("momentum", 0.0):
        notes.append(
            "Caffe multiplies gradients by the learning rate before the momentum, netlang after "
            "it: steps differ for a while after the rate changes"
        )
    settings = [f"run = {_steps(steps)}"]
    limit = s.number("clip_gradients", -1.0)
    if limit > 0:
        settings.append(f"clip = clip_norm({written(limit)})")
    if (size := s.whole("iter_size", 1, least=1)) > 1:
        settings.append(f"accumulate = {size}")
    if (seed := s.whole("random_seed", -1, least=-1)) >= 0:
        settings.append(f"seed = {seed}")
    tests, iterations = s.whole("test_interval", 0), s.wholes("test_iter")
    if tests or iterations:
        notes.append(
            "`valid` is evaluated as a whole at the end of each epoch: `test_interval` and "
            "`test_iter` have no counterpart"
        )
    every, prefix = s.whole("snapshot", 0), s.text("snapshot_prefix")
    s.reject_unread("the solver")
    saved = ""
    if every:
        stem = "".join(c if c.isalnum() or c in "_-" else "_" for c in prefix.rpartition("/")[2])
        saved = f'"{stem or "snapshot"}-{{step}}.safetensors", every={_steps(every)}'
    return Solver(optimizer, decay, tuple(settings), saved, definitions, tuple(notes))


def _steps(count: int) -> str:
    return f"{count:_} step{'' if count == 1 else 's'}"


def _rate(s: Fields) -> tuple[str, str]:
    """Return the learning rate as an expression, and the schedule it needs."""
    base = s.number("base_lr", 0.0, least=0.0)
    if base <= 0.0:
        raise PrototxtError("the solver lacks a `base_lr` above 0", s.span("base_lr"))
    policy = s.word("lr_policy", _POLICIES, "fixed")
    lr, gamma, power = written(base), s.number("gamma", 0.0), s.number("power", 0.0)
    size, values = s.whole("stepsize", 0), s.wholes("stepvalue")
    needs: Mapping[str, tuple[str, ...]] = {
        "step": ("gamma", "stepsize"), "multistep": ("gamma", "stepvalue"), "exp": ("gamma",),
        "inv": ("gamma", "power"), "poly": ("power",), "sigmoid": ("gamma", "stepsize"),
    }  # fmt: skip
    for name in needs.get(policy, ()):
        if name not in s:
            raise PrototxtError(f"`{policy}` needs `{name}`", s.span("lr_policy"))
    match policy:
        case "step":
            return f"{lr} |> step_decay({written(gamma)}, every={_steps(size)})", ""
        case "multistep":
            at = ", ".join(map(_steps, values))
            return f"{lr} |> multi_step({written(gamma)}, at=[{at}])", ""
        case "exp":
            return f"{lr} |> exponential({written(gamma)}, every=1 step)", ""
        case "inv":
            return f"{lr} |> inverse({written(gamma)}, {written(power)})", _INVERSE
        case "poly":
            over = _steps(s.whole("max_iter", least=1))
            return f"{lr} |> polynomial({over}, power={written(power)})", ""
        case "sigmoid":
            return f"{lr} |> sigmoid_rate({written(gamma)}, {_steps(size)})", _SIGMOID
        case _:
            return lr, ""


def _optimizer(s: Fields, rate: str, decay: float) -> str:
    """Return the optimizer as a call without its closing bracket."""
    old = s.word("solver_type", _OLD_TYPES, "SGD")
    kind = s.text("type") if "type" in s else _TYPES[_OLD_TYPES.index(old)]
    if kind not in _TYPES:
        raise PrototxtError(f"the solver type `{shown(kind)}` has no counterpart", s.span("type"))
    momentum, second = s.number("momentum", 0.0, least=0.0), s.number("momentum2", 0.999)
    delta, rho = s.number("delta", 1e-8), s.number("rms_decay", 0.99)
    given = {
        "SGD": ("sgd", {"momentum": momentum}),
        "Nesterov": ("sgd", {"momentum": momentum}),
        "AdaGrad": ("adagrad", {"eps": delta}),
        "RMSProp": ("rmsprop", {"rho": rho, "eps": delta}),
        "AdaDelta": ("adadelta", {"rho": momentum, "eps": delta}),
        "Adam": ("adam", {"beta1": momentum, "beta2": second, "eps": delta}),
    }
    name, settings = given[kind]
    parts = [rate]
    parts += [f"{n}={written(v)}" for n, v in settings.items() if v or n != "momentum"]
    if kind == "Nesterov" and momentum:
        parts.append("nesterov=true")
    if decay:
        parts.append(f"decay={written(decay)}")
    return f"{name}({', '.join(parts)}"
