"""Names that are unknown where they are used, but defined in another part of the file."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from netlang.diagnostics.diagnostic import Diagnostic, Label
from netlang.diagnostics.source import Span
from netlang.evaluate.modules.module import ModuleScope
from netlang.syntax import ast
from netlang.syntax.walk import walk


def elsewhere(found: Diagnostic, module: ModuleScope) -> Diagnostic | None:
    """Return the error for an unknown name with the place where the name exists, if it does.

    It is in the body of a loop, in a definition that calls this one, or, unless there is a
    suggestion already, in any other definition.
    """
    span, name = found.span, found.span.text
    definitions = [d for d in module.declared.values() if isinstance(d, ast.Definition)]
    own = next((d for d in definitions if _holds(d.span, span)), None)
    if own is None:
        return None
    for bound in _bound(own, name):
        text = f"this `{name}` exists only inside its loop"
        help = f"carry it: `with {name} = …` and `next {name} = …`, or collect it with `yield`"
        return _located(found, bound, text, help)
    for other in definitions:
        calls = any(isinstance(n, ast.Name) and n.text == own.name.text for n in walk(other))
        if other is own or not (calls or not found.helps):
            continue
        for bound in _bound(other, name):
            text = f"this `{name}` is in the {other.kind} `{other.name.text}`"
            help = (
                f"a {own.kind} sees only its own names: make it a parameter, "
                f"`{own.kind} {own.name.text}(…, {name}: …)`"
            )
            return _located(found, bound, text, help)
    return None


def _located(found: Diagnostic, bound: Span, text: str, help: str) -> Diagnostic:
    return replace(found, secondary=(Label(bound, text),), helps=(help,), fixes=())


def _holds(outer: Span, inner: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def _bound(definition: ast.Definition, name: str) -> Iterator[Span]:
    for node in walk(definition):
        targets = node.targets if isinstance(node, ast.Bind) else ()
        yield from (target.span for target in targets if target.text == name)
