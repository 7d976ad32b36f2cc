"""Rules about how a program is written, before it means anything."""

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
    "This netlang reads version 1 of the language.",
    "A file may start with the version of the language it is written in. Without that line it "
    "is version 1, for ever: what is written today means the same tomorrow.",
    "netlang 2\n\n" + _GOOD,
    "netlang 1\n\n" + _GOOD,
)

FOREIGN_CHARACTER = Rule(
    "foreign-character",
    "Outside of comments and strings a program is ASCII.",
    "Names become the names of weights in other tools, and letters that only look alike don't "
    "belong there. Odd spaces and quotes come along when a program is pasted from a web page.",
    _net("y = 2.0 × x"),
    _net("y = 2.0 * x"),
)

UNCLOSED_STRING = Rule(
    "unclosed-string",
    "A string ends on the line it starts on.",
    "A string ends on the line it starts on, so a forgotten quote is found where it was "
    "forgotten, and not at the end of the file. For a line end inside a string, write "
    "`\\n`.",
    _net('y = einsum("nd,md->nd, x, x)'),
    _net('y = einsum("nd,md->nd", x, x)'),
)

UNKNOWN_ESCAPE = Rule(
    "unknown-escape",
    "A backslash in a string starts one of five escapes.",
    r"In a string, a backslash starts one of five escapes: `\n`, `\t`, `\r`, `\"` and `\\`. "
    "Before anything else it is mostly a part of a path, and is written twice.",
    _with(r'folder = "data\images"', "relu(x)"),
    _with(r'folder = "data\\images"', "relu(x)"),
)

NUMBER_FORM = Rule(
    "number-form",
    "Numbers are written `3`, `60_000`, `0.5`, `1e-3`.",
    "A digit stands on both sides of a point and of an underscore: `0.5`, `60_000`. Nothing "
    "follows a number: `.5` and `3x` are easily misread.",
    _net("y = dropout(x, .5)"),
    _net("y = dropout(x, 0.5)"),
)

UNCLOSED_BRACKET = Rule(
    "unclosed-bracket",
    "Every bracket is closed.",
    "Newlines have no meaning, so only the bracket can say where a call or a body ends. The "
    "message points to the first place that cannot be inside it any more.",
    _net("h = relu(dense(x, 8)", "y = dense(h, 8)"),
    _net("h = relu(dense(x, 8))", "y = dense(h, 8)"),
)

MISMATCHED_BRACKET = Rule(
    "mismatched-bracket",
    "A bracket is closed by its own kind.",
    "`(` is closed by `)`, `[` by `]`, `{` by `}`. Round ones call and group, square ones "
    "make lists and pick from them, and braces hold a body.",
    _net("y = relu(x]"),
    _GOOD,
)

STRAY_BRACKET = Rule(
    "stray-bracket",
    "A closing bracket closes something.",
    "This bracket closes nothing that is open. Mostly one too many was typed, or the "
    "opening one was lost.",
    _net("y = relu(x))"),
    _GOOD,
)

LOOSE_BRACKET = Rule(
    "loose-bracket",
    "The bracket of a call or an index is on the line of what it belongs to.",
    "Newlines have no meaning: a `(` or `[` at the start of a line would silently call or "
    "index what the line before ends with. So it has to stand on the line of what it "
    "belongs to.",
    _net("y = relu", "  (x)"),
    _GOOD,
)

RESERVED_WORD = Rule(
    "reserved-word",
    "The words of the language are no names.",
    "There are 30 words of the language, reserved everywhere, so that no word changes its "
    "meaning with the place it stands in. Names of settings and of types are not reserved.",
    _net("step = dense(x, 8)", "y = relu(step)"),
    _net("first = dense(x, 8)", "y = relu(first)"),
)

FOREIGN_WORD = Rule(
    "foreign-word",
    "Words of other languages have their own spelling here.",
    "Programs often start as code for another framework. netlang has no `def`, `class`, "
    "`let`, `return` or `True`; the message says what it has instead.",
    _with("def twice(x): return x + x", "twice(x)"),
    _with("op twice(x) = x + x", "twice(x)"),
)

FOREIGN_SIGN = Rule(
    "foreign-sign",
    "Signs of other languages have their own spelling here.",
    "No `;` ends a statement, `#` starts a comment, strings have double quotes, and `and`, "
    "`or`, `not` are words. The message says how the sign is written here.",
    _net("y = relu(x);"),
    _GOOD,
)

WRONG_ARROW = Rule(
    "wrong-arrow",
    "`->` stands before outputs, `|>` between the stages of a pipeline.",
    "There are two arrows for two different things: `->` stands before what a definition "
    "gives, `|>` passes a value on to the next stage. Neither can stand for the other.",
    _net("y = x -> relu"),
    _net("y = x |> relu"),
)

WORD_ORDER = Rule(
    "word-order",
    "`if`, `then`, `else` and `for` have one order.",
    "A choice is `if condition then a else b`; a list is `[value for name in values]`. So "
    "both read from left to right, the condition first.",
    _net("y = x if true else relu(x)"),
    _net("y = if true then x else relu(x)"),
)

MISSING_WORD = Rule(
    "missing-word",
    "`if` has `then` and `else`, `for` has `in`.",
    "An `if` is a value, so it says what it is in both cases, after `then` and after "
    "`else`. A `for` says what it goes over after `in`.",
    _net("y = if true then x"),
    _net("y = if true then x else relu(x)"),
)

MISPLACED_WORD = Rule(
    "misplaced-word",
    "Imports come first, and statements belong in a body.",
    "A file starts with its version and its imports. After them stand definitions, constants "
    "and assertions; every other statement belongs in the body of a definition.",
    "next size = 8\n\n" + _GOOD,
    _GOOD,
)

CAPITAL_NAME = Rule(
    "capital-name",
    "Nets and dimensions start with a capital letter, everything else with a small one.",
    "Inside a shape, a name with a capital is a dimension and a name with a small letter is a "
    "value. So a misspelt value is an unknown value, and never silently a new dimension.",
    _with("Width = 8", "dense(x, Width)"),
    _with("width = 8", "dense(x, width)"),
)

PIPE_MIX = Rule(
    "pipe-mix",
    "Operators and `|>` are joined with parentheses only.",
    "Half of all readers would guess `a + b |> relu` wrong, so nobody has to guess. "
    "Parentheses say which comes first.",
    _net("y = x + x |> relu"),
    _net("y = (x + x) |> relu"),
)

CHAINED_COMPARISON = Rule(
    "chained-comparison",
    "A comparison compares two values.",
    "A comparison gives true or false, so `a < b < c` would compare `c` with one of these. "
    "Write two comparisons, joined by `and`.",
    _net("y = if 1 < 2 < 3 then x else relu(x)"),
    _net("y = if 1 < 2 and 2 < 3 then x else relu(x)"),
)

MISSING_OPERAND = Rule(
    "missing-operand",
    "An operator has a value on both sides.",
    "An operator has a value on both sides. Newlines have no meaning: a `+` at the end of a "
    "line goes on with the next one.",
    _net("h = x +", "y = relu(h)"),
    _net("h = x + x", "y = relu(h)"),
)

TWO_STATEMENTS = Rule(
    "two-statements",
    "Each statement starts its own line.",
    "Nothing separates statements but the line they start on. So two that have grown "
    "together, or a `|>` that is missing between two stages, are found at once.",
    _net("h = dense(x, 8) relu", "y = dense(h, 8)"),
    _net("h = dense(x, 8) |> relu", "y = dense(h, 8)"),
)

MISSING_EQUALS = Rule(
    "missing-equals",
    "A statement gives a value to a name with `=`.",
    "`=` gives a value and `:` gives a type, everywhere. A statement is `name = value`, or "
    "`name: type = value` where the type is to be checked.",
    _net("y relu(x)"),
    _GOOD,
)

BARE_EXPRESSION = Rule(
    "bare-expression",
    "A value gets a name.",
    "Values never change, so a call whose result has no name would do nothing. The name is "
    "also the address of the weights the call makes.",
    _net("dense(x, 8)", "y = x"),
    _net("y = dense(x, 8)"),
)

STRAY_YIELD = Rule(
    "stray-yield",
    "`yield` stands in a `for` or a `scan`.",
    "`yield` adds one value to the list that a `for` or a `scan` gives. A net gives its "
    "outputs by name.",
    _net("y = relu(x)", "yield y"),
    _GOOD,
)

TWO_YIELDS = Rule(
    "two-yields",
    "A turn of a loop yields one value.",
    "The list that a loop gives has one element for each turn. Two values of a turn are "
    "yielded together, as a pair.",
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
    "`next` belongs to a carried value or a state.",
    "`next` says what the next turn of a loop, or the next call of a net, finds under a "
    "name. The name was introduced by `with` or by `state`.",
    _net("y = x + h", "next h = y"),
    _net("state h: f32[N, 8] = 0.0", "y = x + h", "next h = y"),
)

TWO_NEXTS = Rule(
    "two-nexts",
    "A carried value has one next value.",
    "A carried value has one next value, as every name has one value. A value on the way to "
    "it gets a name of its own.",
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
    "Each carried value and each state has a next value.",
    "What is carried by a loop or kept in a state gets a new value with `next`. Without one "
    "every turn would find the same value, and nothing would be carried.",
    _net("state h: f32[N, 8] = 0.0", "y = x + h"),
    _net("state h: f32[N, 8] = 0.0", "y = x + h", "next h = y"),
)

MISSING_COMMA = Rule(
    "missing-comma",
    "Commas stand between the items of a list.",
    "Commas stand between arguments, parameters and the items of a list. Without one, two "
    "of them look like one.",
    _net("y = dense(x 8)"),
    _net("y = dense(x, 8)"),
)

STRAY_COMMA = Rule(
    "stray-comma",
    "A comma follows an item.",
    "A comma follows an item. One at the end is fine; two in a row leave a hole.",
    _net("y = dense(x,, 8)"),
    _net("y = dense(x, 8)"),
)

MISSING_NAME = Rule(
    "missing-name",
    "A name follows `.`, `as`, `new` and every word that defines something.",
    "A name follows `.`, `as`, `new` and every word that defines something. It is how the "
    "thing is found again.",
    _net("y = dense(x, 8) as"),
    _net("y = dense(x, 8) as last"),
)

MISSING_COLON = Rule(
    "missing-colon",
    "`:` stands between a name and its type.",
    "`:` gives a type and `=` gives a value, everywhere. In a signature the type follows "
    "the name: `x: f32[N, 8]`.",
    _with("op twice(x f32[N, D]) = x + x", "twice(x)"),
    _with("op twice(x: f32[N, D]) = x + x", "twice(x)"),
)

POSITIONAL_AFTER_NAMED = Rule(
    "positional-after-named",
    "Named arguments follow the positional ones.",
    "Arguments without a name fill the parameters from the left. After a name, nobody can tell "
    "which parameter a bare value is for.",
    _net("y = dense(x, bias=false, 8)"),
    _net("y = dense(x, 8, bias=false)"),
)

DUPLICATE_ARGUMENT = Rule(
    "duplicate-argument",
    "An argument is given once.",
    "An argument is given once: only one of the two could count. Which one would be a guess.",
    _net("y = dense(x, 8, bias=true, bias=false)"),
    _net("y = dense(x, 8, bias=false)"),
)

DUPLICATE_PARAMETER = Rule(
    "duplicate-parameter",
    "The parameters of a signature have different names.",
    "The body could not say which one it means, and neither could a call by name. The same "
    "holds for outputs.",
    _with("op plus(a, a) = a + a", "plus(x, x)"),
    _with("op plus(a, b) = a + b", "plus(x, x)"),
)

STRAY_STAR = Rule(
    "stray-star",
    "`*` stands once in a signature, with parameters after it.",
    "A `*` in a signature says from where on arguments are given by name. So it stands "
    "there once, with parameters after it.",
    _with("op scaled(x, *, by: float = 2.0, *) = x * by", "scaled(x)"),
    _with("op scaled(x, *, by: float = 2.0) = x * by", "scaled(x)"),
)

MISSING_PARAMETERS = Rule(
    "missing-parameters",
    "A definition has a list of parameters.",
    "A definition has a list of parameters, which may be empty: `()`. A value without "
    "parameters is a constant: `width = 16`.",
    _with("op two = 2.0", "x * two()"),
    _with("op two() = 2.0", "x * two()"),
)

MISSING_OUTPUTS = Rule(
    "missing-outputs",
    "A net says what it gives.",
    "The signature of a net is its documentation, its test and its interface in ONNX. So it "
    "says what the net gives, with names and types.",
    "net Net(x: f32[N, 8]) {\n  y = relu(x)\n}\n",
    _GOOD,
)

MISSING_BODY = Rule(
    "missing-body",
    "A definition and a loop have a body.",
    "What a definition computes stands between braces, a statement a line; a single value "
    "may follow `=`. A loop always has braces.",
    _with("op twice(x) -> y", "twice(x)"),
    _with("op twice(x) -> y = x + x", "twice(x)"),
)

UNEXPECTED_TOKEN = Rule(
    "unexpected-token",
    "Something stands where it cannot.",
    "The grammar allows only some words and signs in each place, and this is none of them. "
    "The message names what was expected.",
    _net("y = concat({x, x}, axis=1)[:, 0:8]"),
    _net("y = concat([x, x], axis=1)[:, 0:8]"),
)

UNEXPECTED_END = Rule(
    "unexpected-end",
    "A file does not end in the middle of a statement.",
    "The file ends where something has to follow. Mostly it was cut off, or is still being "
    "written.",
    "size =",
    _with("size = 8", "dense(x, size)"),
)
