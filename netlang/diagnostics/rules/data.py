"""Rules about datasets: their declaration in a program, and their files."""

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
DATASET_WITHOUT_LOCATION = Rule(
    "dataset-without-location",
    "A dataset states where its examples are.",
    """
    The columns of a `dataset` describe examples that are stored elsewhere. One of its fields
    gives their location: a file, several files, or a Python function.
    """,
    _NET + _COLUMNS + " {}\n" + _TRAIN,
    _NET + _DATASET + _TRAIN,
)

SHUFFLED_IN_ORDER = Rule(
    "shuffled-in-order",
    "Batches are either shuffled or in order.",
    """
    With `in_order`, example i of a batch is the successor of example i of the previous batch,
    so that a recurrent net can carry its state over. Shuffled examples have no successor.
    """,
    _NET + _DATASET + _TRAIN.replace("10", "10, shuffle=true, in_order=true"),
    _NET + _DATASET + _TRAIN.replace("10", "10, in_order=true"),
)

DATA_MISSING = Rule(
    "data-missing",
    "The data that a program names exist.",
    """
    Data files are searched in the folder of the program, then in `data` next to it and in the
    current folder, in `~/.local/share/netlang`, and in the folders listed in the environment
    variable NETLANG_DATA. Nothing is ever downloaded. If files of a program's own dataset are
    missing, the `##` comment above its declaration is shown: use it to document where they
    come from.
    """,
    "a program that trains on `fashion_mnist`, on a machine without it",
    "the same after `apt install dataset-fashion-mnist`",
    program=False,
)

DATA_PATH = Rule(
    "data-path",
    "Data paths stay in the folders that a program may read.",
    """
    A program may come from an untrusted source. Its paths are therefore relative to its own
    folder or to a folder that you listed, and cannot leave it through `..` or a link.
    """,
    '`csv = "/home/ada/houses.csv"`',
    '`csv = "houses.csv"`, with `NETLANG_DATA=/home/ada` if it is stored elsewhere',
    program=False,
)

DATA_CHANGED = Rule(
    "data-changed",
    "Files do not change while they are used for training.",
    """
    Images are read when they are needed. If a file is replaced in the meantime, the run
    cannot be reproduced.
    """,
    "a folder of images that is being copied while training runs",
    "training that starts when the copy is complete",
    program=False,
)

PYTHON_NOT_ALLOWED = Rule(
    "python-not-allowed",
    "The Python code of a program runs only with your permission.",
    """
    A dataset with `python = "module:function"` runs arbitrary code. Checking, drawing and
    summarizing such a program never run it; training does, if you allow it.
    """,
    "`netlang train unet.net`, whose dataset is `carvana:load`",
    "`netlang train unet.net --allow-python`, if you trust `carvana.py`",
    program=False,
)

PYTHON_FAILED = Rule(
    "python-failed",
    "The function of a dataset returns its examples.",
    """
    The function was called with the dataset's arguments and raised an error, which the
    message repeats. It must return a dict with an array for each column, whose first axis is
    the examples.
    """,
    '`python = "carvana:load"`, whose `load` opens a folder that does not exist',
    "a `load` that returns its arrays when called in Python",
    program=False,
)
