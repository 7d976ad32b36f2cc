"""Inside the process of a run: trains, reports, and then answers predictions."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TextIO

from msgspec.structs import replace

from netlang.api.callbacks import Callback
from netlang.api.errors import NetlangWarning, ProgramError
from netlang.api.network import Network
from netlang.api.program import Program
from netlang.api.training import Run
from netlang.diagnostics import rules
from netlang.diagnostics.errors import NetlangError
from netlang.editor.facts.problems import problem
from netlang.plan.plan import Plan
from netlang.plan.schedules import Clock
from netlang.program import open_program
from netlang.serve.conversion import Places
from netlang.serve.errors import error_of
from netlang.serve.messages.answers import Failed, RunMessage
from netlang.serve.messages.coding import answering, encoded
from netlang.serve.messages.requests import Predict, Train
from netlang.serve.messages.text_answers import Problem
from netlang.serve.predicting import predicted, predicts
from netlang.serve.samples import samples
from netlang.serve.streams import (
    BEGAN,
    END,
    ENDED,
    NEWS,
    STOP,
    Confusion,
    Epoch,
    Finished,
    Point,
    Prepared,
    Preparing,
    Remark,
    RunFailed,
    Steps,
    Stopped,
)
from netlang.training.history.reports import Report, interval
from netlang.training.lines import epoch_line, epochs_of, opened_line
from netlang.training.run.preparation import Opened
from netlang.training.targets import targets

_PAUSE = 0.1
"""Seconds between two messages about steps."""


def answer(connection: Connection) -> None:
    """Train, and predict with what was trained, as the connection requests it."""
    trained: Run | None = None
    while True:
        try:
            received = connection.recv()
        except (EOFError, OSError):
            return
        match received:
            case (str() as run, Train() as request):
                trained = _Training(connection, run, request).go()
            case (str() as run, Predict() as request):
                connection.send((NEWS, encoded(_prediction(trained, run, request))))
            case str() if received == END:
                return
            case _:
                pass  # a request to stop that came after the end


def _prediction(trained: Run | None, run: str, request: Predict) -> RunMessage | Failed:
    try:
        networks = dict[str, Network]() if trained is None else trained.networks
        layer = request.layer or next(iter(networks), "")
        if request.layer is None and (found := predicts(networks)) is not None:
            layer = found.layer
        if layer not in networks:
            raise NetlangError(rules.WHICH_LAYER, f"the run trained no network `{layer}`")
        found = predicted(networks[layer], request.image, request.drawing)
        return answering(replace(found, run=run), request)
    except Exception as error:
        return answering(Failed(error=error_of(error)), request)


class _Training(Callback):
    """One run, which sends what it reports."""

    def __init__(self, connection: Connection, run: str, request: Train) -> None:
        self._connection = connection
        self._run = run
        self._request = request
        self._points: list[Point] = []
        self._sent = 0.0
        self._epoch = 0
        self._stopped = False
        self._plan: Plan | None = None

    def go(self) -> Run | None:
        """Train, and return the run, unless it failed."""
        try:
            with _warnings_to(self._remark):
                run = self._train()
        except Exception as error:
            found = error.diagnostics if isinstance(error, ProgramError) else ()
            places = Places(lambda path: path, self._text_of)
            problems: list[Problem] = [places.problem(problem(each)) for each in found]
            self._send(RunFailed(error=error_of(error), problems=problems), ENDED)
            return None
        networks = dict(run.networks)
        ended = Finished if run.finished else Stopped
        message = ended(
            step=run.step,
            folder=run.folder.as_posix(),
            remarks=run.remarks,
            networks=list(networks),
            predicts=predicts(networks),
        )
        self._send(message, ENDED)
        return run

    def _train(self) -> Run:
        request = self._request
        checked = open_program(request.path, request.text, texts=request.texts)
        program = Program(checked)
        run = program.train(
            request.section,
            settings=request.settings,
            seed=request.seed,
            callback=self,
            interrupted=self._interrupted,
        )
        self._send_points(run.step)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NetlangWarning)  # the run has shown them
            self._confuse(program, run)
        return run

    def _confuse(self, program: Program, run: Run) -> None:
        """Send how often each class of the validation data is predicted as each other."""
        plan = self._plan
        if plan is None or plan.valid is None or self._stopped:
            return
        if all(target.kind == "numbers" for target in targets(plan)):
            return
        layers = {param.path.partition(".")[0] for param in plan.computation.params.values()}
        files = {layer: run.folder / f"{layer}.safetensors" for layer in layers}
        found = program.evaluate(files, run.section, settings=self._request.settings)
        for each in found.confusions:
            self._send(
                Confusion(
                    epoch=self._epoch,
                    of=found.of,
                    column=each.column,
                    names=each.names,
                    counts=each.counts.tolist(),
                    actual=each.actual.tolist(),
                )
            )

    # ---- events of the run ---------------------------------------------------------------------

    def reading(self, plan: Plan) -> None:
        self._plan = plan
        read = (plan.settings[own] for own in ("data", "valid") if own in plan.settings)
        names = dict.fromkeys(text.partition("(")[0] for text in read)
        self._send(Preparing(section=plan.name, reading=list(names)))

    def opened(self, opened: Opened, folder: Path) -> None:
        self._opened, self._folder = opened, folder

    def began(self, step: int, clock: Clock) -> None:
        opened, plan = self._opened, self._opened.training.plan
        self._clock, self._interval = clock, interval(clock.total)
        params = plan.computation.params.values()
        size = sum(p.type.size for p in params if p.trained)
        prepared = Prepared(
            section=plan.name,
            folder=self._folder.as_posix(),
            parameters=size if isinstance(size, int) else str(size),
            examples=opened.data.examples,
            valid_examples=0 if opened.valid is None else opened.valid.examples,
            steps_per_epoch=clock.steps_per_epoch,
            steps=clock.total,
            epochs=epochs_of(clock),
            text=opened_line(opened),
        )
        self._send(prepared, BEGAN)
        if plan.data is not None:
            self._send(samples(opened.data))

    def stepped(self, step: int, measured: Mapping[str, float]) -> None:
        if step % self._interval == 0:
            epoch = step / self._clock.steps_per_epoch
            self._points.append(Point(step, epoch, dict(measured)))
        if time.monotonic() - self._sent > _PAUSE:
            self._send_points(step)

    def finished_epoch(self, report: Report, line: str) -> None:
        self._send_points(report.step)
        self._epoch = report.epoch
        self._send(
            Epoch(
                epoch=report.epoch,
                step=report.step,
                train=report.train,
                valid=report.valid,
                rate=report.rate,
                seconds=report.seconds,
                line=line,
                text=epoch_line(report, self._clock),
            )
        )

    def _send_points(self, step: int) -> None:
        self._sent = time.monotonic()
        points, self._points = self._points, []
        self._send(Steps(step=step, points=points))

    def _remark(self, text: str) -> None:
        self._send(Remark(text=text))

    def _interrupted(self) -> bool:
        """Return whether the page has stopped the run, or is gone."""
        try:
            while not self._stopped and self._connection.poll():
                self._stopped = self._connection.recv() == STOP
        except (EOFError, OSError):
            self._stopped = True
        return self._stopped

    def _send(self, message: RunMessage, kind: str = NEWS) -> None:
        line = encoded(answering(replace(message, run=self._run), self._request))
        # Without a page the run is to end, and what it reports is in its folder.
        with suppress(OSError):
            self._connection.send((kind, line))

    def _text_of(self, path: str) -> str:
        if path == self._request.path:
            return self._request.text
        try:
            return Path(path).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return ""


@contextmanager
def _warnings_to(remark: Callable[[str], None]) -> Generator[None]:
    """Pass each warning of netlang on as a text."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", NetlangWarning)
        other = warnings.showwarning

        def show(
            message: Warning | str, category: type[Warning], filename: str, lineno: int,
            file: TextIO | None = None, line: str | None = None,
        ) -> None:  # fmt: skip
            if isinstance(message, NetlangWarning):
                text = str(message)
                remark(text if text.startswith("warning[") else f"warning: {text}")
            else:
                other(message, category, filename, lineno, file, line)

        warnings.showwarning = show
        yield
