"""Rules about runs and their folders."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import Rule

RUN_EXISTS = Rule(
    "run-exists",
    "A new run gets a folder of its own.",
    """
    What a run has written is never written over by another. Without `--run` the first free
    folder is taken: `runs/lenet`, `runs/lenet-2`, and so on.
    """,
    "`netlang train lenet.net --run runs/lenet` a second time",
    "`netlang train lenet.net --run runs/lenet --resume`",
    program=False,
)

NO_RUN = Rule(
    "no-run",
    "A run that goes on was begun.",
    """
    `--resume` goes on with the last run of the section's name, or with the one `--run` names.
    There must be one.
    """,
    "`netlang train lenet.net --resume` where nothing was trained yet",
    "the same after `netlang train lenet.net`",
    program=False,
)

RUN_IN_USE = Rule(
    "run-in-use",
    "One run at a time writes to a folder.",
    """
    A folder is locked while a run is going on in it. The lock is the system's own: it is gone
    with the process, however that ends.
    """,
    "`--run runs/lenet` for two runs at once",
    "`--run runs/lenet` and `--run runs/other`",
    program=False,
)

SETTINGS_CHANGED = Rule(
    "settings-changed",
    "A run goes on as it was begun.",
    """
    A run that is resumed gives the weights of one that was never stopped, so nothing it
    depends on may change: program, data, seed, settings. Each that differs is named. What is
    meant to differ is allowed with `--override NAME`.
    """,
    "`netlang train lenet.net --resume --set lr=0.01` of a run that began with 0.1",
    "the same with `--override lr`",
    program=False,
)

WHICH_LAYER = Rule(
    "which-layer",
    "Weights belong to a layer of the section.",
    """
    A section may have several layers, each with a file of weights. With one layer its name
    may be left out.
    """,
    "`netlang evaluate gan.net --weights gen.safetensors`",
    "`netlang evaluate gan.net --weights gen=gen.safetensors`",
    program=False,
)

BAD_CHECKPOINT = Rule(
    "bad-checkpoint",
    "A checkpoint is whole, and of the program that goes on with it.",
    """
    A checkpoint holds the weights, the state of the optimizer and how far the run has come,
    with check sums. One that was cut off or belongs to another program is refused; the one
    before it is kept for this case.
    """,
    "a run continued with `--resume` after its program was changed",
    "a run continued with the program it was started with",
    program=False,
)

NOTHING_TO_TRAIN = Rule(
    "nothing-to-train",
    "A step changes some weight.",
    """
    The loss depends on no weight that may change: all are frozen, or the model is not used in
    the loss. Training would run and do nothing.
    """,
    "`freeze = [model]`, where `model` is all there is",
    "`freeze = [model.stem]`",
    program=False,
)

NOT_FINITE = Rule(
    "not-finite",
    "A loss stays finite.",
    """
    Once a number is infinite or undefined, every weight soon is, so training stops at the
    step where it happens. Mostly the learning rate is too high, or a logarithm or a division
    meets 0.
    """,
    "a run with `sgd(1000.0)`",
    "the same with `sgd(0.1)` and `clip = clip_norm(1.0)`",
    program=False,
)

PRECISION = Rule(
    "precision",
    "A precision is one that training can use.",
    """
    Weights and steps are f32, or with `precision = "f64"` everything the program calls f32 is
    computed in f64. Such a run starts from the weights of one in f32, rounds nothing between
    its steps and keeps f64 in its checkpoints; the weights it saves for the net are f32 again,
    as the net declares them. `--backend numpy` computes any net in f64. onnxruntime has only
    some operators in it, and where one is missing, the run says so and does not begin.

    In f16 what is smaller than 6e-8 is 0, as many gradients are unless the loss is scaled; in
    bf16 processors and onnxruntime compute few operators. Both are refused rather than half
    supported.
    """,
    '`precision = "f16"`',
    '`precision = "f64"`, or the section without `precision`',
    program=False,
)
