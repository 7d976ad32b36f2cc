"""Runs the parse tables: cuts the text into tokens and calls the builder for each rule.

What a token is depends on where it stands: a word of the language is a name wherever the grammar
has no such word, so the state of the parser says which tokens there can be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from netlang.syntax._tables import END_STATE, FIXED, IGNORED, KEYWORDS, RULES, STATES, TERMINALS
from netlang.syntax.build import Builder
from netlang.syntax.scan import Failure

_END = "$END"
_NAME = "NAME"
_WORDS = frozenset(KEYWORDS.values())
# A keyword is a name until the state says otherwise.
_ANY = re.compile("|".join(f"(?P<{name}>{text})" for name, text in TERMINALS if name not in _WORDS))


class Token(str):
    """A piece of punctuation or a word, with its place."""

    __slots__ = ("end_pos", "start_pos")

    start_pos: int
    end_pos: int


class Automaton:
    """An LALR(1) parser that hands each rule's parts to a builder."""

    def __init__(self, builder: Builder) -> None:
        self._leaves = {name: getattr(builder, name, None) for name, _ in TERMINALS}
        self._methods = [getattr(builder, rule[0], None) for rule in RULES]

    def parse(self, text: str) -> list[Any] | Failure:
        """Parse a whole text; whatever the builder raises goes through."""
        states, values, at = [0], list[Any](), 0
        while True:
            kind, at, end = _next(text, at, STATES[states[-1]])
            if kind is None or not self._reduce(kind, states, values):
                return Failure(at, _written(states, token=_ANY.match(text, at) is not None))
            if kind == _END:
                return values[-1]
            token = Token(text[at:end])
            token.start_pos, token.end_pos = at, end
            leaf = self._leaves[kind]
            values.append(token if leaf is None else leaf(token))
            at = end

    def _reduce(self, kind: str, states: list[int], values: list[Any]) -> bool:
        """Apply the rules that end before a token, and make room for it; ``False`` if none fits."""
        while True:
            action = STATES[states[-1]].get(kind)
            if action is None:
                return False
            if action >= 0:
                states.append(action)
                return True
            _, origin, size, single, plan = RULES[~action]
            if single and size == 1 and plan is None:
                # A sum of one product, a product of one power: the value is what it was.
                states[-1] = STATES[states[-2]][origin]
                continue
            parts = values[len(values) - size :]
            del values[len(values) - size :], states[len(states) - size :]
            states.append(STATES[states[-1]][origin])
            if plan is not None:
                parts = _arranged(parts, plan)
            method = self._methods[~action]
            if single and len(parts) == 1:
                values.append(parts[0])
            else:
                values.append(parts if method is None else method(parts))
            if kind == _END and states[-1] == END_STATE:
                return True


def _arranged(parts: list[Any], plan: tuple[int | tuple[int] | None, ...]) -> list[Any]:
    """Put ``None`` where an optional part is missing, and repeated parts in a row."""
    arranged: list[Any] = []
    for place in plan:
        match place:
            case None:
                arranged.append(None)
            case int():
                arranged.append(parts[place])
            case (several,) if arranged:
                arranged += parts[several]
            case (several,):
                # The list grows in place: a file of many statements is read in linear time.
                arranged = parts[several]
    return arranged


def _next(text: str, at: int, taken: Mapping[str, int]) -> tuple[str | None, int, int]:
    """Find the next token that a state takes: its kind, ``None`` where there is none; its place."""
    match = _ANY.match(text, at)
    while match is not None and match.lastgroup in IGNORED:
        at = match.end()
        match = _ANY.match(text, at)
    if at == len(text):
        return _END, at, at
    if match is not None:
        kind = match.lastgroup
        if kind == _NAME:
            kind = _word(match.group(), taken)
        if kind in taken:
            return kind, at, match.end()
    return _shorter(text, at, taken)


def _word(text: str, taken: Mapping[str, int]) -> str:
    keyword = KEYWORDS.get(text)
    return keyword if keyword is not None and keyword in taken else _NAME


def _shorter(text: str, at: int, taken: Mapping[str, int]) -> tuple[str | None, int, int]:
    """Look for a token that is taken where the longest one is not: ``=`` at the start of ``==``."""
    for name, pattern in TERMINALS:
        if name in taken and not (name in _WORDS and _NAME in taken):
            found = _compiled(pattern).match(text, at)
            if found is not None:
                return name, at, found.end()
    return None, at, at


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _written(states: list[int], *, token: bool) -> frozenset[str]:
    """Say what the text could go on with, as written: ``|>`` for a sign, ``NAME`` for what varies.

    Where there is a ``token``, that is what the parser takes after all rules that end before it.
    """
    names = [name for name, _ in TERMINALS if name in STATES[states[-1]] and name not in IGNORED]
    if token:
        names = [name for name in [*names, _END] if _takes(list(states), name)]
    return frozenset("end" if name == _END else FIXED.get(name, name) for name in names or [_END])


def _takes(states: list[int], kind: str) -> bool:
    while True:
        action = STATES[states[-1]].get(kind)
        if action is None:
            return False
        if action >= 0:
            return True
        _, origin, size, _, _ = RULES[~action]
        del states[len(states) - size :]
        states.append(STATES[states[-1]][origin])
        if kind == _END and states[-1] == END_STATE:
            return True
