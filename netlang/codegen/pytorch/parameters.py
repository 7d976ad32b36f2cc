"""Parameters and buffers of modules, and their initial values."""

from __future__ import annotations

from collections.abc import Sequence

from netlang.codegen.pytorch.calls import (
    Calls,
    relative,
)
from netlang.codegen.pytorch.containers import make_namespaces
from netlang.codegen.pytorch.printing.text import (
    Text,
)
from netlang.codegen.pytorch.scope import Scope, access
from netlang.codegen.pytorch.tables.forms import (
    INITIALIZERS,
    OWN_INITIALIZERS,
)
from netlang.codegen.pytorch.units import agreed
from netlang.evaluate.context.frame import Frame
from netlang.evaluate.context.values import Function
from netlang.ir.graph import Init, Param


def create_parameter(params: Sequence[tuple[Frame, Param]], shape: Text, scope: Scope) -> None:
    """Create a parameter, or a buffer for one that training does not change."""
    path = agreed([(f, relative(p.path, f.path) or "") for f, p in params])
    parent, _, name = path.rpartition(".")
    make_namespaces(parent, scope)
    base = access(str(scope.base), parent)
    init = params[0][1].init
    start = agreed([(f, _start(p.init, str(shape))) for f, p in params])
    if agreed([(f, str(p.trained)) for f, p in params]) == "False":
        scope.emit(f'{base}.register_buffer("{name}", {start})')
        return
    scope.emit(f"{access(str(base), name)} = nn.Parameter({start})")
    if init.rule != "constant":
        inits = [(f, p.init) for f, p in params]
        shown = _initializer(str(access(str(base), name)), inits, scope)
        scope.emit(shown)


def _start(init: Init, shape: str) -> str:
    inside = shape[1:-1]
    shape = inside if shape[0] == "[" and not set("[]") & set(inside) else shape
    if init.rule != "constant":
        return f"torch.empty({shape})"
    value = init.arguments[0] if init.arguments else 0.0
    if value in (0.0, 1.0):
        return f"torch.{'ones' if value else 'zeros'}({shape})"
    return f"torch.full(({shape},), {value!r})"


def _initializer(target: str, inits: Sequence[tuple[Frame, Init]], scope: Scope) -> str:
    if any(init.rule == "bilinear_kernel" for _, init in inits):
        scope.shared.helpers["bilinear_kernel_"] = None
    return agreed(
        [
            (f, INITIALIZERS[i.rule].format(*map(_number, i.arguments), w=target))
            if i.rule in INITIALIZERS
            else (f, f"nn.init.normal_({target})")
            for f, i in inits
        ]
    )


def _number(value: float) -> str:
    return repr(float(f"{value:.6g}"))


def initialize_weight(function: Function, found: Calls, inside: str, scope: Scope) -> None:
    """Write how the weight of a module starts, where PyTorch would start it in another way."""
    own = Init(OWN_INITIALIZERS[function.name])
    weights = [(f, scope.shared.by_path[f"{c.path}.weight".lstrip(".")].init) for f, c in found]
    different = [
        i for _, i in weights if i.rule != own.rule or i.arguments not in ((), (1.0,), (1.0, 0.0))
    ]
    if different and inside:
        target = access(str(scope.base), f"{inside}.weight")
        scope.emit(_initializer(str(target), weights, scope))
