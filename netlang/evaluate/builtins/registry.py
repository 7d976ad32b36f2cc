"""The registry of built-ins: functions of the prelude that run while a file is checked.

Their modules register them here; importing the package loads them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from netlang.diagnostics.source import Span
from netlang.evaluate.context.frame import Frame
from netlang.evaluate.context.values import Argued, Object
from netlang.syntax import ast

Values = Mapping[str, Object]
Args = Mapping[str, Argued]
Numeric = Callable[[Values, Span], Object]
CompileTime = Callable[[Values, Args, ast.Expr, Span, Frame], Object]

COMPILE_TIME: dict[str, CompileTime] = {}
NUMERIC: dict[str, Numeric] = {}
"""Implementations of ops for arguments that are all numbers."""


def compile_time(name: str) -> Callable[[CompileTime], CompileTime]:
    """Register the implementation of a compile-time function of the prelude."""

    def register(function: CompileTime) -> CompileTime:
        COMPILE_TIME[name] = function
        return function

    return register
