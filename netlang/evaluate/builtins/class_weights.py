"""The weights of classes in a loss: a list of numbers, or those that balance the data."""

from __future__ import annotations

from netlang.diagnostics import rules
from netlang.diagnostics.source import Span
from netlang.evaluate.builtins.registry import Args, Values, compile_time
from netlang.evaluate.context.frame import Balanced, Frame, reject
from netlang.evaluate.context.values import Object
from netlang.evaluate.emit import add
from netlang.ir.graph import Value
from netlang.ir.op import OPS
from netlang.ir.types import F32
from netlang.syntax import ast

_COLUMN = "batch."


@compile_time("weights_by_class")
def _weights(values: Values, args: Args, _n: ast.Expr, span: Span, frame: Frame) -> Object:
    given, label, count = values["class_weights"], values["label"], values["count"]
    assert isinstance(label, Value)
    at = args["class_weights"].span
    if isinstance(given, list):
        if isinstance(count, int) and len(given) != count:
            reject(
                rules.ASSERTION,
                "`class_weights` must have a weight for each class",
                at,
                f"there are {len(given)} weights, and {count} classes",
            )
        numbers = (each for each in given if isinstance(each, int | float))
        return _constant(tuple(map(float, numbers)), span, frame)
    helps = ("give the weights themselves: `class_weights=[1.0, 3.0]`",)
    if not isinstance(count, int):
        reject(rules.WRONG_TYPE, f"there are {count} classes, which must be known", at, helps=helps)
    if not frame.run.training or not label.name.startswith(_COLUMN):
        reject(
            rules.WRONG_TYPE,
            "`balanced` counts the labels of the training data",
            at,
            "this label is not a column of `batch`" if frame.run.training else "a net has no data",
            helps=helps,
        )
    made = _constant((1.0,) * count, span, frame)
    ignore = values["ignore"]
    own = ignore if isinstance(ignore, int) else None
    frame.run.balanced[made] = Balanced(label.name.removeprefix(_COLUMN), count, own)
    return made


def _constant(weights: tuple[float, ...], span: Span, frame: Frame) -> Value:
    op = OPS["constant"].make((), {"value": weights, "dtype": F32})
    (made,) = add(op, (), span, frame)
    return made
