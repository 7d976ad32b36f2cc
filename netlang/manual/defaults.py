"""A program with all default arguments written out: what ``netlang show`` prints."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from netlang.diagnostics.diagnostic import Diagnostics
from netlang.diagnostics.source import Source
from netlang.evaluate.context.values import Function, takes_tensor
from netlang.evaluate.modules.module import ModuleScope
from netlang.program import Program
from netlang.syntax import ast
from netlang.syntax.formatting.format import format_file
from netlang.syntax.parser import parse
from netlang.syntax.walk import walk

Signature = Callable[[str], Sequence[ast.Param] | None]
"""Returns the parameters of the definition that a name of the file refers to."""


@dataclass(frozen=True, slots=True)
class _Insertion:
    at: int
    text: str


def with_defaults(program: Program) -> str:
    """Return the formatted text of a valid program with its default arguments written out."""
    modules = [net.function.module for net in program.nets.values()]
    if program.file is None:
        return ""

    def signature(name: str) -> Sequence[ast.Param] | None:
        function = modules[0].function(name) if modules else None
        return portable(function, modules[0]) if function is not None else None

    tree = program.file
    # A default may itself be a call with defaults; no definition calls itself, so this ends.
    while (written := write_defaults(tree, signature)) != tree.source.text:
        parsed = parse(Source(tree.source.name, written), Diagnostics())
        assert parsed is not None, "inserting default arguments broke the syntax"
        tree = parsed
    return format_file(tree)


def write_defaults(file: ast.File, signature: Signature) -> str:
    """Return the text of a file in which each call has all its default arguments.

    A default that depends on sizes of the same call's tensors is left out, because the caller
    cannot name them. The result is not formatted.
    """
    insertions = [
        insertion
        for declaration in file.declarations
        for insertion in _insertions(declaration, signature)
    ]
    text = file.source.text
    for insertion in sorted(insertions, key=lambda i: i.at, reverse=True):
        text = text[: insertion.at] + insertion.text + text[insertion.at :]
    return text


def portable(function: Function, module: ModuleScope) -> list[ast.Param]:
    """Return the parameters of a definition, with the defaults that are valid in another file."""
    return [
        param
        if param.default is None
        or all(module.find(name) is function.module.find(name) for name in _names(param.default))
        else ast.Param(param.span, param.name, param.type, None, param.keyword_only)
        for param in function.params
    ]


def _insertions(declaration: ast.Declaration, signature: Signature) -> Iterator[_Insertion]:
    bound = list(_bindings(declaration))
    stages: set[int] = set()
    for node in walk(declaration):
        match node:
            case ast.Pipe():
                for stage in node.stages:
                    inner = stage.value if isinstance(stage, ast.Label) else stage
                    stages.add(id(inner))
                    if isinstance(inner, ast.Name):
                        yield from _called(inner.text, inner, (), 1, bound, signature)
            case ast.Call(callee=ast.Name(text=name)):
                piped = int(id(node) in stages)
                yield from _called(name, node, node.args, piped, bound, signature)
            case ast.New(path=(ident,)):
                yield from _called(ident.text, node, node.args, 0, bound, signature)
            case _:
                pass


def _bindings(declaration: ast.Declaration) -> Iterator[tuple[str, int]]:
    """Return the local names of a definition, each with the offset at which its scope starts."""
    for node in walk(declaration):
        match node:
            case ast.Param() | ast.Carry():
                yield node.name.text, node.span.end
            case ast.Bind():
                yield from ((target.text, node.span.end) for target in node.targets)
            case ast.For() | ast.Comprehension():
                yield from ((name.text, node.span.start) for name in node.names)
            case _:
                pass


def _called(
    name: str,
    node: ast.Call | ast.New | ast.Name,
    args: Sequence[ast.Argument],
    piped: int,
    bound: Sequence[tuple[str, int]],
    signature: Signature,
) -> Iterator[_Insertion]:
    if any(local == name and start <= node.span.start for local, start in bound):
        return
    params = signature(name) or ()
    if isinstance(node, ast.New):
        # The calls of a layer take its tensors, even those with a default.
        params = [param for param in params if not takes_tensor(param)]
    missing = _missing(params, args, piped)
    if not missing:
        return
    written = ", ".join(f"{parameter}={text}" for parameter, text in missing)
    if isinstance(node, ast.Name):
        yield _Insertion(node.span.end, f"({written})")
    else:
        comma = "" if not args or _ends_in_comma(node, args[-1]) else ", "
        yield _Insertion(node.span.end - 1, f"{comma}{written}")


def _ends_in_comma(node: ast.Call | ast.New, last: ast.Argument) -> bool:
    rest = node.span.source.text[last.span.end : node.span.end]
    return any("," in line.partition("#")[0] for line in rest.splitlines())


def _missing(
    params: Sequence[ast.Param], args: Sequence[ast.Argument], piped: int
) -> list[tuple[str, str]]:
    """Return the parameters that a call does not pass, each with its default as text."""
    positional = [p.name.text for p in params if not p.keyword_only]
    unnamed = [arg.value for arg in args if arg.name is None]
    given: dict[str, ast.Expr | None] = dict.fromkeys(positional[:piped])
    given |= dict(zip(positional[piped:], unnamed, strict=False))
    given |= {arg.name.text: arg.value for arg in args if arg.name is not None}
    own = {p.name.text for p in params} | {d for p in params for d in _dimensions(p)}
    texts = {
        name: _enclosed(value, value.span.text)
        for name, value in given.items()
        if value is not None and _is_plain(value)
    }
    if any(p.default is None and p.name.text not in given for p in params):
        return []  # a name that means something else without a tensor: a transform of images
    missing: list[tuple[str, str]] = []
    for param in params:
        name, default = param.name.text, param.default
        if name in given or default is None or not _names(default) & own <= texts.keys():
            continue
        written = _replaced(default, texts)
        texts[name] = _enclosed(default, written)
        missing.append((name, written))
    return missing


def _is_plain(value: ast.Expr) -> bool:
    """Check whether an argument may be duplicated: it does not call anything."""
    calls = ast.Call | ast.New | ast.Pipe | ast.For | ast.Comprehension | ast.Label
    return not any(isinstance(node, calls) for node in walk(value))


def _enclosed(value: ast.Expr, text: str) -> str:
    """Return an expression in parentheses, unless it can be an operand without them."""
    open_ended = ast.Binary | ast.Unary | ast.If
    return f"({text})" if isinstance(value, open_ended) else text


def _replaced(default: ast.Expr, texts: Mapping[str, str]) -> str:
    """Return a default with the parameters it names replaced by the arguments of the call."""
    text = default.span.text
    found = [n for n in walk(default) if isinstance(n, ast.Name) and n.text in texts]
    for name in sorted(found, key=lambda n: n.span.start, reverse=True):
        start, end = name.span.start - default.span.start, name.span.end - default.span.start
        text = text[:start] + texts[name.text] + text[end:]
    return text


def _names(expression: ast.Expr) -> set[str]:
    return {node.text for node in walk(expression) if isinstance(node, ast.Name)}


def _dimensions(param: ast.Param) -> set[str]:
    match param.type:
        case ast.ShapeType():
            return {n.text for n in walk(param.type) if isinstance(n, ast.Name)}
        case _:
            return set()
