"""The last line of defence: whatever happens becomes a message and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TextIO

import click

from netlang.cli.output import show_error, silence, warn
from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, USAGE, NetlangError

INTERRUPTED, BUG = 130, 70
_NO_ROOM = ("failed to map segment", "bad_alloc")
"""What the system says where a library does not fit into memory."""


def guarded(command: click.Command, args: Sequence[str]) -> int:
    """Run a command; give its exit code, after a message where it failed."""
    try:
        result: object = command.main(list(args), prog_name="netlang", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except (KeyboardInterrupt, click.Abort):
        warn("interrupted")
        return INTERRUPTED
    except SystemExit as ended:
        # click ends so when the reader of its help has gone.
        return ended.code if isinstance(ended.code, int) else 0
    except Exception as error:
        fault = _fault(error)
        try:
            show_error(fault, as_json="--json" in args)
        except OSError:
            # The streams themselves are broken: the exit code is all that can be said.
            _silence_streams()
        except MemoryError:
            # Nothing more can be loaded: neither notes nor places are laid out.
            sys.stderr.write(f"error[{fault.rule.code}]: {fault.message}\n")
        return fault.exit_code


def _fault(error: Exception) -> NetlangError:
    match error:
        case NetlangError():
            return error
        case click.ClickException():
            return _usage(error)
        case ModuleNotFoundError() if error.name and not error.name.startswith("netlang"):
            package = error.name.partition(".")[0]
            return NetlangError(
                rules.MISSING_LIBRARY,
                f"the library `{package}` is not installed",
                helps=[f"install it: pip install {package}"],
                exit_code=ENVIRONMENT,
            )
        case ImportError() if not (error.name or "").startswith("netlang"):
            if any(said in str(error) for said in _NO_ROOM):
                return _fault(MemoryError())
            return NetlangError(
                rules.MISSING_LIBRARY,
                f"the library `{_library(error)}` cannot be loaded",
                notes=[str(error).partition("\n")[0]],
                helps=["install it anew"],
                exit_code=ENVIRONMENT,
            )
        case MemoryError():
            return NetlangError(
                rules.OUT_OF_MEMORY, "there is not enough memory", exit_code=ENVIRONMENT
            )
        case OSError():
            return _environment(error)
        case _:
            return _bug(error)


def _library(error: ImportError) -> str:
    return (error.name or "one of those it needs").partition(".")[0]


def _usage(error: click.ClickException) -> NetlangError:
    message = error.format_message().rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else "netlang"
    return NetlangError(
        rules.USAGE,
        message[:1].lower() + message[1:],
        helps=[f"`{path} --help` shows what it takes"],
        exit_code=USAGE,
    )


def _environment(error: OSError) -> NetlangError:
    _silence_broken_output()
    what = f" {error.filename}" if error.filename else ""
    reason = (error.strerror or str(error)).lower()
    return NetlangError(
        rules.SYSTEM, f"the system refused{what or ' to go on'}: {reason}", exit_code=ENVIRONMENT
    )


def _bug(error: Exception) -> NetlangError:
    if os.environ.get("NETLANG_DEBUG"):
        import traceback

        warn("".join(traceback.format_exception(error)))
    said = f"{type(error).__name__}: {error}".rstrip(": ")
    return NetlangError(
        rules.INTERNAL,
        "this is a mistake in netlang, not in your file",
        notes=[f"{said}\nat {_innermost(error.__traceback__)}"],
        helps=[
            "please report it with the command and the file;\n"
            "NETLANG_DEBUG=1 in the environment prints the details a report needs"
        ],
        exit_code=BUG,
    )


def _innermost(traceback: TracebackType | None) -> str:
    """Name the place in netlang the error came from."""
    package = Path(__file__).parents[1]
    place = "an unknown place"
    while traceback is not None:
        path = Path(traceback.tb_frame.f_code.co_filename)
        if path.is_relative_to(package):
            place = f"{path.relative_to(package.parent)}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return place


def _silence_broken_output() -> None:
    """Give up on a standard output that cannot take what is in its buffer."""
    output: TextIO | None = sys.stdout
    if output is None:
        return
    try:
        output.flush()
    except OSError:
        silence(output)


def _silence_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            silence(stream)
