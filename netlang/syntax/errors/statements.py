"""Statements that are not `name = value`."""

from __future__ import annotations

import re

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, Label
from netlang.diagnostics.fix import Edit, Fix, insertion, replacement
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import nearest, renaming
from netlang.syntax.errors import python_syntax
from netlang.syntax.errors.location import ErrorLocation
from netlang.syntax.errors.tokens import OPERATORS, Token


def statement(error: ErrorLocation) -> Diagnostic | None:
    here, before = error.here, error.back(1)
    if "=" not in error.expected or error.enclosing() not in ("", "{"):
        return None
    if before.kind in ("name", "keyword") and not before.fresh and error.back(2).ends_value:
        return _run_on(error, before)
    if before.kind == "name" and (before.fresh or error.back(2).text in ("{", "next")):
        if here.starts_value and not here.fresh and here.text not in ("(", "["):
            return _missing_equals(error, before)
        if error.back(2).text == "next":
            return _missing_equals(error, before)
        return _bare(error, before)
    if before.text in ("]", "?") or (before.kind == "name" and error.back(2).text == ":"):
        return _missing_equals(error, before, "a typed value is written `name: type = value`")
    if before.kind == "name" and error.back(2).text == ",":
        return _missing_equals(error, before)
    return None


def _quoted_name(error: ErrorLocation) -> Diagnostic:
    name = error.here.text.strip('"')
    value = error.tokens[min(error.at + 2, len(error.tokens) - 1)]
    line = error.rest_of_line(value)
    edits = [Edit(Span(error.source, error.here.start, value.start), f"{name} = ")]
    if line.text.endswith(","):
        edits.append(Edit(Span(error.source, line.end - 1, line.end), ""))
    certain = name.isidentifier() and value.starts_value and not value.fresh
    return error.diagnostic(
        rules.FOREIGN_OPERATOR,
        "a name has no quotes, and its value follows `=`",
        error.here,
        helps=(f"write `{name} = {line.text.rstrip(',')}`",),
        fixes=(Fix(f"write `{name} =`", tuple(edits)),) if certain else (),
    )


def bracketed_names(error: ErrorLocation) -> Diagnostic | None:
    """Explain `(a, b) = …` and `[a, b] = …`, also where the bracket was read as a call."""
    close = error.back(1)
    if error.here.text != "=" or close.text not in (")", "]"):
        return None
    at = error.at - 1
    while at > 0 and error.tokens[at].text not in ("(", "["):
        at -= 1
    names = error.tokens[at + 1 : error.at - 1]
    plain = all(t.kind == "name" if n % 2 == 0 else t.text == "," for n, t in enumerate(names))
    if not error.tokens[at].fresh or not names or not plain:
        return None
    return _brackets(error, Span(error.source, error.tokens[at].start, close.end))


def _brackets(error: ErrorLocation, names: Span) -> Diagnostic:
    first = Span(error.source, names.start, names.start + 1)
    inner = names.text[1:-1].strip(" ,")
    return error.diagnostic(
        rules.BARE_EXPRESSION,
        "names on the left of `=` have no brackets",
        first,
        helps=(f"write `{inner} = …`",),
        fixes=(replacement(names, inner, "remove the brackets"),),
    )


_BEGINNINGS = {
    "": ("net", "block", "op", "extern", "dataset", "train", "from", "import", "assert"),
    "{": ("next", "yield", "state", "assert"),
}
"""The keywords that statements begin with, at the top of a file and in braces."""


def _missing_equals(error: ErrorLocation, before: Token, note: str = "") -> Diagnostic:
    at = error.first_on_line(error.tokens.index(before))
    if (prose := _prose(error, at)) is not None:
        return prose
    meant = before.fresh and nearest(before.text, _BEGINNINGS.get(error.enclosing(), ()))
    if meant in ("next", "state") and error.next.text not in ("=", ":", ","):
        meant = None
    if meant and error.here.kind in ("name", "string"):
        return error.diagnostic(
            rules.MISSING_EQUALS,
            f"there is no `=` after `{before.text}`",
            before,
            "not a keyword that begins a statement",
            helps=(f"did you mean `{meant}`?",),
            fixes=renaming(error.span(before), meant),
        )
    if error.here.kind == "name" and not error.here.fresh and error.next.text == "=":
        return error.diagnostic(
            rules.MISSING_COMMA,
            f"there is no comma between `{before.text}` and `{error.here.text}`",
            error.here,
            "the next one starts here",
            secondary=(Label(error.after(), "this one ends here"),),
            helps=("put a `,` between them",),
            fixes=(insertion(error.after(), ","),),
        )
    return error.diagnostic(
        rules.MISSING_EQUALS,
        f"there is no `=` after `{before.text}`",
        before if before.kind == "name" else error.after(),
        "expected `=` after this",
        notes=(note,) if note else (),
        helps=("add `= …`",) if note else (f"write `{before.text} = …`",),
        fixes=(insertion(error.after(), " ="),)
        if error.here.starts_value and not error.here.fresh
        else (),
    )


def _prose(error: ErrorLocation, first: int) -> Diagnostic | None:
    """Explain a line of words, which was meant as a comment."""
    words: list[Token] = []
    for token in error.tokens[first:]:
        if words and token.fresh:
            break
        words.append(token)
    if len(words) < 3 or any(t.kind not in ("name", "keyword") for t in words[:3]):
        return None
    if words[0].kind == "keyword" or (words[1].kind == "keyword" and words[1].starts_value):
        return None
    line = error.rest_of_line(words[0])
    shown = line.text if len(line.text) <= 40 else f"{line.text[:40].rsplit(' ', 1)[0]} …"
    return error.diagnostic(
        rules.FOREIGN_OPERATOR,
        "a comment starts with `#`",
        line,
        "these words are not a statement",
        helps=(f"write `# {shown}`",),
        fixes=(replacement(Span(error.source, line.start, line.start), "# ", "write `# `"),),
    )


def _run_on(error: ErrorLocation, extra: Token) -> Diagnostic:
    first = error.first_on_line(error.tokens.index(extra))
    if (prose := _prose(error, first)) is not None:
        return prose
    end = error.tokens[error.tokens.index(extra) - 1]
    helps = ("to start another statement, begin a new line",)
    fixes: tuple[Fix, ...] = ()
    if extra.kind == "name":
        helps = (f"to apply `{extra.text}` to it, write `|> {extra.text}`", *helps)
        after = error.tokens[min(error.tokens.index(extra) + 1, len(error.tokens) - 1)]
        piped = any(t.text in OPERATORS - {"|>"} for t in error.phrase())
        if not piped and (after.fresh or after.text in ("(", "|>")):
            fixes = (insertion(error.span(end), " |>"),)
    return error.diagnostic(
        rules.TWO_STATEMENTS,
        "each statement starts its own line",
        extra,
        "this can't follow on the same line",
        secondary=(Label(Span(error.source, end.end - 1, end.end), "the statement ends here"),),
        helps=helps,
        fixes=fixes,
    )


def _bare(error: ErrorLocation, name: Token) -> Diagnostic:
    at = error.tokens.index(name)
    value = error.call_at(at)
    if (foreign := python_syntax.method(error, at, value)) is not None:
        return foreign
    after = next((p for p in error.tokens[at:] if p.start >= name.start + len(value)), name)
    if after.text == "=":
        return error.diagnostic(
            rules.BARE_EXPRESSION,
            "only a name can be given a value",
            Span(error.source, name.start, name.start + len(value)),
            "this is a part of a value",
            notes=("values never change",),
            helps=("give the new value a name of its own: `name = …`",),
        )
    output = error.output()
    at_start = Span(error.source, name.start, name.start)
    return error.diagnostic(
        rules.BARE_EXPRESSION,
        "this value has no name",
        name,
        "a statement gives a value to a name",
        helps=(f"write `{output or 'name'} = {value}`",),
        fixes=(replacement(at_start, f"{output} = ", f"insert `{output} =`"),) if output else (),
    )


def value_as_statement(error: ErrorLocation) -> Diagnostic | None:
    here, before = error.here, error.back(1)
    statement = "NAME" in error.expected and error.expected & {"next", "net", "STEP"}
    if not statement:
        return None
    if here.kind == "string" and here.fresh and error.next.text == ":":
        return _quoted_name(error)
    if here.text in ("(", "[") and here.fresh:
        close = error.call_at(error.at)
        if re.fullmatch(r"[(\[]\s*\w+(\s*,\s*\w+)*\s*,?\s*[)\]]", close) is not None:
            return _brackets(error, Span(error.source, here.start, here.start + len(close)))
    runs_on = before.ends_value and not here.fresh and here.starts_value
    if runs_on or (here.kind == "keyword" and before.ends_value and not here.fresh):
        return _run_on(error, here)
    if here.fresh and (here.starts_value or here.text in ("-", "+")):
        return error.diagnostic(
            rules.BARE_EXPRESSION,
            "this value has no name",
            here,
            "a statement gives a value to a name",
            helps=("write `name = …`",),
        )
    return None
