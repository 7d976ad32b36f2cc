"""Unbalanced brackets, unclosed strings, and characters that the language does not use."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, Label, diagnostic
from netlang.diagnostics.fix import Edit, Fix, insertion, replacement
from netlang.diagnostics.source import Source, Span
from netlang.diagnostics.suggestions import renaming
from netlang.syntax.errors.tokens import (
    CLOSER,
    OPENER,
    OPERATORS,
    STARTERS,
    TOKEN,
    Token,
    tokenize,
)
from netlang.syntax.keywords import DEFINERS, TYPE_NAMES

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

_CLOSING = {
    "\u201c": "\u201d", "\u201d": "\u201d", "\u201e": "\u201c\u201d",
    "\u2018": "\u2019", "\u2019": "\u2019",
}  # fmt: skip
"""The quotes that end a string, by the one it starts with."""

_WINDOW = 200_000


class LexicalError(Struct, frozen=True):
    """The first place where brackets, strings or characters go wrong.

    ``opener`` is the offset of the bracket that is open there, for an error about it.
    """

    kind: Literal["open", "mismatch", "stray", "string", "foreign"]
    start: int
    end: int
    opener: int | None = None

    @property
    def origin(self) -> int:
        """The offset from which on the text is not to be trusted."""
        return self.start if self.opener is None else self.opener


def find_lexical_error(
    text: str, start: int, end: int, braces: Sequence[int] = ()
) -> LexicalError | None:
    """Return the first lexical error between two offsets, whether or not the rest parses.

    ``braces`` are the offsets of braces before that are open; -1 for one that is missing.
    """
    stack = [*braces]
    for match in TOKEN.finditer(text, start, end):
        at, word = match.start(), match.group()
        if word in CLOSER:
            stack.append(at)
        elif word in OPENER:
            opened = [text[opener] if opener >= 0 else "{" for opener in stack]
            if not opened or (opened[-1] == "{" and word != "}"):
                return LexicalError("stray", at, at + 1)
            if opened[-1] != OPENER[word]:
                closes_outer = OPENER[word] in opened
                kind = "open" if closes_outer else "mismatch"
                return LexicalError(kind, at, at + 1, stack[-1])
            stack.pop()
        elif match.lastgroup == "string" and not _is_closed(word):
            return LexicalError("string", at, match.end())
        elif match.lastgroup == "foreign":
            return LexicalError("foreign", at, match.end())
    return LexicalError("open", end, end, stack[-1]) if stack else None


def _is_closed(string: str) -> bool:
    # In `"\"` the closing quote is escaped; the pattern then took the backslash pair whole.
    return len(string) > 1 and string[-1] == '"' and not _ends_escaped(string)


def _ends_escaped(string: str) -> bool:
    return (len(string) - 1 - len(string[:-1].rstrip("\\"))) % 2 == 1


def explain_lexical_error(source: Source, end: int, error: LexicalError) -> Diagnostic:
    """Return the diagnostic of a lexical error."""
    span = Span(source, error.start, error.end)
    match error.kind:
        case "string":
            return _string(span)
        case "foreign":
            return _character(span)
        case "stray":
            if span.text != "}" and (unopened := explain_unopened(source, error.start)):
                return unopened
            return diagnostic(
                rules.STRAY_BRACKET,
                f"this `{span.text}` closes nothing",
                span,
                f"no `{OPENER[span.text]}` is open here",
                helps=(f"remove it, or add the `{OPENER[span.text]}` that it closes",),
                fixes=_without(span),
            )
        case "mismatch":
            opened = Span(source, error.origin, error.origin + 1)
            wanted = CLOSER[opened.text]
            if _balanced(opened, span, wanted) or not _balanced(opened, span, ""):
                return _mismatched(opened, span, f"write `{wanted}` instead", wanted)
            unopened = explain_unopened(source, error.start)
            return unopened or _mismatched(opened, span, "remove it", "")
        case "open":
            opened = Span(source, error.origin, error.origin + 1)
            wanted = CLOSER[opened.text]
            one_line = error.start < end and "\n" not in source.text[error.origin : error.start]
            inserted = one_line and _balanced(opened, span, wanted + span.text)
            if one_line and not inserted and _balanced(opened, span, wanted):
                return _mismatched(opened, span, f"write `{wanted}` instead", wanted)
            return _unclosed(source, error.origin, error.start, end)


def _mismatched(opened: Span, closer: Span, help: str, text: str) -> Diagnostic:
    wanted = CLOSER[opened.text]
    return diagnostic(
        rules.MISMATCHED_BRACKET,
        f"this `{closer.text}` can't close a `{opened.text}`",
        closer,
        f"expected `{wanted}`" if text else f"the `{wanted}` after it does",
        secondary=(Label(opened, "opened here"),),
        helps=(help,),
        fixes=(replacement(closer, text, "" if text else f"remove the `{closer.text}`"),),
    )


def _balanced(opened: Span, closer: Span, text: str) -> bool:
    """Check whether the lines of two brackets close no other, once the closer is ``text``."""
    source = closer.source.text
    start = source.rfind("\n", 0, opened.start) + 1
    rest = source[closer.end :].partition("\n")[0]
    stack: list[str] = []
    for match in TOKEN.finditer(f"{source[start : closer.start]}{text}{rest}"):
        word = match.group()
        if word in CLOSER:
            stack.append(word)
        elif word in OPENER and (not stack or stack.pop() != OPENER[word]):
            return False
    return True


def _without(closer: Span) -> tuple[Fix, ...]:
    before = closer.source.text[: closer.start].rpartition("\n")[2]
    if closer.text == "}" or re.search(r"\bnew \w+ *$", before):
        return ()
    return (replacement(closer, "", f"remove the `{closer.text}`"),)


def explain_unopened(source: Source, offset: int) -> Diagnostic | None:
    """Explain a call such as `dense x, 10)` on the line of an offset, if there is one."""
    number = source.line_col(offset)[0]
    line = source.line(number)
    if line.count(")") <= line.count("("):
        return None
    start = source.line_end_offset(number) - len(line)
    found = tokenize(source, start, start + len(line))
    depth = 0
    for name, after in pairwise(found):
        depth += (name.text == "(") - (name.text == ")")
        if depth < 0:
            return None
        if (
            name.kind == "name"
            and after.starts_value
            and not (after.fresh or after.text in ("(", "["))
        ):
            close = next((t for t in found if t.text == ")" and t.start > after.start), found[-1])
            gap = Span(source, name.end, after.start)
            call = f"{name.text}({source.text[after.start : close.end]}"
            return diagnostic(
                rules.STRAY_BRACKET,
                f"there is no `(` after `{name.text}`",
                name.span(source),
                "expected `(` after this",
                secondary=(Label(close.span(source), "this closes nothing"),),
                helps=(f"write `{call}`",),
                fixes=(replacement(gap, "(", "insert `(`"),),
            )
    return None


def _string(span: Span) -> Diagnostic:
    first = Span(span.source, span.start, span.start + 1)
    return diagnostic(
        rules.UNCLOSED_STRING,
        "this string is never closed",
        first,
        "it starts here, and must end on the same line",
        notes=('for a line end inside a string, write `\\n`; for a quote, `\\"`',),
        helps=('add a `"` where it ends',),
    )


def _character(span: Span) -> Diagnostic:
    character = span.text
    code = f"U+{ord(character):04X}"
    name = _NAMED.get(character) or unicodedata.name(character, "an unnamed character").lower()
    shown = f"`{character}` ({code}, {name})" if character.isprintable() else f"{code}, {name},"
    meant = _MEANT.get(character)
    if meant is None and character.isspace():
        meant = " "
    if meant == " ":
        fix = "write an ordinary space"
    elif meant is not None:
        fix = f"write `{meant}`"
    elif character.isalpha():
        fix = "use the letters a to z, digits and `_`"
    else:
        fix = "remove it"
    return diagnostic(
        rules.FOREIGN_CHARACTER,
        f"{shown} can't stand outside of comments and strings",
        span,
        code,
        notes=("names become names of weights in other tools, so they keep to ASCII",)
        if character.isalpha()
        else (),
        helps=(fix,),
        fixes=_quotes(span) if character in _CLOSING else renaming(span, meant),
    )


def _quotes(opening: Span) -> tuple[Fix, ...]:
    """Return the fix that writes straight quotes at both ends of a string, if it has an end."""
    text = opening.source.text
    rest = text[opening.end :].partition("\n")[0]
    length = next((at for at, c in enumerate(rest) if c in _CLOSING[opening.text]), None)
    if length is None:
        length = rest.find('"')
    if length < 0 or '"' in rest[:length] or text[: opening.start][-1:].isalnum():
        return ()
    end = opening.end + length
    closing = Span(opening.source, end, end + 1)
    return (Fix("write straight quotes", (Edit(opening, '"'), Edit(closing, '"'))),)


def _unclosed(source: Source, opener: int, stop: int, end: int) -> Diagnostic:
    """Find the place where the bracket should have been closed."""
    bracket = source.text[opener]
    closer = CLOSER[bracket]
    until = min(stop, opener + _WINDOW)
    found = tokenize(source, opener, until)
    at = _next_statement(source, found, bracket)
    if at is not None:
        at = _value_of_op(source, opener, found[:at]) or at
        token, before = found[at], found[at - 1]
        line = source.line_col(before.end - 1)[0]
        place = f"after line {line}" if bracket == "{" else f"at the end of line {line}"
        what, helps = _interruption(token), (f"add `{closer}` {place}",)
        if not token.fresh:
            helps = (f"add `{closer}` before the `{token.text}`",)
        span = token.span(source)
        closing = before.end
        if before.text == "," and not token.fresh:
            closing = found[at - 2].end
            helps = (f"add `{closer}` before the comma",)
    elif stop < end:
        span = Span(source, stop, stop + 1)
        what, helps = "this closes what is around it", (f"add `{closer}` before it",)
        closing = stop
    else:
        last = source.text[:end].rstrip()
        span = Span(source, max(len(last) - 1, 0), len(last))
        what, helps = "the file ends here", (f"add `{closer}` at the end",)
        closing = found[-2].end
    text = f"\n{closer}" if bracket == "{" else closer
    return diagnostic(
        rules.UNCLOSED_BRACKET,
        f"this `{bracket}` is never closed",
        Span(source, opener, opener + 1),
        "opened here",
        secondary=(Label(span, f"{what}, but the `{bracket}` is still open"),),
        helps=helps,
        fixes=(insertion(Span(source, closing, closing), text),),
    )


def _value_of_op(source: Source, opener: int, found: Sequence[Token]) -> int | None:
    """Find the `=` after which the value of an op starts, whose inputs are not closed."""
    line = source.text.rfind("\n", 0, opener) + 1
    if not re.fullmatch(r"op \w+", source.text[line:opener]):
        return None
    depth, last = 0, None
    for number, token in enumerate(found):
        depth += (token.text in CLOSER) - (token.text in OPENER)
        last = number if depth == 1 and token.text == "=" else last
    return last


def _interruption(token: Token) -> str:
    if token.text == "->":
        return "here the outputs start"
    if token.text == "{":
        return "here a body starts"
    if token.text == "with":
        return "here the state of a loop starts"
    if token.text == "=":
        return "here a value starts"
    if token.kind == "name" and not token.fresh:
        return "here a parameter starts"
    return f"this starts a new {'definition' if token.text in DEFINERS else 'statement'}"


def _next_statement(source: Source, found: list[Token], bracket: str) -> int | None:
    """Find the token that cannot stand inside the first bracket, which is still open."""
    depth = 0
    margin = _margin(source, found[0].start)
    loops = 0
    for number, token in enumerate(found[:-1]):
        if depth == 1 and bracket != "{":
            loops += token.text in ("for", "scan")
            if token.text == "->" or (token.text in ("{", "with") and loops == 0):
                return number
            if bracket == "[" and (token.text == "=" or _starts_parameter(found, number)):
                return number
        if token.kind == "operator" and token.text in CLOSER:
            depth += 1
        elif token.kind == "operator" and token.text in OPENER:
            depth -= 1
        elif depth == 1 and token.fresh and _starts_statement(found, number, bracket):
            # After a comma, an indented token is another argument.
            inside = _margin(source, token.start) > margin
            if not (found[number - 1].text == "," and inside):
                return number
    return None


def _starts_parameter(found: list[Token], number: int) -> bool:
    after = [token.text for token in found[number + 1 : number + 3]]
    return len(after) == 2 and after[0] == ":" and after[1] in TYPE_NAMES


def _margin(source: Source, offset: int) -> int:
    line = source.line(source.line_col(offset)[0])
    return len(line) - len(line.lstrip())


def _starts_statement(found: list[Token], number: int, bracket: str) -> bool:
    token, following = found[number], found[number + 1]
    if token.text in DEFINERS and following.kind in ("name", "keyword"):
        return True
    before = found[number - 1]
    if bracket == "{" or before.text in OPERATORS or before.text in ("=", ":", "(", "[", "{"):
        return False
    return token.text in STARTERS or (token.kind == "name" and following.text in ("=", ":", ","))
