"""Mistakes that have no place in a program's text: bad data, bad options, a missing library."""

from __future__ import annotations

from collections.abc import Sequence

from netlang.diagnostics import rules
from netlang.diagnostics.rules import Rule

DIAGNOSED, USAGE, ENVIRONMENT = 1, 2, 3


class NetlangError(Exception):
    """Something a person did or has that cannot work, told as a diagnostic without a span.

    The command line prints ``error[rule]: message``, the notes and the helps, and ends with
    ``exit_code``: 1 for input that was looked at and refused, 2 for wrong usage, 3 for the
    environment.
    """

    def __init__(
        self,
        rule: Rule,
        message: str,
        *,
        notes: Sequence[str] = (),
        helps: Sequence[str] = (),
        exit_code: int = DIAGNOSED,
    ) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.notes = tuple(notes)
        self.helps = tuple(helps)
        self.exit_code = exit_code


class InputError(NetlangError):
    """An array that does not fit the signature of a network."""

    def __init__(
        self, message: str, *, notes: Sequence[str] = (), helps: Sequence[str] = ()
    ) -> None:
        super().__init__(rules.BAD_INPUT, message, notes=notes, helps=helps)


class FileError(NetlangError):
    """A file that is not what it claims to be."""

    def __init__(
        self, message: str, *, notes: Sequence[str] = (), helps: Sequence[str] = ()
    ) -> None:
        super().__init__(rules.BAD_FILE, message, notes=notes, helps=helps)


class WeightsError(NetlangError):
    """Weights that do not fit a network; every difference is a note."""

    def __init__(
        self, message: str, *, notes: Sequence[str] = (), helps: Sequence[str] = ()
    ) -> None:
        super().__init__(rules.BAD_WEIGHTS, message, notes=notes, helps=helps)


class TooLargeError(NetlangError):
    """Something that would not fit, refused before it is tried."""

    def __init__(
        self, message: str, *, notes: Sequence[str] = (), helps: Sequence[str] = ()
    ) -> None:
        super().__init__(rules.TOO_LARGE, message, notes=notes, helps=helps)
