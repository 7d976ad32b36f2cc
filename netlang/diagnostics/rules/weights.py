"""Rules about parameters: who owns them, and that their shapes are known."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import Rule

WEIGHTS_COLLIDE = Rule(
    "weights-collide",
    "Each call that creates parameters has a unique name.",
    """
    The parameters of a call are named after its binding, or after a label given with `as`. A
    label belongs to the scope that contains it and can be used once. To share parameters
    intentionally, create a layer with `new` and call it twice.
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
    "A shared layer gets the same shapes in every call.",
    """
    A layer created with `new` has one set of parameters, whose shapes are determined by its
    first call. Every later call must have the same number of input features or channels.
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
    "The shape of a parameter is known while the file is checked.",
    """
    Parameters are created before the network sees any input, so their shapes must be numbers.
    The input features of a `dense` or the input channels of a `conv` cannot be symbolic;
    batch, height, width and time can. After `flatten` the number of features depends on the
    size of the image: give the image a fixed size, or apply `global_avg_pool` first.
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
    "Parameters are created in nets and blocks.",
    """
    `param` creates a parameter that is named after its binding. Only a net or a block can own
    parameters; the top level of a file and a `train` section cannot.
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
