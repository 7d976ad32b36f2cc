"""Errors outside of a program's text: bad data, bad options, a missing library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, Unpack

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import diagnostic
from netlang.diagnostics.rules import Rule

DIAGNOSED, USAGE, ENVIRONMENT, NON_FINITE, NON_FINITE_VALID = 1, 2, 3, 4, 5


class NetlangError(Exception):
    """An error in what the user did or has, as a diagnostic without a location.

    The command line renders ``diagnostic`` and ends with ``exit_code``: 1 for input that was
    rejected, 2 for wrong usage, 3 for the environment, 4 for a training step that is not finite,
    5 for an evaluation that is not.
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
        self.diagnostic = diagnostic(rule, message, notes=tuple(notes), helps=tuple(helps))
        self.exit_code = exit_code

    def __reduce__(self) -> tuple[object, ...]:
        # An exception is pickled, as between processes, by the arguments of its class.
        return _unpickled, (type(self), self.args), self.__dict__

    @property
    def rule(self) -> Rule:
        return self.diagnostic.rule

    @property
    def message(self) -> str:
        return self.diagnostic.message

    @property
    def notes(self) -> tuple[str, ...]:
        return self.diagnostic.notes

    @property
    def helps(self) -> tuple[str, ...]:
        return self.diagnostic.helps


def _unpickled(kind: type[NetlangError], args: tuple[object, ...]) -> NetlangError:
    return kind.__new__(kind, *args)


class _Remarks(TypedDict, total=False):
    notes: Sequence[str]
    helps: Sequence[str]


class InputError(NetlangError):
    """An array that does not fit the signature of a network."""

    def __init__(self, message: str, **remarks: Unpack[_Remarks]) -> None:
        super().__init__(rules.BAD_INPUT, message, **remarks)


def require_at_least(name: str, value: float | None, least: float) -> None:
    """Raise ``InputError`` for an argument below its least value, or not a number."""
    if value is not None and not value >= least:
        raise InputError(f"`{name}` is {value}, and must be at least {least}")


class EvaluationError(NetlangError):
    """A loss on validation data that is not finite; the parameters are."""

    def __init__(self, message: str, **remarks: Unpack[_Remarks]) -> None:
        super().__init__(rules.NOT_FINITE, message, exit_code=NON_FINITE_VALID, **remarks)


class FileError(NetlangError):
    """A file that is not what it claims to be."""

    def __init__(self, message: str, **remarks: Unpack[_Remarks]) -> None:
        super().__init__(rules.BAD_FILE, message, **remarks)


class WeightsError(NetlangError):
    """Weights that do not fit a network; every difference is a note."""

    def __init__(self, message: str, **remarks: Unpack[_Remarks]) -> None:
        super().__init__(rules.BAD_WEIGHTS, message, **remarks)


class TooLargeError(NetlangError):
    """Something that would not fit, rejected before it is tried."""

    def __init__(self, message: str, **remarks: Unpack[_Remarks]) -> None:
        super().__init__(rules.TOO_LARGE, message, **remarks)
