"""Fixes that move, rename or remove statements: for names that come late, twice, or for nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netlang.diagnostics.fix import Edit, Fix
from netlang.diagnostics.source import Span
from netlang.evaluate.modules.module import ModuleScope
from netlang.syntax import ast
from netlang.syntax.walk import walk

Body = Sequence[ast.Node]
"""The statements of a definition or of a loop, or what is in a train section."""


def moved_up(use: Span, module: ModuleScope) -> tuple[Fix, ...]:
    """Return the fix that moves the line that makes a name before the one that uses it.

    No fix is returned if the line itself needs something that comes later.
    """
    name = use.text
    for body in _bodies(use, module):
        at = next(i for i, statement in enumerate(body) if _holds(statement.span, use))
        after = next((i for i in range(at + 1, len(body)) if name in _targets(body[i])), None)
        if after is None:
            continue
        needed = {node.text for node in walk(body[after]) if isinstance(node, ast.Name)}
        later = {target for statement in body[at:after] for target in _targets(statement)}
        own, first = _lines(body[after].span), _lines(body[at].span)
        if needed & later or own is None or first is None:
            return ()
        text = own.text if own.text.endswith("\n") else f"{own.text}\n"
        before = Span(first.source, first.start, first.start)
        title = f"put the line that makes `{name}` before this one"
        return (Fix(title, (Edit(before, text), Edit(own, ""))),)
    return ()


def removed(target: Span, module: ModuleScope) -> tuple[Fix, ...]:
    """Return the fix that removes the line that makes a value, if all it uses is used elsewhere."""
    own = _holding(target, module)
    statement = next(
        (
            statement
            for body in _bodies(target, module)
            for statement in body
            if isinstance(statement, ast.Bind) and target in _target_spans(statement)
        ),
        None,
    )
    lines = _lines(statement.span) if statement is not None else None
    if own is None or statement is None or lines is None:
        return ()
    names = [n for n in walk(own) if isinstance(n, ast.Name)]
    used = {n.text for n in names if not _holds(statement.span, n.span)}
    alone = {n.text for n in names if _holds(statement.span, n.span)} - used
    if any(not module.knows(name) for name in alone):
        return ()
    return (Fix(f"remove the line that makes `{target.text}`", (Edit(lines, ""),)),)


def given_two_names(second: Span, new: str, module: ModuleScope) -> tuple[Fix, ...]:
    """Return the fix that gives one of two values of a name the name ``new``.

    The second value is renamed where it is used, up to the next one; or, if an output of the
    definition has the name, the first value.
    """
    name = second.text
    own = _holding(second, module)
    is_output = isinstance(own, ast.Definition) and name in {out.name.text for out in own.outs}
    for body in _bodies(second, module):
        binds = [i for i, statement in enumerate(body) if name in _targets(statement)]
        here = next((i for i in binds if _holds(body[i].span, second)), None)
        if here is None or binds.index(here) == 0 or _inner(body, name):
            return ()
        start = binds[binds.index(here) - 1] if is_output else here
        end = next((i for i in binds if i > start), len(body))
        edits = [Edit(t, new) for t in _target_spans(body[start]) if t.text == name]
        for statement in (*body[start + 1 : end], *_values(body, end)):
            edits += [
                Edit(node.span, new)
                for node in walk(statement)
                if isinstance(node, ast.Name) and node.text == name
            ]
        which = "the first" if is_output else "this"
        return (Fix(f"name {which} value `{new}`", tuple(edits)),)
    return ()


def _values(body: Body, at: int) -> tuple[ast.Node, ...]:
    statement = body[at] if at < len(body) else None
    return (statement.value,) if isinstance(statement, ast.Bind) else ()


def _inner(body: Body, name: str) -> bool:
    """Return whether a loop in a body has a value of the same name."""
    inner = (n for statement in body for n in walk(statement) if isinstance(n, ast.For))
    return any(
        name in {c.name.text for c in loop.carries} | {n.text for n in loop.names}
        or any(name in _targets(statement) for statement in loop.body)
        for loop in inner
    )


def _holding(span: Span, module: ModuleScope) -> ast.Declaration | None:
    return next((d for d in module.declared.values() if _holds(d.span, span)), None)


def _bodies(span: Span, module: ModuleScope) -> Iterator[Body]:
    """Yield the bodies around a location, from the inside out."""
    own = _holding(span, module)
    found: list[Body] = [own.items] if isinstance(own, ast.Train) else []
    for node in walk(own) if own is not None else ():
        match node:
            case ast.Suite(statements=statements) | ast.For(body=statements):
                found.append(statements)
            case _:
                pass
    for body in reversed(found):
        if any(_holds(statement.span, span) for statement in body):
            yield body


def _targets(statement: ast.Node) -> list[str]:
    return [span.text for span in _target_spans(statement)]


def _target_spans(statement: ast.Node) -> list[Span]:
    return [t.span for t in statement.targets] if isinstance(statement, ast.Bind) else []


def _lines(span: Span) -> Span | None:
    """Return the whole lines of a statement, or ``None`` if something else is on them."""
    text = span.source.text
    start = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.end)
    end = len(text) if end < 0 else end
    rest = text[span.end : end].strip()
    if text[start : span.start].strip() or (rest and not rest.startswith("#")):
        return None
    return Span(span.source, start, min(end + 1, len(text)))


def _holds(outer: Span, inner: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end
