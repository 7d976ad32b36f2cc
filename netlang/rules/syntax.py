"""The rules of the syntax: how a program is written, before it means anything."""

from __future__ import annotations

from netlang.rules.rule import Rule

_NET = "net Net(x: f32[N, 8]) -> y: f32[N, 8] {\n"


def _body(*lines: str) -> str:
    return _NET + "".join(f"  {line}\n" for line in lines) + "}\n"


_GOOD = _body("y = relu(x)")

RULES = (
    Rule(
        "unknown-version",
        "This netlang reads version 1 of the language.",
        "A file may start with the version it was written for. No header means version 1 for "
        "ever: what is written today means the same tomorrow.",
        "netlang 2\n\n" + _GOOD,
        "netlang 1\n\n" + _GOOD,
    ),
    # ---- characters, numbers, strings -----------------------------------------------------
    Rule(
        "foreign-character",
        "Outside of comments and strings a program is ASCII.",
        "Names become the names of weights in other tools, and letters that only look alike "
        "do not belong there. Spaces that are none are pasted from web pages.",
        _body("y = relu(\u00d7)"),
        _GOOD,
    ),
    Rule(
        "unclosed-string",
        "A string ends on the line it starts on.",
        "So a forgotten quote is found where it was forgotten.",
        _body('y = einsum("nd,de->ne, x, x)'),
        _body('y = einsum("nd,de->ne", x, x)'),
    ),
    Rule(
        "unknown-escape",
        "A backslash in a string starts one of five escapes.",
        "They are `\\n`, `\\t`, `\\r`, `\\\"` and `\\\\`. Anything else is mostly a path.",
        'folder = "data\\images"\n',
        'folder = "data\\\\images"\n',
    ),
    Rule(
        "number-form",
        "Numbers are written `3`, `60_000`, `0.5`, `1e-3`.",
        "A digit stands on both sides of a point and of an underscore, and nothing follows: `.5` "
        "and `3x` are easily misread.",
        _body("y = dropout(x, .5)"),
        _body("y = dropout(x, 0.5)"),
    ),
    # ---- brackets -------------------------------------------------------------------------
    Rule(
        "unclosed-bracket",
        "Every bracket is closed.",
        "Newlines have no meaning, so only the bracket can say where a call or a body ends.",
        _body("h = relu(dense(x, 8)", "y = dense(h, 8)"),
        _body("h = relu(dense(x, 8))", "y = dense(h, 8)"),
    ),
    Rule(
        "mismatched-bracket",
        "A bracket is closed by its own kind.",
        "`(` by `)`, `[` by `]`, `{` by `}`.",
        _body("y = relu(x]"),
        _GOOD,
    ),
    Rule(
        "stray-bracket",
        "A closing bracket closes something.",
        "Mostly one too many was typed, or the opening one was lost.",
        _body("y = relu(x))"),
        _GOOD,
    ),
    Rule(
        "loose-bracket",
        "The bracket of a call or an index is on the line of what it belongs to.",
        "Newlines have no meaning: a `(` or `[` at the start of a line would silently call or "
        "index what the line before ends with.",
        _body("y = relu", "  (x)"),
        _GOOD,
    ),
    # ---- words ----------------------------------------------------------------------------
    Rule(
        "reserved-word",
        "The words of the language are no names.",
        "There are 30 of them, reserved everywhere, so that no word changes its meaning with "
        "the place it stands in.",
        _body("step = dense(x, 8)", "y = relu(step)"),
        _body("step1 = dense(x, 8)", "y = relu(step1)"),
    ),
    Rule(
        "foreign-word",
        "Words of other languages have their own spelling here.",
        "netlang has no `def`, `class`, `let`, `return` or `True`; it has something for each.",
        "def f(x):\n  return x\n",
        "op f(x) = x\n",
    ),
    Rule(
        "foreign-sign",
        "Signs of other languages have their own spelling here.",
        "No `;` ends a statement, `#` starts a comment, and `and`, `or`, `not` are words.",
        _body("y = relu(x);"),
        _GOOD,
    ),
    Rule(
        "wrong-arrow",
        "`->` stands before outputs, `|>` between the stages of a pipeline.",
        "Two different arrows for two different things: what is promised, and what is done.",
        _body("y = x -> relu"),
        _body("y = x |> relu"),
    ),
    Rule(
        "word-order",
        "`if`, `then`, `else` and `for` have one order.",
        "A choice is `if condition then a else b`; a list is `[value for name in values]`.",
        _body("y = x if true else relu(x)"),
        _body("y = if true then x else relu(x)"),
    ),
    Rule(
        "missing-word",
        "`if` has `then` and `else`, `for` has `in`.",
        "An `if` is a value, so it says what it is in both cases.",
        _body("y = if true then x"),
        _body("y = if true then x else relu(x)"),
    ),
    Rule(
        "misplaced-word",
        "Imports come first, and statements belong in a body.",
        "At the top of a file stand definitions, named values and assertions.",
        _GOOD + 'from "blocks.net" import unit\n',
        'from "blocks.net" import unit\n\n' + _GOOD,
    ),
    Rule(
        "capital-name",
        "Nets and dimensions start with a capital letter, everything else with a small one.",
        "So a misspelt value in a shape is an unknown value, and not by accident a new dimension.",
        "Vocab = 65\n",
        "vocab = 65\n",
    ),
    # ---- operators ------------------------------------------------------------------------
    Rule(
        "pipe-mix",
        "Operators and `|>` are joined with parentheses only.",
        "Half of all readers would guess `a + b |> relu` wrong. Nothing is guessed.",
        _body("y = x + x |> relu"),
        _body("y = (x + x) |> relu"),
    ),
    Rule(
        "chained-comparison",
        "A comparison compares two values.",
        "`a < b < c` would compare `c` with true or false.",
        "between = 1 < 2 < 3\n",
        "between = 1 < 2 and 2 < 3\n",
    ),
    Rule(
        "missing-operand",
        "An operator has a value on both sides.",
        "Newlines have no meaning: a `+` at the end of a line goes on with the next one.",
        _body("h = x +", "y = relu(h)"),
        _body("h = x + x", "y = relu(h)"),
    ),
    # ---- statements -----------------------------------------------------------------------
    Rule(
        "two-statements",
        "Each statement starts its own line.",
        "The grammar needs no separator between statements; this rule finds the place where two "
        "have grown together.",
        _body("h = dense(x, 8) relu", "y = dense(h, 8)"),
        _body("h = dense(x, 8) |> relu", "y = dense(h, 8)"),
    ),
    Rule(
        "missing-equals",
        "A statement gives a value to a name with `=`.",
        "`=` gives a value, `:` gives a type, everywhere.",
        _body("y relu(x)"),
        _GOOD,
    ),
    Rule(
        "bare-expression",
        "A value gets a name.",
        "Values never change, so a call whose result has no name would do nothing; and the name "
        "is the address of the weights.",
        _body("relu(x)", "y = x"),
        _GOOD,
    ),
    Rule(
        "stray-yield",
        "`yield` stands in a `for` or a `scan`.",
        "It adds one value to the list that the loop gives. The outputs of a net are given by "
        "their names.",
        _body("y = relu(x)", "yield y"),
        _GOOD,
    ),
    Rule(
        "two-yields",
        "A turn of a loop yields one value.",
        "The list that a loop gives has one element for each turn.",
        _body("a, b = for i in 1..3 with h = x {", "  yield h", "  yield i", "  next h = h", "}",
              "y = b"),
        _body("a, b = for i in 1..3 with h = x {", "  yield (h, i)", "  next h = h", "}",
              "y = b"),
    ),
    Rule(
        "stray-next",
        "`next` belongs to a carried value or a state.",
        "It says what the next turn of a loop, or the next call of a net, finds under the name.",
        _body("next h = x", "y = relu(x)"),
        _body("state h: f32[N, 8] = 0.0", "next h = x", "y = relu(x + h)"),
    ),
    Rule(
        "two-nexts",
        "A carried value has one next value.",
        "Statements have no order to speak of: one name, one value.",
        _body("y = for i in 1..3 with h = x {", "  next h = dense(h, 8)", "  next h = relu(h)",
              "}"),
        _body("y = for i in 1..3 with h = x {", "  wide = dense(h, 8)", "  next h = relu(wide)",
              "}"),
    ),
    Rule(
        "missing-next",
        "Each carried value and each state has a next value.",
        "Otherwise every turn would find the same value, and nothing would be carried.",
        _body("state h: f32[N, 8] = 0.0", "y = relu(x + h)"),
        _body("state h: f32[N, 8] = 0.0", "y = relu(x + h)", "next h = y"),
    ),
    Rule(
        "stray-state",
        "A `state` belongs to the body of a net or a block.",
        "A loop carries values with `with`; an op is a pure function and remembers nothing.",
        "op f(x: f32[N, 8]) -> y {\n  state h: f32[N, 8] = 0.0\n  next h = x\n  y = x + h\n}\n",
        "block f(x: f32[N, 8]) -> y {\n  state h: f32[N, 8] = 0.0\n  next h = x\n  y = x + h\n}\n",
    ),
    # ---- calls and signatures -------------------------------------------------------------
    Rule(
        "missing-comma",
        "Commas stand between the items of a list.",
        "Without one, two arguments look like one.",
        _body("y = conv(x 8, 3)"),
        _body("y = conv(x, 8, 3)"),
    ),
    Rule(
        "stray-comma",
        "A comma follows an item.",
        "One comma at the end is fine; two in a row leave a hole.",
        _body("y = conv(x,, 8)"),
        _body("y = conv(x, 8)"),
    ),
    Rule(
        "missing-name",
        "A name follows `.`, `as`, `new` and every word that defines something.",
        "The name is how the thing is found again.",
        _body("y = dense(x, 8) as"),
        _body("y = dense(x, 8) as last"),
    ),
    Rule(
        "missing-colon",
        "`:` stands between a name and its type.",
        "`=` gives a value, `:` gives a type, everywhere.",
        "op f(x f32[N]) = x\n",
        "op f(x: f32[N]) = x\n",
    ),
    Rule(
        "positional-after-named",
        "Named arguments follow the positional ones.",
        "After a name, nobody can tell which parameter a bare value is for.",
        _body("y = conv(x, kernel=3, 8)"),
        _body("y = conv(x, 8, kernel=3)"),
    ),
    Rule(
        "duplicate-argument",
        "An argument is given once.",
        "Only one of the two could count.",
        _body("y = conv(x, 8, 3, stride=1, stride=2)"),
        _body("y = conv(x, 8, 3, stride=2)"),
    ),
    Rule(
        "duplicate-parameter",
        "The parameters of a signature have different names.",
        "A call could not say which one it means. The same holds for outputs.",
        "op f(x, x) = x\n",
        "op f(x, y) = x + y\n",
    ),
    Rule(
        "stray-star",
        "`*` stands once in a signature, with parameters after it.",
        "It says from where on arguments must be named.",
        "op f(x, *) = x\n",
        "op f(x, *, scale: float = 1.0) = x * scale\n",
    ),
    Rule(
        "missing-parameters",
        "A definition has a list of parameters.",
        "It may be empty: `()`.",
        "op one = 1\n",
        "op one() = 1\n",
    ),
    Rule(
        "missing-outputs",
        "A net says what it gives.",
        "The signature of a net is its documentation, its test and its interface in ONNX.",
        "net Net(x: f32[N, 8]) {\n  y = relu(x)\n}\n",
        _GOOD,
    ),
    Rule(
        "missing-body",
        "A definition and a loop have a body.",
        "Statements stand between braces; a single value may follow `=`.",
        "block f(x) -> y\n",
        "block f(x) -> y {\n  y = relu(x)\n}\n",
    ),
    # ---- whatever is left -----------------------------------------------------------------
    Rule(
        "unexpected-token",
        "Something stands where it cannot.",
        "The grammar says what may follow; the message names what was expected.",
        _body("y = {1, 2}"),
        _body("y = [1, 2]"),
    ),
    Rule(
        "unexpected-end",
        "A file does not end in the middle of a statement.",
        "Mostly it was cut off, or is still being written.",
        "size =",
        "size = 3\n",
    ),
)  # fmt: skip
