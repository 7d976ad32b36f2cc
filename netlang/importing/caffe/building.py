"""The graph of a network of Caffe while its layers are converted one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

from msgspec import Struct, field

from netlang.diagnostics.source import Span
from netlang.importing.caffe.fields import Fields
from netlang.importing.caffe.fillers import BILINEAR, initializer
from netlang.importing.caffe.layers import Described, Layer, Rate
from netlang.importing.caffe.text import PrototxtError, shown
from netlang.importing.caffe.weights import Origin
from netlang.importing.operands import Stored
from netlang.importing.simplifying import MOVING, simpler
from netlang.ir.dims import Intricate, Size
from netlang.ir.graph import Builder, Node, Value, Values
from netlang.ir.op import OPS, OperandError
from netlang.ir.types import F32, TensorType
from netlang.system.numpy import np

_MOST = (1 << 31) - 1
"""The most elements of a tensor of Caffe."""


class Unsized(Struct, frozen=True, eq=False):
    """What a data layer makes, whose size is in the data and not in the file."""

    name: str
    at: Span


class Blob(Struct, frozen=True):
    """How a parameter is initialized, as an expression, and trained."""

    init: str
    rate: Rate


class Target(Struct, frozen=True, eq=False):
    """What a loss or a metric reads: a result of the network, or a column of the data."""

    value: Value | None
    column: str


class Term(Struct, frozen=True, eq=False):
    """A loss or a metric: an expression with `{0}`, `{1}`, ... for what it reads."""

    text: str
    reads: tuple[Target, ...]
    weight: float
    name: str


Convert = Callable[["Building", "Fields"], Sequence[Value]]
"""Converts the layer that is being built, whose settings are in the fields."""


class Building(Struct, eq=False):
    described: Described
    builder: Builder = field(default_factory=Builder)
    blobs: dict[tuple[str, int], Value | Unsized | None] = field(
        default_factory=dict[tuple[str, int], Value | Unsized | None]
    )
    """What each version of a blob is; ``None`` for losses and metrics, which nothing reads."""
    params: dict[Value, Stored] = field(default_factory=dict[Value, Stored])
    trained: dict[Stored, Blob] = field(default_factory=dict[Stored, Blob])
    origins: dict[Stored, Origin] = field(default_factory=dict[Stored, Origin])
    """Where each parameter is in a file of them."""
    losses: list[Term] = field(default_factory=list[Term])
    metrics: list[Term] = field(default_factory=list[Term])
    columns: dict[str, TensorType] = field(default_factory=dict[str, TensorType])
    """The columns of the data that losses and metrics read, with the batch."""
    notes: list[str] = field(default_factory=list[str])
    current: Layer | None = None
    _shared: dict[str, Value] = field(default_factory=dict[str, Value])
    _makers: dict[Value, Node] = field(default_factory=dict[Value, Node])

    @property
    def layer(self) -> Layer:
        assert self.current is not None
        return self.current

    def fail(self, why: str, *helps: str, at: Span | None = None) -> NoReturn:
        """Reject the layer that is being converted."""
        raise PrototxtError(
            f"{self.layer.described} {why}", self.layer.at if at is None else at, helps=helps
        )

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    # ---- operands ------------------------------------------------------------------------

    def bottom(self, index: int = 0) -> Value:
        """Return an input of the layer."""
        layer = self.layer
        if index >= len(layer.reads):
            self.fail(f"has {len(layer.reads)} inputs, and needs {index + 1}", "add a `bottom`")
        blob = layer.reads[index]
        found = self._blob(blob)
        if isinstance(found, Unsized):
            raise PrototxtError(
                f"the file does not say what size `{shown(found.name)}` has", found.at,
                notes=["its data have the size"],
                helps=[f"give it, without the batch: `--shape {shown(found.name)}=3x224x224`"],
            )  # fmt: skip
        if found is None:
            self.fail(f"reads `{shown(blob[0])}`, which is a loss or a metric")
        kept = layer.kept[index] if index < len(layer.kept) else True
        return found if kept else self.graph("stop_gradient", found)

    def bottoms(self) -> list[Value]:
        return [self.bottom(at) for at in range(len(self.layer.reads))]

    def _blob(self, blob: tuple[str, int]) -> Value | Unsized | None:
        if blob not in self.blobs:
            self.fail(f"reads `{shown(blob[0])}`, which no layer before it makes")
        return self.blobs[blob]

    def target(self, index: int, type: TensorType) -> Target:
        """Return what a loss compares with: a column of the data, or a result of the network."""
        if index >= len(self.layer.reads):
            self.fail(f"has {len(self.layer.reads)} inputs, and needs {index + 1}")
        blob = self.layer.reads[index]
        found = self._blob(blob)
        if isinstance(found, Unsized):
            known = self.columns.setdefault(found.name, type)
            if known != type:
                self.fail(f"reads `{shown(found.name)}` as {type}, another layer as {known}")
            return Target(None, found.name)
        return Target(self.bottom(index), "")

    def read_once(self, index: int = 0) -> bool:
        """Return whether only this layer reads an input."""
        return self.described.uses.get(self.layer.reads[index], 0) == 1

    # ---- nodes ---------------------------------------------------------------------------

    def graph(self, name: str, *inputs: Value, **attributes: object) -> Value:
        """Add an operator with one result."""
        (made,) = self.graph_many(name, *inputs, **attributes)
        return made

    def graph_many(self, name: str, *inputs: Value, **attributes: object) -> Values:
        """Add an operator, unless it changes nothing or undoes the one before it."""
        try:
            op = OPS[name].make(tuple(v.type for v in inputs), attributes)
            inferred = op.infer(*(v.type for v in inputs))
            if name in MOVING:
                shorter = simpler(op, inputs[0], inferred[0], self._makers, self.graph)
                if shorter is not None:
                    return (shorter,)
            for type in inferred:
                self._check_size(type.shape)
            made = self.builder.add(op, *inputs, name="v")
        except OperandError as rejected:
            self.fail(f"is rejected: {rejected.message}")
        except Intricate:
            self.fail("has a shape that is too long a formula")
        self._makers.update(dict.fromkeys(made, self.builder.nodes[-1]))
        return made

    def _check_size(self, shape: Sequence[Size]) -> None:
        total = 1
        for size in shape:
            total *= size if isinstance(size, int) else 1
        if total > _MOST:
            self.fail(f"makes {total:,} elements; {_MOST:,} is the most of Caffe")

    def number(self, value: float) -> Value:
        return self.graph("constant", value=value, dtype=F32)

    def scaled(self, x: Value, scale: float = 1.0, shift: float = 0.0) -> Value:
        """Return scale * x + shift, without what changes nothing."""
        if scale == -1.0:
            x = self.graph("neg", x)
        elif scale != 1.0:
            x = self.graph("mul", x, self.number(scale))
        return x if shift == 0.0 else self.graph("add", x, self.number(shift))

    def maker(self, value: Value) -> Node | None:
        return self._makers.get(value)

    def remove(self, node: Node) -> None:
        """Remove a node: the layer that is converted and the one before it are one of ours."""
        self.builder.nodes.remove(node)

    # ---- parameters ----------------------------------------------------------------------

    def parameter(
        self, part: str, shape: tuple[Size, ...], fields: Fields, filler: str, at: int,
        *, usual: float = 0.0, transposed: bool = False,
    ) -> Value:  # fmt: skip
        """Make a parameter of the layer.

        ``filler`` is the field that says how it is initialized, by default to ``usual``, and
        ``at`` counts the parameters of the layer.
        """
        layer = self.layer
        rate = layer.rates[at] if at < len(layer.rates) else Rate()
        sizes = self._known(shape)
        if rate.name in self._shared:
            shared = self._shared[rate.name]
            if shared.type.shape != shape:
                size = "x".join(map(str, shared.type.shape))
                self.fail(f"shares `{shown(rate.name)}`, which has another size: {size}")
            fields.skip(filler)
            return shared
        init = initializer(fields, filler, sizes, usual)
        if init == BILINEAR and any((n + 1) // 2 % 2 != n % 2 for n in sizes[2:]):
            size = "x".join(map(str, sizes[2:]))
            self.note(f"a bilinear kernel of {size} is off its center in Caffe, and centered here")
        made = self.held(part, sizes, Origin(layer.name, at, None, transposed), start=usual)
        self.trained[self.params[made]] = Blob(init, rate)
        if rate.name:
            self._shared[rate.name] = made
        return made

    def _known(self, shape: tuple[Size, ...]) -> tuple[int, ...]:
        self._check_size(shape)
        sizes = tuple(size for size in shape if isinstance(size, int))
        if len(sizes) < len(shape):
            self.fail("has a parameter whose size depends on the size of the batch")
        return sizes

    def held(
        self, part: str, sizes: tuple[int, ...], origin: Origin, *, start: float = 0.0
    ) -> Value:
        """Make a parameter, which takes no memory: the file has none of its elements."""
        array = np.broadcast_to(np.float32(start), sizes)
        path = self._path()
        made = self.builder.fresh(part, TensorType(F32, sizes))
        self.params[made] = Stored(array, (f"{path}.{part}",), part not in ("mean", "var"), start)
        self.origins[self.params[made]] = origin
        return made

    def _path(self) -> str:
        layer = self.layer
        return layer.name.replace("/", ".") or layer.kind.lower()


def channels(c: Building, x: Value, axis: int = 1) -> int:
    """Return the size of an axis that must be known."""
    if not -x.type.rank <= axis < x.type.rank:
        c.fail(f"works on axis {axis} of {x.type}, which it does not have")
    size = x.type.shape[axis]
    if not isinstance(size, int):
        c.fail("works on the axis of the batch")
    return size


def axis_of(c: Building, fields: Fields, x: Value, default: int, name: str = "axis") -> int:
    """Return an axis, counted from the first one."""
    axis = fields.whole(name, default, least=-x.type.rank)
    if axis >= x.type.rank:
        c.fail(f"works on axis {axis} of {x.type}, which it does not have", at=fields.span(name))
    return axis % x.type.rank
