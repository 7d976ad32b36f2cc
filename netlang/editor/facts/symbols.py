"""The outline of a text, the parts that can be folded, and what each name is for highlighting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from netlang.diagnostics.source import Source, Span
from netlang.editor.facts.hints import Values
from netlang.editor.facts.names import Use
from netlang.editor.facts.records import Folding, SemanticToken, Symbol
from netlang.syntax import ast
from netlang.syntax.walk import walk


def symbols(file: ast.File, values: Values) -> Iterator[Symbol]:
    """Yield the definitions of a file, each with the names that it binds."""
    for declaration in file.declarations:
        match declaration:
            case ast.Assert():
                continue
            case ast.Bind(targets=targets):
                for target in targets:
                    yield _symbol(target, declaration.span, "constant", values)
            case ast.Definition() | ast.Extern() | ast.Train():
                if declaration.name.span.start == declaration.name.span.end:
                    continue  # its name is in a part that does not parse
                kind = "train" if isinstance(declaration, ast.Train) else declaration.kind
                extern = isinstance(declaration, ast.Extern) and kind == "op"
                inside = tuple(_bindings(declaration, values))
                yield Symbol(
                    declaration.name.text,
                    "extern op" if extern else kind,
                    " ".join(declaration.head.text.split()),
                    declaration.span.start,
                    declaration.span.end,
                    declaration.name.span.start,
                    declaration.name.span.end,
                    inside,
                )


def _bindings(
    declaration: ast.Definition | ast.Extern | ast.Train, values: Values
) -> Iterator[Symbol]:
    match declaration:
        case ast.Train(items=items):
            statements: Sequence[ast.Node] = items
        case ast.Definition(body=ast.Suite(statements=statements)):
            pass
        case _:
            return
    for statement in statements:
        match statement:
            case ast.Bind(targets=targets):
                for target in targets:
                    yield _symbol(target, statement.span, "binding", values)
            case ast.State(name=name):
                yield _symbol(name, statement.span, "state", values)
            case ast.Step(name=name, binds=binds):
                inner = tuple(
                    _symbol(target, bind.span, "binding", values)
                    for bind in binds
                    for target in bind.targets
                )
                yield _symbol(name, statement.span, "step", values, inner)
            case _:
                pass


def _symbol(
    name: ast.Ident, whole: Span, kind: str, values: Values, children: tuple[Symbol, ...] = ()
) -> Symbol:
    found = values.get((name.text, name.span.start), ())
    detail = " … ".join(dict.fromkeys(value.text for value in (*found[:1], *found[-1:])))
    at = name.span
    return Symbol(name.text, kind, detail, whole.start, whole.end, at.start, at.end, children)


def ends_of(declaration: ast.Definition) -> Iterator[ast.Ident]:
    """Yield the names of the inputs, the outputs and the states of a definition."""
    yield from (param.name for param in declaration.params)
    yield from (out.name for out in declaration.outs)
    yield from (node.name for node in walk(declaration.body) if isinstance(node, ast.State))


def foldings(file: ast.File) -> Iterator[Folding]:
    """Yield the bodies, imports and comments of several lines."""
    nodes = [node for node in walk(*file.declarations) if _folds(node)]
    for node in nodes:
        first, last = _lines(node.span)
        if last > first + 1:
            yield Folding(first, last - 1, "body")
    if len(file.imports) > 1:
        first, _ = _lines(file.imports[0].span)
        _, last = _lines(file.imports[-1].span)
        yield Folding(first, last, "imports")
    yield from _comments(file.source)


def _folds(node: ast.Node) -> bool:
    if isinstance(node, ast.Definition):
        return isinstance(node.body, ast.Suite)
    return isinstance(node, ast.Train | ast.Extern | ast.Step | ast.For)


def _lines(span: Span) -> tuple[int, int]:
    """Return the first and the last line of a span, counted from 0."""
    return span.line - 1, span.source.line_col(max(span.start, span.end - 1))[0] - 1


def _comments(source: Source) -> Iterator[Folding]:
    lines = enumerate(source.text.split("\n"))
    for comment, group in groupby(lines, lambda line: line[1].lstrip().startswith("#")):
        numbers = [number for number, _ in group]
        if comment and len(numbers) > 1:
            yield Folding(numbers[0], numbers[-1], "comment")


_KINDS = {
    "net": "class", "block": "class", "op": "function", "optimizer": "function",
    "schedule": "function", "dataset": "class",
}  # fmt: skip


def tokens(uses: Iterable[Use], params: Iterable[Span]) -> Iterator[SemanticToken]:
    """Yield the names of a text in order, with what each of them denotes."""
    inputs = {(span.start, span.end) for span in params}
    last = -1
    for use in uses:
        if use.start < last:
            continue
        last = use.end
        meaning = use.meaning
        defined = (meaning.definition.start, meaning.definition.end)
        here = defined == (use.start, use.end) and not meaning.library
        modifiers = ["declaration"] if here else []
        modifiers += ["defaultLibrary"] if meaning.library else []
        match meaning.declaration:
            case ast.Definition() | ast.Extern() as declaration:
                kind = _KINDS[declaration.kind]
            case ast.Train():
                kind = "class"
            case ast.Bind():
                kind, modifiers = "variable", [*modifiers, "readonly"]
            case _ if meaning.library or defined in inputs:
                kind = "parameter"
            case _:
                kind = "typeParameter" if meaning.name[0].isupper() else "variable"
        yield SemanticToken(use.start, use.end, kind, tuple(modifiers))
