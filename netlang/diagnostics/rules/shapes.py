"""Rules about shapes: sizes that don't fit together, axes that don't exist."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import Rule

SHAPE_MISMATCH = Rule(
    "shape-mismatch",
    "Shapes fit where tensors meet.",
    """
    Shapes are compared wherever tensors meet: in sums, at the parameters of a block, at the
    outputs a signature promises. The message shows both shapes and counts dimensions from 0,
    so dimension 0 is the batch. A signature is a promise: its author sees a wrong size here,
    and not the users of the model.
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
    "One side of an operator is stretched at most.",
    """
    A tensor of lower rank is repeated to match the other one, but only if it alone has to be
    stretched. `f32[N, 1] - f32[N]` would silently make every pair, `f32[N, N]`: the classic
    mistake in a loss. Drop the extra dimension, or write `unsqueeze` if pairs are meant.
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
    "A tensor has the number of dimensions its place needs.",
    """
    Some operators need a certain number of dimensions: a matrix product at least one on each
    side, an `einsum` as many as its letters. `unsqueeze`, `squeeze`, `reshape` and `flatten`
    change the number.
    """,
    'net Small(a: f32[N, 8], b: f32[N, 8]) -> y: f32[N] = einsum("bij,bij->b", a, b)',
    'net Small(a: f32[N, 8], b: f32[N, 8]) -> y: f32[N] = einsum("bi,bi->b", a, b)',
)

AXIS_OUT_OF_RANGE = Rule(
    "axis-out-of-range",
    "An axis is one the tensor has.",
    """
    Axes are counted from 0, which is the batch; -1 is the last one. A tensor of rank 3 has
    the axes 0, 1 and 2, or -1, -2 and -3. An axis is named once.
    """,
    "net Small(x: f32[N, 8]) -> y: f32[N, 8] = softmax(x, axis=2)",
    "net Small(x: f32[N, 8]) -> y: f32[N, 8] = softmax(x, axis=1)",
)

INDEX_OUT_OF_RANGE = Rule(
    "index-out-of-range",
    "An index lies within what it picks from.",
    """
    Places are counted from 0, so the last one of eight is 7; -1 is the last one as well. The
    end of a slice does not belong to it: `x[:, 0:4]` has four places.
    """,
    "net Small(x: f32[N, 8]) -> y: f32[N] = x[:, 8]",
    "net Small(x: f32[N, 8]) -> y: f32[N] = x[:, 7]",
)

CONCAT_MISMATCH = Rule(
    "concat-mismatch",
    "Tensors that are joined differ along one axis only.",
    """
    `concat` joins tensors along one axis; all other sizes must be equal. `stack` makes a new
    axis, so all sizes must be equal. In a network with skips the sizes often differ by one
    because `//` rounds down: a clause such as `where H % 4 == 0` allows only the sizes that
    divide.
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
    "The parts of a split make the whole.",
    """
    `split(x, 3, axis=1)` makes three equal parts, so the size must divide by three; a list of
    sizes must add up to it. Nothing is left over and nothing is made smaller silently.
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
    "`reshape` keeps the number of elements.",
    """
    `reshape` changes how elements are arranged, never how many there are. One size may be
    left open with -1, and is worked out from the others if they divide.
    """,
    "net Small(x: f32[N, 100]) -> y: f32[N, 7, 15] = reshape(x, [N, 7, 15])",
    "net Small(x: f32[N, 105]) -> y: f32[N, 7, 15] = reshape(x, [N, 7, 15])",
)

EXPAND_MISMATCH = Rule(
    "expand-mismatch",
    "`expand` repeats what has size 1.",
    """
    `expand` repeats what has size 1 along an axis, and may add axes in front. To repeat a
    longer axis as a whole, use `tile`.
    """,
    "net Small(x: f32[N, 3]) -> y: f32[N, 6] = expand(x, [N, 6])",
    "net Small(x: f32[N, 1]) -> y: f32[N, 6] = expand(x, [N, 6])",
)

GROUPS_MISMATCH = Rule(
    "groups-mismatch",
    "Channels divide into the groups.",
    """
    A grouped convolution splits its channels into equal groups and looks at each by itself.
    So both the input's and the output's channels must divide by `groups`.
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
    "A window fits into the image.",
    """
    A window of k positions fits into n + padding positions in (n + padding - k) // stride + 1
    places. Here that is less than one. Deep networks reach this when the map has been halved
    once too often; the note lists the sizes on the way.
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
    "Where a result depends on it, a free size is known to divide.",
    """
    The result depends on whether a size with a name divides by something. Promise it after
    the outputs of the net, `where H % 2 == 0`; whoever runs the net with another size is told
    at once.
    """,
    """
    net Small(x: f32[N, 3, H, W]) -> y: f32[N, 8, ceil(H / 2), W // 2] {
      y = conv(x, 8, 3, stride=2, pad=same)
    }
    """,
    """
    net Small(x: f32[N, 3, H, W]) -> y: f32[N, 8, H // 2, W // 2] where H % 2 == 0, W % 2 == 0 {
      y = conv(x, 8, 3, stride=2, pad=same)
    }
    """,
)

WHERE_FAILS = Rule(
    "where-fails",
    "A call meets the `where` of what it calls.",
    """
    A `where` clause is what a definition asks of its callers. The sizes of this call don't
    meet it.
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
    "The rule of an `einsum` names every axis.",
    """
    The rule has one letter for each axis of each tensor, `->`, and the letters of the result:
    `"bij,bjk->bik"` is a product of matrices for each example. A letter that is missing from
    the result is summed over, and `...` stands for all axes without a letter.
    """,
    'net Small(a: f32[N, 8], b: f32[N, 8]) -> y: f32[N] = einsum("bi,bi", a, b)',
    'net Small(a: f32[N, 8], b: f32[N, 8]) -> y: f32[N] = einsum("bi,bi->b", a, b)',
)

CARRIED_SHAPE = Rule(
    "carried-shape",
    "What a `scan` carries keeps its shape.",
    """
    A `scan` runs one body for every step, with one set of weights, so what it carries must
    have the same shape after each step. The same goes for a `state` and its `next`. A `for`
    is unrolled, and may change shapes from turn to turn.
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
    "A number lies where it makes sense.",
    """
    Each parameter has a range: sizes and counts are at least 1, strides too, a rate lies from
    0 up to 1, a word is one of those listed. The message names the range.
    """,
    "net Small(x: f32[N, 3, 8, 8]) -> y: f32[N, 4, 6, 6] = conv(x, 4, 3, stride=0)",
    "net Small(x: f32[N, 3, 8, 8]) -> y: f32[N, 4, 6, 6] = conv(x, 4, 3, stride=1)",
)
