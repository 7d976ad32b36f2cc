"""Recurrent layers, each of which is one ONNX node."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, Self

from netlang.diagnostics import rules
from netlang.diagnostics.errors import InputError
from netlang.ir.dims import Shape, Size, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, OperandError, Primitive, Sample, register
from netlang.ir.types import F32, I64, DType, TensorType, Types
from netlang.ops.arguments import flag, word
from netlang.ops.checks import require_dtype_of, require_float, require_rank, shape_text
from netlang.ops.reverse import differentiate_formula
from netlang.ops.terms import Term
from netlang.system.numpy import Array, np

Activation = Literal["tanh", "relu"]
_WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


class Recurrence(Primitive, frozen=True):
    """Run a recurrent cell along sequences in one direction.

    Operands: ``x [N, T, D]``, the weights ``[gates * U, D]``, ``[gates * U, U]`` and two biases
    ``[gates * U]`` as in PyTorch, then either every state ``[N, U]`` or none (zeros), then the
    lengths ``i64[N]`` if any. Returns ``y [N, T, U]`` and the final states ``[N, U]``.
    """

    operands: ClassVar[tuple[str, ...]] = ("x", *_WEIGHTS, "rest*")
    family = "recurrent"
    makes_sequence = True
    gates: ClassVar[int]
    states: ClassVar[tuple[str, ...]] = ("h0",)
    onnx_name: ClassVar[str]
    onnx_gates: ClassVar[tuple[int, ...]]
    """Indices of our gates in the order of ONNX."""
    reverse: bool

    @classmethod
    def make(cls, types: Types, attributes: Mapping[str, object]) -> Self:
        del types
        return cls(reverse=flag(attributes, "reverse"))  # pyright: ignore[reportCallIssue]

    @abstractmethod
    def step(
        self, gates: Array, states: Sequence[Array], weight: Array, bias: Array
    ) -> tuple[Array, ...]:
        """Return the next states, given the input's part of the gates and the previous states."""

    def onnx_attributes(self) -> dict[str, object]:
        """Return the attributes of the ONNX node besides its size and direction."""
        return {}

    def infer(self, *types: TensorType) -> Types:
        x, *weights = types[:5]
        require_float(self.name, x)
        if x.rank != 3:
            raise OperandError(
                f"`{self.name}` walks along sequences [N, T, features]",
                rule=rules.RANK_MISMATCH,
                operand=0,
                label=f"this is {x}",
                helps=_sequence_helps(x),
            )
        require_rank(self.name, weights[1], 2, "a weight [gates * units, units]", operand=2)
        units = weights[1].shape[1]
        rows = units * self.gates
        wanted: tuple[Shape, ...] = ((rows, x.shape[2]), (rows, units), (rows,), (rows,))
        for at, (name, weight, shape) in enumerate(zip(_WEIGHTS, weights, wanted, strict=True), 1):
            require_dtype_of(x, weight, operand=at)
            if weight.shape != shape:
                raise OperandError(
                    f"`{name}` doesn't fit the input and the units",
                    operand=at,
                    label=f"this is {weight}",
                    notes=(f"for {x} and {units} units it must be {shape_text(shape)}",),
                )
        state = x.with_shape(x.shape[0], units)
        self._check_states(x, state, types[5:])
        y = x.with_shape(*x.shape[:2], units)
        return (y, *(state for _ in self.states))

    def _check_states(self, x: TensorType, state: TensorType, rest: Types) -> None:
        states = [t for t in rest if not t.dtype.is_integer]
        if states and len(states) != len(self.states):
            listed = " and ".join(f"`{s}`" for s in self.states)
            raise OperandError(f"`{self.name}` starts from {listed} together, or from zeros")
        for at, given in enumerate(states):
            require_dtype_of(x, given, operand=5 + at)
            if given != state:
                raise OperandError(
                    f"`{self.states[at]}` must be {state}",
                    operand=5 + at,
                    label=f"this is {given}",
                    notes=("one row for each sequence, one number for each unit",),
                )
        for at, length in enumerate(rest[len(states) :], 5 + len(states)):
            if at > 5 + len(states) or length != TensorType(I64, x.shape[:1]):
                raise OperandError(
                    f"`length` must be i64{shape_text(x.shape[:1])}",
                    operand=at,
                    label=f"this is {length}",
                    notes=("one number of steps for each sequence",),
                )

    def macs(self, *types: TensorType) -> Size:
        x, weight_ih, weight_hh, *_ = types
        return (weight_ih.size + weight_hh.size) * x.shape[0] * x.shape[1]

    def workspace(self, *types: TensorType) -> Sequence[Size]:
        # Copies of the input and the result with time first, and the gates of all steps.
        x, _, weight_hh, *_ = types
        y = x.shape[0] * x.shape[1] * weight_hh.shape[1]
        return [x.size, y, y * self.gates]

    def gradient_workspace(self, *types: TensorType) -> Sequence[Size]:
        # What the forward loop has kept of the gates and the states, the cotangents of
        # both, and the copies of these with time first that loops read and make.
        x, _, weight_hh, *_ = types
        y = x.shape[0] * x.shape[1] * weight_hh.shape[1]
        return [x.size, *[y] * len(self.states), *[y * self.gates] * 12]

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, weight_ih, weight_hh, bias_ih, bias_hh, *rest = operands
        count, steps, _ = x.shape
        units = weight_hh.shape[1]
        lengths = [operand for operand in rest if operand.dtype.kind == "i"]
        _check_lengths(lengths, steps)
        # One large product for all steps; only what depends on the state remains in the loop.
        gates = np.matmul(x, weight_ih.T) + bias_ih
        states = rest[: len(rest) - len(lengths)]
        if not states:
            states = [np.zeros((count, units), dtype=x.dtype) for _ in self.states]
        y = np.zeros((count, steps, units), dtype=x.dtype)
        for t in reversed(range(steps)) if self.reverse else range(steps):
            made = self.step(gates[:, t], states, weight_hh, bias_hh)
            if not lengths:
                states, y[:, t] = made, made[0]
                continue
            on = (t < lengths[0])[:, None]
            states = [np.where(on, new, old) for new, old in zip(made, states, strict=True)]
            y[:, t] = np.where(on, made[0], 0)
        return (y, *states)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        x, weight_ih, weight_hh, bias_ih, bias_hh, *rest = operands
        length = rest.pop() if rest and rest[-1].type.dtype is I64 else None
        biases = [self._reordered(b, bias, ()) for bias in (bias_ih, bias_hh)]
        made = b.add_many(
            self.onnx_name,
            b.add("Transpose", x, perm=[1, 0, 2]),
            self._reordered(b, weight_ih, weight_ih.type.shape[1:]),
            self._reordered(b, weight_hh, weight_hh.type.shape[1:]),
            b.add("Concat", *biases, axis=1),
            b.add("Cast", length, to=DType.I32) if length else "",
            *(b.add("Unsqueeze", state, b.axes([0])) for state in rest),
            outputs=1 + len(self.states),
            hidden_size=weight_hh.type.shape[1],
            direction="reverse" if self.reverse else "forward",
            **self.onnx_attributes(),
        )
        # [T, 1, N, U]: squeezed first, the transposes of stacked layers are adjacent and cancel.
        y = b.add("Transpose", b.add("Squeeze", made[0], b.axes([1])), perm=[1, 0, 2])
        last = [b.add("Squeeze", state, b.axes([0])) for state in made[1:]]
        if length and rest:
            # onnxruntime returns zeros for a sequence of length 0, whatever its initial state.
            some = b.add("Greater", length, b.constant(0, I64))
            on = b.add("Unsqueeze", some, b.axes([1]))
            last = [b.add("Where", on, end, start) for end, start in zip(last, rest, strict=True)]
        return (y, *last)

    def _reordered(self, b: OnnxBuilder, weight: Operand, rest: Shape) -> str:
        """Return gates ``[gates * U, ...]`` in the order of ONNX, as ``[1, gates * U, ...]``.

        For constant weights this is folded before inference.
        """
        if self.gates == 1:
            return b.add("Unsqueeze", weight, b.axes([0]))
        separate = b.add("Reshape", weight, b.shape((self.gates, -1, *rest)))
        sorted_gates = b.add("Gather", separate, b.axes(self.onnx_gates), axis=0)
        return b.add("Reshape", sorted_gates, b.shape((1, -1, *rest)))

    @abstractmethod
    def cell(self, gates: Term, hidden: Term, states: Sequence[Term]) -> list[Term]:
        """Return formulas of the next states, given the gates' parts from input and state."""

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        from netlang.ops.looping.recurrent_loop import as_loop

        del outputs
        return differentiate_formula(b, inputs, cts, lambda b, xs: as_loop(self, b, xs))

    @classmethod
    def sampled(cls, op: Self) -> Sequence[Sample]:
        """Return samples of the operator with and without states and lengths."""
        n, t, units = symbol("N"), symbol("T"), 2
        rows = units * cls.gates
        weights = [(rows, 3), (rows, units), (rows,), (rows,)]
        state: Shape = (n, units)
        starts = [TensorType(F32, state)] * len(cls.states)
        typed = [TensorType(F32, s) for s in [(n, t, 3), *weights]]
        fixed = [TensorType(F32, s) for s in [(2, 4, 3), *weights]]
        length = TensorType(I64, (n,))
        sizes = {"N": 3, "T": 4}
        return [
            Sample(op, tuple(fixed)),
            Sample(op, (*typed, *starts), sizes=sizes),
            Sample(op, (*typed, length), low=0, high=5, sizes=sizes),
            Sample(op, (*typed, *starts, length), low=0, high=5, sizes=sizes),
        ]


@register
class RnnLayer(Recurrence, frozen=True):
    """Run an Elman recurrent layer along sequences: h' = tanh(x W' + b + h V' + c).

    ``[N, T, D] -> [N, T, U], [N, U]``. ``activation`` is tanh or relu; ``reverse`` goes from the
    last step to the first. Beyond a length, y is 0 and the state is unchanged. Source: Elman, 1990;
    ONNX RNN.
    """

    name: ClassVar[str] = "rnn_layer"
    gradient_reads = ("operands", "results")
    gates: ClassVar[int] = 1
    onnx_name: ClassVar[str] = "RNN"
    onnx_gates: ClassVar[tuple[int, ...]] = (0,)
    reverse: bool = False
    activation: Activation = "tanh"

    @classmethod
    def make(cls, types: Types, attributes: Mapping[str, object]) -> Self:
        del types
        chosen = word(attributes, "activation", {"tanh": "tanh", "relu": "relu"}, "tanh")
        return cls(flag(attributes, "reverse"), "relu" if chosen == "relu" else "tanh")

    def step(
        self, gates: Array, states: Sequence[Array], weight: Array, bias: Array
    ) -> tuple[Array, ...]:
        (h,) = states
        total = gates + np.matmul(h, weight.T) + bias
        return (np.tanh(total) if self.activation == "tanh" else np.maximum(total, 0),)

    def onnx_attributes(self) -> dict[str, object]:
        return {"activations": [self.activation.capitalize()]}

    def cell(self, gates: Term, hidden: Term, states: Sequence[Term]) -> list[Term]:
        del states
        return [(gates + hidden).unary(self.activation)]

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        ops = (cls(), cls(reverse=True), cls(activation="relu"))
        return [sample for op in ops for sample in cls.sampled(op)]


@register
class GruLayer(Recurrence, frozen=True):
    """Run a gated recurrent unit along sequences; gates in the order r, z, n.

    ``[N, T, D] -> [N, T, U], [N, U]``. The reset gate is applied after the product with the state.
    ``reverse`` goes from the last step to the first. Beyond a length, y is 0 and the state is
    unchanged.
    Source: Cho et al., 2014; ONNX GRU.
    """

    name: ClassVar[str] = "gru_layer"
    gradient_reads = ("operands", "results")
    gates: ClassVar[int] = 3
    onnx_name: ClassVar[str] = "GRU"
    onnx_gates: ClassVar[tuple[int, ...]] = (1, 0, 2)
    reverse: bool = False

    def step(
        self, gates: Array, states: Sequence[Array], weight: Array, bias: Array
    ) -> tuple[Array, ...]:
        (h,) = states
        units = h.shape[1]
        hidden = np.matmul(h, weight.T) + bias
        r, z = np.split(_sigmoid(gates[:, : 2 * units] + hidden[:, : 2 * units]), 2, axis=1)
        n = np.tanh(gates[:, 2 * units :] + r * hidden[:, 2 * units :])
        return ((1 - z) * n + z * h,)

    def onnx_attributes(self) -> dict[str, object]:
        return {"linear_before_reset": 1}

    def cell(self, gates: Term, hidden: Term, states: Sequence[Term]) -> list[Term]:
        (h,) = states
        (r_in, z_in, n_in), (r_state, z_state, n_state) = gates.parts(1, 3), hidden.parts(1, 3)
        r, z = (r_in + r_state).unary("sigmoid"), (z_in + z_state).unary("sigmoid")
        n = (n_in + r * n_state).unary("tanh")
        return [(1.0 - z) * n + z * h]

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [sample for op in (cls(), cls(reverse=True)) for sample in cls.sampled(op)]


@register
class LstmLayer(Recurrence, frozen=True):
    """Run long short-term memory along sequences; gates in the order i, f, g, o.

    ``[N, T, D] -> [N, T, U], [N, U], [N, U]``: all outputs, the final output, the final cell state.
    ``reverse`` goes from the last step to the first. Beyond a length, y is 0 and the states are
    unchanged.
    Source: Hochreiter & Schmidhuber, 1997; ONNX LSTM.
    """

    name: ClassVar[str] = "lstm_layer"
    gradient_reads = ("operands", "results")
    gates: ClassVar[int] = 4
    states: ClassVar[tuple[str, ...]] = ("h0", "c0")
    onnx_name: ClassVar[str] = "LSTM"
    onnx_gates: ClassVar[tuple[int, ...]] = (0, 3, 1, 2)
    reverse: bool = False

    def step(
        self, gates: Array, states: Sequence[Array], weight: Array, bias: Array
    ) -> tuple[Array, ...]:
        h, c = states
        total = gates + np.matmul(h, weight.T) + bias
        i, f, g, o = np.split(total, 4, axis=1)
        c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
        return (_sigmoid(o) * np.tanh(c), c)

    def cell(self, gates: Term, hidden: Term, states: Sequence[Term]) -> list[Term]:
        i, f, g, o = (gates + hidden).parts(1, 4)
        c = f.unary("sigmoid") * states[1] + i.unary("sigmoid") * g.unary("tanh")
        return [o.unary("sigmoid") * c.unary("tanh"), c]

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [sample for op in (cls(), cls(reverse=True)) for sample in cls.sampled(op)]


def _sigmoid(x: Array) -> Array:
    # 1 / (1 + exp(-x)) would overflow.
    return 0.5 * (1 + np.tanh(0.5 * x))


def _check_lengths(lengths: Sequence[Array], steps: int) -> None:
    for row, value in enumerate(value for length in lengths for value in length.tolist()):
        if not 0 <= value <= steps:
            raise InputError(
                f"row {row} has length {value}, and the sequences have {steps} steps",
                helps=(f"a length is from 0 to {steps}",),
            )


def _sequence_helps(x: TensorType) -> tuple[str, ...]:
    if x.rank == 2:
        return (
            "for one step, use a cell such as `gru_cell`; for one feature, `unsqueeze({0}, -1)`",
        )
    if x.rank > 3:
        return ("bring the features of a step into one axis: `flatten({0}, start=2)`",)
    return ()
