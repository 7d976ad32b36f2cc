"""Rules about files: what is read and what is written."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import Rule

NO_SUCH_FILE = Rule(
    "no-such-file",
    "A file that is named is there.",
    """
    Paths on the command line start at the folder you are in. No file of this name is there.
    """,
    "`netlang check lennet.net`, where there is only `lenet.net`",
    "`netlang check lenet.net`",
    program=False,
)

NOT_A_FILE = Rule(
    "not-a-file",
    "A file is an ordinary file.",
    """
    Only regular files are opened. A pipe or a device could keep the command waiting for ever,
    and a folder holds no text.
    """,
    "`netlang check examples`",
    "`netlang check examples/*.net`",
    program=False,
)

UNREADABLE_FILE = Rule(
    "unreadable-file",
    "A program can be read.",
    """
    The file is there, and the system refuses to open it. Its reason is in the note.
    """,
    "a program that belongs to another user and is private",
    "the same program after `chmod +r`",
    program=False,
)

NOT_TEXT = Rule(
    "not-text",
    "A program is UTF-8 text.",
    """
    A program is text in UTF-8. What other kinds of files look like is recognised by their
    first bytes, so that a model or a picture given in the wrong place is named as such.
    """,
    "`netlang check model.onnx`, or a program saved as UTF-16",
    "`netlang check model.net`, saved as UTF-8",
    program=False,
)

CANNOT_READ = Rule(
    "cannot-read",
    "Weights and data can be read.",
    """
    The system refuses to open the file. Its reason follows the name.
    """,
    "`--weights` with a path that doesn't exist",
    "`--weights lenet.safetensors`, in the folder where it is",
    program=False,
)

CANNOT_WRITE = Rule(
    "cannot-write",
    "Results can be written.",
    """
    Results are written to a new file beside the target, which takes its place only when it is
    complete. So a full disk or a missing folder leaves nothing half-written.
    """,
    "`-o models/lenet.onnx`, where there is no folder `models`",
    "`-o lenet.onnx`, or the folder made first",
    program=False,
)

BAD_FILE = Rule(
    "bad-file",
    "A file is what it claims to be.",
    """
    Arrays, archives and weights are checked before anything is loaded: lengths, shapes, types
    and check sums must agree with what is in the file. A file that was cut off while it was
    copied ends here, and so does one made to harm. Pickled objects are never read, since
    reading one can run code.
    """,
    "a `.npy` file whose header promises more numbers than the file has",
    "the file as `numpy.save(path, array, allow_pickle=False)` wrote it",
    program=False,
)

BAD_INPUT = Rule(
    "bad-input",
    "An array fits the signature of the net.",
    """
    The signature says the name, the element type and the shape of each input. A dimension
    with a name takes any size, the same one everywhere; nothing is converted silently.
    """,
    "an array of shape (28, 28) for `image: f32[N, 1, 28, 28]`",
    "an array of shape (1, 1, 28, 28) and type float32",
    program=False,
)

BAD_WEIGHTS = Rule(
    "bad-weights",
    "Weights fit the net they are for.",
    """
    Every weight of a net must be in the file, with its name, shape and element type; nothing
    is loaded in part. `netlang names FILE --diff WEIGHTS` lists what differs, and what the
    file has beyond it.
    """,
    "the weights of a net with 10 classes for one with 37",
    "weights saved from this net",
    program=False,
)

UNKNOWN_FORMAT = Rule(
    "unknown-format",
    "A file has a format that is read or written here.",
    """
    The ending of a path chooses its format. The message lists the ones there are.
    """,
    "`-o result.txt`",
    "`-o result.npz`",
    program=False,
)

SEVERAL_OUTPUTS = Rule(
    "several-outputs",
    "A `.npy` file holds one array.",
    "A `.npy` file holds one array. Several go into an `.npz`, each under its name.",
    "`-o result.npy` for a net with the outputs `boxes` and `scores`",
    "`-o result.npz`",
    program=False,
)

OUTPUT_IS_INPUT = Rule(
    "output-is-input",
    "A result does not replace what it is made from.",
    """
    A command never writes over a file it reads. Otherwise a slip in a path would cost the
    program it was made from.
    """,
    "`netlang compile lenet.net -o lenet.net`",
    "`netlang compile lenet.net -o lenet.onnx`",
    program=False,
)
