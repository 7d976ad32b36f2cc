"""Random programs over the prelude, each with the shape of its result worked out next to it.

The generator keeps its own books on shapes, in plain integers, and writes the type of every
result into the program: so the elaborator is held to a second opinion as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

SIZES = ({"N": 2, "T": 5}, {"N": 3, "T": 4})
WORDS = 4

Shape = tuple[int | str, ...]

ACTIVATIONS = (
    "relu", "gelu", "silu", "mish", "hardswish", "elu", "selu", "softplus", "tanh", "sigmoid",
    "leaky_relu(0.2)", "relu6", "softshrink", "hardshrink", "celu(0.5)", "squared_relu",
    "quick_gelu", "tanhshrink", "log_sigmoid",
)  # fmt: skip

BLOCKS = """\
op twice(x, inner: op) = inner(inner(x))

block shortcut(x: f32[N, C, H, W], inner: op = relu) -> y: f32[N, C, H, W] {
  a = x |> conv(C, 3, pad=1) |> batch_norm |> inner
  y = a + x
}

block squeeze_excite(x: f32[N, C, H, W], share: int) -> y: f32[N, C, H, W] {
  s = x |> global_avg_pool |> dense(max_of(C // share)) |> relu |> dense(C) |> sigmoid
  y = x * unsqueeze(unsqueeze(s, -1), -1)
}

op max_of(n: int) = if n < 1 then 1 else n

block mixer(x: f32[N, T, D], hidden: int) -> y: f32[N, T, D] {
  y = x + (layer_norm(x) |> dense(hidden) |> gelu |> dense(D))
}
"""


class Text:
    """A random program; it shows itself as it is written."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"\n{self.text}"


@dataclass
class Writer:
    """A program in the making: its lines, and the shape of each value by name."""

    draw: st.DrawFn
    lines: list[str] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)

    def integer(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def flag(self) -> bool:
        return self.draw(st.booleans())

    def choose(self, *words: str) -> str:
        return self.draw(st.sampled_from(words))

    def any(self, *ranks: int) -> tuple[str, Shape]:
        fitting = [n for n, s in self.shapes.items() if len(s) in ranks]
        name = fitting[-1 - self.integer(0, min(2, len(fitting) - 1))]
        return name, self.shapes[name]

    def write(self, expression: str, shape: Shape) -> None:
        name = f"v{len(self.shapes)}"
        self.lines.append(f"  {name} = {expression}")
        self.shapes[name] = shape

    @property
    def activation(self) -> str:
        return self.choose(*ACTIVATIONS)


def swept(size: int, kernel: int, stride: int, pad: int, dilation: int = 1) -> int:
    return (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1


def whole(*sizes: int | str) -> tuple[int, ...]:
    return tuple(s for s in sizes if isinstance(s, int))


def convolution(w: Writer) -> None:
    x, (n, *rest) = w.any(4)
    c, height, width = whole(*rest)
    out, k, stride, pad = w.integer(1, 6), w.integer(1, 3), w.integer(1, 2), w.integer(0, 2)
    if min(height, width) + 2 * pad < k:
        return
    more = ""
    if w.flag():
        more += ", bias=false"
    if w.flag():
        groups = w.draw(st.sampled_from([g for g in range(1, c + 1) if c % g == 0]))
        out *= groups
        more += f", groups={groups}"
    text = f"{x} |> conv({out}, {k}, stride={stride}, pad={pad}{more})"
    if w.flag():
        text += f" |> {w.choose('batch_norm', 'group_norm(1)', w.activation)}"
    w.write(text, (n, out, swept(height, k, stride, pad), swept(width, k, stride, pad)))


def same_convolution(w: Writer) -> None:
    x, shape = w.any(4)
    out, dilation = w.integer(1, 4), w.integer(1, 2)
    text = f"{x} |> conv({out}, 3, pad=same, dilation={dilation}) |> {w.activation}"
    w.write(text, (shape[0], out, *shape[2:]))


def depthwise(w: Writer) -> None:
    x, (n, *rest) = w.any(4)
    c, height, width = whole(*rest)
    if w.flag():
        m = w.integer(1, 2)
        w.write(f"{x} |> depthwise_conv(3, multiplier={m}, pad=1)", (n, c * m, height, width))
    else:
        out = w.integer(1, 5)
        w.write(f"separable_conv({x}, {out}, 3, pad=1)", (n, out, height, width))


def block(w: Writer) -> None:
    x, shape = w.any(4)
    match w.integer(0, 3):
        case 0:
            w.write(f"shortcut({x})", shape)
        case 1:
            w.write(f"shortcut({x}, inner={w.choose('gelu', 'tanh', 'silu')})", shape)
        case 2:
            w.write(f"{x} |> squeeze_excite({w.integer(1, 4)})", shape)
        case _:
            w.write(f"{x} |> twice(inner={w.choose('tanh', 'softsign', 'sigmoid')})", shape)


def loop(w: Writer) -> None:
    x, (n, *rest) = w.any(4)
    widths = w.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    name = f"v{len(w.shapes)}"
    w.lines.append(
        f"  {name} = for width in {widths} with h = {x} {{\n"
        f"    turn = h |> conv(width, 1) |> {w.activation}\n    next h = turn\n  }}"
    )
    w.shapes[name] = (n, widths[-1], *rest[1:])


def branches(w: Writer) -> None:
    x, (n, c, *rest) = w.any(4)
    kernels = w.draw(st.lists(st.sampled_from([1, 3]), min_size=1, max_size=3))
    out = w.integer(1, 3)
    text = f"concat([{x} |> conv({out}, k, pad=k // 2) for k in {kernels}] + [{x}], axis=1)"
    assert isinstance(c, int)
    w.write(text, (n, out * len(kernels) + c, *rest))


def pool(w: Writer) -> None:
    x, (n, *rest) = w.any(4)
    c, height, width = whole(*rest)
    if min(height, width) < 3:
        return
    kind, k, stride = w.choose("max_pool", "avg_pool"), w.integer(1, 3), w.integer(1, 2)
    if w.flag():
        size = w.integer(1, 3)
        kind = w.choose("adaptive_avg_pool", "adaptive_max_pool")
        w.write(f"{x} |> {kind}({size})", (n, c, size, size))
        return
    shape = (n, c, swept(height, k, stride, 0), swept(width, k, stride, 0))
    w.write(f"{x} |> {kind}({k}, stride={stride})", shape)


def upsampling(w: Writer) -> None:
    x, (n, *rest) = w.any(4)
    c, height, width = whole(*rest)
    if height * width > 200:
        return
    mode = w.choose("nearest", "bilinear", "bicubic")
    text = f'{x} |> upsample([2, 1], mode="{mode}")'
    w.write(text, (n, c, 2 * height, width))


def flattening(w: Writer) -> None:
    x, (n, *rest) = w.any(3, 4)
    numbers = whole(*rest)
    if len(numbers) != len(rest):
        w.write(f"mean({x}, axis=1)", (n, rest[-1]))
        return
    out = w.integer(1, 6)
    w.write(f"flatten({x}) |> dense({out})", (n, out))


def dense(w: Writer) -> None:
    x, shape = w.any(2, 3)
    out = w.integer(1, 6)
    bias = "" if w.flag() else ", bias=false"
    w.write(f"{x} |> dense({out}{bias}) |> {w.activation}", (*shape[:-1], out))


def activation(w: Writer) -> None:
    x, shape = w.any(2, 3, 4)
    w.write(f"{w.activation.partition('(')[0]}({x})", shape)


def arithmetic(w: Writer) -> None:
    x, shape = w.any(2, 3, 4)
    fitting = [n for n, s in w.shapes.items() if s == shape]
    other = w.choose(*fitting)
    text = w.choose(
        f"{x} + {other}", f"{x} * 0.5 - {other}", f"{x} * {other}", f"1.0 - {x}", f"-{x}",
        f"maximum({x}, {other})", f"select({x} > {other}, {x}, 0.25)",
        f"if {w.integer(0, 1)} == 1 then {x} else tanh({other})", f"{x} / (1.0 + {other} ** 2)",
        f"lerp({x}, {other}, 0.3)", f"clamp({x}, -1.0, 1.0)", f"sqrt(abs({x}) + 0.1)",
    )  # fmt: skip
    w.write(text, shape)


def norm(w: Writer) -> None:
    x, shape = w.any(3)
    w.write(f"{x} |> {w.choose('layer_norm', 'rms_norm', 'softmax(axis=-1)')}", shape)


def sequence(w: Writer) -> None:
    x, (n, steps, _) = w.any(3)
    units = w.integer(1, 4)
    match w.integer(0, 3):
        case 0:
            kind = w.choose("rnn", "gru", "lstm")
            w.write(f"{kind}({x}, {units}).y", (n, steps, units))
        case 1:
            kind = w.choose("rnn", "gru", "lstm")
            w.write(f"{kind}({x}, {units}, bidirectional=true).y", (n, steps, 2 * units))
        case 2:
            w.write(f"gru({x}, {units}, layers=2).y", (n, steps, units))
        case _:
            w.write(f"{w.choose('rnn', 'gru')}({x}, {units}).h", (n, units))


def attending(w: Writer) -> None:
    x, shape = w.any(3)
    width = shape[2]
    assert isinstance(width, int)
    causal = w.choose("true", "false")
    match w.integer(0, 3):
        case 0:
            w.write(f"attention({x}, {x}, tanh({x}), causal={causal})", shape)
        case 1:
            heads = w.draw(st.sampled_from([h for h in (1, 2, 3) if width % h == 0]))
            w.write(f"multi_head_attention({x}, {heads}, causal={causal})", shape)
        case 2:
            w.write(f"encoder_layer({x}, 1, 5, norm_first={causal})", shape)
        case _:
            w.write(f"mixer({x}, {w.integer(1, 6)})", shape)


def embedded(w: Writer) -> None:
    dim = w.integer(1, 5)
    w.write(f"embedding(words, {WORDS}, {dim})", ("N", "T", dim))


def reduced(w: Writer) -> None:
    x, shape = w.any(3)
    kind = w.choose("sum", "mean", "max", "min", "logsumexp")
    if w.flag():
        w.write(f"{kind}({x}, axis=1)", (shape[0], shape[2]))
    else:
        w.write(f"{kind}({x}, axis=-1, keep=true)", (*shape[:2], 1))


def turned(w: Writer) -> None:
    x, shape = w.any(4)
    if w.flag():
        w.write(f"transpose({x}, [0, 1, 3, 2])", (*shape[:2], shape[3], shape[2]))
        return
    n, c, height, width = shape
    assert isinstance(height, int)
    assert isinstance(width, int)
    w.write(f"reshape({x}, [N, {c}, {height * width}])", (n, c, height * width))


def sliced(w: Writer) -> None:
    x, shape = w.any(3, 4)
    last = shape[-1]
    assert isinstance(last, int)
    if last < 2:
        return
    dots = ", ".join([":"] * (len(shape) - 1))
    match w.integer(0, 2):
        case 0:
            w.write(f"{x}[{dots}, 1:]", (*shape[:-1], last - 1))
        # Features are a fixed number: a free time must not become the last size.
        case 1 if isinstance(shape[-2], int):
            w.write(f"{x}[{dots}, -1]", shape[:-1])
        case _:
            w.write(f"split({x}, [1, {last - 1}], axis=-1)[1]", (*shape[:-1], last - 1))


STATEMENTS = (
    convolution, same_convolution, depthwise, block, loop, branches, pool, upsampling, flattening,
    dense, activation, arithmetic, norm, sequence, attending, embedded, reduced, turned, sliced,
)  # fmt: skip


@st.composite
def programs(draw: st.DrawFn) -> Text:
    """Draw a net of an image, a sequence and words, with two results whose shapes are stated."""
    w = Writer(draw)
    w.shapes = {"image": ("N", 3, 8, 6), "sequence": ("N", "T", 4), "row": ("N", 5)}
    for statement in draw(st.lists(st.sampled_from(STATEMENTS), min_size=3, max_size=12)):
        statement(w)
    names = [n for n in w.shapes if n.startswith("v")] or ["row"]
    ends = names[-2:]
    results = ", ".join(
        f"y{i}: f32[{', '.join(map(str, w.shapes[n]))}]" for i, n in enumerate(ends)
    )
    lines = [*w.lines, *(f"  y{i} = {n} + 0.0" for i, n in enumerate(ends))]
    head = (
        "net Random(image: f32[N, 3, 8, 6], sequence: f32[N, T, 4], row: f32[N, 5], "
        f"words: i64[N, T]) -> ({results}) {{\n"
    )
    return Text(BLOCKS + "\n" + head + "\n".join(lines) + "\n}\n")
