"""Train sections that are like another one: ``train adam like base { optimizer = adam(1e-3) }``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, Label, diagnostic
from netlang.diagnostics.suggestions import nearest, renaming
from netlang.evaluate.modules.module import ModuleScope
from netlang.syntax import ast

Item = ast.Bind | ast.Step | ast.Assert


def complete(section: ast.Train, module: ModuleScope) -> ast.Train:
    """Return a section with the parameters and lines of those that it is like.

    A line takes the place of the line that gives a value to the same name. A line with a new name
    comes just before the next line that takes a place, or at the end; so what a setting is computed
    from stands before it, as in the text.
    """
    chain = [section, *_bases(section, module)]
    whole = chain.pop()
    for own in reversed(chain):
        items = tuple(_merged(whole.items, own.items))
        whole = replace(own, params=_params(whole.params, own.params), items=items)
    return whole


def base_error(section: ast.Train, module: ModuleScope) -> Diagnostic | None:
    """Return the error of a section that is like none of the file, or like itself."""
    name = section.like
    if name is None:
        return None
    base = module.declared.get(name.text)
    if not isinstance(base, ast.Train):
        sections = [n for n, each in module.declared.items() if isinstance(each, ast.Train)]
        others = [other for other in sections if other != section.name.text]
        near = nearest(name.text, others)
        listed = ", ".join(f"`{other}`" for other in others)
        return diagnostic(
            rules.UNKNOWN_SECTION,
            f"there is no train section `{name.text}` in this file",
            name.span,
            notes=(f"the others are {listed}" if others else "there is no other",),
            helps=(f"did you mean `{near}`?",) if near is not None else (),
            fixes=renaming(name.span, near),
        )
    if not any(each is section for each in _bases(section, module)):
        return None
    return diagnostic(
        rules.RECURSION,
        f"the train section `{section.name.text}` is like itself",
        name.span,
        secondary=() if base is section else (_also_like(base),),
        helps=("let one of them have all settings",),
    )


def _also_like(base: ast.Train) -> Label:
    assert base.like is not None
    return Label(base.name.span, f"`{base.name.text}` is like `{base.like.text}`")


def _bases(section: ast.Train, module: ModuleScope) -> Iterator[ast.Train]:
    """Yield the section that one is like, and those that this is like, each once."""
    seen: list[ast.Train] = []
    at: ast.Train = section
    while at.like is not None:
        base = module.declared.get(at.like.text)
        if not isinstance(base, ast.Train) or base in seen:
            return
        seen.append(base)
        yield base
        at = base


def _params(before: Sequence[ast.Param], own: Sequence[ast.Param]) -> tuple[ast.Param, ...]:
    given = {param.name.text: param for param in own}
    kept = [given.pop(param.name.text, param) for param in before]
    return (*kept, *given.values())


def _merged(before: Sequence[Item], own: Sequence[Item]) -> list[Item]:
    items, waiting = list(before), list[Item]()
    for item in own:
        names = _names(item)
        at = next((i for i, other in enumerate(items) if names & _names(other)), None)
        waiting.append(item)
        if at is not None:
            items[at : at + 1] = waiting
            waiting = []
    return [*items, *waiting]


def _names(item: Item) -> set[str]:
    """Return the names that a line gives values to; that of a step is apart from them."""
    match item:
        case ast.Bind(targets=targets):
            return {target.text for target in targets} - {"_"}
        case ast.Step(name=name):
            return {f"step {name.text}"}
        case ast.Assert():
            return set()
