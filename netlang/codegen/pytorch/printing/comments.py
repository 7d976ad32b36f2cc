"""The comments of a program, by what they are about."""

from __future__ import annotations

from functools import cache

from netlang.diagnostics.diagnostic import Diagnostics
from netlang.diagnostics.source import Source, Span
from netlang.syntax.parser import parse


@cache
def _comments(source: Source) -> list[tuple[int, str, bool]]:
    file = None if source.library else parse(source, Diagnostics())
    found = file.comments if file is not None else ()
    return [(c.span.start, c.text, c.trailing) for c in found]


def comments_of(span: Span, *, docs: bool = False) -> list[str]:
    """Return the comments right before a statement or a definition, and the one after it.

    With ``docs``, descriptions are comments too: they are not part of the tree of a constant.
    """
    text = span.source.text
    before: list[str] = []
    after: list[str] = []
    start = span.start
    for at, comment, trailing in reversed(_comments(span.source)):
        if at >= span.end:
            if trailing and "\n" not in text[span.end : at]:
                after = [comment]
        elif comment.startswith("##") and not docs:
            continue
        elif at < start and not trailing and text[at + len(comment) : start].strip() == "":
            before.insert(0, f"#{comment.lstrip('#')}")
            start = at
        elif span.start < at < span.end:
            after.insert(0, comment)
    return [*before, *after]
