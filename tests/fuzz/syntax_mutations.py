"""Correct programs with errors in their syntax: mutations of two different statements.

Each number gives one program. ``outcomes`` returns what is reported of some.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from netlang.diagnostics.diagnostic import Diagnostic, Diagnostics
from netlang.diagnostics.source import Source
from netlang.syntax.parser import parse

TESTS = Path(__file__).parent.parent
_BLOCK = re.compile(r"^```net[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_BIND = re.compile(r"( *)([a-z_]\w*(?:, *[a-z_]\w*)*) = (\S.*)$")
_DEFINITION = re.compile(r"(?:net|block|op) \w+\(")

Mutation = Callable[[str, random.Random], str]
"""Returns a line with the mutation, or unchanged where it can't have one."""


def _replaced(pattern: str, new: str) -> Mutation:
    """Replace one of the places that match, drawn by chance."""

    def mutation(line: str, chance: random.Random) -> str:
        places = list(re.finditer(pattern, line))
        if not places:
            return line
        place = chance.choice(places)
        return line[: place.start()] + place.expand(new) + line[place.end() :]

    return mutation


def _bound(form: str) -> Mutation:
    """Write a statement `name = value` in another form."""

    def mutation(line: str, _chance: random.Random) -> str:
        match = _BIND.fullmatch(line)
        if match is None:
            return line
        return match[1] + form.format(name=match[2], value=match[3])

    return mutation


def _inserted(text: str) -> Mutation:
    """Put a line of another language before a statement of a body."""

    def mutation(line: str, _chance: random.Random) -> str:
        match = _BIND.fullmatch(line)
        if match is None or not match[1]:
            return line
        return f"{match[1]}{text}\n{line}"

    return mutation


def _of_definitions(pattern: str, new: str) -> Mutation:
    replace = _replaced(pattern, new)
    return lambda line, chance: replace(line, chance) if _DEFINITION.match(line) else line


_CALL = r"(?<=[a-z0-9_])"
MUTATIONS: dict[str, Mutation] = {
    "a closing parenthesis is missing": _replaced(r"\)", ""),
    "an opening parenthesis is missing": _replaced(_CALL + r"\(", " "),
    "a closing parenthesis too many": _replaced(r"\)", "))"),
    "a wrong closing bracket": _replaced(r"\)", "]"),
    "a closing square bracket is missing": _replaced(r"\]", ""),
    "a comma is missing": _replaced(r"(?<=\w), (?=\w)", " "),
    "a comma too many": _replaced(r"(?<=\w), (?=\w)", ", , "),
    "an equals sign is missing": _bound("{name} {value}"),
    "a colon for an equals sign": _bound("{name}: {value}"),
    "two equals signs": _bound("{name} == {value}"),
    "a walrus": _bound("{name} := {value}"),
    "an arrow for an equals sign": _bound("{name} <- {value}"),
    "plus equals": _bound("{name} += {value}"),
    "no name": _bound("{value}"),
    "let": _bound("let {name} = {value}"),
    "self": _bound("self.{name} = {value}"),
    "a keyword for a name": _bound("train = {value}"),
    "a semicolon at the end": _bound("{name} = {value};"),
    "return": _bound("return {value}"),
    "an operator at the end": _bound("{name} = {value} +"),
    "a pipe at the end": _bound("{name} = {value} |>"),
    "two operators": _replaced(r" (?:\+|\*) ", " * * "),
    "a colon in a call": _replaced(r"(?<=[ (])([a-z_]\w*)=(?=[\w(\[\"])", r"\1: "),
    "a shift for a pipe": _replaced(r" \|> ", " >> "),
    "an arrow for a pipe": _replaced(r" \|> ", " -> "),
    "a bar for a pipe": _replaced(r" \|> ", " | "),
    "no pipe": _replaced(r" \|> (?=[a-z])", " "),
    "single quotes": _replaced(r'"([^"\\]+)"', r"'\1'"),
    "a quote is missing": _replaced(r'"([^"\\]+)"', r'"\1'),
    "a curly quote": _replaced(r'"([^"\\]+)"', "\u201c\\1\u201d"),
    "a number with a suffix": _replaced(r"\b\d+\b(?![.\]])", r"\g<0>f"),
    "a number that ends in a point": _replaced(r"(?<=[( ])\d+(?=[,)])", r"\g<0>."),
    "a decimal comma": _replaced(r"\b0\.(\d+)", r"0,\1"),
    "a percentage": _replaced(r"\b0\.[1-9](?=[,)])", "50%"),
    "a caret": _replaced(r" \*\* ", " ^ "),
    "two ampersands": _replaced(r" and ", " && "),
    "a comment with slashes": _bound("{name} = {value}  // the next layer"),
    "a comment with a percent sign": _inserted("% the next layer"),
    "words without a comment sign": _inserted("here comes the next layer"),
    "while": _inserted("while true:"),
    "a method": _inserted("outs.append(value)"),
    "print": _inserted("print(value)"),
    "a conditional of Python": _bound("{name} = {value} if true else none"),
    "an if without else": _bound("{name} = if true then {value}"),
    "braces for a list": _replaced(r"\[(\w+(?:, \w+)+)\]", r"{\1}"),
    "no break space": _replaced(r" = ", "\u00a0= "),
    "a multiplication sign": _replaced(r" \* ", " \u00d7 "),
    "round brackets for a shape": _replaced(r"\bf32\[([^\[\]]*)\]", r"f32(\1)"),
    "none in a shape": _replaced(r"\bf32\[N, ", "f32[None, "),
    "a parameter without a colon": _of_definitions(r"(?<=\w): (?=f32|i64|int)", " "),
    "an output without a name": _of_definitions(r"-> [a-z]\w*: (?=f32)", "-> "),
    "no arrow": _of_definitions(r" -> ", " "),
    "an arrow of two signs": _of_definitions(r" -> ", " => "),
    "def": _of_definitions(r"^(?:net|block|op) ", "def "),
    "a colon for a brace": _of_definitions(r" \{$", ":"),
    "no brace": _of_definitions(r" \{$", ""),
    "no for in": _replaced(r"(?<= for \w) in ", " "),
}  # fmt: skip
"""The mutations, by what they do. Each makes one error in the statement of its line."""


@cache
def corpus() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the correct programs in two halves: the one recovery was built on, and the other."""
    texts = [p.read_text("utf-8") for p in sorted((TESTS.parent / "examples").glob("*.net"))]
    texts += [p.read_text("utf-8") for p in sorted((TESTS / "data" / "language").glob("*.net"))]
    for page in sorted((TESTS / "spec").rglob("*.md")):
        texts += [b for b in _BLOCK.findall(page.read_text("utf-8")) if b.count("\n") >= 5]
    texts = [text for text in dict.fromkeys(texts) if not errors(text)]
    return tuple(texts[::2]), tuple(texts[1::2])


def errors(text: str) -> list[Diagnostic]:
    """Return the errors in the syntax of a text."""
    diagnostics = Diagnostics()
    parse(Source("mutated.net", text), diagnostics)
    return diagnostics.sorted()


class Mutated(NamedTuple):
    """A program with mutations: their kinds, and the first and last line of each."""

    text: str
    mutations: tuple[str, ...]
    lines: tuple[tuple[int, int], ...]


def mutated(number: int, texts: Sequence[str], count: int = 2) -> Mutated:
    """Return the program of a number, with a count of mutations, each in a statement of its own."""
    chance = random.Random(number)
    while True:
        lines = chance.choice(texts).split("\n")
        made: dict[int, tuple[str, str]] = {}
        for kind in chance.choices(list(MUTATIONS), k=4 * count):
            free = [n for n, line in enumerate(lines) if n not in made and _is_alone(lines, n)]
            chance.shuffle(free)
            for place in free[:30]:
                changed = MUTATIONS[kind](lines[place], chance)
                if changed != lines[place] and _is_wrong(lines, place, changed):
                    made[place] = (kind, changed)
                    break
            if len(made) == count:
                return _with(lines, made)


def _is_alone(lines: Sequence[str], number: int) -> bool:
    """Return whether a line is a statement, or the first line of a definition or of a loop."""
    line, after = lines[number], lines[number + 1] if number + 1 < len(lines) else ""
    if "#" in line or not (_BIND.fullmatch(line) or _DEFINITION.match(line)):
        return False
    balanced = all(line.count(a) == line.count(b) for a, b in ("()", "[]"))
    margin = len(line) - len(line.lstrip())
    return balanced and (line.endswith("{") or len(after) - len(after.lstrip()) <= margin)


def _is_wrong(lines: Sequence[str], number: int, changed: str) -> bool:
    return bool(errors("\n".join([*lines[:number], changed, *lines[number + 1 :]])))


def _with(lines: list[str], made: dict[int, tuple[str, str]]) -> Mutated:
    text: list[str] = []
    kinds: list[str] = []
    places: list[tuple[int, int]] = []
    for number, line in enumerate(lines):
        kind, changed = made.get(number, ("", line))
        text += changed.split("\n")
        if kind:
            kinds.append(kind)
            places.append((len(text) - changed.count("\n"), len(text)))
    return Mutated("\n".join(text), tuple(kinds), tuple(places))


class Outcome(NamedTuple):
    """What was reported of one program: which mutations, and how many errors."""

    program: Mutated
    found: list[Diagnostic]

    @property
    def missed(self) -> list[str]:
        """The mutations that no error points at."""
        spans = [
            label.span
            for error in self.found
            for label in (*([error.primary] if error.primary else []), *error.secondary)
        ]
        return [
            kind
            for kind, (first, last) in zip(self.program.mutations, self.program.lines, strict=True)
            if not any(first <= span.line <= last for span in spans)
        ]

    @property
    def is_exact(self) -> bool:
        """Whether each mutation is reported, and nothing else."""
        return not self.missed and len(self.found) <= len(self.program.mutations)


def outcomes(first: int, count: int, texts: Sequence[str], mutations: int = 2) -> list[Outcome]:
    """Return what is reported of each of the programs of some numbers."""
    programs = [mutated(number, texts, mutations) for number in range(first, first + count)]
    return [Outcome(program, errors(program.text)) for program in programs]
