"""What an operator states: types, meaning, lowering, gradient, samples and traits."""

from __future__ import annotations

import sys
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, Self, TypeVar, cast

from msgspec import Struct, StructMeta, field
from msgspec.structs import replace

from netlang.diagnostics import rules
from netlang.diagnostics.rules import Rule
from netlang.ir.dims import Dim, Shape, Size, substitute, symbols
from netlang.ir.registry import Registry
from netlang.ir.types import DType, TensorType, Types

if TYPE_CHECKING:
    from netlang.ir.graph import Builder, Cotangents, Graph, Node, Values
    from netlang.system.numpy import Array


class OperandError(Exception):
    """An operator rejects its operands: an error of the user's, in the user's terms.

    ``operand`` is the position of the operand to point at (``None``: the whole call), ``other``
    that of one it does not fit, ``label`` the text at the first, ``rule`` the diagnostic's rule.
    ``either`` has a help for each operand that could be changed to fit the other, ``wanted`` the
    shape that an operand should have, and ``arguments`` what to write for arguments of the call:
    in a help, ``{call}`` is the call with them.
    """

    def __init__(
        self,
        message: str,
        *,
        rule: Rule | None = None,
        operand: int | None = None,
        other: int | None = None,
        label: str = "",
        notes: Sequence[str] = (),
        helps: Sequence[str] = (),
        either: Mapping[int, str] | None = None,
        wanted: Mapping[int, Shape] | None = None,
        arguments: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.rule = rules.SHAPE_MISMATCH if rule is None else rule
        self.operand = operand
        self.other = other
        self.label = label
        self.notes = tuple(notes)
        self.helps = tuple(helps)
        self.either = either
        self.wanted = wanted or {}
        self.arguments = arguments or {}


class NoGradientError(Exception):
    """A gradient was requested through an operator that has none.

    ``node`` refers to the position in the program.
    """

    def __init__(self, message: str, node: Node | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.node = node


class Operand(Struct, frozen=True):
    """A tensor inside an ONNX graph: its name there, and its type."""

    name: str
    type: TensorType


class OnnxBuilder(Protocol):
    """Adds ONNX nodes to which an operator is lowered."""

    @property
    def opset(self) -> int: ...

    def add(self, op_type: str, *inputs: Operand | str, **attributes: object) -> str:
        """Add a node with one output and return its name; ``""`` is an omitted input."""
        ...

    def add_many(
        self, op_type: str, *inputs: Operand | str, outputs: int, **attributes: object
    ) -> tuple[str, ...]:
        """Add a node with several outputs and return their names."""
        ...

    def constant(self, values: object, dtype: DType) -> str:
        """Return the name of a constant tensor of ``values`` (a number or nested lists)."""
        ...

    def shape(self, sizes: Shape, *, like: Operand | None = None) -> str:
        """Return the name of a 1-D i64 tensor of ``sizes``, computed at run time if symbolic.

        With ``like``, the result is for Reshape of that operand: an axis equal to the same axis
        of ``like`` becomes 0, and one remaining symbolic size becomes -1.
        """
        ...

    def axes(self, axes: Sequence[int]) -> str:
        """Return the name of a constant 1-D i64 tensor."""
        ...

    def carried(self, operand: Operand) -> bool:
        """Return whether an operand is a state, such as a weight in a training step."""
        ...

    def scan(
        self, body: Graph, carried: int, scanned: int, operands: Sequence[Operand], *,
        reverse: bool = False,
    ) -> tuple[str, ...]:  # fmt: skip
        """Add a Scan over axis 1 whose body reads the operands past the scanned from outside."""
        ...


class Window(Struct, frozen=True):
    """Receptive field of one output position, per spatial axis.

    In input positions: the extent with dilation, the stride, and the padding before.
    """

    extent: tuple[int, ...]
    stride: tuple[int, ...]
    before: tuple[int, ...]


class AxisWindow(Struct, frozen=True):
    """Receptive field of the positions of a result, along one axis of the first operand.

    A position depends on ``extent`` positions of the operand. The first position starts at
    ``start``, and neighbors are ``stride`` apart, which is a fraction if the axis was upsampled.
    """

    extent: int
    stride: float
    start: int = 0


Family = Literal[
    "recurrent",
    "attention",
    "convolution",
    "dense",
    "pooling",
    "normalization",
    "activation",
    "join",
    "other",
]
"""Kinds of layers, from the one that characterizes a group of layers most to the least."""


Read = Literal["operands", "others", "results", "results by the last"]
"""What a gradient reads: the operands; for the gradient by each operand the others; the results, or
those only for the gradient by the last operand."""


class Sample(Struct, frozen=True):
    """An operator with operand types for which every law must hold.

    Operands are sampled from a normal distribution, or uniformly from ``low`` to ``high`` if given
    (integers: ``low <= x < high``; both Booleans are equally likely). ``sizes`` holds values of the
    symbols in the types.
    """

    op: Primitive
    types: Types
    low: float | None = None
    high: float | None = None
    sizes: Mapping[str, int] = field(default_factory=dict[str, int])


class _OperatorMeta(StructMeta, ABCMeta):
    """Structs whose abstract methods must be defined."""


class Primitive(Struct, frozen=True, metaclass=_OperatorMeta):
    """An operator that states all its rules.

    Its fields are its attributes, its docstring is its manual page, and its methods are its laws.
    Sizes among the attributes may be symbolic; ``at`` fixes them before ``forward`` is called.
    """

    name: ClassVar[str]
    operands: ClassVar[tuple[str, ...]]
    """Names of the operands; a name that ends in ``*`` denotes any number of operands."""
    no_gradient: ClassVar[str] = ""
    """Why the operator has no gradient, as a clause; then it counts as a constant. ``""`` if
    ``vjp`` is defined."""
    partial_cotangents: ClassVar[bool] = False
    """Whether ``vjp`` takes ``None`` for a result that nothing depends on, not zeros."""
    gradient_reads: ClassVar[tuple[Read, ...]] = ()
    """The floating-point numbers that the gradient reads."""
    passes_gradient: ClassVar[bool] = False
    """Whether the cotangent of an operand of the shape of the result is that of the result."""
    stops_gradient: ClassVar[bool] = False
    """Whether the operator exists to block gradients: nothing is trained through it."""
    family: ClassVar[Family] = "other"
    """The kind of layer, by which diagrams and selections group layers."""
    view: ClassVar[bool] = False
    """Whether the result is the first operand in another shape, in the same memory."""
    retypes: ClassVar[bool] = False
    """Whether only the type changes: where the types agree, the result is the first operand."""
    pointwise: ClassVar[bool] = False
    """Whether each element depends on that element of the first operand and on parameters alone."""
    linear: ClassVar[bool] = False
    """Whether the operands are a tensor, a weight it is multiplied by and, maybe, a bias."""
    random: ClassVar[bool] = False
    """Whether the operator samples random numbers, in training at least."""
    running_statistics: ClassVar[bool] = False
    """Whether training replaces the last operands by statistics of the batches."""
    formula: ClassVar[str] = ""
    """The result as a NumPy expression of the operands, attributes and class attributes by name,
    such as ``{a} + {b}``, for generated programs; ``""``: they call a function."""
    usual: ClassVar[Mapping[str, int]] = {}
    """Attributes that most calls leave at a number on every axis, which a generated program takes
    as the default."""
    makes_sequence: ClassVar[bool] = False
    """Whether a result of rank 3 is a sequence of vectors for each example, ``[N, T, D]``."""
    normalizes_channels: ClassVar[bool] = False
    """Whether the second axis is the channels, each normalized with parameters of its own."""
    joins: ClassVar[bool] = False
    """Whether the operands follow each other in the result, along the axis ``axis``."""
    lists_results: ClassVar[bool] = False
    """Whether a call returns a list of the results, also where there is only one."""
    on_numbers: ClassVar[Callable[..., object] | None] = None
    """The same function of Python numbers, for calls with numbers only; may raise ``ValueError``
    or ``OverflowError`` where it has no value."""

    @classmethod
    def make(cls, types: Types, attributes: Mapping[str, object]) -> Self:
        """Return the operator for a call in the language.

        ``attributes`` holds the checked values of the signature in the prelude: ints, floats,
        bools, strings, lists, tuples, sizes.
        """
        return cls(**attributes)

    @abstractmethod
    def infer(self, *types: TensorType) -> Types:
        """Return the types of the results; raises ``OperandError`` for an error of the user's."""

    @abstractmethod
    def forward(self, *operands: Array) -> tuple[Array, ...]:
        """Compute with NumPy, in float32 or float64: the meaning of the operator."""

    def plain(self, *operands: Array) -> tuple[Array, ...]:
        """Compute like ``forward``; generated programs contain the source of this method.

        To be defined where that of ``forward`` is not self-contained: it may only use attributes,
        methods, NumPy, the standard library, and functions to which the same applies.
        """
        return self.forward(*operands)

    def python_function(self) -> tuple[str, Mapping[str, object]] | None:
        """Return the function ``module:name`` of an operator implemented elsewhere.

        With its settings, passed by name; ``""`` if there is no function. ``None`` for an operator
        that the compiler implements.
        """
        return None

    @abstractmethod
    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        """Lower to standard ONNX operators."""

    @classmethod
    @abstractmethod
    def samples(cls) -> Sequence[Sample]:
        """Return instances and operand types, which the laws and the manual use."""

    def macs(self, *types: TensorType) -> Size:
        """Return the exact number of multiply-adds; 0 for operators without products."""
        del types
        return 0

    def indexed(self, *types: TensorType) -> tuple[int, Size] | None:
        """Return the operand that holds indices, and the number of entries they select from."""
        del types
        return None

    def workspace(self, *types: TensorType) -> Sequence[Size]:
        """Return the sizes of the arrays, besides the results, that a step makes to compute this.

        In elements of the type of the result.
        """
        del types
        return ()

    def mask(self, *types: TensorType) -> Size:
        """Return the elements that are sampled in training and stored for the gradient."""
        del types
        return 0

    def gradient_workspace(self, *types: TensorType) -> Sequence[Size]:
        """Return the sizes of the arrays that a step makes to compute the gradient of this."""
        del types
        return ()

    def window(self, *types: TensorType) -> Window | None:
        """Return the window into the first operand; ``None`` for operators without windows."""
        del types
        return None

    def toward(self, wanted: Shape, *types: TensorType) -> Mapping[str, int]:
        """Return arguments of the layer that would make its result ``wanted``, or none."""
        del wanted, types
        return {}

    def axis_window(self, axis: int, *types: TensorType) -> AxisWindow | None:
        """Return the receptive field along an axis of the first operand that is changed.

        For operators without windows; ``None`` if each position depends on the same position.
        """
        del axis, types
        return None

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        """Add the nodes of the gradient: cotangents of the results to those of the operands.

        ``cts`` has a cotangent for each of ``outputs``, of its type. Returns ``None`` for an
        operand without gradient. Raises ``NoGradientError`` if the operator has none.
        """
        del b, inputs, outputs, cts
        raise NoGradientError(f"`{self.name}` has no gradient")

    def moved(self, axis: int, source: Shape, target: Shape) -> int | None:
        """Return the index in the result of an axis of an operand; ``None`` if it is dropped.

        By default, shapes are aligned at their ends, as in broadcasting.
        """
        at = axis + len(target) - len(source)
        return at if at >= 0 else None

    def seen_whole(self, operand: int, rank: int) -> frozenset[int]:
        """Return the axes of an operand on all of which each position of the result depends."""
        del operand, rank
        return frozenset()

    def at(self, sizes: Mapping[str, int]) -> Self:
        """Substitute sizes for the symbols among the attributes."""
        changed = {
            name: fixed
            for name in self.__struct_fields__
            if (fixed := _at(value := getattr(self, name), sizes)) is not value
        }
        return replace(self, **changed) if changed else self

    def __str__(self) -> str:
        attributes = ", ".join(
            f"{name}={show_attribute(getattr(self, name))}" for name in self.__struct_fields__
        )
        return f"{self.name}{{{attributes}}}" if attributes else self.name


def _at(value: object, sizes: Mapping[str, int]) -> object:
    if isinstance(value, Dim) and symbols(value):
        return substitute(value, sizes)
    if isinstance(value, tuple):
        items = cast("tuple[object, ...]", value)
        fixed = tuple(_at(item, sizes) for item in items)
        return fixed if any(a is not b for a, b in zip(fixed, items, strict=True)) else items
    return value


def show_attribute(value: object) -> str:
    """Return an attribute as the text of a graph has it; of a graph inside, its name."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case str():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            return f'"{escaped}"'
        case tuple():
            items = cast("tuple[object, ...]", value)
            return f"[{', '.join(map(show_attribute, items))}]"
        case float():
            return repr(value)
        case _:
            return str(value)


OPS = Registry("netlang.ops")
P = TypeVar("P", bound=Primitive)


def register(cls: type[P]) -> type[P]:
    """Register an operator for the language, the documentation and the tests."""
    if not cls.__doc__ and sys.flags.optimize < 2:  # -OO strips every docstring
        raise ValueError(f"operator {cls.name!r} has no docstring")
    OPS[cls.name] = cls
    return cls
