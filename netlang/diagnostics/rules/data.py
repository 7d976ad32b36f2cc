"""Rules about data: what a program says of it, and what is in the files."""

from __future__ import annotations

from netlang.diagnostics.rules.rule import Rule

_NET = """
        net Line(x: f32[N, 2]) -> y: f32[N, 1] = dense(x, 1)
"""
_COLUMNS = "        dataset points -> (x: f32[2], y: f32[1])"
_DATASET = _COLUMNS + ' { csv = "points.csv" }\n'
_TRAIN = """
        train line {
          data = points() |> batches(10)
          model = new Line()
          loss = mse(model(batch.x), batch.y)
          optimizer = sgd(0.1)
          run = 1 epochs
        }"""
DATASET_WITHOUT_PLACE = Rule(
    "dataset-without-place",
    "A dataset says where its rows are.",
    """
    The columns of a `dataset` are a promise about rows that are somewhere else. One of its
    fields names the place: a file, several, or a Python function.
    """,
    _NET + _COLUMNS + " {}\n" + _TRAIN,
    _NET + _DATASET + _TRAIN,
)

SHUFFLED_IN_ORDER = Rule(
    "shuffled-in-order",
    "Batches are shuffled or in order.",
    """
    With `in_order` row i of a batch is the one that follows row i of the batch before, so that
    a recurrent net can carry its state on. Shuffled rows follow nothing.
    """,
    _NET + _DATASET + _TRAIN.replace("10", "10, shuffle=true, in_order=true"),
    _NET + _DATASET + _TRAIN.replace("10", "10, in_order=true"),
)

DATA_MISSING = Rule(
    "data-missing",
    "The data a program names are there.",
    """
    Files of data are looked for in the folder of the program, then in `data` beside it and
    where you are, in `~/.local/share/netlang`, and in the folders that the variable
    NETLANG_DATA names. Nothing is ever fetched from a network. Where files of a program's own
    dataset are missing, the comment `##` above its declaration is shown: it is the place to
    say where they come from.
    """,
    "a program that trains on `fashion_mnist`, on a machine without it",
    "the same after `apt install dataset-fashion-mnist`",
    program=False,
)

DATA_PATH = Rule(
    "data-path",
    "Data stay in the folders a program may read.",
    """
    A program can come from anyone. So the paths in it start at its own folder or at a folder
    you named, and none leads out of there, by `..` or by a link.
    """,
    '`csv = "/home/ada/houses.csv"`',
    '`csv = "houses.csv"`, with `NETLANG_DATA=/home/ada` where it lies elsewhere',
    program=False,
)

DATA_CHANGED = Rule(
    "data-changed",
    "Files stay as they are while they are trained on.",
    """
    Pictures are read when their turn comes. A file that was replaced meanwhile would make a
    run that nobody can repeat.
    """,
    "a folder of pictures that is being copied while training runs",
    "training that starts when the copy is complete",
    program=False,
)

UNKNOWN_SPLIT = Rule(
    "unknown-split",
    "A collection is divided into `train` and `test`.",
    """
    The collections that netlang knows come in two parts, and their authors have divided them.
    Choose rows of one with `part`.
    """,
    '`fashion_mnist("valid")`',
    '`fashion_mnist("train") |> part(50_000..59_999)`',
    program=False,
)

PYTHON_NOT_ALLOWED = Rule(
    "python-not-allowed",
    "Python behind a program runs only where you allow it.",
    """
    A dataset with `python = "module:function"` runs code that can do anything. Checking,
    drawing and summing up such a program never run it; training does, if you say so.
    """,
    "`netlang train unet.net`, whose dataset is `carvana:load`",
    "`netlang train unet.net --allow-python`, if you trust `carvana.py`",
    program=False,
)

PYTHON_FAILED = Rule(
    "python-failed",
    "The function behind a dataset gives its rows.",
    """
    The function took the dataset's arguments and raised an error, which the message repeats.
    It must give a dict with an array for each column, the rows in front.
    """,
    '`python = "carvana:load"`, whose `load` looks for a folder that isn\'t there',
    "`load` run by itself in Python until it gives its arrays",
    program=False,
)
