"""Rules about `train` sections and the data they read."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import Rule

_NET = """
        net Small(image: f32[N, 1, 28, 28]) -> logits: f32[N, 10] {
          logits = image |> flatten |> dense(10)
        }

        train small {
"""

_DATA = '          data = fashion_mnist("train") |> batches(64)\n'
_MODEL = "          model = new Small()\n"
_LOSS = "          loss = cross_entropy(model(batch.image), batch.label)\n"
_END = "          optimizer = sgd(0.1)\n          run = 5 epochs\n        }"

_NORMED = """
        net Small(image: f32[N, 1, 28, 28]) -> logits: f32[N, 10] {
          hidden = image |> flatten |> dense(32) |> batch_norm |> relu
          logits = dense(hidden, 10)
        }

        train small {
"""
UNUSED_SETTING = Rule(
    "unused-setting",
    "A name in a `train` section is a setting or is used.",
    """
    The settings of a `train` section have fixed names. Any other binding is a local name,
    there to be used by the lines below. A name that is neither is nearly always a misspelt
    setting, and would otherwise be ignored silently: `optimiser`, `epochs`, `scheduler`.
    """,
    _NET
    + _DATA
    + _MODEL
    + _LOSS
    + "          optimiser = sgd(0.1)\n          run = 5 epochs\n        }",
    _NET + _DATA + _MODEL + _LOSS + _END,
)

MISSING_SETTING = Rule(
    "missing-setting",
    "Training has data, a loss, an optimizer and an end.",
    """
    Training needs data, a loss, an optimizer and an end: `data`, `loss`, `optimizer`, `run`.
    With `step` sections, each step has its own `loss`, `update` and `optimizer`.
    """,
    _NET + _DATA + _MODEL + _LOSS + "          optimizer = sgd(0.1)\n        }",
    _NET + _DATA + _MODEL + _LOSS + _END,
)

LOSS_SHAPE = Rule(
    "loss-shape",
    "A loss and a metric are one number.",
    """
    What is minimised is one number, `f32[]`, and so is each metric. A loss for each example,
    `f32[N]`, becomes one by taking the mean over the batch.
    """,
    _NET
    + _DATA
    + _MODEL
    + "          loss = mean((model(batch.image) - 1.0) ** 2, axis=1)\n"
    + _END,
    _NET + _DATA + _MODEL + "          loss = mean((model(batch.image) - 1.0) ** 2)\n" + _END,
)

COLUMNS_DIFFER = Rule(
    "columns-differ",
    "`valid` has the columns of `data`.",
    """
    Everything in a `train` section is evaluated again on the validation data. So `valid` has
    the same columns as `data`, with the same types and shapes.
    """,
    _NET + _DATA + '          valid = cifar10("test") |> batches(64)\n' + _MODEL + _LOSS + _END,
    _NET
    + _DATA
    + '          valid = fashion_mnist("test") |> batches(64)\n'
    + _MODEL
    + _LOSS
    + _END,
)

NET_WITHOUT_NEW = Rule(
    "net-without-new",
    "A `train` section makes its model with `new`.",
    """
    A call of a net makes its weights. In a `train` section expressions are evaluated for every
    batch, and the weights must be the same ones each time. So the model is made once with
    `new` and then called.
    """,
    _NET + _DATA + "          loss = cross_entropy(Small(batch.image), batch.label)\n" + _END,
    _NET + _DATA + _MODEL + _LOSS + _END,
)

UNKNOWN_COLUMN = Rule(
    "unknown-column",
    "A transform is for a column the rows have.",
    """
    `map` and `together` change columns of the data by name. The names are those of the
    dataset; the message lists them with their types.
    """,
    _NET
    + '          data = fashion_mnist("train") |> map(images=[flip()]) |> batches(64)\n'
    + _MODEL
    + _LOSS
    + _END,
    _NET
    + '          data = fashion_mnist("train") |> map(image=[flip()]) |> batches(64)\n'
    + _MODEL
    + _LOSS
    + _END,
)

FILE_NAME = Rule(
    "file-name",
    "Weights are saved in the folder of the run.",
    """
    A program may come from a stranger, so it writes nothing outside of the folder its run
    has: the name of a file is a plain name, without a path. The run's own files, such as its
    log, keep their names.
    """,
    _NET
    + _DATA
    + _MODEL
    + _LOSS
    + '          checkpoint = [save_every(model, "../last.safetensors", every=1 epoch)]\n'
    + _END,
    _NET
    + _DATA
    + _MODEL
    + _LOSS
    + '          checkpoint = [save_every(model, "last.safetensors", every=1 epoch)]\n'
    + _END,
)

DOUBLE_SOFTMAX = Rule(
    "double-softmax",
    "A loss that takes logits gets logits.",
    """
    `cross_entropy` and `bce_with_logits` turn logits into probabilities themselves, which is
    more exact than doing it before. Given probabilities, they squash them a second time: the
    loss cannot come near 0, gradients are small, and training is slow or gets nowhere.
    """,
    _NET
    + _DATA
    + _MODEL
    + "          loss = cross_entropy(softmax(model(batch.image)), batch.label)\n"
    + _END,
    _NET + _DATA + _MODEL + _LOSS + _END,
)

BIAS_BEFORE_BATCH_NORM = Rule(
    "bias-before-batch-norm",
    "A layer before a batch norm has no bias.",
    """
    Batch norm takes the mean of each channel away, and a bias is part of that mean: whatever
    it is, the result is the same. It costs memory and time and is never trained.
    """,
    _NORMED.replace("dense(32)", "dense(32)") + _DATA + _MODEL + _LOSS + _END,
    _NORMED.replace("dense(32)", "dense(32, bias=false)") + _DATA + _MODEL + _LOSS + _END,
)

DROPOUT_BEFORE_BATCH_NORM = Rule(
    "dropout-before-batch-norm",
    "Dropout comes after the last batch norm.",
    """
    Dropout scales what it keeps, so in training the variance of its output is larger than in
    evaluation. A batch norm behind it stores the larger one and then divides by the wrong
    number. Source: Li et al., 2019, "Understanding the disharmony between dropout and batch
    normalization by variance shift".
    """,
    _NORMED.replace("dense(32)", "dropout(0.5) |> dense(32, bias=false)")
    + _DATA
    + _MODEL
    + _LOSS
    + _END,
    _NORMED.replace("dense(32)", "dense(32, bias=false)").replace("relu", "relu |> dropout(0.5)")
    + _DATA
    + _MODEL
    + _LOSS
    + _END,
)

BATCH_OF_ONE = Rule(
    "batch-of-one",
    "Batch norm sees more than one number of each channel.",
    """
    In training, batch norm takes the mean and the variance of each channel over the batch.
    With one row, and maps of one place, there is one number: less its mean it is 0, and the
    network sees nothing of its input.
    """,
    _NORMED.replace("dense(32)", "dense(32, bias=false)")
    + _DATA.replace("64", "1")
    + _MODEL
    + _LOSS
    + _END,
    _NORMED.replace("dense(32)", "dense(32, bias=false)") + _DATA + _MODEL + _LOSS + _END,
)

ONE_CLASS = Rule(
    "one-class",
    "A loss that chooses between classes has two at least.",
    """
    Softmax shares 1 among the classes. Where there is one class it gets all, whatever its
    logit: the loss is 0 and has no gradient. A single logit that says yes or no belongs to
    `bce_with_logits`, with targets of 0 and 1.
    """,
    _NET.replace("10", "1") + _DATA + _MODEL + _LOSS + _END,
    _NET + _DATA + _MODEL + _LOSS + _END,
)

UNTRAINED_WEIGHTS = Rule(
    "untrained-weights",
    "Every weight is trained, or frozen.",
    """
    A weight that no loss depends on, or that no step names in its `update`, stays as it was
    drawn. That is rarely meant; where it is, `freeze` says so.
    """,
    _NET
    + _DATA
    + _MODEL
    + _LOSS.replace("model(batch.image)", "stop_gradient(model(batch.image))")
    + _END,
    _NET + _DATA + _MODEL + _LOSS + _END,
)

LONG_SCHEDULE = Rule(
    "long-schedule",
    "A schedule ends with its run.",
    """
    A learning rate that falls over more time than the run takes never gets as low as it
    should. The last and finest steps are missing.
    """,
    _NET + _DATA + _MODEL + _LOSS + _END.replace("0.1", "0.1 |> cosine(50 epochs)"),
    _NET + _DATA + _MODEL + _LOSS + _END.replace("0.1", "0.1 |> cosine(5 epochs)"),
)
