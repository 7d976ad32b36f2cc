"""Operators implemented elsewhere, known only by the signature in the program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from importlib import import_module
from typing import ClassVar, cast

from netlang.diagnostics import rules
from netlang.diagnostics.errors import NetlangError
from netlang.ir.op import OnnxBuilder, Operand, Primitive, Sample, register
from netlang.ir.types import F32, TensorType, Types
from netlang.system.numpy import Array, np

PYTHON_ALLOWED: ContextVar[bool] = ContextVar("python_allowed", default=False)
"""Whether Python functions named by a program may be called; only the user can allow it."""


@register
class ExternCall(Primitive, frozen=True):
    """Call an operator of another ONNX domain, or a Python function on NumPy arrays.

    ``results`` are the types in the signature. ``function`` is ``module:name``, imported when the
    operator is first computed, never while a program is checked.
    """

    name: ClassVar[str] = "extern_call"
    operands: ClassVar[tuple[str, ...]] = ("xs*",)
    results: Types
    node: str = ""
    function: str = ""
    settings: tuple[tuple[str, float | int | str], ...] = ()

    def infer(self, *types: TensorType) -> Types:
        del types
        return self.results

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        if not PYTHON_ALLOWED.get():
            raise NetlangError(
                rules.PYTHON_NOT_ALLOWED,
                f"an `extern op` of this program runs Python: `{self.function}`",
                notes=["a program from someone else could do anything this way"],
                helps=["if you trust it, give `--allow-python`"],
            )
        module, _, name = self.function.partition(":")
        made = getattr(import_module(module), name)(*operands, **dict(self.settings))
        results = cast("tuple[object, ...]", made) if isinstance(made, tuple) else (made,)
        return tuple(np.asarray(r) for r in results)

    def python_function(self) -> tuple[str, Mapping[str, object]] | None:
        return self.function, dict(self.settings)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        domain, _, kind = self.node.rpartition("::")
        settings = {**dict(self.settings), "domain": domain}
        return b.add_many(kind, *operands, outputs=len(self.results), **settings)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        x = TensorType(F32, (2, 3))
        return [Sample(cls((x,), node="::Tanh", function="numpy:tanh"), (x,))]
