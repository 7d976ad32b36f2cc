"""How a text is split into tokens for display: one table, from which every highlighter is made."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from netlang.editor.words import Words

DEFINERS = ("net", "block", "op", "extern", "dataset", "train", "state")
_GROUPS = {
    "definer": DEFINERS,
    "import": ("netlang", "from", "import"),
    "word-operator": ("and", "or", "not", "in", "as", "new"),
    "constant": ("true", "false", "none"),
}
_PUNCTUATION = frozenset("()[]{},:.")
_END = "(?![A-Za-z0-9_])"
_BLANK = r"[ \t]"
ESCAPE = r"\\."
"""An escape sequence in a string."""


class Style(Struct, frozen=True):
    """What a kind of token is called in TextMate grammars, in Pygments and in Vim."""

    scope: str
    pygments: str
    vim: str = ""


STYLES = {
    "documentation": Style("comment.line.documentation", "Comment.Special", "SpecialComment"),
    "comment": Style("comment.line.number-sign", "Comment.Single", "Comment"),
    "string": Style("string.quoted.double", "Literal.String.Double", "String"),
    "escape": Style("constant.character.escape", "Literal.String.Escape", "SpecialChar"),
    "definer": Style("storage.type", "Keyword.Declaration", "Structure"),
    "definition": Style("entity.name.function", "Name.Function", "Function"),
    "import": Style("keyword.control.import", "Keyword.Namespace", "Include"),
    "word-operator": Style("keyword.operator.word", "Operator.Word", "Operator"),
    "constant": Style("constant.language", "Keyword.Constant", "Boolean"),
    "keyword": Style("keyword.control", "Keyword", "Statement"),
    "type": Style("support.type", "Keyword.Type", "Type"),
    "duration": Style("constant.numeric.duration", "Literal.Number", "Number"),
    "float": Style("constant.numeric.float", "Literal.Number.Float", "Float"),
    "integer": Style("constant.numeric.integer", "Literal.Number.Integer", "Number"),
    "layer": Style("support.class", "Name.Builtin", "Identifier"),
    "function": Style("support.function", "Name.Builtin", "Identifier"),
    "call": Style("entity.name.function.call", "Name.Function", "Function"),
    "member": Style("variable.other.member", "Name.Attribute"),
    "argument": Style("variable.parameter", "Name.Variable", "Label"),
    "dimension": Style("constant.other.dimension", "Name.Constant", "Constant"),
    "name": Style("variable.other.readwrite", "Name"),
    "operator": Style("keyword.operator", "Operator", "Operator"),
    "punctuation": Style("punctuation", "Punctuation", "Delimiter"),
    "illegal": Style("invalid.illegal", "Error", "Error"),
}
"""The kinds of tokens."""


class Part(Struct, frozen=True):
    """A regular expression without groups, and the kind of token that it matches.

    Blanks have no kind.
    """

    pattern: str
    kind: str | None


Rule = tuple[Part, ...]
"""What follows each other; where several rules match, the first one counts."""


def rules(words: Words) -> list[Rule]:
    """Return the rules that split every text into tokens, from the words of the language."""
    patterns = {name: _portable(text) for name, text in words.patterns.items()}
    return [
        _whole(r"##[^\n]*", "documentation"),
        _whole(patterns["COMMENT"], "comment"),
        _whole(patterns["STRING"], "string"),
        _whole(r'"(?:[^"\\\n]|\\.)*', "illegal"),
        _whole(patterns["COUNTED"], "duration"),
        *_words(words, patterns),
        *(_whole(patterns[name.upper()], name) for name in ("duration", "float")),
        _whole(patterns["INT"], "integer"),
        *_names(words, patterns["NAME"]),
        *_symbols(words, patterns),
        # A number of no valid form, and a character that the language does not have.
        _whole("[0-9][A-Za-z0-9_]*", "illegal"),
        _whole(r"\S", "illegal"),
    ]


def _words(words: Words, patterns: dict[str, str]) -> list[Rule]:
    name = f"{_unreserved(words)}{patterns['NAME']}"
    grouped = {word for group in _GROUPS.values() for word in group}
    others = [word for word in words.keywords if word not in grouped]
    opening = "(?:net|block|op|dataset|train)"
    soft = [patterns[word] for word in ("OPTIMIZER", "SCHEDULE", "STEP", "LIKE")]
    return [
        _split((opening, "definer"), (f"{_BLANK}+", None), (name, "definition")),
        *(_split((s, "definer"), (f"{_BLANK}+", None), (name, "definition")) for s in soft),
        _split((":", "punctuation"), (f"{_BLANK}*", None), (_type(words), "type")),
        _whole(f"{_any(words.elements)}(?!{_BLANK}*\\()", "type"),
        *(_whole(_any(group), kind) for kind, group in _GROUPS.items()),
        _whole(_any(others), "keyword"),
    ]


def _names(words: Words, name: str) -> list[Rule]:
    called, stage = f"(?={_BLANK}*\\()", (r"\|>", "operator")
    known = [(_any(words.layers), "layer"), (_any(words.functions), "function")]
    mine = (f"{_unreserved(words)}{name}", "call")
    return [
        _split(stage, (f"{_BLANK}+", None), known[0]),
        _split(stage, (f"{_BLANK}+", None), known[1]),
        _split(stage, (f"{_BLANK}+", None), mine),
        *(_whole(f"{pattern}{called}", kind) for pattern, kind in known),
        _split((r"(?<!\.)\.", "punctuation"), (mine[0], "member")),
        _whole(f"{name}(?==(?!=))", "argument"),
        _whole(f"{name}{called}", "call"),
        _whole("[A-Z][A-Za-z0-9_]*", "dimension"),
        _whole(name, "name"),
    ]


def _symbols(words: Words, patterns: dict[str, str]) -> list[Rule]:
    operators = [symbol for symbol in words.symbols if symbol not in _PUNCTUATION]
    fixed = map(re.escape, sorted(operators, key=len, reverse=True))
    # `==` comes before `=`, and `->` before `-`.
    every = [patterns["CMP"], *fixed, patterns["ADD"], patterns["MUL"]]
    return [_whole("|".join(every), "operator"), _whole(r"[()\[\]{},:.]", "punctuation")]


def _type(words: Words) -> str:
    return f"{_any([*words.types, *words.elements])}(?!{_BLANK}*\\()"


def _whole(pattern: str, kind: str) -> Rule:
    return (Part(pattern, kind),)


def _split(*parts: tuple[str, str | None]) -> Rule:
    return tuple(Part(*part) for part in parts)


def _any(names: Iterable[str]) -> str:
    return f"(?:{'|'.join(sorted(names))}){_END}"


def _unreserved(words: Words) -> str:
    return f"(?!{_any(words.keywords)})"


def _portable(pattern: str) -> str:
    """Return an expression of the grammar without groups, and with its blanks escaped."""
    escaped = pattern.replace("\n", r"\n").replace("\t", r"\t")
    return re.sub(r"(?<!\\)\((?!\?)", "(?:", escaped)
