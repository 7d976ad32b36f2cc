"""Rules about what is too big or too deep, so that checking always ends soon."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import Rule

NUMBER_TOO_LARGE = Rule(
    "number-too-large",
    "Ints have 64 bits, and floats are finite.",
    """
    Ints stay below 2**63, as sizes do in every tensor library, and floats stay finite. A
    larger number is nearly always a slip, such as a power that was meant to be a product.
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
    "A program asks for a bounded amount of work.",
    """
    Loops are unrolled while a file is checked, and a network that is run or compiled must fit
    into memory. Both are counted before they are done, and refused beyond a limit, so that no
    program can keep the checker busy or fill the memory.
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
    Brackets may be nested 200 levels deep, and calls as well. Nobody writes such a program by
    hand; a generated one can give the inner parts names. (The example has fewer brackets than
    it takes.)
    """,
    "net Small(x: f32[N, 8]) -> y: f32[N, 8] = " + "(" * 220 + "x" + ")" * 220,
    "net Small(x: f32[N, 8]) -> y: f32[N, 8] = ((x))",
)

FILE_TOO_LARGE = Rule(
    "file-too-large",
    "A program has at most 4 MiB.",
    """
    A program is text that people read; the largest hand-written ones have some hundred
    lines. Weights and data belong in files of their own.
    """,
    "a program of 5 MiB, with its weights written out as numbers",
    "a program of some kilobytes, its weights in a `.safetensors` file",
    program=False,
)

OUT_OF_MEMORY = Rule(
    "out-of-memory",
    "What is computed fits into memory.",
    """
    Running a network needs its weights and the values between its layers at once.
    `netlang summary` says how much that is for a given batch. A smaller batch or a smaller
    image needs less.
    """,
    "`netlang run` with a batch of 4,096 images on a machine with 8 GiB",
    "the same with a batch of 64",
    program=False,
)
