"""Nets that take raw examples: the preprocessing of the training as a part of the graph."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from netlang.backends.snippets import Preparation
from netlang.data.columns import numbered_list
from netlang.data.fitted import Column, Fitted
from netlang.data.transforms.colors import Rescale, Standardize
from netlang.data.transforms.encoding import OneHot
from netlang.data.transforms.geometry import CenterCrop, CenteredCrop, CenteredResize, Resize
from netlang.data.transforms.resampling import line_weights
from netlang.data.transforms.transform import Transform
from netlang.diagnostics.errors import InputError
from netlang.inference.preprocessing import check_fits, not_known, transform_of, type_of
from netlang.ir.arrays import numpy_dtype
from netlang.ir.dims import Dim
from netlang.ir.graph import Builder, Graph, Init, Param, Scope, Value
from netlang.ir.op import OPS
from netlang.ir.types import F32, F64, DType, TensorType
from netlang.ops.terms import Term
from netlang.passes.replay import copy_node
from netlang.system.numpy import Array, np

_PATH = "preprocessing"
_BYTES = 255.0
_OF_ANY_SIZE = ("standardize", "rescale")
"""Transforms of images of any size."""


def with_preprocessing(
    graph: Graph, parameters: Mapping[str, Array], fitted: Fitted
) -> tuple[Graph, dict[str, Array]]:
    """Return a graph of raw examples, as the dataset stores them, and its parameters.

    An input that is a column of the data takes its examples before any preprocessing: images as
    ``u8[N, C, H, W]`` if they are stored as bytes. Files of an ``image_folder`` are resized by
    their shorter side and center-cropped before that. The results are those of ``preprocess`` up
    to rounding. Raises ``InputError`` where no input is a column.
    """
    if not any(fitted.input(value.name) for value in graph.inputs):
        raise not_known(f"the inputs of `{graph.name}` are")
    made = _Preprocessing(Builder(scope=Scope(_PATH, _PATH, None, None, library=True)))
    columns = {value: fitted.input(value.name) for value in graph.inputs}
    raw = {value: _raw(value, column) if column else value for value, column in columns.items()}
    sources = (*graph.params, *(s.value for s in graph.states))
    made.builder.adopt((*raw.values(), *sources))
    now = {value: value for value in sources}
    for value, column in columns.items():
        now[value] = made.prepared(raw[value], column, value) if column else value
    for node in graph.nodes:
        made.builder.scope, made.builder.span = node.scope, node.span
        outputs = copy_node(made.builder, node, tuple(now[v] for v in node.inputs))
        now.update(zip(node.outputs, outputs, strict=True))
    rebuilt = replace(
        graph,
        inputs=tuple(raw.values()),
        params={**graph.params, **made.params},
        nodes=tuple(made.builder.nodes),
        outputs={name: now[v] for name, v in graph.outputs.items()},
        states=tuple(replace(s, after=now[s.after]) for s in graph.states),
    )
    return rebuilt, {**parameters, **made.arrays}


def preparations(graph: Graph, fitted: Fitted, *, raw: bool) -> dict[str, Preparation]:
    """Return what a caller of a compiled model does to raw examples, where that is not plain."""
    found: dict[str, Preparation] = {}
    for value in graph.inputs:
        column = fitted.input(value.name)
        if column is None:
            continue
        inside = column.steps(decoded=True) if raw else []
        outside = [step for step in column.steps(decoded=False) if step not in inside]
        steps = [" ".join(step.split()) for step in (*_taken(column, raw=raw), *outside)]
        plain = column.scale in (None, _BYTES)
        if raw and not plain:
            steps.append(f"bytes from 0 to {column.scale:g}")
        if not raw:
            plain = plain and column.statistics is None and not column.transforms
            # A snippet that reads an image divides it itself.
            steps = [step for step in steps if not (plain and step.startswith("divide"))]
        if steps:
            found[value.name] = Preparation(", ".join(steps), image=plain, pixels=column.pixels)
    return found


def _taken(column: Column, *, raw: bool) -> list[str]:
    """Return which cells of a table an input is, and what its numbers denote."""
    reading = column.reading
    if reading is None or reading.images is not None:
        return []
    of = ", ".join(reading.names)
    if reading.tokens is not None:
        if reading.length:
            return [f"the number of {reading.tokens.unit} of {of}"]
        return [f"the numbers of the {reading.tokens.unit} of {of}, as in the metadata"]
    filled = raw and column.fill and column.element.is_float
    names = [f": {numbered_list(column.names)}"] if column.names else []
    return ["".join([of, *names, ", NaN where one is missing" if filled else ""])]


def _raw(value: Value, column: Column) -> Value:
    """Return the input of raw examples for an input of prepared ones."""
    example = type_of(column)
    lead = () if value.type.rank == example.rank else value.type.shape[:1]
    own = value.type.shape[len(lead) :]
    # Without anything that depends on the size of examples, the model takes what the net takes.
    fixed = bool(column.fill or column.statistics) or any(
        each.name not in _OF_ANY_SIZE for each in column.transforms
    )
    known = (
        size
        if len(own) != example.rank
        or (isinstance(size, int) and (fixed or isinstance(own[axis], int)))
        else own[axis]
        for axis, size in enumerate(example.shape)
    )
    dtype = DType.U8 if column.scale else example.dtype
    return Value(value.name, TensorType(dtype, (*lead, *known)))


class _Preprocessing(Struct):
    """The nodes that prepare inputs, and the constants that they need as parameters."""

    builder: Builder
    params: dict[Value, Param] = field(default_factory=dict[Value, Param])
    arrays: dict[str, Array] = field(default_factory=dict[str, "Array"])

    def prepared(self, raw: Value, column: Column, value: Value) -> Value:
        """Add the nodes for one input; return the prepared value."""
        check_fits(column, value)
        x = Term(self.builder, raw)
        lone = raw.type.rank == len(column.shape)
        x = x.unsqueeze(0) if lone else x
        if column.scale:
            x = x.cast(column.element) / column.scale
        if column.fill and column.element.is_float:
            fill = np.array(column.fill).reshape([n for n in column.shape if isinstance(n, int)])
            filled = self._constant(fill, column.element).expand(x.shape)
            x = x.where(x.equals(x), filled)  # NaN is unequal to itself
        if column.statistics is not None:
            shape = [n for n in column.shape if isinstance(n, int)]
            mean, std = (
                self._constant(np.array(each).reshape(shape), F64)
                for each in (column.statistics.mean, column.statistics.std)
            )
            x = ((x.cast(F64) - mean) / std).cast(column.element)
        # What a transform does not accept, it rejects here as it does when it is applied.
        sizes = (n if isinstance(n, int) else 1 for n in x.shape[1:])
        example = np.zeros((1, *sizes), numpy_dtype(column.element))
        for transform in map(transform_of, column.transforms):
            example = transform.apply(example, np.zeros((1, transform.draws)))
            x = self._transformed(x, transform)
        _check_known(x, value)
        return x.reshape(value.type.shape).cast(value.type.dtype).value

    def _transformed(self, x: Term, transform: Transform) -> Term:
        match transform:
            case Standardize(mean=mean, std=std):
                by_channel = (np.array(each).reshape(-1, 1, 1) for each in (mean, std))
                center, spread = (self._constant(each, F32) for each in by_channel)
                return (x - center) / spread
            case Rescale(low=low, high=high):
                return x * (high - low) + low
            case CenterCrop(size=size):
                return _center(x, size)
            case CenteredCrop(size=size, pad=pad):
                padded = x.surround(x.rank - 2, pad, pad).surround(x.rank - 1, pad, pad)
                return _center(padded, size)
            case OneHot(classes=classes):
                numbers = self._constant(np.arange(classes), x.type.dtype)
                spread = x.unsqueeze(x.rank).expand((*x.shape, classes))
                return spread.equals(numbers).cast(F32)
            case Resize(size=size):
                return self._resized(x, size)
            case CenteredResize(size=size):
                return self._resized(_center(x, min(_extent(x))), size)
            case _:
                raise InputError(
                    f"`{transform.name}` cannot be built into a model",
                    helps=["leave `--raw-input` out, and prepare the inputs of the model"],
                )

    def _resized(self, x: Term, size: int) -> Term:
        rows, columns = _extent(x)
        if not x.type.dtype.is_float:
            raise InputError("`resize` of integers cannot be built into a model")
        down = self._constant(line_weights(size, rows), F32)
        across = self._constant(line_weights(size, columns).T, F32)
        matmul = OPS["matmul"]()
        return down.to(matmul, x).to(matmul, across)

    def _constant(self, array: Array, dtype: DType) -> Term:
        path = f"{_PATH}.{len(self.arrays)}"
        type = TensorType(dtype, array.shape)
        value = self.builder.fresh(path, type)
        self.params[value] = Param(path, type, Init("constant", (0.0,)), False)
        self.arrays[path] = np.ascontiguousarray(array, numpy_dtype(dtype))
        return Term(self.builder, value)


def _check_known(x: Term, value: Value) -> None:
    """Raise ``InputError`` where the sizes of the data are not those of the net yet."""
    lead = value.type.rank - x.rank + 1
    pairs = zip(value.type.shape[max(lead, 0) :], x.shape[1:], strict=False)
    free = {str(own): size for own, size in pairs if isinstance(own, Dim) and own != size}
    if free and value.type.rank == x.rank:
        binds = " ".join(f"--bind {name}={size}" for name, size in free.items())
        raise InputError(
            f"`{value.name}` is {value.type}, and prepared examples have one size",
            helps=[f"compile the net for that size: `{binds}`"],
        )


def _extent(x: Term) -> tuple[int, int]:
    rows, columns = x.shape[-2:]
    if isinstance(rows, int) and isinstance(columns, int):
        return rows, columns
    raise InputError(
        f"images of {rows} by {columns} pixels cannot be resized by a model, whose sizes are fixed",
        helps=["leave `--raw-input` out, and prepare the inputs of the model"],
    )


def _center(x: Term, size: int) -> Term:
    rows, columns = _extent(x)
    top, left = (rows - size) // 2, (columns - size) // 2
    return x.part(x.rank - 2, top, top + size).part(x.rank - 1, left, left + size)
