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

_OF_LISTS: Mapping[str, Callable[[list[Any]], object]] = {
    "greatest": max,
    "least": min,
    "product": math.prod,
    "total": sum,
}
_OF_NUMBERS: Mapping[str, Callable[..., object]] = {
    "float": float,
    "int": math.trunc,
    "larger": max,
    "smaller": min,
}
_ARITHMETIC: Mapping[str, Callable[[Any, Any], object]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": operator.mod,
    "**": lambda a, b: a**b,
}
_COMPARISON: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

_Names = dict[str, Any]
_Formula = Callable[[_Names], Any]


class UnsupportedError(Exception):
    """A part of a body that is left to the evaluator."""


def host_function(function: Function, values: Mapping[str, HostValue], length: float) -> RateAt:
    """Return the Python function of ``elapsed`` that a schedule is.

    Callable values are rates, which depend on ``elapsed``. Where the body has no value, or one
    that only the evaluator knows, the function raises what Python raises. Raises
    ``UnsupportedError``.
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
        return _number(result(names))

    return schedule


def _number(value: Any) -> Any:
    """Return a finite number; raise for anything else, which Python may take for a number."""
    if value.__class__ not in _NUMBERS:
        raise TypeError
    if not math.isfinite(value):
        raise ValueError
    return value


_NUMBERS = frozenset((int, float, Sampled))


def _truth(value: object) -> bool:
    if value is True or value is False:
        return value
    raise TypeError


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
                one = self.formula(operand)
                if op == "not":
                    return lambda names: not _truth(one(names))
                sign = -1 if op == "-" else 1
                return lambda names: sign * _number(one(names))
            case ast.Binary(op=op, left=left, right=right):
                return self._binary(op, self.formula(left), self.formula(right))
            case ast.If(condition=condition, then=then, otherwise=otherwise):
                test, yes, no = map(self.formula, (condition, then, otherwise))
                return lambda names: yes(names) if _truth(test(names)) else no(names)
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
                return lambda names: _truth(left(names)) and _truth(right(names))
            case "or":
                return lambda names: _truth(left(names)) or _truth(right(names))
            case "+":
                return lambda names: _sum(left(names), right(names))
            case _ if op in _ARITHMETIC:
                apply = _ARITHMETIC[op]
                return lambda names: _number(apply(_number(left(names)), _number(right(names))))
            case _ if op in _COMPARISON:
                compare = _COMPARISON[op]
                return lambda names: compare(_number(left(names)), _number(right(names)))
            case _:
                raise UnsupportedError

    def _comprehension(self, expr: ast.Comprehension, name: str) -> _Formula:
        source = self.formula(expr.source)
        outer, self._names = self._names, {*self._names, name}
        body = self.formula(expr.body)
        test = self.formula(expr.condition or ast.Bool(expr.span, True))
        self._names = outer

        def made(names: _Names) -> list[Any]:
            inner = ({**names, name: item} for item in source(names))
            return [body(each) for each in inner if _truth(test(each))]

        if expr.nested:
            return lambda names: [item for items in made(names) for item in items]
        return made

    def _call(self, callee: ast.Expr, args: list[_Formula]) -> _Formula:
        """Call a function of numbers, or a rate with a step."""
        match callee:
            case ast.Name(text=name) if name not in self._names:
                function = self._module.function(name)
                if function is None or not function.module.source.library:
                    raise UnsupportedError  # a program's own
                own = function.implementation
                return _function(own, args)
            case ast.Name() | ast.Index():
                called = self.formula(callee)
                return lambda names: called(names)(*(arg(names) for arg in args))
            case _:
                raise UnsupportedError


def _sum(left: Any, right: Any) -> object:
    if left.__class__ is list and right.__class__ is list:
        return left + right
    return _number(_number(left) + _number(right))


def _function(name: str, args: list[_Formula]) -> _Formula:
    """Return the call of a function of the prelude, of numbers or of a list."""
    compute = _OF_NUMBERS.get(name) or getattr(OPS.get(name), "on_numbers", None)
    if compute is not None:
        return lambda names: _number(compute(*(_number(arg(names)) for arg in args)))
    if len(args) != 1:
        raise UnsupportedError
    (listed,) = args
    if name == "len":
        return lambda names: len(listed(names))
    if name not in _OF_LISTS:
        raise UnsupportedError
    gather = _OF_LISTS[name]
    return lambda names: _number(gather([_number(item) for item in listed(names)]))
