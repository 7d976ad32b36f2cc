"""The parser: Lark, which runs the tables of the grammar.

Analyzing the grammar takes longer than all else that a command does. So Lark's tables are part of
the package, as JSON that ``netlang.syntax.generate`` writes and a test compares with the grammar.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

from lark import Lark
from lark.exceptions import UnexpectedInput, UnexpectedToken
from lark.lexer import PatternStr, Token
from lark.parsers.lalr_interactive_parser import InteractiveParser
from lark.utils import TextSlice
from msgspec import Struct, json

from netlang.diagnostics.diagnostic import DiagnosticError
from netlang.syntax.building.builder import Builder

TABLES = Path(__file__).with_name("tables.json")
_END = "$END"


class Body(Struct, frozen=True):
    """A body: the offsets of its head and of its first statement, and a head that is valid."""

    start: int
    stop: int
    head: str


class SyntaxFailure(Exception):
    """The text does not follow the grammar.

    Attributes:
        start: the offset of the token that does not fit.
        expected: the tokens that would have fit, as written, such as ``|>`` and ``then``; those
            of varying text by their kind, such as ``NAME``, and the end of the text as ``end``.
        token: the token that does not fit, unless it is a character that begins none.
    """

    def __init__(self, parser: Lark, error: UnexpectedInput, end: int) -> None:
        stopped: Any = error
        self.start: int = stopped.pos_in_stream
        self.token: Token | None = stopped.token if isinstance(error, UnexpectedToken) else None
        if self.token is not None and self.token.type == _END:
            self.start = end
        self.expected = _expected(parser, stopped.interactive_parser)
        super().__init__(self.start, self.expected)


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


class ResumableParse:
    """The parse of a text that continues after errors: at a later statement, in the same bodies."""

    def __init__(self, builder: Builder, text: str, start: int, end: int) -> None:
        self._builder = builder
        self._text = text
        self._end = end
        self._parser = _parser(builder)
        self._state: Any = cast("Any", self._parser).parse_interactive(TextSlice(text, start, end))

    def run(self) -> list[Any]:
        """Parse up to the end. Raises as ``parse_text``; then, more may be parsed."""
        try:
            return self._state.resume_parse()
        except UnexpectedInput as error:
            raise SyntaxFailure(self._parser, error, self._end) from None

    def read_as_name(self, failure: SyntaxFailure, keyword: int) -> bool:
        """Read the keyword at an offset as a name, if it is where a failure is, or just before.

        Returns whether it is, and is accepted as a name.
        """
        tokens: list[Any] = [failure.token]
        state = self._state.parser_state
        if keyword < failure.start:
            tokens.insert(0, state.value_stack.pop())
            state.state_stack.pop()
        word = tokens[0]
        if not isinstance(word, Token) or word.start_pos != keyword:
            return False
        tokens[0] = Token.new_borrow_pos("NAME", str(word), word)
        try:
            for token in tokens:
                self._state.feed_token(token)
        except UnexpectedInput:
            return False
        return True

    def move(self, offset: int, end: int, bodies: Sequence[Body], *, ahead: bool) -> bool:
        """Leave out the statement that does not parse, and go to the offset of a later one.

        ``bodies`` are those around the later statement, outermost first. A body whose head was
        left out gets a head that is valid. ``ahead`` is whether the later statement is ahead of
        the failure. Returns whether that is possible.
        """
        state = self._state.parser_state
        values, states = state.value_stack, state.state_stack
        # A token whose node is rejected has a state, but no value.
        del states[len(values) + 1 :]
        if ahead:
            self._finish_statement()
        braces = [at for at, v in enumerate(values) if isinstance(v, Token) and v.type == "LBRACE"]
        pairs = zip(bodies, braces, strict=False)
        inside = 0
        for body, at in pairs:
            if not body.start <= values[at].start_pos < body.stop:
                break
            inside += 1
        kept = braces[inside - 1] + 1 if inside else 0
        while kept < len(values) and self._is_list(states[kept], states[kept + 1]):
            kept += 1
        del values[kept:], states[kept + 1 :]
        self._builder.reopen(
            sum(isinstance(v, Token) and v.type in ("LPAR", "LSQB", "LBRACE") for v in values)
        )
        lexer = self._state.lexer_thread.state
        lexer.text = TextSlice(self._text, 0, end)
        lexer.line_ctr.char_pos = offset
        self._end = end
        return all(self._open(body) for body in bodies[inside:])

    def finished(self) -> list[Any]:
        """Return the parts up to the last statement that parses, with the bodies around it closed.

        There are none where even that does not follow the grammar.
        """
        state = self._state.parser_state
        values, states = state.value_stack, state.state_stack
        del states[len(values) + 1 :]
        self._finish_statement()
        braces = [at for at, v in enumerate(values) if isinstance(v, Token) and v.type == "LBRACE"]
        kept = braces[-1] + 1 if braces else 0
        while kept < len(values) and self._is_list(states[kept], states[kept + 1]):
            kept += 1
        del values[kept:], states[kept + 1 :]
        self._builder.reopen(len(braces))
        close = Token("RBRACE", "}", self._end, end_pos=self._end)
        try:
            for _ in braces:
                state.feed_token(close)
            return state.feed_token(Token(_END, "", self._end, end_pos=self._end), is_end=True)
        except (UnexpectedInput, DiagnosticError):
            return []

    def _finish_statement(self) -> None:
        """Build the statement or definition before the failure, if it may be complete there."""
        state = self._state.parser_state
        for kind in ("NEXT", "NET", "STEP"):
            try:
                self._state.feed_token(Token(kind, ""))
            except (UnexpectedInput, DiagnosticError):
                del state.state_stack[len(state.value_stack) + 1 :]
                continue
            state.value_stack.pop()
            state.state_stack.pop()
            return

    def _is_list(self, state: Any, following: Any) -> bool:
        """Return whether what leads from one state to the next is the statements so far."""
        actions: dict[str, tuple[Any, Any]] = self._state.parser_state.parse_conf.states[state]
        return any(
            target == following
            for symbol, (_, target) in actions.items()
            if symbol.startswith("__") or symbol == "header"
        )

    def _open(self, body: Body) -> bool:
        lexer = cast("Any", self._parser).parse_interactive(body.head).lexer_thread
        try:
            for token in lexer.lex(self._state.parser_state):
                token.start_pos = token.end_pos = body.start
                self._state.feed_token(token)
        except UnexpectedInput:
            return False
        return True


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
