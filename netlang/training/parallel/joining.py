"""A training in several processes, and what happens where one of them fails."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, get_args

from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError
from netlang.diagnostics.render import render
from netlang.system.ranks import ALONE, Parallel, Ranks

if TYPE_CHECKING:
    from netlang.system.mpi import MpiRanks

_KILLED = 1
"""The exit code of a job that an error of Python ends."""


@contextmanager
def joined(
    parallel: Parallel | None, show: Callable[[BaseException, str | None], int] | None = None
) -> Generator[Ranks]:
    """Yield the ranks of this run.

    An error that occurs on every rank is raised on every rank. One that does not would leave the
    others waiting: it is shown with the name of its rank, by ``show``, which returns the exit code,
    and all ranks are ended. ``show`` is called without a name where the error is raised, and rank 0
    raises the same. Ranks other than 0 issue no warnings.
    """
    if parallel is None:
        yield ALONE
        return
    if parallel not in get_args(Parallel):
        raise NetlangError(
            rules.USAGE, f"`parallel` is `{parallel}`, and can only be `mpi`", exit_code=USAGE
        )
    global _joined
    from netlang.system.mpi import start

    if _joined is not None:
        yield _joined
        return
    _joined = start()
    try:
        with warnings.catch_warnings() if _joined.rank else nullcontext():
            if _joined.rank:
                warnings.simplefilter("ignore", UserWarning)
            yield _joined
    except BaseException as error:
        _fail(_joined, error, show or _show)
        raise
    finally:
        _joined = None


_joined: MpiRanks | None = None


def _fail(
    ranks: MpiRanks, error: BaseException, show: Callable[[BaseException, str | None], int]
) -> None:
    everywhere, first = ranks.all_failed(f"{type(error).__name__}: {error}")
    if not everywhere:
        ranks.abort(show(error, ranks.name))
    elif not first:
        show(error, None)


def _show(error: BaseException, rank: str | None) -> int:
    """Print an error with its rank to the standard error; return the exit code."""
    if rank is None:
        return 0
    text, code = f"{type(error).__name__}: {error}", _KILLED
    if isinstance(error, NetlangError):
        text, code = render(error.diagnostic), error.exit_code
    sys.stderr.write(f"{rank}:\n{text}\n")
    return code
