"""Numbers, keywords and operators of other languages."""

from __future__ import annotations

import re
from dataclasses import replace

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic
from netlang.diagnostics.fix import Edit, Fix, insertion, replacement
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import renaming
from netlang.syntax.errors.location import ErrorLocation
from netlang.syntax.errors.tokens import NUMBER, OPERATORS, Token
from netlang.syntax.keywords import FOREIGN_KEYWORDS, FOREIGN_OPERATORS, RESERVED


def number(error: ErrorLocation) -> Diagnostic | None:
    text = error.source.text
    for token in (error.here, error.back(1), error.back(2), error.back(3)):
        if token.kind != "number":
            continue
        if NUMBER.fullmatch(token.text) is None:
            help = _number_fix(token.text)
            written = re.search(r"write `([0-9][^`*]*)`$", help)
            return error.diagnostic(
                rules.NUMBER_FORM,
                f"`{token.text}` is not a valid number",
                token,
                helps=(help,),
                fixes=renaming(error.span(token), written[1] if written else None),
            )
        whole = "." not in token.text and "e" not in token.text.lower()
        if whole and text[token.end : token.end + 1] == "." != text[token.end + 1 : token.end + 2]:
            span = Span(error.source, token.start, token.end + 1)
            return error.diagnostic(
                rules.NUMBER_FORM,
                "a number does not end in a point",
                span,
                helps=(f"write `{token.text}.0`",),
                fixes=(insertion(span, "0"),),
            )
    for dot, digits, before in (
        (error.here, error.next, error.back(1)),
        (error.back(1), error.here, error.back(2)),
    ):
        if before.ends_value and before.end == dot.start:
            continue
        if dot.text == "." and digits.kind == "number" and dot.end == digits.start:
            return error.diagnostic(
                rules.NUMBER_FORM,
                "a number starts with a digit",
                Span(error.source, dot.start, digits.end),
                helps=(f"write `0.{digits.text}`",),
                fixes=(replacement(error.span(dot), "0."),),
            )
    return None


def _number_fix(text: str) -> str:
    if match := re.fullmatch(r"([0-9_.]+?)_*(epochs?|steps?)", text):
        return f"write `{match[1]} {match[2]}`"
    if re.fullmatch(r"0[xX][0-9a-fA-F]{1,15}|0[oO][0-7]{1,20}|0[bB][01]{1,62}", text):
        return f"numbers are decimal: write `{int(text, 0)}`"
    if match := re.fullmatch(r"([0-9.]+)_+", text.replace("__", "_")):
        return f"an underscore stands between two digits: write `{match[1]}`"
    if "__" in text:
        return f"one underscore at a time: write `{re.sub('_+', '_', text)}`"
    if match := re.fullmatch(r"([0-9_.]+)([fFdDlLuUjJ])", text):
        return f"a number has no suffix: write `{match[1]}`"
    if match := re.fullmatch(r"([0-9_.]+)([eE])", text):
        return f"write the exponent: `{match[1]}e3`"
    if match := re.match(r"[0-9_.]+", text):
        rest = text[match.end() :]
        return f"a name starts with a letter; for a product, write `{match[0]} * {rest}`"
    return "write it like `3`, `60_000`, `0.5` or `1e-3`"


def foreign_keyword(error: ErrorLocation) -> Diagnostic | None:
    # After `y = while i`, the parser takes `i` for the next statement, and fails behind it.
    for token, before in ((error.back(i), error.back(i + 1)) for i in (2, 1, 0)):
        if token is error.back(2) and token.text != "while":
            continue
        starts = token.fresh or before.text in ("{", "}")
        starts = starts or (token.text in ("lambda", "while") and before.text in ("=", "(", ","))
        if not starts or token.text not in FOREIGN_KEYWORDS or token.kind == "end":
            continue
        if token.text in RESERVED:
            after = error.here if token is error.back(1) else error.next
            if after.text in ("=", ":"):
                continue
            message = f"no statement starts with `{token.text}`"
            help = FOREIGN_KEYWORDS[token.text]
            if token.text == "for" and "epoch" in after.text:
                help = "a train section runs over the data: write `run = 10 epochs`"
            return error.diagnostic(rules.FOREIGN_KEYWORD, message, token, helps=(help,))
        at = error.tokens.index(token)
        if error.tokens[min(at + 1, len(error.tokens) - 1)].text in ("=", ",", ".", ":"):
            continue
        help, fixes = _instead(error, at)
        return error.diagnostic(
            rules.FOREIGN_KEYWORD,
            f"netlang has no `{token.text}`",
            token,
            helps=(help or FOREIGN_KEYWORDS[token.text],),
            fixes=fixes,
        )
    return None


_DECLARING = frozenset(("let", "var", "val", "const"))
_DEFINING = frozenset(word for word, help in FOREIGN_KEYWORDS.items() if help.startswith("a def"))


def _instead(error: ErrorLocation, at: int) -> tuple[str, tuple[Fix, ...]]:
    """Return what to write in place of a keyword at the start of a statement, if it is known."""
    tokens = error.tokens
    word, name, after = tokens[at], tokens[at + 1], tokens[min(at + 2, len(tokens) - 1)]
    if word.text in _DECLARING and name.kind == "name" and after.text in ("=", ",", ":"):
        span = Span(error.source, word.start, name.start)
        return "", (replacement(span, "", f"remove `{word.text}`"),)
    if word.text in _DEFINING and name.kind == "name" and after.text == "(":
        signature = error.call_at(at + 1)
        follows = next((t for t in tokens[at:] if t.start >= name.start + len(signature)), word)
        if follows.text not in ("->", "{", "=", "where"):
            return "", ()
        ours = "net" if name.text[0].isupper() else "block"
        return "", (replacement(error.span(word), ours),)
    if word.text == "return" and not name.fresh and (output := error.output()):
        value = error.rest_of_line(name).text
        shown = value if len(value) <= 60 else "…"
        fix = replacement(error.span(word), f"{output} =")
        return f"write `{output} = {shown}`", (fix,)
    return "", ()


def foreign_operator(error: ErrorLocation) -> Diagnostic | None:
    here, before = error.here, error.back(1)
    if here.text == "=" and before.text in ("+", "-", "*", "/", ":", "!", "!=", "<", ">"):
        here = Token("operator", before.text + "=", before.start, here.end, before.fresh)
    if before.text in ("+=", "-=", "*=", "/=", "/*", "<-", "++"):
        here = before
    if here.text == "==" and (error.offset > here.start or "=" in error.expected):
        return error.diagnostic(
            rules.FOREIGN_OPERATOR,
            "`==` compares; it gives no value to a name",
            here,
            helps=(f"write `{before.text} = …`",),
            fixes=(replacement(error.span(here), "="),),
        )
    if here.text == "==" or here.text not in FOREIGN_OPERATORS or here.kind != "operator":
        return None
    if here.text == "/*":
        return _block_comment(error, here)
    if here.text == "?" and (parts := _ternary(error, here)):
        return error.diagnostic(
            rules.FOREIGN_OPERATOR,
            "netlang has no `?`",
            here,
            helps=(f"write `{parts[1]}`",),
            fixes=(replacement(*parts, "write `if`, `then` and `else`"),),
        )
    if here.text == ";" and error.enclosing() in ("(", "["):
        return error.diagnostic(
            rules.FOREIGN_OPERATOR,
            "netlang has no `;`",
            here,
            helps=("write `,`",),
            fixes=(replacement(error.span(here), ","),),
        )
    if here.text == "'" or here.text == "`":
        return _quote(error, here)
    if here.text == "!" and error.next.text == "=":
        here = Token("operator", "! =", here.start, error.next.end, here.fresh)
    fixes = _equivalent(error, here)
    help = _in_place(error, here) or FOREIGN_OPERATORS[here.text]
    if here.text == "|" and fixes:
        help = "write `|>`"
    if here.text == ";" and fixes[0].title.startswith("remove"):
        help = "remove it: a statement ends with its line"
    return error.diagnostic(
        rules.FOREIGN_OPERATOR,
        f"netlang has no `{here.text}`",
        here,
        helps=(help,),
        fixes=fixes,
    )


def _in_place(error: ErrorLocation, operator: Token) -> str:
    """Return the statement to write for one such as `h += x`, in the names of the program."""
    name = error.tokens[error.tokens.index(error.here) - 1]
    if len(operator.text) != 2 or operator.text[0] not in "+-*/" or operator.text[1] != "=":
        return ""
    value = error.tokens[error.at if error.here.start >= operator.end else error.at + 1]
    if name.kind != "name" or not name.fresh or not value.starts_value:
        return ""
    text = error.call_at(error.tokens.index(value))
    change = f"{name.text} {operator.text[0]} {text}"
    if "\n" in change or len(change) > 60:
        return ""
    if error.in_loop():
        return (
            f"in a loop, write `next {name.text} = {change}`, and carry it: `with {name.text} = …`"
        )
    return f"a name denotes one value: give the new one its own name, `{name.text}2 = {change}`"


_EQUIVALENT = {
    "&&": "and", "&": "and", "||": "or", "!": "not", "^": "**", ":=": "=", "<-": "=",
    "===": "==", "!==": "!=", "! =": "!=", "<>": "!=",
}  # fmt: skip
"""Operators of other languages that have an equivalent with the same operands."""

_UNREAD = frozenset(("&&", "&", "||", "!", "^", "<-"))
"""Those the parser stops before; of the others, it has read a part."""


def _equivalent(error: ErrorLocation, operator: Token) -> tuple[Fix, ...]:
    """Return the fix that writes the operator of the language, if it fits between its neighbors."""
    right = next(token for token in error.tokens[error.at :] if token.start >= operator.end)
    if operator.text == ";":
        return (_line_break(error, operator, right),)
    if operator.text == "|":
        return _pipe(error, operator, right)
    ours = _EQUIVALENT.get(operator.text)
    if ours is None or not (right.starts_value or right.text in ("-", "+", "!")):
        return ()
    if operator.text in _UNREAD and ours not in error.expected:
        return ()
    text = error.source.text
    if ours.isalpha():
        before = " " if text[: operator.start][-1:].isalnum() else ""
        after = "" if text[operator.end].isspace() else " "
        ours = before + ours + after
    return (replacement(error.span(operator), ours),)


def _block_comment(error: ErrorLocation, opener: Token) -> Diagnostic:
    line = error.source.line(error.line(opener))
    close = error.source.text.find("*/", opener.end, opener.start + len(line))
    end = Span(error.source, close, close + 2)
    last = error.rest_of_line(opener).end == close + 2
    edits = (Edit(error.span(opener), "#"), Edit(end, ""))
    return error.diagnostic(
        rules.FOREIGN_OPERATOR,
        "netlang has no `/*`",
        opener,
        helps=(FOREIGN_OPERATORS["/*"],),
        fixes=(Fix("write `#`", edits),) if close >= 0 and last else (),
    )


def _ternary(error: ErrorLocation, sign: Token) -> tuple[Span, str] | None:
    """Return the span of `c ? a : b`, and the same as `if c then a else b`."""
    line = error.rest_of_line(sign)
    first, colon, other = line.text[1:].partition(" : ")
    phrase = replace(error, at=error.tokens.index(sign)).phrase()
    if not phrase or not colon or error.enclosing() not in ("", "{") or "?" in other:
        return None
    condition = error.source.text[phrase[0].start : sign.start].strip()
    if "\n" in condition or len(condition) + len(line.text) > 80:
        return None
    span = Span(error.source, phrase[0].start, line.end)
    return span, f"if {condition} then {first.strip()} else {other.strip()}"


def _line_break(error: ErrorLocation, semicolon: Token, after: Token) -> Fix:
    if after.fresh or after.kind == "end" or after.text == "}":
        return replacement(error.span(semicolon), "", "remove the semicolon")
    line = error.source.line(error.line(semicolon))
    margin = line[: len(line) - len(line.lstrip())]
    between = Span(error.source, semicolon.start, after.start)
    return replacement(between, f"\n{margin}", "start a new line")


def _pipe(error: ErrorLocation, bar: Token, right: Token) -> tuple[Fix, ...]:
    """Return the fix that writes `|>`, where the bars of a phrase stand before calls."""
    call = error.call_at(error.tokens.index(right)) if right.kind == "name" else ""
    other = any(token.text in OPERATORS - {"|>"} for token in error.phrase())
    if other or not call.endswith(")") or "|>" not in error.expected:
        return ()
    edits = tuple(Edit(error.span(token), "|>") for token in error.repeated(bar))
    return (Fix("replace `|` with `|>`", edits),)


def _quote(error: ErrorLocation, here: Token) -> Diagnostic:
    text = error.source.text
    line_end = text.find("\n", here.end)
    close = text.find(here.text, here.end, line_end if line_end >= 0 else len(text))
    if close < 0:
        fix = FOREIGN_OPERATORS[here.text]
        return error.diagnostic(
            rules.FOREIGN_OPERATOR, f"netlang has no `{here.text}`", here, helps=(fix,)
        )
    inner = text[here.end : close]
    span = Span(error.source, here.start, close + 1)
    return error.diagnostic(
        rules.FOREIGN_OPERATOR,
        "strings are written in double quotes",
        span,
        helps=(f'write `"{inner}"`' if '"' not in inner else FOREIGN_OPERATORS[here.text],),
        fixes=(replacement(span, f'"{inner}"'),) if '"' not in inner else (),
    )


def slash_comment(error: ErrorLocation) -> Diagnostic | None:
    last = error.here if error.here.kind != "end" else error.back(1)
    text = error.source.text
    line_before = text.rfind("\n", 0, max(text.rfind("\n", 0, last.start), 0)) + 1
    if text.find("//", line_before, error.here.end) < 0:
        return None
    for number in range(error.at + 1):
        token = error.tokens[number]
        if token.text != "//" or token.start < line_before:
            continue
        starts = token.fresh or token is error.here
        words = error.tokens[number + 1 : min(number + 3, error.at + 1)]
        prose = len(words) == 2 and all(w.kind in ("name", "keyword") for w in words)
        if starts or (prose and not words[0].fresh and not words[1].fresh):
            return error.diagnostic(
                rules.FOREIGN_OPERATOR,
                "a comment starts with `#`",
                token,
                "`//` divides and rounds down",
                helps=("write `#` here",),
                fixes=(replacement(error.span(token), "#"),),
            )
    return None


_ARROW_PARTS = frozenset(("-", "=", "==", "~", ">", "->", "=>"))


def arrow(error: ErrorLocation) -> Diagnostic | None:
    """Explain `->`, `=>` and the like out of place; their signs may stand apart."""
    here, before = error.here, error.back(1)
    if error.only("(") or here.kind == "end":
        return None
    if "->" in error.expected:
        return _before_outputs(error)
    if here.text in (">", "=>") and before.text in ("-", "="):
        span, left = Span(error.source, before.start, here.end), error.back(2)
    elif here.text == "=" and error.next.text == ">":
        span, left = Span(error.source, here.start, error.next.end), before
    else:
        span, left = error.span(here), before
    signs = "".join(span.text.split())
    if signs == "=>":
        return error.diagnostic(
            rules.WRONG_ARROW, "netlang has no `=>`", span, helps=("write `=` or `|>`",)
        )
    if signs != "->" or not left.ends_value:
        return None
    if "=" in error.expected and left.fresh and error.enclosing() in ("", "{"):
        return error.diagnostic(
            rules.WRONG_ARROW,
            "a value is given with `=`",
            span,
            "`->` stands before the outputs of a definition",
            helps=("write `=`",),
            fixes=(replacement(span, "="),) if error.next.starts_value else (),
        )
    return error.diagnostic(
        rules.WRONG_ARROW,
        "a value is passed on with `|>`",
        span,
        "`->` stands before the outputs of a definition",
        helps=("write `|>`",),
        fixes=_pipes(error, span) if error.next.kind == "name" else (),
    )


def _pipes(error: ErrorLocation, span: Span) -> tuple[Fix, ...]:
    if error.here.text != "->":
        return (replacement(span, "|>"),)
    edits = tuple(Edit(error.span(token), "|>") for token in error.repeated(error.here))
    return (Fix("replace `->` with `|>`", edits),)


def _before_outputs(error: ErrorLocation) -> Diagnostic | None:
    end = error.at + 1
    while error.tokens[end - 1].text in _ARROW_PARTS and error.tokens[end].text in _ARROW_PARTS:
        end += 1
    last, after = error.tokens[end - 1], error.tokens[end]
    alone = last is error.here and last.text in (":", "~", "-")
    if not alone and not last.text.endswith(">"):
        return None
    span = Span(error.source, error.here.start, last.end)
    return error.diagnostic(
        rules.WRONG_ARROW,
        "the outputs of a definition follow `->`",
        span,
        helps=("write `->`",),
        fixes=(replacement(span, "->"),) if after.kind == "name" or after.text == "(" else (),
    )
