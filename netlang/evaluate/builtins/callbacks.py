"""Functions of a train section about parameters and metrics: penalties, stops, saving."""

from __future__ import annotations

from netlang.diagnostics import rules
from netlang.diagnostics.source import Span
from netlang.evaluate.builtins.registry import Args, Values, compile_time
from netlang.evaluate.context.describe import describe
from netlang.evaluate.context.frame import Frame, reject
from netlang.evaluate.context.selections import Weights
from netlang.evaluate.context.values import MODES, Layer, Mode, Object, Setting
from netlang.ir.graph import Value
from netlang.ops.terms import Term
from netlang.syntax import ast

_RESERVED = ("checkpoint", "log.jsonl", "steps.jsonl", "curves.", "program.net", "lock")
"""The prefixes of the run's own files in its folder."""

OTHER_FORMATS = (
    ".npz", ".npy", ".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle", ".h5", ".hdf5", ".keras",
    ".vocab",
)  # fmt: skip
"""Endings of files in other formats: with one of them, saved parameters could not be read."""


@compile_time("l2")
def _l2(values: Values, args: Args, _n: ast.Expr, span: Span, frame: Frame) -> Object:
    if not frame.run.training:
        reject(
            rules.MISPLACED_PARAM,
            "`l2` sums over the parameters of a model that is trained",
            span,
            "this is outside of a `train` section",
        )
    run = frame.run
    chosen = _parameters(values["what"], args["what"].span, frame)
    run.builder.scope, run.builder.span = frame.scope, span
    squares = [
        (Term(run.builder, v) * Term(run.builder, v)).sum(range(v.type.rank)) for v in chosen
    ]
    total = squares[0]
    for square in squares[1:]:
        total = total + square
    return (total * 0.5).value


def _parameters(selection: Object, at: Span, frame: Frame) -> list[Value]:
    """Return the trained parameters of a selection, in the order of the program."""
    run = frame.run
    weights = Weights({made.value: made.param for made in run.made}, run.builder.nodes)
    chosen = [weights.by_path[p] for p in weights.chosen(selection) if weights.trained(p)]
    if not chosen:
        reject(
            rules.NO_FIELD,
            "there are no such parameters yet",
            at,
            "they are made when the model is first called",
            helps=("call the model before this line",),
        )
    return chosen


@compile_time("grad")
def _grad(values: Values, args: Args, _n: ast.Expr, span: Span, frame: Frame) -> Object:
    """Return the type of a gradient, which is built with the step, in training mode."""
    of, by = values["of"], values["by"]
    assert isinstance(of, Value) and isinstance(by, Value)
    _check_in_train(span, frame)
    return _gradient(of, by, frame)


@compile_time("grad_of_parameters")
def _grads(values: Values, args: Args, _n: ast.Expr, span: Span, frame: Frame) -> Object:
    """Return the types of the gradients with respect to each parameter of a selection."""
    of = values["of"]
    assert isinstance(of, Value)
    _check_in_train(span, frame)
    return [_gradient(of, by, frame) for by in _parameters(values["by"], args["by"].span, frame)]


def _check_in_train(span: Span, frame: Frame) -> None:
    if not frame.run.training:
        reject(
            rules.MISPLACED_PARAM,
            "`grad` is part of a loss",
            span,
            "this is outside of a `train` section",
        )


def _gradient(of: Value, by: Value, frame: Frame) -> Value:
    made = frame.run.builder.fresh(frame.binding_path() or "gradient", by.type)
    frame.run.gradients[made] = (of, by)
    return made


@compile_time("early_stop")
def _early_stop(values: Values, args: Args, _n: ast.Expr, span: Span, frame: Frame) -> Object:
    mode = _mode("early_stop", "watch", values, args, span, frame)
    return Setting("stop", "early_stop", {**values, "mode": mode})


@compile_time("reduce_on_plateau")
def _plateau(values: Values, args: Args, _n: ast.Expr, span: Span, frame: Frame) -> Object:
    mode = _mode("reduce_on_plateau", "watch", values, args, span, frame)
    return Setting("plateau", "reduce_on_plateau", {**values, "mode": mode})


@compile_time("save_best")
def _save_best(values: Values, args: Args, _n: ast.Expr, span: Span, frame: Frame) -> Object:
    mode = _mode("save_best", "by", values, args, span, frame)
    _check_name(values, args, frame)
    return Setting("checkpoint", "save_best", {**values, "mode": mode})


@compile_time("save_every")
def _save_every(values: Values, args: Args, _n: ast.Expr, _s: Span, frame: Frame) -> Object:
    _check_name(values, args, frame)
    return Setting("checkpoint", "save_every", values)


def _mode(name: str, watched: str, values: Values, args: Args, span: Span, frame: Frame) -> Mode:
    """Return which way a metric improves: as given, else as the metric declares it."""
    if values["mode"] is None:
        return _declared(name, watched, values[watched], args, span, frame)
    for mode in MODES:
        if values["mode"] == mode:
            return mode
    reject(
        rules.OUT_OF_RANGE,
        'a metric is better when it is larger, `"max"`, or smaller, `"min"`',
        args["mode"].span,
        f"this is {describe(values['mode'])}",
    )


def _declared(name: str, watched: str, value: Object, args: Args, span: Span, frame: Frame) -> Mode:
    loss = frame.find("loss")
    if loss is not None and loss.value is value:
        return "min"
    if isinstance(value, Value) and value in frame.run.modes:
        return frame.run.modes[value]
    at = args[watched].span
    reject(
        rules.MISSING_ARGUMENT,
        f"`{name}` needs a `mode` for this value",
        at,
        "neither the loss, nor what a known loss or metric returns",
        helps=(
            f"if smaller is better: `{_with_mode(span, 'min')}`",
            f"if larger is better: `{_with_mode(span, 'max')}`",
        ),
    )


def _with_mode(span: Span, mode: str) -> str:
    """Return the text of a call with a mode."""
    text = " ".join(span.text.split())
    return f'mode="{mode}"' if len(text) > 60 else f'{text[:-1]}, mode="{mode}")'


def _check_name(values: Values, args: Args, frame: Frame) -> None:
    """Reject the name of a file outside of the run's folder, or of one of the run's own."""
    name = values["path"]
    assert isinstance(name, str)
    plain = bool(name) and not set(name) & set('/\\:*?"<>|\0\n') and len(name) < 200
    own = name.startswith(_RESERVED) or name in _files_of_layers(frame)
    if name.lower().endswith(OTHER_FORMATS):
        stem = name.rpartition(".")[0]
        reject(
            rules.FILE_NAME,
            "parameters are saved in the safetensors format",
            args["path"].span,
            f"`{name[len(stem) :]}` is the ending of another format",
            helps=(f'give it the ending of this one, such as `"{stem}.safetensors"`',),
        )
    if plain and not own and not name.startswith("."):
        return
    reject(
        rules.FILE_NAME,
        "parameters are saved in the folder of the run",
        args["path"].span,
        "this is one of the run's own files" if plain and name[0] != "." else "no plain name",
        helps=('give a plain name, such as `"best.safetensors"`',),
    )


def _files_of_layers(frame: Frame) -> set[str]:
    """Return the files in which a run saves the last parameters of its layers."""
    slots = frame.names.values()
    return {f"{s.value.path}.safetensors" for s in slots if isinstance(s.value, Layer)}
