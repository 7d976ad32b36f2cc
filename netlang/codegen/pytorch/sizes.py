"""The text of a size in a constructor: where it is from, in terms of what the constructor knows."""

from __future__ import annotations

import ast as python
import re
from collections import Counter
from collections.abc import Callable, Sequence

from netlang.codegen.pytorch.printing.text import Text, binary, text
from netlang.codegen.pytorch.recording import Bound, Computed, Traced
from netlang.codegen.pytorch.scope import Scope
from netlang.codegen.pytorch.units import NoTextError, SplitError, agreed, body_of
from netlang.evaluate.context.frame import Frame
from netlang.ir.dims import Dim
from netlang.ir.graph import Value
from netlang.syntax import ast

Translate = Callable[[ast.Expr, Scope], Text]
MOST_OPERATIONS = 2
"""A size that takes more operations to compute is written as a number."""


def size_text(found: Sequence[tuple[Frame, object]], scope: Scope, translate: Translate) -> Text:
    """Return the text of a size that each frame has a value of.

    Raises ``SplitError`` where calls of the definition have sizes that nothing explains.
    """
    numbers = {int(size) for _, size in found if isinstance(size, int)}
    if any(isinstance(size, Dim) for _, size in found):
        raise NoTextError
    writer = _Writer(scope, translate)
    texts = [(frame, writer.of(size, frame)) for frame, size in found if isinstance(size, int)]
    whole = {str(t) for _, t in texts}
    if len(whole) == 1 and _operations(texts[0][1].text) <= MOST_OPERATIONS:
        return texts[0][1].text
    if len(numbers) == 1:
        return text(str(numbers.pop()))
    if len(whole) == 1:
        return texts[0][1].text
    candidates = sorted({str(t): t for _, t in texts}.values(), key=lambda t: len(t.text))
    for sized in [*candidates, *map(_Sized, _loop_numbers(scope))]:
        if all(_evaluated(sized, frame, scope) == size for frame, size in found):
            return sized.text
    progression = _progression(found, scope)
    if progression is not None:
        return progression
    agreed([(frame, str(t)) for frame, t in texts])
    raise SplitError({})


def _operations(shown: str) -> int:
    return len(re.findall(r" [-+*/]+ ", shown))


def _loop_numbers(scope: Scope) -> list[Text]:
    """Return the names of the numbers that a loop goes over, which may explain a size."""
    names = scope.loop.names if isinstance(scope.loop, ast.For) else ()
    return [scope.names[name.text].text for name in names if name.text in scope.names]


class _Sized:
    """The text of a size, the terms of a sum, and the expression that it translates."""

    def __init__(
        self, shown: Text, terms: Sequence[Text] = (), expr: ast.Expr | None = None
    ) -> None:
        self.text, self.expr = shown, expr
        self.terms = terms or (shown,)

    def __str__(self) -> str:
        return str(self.text)


def _sum(left: _Sized, right: _Sized) -> _Sized:
    """Return a sum in which equal terms are collected."""
    terms = (*left.terms, *right.terms)
    number = sum(int(term) for term in terms if term.isdigit())
    counts = Counter(str(term) for term in terms if not term.isdigit())
    by_text = {str(term): term for term in terms}
    shown = [
        by_text[term] if count == 1 else binary("*", text(str(count)), by_text[term])
        for term, count in counts.items()
    ]
    if number:
        shown.append(text(str(number)))
    total = shown[0]
    for term in shown[1:]:
        total = binary("+", total, term)
    return _Sized(total, terms)


class _Writer:
    def __init__(self, scope: Scope, translate: Translate) -> None:
        self.scope = scope
        self.translate = translate

    def of(self, size: int, frame: Frame) -> _Sized:
        if not isinstance(size, Traced):
            return _number(size)
        known = self.carried(size, frame) or self.operand(size, frame)
        if known is not None:
            return known
        match size.origin:
            case Bound() as bound:
                return self.bound(size, bound, frame)
            case Computed(op=op, left=left, right=right):
                first, second = self.of(left, frame), self.of(right, frame)
                if str(first).isdigit() and str(second).isdigit():
                    return _number(size)
                if op == "+":
                    return _sum(first, second)
                return _Sized(binary(op, first.text, second.text))
            case None:
                return _number(size)

    def bound(self, size: int, bound: Bound, frame: Frame) -> _Sized:
        """Return the text of a name here, or what a call passed for it."""
        scope = self._scope_of(bound.frame)
        if scope is not None:
            try:
                named = self.scope.find(bound.name)
                shown = named.text if named is not None else self.scope.parameter(bound.name)
                return _Sized(shown)
            except NoTextError:
                return _number(size)
        caller = bound.frame.call.frame if bound.frame.call is not None else None
        if bound.expr is not None and caller is not None and bound.frame.parent is None:
            at = self._scope_of(caller)
            if at is not None:
                try:
                    return _Sized(self.translate(bound.expr, self.scope), expr=bound.expr)
                except NoTextError:
                    return _number(size)
        outer = bound.outer
        return self.of(outer, frame) if isinstance(outer, int) else _number(size)

    def _scope_of(self, frame: Frame) -> Scope | None:
        """Return the scope that writes the body of a frame, if the text is inside of it."""
        scope: Scope | None = self.scope
        while scope is not None:
            if any(frame is f for f in scope.frames):
                return scope
            scope = scope.parent
        return None

    def operand(self, size: Traced, frame: Frame) -> _Sized | None:
        """Return the constructor's parameter for a size of a tensor that the body receives."""
        unit, body = self.scope.unit, body_of(frame)
        if unit.is_net or not unit.is_class:
            return None
        for name, slot in body.names.items():
            if name[0].isupper() and slot.value is size:
                return _Sized(text(unit.size(name, name)))
        for param in unit.function.params:
            value = body.names[param.name.text].value
            if isinstance(value, Value) and any(s is size for s in value.type.shape):
                axis = next(i for i, s in enumerate(value.type.shape) if s is size)
                rank = value.type.rank
                stem = "in_channels" if axis == 1 and rank > 2 else "in_features"
                key = (param.name.text, axis if axis == 1 and rank > 2 else axis - rank)
                return _Sized(text(unit.size(key, stem)))
        return None

    def carried(self, size: Traced, frame: Frame) -> _Sized | None:
        """Return the variable for a size of a tensor that a loop carries."""
        at = frame
        while at.parent is not None:
            loop = self._loop_of(at)
            if isinstance(loop, ast.For):
                for carry in loop.carries:
                    value = at.names[carry.name.text].value
                    axis = _axis(value, size)
                    if axis is not None:
                        return self._carried(loop, carry.name.text, axis, at)
            at = at.parent
        return self._after_loop(size, frame)

    def _loop_of(self, frame: Frame) -> ast.Expr | None:
        scope = self._scope_of(frame)
        return scope.loop if scope is not None else None

    def _carried(self, loop: ast.For, carry: str, axis: int, frame: Frame) -> _Sized | None:
        outer = frame.parent
        assert outer is not None
        if not varies(self.scope, loop, carry, axis):
            start = self.scope.shared.recording.iterations(loop, outer)[0].names[carry].value
            assert isinstance(start, Value)
            first = start.type.shape[axis]
            return self.of(first, outer) if isinstance(first, int) else None
        stem = _stem(frame.names[carry].value, axis)
        return _Sized(text(self.scope.unit.carried_size(loop, carry, axis, stem)))

    def _after_loop(self, size: Traced, frame: Frame) -> _Sized | None:
        """Return the variable that has the size of the result of a loop that is over."""
        recording = self.scope.shared.recording
        at: Frame | None = frame
        while at is not None:
            for loop in recording.executed.get(id(at), ()):
                last = recording.iterations(loop, at)[-1]
                if not isinstance(loop, ast.For) or self._scope_of(last) is not None:
                    continue
                for name, slot in last.nexts.items():
                    axis = _axis(slot.value, size)
                    if axis is None or loop.kind == "scan":
                        continue
                    if varies(self.scope, loop, name, axis):
                        stem = _stem(slot.value, axis)
                        shown = self.scope.unit.carried_size(loop, name, axis, stem)
                        return _Sized(text(shown))
            at = at.parent
        return None


def _evaluated(sized: _Sized, frame: Frame, scope: Scope) -> int | None:
    """Return the number that a text denotes in another frame, if that is known."""
    if sized.expr is not None:
        for _, value in scope.shared.recording.value(sized.expr, [frame]):
            return int(value) if isinstance(value, int) else None
    shown = sized.text
    numbers: dict[str, int] = {}
    for name in re.findall(r"[A-Za-z_]\w*", shown):
        number = _number_of(name, frame, scope)
        if number is None:
            return None
        numbers[name] = number
    return _computed(python.parse(shown, mode="eval").body, numbers)


_OPERATORS: dict[type[python.operator], Callable[[int, int], int]] = {
    python.Add: int.__add__,
    python.Sub: int.__sub__,
    python.Mult: int.__mul__,
    python.FloorDiv: int.__floordiv__,
}


def _computed(node: python.expr, numbers: dict[str, int]) -> int | None:
    """Return the value of arithmetic on names of numbers."""
    match node:
        case python.Constant(value=int() as value):
            return value
        case python.Name(id=name):
            return numbers[name]
        case python.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            first, second = _computed(left, numbers), _computed(right, numbers)
            if first is not None and second is not None:
                return _OPERATORS[type(op)](first, second)
        case _:
            pass
    return None


def _number_of(name: str, frame: Frame, scope: Scope) -> int | None:
    body = body_of(frame)
    for key, variable in scope.unit.sizes.items():
        if variable == name:
            if isinstance(key, str):
                value = body.names[key].value
                return int(value) if isinstance(value, int) else None
            tensor = body.names[key[0]].value
            size = tensor.type.shape[key[1]] if isinstance(tensor, Value) else None
            return int(size) if isinstance(size, int) else None
    for (loop, carry, axis), variable in scope.unit.carried.items():
        if variable == name:
            return _carried_number(loop, carry, axis, frame, scope)
    slot = frame.find(name)
    return int(slot.value) if slot is not None and isinstance(slot.value, int) else None


def _carried_number(loop: int, carry: str, axis: int, frame: Frame, scope: Scope) -> int | None:
    """Return what a variable for a carried size holds in a frame: in its loop, or after it."""
    recording = scope.shared.recording
    at: Frame | None = frame
    while at is not None:
        value: object = None
        outer = at.parent
        if outer is not None and any(i is at for i in recording.loops.get((id(outer), loop), ())):
            value = at.names[carry].value
        elif done := recording.loops.get((id(at), loop)):
            value = done[-1].nexts[carry].value
        if isinstance(value, Value):
            size = value.type.shape[axis]
            return int(size) if isinstance(size, int) else None
        at = outer
    return None


def _stem(value: object, axis: int) -> str:
    assert isinstance(value, Value)
    return "channels" if axis == 1 and value.type.rank > 2 else "features"


def _number(size: int) -> _Sized:
    return _Sized(text(str(int(size))))


def _axis(value: object, size: int) -> int | None:
    """Return the axis of a tensor that is a size, the same object; not one of a feature map."""
    if not isinstance(value, Value):
        return None
    shape = value.type.shape[:2] if value.type.rank > 3 else value.type.shape
    return next((i for i, s in enumerate(shape) if s is size), None)


def varies(scope: Scope, loop: ast.For, carry: str, axis: int) -> bool:
    """Return whether a size of a carried tensor differs from one iteration to the next."""
    recording = scope.shared.recording
    for body in recording.executions(loop, scope.unit.frames):
        ends = [f.nexts[carry].value for f in body if carry in f.nexts]
        starts = [f.names[carry].value for f in body]
        sizes = {v.type.shape[axis] for v in (*starts, *ends) if isinstance(v, Value)}
        if len(sizes) > 1:
            return True
    return False


def _progression(found: Sequence[tuple[Frame, object]], scope: Scope) -> Text | None:
    """Return sizes that grow by the same amount in each iteration of a loop over a range."""
    loop = scope.loop
    if not isinstance(loop, ast.For) or len(loop.names) != 1:
        return None
    name = loop.names[0].text
    points: dict[int, int] = {}
    for frame, size in found:
        at = frame.names.get(name)
        if at is None or not isinstance(at.value, int) or not isinstance(size, int):
            return None
        if points.setdefault(int(at.value), int(size)) != size:
            return None
    (first, start), *rest = sorted(points.items())
    step = rest[0][1] - start if rest else 0
    if any(size != start + step * (i - first) for i, size in rest):
        return None
    counter = scope.find(name)
    if counter is None:
        return None
    growing = binary("*", text(str(step)), counter.text)
    return binary("+", text(str(start - step * first)), growing)
