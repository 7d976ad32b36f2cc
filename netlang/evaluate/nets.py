"""Evaluation of a net to a graph."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import DiagnosticError, diagnostic
from netlang.evaluate.bodies import finish_states, give_outs, run_body
from netlang.evaluate.context.describe import describe
from netlang.evaluate.context.frame import Frame, Run, reject, report
from netlang.evaluate.context.values import UNKNOWN, Argued, Function, Object, Results, takes_tensor
from netlang.evaluate.evaluate import evaluate
from netlang.evaluate.modules.expansion import reject_expansion
from netlang.evaluate.types.fitting import fits
from netlang.evaluate.types.shapes import declare_shape
from netlang.evaluate.types.where import check_clause, promised_units
from netlang.ir.graph import Graph, Scope, Value
from netlang.syntax import ast
from netlang.syntax.walk import walk


def build_net(function: Function, run: Run, values: Mapping[str, Object]) -> Graph | None:
    """Return the graph of a net with values for some parameters and dimensions.

    Returns ``None`` after an error."""
    definition = function.definition
    assert isinstance(definition, ast.Definition)
    known = len(run.diagnostics.items)
    doc = definition.doc or _first_comment(definition.head.source.text)
    scope = Scope("", function.name, definition.head, None, doc=doc)
    frame = Frame(run, function.module, kind="net", scope=scope, depth=1)
    try:
        reject_expansion(definition.body, function.module, run.budget, definition.name.span)
        inputs = _open(definition, frame, values)
        if run.observer is not None:
            run.observer.entered(frame)
        run_body(function, definition, frame)
        finish_states(frame)
        result = give_outs(function, definition, frame)
    except DiagnosticError as rejected:
        report(frame, rejected.diagnostic)
        return None
    outputs = _outputs(definition, result, frame)
    if outputs is None or any(d.is_error for d in run.diagnostics.items[known:]):
        return None
    if any(isinstance(p.type, ast.ShapeType) and len(p.type.dims) > 1 for p in definition.params):
        from netlang.evaluate.types.axis_order import warn_of_order

        warn_of_order(definition, frame)
    params = {made.value: made.param for made in run.weights.values()}
    return Graph(
        function.name,
        inputs,
        params,
        tuple(run.builder.nodes),
        outputs,
        tuple(run.states),
        dict(run.units),
    )


def partial_graph(function: Function, run: Run) -> Graph:
    """Return the graph of a net with errors, as far as it is built; it has no outputs."""
    params = {made.value: made.param for made in run.weights.values()}
    states = {state.value for state in run.states}
    nodes = tuple(run.builder.nodes)
    made = {value for node in nodes for value in node.outputs}
    read = dict.fromkeys(value for node in nodes for value in node.inputs)
    inputs = tuple(v for v in read if v not in made and v not in params and v not in states)
    return Graph(function.name, inputs, params, nodes, {}, tuple(run.states), dict(run.units))


def _open(
    definition: ast.Definition, frame: Frame, values: Mapping[str, Object]
) -> tuple[Value, ...]:
    """Bind the parameters: compile-time ones first, then the inputs, whose sizes are symbols."""
    for param in definition.params:
        if not takes_tensor(param):
            _bind_parameter(param, frame, values)
    for name, value in values.items():
        if name[0].isupper():
            frame.bind(name, value, definition.head)
    frame.run.units = promised_units(definition.where, frame)
    inputs: list[Value] = []
    for param in definition.params:
        if not takes_tensor(param):
            continue
        name = param.name.text
        if not isinstance(param.type, ast.ShapeType):
            reject(
                rules.UNTYPED_INPUT,
                f"the input `{name}` of a net needs a type",
                param.span,
                "a net is fully typed: its signature is its interface",
                helps=(f"write `{name}: f32[N, …]`",),
            )
        value = frame.run.builder.fresh(name, declare_shape(param.type, frame, name))
        frame.bind(name, value, param.name.span)
        inputs.append(value)
    for clause in definition.where:
        check_clause(clause, frame)
    return tuple(inputs)


def settable(function: Function) -> set[str]:
    """Return the parameters and symbolic sizes of a net, which can be bound before evaluation."""
    names: set[str] = set()
    for param in function.params:
        if not takes_tensor(param):
            names.add(param.name.text)
        elif param.type is not None:
            sizes = (n for n in walk(param.type) if isinstance(n, ast.Name))
            names |= {size.text for size in sizes if size.text[0].isupper()}
    return names


def _first_comment(text: str) -> str:
    """Return the ``##`` comment that begins a file, and describes all of it."""
    lines = takewhile(lambda line: line.startswith("##"), text.splitlines())
    return "\n".join(line.removeprefix("##").strip() for line in lines)


def _bind_parameter(param: ast.Param, frame: Frame, values: Mapping[str, Object]) -> None:
    name = param.name.text
    if name in values:
        arg = Argued(values[name], param.span)
    elif param.default is not None:
        arg = Argued(evaluate(param.default, frame), param.default.span, param.default)
    else:
        reject(
            rules.OPEN_PARAMETER,
            f"the parameter `{name}` has no value",
            param.span,
            "a net is compiled with all its parameters known",
            helps=("give it a default, or a value with `--bind`",),
        )
    frame.bind(name, fits(arg, param.type, frame, name), param.span, param.default)


def _outputs(definition: ast.Definition, result: Object, frame: Frame) -> dict[str, Value] | None:
    values = (
        result.values if isinstance(result, Results) else {definition.outs[0].name.text: result}
    )
    outputs: dict[str, Value] = {}
    for out in definition.outs:
        value = values.get(out.name.text)
        if value is UNKNOWN:
            return None
        if not isinstance(value, Value):
            report_not_tensor(out, value, frame)
            return None
        outputs[out.name.text] = value
    return outputs


def report_not_tensor(out: ast.Out, value: Object, frame: Frame) -> None:
    """Report an output of a net that is not a tensor."""
    message = f"the output `{out.name.text}` of a net must be a tensor"
    report(frame, diagnostic(rules.WRONG_TYPE, message, out.span, f"this is {describe(value)}"))
