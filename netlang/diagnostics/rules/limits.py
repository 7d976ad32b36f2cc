"""Rules that limit sizes and depths, so that checking always terminates quickly."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import Rule

NUMBER_TOO_LARGE = Rule(
    "number-too-large",
    "Ints have 64 bits, and floats are finite.",
    """
    Ints are below 2**63, as sizes are in every tensor library, and floats are finite. A
    larger number is usually a typo, such as a power instead of a product.
    """,
    """
    size = 10 ** 30

    net Small(x: f32[N, 8]) -> y: f32[N, 2] = dense(x, 2)
    """,
    """
    size = 10 ** 3

    net Small(x: f32[N, 8]) -> y: f32[N, 2] = dense(x, 2)
    """,
)

TOO_LARGE = Rule(
    "too-large",
    "The work a program requires is bounded.",
    """
    Loops are unrolled while a file is checked, and a network that is run or compiled must fit
    into memory. Both are estimated in advance and rejected beyond a limit, so that no program
    can keep the checker busy or exhaust the memory.
    """,
    """
    net Small(x: f32[N, 8]) -> y: f32[N, 8] {
      y = for i in 1..1_000_000_000 with h = x {
        next h = relu(h)
      }
    }
    """,
    """
    net Small(x: f32[N, 8]) -> y: f32[N, 8] {
      y = for i in 1..100 with h = x {
        next h = relu(h)
      }
    }
    """,
)

TOO_DEEP = Rule(
    "too-deep",
    "Nothing is nested more than 200 levels deep.",
    """
    Brackets may be nested 200 levels deep, and so may calls. No program written by hand
    reaches this limit; a generator can bind inner expressions to names. (The example shows
    fewer brackets than the limit.)
    """,
    "net Small(x: f32[N, 8]) -> y: f32[N, 8] = " + "(" * 220 + "x" + ")" * 220,
    "net Small(x: f32[N, 8]) -> y: f32[N, 8] = ((x))",
)

FILE_TOO_LARGE = Rule(
    "file-too-large",
    "A program has at most 4 MiB.",
    """
    A program is text for people to read; the largest hand-written ones have a few hundred
    lines. Store weights and data in separate files.
    """,
    "a program of 5 MiB, with its weights written out as numbers",
    "a program of some kilobytes, its weights in a `.safetensors` file",
    program=False,
)

OUT_OF_MEMORY = Rule(
    "out-of-memory",
    "A computation fits into memory.",
    """
    Running a network needs memory for its parameters and for the values between its layers.
    `netlang summary` shows how much for a given batch size. A smaller batch or a smaller
    image needs less.
    """,
    "`netlang run` with a batch of 4,096 images on a machine with 8 GiB",
    "the same with a batch of 64",
    program=False,
)
