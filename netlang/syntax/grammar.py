"""The parser: Lark, which runs the tables of the grammar.

Analyzing the grammar takes longer than all else that a command does. So Lark's tables are part of
the package, as JSON that ``netlang.syntax.generate`` writes and a test compares with the grammar.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, cast

from lark import Lark
from lark.exceptions import UnexpectedInput, UnexpectedToken
from lark.lexer import PatternStr
from lark.parsers.lalr_interactive_parser import InteractiveParser
from lark.utils import TextSlice
from msgspec import json

from netlang.syntax.building.builder import Builder

TABLES = Path(__file__).with_name("tables.json")
_END = "$END"


class SyntaxFailure(Exception):
    """The text does not follow the grammar.

    Attributes:
        start: the offset of the token that does not fit.
        expected: the tokens that would have fit, as written, such as ``|>`` and ``then``; those
            of varying text by their kind, such as ``NAME``, and the end of the text as ``end``.
    """

    def __init__(self, start: int, expected: frozenset[str]) -> None:
        super().__init__(start, expected)
        self.start = start
        self.expected = expected


def parse_text(builder: Builder, text: str, start: int, end: int) -> list[Any]:
    """Parse the text between two offsets, and return the parts of a file.

    Raises:
        SyntaxFailure: the text does not follow the grammar.
        DiagnosticError: the builder rejects a part.
    """
    parser = _parser(builder)
    try:
        return cast("Any", parser).parse(TextSlice(text, start, end))
    except UnexpectedInput as error:
        failed: Any = error
        at_end = isinstance(error, UnexpectedToken) and failed.token.type == _END
        at = end if at_end else failed.pos_in_stream
        raise SyntaxFailure(at, _expected(parser, failed.interactive_parser)) from None


def _expected(parser: Lark, state: InteractiveParser) -> frozenset[str]:
    patterns = ((terminal.name, terminal.pattern) for terminal in parser.terminals)
    fixed = {name: pattern.value for name, pattern in patterns if isinstance(pattern, PatternStr)}
    accepted: set[str] = cast("Any", state).accepts()
    return frozenset("end" if name == _END else fixed.get(name, name) for name in accepted)


@cache
def _parser(builder: Builder) -> Lark:
    stored = json.decode(TABLES.read_bytes())
    comments = {"COMMENT": builder.comment}
    return Lark._load_from_dict(**stored, transformer=builder, lexer_callbacks=comments)  # pyright: ignore
