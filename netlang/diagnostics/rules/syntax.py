"""Rules about the syntax of a program."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import Rule


def _net(*lines: str) -> str:
    body = "".join(f"  {line}\n" for line in lines)
    return f"net Small(x: f32[N, 8]) -> y: f32[N, 8] {{\n{body}}}\n"


def _with(first: str, value: str) -> str:
    return f"{first}\n\nnet Small(x: f32[N, 8]) -> y: f32[N, 8] = {value}\n"


_GOOD = _net("y = relu(x)")
UNKNOWN_VERSION = Rule(
    "unknown-version",
    "This release of netlang reads version 1 of the language.",
    """
    The first line of a file may state the version of the language. Without that line a file
    is version 1, and always will be: a program keeps its meaning in every later release.
    """,
    "netlang 2\n\n" + _GOOD,
    "netlang 1\n\n" + _GOOD,
)

FOREIGN_CHARACTER = Rule(
    "foreign-character",
    "A program is ASCII outside of comments and strings.",
    """
    Names become parameter names in other tools, where letters that only look alike cause
    trouble. Typographic spaces and quotes usually come from text that was pasted from a web
    page.
    """,
    _net("y = 2.0 × x"),
    _net("y = 2.0 * x"),
)

UNCLOSED_STRING = Rule(
    "unclosed-string",
    "A string ends on the line where it starts.",
    r"""
    A string cannot span lines, so a missing quote is reported on its own line and not at the
    end of the file. Write `\n` for a newline inside a string.
    """,
    _net('y = einsum("nd,md->nd, x, x)'),
    _net('y = einsum("nd,md->nd", x, x)'),
)

UNKNOWN_ESCAPE = Rule(
    "unknown-escape",
    "A backslash in a string starts one of five escape sequences.",
    r"""
    The escape sequences are `\n`, `\t`, `\r`, `\"` and `\\`. A backslash before any other
    character is usually part of a Windows path, and must be doubled.
    """,
    _with(r'folder = "data\images"', "relu(x)"),
    _with(r'folder = "data\\images"', "relu(x)"),
)

NUMBER_FORM = Rule(
    "number-form",
    "Numbers are written `3`, `60_000`, `0.5` or `1e-3`.",
    """
    A decimal point and an underscore need a digit on both sides: `0.5`, `60_000`. A letter
    cannot follow a number. Forms such as `.5` and `3x` are easily misread, and are not
    accepted.
    """,
    _net("y = dropout(x, .5)"),
    _net("y = dropout(x, 0.5)"),
)

UNCLOSED_BRACKET = Rule(
    "unclosed-bracket",
    "Every opening bracket has a closing bracket.",
    """
    Newlines have no meaning, so only a bracket marks the end of a call or a body. The message
    points to the first token that cannot be inside the bracket.
    """,
    _net("h = relu(dense(x, 8)", "y = dense(h, 8)"),
    _net("h = relu(dense(x, 8))", "y = dense(h, 8)"),
)

MISMATCHED_BRACKET = Rule(
    "mismatched-bracket",
    "A closing bracket matches the bracket that is open.",
    """
    `(` is closed by `)`, `[` by `]`, and `{` by `}`. Parentheses call and group, square
    brackets build and index lists and tensors, and braces enclose a body.
    """,
    _net("y = relu(x]"),
    _GOOD,
)

STRAY_BRACKET = Rule(
    "stray-bracket",
    "A closing bracket has an opening bracket.",
    """
    No bracket is open at this position. Usually there is one closing bracket too many, or the
    opening bracket was deleted.
    """,
    _net("y = relu(x))"),
    _GOOD,
)

LOOSE_BRACKET = Rule(
    "loose-bracket",
    "The bracket of a call or an index is on the same line as its callee.",
    """
    Newlines have no meaning, so a `(` or `[` at the start of a line would silently call or
    index the value at the end of the previous line. It must therefore be on the same line as
    that value.
    """,
    _net("y = relu", "  (x)"),
    _GOOD,
)

RESERVED_WORD = Rule(
    "reserved-word",
    "A keyword cannot be used as a name.",
    """
    The keywords of the language are reserved everywhere, so that a keyword means the same in
    every position. Names of settings and of types are not reserved.
    """,
    _net("step = dense(x, 8)", "y = relu(step)"),
    _net("first = dense(x, 8)", "y = relu(first)"),
)

FOREIGN_KEYWORD = Rule(
    "foreign-keyword",
    "Keywords of other languages are written differently here.",
    """
    Programs often start as code for another framework. netlang has no `def`, `class`, `let`,
    `return` or `True`; the message shows the equivalent.
    """,
    _with("def twice(x): return x + x", "twice(x)"),
    _with("op twice(x) = x + x", "twice(x)"),
)

FOREIGN_OPERATOR = Rule(
    "foreign-operator",
    "Operators and punctuation of other languages are written differently here.",
    """
    Statements do not end in `;`, comments start with `#`, strings use double quotes, and
    `and`, `or` and `not` are keywords. The message shows the equivalent.
    """,
    _net("y = relu(x);"),
    _GOOD,
)

WRONG_ARROW = Rule(
    "wrong-arrow",
    "`->` precedes outputs, and `|>` connects the stages of a pipeline.",
    """
    The two arrows have different meanings: `->` introduces the outputs of a definition, and
    `|>` passes a value on to the next stage. They are not interchangeable.
    """,
    _net("y = x -> relu"),
    _net("y = x |> relu"),
)

KEYWORD_ORDER = Rule(
    "keyword-order",
    "`if`, `then`, `else` and `for` have a fixed order.",
    """
    A conditional is written `if condition then a else b`, and a list comprehension `[value
    for name in values]`. No other order is accepted.
    """,
    _net("y = x if true else relu(x)"),
    _net("y = if true then x else relu(x)"),
)

MISSING_KEYWORD = Rule(
    "missing-keyword",
    "`if` needs `then` and `else`, and `for` needs `in`.",
    """
    `if` is an expression, so it needs a value for both cases, after `then` and after `else`.
    `for` names what it iterates over after `in`.
    """,
    _net("y = if true then x"),
    _net("y = if true then x else relu(x)"),
)

MISPLACED_KEYWORD = Rule(
    "misplaced-keyword",
    "Imports come first, and statements belong in a body.",
    """
    A file starts with its version and its imports. They are followed by definitions,
    constants and assertions; every other statement belongs in the body of a definition.
    """,
    "next size = 8\n\n" + _GOOD,
    _GOOD,
)

CAPITAL_NAME = Rule(
    "capital-name",
    "Nets and dimensions start with an uppercase letter, everything else with a lowercase letter.",
    """
    Inside a shape, an uppercase name is a dimension and a lowercase name is a value. A
    misspelled value is therefore reported as unknown, and never silently becomes a new
    dimension.
    """,
    _with("Width = 8", "dense(x, Width)"),
    _with("width = 8", "dense(x, width)"),
)

PIPE_MIX = Rule(
    "pipe-mix",
    "An operator and `|>` in one expression need parentheses.",
    """
    The precedence of `a + b |> relu` is not obvious, so the language does not define one.
    Parentheses make the order explicit.
    """,
    _net("y = x + x |> relu"),
    _net("y = (x + x) |> relu"),
)

CHAINED_COMPARISON = Rule(
    "chained-comparison",
    "A comparison has two operands.",
    """
    The result of a comparison is a bool, so `a < b < c` would compare `c` with a bool. Write
    two comparisons, connected by `and`.
    """,
    _net("y = if 1 < 2 < 3 then x else relu(x)"),
    _net("y = if 1 < 2 and 2 < 3 then x else relu(x)"),
)

MISSING_OPERAND = Rule(
    "missing-operand",
    "A binary operator has an operand on both sides.",
    """
    One operand of this operator is missing. Newlines have no meaning: an expression that ends
    in `+` continues on the next line.
    """,
    _net("h = x +", "y = relu(h)"),
    _net("h = x + x", "y = relu(h)"),
)

TWO_STATEMENTS = Rule(
    "two-statements",
    "Each statement starts on its own line.",
    """
    Statements are separated by nothing but the line they start on. This catches two
    statements that were accidentally merged, and a missing `|>` between two stages.
    """,
    _net("h = dense(x, 8) relu", "y = dense(h, 8)"),
    _net("h = dense(x, 8) |> relu", "y = dense(h, 8)"),
)

MISSING_EQUALS = Rule(
    "missing-equals",
    "A statement assigns a value to a name with `=`.",
    """
    `=` precedes a value and `:` precedes a type, everywhere. A statement is `name = value`,
    or `name: type = value` if the type is to be checked.
    """,
    _net("y relu(x)"),
    _GOOD,
)

BARE_EXPRESSION = Rule(
    "bare-expression",
    "A value is bound to a name.",
    """
    Values are immutable, so a call whose result has no name would have no effect. The name is
    also the prefix of the parameters that the call creates.
    """,
    _net("dense(x, 8)", "y = x"),
    _net("y = dense(x, 8)"),
)

STRAY_YIELD = Rule(
    "stray-yield",
    "`yield` appears only in a `for` or a `scan`.",
    """
    `yield` appends a value to the list that a `for` or a `scan` returns. A net returns its
    outputs by name.
    """,
    _net("y = relu(x)", "yield y"),
    _GOOD,
)

TWO_YIELDS = Rule(
    "two-yields",
    "An iteration of a loop yields one value.",
    """
    The list that a loop returns has one element per iteration. To yield two values, yield a
    tuple of both.
    """,
    _net(
        "_, y = for i in 1..3 with h = x {",
        "  yield relu(h)",
        "  yield sigmoid(h)",
        "  next h = tanh(h)",
        "}",
    ),
    _net(
        "_, y = for i in 1..3 with h = x {",
        "  yield (relu(h), sigmoid(h))",
        "  next h = tanh(h)",
        "}",
    ),
)

STRAY_NEXT = Rule(
    "stray-next",
    "`next` assigns to a carried value or a state.",
    """
    `next` sets the value that a name has in the next iteration of a loop, or in the next call
    of a net. The name must be introduced by `with` or by `state`.
    """,
    _net("y = x + h", "next h = y"),
    _net("state h: f32[N, 8] = 0.0", "y = x + h", "next h = y"),
)

TWO_NEXTS = Rule(
    "two-nexts",
    "A carried value has one `next`.",
    """
    A name has one value, and a carried value has one next value. Bind intermediate values to
    names of their own.
    """,
    _net(
        "y = for i in 1..3 with h = x {",
        "  next h = dense(h, 8)",
        "  next h = relu(h)",
        "}",
    ),
    _net(
        "y = for i in 1..3 with h = x {",
        "  wide = dense(h, 8)",
        "  next h = relu(wide)",
        "}",
    ),
)

MISSING_NEXT = Rule(
    "missing-next",
    "Each carried value and each state has a `next`.",
    """
    A value that a loop carries, or that a state stores, is updated with `next`. Without it,
    the value would be the same in every iteration.
    """,
    _net("state h: f32[N, 8] = 0.0", "y = x + h"),
    _net("state h: f32[N, 8] = 0.0", "y = x + h", "next h = y"),
)

MISSING_COMMA = Rule(
    "missing-comma",
    "Items are separated by commas.",
    """
    Arguments, parameters and the items of a list are separated by commas. Two items have no
    comma between them here.
    """,
    _net("y = dense(x 8)"),
    _net("y = dense(x, 8)"),
)

STRAY_COMMA = Rule(
    "stray-comma",
    "A comma follows an item.",
    """
    There is no item before this comma. A trailing comma is allowed, but two in a row are not.
    """,
    _net("y = dense(x,, 8)"),
    _net("y = dense(x, 8)"),
)

MISSING_NAME = Rule(
    "missing-name",
    "A name follows `.`, `as`, `new` and the keywords that define something.",
    """
    The name identifies what is defined or accessed. It is missing here, or something else is
    written in its position.
    """,
    _net("y = dense(x, 8) as"),
    _net("y = dense(x, 8) as last"),
)

MISSING_COLON = Rule(
    "missing-colon",
    "`:` separates a name from its type.",
    """
    `:` precedes a type and `=` precedes a value, everywhere. In a signature the type follows
    the name: `x: f32[N, 8]`.
    """,
    _with("op twice(x f32[N, D]) = x + x", "twice(x)"),
    _with("op twice(x: f32[N, D]) = x + x", "twice(x)"),
)

POSITIONAL_AFTER_NAMED = Rule(
    "positional-after-named",
    "Positional arguments precede named arguments.",
    """
    Positional arguments are assigned to the parameters from left to right. After a named
    argument it would be unclear which parameter a positional one belongs to.
    """,
    _net("y = dense(x, bias=false, 8)"),
    _net("y = dense(x, 8, bias=false)"),
)

DUPLICATE_ARGUMENT = Rule(
    "duplicate-argument",
    "An argument is passed once.",
    """
    A parameter has one value, so the same named argument cannot be passed twice. Remove one
    of them.
    """,
    _net("y = dense(x, 8, bias=true, bias=false)"),
    _net("y = dense(x, 8, bias=false)"),
)

DUPLICATE_PARAMETER = Rule(
    "duplicate-parameter",
    "The parameters of a signature have distinct names.",
    """
    Neither the body nor a named argument could tell two parameters of the same name apart.
    The same applies to outputs.
    """,
    _with("op plus(a, a) = a + a", "plus(x, x)"),
    _with("op plus(a, b) = a + b", "plus(x, x)"),
)

STRAY_STAR = Rule(
    "stray-star",
    "`*` appears at most once in a signature, followed by parameters.",
    """
    The parameters after `*` are passed by name only. A second `*`, or one with no parameters
    after it, has no effect.
    """,
    _with("op scaled(x, *, by: float = 2.0, *) = x * by", "scaled(x)"),
    _with("op scaled(x, *, by: float = 2.0) = x * by", "scaled(x)"),
)

MISSING_PARAMETERS = Rule(
    "missing-parameters",
    "A definition has a parameter list.",
    """
    Every definition has a parameter list, which may be empty: `()`. A value without
    parameters is a constant: `width = 16`.
    """,
    _with("op two = 2.0", "x * two()"),
    _with("op two() = 2.0", "x * two()"),
)

MISSING_OUTPUTS = Rule(
    "missing-outputs",
    "The signature of a net declares its outputs.",
    """
    The signature of a net is its documentation and its interface in ONNX. It therefore
    declares the names and types of the outputs.
    """,
    "net Net(x: f32[N, 8]) {\n  y = relu(x)\n}\n",
    _GOOD,
)

MISSING_BODY = Rule(
    "missing-body",
    "A definition and a loop have a body.",
    """
    The body of a definition is enclosed in braces, with one statement per line; a single
    expression may follow `=` instead. A loop always has braces.
    """,
    _with("op twice(x) -> y", "twice(x)"),
    _with("op twice(x) -> y = x + x", "twice(x)"),
)

UNEXPECTED_TOKEN = Rule(
    "unexpected-token",
    "A token is allowed by the grammar.",
    """
    The grammar does not allow this token in this position. The message lists the tokens that
    it does allow.
    """,
    _net("y = concat({x, x}, axis=1)[:, 0:8]"),
    _net("y = concat([x, x], axis=1)[:, 0:8]"),
)

UNEXPECTED_END = Rule(
    "unexpected-end",
    "A file ends after a complete statement.",
    """
    The file ends in the middle of a statement. It may have been truncated, or it is still
    being written.
    """,
    "size =",
    _with("size = 8", "dense(x, size)"),
)
