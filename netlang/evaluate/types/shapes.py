"""Comparison of tensors with shapes, which binds their unknown dimensions."""

from __future__ import annotations

from netlang.advice.parameters import element_suggestion
from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Label
from netlang.diagnostics.fix import Fix, replacement
from netlang.diagnostics.source import Span
from netlang.evaluate.context.describe import describe
from netlang.evaluate.context.frame import Frame, reject
from netlang.evaluate.context.limits import readable
from netlang.evaluate.context.parameter_names import ELEMENTS
from netlang.evaluate.context.source_text import source_text
from netlang.evaluate.context.values import UNKNOWN, Object
from netlang.evaluate.evaluate import evaluate
from netlang.evaluate.types.solving import open_names, solve
from netlang.ir.dims import Dim, Shape, Size, symbol
from netlang.ir.types import DType, TensorType
from netlang.syntax import ast

ELEMENT = "<element>"
"""The hidden name under which a signature's `tensor` or `float` element type is bound."""


def match_shape(
    actual: TensorType,
    type: ast.ShapeType,
    frame: Frame,
    name: str,
    span: Span,
    *,
    promise: Label | None = None,
) -> None:
    """Compare a tensor with a shape, binding the dimensions that are not known yet."""
    _match_element(actual, type, frame, name, span)
    fixed = [d for d in type.dims if not isinstance(d, ast.Rest)]
    rest = len(type.dims) - len(fixed)
    if (rest == 0 and actual.rank != len(fixed)) or actual.rank < len(fixed):
        more = "at least " if rest else ""
        many = "dimension" if len(fixed) == 1 else "dimensions"
        note = f"it has {actual.rank} dimensions, and must have {more}{len(fixed)}"
        note = note.replace(" 1 dimensions", " 1 dimension")
        if actual.rank == 0:
            note = f"it is one number, and must have {more}{len(fixed)} {many}"
        _mismatch(actual, type, frame, name, span, promise, (note,))
    wrong: list[tuple[int, str]] = []
    # Plain names first: they determine entries such as `H * W`.
    pairs = list(enumerate(_aligned(type, actual.shape)))
    for axis, (entry, size) in sorted(pairs, key=lambda p: not isinstance(p[1][0], ast.Name)):
        if isinstance(entry, ast.Rest):
            if (note := _match_rest(entry, size, frame)) is not None:
                wrong.append((axis, note))
            continue
        assert isinstance(size, int | Dim)
        expected = _match_size(entry, size, frame, Label(span, f"this is {actual}"))
        if expected is not None and expected != size:
            note = f"dimension {axis} is {size} here, and must be {expected}"
            wrong.append((axis, note))
    if wrong:
        notes = "\n".join(note for _, note in sorted(wrong))
        _mismatch(actual, type, frame, name, span, promise, (notes,))


def _aligned(type: ast.ShapeType, shape: Shape) -> list[tuple[ast.Expr | ast.Rest, Size | Shape]]:
    """Pair each entry of a shape with the sizes it denotes."""
    many = len(shape) - sum(not isinstance(d, ast.Rest) for d in type.dims)
    pairs: list[tuple[ast.Expr | ast.Rest, Size | Shape]] = []
    at = 0
    for entry in type.dims:
        if isinstance(entry, ast.Rest):
            pairs.append((entry, shape[at : at + many]))
            at += many
        else:
            pairs.append((entry, shape[at]))
            at += 1
    return pairs


def _match_rest(entry: ast.Rest, sizes: Size | Shape, frame: Frame) -> str | None:
    assert isinstance(sizes, tuple)
    if entry.name is None:
        return None
    bound = frame.names.get(entry.name.text)
    if bound is None:
        frame.bind(entry.name.text, sizes, entry.span)
    elif bound.value != sizes and isinstance(bound.value, tuple):
        return f"its shape is [{_sizes(sizes)}] here, and must be [{_sizes(bound.value)}]"
    return None


def _sizes(sizes: tuple[Object, ...]) -> str:
    return ", ".join(map(str, sizes))


def _match_size(entry: ast.Expr, size: Size, frame: Frame, argument: Label) -> Size | None:
    """Return the size that an entry requires; bind it if it is a dimension not known yet."""
    match entry:
        case ast.Name(text=text) if text[0].isupper():
            slot = frame.names.get(text)
            if slot is None:
                frame.bind(text, size, entry.span)
                return size
            return slot.value if isinstance(slot.value, int | Dim) else None
        case ast.Binary() if unknown := open_names(entry, frame):
            return _solved(entry, unknown, size, frame, argument)
        case _:
            expected = evaluate(entry, frame)
            return (
                expected
                if isinstance(expected, int | Dim) and not isinstance(expected, bool)
                else None
            )


def _solved(entry: ast.Expr, unknown: list[str], size: Size, frame: Frame, argument: Label) -> Size:
    """Bind the one dimension an entry leaves open."""
    name = " and ".join(f"`{n}`" for n in unknown)
    solution, factor = solve(entry, unknown[0], size, frame) if len(unknown) == 1 else (None, 0)
    if solution is None:
        requirement = f"the signature requires `{source_text(entry)}`"
        why = f"no size {name} makes `{source_text(entry)}` {size}"
        if factor == 0:
            why = f"`{source_text(entry)}` can't be solved for {name}"
        reject(
            rules.SHAPE_MISMATCH,
            why,
            argument.span,
            argument.text,
            secondary=(Label(entry.span, requirement),),
        )
    frame.bind(unknown[0], solution, entry.span)
    return size


def _match_element(
    actual: TensorType, type: ast.ShapeType, frame: Frame, name: str, span: Span
) -> None:
    element = type.element.text
    if element in ("tensor", "float"):
        if element == "float" and not actual.dtype.is_float:
            reject(
                rules.DTYPE_MISMATCH,
                f"`{name}` takes floating-point numbers, not {actual.dtype}",
                span,
                f"this is {actual}",
                helps=(f"convert it: `cast({_short(span)}, f32)`",),
            )
        bound = frame.names.get(ELEMENT)
        if bound is None:
            frame.bind(ELEMENT, actual.dtype, type.span)
        elif bound.value is not actual.dtype:
            reject(
                rules.DTYPE_MISMATCH,
                f"`{name}` takes {bound.value} elements here, not {actual.dtype}",
                span,
                f"this is {actual}",
                notes=("all tensors of this call have one element type",),
                helps=(f"convert it: `cast({_short(span)}, {bound.value})`",),
                fixes=_conversion(span, str(bound.value), frame),
            )
        return
    if element in ELEMENTS and element != actual.dtype.value:
        helps, fixes = _element_helps(element, actual, span, frame)
        reject(
            rules.DTYPE_MISMATCH,
            f"`{name}` takes {element} elements, not {actual.dtype}",
            span,
            f"this is {actual}",
            helps=helps,
            fixes=fixes,
        )


def _conversion(span: Span, element: str, frame: Frame) -> tuple[Fix, ...]:
    """Return the fix that converts an argument; a block may be called with other types, too."""
    body = frame.call.frame if frame.call is not None else frame
    if body.call is not None and body.call.function.kind != "net":
        return ()
    return (replacement(span, f"cast({span.text}, {element})", f"convert to {element}"),)


def _short(span: Span) -> str:
    return span.text if len(span.text) < 40 and not span.source.library else "…"


def _element_helps(
    element: str, actual: TensorType, span: Span, frame: Frame
) -> tuple[tuple[str, ...], tuple[Fix, ...]]:
    text = _short(span)
    labels = "label" in text or frame.call is None
    if labels and element == "i64" and actual.dtype.is_float and actual.rank == 2:
        help = (
            f"for one-hot rows, take the class number: `argmax({text}, axis=-1)`; "
            "for soft labels use `soft_cross_entropy`"
        )
        return (help,), ()
    if element == "i64" and actual.dtype.is_float and text.isidentifier():
        shape = str(actual)[len(actual.dtype.value) :]
        return (f"declare it as integers: `{text}: i64{shape}`",), ()
    return (f"convert it: `cast({text}, {element})`",), _conversion(span, element, frame)


def _mismatch(
    actual: TensorType,
    type: ast.ShapeType,
    frame: Frame,
    name: str,
    span: Span,
    promise: Label | None,
    notes: tuple[str, ...],
) -> None:
    if promise is not None:
        reject(
            rules.SHAPE_MISMATCH,
            f"`{name}` has the wrong shape",
            span,
            f"this makes `{name}` {actual}",
            secondary=(promise,),
            notes=notes,
        )
    reject(
        rules.SHAPE_MISMATCH,
        f"{name if ' ' in name else f'`{name}`'} must be {expected(type, frame)}",
        span,
        f"this is {actual}",
        secondary=() if _within(type.span, span) else (Label(type.span, "required here"),),
        notes=notes,
    )


def _within(inner: Span, outer: Span) -> bool:
    same = inner.source is outer.source
    return same and outer.start <= inner.start and inner.end <= outer.end


def expected(type: ast.ShapeType, frame: Frame) -> str:
    """Print a shape with the sizes known so far."""
    entries: list[str] = []
    for entry in type.dims:
        match entry:
            case ast.Rest(name=name):
                text = name.text if name is not None else ""
                slot = frame.names.get(text)
                bound = slot.value if slot is not None else None
                entries.append(_sizes(bound) if isinstance(bound, tuple) else f"...{text}")
            case ast.Name(text=text) if text[0].isupper() and text not in frame.names:
                entries.append(text)
            case ast.Int(value=value):
                entries.append(str(value))
            case ast.Binary() if open_names(entry, frame):
                entries.append(source_text(entry))
            case _:
                size = evaluate(entry, frame)
                entries.append(str(size) if isinstance(size, int | Dim) else entry.span.text)
    element = type.element.text
    bound = frame.names.get(ELEMENT)
    if element in ("tensor", "float") and bound is not None:
        element = str(bound.value)
    return f"{element}[{', '.join(e for e in entries if e)}]"


def resolve_shape(type: ast.ShapeType, frame: Frame) -> TensorType | None:
    """Return the tensor type that a shape denotes, if every part of it is known."""
    sizes: list[Size] = []
    for entry in type.dims:
        if isinstance(entry, ast.Rest):
            slot = frame.names.get(entry.name.text) if entry.name else None
            if slot is None or not isinstance(slot.value, tuple):
                return None
            sizes.extend(s for s in slot.value if isinstance(s, int | Dim))
            continue
        if (
            isinstance(entry, ast.Name)
            and entry.text[0].isupper()
            and frame.find(entry.text) is None
        ):
            return None
        size = evaluate(entry, frame)
        if not isinstance(size, int | Dim):
            return None
        sizes.append(size)
    bound = frame.names.get(ELEMENT)
    match type.element.text:
        case "tensor" | "float":
            if bound is None or not isinstance(bound.value, DType):
                return None
            return TensorType(bound.value, tuple(sizes))
        case element if element in ELEMENTS:
            return TensorType(DType(element), tuple(sizes))
        case _:
            return None  # the lookup of names reports it


def declare_shape(type: ast.ShapeType, frame: Frame, name: str) -> TensorType:
    """Return the type of a net's input: dimensions not met before become symbols."""
    sizes = tuple(_declare_size(entry, frame, name) for entry in type.dims)
    readable(sizes, type.span)
    try:
        return TensorType(DType(type.element.text), sizes)
    except ValueError:
        reject(
            rules.UNKNOWN_TYPE,
            f"a net's input can't have the element type `{type.element.text}`",
            type.element.span,
            "",
            **element_suggestion(type.element.span),
        )


def _declare_size(entry: ast.Expr | ast.Rest, frame: Frame, name: str) -> Size:
    """Return the size of one dimension of a net's input; its unknown names become symbols."""
    if isinstance(entry, ast.Rest):
        reject(
            rules.OPEN_SHAPE,
            f"the shape of `{name}` must be written out",
            entry.span,
            "a net states how many dimensions it takes",
            helps=("give each dimension a name: `f32[N, C, H, W]`",),
        )
    for text in open_names(entry, frame):
        frame.bind(text, symbol(text, frame.run.units.get(text, 1)), entry.span)
    size = evaluate(entry, frame)
    if size is UNKNOWN:
        return 1
    free = ("a size that stays free has a name: `f32[N, 8]`",)
    if not isinstance(size, int | Dim) or isinstance(size, bool):
        reject(
            rules.WRONG_TYPE,
            "a dimension must be an int",
            entry.span,
            f"this is {describe(size)}",
            helps=free,
        )
    if isinstance(size, int) and size < 1:
        reject(
            rules.OUT_OF_RANGE,
            "a dimension must be at least 1",
            entry.span,
            f"this is {size}",
            helps=free if size == -1 else (),
        )
    return size
