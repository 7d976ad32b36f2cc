"""The files with which editors highlight programs, made from one table of tokens."""

from __future__ import annotations

import re

from msgspec import json

from netlang.editor.tokens import ESCAPE, STYLES, Part, Rule, rules
from netlang.editor.words import Words

_HEADER = """\
" Vim syntax file
" Language: netlang
" Written by `python -m netlang.editor.generate`.

if exists("b:current_syntax")
  finish
endif

"""
_FOOTER = '\nlet b:current_syntax = "netlang"\n'
_VIM_LITERALS = frozenset("<>=@%&~{}")
"""Characters that are special in Vim's expressions and not in Python's."""
_LOOKBEHIND = 64
"""How many bytes before a token Vim looks at: `|>`, keywords and blanks."""


def textmate(words: Words) -> bytes:
    """Return the TextMate grammar, as JSON."""
    grammar = {
        "name": "netlang",
        "scopeName": "source.netlang",
        "fileTypes": ["net"],
        "comment": "Written by `python -m netlang.editor.generate`.",
        "patterns": [_textmate_rule(rule) for rule in rules(words)],
    }
    return json.format(json.encode(grammar), indent=2) + b"\n"


def _textmate_rule(rule: Rule) -> dict[str, object]:
    if len(rule) == 1:
        (part,) = rule
        found: dict[str, object] = {"match": part.pattern, "name": _scope(part)}
        if part.kind == "string":
            escapes = [{"match": ESCAPE, "name": _scope(Part(ESCAPE, "escape"))}]
            found["captures"] = {"0": {"patterns": escapes}}
        return found
    return {
        "match": "".join(f"({part.pattern})" for part in rule),
        "captures": {
            str(number): {"name": _scope(part)}
            for number, part in enumerate(rule, 1)
            if part.kind is not None
        },
    }


def _scope(part: Part) -> str:
    return f"{STYLES[part.kind or ''].scope}.netlang"


def page(words: Words) -> bytes:
    """Return the rules for the page of ``netlang serve``: each a list of patterns and kinds."""
    split = [[(part.pattern, part.kind) for part in rule] for rule in rules(words)]
    return json.encode(split) + b"\n"


def vim(words: Words) -> str:
    """Return the syntax file of Vim."""
    lines = [line for rule in reversed(rules(words)) for line in _vim_rule(rule)]
    lines.append(f"syn match {_group('escape')} ;\\v{_vim(ESCAPE)}; contained")
    links = [
        f"hi def link {_group(kind)} {style.vim}" for kind, style in STYLES.items() if style.vim
    ]
    return _HEADER + "\n".join([*lines, "", *links, ""]) + _FOOTER


def _vim_rule(rule: Rule) -> list[str]:
    """Return the commands for a rule; of those that match at one offset, Vim takes the last."""
    lines: list[str] = []
    for number, part in enumerate(rule):
        if part.kind is None:
            continue
        before = "".join(_vim(p.pattern) for p in rule[:number])
        after = "".join(_vim(p.pattern) for p in rule[number + 1 :])
        pattern = _vim(part.pattern)
        if before:
            # A word that ends in a keyword, as in `train rmsprop like base`, is another one.
            before = f"<{before}" if rule[0].kind == "definer" else before
            pattern = f"%({before})@{_LOOKBEHIND}<={pattern}"
        if after:
            pattern = f"{pattern}%({after})@="
        lines.append(f"syn match {_group(part.kind)} ;\\v{pattern};{_vim_options(part.kind)}")
    return lines


def _vim_options(kind: str) -> str:
    match kind:
        case "string":
            return f" contains={_group('escape')}"
        case "comment" | "documentation":
            return " contains=@Spell"
        case _:
            return ""


def _group(kind: str) -> str:
    return f"netlang{kind.title().replace('-', '')}"


_PIECE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?(?:<!|[:=!])|.", re.DOTALL)
_OPENING = {"(?:": ")", "(?=": ")@=", "(?!": ")@!", "(?<!": ")@<!"}


def _vim(pattern: str) -> str:
    """Translate an expression of Python to Vim's "very magic" ones."""
    closing: list[str] = []
    done: list[str] = []
    for piece in _PIECE.findall(pattern):
        match piece:
            case "(?:" | "(?=" | "(?!" | "(?<!":
                done.append("%(")
                closing.append(_OPENING[piece])
            case ")":
                done.append(closing.pop())
            case r"\b":
                done.append(">")  # the grammar has it at the ends of words only
            case r"[^\n]":
                done.append(".")
            case _ if piece.startswith("[^"):
                done.append(piece.replace(r"\n", ""))  # Vim's matches end with the line
            case _:
                done.append(f"\\{piece}" if piece in _VIM_LITERALS else piece)
    return "".join(done)
