"""The records of a train section, built from calls that the evaluator has checked.

The evaluator checks a call such as ``clip_norm(1.0)`` against its declaration in the library, and
fills in the defaults. Here it becomes a record of the class of that name, with those arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from msgspec import Struct

from netlang.evaluate.builtins.weights import initial
from netlang.evaluate.context.selections import Weights, root
from netlang.evaluate.context.values import Duration, Layer, Object, Part, Setting, Unknown
from netlang.plan.callbacks import EarlyStop, Plateau, SaveBest, SaveEvery
from netlang.plan.clipping import ClipNorm, ClipValue
from netlang.plan.initialization import Fill, Load, Selection
from netlang.plan.schedules import Rate, Schedule

RECORDS: Mapping[str, type[Struct]] = {
    kind.name: kind
    for kind in (ClipNorm, ClipValue, EarlyStop, Plateau, SaveBest, SaveEvery, Fill, Load)
}
"""The classes of records by the functions of the library that they represent."""

R = TypeVar("R")


class UnknownValueError(Exception):
    """A value is unknown, because an error was reported where it was evaluated."""


def check_known(value: Object) -> None:
    """Raise ``UnknownValueError`` for a value, or an item of a list, with an error in it."""
    match value:
        case Unknown():
            raise UnknownValueError
        case list():
            for item in value:
                check_known(item)
        case _:
            pass


class Records:
    """Builds the records of one section, one for each call.

    A schedule that several optimizers share stays one schedule, which is one input of a step.
    """

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._built: dict[int, object] = {}

    def one(self, kind: type[R] | tuple[type[R], ...], value: Object) -> R:
        """Return the record for a value; raise ``UnknownValueError`` after an error in it."""
        built = self._build(value)
        if not isinstance(built, kind):
            raise TypeError(f"{built!r} is not a {kind}")
        return built

    def several(self, kind: type[R], values: Object) -> tuple[R, ...]:
        """Return the records for the values of a list."""
        check_known(values)
        if not isinstance(values, list):
            raise TypeError(f"{values!r} is not a list")
        return tuple(self.one(kind, value) for value in values)

    def optional(self, kind: type[R], value: Object) -> R | None:
        """Return the record for a value, ``None`` for a setting that is not given."""
        return None if value is None else self.one(kind, value)

    def rate(self, value: Object) -> Rate:
        """Return a learning rate: a number, or a schedule."""
        built = self._build(value)
        return built if isinstance(built, Schedule) else float(self.one((int, float), value))

    def selection(self, value: Object) -> Selection:
        """Return the parameters that a value selects."""
        paths = tuple(self._weights.chosen(value))
        match value:
            case Layer(path=path):
                return Selection(paths, path, path)
            case Part(layer=layer):
                return Selection(paths, layer.path, root(value))
            case _:
                return Selection(paths)

    def _build(self, value: Object) -> object:
        match value:
            case Unknown():
                raise UnknownValueError
            case Setting(type="init"):
                return initial(value)
            case Setting():
                if id(value) not in self._built:
                    self._built[id(value)] = self._record(value)
                return self._built[id(value)]
            case list() | tuple():
                return tuple(map(self._build, value))
            case _:
                return value

    def _record(self, call: Setting) -> Struct:
        fields: dict[str, Any] = {
            # A single parameter is selected by its value, which elsewhere is a tensor.
            name: self.selection(value) if name == "what" else self._build(value)
            for name, value in call.arguments.items()
        }
        if call.type == "schedule":
            assert call.call is not None
            over = fields.get("over")
            return Schedule(
                call.name, fields, over if isinstance(over, Duration) else None, call.call
            )
        if call.type == "transform":
            from netlang.data.transforms.registry import TRANSFORMS

            return TRANSFORMS[call.name](**fields)
        return RECORDS[call.name](**fields)
