"""The values that expressions have while a file is checked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal, get_args

from msgspec import Struct, field

from netlang.diagnostics.source import Source, Span
from netlang.ir.dims import Dim
from netlang.ir.graph import Value
from netlang.ir.types import DType, TensorType
from netlang.syntax import ast

if TYPE_CHECKING:
    from netlang.evaluate.context.frame import CallSite
    from netlang.evaluate.modules.module import ModuleScope


class Unknown:
    """The value of an expression with an error: suppresses errors that follow from it."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN: Final = Unknown()


def public_name(name: str) -> str:
    """Return the name that programs use: ``split`` for ``_split_rows``, another form of it."""
    if not name.startswith("_"):
        return name
    public = name.removeprefix("_")
    for ending in ("_image", "_column", "_rows", "_of_parameters"):
        public = public.removesuffix(ending)
    return public


class Function(Struct, frozen=True, eq=False):
    """A definition, such as a ``block`` or an ``extern op``, and the file it is in."""

    definition: ast.Definition | ast.Extern
    module: ModuleScope

    @property
    def name(self) -> str:
        return self.definition.name.text

    @property
    def implementation(self) -> str:
        """The operator or built-in an ``extern op`` of the library resolves to.

        A private definition, `_prelu`, leaves the public name to the block around it.
        """
        return self.name.removeprefix("_")

    @property
    def public_name(self) -> str:
        """The name that programs call it by: ``flip`` for ``_flip_image``, a transform."""
        return public_name(self.name)

    @property
    def kind(self) -> str:
        return self.definition.kind

    @property
    def params(self) -> tuple[ast.Param, ...]:
        """The parameters of a call; every optimizer takes ``groups``."""
        if self.kind == "optimizer":
            return (*self.definition.params, GROUPS)
        return self.definition.params


def _groups() -> ast.Param:
    """Return the parameter of every optimizer."""
    source = Source("<netlang>", "groups: [group] = []", library=True)
    type = ast.ListType(Span(source, 8, 15), ast.NameType(Span(source, 9, 14), "group"))
    name, default = ast.Ident(Span(source, 0, 6), "groups"), ast.List(Span(source, 18, 20), ())
    return ast.Param(Span(source, 0, 20), name, type, default, True)


GROUPS = _groups()


class Layer(Struct, frozen=True, eq=False):
    """What ``new`` creates: a block, some of its arguments, and the parameters it owns."""

    function: Function
    arguments: Mapping[str, Argued]
    path: str
    span: Span
    origin: object = None
    """The trace to the ``new`` that created it: layers with the same origin are the same layer."""


class Bound(Struct, frozen=True, eq=False):
    """A block with some of its arguments: each call of it creates parameters, like the block."""

    function: Function
    arguments: Mapping[str, Argued]
    span: Span


class Results(Struct, frozen=True, eq=False):
    """The named results of a call that returns several."""

    values: Mapping[str, Object]


class NamedTuple(tuple["Object", ...]):
    """A tuple with a name for each item, such as a row of a plan: ``(kernel=3, out=16)``."""

    names: tuple[str, ...]

    def __new__(cls, items: Iterable[Object], names: Sequence[str]) -> NamedTuple:
        made = super().__new__(cls, items)
        made.names = tuple(names)
        return made


PADDINGS = ("same", "valid", "half", "causal")
"""The keywords for a padding."""
BALANCED = "balanced"
"""The word for weights of classes that the training data determine."""
FILLINGS = ("mean", "most_frequent")
"""What missing values may be filled with, besides a number or a text."""


Mode = Literal["max", "min"]
MODES: tuple[Mode, ...] = get_args(Mode)
"""Which way a watched metric improves."""

DIRECTIONS: Mapping[str, Mode] = {"loss": "min", "score": "max"}
"""Names of results by which a definition declares which way they improve."""


class Word(Struct, frozen=True):
    """A bare word with a fixed meaning, such as ``same``."""

    text: str


class Duration(Struct, frozen=True):
    """A number of epochs or of steps."""

    amount: float
    unit: str

    def __str__(self) -> str:
        unit = self.unit if self.amount != 1 else self.unit[:-1]
        return f"{self.amount:g} {unit}"


class Sampled(float):
    """A learning rate at one step; called with another step, it gives the rate there."""

    _at: Callable[[float], float]

    def __new__(cls, at: Callable[[float], float], step: float) -> Sampled:
        made = super().__new__(cls, at(step))
        made._at = at
        return made

    def __call__(self, step: float) -> float:
        return self._at(step)


class Setting(Struct, frozen=True, eq=False):
    """A checked call of a training function: an initializer, a schedule, an optimizer, a rule."""

    type: str
    name: str
    arguments: Mapping[str, Object] = field(default_factory=dict[str, "Object"])
    call: CallSite | None = None
    """The call of the definition with the body, for an optimizer or a schedule."""
    overrides: tuple[Argued, ...] = ()
    """Of a group: what it sets for its parameters, arguments of their optimizer."""


class Part(Struct, frozen=True, eq=False):
    """The parameters of a layer below ``path``, which is relative to the layer."""

    layer: Layer
    path: str
    names: tuple[str, ...] = ()
    """The parameters below it; none if it is itself one, which a later call of the layer makes."""


class IntRange(Struct, frozen=True):
    """``first..last``; both ends belong to it."""

    first: int
    last: int

    def __len__(self) -> int:
        return max(0, self.last - self.first + 1)


class Origin(Struct, frozen=True, eq=False):
    """Where examples come from, and what is done to them.

    ``columns`` are the declared types, before any of the ``steps``: settings named ``map`` (a list
    of transforms for each column), ``together`` (``columns`` and ``transforms``) and ``part``
    (``first`` and ``last``), in order. ``fields`` are those of a program's own ``dataset``;
    ``library`` is true for those of the prelude. ``batches`` has the arguments of ``batches``.
    ``about`` is the comment above the declaration.
    """

    dataset: str
    arguments: Mapping[str, Object]
    fields: Mapping[str, Object]
    columns: Mapping[str, TensorType]
    library: bool
    steps: tuple[Setting, ...] = ()
    batches: Mapping[str, Object] = field(default_factory=dict[str, "Object"])
    about: str = ""


class Examples(Struct, frozen=True, eq=False):
    """Examples with typed columns; ``batched`` once ``batches`` has put ``N`` in front."""

    columns: Mapping[str, TensorType]
    origin: Origin
    batched: bool = False


class Argued(Struct, frozen=True, eq=False):
    """An argument of a call: its value, its span, and its name if it has one."""

    value: Object
    span: Span
    expr: ast.Expr | None = None
    name: ast.Ident | None = None


Object = (
    Value
    | int
    | Dim
    | float
    | bool
    | str
    | None
    | list["Object"]
    | tuple["Object", ...]
    | Unknown
    | Function
    | Layer
    | Bound
    | Results
    | Word
    | Duration
    | Setting
    | Part
    | IntRange
    | Examples
    | DType
)


def fields_of(value: Results | NamedTuple) -> Mapping[str, Object]:
    """Return what has a name in a value."""
    if isinstance(value, Results):
        return value.values
    return dict(zip(value.names, value, strict=True))


def is_number(value: Object) -> bool:
    """Return whether a value is an int (symbolic or not) or a float."""
    return isinstance(value, int | float | Dim) and not isinstance(value, bool)


def takes_tensor(param: ast.Param) -> bool:
    """Return whether a parameter is a tensor: it has a shape, or no type at all."""
    type = param.type
    while isinstance(type, ast.OptionalType):
        type = type.inner
    return type is None or isinstance(type, ast.ShapeType)


def is_rate(param: ast.Param) -> bool:
    """Return whether a parameter is a learning rate, which may change from step to step."""
    match param.type:
        case ast.NameType(name="schedule"):
            return True
        case ast.OptionalType(inner=ast.NameType(name="schedule")):
            return True
        case _:
            return False


def lacks_input(function: Function, positional: int, named: Collection[str]) -> bool:
    """Return whether a call lacks its input: a tensor comes first, and something is missing."""
    if function.kind not in ("block", "op", "net") or not function.params:
        return False
    first = function.params[0]
    rest = [p for p in function.params if p.name.text not in named]
    taken = [p for p in rest if not p.keyword_only][:positional]
    missing = any(p.default is None and p not in taken for p in rest)
    return missing and takes_tensor(first) and first.name.text not in named


def is_block_in_list(call: ast.Call, function: Function) -> bool:
    """Return whether a call in a list, or as an argument, is a block by the look of it."""
    names = [arg.name.text for arg in call.args if arg.name is not None]
    return lacks_input(function, len(call.args) - len(names), names)
