"""Random networks: a hypothesis strategy over the operators of the registry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np
from hypothesis import strategies as st
from op_samples import OPS

from netlang.ir.dims import bind, symbol
from netlang.ir.graph import Builder, Graph, Init, Param, Value, verify
from netlang.ir.op import OperandError
from netlang.ir.types import F32, TensorType
from netlang.system.numpy import Array

N, H = symbol("N"), symbol("H", 4)
SIZES = {"N": 2, "H": 8}
LARGEST = 20_000

ELEMENTWISE = (
    "relu", "sigmoid", "tanh", "softplus", "softsign", "selu", "leaky_relu", "elu",
    "gelu", "neg", "abs", "sin", "atan", "dropout", "stop_gradient",
)  # fmt: skip


@dataclass
class Draft:
    """A network in the making."""

    draw: st.DrawFn
    builder: Builder = field(default_factory=Builder)
    params: dict[Value, Param] = field(default_factory=dict)
    values: list[Value] = field(default_factory=list)

    def integer(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def flag(self) -> bool:
        return self.draw(st.booleans())

    def any(self, *ranks: int) -> Value:
        """Take a value of one of the ranks; late ones come first, so chains grow long."""
        fitting = [v for v in self.values if v.type.rank in ranks]
        if not fitting:
            raise OperandError("no value of that rank")
        return fitting[-1 - self.integer(0, min(3, len(fitting) - 1))]

    def finished(self, inputs: Sequence[Value], ends: slice) -> Graph:
        """Make a graph of the draft; of the values nothing uses, some are outputs."""
        used = {v for node in self.builder.nodes for v in node.inputs}
        made = [v for node in self.builder.nodes for v in node.outputs]
        last = [v for v in made if v not in used][ends] or [inputs[0]]
        graph = Graph(
            name="random",
            inputs=tuple(inputs),
            params={v: p for v, p in self.params.items() if v in used},
            nodes=tuple(self.builder.nodes),
            outputs={f"out{i}": v for i, v in enumerate(last)},
            units={"H": 4},
        )
        verify(graph)
        return graph

    def param(self, *shape: int) -> Value:
        type = TensorType(F32, shape)
        value = self.builder.fresh(f"weight{len(self.params)}", type)
        self.params[value] = Param(value.name, type, Init("normal", (0.5,)), trained=True)
        return value

    def add(self, name: str, *inputs: Value, **attributes: object) -> tuple[Value, ...]:
        op = OPS[name].make(tuple(v.type for v in inputs), attributes)
        for type in op.infer(*(v.type for v in inputs)):
            counts = [bind(d, SIZES) for d in type.shape]
            if any(c < 1 for c in counts) or prod(counts) > LARGEST:
                raise OperandError("too small or too large for a test")
        made = self.builder.add(op, *inputs)
        self.values.extend(v for v in made if v.type.dtype is F32)
        return made


Step = Callable[[Draft], object]


def elementwise(d: Draft) -> None:
    d.add(ELEMENTWISE[d.integer(0, len(ELEMENTWISE) - 1)], d.any(1, 2, 3, 4))


def arithmetic(d: Draft) -> None:
    name = ("add", "sub", "mul", "maximum", "minimum")[d.integer(0, 4)]
    d.add(name, d.any(1, 2, 3, 4), d.any(1, 2, 3, 4))


def shared(d: Draft) -> None:
    x = d.any(1, 2, 3, 4)
    d.add("add", x, d.add("tanh", x)[0])


def choice(d: Draft) -> None:
    a, b = d.any(1, 2, 3, 4), d.any(1, 2, 3, 4)
    (mask,) = d.add("greater", a, b)
    d.add("select", mask, a, b)


def reduction(d: Draft) -> None:
    x = d.any(2, 3, 4)
    name = ("sum", "mean", "max", "min", "logsumexp")[d.integer(0, 4)]
    d.add(name, x, axis=d.integer(1, x.type.rank - 1), keep=d.flag())


def softmax(d: Draft) -> None:
    x = d.any(2, 3, 4)
    d.add("softmax", x, axis=d.integer(0, x.type.rank - 1))


def transposition(d: Draft) -> None:
    x = d.any(2, 3, 4)
    d.add("transpose", x, order=d.draw(st.permutations(range(x.type.rank))))


def flattening(d: Draft) -> None:
    x = d.any(2, 3, 4)
    d.add("flatten", x, start=d.integer(0, x.type.rank - 1))


def reshaping(d: Draft) -> None:
    x = d.any(2, 3, 4)
    *first, last = x.type.shape
    d.add("reshape", x, shape=[*first[:-1], -1] if d.flag() else [*first, last, 1])


def axes(d: Draft) -> None:
    x = d.any(1, 2, 3)
    axis = d.integer(0, x.type.rank)
    (y,) = d.add("unsqueeze", x, axis=axis)
    if d.flag():
        d.add("squeeze", y, axis=axis)


def joining(d: Draft) -> None:
    x, y = d.any(2, 3, 4), d.any(2, 3, 4)
    d.add("concat", x, y if d.flag() else x, axis=d.integer(0, x.type.rank - 1))


def splitting(d: Draft) -> None:
    d.add("split", d.any(2, 3, 4), parts=2, axis=d.integer(0, 1))


def padding(d: Draft) -> None:
    x = d.any(3, 4)
    d.add("pad", x, amounts=[[d.integer(0, 2), d.integer(0, 2)]], mode="constant", value=0.0)


def convolution(d: Draft) -> None:
    x = d.any(4)
    channels, kernel = x.type.shape[1], d.integer(1, 3)
    if not isinstance(channels, int):
        raise OperandError("channels are a number")
    groups = channels if d.flag() else 1
    filters = groups * d.integer(1, 2) if groups > 1 else d.integer(1, 4)
    weight = d.param(filters, channels // groups, kernel, kernel)
    bias = [d.param(filters)] if d.flag() else []
    windows = {"stride": d.integer(1, 2), "pad": d.integer(0, 1), "dilation": d.integer(1, 2)}
    (y,) = d.add("convolve", x, weight, *bias, groups=groups, **windows)
    if d.flag():
        vectors = [d.param(filters) for _ in range(4)]
        # A variance is positive: that of the last vector is made so when weights are drawn.
        d.add("normalize_batch", y, *vectors, eps=1e-5, momentum=0.1)


def dense(d: Draft) -> None:
    x = d.any(2, 3)
    inputs = x.type.shape[-1]
    if not isinstance(inputs, int):
        raise OperandError("features are a number")
    units = d.integer(1, 5)
    bias = [d.param(units)] if d.flag() else []
    d.add("linear", x, d.param(units, inputs), *bias)


def product_of_matrices(d: Draft) -> None:
    x = d.any(2, 3)
    order = [*range(x.type.rank - 2), x.type.rank - 1, x.type.rank - 2]
    (turned,) = d.add("transpose", x, order=order)
    d.add("matmul", x, turned)


def pooling(d: Draft) -> None:
    name = ("max_pool", "avg_pool")[d.integer(0, 1)]
    kernel = d.integer(1, 3)
    pad = d.integer(0, kernel - 1) // 2
    d.add(name, d.any(4), kernel=kernel, stride=d.integer(1, 2), pad=pad, ceil=d.flag())


STEPS: dict[str, Step] = {
    step.__name__: step
    for step in (
        elementwise, arithmetic, shared, choice, reduction, softmax, transposition, flattening,
        reshaping, axes, joining, splitting, padding, convolution, dense, product_of_matrices,
        pooling,
    )
}  # fmt: skip


@st.composite
def graphs(draw: st.DrawFn, steps: int = 14) -> Graph:
    """Draw a network of one or two inputs, sizes of N and H open, every loose end an output."""
    d = Draft(draw)
    inputs = [d.builder.fresh("image", TensorType(F32, (N, 3, H, 6)))]
    if d.flag():
        inputs.append(d.builder.fresh("row", TensorType(F32, (N, 6))))
    d.values.extend(inputs)
    for name in draw(st.lists(st.sampled_from(sorted(STEPS)), min_size=steps // 2, max_size=steps)):
        before = len(d.builder.nodes)
        try:
            STEPS[name](d)
        except OperandError:
            assert len(d.builder.nodes) >= before
    return d.finished(inputs, slice(4))


def weights_of(graph: Graph, seed: int = 0) -> dict[str, Array]:
    """Draw positive weights: each could be a variance."""
    rng = np.random.default_rng(seed)
    return {
        p.path: rng.uniform(0.1, 0.6, [bind(d, {}) for d in p.type.shape]).astype(np.float32)
        for p in graph.params.values()
    }
