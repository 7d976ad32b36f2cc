"""ONNX's own test vectors of single operators, as programs of ours.

A vector is one node with its inputs and outputs. What the node does is written down as the text of
a net, so the prelude, the elaborator and the operators are all held to what ONNX states.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from netlang.ir.arrays import dtype_of
from netlang.ir.graph import Graph
from netlang.program import load
from netlang.system.numpy import Array

GROUPS: Mapping[str, str] = {
    "layers": "AveragePool BatchNormalization Col2Im Conv ConvTranspose Dropout Einsum Gemm "
    "GlobalAveragePool GlobalMaxPool GroupNormalization InstanceNormalization LRN "
    "LayerNormalization LpNormalization LpPool MatMul MaxPool MeanVarianceNormalization "
    "RMSNormalization Resize Upsample GRU LSTM RNN Scan",
    "activations": "Celu Elu Gelu HardSigmoid HardSwish Hardmax LeakyRelu LogSoftmax Mish PRelu "
    "Relu Selu Shrink Sigmoid Softmax Softplus Softsign SwiGLU Swish Tanh ThresholdedRelu",
    "losses": "NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss",
    "reductions": "ArgMax ArgMin CumProd CumSum ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp "
    "ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare",
    "shapes": "Concat ConstantOfShape DepthToSpace Expand EyeLike Flatten Gather GatherElements "
    "GatherND Identity OneHot Pad Range Reshape ReverseSequence ScatterElements ScatterND Shape "
    "Size Slice SpaceToDepth Split Squeeze Tile TopK Transpose Trilu Unsqueeze Where",
    "elementwise": "Abs Acos Acosh Add And Asin Asinh Atan Atanh Ceil Clip Cos Cosh Div Equal Erf "
    "Exp Floor Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual Log Max Mean Min Mod Mul Neg "
    "Not Or Pow Reciprocal Round Sign Sin Sinh Sqrt Sub Sum Tan Xor",
    "attention": "Attention RotaryEmbedding",
}
OPERATORS = {op for ops in GROUPS.values() for op in ops.split()}
ELEMENTS = ("float32", "float64", "int32", "int64", "bool")


class NoProgram(Exception):
    """Nothing in the language does what a node does; says what is missing."""


@dataclass(frozen=True, eq=False, repr=False)
class Case:
    """A node with its attributes, and the arrays that go in and must come out."""

    name: str
    op_type: str
    attributes: Mapping[str, Any]
    arrays: Sequence[Array | None]
    expected: Sequence[Array | None]

    def __repr__(self) -> str:
        return self.name


@dataclass
class Call:
    """A node being written as a program.

    ``x(0)`` names an input as an operand; ``fixed(1)`` takes an input as numbers of the program.
    """

    case: Case
    lines: list[str] = field(default_factory=list[str])
    used: set[int] = field(default_factory=set[int])

    def has(self, place: int) -> bool:
        return place < len(self.case.arrays) and self.case.arrays[place] is not None

    def array(self, place: int = 0) -> Array:
        array = self.case.arrays[place]
        assert array is not None
        return array

    def x(self, place: int = 0) -> str:
        self.array(place)
        self.used.add(place)
        return f"x{place}"

    def fixed(self, place: int, default: Any = None) -> Any:
        return self.array(place).tolist() if self.has(place) else default

    def shape(self, place: int = 0) -> tuple[int, ...]:
        return self.array(place).shape

    def rank(self, place: int = 0) -> int:
        return self.array(place).ndim

    def get(self, name: str, default: Any = None) -> Any:
        return self.case.attributes.get(name, default)

    def let(self, name: str, expression: str) -> str:
        """Bind an expression to a name, for use in others."""
        self.lines.append(f"{name} = {expression}")
        return name

    def flag(self, name: str, *, default: bool = False) -> str:
        return word(bool(self.get(name, default)))


Writer = Callable[[Call], "str | Sequence[str]"]
WRITERS: dict[str, Writer] = {}


def writes(op_types: str) -> Callable[[Writer], Writer]:
    """Register what writes programs for some operators."""

    def registered(writer: Writer) -> Writer:
        WRITERS.update(dict.fromkeys(op_types.split(), writer))
        return writer

    return registered


def program(case: Case) -> str:
    """Write a node as a program; raises ``NoProgram``."""
    if case.op_type not in WRITERS:
        raise NoProgram(f"nothing does what {case.op_type} does")
    call = Call(case)
    made = WRITERS[case.op_type](call)
    results = [made] if isinstance(made, str) else list(made)
    wanted = [i for i, array in enumerate(case.expected) if array is not None]
    if len(results) < len(wanted):
        raise NoProgram(f"{case.op_type} has more results than are computed here")
    body = [*call.lines, *(f"y{i} = {results[i]}" for i in wanted)]
    inputs = ", ".join(f"x{i}: {_type(call.array(i), i)}" for i in sorted(call.used))
    outputs = ", ".join(f"y{i}" for i in wanted)
    text = "".join(f"  {line}\n" for line in body)
    return f"net Node({inputs}) -> ({outputs}) {{\n{text}}}\n"


def graph(text: str, folder: Path) -> Graph:
    """Elaborate the one net of a program, which must have no errors."""
    path = folder / "node.net"
    path.write_text(text)
    loaded = load(path)
    made = loaded.net(None).graph
    assert not loaded.diagnostics.failed
    return made


def cases(operators: Collection[str] = OPERATORS) -> tuple[Case, ...]:
    """Return the vectors of some operators, by default those of networks, on supported types."""
    found = [_case(test) for test in _tests() if _chosen(test.model, operators)]
    return tuple(sorted(found, key=lambda case: case.name))


@cache
def _tests() -> tuple[Any, ...]:
    """Load every vector that is not an expansion of another."""
    quiet = io.StringIO()
    state = np.random.get_state()
    with (
        warnings.catch_warnings(action="ignore"),
        contextlib.redirect_stdout(quiet),
        contextlib.redirect_stderr(quiet),
    ):
        from onnx.backend.test.loader import load_node_model_tests

        loaded = load_node_model_tests()
    np.random.set_state(state)
    return tuple(test for test in loaded if "_expanded" not in test.name)


def _chosen(model: onnx.ModelProto, operators: Collection[str]) -> bool:
    if len(model.graph.node) != 1 or model.graph.node[0].op_type not in operators:
        return False
    kinds = (v.type for v in (*model.graph.input, *model.graph.output))
    return all(
        k.HasField("tensor_type")
        and onnx.helper.tensor_dtype_to_np_dtype(k.tensor_type.elem_type).name in ELEMENTS
        for k in kinds
    )


def _case(test: Any) -> Case:
    (node,) = test.model.graph.node
    inputs, outputs = test.data_sets[0]
    values = {v.name: _array(a) for v, a in zip(test.model.graph.input, inputs, strict=True)}
    results = {v.name: _array(a) for v, a in zip(test.model.graph.output, outputs, strict=True)}
    return Case(
        test.name.removeprefix("test_"),
        node.op_type,
        {a.name: _plain(onnx.helper.get_attribute_value(a)) for a in node.attribute},
        [values.get(name) for name in node.input],
        [results.get(name) for name in node.output],
    )


def _array(given: Any) -> Array:
    return (
        numpy_helper.to_array(given) if isinstance(given, onnx.TensorProto) else np.asarray(given)
    )


def _plain(value: Any) -> Any:
    match value:
        case bytes():
            return value.decode()
        case onnx.TensorProto():
            return numpy_helper.to_array(value)
        case _:
            return value


def _type(array: Array, place: int) -> str:
    # A program has no dimension of 0: it is a size that the input brings.
    sizes = (str(n) if n else f"Z{place}{axis}" for axis, n in enumerate(array.shape))
    return f"{dtype_of(array)}[{', '.join(sizes)}]"


def number(value: float) -> str:
    """Write a number as one with a point."""
    if not np.isfinite(value):
        raise NoProgram(f"{value} can't be written")
    return f"({float(value)!r})" if value < 0 else repr(float(value))


def word(value: bool) -> str:
    return "true" if value else "false"


def row(values: Sequence[Any]) -> str:
    """Write a list."""
    return f"[{', '.join(map(str, values))}]"


def each(values: Sequence[Any]) -> str:
    """Write one value per axis."""
    return f"({', '.join(map(str, values))},)"


def nested(function: str, names: Sequence[str]) -> str:
    """Write a function of two applied to many."""
    result = names[0]
    for name in names[1:]:
        result = f"{function}({result}, {name})"
    return result
