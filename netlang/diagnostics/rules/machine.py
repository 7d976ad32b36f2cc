"""Rules about the machine and what is installed on it."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import Rule

PROVIDER_MISSING = Rule(
    "provider-missing",
    "The hardware that is asked for is there.",
    """
    What computes is never changed silently: who asks for CUDA gets CUDA or this message.
    `--provider auto` takes the best there is.
    """,
    "`--provider cuda` on a machine without a graphics card",
    "`--provider auto`",
    program=False,
)

RUN_FAILED = Rule(
    "run-failed",
    "onnxruntime runs what it is given.",
    """
    The model passed our own checks and onnxruntime still could not run it: an operator it
    lacks, or the machine ran out of something. What it said is repeated, with the place in
    the program where there is one.
    """,
    "an `extern op` of another domain that onnxruntime doesn't know",
    "the same net run with the library that provides the operator",
    program=False,
)

MISSING_LIBRARY = Rule(
    "missing-library",
    "What a command needs is installed.",
    """
    Checking a program needs little. Running and compiling need the libraries the message
    names.
    """,
    "`netlang compile` without the package onnx",
    "the same after `pip install onnx`",
    program=False,
)

LIBRARY_VERSION = Rule(
    "library-version",
    "What a command needs is installed in a version it knows.",
    """
    The libraries that read weights and compute change with time. Each is used from the
    version on that has all it must have, up to its next major number, where anything may
    change. A run time also knows ONNX's operators up to some opset, and no later one.
    """,
    "`netlang run` with onnxruntime 1.15",
    "the same after `pip install --upgrade onnxruntime`",
    program=False,
)

PILLOW_MISSING = Rule(
    "pillow-missing",
    "ImageFolder need Pillow.",
    """
    Pictures are optional, and so is the library that reads and draws them. Arrays in `.npy`
    files need none, nor do the curves of a run as SVG.
    """,
    "`--input image=cat.png` without the package Pillow",
    "the same after `pip install pillow`",
    program=False,
)

SYSTEM = Rule(
    "system",
    "The system does what it is asked.",
    """
    The system refused something the command needs. The reason is the system's own: a full
    disk, a missing permission, a lost connection.
    """,
    "writing to a disk that is full",
    "the same with room on the disk",
    program=False,
)

INTERNAL = Rule(
    "internal",
    "netlang has no mistakes of its own.",
    """
    Your file may be right or wrong; either way netlang should have known. Please report the
    command and the file. With `NETLANG_DEBUG=1` in the environment the details are printed.
    """,
    "any program at which netlang stumbles",
    "the same program with the next release",
    program=False,
)
