"""What differs between training and evaluation: dropout, batch norm, random numbers.

A program describes a network in evaluation mode. For a step, its nodes are rebuilt with those few
replaced, in the parts that some step updates; a part nothing updates stays in evaluation mode.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from netlang.ir.backward_slice import needed
from netlang.ir.dims import product
from netlang.ir.graph import Builder, Node, Value, Values
from netlang.ir.types import F32
from netlang.ops.looping.recurrent import Recurrence
from netlang.ops.looping.recurrent_loop import as_loop
from netlang.ops.random.random import RandomDrop
from netlang.ops.random.randomness import SampleNormal, SampleUniform, key_of
from netlang.ops.reducing.batch_statistics import NormalizeBatchTraining
from netlang.ops.reducing.normalization import NormalizeBatch
from netlang.ops.shaping.creation import Full
from netlang.ops.terms import Term
from netlang.passes.autodiff import gradients
from netlang.plan.plan import Plan


@dataclass(frozen=True, slots=True)
class Counts:
    """The counters of random numbers: batches, which all steps share, and updates."""

    batch: Value
    update: Value


class Modes:
    """Rebuilds the nodes of a train section for training or for evaluation.

    ``active`` are the paths of the parameters that some step changes.
    """

    def __init__(self, plan: Plan, active: Set[str], seed: int) -> None:
        computed = plan.computation
        self._nodes = computed.nodes
        self._noise = computed.noise
        self._gradients = computed.gradients
        self._params = computed.params
        self._seed = seed
        # onnxruntime computes recurrent layers in f32 only, but loops in f64 as well.
        self._looping = plan.precision == "f64"
        self._resting = {p.path for p in computed.params.values() if p.path not in active}
        # A part is in training if a parameter below its path is; one without any parameters, if a
        # part around it is.
        self._active = {".".join(path.split(".")[:n]) for path in active for n in range(20)}
        self._starts = {} if plan.carry_state else {s.value: s.start for s in computed.states}

    def training(
        self, b: Builder, counts: Counts, wanted: Values, step: str
    ) -> tuple[dict[Value, Value], dict[Value, Value]]:
        """Build the nodes that ``wanted`` needs; return their values and the new statistics.

        ``step`` is the name of the step: each samples dropout masks of its own.
        """
        values = _Values()
        statistics: dict[Value, Value] = {}
        for node in needed(self._nodes, wanted, self._gradients):
            b.scope, b.span = node.scope, node.span
            self._sources(b, node.inputs, counts.batch, values)
            inputs = tuple(values[v] for v in node.inputs)
            made = self._trained(b, node, inputs, counts.update, statistics, step)
            values.update(zip(node.outputs, made, strict=True))
        self._sources(b, wanted, counts.batch, values)
        return values, statistics

    def evaluation(self, b: Builder, count: Value, wanted: Values) -> dict[Value, Value]:
        """Build the nodes that ``wanted`` needs, as the program has them."""
        values = _Values()
        for node in needed(self._nodes, wanted, self._gradients):
            b.scope, b.span = node.scope, node.span
            self._sources(b, node.inputs, count, values)
            inputs = tuple(values[v] for v in node.inputs)
            made = self._evaluated(b, node, inputs)
            values.update(zip(node.outputs, made, strict=True))
        self._sources(b, wanted, count, values)
        return values

    def _sources(
        self, b: Builder, wanted: Values, count: Value, values: dict[Value, Value]
    ) -> None:
        """Build those of some values that no node makes: noise, gradients, initial states."""
        for value in wanted:
            noise = self._noise.get(value)
            if noise is not None and value not in values:
                sample = SampleNormal if noise.kind == "normal" else SampleUniform
                key = key_of(self._seed, noise.site)
                values[value] = b.one(sample(value.type.shape, key), count)
            elif value in self._gradients and value not in values:
                self._sources(b, self._gradients[value], count, values)
                of, by = (values[v] for v in self._gradients[value])
                ones = Full(of.type.shape, 1.0, of.type.dtype)
                (values[value],) = gradients(b, {of: b.one(ones)}, (by,))
            elif value in self._starts and value not in values:
                full = Full(value.type.shape, self._starts[value], value.type.dtype)
                values[value] = b.one(full)

    def _trained(
        self, b: Builder, node: Node, inputs: Values, count: Value,
        statistics: dict[Value, Value], step: str,
    ) -> Values:  # fmt: skip
        match node.op:
            case RandomDrop(rate=rate) as op if rate and self._in_training(node):
                site = f"{step}/{node.outputs[0].name}"
                return (self._dropped(b, op, inputs[0], count, site),)
            case NormalizeBatch() if self._in_training(node):
                return (self._normalized(b, node.op, inputs, statistics),)
            case Recurrence() if self._in_training(node):
                return as_loop(node.op, b, inputs)
            case _:
                return self._evaluated(b, node, inputs)

    def _evaluated(self, b: Builder, node: Node, inputs: Values) -> Values:
        if self._looping and isinstance(node.op, Recurrence):
            return as_loop(node.op, b, inputs)
        return b.add(node.op, *inputs, name=node.outputs[0].name)

    def _in_training(self, node: Node) -> bool:
        """Return whether the part around a node is one that some step updates."""
        own = [self._params[v].path for v in node.inputs if v in self._params]
        if own:
            return not all(path in self._resting for path in own)
        scope = node.scope
        while scope is not None:
            if scope.path and scope.path in self._active:
                return True
            below = f"{scope.path}."
            if scope.path and any(path.startswith(below) for path in self._resting):
                return False
            scope = scope.parent
        return True

    def _dropped(self, b: Builder, op: RandomDrop, x: Value, count: Value, site: str) -> Value:
        shape = x.type.shape
        key = key_of(self._seed, site)
        chance = Term(b, b.one(SampleUniform(op.mask_shape(shape), key), count))
        mask = (chance >= op.rate).cast(F32) * (1.0 / (1.0 - op.rate))
        return (Term(b, x) * mask.cast(x.type.dtype).expand(shape)).value

    def _normalized(
        self, b: Builder, op: NormalizeBatch, inputs: Values, statistics: dict[Value, Value]
    ) -> Value:
        x, scale, shift, mean, var = inputs
        y, batch_mean, batch_var = b.add(NormalizeBatchTraining(op.eps), x, scale, shift)
        share = op.momentum
        around = product(x.type.shape[2:])
        count = Term(b, x).count(around * x.type.shape[0])
        # The running variance is that of the population, the batch's own that of its elements.
        unbiased = Term(b, batch_var) * (count / (count - 1.0))
        for old, new in ((mean, Term(b, batch_mean)), (var, unbiased)):
            if old in self._params:
                before = Term(b, statistics.get(old, old))
                after = before * (1.0 - share) + new * share
                if not isinstance(around, int) or around == 1:
                    # A single element has no variance: it leaves what is known as it is.
                    after = after.where(count > 1.0, before)
                statistics[old] = after.value
        return y


class _Values(dict[Value, Value]):
    """New values for old ones; inputs and parameters map to themselves."""

    def __missing__(self, value: Value) -> Value:
        return value
