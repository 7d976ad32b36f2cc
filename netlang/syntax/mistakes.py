"""What a syntax error was meant to be: the first one of a file, told in the user's words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from netlang.diagnostics import Diagnostic, Label
from netlang.source import Source, Span
from netlang.syntax.checks import reserved_word
from netlang.syntax.tokens import COMPARISONS, NUMBER, OPERATORS, STARTERS, Piece, pieces
from netlang.syntax.words import DEFINERS, FOREIGN_SIGNS, FOREIGN_WORDS, RESERVED


@dataclass(frozen=True, slots=True)
class Failure:
    """Where the parser gave up, and what it would have taken there, as written.

    Words that vary are named by their kind: ``NAME``, ``INT``, ``CMP``.
    """

    start: int
    expected: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Spot:
    """A failure among the pieces of its text; ``at`` is the piece that did not fit."""

    source: Source
    pieces: list[Piece]
    at: int
    offset: int
    expected: frozenset[str]

    @property
    def here(self) -> Piece:
        return self.pieces[self.at]

    def back(self, count: int) -> Piece:
        """Give the piece ``count`` before the failure; before the first, an empty one."""
        at = self.at - count
        return self.pieces[at] if at >= 0 else Piece("end", "", 0, 0, True)

    @property
    def next(self) -> Piece:
        return self.pieces[min(self.at + 1, len(self.pieces) - 1)]

    def span(self, piece: Piece) -> Span:
        return piece.span(self.source)

    def between(self, first: Piece, last: Piece) -> str:
        return self.source.text[first.start : last.end]

    def line(self, piece: Piece) -> int:
        return self.source.line_col(piece.start)[0]

    def enclosing(self) -> str:
        """Give the bracket that is open at the failure, or nothing."""
        depth = 0
        for piece in reversed(self.pieces[: self.at]):
            if piece.kind != "sign":
                continue
            if piece.text in ")]}":
                depth += 1
            elif piece.text in "([{":
                if depth == 0:
                    return piece.text
                depth -= 1
        return ""

    def phrase(self) -> list[Piece]:
        """Give the pieces before the failure that are in one expression with it.

        What stands in brackets of its own is left out; the bracket that closes it stays.
        """
        found: list[Piece] = []
        depth = 0
        for number in range(self.at - 1, -1, -1):
            piece = self.pieces[number]
            if piece.text in (")", "]", "}") and piece.kind == "sign":
                depth += 1
                if depth == 1:
                    found.append(piece)
            elif piece.text in ("(", "[", "{") and piece.kind == "sign":
                depth -= 1
                if depth < 0:
                    break
                if depth == 0:
                    found.append(piece)
            elif depth == 0:
                if piece.text in ("=", ",", ":", "->", "yield", "then", "else", "where", "with"):
                    break
                if piece.text in DEFINERS or piece.text in ("if", "in", "assert"):
                    break
                found.append(piece)
        return found[::-1]


def _say(
    spot: _Spot,
    rule: str,
    message: str,
    piece: Piece | Span,
    text: str = "",
    *,
    secondary: tuple[Label, ...] = (),
    notes: tuple[str, ...] = (),
    helps: tuple[str, ...] = (),
) -> Diagnostic:
    span = piece if isinstance(piece, Span) else spot.span(piece)
    return Diagnostic(rule, message, Label(span, text), secondary, notes=notes, helps=helps)


# ---- numbers, words and signs that are not of the language ---------------------------------


def _number(spot: _Spot) -> Diagnostic | None:
    text = spot.source.text
    for piece in (spot.here, spot.back(1), spot.back(2), spot.back(3)):
        if piece.kind != "number":
            continue
        if not NUMBER.fullmatch(piece.text):
            return _say(
                spot,
                "number-form",
                f"`{piece.text}` is no number",
                piece,
                helps=(_number_fix(piece.text),),
            )
        whole = "." not in piece.text and "e" not in piece.text.lower()
        if whole and text[piece.end : piece.end + 1] == "." != text[piece.end + 1 : piece.end + 2]:
            span = Span(spot.source, piece.start, piece.end + 1)
            return _say(
                spot, "number-form", "a number does not end in a point", span,
                helps=(f"write `{piece.text}.0`",),
            )  # fmt: skip
    for dot, digits, before in (
        (spot.here, spot.next, spot.back(1)),
        (spot.back(1), spot.here, spot.back(2)),
    ):
        if before.ends_value and before.end == dot.start:
            continue
        if dot.text == "." and digits.kind == "number" and dot.end == digits.start:
            return _say(
                spot, "number-form", "a number starts with a digit",
                Span(spot.source, dot.start, digits.end),
                helps=(f"write `0.{digits.text}`",),
            )  # fmt: skip
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


def _foreign_word(spot: _Spot) -> Diagnostic | None:
    for piece in (spot.back(1), spot.here):
        starts = piece.fresh or spot.pieces[max(spot.pieces.index(piece) - 1, 0)].text in "{}"
        if not starts or piece.text not in FOREIGN_WORDS or piece.kind == "end":
            continue
        if spot.here.text == "=" and piece is spot.back(1) and piece.text in RESERVED:
            continue
        if piece.text in RESERVED:
            message = f"no statement starts with `{piece.text}`"
            return _say(spot, "foreign-word", message, piece, helps=(FOREIGN_WORDS[piece.text],))
        if piece is spot.back(1) and spot.here.text in ("=", ",", "."):
            continue
        return _say(
            spot, "foreign-word", f"netlang has no `{piece.text}`", piece,
            helps=(FOREIGN_WORDS[piece.text],),
        )  # fmt: skip
    return None


def _foreign_sign(spot: _Spot) -> Diagnostic | None:
    here, before = spot.here, spot.back(1)
    if here.text == "=" and before.text in ("+", "-", "*", "/", ":", "!", "<", ">"):
        here = Piece("sign", before.text + "=", before.start, here.end, before.fresh)
    if before.text in ("+=", "-=", "*=", "/=", "/*", "<-", "++"):
        here = before
    if here.text == "==" and (spot.offset > here.start or "=" in spot.expected):
        return _say(
            spot, "foreign-sign", "`==` compares; it gives no value to a name", here,
            helps=(f"write `{before.text} = …`",),
        )  # fmt: skip
    if here.text == "==" or here.text not in FOREIGN_SIGNS or here.kind != "sign":
        return None
    if here.text == "'" or here.text == "`":
        return _quote(spot, here)
    return _say(
        spot, "foreign-sign", f"netlang has no `{here.text}`", here,
        helps=(FOREIGN_SIGNS[here.text],),
    )  # fmt: skip


def _quote(spot: _Spot, here: Piece) -> Diagnostic:
    text = spot.source.text
    line_end = text.find("\n", here.end)
    close = text.find(here.text, here.end, line_end if line_end >= 0 else len(text))
    if close < 0:
        fix = FOREIGN_SIGNS[here.text]
        return _say(spot, "foreign-sign", f"netlang has no `{here.text}`", here, helps=(fix,))
    inner = text[here.end : close]
    return _say(
        spot, "foreign-sign", "strings are written in double quotes",
        Span(spot.source, here.start, close + 1),
        helps=(f'write `"{inner}"`' if '"' not in inner else FOREIGN_SIGNS[here.text],),
    )  # fmt: skip


def _slash_comment(spot: _Spot) -> Diagnostic | None:
    line = spot.line(spot.here if spot.here.kind != "end" else spot.back(1))
    for piece in spot.pieces[: spot.at + 1]:
        if piece.text != "//":
            continue
        same = spot.line(piece) in (line, line - 1)
        starts = piece.fresh or piece is spot.here
        words = spot.pieces[spot.pieces.index(piece) + 1 : spot.at + 1]
        prose = len(words) >= 2 and all(w.kind in ("name", "keyword") for w in words[:2])
        if same and (starts or (prose and not words[0].fresh and not words[1].fresh)):
            return _say(
                spot, "foreign-sign", "a comment starts with `#`", piece,
                "`//` divides and rounds down",
                helps=("write `#` here",),
            )  # fmt: skip
    return None


def _arrow(spot: _Spot) -> Diagnostic | None:
    here = spot.here
    if here.text == "=>" or (here.text == "=" and spot.next.text == ">"):
        span = Span(spot.source, here.start, here.start + 2)
    elif "(" == "".join(spot.expected):
        return None
    elif (here.text == "->" and "->" not in spot.expected) or (
        here.text == ">" and spot.back(1).text == "-"
    ):
        start = spot.back(1).start if here.text == ">" and spot.back(1).text == "-" else here.start
        return _say(
            spot, "wrong-arrow", "a value is passed on with `|>`",
            Span(spot.source, start, here.end),
            "`->` stands before the outputs of a definition",
            helps=("write `|>`",),
        )  # fmt: skip
    elif here.text in (":", "~", "-") and "->" in spot.expected:
        span = spot.span(here)
    else:
        return None
    if "->" in spot.expected:
        return _say(
            spot, "wrong-arrow", "the outputs of a definition follow `->`", span,
            helps=("write `->`",),
        )  # fmt: skip
    return _say(spot, "wrong-arrow", "netlang has no `=>`", span, helps=("write `=` or `|>`",))


# ---- words of the language in the wrong place ----------------------------------------------


def _reserved(spot: _Spot) -> Diagnostic | None:
    here, before = spot.here, spot.back(1)
    if before.kind == "keyword" and here.text in ("=", ":", ","):
        word = before
    elif here.kind == "keyword" and "NAME" in spot.expected and len(spot.expected) <= 3:
        word = here
    else:
        return None
    return reserved_word(spot.span(word))


def _conditional(spot: _Spot) -> Diagnostic | None:
    for piece, before in ((spot.here, spot.back(1)), (spot.back(1), spot.back(2))):
        if piece.text == "if" and before.ends_value and not piece.fresh:
            return _say(
                spot, "word-order", "`if` comes before both values", piece,
                helps=("write `if condition then a else b`",),
            )  # fmt: skip
    if "then" in spot.expected and not spot.here.starts_value:
        return _say(
            spot, "missing-word", "this `if` has no `then`", spot.here, "expected `then` here",
            helps=("write `if condition then a else b`",),
        )  # fmt: skip
    if "else" in spot.expected and (spot.here.fresh or spot.here.text in (")", "]", ",", "")):
        return _say(
            spot, "missing-word", "this `if` has no `else`", _after(spot),
            "expected `else` here",
            notes=("an `if` is a value, so it has both branches",),
            helps=("write `if condition then a else b`",),
        )  # fmt: skip
    return None


def _after(spot: _Spot) -> Span:
    """Give the last character before the failure."""
    end = spot.back(1).end
    return Span(spot.source, max(end - 1, 0), end)


# ---- operators -----------------------------------------------------------------------------


def _mix(spot: _Spot) -> Diagnostic | None:
    here = spot.here
    if here.text not in OPERATORS or not spot.back(1).ends_value:
        return None
    phrase = spot.phrase()
    inner = [p for p in phrase if p.text in OPERATORS or p.text == "not"]
    if here.text == "|>" and inner:
        sign = inner[-1]
        left = spot.between(phrase[0], spot.back(1))
        before = spot.between(phrase[0], sign)
        last = spot.source.text[sign.end : spot.back(1).end].strip()
        stage = _rest(spot, spot.at + 1)
        helps = (f"write `({left}) |> {stage}`, or `{before} ({last} |> {stage})`",)
        return _mixed(spot, sign, here, helps)
    if here.text != "|>" and any(p.text == "|>" for p in inner):
        pipe = [p for p in inner if p.text == "|>"][-1]
        left = spot.between(phrase[0], spot.back(1))
        return _mixed(
            spot, pipe, here, (f"write `({left}) {here.text} {_rest(spot, spot.at + 1)}`",)
        )
    first = [p for p in inner if p.text in COMPARISONS or p.text == "in"]
    if here.text in COMPARISONS and first:
        middle = spot.source.text[first[-1].end : spot.back(1).end].strip()
        return _say(
            spot, "chained-comparison", "comparisons don't chain", here,
            "this would compare the result of the first one",
            secondary=(Label(spot.span(first[-1]), "which is here"),),
            helps=(f"write `{spot.between(phrase[0], spot.back(1))} and {middle} {here.text} …`",),
        )  # fmt: skip
    return None


def _mixed(spot: _Spot, first: Piece, second: Piece, helps: tuple[str, ...]) -> Diagnostic:
    if any("\n" in text or len(text) > 90 for text in helps):
        helps = ("write `(a + b) |> f`, or `a + (b |> f)`",)
    return _say(
        spot, "pipe-mix", f"`{first.text}` and `{second.text}` need parentheses", first,
        "does this come first,",
        secondary=(Label(spot.span(second), "or this?"),),
        helps=helps,
    )  # fmt: skip


def _rest(spot: _Spot, at: int) -> str:
    """Give the text of the call, name or number that starts at a piece."""
    depth = 0
    last = at
    for number in range(at, len(spot.pieces)):
        piece = spot.pieces[number]
        if piece.text in ("(", "[", "{"):
            depth += 1
        elif piece.text in (")", "]", "}"):
            depth -= 1
        follows = number > at and depth == 0 and piece.text not in (")", "]", "}", ".")
        if piece.kind == "end" or depth < 0 or (follows and spot.pieces[number - 1].text != "."):
            break
        last = number
    return spot.between(spot.pieces[at], spot.pieces[last])


def _operand(spot: _Spot) -> Diagnostic | None:
    here, before = spot.here, spot.back(1)
    sign: Piece | None = None
    if before.text in OPERATORS and not here.starts_value:
        sign = before
    elif here.text in ("=", ":", ",") and before.fresh and spot.back(2).text in OPERATORS:
        sign = spot.back(2)
    if sign is None or sign.text == "in":
        return None
    if here.text in OPERATORS and sign is before:
        both = f"`{sign.text}` and `{here.text}`"
        return _say(
            spot, "missing-operand", f"there is no value between {both}", here,
            helps=("remove one of the two, or put a value between them",),
        )  # fmt: skip
    return _say(
        spot, "missing-operand", f"there is no value after this `{sign.text}`", sign,
        helps=(f"add a value, or remove the `{sign.text}`",),
    )  # fmt: skip


# ---- statements ----------------------------------------------------------------------------


def _statement(spot: _Spot) -> Diagnostic | None:
    here, before = spot.here, spot.back(1)
    if "=" not in spot.expected or spot.enclosing() not in ("", "{"):
        return None
    if before.kind in ("name", "keyword") and not before.fresh and spot.back(2).ends_value:
        return _run_on(spot, before)
    if before.kind == "name" and (before.fresh or spot.back(2).text in ("{", "next")):
        if here.starts_value and not here.fresh and here.text not in ("(", "["):
            return _missing_equals(spot, before)
        if spot.back(2).text == "next":
            return _missing_equals(spot, before)
        return _bare(spot, before)
    if before.text in ("]", "?") or (before.kind == "name" and spot.back(2).text == ":"):
        return _missing_equals(spot, before, "a typed value is written `name: type = value`")
    if before.kind == "name" and spot.back(2).text == ",":
        return _missing_equals(spot, before)
    return None


def _missing_equals(spot: _Spot, before: Piece, note: str = "") -> Diagnostic:
    return _say(
        spot, "missing-equals", f"there is no `=` after `{before.text}`",
        before if before.kind == "name" else _after(spot), "expected `=` after this",
        notes=(note,) if note else (),
        helps=("write `name = value`",) if not note else ("add `= …`",),
    )  # fmt: skip


def _run_on(spot: _Spot, extra: Piece) -> Diagnostic:
    end = spot.pieces[spot.pieces.index(extra) - 1]
    helps = ("to start another statement, begin a new line",)
    if extra.kind == "name":
        helps = (f"to apply `{extra.text}` to it, write `|> {extra.text}`", *helps)
    return _say(
        spot, "two-statements", "each statement starts its own line", extra,
        "this can't follow on the same line",
        secondary=(Label(Span(spot.source, end.end - 1, end.end), "the statement ends here"),),
        helps=helps,
    )  # fmt: skip


def _bare(spot: _Spot, name: Piece) -> Diagnostic:
    first = name
    return _say(
        spot, "bare-expression", "this value has no name", first,
        "a statement gives a value to a name",
        helps=(f"write `name = {_rest(spot, spot.pieces.index(first))}`",),
    )  # fmt: skip


def _value_as_statement(spot: _Spot) -> Diagnostic | None:
    here, before = spot.here, spot.back(1)
    statement = "NAME" in spot.expected and ("next" in spot.expected or "net" in spot.expected)
    if not statement:
        return None
    if here.text == "(" and here.fresh:
        close = _rest(spot, spot.at)
        if re.fullmatch(r"\(\s*\w+(\s*,\s*\w+)*\s*,?\s*\)", close):
            inner = close.strip("() ,")
            return _say(
                spot, "bare-expression", "names on the left of `=` have no brackets", here,
                helps=(f"write `{inner} = …`",),
            )  # fmt: skip
    runs_on = before.ends_value and not here.fresh and here.starts_value
    if runs_on or (here.kind == "keyword" and before.ends_value and not here.fresh):
        return _run_on(spot, here)
    if here.fresh and (here.starts_value or here.text in ("-", "+")):
        return _say(
            spot, "bare-expression", "this value has no name", here,
            "a statement gives a value to a name",
            helps=("write `name = …`",),
        )  # fmt: skip
    return None


# ---- lists, signatures, definitions --------------------------------------------------------


def _comma(spot: _Spot) -> Diagnostic | None:
    here, before = spot.here, spot.back(1)
    if spot.enclosing() not in ("(", "[") or "," not in spot.expected:
        return None
    if not before.ends_value or not (here.starts_value or here.text in ("*", "...")):
        return None
    return _say(
        spot, "missing-comma", f"there is no comma between `{before.text}` and `{here.text}`",
        here, "the next one starts here",
        secondary=(Label(_after(spot), "this one ends here"),),
        helps=("put a `,` between them",),
    )  # fmt: skip


def _double_comma(spot: _Spot) -> Diagnostic | None:
    here, before = spot.here, spot.back(1)
    if here.text == "," and before.text in (",", "(", "["):
        return _say(
            spot, "stray-comma", "there is nothing before this comma", here,
            helps=("remove it",),
        )  # fmt: skip
    return None


def _definition(spot: _Spot) -> Diagnostic | None:
    here = spot.here
    at = _after(spot)
    if spot.expected == {"->"}:
        return _say(
            spot, "missing-outputs", "this definition does not say what it gives", at,
            "expected `->` and the outputs after this",
            helps=("add `-> name: type`, such as `-> y: f32[N, 10]`",),
        )  # fmt: skip
    if "{" in spot.expected and not here.starts_value and "with" in spot.expected:
        return _say(
            spot, "missing-body", "this loop has no body", here, "expected `{` here",
            helps=("write `for i in 1..n with h = x { next h = … }`",),
        )  # fmt: skip
    if "{" in spot.expected and ("where" in spot.expected or "->" in spot.expected):
        return _say(
            spot, "missing-body", "this definition has no body", at,
            "expected `{` or `=` after this" if "=" in spot.expected else "expected `{` after this",
            helps=("write `{ … }` with a statement a line, or `= …` for one value",)
            if "=" in spot.expected
            else ("write `{ … }`",),
        )  # fmt: skip
    if spot.expected == {"("}:
        return _say(
            spot, "missing-parameters", "this definition has no parameters", at,
            "expected `(` after this",
            helps=("write `(x: f32[N, 4])`; without parameters, `()`",),
        )  # fmt: skip
    return None


def _top_level(spot: _Spot) -> Diagnostic | None:
    if spot.enclosing():
        return None
    for piece in (spot.here, spot.back(1)):
        if not piece.fresh or piece.text not in STARTERS | {"from", "netlang"}:
            continue
        if piece.text == "from":
            message, fix = "imports come first in a file", "move it above the first definition"
        elif piece.text == "netlang":
            message = "the version is the first line of a file"
            fix = "move it to the top, or remove it"
        else:
            message = f"`{piece.text}` stands in the body of a definition"
            fix = "move it into a net or a block"
        return _say(spot, "misplaced-word", message, piece, helps=(fix,))
    return None


def _dangling(spot: _Spot) -> Diagnostic | None:
    before = spot.back(1)
    if spot.expected != {"NAME"} or spot.here.kind in ("name", "keyword"):
        return None
    if before.kind == "keyword" and spot.here.text in ("=", ":", ","):
        return None
    if before.text == "." and spot.here.kind == "number":
        return _say(
            spot, "missing-name", "a name follows a point, not a number",
            Span(spot.source, before.start, spot.here.end),
            helps=(f"to take an element, write `[{spot.here.text}]`",),
        )  # fmt: skip
    return _say(
        spot, "missing-name", f"there is no name after this `{before.text}`", before,
        helps=("add a name",) if before.text not in (",", ".") else (f"add a name, or remove the `{before.text}`",),
    )  # fmt: skip


# ---- whatever is left ----------------------------------------------------------------------

_SHOWN = ("=", ":", ",", ")", "]", "}", "{", "(", "->", "then", "else", "in", "import", "where")
_KINDS = {"INT": "a number", "STRING": "a string"}


def _anything(spot: _Spot) -> Diagnostic:
    wanted = _wanted(spot.expected)
    notes = (f"expected {wanted}",) if wanted else ()
    if spot.here.kind == "end":
        return _say(
            spot, "unexpected-end", "the file ends in the middle of something", _after(spot),
            f"expected {wanted} after this" if wanted else "", helps=("finish it",),
        )  # fmt: skip
    what = "this string" if spot.here.kind == "string" else f"`{spot.here.text[:40]}`"
    return _say(spot, "unexpected-token", f"{what} can't stand here", spot.here, notes=notes)


def _wanted(expected: frozenset[str]) -> str:
    words = [f"`{sign}`" for sign in _SHOWN if sign in expected]
    if {"NAME", "INT", "STRING"} <= expected:
        words.insert(0, "a value")
    elif "NAME" in expected:
        words.insert(0, "a name")
    else:
        words = [text for kind, text in _KINDS.items() if kind in expected] + words
    words = words[:4]
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


_EXPLANATIONS: tuple[Callable[[_Spot], Diagnostic | None], ...] = (
    _number, _dangling, _slash_comment, _foreign_word, _foreign_sign, _arrow, _reserved, _conditional, _mix,
    _operand, _double_comma, _top_level, _statement, _comma, _definition, _value_as_statement,
)  # fmt: skip


def explain(source: Source, start: int, end: int, failure: Failure) -> Diagnostic:
    """Turn the parser's failure into advice."""
    found = pieces(source, start, end)
    at = next((i for i, p in enumerate(found) if p.end > failure.start), len(found) - 1)
    spot = _Spot(source, found, at, failure.start, failure.expected)
    for explanation in _EXPLANATIONS:
        if (diagnostic := explanation(spot)) is not None:
            return diagnostic
    return _anything(spot)
