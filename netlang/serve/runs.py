"""The run of a page: a process of its own, which can be stopped and cannot take the page with it.

The process stays when the run is over, and answers predictions until the next run begins.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from threading import Lock

from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, USAGE, NetlangError
from netlang.serve.folder import Folder
from netlang.serve.messages.answers import Error
from netlang.serve.messages.coding import answering, encoded
from netlang.serve.messages.requests import Predict, Train
from netlang.serve.process import work
from netlang.serve.streams import BEGAN, END, ENDED, STOP, RunFailed, Sent, Stopped

_TICK = 1.0
"""Seconds without news of a run after which an empty line shows that it continues."""

_PATIENCE = 20.0
"""Seconds that a run has for the step it is in and its checkpoint, once it is to stop."""

_LONGEST = 120.0
"""Seconds that a prediction may take."""


class _Worker:
    """The process of one run; ``began`` is whether there are steps to save."""

    def __init__(self, run: str, folder: Folder) -> None:
        self.run = run
        self.began = False
        self.over = False
        self.stopping = False
        context = get_context("spawn")
        self.connection, other = context.Pipe()
        self.process: BaseProcess = context.Process(
            target=work, args=(str(folder.path.resolve()), other), name="netlang", daemon=True
        )
        _start(self.process)
        other.close()
        self.asking = Lock()
        self._sending = Lock()

    def send(self, message: object) -> None:
        """Send a request; a process that has ended receives nothing."""
        with self._sending, suppress(OSError):
            self.connection.send(message)

    def received(self, seconds: float) -> Sent | None:
        """Return what the process sends next; ``None`` if that takes longer.

        Raises ``EOFError`` if the process has ended.
        """
        try:
            return self.connection.recv() if self.connection.poll(seconds) else None
        except OSError:
            raise EOFError from None

    def stop(self) -> None:
        """Let the run end after the step it is in."""
        self.stopping = True
        self.send(STOP)

    def end(self) -> None:
        """End the process."""
        with suppress(OSError):
            self.connection.close()
        self.process.terminate()
        self.process.join(_PATIENCE)


def _start(process: BaseProcess) -> None:
    """Start a process that imports nothing from the current folder, which is the user's."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        process.start()
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


class Runs:
    """The runs of a page, one at a time; ``worker`` has the newest."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._running = Lock()
        self.worker: _Worker | None = None
        self._count = 0

    def train(self, request: Train) -> Iterator[bytes]:
        """Yield what a run reports, and at times an empty line; closing the iterator stops it."""
        if not self._is_free():
            error = Error(
                rules.RUN_IN_USE.code, "another window of this page is training", (),
                ("stop that run there, or wait until it ends",),
            )  # fmt: skip
            yield encoded(answering(RunFailed(error=error), request))
            return
        try:
            if self.worker is not None:
                self.worker.end()
            self._count += 1
            worker = self.worker = _Worker(f"r{self._count}", self._folder)
            worker.send((worker.run, request))
            try:
                yield from self._lines(worker, request)
            finally:
                if not worker.over:
                    self._wind_up(worker)
        finally:
            self._running.release()

    def _is_free(self) -> bool:
        """Wait for a run that is being stopped; return whether another one may begin.

        That a page is gone is noticed with the next line for it.
        """
        if self._running.acquire(timeout=2 * _TICK):
            return True
        stopping = self.worker is not None and self.worker.stopping
        return stopping and self._running.acquire(timeout=_PATIENCE)

    def _lines(self, worker: _Worker, request: Train) -> Iterator[bytes]:
        while not worker.over:
            try:
                sent = worker.received(_TICK)
            except EOFError:
                worker.over = True
                yield encoded(answering(_lost(worker), request))
                return
            if sent is not None:
                kind, line = sent
                worker.began = worker.began or kind == BEGAN
                worker.over = kind == ENDED
                yield line
                continue
            yield b""
            if worker.stopping and not worker.began:
                worker.end()  # reading data cannot be interrupted, and nothing is lost

    def _wind_up(self, worker: _Worker) -> None:
        """Stop a run whose page is gone, and wait for its checkpoint."""
        worker.stop()
        with suppress(EOFError):
            while worker.began and (sent := worker.received(_PATIENCE)) is not None:
                if sent[0] == ENDED:
                    break
        worker.over = True
        worker.end()

    def stop(self, run: str) -> bool:
        """Let a run end after its step; return whether it is in progress."""
        worker = self.worker
        if worker is None or worker.run != run or worker.over:
            return False
        worker.stop()
        return True

    def predict(self, request: Predict) -> bytes:
        """Return what the newest run predicts; raises ``NetlangError``."""
        worker = self.worker
        if worker is None or request.run not in (None, worker.run):
            raise NetlangError(
                rules.NO_RUN, "this run is not in memory any more", helps=["train again"],
                exit_code=USAGE,
            )  # fmt: skip
        if not worker.over:
            raise NetlangError(
                rules.RUN_IN_USE, "the run is still in progress",
                helps=["wait for its end, or stop it"], exit_code=ENVIRONMENT,
            )  # fmt: skip
        with worker.asking:
            worker.send((worker.run, request))
            try:
                sent = worker.received(_LONGEST)
            except EOFError:
                sent = None
        if sent is None:
            worker.end()
            raise NetlangError(
                rules.NO_RUN, "the process of the run has ended", helps=["train again"],
                exit_code=ENVIRONMENT,
            )  # fmt: skip
        return sent[1]

    def close(self) -> None:
        """Stop the run in progress, and end its process."""
        worker = self.worker
        if worker is None:
            return
        if not worker.over:
            worker.stop()
            worker.send(END)  # after its run it would wait for predictions
            worker.process.join(_PATIENCE if worker.began else 0.0)
        worker.end()


def _lost(worker: _Worker) -> RunFailed | Stopped:
    """Return how a run ended whose process is gone."""
    if worker.stopping:
        return Stopped(
            run=worker.run, step=0, folder="", remarks=[], networks=[], predicts=None
        )  # fmt: skip
    worker.process.join(_TICK)  # its connection ends before it does
    code = worker.process.exitcode
    error = Error(
        rules.SYSTEM.code, "the process of the run has ended before the run",
        (f"its exit code is {code}",) if code is not None else (),
        ("the system may have ended it for its use of memory",),
    )  # fmt: skip
    return RunFailed(run=worker.run, error=error)
