"""Texts inside the lines: the types of names, and the parameters of arguments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from netlang.editor.facts.evaluation import Current
from netlang.editor.facts.names import Meaning, called
from netlang.editor.facts.records import Hint
from netlang.editor.facts.values import Shown, shown
from netlang.evaluate.bodies import RESULT
from netlang.evaluate.context.values import Function, takes_tensor
from netlang.plan.settings import SETTINGS
from netlang.program import Program
from netlang.syntax import ast

_WITHOUT_TYPE = SETTINGS.keys() - {"data", "valid", "loss"}
"""Settings of which the text says all."""

Values = Mapping[tuple[str, int], Sequence[Shown]]
"""The values of names, by name and offset: several in a block that is called with several."""


def values_of(program: Program, current: Iterable[Current]) -> dict[tuple[str, int], list[Shown]]:
    """Return the values of the names of a file.

    Those in a net or a block are the ones that nets give them; a block that only a train section
    calls has its values.
    """
    found: dict[tuple[str, int], dict[Shown, None]] = {}
    inside: dict[tuple[str, int], dict[Shown, None]] = {}
    source = program.file.source if program.file is not None else None
    for each in current:
        section = each.evaluated.kind == "train"
        for note in each.evaluated.notes:
            place = each.places[note.place]
            if place.span.source is source:
                called = section and note.place > 0
                where = inside if called else found
                where.setdefault((note.name, place.span.start + note.offset), {})[note.value] = None
    merged = {**inside, **found}
    return {at: list(values) for at, values in merged.items()} | _constants(program)


def _constants(program: Program) -> dict[tuple[str, int], list[Shown]]:
    found: dict[tuple[str, int], list[Shown]] = {}
    module, file = program.module, program.file
    if module is None or file is None:
        return found
    for declaration in file.declarations:
        for target in declaration.targets if isinstance(declaration, ast.Bind) else ():
            value = module.find(target.text)
            text = None if isinstance(value, type) else shown(value)
            if text is not None:
                found[target.text, target.span.start] = [text]
    return found


def type_hints(nodes: Sequence[ast.Node], values: Values) -> Iterator[Hint]:
    """Yield the type of every name that has none in the text."""
    settings: set[int] = set()
    for node in nodes:
        match node:
            case ast.Train(items=items):
                binds = (item for item in items if isinstance(item, ast.Bind))
                settings |= {id(bind) for bind in binds if bind.targets[0].text in _WITHOUT_TYPE}
            case ast.Bind() if id(node) in settings:
                pass
            case ast.Bind(targets=targets, type=None, value=value):
                for target in targets:
                    yield from _hint(target, values, literal=_is_literal(value))
            case ast.Param(name=name, type=None):
                yield from _hint(name, values)
            case ast.For(names=names, carries=carries):
                for name in (*names, *(carry.name for carry in carries)):
                    yield from _hint(name, values)
            case ast.Definition(body=body, outs=[ast.Out(type=None, name=name)]) if not isinstance(
                body, ast.Suite
            ):
                yield from _at(name.span.end, values.get((RESULT, body.span.start), ()))
            case _:
                pass


def _is_literal(value: ast.Expr) -> bool:
    return isinstance(value, ast.Int | ast.Float | ast.Bool)


def _hint(name: ast.Ident, values: Values, *, literal: bool = False) -> Iterator[Hint]:
    found = values.get((name.text, name.span.start), ())
    if literal and all(value.kind == "number" for value in found):
        return
    yield from _at(name.span.end, found)


def _at(offset: int, values: Sequence[Shown]) -> Iterator[Hint]:
    visible = [value for value in values if value.kind != "other"]
    if not visible:
        return
    types = tuple(dict.fromkeys(value.text for value in visible))
    text = types[0] if len(types) == 1 else f"{types[0]} … {types[-1]}"
    numbers = all(value.kind == "number" for value in visible)
    yield Hint(offset, f" = {text}" if numbers else f": {text}", "type", types)


def parameter_hints(
    nodes: Sequence[ast.Node], meanings: Mapping[tuple[int, int], Meaning]
) -> Iterator[Hint]:
    """Yield the name of the parameter before each argument that does not say it."""
    piped: set[int] = set()
    for node in nodes:
        match node:
            case ast.Call() | ast.New():
                yield from _arguments(node, meanings, piped=id(node) in piped)
            case ast.Pipe(stages=stages):
                piped.update(id(_bare(stage)) for stage in stages)
            case _:
                pass


def _bare(expr: ast.Expr) -> ast.Expr:
    while isinstance(expr, ast.Paren | ast.Label):
        expr = expr.value
    return expr


def _arguments(
    node: ast.Call | ast.New, meanings: Mapping[tuple[int, int], Meaning], *, piped: bool
) -> Iterator[Hint]:
    function = called(node, meanings)
    if function is None:
        return
    new = isinstance(node, ast.New)
    names = positional(function, new=new)[piped:]
    given = [arg for arg in node.args if arg.name is None]
    for at, (arg, name) in enumerate(zip(given, names, strict=False)):
        # What a layer is applied to needs no name, nor does an argument that has the same.
        enters = at == 0 and not piped and not new and _takes_first(function)
        if not enters and arg.value.span.text != name:
            yield Hint(arg.span.start, f"{name}=", "parameter")


def _takes_first(function: Function) -> bool:
    return bool(function.params) and takes_tensor(function.params[0])


def positional(function: Function, *, new: bool = False) -> list[str]:
    """Return the names of the parameters that arguments without a name are given to."""
    return [
        param.name.text
        for param in function.params
        if not param.keyword_only and not (new and takes_tensor(param))
    ]
