"""Binding of arguments to parameters, with a fast path for arguments that fit.

A signature is prepared once. Most arguments pass a quick test; only those that do not are checked
in full, to report why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import DiagnosticError
from netlang.diagnostics.source import Span
from netlang.evaluate.context.describe import describe
from netlang.evaluate.context.frame import Frame, Slot, reject, report
from netlang.evaluate.context.values import (
    UNKNOWN,
    Argued,
    Function,
    Object,
    Unknown,
    is_number,
    takes_tensor,
)
from netlang.evaluate.emit import constant, full
from netlang.evaluate.evaluate import evaluate_item
from netlang.evaluate.types.fitting import QUICK, fits
from netlang.evaluate.types.shapes import ELEMENT, resolve_shape
from netlang.ir.dims import Dim
from netlang.ir.graph import Value
from netlang.ir.types import DType, TensorType
from netlang.syntax import ast

_FLOATS = frozenset(d.value for d in DType if d.is_float)


class Expected(Struct, frozen=True, eq=False):
    """A prepared parameter, with a quick test of whether an argument fits."""

    name: str
    param: ast.Param
    test: Callable[[Object], bool] | None
    pattern: Pattern | None
    shape: ast.ShapeType | None
    literal: bool
    default: Object


class Pattern(Struct, frozen=True, eq=False):
    """A shape in a signature: dimensions, numbers, and at most one rest."""

    element: str
    before: tuple[str | int, ...]
    rest: str | None
    after: tuple[str | int, ...]
    open: bool
    spans: dict[str, Span]

    def matches(self, type: TensorType, names: dict[str, Slot]) -> bool:
        """Bind the dimensions of a type that fits; return ``False`` if it needs a full check."""
        element = self.element
        if element == "float" or element == "tensor":
            if element == "float" and type.dtype.value not in _FLOATS:
                return False
            bound = names.get(ELEMENT)
            if bound is None:
                names[ELEMENT] = Slot(type.dtype, self.spans[""])
            elif bound.value is not type.dtype:
                return False
        elif element != type.dtype.value:
            return False
        shape = type.shape
        fixed = len(self.before) + len(self.after)
        if len(shape) < fixed or (len(shape) > fixed and not self.open):
            return False
        end = len(shape) - len(self.after)
        if not self._sizes(self.before, shape[: len(self.before)], names):
            return False
        if not self._sizes(self.after, shape[end:], names):
            return False
        if self.rest is not None:
            middle = shape[len(self.before) : end]
            bound = names.get(self.rest)
            if bound is None:
                names[self.rest] = Slot(middle, self.spans[self.rest])
            elif bound.value != middle:
                return False
        return True

    def _sizes(
        self, entries: tuple[str | int, ...], sizes: tuple[int | Dim, ...], names: dict[str, Slot]
    ) -> bool:
        for entry, size in zip(entries, sizes, strict=True):
            if isinstance(entry, int):
                if entry != size:
                    return False
                continue
            bound = names.get(entry)
            if bound is None:
                if not entry[0].isupper():
                    return False
                names[entry] = Slot(size, self.spans[entry])
            elif bound.value != size:
                return False
        return True


def expected(function: Function) -> Sequence[Expected]:
    """Prepare the parameters of a function: those that are not tensors first."""
    definition, prepared = function.definition, function.module.prepared
    if id(definition) not in prepared:
        known = tuple(map(_prepare, sorted(function.params, key=takes_tensor)))
        prepared[id(definition)] = definition, known
    return prepared[id(definition)][1]


def _prepare(param: ast.Param) -> Expected:
    type = param.type
    optional = isinstance(type, ast.OptionalType)
    while isinstance(type, ast.OptionalType):
        type = type.inner
    literal, default = _literal(param, type, optional=optional)
    test = QUICK.get(type.name) if isinstance(type, ast.NameType) else None
    shape = type if isinstance(type, ast.ShapeType) else None
    pattern = _pattern(shape) if shape is not None else None
    return Expected(param.name.text, param, test, pattern, shape, literal, default)


def _literal(param: ast.Param, type: ast.TypeExpr | None, *, optional: bool) -> tuple[bool, Object]:
    """Return a default that needs no evaluation and fits, if there is one."""
    match param.default, type:
        case ast.Nothing(), _ if optional:
            return True, None
        case ast.Bool(value=value), ast.NameType(name="bool"):
            return True, value
        case ast.Int(value=value), ast.NameType(name="int" | "ints" | "padding"):
            return True, value
        case ast.Float(value=value), ast.NameType(name="float" | "init"):
            return True, value
        case ast.Str(value=value), ast.NameType(name="str"):
            return True, value
        case _:
            return False, None


def _pattern(type: ast.ShapeType) -> Pattern | None:
    entries: list[str | int | None] = []
    spans: dict[str, Span] = {"": type.span}
    rest: str | None = None
    for dim in type.dims:
        match dim:
            case ast.Rest(name=name):
                entries.append(None)
                rest = name.text if name is not None else None
                spans[rest or ""] = dim.span
            case ast.Name(text=text):
                entries.append(text)
                spans[text] = dim.span
            case ast.Int(value=value):
                entries.append(value)
            case _:
                return None
    cut = entries.index(None) if None in entries else len(entries)
    before = tuple(e for e in entries[:cut] if e is not None)
    after = tuple(e for e in entries[cut + 1 :] if e is not None)
    return Pattern(type.element.text, before, rest, after, None in entries, spans)


def bind_arguments(function: Function, assigned: dict[str, Argued], inner: Frame) -> bool:
    """Bind compile-time arguments, then tensors (which bind dimensions), then defaults.

    Returns whether everything is known.
    """
    known = True
    numbers: list[tuple[Expected, Argued]] = []
    names = inner.names
    parameters = expected(function)
    for parameter in parameters:
        arg = assigned.get(parameter.name)
        if arg is None:
            continue
        value = arg.value
        if parameter.test is not None and parameter.test(value):
            if isinstance(value, int) and parameter.param.type is not None:
                value = _widened(value, parameter.param.type)
        elif not (
            parameter.pattern is not None
            and isinstance(value, Value)
            and parameter.pattern.matches(value.type, names)
        ):
            value = _fitting(arg, parameter, inner, assigned)
            known = known and not isinstance(value, Unknown)
            if parameter.shape is not None and is_number(value):
                numbers.append((parameter, arg))
                continue
        names[parameter.name] = Slot(value, arg.span, arg.expr)
    if not known:
        return False
    for parameter in parameters:
        if parameter.name not in assigned:
            _bind_default(parameter, inner, numbers)
    for parameter, arg in numbers:
        names[parameter.name] = Slot(_filled(parameter, arg, inner), arg.span)
    return True


def _bind_default(
    parameter: Expected, inner: Frame, numbers: list[tuple[Expected, Argued]]
) -> None:
    if parameter.literal:
        inner.names[parameter.name] = Slot(parameter.default, parameter.param.span)
        return
    if parameter.name in inner.names:
        return
    default = parameter.param.default
    assert default is not None
    arg = Argued(evaluate_item(default, inner), default.span, default)
    value = _fitting(arg, parameter, inner)
    if parameter.shape is not None and is_number(value):
        numbers.append((parameter, arg))
        return
    inner.names[parameter.name] = Slot(value, parameter.param.span)


def _widened(value: int, type: ast.TypeExpr) -> Object:
    is_float = isinstance(type, ast.NameType) and type.name == "float"
    return float(value) if is_float and not isinstance(value, bool) else value


def _fitting(
    arg: Argued,
    parameter: Expected,
    inner: Frame,
    assigned: Mapping[str, Argued] = MappingProxyType({}),
) -> Object:
    """Check an argument in full; an error is the caller's, and is reported there."""
    try:
        return fits(arg, parameter.param.type, inner, parameter.name)
    except DiagnosticError as rejected:
        assert inner.call is not None
        if rejected.diagnostic.rule is rules.WRONG_TYPE:
            from netlang.evaluate.extra_arguments import exchanged

            found = exchanged(inner.call.function, assigned, parameter.name)
            rejected = rejected if found is None else DiagnosticError(found)
        at_caller = rejected.diagnostic.span.source is arg.span.source
        report(inner.call.frame if at_caller else inner, rejected.diagnostic)
        return UNKNOWN


def _filled(parameter: Expected, arg: Argued, inner: Frame) -> Object:
    """Create the tensor that a number is promoted to."""
    type = parameter.shape
    assert type is not None
    number = arg.value
    if not isinstance(number, int | float):
        reject(
            rules.WRONG_TYPE,
            "a tensor is filled with one number",
            arg.span,
            f"this is {describe(number)}",
        )
    resolved = resolve_shape(type, inner)
    if resolved is None and len(type.dims) == 1 and isinstance(type.dims[0], ast.Rest):
        return _scalar(number, arg.span, type, inner)
    if resolved is None:
        reject(
            rules.WRONG_TYPE,
            f"`{parameter.name}` must be a tensor",
            arg.span,
            f"this is {describe(arg.value)}, and no shape to fill is known",
        )
    return full(resolved.shape, float(number), resolved.dtype, arg.span, inner)


def _scalar(number: float, span: Span, type: ast.ShapeType, inner: Frame) -> Object:
    """Create a scalar for a tensor whose shape nothing else determines; it is broadcast in use."""
    bound = inner.names.get(ELEMENT)
    element = type.element.text
    dtype = (
        bound.value
        if bound is not None
        else DType("f32" if element in ("tensor", "float") else element)
    )
    assert isinstance(dtype, DType)
    if isinstance(number, float) and not dtype.is_float:
        reject(
            rules.DTYPE_MISMATCH, f"a {dtype} tensor holds no float", span, f"this is {number:g}"
        )
    value = float(number) if dtype.is_float else number
    return constant(value, dtype, span, inner)
