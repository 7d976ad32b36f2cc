"""Loops over the steps of sequences, executed at run time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from msgspec.structs import replace

from netlang.ir.dims import Size, symbol
from netlang.ir.graph import Builder, Cotangents, Graph, Node, Value, Values
from netlang.ir.op import OnnxBuilder, Operand, OperandError, Primitive, Sample, register
from netlang.ir.types import F32, TensorType, Types
from netlang.system.numpy import Array, np


@register
class Scan(Primitive, frozen=True):
    """Run one body for every step along axis 1 of sequences.

    Operands: ``carried`` initial values, ``scanned`` sequences ``(N, T, ...)``, then the outside
    values that the body uses. The body maps carried values, slices ``(N, ...)`` and outside values
    to the next carried values and the results of the step. Returns the final carried values and
    the results of all steps, stacked along axis 1. With ``reverse``, it goes from the last step to
    the first; a result stays with its step. ONNX: Scan.
    """

    name: ClassVar[str] = "scan"
    partial_cotangents = True
    family = "recurrent"
    operands: ClassVar[tuple[str, ...]] = ("xs*",)
    body: Graph
    carried: int
    scanned: int
    reverse: bool = False

    def infer(self, *types: TensorType) -> Types:
        inputs = [v.type for v in self.body.inputs]
        outputs = [v.type for v in self.body.outputs.values()]
        sequences = types[self.carried : self.carried + self.scanned]
        steps = sequences[0].shape[1]
        slices = [t.with_shape(t.shape[0], *t.shape[2:]) for t in sequences]
        given = [*types[: self.carried], *slices, *types[self.carried + self.scanned :]]
        if given != inputs or outputs[: self.carried] != inputs[: self.carried]:
            raise OperandError("the body of a scan does not fit its operands")
        stacked = [t.with_shape(t.shape[0], steps, *t.shape[1:]) for t in outputs[self.carried :]]
        return (*outputs[: self.carried], *stacked)

    def macs(self, *types: TensorType) -> Size:
        once: Size = 0
        for node in self.body.nodes:
            once = once + node.op.macs(*(v.type for v in node.inputs))
        return once * types[self.carried].shape[1]

    def workspace(self, *types: TensorType) -> Sequence[Size]:
        # Scan copies sequences so that time comes first; results are made in that order and copied
        # back.
        sequences = types[self.carried :][: self.scanned]
        results = self.infer(*types)[self.carried :]
        return [t.size for t in (*sequences, *results, *results)]

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        end = self.carried + self.scanned
        carried, sequences, outside = (
            operands[: self.carried],
            operands[self.carried : end],
            operands[end:],
        )
        outputs = list(self.body.outputs.values())
        steps: list[list[Array]] = [[] for _ in outputs[self.carried :]]
        for t in self._steps(sequences[0]):
            slices = [x[:, t] for x in sequences]
            made = self._step([*carried, *slices, *outside])
            carried = made[: self.carried]
            for kept, step in zip(steps, made[self.carried :], strict=True):
                kept.append(step)
        from netlang.ir.arrays import numpy_dtype

        empty = operands[self.carried].shape[0]
        stacked = [
            np.stack(kept[:: -1 if self.reverse else 1], axis=1)
            if kept
            else np.zeros(
                (empty, 0, *(_known(s) for s in v.type.shape[1:])), numpy_dtype(v.type.dtype)
            )
            for kept, v in zip(steps, outputs[self.carried :], strict=True)
        ]
        return (*carried, *stacked)

    def plain(self, *operands: Array) -> tuple[Array, ...]:
        count, end = self.carried, self.carried + self.scanned
        state, sequences, outside = operands[:count], operands[count:end], operands[end:]
        made: list[tuple[Array, ...]] = []
        for t in self._steps(sequences[0]):
            step = run_body(self.body, *state, *(x[:, t] for x in sequences), *outside)
            state = step[:count]
            made.append(step[count:])
        ordered = made[:: -1 if self.reverse else 1]
        return (*state, *(np.stack(steps, axis=1) for steps in zip(*ordered, strict=True)))

    def _steps(self, sequence: Array) -> range:
        steps = range(sequence.shape[1])
        return steps[::-1] if self.reverse else steps

    def _step(self, inputs: Sequence[Array]) -> tuple[Array, ...]:
        values: dict[Value, Array] = dict(zip(self.body.inputs, inputs, strict=True))
        # If f32 is computed in float64, so are the constants of the body.
        wide = any(v.type.dtype is F32 and a.dtype == np.float64 for v, a in values.items())
        for node in self.body.nodes:
            for v, made in zip(
                node.outputs, node.op.forward(*(values[v] for v in node.inputs)), strict=True
            ):
                values[v] = made.astype(np.float64) if wide and made.dtype == np.float32 else made
        return tuple(values[v] for v in self.body.outputs.values())

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return b.scan(self.body, self.carried, self.scanned, operands, reverse=self.reverse)

    def at(self, sizes: Mapping[str, int]) -> Self:
        nodes = tuple(
            Node(n.op.at(sizes), n.inputs, n.outputs, n.scope, n.span) for n in self.body.nodes
        )
        body = Graph(self.body.name, self.body.inputs, {}, nodes, self.body.outputs)
        return replace(self, body=body)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Cotangents) -> Cotangents:
        from netlang.ops.looping.gradients_scan import scan_gradient

        return scan_gradient(self, b, inputs, outputs, cts)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        from netlang.ops.elementwise.arithmetic import Add

        n = symbol("N")
        step = TensorType(F32, (n, 3))
        h, x, w = Value("h", step), Value("x", step), Value("w", step)
        first, second = Value("sum", step), Value("next", step)
        nodes = (Node(Add(), (h, x), (first,)), Node(Add(), (first, w), (second,)))
        body = Graph("scan", (h, x, w), {}, nodes, {"out0": second, "out1": first})
        sequence = TensorType(F32, (n, 4, 3))
        types = (step, sequence, step)
        return [Sample(cls(body, 1, 1, back), types, sizes={"N": 2}) for back in (False, True)]


def run_body(body: Graph, *inputs: Array) -> tuple[Array, ...]:
    """Compute the body of a loop; in generated programs, it is a function."""
    values: dict[Value, Array] = dict(zip(body.inputs, inputs, strict=True))
    for node in body.nodes:
        made = node.op.plain(*(values[v] for v in node.inputs))
        values.update(zip(node.outputs, made, strict=True))
    return tuple(values[v] for v in body.outputs.values())


def _known(size: Size) -> int:
    return size if isinstance(size, int) else 0
