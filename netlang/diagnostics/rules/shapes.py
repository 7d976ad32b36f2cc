"""Rules about shapes: sizes that don't fit together, axes that don't exist."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import Rule

SHAPE_MISMATCH = Rule(
    "shape-mismatch",
    "Shapes match where tensors are combined.",
    """
    Shapes are compared wherever tensors are combined: in arithmetic, at the parameters of a
    block, at the outputs in a signature. The message shows both shapes and counts dimensions
    from 0, so dimension 0 is the batch. Because the signature is checked, its author sees a
    wrong size here, and not the users of the model.
    """,
    """
    net Small(x: f32[N, 8]) -> logits: f32[N, 10] {
      h = dense(x, 120) |> relu
      logits = dense(h, 84)
    }
    """,
    """
    net Small(x: f32[N, 8]) -> logits: f32[N, 10] {
      h = dense(x, 120) |> relu
      logits = dense(h, 10)
    }
    """,
)

BROADCAST_BOTH = Rule(
    "broadcast-both",
    "At most one operand is broadcast.",
    """
    A tensor of lower rank is broadcast to the shape of the other operand, but only if the
    other operand stays as it is. `f32[N, 1] - f32[N]` would silently compute all pairs,
    `f32[N, N]`, which is a common error in a loss. Remove the extra dimension, or write
    `unsqueeze` if all pairs are intended.
    """,
    """
    net Price(x: f32[N, 13], paid: f32[N]) -> off: f32[N, N] {
      guess = dense(x, 1)
      off = guess - paid
    }
    """,
    """
    net Price(x: f32[N, 13], paid: f32[N]) -> off: f32[N] {
      guess = dense(x, 1)
      off = squeeze(guess, -1) - paid
    }
    """,
)

RANK_MISMATCH = Rule(
    "rank-mismatch",
    "A tensor has the rank that its position requires.",
    """
    Some operators require a certain number of dimensions: a matrix product at least one on
    each side, an `einsum` one for each letter. `unsqueeze`, `squeeze`, `reshape` and
    `flatten` change the rank.
    """,
    'net Small(a: f32[N, 8], b: f32[N, 8]) -> y: f32[N] = einsum("bij,bij->b", a, b)',
    'net Small(a: f32[N, 8], b: f32[N, 8]) -> y: f32[N] = einsum("bi,bi->b", a, b)',
)

AXIS_OUT_OF_RANGE = Rule(
    "axis-out-of-range",
    "An axis exists in the tensor.",
    """
    Axes are numbered from 0, which is the batch; -1 is the last axis. A tensor of rank 3 has
    the axes 0, 1 and 2, or -3, -2 and -1. An axis may be listed only once.
    """,
    "net Small(x: f32[N, 8]) -> y: f32[N, 8] = softmax(x, axis=2)",
    "net Small(x: f32[N, 8]) -> y: f32[N, 8] = softmax(x, axis=1)",
)

INDEX_OUT_OF_RANGE = Rule(
    "index-out-of-range",
    "An index is within bounds.",
    """
    Indices start at 0, so the last of eight elements has index 7; -1 also denotes the last
    one. The end of a slice is exclusive: `x[:, 0:4]` has four elements.
    """,
    "net Small(x: f32[N, 8]) -> y: f32[N] = x[:, 8]",
    "net Small(x: f32[N, 8]) -> y: f32[N] = x[:, 7]",
)

CONCAT_MISMATCH = Rule(
    "concat-mismatch",
    "Concatenated tensors differ along one axis only.",
    """
    `concat` concatenates tensors along one axis; all other sizes must be equal. `stack` adds
    a new axis, so all sizes must be equal. In a network with skip connections the sizes often
    differ by one because `//` rounds down: a clause such as `where H % 4 == 0` admits only
    sizes that divide.
    """,
    """
    net Join(a: f32[N, 8, 16], b: f32[N, 8, 15]) -> y: f32[N, 16, 16] {
      y = concat([a, b], axis=1)
    }
    """,
    """
    net Join(a: f32[N, 8, 16], b: f32[N, 8, 16]) -> y: f32[N, 16, 16] {
      y = concat([a, b], axis=1)
    }
    """,
)

SPLIT_MISMATCH = Rule(
    "split-mismatch",
    "The parts of a split add up to the whole.",
    """
    `split(x, 3, axis=1)` returns three equal parts, so the size must be divisible by three; a
    list of sizes must add up to it. Nothing is dropped, and no part is shortened silently.
    """,
    """
    net Parts(x: f32[N, 7]) -> y: f32[N, 3] {
      a, b = split(x, 2, axis=1)
      y = a + b
    }
    """,
    """
    net Parts(x: f32[N, 6]) -> y: f32[N, 3] {
      a, b = split(x, 2, axis=1)
      y = a + b
    }
    """,
)

RESHAPE_MISMATCH = Rule(
    "reshape-mismatch",
    "`reshape` preserves the number of elements.",
    """
    `reshape` changes the arrangement of the elements, never their number. One size may be -1:
    it is computed from the others if they divide the number of elements.
    """,
    "net Small(x: f32[N, 100]) -> y: f32[N, 7, 15] = reshape(x, [N, 7, 15])",
    "net Small(x: f32[N, 105]) -> y: f32[N, 7, 15] = reshape(x, [N, 7, 15])",
)

EXPAND_MISMATCH = Rule(
    "expand-mismatch",
    "`expand` repeats axes of size 1.",
    """
    `expand` repeats a tensor along an axis of size 1, and may add axes in front. To repeat a
    longer axis, use `tile`.
    """,
    "net Small(x: f32[N, 3]) -> y: f32[N, 6] = expand(x, [N, 6])",
    "net Small(x: f32[N, 1]) -> y: f32[N, 6] = expand(x, [N, 6])",
)

GROUPS_MISMATCH = Rule(
    "groups-mismatch",
    "The number of channels is divisible by the number of groups.",
    """
    A grouped convolution splits its channels into equal groups and processes each one
    separately. Both the input channels and the output channels must therefore be divisible by
    `groups`.
    """,
    """
    net Small(image: f32[N, 3, 32, 32]) -> y: f32[N, 64, 32, 32] {
      y = conv(image, 64, 3, pad=1, groups=4)
    }
    """,
    """
    net Small(image: f32[N, 4, 32, 32]) -> y: f32[N, 64, 32, 32] {
      y = conv(image, 64, 3, pad=1, groups=4)
    }
    """,
)

WINDOW_TOO_BIG = Rule(
    "window-too-big",
    "A window fits into its input.",
    """
    A window of size k has (n + padding - k) // stride + 1 positions in an input of size n.
    Here that is less than one. Deep networks reach this when the feature map is downsampled
    too often; the note lists its sizes layer by layer.
    """,
    """
    net Deep(image: f32[N, 1, 28, 28]) -> y: f32[N, 64, 4, 4] {
      c1 = image |> conv(32, 5) |> max_pool(2)
      c2 = c1 |> conv(64, 5) |> max_pool(2)
      y = conv(c2, 64, 5)
    }
    """,
    """
    net Deep(image: f32[N, 1, 28, 28]) -> y: f32[N, 64, 4, 4] {
      c1 = image |> conv(32, 5) |> max_pool(2)
      c2 = c1 |> conv(64, 5) |> max_pool(2)
      y = conv(c2, 64, 5, pad=2)
    }
    """,
)

NEEDS_DIVISIBILITY = Rule(
    "needs-divisibility",
    "A symbolic size is known to be divisible where the result depends on it.",
    """
    The result depends on whether a symbolic size is divisible by a number. State it after the
    outputs of the net, `where H % 2 == 0`; running the net with any other size is then an
    error.
    """,
    """
    net Small(x: f32[N, 3, H, W]) -> y: f32[N, 3, H // 2, W // 2] {
      y = max_pool(x, 3, stride=2, pad=same)
    }
    """,
    """
    net Small(x: f32[N, 3, H, W]) -> y: f32[N, 3, H // 2, W // 2] where H % 2 == 0, W % 2 == 0 {
      y = max_pool(x, 3, stride=2, pad=same)
    }
    """,
)

WHERE_FAILS = Rule(
    "where-fails",
    "A call satisfies the `where` clause of its callee.",
    """
    A `where` clause states what a definition requires of its callers. The sizes of this call
    do not satisfy it.
    """,
    """
    block halves(x: f32[N, C]) -> y where C % 2 == 0 = split(x, 2, axis=1)[0]

    net Small(x: f32[N, 7]) -> y: f32[N, 3] = halves(x)
    """,
    """
    block halves(x: f32[N, C]) -> y where C % 2 == 0 = split(x, 2, axis=1)[0]

    net Small(x: f32[N, 6]) -> y: f32[N, 3] = halves(x)
    """,
)

EINSUM_RULE = Rule(
    "einsum-rule",
    "The equation of an `einsum` names every axis.",
    """
    The equation has one letter for each axis of each tensor, `->`, and the letters of the
    result: `"bij,bjk->bik"` is a batched matrix product. A letter that the result lacks is
    summed over, and `...` denotes all axes without a letter.
    """,
    'net Small(a: f32[N, 8], b: f32[N, 8]) -> y: f32[N] = einsum("bi,bi", a, b)',
    'net Small(a: f32[N, 8], b: f32[N, 8]) -> y: f32[N] = einsum("bi,bi->b", a, b)',
)

CARRIED_SHAPE = Rule(
    "carried-shape",
    "The value that a `scan` carries has a constant shape.",
    """
    A `scan` evaluates one body with shared parameters in every step, so the value it carries
    must have the same shape after each step. The same applies to a `state` and its `next`. A
    `for` is unrolled, and shapes may change between iterations.
    """,
    """
    net Reader(words: f32[N, T, 100]) -> h: f32[N, 128] {
      h = scan word in words with s = words[:, 0] {
        next s = tanh(dense(word, 128) + dense(s, 128))
      }
    }
    """,
    """
    net Reader(words: f32[N, T, 100]) -> h: f32[N, 128] {
      h = scan word in words with s = full([N, 128], 0.0) {
        next s = tanh(dense(word, 128) + dense(s, 128))
      }
    }
    """,
)

OUT_OF_RANGE = Rule(
    "out-of-range",
    "An argument is in the valid range.",
    """
    Each parameter has a valid range: sizes, counts and strides are at least 1, a rate is from
    0 up to 1, and a mode is one of the listed words. The message states the range.
    """,
    "net Small(x: f32[N, 3, 8, 8]) -> y: f32[N, 4, 6, 6] = conv(x, 4, 3, stride=0)",
    "net Small(x: f32[N, 3, 8, 8]) -> y: f32[N, 4, 6, 6] = conv(x, 4, 3, stride=1)",
)

AXIS_ORDER = Rule(
    "axis-order",
    "Images are [N, C, H, W]: the batch comes first and the channels second.",
    """
    An input such as [N, 28, 28, 1] is valid, but a convolution reads it as 28 channels of 28x1.
    TensorFlow puts channels last, MATLAB the batch. Declare the input as [N, 1, 28, 28], and
    `transpose` the data.
    """,
    """
    net Digits(image: f32[N, 28, 28, 3]) -> y: f32[N, 10] {
      y = image |> conv(8, 3) |> global_avg_pool |> dense(10)
    }
    """,
    """
    net Digits(image: f32[N, 3, 28, 28]) -> y: f32[N, 10] {
      y = image |> conv(8, 3) |> global_avg_pool |> dense(10)
    }
    """,
)
