"""Rules about the parts of a program: definitions, imports, loops and states."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import Rule

NO_DEFINITION = Rule(
    "no-definition",
    "A program contains a definition.",
    """
    A program defines at least one net, block, op, dataset, train section or constant. This
    file contains nothing but comments, or nothing at all.
    """,
    "# The network comes later.",
    "net Small(x: f32[N, 4]) -> y: f32[N, 2] = dense(x, 2)",
)

OUTPUT_MISSING = Rule(
    "output-missing",
    "Every output is assigned a value.",
    """
    A signature declares the outputs, and the body assigns each of them a value with a line
    `name = ...`. There is no `return`.
    """,
    """
    net Two(x: f32[N, 8]) -> (y: f32[N, 8], z: f32[N, 8]) {
      y = relu(x)
    }
    """,
    """
    net Two(x: f32[N, 8]) -> (y: f32[N, 8], z: f32[N, 8]) {
      y = relu(x)
      z = sigmoid(x)
    }
    """,
)

NO_RESULT = Rule(
    "no-result",
    "Every loop and every definition has a result.",
    """
    An expression is evaluated for its value. The result of a loop is what it carries and what
    it yields; the result of a block is the outputs in its signature. This one has neither.
    """,
    """
    net Small(x: f32[N, 8]) -> y: f32[N, 8] {
      _h = for i in 1..3 {
        _a = relu(x)
      }
      y = x
    }
    """,
    """
    net Small(x: f32[N, 8]) -> y: f32[N, 8] {
      y = for i in 1..3 with h = x {
        next h = dense(h, 8) |> relu
      }
    }
    """,
)

OP_CALLS_BLOCK = Rule(
    "op-calls-block",
    "An op owns no parameters.",
    """
    An `op` is a pure function without trainable parameters, which is visible at every call. A
    definition that creates parameters is a `block`.
    """,
    """
    op head(x) = x |> dense(10) |> softmax

    net Small(x: f32[N, 8]) -> y: f32[N, 10] = head(x)
    """,
    """
    block head(x) = x |> dense(10) |> softmax

    net Small(x: f32[N, 8]) -> y: f32[N, 10] = head(x)
    """,
)

RECURSION = Rule(
    "recursion",
    "A definition does not depend on itself.",
    """
    Checking a file always terminates, because no definition may depend on itself, directly or
    indirectly. For a network of a given depth, write a loop: `for i in 1..depth with h = x {
    ... }`.
    """,
    """
    block tower(x, depth: int) = if depth == 0 then x else tower(dense(x, 8), depth - 1)

    net Small(x: f32[N, 8]) -> y: f32[N, 8] = tower(x, 3)
    """,
    """
    block tower(x, depth: int) -> y {
      y = for i in 1..depth with h = x {
        next h = dense(h, 8)
      }
    }

    net Small(x: f32[N, 8]) -> y: f32[N, 8] = tower(x, 3)
    """,
)

UNKNOWN_IMPORT = Rule(
    "unknown-import",
    "An imported name is defined in the imported file.",
    """
    An import lists names of another file. The file was found and read, but it neither defines
    nor imports this name.
    """,
    """
    from "blocks.net" import unti

    net Small(x: f32[N, 8]) -> y: f32[N, 8] = unti(x)
    """,
    """
    from "blocks.net" import unit

    net Small(x: f32[N, 8]) -> y: f32[N, 8] = unit(x)
    """,
)

UNKNOWN_MODULE = Rule(
    "unknown-module",
    "An imported module belongs to the standard library.",
    """
    A dotted name after `from` is a module of netlang's standard library. A file of your own
    is imported by its path, in quotes.
    """,
    """
    from blocks import unit

    net Small(x: f32[N, 8]) -> y: f32[N, 8] = unit(x)
    """,
    """
    from "blocks.net" import unit

    net Small(x: f32[N, 8]) -> y: f32[N, 8] = unit(x)
    """,
)

IMPORT_PATH = Rule(
    "import-path",
    "An import stays inside the program's folders.",
    """
    A program may come from an untrusted source. It can therefore import only `.net` files in
    its own folder, in the parent folder, and below them: absolute paths, URLs, and paths that
    leave these folders through `..` or a link are rejected.
    """,
    """
    from "/etc/blocks.net" import unit

    net Small(x: f32[N, 8]) -> y: f32[N, 8] = unit(x)
    """,
    """
    from "blocks.net" import unit

    net Small(x: f32[N, 8]) -> y: f32[N, 8] = unit(x)
    """,
)

IMPORT_FILE = Rule(
    "import-file",
    "An imported file exists.",
    """
    The path of an import is relative to the folder of the file that contains it. There is no
    such file.
    """,
    """
    from "bloks.net" import unit

    net Small(x: f32[N, 8]) -> y: f32[N, 8] = unit(x)
    """,
    """
    from "blocks.net" import unit

    net Small(x: f32[N, 8]) -> y: f32[N, 8] = unit(x)
    """,
)

IMPORT_CYCLE = Rule(
    "import-cycle",
    "Files do not import each other in a cycle.",
    """
    Each file is read once, and a file cannot import one that is still being read. Move the
    definitions that two files share into a third one. Here `program.net` imports itself.
    """,
    """
    from "program.net" import unit

    net Small(x: f32[N, 8]) -> y: f32[N, 8] = unit(x)
    """,
    """
    from "blocks.net" import unit

    net Small(x: f32[N, 8]) -> y: f32[N, 8] = unit(x)
    """,
)

MISPLACED_STATE = Rule(
    "misplaced-state",
    "Only a net has a state.",
    """
    A `state` persists from one call of a net to the next; the exported model has it as an
    additional input and output. A block is not called from outside: to carry a value along a
    sequence inside a block, use `scan`.
    """,
    """
    block memory(x: f32[N, 8]) -> y {
      state h: f32[N, 8] = 0.0
      next h = x
      y = h
    }

    net Small(x: f32[N, 8]) -> y: f32[N, 8] = memory(x)
    """,
    """
    net Small(x: f32[N, 8]) -> y: f32[N, 8] {
      state h: f32[N, 8] = 0.0
      next h = x
      y = h
    }
    """,
)

NESTED_STATE = Rule(
    "nested-state",
    "A net with a state cannot be called by another net.",
    """
    The state of a net persists between the calls of that net. Inside another net it would
    have no owner and no name in the interface. Pass the value as an input, and return the
    next value as an output.
    """,
    """
    net Memory(x: f32[N, 8]) -> y: f32[N, 8] {
      state h: f32[N, 8] = 0.0
      next h = x
      y = h
    }

    net Small(x: f32[N, 8]) -> y: f32[N, 8] = Memory(x)
    """,
    """
    block memory(x: f32[N, 8], h: f32[N, 8]) -> (y: f32[N, 8], after: f32[N, 8]) {
      y = h
      after = x
    }

    net Small(x: f32[N, 8]) -> y: f32[N, 8] {
      state h: f32[N, 8] = 0.0
      y, h1 = memory(x, h)
      next h = h1
    }
    """,
)

RANDOM_IN_NET = Rule(
    "random-in-net",
    "A net is deterministic.",
    """
    A net computes the same outputs for the same inputs, so that it can be exported, tested
    and compared. Make noise an input of the net; a `train` section samples it. (Dropout is
    allowed: it is random during training only.)
    """,
    """
    net Maker(x: f32[N, 8]) -> y: f32[N, 8] {
      z = random_normal([8])
      y = x + z
    }
    """,
    """
    net Maker(x: f32[N, 8], z: f32[N, 8]) -> y: f32[N, 8] {
      y = x + z
    }
    """,
)

EXTERN_TYPE = Rule(
    "extern-type",
    "An extern op declares the shapes of its results.",
    """
    An `extern op` is implemented outside of netlang, and only its signature is known. The
    shape of each result must therefore follow from the shapes of the arguments.
    """,
    """
    extern op warp(x: f32[N, C]) -> y {
      onnx = "com.acme::Warp"
    }

    net Small(x: f32[N, 8]) -> y: f32[N, 8] = warp(x)
    """,
    """
    extern op warp(x: f32[N, C]) -> y: f32[N, C] {
      onnx = "com.acme::Warp"
    }

    net Small(x: f32[N, 8]) -> y: f32[N, 8] = warp(x)
    """,
)

UNTYPED_INPUT = Rule(
    "untyped-input",
    "An input of a net has a type.",
    """
    The signature of a net is its documentation and its interface in other tools. It therefore
    declares the element type and the shape of each input. Blocks may omit types.
    """,
    "net Small(x) -> y: f32[N, 2] = dense(x, 2)",
    "net Small(x: f32[N, 8]) -> y: f32[N, 2] = dense(x, 2)",
)

OPEN_PARAMETER = Rule(
    "open-parameter",
    "A parameter of a compiled net has a value.",
    """
    A net is summarized and compiled with all its parameters known. A parameter without a
    default gets its value on the command line, `--bind classes=10`, or from the net that
    calls this one.
    """,
    """
    net Small(x: f32[N, 8], classes: int) -> y: f32[N, classes] = dense(x, classes)

    assert params(Small) == 90
    """,
    """
    net Small(x: f32[N, 8], classes: int = 10) -> y: f32[N, classes] = dense(x, classes)

    assert params(Small) == 90
    """,
)

OPEN_SHAPE = Rule(
    "open-shape",
    "An input of a net has a fixed rank.",
    """
    A block may accept any shape, `f32[...S]`. A net is the interface to other tools, where
    the number of dimensions is fixed; sizes may remain symbolic.
    """,
    "net Small(x: f32[N, ...]) -> y: f32[N, ...] = relu(x)",
    "net Small(x: f32[N, C, H, W]) -> y: f32[N, C, H, W] = relu(x)",
)

ASSERTION = Rule(
    "assertion",
    "An assertion holds.",
    """
    `assert` states a condition that must be true while a file is checked: about sizes inside
    a block, or about a whole net at the end of a file. The message shows both sides of a
    comparison.
    """,
    """
    net Small(x: f32[N, 8]) -> y: f32[N, 2] = dense(x, 2)

    assert params(Small) == 16
    """,
    """
    net Small(x: f32[N, 8]) -> y: f32[N, 2] = dense(x, 2)

    assert params(Small) == 18
    """,
)
