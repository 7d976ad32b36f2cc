"""What differs between training and evaluation: dropout, batch norm, random draws.

A program describes a network in evaluation. For a step, its nodes are made again with those few
replaced, in the parts that some step updates; a part nothing updates stays in evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from netlang.evaluate.context.frame import Noise
from netlang.evaluate.context.selections import Weights
from netlang.ir.backward_slice import needed
from netlang.ir.dims import product
from netlang.ir.graph import Builder, Node, Value, Values
from netlang.ir.types import F32
from netlang.ops.random.random import RandomDrop
from netlang.ops.random.randomness import SampleNormal, SampleUniform, key_of
from netlang.ops.reducing.batch_statistics import NormalizeBatchTraining
from netlang.ops.reducing.normalization import NormalizeBatch
from netlang.ops.shaping.creation import Full
from netlang.ops.terms import Term
from netlang.passes.autodiff import gradients
from netlang.plan.section import Plan


@dataclass(frozen=True, slots=True)
class Counts:
    """What random draws are counted by: batches, shared by all steps, and updates."""

    batch: Value
    update: Value


class Modes:
    """Remakes the nodes of a train section for training or for evaluation."""

    def __init__(self, plan: Plan, weights: Weights, active: Set[str], seed: int) -> None:
        self._noise = plan.noise
        self._slopes = plan.slopes
        self._seed = seed
        self._resting = {path for path in weights.by_path if path not in active}
        # A part is in training where a weight below its path is; one without weights where a
        # part around it is.
        self._active = {".".join(path.split(".")[:n]) for path in active for n in range(20)}
        self._params = plan.params
        carried = plan.settings.get("carry_state") is True
        self._starts = {} if carried else {s.value: s.start for s in plan.states}

    def training(
        self, b: Builder, nodes: Sequence[Node], counts: Counts, wanted: Values, step: str
    ) -> tuple[dict[Value, Value], dict[Value, Value]]:
        """Make the nodes that ``wanted`` needs; give their values and the new statistics.

        ``step`` is the name of the step: each drops elements of its own.
        """
        values = _Values()
        statistics: dict[Value, Value] = {}
        for node in needed(nodes, wanted, self._slopes):
            b.scope, b.span = node.scope, node.span
            self._draw(b, node, counts.batch, values)
            inputs = tuple(values[v] for v in node.inputs)
            made = self._trained(b, node, inputs, counts.update, statistics, step)
            values.update(zip(node.outputs, made, strict=True))
        return values, statistics

    def evaluation(
        self, b: Builder, nodes: Sequence[Node], count: Value, wanted: Values
    ) -> dict[Value, Value]:
        """Make the nodes that ``wanted`` needs, as the program has them."""
        values = _Values()
        for node in needed(nodes, wanted, self._slopes):
            b.scope, b.span = node.scope, node.span
            self._draw(b, node, count, values)
            inputs = tuple(values[v] for v in node.inputs)
            made = b.add(node.op, *inputs, name=node.outputs[0].name)
            values.update(zip(node.outputs, made, strict=True))
        return values

    def _draw(self, b: Builder, node: Node, count: Value, values: dict[Value, Value]) -> None:
        for value in node.inputs:
            noise = self._noise.get(value)
            if noise is not None and value not in values:
                values[value] = self._drawn(b, value, noise, count)
            elif value in self._slopes and value not in values:
                of, by = (values[v] for v in self._slopes[value])
                ones = Full(of.type.shape, 1.0, of.type.dtype)
                (values[value],) = gradients(b, {of: b.one(ones)}, (by,))
            elif value in self._starts and value not in values:
                full = Full(value.type.shape, self._starts[value], value.type.dtype)
                values[value] = b.one(full)

    def _drawn(self, b: Builder, value: Value, noise: Noise, count: Value) -> Value:
        kind = SampleNormal if noise.kind == "normal" else SampleUniform
        return b.one(kind(value.type.shape, key_of(self._seed, noise.site)), count)

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
            case _:
                return b.add(node.op, *inputs, name=node.outputs[0].name)

    def _in_training(self, node: Node) -> bool:
        """Tell whether the part around a node is one that some step updates."""
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
        count = Term(b, x).count(product((x.type.shape[0], *x.type.shape[2:])))
        # The running variance is that of the population, the batch's own that of its elements.
        unbiased = Term(b, batch_var) * (count / (count - 1.0))
        for old, new in ((mean, Term(b, batch_mean)), (var, unbiased)):
            if old in self._params:
                before = Term(b, statistics.get(old, old))
                statistics[old] = (before * (1.0 - share) + new * share).value
        return y


class _Values(dict[Value, Value]):
    """New values for old ones; inputs and weights stand for themselves."""

    def __missing__(self, value: Value) -> Value:
        return value
