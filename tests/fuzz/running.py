"""Runs of commands in one process, each within its time; what netlang got wrong is collected."""

from __future__ import annotations

import io
import json
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

SECONDS = 2
"""Processor time one input may take."""

MEMORY_KIB = 300 * 1024


class TookTooLong(BaseException):
    """An input took more than its time."""


def within_time(use: Callable[[], object]) -> str | None:
    """Use an input; return what netlang got wrong, if anything."""
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        use()
    except TookTooLong:
        return "took too long\n" + traceback.format_exc(limit=-8)
    except Exception:
        return traceback.format_exc(limit=-8)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return None


def command(*args: str | Path) -> int:
    """Run a command of netlang in this process; an exit code other than its own is an error."""
    from netlang.cli.guard import guarded
    from netlang.cli.main import program

    told = io.StringIO()
    with redirect_stdout(told), redirect_stderr(told):
        code = guarded(program, [str(a) for a in args])
    text = told.getvalue()
    assert code in range(6), f"{args}: exit code {code}\n{text}"
    assert not any(bad in text for bad in ("Traceback", "RuntimeWarning", "\x1b")), text
    longest = max(map(len, text.splitlines()), default=0)
    assert longest < 50_000, f"a line of {longest:,} letters\n{text[:1_000]}"
    return code


def main(answer: Callable[[int, Path], str | None]) -> None:
    """Answer the inputs from number ``argv[1]``, ``argv[2]`` of them; print those gone wrong."""

    def ring(_signal: int, _frame: object) -> None:
        raise TookTooLong

    signal.signal(signal.SIGVTALRM, ring)
    first, count = int(sys.argv[1]), int(sys.argv[2])
    with TemporaryDirectory() as folder:
        for number in range(first, first + count):
            started = time.process_time()
            before = peak_kib()
            wrong = answer(number, Path(folder))
            grown = peak_kib() - before
            if wrong is None and grown > MEMORY_KIB:
                wrong = f"took {grown:,} KiB"
            if wrong is not None:
                took = time.process_time() - started
                print(json.dumps({"number": number, "seconds": took, "wrong": wrong}), flush=True)
    print(json.dumps({"peak_kib": peak_kib()}))


def peak_kib() -> int:
    """Return the most memory this program had; the system's other value counts its parent's too."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.partition("VmHWM:")[2].split()[0])


def answered(script: Path, first: int, count: int, show: Callable[[int], str]) -> dict[str, Any]:
    """Answer a range of inputs in a process of its own; a signal that ends it is noticed."""

    def limit() -> None:
        bytes_ = 4 * 1024 * MEMORY_KIB
        resource.setrlimit(resource.RLIMIT_AS, (bytes_, bytes_))

    done = subprocess.run(
        [sys.executable, script, str(first), str(count)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )
    assert done.returncode == 0, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    *wrong, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert not wrong, _told(wrong, show)
    return last


def _told(wrong: Sequence[dict[str, Any]], show: Callable[[int], str]) -> str:
    shown = (f"input {w['number']}:\n{show(w['number'])}\n{w['wrong']}" for w in wrong[:3])
    return f"{len(wrong)} inputs were not answered\n" + "\n\n".join(shown)
