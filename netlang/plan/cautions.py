"""Train sections that hardly do what was meant: warnings, and labels that have no logit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Unpack

from netlang.analysis.accumulators import Accumulators, of_examples
from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, Parts, Severity, diagnostic
from netlang.diagnostics.rules import Rule
from netlang.diagnostics.source import Span
from netlang.evaluate.context.frame import Frame, report
from netlang.ir.backward_slice import producers, walk_back
from netlang.ir.dims import product, substitute
from netlang.ir.graph import Node, Scope, Value
from netlang.ir.op import Primitive
from netlang.ir.types import DType
from netlang.ops.elementwise.activation import Sigmoid, Softplus
from netlang.ops.reducing.reduction import Mean, Sum
from netlang.ops.reducing.softmax import LogSoftmax, Normalizer, Softmax
from netlang.ops.shaping.creation import Measure
from netlang.plan.plan import Plan
from netlang.plan.schedules import durations
from netlang.syntax import ast


class _Section:
    """A section whose settings are checked, and what makes each of its values."""

    def __init__(self, plan: Plan, decl: ast.Train) -> None:
        self.plan, self.decl = plan, decl
        self.nodes, self.params = plan.computation.nodes, plan.computation.params
        self._producers = producers(self.nodes)

    def before(
        self, value: Value, through: Callable[[Primitive], bool] = attrgetter("retypes")
    ) -> Iterator[Node]:
        """Yield what made a value, and what made that, as long as it was only passed on."""
        return walk_back(value, self._producers, through)


def warn(plan: Plan, decl: ast.Train, frame: Frame) -> None:
    """Report what is nearly always an error, once per location."""
    section = _Section(plan, decl)
    reported: set[tuple[Rule, Span]] = set()
    checks = (
        _double_softmax, _one_class, _classes, _batch_norms, _untrained, _schedules,
        _batch_dependent,
    )  # fmt: skip
    for check in checks:
        for found in check(section):
            if (found.rule, found.span) not in reported:
                reported.add((found.rule, found.span))
                report(frame, found)


def place_of(node: Node, decl: ast.Train) -> Span:
    """Find the user's text that made a node."""
    span, scope = node.span, node.scope
    while scope is not None and (span is None or span.source.library):
        span, scope = scope.span, scope.parent
    return decl.name.span if span is None or span.source.library else span


def _kinds(node: Node) -> Iterator[str]:
    scope = node.scope
    while scope is not None:
        yield scope.kind
        scope = scope.parent


def _double_softmax(section: _Section) -> Iterator[Diagnostic]:
    """Find probabilities where logits are wanted."""
    for node in section.nodes:
        what, note = "loss", "squashed twice, gradients are small and training is slow"
        match node.op:
            case LogSoftmax():
                squashed = Normalizer
            case Softplus() if "bce_with_logits" in _kinds(node):
                squashed = Sigmoid
            case Softmax() if "_by_score" in _kinds(node):
                what, note = "metric", "squashed twice, examples may be in another order"
                squashed = Normalizer
            case _ if _of_two_classes(node):
                what, note = "metric", "a logit above 0 is class 1, and a probability always is"
                squashed = Sigmoid
            case _:
                continue
        for earlier in section.before(node.inputs[0]):
            if isinstance(earlier.op, squashed):
                yield _warn(
                    rules.DOUBLE_SOFTMAX,
                    f"the {what} expects logits, but this is the output of `{earlier.op.name}`",
                    place_of(earlier, section.decl),
                    "these are probabilities already",
                    notes=(note,),
                    helps=(f"leave `{earlier.op.name}` out: it is part of the {what}",),
                )


def _of_two_classes(node: Node) -> bool:
    """Return whether a metric compares the logits of two classes with 0 here."""
    kinds = {*_kinds(node)}
    is_mask = node.outputs[0].type.dtype is DType.BOOL
    return is_mask and "_predicted_classes" in kinds and "_comparable" not in kinds


def _one_class(section: _Section) -> Iterator[Diagnostic]:
    """Find a choice between classes of which there is one."""
    for node in section.nodes:
        match node.op:
            case LogSoftmax(axis=axis) if node.inputs[0].type.shape[axis] == 1:
                yield _warn(
                    rules.ONE_CLASS,
                    "the loss chooses between classes, and there is one",
                    place_of(node, section.decl),
                    f"the logits are {node.inputs[0].type}",
                    notes=("its share is always 1, the loss 0, and nothing is learned",),
                    helps=("for yes or no, use `bce_with_logits`",),
                )
            case _:
                pass


def _classes(section: _Section) -> Iterator[Diagnostic]:
    """Find a loss with fewer logits than the dataset has classes."""
    data, columns = section.plan.data, section.plan.computation.batch.values()
    classes = data.dataset.classes if data is not None else None
    if classes is None:
        return
    labels = {value for value in columns if value.type.dtype.is_integer}
    labelled = (node for node in section.nodes if not labels.isdisjoint(node.inputs))
    losses = {scope for node in labelled for scope in _losses(node)}
    for node in section.nodes:
        match node.op:
            case LogSoftmax(axis=axis) if losses.intersection(_losses(node)):
                count = node.inputs[0].type.shape[axis]
            case _:
                continue
        if isinstance(count, int) and 1 < count < classes:
            yield diagnostic(
                rules.OUT_OF_RANGE,
                f"the data has {classes} classes, and the loss has {count} logits",
                place_of(node, section.decl),
                f"the logits are {node.inputs[0].type}, and the labels go up to {classes - 1}",
                helps=(f"let the last layer return {classes} numbers, such as `dense({classes})`",),
            )


def _losses(node: Node) -> Iterator[Scope]:
    """Yield the calls of losses over classes that a node belongs to."""
    scope = node.scope
    while scope is not None:
        if scope.library and scope.kind == "cross_entropy":
            yield scope
        scope = scope.parent


def _batch_norms(section: _Section) -> Iterator[Diagnostic]:
    counts = Counter(value for node in section.nodes for value in node.inputs)
    for node in section.plan.computation.trained_batch_norms():
        found = (
            _bias_before(section, node, counts),
            _drop_before(section, node),
            _batch_of_one(section, node),
        )
        yield from (each for each in found if each is not None)


def _bias_before(section: _Section, node: Node, counts: Counter[Value]) -> Diagnostic | None:
    """Find a bias that the batch norm after it cancels."""
    for earlier in section.before(node.inputs[0]):
        bias = earlier.inputs[-1]
        if counts[earlier.outputs[0]] > 1:
            return None
        if earlier.op.linear and len(earlier.inputs) == 3 and bias in section.params:
            return _warn(
                rules.BIAS_BEFORE_BATCH_NORM,
                "this bias has no effect: the batch norm that follows cancels it",
                place_of(earlier, section.decl),
                f"`{section.params[bias].path}` has no effect",
                helps=("give the layer `bias=false`: batch norm has a shift of its own",),
            )
    return None


def _drop_before(section: _Section, node: Node) -> Diagnostic | None:
    """Find a dropout on the way into a batch norm (Li et al., 2019)."""
    for earlier in section.before(node.inputs[0], _keeps_dropout):
        if earlier.op.random:
            return _warn(
                rules.DROPOUT_BEFORE_BATCH_NORM,
                f"`{earlier.op.name}` comes before a batch norm",
                place_of(earlier, section.decl),
                "it changes the variance in training, and not in evaluation",
                notes=("so the variance that batch norm has stored is too large afterwards",),
                helps=("put it after the last batch norm",),
            )
    return None


def _keeps_dropout(op: Primitive) -> bool:
    """Return whether a dropout before an operator still changes the variance after it."""
    return op.pointwise or op.retypes or op.linear


def _batch_of_one(section: _Section, node: Node) -> Diagnostic | None:
    """Find a batch norm that sees a single number of each channel."""
    if section.plan.data is None:
        return None
    size = section.plan.data.batching.size
    shape = node.inputs[0].type.shape
    if substitute(product((shape[0], *shape[2:])), {"N": size}) != 1:
        return None
    return _warn(
        rules.BATCH_OF_ONE,
        "batch norm needs more than one number of each channel",
        place_of(node, section.decl),
        f"{node.inputs[0].type} has one, in batches of {size}",
        notes=("less its mean, every number is 0",),
        helps=("make the batches larger, or use `layer_norm` or `group_norm`",),
    )


def _untrained(section: _Section) -> Iterator[Diagnostic]:
    """Find trainable parameters that no step changes, although they are not frozen."""
    plan = section.plan
    changed = {path for update in plan.updates for path in update.paths} | plan.frozen
    params = section.params.values()
    left = [p.path for p in params if p.trained and p.path not in changed]
    if left:
        several = f" and {len(left) - 1} more" if len(left) > 1 else ""
        yield _warn(
            rules.UNTRAINED_WEIGHTS,
            f"no step changes `{left[0]}`{several}",
            section.decl.name.span,
            "these parameters keep their initial values",
            helps=("name them in an `update`, or in `freeze` if that is meant",)
            if plan.updates[0].name
            else ("use what they make in the loss, or name them in `freeze`",),
        )


def _schedules(section: _Section) -> Iterator[Diagnostic]:
    """Find schedules that would still change when the run is over, in one unit of time."""
    run = section.plan.run
    for update in section.plan.updates:
        for over in (over for rate in update.rates for over in durations(rate)):
            if over.unit == run.unit and over.amount > run.amount:
                yield _warn(
                    rules.LONG_SCHEDULE,
                    f"the learning rate changes over {over}, and the run ends after {run}",
                    section.decl.name.span,
                    "the run ends before the schedule does",
                    helps=(f"let both be {run}",),
                )


def _batch_dependent(section: _Section) -> Iterator[Diagnostic]:
    """Find losses and metrics that are not computed from sums and means over the batch."""
    plan = section.plan
    analysis = Accumulators(section.nodes, plan.computation.batch.values())
    for name, value in plan.measured.items():
        stored = name not in plan.losses
        for node in analysis.decompose(value, store=stored).obstacles[:1]:
            compares = any(map(of_examples, node.outputs))
            if compares and name in plan.losses and plan.accumulate == 1:
                # A loss may well be made of statistics of the batch that a step is for.
                continue
            label, help = _obstacle(section, node, compares=compares)
            yield _warn(
                rules.BATCH_DEPENDENT,
                f"`{name}` depends on how examples are batched",
                place_of(node, section.decl),
                label,
                notes=("of several batches, the mean of their values is reported",),
                helps=(help,),
            )


def _obstacle(section: _Section, node: Node, *, compares: bool) -> tuple[str, str]:
    """Return why a metric cannot be computed from several batches, and how to write it."""
    if compares:
        if any(isinstance(n.op, Measure) for v in node.inputs for n in section.before(v)):
            label = "each example is computed with the size of its batch"
            return label, "divide the sum over the batch: `sum(x) / N`"
        label = "each example is computed with the rest of its batch"
        return label, (
            "use sums and means over the batch: a variance is `mean(x ** 2) - mean(x) ** 2`"
        )
    if isinstance(node.op, Sum | Mean | Measure):
        label = "its size may differ from batch to batch"
        return label, "take one mean over all axes: `mean(x)`"
    label = f"`{node.op.name}` over a batch is neither a sum nor a mean"
    return label, "use sums and means over the batch, such as `sum(x * weight) / sum(weight)`"


def _warn(rule: Rule, message: str, span: Span, label: str, **parts: Unpack[Parts]) -> Diagnostic:
    return diagnostic(rule, message, span, label, severity=Severity.WARNING, **parts)
