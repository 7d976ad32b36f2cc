"""Rules about `train` sections."""

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
    The settings of a `train` section have fixed names. Any other binding is a local name for
    the lines below. A name that is neither a setting nor used is usually a misspelled setting
    that would otherwise be ignored silently, such as `optimzer`, `epochs` or `scheduler`. Each
    setting has a line of its own; where there are steps, `loss`, `optimizer` and `clip` are
    settings of each step.
    """,
    _NET
    + _DATA
    + _MODEL
    + _LOSS
    + "          optimzer = sgd(0.1)\n          run = 5 epochs\n        }",
    _NET + _DATA + _MODEL + _LOSS + _END,
)

MISSING_SETTING = Rule(
    "missing-setting",
    "Training needs data, a loss, an optimizer and a duration.",
    """
    The settings `data`, `loss`, `optimizer` and `run` are required. With `step` sections,
    each step has its own `loss`, `update` and `optimizer`.
    """,
    _NET + _DATA + _MODEL + _LOSS + "          optimizer = sgd(0.1)\n        }",
    _NET + _DATA + _MODEL + _LOSS + _END,
)

LOSS_SHAPE = Rule(
    "loss-shape",
    "A loss and a metric are scalars.",
    """
    The loss is a scalar, `f32[]`, and so is each metric. To reduce a loss per example,
    `f32[N]`, take its mean over the batch.
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
    The expressions of a `train` section are evaluated on the validation data as well. `valid`
    must therefore have the same columns as `data`, with the same types and shapes.
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
    "A `train` section creates its model with `new`.",
    """
    Calling a net creates its parameters. In a `train` section expressions are evaluated for
    every batch, with the same parameters each time. The model is therefore created once with
    `new` and then called.
    """,
    _NET + _DATA + "          loss = cross_entropy(Small(batch.image), batch.label)\n" + _END,
    _NET + _DATA + _MODEL + _LOSS + _END,
)

UNKNOWN_COLUMN = Rule(
    "unknown-column",
    "A transform applies to an existing column.",
    """
    `map` and `together` transform columns of the data, which are identified by name. The
    message lists the columns of the dataset with their types.
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
    A program may come from an untrusted source, so it writes only to the folder of its run: a
    file name is a plain name, without a path. The names of the run's own files, such as its
    log, are reserved.
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
    "A loss that expects logits gets logits.",
    """
    `cross_entropy` and `bce_with_logits` convert logits to probabilities themselves, which is
    numerically more accurate. Given probabilities, they apply the function a second time: the
    loss cannot approach 0, gradients are small, and training is slow or fails to converge.
    Metrics of classes, such as `f1` and `auc`, expect logits, too.
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
    Batch norm subtracts the mean of each channel, and a bias is part of that mean: whatever
    its value, the result is the same. The bias costs memory and time, and is never trained.
    """,
    _NORMED.replace("dense(32)", "dense(32)") + _DATA + _MODEL + _LOSS + _END,
    _NORMED.replace("dense(32)", "dense(32, bias=false)") + _DATA + _MODEL + _LOSS + _END,
)

DROPOUT_BEFORE_BATCH_NORM = Rule(
    "dropout-before-batch-norm",
    "Dropout follows the last batch norm.",
    """
    Dropout scales the elements it keeps, so the variance of its output is larger during
    training than during evaluation. A batch norm after it stores the larger variance and then
    divides by the wrong number. Source: Li et al., 2019, "Understanding the disharmony
    between dropout and batch normalization by variance shift".
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
    "Batch norm sees more than one value of each channel.",
    """
    During training, batch norm computes the mean and the variance of each channel over the
    batch. With a batch of one example and a feature map of one position there is a single
    value: minus its mean it is 0, and the network sees nothing of its input.
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
    "A loss over classes has at least two classes.",
    """
    Softmax distributes a total of 1 over the classes. A single class gets all of it, whatever
    its logit: the loss is 0 and has no gradient. For a binary decision with a single logit
    use `bce_with_logits`, with targets of 0 and 1.
    """,
    _NET.replace("10", "1") + _DATA + _MODEL + _LOSS + _END,
    _NET + _DATA + _MODEL + _LOSS + _END,
)

UNTRAINED_WEIGHTS = Rule(
    "untrained-weights",
    "Every parameter is trained or frozen.",
    """
    A parameter that no loss depends on, or that no step lists in its `update`, keeps its
    initial value. This is rarely intended; if it is, list it in `freeze`.
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
    A learning rate that decays over a longer time than the run takes never reaches its final
    value. The last steps, with the smallest learning rates, are missing.
    """,
    _NET + _DATA + _MODEL + _LOSS + _END.replace("0.1", "0.1 |> cosine(50 epochs)"),
    _NET + _DATA + _MODEL + _LOSS + _END.replace("0.1", "0.1 |> cosine(5 epochs)"),
)

BATCH_DEPENDENT = Rule(
    "batch-dependent",
    "A metric does not depend on how examples are batched.",
    """
    A metric of a dataset is computed from sums and means over all its examples, to which each
    batch contributes; what follows them, such as a quotient, a root or an exponential, is computed
    once, from the totals. Where the examples are compared with each other, as by a maximum or a
    ranking, the outputs of the net that this needs are stored for all of them. Neither is possible
    where a net itself reduces a batch by anything but a sum or a mean, or compares an example with
    the rest of its batch, nor with sequences of different lengths. Then the mean of the values of
    the batches is reported, weighted by their examples, and the result depends on the size of the
    batches. The same holds for a loss whose gradients accumulate.
    """,
    _NET
    + _DATA
    + _MODEL
    + "          loss = deviation(model(batch.image), correction=0)\n"
    + "          accumulate = 4\n"
    + _END,
    _NET
    + _DATA
    + _MODEL
    + "          y = model(batch.image)\n"
    + "          loss = sqrt(mean(y ** 2) - mean(y) ** 2)\n"
    + "          accumulate = 4\n"
    + _END,
)

METRIC_LABEL = Rule(
    "metric-label",
    "A label names the operand before it, not a whole expression.",
    """
    `as` binds more tightly than any operator: in `a - b as gap`, the label names `b`, where it has
    no effect. In parentheses, the whole expression is named.
    """,
    _NET + _DATA + _MODEL + _LOSS + "          metrics = [2.0 * loss as twice]\n" + _END,
    _NET + _DATA + _MODEL + _LOSS + "          metrics = [(2.0 * loss) as twice]\n" + _END,
)

CONTRADICTING_GROUPS = Rule(
    "contradicting-groups",
    "Groups agree about what they both select.",
    """
    A parameter may be in several groups of an optimizer, such as the biases and a layer; the
    settings of all of them apply to it. Two groups may not give it different values of the
    same setting.
    """,
    _NET
    + _DATA
    + _MODEL
    + _LOSS
    + "          optimizer = sgd(0.1, groups=[\n"
    + "            group(biases(model), decay=0.0), group(model.logits, decay=1e-3),\n"
    + "          ])\n          run = 5 epochs\n        }",
    _NET
    + _DATA
    + _MODEL
    + _LOSS
    + "          optimizer = sgd(0.1, groups=[\n"
    + "            group(biases(model), decay=0.0), group(weights(model), decay=1e-3),\n"
    + "          ])\n          run = 5 epochs\n        }",
)
