"""Programs for reductions, running totals and losses."""

from __future__ import annotations

from onnx_nodes import Call, row, word, writes

REDUCED = {
    "ReduceSum": "sum({})", "ReduceMean": "mean({})", "ReduceProd": "prod({})",
    "ReduceMax": "max({})", "ReduceMin": "min({})", "ReduceLogSumExp": "logsumexp({})",
    "ReduceL1": "norm({}, p=1)", "ReduceL2": "norm({}, p=2)", "ReduceLogSum": "log(sum({}))",
}  # fmt: skip


@writes(" ".join(REDUCED))
def reduction(call: Call) -> str:
    arguments = over(call)
    if arguments is None:
        return call.x()
    if call.array().dtype == bool:
        function = {"ReduceMax": "any", "ReduceMin": "all"}[call.case.op_type]
        return f"{function}({call.x()}, {arguments})"
    form = REDUCED[call.case.op_type]
    return form.replace("{}", f"{call.x()}, {arguments}")


@writes("ReduceSumSquare")
def sum_of_squares(call: Call) -> str:
    arguments, x = over(call), call.x()
    return f"{x} * {x}" if arguments is None else f"sum({x} * {x}, {arguments})"


@writes("ArgMax ArgMin")
def place(call: Call) -> str:
    function = {"ArgMax": "argmax", "ArgMin": "argmin"}[call.case.op_type]
    axis, keep = call.get("axis", 0), word(bool(call.get("keepdims", 1)))
    if not call.get("select_last_index", 0):
        return f"{function}({call.x()}, axis={axis}, keep={keep})"
    last = call.shape()[axis] - 1
    return f"{last} - {function}(flip({call.x()}, {axis}), axis={axis}, keep={keep})"


@writes("CumSum CumProd")
def running(call: Call) -> str:
    function = {"CumSum": "cumsum", "CumProd": "cumprod"}[call.case.op_type]
    axis = call.fixed(1)
    flags = f"exclusive={call.flag('exclusive')}, reverse={call.flag('reverse')}"
    return f"{function}({call.x()}, axis={axis}, {flags})"


@writes("NegativeLogLikelihoodLoss")
def negative_likelihood(call: Call) -> str:
    return likelihood(call, call.x())


@writes("SoftmaxCrossEntropyLoss")
def cross_entropy(call: Call) -> list[str]:
    logs = call.let("logs", f"log_softmax({call.x()}, axis=1)")
    return [likelihood(call, logs), logs]


def likelihood(call: Call, logs: str) -> str:
    target = call.x(1)
    if call.array(1).dtype != "int64":
        target = call.let("label", f"cast({target}, i64)")
    ignored = call.get("ignore_index")
    if ignored is not None:
        valid = call.let("valid", f"{target} != {ignored}")
        target = call.let("safe", f"select({valid}, {target}, 0)")
    picked = f"squeeze(take_along({logs}, unsqueeze({target}, 1), axis=1), 1)"
    weights = []
    if call.has(2):
        weights.append(f"gather({call.x(2)}, {target}, axis=0)")
    if ignored is not None:
        weights.append("cast(valid, f32)")
    rows = call.let("rows", f"-{picked}")
    if weights:
        weight = call.let("weight", " * ".join(weights))
        rows = call.let("weighted", f"{rows} * {weight}")
    match call.get("reduction", "mean"):
        case "none":
            return rows
        case "sum":
            return f"sum({rows})"
        case _:
            return f"sum({rows}) / sum(weight)" if weights else f"mean({rows})"


def over(call: Call) -> str | None:
    """Write the axes of a reduction; ``None`` where nothing is reduced."""
    axes = call.fixed(1, call.get("axes"))
    keep = f"keep={word(bool(call.get('keepdims', 1)))}"
    if axes:
        return f"axis={row(axes)}, {keep}"
    return None if call.get("noop_with_empty_axes", 0) else keep
