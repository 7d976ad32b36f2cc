"""Every exception of a command becomes a message and an exit code."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TextIO

import click

from netlang.api.errors import NetlangWarning, ProgramError, ProgramWarning
from netlang.cli.output import show_diagnostics, show_error, silence, warn
from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, USAGE, NetlangError
from netlang.diagnostics.suggestions import did_you_mean

INTERRUPTED, BUG = 130, 70
_OUT_OF_MEMORY = ("failed to map segment", "bad_alloc")
"""What the system reports if a library does not fit into memory."""


def guarded(command: click.Command, args: Sequence[str]) -> int:
    """Run a command and return its exit code, after a message if it failed."""
    try:
        with _warnings_shown():
            result: object = command.main(list(args), prog_name="netlang", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except (KeyboardInterrupt, click.Abort):
        warn("interrupted")
        return INTERRUPTED
    except SystemExit as ended:
        # click ends like this when the reader of its help is gone.
        return ended.code if isinstance(ended.code, int) else 0
    except Exception as exception:
        error = error_of(exception, args)
        try:
            show(error, as_json="--json" in args)
        except OSError:
            # The streams themselves are broken: only the exit code is left.
            silence_streams()
        except MemoryError:
            # Nothing more can be loaded: neither notes nor locations are laid out.
            sys.stderr.write(f"error[{error.rule.code}]: {error.message}\n")
        return error.exit_code


def show(error: NetlangError, *, as_json: bool) -> None:
    if isinstance(error, ProgramError):
        show_diagnostics(error.diagnostics, as_json=as_json)
    else:
        show_error(error, as_json=as_json)


@contextmanager
def _warnings_shown() -> Generator[None]:
    """Print each warning of netlang as the command line prints errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", NetlangWarning)
        other = warnings.showwarning

        def show_warning(
            message: Warning | str, category: type[Warning], filename: str, lineno: int,
            file: TextIO | None = None, line: str | None = None,
        ) -> None:  # fmt: skip
            match message:
                case ProgramWarning(diagnostics=diagnostics):
                    show_diagnostics(diagnostics)
                case NetlangWarning():
                    text = str(message)
                    warn(text if text.startswith("warning[") else f"warning: {text}")
                case _:
                    other(message, category, filename, lineno, file, line)

        warnings.showwarning = show_warning
        yield


def error_of(exception: Exception, args: Sequence[str] = ()) -> NetlangError:
    match exception:
        case NetlangError(helps=(), rule=rules.UNKNOWN_SECTION):
            from netlang.cli.usage import misplaced_setting

            return misplaced_setting(exception, args)
        case NetlangError():
            return exception
        case click.ClickException():
            return _usage(exception, args)
        case ModuleNotFoundError() if exception.name and not exception.name.startswith("netlang"):
            package = exception.name.partition(".")[0]
            return NetlangError(
                rules.MISSING_LIBRARY,
                f"the library `{package}` is not installed",
                helps=[f"install it: pip install {package}"],
                exit_code=ENVIRONMENT,
            )
        case ImportError() if not (exception.name or "").startswith("netlang"):
            if any(text in str(exception) for text in _OUT_OF_MEMORY):
                return error_of(MemoryError())
            return NetlangError(
                rules.MISSING_LIBRARY,
                f"the library `{_library(exception)}` cannot be loaded",
                notes=[str(exception).partition("\n")[0]],
                helps=["reinstall it"],
                exit_code=ENVIRONMENT,
            )
        case MemoryError():
            return NetlangError(
                rules.OUT_OF_MEMORY, "there is not enough memory", exit_code=ENVIRONMENT
            )
        case OSError():
            return _environment(exception)
        case _:
            return _bug(exception)


def _library(error: ImportError) -> str:
    return (error.name or "one of its dependencies").partition(".")[0]


def _usage(error: click.ClickException, args: Sequence[str]) -> NetlangError:
    message = error.format_message().rstrip(".")
    if isinstance(error, click.NoSuchOption):
        message = f"no such option '{error.option_name}'"
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else "netlang"
    helps = _usage_helps(error, context, args)
    return NetlangError(
        rules.USAGE,
        message[:1].lower() + message[1:],
        helps=helps or [f"`{path} --help` lists the arguments and options"],
        exit_code=USAGE,
    )


def _usage_helps(
    error: click.ClickException, context: click.Context | None, args: Sequence[str]
) -> Sequence[str]:
    from netlang.cli.usage import HelpfulUsageError, missing_option, unknown_option

    match error:
        case HelpfulUsageError(helps=helps):
            return [help.replace("…", _next(help, args)) for help in helps]
        case click.NoSuchOption(option_name=name) if context is not None:
            known = (opt for p in context.command.params for opt in p.opts if opt[:2] == "--")
            return unknown_option(name, known, args, top=context.parent is None)
        case click.MissingParameter(param=click.Option(opts=options)):
            return missing_option(max(options, key=len), args)
        case click.BadParameter(message=message, param=click.Parameter(type=click.Choice() as of)):
            given = (text.partition("=")[2] if text[:2] == "--" else text for text in args)
            wrong = next((text for text in given if text and repr(text) in message), "")
            return did_you_mean(wrong, of.choices)
        case _:
            return ()


def _next(help: str, args: Sequence[str]) -> str:
    """Return the argument after the one that a help completes: `--set lr=…` for `--set lr 0.1`."""
    words = help.partition("`")[2].partition("=…")[0].split()
    after = [args[i + 2] for i in range(len(args) - 2) if [*args[i : i + 2]] == words]
    return after[0] if after and not after[0].startswith("-") else "…"


def _environment(error: OSError) -> NetlangError:
    _silence_broken_output()
    what = f" on {error.filename}" if error.filename else ""
    reason = (error.strerror or str(error)).lower()
    return NetlangError(
        rules.SYSTEM, f"the system reported an error{what}: {reason}", exit_code=ENVIRONMENT
    )


def _bug(exception: Exception) -> NetlangError:
    if os.environ.get("NETLANG_DEBUG"):
        import traceback

        warn("".join(traceback.format_exception(exception)))
    text = f"{type(exception).__name__}: {exception}".rstrip(": ")
    return NetlangError(
        rules.INTERNAL,
        "this is a bug in netlang, not in your program",
        notes=[f"{text}\nat {_innermost(exception.__traceback__)}"],
        helps=[
            "please report it with the command and the file;\n"
            "NETLANG_DEBUG=1 in the environment prints the details that a report needs"
        ],
        exit_code=BUG,
    )


def _innermost(traceback: TracebackType | None) -> str:
    """Return the location in netlang that the error came from."""
    package = Path(__file__).parents[1]
    location = "an unknown location"
    while traceback is not None:
        path = Path(traceback.tb_frame.f_code.co_filename)
        if path.is_relative_to(package):
            location = f"{path.relative_to(package.parent)}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return location


def _silence_broken_output() -> None:
    """Abandon a standard output that cannot take what is in its buffer."""
    output: TextIO | None = sys.stdout
    if output is None:
        return
    try:
        output.flush()
    except OSError:
        silence(output)


def silence_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            silence(stream)
