"""The input arrays of both backends: checked, converted, and matched with the symbols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from netlang.diagnostics.errors import InputError
from netlang.diagnostics.suggestions import nearest
from netlang.ir.arrays import dtype_of, numpy_dtype, show_array
from netlang.ir.dims import Dim, Size, Symbol, UnboundSizeError, bind, substitute, symbols
from netlang.ir.graph import Graph, Value
from netlang.ir.types import DType, TensorType
from netlang.system.numpy import Array, np


class Feeds(Struct, frozen=True):
    """Arrays that fit a graph's inputs and states, and the resulting sizes of its symbols."""

    arrays: Mapping[str, Array]
    sizes: Mapping[str, int]


class _Axis(Struct, frozen=True):
    """One symbolic dimension of an input, and its size in the array."""

    value: Value
    axis: int
    dim: Dim
    size: int


def prepare(
    graph: Graph,
    feeds: Mapping[str, object],
    *,
    sizes: Mapping[str, int] | None = None,
    wide: bool = False,
) -> Feeds:
    """Check arrays against the signature of ``graph``, convert them, and initialize absent states.

    Lists of numbers and the tensors of other libraries are accepted as arrays. Integers of another
    width are converted if every value fits, floats of another width always; ``wide`` makes f32
    inputs float64. ``sizes`` sets symbols that no input carries. Raises ``InputError``, which names
    every array that does not fit.
    """
    _check_names(graph, feeds)
    feeds = _as_arrays(graph, feeds)
    bound = bind_sizes(graph, feeds, sizes=sizes)
    arrays: dict[str, Array] = {}
    problems: list[InputError] = []
    for value in graph.inputs:
        try:
            arrays[value.name] = convert(value, feeds[value.name], wide=wide)
        except InputError as problem:
            problems.append(problem)
    for state in graph.states:
        value = state.value
        if value.name in feeds:
            arrays[value.name] = convert(value, feeds[value.name], wide=wide)
        else:
            shape = tuple(bind(d, bound) for d in value.type.shape)
            wanted = DType.F64 if wide and value.type.dtype is DType.F32 else value.type.dtype
            arrays[value.name] = np.full(shape, state.start, numpy_dtype(wanted))
    _raise(problems)
    return Feeds(arrays, bound)


def bind_sizes(
    graph: Graph, feeds: Mapping[str, Array], *, sizes: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Return the size of every symbol in the inputs, solved from the shapes of the arrays.

    Raises ``InputError`` for an unknown or missing array, a shape that does not fit, a size that is
    not a multiple of its unit, or a symbol that would have two sizes.
    """
    _check_names(graph, feeds)
    known = dict(sizes or {})
    origins = dict.fromkeys(known, "the command line")
    axes: list[_Axis] = []
    problems: list[InputError] = []
    states = [s.value for s in graph.states if s.value.name in feeds]
    for value in (*graph.inputs, *states):
        try:
            axes.extend(_symbolic_axes(value, feeds[value.name]))
        except InputError as problem:
            problems.append(problem)
    _raise(problems)
    waiting = axes
    while waiting:
        left = [a for a in waiting if not _bind_axis(a, feeds, known, origins)]
        if len(left) == len(waiting):
            break
        waiting = left
    for axis in waiting:
        _check_bound(axis, feeds, known)
    return known


def _as_arrays(graph: Graph, feeds: Mapping[str, object]) -> dict[str, Array]:
    types = {v.name: v.type for v in (*graph.inputs, *(s.value for s in graph.states))}
    arrays: dict[str, Array] = {}
    problems: list[InputError] = []
    for name, given in feeds.items():
        try:
            arrays[name] = as_array(name, given, types.get(name))
        except InputError as problem:
            problems.append(problem)
    _raise(problems)
    return arrays


def as_array(name: str, given: object, wanted: TensorType | None) -> Array:
    """Return numbers in lists and tensors of other libraries as an array of NumPy.

    Raises ``InputError`` for anything else.
    """
    try:
        array, why = np.asarray(given), []
    except Exception as error:  # ragged lists, or an error of another library
        array, why = np.asarray(None), [str(error)]
    if array.dtype.kind in "OSU":
        found = f"a {type(given).__name__}"
        if isinstance(given, np.ndarray):
            found = f"an array of {'objects' if array.dtype.kind == 'O' else 'texts'}"
        raise InputError(f"`{name}` must be an array of numbers, and is {found}", notes=why)
    if isinstance(given, list | tuple | int) and wanted is not None and wanted.dtype.is_float:
        return array.astype(np.float64)  # 1 in a list means 1.0
    return array


def symbol_value(dim: Dim, size: int, known: Mapping[str, int]) -> tuple[str, int] | None:
    """Solve ``dim == size`` for its one unknown symbol; ``None`` unless it is linear in it.

    The result is -1 if no non-negative integer solves it.
    """
    rest = substitute(dim, {n: v for n, v in known.items() if n in symbols(dim)})
    if isinstance(rest, int):
        return None
    match rest.terms:
        case (((Symbol(name, unit),), coefficient),):
            constant = 0
        case (((Symbol(name, unit),), coefficient), ((), constant)):
            pass
        case _:
            return None
    quotient, remainder = divmod(size - constant, coefficient)
    return (name, -1) if remainder or quotient < 0 else (name, quotient * unit)


def convert(value: Value, array: Array, *, wide: bool = False) -> Array:
    """Return an array in the element type of ``value``; only precision may change."""
    wanted = DType.F64 if wide and value.type.dtype is DType.F32 else value.type.dtype
    given = dtype_of(array)
    target = numpy_dtype(wanted)
    if array.dtype == target:
        return np.ascontiguousarray(array).reshape(array.shape)
    if given is not None and (
        given is wanted
        or (given.is_float and wanted.is_float)
        or (given.is_integer and wanted.is_integer and _fits(array, target))
    ):
        return array.astype(target)
    raise InputError(
        f"`{value.name}` must be {value.type}, got {show_array(array)}: "
        f"its elements are {given or array.dtype.name}, and must be {value.type.dtype}",
        helps=_conversion_help(array, given, value.type.dtype),
    )


def _fits(array: Array, target: np.dtype[Any]) -> bool:
    limits = np.iinfo(target.name)
    return array.size == 0 or (int(array.min()) >= limits.min and int(array.max()) <= limits.max)


def _conversion_help(array: Array, given: DType | None, wanted: DType) -> list[str]:
    if given is not None and given.is_integer and wanted.is_integer:
        return [f"its values run from {array.min()} to {array.max()}, which {wanted} cannot hold"]
    if given is None:
        return []
    return [f'convert it first: numpy.asarray(x, "{numpy_dtype(wanted).name}")']


def _check_names(graph: Graph, feeds: Mapping[str, object]) -> None:
    inputs = {v.name: v for v in graph.inputs}
    names = {*inputs, *(s.value.name for s in graph.states)}
    problems: list[InputError] = []
    for name in feeds:
        if name not in names:
            near = nearest(name, names)
            listed = ", ".join(f"`{n}`" for n in sorted(names)) or "none"
            helps = (
                [f"did you mean `{near}`?"] if near is not None else [f"the inputs are: {listed}"]
            )
            problems.append(InputError(f"`{graph.name}` has no input `{name}`", helps=helps))
    for name, value in inputs.items():
        if name not in feeds:
            example = "photo.png" if value.type.rank == 4 and value.type.dtype.is_float else "…"
            problems.append(
                InputError(
                    f"no value was given for input `{name}` ({value.type})",
                    helps=[f"give it: `-i {name}={example}`, or `{name}=…` in Python"],
                )
            )
    _raise(problems)


def _raise(problems: list[InputError]) -> None:
    """Raise the first problem; the others become its notes."""
    if not problems:
        return
    first, *others = problems
    raise InputError(
        first.message,
        notes=[*first.notes, *(f"also: {p.message}" for p in others)],
        helps=first.helps,
    )


def _symbolic_axes(value: Value, array: Array) -> list[_Axis]:
    wanted = value.type
    if array.ndim != wanted.rank:
        has = f"{array.ndim} dimension{'s' if array.ndim != 1 else ''}"
        raise _misfit(value.name, wanted, array, f"it has {has}, and must have {wanted.rank}")
    axes: list[_Axis] = []
    for axis, (dim, size) in enumerate(zip(wanted.shape, array.shape, strict=True)):
        if isinstance(dim, Dim):
            axes.append(_Axis(value, axis, dim, size))
        elif dim != size:
            what = f"dimension {axis} is {size}, and must be {dim}"
            raise _misfit(value.name, wanted, array, what)
    return axes


def _bind_axis(
    axis: _Axis, feeds: Mapping[str, Array], known: dict[str, int], origins: dict[str, str]
) -> bool:
    """Bind the symbols that one axis determines; return whether the axis is done."""
    array = feeds[axis.value.name]
    unknown = [name for name in symbols(axis.dim) if name not in known]
    if len(unknown) > 1:
        return False
    if not unknown:
        _check_known(axis, array, known, origins)
        return True
    solved = symbol_value(axis.dim, axis.size, known)
    if solved is None:
        return False
    name, size = solved
    if size < 0:
        unit = symbols(axis.dim)[name]
        what = (
            f"{name} is {axis.size}, and must be a multiple of {unit}"
            if str(axis.dim) == name
            else f"dimension {axis.axis} is {axis.size}, and must be {axis.dim}"
        )
        raise _misfit(axis.value.name, axis.value.type, array, what)
    known[name] = size
    origins[name] = f"`{axis.value.name}`"
    return True


def _check_known(
    axis: _Axis, array: Array, known: Mapping[str, int], origins: Mapping[str, str]
) -> None:
    try:
        wanted = bind(axis.dim, known)
    except ValueError as error:
        raise InputError(str(error)) from None
    if wanted == axis.size:
        return
    here = f"`{axis.value.name}`"
    if str(axis.dim) in origins:
        name = str(axis.dim)
        raise InputError(f"{name} is {known[name]} in {origins[name]} and {axis.size} in {here}")
    given = ", ".join(f"{n} = {known[n]}" for n in symbols(axis.dim))
    what = f"dimension {axis.axis} is {axis.size}, and must be {axis.dim} = {wanted} for {given}"
    raise _misfit(axis.value.name, axis.value.type, array, what)


def _check_bound(axis: _Axis, feeds: Mapping[str, Array], known: Mapping[str, int]) -> None:
    try:
        _check_known(axis, feeds[axis.value.name], known, {})
    except UnboundSizeError as unbound:
        raise InputError(
            f"the size {unbound.name} cannot be inferred from the inputs",
            notes=[f"it is known only from `{axis.value.name}`: {axis.value.type}"],
            helps=[binding_help(unbound.name)],
        ) from None


def binding_help(name: str) -> str:
    """Return how a size is fixed, on the command line and in Python."""
    return f"fix the size {name}: `--bind {name}=…`, or `bind({name}=…)`"


def _misfit(name: str, wanted: TensorType, array: Array, what: str) -> InputError:
    helps = ()
    if (order := _axis_order(wanted, array)) is not None:
        helps = (f"its axes are in another order: `array.transpose({order})` in NumPy",)
    return InputError(f"`{name}` must be {wanted}, got {show_array(array)}: {what}", helps=helps)


def _axis_order(wanted: TensorType, array: Array) -> str | None:
    """Return how to transpose images with the channels or the batch last, if that would fit."""
    rank = array.ndim
    if rank != wanted.rank or rank < 3:
        return None
    spatial = range(rank - 2)
    for order in (0, rank - 1, *(i + 1 for i in spatial)), (rank - 1, rank - 2, *spatial):
        sizes = zip(order, wanted.shape, strict=True)
        if all(isinstance(size, Dim) or array.shape[axis] == size for axis, size in sizes):
            return ", ".join(map(str, order))
    return None


def fixed(size: Size, sizes: Mapping[str, int]) -> int:
    """Return the value of a size; raises ``InputError`` if a symbol has none."""
    try:
        return bind(size, sizes)
    except UnboundSizeError as unbound:
        raise InputError(f"the size {unbound.name} cannot be inferred from the inputs") from None
