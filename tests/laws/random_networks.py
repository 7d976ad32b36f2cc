"""Random networks of what real ones are made of: layers, blocks, sequences, masks, look-ups.

``random_graphs`` draws small graphs for laws about gradients; here are its steps and more, with
an image, a sequence, words and a row to start from, and sizes N, H and T left open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod

from hypothesis import strategies as st
from random_graphs import LARGEST, STEPS, Draft

from netlang.ir.dims import bind, symbol
from netlang.ir.graph import Graph, Init, Param, Value
from netlang.ir.op import OPS, OperandError
from netlang.ir.text import print_graph
from netlang.ir.types import BOOL, F32, I64, TensorType

N, H, T = symbol("N"), symbol("H", 4), symbol("T")
SIZES = ({"N": 2, "H": 8, "T": 5}, {"N": 3, "H": 12, "T": 4})
"""Every network runs in both: one model for any batch."""

WORDS = 4


class Network:
    """A random network; it shows itself as text."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def __repr__(self) -> str:
        return f"\n{print_graph(self.graph)}"


@dataclass
class LayerDraft(Draft):
    """A network in the making; ``batchwise`` keeps the examples of a batch apart."""

    batchwise: bool = False
    masks: list[Value] = field(default_factory=list)
    whole: list[Value] = field(default_factory=list)

    def param(self, *shape: int) -> Value:
        fan = prod(shape[1:]) if len(shape) > 1 else 1
        assert isinstance(fan, int)
        # A vector may be a variance: it stays away from zero.
        init = (
            Init("normal", ((1.5 / fan) ** 0.5,)) if len(shape) > 1 else Init("uniform", (0.3, 1.5))
        )
        type = TensorType(F32, shape)
        value = self.builder.fresh(f"weight{len(self.params)}", type)
        self.params[value] = Param(value.name, type, init, trained=True)
        return value

    def axis(self, x: Value) -> int:
        return self.integer(1, x.type.rank - 1)

    def choose(self, *names: str) -> str:
        return names[self.integer(0, len(names) - 1)]

    def number(self, x: Value, axis: int) -> int:
        size = x.type.shape[axis]
        if not isinstance(size, int):
            raise OperandError("that size is open")
        return size

    def add(self, name: str, *inputs: Value, **attributes: object) -> tuple[Value, ...]:
        if self.batchwise and attributes.get("axis") == 0:
            raise OperandError("examples would mix")
        op = OPS[name].make(tuple(v.type for v in inputs), attributes)
        inferred = op.infer(*(v.type for v in inputs))
        for type in inferred:
            for sizes in SIZES:
                counts = [bind(d, sizes) for d in type.shape]
                if any(c < 1 for c in counts) or prod(counts) > LARGEST:
                    raise OperandError("too small or too large for a test")
            if self.batchwise and inputs and not (type.shape and self._one_batch(type)):
                raise OperandError("examples would mix")
        made = self.builder.add(op, *inputs)
        self.values.extend(v for v in made if v.type.dtype is F32)
        self.masks.extend(v for v in made if v.type.dtype is BOOL)
        self.whole.extend(v for v in made if v.type.dtype is I64 and v.type.rank)
        return made

    def one(self, name: str, *inputs: Value, **attributes: object) -> Value:
        return self.add(name, *inputs, **attributes)[0]

    def _one_batch(self, type: TensorType) -> bool:
        first, *rest = type.shape
        return first == N and all("N" not in str(size) for size in rest)


def any_convolution(d: LayerDraft) -> None:
    x = d.any(3, 4)
    channels = d.number(x, 1)
    groups = d.draw(st.sampled_from([g for g in range(1, channels + 1) if channels % g == 0]))
    filters = groups * d.integer(1, 3)
    axes = x.type.rank - 2
    kernel = [d.integer(1, 3) for _ in range(axes)]
    bias = [d.param(filters)] if d.flag() else []
    d.add(
        "convolve", x, d.param(filters, channels // groups, *kernel), *bias,
        stride=[d.integer(1, 2) for _ in range(axes)],
        pad=[[d.integer(0, 2), d.integer(0, 2)] for _ in range(axes)],
        dilation=[d.integer(1, 2) for _ in range(axes)], groups=groups,
    )  # fmt: skip


def transposed_convolution(d: LayerDraft) -> None:
    x = d.any(3, 4)
    channels, stride = d.number(x, 1), d.integer(1, 2)
    groups = d.draw(st.sampled_from([g for g in range(1, channels + 1) if channels % g == 0]))
    filters = d.integer(1, 2)
    kernel = [d.integer(1, 3) for _ in range(x.type.rank - 2)]
    bias = [d.param(filters * groups)] if d.flag() else []
    out_pad = d.integer(0, stride - 1)
    d.add(
        "convolve_transpose", x, d.param(channels, filters, *kernel), *bias, stride=stride,
        pad=d.integer(0, 1), out_pad=out_pad, dilation=d.integer(1, 2), groups=groups,
    )  # fmt: skip


def convolution_block(d: LayerDraft) -> None:
    x = d.any(4)
    channels, filters = d.number(x, 1), d.integer(1, 6)
    y = d.one("convolve", x, d.param(filters, channels, 3, 3), stride=1, pad=1, dilation=1)
    vectors = [d.param(filters) for _ in range(4)]
    y = d.one("normalize_batch", y, *vectors, eps=1e-5, momentum=0.1)
    d.add(d.choose("relu", "gelu", "leaky_relu", "sigmoid"), y)


def residual(d: LayerDraft) -> None:
    x = d.any(4)
    channels = d.number(x, 1)
    y = d.one("convolve", x, d.param(channels, channels, 3, 3), stride=1, pad=1, dilation=1)
    d.add("relu", d.one("add", d.one("relu", y), x))


def normalization(d: LayerDraft) -> None:
    x = d.any(3, 4)
    channels, last = d.number(x, 1), d.number(x, -1)
    match d.integer(0, 6):
        case 0:
            groups = [g for g in range(1, channels + 1) if channels % g == 0]
            two = d.param(channels), d.param(channels)
            d.add("normalize_group", x, *two, groups=d.draw(st.sampled_from(groups)), eps=1e-5)
        case 1:
            d.add("normalize_instance", x, d.param(channels), d.param(channels), eps=1e-5)
        case 2:
            d.add("normalize_layer", x, d.param(last), d.param(last), axis=-1, eps=1e-5)
        case 3:
            d.add("normalize_rms", x, d.param(last), axis=-1, eps=1e-6)
        case 4:
            d.add("l2_normalize", x, axis=d.axis(x), eps=1e-6)
        case 5:
            d.add("local_response_norm", x, size=3, alpha=1e-2, beta=0.75, k=1.0)
        case _:
            vectors = [d.param(channels) for _ in range(4)]
            d.add("normalize_batch", x, *vectors, eps=1e-3, momentum=0.1)


def any_pooling(d: LayerDraft) -> None:
    x = d.any(3, 4)
    axes = x.type.rank - 2
    kernel = [d.integer(1, 3) for _ in range(axes)]
    pad = [[d.integer(0, k // 2), d.integer(0, k // 2)] for k in kernel]
    stride = [d.integer(1, 2) for _ in range(axes)]
    windows = {"kernel": kernel, "stride": stride, "pad": pad}
    match d.integer(0, 4):
        case 0:
            d.add("max_pool", x, **windows, dilation=d.integer(1, 2), ceil=d.flag())
        case 1:
            d.add("avg_pool", x, **windows, ceil=d.flag(), count_pad=d.flag())
        case 2:
            d.add("lp_pool", x, **windows, p=d.integer(1, 3))
        case 3:
            d.add("adaptive_avg_pool", x, out=[d.integer(1, 3) for _ in range(axes)])
        case _:
            d.add("adaptive_max_pool", x, out=[d.integer(1, 3) for _ in range(axes)])


def resizing(d: LayerDraft) -> None:
    x = d.any(4)
    mode = d.choose("nearest", "bilinear", "bicubic")
    align = mode != "nearest" and d.flag()
    if d.flag():
        d.add("upsample", x, scale=[d.integer(1, 3), d.integer(1, 2)], mode=mode, align=align)
    else:
        d.add("resize", x, size=[d.integer(2, 9), d.integer(2, 9)], mode=mode, align=align)


def rearranging(d: LayerDraft) -> None:
    x = d.any(2, 3, 4)
    axis = d.axis(x)
    match d.integer(0, 7):
        case 0:
            d.add("flip", x, axis=[axis])
        case 1:
            d.add("tile", x, repeats=[1, *(d.integer(1, 2) for _ in x.type.shape[1:])])
        case 2:
            d.add("stack", d.one("tanh", x), x, axis=axis)
        case 3:
            size = d.number(x, axis)
            parts = [1, size - 1] if size > 1 else [1]
            d.add("split", x, parts=parts, axis=axis)
        case 4:
            size = d.number(x, axis)
            index = [d.integer(0, size - 1) for _ in range(d.integer(1, 4))]
            d.add("take", x, index=index, axis=axis)
        case 5:
            size = d.number(x, axis)
            place = d.integer(1 - size, size - 1)
            bounds = (place, None) if d.flag() else (None, place or None)
            items = [None] * axis + [bounds if d.flag() else d.integer(-1, 0)]
            d.add("index", x, items=items)
        case 6:
            d.add("pixel_shuffle" if d.flag() else "pixel_unshuffle", d.any(4), factor=2)
        case _:
            mode = d.choose("constant", "reflect", "replicate", "circular")
            amounts = [[0, 0]] * (x.type.rank - 3) + [[d.integer(0, 1), 1]]
            d.add("pad", x, amounts=amounts, mode=mode, value=0.5)


def patches(d: LayerDraft) -> None:
    x = d.any(4)
    y = d.one("unfold", x, kernel=2, stride=d.integer(1, 2), pad=d.integer(0, 1), dilation=1)
    d.add("transpose", y, order=[0, 2, 1])


def function(d: LayerDraft) -> None:
    """Apply a function where it is tame."""
    x = d.any(1, 2, 3, 4)
    match d.integer(0, 10):
        case 0:
            d.add("exp", d.one("tanh", x))
        case 1:
            d.add("log", d.one("softplus", x, beta=1.0))
        case 2:
            d.add("sqrt", d.one("abs", x))
        case 3:
            d.add("div", x, d.one("exp", d.one("sin", x)))
        case 4:
            d.add("clamp", x, low=-0.5, high=1.5)
        case 5:
            d.add(d.choose("round", "floor", "ceil", "sign"), x)
        case 6:
            d.add("erf", x)
        case 7:
            d.add("gelu", x, approximate=d.flag())
        case 8:
            d.add("reciprocal", d.one("softplus", x, beta=2.0))
        case 9:
            d.add("pow", d.one("sigmoid", x), d.one("sigmoid", x))
        case _:
            d.add(d.choose("cos", "atan", "sinh", "asinh", "softsign"), x)


def masking(d: LayerDraft) -> None:
    x = d.any(2, 3, 4)
    compare = d.choose("greater", "less", "greater_equal", "less_equal")
    mask = d.one(compare, x, d.one("tanh", d.any(2, 3, 4)))
    if d.flag():
        other = d.masks[d.integer(0, len(d.masks) - 1)]
        mask = d.one(d.choose("logical_and", "logical_or", "logical_xor"), mask, other)
    if d.flag():
        mask = d.one("logical_not", mask)
    d.add("select", mask, x, d.one("neg", x))
    if d.flag():
        d.add("cast", mask, to="f32")


def ranking(d: LayerDraft) -> None:
    x = d.any(2, 3, 4)
    axis = d.axis(x)
    match d.integer(0, 3):
        case 0:
            d.add("argmax" if d.flag() else "argmin", x, axis=axis, keep=d.flag())
        case 1:
            d.add("ranked", x, k=d.integer(1, d.number(x, axis)), axis=axis, smallest=d.flag())
        case 2:
            places = d.one("argmax", x, axis=axis, keep=True)
            d.add("take_along", x, places, axis=axis)
        case _:
            d.add("cumsum", x, axis=axis, exclusive=d.flag(), reverse=d.flag())


def look_up(d: LayerDraft) -> None:
    words = next(v for v in d.whole if v.name == "words")
    if d.flag():
        d.add("gather_rows", d.param(WORDS, d.integer(1, 6)), words)
    else:
        d.add("one_hot", words, classes=WORDS, dtype="f32")


def whole_numbers(d: LayerDraft) -> None:
    x = d.whole[d.integer(0, len(d.whole) - 1)]
    name = d.choose("add", "mul", "maximum", "sub")
    y = d.one(name, x, x)
    d.add("cast", y, to="f32")


def recurrence(d: LayerDraft) -> None:
    x = d.any(3)
    features, units = d.number(x, 2), d.integer(1, 4)
    name = d.choose("lstm_layer", "gru_layer", "rnn_layer")
    gates = {"lstm_layer": 4, "gru_layer": 3, "rnn_layer": 1}[name] * units
    weights = d.param(gates, features), d.param(gates, units), d.param(gates), d.param(gates)
    more = {"activation": d.choose("tanh", "relu")} if name == "rnn_layer" else {}
    d.add(name, x, *weights, reverse=d.flag(), **more)


def attention(d: LayerDraft) -> None:
    x = d.any(3)
    width, inner = d.number(x, 2), d.integer(1, 4)
    q, k, v = (d.one("linear", x, d.param(inner, width)) for _ in range(3))
    turned = d.one("transpose", k, order=[0, 2, 1])
    scores = d.one("matmul", q, turned)
    scores = d.one("mul", scores, d.one("full", shape=[], value=inner**-0.5, dtype="f32"))
    if d.flag():
        mask = d.one("greater", scores, d.one("tanh", scores))
        scores = d.one("select", mask, scores, d.one("full", shape=[], value=-1e9, dtype="f32"))
    d.add("matmul", d.one("softmax", scores, axis=-1), v)


def products(d: LayerDraft) -> None:
    x = d.any(2, 3, 4)
    rules = {2: ("ni,ni->n", "ni,nj->nij"), 3: ("nij,nkj->nik", "nij,nij->ni", "nij->nji")}
    rules[4] = ("nchw,ndhw->ncd", "nchw->nwc", "nchw,nchw->nhw")
    rule = d.choose(*rules[x.type.rank])
    d.add("einsum", x, *([x] if "," in rule else []), rule=rule)


def any_reduction(d: LayerDraft) -> None:
    x = d.any(2, 3, 4)
    axis = sorted({d.axis(x) for _ in range(2)})
    name = d.choose("sum", "mean", "max", "min", "prod", "logsumexp")
    d.add(name, d.one("tanh", x) if name == "prod" else x, axis=axis, keep=d.flag())


LayerStep = Callable[[LayerDraft], object]
LAYERS: dict[str, LayerStep] = {
    step.__name__: step
    for step in (
        any_convolution, transposed_convolution, convolution_block, residual, normalization,
        any_pooling, resizing, rearranging, patches, function, masking, ranking, look_up,
        whole_numbers, recurrence, attention, products, any_reduction,
    )
}  # fmt: skip


@st.composite
def networks(draw: st.DrawFn, steps: int = 16, batchwise: bool = False) -> Network:
    """Draw a network with two to five inputs and every loose end an output, six at most."""
    d = LayerDraft(draw, batchwise=batchwise)
    types = {
        "image": TensorType(F32, (N, 4, H, 6)),
        "row": TensorType(F32, (N, 6)),
        "sequence": TensorType(F32, (N, T, 4)),
        "words": TensorType(I64, (N, T)),
    }
    inputs = [d.builder.fresh(name, type) for name, type in types.items()]
    d.values.extend(v for v in inputs if v.type.dtype is F32)
    d.whole.append(inputs[-1])
    known: dict[str, LayerStep] = {**STEPS, **LAYERS}
    for name in draw(st.lists(st.sampled_from(sorted(known)), min_size=3, max_size=steps)):
        try:
            known[name](d)
        except OperandError:
            continue
    return Network(d.finished(inputs, slice(-6, None)))
