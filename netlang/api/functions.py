"""Functions that need no program: formatting, the manual, and word vectors."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from netlang.api.arguments import names
from netlang.api.display import Text
from netlang.api.errors import ProgramError
from netlang.diagnostics.diagnostic import Diagnostics
from netlang.diagnostics.source import Source

if TYPE_CHECKING:
    from netlang.inference.vectors import Near
    from netlang.training.run.comparison import Comparison


def format(text: str, name: str = "<text>") -> str:
    """Return a program in the standard layout.

    Raises ``ProgramError`` for a syntax error, shown at ``name``.

    >>> import netlang
    >>> print(netlang.format("net A( x:f32[N,2] )->y:f32[N,2]=x"), end="")
    net A(x: f32[N, 2]) -> y: f32[N, 2] = x
    """
    from netlang.syntax.formatting.format import format_file
    from netlang.syntax.parser import parse

    found = Diagnostics()
    tree = parse(Source(name, text), found)
    if tree is None or found.failed:
        raise ProgramError(name, found.sorted())
    return format_file(tree)


def explain(name: str) -> Text:
    """Return the manual page of a layer, operator, keyword, setting or rule.

    Raises ``Error`` with similar names if there is none. ``contents`` lists them.

    >>> import netlang
    >>> netlang.explain("relu").splitlines()[0]
    'relu: an op (prelude/elementwise.net, line 1)'
    """
    from netlang.manual.explain import explain

    return Text(explain(name))


def runs(folder: str | Path = "runs") -> Comparison:
    """Return the runs in a folder and below, with what their settings and results differ in.

    Prints as a table; ``drawing()`` plots them. Raises ``Error`` where there are none.
    """
    from netlang.training.run.comparison import recorded_runs

    return recorded_runs(Path(folder))


def contents() -> list[tuple[str, list[str]]]:
    """List what ``explain`` has a page for: a title and the names under it.

    >>> import netlang
    >>> "shape-mismatch" in dict(netlang.contents())["rules:"]
    True
    """
    from netlang.manual.explain import contents

    return contents()


def nearest(
    parameters: str | Path,
    words: str | Sequence[str],
    *,
    minus: str | Sequence[str] = (),
    count: int = 10,
    table: str | None = None,
    vocabulary: str | Path | None = None,
) -> list[Near]:
    """Return the words whose vectors are most similar to a word, or to a sum of several.

    The vectors of ``minus`` are subtracted, which solves analogies. ``table`` names the parameter
    with the vectors, ``vocabulary`` a file of words other than the one next to ``parameters``.
    Raises ``InputError`` for a word that is not in it.
    """
    from netlang.inference.vectors import Vectors, choose_table
    from netlang.storage.vocabulary import vocabulary_for
    from netlang.storage.weights import load_weights

    path = None if vocabulary is None else str(vocabulary)
    known = vocabulary_for(path, str(parameters))
    arrays = load_weights(Path(parameters))
    vectors = Vectors(known, choose_table(arrays, table, len(known)))
    return vectors.combined(names(words), names(minus), count)


@contextmanager
def allow_python() -> Generator[None]:
    """Let programs run Python: functions named by datasets and by ``extern op``.

    A program from someone else could do anything this way.

    >>> import netlang
    >>> with netlang.allow_python():
    ...     program = netlang.load("examples/lenet.net")
    """
    from netlang.ops.extern import PYTHON_ALLOWED

    token = PYTHON_ALLOWED.set(True)
    try:
        yield
    finally:
        PYTHON_ALLOWED.reset(token)
