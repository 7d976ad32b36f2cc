"""Rules about names and about the arguments of a call."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import Rule

UNKNOWN_NAME = Rule(
    "unknown-name",
    "A name is defined before it is used.",
    """
    A name is looked up in the body it stands in, then in the file, in its imports, and last
    in the prelude. This one is in none of them. Often it is misspelt, or it is what another
    framework calls the layer: `Linear` is `dense` here, and `Conv2d` is `conv`.
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
    "A value is made before the lines that use it.",
    """
    Statements run in the order they are written, so a value can only be made of values above
    it. A network never goes in circles; to feed a value back, carry it through a loop or keep
    it in a `state`.
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
    "A name has one value.",
    """
    Within a body a name stands for one value. It is also the address of the weights that made
    the value: `h = dense(x, 16)` owns `h.weight` and `h.bias`, and a second `h` would claim
    the same ones. So each step of a network gets a name of its own, or no name at all: a
    pipeline `x |> dense(16) |> relu` needs none in between.
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
    Nets, blocks, ops, datasets, train sections, constants and imports of a file share one set
    of names. So a name means the same everywhere in the file.
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
    Inside a shape, a name that starts with a capital letter is a dimension. It gets its size
    from the shapes of the inputs, and means that size in the whole body. A capital name that
    no input has is nearly always a slip, such as `L` where the input says `T`.
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
    "A named argument is one of the parameters.",
    """
    A named argument must be one of the parameters in the signature of what is called.
    `netlang explain conv` shows that signature, with every default. Parameters keep one name
    in the whole prelude: `stride`, `pad`, `axis`, `out`.
    """,
    "net Small(x: f32[N, 3, 8, 8]) -> y: f32[N, 4, 3, 3] = conv(x, 4, 3, strides=2)",
    "net Small(x: f32[N, 3, 8, 8]) -> y: f32[N, 4, 3, 3] = conv(x, 4, 3, stride=2)",
)

ARGUMENT_TWICE = Rule(
    "argument-twice",
    "An argument is given by position or by name.",
    """
    Arguments without a name fill the parameters from the left. A named one may not give a
    parameter that has been filled already. Remember that in a pipeline the value on the left
    of `|>` is the first argument.
    """,
    "net Small(x: f32[N, 8]) -> y: f32[N, 4] = dense(x, 4, out=4)",
    "net Small(x: f32[N, 8]) -> y: f32[N, 4] = dense(x, out=4)",
)

MISSING_ARGUMENT = Rule(
    "missing-argument",
    "A parameter without a default is given.",
    """
    A parameter without a default must be given. Nothing is guessed where it matters: not the
    rate of `dropout`, not the axis of `concat`, not how an image is scaled up.
    """,
    "net Small(x: f32[N, 3, 8, 8]) -> y: f32[N, 4, 6, 6] = conv(x, 4)",
    "net Small(x: f32[N, 3, 8, 8]) -> y: f32[N, 4, 6, 6] = conv(x, 4, 3)",
)

TOO_MANY_ARGUMENTS = Rule(
    "too-many-arguments",
    "Parameters after `*` are given by name.",
    """
    Parameters after the `*` of a signature are given by name, so that a call such as
    `conv(x, 64, 3, stride=2)` reads without the manual open. The numbers of input channels
    or features are never given: they are read from the shape that comes in.
    """,
    "net Small(x: f32[N, 3, 8, 8]) -> y: f32[N, 4, 3, 3] = conv(x, 4, 3, 2)",
    "net Small(x: f32[N, 3, 8, 8]) -> y: f32[N, 4, 3, 3] = conv(x, 4, 3, stride=2)",
)

NO_FIELD = Rule(
    "no-field",
    "A point takes a part that is there.",
    """
    A point after a value takes a part of it: a result of a call with several (`r.h`), the
    weights of a layer made with `new` (`word.weight`), a column of the batch
    (`batch.image`), a part of a model (`model.stage1`). A tensor has no parts: its sizes are
    named in signatures, and what would be a method elsewhere is a function here.
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
    Only blocks, ops, nets and layers made with `new` can be called. A tensor can't: it flows
    into a layer, `x |> dense(10)`. Beware of a local name that hides a function of the
    prelude: after `sum = a + b`, `sum(x)` would call a tensor.
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
    "A type is one of those the language has.",
    """
    Tensors have an element type and a shape, such as `f32[N, 3]` or `i64[N]`. What is settled
    while a file is checked has a plain type: `int`, `float`, `bool`, `str`, `ints`,
    `padding`, `init`, `duration`, `schedule`, `block`, `op`, a list `[int]`, a tuple
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
    "A value is there to be used.",
    """
    The value is computed and then nothing depends on it. Often a step was left out: the next
    line takes the value before it. If it owns weights, training would never change them.
    This is a warning; a name that starts with `_` says that it is on purpose.
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
    "An input is there to be used.",
    """
    Nothing the net gives depends on this input. Whoever runs the net would have to provide it
    all the same. This is a warning.
    """,
    "net Small(x: f32[N, 8], mask: f32[N, 8]) -> y: f32[N, 2] = dense(x, 2)",
    "net Small(x: f32[N, 8], mask: f32[N, 8]) -> y: f32[N, 2] = dense(x * mask, 2)",
)
