"""Every exception as an error that a page shows."""

from __future__ import annotations

from netlang.api.errors import ProgramError
from netlang.diagnostics import rules
from netlang.diagnostics.errors import NetlangError
from netlang.serve.messages.answers import Error


def error_of(exception: Exception) -> Error:
    """Return an exception as an error; what is not ours is a bug, and says so."""
    match exception:
        case ProgramError(diagnostics=found):
            first = next((each for each in found if each.is_error), None)
            message = "the program has errors" if first is None else first.message
            return Error(exception.rule.code, message)
        case NetlangError():
            return Error(exception.rule.code, exception.message, exception.notes, exception.helps)
        case MemoryError():
            return Error(rules.OUT_OF_MEMORY.code, "there is not enough memory")
        case OSError():
            reason = (exception.strerror or str(exception)).lower()
            return Error(rules.SYSTEM.code, f"the system reported an error: {reason}")
        case ModuleNotFoundError(name=str() as name) if not name.startswith("netlang"):
            message = f"the library `{name}` is not installed"
            return Error(rules.MISSING_LIBRARY.code, message, (), (f"pip install {name}",))
        case _:
            message = "this is a bug in netlang, not in your program"
            return Error(
                rules.INTERNAL.code, message, (f"{type(exception).__name__}: {exception}",)
            )
