"""What the Python interface raises and warns about."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from inspect import currentframe

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic
from netlang.diagnostics.errors import NetlangError
from netlang.diagnostics.render import render_all


class ProgramError(NetlangError):
    """A program has errors; ``diagnostics`` holds all of them, and the message shows them."""

    def __init__(self, name: str, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(rules.PROGRAM_ERRORS, f"{name} has errors\n\n{render_all(diagnostics)}")


class NetlangWarning(UserWarning):
    """Something that is probably not intended, but does not prevent the computation."""


class ProgramWarning(NetlangWarning):
    """The warnings of a program; ``diagnostics`` holds all of them."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(render_all(diagnostics))


def warn(message: str | NetlangWarning) -> None:
    """Issue a warning that points to the code outside of netlang."""
    if isinstance(message, str):
        message = NetlangWarning(message.removeprefix("warning: "))
    warnings.warn(message, stacklevel=_frames_inside())


def _frames_inside() -> int:
    frame, count = currentframe(), 0
    while frame is not None and frame.f_globals["__name__"].startswith("netlang."):
        frame, count = frame.f_back, count + 1
    return count
