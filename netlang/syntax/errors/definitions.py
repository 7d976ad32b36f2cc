"""Lists, signatures and definitions with a part missing."""

from __future__ import annotations

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, Label
from netlang.diagnostics.fix import Fix, insertion, replacement
from netlang.diagnostics.source import Span
from netlang.syntax.errors.bodies import missing_body
from netlang.syntax.errors.location import ErrorLocation
from netlang.syntax.errors.tokens import STARTERS, Token
from netlang.syntax.keywords import DEFINITION_ONLY, TYPE_NAMES


def comma(error: ErrorLocation) -> Diagnostic | None:
    here, before = error.here, error.back(1)
    if error.enclosing() not in ("(", "[") or "," not in error.expected:
        return None
    if not before.ends_value or not (here.starts_value or here.text in ("*", "...")):
        return None
    return error.diagnostic(
        rules.MISSING_COMMA,
        f"there is no comma between `{before.text}` and `{here.text}`",
        here,
        "the next one starts here",
        secondary=(Label(error.after(), "this one ends here"),),
        helps=("put a `,` between them",),
        fixes=(insertion(error.after(), ","),) if before.end < here.start else (),
    )


def declaration(error: ErrorLocation) -> Diagnostic | None:
    """Explain `f32[N] x`, `int k = 4`, `x = 3: int`, `f32[N][4]` and `import *`."""
    here, before = error.here, error.back(1)
    if before.text == "import" and here.text == "*":
        return error.diagnostic(
            rules.MISSING_NAME,
            "an import names what it needs",
            here,
            helps=("write the names: `import a, b`",),
        )
    if before.fresh and before.text in TYPE_NAMES and here.kind == "name" and not here.fresh:
        return _type_first(error, before, before.text, here)
    if here.text == "[" and before.text in TYPE_NAMES and error.enclosing() == "(":
        type = error.call_at(error.at - 1)
        end = before.start + len(type)
        name = next((t for t in error.tokens[error.at :] if t.start >= end), here)
        if error.back(2).text in ("(", ",") and name.kind == "name" and not name.fresh:
            return _type_first(error, before, type, name)
    if here.text == ":" and error.back(2).text == "=" and error.enclosing() == "(":
        name = error.back(3)
        if name.kind == "name" and error.next.text in TYPE_NAMES:
            type = error.call_at(error.at + 1)
            text = f"{name.text}: {type} = {before.text}"
            span = Span(error.source, name.start, error.next.start + len(type))
            return error.diagnostic(
                rules.KEYWORD_ORDER,
                "the type comes before the default",
                here,
                helps=(f"write `{text}`",),
                fixes=(replacement(span, text),),
            )
    if here.text == "[" and before.text == "]" and before.end == here.start:
        opener = next((n for n in range(error.at, 1, -1) if error.tokens[n - 1].text == "["), 1)
        if error.tokens[opener - 2].text in TYPE_NAMES:
            return error.diagnostic(
                rules.FOREIGN_OPERATOR,
                "the sizes of a shape stand in one pair of brackets",
                Span(error.source, before.start, here.end),
                helps=("write `[N, 4]` for `[N][4]`",),
                fixes=(replacement(Span(error.source, before.start, here.end), ", "),),
            )
    return None


def _type_first(error: ErrorLocation, start: Token, type: str, name: Token) -> Diagnostic:
    statement = start.fresh
    text = name.text if statement else f"{name.text}: {type}"
    gap = Span(error.source, start.start, name.start if statement else name.end)
    return error.diagnostic(
        rules.FOREIGN_KEYWORD,
        "a value needs no type before its name"
        if statement
        else "the type comes after the name and a `:`",
        Span(error.source, start.start, start.start + len(type)),
        helps=(f"write `{text} = …`" if statement else f"write `{text}`",),
        fixes=(replacement(gap, "" if statement else text, f"write `{text}`"),),
    )


def colon(error: ErrorLocation) -> Diagnostic | None:
    """Explain `f(x f32[N])`."""
    here, before = error.here, error.back(1)
    if (
        ":" in error.expected
        and before.kind == "name"
        and here.text in TYPE_NAMES
        and not here.fresh
    ):
        return error.diagnostic(
            rules.MISSING_COLON,
            f"there is no `:` between `{before.text}` and its type",
            here,
            "the type starts here",
            helps=(f"write `{before.text}: {error.call_at(error.at)}`",),
            fixes=(insertion(error.span(before), ":"),),
        )
    return None


def double_comma(error: ErrorLocation) -> Diagnostic | None:
    here, before = error.here, error.back(1)
    if here.text == "," and error.next.fresh and before.ends_value and error.enclosing() in "{":
        return error.diagnostic(
            rules.STRAY_COMMA,
            "there is no comma between statements",
            here,
            "the statement ends here",
            helps=("remove it",),
            fixes=(replacement(error.span(here), "", "remove the comma"),),
        )
    if here.text == "," and before.text in (",", "(", "["):
        return error.diagnostic(
            rules.STRAY_COMMA,
            "there is nothing before this comma",
            here,
            helps=("remove it",),
            fixes=(replacement(error.span(here), "", "remove the comma"),),
        )
    return None


def definition(error: ErrorLocation) -> Diagnostic | None:
    at = error.after()
    if error.only("->"):
        return error.diagnostic(
            rules.MISSING_OUTPUTS,
            "this definition does not say what it gives",
            at,
            "expected `->` and the outputs after this",
            helps=("add `-> name: type`, such as `-> y: f32[N, 10]`",),
            fixes=_arrow(error),
        )
    if "{" in error.expected:
        return missing_body(error)
    if error.only("("):
        rate = error.back(2).text in DEFINITION_ONLY
        given = "`(lr: schedule)`" if rate else "`(x: f32[N, 4])`"
        return error.diagnostic(
            rules.MISSING_PARAMETERS,
            "this definition has no parameters",
            at,
            "expected `(` after this",
            helps=(f"write {given}; without parameters, `()`",),
            fixes=_opening(error),
        )
    return None


def no_arrow(error: ErrorLocation) -> Diagnostic | None:
    """Explain `block f(x) y {`."""
    here, before = error.here, error.back(1)
    outs = here.kind == "name" and not here.fresh and error.next.text in (":", "{", "=")
    if "->" not in error.expected or before.text != ")" or not outs or error.enclosing():
        return None
    return error.diagnostic(
        rules.MISSING_OUTPUTS,
        "there is no `->` before the outputs",
        here,
        "the outputs start here",
        helps=(f"write `-> {here.text}`",),
        fixes=_arrow(error),
    )


def _arrow(error: ErrorLocation) -> tuple[Fix, ...]:
    outs = error.here.kind == "name" and not error.here.fresh
    return (insertion(error.after(), " ->"),) if outs else ()


def _opening(error: ErrorLocation) -> tuple[Fix, ...]:
    """Return the fix that opens the parameters, if they are closed."""
    line = error.rest_of_line(error.here).text
    if error.here.fresh or line.count(")") <= line.count("("):
        return ()
    between = Span(error.source, error.back(1).end, error.here.start)
    return (replacement(between, "(", "insert `(`"),)


def top_level(error: ErrorLocation) -> Diagnostic | None:
    if error.enclosing():
        return None
    for token in (error.here, error.back(1)):
        if not token.fresh or token.text not in STARTERS | {"from", "netlang"}:
            continue
        if token.text == "from":
            message, fix = "imports come first in a file", "move it above the first definition"
        elif token.text == "netlang":
            message = "the version is the first line of a file"
            fix = "move it to the top, or remove it"
        else:
            message = f"`{token.text}` stands in the body of a definition"
            fix = "move it into a net or a block"
        return error.diagnostic(rules.MISPLACED_KEYWORD, message, token, helps=(fix,))
    return None


def dangling(error: ErrorLocation) -> Diagnostic | None:
    before = error.back(1)
    if not error.only("NAME") or error.here.kind in ("name", "keyword"):
        return None
    if before.kind == "keyword" and error.here.text in ("=", ":", ","):
        return None
    if before.text == "." and error.here.kind == "number":
        return error.diagnostic(
            rules.MISSING_NAME,
            "a name follows a point, not a number",
            Span(error.source, before.start, error.here.end),
            helps=(f"to take an element, write `[{error.here.text}]`",),
        )
    return error.diagnostic(
        rules.MISSING_NAME,
        f"there is no name after this `{before.text}`",
        before,
        helps=(f"add a name, or remove the `{before.text}`",)
        if before.text in (",", ".", "as")
        else ("add a name",),
    )
