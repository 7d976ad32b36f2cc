"""Rules about weights: who owns them, and that their shapes are known."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import Rule

WEIGHTS_COLLIDE = Rule(
    "weights-collide",
    "Each call that makes weights has an address of its own.",
    """
    Every call that makes weights has an address of its own, which is the name of its binding
    or a label given with `as`. A label is a name in the scope where it stands, so it can be
    used once. To share weights on purpose, make a layer with `new` and call it twice.
    """,
    """
    net Small(x: f32[N, 8, 4, 4]) -> y: f32[N, 8, 4, 4] {
      a = x |> conv(8, 1) as c
      y = a |> conv(8, 1) as c
    }
    """,
    """
    net Small(x: f32[N, 8, 4, 4]) -> y: f32[N, 8, 4, 4] {
      a = x |> conv(8, 1) as c
      y = a |> conv(8, 1) as d
    }
    """,
)

SHARED_SHAPE = Rule(
    "shared-shape",
    "A shared layer needs the same shapes in every call.",
    """
    A layer made with `new` has one set of weights, whose shapes its first call settles. Each
    further call must need the same shapes: the same features or channels come in.
    """,
    """
    net Twin(a: f32[N, 32], b: f32[N, 48]) -> d: f32[N, 8] {
      code = new dense(8)
      d = code(a) - code(b)
    }
    """,
    """
    net Twin(a: f32[N, 32], b: f32[N, 32]) -> d: f32[N, 8] {
      code = new dense(8)
      d = code(a) - code(b)
    }
    """,
)

SYMBOLIC_WEIGHT = Rule(
    "symbolic-weight",
    "A weight's shape is known while the file is checked.",
    """
    Weights are made before the network sees any input, so their shapes must be numbers. The
    features that flow into a `dense` or the channels into a `conv` can't have a free name;
    batch, height, width and time can. After `flatten` the features depend on the size of the
    image: give it numbers, or pool it with `global_avg_pool` first.
    """,
    """
    net Small(image: f32[N, 3, H, W]) -> logits: f32[N, 10] {
      c = conv(image, 16, 3)
      logits = c |> flatten |> dense(10)
    }
    """,
    """
    net Small(image: f32[N, 3, H, W]) -> logits: f32[N, 10] {
      c = conv(image, 16, 3)
      logits = c |> global_avg_pool |> dense(10)
    }
    """,
)

MISPLACED_PARAM = Rule(
    "misplaced-param",
    "Weights are made in nets and blocks.",
    """
    `param` makes a weight and gives it the address of the binding it stands in. Only a net or
    a block has such addresses; at the top of a file and in a `train` section there are none.
    """,
    """
    start = param([8])

    net Small(x: f32[N, 8]) -> y: f32[N, 8] = relu(x)
    """,
    """
    net Small(x: f32[N, 8]) -> y: f32[N, 8] {
      start = param([8])
      y = relu(x + start)
    }
    """,
)
