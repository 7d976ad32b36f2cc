"""Rules about the machine and what is installed on it."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import Rule

PROVIDER_MISSING = Rule(
    "provider-missing",
    "The requested hardware is available.",
    """
    The execution provider is never changed silently: a command that requests CUDA runs on
    CUDA or fails with this message. `--provider auto` uses the best available one.
    """,
    "`--provider cuda` on a machine without a graphics card",
    "`--provider auto`",
    program=False,
)

RUN_FAILED = Rule(
    "run-failed",
    "onnxruntime runs the model.",
    """
    The model passed all checks, but onnxruntime could not run it: an operator is missing, or
    the machine ran out of a resource. The message of onnxruntime is repeated, with the
    location in the program if there is one.
    """,
    "an `extern op` of another domain that onnxruntime doesn't know",
    "the same net run with the library that provides the operator",
    program=False,
)

NOT_IN_NUMPY = Rule(
    "not-in-numpy",
    "A net that is compiled to NumPy can be computed with NumPy.",
    """
    `netlang compile --target numpy` writes a program that needs nothing but NumPy. An `extern op`
    takes part in it by the Python function that it names, and NumPy has no elements of type
    bf16.
    """,
    "an `extern op` with the field `onnx` only",
    'the same with `numpy = "package:function"` too',
    program=False,
)

MISSING_LIBRARY = Rule(
    "missing-library",
    "The libraries that a command needs are installed.",
    """
    Checking a program needs few libraries. Running and compiling need those that the message
    names.
    """,
    "`netlang compile` without the package onnx",
    "the same after `pip install onnx`",
    program=False,
)

LIBRARY_VERSION = Rule(
    "library-version",
    "The libraries that a command needs have a supported version.",
    """
    The libraries that read weights and run models change over time. Each is supported from
    the first version with all required features up to its next major version, which may be
    incompatible. A runtime also implements ONNX's operators only up to a certain opset.
    """,
    "`netlang run` with onnxruntime 1.15",
    "the same after `pip install --upgrade onnxruntime`",
    program=False,
)

PILLOW_MISSING = Rule(
    "pillow-missing",
    "Images need Pillow.",
    """
    Images are optional, and so is the library that reads and writes them. Arrays in `.npy`
    files do not need it, nor do the plots of a run as SVG.
    """,
    "`--input image=cat.png` without the package Pillow",
    "the same after `pip install pillow`",
    program=False,
)

SYSTEM = Rule(
    "system",
    "The operating system performs an operation.",
    """
    The operating system did not perform an operation that the command needs. The reason is
    its own: a full disk, a missing permission, a lost connection.
    """,
    "writing to a disk that is full",
    "the same with free space on the disk",
    program=False,
)

INTERNAL = Rule(
    "internal",
    "netlang has no bugs.",
    """
    This is a bug in netlang, whether or not your program is valid. Please report the command
    and the file. Set `NETLANG_DEBUG=1` in the environment to print the details.
    """,
    "any program that triggers a bug in netlang",
    "the same program with the next release",
    program=False,
)

RANKS = Rule(
    "ranks",
    "Every process of a run does an equal part of the same work.",
    """
    With `--parallel mpi`, each of the K processes that `mpiexec` starts (the ranks) computes one
    K-th of every batch, so K divides the batch size. All of them read the same program and the
    same data, also where they are on several machines, and are connected by one MPI: the
    `mpiexec` that starts them and the library that mpi4py loads belong together.
    """,
    "`mpiexec -n 3 netlang train lenet.net --parallel mpi` with `batches(64)`",
    "`mpiexec -n 4 netlang train lenet.net --parallel mpi` with `batches(64)`",
    program=False,
)
