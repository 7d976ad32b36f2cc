"""Optimizers: from the call of a definition to the graph that updates one parameter.

The body of an ``optimizer`` is evaluated once for each type of weight. It finds the ``weight``, its
``gradient`` of the same type, and ``count`` i64[], the number of the update from 1; a parameter of
type ``schedule`` is its rate at this update, f32[]. Each ``state`` persists between updates.
"""

from __future__ import annotations

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import DiagnosticError, Label, diagnostic
from netlang.evaluate.bodies import RESULT, finish_states, run_body
from netlang.evaluate.context.describe import describe
from netlang.evaluate.context.frame import Frame, Run, Slot, reject, report
from netlang.evaluate.context.values import UNKNOWN, Object, Setting, is_rate
from netlang.ir.backward_slice import needed
from netlang.ir.graph import Graph, Scope, Value
from netlang.ir.types import F32, I64, TensorType
from netlang.syntax import ast

WEIGHT, GRADIENT, COUNT = "weight", "gradient", "count"


def update_graph(call: Setting, type: TensorType, run: Run) -> Graph | None:
    """Return the graph of one update, or ``None`` after errors, which ``run`` collects.

    Its inputs are ``weight``, ``gradient``, ``count`` and the rates, by the names of the
    parameters; its output is the next ``weight``. A state that no update changes is not stored:
    ``next momentum`` may be ``momentum`` itself where a setting says so.
    """
    graph = _evaluate(call, type, run, frozenset())
    if graph is None or all(state.after is not state.value for state in graph.states):
        return graph
    unchanged = frozenset(s.name for s in graph.states if s.after is s.value)
    return _evaluate(call, type, run, unchanged)


def _evaluate(call: Setting, type: TensorType, run: Run, unchanged: frozenset[str]) -> Graph | None:
    """Evaluate the body, where the states in ``unchanged`` are numbers."""
    site = call.call
    assert site is not None and isinstance(site.function.definition, ast.Definition)
    function, definition = site.function, site.function.definition
    known = len(run.diagnostics.items)
    own = Run(run.diagnostics, budget=run.budget, graph_of=run.graph_of, weight=type)
    own.unchanged = unchanged
    scope = Scope("", function.name, definition.head, None, definition.span.source.library)
    frame = Frame(own, function.module, kind="optimizer", call=site, scope=scope, depth=1)
    inputs = {name: own.builder.fresh(name, type) for name in (WEIGHT, GRADIENT)}
    inputs[COUNT] = own.builder.fresh(COUNT, TensorType(I64, ()))
    for name, value in inputs.items():
        frame.bind(name, value, definition.name.span)
    for param in function.params:
        name, value = param.name.text, call.arguments[param.name.text]
        if is_rate(param) and value is not None:
            value = inputs[name] = own.builder.fresh(name, TensorType(F32, ()))
        frame.bind(name, value, param.span)
    try:
        run_body(function, definition, frame)
        finish_states(frame)
        after = _next_weight(definition, type, frame)
    except DiagnosticError as rejected:
        report(frame, rejected.diagnostic)
        return None
    if after is None or any(d.is_error for d in run.diagnostics.items[known:]):
        return None
    wanted = (after, *(state.after for state in own.states))
    if any(node.op.random for node in own.builder.nodes):
        _reject_random(definition, frame)
        return None
    nodes = tuple(needed(own.builder.nodes, wanted))
    states = tuple(own.states)
    return Graph(function.name, tuple(inputs.values()), {}, nodes, {WEIGHT: after}, states)


def _reject_random(definition: ast.Definition, frame: Frame) -> None:
    found = diagnostic(
        rules.RANDOM_IN_NET,
        f"`{definition.name.text}` samples random numbers",
        definition.name.span,
        "an update computes the same for the same weight, gradient and state",
        helps=("leave dropout and noise to the model",),
    )
    report(frame, found)


def _next_weight(definition: ast.Definition, type: TensorType, frame: Frame) -> Value | None:
    """Return the next weight; reject one that is not a tensor of the weight's type."""
    slot: Slot | None = frame.nexts.get(WEIGHT, frame.names.get(RESULT))
    if slot is None or slot.value is UNKNOWN:
        return None  # the syntax check reports a body without it
    if isinstance(slot.value, Value) and slot.value.type == type:
        return slot.value
    made: Object = slot.value
    if isinstance(made, Value) and made.type.shape == type.shape:
        reject(
            rules.DTYPE_MISMATCH,
            "an update changes the element type of the weight",
            slot.span,
            f"the next weight is {made.type}",
            secondary=(Label(definition.name.span, f"the weight is {type}"),),
            helps=(f"convert it: `cast(…, {type.dtype})`",),
        )
    reject(
        rules.CARRIED_SHAPE,
        "an update changes the shape of the weight",
        slot.span,
        f"the next weight is {made.type if isinstance(made, Value) else describe(made)}",
        secondary=(Label(definition.name.span, f"the weight is {type}"),),
        helps=("every element of the weight needs its next value: do not reduce it",),
    )
