"""Formulas of numbers as Python functions.

The evaluator takes about 30 us for a formula that Python computes in two, and a learning rate is
computed before every step. So the bodies of schedules become closures, where they use what is
common to both: arithmetic, comparison, choice, lists, and functions of numbers. The evaluator
defines what they mean: a law compares the two.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, TypeAlias

from netlang.evaluate.context.values import Function, Object, Sampled
from netlang.ir.op import OPS
from netlang.syntax import ast

RateAt: TypeAlias = Callable[[float], float]
"""The learning rate of a step, counted from 0."""

HostValue: TypeAlias = float | bool | str | RateAt | tuple["HostValue", ...] | None
"""An argument of a schedule: durations are steps, and schedules compute their rates."""

_FUNCTIONS: Mapping[str, Callable[..., object]] = {
    "float": float,
    "greatest": max,
    "int": math.trunc,
    "larger": max,
    "least": min,
    "len": len,
    "product": math.prod,
    "smaller": min,
    "total": sum,
}
_OPERATORS: Mapping[str, Callable[[Any, Any], object]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": operator.mod,
    "**": lambda a, b: a**b,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_UNARY: Mapping[str, Callable[[Any], object]] = {
    "-": operator.neg,
    "+": operator.pos,
    "not": operator.not_,
}

_Names = dict[str, Any]
_Formula = Callable[[_Names], Any]


class UnsupportedError(Exception):
    """A part of a body that is left to the evaluator."""


def host_function(function: Function, values: Mapping[str, HostValue], length: float) -> RateAt:
    """Return the Python function of ``elapsed`` that a schedule is.

    Callable values are rates, which depend on ``elapsed``. Where the body has no value, the
    function raises what Python raises, or returns what is not finite. Raises ``UnsupportedError``.
    """
    definition = function.definition
    assert isinstance(definition, ast.Definition)
    translator = _Translator(function, {"elapsed", "length", *values})
    try:
        lines, result = translator.body(definition)
    except RecursionError:
        raise UnsupportedError from None
    fixed = {"length": length} | {k: v for k, v in values.items() if not _varies(v)}
    rates = {name: value for name, value in values.items() if name not in fixed}

    def schedule(elapsed: float) -> float:
        names: _Names = {**fixed, "elapsed": elapsed}
        for name, value in rates.items():
            names[name] = at_step(value, elapsed)
        for name, formula in lines:
            names[name] = formula(names)
        return result(names)

    return schedule


def at_step(value: HostValue, step: float) -> Object:
    """Return what the body of a schedule finds at a step: rates are numbers."""
    if callable(value):
        return Sampled(value, step)
    return [at_step(item, step) for item in value] if isinstance(value, tuple) else value


def _varies(value: HostValue) -> bool:
    return callable(value) or isinstance(value, tuple)


class _Translator:
    """Makes a function of each expression; it takes the values of the names around it."""

    def __init__(self, function: Function, names: set[str]) -> None:
        self._module = function.module
        self._names = names

    def body(self, definition: ast.Definition) -> tuple[list[tuple[str, _Formula]], _Formula]:
        """Return the bindings of a body in order, and its result."""
        if not isinstance(definition.body, ast.Suite):
            return [], self.formula(definition.body)
        lines: list[tuple[str, _Formula]] = []
        for statement in definition.body.statements:
            match statement:
                case ast.Bind(targets=(target,), type=None, value=value):
                    lines.append((target.text, self.formula(value)))
                    self._names.add(target.text)
                case _:
                    raise UnsupportedError
        if len(definition.outs) != 1:
            raise UnsupportedError
        return lines, itemgetter(definition.outs[0].name.text)

    def formula(self, expr: ast.Expr) -> _Formula:
        """Return the function of an expression; raise ``UnsupportedError`` if there is none."""
        match expr:
            case ast.Int(value=constant) | ast.Float(value=constant) | ast.Bool(value=constant):
                return lambda _: constant
            case ast.Name(text=name):
                return self._name(name)
            case ast.Paren(value=inner):
                return self.formula(inner)
            case ast.Unary(op=op, operand=operand):
                one, apply = self.formula(operand), _UNARY[op]
                return lambda names: apply(one(names))
            case ast.Binary(op=op, left=left, right=right):
                return self._binary(op, self.formula(left), self.formula(right))
            case ast.If(condition=condition, then=then, otherwise=otherwise):
                test, yes, no = map(self.formula, (condition, then, otherwise))
                return lambda names: yes(names) if test(names) else no(names)
            case ast.List(items=items):
                formulas = [self.formula(item) for item in items]
                return lambda names: [formula(names) for formula in formulas]
            case ast.Comprehension(names=(name,)):
                return self._comprehension(expr, name.text)
            case ast.Index(value=value, items=(ast.Name() | ast.Int() as item,)):
                listed, at = self.formula(value), self.formula(item)
                return lambda names: listed(names)[at(names)]
            case ast.Call(callee=callee, args=args) if all(a.name is None for a in args):
                return self._call(callee, [self.formula(a.value) for a in args])
            case _:
                raise UnsupportedError

    def _name(self, name: str) -> _Formula:
        if name in self._names:
            return itemgetter(name)
        value = self._module.find(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return lambda _: value
        raise UnsupportedError

    def _binary(self, op: str, left: _Formula, right: _Formula) -> _Formula:
        match op:
            case "and":
                return lambda names: left(names) and right(names)
            case "or":
                return lambda names: left(names) or right(names)
            case _ if op in _OPERATORS:
                apply = _OPERATORS[op]
                return lambda names: apply(left(names), right(names))
            case _:
                raise UnsupportedError

    def _comprehension(self, expr: ast.Comprehension, name: str) -> _Formula:
        source = self.formula(expr.source)
        outer, self._names = self._names, {*self._names, name}
        body = self.formula(expr.body)
        test = self.formula(expr.condition or ast.Bool(expr.span, True))
        self._names = outer

        def made(names: _Names) -> list[object]:
            inner = ({**names, name: item} for item in source(names))
            return [body(each) for each in inner if test(each)]

        return made

    def _call(self, callee: ast.Expr, args: list[_Formula]) -> _Formula:
        """Call a function of numbers, or a rate with a step."""
        match callee:
            case ast.Name(text=name) if name not in self._names:
                function = self._module.function(name)
                if function is None or not function.module.source.library:
                    raise UnsupportedError
                own = function.implementation
                compute = _FUNCTIONS.get(own) or getattr(OPS.get(own), "on_numbers", None)
                if compute is None or not isinstance(function.definition, ast.Extern):
                    raise UnsupportedError
                return lambda names: compute(*(arg(names) for arg in args))
            case ast.Name() | ast.Index():
                called = self.formula(callee)
                return lambda names: called(names)(*(arg(names) for arg in args))
            case _:
                raise UnsupportedError
