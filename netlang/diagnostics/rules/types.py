"""Rules about types: what kind of value goes where, and at which of the two times."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import Rule

WRONG_TYPE = Rule(
    "wrong-type",
    "A value is of the kind its place needs.",
    """
    A parameter takes what its type says, and nothing is converted silently but an int to a
    float. The usual mistakes: a string where a bare word belongs (`pad="same"`), a float
    where an int belongs (`256.0`), a bare number where a duration belongs (`10` for
    `10 epochs`), one value where a list belongs.
    """,
    'net Small(x: f32[N, 3, 8, 8]) -> y: f32[N, 4, 8, 8] = conv(x, 4, 3, pad="same")',
    "net Small(x: f32[N, 3, 8, 8]) -> y: f32[N, 4, 8, 8] = conv(x, 4, 3, pad=same)",
)

WRONG_ORDER = Rule(
    "wrong-order",
    "Arguments stand in the order of the parameters.",
    """
    Arguments without a name fill the parameters from the left: the tensor first, then the
    sizes; the logits first, then the labels. `netlang explain` shows the order.
    """,
    "net Small(x: f32[N, 8]) -> y: f32[N, 2] = dense(2, x)",
    "net Small(x: f32[N, 8]) -> y: f32[N, 2] = dense(x, 2)",
)

DTYPE_MISMATCH = Rule(
    "dtype-mismatch",
    "Element types are converted by `cast` only.",
    """
    Element types are never converted silently: class numbers are `i64`, images are `f32`, a
    comparison gives `bool`. `cast(x, f32)` converts where that is meant.
    """,
    """
    net Reader(tokens: f32[N, T]) -> y: f32[N, T, 16] {
      y = embedding(tokens, 10_000, 16)
    }
    """,
    """
    net Reader(tokens: i64[N, T]) -> y: f32[N, T, 16] {
      y = embedding(tokens, 10_000, 16)
    }
    """,
)

RUN_TIME_CONDITION = Rule(
    "run-time-condition",
    "`if` chooses while the file is checked.",
    """
    `if` chooses between two architectures while the file is checked, so its condition must be
    known then. The values in a tensor are only known when the network runs. To choose between
    two tensors element by element, use `select(mask, a, b)`.
    """,
    """
    net Gate(x: f32[N, 8], gate: f32[N, 1]) -> y: f32[N, 8] {
      h = dense(x, 8)
      y = if gate > 0.5 then relu(h) else h
    }
    """,
    """
    net Gate(x: f32[N, 8], gate: f32[N, 1]) -> y: f32[N, 8] {
      h = dense(x, 8)
      y = select(gate > 0.5, relu(h), h)
    }
    """,
)

RUN_TIME_INDEX = Rule(
    "run-time-index",
    "An index in brackets is known while the file is checked.",
    """
    `x[:, 3]` picks places that are known while the file is checked. To pick by the numbers in
    a tensor, use `gather` (rows of a table) or `take_along` (one place in each row).
    """,
    "net Pick(x: f32[N, 8], at: i64[]) -> y: f32[N] = x[:, at]",
    "net Pick(x: f32[N, 8], at: i64[]) -> y: f32[N] = gather(x, at, axis=1)",
)

NOT_A_CONDITION = Rule(
    "not-a-condition",
    "A condition is true or false.",
    """
    A condition is a bool. A number is not: write the comparison out, `depth > 0`, so that the
    reader need not know which numbers count as true.
    """,
    """
    depth = 3

    net Small(x: f32[N, 8]) -> y: f32[N, 8] = if depth then relu(x) else x
    """,
    """
    depth = 3

    net Small(x: f32[N, 8]) -> y: f32[N, 8] = if depth > 0 then relu(x) else x
    """,
)

LOOP_OVER_TENSOR = Rule(
    "loop-over-tensor",
    "`for` goes over lists and ranges, `scan` over tensors.",
    """
    `for` is unrolled while the file is checked: it goes over a list or a range, and each turn
    has weights of its own. To go along the time axis of a tensor when the network runs, with
    one set of weights, use `scan`.
    """,
    """
    net Reader(words: f32[N, T, 8]) -> h: f32[N, 16] {
      h = for word in words with s = full([N, 16], 0.0) {
        next s = rnn_cell(word, s, 16)
      }
    }
    """,
    """
    net Reader(words: f32[N, T, 8]) -> h: f32[N, 16] {
      h = scan word in words with s = full([N, 16], 0.0) {
        next s = rnn_cell(word, s, 16)
      }
    }
    """,
)

TENSOR_CONSTANT = Rule(
    "tensor-constant",
    "Tensors are computed in nets and blocks.",
    """
    What stands at the top of a file is settled while it is checked: numbers, strings, lists,
    blocks. Tensors are computed when a network runs, so they belong in a net or a block.
    """,
    """
    table = full([3, 4], 0.5)

    net Small(x: f32[N, 4]) -> y: f32[N, 2] = dense(x, 2)
    """,
    """
    op table() = full([3, 4], 0.5)

    net Small(x: f32[3, 4]) -> y: f32[3, 2] = dense(x + table(), 2)
    """,
)

COUNT_MISMATCH = Rule(
    "count-mismatch",
    "There are as many names as values.",
    """
    `y, h = f(x)` takes apart a call with two results, a pair, or a list of two. The numbers
    must agree; `_` takes a result that is not needed. In a loop over pairs there are two
    names before `in`, and `zip` takes lists of one length.
    """,
    """
    net Reader(x: f32[N, T, 8]) -> y: f32[N, T, 16] {
      y, h = lstm(x, 16)
    }
    """,
    """
    net Reader(x: f32[N, T, 8]) -> y: f32[N, T, 16] {
      y, _, _ = lstm(x, 16)
    }
    """,
)

DIVISION_BY_ZERO = Rule(
    "division-by-zero",
    "Nothing is divided by zero.",
    """
    The division is done while the file is checked, and has no result. Often a parameter that
    counts something was set to 0 to switch it off; choose with `if` instead.
    """,
    """
    groups = 0

    net Small(x: f32[N, 8]) -> y: f32[N, 8] = dense(x, 8 // groups)
    """,
    """
    groups = 1

    net Small(x: f32[N, 8]) -> y: f32[N, 8] = dense(x, 8 // groups)
    """,
)

UNDECIDED_SIZE = Rule(
    "undecided-size",
    "What is decided now depends on sizes known now.",
    """
    A dimension with a name, such as `H` in `f32[N, 3, H, W]`, may have any size when the
    network runs. So it can't decide which layers there are, and it can't become a float.
    Arithmetic on it is fine (`H // 2`), and a clause such as `where H % 2 == 0` makes facts
    about it known.
    """,
    """
    net Small(x: f32[N, 3, H, W]) -> y: f32[N, 3, H, W] {
      y = if H > 32 then relu(x) else x
    }
    """,
    """
    net Small(x: f32[N, 3, 64, W]) -> y: f32[N, 3, 64, W] {
      y = if size(x, 2) > 32 then relu(x) else x
    }
    """,
)

MISPLACED_SHAPE = Rule(
    "misplaced-shape",
    "A shape is a type, and no value.",
    """
    A shape such as `f32[N, 10]` is a type. It stands in signatures, on a binding
    (`h: f32[N, 10] = ...`), or in a pipeline as a remark that is checked:
    `x |> f32[N, 10] |> relu`. By itself it has no value.
    """,
    "net Small(x: f32[N, 8]) -> y: f32[N, 8] = x + f32[N, 8]",
    "net Small(x: f32[N, 8]) -> y: f32[N, 8] = x |> f32[N, 8] |> relu",
)
