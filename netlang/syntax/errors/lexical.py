"""What the scan stumbles on, told: brackets, strings, characters of other scripts."""

from __future__ import annotations

import unicodedata

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, Label
from netlang.diagnostics.source import Source, Span
from netlang.syntax.build import too_deep
from netlang.syntax.keywords import DEFINERS
from netlang.syntax.scan import CLOSER, OPENER, NetlangError
from netlang.syntax.tokens import OPERATORS, STARTERS, Piece, pieces

_NAMED = {
    "\u00a0": "a no-break space",
    "\u202e": "a right-to-left override",
    "\u200b": "a zero-width space",
    "\u200c": "a zero-width non-joiner",
    "\u200d": "a zero-width joiner",
    "\ufeff": "a byte order mark",
    "\u2212": "a minus sign",
}
_MEANT = {
    "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2018": '"', "\u2019": '"', "\u2212": "-",
    "\u2013": "-", "\u2014": "-", "\u00d7": "*", "\u00b7": "*", "\u00f7": "/", "\u2192": "->",
    "\u2264": "<=", "\u2265": ">=", "\u2260": "!=", "\u2026": "...", "\u3000": " ",
    "\u25b7": "|>", "\u25b6": "|>", "\uff08": "(", "\uff09": ")", "\uff0c": ",", "\uff1d": "=",
}  # fmt: skip

_WINDOW = 200_000


def explain_error(source: Source, end: int, fault: NetlangError) -> Diagnostic:
    """Turn what the scan found into advice."""
    span = Span(source, fault.start, fault.end)
    match fault.kind:
        case "deep":
            return too_deep(span)
        case "string":
            return _string(span)
        case "foreign":
            return _character(span)
        case "stray":
            return Diagnostic(
                rules.STRAY_BRACKET,
                f"this `{span.text}` closes nothing",
                Label(span, f"no `{OPENER[span.text]}` is open here"),
                helps=(f"remove it, or add the `{OPENER[span.text]}` that it closes",),
            )
        case "mismatch":
            assert fault.opener is not None
            opened = Span(source, fault.opener.start, fault.opener.start + 1)
            wanted = CLOSER[opened.text]
            return Diagnostic(
                rules.MISMATCHED_BRACKET,
                f"this `{span.text}` can't close a `{opened.text}`",
                Label(span, f"expected `{wanted}`"),
                (Label(opened, "opened here"),),
                helps=(f"write `{wanted}` instead",),
            )
        case "open":
            assert fault.opener is not None
            return _unclosed(source, fault.opener.start, fault.start, end)


def _string(span: Span) -> Diagnostic:
    first = Span(span.source, span.start, span.start + 1)
    return Diagnostic(
        rules.UNCLOSED_STRING,
        "this string is never closed",
        Label(first, "it starts here, and must end on the same line"),
        notes=('for a line end inside a string, write `\\n`; for a quote, `\\"`',),
        helps=('add a `"` where it ends',),
    )


def _character(span: Span) -> Diagnostic:
    character = span.text
    code = f"U+{ord(character):04X}"
    name = _NAMED.get(character) or unicodedata.name(character, "an unnamed character").lower()
    shown = f"`{character}` ({code}, {name})" if character.isprintable() else f"{code}, {name},"
    meant = _MEANT.get(character)
    if meant is not None:
        fix = f"write `{meant}`"
    elif character.isspace():
        fix = "write an ordinary space"
    elif character.isalpha():
        fix = "use the letters a to z, digits and `_`"
    else:
        fix = "remove it"
    return Diagnostic(
        rules.FOREIGN_CHARACTER,
        f"{shown} can't stand outside of comments and strings",
        Label(span, code),
        notes=("names become names of weights in other tools, so they keep to ASCII",)
        if character.isalpha()
        else (),
        helps=(fix,),
    )


def _unclosed(source: Source, opener: int, stop: int, end: int) -> Diagnostic:
    """Find the place where the bracket should have been closed."""
    bracket = source.text[opener]
    closer = CLOSER[bracket]
    until = min(stop, opener + _WINDOW)
    found = pieces(source, opener, until)
    at = _next_statement(source, found, bracket)
    if at is not None:
        piece, before = found[at], found[at - 1]
        line = source.line_col(before.end - 1)[0]
        place = f"after line {line}" if bracket == "{" else f"at the end of line {line}"
        what, helps = _interruption(piece), (f"add `{closer}` {place}",)
        if not piece.fresh:
            helps = (f"add `{closer}` before the `{piece.text}`",)
        span = piece.span(source)
    elif stop < end:
        span = Span(source, stop, stop + 1)
        what, helps = "this closes what is around it", (f"add `{closer}` before it",)
    else:
        last = source.text[:end].rstrip()
        span = Span(source, max(len(last) - 1, 0), len(last))
        what, helps = "the file ends here", (f"add `{closer}` at the end",)
    return Diagnostic(
        rules.UNCLOSED_BRACKET,
        f"this `{bracket}` is never closed",
        Label(Span(source, opener, opener + 1), "opened here"),
        (Label(span, f"{what}, but the `{bracket}` is still open"),),
        helps=helps,
    )


def _interruption(piece: Piece) -> str:
    if piece.text == "->":
        return "here the outputs start"
    if piece.text == "{":
        return "here a body starts"
    return f"this starts a new {'definition' if piece.text in DEFINERS else 'statement'}"


def _next_statement(source: Source, found: list[Piece], bracket: str) -> int | None:
    """Find the piece that cannot stand inside the first bracket, which is still open."""
    depth = 0
    margin = _margin(source, found[0].start)
    loops = 0
    for number, piece in enumerate(found[:-1]):
        if depth == 1 and bracket != "{":
            loops += piece.text in ("for", "scan")
            if piece.text == "->" or (piece.text == "{" and loops == 0):
                return number
        if piece.kind == "sign" and piece.text in CLOSER:
            depth += 1
        elif piece.kind == "sign" and piece.text in OPENER:
            depth -= 1
        elif depth == 1 and piece.fresh and _starts_statement(found, number, bracket):
            # After a comma, only what is not indented is no argument.
            inside = _margin(source, piece.start) > margin
            if not (found[number - 1].text == "," and inside):
                return number
    return None


def _margin(source: Source, offset: int) -> int:
    line = source.line(source.line_col(offset)[0])
    return len(line) - len(line.lstrip())


def _starts_statement(found: list[Piece], number: int, bracket: str) -> bool:
    piece, following = found[number], found[number + 1]
    if piece.text in DEFINERS and following.kind in ("name", "keyword"):
        return True
    before = found[number - 1]
    if bracket == "{" or before.text in OPERATORS or before.text in ("=", ":", "(", "[", "{"):
        return False
    return piece.text in STARTERS or (piece.kind == "name" and following.text in ("=", ":", ","))
