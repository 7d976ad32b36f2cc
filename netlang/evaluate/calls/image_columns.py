"""Columns of a dataset that are images or masks in files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netlang.diagnostics import rules
from netlang.diagnostics.source import Span
from netlang.evaluate.context.frame import reject
from netlang.evaluate.context.values import Object, Setting
from netlang.ir.types import F32, I64, TensorType
from netlang.syntax import ast

IMAGES = ("pictures", "masks")
"""The stages that read images from files."""
_CHANNELS = (1, 3)


def stages_of(column: Setting) -> list[Setting]:
    """Return the calls that make a column, from the columns of the file on."""
    stages = [column]
    while isinstance(inner := stages[0].arguments.get("x"), Setting):
        stages.insert(0, inner)
    return stages


def is_image_column(stages: Sequence[Setting]) -> bool:
    """Return whether some calls make a column of images; rejects other stages among them below."""
    return any(stage.name in (*IMAGES, "resize") for stage in stages)


def has_pattern(column: Object) -> bool:
    """Return whether a column has the images that a pattern of file names matches."""
    return (
        isinstance(column, Setting)
        and column.type == "column"
        and stages_of(column)[0].name in IMAGES
    )


def check_image_stages(name: str, type: TensorType, stages: Sequence[Setting], span: Span) -> None:
    """Check the calls that make a column of images against its declared type."""
    kinds = [stage.name for stage in stages]
    at = next((i for i, kind in enumerate(kinds) if kind in IMAGES), None)
    if at is None:
        reject(
            rules.WRONG_TYPE,
            "`resize` is for images",
            span,
            helps=('such as `column("file") |> pictures |> resize(256)`',),
        )
    before, after = kinds[:at], kinds[at + 1 :]
    if before not in ([], ["column"]):
        reject(
            rules.WRONG_TYPE,
            f"`{kinds[at]}` reads files that a pattern or one column names",
            span,
            helps=(f'such as `column("file") |> {kinds[at]}`',),
        )
    if after not in ([], ["resize"]):
        other = after[0] if after[0] != "resize" else after[1]
        reject(
            rules.WRONG_TYPE,
            f"`{other}` does not follow `{kinds[kinds.index(other, at + 1) - 1]}`",
            span,
            helps=(f"leave out `{other}`",),
        )
    size = _size(stages[-1], span) if after else None
    _check_values(stages[at].arguments.get("values"), span)
    wanted = _wanted(type, size, mask=kinds[at] == "masks")
    if wanted == type:
        return
    what = "masks are" if kinds[at] == "masks" else "images are"
    shown = f"{type}, and these {what} {wanted}"
    if all(isinstance(n, int) for n in wanted.shape):
        reject(
            rules.WRONG_TYPE,
            f"`{name}` is {shown}",
            span,
            helps=(f"declare it as `{name}: {wanted}`",),
        )
    reject(
        rules.WRONG_TYPE,
        f"`{name}` is {type}, and the {what.split()[0]} of a batch have one size",
        span,
        helps=("resize them, and declare that size: `|> resize(256)`",),
    )


def _check_values(values: Object, span: Span) -> None:
    """Check that the pixels of each class have a value of their own."""
    if not isinstance(values, list):
        return
    twice = next((each for each in values if values.count(each) > 1), None)
    if twice is not None:
        reject(
            rules.WRONG_TYPE,
            f"`values` has {twice} twice, and each is a class",
            span,
            helps=("leave one of them out",),
        )


def _size(resize: Setting, span: Span) -> tuple[int, int]:
    """Return the rows and columns that images are resized to."""
    given = resize.arguments["size"]
    sizes = tuple(given) if isinstance(given, list | tuple) else (given, given)
    match sizes:
        case (int() as rows, int() as columns) if rows > 0 and columns > 0:
            return rows, columns
        case _:
            pass
    reject(
        rules.WRONG_TYPE,
        "an image has a number of rows and one of columns",
        span,
        helps=("write `resize(256)` for a square, or `resize((128, 256))`",),
    )


def _wanted(type: TensorType, size: tuple[int, int] | None, *, mask: bool) -> TensorType:
    """Return the type that a column must have, which is its own where that is possible."""
    own = type.shape[-2:] if type.rank > 1 else ()
    sides = size or own
    if mask:
        return TensorType(type.dtype if type.dtype.is_integer else I64, sides)
    channels = type.shape[:-2] if type.rank == 2 else type.shape[:1]
    if type.rank not in (2, 3) or (channels and channels[0] not in _CHANNELS):
        channels = (3,)
    return TensorType(type.dtype if type.dtype.is_float else F32, (*channels, *sides))


def check_image_fields(
    definition: ast.Extern, fields: Mapping[str, Object], places: Sequence[str]
) -> None:
    """Check that the images of patterns are all that a dataset has."""
    patterns = [name for name, value in fields.items() if has_pattern(value)]
    if not patterns:
        return
    lines = {target.text: bind for bind in definition.fields for target in bind.targets}
    place = next((name for name in places if name in fields), None)
    if place is not None:
        reject(
            rules.WRONG_TYPE,
            f"the examples are in `{place}`, and a pattern does not say which image is whose",
            lines[patterns[0]].value.span,
            helps=(
                f'name the images of `{patterns[0]}` in a column: `column("file") |> pictures`',
                f"or leave out `{place}`",
            ),
        )
    for out in definition.outs:
        if out.name.text not in patterns:
            reject(
                rules.WRONG_TYPE,
                f"nothing says what the column `{out.name.text}` is",
                out.name.span,
                f"the other columns are images, such as `{patterns[0]}`",
                helps=(
                    f'if it is in images as well: `{out.name.text} = masks("…/*.png")`',
                    'if a table has it: `csv = "…"`, and `column("…") |> pictures` for images',
                    "if folders have the names of classes: `image_folder`",
                ),
            )
