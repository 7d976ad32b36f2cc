"""A record of how a net was evaluated: values of expressions, calls, and where sizes are from.

Sizes are integers that remember how they were computed. The number of input channels of a layer,
which a program never mentions, can so be written in terms of what its block knows.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from netlang.diagnostics.source import Span
from netlang.evaluate.context.frame import Frame, Slot
from netlang.evaluate.context.values import Object
from netlang.ir.graph import Builder, Value
from netlang.ir.types import TensorType
from netlang.syntax import ast


class Bound(Struct, frozen=True, eq=False):
    """The origin of a size: a name that was bound in a frame, to what ``expr`` is in the caller."""

    frame: Frame
    name: str
    outer: Object
    expr: ast.Expr | None


class Computed(Struct, frozen=True, eq=False):
    """The origin of a size: an operation on two others."""

    op: str
    left: int
    right: int


class Traced(int):
    """An integer that remembers its origin; distinct objects are distinct sizes."""

    origin: Bound | Computed | None = None

    def __add__(self, other: object) -> int:
        return _computed("+", self, other)

    def __radd__(self, other: object) -> int:
        return _computed("+", other, self)

    def __sub__(self, other: object) -> int:
        return _computed("-", self, other)

    def __rsub__(self, other: object) -> int:
        return _computed("-", other, self)

    def __mul__(self, other: object) -> int:
        return _computed("*", self, other)

    def __rmul__(self, other: object) -> int:
        return _computed("*", other, self)

    def __floordiv__(self, other: object) -> int:
        return _computed("//", self, other)

    def __rfloordiv__(self, other: object) -> int:
        return _computed("//", other, self)


_APPLY = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__, "//": int.__floordiv__}
_NEUTRAL = {"+": 0, "-": 0, "*": 1, "//": 1}


def _computed(op: str, left: object, right: object) -> int:
    if not isinstance(left, int) or not isinstance(right, int):
        return NotImplemented
    if right == _NEUTRAL[op]:
        return left
    if op in "+*" and left == _NEUTRAL[op]:
        return right
    if op == "//" and isinstance(left, Traced) and isinstance(left.origin, Computed):
        factors = (left.origin.left, left.origin.right)
        if left.origin.op == "*" and right in factors:
            return factors[factors[0] == right]
    return traced(_APPLY[op](int(left), int(right)), Computed(op, left, right))


def traced(value: int, origin: Bound | Computed | None = None) -> Traced:
    """Return an integer with an origin."""
    made = Traced(value)
    made.origin = origin
    return made


class RecordingBuilder(Builder):
    """A builder that makes every size of every value a distinct object."""

    def fresh(self, stem: str, type: TensorType) -> Value:
        sizes = (
            size if isinstance(size, Traced) or not isinstance(size, int) else traced(size)
            for size in type.shape
        )
        return Builder.fresh(self, stem, type.with_shape(*sizes))

    def inside(self) -> Builder:
        return RecordingBuilder(scope=self.scope, span=self.span, _taken=self._taken)


class Recording(Struct):
    """What happened during an evaluation, by frame and by node of the syntax tree."""

    values: dict[tuple[int, int], Object] = field(default_factory=dict[tuple[int, int], Object])
    calls: dict[tuple[int, int, int], Frame] = field(
        default_factory=dict[tuple[int, int, int], Frame]
    )
    loops: dict[tuple[int, int], list[Frame]] = field(
        default_factory=dict[tuple[int, int], list[Frame]]
    )
    executed: dict[int, list[ast.Expr]] = field(default_factory=dict[int, list[ast.Expr]])
    """The loops that were executed in each frame."""
    bodies: dict[int, list[Frame]] = field(default_factory=dict[int, list[Frame]])
    """The frames of each definition, in the order of their calls."""
    layers: dict[int, list[Frame]] = field(default_factory=dict[int, list[Frame]])
    """The frames of the calls of each layer that ``new`` made."""
    kept: list[Frame] = field(default_factory=list[Frame])
    """Every frame, so that no two have the same identity."""

    def evaluated(self, expr: ast.Expr, frame: Frame, value: Object) -> None:
        self.values[id(frame), id(expr)] = value

    def entered(self, frame: Frame) -> None:
        self.kept.append(frame)
        call = frame.call
        if call is not None:
            self.calls[_site(call.frame, call.span)] = frame
            self.bodies.setdefault(id(call.function.definition), []).append(frame)
            if frame.layer is not None and frame.layer is not call.frame.layer:
                self.layers.setdefault(id(frame.layer), []).append(frame)
        _remember_names(frame, [name for name in frame.names if not name[0].isupper()])

    def iterated(self, loop: ast.Expr, frame: Frame, inner: Frame) -> None:
        self.kept.append(inner)
        if (id(frame), id(loop)) not in self.loops:
            self.executed.setdefault(id(frame), []).append(loop)
        self.loops.setdefault((id(frame), id(loop)), []).append(inner)
        _remember_names(inner, list(inner.names))

    def value(self, expr: ast.Expr, frames: Sequence[Frame]) -> list[tuple[Frame, Object]]:
        """Return the values of an expression, in those frames in which it was evaluated."""
        return [
            (frame, self.values[id(frame), id(expr)])
            for frame in frames
            if (id(frame), id(expr)) in self.values
        ]

    def called(self, span: Span, frames: Sequence[Frame]) -> list[tuple[Frame, Frame]]:
        """Return the frames of a call, each after the frame that it was called from."""
        return [
            (frame, self.calls[_site(frame, span)])
            for frame in frames
            if _site(frame, span) in self.calls
        ]

    def iterations(self, loop: ast.Expr, frame: Frame) -> list[Frame]:
        """Return the frames of the iterations of a loop."""
        return self.loops.get((id(frame), id(loop)), [])

    def executions(self, loop: ast.Expr, frames: Sequence[Frame]) -> list[list[Frame]]:
        """Return the iterations of each execution of a loop inside of some frames."""
        found: list[list[Frame]] = []
        todo = list(frames)
        while todo:
            frame = todo.pop()
            for other in self.executed.get(id(frame), ()):
                iterations = self.iterations(other, frame)
                if other is loop:
                    found.append(iterations)
                todo.extend(iterations)
        return found


def _site(frame: Frame, span: Span) -> tuple[int, int, int]:
    return id(frame), span.start, span.end


def _remember_names(frame: Frame, names: Sequence[str]) -> None:
    for name in names:
        slot = frame.names[name]
        value = slot.value
        if isinstance(value, int) and not isinstance(value, bool):
            origin = Bound(frame, name, value, slot.expr)
            frame.names[name] = Slot(traced(value, origin), slot.span, slot.expr)
