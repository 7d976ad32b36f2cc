"""Element-wise operators."""

from __future__ import annotations

from collections.abc import Mapping

from netlang.backends.onnx.foreign import ForeignNode
from netlang.backends.onnx.protos import ELEMENTS
from netlang.importing.conversion import Conversion, Convert
from netlang.importing.operands import Known, Operand, Operands, Sizes, learned
from netlang.importing.operators import sizes
from netlang.importing.operators.sizes import sized
from netlang.importing.patterns import gelu
from netlang.importing.simplifying import attribute
from netlang.ir.graph import Value
from netlang.ir.types import DType
from netlang.system.numpy import np

_DTYPES = {element: dtype for dtype, element in ELEMENTS.items()}


def unary(name: str, **settings: tuple[str, float]) -> Convert:
    """Convert to an operator of one operand; ``settings`` are ours with ONNX's and its default."""

    def convert(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
        attributes = {
            ours: c.number(node, (), 9, theirs, default)
            for ours, (theirs, default) in settings.items()
        }
        assert xs[0] is not None
        return [c.add(name, xs[0], **attributes)]

    return convert


def _binary(name: str) -> Convert:
    def convert(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
        a, b = _aligned(c, node, xs)
        if name in sizes.ARITHMETIC and (
            made := sizes.elementwise(c, (a, b), sizes.ARITHMETIC[name])
        ):
            return [made]
        if name == "equal" and (made := sizes.equal(c, (a, b))):
            return [made]
        if name == "add" and (made := _with_bias(c, node, a, b)):
            return [made]
        integers = c.type(a).dtype.is_integer
        kind = "floor_div" if name == "div" and integers else name
        if kind == "mod" and node.attributes.get("fmod"):
            kind = "fmod"
        made = _combined(c, kind, a, b)
        found = gelu(c, made) if kind == "mul" else None
        return [made if found is None else found]

    return convert


def _combined(c: Conversion, kind: str, a: Operand, b: Operand) -> Operand:
    """Combine two operands; a number takes no axis, so that it is written as a number."""
    for x, number in ((a, b), (b, a)) if kind in ("add", "mul") else ((a, b),):
        if _changes_nothing(c, kind, x, number):
            return x
    rank = max(len(c.type(a).shape), len(c.type(b).shape))
    left, right = (_number(c, side, other) for side, other in ((a, b), (b, a)))
    if kind == "pow" and c.type(left).dtype is not c.type(right).dtype:
        right = c.add("cast", right, to=c.type(left).dtype)
    for channel, joined in (("add", "add_channel"), ("mul", "mul_channel")):
        for x, v in ((left, right), (right, left)) if kind == channel else ():
            if isinstance(v, Known) and not isinstance(x, Known) and rank >= 3:
                shape, size = v.array.shape, c.type(x).shape[1]
                each = shape[-rank + 1 :] == (size, *[1] * (rank - 2))
                whole = each and v.array.size == size != 1 and len(c.type(x).shape) == rank
                if whole and c.type(x).dtype.is_float:
                    if (made := _in_batch_norm(c, kind, x, v)) is not None:
                        return made
                    return c.add(joined, x, Known(v.array.reshape(-1), v.names))
    return c.add(kind, *_same_rank(c, left, right))


_NEUTRAL = {"add": 0, "sub": 0, "mul": 1, "div": 1, "floor_div": 1}


def _changes_nothing(c: Conversion, kind: str, x: Operand, number: Operand) -> bool:
    """Return whether a number is added or multiplied that leaves a tensor as it is."""
    if kind not in _NEUTRAL or not isinstance(x, Value) or not isinstance(number, Known):
        return False
    array = number.array
    plain = array.size == 1 and array.ndim <= x.type.rank and not learned(number)
    same = c.type(number).dtype is x.type.dtype
    return bool(plain and same and array.reshape(-1)[0] == _NEUTRAL[kind])


def _in_batch_norm(c: Conversion, kind: str, x: Operand, v: Known) -> Operand | None:
    """Scale and shift in the batch norm before it: Caffe has two layers for one of ours."""
    node = c.maker(x)
    if node is None or node.op.name != "normalize_batch" or not c.read_once(x):
        return None
    y, scale, shift, *statistics = node.inputs
    if scale not in c.params or shift not in c.params:
        return None
    channels = v.array.reshape(-1)
    made: list[Value] = []
    for old, moved in ((scale, kind == "mul"), (shift, True)):
        stored = c.params[old]
        if not moved:
            made.append(old)
            continue
        array = stored.array * channels if kind == "mul" else stored.array + channels
        made.append(c.parameter(array, (*stored.names, *v.names)))
    eps = attribute(node.op, "eps")
    return c.replace(node, "normalize_batch", y, *made, *statistics, eps=eps, momentum=0.1)


def _same_rank(c: Conversion, a: Operand, b: Operand) -> tuple[Operand, Operand]:
    """Reshape two operands that are both repeated to the same rank, as the language requires."""
    left, right = c.type(a).shape, c.type(b).shape
    if not left or not right or len(left) == len(right):
        return a, b
    rank = max(len(left), len(right))
    high, low = (left, right) if len(left) == rank else (right, left)
    low = (1,) * (rank - len(low)) + tuple(low)
    if all(h != 1 or n == 1 for h, n in zip(high, low, strict=True)):
        return a, b
    if len(left) == rank:
        return a, c.add("reshape", b, shape=list(low))
    return c.add("reshape", a, shape=list(low)), b


def _number(c: Conversion, side: Operand, other: Operand) -> Operand:
    if not isinstance(side, Known) or side.array.size != 1 or learned(side):
        return side
    plain = side.array.ndim <= len(c.type(other).shape)
    return Known(side.array.reshape(())) if plain else side


def _aligned(c: Conversion, node: ForeignNode, xs: Operands) -> tuple[Operand, Operand]:
    """Return two operands; before opset 7 the second was aligned by an attribute."""
    a, b = xs[0], xs[1]
    if a is None or b is None:
        c.fail("lacks an input")
    del node
    return a, b


def _with_bias(c: Conversion, node: ForeignNode, a: Operand, b: Operand) -> Operand | None:
    """Add a bias to the linear map before it, which then has one."""
    for at, (x, bias) in enumerate(((a, b), (b, a))):
        maker = c.maker(x)
        if (
            maker is None
            or maker.op.name not in ("linear", "convolve", "convolve_transpose")
            or not isinstance(bias, Known)
            or not c.used_once(node, at)
            or len(maker.inputs) != 2
        ):
            continue
        shape = c.type(x).shape
        channels = shape[-1] if maker.op.name == "linear" else shape[1]
        trailing = 0 if maker.op.name == "linear" else len(shape) - 2
        if bias.array.size != channels or len(bias.array.shape) > len(shape):
            continue
        if bias.array.shape[len(bias.array.shape) - 1 - trailing :] != (channels, *[1] * trailing):
            continue
        attributes = {n: getattr(maker.op, n) for n in maker.op.__struct_fields__}
        held = c.part(bias, bias.array.reshape(-1), "bias")
        return c.replace(maker, maker.op.name, *maker.inputs, held, **attributes)
    return None


def _many(name: str) -> Convert:
    """Convert an operator of any number of operands to one of two."""

    def convert(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
        del node
        first, *rest = xs
        if first is None:
            c.fail("lacks an input")
        made = first
        for x in rest:
            assert x is not None
            made = _combined(c, name, made, x)
        return [made]

    return convert


def _mean(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    (total,) = _many("add")(c, node, xs)
    return [_combined(c, "div", total, Known(np.asarray(len(xs), np.float32)))]


def _clip(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    low = c.number(node, xs, 1, "min", None)
    high = c.number(node, xs, 2, "max", None)
    assert xs[0] is not None
    if low is not None and high is not None:
        return [c.add("clamp", xs[0], low=low, high=high)]
    kind, bound = ("maximum", low) if low is not None else ("minimum", high)
    if bound is None:
        return [xs[0]]
    if kind == "maximum" and bound == 0 and c.type(xs[0]).dtype.is_float:
        return [c.add("relu", xs[0])]
    return [_combined(c, kind, xs[0], c.number_like(bound, xs[0]))]


def _cast(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    to = node.attributes.get("to")
    dtype = _DTYPES.get(to) if isinstance(to, int) else None
    if dtype is None:
        c.fail("converts to an element type that the language does not have")
    x = xs[0]
    assert x is not None
    if isinstance(x, Sizes):
        if dtype.is_integer:
            return [x]
        if not x.scalar:
            return [c.add("cast", c.tensor(x), to=dtype)]
        made = c.graph_many("measure", size=x.items[0], dtype=dtype)
        return [*made]
    if dtype is DType.F32 and (made := _encoded(c, x)) is not None:
        return [made]
    return [x if c.type(x).dtype is dtype else c.add("cast", x, to=dtype)]


def _encoded(c: Conversion, x: Operand) -> Operand | None:
    """Return the one-hot encoding of indices that were compared with all classes."""
    node = c.maker(x)
    if node is None or node.op.name != "equal":
        return None
    ids, classes = (c.maker(v) for v in node.inputs)
    while classes is not None and classes.op.name == "reshape":
        classes = c.maker(classes.inputs[0])
    axes = node.outputs[0].type.shape
    if ids is None or classes is None or ids.op.name != "unsqueeze" or classes.inputs:
        return None
    source = ids.inputs[0]
    last = (*source.type.shape, 1) == ids.outputs[0].type.shape
    whole = classes.op.name == "iota" and axes == (
        *source.type.shape,
        *classes.outputs[0].type.shape,
    )
    if not last or not whole or not source.type.dtype.is_integer:
        return None
    return c.add("one_hot", source, classes=axes[-1])


def _cast_like(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    del node
    assert xs[0] is not None
    dtype = c.type(xs[1]).dtype
    return [xs[0] if c.type(xs[0]).dtype is dtype else c.add("cast", xs[0], to=dtype)]


def _where(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    del node
    if made := sizes.where(c, xs):
        return [made]
    mask, yes, no = xs
    assert mask is not None and yes is not None and no is not None
    return [c.add("select", mask, _number(c, yes, no), _number(c, no, yes))]


def _identity(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    del c, node
    assert xs[0] is not None
    return [xs[0]]


def _gelu(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    assert xs[0] is not None
    return [c.add("gelu", xs[0], approximate=node.attributes.get("approximate") == "tanh")]


def _prelu(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    del node
    x, slope = xs
    assert x is not None
    shape = c.type(x).shape
    each = (shape[1], *[1] * (len(shape) - 2)) if len(shape) > 1 else ()
    one = isinstance(slope, Known) and slope.array.size == 1
    if not isinstance(slope, Known) or (not one and slope.array.shape[-len(shape) + 1 :] != each):
        c.fail("has neither one slope nor one for each channel")
    return [c.add("prelu", x, Known(slope.array.reshape(-1), slope.names or ("slope",)))]


def _hard_sigmoid(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    alpha = c.number(node, (), 9, "alpha", 0.2)
    beta = c.number(node, (), 9, "beta", 0.5)
    x = xs[0]
    assert x is not None and alpha is not None and beta is not None
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        scaled = c.add("div", x, c.number_like(6.0, x))
    else:
        scaled = c.add("mul", x, c.number_like(alpha, x))
    shifted = c.add("add", scaled, c.number_like(beta, x))
    return [c.add("clamp", shifted, low=0.0, high=1.0)]


def _hard_swish(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    x = xs[0]
    assert x is not None
    scaled = c.add("div", x, c.number_like(6.0, x))
    shifted = c.add("add", scaled, c.number_like(0.5, x))
    return [c.add("mul", x, c.add("clamp", shifted, low=0.0, high=1.0))]


def _swish(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    x, alpha = xs[0], c.number(node, (), 9, "alpha", 1.0)
    assert x is not None and alpha is not None
    scaled = x if alpha == 1.0 else c.add("mul", x, c.number_like(alpha, x))
    return [c.add("mul", x, c.add("sigmoid", scaled))]


def _celu(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    """Convert max(0, x) + min(0, a * (exp(x / a) - 1)): an ELU of x / a, times a."""
    x, alpha = xs[0], c.number(node, (), 9, "alpha", 1.0)
    assert x is not None and alpha is not None
    if alpha == 1.0:
        return [c.add("elu", x, alpha=1.0)]
    scaled = c.add("elu", c.add("div", x, c.number_like(alpha, x)), alpha=1.0)
    return [c.add("mul", scaled, c.number_like(alpha, x))]


def _mish(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    del node
    assert xs[0] is not None
    return [c.add("mul", xs[0], c.add("tanh", c.add("softplus", xs[0])))]


def _thresholded(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    alpha = c.number(node, (), 9, "alpha", 1.0)
    assert xs[0] is not None
    assert alpha is not None
    above = c.add("greater", xs[0], c.number_like(alpha, xs[0]))
    return [c.add("select", above, xs[0], c.number_like(0.0, xs[0]))]


def _size_of(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    """Negate or take the absolute value of sizes as well as tensors."""
    x = xs[0]
    assert x is not None
    if isinstance(x, Sizes):
        sign = -1 if node.kind == "Neg" else 1
        return [sized([item * sign for item in x.items], scalar=x.scalar)]
    return [c.add(node.kind.lower(), x)]


_UNARY = (
    "Relu Sigmoid Tanh Exp Log Sqrt Erf Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh "
    "Floor Ceil Round Reciprocal Sign Softsign"
)
_BINARY = {
    "Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div", "Pow": "pow", "Mod": "mod",
    "Equal": "equal", "Less": "less", "LessOrEqual": "less_equal", "Greater": "greater",
    "GreaterOrEqual": "greater_equal", "And": "logical_and", "Or": "logical_or",
    "Xor": "logical_xor",
}  # fmt: skip

OPERATORS: Mapping[str, Convert] = {
    **{name: unary(name.lower()) for name in _UNARY.split()},
    **{name: _binary(ours) for name, ours in _BINARY.items()},
    "Not": unary("logical_not"), "IsNaN": unary("is_nan"), "IsInf": unary("is_inf"),
    "Neg": _size_of, "Abs": _size_of,
    "Softplus": unary("softplus"), "Selu": unary("selu"),
    "Elu": unary("elu", alpha=("alpha", 1.0)),
    "LeakyRelu": unary("leaky_relu", slope=("alpha", 0.01)),
    "ThresholdedRelu": _thresholded, "HardSigmoid": _hard_sigmoid, "HardSwish": _hard_swish,
    "Mish": _mish, "Swish": _swish, "Celu": _celu, "Gelu": _gelu, "PRelu": _prelu,
    "Max": _many("maximum"), "Min": _many("minimum"), "Sum": _many("add"), "Mean": _mean,
    "Clip": _clip, "Cast": _cast, "CastLike": _cast_like, "Where": _where,
    "Identity": _identity, "Dropout": _identity,
}  # fmt: skip
