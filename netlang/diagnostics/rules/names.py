"""Rules about names and about the arguments of a call."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import Rule

UNKNOWN_NAME = Rule(
    "unknown-name",
    "A name is defined before it is used.",
    """
    A name is looked up in the enclosing body, then in the file, its imports, and the prelude.
    It was found in none of them. Often it is misspelled, or it is the name of the layer in
    another framework: `Linear` is `dense` here, and `Conv2d` is `conv`.
    """,
    """
    net Small(x: f32[N, 8]) -> y: f32[N, 2] {
      h = Linear(x, 16) |> relu
      y = dense(h, 2)
    }
    """,
    """
    net Small(x: f32[N, 8]) -> y: f32[N, 2] {
      h = dense(x, 16) |> relu
      y = dense(h, 2)
    }
    """,
)

USED_EARLY = Rule(
    "used-early",
    "A value is defined before the lines that use it.",
    """
    Statements are evaluated in the order in which they are written, so a value depends only
    on values above it. A network is an acyclic graph; to feed a value back, carry it through
    a loop or store it in a `state`.
    """,
    """
    net Small(x: f32[N, 8]) -> y: f32[N, 2] {
      y = dense(h, 2)
      h = dense(x, 16)
    }
    """,
    """
    net Small(x: f32[N, 8]) -> y: f32[N, 2] {
      h = dense(x, 16)
      y = dense(h, 2)
    }
    """,
)

ALREADY_BOUND = Rule(
    "already-bound",
    "A name is bound once.",
    """
    Within a body a name denotes one value. It is also the prefix of the parameters of that
    value: `h = dense(x, 16)` owns `h.weight` and `h.bias`, and a second `h` would claim the
    same names. Give each step of a network its own name, or none at all: the stages of a
    pipeline `x |> dense(16) |> relu` need none.
    """,
    """
    net Small(x: f32[N, 8]) -> y: f32[N, 2] {
      h = dense(x, 16) |> relu
      h = dense(h, 16) |> relu
      y = dense(h, 2)
    }
    """,
    """
    net Small(x: f32[N, 8]) -> y: f32[N, 2] {
      h1 = dense(x, 16) |> relu
      h2 = dense(h1, 16) |> relu
      y = dense(h2, 2)
    }
    """,
)

ALREADY_DEFINED = Rule(
    "already-defined",
    "A file defines each name once.",
    """
    Nets, blocks, ops, datasets, train sections, constants and imports of a file share one
    namespace. A name therefore means the same everywhere in the file.
    """,
    """
    width = 16

    width = 32

    net Small(x: f32[N, 8]) -> y: f32[N, 16] = dense(x, width)
    """,
    """
    width = 16

    net Small(x: f32[N, 8]) -> y: f32[N, 16] = dense(x, width)
    """,
)

UNKNOWN_DIMENSION = Rule(
    "unknown-dimension",
    "A dimension gets its size from an input.",
    """
    Inside a shape, a name that starts with an uppercase letter is a dimension. Its size is
    determined by the shapes of the inputs and is the same throughout the body. A dimension
    that no input has is usually a typo, such as `L` where the input has `T`.
    """,
    """
    net Tagger(tokens: i64[N, T]) -> tags: f32[N, L, 17] {
      words = embedding(tokens, 10_000, 100)
      tags = dense(words, 17)
    }
    """,
    """
    net Tagger(tokens: i64[N, T]) -> tags: f32[N, T, 17] {
      words = embedding(tokens, 10_000, 100)
      tags = dense(words, 17)
    }
    """,
)

UNKNOWN_PARAMETER = Rule(
    "unknown-parameter",
    "A named argument matches a parameter.",
    """
    A named argument must be one of the parameters in the callee's signature. `netlang explain
    conv` shows that signature, with all defaults. The prelude uses the same parameter names
    throughout: `stride`, `pad`, `axis`, `out`.
    """,
    "net Small(x: f32[N, 3, 8, 8]) -> y: f32[N, 4, 3, 3] = conv(x, 4, 3, strides=2)",
    "net Small(x: f32[N, 3, 8, 8]) -> y: f32[N, 4, 3, 3] = conv(x, 4, 3, stride=2)",
)

ARGUMENT_TWICE = Rule(
    "argument-twice",
    "An argument is passed either by position or by name.",
    """
    Positional arguments are assigned to the parameters from left to right. A named argument
    cannot set a parameter that already has a value. Note that the value on the left of `|>`
    is the first argument of the stage.
    """,
    "net Small(x: f32[N, 8]) -> y: f32[N, 4] = dense(x, 4, out=4)",
    "net Small(x: f32[N, 8]) -> y: f32[N, 4] = dense(x, out=4)",
)

MISSING_ARGUMENT = Rule(
    "missing-argument",
    "A parameter without a default needs an argument.",
    """
    An argument without a default must be passed. There are no defaults where the choice
    matters: the rate of `dropout`, the axis of `concat`, the interpolation of an image.
    """,
    "net Small(x: f32[N, 3, 8, 8]) -> y: f32[N, 4, 6, 6] = conv(x, 4)",
    "net Small(x: f32[N, 3, 8, 8]) -> y: f32[N, 4, 6, 6] = conv(x, 4, 3)",
)

TOO_MANY_ARGUMENTS = Rule(
    "too-many-arguments",
    "Parameters after `*` are passed by name.",
    """
    Parameters after the `*` of a signature are passed by name, so that a call such as
    `conv(x, 64, 3, stride=2)` can be read without the manual. The numbers of input channels
    or features are never passed: they are inferred from the shape of the input.
    """,
    "net Small(x: f32[N, 3, 8, 8]) -> y: f32[N, 4, 3, 3] = conv(x, 4, 3, 2)",
    "net Small(x: f32[N, 3, 8, 8]) -> y: f32[N, 4, 3, 3] = conv(x, 4, 3, stride=2)",
)

NO_FIELD = Rule(
    "no-field",
    "A field access names a field of the value.",
    """
    `.` accesses a result of a call that returns several (`r.h`), the parameters of a layer
    created with `new` (`word.weight`), a column of the batch (`batch.image`), or a part of a
    model (`model.stage1`). A tensor has no fields: its sizes are named in signatures, and the
    methods of other frameworks are functions here.
    """,
    """
    net Reader(x: f32[N, T, 8]) -> y: f32[N, 16] {
      r = lstm(x, 16)
      y = r.hidden
    }
    """,
    """
    net Reader(x: f32[N, T, 8]) -> y: f32[N, 16] {
      r = lstm(x, 16)
      y = r.h
    }
    """,
)

NOT_CALLABLE = Rule(
    "not-callable",
    "Blocks, ops, nets and layers can be called.",
    """
    Only blocks, ops, nets and layers created with `new` can be called. A tensor is passed to
    a layer: `x |> dense(10)`. Note that a local name shadows a function of the prelude: after
    `sum = a + b`, `sum(x)` would call a tensor.
    """,
    """
    net Small(x: f32[N, 8]) -> y: f32[N, 2] {
      h = dense(x, 16)
      y = h(2)
    }
    """,
    """
    net Small(x: f32[N, 8]) -> y: f32[N, 2] {
      h = new dense(2)
      y = h(x)
    }
    """,
)

UNKNOWN_TYPE = Rule(
    "unknown-type",
    "A type is one of the types of the language.",
    """
    Tensors have an element type and a shape, such as `f32[N, 3]` or `i64[N]`. Values that are
    known while a file is checked have a plain type: `int`, `float`, `bool`, `str`, `ints`,
    `padding`, `init`, `duration`, `schedule`, `block`, `op`, a list `[int]`, or a tuple
    `(int, int)`; a `?` after a type also allows `none`.
    """,
    """
    block wide(x: f32[N, D], factor: number_of_times = 2) -> y = dense(x, factor * D)

    net Small(x: f32[N, 8]) -> y: f32[N, 16] = wide(x)
    """,
    """
    block wide(x: f32[N, D], factor: int = 2) -> y = dense(x, factor * D)

    net Small(x: f32[N, 8]) -> y: f32[N, 16] = wide(x)
    """,
)

UNUSED_BINDING = Rule(
    "unused-binding",
    "A value is used.",
    """
    Nothing depends on this value. Often a step was skipped: the next line uses the value
    before this one. If it owns parameters, they would never be trained. This is a warning; a
    name that starts with `_` marks a value as intentionally unused.
    """,
    """
    net Small(x: f32[N, 8]) -> y: f32[N, 2] {
      a = dense(x, 16) |> relu
      b = dense(a, 16) |> relu
      y = dense(a, 2)
    }
    """,
    """
    net Small(x: f32[N, 8]) -> y: f32[N, 2] {
      a = dense(x, 16) |> relu
      b = dense(a, 16) |> relu
      y = dense(b, 2)
    }
    """,
)

UNUSED_INPUT = Rule(
    "unused-input",
    "An input is used.",
    """
    No output of the net depends on this input, but a caller would still have to provide it.
    This is a warning.
    """,
    "net Small(x: f32[N, 8], mask: f32[N, 8]) -> y: f32[N, 2] = dense(x, 2)",
    "net Small(x: f32[N, 8], mask: f32[N, 8]) -> y: f32[N, 2] = dense(x * mask, 2)",
)
