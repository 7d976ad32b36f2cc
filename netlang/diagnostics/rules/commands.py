"""Rules about the command line."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import Rule

WHICH_NET = Rule(
    "which-net",
    "A net is named if a file has several.",
    """
    If a file has a single net, its name may be omitted. With several nets the command needs
    to know which one to use.
    """,
    "`netlang summary resnet.net`, which has five nets",
    "`netlang summary resnet.net ResNet50`",
    program=False,
)

UNKNOWN_NET = Rule(
    "unknown-net",
    "The named net is in the file.",
    """
    Names of nets start with an uppercase letter and are case-sensitive. The message lists the
    nets of the file.
    """,
    "`netlang summary resnet.net resnet50`",
    "`netlang summary resnet.net ResNet50`",
    program=False,
)

UNKNOWN_SIZE = Rule(
    "unknown-size",
    "A bound size or parameter belongs to the net.",
    """
    `--bind` sets a symbolic dimension, such as `H`, or a parameter of the net, such as
    `classes`. The message lists the ones this net has.
    """,
    "`--bind height=224` for a net over `f32[N, 3, H, W]`",
    "`--bind H=224`",
    program=False,
)

NO_PYTORCH_FORM = Rule(
    "no-pytorch-form",
    "Every part of the net can be written in PyTorch.",
    """
    `--target pytorch` writes each operator as a function of PyTorch and each block as a class. An
    `extern op` of the program has no such function, and neither has an operator that PyTorch
    doesn't offer. The net can be compiled to ONNX instead.
    """,
    "`netlang compile deform.net --target pytorch -o deform.py` of a net that calls an `extern op`",
    "`netlang compile deform.net -o deform.onnx`",
    program=False,
)

UNKNOWN_OUTPUT = Rule(
    "unknown-output",
    "The named output belongs to the net.",
    """
    The outputs are the names after `->` in the signature of the net. With `--only`, the other
    outputs and everything that only they need are omitted.
    """,
    "`--only logit` for a net `-> logits: f32[N, 10]`",
    "`--only logits`",
    program=False,
)

BAD_VALUE = Rule(
    "bad-value",
    "A value on the command line has the type of its parameter.",
    """
    `--bind` and `--set` take a value in the syntax of a program: `classes=10`, `lr=0.01`. It
    is checked against the type in the signature like any other argument.
    """,
    "`--set lr=fast` for `train mlp(lr: float = 0.1)`",
    "`--set lr=0.01`",
    program=False,
)

WHICH_SECTION = Rule(
    "which-section",
    "A train section is named if a file has several.",
    """
    If a file has a single train section, its name may be omitted. With several sections the
    command needs to know which one to use.
    """,
    "`netlang train finetune.net`, which has two train sections",
    "`netlang train finetune.net head`",
    program=False,
)

UNKNOWN_SECTION = Rule(
    "unknown-section",
    "The named train section is in the file.",
    """
    The name of a section follows `train` in the file. The message lists the sections of the
    file.
    """,
    "`netlang train lenet.net lennet`",
    "`netlang train lenet.net lenet`",
    program=False,
)

VOCABULARY_MISSING = Rule(
    "vocabulary-missing",
    "Text needs the vocabulary that the model was trained with.",
    """
    A network takes numbers and not words. The number of each word was determined during
    training and saved next to the weights; with any other vocabulary the inputs would be
    meaningless.
    """,
    "text given to a net without the vocabulary of its training",
    "the same with `--vocab vocab.txt`",
    program=False,
)

UNKNOWN_LAYER = Rule(
    "unknown-layer",
    "The named layer is in the net.",
    """
    A layer is named by the path of its bindings, as its parameters are: `stage2.1.a`.
    `netlang summary` and `netlang names` list all of them.
    """,
    "`netlang explain lenet.net conv1`",
    "`netlang explain lenet.net c1`",
    program=False,
)

UNKNOWN_TOPIC = Rule(
    "unknown-topic",
    "The topic to explain exists.",
    """
    Rules, layers, ops, operators, keywords and settings have a page under their name. So has
    every layer of a file.
    """,
    "`netlang explain convolution`",
    "`netlang explain conv`",
    program=False,
)

UNKNOWN_PASS = Rule(
    "unknown-pass",
    "The named pass exists.",
    """
    `netlang show --after` stops after one of the passes. The message lists them.
    """,
    "`--after folding`",
    "`--after fold-batch-norm`",
    program=False,
)

UNKNOWN_OPSET = Rule(
    "unknown-opset",
    "An opset is supported.",
    """
    An opset is a version of the ONNX operator set. Other tools may require an older one than
    the default. `netlang compile --help` lists what each older one loses.
    """,
    "`--opset 9`",
    "`--opset 13`",
    program=False,
)

OPSET_TOO_OLD = Rule(
    "opset-too-old",
    "An opset has the operators that a network needs.",
    """
    Each version of the ONNX operator set adds operators, and settings of those it has. What an
    older one lacks is written out in its operators where that is possible. `netlang compile --help`
    lists what each opset loses.
    """,
    "`--opset 15` for a net that adds elements with `scatter`",
    "`--opset 16`",
    program=False,
)

FREE_SIZE = Rule(
    "free-size",
    "A size that must be a number is bound.",
    """
    The command needs a number for a symbolic size that no input determines. Set it with
    `--bind`.
    """,
    "a model whose output depends on a size no input has",
    "the same with that size given by `--bind`",
    program=False,
)

PROGRAM_ERRORS = Rule(
    "program-errors",
    "A program is compiled and run only if it has no errors.",
    """
    A program with errors cannot be compiled or run. `netlang check FILE` shows all of them.
    """,
    "`netlang compile` of a program that doesn't pass `netlang check`",
    "the same when the check passes",
    program=False,
)

USAGE = Rule(
    "usage",
    "A command is used as documented.",
    """
    The command has no such option or argument. `netlang COMMAND --help` lists those it has,
    with examples.
    """,
    "`netlang check --stict lenet.net`",
    "`netlang check --strict lenet.net`",
    program=False,
)
