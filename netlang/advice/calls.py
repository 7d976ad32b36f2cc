"""How to write a call that lacks arguments."""

from __future__ import annotations

from collections.abc import Sequence

from netlang.diagnostics.fix import Edit
from netlang.diagnostics.source import Span


def completed(span: Span, name: str, missing: Sequence[str]) -> str:
    """Return a call with placeholders for the arguments it lacks."""
    text = " ".join(span.text.split())
    added = ", ".join(f"{parameter}=…" for parameter in missing)
    if len(text) > 60 or not text.startswith(name):
        return f"{name}(…, {added})"
    if text == name:
        return f"{name}({added})"
    opened = text[:-1].rstrip(" ,")
    return f"{opened}{added})" if opened.endswith("(") else f"{opened}, {added})"


def with_tensor(span: Span, name: str) -> tuple[str, ...]:
    """Return a call that lacks its tensor, with the tensor and as a layer to be called later."""
    text = " ".join(span.text.split())
    if not text.startswith(f"{name}(") or len(text) > 60:
        text = f"{name}(…)"
    rest = text[len(name) + 1 :]
    return (
        f"the tensor comes first: `{name}(x, {rest}` or `x |> {text}`",
        f"to make a layer now and call it later, write `new {text}`",
    )


def ending(span: Span, argument: str) -> Edit:
    """Return the edit that adds an argument at the end of a call."""
    text = span.text
    if not text.endswith(")"):
        return Edit(Span(span.source, span.end, span.end), f"({argument})")
    opened = len(text[:-1].rstrip(" ,\n"))
    comma = "" if text[:opened].endswith("(") else ", "
    return Edit(Span(span.source, span.start + opened, span.end), f"{comma}{argument})")
