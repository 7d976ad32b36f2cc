"""Rules about characters, literals, brackets and keywords."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import GOOD_EXAMPLE, Rule, example, example_after

FOREIGN_CHARACTER = Rule(
    "foreign-character",
    "A program is ASCII outside of comments and strings.",
    """
    Names become parameter names in other tools, where letters that only look alike cause
    trouble. Typographic spaces and quotes usually come from text that was pasted from a web
    page.
    """,
    example("y = 2.0 × x"),
    example("y = 2.0 * x"),
)

UNCLOSED_STRING = Rule(
    "unclosed-string",
    "A string ends on the line where it starts.",
    r"""
    A string cannot span lines, so a missing quote is reported on its own line and not at the
    end of the file. Write `\n` for a newline inside a string.
    """,
    example('y = einsum("nd,md->nd, x, x)'),
    example('y = einsum("nd,md->nd", x, x)'),
)

UNKNOWN_ESCAPE = Rule(
    "unknown-escape",
    "A backslash in a string starts one of five escape sequences.",
    r"""
    The escape sequences are `\n`, `\t`, `\r`, `\"` and `\\`. A backslash before any other
    character is usually part of a Windows path, and must be doubled.
    """,
    example_after(r'folder = "data\images"', "relu(x)"),
    example_after(r'folder = "data\\images"', "relu(x)"),
)

NUMBER_FORM = Rule(
    "number-form",
    "Numbers are written `3`, `60_000`, `0.5` or `1e-3`.",
    """
    A decimal point and an underscore need a digit on both sides: `0.5`, `60_000`. A letter
    cannot follow a number. Forms such as `.5` and `3x` are easily misread, and are not
    accepted.
    """,
    example("y = dropout(x, .5)"),
    example("y = dropout(x, 0.5)"),
)

UNCLOSED_BRACKET = Rule(
    "unclosed-bracket",
    "Every opening bracket has a closing bracket.",
    """
    Newlines have no meaning, so only a bracket marks the end of a call or a body. The message
    points to the first token that cannot be inside the bracket.
    """,
    example("h = relu(dense(x, 8)", "y = dense(h, 8)"),
    example("h = relu(dense(x, 8))", "y = dense(h, 8)"),
)

MISMATCHED_BRACKET = Rule(
    "mismatched-bracket",
    "A closing bracket matches the bracket that is open.",
    """
    `(` is closed by `)`, `[` by `]`, and `{` by `}`. Parentheses call and group, square
    brackets build and index lists and tensors, and braces enclose a body.
    """,
    example("y = relu(x]"),
    GOOD_EXAMPLE,
)

STRAY_BRACKET = Rule(
    "stray-bracket",
    "A closing bracket has an opening bracket.",
    """
    No bracket is open at this position. Usually there is one closing bracket too many, or the
    opening bracket was deleted.
    """,
    example("y = relu(x))"),
    GOOD_EXAMPLE,
)

LOOSE_BRACKET = Rule(
    "loose-bracket",
    "The bracket of a call or an index is on the same line as its callee.",
    """
    Newlines have no meaning, so a `(` or `[` at the start of a line would silently call or
    index the value at the end of the previous line. It must therefore be on the same line as
    that value.
    """,
    example("y = relu", "  (x)"),
    GOOD_EXAMPLE,
)

RESERVED_WORD = Rule(
    "reserved-word",
    "A keyword cannot be used as a name.",
    """
    The keywords of the language are reserved everywhere, so that a keyword means the same in
    every position. Names of settings and of types are not reserved.
    """,
    example("state = dense(x, 8)", "y = relu(state)"),
    example("first = dense(x, 8)", "y = relu(first)"),
)

FOREIGN_KEYWORD = Rule(
    "foreign-keyword",
    "Keywords of other languages are written differently here.",
    """
    Programs often start as code for another framework. netlang has no `def`, `class`, `let`,
    `return` or `True`; the message shows the equivalent.
    """,
    example_after("def twice(x): return x + x", "twice(x)"),
    example_after("op twice(x) = x + x", "twice(x)"),
)

FOREIGN_FILE = Rule(
    "foreign-file",
    "A program is written in netlang, not in JSON, YAML, XML or prototxt.",
    """
    Networks are described in many formats. A net has a signature, and a line for each layer.
    """,
    '{"layers": [{"type": "Dense", "units": 10}]}',
    "net Digits(image: f32[N, 784]) -> y: f32[N, 10] = dense(image, 10)",
)

FOREIGN_OPERATOR = Rule(
    "foreign-operator",
    "Operators and punctuation of other languages are written differently here.",
    """
    Statements do not end in `;`, comments start with `#`, strings use double quotes, and
    `and`, `or` and `not` are keywords. The message shows the equivalent.
    """,
    example("y = relu(x);"),
    GOOD_EXAMPLE,
)

WRONG_ARROW = Rule(
    "wrong-arrow",
    "`->` precedes outputs, and `|>` connects the stages of a pipeline.",
    """
    The two arrows have different meanings: `->` introduces the outputs of a definition, and
    `|>` passes a value on to the next stage. They are not interchangeable.
    """,
    example("y = x -> relu"),
    example("y = x |> relu"),
)

KEYWORD_ORDER = Rule(
    "keyword-order",
    "`if`, `then`, `else` and `for` have a fixed order.",
    """
    A conditional is written `if condition then a else b`, and a list comprehension `[value
    for name in values]`. No other order is accepted.
    """,
    example("y = x if true else relu(x)"),
    example("y = if true then x else relu(x)"),
)

MISSING_KEYWORD = Rule(
    "missing-keyword",
    "`if` needs `then` and `else`, and `for` needs `in`.",
    """
    `if` is an expression, so it needs a value for both cases, after `then` and after `else`.
    `for` names what it iterates over after `in`.
    """,
    example("y = if true then x"),
    example("y = if true then x else relu(x)"),
)

MISPLACED_KEYWORD = Rule(
    "misplaced-keyword",
    "Imports come first, and statements belong in a body.",
    """
    A file starts with its version and its imports. They are followed by definitions,
    constants and assertions; every other statement belongs in the body of a definition.
    """,
    "next size = 8\n\n" + GOOD_EXAMPLE,
    GOOD_EXAMPLE,
)

CAPITAL_NAME = Rule(
    "capital-name",
    "Nets and dimensions start with an uppercase letter, everything else with a lowercase letter.",
    """
    Inside a shape, an uppercase name is a dimension and a lowercase name is a value. A
    misspelled value is therefore reported as unknown, and never silently becomes a new
    dimension.
    """,
    example_after("Width = 8", "dense(x, Width)"),
    example_after("width = 8", "dense(x, width)"),
)
