"""What to write where an argument has another shape or element type than its parameter."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import product

from msgspec.structs import replace

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, DiagnosticError
from netlang.diagnostics.fix import Fix, insertion, replacement
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import Suggestion
from netlang.evaluate.context.frame import Frame
from netlang.evaluate.context.origins import written
from netlang.evaluate.context.values import Argued, Results
from netlang.evaluate.types.shapes import match_shape
from netlang.ir.graph import Value
from netlang.ir.types import F32, TensorType
from netlang.syntax import ast

Change = tuple[str, tuple[str, ...], TensorType]
"""A function and its arguments after the tensor, and the type of its result."""


def converted(found: Diagnostic, arg: Argued, type: ast.ShapeType, frame: Frame) -> Diagnostic:
    """Return the error about a tensor argument with the change that makes it fit, if one does."""
    span = written(arg.span, frame.call.frame if frame.call is not None else None)
    value = arg.value
    if not isinstance(value, Value) or span.source.library:
        return found
    if found.rule is rules.DTYPE_MISMATCH:
        suggestion = _of_elements(value.type, span, type, frame)
    elif found.rule is rules.SHAPE_MISMATCH and not found.helps:
        suggestion = (
            _other_result(arg, type, frame)
            or _of_shape(value.type, span, type, frame)
            or _of_data(value.type, found, frame)
        )
    else:
        return found
    return found if suggestion is None else replace(found, **suggestion)


def accepts(type: ast.ShapeType, actual: TensorType, frame: Frame) -> bool:
    """Return whether a tensor would fit a shape, with the dimensions bound so far."""
    names = dict(frame.names)
    try:
        match_shape(actual, type, frame, "", type.span)
    except DiagnosticError:
        return False
    finally:
        frame.names.clear()
        frame.names.update(names)
    return True


def beside(arg: Argued, other: Argued) -> Suggestion:
    """Suggest the field of several results that has the shape of the other operand."""
    type = other.value.type if isinstance(other.value, Value) else None
    return one_result(arg, lambda v: type is None or v.type == type)


def indexed(arg: Argued, index: ast.Index) -> Suggestion:
    """Suggest the field that was meant by an index of several results, as of PyTorch's tuple."""
    assert isinstance(arg.value, Results)
    values = arg.value.values
    keys = list(values)
    match index.items:
        case (ast.Int(value=at),) if at < len(keys):
            code = f"{_atom(arg.span)}.{keys[at]}"
            return {"helps": (f"write `{code}`",), "fixes": (replacement(index.span, code),)}
        case (_, _, *_):
            return one_result(arg, lambda v: v is values[keys[0]])
        case _:
            return one_result(arg, lambda _: True)


def one_result(arg: Argued, fits: Callable[[Value], bool]) -> Suggestion:
    """Suggest the field of several results that fits, where one of them was meant."""
    assert isinstance(arg.value, Results)
    values = arg.value.values
    whole = _atom(arg.span)
    fitting = [k for k, v in values.items() if isinstance(v, Value) and fits(v)]
    if len(fitting) == 1:
        code = f"{whole}.{fitting[0]}"
        return {"helps": (f"write `{code}`",), "fixes": (replacement(arg.span, code),)}
    first, *others = (fitting or list(values))[:4]
    more = "".join(f" or `.{key}`" for key in others)
    return {"helps": (f"choose one of its results: `{whole}.{first}`{more}",), "fixes": ()}


def _atom(span: Span) -> str:
    """Return the text of an expression, in parentheses if a field of it needs them."""
    text = " ".join(span.text.split())
    return text if re.fullmatch(r"[\w.]+(\([^|]*\))?|\(.*\)", text) else f"({text})"


def _other_result(arg: Argued, type: ast.ShapeType, frame: Frame) -> Suggestion | None:
    """Suggest another field of the same record: `r.y` for `r.h`."""
    if not isinstance(arg.expr, ast.Field) or not isinstance(arg.expr.value, ast.Name):
        return None
    caller = frame.call.frame if frame.call is not None else frame
    slot = caller.find(arg.expr.value.text)
    if slot is None or not isinstance(slot.value, Results):
        return None

    def fits(value: Value) -> bool:
        return value is not arg.value and accepts(type, value.type, frame)

    keys = [k for k, v in slot.value.values.items() if isinstance(v, Value) and fits(v)]
    if len(keys) != 1:
        return None
    code = f"{arg.expr.value.text}.{keys[0]}"
    return {"helps": (f"write `{code}`",), "fixes": (replacement(arg.span, code),)}


def _of_elements(
    actual: TensorType, span: Span, type: ast.ShapeType, frame: Frame
) -> Suggestion | None:
    """Suggest what makes numbers of classes or of words floating-point numbers."""
    text = " ".join(span.text.split())
    if type.element.text not in ("float", "f32") or not actual.dtype.is_integer:
        return None
    floats = TensorType(F32, actual.shape)
    if accepts(type, floats, frame):
        return None
    if accepts(type, floats.with_shape(*floats.shape, 8), frame):
        code = f"embedding({text}, …, …)"
        help = f"turn each index into a vector: `{code}`, with the number of words and the width"
        return {"helps": (help,), "fixes": ()}
    if accepts(type, floats.with_shape(*floats.shape, 1), frame):
        code = f"cast(unsqueeze({text}, -1), f32)"
        return {"helps": (f"convert it: `{code}`",), "fixes": (replacement(span, code),)}
    if frame.run.training and actual.rank == 1 and frame.call is not None:
        name = frame.call.function.name
        help = f"`{name}` compares numbers: for the numbers of classes, use `cross_entropy`"
        return {"helps": (help,), "fixes": ()}
    return None


def _of_shape(
    actual: TensorType, span: Span, type: ast.ShapeType, frame: Frame
) -> Suggestion | None:
    for function, arguments, made in changes(actual):
        if accepts(type, made, frame):
            code, fix = applied(span, function, arguments)
            fixes = (fix,) if certain(frame.call and frame.call.frame) else ()
            return {"helps": (f"{_PURPOSE[function]}: `{code}`",), "fixes": fixes}
    return None


def _of_data(actual: TensorType, found: Diagnostic, frame: Frame) -> Suggestion | None:
    """Suggest the declaration of an input that the data of a train section fits."""
    function = frame.call.function if frame.call is not None else None
    if function is None or function.kind != "net" or not frame.run.training:
        return None
    name = found.message.split("`")[1]
    return {"helps": (f"the data is {actual}: declare `{name}: {actual}`",), "fixes": ()}


_PURPOSE = {
    "flatten": "make it one vector for each example",
    "squeeze": "drop the dimension of size 1",
    "unsqueeze": "insert a dimension of size 1",
    "transpose": "its axes are in another order",
}


def changes(actual: TensorType) -> Iterator[Change]:
    """Return the changes of shape that keep all elements, the likeliest first."""
    shape, rank = actual.shape, actual.rank
    if rank > 2:
        size = TensorType(actual.dtype, shape[1:]).size
        yield "flatten", (), actual.with_shape(shape[0], size)
    for axis in range(rank):
        if shape[axis] == 1:
            yield "squeeze", (str(axis),), actual.with_shape(*shape[:axis], *shape[axis + 1 :])
    for axis in range(1, rank + 1):
        yield "unsqueeze", (str(axis),), actual.with_shape(*shape[:axis], 1, *shape[axis:])
    for source, target in product(reversed(range(rank)), range(rank)):
        order = [axis for axis in range(rank) if axis != source]
        order.insert(target, source)
        if rank > 2 and order != list(range(rank)):
            yield "transpose", (str(order),), actual.with_shape(*(shape[i] for i in order))


def applied(span: Span, function: str, arguments: tuple[str, ...]) -> tuple[str, Fix]:
    """Return the code that calls a function on an expression, and the fix that writes it.

    In a pipeline it is another stage, and the code shows the stage alone.
    """
    text = " ".join(span.text.split())
    before, after = span.source.text[: span.start], span.source.text[span.end :]
    if after.lstrip().startswith("|>") or before.rstrip().endswith("|>"):
        stage = f"{function}({', '.join(arguments)})" if arguments else function
        return f"|> {stage}", insertion(span, f" |> {stage}")
    code = f"{function}({', '.join((text, *arguments))})"
    return code, replacement(span, code)


def stage_before(
    call: Span, function: str, arguments: tuple[str, ...]
) -> tuple[str, tuple[Fix, ...]]:
    """Return the call of a function in front of a layer, and the fix that writes it.

    It is another stage of a pipeline, or goes around the first argument of the layer.
    """
    stage = f"{function}({', '.join(arguments)})" if arguments else function
    start = call.start
    if call.source.text[:start].rstrip().endswith("|>"):
        return stage, (insertion(Span(call.source, start, start), f"{stage} |> "),)
    found = re.match(r"[a-z_]+\(([\w.]+),", call.text)
    if found is None:
        return stage, ()
    at = Span(call.source, start + found.start(1), start + found.end(1))
    code = f"{function}({', '.join((found[1], *arguments))})"
    return code, (replacement(at, code),)


def certain(frame: Frame | None) -> bool:
    """Return whether a text is evaluated with one shape: a block may be called with others too.

    ``frame`` is the one of the body in which it is written.
    """
    while frame is not None and frame.module.source.library and frame.call is not None:
        frame = frame.call.frame
    return frame is None or frame.call is None or frame.call.function.kind == "net"
