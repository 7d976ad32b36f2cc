"""Read the arguments of a call from the checked mapping that ``make`` receives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from netlang.diagnostics import rules
from netlang.diagnostics.suggestions import nearest
from netlang.ir.dims import Dim, Size
from netlang.ir.op import OperandError
from netlang.ir.types import RANK_LIMIT, DType, TensorType

Arguments = Mapping[str, object]


def integer(arguments: Arguments, name: str, default: int | None = None) -> int:
    """Return an integer argument."""
    value = arguments.get(name)
    value = default if value is None else value
    if isinstance(value, bool) or not isinstance(value, int):
        raise rejected(name, "must be an integer", value)
    return value


def number(arguments: Arguments, name: str, default: float | None = None) -> float:
    """Return a numeric argument."""
    value = arguments.get(name)
    value = default if value is None else value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise rejected(name, "must be a number", value)
    return float(value)


def flag(arguments: Arguments, name: str, default: bool = False) -> bool:
    """Return a Boolean argument."""
    value = arguments.get(name)
    value = default if value is None else value
    if not isinstance(value, bool):
        raise rejected(name, "must be `true` or `false`", value)
    return value


def word(
    arguments: Arguments, name: str, known: Mapping[str, str], default: str | None = None
) -> str:
    """Return what one of the ``known`` words denotes."""
    value = arguments.get(name)
    value = default if value is None else value
    if not isinstance(value, str) or value not in known:
        choices = ", ".join(f'"{choice}"' for choice in known)
        near = nearest(value, known) if isinstance(value, str) else None
        raise OperandError(
            f"`{name}` must be one of {choices}",
            rule=rules.OUT_OF_RANGE,
            label=f'this is "{shortened(value)}"' if isinstance(value, str) else "",
            helps=[f'did you mean "{near}"?'] if near is not None else [],
        )
    return known[value]


def size(arguments: Arguments, name: str) -> Size:
    """Return a size argument."""
    value = arguments.get(name)
    if isinstance(value, bool) or not isinstance(value, int | Dim):
        raise rejected(name, "must be a size", value)
    return value


def sizes(arguments: Arguments, name: str, *, most: int = RANK_LIMIT) -> tuple[Size, ...]:
    """Return one size or a list of sizes as a tuple; by default, at most one per axis."""
    found: list[Size] = []
    for item in several(arguments, name, most):
        if isinstance(item, bool) or not isinstance(item, int | Dim):
            raise rejected(name, "must hold sizes", item)
        found.append(item)
    return tuple(found)


def integers(arguments: Arguments, name: str, *, most: int = RANK_LIMIT) -> tuple[int, ...]:
    """Return one integer or a list of integers as a tuple; by default, at most one per axis."""
    found: list[int] = []
    for item in several(arguments, name, most):
        if isinstance(item, bool) or not isinstance(item, int):
            raise rejected(name, "must contain integers", item)
        found.append(item)
    return tuple(found)


def numbers(arguments: Arguments, name: str) -> tuple[float, ...]:
    """Return one number or a list of numbers, at most one per axis, as a tuple."""
    return tuple(number({name: item}, name) for item in several(arguments, name))


def items(value: object) -> Sequence[object]:
    """Return a list or tuple unchanged, and anything else as the only item."""
    if isinstance(value, list | tuple):
        return cast("Sequence[object]", value)
    return (value,)


def several(arguments: Arguments, name: str, most: int = RANK_LIMIT) -> Sequence[object]:
    """Return the items of an argument; more than ``most`` are rejected before anything else."""
    found = items(arguments.get(name))
    if len(found) > most:
        axes = f"no tensor has more than {RANK_LIMIT} axes"
        raise OperandError(
            f"`{name}` has at most {most:,} items, and this has {len(found):,}",
            rule=rules.TOO_LARGE,
            notes=(axes,) if most == RANK_LIMIT else (),
        )
    return found


def pair(item: object, name: str) -> tuple[int, int]:
    """Return the padding before and after an axis: one number for both, or two."""
    match items(item):
        case [int() as both]:
            return both, both
        case [int() as before, int() as after]:
            return before, after
        case _:
            raise rejected(name, "must hold a number or (before, after) per axis", item)


def dtype(arguments: Arguments, name: str, default: DType) -> DType:
    """Return an element type, passed as such or by its name."""
    match arguments.get(name):
        case None:
            return default
        case DType() as found:
            return found
        case str(text) if text in DType._value2member_map_:
            return DType(text)
        case other:
            raise rejected(name, "must be an element type", other)


def rejected(name: str, must: str, value: object) -> OperandError:
    """Return the error for an argument that is out of range."""
    return OperandError(f"`{name}` {must}, not {_shown(value)}", rule=rules.OUT_OF_RANGE)


_SHOWN_LETTERS = 80
_SHOWN_ITEMS = 8


def shortened(text: str) -> str:
    """Return a text; of a long one, its beginning."""
    return text if len(text) <= _SHOWN_LETTERS else f"{text[:_SHOWN_LETTERS]}…"


def _shown(value: object) -> str:
    """Return a value as a program writes it; a definition or a setting by its name."""
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case str():
            return shortened(value)
        case int() | float() | Dim() | DType():
            return str(value)
        case list() | tuple():
            found = cast("Sequence[object]", value)
            items = [_shown(item) for item in found[:_SHOWN_ITEMS]]
            items += ["…"] if len(found) > _SHOWN_ITEMS else []
            return f"[{', '.join(items)}]" if isinstance(value, list) else f"({', '.join(items)})"
        case _:
            name = getattr(value, "name", "")
            return f"`{name}`" if name else f"a {type(value).__name__.lower()}"


def new_axis(axis: int, x: TensorType) -> int:
    """Return the index, from the front, of an axis to insert into ``x``."""
    rank = x.rank + 1
    if -rank <= axis < rank:
        return axis % rank
    raise OperandError(
        f"a new axis can't be inserted at {axis}",
        rule=rules.AXIS_OUT_OF_RANGE,
        operand=0,
        label=f"this is {x}",
        notes=[f"it can be from 0 to {rank - 1}, or -1 to -{rank} from the end"],
    )


def axis_of(x: TensorType, axis: int) -> int:
    """Return an axis of ``x`` counted from the front."""
    if -x.rank <= axis < x.rank:
        return axis % x.rank
    allowed = f"its axes are 0 to {x.rank - 1}, or -1 to -{x.rank} from the end"
    raise OperandError(
        f"there is no axis {axis}",
        rule=rules.AXIS_OUT_OF_RANGE,
        operand=0,
        label=f"this is {x}",
        notes=[allowed if x.rank else "it has no axes: it is one number"],
    )
