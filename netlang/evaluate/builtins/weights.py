"""Built-ins that create parameters and select among them."""

from __future__ import annotations

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Label
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import Suggestion
from netlang.evaluate.builtins.registry import Args, Values, compile_time
from netlang.evaluate.context.frame import Frame, Made, reject
from netlang.evaluate.context.limits import readable
from netlang.evaluate.context.origins import written
from netlang.evaluate.context.parameter_paths import claim, origin, users_span
from netlang.evaluate.context.selections import below, matches, near
from netlang.evaluate.context.values import Layer, Object, Part, Setting
from netlang.ir.dims import Dim, Shape, Size
from netlang.ir.graph import Init, Param, Value
from netlang.ir.types import F32, RANK_LIMIT, TensorType
from netlang.syntax import ast


@compile_time("param")
def _param(values: Values, args: Args, node: ast.Expr, span: Span, frame: Frame) -> Object:
    if not frame.run.tensors or frame.kind in ("train", "file"):
        reject(
            rules.MISPLACED_PARAM,
            "`param` creates parameters, and only nets and blocks have them",
            span,
            "this is outside of both",
        )
    shape = _weight_shape(values["shape"], args["shape"].expr, span, frame)
    like, trained = values["like"], values["trained"]
    assert isinstance(trained, bool)
    dtype = like.type.dtype if isinstance(like, Value) else F32
    type = TensorType(dtype, shape)
    path = claim(node, span, frame)
    made = frame.run.weights.get(path)
    if made is not None:
        return _shared(made, type, path, span, frame)
    param = Param(path, type, initial(values["init"]), trained, span)
    value = frame.run.builder.fresh(path, type)
    frame.run.add_weight(Made(value, param, frame))
    return value


def _shared(made: Made, type: TensorType, path: str, span: Span, frame: Frame) -> Object:
    first = made.param.span
    assert first is not None
    if frame.layer is None or (first, origin(made.frame)) != (span, origin(frame)):
        reject(
            rules.WEIGHTS_COLLIDE,
            f"`{path}` would be made twice",
            span,
            "made again here",
            secondary=(Label(users_span(first, made.frame), "first made here"),),
            helps=("to share parameters, make a layer with `new` and call it twice",),
        )
    if made.value.type != type:
        reject(
            rules.SHARED_SHAPE,
            f"the shared parameter `{path}` would need two shapes",
            span,
            f"this call needs {type}",
            secondary=(
                Label(users_span(first, made.frame), f"this call made it {made.value.type}"),
            ),
            notes=(
                "a layer made by `new` has one set of parameters, so every input needs the same "
                "features",
            ),
            helps=("make a second layer, or bring both inputs to one size first",),
        )
    return made.value


def _weight_shape(value: Object, expr: ast.Expr | None, span: Span, frame: Frame) -> Shape:
    sizes: list[Size] = []
    assert isinstance(value, list)
    if len(value) > RANK_LIMIT:
        readable((1,) * len(value), span)
    entries = expr.items if isinstance(expr, ast.List) else (None,) * len(value)
    for size, entry in zip(value, entries, strict=False):
        if isinstance(size, Dim):
            reject(
                rules.SYMBOLIC_WEIGHT,
                "a parameter's shape must be known when the file is checked",
                span,
                f"it would be [{', '.join(map(str, value))}], and {size} is free",
                **_known(size, frame),
            )
        assert isinstance(size, int)
        if size < 1:
            if isinstance(entry, ast.Name):
                positive(size, entry.span, frame)
            reject(
                rules.OUT_OF_RANGE,
                "a parameter's sizes must be positive",
                span,
                f"it would be [{', '.join(map(str, value))}]",
            )
        sizes.append(size)
    return tuple(sizes)


def _known(size: Dim, frame: Frame) -> Suggestion:
    """Suggest how a size of a parameter becomes known when the file is checked."""
    if over := _over_features(size, frame):
        return {"helps": over, "fixes": ()}
    from netlang.evaluate.types.axis_order import in_front_of_parameters

    if (found := in_front_of_parameters(size, frame)) is not None:
        return found
    helps = ["give that dimension a number in the net's signature"]
    if "*" in str(size):
        helps.append("or pool the map to one position first: `global_avg_pool` for `flatten`")
    return {"helps": tuple(helps), "fixes": ()}


def positive(size: int, at: Span, frame: Frame) -> None:
    """Reject a non-positive size in a call of the library, at the user's argument."""
    location = written(at, frame)
    if size < 1 and not location.source.library:
        reject(rules.OUT_OF_RANGE, f"`{at.text}` must be at least 1", location, f"this is {size}")


def initial(value: Object) -> Init:
    """Convert an initializer of the language, or a number, to a parameter's initializer."""
    match value:
        case int() | float():
            return Init("constant", (float(value),))
        case Setting(name=name, arguments=arguments):
            numbers = tuple(float(v) for v in arguments.values() if isinstance(v, int | float))
            return Init(name, numbers)
        case _:
            raise TypeError(f"not an initializer: {value!r}")


@compile_time("pick")
def _pick(values: Values, args: Args, _n: ast.Expr, span: Span, frame: Frame) -> Object:
    what, pattern = values["of"], values["pattern"]
    assert isinstance(what, Layer | Part) and isinstance(pattern, str)
    paths = below(what, frame)
    # Each path is compared with the pattern here, and again where the selection is used.
    frame.run.budget.spend(len(paths or ()) * (1 + pattern.count(".")), span)
    if paths is None and not frame.run.diagnostics.failed:
        reject(
            rules.NO_FIELD,
            f"`{args['of'].span.text}` has no parameters yet",
            args["of"].span,
            "they are made when it is first called",
            helps=("call the layer before this line",),
        )
    if paths is not None and not any(matches(pattern, path) for path in paths):
        known = ", ".join(near(pattern, paths))
        reject(
            rules.NO_FIELD,
            f"no parameter of `{args['of'].span.text}` matches this pattern",
            args["pattern"].span,
            notes=(f"near it are: {known}",),
            helps=("`*` matches within one name, `**` any number of names",),
        )
    return Setting("selection", "pick", values)


def _over_features(size: Dim, frame: Frame) -> tuple[str, ...]:
    """Return how to reduce the steps of a sequence where its features were reduced.

    Layers on maps expect the channels second; a sequence has its steps there.
    """
    caller = frame.call.frame if frame.call is not None else frame
    operands = [
        v for v in (frame.call.arguments.values() if frame.call else ()) if isinstance(v, Value)
    ]
    reduced = any(v.type.rank > 1 and v.type.shape[-1] == size for v in operands)
    for name, slot in reversed(caller.names.items()) if reduced else ():
        shape = slot.value.type.shape if isinstance(slot.value, Value) else ()
        if len(shape) == 3 and shape[1] == size and isinstance(shape[2], int):
            return (
                f"{size} is the second axis of `{name}`, where channels are expected: "
                f"for the mean over the steps, write `mean({name}, axis=1)`",
            )
    return ()
