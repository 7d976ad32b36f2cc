"""Keywords in the wrong position."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, Label
from netlang.diagnostics.fix import Edit, Fix, insertion, replacement
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import renaming
from netlang.syntax.errors.location import ErrorLocation
from netlang.syntax.errors.tokens import STARTERS, Token
from netlang.syntax.keywords import DEFINERS

_WORDS_IN_VALUES = frozenset(
    (
        *("true", "false", "none", "and", "or", "not", "in"),
        *("if", "then", "else", "for", "scan", "new"),
    )
)


_SPLITS = {"true": '"train"', "True": '"train"', "false": '"test"', "False": '"test"'}
"""The split of a dataset for the argument `train` of other libraries."""


def reserved(error: ErrorLocation) -> Diagnostic | None:
    here, before = error.here, error.back(1)
    if before.kind == "keyword" and here.text in ("=", ":", ","):
        word = before
    elif here.kind == "keyword" and "NAME" in error.expected and _is_used_as_name(error):
        word = here
    else:
        return None
    following = error.next if word is here else here
    in_call = following.text == ")" or (following.text == "," and error.enclosing() == "(")
    if word.text == "train" and in_call and not _is_bound(error, word):
        return error.diagnostic(
            rules.RESERVED_WORD,
            f"`{word.text}` is a keyword",
            word,
            "the part of a dataset is a string",
            helps=(f'write `"{word.text}"`',),
            fixes=renaming(error.span(word), f'"{word.text}"'),
        )
    value = error.tokens[min(error.tokens.index(word) + 2, len(error.tokens) - 1)]
    split = _SPLITS.get(value.text) if following.text == "=" else None
    if word.text == "train" and split is not None and error.enclosing() == "(":
        whole = error.span(word).to(error.span(value))
        return error.diagnostic(
            rules.RESERVED_WORD,
            f"`{word.text}` is a keyword",
            word,
            "the part of a dataset is a string",
            helps=(f"write `{split}` in place of `{whole.text}`",),
            fixes=(replacement(whole, split),),
        )
    if word.text == "dataset" and word.fresh and following.text == "=" and _is_setting(error, word):
        return error.diagnostic(
            rules.RESERVED_WORD,
            f"`{word.text}` is a keyword",
            word,
            "it can't be a name",
            helps=("did you mean the setting `data`?",),
            fixes=renaming(error.span(word), "data"),
        )
    return error.diagnostic(
        rules.RESERVED_WORD,
        f"`{word.text}` is a keyword",
        word,
        "it can't be a name",
        helps=(f"choose another name, such as `{word.text}_` or `{word.text}1`",),
        fixes=_renaming(error, word),
    )


def _is_bound(error: ErrorLocation, word: Token) -> bool:
    """Return whether a keyword is given a value or a type somewhere, as if it were a name."""
    return any(
        token.text == word.text and after.text in ("=", ":")
        for token, after in pairwise(error.tokens)
    )


def _is_setting(error: ErrorLocation, word: Token) -> bool:
    """Return whether a keyword is meant as the setting `data`, which its section lacks."""
    at = error.tokens.index(word)
    head = next((n for n in range(at - 1, -1, -1) if error.starts_definition(n)), None)
    if head is None or error.tokens[head].text != "train":
        return False
    end = next((n for n in range(at, len(error.tokens)) if error.starts_definition(n)), None)
    names = {token.text for token in error.tokens[head:end] if token is not word}
    return names.isdisjoint(("data", word.text))


_STARTERS = STARTERS | DEFINERS | {"step"}


def _renaming(error: ErrorLocation, word: Token) -> tuple[Fix, ...]:
    """Return the fix that gives another name to what has a keyword as its name."""
    if word.text not in _STARTERS:
        return ()
    new = f"{word.text}_"
    names: list[Token] = []
    for before, token, after in zip(error.tokens, error.tokens[1:], error.tokens[2:], strict=False):
        if token.text == new:
            return ()
        as_name = after.kind == "operator" or after.fresh
        if token.text == word.text and as_name and before.text != ":":
            names.append(token)
    edits = tuple(Edit(error.span(token), new) for token in names)
    return (Fix(f"rename it to `{new}`", edits),) if word in names else ()


def _is_used_as_name(error: ErrorLocation) -> bool:
    here, following = error.here, error.next
    if len(error.expected) <= 3 or following.text in ("=", ":", ",", ")", "]", "|>"):
        return True
    # A keyword that starts a line, or that a value follows, begins a statement or a clause.
    if here.fresh or here.text in _WORDS_IN_VALUES:
        return False
    return following.fresh or following.kind in ("operator", "keyword", "end")


def conditional(error: ErrorLocation) -> Diagnostic | None:
    for token, before in ((error.here, error.back(1)), (error.back(1), error.back(2))):
        if token.text == "if" and before.ends_value and not token.fresh:
            parts = _conditional(error, token)
            return error.diagnostic(
                rules.KEYWORD_ORDER,
                "`if` comes before both values",
                token,
                helps=(f"write `{parts[1]}`" if parts else "write `if condition then a else b`",),
                fixes=(replacement(*parts, "put `if` first"),) if parts else (),
            )
    if "then" in error.expected and not error.here.starts_value:
        return error.diagnostic(
            rules.MISSING_KEYWORD,
            "this `if` has no `then`",
            error.here,
            "expected `then` here",
            helps=("write `if condition then a else b`",),
        )
    return None


def _conditional(error: ErrorLocation, word: Token) -> tuple[Span, str] | None:
    """Return the span of `a if c else b`, and the same as `if c then a else b`."""
    at = error.tokens.index(word)
    phrase = replace(error, at=at).phrase()
    ends = [at + 1]
    depth = 0
    for number in range(at + 1, len(error.tokens)):
        token = error.tokens[number]
        depth -= token.text in (")", "]", "}")
        if depth < 0 or token.fresh or (depth == 0 and token.text == ","):
            ends.append(number)
            break
        if depth == 0 and token.text == "else":
            ends.append(number)
        depth += token.text in ("(", "[", "{")
    if len(ends) != 3 or not phrase or ends[1] == ends[0] or ends[2] == ends[1] + 1:
        return None
    text, tokens = error.source.text, error.tokens
    value = text[phrase[0].start : tokens[at - 1].end]
    condition = text[tokens[ends[0]].start : tokens[ends[1] - 1].end]
    other = text[tokens[ends[1] + 1].start : tokens[ends[2] - 1].end]
    span = Span(error.source, phrase[0].start, tokens[ends[2] - 1].end)
    if "\n" in span.text or "#" in span.text or len(span.text) > 80 or " if " in other:
        return None
    return span, f"if {condition} then {value} else {other}"


def no_else(error: ErrorLocation) -> Diagnostic | None:
    """Explain `if a then b` without `else`."""
    if "else" not in error.expected or not (
        error.here.fresh or error.here.text in (")", "]", ",", "")
    ):
        return None
    at = error.after()
    word = next((t for t in reversed(error.tokens[: error.at]) if t.text == "if"), error.here)
    apart = error.line(word) != at.line
    return error.diagnostic(
        rules.MISSING_KEYWORD,
        "this `if` has no `else`",
        at,
        "expected `else` here",
        secondary=(Label(error.span(word), "the `if` is here"),) if apart else (),
        notes=("an `if` is a value, so it has both branches",),
        helps=("write `if condition then a else b`",),
    )


def comprehension(error: ErrorLocation) -> Diagnostic | None:
    """Explain `[x for i xs]`, `f(x for x in xs)` and `for i in xs: …`."""
    here = error.here
    if "in" in error.expected and error.expected <= {"in", ","} and error.back(1).kind == "name":
        return error.diagnostic(
            rules.MISSING_KEYWORD,
            "this `for` has no `in`",
            here,
            "expected `in` here",
            helps=("write `for name in values`",),
            fixes=(insertion(error.after(), " in"),),
        )
    if here.text == "for" and error.enclosing() == "(" and error.back(1).ends_value:
        return error.diagnostic(
            rules.KEYWORD_ORDER,
            "a list made by `for` stands in square brackets",
            here,
            helps=("write `[value for name in values]`",),
        )
    return None
