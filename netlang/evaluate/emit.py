"""Creation of nodes; an operator's error is reported at the operand it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn, cast

from netlang.advice.calls import ending
from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Label
from netlang.diagnostics.fix import Edit, Fix, apply_to, replacement
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import Suggestion
from netlang.evaluate.context.frame import Frame, reject
from netlang.evaluate.context.limits import readable
from netlang.evaluate.context.origins import surroundings, written
from netlang.evaluate.context.values import Argued, Object, Word
from netlang.ir.dims import Size
from netlang.ir.graph import Value, Values
from netlang.ir.op import OPS, OperandError, Primitive
from netlang.ir.types import DType, Types


def primitive(
    name: str,
    operands: Sequence[Argued],
    attributes: Mapping[str, object],
    span: Span,
    frame: Frame,
) -> Values:
    """Add a node of the primitive called ``name``."""
    values = [_tensor(o) for o in operands]
    types: Types = tuple(v.type for v in values)
    try:
        op = OPS[name].make(types, {k: plain(v) for k, v in attributes.items()})
    except OperandError as rejected:
        reject_operand(rejected, operands, span, frame)
    return add(op, operands, span, frame)


def add(op: Primitive, operands: Sequence[Argued], span: Span, frame: Frame) -> Values:
    """Add a node for an operator that already exists."""
    builder = frame.run.builder
    if not frame.run.tensors:
        reject(
            rules.TENSOR_CONSTANT,
            "a value at the top of a file can't be a tensor",
            span,
            "this is computed at run time",
            helps=("move it into a net or a block",),
        )
    builder.scope, builder.span = frame.scope, span
    try:
        made = builder.add(op, *[_tensor(o) for o in operands], name=frame.binding_path() or None)
    except OperandError as rejected:
        reject_operand(rejected, operands, span, frame)
    frame.run.budget.spend(len(made) - 1, span)
    for value in made:
        readable(value.type.shape, span)
    return made


def constant(value: float | int | bool, dtype: DType, span: Span, frame: Frame) -> Value:
    """Add a number as a tensor of rank 0."""
    (made,) = add(OPS["constant"].make((), {"value": value, "dtype": dtype}), (), span, frame)
    return made


def full(shape: tuple[Size, ...], value: float, dtype: DType, span: Span, frame: Frame) -> Value:
    """Add a tensor filled with one number."""
    op = OPS["full"].make((), {"shape": shape, "value": value, "dtype": dtype})
    (made,) = add(op, (), span, frame)
    return made


def plain(value: object) -> object:
    """Convert a value of the language to an attribute: words to strings, lists to tuples."""
    match value:
        case Word(text=text):
            return text
        case list() | tuple():
            return tuple(plain(item) for item in cast("Sequence[object]", value))
        case _:
            return value


def _tensor(operand: Argued) -> Value:
    assert isinstance(operand.value, Value)
    return operand.value


def reject_operand(
    rejected: OperandError, operands: Sequence[Argued], span: Span, frame: Frame
) -> NoReturn:
    """Report an operator's error at the operand it is about, or else at the call."""
    outer = surroundings(frame)
    spans = [written(o.span, outer) for o in operands]
    texts = ["…" if s.source.library else _shortened(s.text) for s in spans]
    repair = _repaired(rejected, [_tensor(o) for o in operands], outer or frame)
    helps = tuple(_named_sizes(_filled(text, texts), frame) for text in repair["helps"])
    fixes = repair["fixes"]
    if not fixes and len(helps) == 1:
        fixes = tuple(_edit(repair["helps"][0], spans, frame))
    if rejected.arguments and not repair["fixes"]:
        edit = _with_arguments(rejected.arguments, span, frame)
        helps = tuple(text.replace("{call}", apply_to(span, edit)) for text in helps)
        fixes = (edit,) if len(helps) == 1 else ()
    notes = tuple(_filled(text, texts) for text in rejected.notes)
    if rejected.rule is rules.WINDOW_TOO_BIG:
        from netlang.evaluate.types.axis_order import misordered_input

        notes = (*notes, *_shrinking(frame))
        order = misordered_input(_tensor(operands[0]), frame) if operands else None
        if order is not None:
            helps, fixes = (order.help,), (order.fix,)
    if rejected.operand is not None and rejected.operand < len(operands):
        at = operands[rejected.operand]
        label = rejected.label or str(_tensor(at).type)
        location = spans[rejected.operand]
        secondary: tuple[Label, ...] = ()
        if rejected.other is not None and spans[rejected.other] != location:
            secondary = (Label(spans[rejected.other], str(_tensor(operands[rejected.other]).type)),)
        reject(
            rejected.rule,
            rejected.message,
            location,
            label,
            secondary=secondary,
            notes=notes,
            helps=helps,
            fixes=fixes,
        )
    if len(operands) == 2 and not rejected.label and spans[0] != spans[1]:
        left, right = operands
        reject(
            rejected.rule,
            rejected.message,
            spans[0],
            str(_tensor(left).type),
            secondary=(Label(spans[1], str(_tensor(right).type)),),
            notes=notes,
            helps=helps,
            fixes=fixes,
        )
    at = _argument(rejected.message, span, frame)
    reject(
        rejected.rule, rejected.message, at, rejected.label, notes=notes, helps=helps, fixes=fixes
    )


_CODE = re.compile(r"[^`]*`([^`]*)`")
"""A help that ends in the code to write, and has no other."""

_WRAPPED = re.compile(r"(?:\{\d\} @ )?([a-z_]+\([^{]*)\{(\d)\}([^{]*\)|\))")
"""Code in which one operand is written in a call, and another, if any, stays as it is."""

_SLICED = re.compile(r"\{(\d)\}(\[[^{]*\])")
_EXCHANGED = re.compile(r"\{1\} @ [a-z]+\(\{0\}\)")


def _edit(help: str, spans: Sequence[Span], frame: Frame) -> Iterator[Fix]:
    """Return the fix that writes the code of a help in place of an operand, or of both.

    Inside of a block there is no such fix: it may be called with other shapes too.
    """
    while frame.module.source.library and frame.call is not None:
        frame = frame.call.frame
    if frame.call is not None and frame.call.function.kind != "net":
        return
    found = _CODE.fullmatch(help)
    if found is None or any(span.source.library for span in spans):
        return
    code, texts = found[1], [_unwrapped(span.text) for span in spans]
    if _EXCHANGED.fullmatch(code) is not None:
        span, texts = spans[0].to(spans[1]), [" ".join(s.text.split()) for s in spans]
    elif (wrapped := _WRAPPED.fullmatch(code)) is not None:
        span, code = spans[int(wrapped[2])], f"{wrapped[1]}{{{wrapped[2]}}}{wrapped[3]}"
    elif (sliced := _SLICED.fullmatch(code)) is not None and texts[int(sliced[1])].isidentifier():
        span = spans[int(sliced[1])]
    else:
        return
    yield replacement(span, _named_sizes(f"`{_filled(code, texts)}`", frame).strip("`"))


def _with_arguments(arguments: Mapping[str, str], span: Span, frame: Frame) -> Fix:
    """Return the fix that writes other arguments in a call of an operator, or adds them."""
    edits: list[Edit] = []
    added: list[str] = []
    assert frame.call is not None
    for param in frame.call.function.params:
        text, slot = arguments.get(param.name.text), frame.names[param.name.text]
        if text is None:
            continue
        if slot.span != param.span and not slot.span.source.library:
            edits.append(Edit(slot.span, text))
        else:
            added.append(f"{param.name.text}={text}" if param.keyword_only else text)
    if added:
        edits.append(ending(span, ", ".join(added)))
    return Fix(f"write `{', '.join(arguments.values())}`", tuple(edits))


def _repaired(rejected: OperandError, values: Sequence[Value], frame: Frame) -> Suggestion:
    """Choose among the repairs of shapes that do not fit, by how the operands were made."""
    plain: Suggestion = {"helps": rejected.helps, "fixes": ()}
    if rejected.operand == 0 and rejected.other is None and values[0].type.rank == 2:
        from netlang.evaluate.repairs import unflattened

        return unflattened(values[0], frame) or plain
    if not rejected.wanted:
        return plain
    from netlang.evaluate.repairs import resized, shortcut

    skip = shortcut(values, frame)
    for position, wanted in rejected.wanted.items():
        if position != skip:
            found = resized(values[position], wanted, frame)
            if found is not None:
                return found
    if skip is not None and rejected.either is not None and skip in rejected.either:
        return {"helps": (rejected.either[skip],), "fixes": ()}
    return plain


def _argument(message: str, span: Span, frame: Frame) -> Span:
    """Return the span of the argument that a message starts with: "`stride` must be ..."."""
    named = re.match(r"`(\w+)`", message)
    slot = frame.names.get(named[1]) if named is not None else None
    if slot is None or frame.call is None:
        return span
    location = written(slot.span, frame.call.frame)
    return span if location.source.library else location


_PROJECTION = re.compile(r"`conv\((.*), (\d+), 1(?:, stride=(\d+))?\)`")


def _named_sizes(text: str, frame: Frame) -> str:
    """Return a suggested projection with the block's parameters instead of their values.

    The block may be called with other values too.
    """
    found = _PROJECTION.search(text)
    if found is None or frame.call is None or frame.module.source.library:
        return text
    names: dict[str, str] = {}
    for param in frame.call.function.params:
        slot = frame.names.get(param.name.text)
        if slot is not None and isinstance(slot.value, int):
            names.setdefault(str(slot.value), param.name.text)
    tensor, out, stride = found.groups()
    if out not in names or (stride is not None and stride not in names):
        return text
    step = f", stride={names[stride]}" if stride is not None else ""
    return text.replace(found[0], f"`conv({tensor}, {names[out]}, 1{step})`")


def _filled(text: str, operands: Sequence[str]) -> str:
    for i, operand in enumerate(operands):
        text = text.replace(f"{{{i}}}", operand)
    return text


def _shortened(text: str) -> str:
    text = _unwrapped(text)
    return text if len(text) <= 40 else "…"


def _unwrapped(text: str) -> str:
    """Return the text of an operand on one line, without the parentheses around it."""
    text = " ".join(text.split())
    inner = text[1:-1]
    wrapped = text.startswith("(") and text.endswith(")") and not set("()") & set(inner)
    return inner if wrapped else text


def _shrinking(frame: Frame) -> tuple[str, ...]:
    """Return a note with the sizes of the feature map so far, which show how it got too small."""
    while frame.module.source.library and frame.call is not None:
        frame = frame.call.frame
    steps: list[str] = []
    last = ""
    outer: Frame | None = frame
    while outer is not None:
        for name, slot in outer.names.items():
            if isinstance(slot.value, Value) and slot.value.type.rank in (3, 4, 5):
                size = "x".join(map(str, slot.value.type.shape[2:]))
                if size != last:
                    steps.append(f"{name} {size}")
                last = size
        outer = outer.parent
    return (f"the size of the feature map so far: {', '.join(steps)}",) if len(steps) > 1 else ()


def result(values: Values) -> Object:
    """Return a single result as such, and several as a list."""
    return values[0] if len(values) == 1 else list(values)
