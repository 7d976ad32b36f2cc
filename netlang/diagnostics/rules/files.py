"""Rules about files that are read and written."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import Rule

NO_SUCH_FILE = Rule(
    "no-such-file",
    "A file on the command line exists.",
    """
    Paths on the command line are relative to the current folder. There is no file of this
    name.
    """,
    "`netlang check lennet.net`, where there is only `lenet.net`",
    "`netlang check lenet.net`",
    program=False,
)

NOT_A_FILE = Rule(
    "not-a-file",
    "A path on the command line is a regular file.",
    """
    Only regular files are opened. A pipe or a device could block the command forever, and a
    folder contains no text.
    """,
    "`netlang check examples`",
    "`netlang check examples/*.net`",
    program=False,
)

UNREADABLE_FILE = Rule(
    "unreadable-file",
    "A program is readable.",
    """
    The file exists, but the operating system does not open it. The note gives its reason.
    """,
    "a program that belongs to another user and is private",
    "the same program after `chmod +r`",
    program=False,
)

NOT_TEXT = Rule(
    "not-text",
    "A program is UTF-8 text.",
    """
    A program is text in UTF-8. Other kinds of files are recognized by their first bytes, so
    that a model or an image passed by accident is identified as such.
    """,
    "`netlang check model.onnx`, or a program saved as UTF-16",
    "`netlang check model.net`, saved as UTF-8",
    program=False,
)

CANNOT_READ = Rule(
    "cannot-read",
    "Weights and data are readable.",
    """
    The operating system does not open the file. Its reason follows the name.
    """,
    "`--weights` with a path that doesn't exist",
    "`--weights lenet.safetensors`, in the folder where it is",
    program=False,
)

CANNOT_WRITE = Rule(
    "cannot-write",
    "Results can be written.",
    """
    Results are written to a new file in the same folder as the target, which replaces the
    target only when it is complete. A full disk or a missing folder therefore leaves no
    partial file.
    """,
    "`-o models/lenet.onnx`, where there is no folder `models`",
    "`-o lenet.onnx`, or after creating the folder",
    program=False,
)

BAD_FILE = Rule(
    "bad-file",
    "A file has valid contents.",
    """
    Arrays, archives and weights are validated before anything is loaded: lengths, shapes,
    types and checksums must match the contents. This catches files that were truncated while
    copying and files that were crafted to do harm. Pickled objects are never read, since
    unpickling can run arbitrary code.
    """,
    "a `.npy` file whose header promises more numbers than the file has",
    "the file as `numpy.save(path, array, allow_pickle=False)` wrote it",
    program=False,
)

BAD_INPUT = Rule(
    "bad-input",
    "An array matches the signature of the net.",
    """
    The signature declares the name, the element type and the shape of each input. A symbolic
    dimension accepts any size, but the same one everywhere; nothing is converted implicitly.
    """,
    "an array of shape (28, 28) for `image: f32[N, 1, 28, 28]`",
    "an array of shape (1, 1, 28, 28) and type float32",
    program=False,
)

BAD_WEIGHTS = Rule(
    "bad-weights",
    "Weights match the net they are loaded into.",
    """
    Every parameter of a net must be in the file, with its name, shape and element type;
    weights are never loaded partially. `netlang names FILE --diff WEIGHTS` lists the
    differences, including what only the file has.
    """,
    "the weights of a net with 10 classes for one with 37",
    "weights saved from this net",
    program=False,
)

UNKNOWN_FORMAT = Rule(
    "unknown-format",
    "A file has a supported format.",
    """
    The extension of a path determines its format. The message lists the supported ones.
    """,
    "`-o result.txt`",
    "`-o result.npz`",
    program=False,
)

SEVERAL_OUTPUTS = Rule(
    "several-outputs",
    "A `.npy` file contains one array.",
    """
    The net has several outputs, and a `.npy` file contains a single array. An `.npz` file
    stores several, each under its name.
    """,
    "`-o result.npy` for a net with the outputs `boxes` and `scores`",
    "`-o result.npz`",
    program=False,
)

OUTPUT_IS_INPUT = Rule(
    "output-is-input",
    "An output does not overwrite its input.",
    """
    A command never overwrites a file that it reads. Otherwise a typo in a path could destroy
    the program.
    """,
    "`netlang compile lenet.net -o lenet.net`",
    "`netlang compile lenet.net -o lenet.onnx`",
    program=False,
)
