"""Rules about runs and their folders."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import Rule

RUN_EXISTS = Rule(
    "run-exists",
    "A new run gets its own folder.",
    """
    A run never overwrites the files of another run. Without `--run` the next folder is used:
    `runs/lenet-1`, `runs/lenet-2`, and so on; `runs/lenet` is always the newest of them.
    """,
    "`netlang train lenet.net --run runs/lenet` a second time",
    "`netlang train lenet.net --run runs/lenet --resume`",
    program=False,
)

NO_RUN = Rule(
    "no-run",
    "A run that is resumed exists.",
    """
    `--resume` resumes the last run of the section, or the one given with `--run`. There is no
    such run.
    """,
    "`netlang train lenet.net --resume` where nothing was trained yet",
    "the same after `netlang train lenet.net`",
    program=False,
)

RUN_IN_USE = Rule(
    "run-in-use",
    "Only one run at a time writes to a folder.",
    """
    A folder is locked while a run writes to it. The operating system holds the lock and
    releases it when the process ends, however it ends.
    """,
    "`--run runs/lenet` for two runs at once",
    "`--run runs/lenet` and `--run runs/other`",
    program=False,
)

SETTINGS_CHANGED = Rule(
    "settings-changed",
    "A run is resumed with the settings it was started with.",
    """
    A resumed run produces the same weights as one that was never interrupted, so nothing it
    depends on may change: program, data, seed, settings. The message lists what differs. To
    change something intentionally, pass `--override NAME`.
    """,
    "`netlang train lenet.net --resume --set lr=0.01` of a run that began with 0.1",
    "the same with `--override lr`",
    program=False,
)

WHICH_LAYER = Rule(
    "which-layer",
    "Weights belong to a layer of the section.",
    """
    A section may have several layers, each with its own weights file. With a single layer,
    its name may be omitted.
    """,
    "`netlang evaluate gan.net --weights gen.safetensors`",
    "`netlang evaluate gan.net --weights gen=gen.safetensors`",
    program=False,
)

BAD_CHECKPOINT = Rule(
    "bad-checkpoint",
    "A checkpoint is intact and belongs to the program that resumes from it.",
    """
    A checkpoint contains the weights, the optimizer state and the position in the run, with
    checksums. One that is truncated or belongs to another program is rejected; the previous
    checkpoint is kept for this case.
    """,
    "a run continued with `--resume` after its program was changed",
    "a run continued with the program it was started with",
    program=False,
)

NOTHING_TO_TRAIN = Rule(
    "nothing-to-train",
    "A step updates at least one parameter.",
    """
    The loss depends on no trainable parameter: all are frozen, or the loss does not use the
    model. Training would have no effect.
    """,
    "`freeze = [model]`, where `model` is all there is",
    "`freeze = [model.stem]`",
    program=False,
)

NOT_FINITE = Rule(
    "not-finite",
    "A loss stays finite.",
    """
    Once a value is infinite or NaN, all parameters soon are, so training stops at the step
    where it occurs, with exit code 4, and saves nothing of it. Usually the learning rate is
    too high, or the argument of a logarithm or a divisor is 0; the message names the first
    value that is not finite. A loss on `valid` that is not finite ends a run too, with exit
    code 5: its parameters are saved, and it can be resumed.
    """,
    "a run with `sgd(1000.0)`",
    "the same with `sgd(0.1)` and `clip = clip_norm(1.0)`",
    program=False,
)

PRECISION = Rule(
    "precision",
    "The precision is one that training supports.",
    """
    Parameters and steps are f32. With `precision = "f64"`, everything that the program
    declares as f32 is computed in f64: the run starts from the same initial values, does not
    round between steps, and stores f64 in its checkpoints; the weights it saves for the net
    are f32 again, as the net declares them. `--backend numpy` computes any net in f64.
    onnxruntime implements only some operators in f64; if one is missing, the run reports it
    and does not start.

    In f16 values below 6e-8 are 0, as many gradients are unless the loss is scaled; in bf16,
    processors and onnxruntime implement few operators. Neither is supported.
    """,
    '`precision = "f16"`',
    '`precision = "f64"`, or the section without `precision`',
    program=False,
)
