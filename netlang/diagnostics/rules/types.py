"""Rules about types: which values are allowed where, while checking and at run time."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import Rule

WRONG_TYPE = Rule(
    "wrong-type",
    "A value has the type that its position requires.",
    """
    An argument must have the type of its parameter, and only an int is implicitly converted
    to a float. Common errors are a string instead of a bare word (`pad="same"`), a float
    instead of an int (`256.0`), a number instead of a duration (`10` instead of `10 epochs`),
    and a single value instead of a list.
    """,
    'net Small(x: f32[N, 3, 8, 8]) -> y: f32[N, 4, 8, 8] = conv(x, 4, 3, pad="same")',
    "net Small(x: f32[N, 3, 8, 8]) -> y: f32[N, 4, 8, 8] = conv(x, 4, 3, pad=same)",
)

WRONG_ORDER = Rule(
    "wrong-order",
    "Arguments are in the order of the parameters.",
    """
    Positional arguments are assigned to the parameters from left to right: the tensor first,
    then the sizes; the logits first, then the labels. `netlang explain` shows the order.
    """,
    "net Small(x: f32[N, 8]) -> y: f32[N, 2] = dense(2, x)",
    "net Small(x: f32[N, 8]) -> y: f32[N, 2] = dense(x, 2)",
)

DTYPE_MISMATCH = Rule(
    "dtype-mismatch",
    "Element types are converted explicitly with `cast`.",
    """
    Element types are never converted implicitly: class indices are `i64`, images are `f32`,
    and a comparison returns `bool`. To convert, write `cast(x, f32)`.
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
    "The condition of an `if` is known while the file is checked.",
    """
    `if` chooses between two architectures while the file is checked, so its condition must be
    known then. The elements of a tensor are only known at run time. To choose between two
    tensors element by element, use `select(mask, a, b)`.
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
    `x[:, 3]` selects positions that are known while the file is checked. To index with the
    elements of a tensor, use `gather` (rows of a table) or `take_along` (one position per
    row).
    """,
    "net Pick(x: f32[N, 8], at: i64[]) -> y: f32[N] = x[:, at]",
    "net Pick(x: f32[N, 8], at: i64[]) -> y: f32[N] = gather(x, at, axis=1)",
)

NOT_A_CONDITION = Rule(
    "not-a-condition",
    "A condition is a bool.",
    """
    A condition is true or false. Numbers are not converted to bool: write a comparison,
    `depth > 0`.
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
    "`for` iterates over lists and ranges, `scan` over tensors.",
    """
    `for` is unrolled while the file is checked: it iterates over a list or a range, and each
    iteration has its own parameters. To iterate along the time axis of a tensor at run time,
    with shared parameters, use `scan`.
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
    Top-level values are computed while the file is checked: numbers, strings, lists, blocks.
    Tensors are computed at run time, so they belong in a net or a block.
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
    `y, h = f(x)` unpacks a call with two results, a tuple of two, or a list of two. The
    counts must match; `_` discards a value. A loop over pairs has two names before `in`, and
    `zip` takes lists of equal length.
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
    "A divisor is not zero.",
    """
    This division is evaluated while the file is checked, and its divisor is zero. Often a
    count was set to 0 to disable something; use `if` instead.
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
    "A decision made while checking depends only on known sizes.",
    """
    A symbolic dimension, such as `H` in `f32[N, 3, H, W]`, may have any size at run time. It
    can therefore not decide which layers exist, and it cannot become a float. Arithmetic on
    it is allowed (`H // 2`), and a clause such as `where H % 2 == 0` states facts about it.
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
    "A shape is a type and not a value.",
    """
    A shape such as `f32[N, 10]` is a type. It appears in signatures, in a binding (`h: f32[N,
    10] = ...`), or in a pipeline, where it is checked: `x |> f32[N, 10] |> relu`. It cannot
    be used as a value.
    """,
    "net Small(x: f32[N, 8]) -> y: f32[N, 8] = x + f32[N, 8]",
    "net Small(x: f32[N, 8]) -> y: f32[N, 8] = x |> f32[N, 8] |> relu",
)
