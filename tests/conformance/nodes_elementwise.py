"""Programs for functions of each element, and for activations."""

from __future__ import annotations

from onnx_nodes import Call, nested, number, word, writes

UNARY = {
    "Abs": "abs", "Acos": "acos", "Acosh": "acosh", "Asin": "asin", "Asinh": "asinh",
    "Atan": "atan", "Atanh": "atanh", "Ceil": "ceil", "Cos": "cos", "Cosh": "cosh", "Erf": "erf",
    "Exp": "exp", "Floor": "floor", "IsNaN": "is_nan", "Log": "log", "Reciprocal": "reciprocal",
    "Round": "round", "Sign": "sign", "Sin": "sin", "Sinh": "sinh", "Sqrt": "sqrt", "Tan": "tan",
    "HardSwish": "hardswish", "Mish": "mish", "Relu": "relu", "Sigmoid": "sigmoid",
    "Softplus": "softplus", "Softsign": "softsign", "Tanh": "tanh",
}  # fmt: skip
BINARY = {
    "Add": "+", "Sub": "-", "Mul": "*", "And": "and", "Or": "or", "Equal": "==", "Less": "<",
    "LessOrEqual": "<=", "Greater": ">", "GreaterOrEqual": ">=",
}  # fmt: skip


@writes(" ".join(UNARY))
def unary(call: Call) -> str:
    return f"{UNARY[call.case.op_type]}({call.x()})"


@writes(" ".join(BINARY))
def binary(call: Call) -> str:
    return f"{call.x()} {BINARY[call.case.op_type]} {call.x(1)}"


@writes("Neg")
def negative(call: Call) -> str:
    return f"-{call.x()}"


@writes("Not")
def negation(call: Call) -> str:
    return f"not {call.x()}"


@writes("Xor")
def either(call: Call) -> str:
    return f"logical_xor({call.x()}, {call.x(1)})"


@writes("IsInf")
def infinite(call: Call) -> str:
    x = call.x()
    sides = [(call.get("detect_positive", 1), ">"), (call.get("detect_negative", 1), "<")]
    wanted = " or ".join(f"{x} {sign} 0.0" for flag, sign in sides if flag)
    return f"is_inf({x}) and ({wanted})"


@writes("Max Min")
def extreme(call: Call) -> str:
    function = {"Max": "maximum", "Min": "minimum"}[call.case.op_type]
    return nested(function, all_of(call))


@writes("Sum Mean")
def total(call: Call) -> str:
    names = all_of(call)
    whole = " + ".join(names)
    return whole if call.case.op_type == "Sum" else f"({whole}) / {number(len(names))}"


@writes("Div")
def division(call: Call) -> str:
    a, b = call.x(), call.x(1)
    if call.array().dtype.kind == "f":
        return f"{a} / {b}"
    return f"({a} - fmod({a}, {b})) // {b}"


@writes("Mod")
def rest(call: Call) -> str:
    a, b = call.x(), call.x(1)
    if call.get("fmod", 0):
        return f"fmod({a}, {b})"
    if call.array().dtype.kind == "f":
        return f"{a} - floor({a} / {b}) * {b}"
    return f"{a} % {b}"


@writes("Pow")
def power(call: Call) -> str:
    base, exponent = call.array().dtype.name, call.array(1).dtype.name
    if base == exponent == "float32":
        return f"{call.x()} ** {call.x(1)}"
    to = {"float32": "f32", "int32": "i32", "int64": "i64"}[base]
    return f"cast(cast({call.x()}, f64) ** cast({call.x(1)}, f64), {to})"


@writes("Clip")
def clip(call: Call) -> str:
    x, low, high = call.x(), call.fixed(1), call.fixed(2)
    if low is not None and high is not None and low <= high:
        return f"clamp({x}, {number(low)}, {number(high)})"
    bounds = [("maximum", low), ("minimum", high)]
    for function, bound in bounds:
        x = x if bound is None else f"{function}({x}, {number(bound)})"
    return x


@writes("Celu")
def celu(call: Call) -> str:
    return f"celu({call.x()}, alpha={number(call.get('alpha', 1.0))})"


@writes("Elu")
def elu(call: Call) -> str:
    return f"elu({call.x()}, alpha={number(call.get('alpha', 1.0))})"


@writes("Gelu")
def gelu(call: Call) -> str:
    return f"gelu({call.x()}, approximate={word(call.get('approximate') == 'tanh')})"


@writes("HardSigmoid")
def hard_sigmoid(call: Call) -> str:
    slope, shift = number(call.get("alpha", 0.2)), number(call.get("beta", 0.5))
    return f"clamp({call.x()} * {slope} + {shift}, 0.0, 1.0)"


@writes("Hardmax")
def hardmax(call: Call) -> str:
    axis = call.get("axis", -1) % call.rank()
    order = list(range(call.rank() - 1))
    order.insert(axis, call.rank() - 1)
    hot = f"one_hot(argmax({call.x()}, axis={axis}), {call.shape()[axis]})"
    return f"transpose({hot}, {order})"


@writes("LeakyRelu")
def leaky_relu(call: Call) -> str:
    return f"leaky_relu({call.x()}, slope={number(call.get('alpha', 0.01))})"


@writes("Softmax LogSoftmax")
def softmax(call: Call) -> str:
    function = {"Softmax": "softmax", "LogSoftmax": "log_softmax"}[call.case.op_type]
    return f"{function}({call.x()}, axis={call.get('axis', -1)})"


@writes("PRelu")
def prelu(call: Call) -> str:
    x = call.x()
    return f"select({x} >= 0.0, {x}, {x} * {call.x(1)})"


@writes("Selu")
def selu(call: Call) -> str:
    if not call.case.attributes:
        return f"selu({call.x()})"
    alpha, gamma = number(call.get("alpha")), number(call.get("gamma"))
    return f"{gamma} * elu({call.x()}, alpha={alpha})"


@writes("Shrink")
def shrink(call: Call) -> str:
    bias, limit = call.get("bias", 0.0), call.get("lambd", 0.5)
    if bias not in (0.0, limit):
        x, bound, by = call.x(), number(limit), number(bias)
        return f"select(abs({x}) > {bound}, {x} - sign({x}) * {by}, 0.0)"
    return f"{'softshrink' if bias else 'hardshrink'}({call.x()}, {number(limit)})"


@writes("Swish")
def swish(call: Call) -> str:
    return f"swish({call.x()}, {number(call.get('alpha', 1.0))})"


@writes("SwiGLU")
def gated(call: Call) -> str:
    return f"swish({call.x()}, {number(call.get('alpha', 1.0))}) * {call.x(1)}"


@writes("ThresholdedRelu")
def thresholded(call: Call) -> str:
    return f"threshold({call.x()}, {number(call.get('alpha', 1.0))}, 0.0)"


def all_of(call: Call) -> list[str]:
    return [call.x(i) for i in range(len(call.case.arrays))]
