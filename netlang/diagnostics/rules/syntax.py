"""Rules about the syntax of a program."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import GOOD_EXAMPLE, Rule, example, example_after

UNKNOWN_VERSION = Rule(
    "unknown-version",
    "This release of netlang reads version 1 of the language.",
    """
    The first line of a file may state the version of the language. Without that line a file
    is version 1, and always will be: a program keeps its meaning in every later release.
    """,
    "netlang 2\n\n" + GOOD_EXAMPLE,
    "netlang 1\n\n" + GOOD_EXAMPLE,
)

PIPE_MIX = Rule(
    "pipe-mix",
    "An operator and `|>` in one expression need parentheses.",
    """
    The precedence of `a + b |> relu` is not obvious, so the language does not define one.
    Parentheses make the order explicit.
    """,
    example("y = x + x |> relu"),
    example("y = (x + x) |> relu"),
)

CHAINED_COMPARISON = Rule(
    "chained-comparison",
    "A comparison has two operands.",
    """
    The result of a comparison is a bool, so `a < b < c` would compare `c` with a bool. Write
    two comparisons, connected by `and`.
    """,
    example("y = if 1 < 2 < 3 then x else relu(x)"),
    example("y = if 1 < 2 and 2 < 3 then x else relu(x)"),
)

MISSING_OPERAND = Rule(
    "missing-operand",
    "A binary operator has an operand on both sides.",
    """
    One operand of this operator is missing. Newlines have no meaning: an expression that ends
    in `+` continues on the next line.
    """,
    example("h = x +", "y = relu(h)"),
    example("h = x + x", "y = relu(h)"),
)

TWO_STATEMENTS = Rule(
    "two-statements",
    "Each statement starts on its own line.",
    """
    Statements are separated by nothing but the line they start on. This catches two
    statements that were accidentally merged, and a missing `|>` between two stages.
    """,
    example("h = dense(x, 8) relu", "y = dense(h, 8)"),
    example("h = dense(x, 8) |> relu", "y = dense(h, 8)"),
)

MISSING_EQUALS = Rule(
    "missing-equals",
    "A statement assigns a value to a name with `=`.",
    """
    `=` precedes a value and `:` precedes a type, everywhere. A statement is `name = value`,
    or `name: type = value` if the type is to be checked.
    """,
    example("y relu(x)"),
    GOOD_EXAMPLE,
)

BARE_EXPRESSION = Rule(
    "bare-expression",
    "A value is bound to a name.",
    """
    Values are immutable, so a call whose result has no name would have no effect. The name is
    also the prefix of the parameters that the call creates.
    """,
    example("dense(x, 8)", "y = x"),
    example("y = dense(x, 8)"),
)

STRAY_YIELD = Rule(
    "stray-yield",
    "`yield` appears only in a `for` or a `scan`.",
    """
    `yield` appends a value to the list that a `for` or a `scan` returns. A net returns its
    outputs by name.
    """,
    example("y = relu(x)", "yield y"),
    GOOD_EXAMPLE,
)

TWO_YIELDS = Rule(
    "two-yields",
    "An iteration of a loop yields one value.",
    """
    The list that a loop returns has one element per iteration. To yield two values, yield a
    tuple of both.
    """,
    example(
        "_, y = for i in 1..3 with h = x {",
        "  yield relu(h)",
        "  yield sigmoid(h)",
        "  next h = tanh(h)",
        "}",
    ),
    example(
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
    example("y = x + h", "next h = y"),
    example("state h: f32[N, 8] = 0.0", "y = x + h", "next h = y"),
)

TWO_NEXTS = Rule(
    "two-nexts",
    "A carried value has one `next`.",
    """
    A name has one value, and a carried value has one next value. Bind intermediate values to
    names of their own.
    """,
    example(
        "y = for i in 1..3 with h = x {",
        "  next h = dense(h, 8)",
        "  next h = relu(h)",
        "}",
    ),
    example(
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
    example("state h: f32[N, 8] = 0.0", "y = x + h"),
    example("state h: f32[N, 8] = 0.0", "y = x + h", "next h = y"),
)

MISSING_COMMA = Rule(
    "missing-comma",
    "Items are separated by commas.",
    """
    Arguments, parameters and the items of a list are separated by commas. Two items have no
    comma between them here.
    """,
    example("y = dense(x 8)"),
    example("y = dense(x, 8)"),
)

STRAY_COMMA = Rule(
    "stray-comma",
    "A comma follows an item.",
    """
    There is no item before this comma. A trailing comma is allowed, but two in a row are not.
    """,
    example("y = dense(x,, 8)"),
    example("y = dense(x, 8)"),
)

MISSING_NAME = Rule(
    "missing-name",
    "A name follows `.`, `as`, `new` and the keywords that define something.",
    """
    The name identifies what is defined or accessed. It is missing here, or something else is
    written in its position.
    """,
    example("y = dense(x, 8) as"),
    example("y = dense(x, 8) as last"),
)

MISSING_COLON = Rule(
    "missing-colon",
    "`:` separates a name from its type.",
    """
    `:` precedes a type and `=` precedes a value, everywhere. In a signature the type follows
    the name: `x: f32[N, 8]`.
    """,
    example_after("op twice(x f32[N, D]) = x + x", "twice(x)"),
    example_after("op twice(x: f32[N, D]) = x + x", "twice(x)"),
)

POSITIONAL_AFTER_NAMED = Rule(
    "positional-after-named",
    "Positional arguments precede named arguments.",
    """
    Positional arguments are assigned to the parameters from left to right. After a named
    argument it would be unclear which parameter a positional one belongs to.
    """,
    example("y = dense(x, bias=false, 8)"),
    example("y = dense(x, 8, bias=false)"),
)

DUPLICATE_ARGUMENT = Rule(
    "duplicate-argument",
    "An argument is passed once.",
    """
    A parameter has one value, so the same named argument cannot be passed twice. Remove one
    of them.
    """,
    example("y = dense(x, 8, bias=true, bias=false)"),
    example("y = dense(x, 8, bias=false)"),
)

DUPLICATE_PARAMETER = Rule(
    "duplicate-parameter",
    "The parameters of a signature have distinct names.",
    """
    Neither the body nor a named argument could tell two parameters of the same name apart.
    The same applies to outputs.
    """,
    example_after("op plus(a, a) = a + a", "plus(x, x)"),
    example_after("op plus(a, b) = a + b", "plus(x, x)"),
)

STRAY_STAR = Rule(
    "stray-star",
    "`*` appears at most once in a signature, followed by parameters.",
    """
    The parameters after `*` are passed by name only. A second `*`, or one with no parameters
    after it, has no effect.
    """,
    example_after("op scaled(x, *, by: float = 2.0, *) = x * by", "scaled(x)"),
    example_after("op scaled(x, *, by: float = 2.0) = x * by", "scaled(x)"),
)

MISSING_PARAMETERS = Rule(
    "missing-parameters",
    "A definition has a parameter list.",
    """
    Every definition has a parameter list, which may be empty: `()`. A value without
    parameters is a constant: `width = 16`.
    """,
    example_after("op two = 2.0", "x * two()"),
    example_after("op two() = 2.0", "x * two()"),
)

MISSING_OUTPUTS = Rule(
    "missing-outputs",
    "The signature of a net declares its outputs.",
    """
    The signature of a net is its documentation and its interface in ONNX. It therefore
    declares the names and types of the outputs.
    """,
    "net Net(x: f32[N, 8]) {\n  y = relu(x)\n}\n",
    GOOD_EXAMPLE,
)

MISSING_BODY = Rule(
    "missing-body",
    "A definition and a loop have a body.",
    """
    The body of a definition is enclosed in braces, with one statement per line; a single
    expression may follow `=` instead. A loop always has braces.
    """,
    example_after("op twice(x) -> y", "twice(x)"),
    example_after("op twice(x) -> y = x + x", "twice(x)"),
)

UNEXPECTED_TOKEN = Rule(
    "unexpected-token",
    "A token is allowed by the grammar.",
    """
    The grammar does not allow this token in this position. The message lists the tokens that
    it does allow.
    """,
    example("y = concat([x, x], axis=1)[:, 0:8:]"),
    example("y = concat([x, x], axis=1)[:, 0:8]"),
)

UNEXPECTED_END = Rule(
    "unexpected-end",
    "A file ends after a complete statement.",
    """
    The file ends in the middle of a statement. It may have been truncated, or it is still
    being written.
    """,
    "size =",
    example_after("size = 8", "dense(x, size)"),
)
