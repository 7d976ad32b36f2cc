"""Rules about definitions, imports, loops and states: the parts a program is made of."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import Rule

NO_DEFINITION = Rule(
    "no-definition",
    "A program defines something.",
    """
    A program defines something: a net, a block, an op, a dataset, a train section or a
    constant. This file has comments at most.
    """,
    "# The network comes later.",
    "net Small(x: f32[N, 4]) -> y: f32[N, 2] = dense(x, 2)",
)

OUTPUT_MISSING = Rule(
    "output-missing",
    "An output gets a value.",
    """
    A signature promises its outputs by name, and the body gives each of them a value with a
    line `name = ...`. There is no `return`.
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
    "Everything gives a value.",
    """
    Everything in the language is there for its value. A loop gives what it carries and what
    it yields; a block gives the outputs its signature names. This one gives neither.
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
    "An op owns no weights.",
    """
    An `op` is a pure function and owns no weights, so one can see at every call that nothing
    is learned there. What makes weights is a `block`.
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
    "No definition is part of itself.",
    """
    Checking a file always ends, because no definition is part of itself, not even through
    others. A network of a given depth is a loop: `for i in 1..depth with h = x { ... }`.
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
    "An imported name is defined in its file.",
    """
    An import takes single names out of another file. The file was found and read, but it
    neither defines nor imports this name.
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
    "A module is one that comes with netlang.",
    """
    A name with points after `from` is a module that comes with netlang. A file of your own is
    imported by its path, in quotes.
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
    "An import stays near the program.",
    """
    A program may come from a stranger. So it reads only `.net` files in its own folder, the
    folder around it, and below: no absolute path, no address, no way out by `..` or through a
    link.
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
    "An imported file is there.",
    """
    The path of an import starts at the folder of the file it stands in. No file of this name
    is there.
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

IMPORT_CIRCLE = Rule(
    "import-circle",
    "Files do not import each other in a circle.",
    """
    Files are read one after the other, each once, so a file can't need one that is still
    being read. What two files both need goes into a third. Here `program.net` imports itself.
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
    A `state` survives from one call of a whole net to the next; the exported model has it as
    one more input and output. A block has no calls of its own to remember: it carries a value
    along a sequence with `scan`.
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
    "A net with a state is called by no other net.",
    """
    The state of a net lives between the calls of that net. Called inside another one, it
    would have no owner and no name at the border. Give the inner value as an input and take
    the next one as an output instead.
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
    "A net computes the same for the same input.",
    """
    A net computes the same result for the same input, so that it can be exported, tested and
    compared. Noise is an input of the net; a `train` section draws it. (Dropout is fine: it
    is random in training only.)
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
    "An extern op says the shape of what it gives.",
    """
    An `extern op` is implemented elsewhere, and its signature is all that is known of it. So
    the shape of each result must follow from the shapes of the arguments.
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
    The signature of a net is its documentation and its interface in other tools. So each
    input says its element type and its shape. Blocks may leave types out.
    """,
    "net Small(x) -> y: f32[N, 2] = dense(x, 2)",
    "net Small(x: f32[N, 8]) -> y: f32[N, 2] = dense(x, 2)",
)

OPEN_PARAMETER = Rule(
    "open-parameter",
    "A parameter of a net that is compiled has a value.",
    """
    A net is summarised and compiled with all its parameters known. A parameter without a
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
    "An input of a net has a fixed number of dimensions.",
    """
    A block may take any shape, `f32[...S]`. A net is the border to other tools, where the
    number of dimensions is fixed; only sizes may stay free, under a name.
    """,
    "net Small(x: f32[N, ...]) -> y: f32[N, ...] = relu(x)",
    "net Small(x: f32[N, C, H, W]) -> y: f32[N, C, H, W] = relu(x)",
)

ASSERTION = Rule(
    "assertion",
    "An assertion holds.",
    """
    `assert` states what must be true while a file is checked: about sizes inside a block, or
    about a whole net at the end of a file. The message shows both sides of a comparison.
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
