"""Checks of the values of settings against their types."""

from __future__ import annotations

import re
from collections.abc import Sequence

from netlang.advice.definitions import ours_of
from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Label
from netlang.evaluate.bodies import maker
from netlang.evaluate.context.describe import describe
from netlang.evaluate.context.frame import Frame, reject
from netlang.evaluate.context.limits import known_int
from netlang.evaluate.context.values import (
    UNKNOWN,
    Argued,
    Duration,
    Examples,
    Function,
    Object,
    Results,
    Setting,
)
from netlang.evaluate.types.fitting import fits
from netlang.ir.graph import Value
from netlang.plan.plan import PRECISIONS
from netlang.plan.settings import SETTINGS
from netlang.syntax import ast

_ITEM_TYPES = {"init": "init_rule", "freeze": "selection", "checkpoint": "checkpoint"}


def setting(name: str, value: Object, bind: ast.Bind, frame: Frame) -> Object:
    """Check the value of a setting; return it as its type has it."""
    if value is UNKNOWN:
        return UNKNOWN
    arg = Argued(value, maker(bind.value).span, bind.value)
    match name:
        case "loss":
            return _scalar(name, arg, frame)
        case "metrics":
            return [_scalar(name, a, frame) for a in _items(name, arg)]
        case "data" | "valid":
            return _batched_examples(name, arg)
        case "init" | "freeze" | "checkpoint" | "update":
            type = ast.NameType(bind.span, _ITEM_TYPES.get(name, "layer"))
            items = _items(name, arg)
            values: list[Object] = [fits(a, type, frame, name) for a in items]
            if name == "checkpoint":
                _check_files(items)
            return values
        case "run":
            return _length(arg, frame)
        case "repeat" | "accumulate" | "seed":
            return _count(name, arg, frame, least=0 if name == "seed" else 1)
        case "precision":
            return _precision(arg, frame)
        case _:
            return fits(arg, ast.NameType(bind.span, SETTINGS.get(name, name)), frame, name)


def _batched_examples(name: str, arg: Argued) -> Examples:
    if not isinstance(arg.value, Examples):
        reject(
            rules.WRONG_TYPE,
            f"`{name}` must be examples of a dataset",
            arg.span,
            f"this is {describe(arg.value)}",
        )
    if not arg.value.batched:
        reject(
            rules.WRONG_TYPE,
            f"`{name}` must be in batches",
            arg.span,
            "these are single examples",
            helps=("end it with `|> batches(64)`",),
        )
    return arg.value


def _length(arg: Argued, frame: Frame) -> Object:
    if isinstance(arg.value, Duration) and arg.value.amount <= 0:
        reject(
            rules.OUT_OF_RANGE,
            "a run must be longer than nothing",
            arg.span,
            helps=("such as `run = 10 epochs`",),
        )
    return fits(arg, ast.NameType(arg.span, "duration"), frame, "run")


def _count(name: str, arg: Argued, frame: Frame, *, least: int) -> Object:
    number = known_int(name, fits(arg, ast.NameType(arg.span, "int"), frame, name), arg.span)
    if number < least:
        reject(
            rules.OUT_OF_RANGE, f"`{name}` must be at least {least}", arg.span, f"this is {number}"
        )
    return number


def _precision(arg: Argued, frame: Frame) -> Object:
    fits(arg, ast.NameType(arg.span, "str"), frame, "precision")
    if arg.value not in PRECISIONS:
        reject(
            rules.OUT_OF_RANGE,
            f"`precision` is one of {', '.join(PRECISIONS)}",
            arg.span,
            f"this is {describe(arg.value)}",
        )
    return arg.value


def _items(name: str, arg: Argued) -> list[Argued]:
    if not isinstance(arg.value, list):
        reject(
            rules.WRONG_TYPE,
            f"`{name}` must be a list",
            arg.span,
            f"this is {describe(arg.value)}",
            helps=(f"put it in brackets: `{name} = [{_shown(arg)}]`",),
        )
    expr = arg.expr
    spans = (
        [e.span for e in expr.items]
        if isinstance(expr, ast.List) and len(expr.items) == len(arg.value)
        else [arg.span] * len(arg.value)
    )
    return [Argued(v, s) for v, s in zip(arg.value, spans, strict=True)]


def _check_files(saves: Sequence[Argued]) -> None:
    """Reject two rules that save into one file: the second would replace what the first saved."""
    seen: list[tuple[re.Pattern[str], str, Argued]] = []
    for save in saves:
        name = save.value.arguments.get("path") if isinstance(save.value, Setting) else None
        if not isinstance(name, str):
            continue
        parts = _PLACEHOLDER.split(name.lower())
        pattern = re.compile("[0-9]+".join(map(re.escape, parts)))
        for other, example, first in seen:
            if pattern.fullmatch(example) or other.fullmatch("1".join(parts)):
                reject(
                    rules.FILE_NAME,
                    "two rules save into one file",
                    save.span,
                    f"into `{name}`",
                    secondary=(Label(first.span, "and so does this"),),
                    helps=("give each a file of its own",),
                )
        seen.append((pattern, "1".join(parts), save))


_PLACEHOLDER = re.compile(r"\{(?:epoch|step)\}")


def _shown(arg: Argued) -> str:
    text = " ".join(arg.span.text.split())
    return text if len(text) < 40 else "…"


def _called(name: str, arg: Argued, frame: Frame) -> tuple[str, ...]:
    """Return how to compute a loss or a metric that is given by its name, as Keras has it."""
    if isinstance(arg.value, Function):
        function = arg.value.name
    elif isinstance(arg.value, str):
        function = ours_of(arg.value) or arg.value.lower()
    else:
        return ()
    if frame.module.function(function) is None:
        return ()
    output = next((n for n, s in frame.names.items() if _is_output(n, s.value)), "…")
    batch = frame.names.get("batch")
    columns = list(batch.value.values) if batch and isinstance(batch.value, Results) else []
    target = next((c for c in columns if c in ("label", "y", "target")), None)
    target = f"batch.{target or columns[-1]}" if columns else "…"
    call = f"{function}({output}, {target})"
    return (f"compute it: `{name} = {call if name == 'loss' else f'[{call}]'}`",)


def _is_output(name: str, value: Object) -> bool:
    return isinstance(value, Value) and value.type.rank > 0 and name not in SETTINGS


def _scalar(name: str, arg: Argued, frame: Frame) -> Object:
    value = arg.value
    if value is UNKNOWN:
        return UNKNOWN
    if not isinstance(value, Value) or value.type.rank or not value.type.dtype.is_float:
        helps = _called(name, arg, frame)
        if isinstance(value, Value) and value.type.rank and value.type.dtype.is_float:
            helps = (
                (f"take the mean over the batch: `mean({_shown(arg)})`",)
                if value.type.rank == 1
                else ("compare it with what it should be, as `cross_entropy` and `mse` do",)
            )
            if "confusion(" in arg.span.text:
                helps = ("leave it out: `netlang evaluate` shows the confusion matrix",)
        what = "`loss` must be one number, f32[]" if name == "loss" else "a metric must be f32[]"
        reject(rules.LOSS_SHAPE, what, arg.span, f"this is {describe(value)}", helps=helps)
    return value
