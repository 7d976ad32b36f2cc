"""The text format of protocol buffers as messages, whose fields know where they are.

The names of fields mean nothing here. A file may be damaged or hostile: it is read in one pass
without recursion, and its size and the depth of its messages are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal, cast

from lark import Lark, Token
from lark.exceptions import UnexpectedInput, UnexpectedToken
from msgspec import Struct

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import diagnostic
from netlang.diagnostics.errors import FileError
from netlang.diagnostics.source import Source, Span
from netlang.syntax.generate import grammar_text

_DEEPEST = 100
"""How deep messages are nested; those of Caffe are at most five deep."""
_SHOWN = 40
_ESCAPE = re.compile(r"\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class PrototxtError(FileError):
    """What is wrong in a prototxt file, with its location."""

    def __init__(
        self, message: str, at: Span, label: str = "", *,
        notes: Sequence[str] = (), helps: Sequence[str] = (),
    ) -> None:  # fmt: skip
        super().__init__(message, notes=notes, helps=helps)
        self.diagnostic = diagnostic(
            rules.BAD_FILE, message, at, label, notes=tuple(notes), helps=tuple(helps)
        )


class Scalar(Struct, frozen=True, eq=False):
    """A number, a word such as ``true`` or ``MAX``, or a text in quotes, without them."""

    kind: Literal["number", "word", "text"]
    text: str
    span: Span


class Message(Struct, frozen=True, eq=False):
    fields: tuple[Field, ...]
    span: Span
    depth: int


class Field(Struct, frozen=True, eq=False):
    """A name and its value; ``span`` is where the name is."""

    name: str
    value: Scalar | Message
    span: Span


def shown(text: str) -> str:
    """Return a text of a file for a message: printable, and not too long."""
    plain = "".join(c if c.isprintable() else "?" for c in text[: _SHOWN + 1])
    return f"{plain[:_SHOWN]}…" if len(plain) > _SHOWN else plain


def parse_message(source: Source) -> Message:
    """Parse a file; raises ``PrototxtError`` where it does not follow the format."""
    parser: Any = _parser(_Building(source))
    try:
        message: Message = parser.parse(source.text)
    except UnexpectedInput as error:
        raise _unexpected(source, error) from None
    return message


def _parser(building: _Building) -> Lark:
    # The grammar is small: its tables take less time to make than to read.
    return Lark(
        _grammar(), parser="lalr", lexer="basic", transformer=building, maybe_placeholders=False
    )


@cache
def _grammar() -> str:
    return grammar_text("prototxt.lark")


class _Building:
    """Makes messages while the parser reads, so that no tree is walked afterwards."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def _span(self, token: Token) -> Span:
        start, end = token.start_pos, token.end_pos
        return Span(self.source, start or 0, end or 0)

    def number(self, parts: list[Token]) -> list[Scalar | Message]:
        return [Scalar("number", str(parts[0]), self._span(parts[0]))]

    def word(self, parts: list[Token]) -> list[Scalar | Message]:
        return [Scalar("word", str(parts[0]), self._span(parts[0]))]

    def negative(self, parts: list[Token]) -> list[Scalar | Message]:
        kind = "number" if parts[0].lower() in ("inf", "infinity", "nan") else "word"
        return [Scalar(kind, f"-{parts[0]}", self._span(parts[0]))]

    def text(self, parts: list[Token]) -> list[Scalar | Message]:
        text = "".join(_ESCAPE.sub(_unescaped, part[1:-1]) for part in parts)
        return [Scalar("text", text, self._span(parts[0]).to(self._span(parts[-1])))]

    def none(self, parts: list[Any]) -> list[Scalar | Message]:
        del parts
        return []

    def values(self, parts: list[list[Scalar | Message]]) -> list[Scalar | Message]:
        return [value for part in parts for value in part]

    def separator(self, parts: list[Any]) -> None:
        del parts

    def message(self, parts: list[list[Field]]) -> list[Scalar | Message]:
        return [self._message([field for part in parts for field in part])]

    def field(self, parts: list[Any]) -> list[Field]:
        name: Token = parts[0]
        span = self._span(name)
        return [Field(str(name), value, span) for value in parts[1]]

    def start(self, parts: list[list[Field]]) -> Message:
        return self._message([field for part in parts for field in part])

    def _message(self, fields: list[Field]) -> Message:
        inner = [f for f in fields if isinstance(f.value, Message)]
        deepest = max(inner, key=_depth, default=None)
        depth = 1 if deepest is None else 1 + _depth(deepest)
        if deepest is not None and depth > _DEEPEST:
            raise PrototxtError(
                "messages are nested too deeply", deepest.span,
                f"there are {_DEEPEST} more inside of each other",
            )  # fmt: skip
        span = fields[0].span.to(fields[-1].span) if fields else Span(self.source, 0, 0)
        return Message(tuple(fields), span, depth)


def _depth(field: Field) -> int:
    return field.value.depth if isinstance(field.value, Message) else 0


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "01234567":
        return chr(int(code, 8))
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    return _ESCAPES.get(code, code)


_MEANT = {
    "NAME": "a name", "NUMBER": "a number", "STRING": "a text in quotes", "COLON": "`:`",
    "LBRACE": "`{`", "RBRACE": "`}`", "LESSTHAN": "`<`", "MORETHAN": "`>`", "LSQB": "`[`",
    "RSQB": "`]`", "COMMA": "`,`", "SEMICOLON": "`;`", "MINUS": "`-`", "$END": "the end",
}  # fmt: skip
_AFTER_A_NAME = ("`:`", "`{`")


def _unexpected(source: Source, error: UnexpectedInput) -> PrototxtError:
    if not isinstance(error, UnexpectedToken):
        at = error.pos_in_stream or 0
        character = source.text[at : at + 1]
        wrong = "this text has no end" if character in "\"'" else f"`{shown(character)}` is unknown"
        return PrototxtError("this does not belong to a prototxt", Span(source, at, at + 1), wrong)
    token: Token = cast("Any", error).token
    wanted = sorted(_MEANT.get(name, name) for name in error.expected)
    if "`:`" in wanted and "`<`" in wanted:
        wanted = list(_AFTER_A_NAME)
    expected = " or ".join(each for each in wanted if each not in ("`,`", "`;`", "`<`"))
    if token.type == "$END":
        end = len(source.text.rstrip())
        return PrototxtError(
            "the file ends early", Span(source, max(end - 1, 0), end), f"{expected} is missing"
        )
    span = Span(source, token.start_pos or 0, token.end_pos or 0)
    return PrototxtError(f"`{shown(token)}` does not belong here", span, f"expected {expected}")
