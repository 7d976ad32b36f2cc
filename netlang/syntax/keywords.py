"""The keywords of the language, and keywords and operators of other languages."""

from __future__ import annotations

RESERVED = frozenset(
    (
        *("and", "as", "assert", "block", "dataset", "else", "extern", "false", "for", "from"),
        *("if", "import", "in", "net", "netlang", "new", "next", "none", "not", "op", "or"),
        *("scan", "state", "then", "train", "true", "where", "with", "yield"),
    )
)

DEFINITION_ONLY = frozenset(("like", "optimizer", "schedule", "step"))
"""Keywords before the name that a definition or a section has or takes up, elsewhere names."""

PREDEFINED = {
    "optimizer": ("weight", "gradient", "count"),
    "schedule": ("elapsed", "length"),
}
"""The names that a body finds, by the kind of its definition."""

DEFINERS = frozenset(("net", "block", "op", "extern", "dataset", "train"))

TYPE_NAMES = frozenset(
    (
        *("f16", "bf16", "f32", "f64", "i8", "i16", "i32", "i64", "u8", "bool", "tensor"),
        *("int", "float", "str", "ints", "padding", "init", "duration", "schedule", "block", "op"),
    )
)
"""The names of types, which are names everywhere else."""

FOREIGN_VALUES = {"True": "true", "False": "false", "None": "none"}

_DEFINE = "a definition starts with `net`, `block` or `op`"
_BIND = "a value needs no keyword before its name: `name = …`"
_OUTPUT = "name the output in the signature, and give it a value: `-> y`, then `y = …`"

FOREIGN_KEYWORDS = {
    "def": _DEFINE,
    "class": _DEFINE,
    "function": _DEFINE,
    "func": _DEFINE,
    "fn": _DEFINE,
    "fun": _DEFINE,
    "module": _DEFINE,
    "network": _DEFINE,
    "model": _DEFINE,
    "layer": _DEFINE,
    "let": _BIND,
    "var": _BIND,
    "val": _BIND,
    "const": _BIND,
    "return": _OUTPUT,
    "import": 'name what you need: `from "file.net" import name`',
    "include": 'name what you need: `from "file.net" import name`',
    "use": 'name what you need: `from "file.net" import name`',
    "elif": "write `else if`",
    "while": "loops are finite: `for i in 1..10 with h = x { … }`",
    "repeat": "write `for i in 1..n with h = x { next h = … }`",
    "do": "loops are finite: `for i in 1..10 with h = x { … }`",
    "break": "a loop runs all of its iterations: give it the number that you need",
    "continue": "a loop runs all of its iterations: give it the number that you need",
    "switch": "write `y = if a then b else if c then d else e`",
    "try": 'nothing is caught: `assert condition, "message"` stops with a message',
    "raise": 'write `assert condition, "message"`',
    "throw": 'write `assert condition, "message"`',
    "pass": "remove it: a body may be empty",
    "end": "a body ends with `}`",
    "lambda": "define an `op`: `op name(x) = …`",
    "self": "a part of a net has a plain name: `name = …`",
    "if": "write `y = if condition then a else b`",
    "for": "a loop gives a value: `y = for i in 1..n with h = x { next h = … }`",
    "scan": "a loop gives a value: `y = scan step in x with h = start { next h = … }`",
}

FOREIGN_OPERATORS = {
    ";": "start a new line instead",
    "'": 'write strings in double quotes: `"…"`',
    "`": 'write strings in double quotes: `"…"`',
    "&&": "write `and`",
    "&": "write `and`",
    "||": "write `or`",
    "|": "write `or`; a pipeline is written `x |> f`",
    "!": "write `not`",
    "^": "a power is written `a ** b`",
    ":=": "a value is given with `=`",
    "<-": "a value is given with `=`",
    "+=": "a name denotes one value: give the new one its own name, `b = a + …`",
    "-=": "a name denotes one value: give the new one its own name, `b = a - …`",
    "*=": "a name denotes one value: give the new one its own name, `b = a * …`",
    "/=": "a name denotes one value: give the new one its own name, `b = a / …`",
    "++": "a name denotes one value: give the new one its own name, `b = a + 1`",
    "?": "write `if condition then a else b`; a type that may be `none` is written `T?`",
    "$": "a name starts with a letter or `_`",
    "\\": "newlines never matter: a statement continues on the next line by itself",
    "/*": "a comment starts with `#`",
    "===": "two values are compared with `==`",
    "!==": "two values differ: `a != b`",
    "! =": "two values differ: `a != b`",
    "<>": "two values differ: `a != b`",
}


def capitalized(name: str) -> str:
    """Return a name in the form of the names of nets and dimensions.

    >>> capitalized("seq_len"), capitalized("n")
    ('SeqLen', 'N')
    """
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))
