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
from lark.lexer import PatternStr, Token
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

    def __init__(self, parser: Lark, error: UnexpectedInput, end: int) -> None:
        stopped: Any = error
        self.start: int = stopped.pos_in_stream
        self._token: Token | None = stopped.token if isinstance(error, UnexpectedToken) else None
        if self._token is not None and self._token.type == _END:
            self.start = end
        self._parser = parser
        self._state: InteractiveParser = stopped.interactive_parser
        self._end = end
        self.expected = _expected(parser, self._state)
        super().__init__(self.start, self.expected)

    def resume(self, keyword: int) -> list[Any]:
        """Read the keyword at an offset as a name, and parse the rest of the text.

        The keyword is the token that does not fit, or the one before it. Raises as ``parse_text``.
        """
        tokens: list[Any] = [self._token]
        state = cast("Any", self._state).parser_state
        if keyword < self.start:
            tokens.insert(0, state.value_stack.pop())
            state.state_stack.pop()
        word = tokens[0]
        if not isinstance(word, Token) or word.start_pos != keyword:
            raise self
        tokens[0] = Token.new_borrow_pos("NAME", str(word), word)
        try:
            for token in tokens:
                self._state.feed_token(token)
            return cast("Any", self._state).resume_parse()
        except UnexpectedInput as error:
            if getattr(error, "interactive_parser", None) is None:  # a token of `tokens`
                raise self from None
            raise SyntaxFailure(self._parser, error, self._end) from None


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
        raise SyntaxFailure(parser, error, end) from None


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
