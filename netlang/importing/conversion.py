"""The conversion of nodes of another format to a graph of our operators.

What a node reads is known (an array of the file), or a shape that is computed at run time (a
vector of sizes), or a tensor. Nodes of known arrays and sizes are computed here, with the meaning
that our operators state; only what is left becomes a node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn, cast

from msgspec import Struct, field

from netlang.backends.onnx.foreign import Foreign, ForeignNode, describe, shown
from netlang.diagnostics.errors import FileError
from netlang.importing.constants import constant
from netlang.importing.operands import Known, Operand, Operands, Sizes, Stored, decimal
from netlang.importing.simplifying import MOVING, simpler
from netlang.ir.arrays import dtype_of, numpy_dtype
from netlang.ir.dims import Size, exact_quotient, substitute, symbol, symbols
from netlang.ir.graph import Builder, Node, Value, Values
from netlang.ir.op import OPS, OperandError
from netlang.ir.types import I64, TensorType
from netlang.system.numpy import Array, np

_LARGEST_FOLDED = 1 << 24
"""Elements of a constant that is computed from smaller ones."""


_WEIGHTS: Mapping[str, Sequence[int]] = {
    "convolve": (1, 2), "convolve_transpose": (1, 2), "linear": (1, 2), "gather_rows": (0,),
    "normalize_batch": (1, 2), "normalize_layer": (1,), "normalize_instance": (1, 2),
    "normalize_group": (1, 2), "normalize_rms": (1,), "prelu": (1,),
}  # fmt: skip
"""The operands that are parameters of a layer, also where all their elements are equal."""


_ELEMENTWISE = ("add", "sub", "mul", "div")
"""Operators whose operands have equal sizes, which may be what shows that they are."""


Convert = Callable[["Conversion", ForeignNode, Operands], Sequence[Operand]]


class Unsupported(FileError):
    """A node without a counterpart."""


class Equated(Exception):
    """A node shows that a free size of an input is a number, or equals another one."""

    def __init__(self, name: str, size: Size, node: ForeignNode) -> None:
        super().__init__(name)
        self.name = name
        self.size = size
        self.node = node


class Conversion(Struct, eq=False):
    """What is known while nodes are converted one by one."""

    foreign: Foreign
    uses: Mapping[str, int]
    builder: Builder = field(default_factory=Builder)
    found: dict[str, Operand] = field(default_factory=dict[str, Operand])
    """What each name of the file means."""
    params: dict[Value, Stored] = field(default_factory=dict[Value, Stored])
    hints: dict[Value, str] = field(default_factory=dict[Value, str])
    """The name in the file that a value goes by, where it tells something."""
    rounded: int = 0
    """How many values the model rounds to integers and back."""
    node: ForeignNode | None = None
    converted: int = 0
    """How many nodes were converted so far, those of a loop once for each iteration."""
    _named: set[Value] = field(default_factory=set[Value])
    _renamed: set[Value] = field(default_factory=set[Value])
    """Values that the file has several names for, so that no name tells who reads them."""
    _made: dict[object, Value] = field(default_factory=dict[object, Value])
    _kept: list[Array] = field(default_factory=list[Array])
    """Arrays whose addresses are keys, so that no other array gets one of them."""
    _computed: dict[object, list[Known]] = field(default_factory=dict[object, list[Known]])
    _by_value: dict[Value, Node] = field(default_factory=dict[Value, Node])

    @property
    def opset(self) -> int:
        return self.foreign.opset

    def fail(self, why: str, *helps: str) -> NoReturn:
        """Reject the node that is being converted."""
        assert self.node is not None
        raise Unsupported(f"{describe(self.node)} of {self.foreign.path} {why}", helps=list(helps))

    def equate(self, one: Size, other: Size) -> None:
        """Note that two sizes are equal: raises ``Equated`` if that says what a symbol is."""
        assert self.node is not None
        for a, b in ((one, other), (other, one)):
            ratio = _ratio(a, b)
            if ratio is not None:
                raise Equated(*ratio, self.node)
        unit = _unit(one, other)
        if unit is not None:
            raise Equated(*unit, self.node)

    def bind(self, name: str, operand: Operand) -> None:
        """Note what a name of the file means."""
        self.found[name] = operand
        if isinstance(operand, Value):
            (self._renamed if operand in self._named else self._named).add(operand)

    # ---- operands ------------------------------------------------------------------------

    def array(self, operand: Operand | None, what: str) -> Array:
        """Return a known array, or reject the node for an operand computed at run time."""
        if isinstance(operand, Known):
            return operand.array
        self.fail(f"takes {what} that are computed at run time", "export it with constants")

    def ints(self, node: ForeignNode, xs: Operands, at: int, name: str) -> tuple[int, ...] | None:
        """Return integers that older operator sets have as an attribute, newer as an input."""
        if len(xs) > at and xs[at] is not None:
            return tuple(int(n) for n in self.array(xs[at], f"`{name}`").reshape(-1))
        value = node.attributes.get(name)
        if value is None:
            return None
        return (value,) if isinstance(value, int) else tuple(cast("Sequence[int]", value))

    def number(
        self, node: ForeignNode, xs: Operands, at: int, name: str, default: float | None
    ) -> float | None:
        """Return a number that is an attribute or an input."""
        if len(xs) > at and xs[at] is not None:
            return float(self.array(xs[at], f"`{name}`").reshape(-1)[0])
        value = node.attributes.get(name)
        return decimal(value) if isinstance(value, int | float) else default

    def sizes(self, operand: Operand | None, what: str) -> tuple[Size, ...]:
        """Return a vector of sizes."""
        match operand:
            case Sizes(items):
                return items
            case Known(array):
                return tuple(int(n) for n in array.reshape(-1))
            case _:
                self.fail(f"takes {what} that depend on the data")

    def type(self, operand: Operand | None) -> TensorType:
        match operand:
            case Value():
                return operand.type
            case Known(array):
                dtype = dtype_of(array)
                if dtype is None:
                    self.fail(f"has elements of another kind: {array.dtype.name}")
                return TensorType(dtype, tuple(array.shape))
            case Sizes(items, scalar):
                return TensorType(I64, () if scalar else (len(items),))
            case None:
                self.fail("lacks an input")

    def tensor(self, operand: Operand | None) -> Value:
        """Return an operand as a tensor of the graph: a number, a parameter, or what it is."""
        match operand:
            case Value():
                return operand
            case Known():
                return self._held(operand)
            case Sizes(items, scalar):
                return self._measured(items, scalar)
            case None:
                self.fail("lacks an input")

    def number_like(self, number: float, like: Operand) -> Known:
        """Return a number with elements of the kind that a tensor has."""
        return Known(np.asarray(number, numpy_dtype(self.type(like).dtype)))

    def weight(self, operand: Operand, *, trained: bool = True) -> Value:
        """Return an operand as a parameter where it is known, whatever its elements."""
        if isinstance(operand, Known):
            return self._held(operand, weight=True, trained=trained)
        return self.tensor(operand)

    def _measured(self, items: tuple[Size, ...], scalar: bool) -> Value:
        made = [
            self.graph("constant", value=n, dtype=I64)
            if isinstance(n, int)
            else self.graph("measure", size=n, dtype=I64)
            for n in items
        ]
        return made[0] if scalar else self.graph("stack", *made, axis=0)

    def parameter(self, array: Array, names: tuple[str, ...], *, trained: bool = True) -> Value:
        """Return a parameter that holds an array."""
        dtype = dtype_of(array)
        assert dtype is not None
        # Written in full where two parameters come from one array: each has a path of its own.
        value = self.builder.fresh(
            shown(names[0]) if names else "constant", TensorType(dtype, tuple(array.shape))
        )
        self.params[value] = Stored(array, names, trained)
        return value

    def part(self, known: Known, array: Array, part: object) -> Value:
        """Return the parameter that is a part of an array: one for all uses of this part."""
        key = (part, _identity(known))
        if key not in self._made or self._is_fresh(known):
            self._made[key] = self.parameter(array, known.names or ("weight",))
            self._kept.append(known.array)
        return self._made[key]

    def _held(self, known: Known, *, weight: bool = False, trained: bool = True) -> Value:
        """Return the tensor of an array; one for all uses of the same memory."""
        array = known.array
        key = (weight, trained, _identity(known))
        if key not in self._made or self._is_fresh(known):
            turned = (weight, trained, _identity(Known(array.T, known.names)))
            if array.ndim == 2 and turned in self._made and not self._is_fresh(known):
                return self.graph("transpose", self._made[turned], order=[1, 0])
            self._made[key] = (
                self.parameter(array, known.names, trained=trained)
                if weight
                else constant(self, known)
            )
            self._kept.append(array)
        return self._made[key]

    def _is_fresh(self, known: Known) -> bool:
        """Return whether each layer that reads an array has one of its own.

        Exporters store equal arrays once: a scale of ones in two layers is not a shared one,
        unless both have the path of the parameter.
        """
        array = known.array
        equal = known.names and array.size and (array == array.reshape(-1)[0]).all()
        return bool(equal) and not self._reads_its_own(known.names[0])

    def inside(self) -> tuple[Builder, dict[object, Value]]:
        """Begin the body of a loop, whose constants are nodes of its own; return what was."""
        before = self.builder, self._made
        self.builder = self.builder.inside()
        self._made = {key: value for key, value in self._made.items() if value in self.params}
        return before

    def outside(self, before: tuple[Builder, dict[object, Value]]) -> Sequence[Node]:
        """End the body of a loop, and return its nodes."""
        nodes = self.builder.nodes
        self.builder, made = before
        kept = {key: value for key, value in self._made.items() if value in self.params}
        self._made = made | kept
        return nodes

    def _reads_its_own(self, name: str) -> bool:
        """Return whether the node has the path of a parameter, so that no other layer owns it."""
        assert self.node is not None
        path, owner = self.node.name.rpartition("/")[0].replace("/", "."), name.rpartition(".")[0]
        return bool(owner) and f".{path}".endswith(f".{owner}")

    # ---- nodes ---------------------------------------------------------------------------

    def add(self, name: str, *operands: Operand, **attributes: object) -> Operand:
        """Add an operator with one result, or compute it where all operands are known."""
        (made,) = self.add_many(name, *operands, **attributes)
        return made

    def add_many(self, name: str, *operands: Operand, **attributes: object) -> list[Operand]:
        """Add an operator, or compute it where all operands are known."""
        if operands and all(isinstance(o, Known) for o in operands):
            known = cast("Sequence[Known]", operands)
            key = (name, str(attributes), *(_identity(k) for k in known))
            if key in self._computed:
                return list(self._computed[key])
            types = tuple(self.type(o) for o in operands)
            try:
                op = OPS[name].make(types, attributes)
                inferred = op.infer(*types)
            except OperandError as rejected:
                self.fail(f"is rejected: {rejected.message}")
            largest = max(_LARGEST_FOLDED, *(2 * k.array.size for k in known))
            if all(isinstance(t.size, int) and t.size <= largest for t in inferred):
                with np.errstate(all="ignore"):
                    results = op.forward(*(k.array for k in known))
                names = tuple(dict.fromkeys(n for k in known for n in k.names))
                found = [Known(np.asarray(r), names) for r in results]
                if names:
                    # Computed once for all layers that read it, which may share it then.
                    self._computed[key] = found
                    self._kept.extend(k.array for k in known)
                return list[Operand](found)
        weights = _WEIGHTS.get(name, ())
        inputs = [
            self.weight(o) if at in weights else self.tensor(o) for at, o in enumerate(operands)
        ]
        return list(self.graph_many(name, *inputs, **attributes))

    def graph(self, name: str, *inputs: Value, **attributes: object) -> Value:
        """Add an operator with one result to the graph."""
        (made,) = self.graph_many(name, *inputs, **attributes)
        return made

    def graph_many(self, name: str, *inputs: Value, **attributes: object) -> Values:
        """Add an operator to the graph, unless it changes nothing or undoes the one before it."""
        try:
            op = OPS[name].make(tuple(v.type for v in inputs), attributes)
            if name in MOVING:
                (result,) = op.infer(*(v.type for v in inputs))
                shorter = simpler(op, inputs[0], result, self._by_value, self.graph)
                if shorter is not None:
                    return (shorter,)
            made = self.builder.add(op, *inputs, name="v")
        except OperandError as rejected:
            if name in _ELEMENTWISE and len({v.type.rank for v in inputs}) == 1:
                for one, other in zip(*(v.type.shape for v in inputs), strict=True):
                    if one != other and 1 not in (one, other):
                        self.equate(one, other)
            self.fail(f"is rejected: {rejected.message}")
        node = self.builder.nodes[-1]
        self._by_value.update(dict.fromkeys(made, node))
        return made

    def same_makers(self, operands: Sequence[Operand], name: str) -> list[Node] | None:
        """Return the nodes of a kind that make operands, if all have the same attributes."""
        nodes = [node for o in operands if (node := self.maker(o)) is not None]
        alike = len(nodes) == len(operands) and all(
            n.op.name == name and n.op == nodes[0].op for n in nodes
        )
        return nodes if alike else None

    def reshaped(self, x: Value, shape: tuple[Size, ...]) -> Value:
        return self.graph("reshape", x, shape=shape) if x.type.shape != shape else x

    def maker(self, value: Operand | None) -> Node | None:
        """Return the node that makes a value."""
        return self._by_value.get(value) if isinstance(value, Value) else None

    def replace(self, node: Node, name: str, *inputs: Value, **attributes: object) -> Value:
        """Replace the last node by another: what one operator of ours does, others do in two."""
        self.builder.nodes.remove(node)
        return self.graph(name, *inputs, **attributes)

    def read_once(self, value: Operand) -> bool:
        """Return whether the node that is being converted is the only one to read a value."""
        assert self.node is not None
        names = [n for n in self.node.inputs if n and self.found.get(n) is value]
        return len(names) == 1 and self._one_name(names[0])

    def used_once(self, node: ForeignNode, at: int) -> bool:
        """Return whether only this node reads its operand."""
        return self._one_name(node.inputs[at])

    def _one_name(self, name: str) -> bool:
        return self.uses.get(name, 0) == 1 and self.found.get(name) not in self._renamed


def _identity(known: Known) -> object:
    """Return what tells an array from all others, whatever their elements."""
    array = known.array
    address: int = array.__array_interface__["data"][0]
    return known.names, array.dtype.name, array.shape, array.strides, address


_UNITS = (2, 4, 8, 16, 32, 64, 128)


def _unit(a: Size, b: Size) -> tuple[str, Size] | None:
    """Return a symbol and a multiple that makes ``a == b``, such as ``H == 2*(H//2)``."""
    for name, unit in (symbols(a) | symbols(b)).items():
        for times in _UNITS:
            size = symbol(name, unit * times)
            one, other = (substitute(each, {name: size}) for each in (a, b))
            if one == other:
                return name, size
    return None


def _ratio(a: Size, b: Size) -> tuple[str, Size] | None:
    """Return a symbol and its size if ``a == b`` says so, such as ``32*N*S == 224*N``."""
    for name in symbols(a):
        rest = exact_quotient(a, symbol(name))
        if rest is None or rest == 0 or name in symbols(rest):
            continue
        size = exact_quotient(b, rest)
        if size is not None and name not in symbols(size):
            if isinstance(size, int) and size < 1:
                continue
            return name, size
    return None
