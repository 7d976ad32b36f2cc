"""What an operator must say about itself."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, Self, TypeVar, cast

from netlang.diagnostics import rules
from netlang.diagnostics.rules import Rule
from netlang.ir.dims import Dim, Shape, Size, substitute, symbols
from netlang.ir.registry import Registry
from netlang.ir.types import DType, TensorType, Types

if TYPE_CHECKING:
    from netlang.ir.graph import Builder, Cotangents, Graph, Node, Values
    from netlang.system.numpy import Array


class OperandError(Exception):
    """An operator refused its operands: a user's mistake, in words a user understands.

    ``operand`` is the position of the operand to point at (``None``: the whole call), ``other``
    that of one it does not fit, ``label`` what to say at the first, ``rule`` the diagnostic's name
    in ``netlang.diagnostics.rules``.
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
    ) -> None:
        super().__init__(message)
        self.message = message
        self.rule = rules.SHAPE_MISMATCH if rule is None else rule
        self.operand = operand
        self.other = other
        self.label = label
        self.notes = tuple(notes)
        self.helps = tuple(helps)


class NoGradientError(Exception):
    """A gradient was asked for through an operator that cannot give one.

    ``node`` is where: it leads back to the program.
    """

    def __init__(self, message: str, node: Node | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.node = node


@dataclass(frozen=True, slots=True)
class Operand:
    """A tensor inside an ONNX graph: its name there, and its type."""

    name: str
    type: TensorType


class OnnxBuilder(Protocol):
    """What an operator may use to lower itself to ONNX."""

    @property
    def opset(self) -> int: ...

    def add(self, op_type: str, *inputs: Operand | str, **attributes: object) -> str:
        """Add a node with one output and give its name; ``""`` is an omitted input."""
        ...

    def add_many(
        self, op_type: str, *inputs: Operand | str, outputs: int, **attributes: object
    ) -> tuple[str, ...]:
        """Add a node with several outputs and give their names."""
        ...

    def constant(self, values: object, dtype: DType) -> str:
        """Name a constant tensor of ``values`` (a number or nested lists)."""
        ...

    def shape(self, sizes: Shape, *, like: Operand | None = None) -> str:
        """Name a 1-D i64 tensor that holds ``sizes``, computed at run time where symbolic.

        With ``like``, the result is for Reshape of that operand: an axis equal to the same axis
        of ``like`` becomes 0, and one remaining symbolic size becomes -1.
        """
        ...

    def axes(self, axes: Sequence[int]) -> str:
        """Name a constant 1-D i64 tensor."""
        ...

    def carried(self, operand: Operand) -> bool:
        """Tell whether an operand is a state, as a weight is in a step of training."""
        ...

    def scan(
        self, body: Graph, carried: int, scanned: int, operands: Sequence[Operand]
    ) -> tuple[str, ...]:
        """Add a Scan over axis 1 whose body reads the operands past the scanned from outside."""
        ...


@dataclass(frozen=True, slots=True)
class Window:
    """How an operator's output positions look at its input, per spatial axis.

    Sizes in input positions: the window's extent with dilation, its stride, the padding before.
    """

    extent: tuple[int, ...]
    stride: tuple[int, ...]
    before: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AxisWindow:
    """How positions of a result look at one axis of the first operand.

    A position sees ``extent`` positions of the operand. The first position of the result sees them
    from ``start`` on, and neighbors are ``stride`` apart, a fraction where the axis was enlarged.
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


@dataclass(frozen=True, slots=True)
class Sample:
    """An instance of an operator and operand types on which every law must hold.

    Operands are drawn from a normal distribution; where that makes no sense ``low`` and ``high``
    bound them (integers: ``low <= x < high``; bools are drawn fairly). ``sizes`` gives values to
    the symbols the types use.
    """

    op: Primitive
    types: Types
    low: float | None = None
    high: float | None = None
    sizes: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True)
class Primitive(ABC):
    """An operator that states all its rules.

    Its fields are its attributes, its docstring is its manual page, and its methods are its laws.
    Sizes among the attributes may be symbolic; ``at`` fixes them before ``forward`` is called.
    """

    name: ClassVar[str]
    operands: ClassVar[tuple[str, ...]]
    """Names of the operands; a name that ends in ``*`` stands for any number of them."""
    no_gradient: ClassVar[str] = ""
    """Why nothing flows back through the operator, as a part of a sentence; then it is a constant
    to every gradient. ``""`` where ``vjp`` is stated."""
    stops_gradient: ClassVar[bool] = False
    """Whether the operator is there to keep gradients out: what is before it is not trained."""
    family: ClassVar[Family] = "other"
    """The kind of layer the operator makes, by which diagrams and selections group layers."""
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
    lists_results: ClassVar[bool] = False
    """Whether a call returns a list of the results, also where there is only one."""
    on_numbers: ClassVar[Callable[..., object] | None] = None
    """The same function of Python numbers, for calls with numbers only; may raise ``ValueError``
    or ``OverflowError`` where it has no value."""

    @classmethod
    def make(cls, types: Types, attributes: Mapping[str, object]) -> Self:
        """Turn the arguments of a call in the language into attributes.

        ``attributes`` holds the checked values of the signature in the prelude: ints, floats,
        bools, strings, lists, tuples, sizes.
        """
        return cls(**attributes)

    @abstractmethod
    def infer(self, *types: TensorType) -> Types:
        """Give the types of the results; raise ``OperandError`` for a user's mistake."""

    @abstractmethod
    def forward(self, *operands: Array) -> tuple[Array, ...]:
        """Compute with NumPy, in float32 or float64: the meaning of the operator."""

    @abstractmethod
    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        """Lower to standard ONNX operators."""

    @classmethod
    @abstractmethod
    def samples(cls) -> Sequence[Sample]:
        """Give instances and operand types that feed every law and the manual."""

    def macs(self, *types: TensorType) -> Size:
        """Count the multiply-adds, exactly: 0 unless this multiplies and adds."""
        del types
        return 0

    def window(self, *types: TensorType) -> Window | None:
        """Say how output positions look at the first operand; ``None`` where one sees one."""
        del types
        return None

    def axis_window(self, axis: int, *types: TensorType) -> AxisWindow | None:
        """Return how an axis of the first operand is seen where the result has it otherwise.

        For operators that are no window: ``None`` where each position sees the same one.
        """
        del axis, types
        return None

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        """Add the nodes of the gradient: cotangents of the results to those of the operands.

        ``cts`` has a cotangent for each of ``outputs``, of its type. ``None`` for an operand
        nothing flows back to. Raises ``NoGradientError`` where the operator has none.
        """
        del b, inputs, outputs, cts
        raise NoGradientError(f"`{self.name}` has no gradient")

    def moved(self, axis: int, source: Shape, target: Shape) -> int | None:
        """Say where an axis of an operand is in the result; ``None`` where it is gone.

        Shapes line up at their ends by default, as they do where a lower rank is stretched.
        """
        at = axis + len(target) - len(source)
        return at if at >= 0 else None

    def seen_whole(self, operand: int, rank: int) -> frozenset[int]:
        """Name the axes of an operand that every position of the result sees from end to end."""
        del operand, rank
        return frozenset()

    def at(self, sizes: Mapping[str, int]) -> Self:
        """Fix the symbols among the attributes."""
        changed = {
            f.name: fixed
            for f in fields(self)
            if (fixed := _at(value := getattr(self, f.name), sizes)) is not value
        }
        return replace(self, **changed) if changed else self

    def __str__(self) -> str:
        attributes = ", ".join(f"{f.name}={_shown(getattr(self, f.name))}" for f in fields(self))
        return f"{self.name}{{{attributes}}}" if attributes else self.name


def _at(value: object, sizes: Mapping[str, int]) -> object:
    if isinstance(value, Dim) and symbols(value):
        return substitute(value, sizes)
    if isinstance(value, tuple):
        items = cast("tuple[object, ...]", value)
        fixed = tuple(_at(item, sizes) for item in items)
        return fixed if any(a is not b for a, b in zip(fixed, items, strict=True)) else items
    return value


def _shown(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value}"'
        case tuple():
            items = cast("tuple[object, ...]", value)
            return f"[{', '.join(map(_shown, items))}]"
        case _:
            return str(value)


OPS = Registry("netlang.ops")
P = TypeVar("P", bound=Primitive)


def register(cls: type[P]) -> type[P]:
    """Make an operator known to the language, the documentation and the tests."""
    told = cls.__doc__ and not cls.__doc__.startswith(f"{cls.__name__}(")
    if not told and sys.flags.optimize < 2:  # -OO strips every docstring
        raise ValueError(f"operator {cls.name!r} has no docstring")
    OPS[cls.name] = cls
    return cls
