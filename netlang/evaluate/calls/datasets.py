"""Calls of datasets: their columns, and the files or the function that examples come from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, DiagnosticError, Label, diagnostic
from netlang.diagnostics.fix import Edit, Fix, apply_to, replacement
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import suggest
from netlang.evaluate.calls.image_columns import check_image_fields, has_pattern
from netlang.evaluate.context.describe import describe
from netlang.evaluate.context.frame import Frame, reject, report
from netlang.evaluate.context.values import UNKNOWN, Examples, Function, Object, Origin, Unknown
from netlang.evaluate.evaluate import evaluate
from netlang.evaluate.types.shapes import declare_shape
from netlang.ir.types import TensorType
from netlang.syntax import ast


def _text(value: Object) -> bool:
    return isinstance(value, str)


def _texts(value: Object) -> bool:
    return _text(value) or (isinstance(value, list) and bool(value) and all(map(_text, value)))


def _switch(value: Object) -> bool:
    return isinstance(value, bool)


def _choice(value: Object) -> bool:
    return _switch(value) or _texts(value)


PLACES: Mapping[str, str] = {
    "csv": "a table with a line for each example",
    "jsonl": "JSON Lines, with an object for each example",
    "npz": "a NumPy archive with an array for each column",
    "npy": "NumPy arrays, one file for each column",
    "idx": "files such as MNIST's, one for each column",
    "python": "a function that returns arrays by column, as `module:name`",
}
"""The fields of a dataset that say where its examples are."""

FIELDS: Mapping[str, tuple[str, Callable[[Object], bool]]] = {
    "csv": ("a string, or a list of them", _texts),
    "jsonl": ("a string, or a list of them", _texts),
    "npz": ("a string", _text),
    "npy": ("a string, or a list of them", _texts),
    "idx": ("a string, or a list of them", _texts),
    "python": ("a string", _text),
    "separator": ("a string", _text),
    "encoding": ("a string", _text),
    "header": ("true or false", _switch),
    "normalize": ("true or false, or a list of columns", _choice),
}
"""Every field of a dataset and what it must be."""


def examples_of(
    function: Function, definition: ast.Extern, values: Mapping[str, Object], inner: Frame
) -> Examples | Unknown:
    """Return the examples that a call of a dataset denotes; nothing is read."""
    if any(not isinstance(out.type, ast.ShapeType) for out in definition.outs):
        return UNKNOWN  # the lookup of names reports the type
    if (found := batch_error(definition)) is not None:
        raise DiagnosticError(found)
    columns = {
        out.name.text: declare_shape(out.type, inner, out.name.text)
        for out in definition.outs
        if isinstance(out.type, ast.ShapeType)
    }
    library = function.module.source.library
    cells = any(bind.targets[0].text == "csv" for bind in definition.fields)
    fields: dict[str, Object] = {}
    for bind in definition.fields:
        names = [target.text for target in bind.targets]
        if all(name in columns and name not in FIELDS for name in names):
            fields.update(_columns(bind, columns, inner, cells))
        else:
            fields[names[0]] = _field(bind, definition, inner)
    if any(isinstance(value, Unknown) for value in fields.values()):
        return UNKNOWN
    check_image_fields(definition, fields, tuple(PLACES))
    if not library and not any(n in PLACES or has_pattern(v) for n, v in fields.items()):
        reject(
            rules.DATASET_WITHOUT_LOCATION,
            f"the dataset `{function.name}` doesn't say where its examples are",
            definition.name.span,
            notes=(
                *(f"`{name}` is {what}" for name, what in PLACES.items()),
                'images can be columns: `image = pictures("images/*.png")`',
            ),
            helps=(f'such as `{{ csv = "{function.name}.csv" }}` after its columns',),
        )
    if not library:
        _check_named_columns(definition, fields)
    about = definition.doc
    origin = Origin(function.name, dict(values), fields, columns, library, about=about)
    return Examples(columns, origin)


def _columns(
    bind: ast.Bind, columns: Mapping[str, TensorType], frame: Frame, cells: bool
) -> dict[str, Object]:
    """Return the columns of a field; report an error, so that those of others are found as well."""
    from netlang.evaluate.calls.columns import columns_of

    try:
        return columns_of(bind, columns, frame, cells=cells)
    except DiagnosticError as rejected:
        report(frame, rejected.diagnostic)
        return {bind.targets[0].text: UNKNOWN}


def _check_named_columns(definition: ast.Extern, fields: Mapping[str, Object]) -> None:
    """Reject the source of a column where the columns of the data have no names."""
    unnamed = next((place for place in ("npy", "idx") if place in fields), None)
    why = f"with `{unnamed}`, each column is a file" if unnamed else ""
    if not why and fields.get("header") is False:
        why = "without a header, columns have no names"
    column = next((b for b in definition.fields if b.targets[0].text not in FIELDS), None)
    if why and column is not None:
        reject(
            rules.WRONG_TYPE,
            f"the column `{column.targets[0].text}` has no name in the data",
            column.value.span,
            why,
            helps=("leave this line out",),
        )


def batch_error(definition: ast.Extern) -> Diagnostic | None:
    """Return the error of columns that begin with the batch: they describe one example."""
    shapes = [out.type for out in definition.outs if isinstance(out.type, ast.ShapeType)]
    batched = [s for s in shapes if s.dims and s.dims[0].span.text in _BATCH]
    if not batched or {p.name.text for p in definition.params}.intersection(_BATCH):
        return None
    edits = tuple(Edit(Span(s.span.source, s.dims[0].span.start, _next(s)), "") for s in batched)
    size = batched[0].dims[0].span.text
    code = apply_to(batched[0].span, Fix("", edits[:1]))
    return diagnostic(
        rules.WRONG_TYPE,
        f"a column of a dataset is declared for one example, without `{size}`",
        batched[0].span,
        "`batches` adds the axis of the batch",
        secondary=tuple(Label(s.span, "here too") for s in batched[1:]),
        helps=(f"write `{code}`",),
        fixes=(Fix(f"leave out `{size}`", edits),),
    )


_BATCH = frozenset({"N", "B"})


def _next(shape: ast.ShapeType) -> int:
    """Return where the second size of a shape starts, or its bracket closes."""
    return shape.dims[1].span.start if len(shape.dims) > 1 else shape.span.end - 1


_FILE_NAME = re.compile(r"[\w./-]+\.\w+")


def field_error(bind: ast.Bind, dataset: ast.Extern) -> Diagnostic | None:
    """Return the error of a field that does not exist, or names a file without quotes."""
    columns = [out.name.text for out in dataset.outs]
    others = [target for target in bind.targets if target.text not in columns]
    if not others:
        return None
    field, span = others[0], bind.value.span
    if len(bind.targets) > 1 and field.text in FIELDS:
        return diagnostic(
            rules.UNKNOWN_PARAMETER,
            f"the field `{field.text}` needs a line of its own",
            field.span,
            helps=(f"such as `{field.text} = …`",),
        )
    if field.text not in FIELDS:
        return diagnostic(
            rules.UNKNOWN_PARAMETER,
            f"`{dataset.name.text}` can't have a field `{field.text}`",
            field.span,
            notes=(f"a dataset has: {', '.join(FIELDS)}", f"its columns are: {', '.join(columns)}"),
            suggestion=partial(suggest, field.span, [*FIELDS, *columns]),
        )
    quoted = f'"{span.text}"'
    if field.text not in PLACES or isinstance(bind.value, ast.Str):
        return None
    if _FILE_NAME.fullmatch(span.text) is None:
        return None
    return diagnostic(
        rules.WRONG_TYPE,
        f"the field `{field.text}` must be {FIELDS[field.text][0]}",
        span,
        "the name of a file is written in quotes",
        helps=(f"write `{field.text} = {quoted}`",),
        fixes=(replacement(span, quoted),),
    )


def _field(bind: ast.Bind, dataset: ast.Extern, frame: Frame) -> Object:
    field = bind.targets[0]
    if (found := field_error(bind, dataset)) is not None:
        raise DiagnosticError(found)
    value = evaluate(bind.value, frame)
    wanted, suits = FIELDS[field.text]
    if not suits(value):
        reject(
            rules.WRONG_TYPE,
            f"the field `{field.text}` must be {wanted}",
            bind.value.span,
            f"this is {describe(value)}",
        )
    return value
