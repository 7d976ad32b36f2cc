"""Rules about what is said on the command line."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import Rule

WHICH_NET = Rule(
    "which-net",
    "Where a file has several nets, one is named.",
    """
    With one net in a file its name may be left out. With several, the command can't know
    which one is meant.
    """,
    "`netlang summary resnet.net`, which has five nets",
    "`netlang summary resnet.net ResNet50`",
    program=False,
)

UNKNOWN_NET = Rule(
    "unknown-net",
    "A net that is named is in the file.",
    """
    Names of nets start with a capital, and capitals count. The message lists the nets the
    file has.
    """,
    "`netlang summary resnet.net resnet50`",
    "`netlang summary resnet.net ResNet50`",
    program=False,
)

UNKNOWN_SIZE = Rule(
    "unknown-size",
    "A size or parameter that is bound belongs to the net.",
    """
    `--bind` fixes a dimension with a name, such as `H`, or a parameter of the net, such as
    `classes`. The message lists what this net has.
    """,
    "`--bind height=224` for a net over `f32[N, 3, H, W]`",
    "`--bind H=224`",
    program=False,
)

UNKNOWN_OUTPUT = Rule(
    "unknown-output",
    "An output that is named belongs to the net.",
    """
    The outputs are the names after `->` in the signature of the net. With `--only` the
    others, and all that only they need, are left out.
    """,
    "`--only logit` for a net `-> logits: f32[N, 10]`",
    "`--only logits`",
    program=False,
)

BAD_VALUE = Rule(
    "bad-value",
    "A value given on the command line fits its parameter.",
    """
    `--bind` and `--set` take a value as the program would write it: `classes=10`, `lr=0.01`.
    It is checked against the type in the signature like any other argument.
    """,
    "`--set lr=fast` for `train mlp(lr: float = 0.1)`",
    "`--set lr=0.01`",
    program=False,
)

WHICH_SECTION = Rule(
    "which-section",
    "Where a file has several train sections, one is named.",
    """
    With one train section in a file its name may be left out. With several, the command can't
    know which one is meant.
    """,
    "`netlang train finetune.net`, which has two train sections",
    "`netlang train finetune.net head`",
    program=False,
)

UNKNOWN_SECTION = Rule(
    "unknown-section",
    "A train section that is named is in the file.",
    """
    The name after `train` in the file is the name of the section. The message lists the ones
    the file has.
    """,
    "`netlang train lenet.net lennet`",
    "`netlang train lenet.net lenet`",
    program=False,
)

VOCABULARY_MISSING = Rule(
    "vocabulary-missing",
    "Text needs the vocabulary it was trained with.",
    """
    A network reads numbers and not words. Which number stands for which word was settled in
    training and saved beside the weights; another order would make nonsense of every sentence.
    """,
    "text given to a net without the vocabulary of its training",
    "the same with `--vocab vocab.txt`",
    program=False,
)

UNKNOWN_LAYER = Rule(
    "unknown-layer",
    "A layer that is named is in the net.",
    """
    A layer is named by the bindings it stands in, joined by points, as its weights are:
    `stage2.1.a`. `netlang summary` and `netlang names` list them.
    """,
    "`netlang explain lenet.net conv1`",
    "`netlang explain lenet.net c1`",
    program=False,
)

UNKNOWN_THING = Rule(
    "unknown-thing",
    "What is to be explained has a page.",
    """
    Rules, layers, ops and operators have a page under their name. So has every layer of a
    file.
    """,
    "`netlang explain convolution`",
    "`netlang explain conv`",
    program=False,
)

UNKNOWN_PASS = Rule(
    "unknown-pass",
    "A pass that is named exists.",
    """
    `netlang show --after` stops behind one of the passes. The message lists them.
    """,
    "`--after folding`",
    "`--after fold-batch-norm`",
    program=False,
)

UNKNOWN_OPSET = Rule(
    "unknown-opset",
    "An opset is one that can be written.",
    """
    An opset is a version of ONNX's operators. Other tools may ask for an older one than the
    one chosen without the option.
    """,
    "`--opset 9`",
    "`--opset 17`",
    program=False,
)

FREE_SIZE = Rule(
    "free-size",
    "A size that is needed as a number has one.",
    """
    What is asked for needs a number where the net has a name that no input explains. Fix it
    with `--bind`.
    """,
    "a model whose output depends on a size no input has",
    "the same with that size given by `--bind`",
    program=False,
)

MISTAKES = Rule(
    "mistakes",
    "A program is compiled and run without mistakes.",
    """
    What has mistakes is not compiled or run. `netlang check FILE` shows them all.
    """,
    "`netlang compile` of a program that doesn't pass `netlang check`",
    "the same when the check passes",
    program=False,
)

USAGE = Rule(
    "usage",
    "A command is used as its help says.",
    """
    An option or an argument is not one the command takes. `netlang COMMAND --help` shows
    those it does, with examples.
    """,
    "`netlang check --stict lenet.net`",
    "`netlang check --strict lenet.net`",
    program=False,
)
