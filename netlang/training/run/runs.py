"""Starting and resuming runs, and recording them in their folders."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from netlang.data.batches import Batches
from netlang.diagnostics import rules
from netlang.diagnostics.errors import NetlangError
from netlang.diagram.drawing import Drawing
from netlang.plan.plan import Plan
from netlang.plan.schedules import Clock
from netlang.system.json_text import json_text
from netlang.system.memory import within_memory
from netlang.system.numpy import Array, np
from netlang.system.ranks import Ranks
from netlang.training.history.curves import History, curves
from netlang.training.history.landscapes import landscape
from netlang.training.history.reports import Report, StepReport, WatchReport, interval
from netlang.training.history.traces import traces
from netlang.training.history.watched import watched_plots
from netlang.training.run import checkpoints
from netlang.training.run.checkpoints import CheckpointError, Progress
from netlang.training.run.data_checks import check_data
from netlang.training.run.engine import Arrays
from netlang.training.run.folder import LANDSCAPE, PROGRAM, RunFolder
from netlang.training.run.loop import Run
from netlang.training.run.preparation import Choices, Opened, open_training, seed_of
from netlang.training.run.settings import RANKS, differences, run_settings
from netlang.training.step.graphs import DRAW, Training
from netlang.training.step.memory import footprint
from netlang.training.step.watching import Watch, watch_of

CURVES, CURVES_PNG, TRACE = "curves.svg", "curves.png", "trace"
_PAUSE = 2.0
"""Seconds between two writings of the curves."""


class Display(Protocol):
    """What the user sees of a run."""

    def reading(self, plan: Plan) -> None: ...
    def opened(self, opened: Opened, folder: Path) -> None: ...
    def began(self, step: int, clock: Clock) -> None: ...
    def stepped(self, step: int, measured: Mapping[str, float]) -> None: ...
    def finished_epoch(self, report: Report, line: str) -> None: ...


@dataclass(slots=True)
class Recorder:
    """Writes the logs and the curves of a run, and passes events on to a display."""

    folder: RunFolder
    title: str
    display: Display
    reports: list[Report] = field(default_factory=list[Report])
    steps: list[StepReport] = field(default_factory=list[StepReport])
    files: list[Path] = field(default_factory=list[Path])
    watches: list[WatchReport] = field(default_factory=list[WatchReport])
    step: int = 0
    _interval: int = 1
    _logged: int = 0
    """How many of the steps are in the log."""
    _watched: int = 0
    _drawn: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._logged, self._watched = len(self.steps), len(self.watches)

    @property
    def history(self) -> History:
        return History(self.reports, self.steps)

    def began(self, step: int, clock: Clock) -> None:
        self.step, self._interval = step, interval(clock.total)
        self.display.began(step, clock)

    def stepped(self, report: StepReport) -> None:
        self.step = report.step
        if report.step % self._interval == 0:
            self.steps.append(report)
            if time.monotonic() - self._drawn > _PAUSE:
                self.draw()
        self.display.stepped(report.step, report.train)

    def finished_epoch(self, report: Report) -> None:
        self.reports.append(report)
        self.display.finished_epoch(report, self.folder.log(report))
        if time.monotonic() - self._drawn > _PAUSE:
            self.draw()

    def watched(self, report: WatchReport) -> None:
        self.watches.append(report)

    def saved(self, path: Path) -> None:
        if path not in self.files:
            self.files.append(path)
        self.log_steps()

    def log_steps(self) -> None:
        """Write the steps that are not in their log yet."""
        if len(self.steps) > self._logged:
            self.folder.log_steps(self.steps[self._logged :])
            self._logged = len(self.steps)
        if len(self.watches) > self._watched:
            self.folder.log_watched(self.watches[self._watched :])
            self._watched = len(self.watches)

    def draw(self) -> None:
        """Write the log of steps and the curves."""
        self.log_steps()
        if self.reports or len(self.steps) > 1:
            self.folder.write_text(CURVES, curves(self.title, self.history).svg())
        for kind, plot in watched_plots(self.title, self.watches).items():
            self.folder.write_text(f"{kind}.svg", plot.svg())
        self._drawn = time.monotonic()


@dataclass(frozen=True, slots=True)
class Request:
    """The options of a run: arguments of the section, and what to do with an earlier run.

    ``program`` returns the text to save next to the results; ``pause`` is the minimum number of
    seconds between two checkpoints; with ``png``, the curves are saved as a PNG too.
    """

    plan: Callable[[Mapping[str, str]], Plan]
    program: Callable[[], str]
    given: Mapping[str, str] = field(default_factory=dict[str, str])
    resume: bool = False
    allowed: Collection[str] = ()
    pause: float = 60.0
    png: bool = False
    watch: Sequence[str] = ()
    watch_every: int | None = None
    warn: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended; ``remarks`` say why it stopped early, and what its results are."""

    over: bool
    step: int
    files: Sequence[Path]
    remarks: Sequence[str]


def train(
    request: Request,
    choices: Choices,
    folder: RunFolder | None,
    display: Display,
    interrupted: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Train in a folder, or resume the run that is there.

    Of several ranks, the first one has the folder, and tells the others what is in it. A run
    resumes with its own seed and arguments; whatever else differs must be ``allowed`` by name.
    """
    state, best, progress, given = None, {}, None, dict(request.given)
    if request.resume:
        load = partial(_load, folder)
        state, progress, problems = choices.ranks.share(load)
        state, best = checkpoints.split(state)
        for problem in problems:
            request.warn(f"warning: {problem}; resuming from the checkpoint before it")
        given = _given_before(progress) | given
        seed = _seed_before(progress) if choices.seed is None else choices.seed
        choices = replace(choices, seed=seed)
    plan = request.plan(given)
    watch = watch_of(request.watch, request.watch_every, plan)
    display.reading(plan)
    settings: dict[str, str] = {}

    def check(training: Training, data: Batches, valid: Batches | None) -> None:
        prints = [each.source.fingerprint() for each in (data, valid) if each is not None]
        seed = seed_of(plan, choices)
        settings.update(run_settings(training, seed=seed, data=" ".join(prints)))
        _require_same(choices.ranks, settings)
        if progress is not None:
            _compare_ranks(progress.settings, settings, request.warn)
            _compare(progress.settings, settings, request.allowed)
        check_data(training, data, valid, request.warn)

    with ExitStack() as stack:

        def planned(training: Training) -> None:
            found = footprint(training)
            stack.enter_context(within_memory(found.total, str(found), request.warn))

        fitted = progress.fitted if progress is not None else None
        opened = open_training(
            plan,
            choices,
            state,
            fitted,
            planned=planned,
            check=check,
            warn=request.warn,
            watch=watch,
        )
        settings |= {f"{GIVEN}{name}": text for name, text in given.items()}
        if folder is None:
            return _assist(request, opened, interrupted, settings, progress, best, watch, choices)
        return _carry_out(
            request, opened, folder, display, interrupted, settings, progress, best, watch, choices
        )


def _load(folder: RunFolder | None) -> tuple[dict[str, Array], Progress, list[str]]:
    assert folder is not None
    return checkpoints.load(folder.path)


class _Silent:
    """Follows a run without writing or showing anything."""

    def __init__(self) -> None:
        self.step = 0

    def began(self, step: int, clock: Clock) -> None:
        self.step = step

    def stepped(self, report: StepReport) -> None:
        self.step = report.step

    def finished_epoch(self, report: Report) -> None: ...
    def saved(self, path: Path) -> None: ...
    def watched(self, report: WatchReport) -> None: ...


def _assist(
    request: Request, opened: Opened, interrupted: Callable[[], bool],
    settings: Mapping[str, str], progress: Progress | None, best: Arrays, watch: Watch,
    choices: Choices,
) -> Outcome:  # fmt: skip
    """Run the steps of a prepared training on a rank that writes nothing."""
    watcher = _Silent()
    run = Run(
        opened.training, opened.engine, opened.data, opened.valid, opened.fitted, Path(),
        settings, watcher, interrupted, request.pause, watch, choices.ranks, kept=lambda: best,
    )  # fmt: skip
    return Outcome(run.go(progress), watcher.step, (), ())


def _carry_out(
    request: Request, opened: Opened, folder: RunFolder, display: Display,
    interrupted: Callable[[], bool], settings: Mapping[str, str], progress: Progress | None,
    best: Arrays, watch: Watch, choices: Choices,
) -> Outcome:  # fmt: skip
    """Run the steps of a prepared training, and save its results."""
    name = opened.training.plan.name
    reports = folder.reports(progress.epochs if progress else 0)
    steps = folder.steps(progress.step if progress else 0)
    watches = folder.watched(progress.step if progress else -1)
    if progress is None:
        folder.write_text(PROGRAM, request.program())
    if (problem := folder.become_newest()) is not None:
        request.warn(f"warning: {problem}")
    display.opened(opened, folder.path)
    recorder = Recorder(folder, name, display, reports, steps, watches=watches)
    run = Run(
        opened.training, opened.engine, opened.data, opened.valid, opened.fitted, folder.path,
        settings, recorder, interrupted, request.pause, watch, choices.ranks, kept=lambda: best,
    )  # fmt: skip
    try:
        over = run.go(progress)
    except BaseException:
        with suppress(NetlangError):
            recorder.draw()  # the last steps tell what went wrong
        if recorder.step == 0 and (now := folder.give_way()) is not None:
            request.warn(f"note: this run has not done a step, so {now}")
        raise
    recorder.draw()
    if request.png:
        from netlang.diagram.png import save_drawing

        save_drawing(curves(name, recorder.history), folder.path / CURVES_PNG)
    for kind, plot in _watched(opened, folder, recorder, watch).items():
        folder.write_text(f"{kind}.svg", plot.svg())
        if request.png:
            from netlang.diagram.png import save_drawing

            save_drawing(plot, folder.path / f"{kind}.png")
    return Outcome(over, recorder.step, recorder.files, run.remarks())


def _watched(
    opened: Opened, folder: RunFolder, recorder: Recorder, watch: Watch
) -> dict[str, Drawing]:
    """Return the drawings of what was watched, by the name of the file; save the landscape."""
    found = watched_plots(recorder.title, recorder.watches)
    if watch.parameters:
        # In the order of the log: a run may be resumed with another one.
        paths = list(dict.fromkeys(p for each in recorder.watches for p in each.parameters))
        land = landscape(recorder.watches, _losses(opened, paths))
        if land is not None:
            folder.write_text(LANDSCAPE, json_text(asdict(land)))
            found[TRACE] = traces("contours of the loss", {recorder.title: land})
    return found


_EXAMPLES = 1_000
"""The most examples, about, that the loss of a landscape is computed from."""


def _losses(opened: Opened, paths: Sequence[str]) -> Callable[[Sequence[float]], float]:
    """Return a function of the elements of some parameters: the loss with them.

    All other parameters are as they are now. The examples are the first ones of the data.
    """
    with replace(opened.data, part=(0, 1)).epoch(0) as stream:
        batches = [next(stream)]
        size = len(next(iter(batches[0].values())))
        batches += [batch for _, batch in zip(range(_EXAMPLES // size - 1), stream, strict=False)]
    alike = [
        b for b in batches if all(a.shape[1:] == batches[0][n].shape[1:] for n, a in b.items())
    ]
    whole = {name: np.concatenate([batch[name] for batch in alike]) for name in batches[0]}
    engine, (loss, *_) = opened.engine, opened.training.plan.losses
    state, restore = engine.snapshot(paths)(), engine.savepoint()

    def loss_at(elements: Sequence[float]) -> float:
        left = iter(elements)
        placed: dict[str, Array] = {}
        for path in paths:
            own = [next(left) for _ in range(state[path].size)]
            placed[path] = np.asarray(own, state[path].dtype).reshape(state[path].shape)
        engine.assign(placed)
        found = engine.evaluate(whole, {DRAW: 1}, first=True)
        restore()
        return float(found[loss])

    return loss_at


GIVEN = "set."
"""The prefix of settings that are arguments from the command line."""


def _seed_before(progress: Progress) -> int:
    """Return the seed of an earlier run."""
    try:
        return int(progress.settings["seed"])
    except (KeyError, ValueError):
        raise CheckpointError("the checkpoint does not have the seed of its run") from None


def _given_before(progress: Progress) -> dict[str, str]:
    """Return the arguments that an earlier run was started with."""
    fields = progress.settings.items()
    return {n.removeprefix(GIVEN): text for n, text in fields if n.startswith(GIVEN)}


def _compare(before: Mapping[str, str], now: Mapping[str, str], allowed: Collection[str]) -> None:
    old, now = ({n: t for n, t in each.items() if n != RANKS} for each in (before, now))
    old = {name: text for name, text in old.items() if not name.startswith(GIVEN)}
    told, used = differences(old, now, allowed)
    if told:
        raise NetlangError(
            rules.SETTINGS_CHANGED,
            "this is not the run that was started: "
            + (f"{len(told)} settings differ" if len(told) > 1 else "a setting differs"),
            notes=told,
            helps=[f"if that is meant, resume with `{_allowing(told)}`"],
        )
    unused = [name for name in allowed if name not in used]
    if unused:
        raise NetlangError(
            rules.SETTINGS_CHANGED,
            f"`--override {unused[0]}`: no setting of that name differs",
            notes=[f"the settings are {', '.join(now)}"],
        )


def _compare_ranks(
    before: Mapping[str, str], now: Mapping[str, str], warn: Callable[[str], None]
) -> None:
    """Report that a run is resumed by another number of processes."""
    old, new = before.get(RANKS, "1"), now.get(RANKS, "1")
    if old != new:
        warn(
            f"note: this run had {_counted(old)} and is resumed with {_counted(new)}: what depends "
            "on the parts of a batch differs, such as the statistics of batch norm, dropout, and "
            "rounding"
        )


def _counted(ranks: str) -> str:
    return "1 rank" if ranks == "1" else f"{ranks} ranks"


def _require_same(ranks: Ranks, settings: Mapping[str, str]) -> None:
    """Raise ``NetlangError`` where a rank has another program or other data than rank 0."""
    first, *others = ranks.gather(lambda: dict(settings))
    for rank, own in enumerate(others, 1):
        said = (f"rank 0 has {{}}, and rank {rank} has {{}}", "their contents differ")
        told, _ = differences(first, own, said=said)
        if told:
            raise NetlangError(
                rules.RANKS,
                f"rank {rank} does not train what rank 0 trains",
                notes=told,
                helps=["copy the program and its data to every machine"],
            )


def _allowing(told: Sequence[str]) -> str:
    """Return the options that allow all differences."""
    names = (line.partition(":")[0] for line in told)
    # One option allows all changes of the program.
    shown = ("program" if name.startswith("program.") else name for name in names)
    return " ".join(f"--override {name}" for name in dict.fromkeys(shown))
