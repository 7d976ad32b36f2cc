"""From a checked train section to a run that is ready to start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from netlang.backends import check_backend
from netlang.data.batches import Batches
from netlang.data.fitted import Fitted
from netlang.data.opening import open_batches
from netlang.data.pipeline import Pipeline
from netlang.data.source import Arrays
from netlang.diagnostics.errors import require_at_least
from netlang.plan.plan import Plan
from netlang.system.numpy import Array, np
from netlang.system.ranks import ALONE, Ranks
from netlang.system.threads import limit_threads
from netlang.training.class_weights import balanced, with_class_weights
from netlang.training.parallel.carried import own_carried
from netlang.training.preprocessing import fitted_on
from netlang.training.run.engine import (
    Engine,
    NumpyEngine,
    OrtEngine,
    cast_state,
    initial_state,
    require_state,
)  # fmt: skip
from netlang.training.run.initial_parameters import initial_parameters
from netlang.training.step.graphs import Training, prepare
from netlang.training.step.watching import NO_WATCH, Watch

if TYPE_CHECKING:
    from netlang.backends import Backend, Provider

Check = Callable[[Training, Batches, Batches | None], None]
"""Checks a training and its data before anything is computed."""


@dataclass(frozen=True, slots=True)
class Choices:
    """How a run is computed, where the program leaves it open."""

    folder: Path
    """The folder of the program, where its paths start."""
    seed: int | None = None
    backend: Backend = "onnxruntime"
    provider: Provider = "cpu"
    threads: int | None = None
    allow_python: bool = False
    ranks: Ranks = ALONE

    def __post_init__(self) -> None:
        check_backend(self.backend, self.provider)
        require_at_least("seed", self.seed, 0)
        require_at_least("threads", self.threads, 1)


@dataclass(frozen=True, slots=True)
class Opened:
    """A training with its data and the engine it runs on."""

    training: Training
    data: Batches
    valid: Batches | None
    engine: Engine
    fitted: Fitted


def seed_of(plan: Plan, choices: Choices) -> int:
    """Return the seed of a run: the one chosen, else that of the program."""
    return plan.seed if choices.seed is None else choices.seed


def open_data(
    plan: Plan, choices: Choices, fitted: Fitted | None = None
) -> tuple[Batches, Batches | None]:
    """Open the data of a section, for training and for validation.

    Data for validation are read with what is fitted on the training data, and both with what is
    ``fitted`` already.
    """
    data = _NOTHING if plan.data is None else opened(plan, plan.data, choices, fitted)
    data = replace(data, part=(choices.ranks.rank, choices.ranks.count))
    if plan.valid is None:
        return data, None
    return data, opened(plan, plan.valid, choices, fitted or data.source.fitted())


def opened(plan: Plan, pipeline: Pipeline, choices: Choices, fitted: Fitted | None) -> Batches:
    """Open one pipeline of a section, with what is ``fitted`` on the training data."""
    return open_batches(
        pipeline, choices.folder, seed_of(plan, choices), allow_python=choices.allow_python,
        fitted=fitted,
    )  # fmt: skip


_NOTHING = Batches(Arrays("nothing", {}, {"row": np.zeros(1)}), 1)
"""The data of a section that needs none: an epoch of one step."""


def open_training(
    plan: Plan,
    choices: Choices,
    state: Mapping[str, Array] | None = None,
    fitted: Fitted | None = None,
    *,
    planned: Callable[[Training], None] = lambda _: None,
    check: Check | None = None,
    warn: Callable[[str], None] = lambda _: None,
    watch: Watch = NO_WATCH,
) -> Opened:
    """Make the graphs of a section and open its data at the same time.

    The engine starts from ``state``, or from the initial parameters of the section; a run that is
    resumed has ``fitted`` what its data determine. ``planned`` is
    called before parameters are allocated, ``check`` before anything is computed.
    """
    seed, ranks = seed_of(plan, choices), choices.ranks
    with ThreadPoolExecutor(1) as pool:
        # Whoever watches the reading of large files does so in the other thread, too.
        data: Future[tuple[Batches, Batches | None]] = pool.submit(
            copy_context().run, open_data, plan, choices, fitted
        )
        plan = balanced(plan, fitted, lambda: data.result()[0].source)
        training = prepare(plan, seed, watch=watch)
        planned(training)
        if state is None:
            # Those of rank 0, so that all start from the same.
            state = ranks.share(
                lambda: initial_state(
                    training, initial_parameters(plan, seed, choices.folder, warn)
                )
            )
        elif check is not None:
            check(training, *data.result())  # what differs is reported before it fails to fit
            check = None
        state = own_carried(require_state(training, state), training, ranks)
        engine = engine_of(training, cast_state(training, state), choices)
        batches, valid = data.result()
    if check is not None:
        check(training, batches, valid)
    known = fitted_on(batches.source, None if valid is None else valid.source, plan.data)
    known = with_class_weights(known, plan)
    return Opened(training, batches, valid, engine, known)


def engine_of(training: Training, state: Mapping[str, Array], choices: Choices) -> Engine:
    """Return an engine of the chosen kind."""
    if choices.backend == "numpy":
        if choices.ranks.threads is not None and choices.threads is not None:
            limit_threads(choices.threads)
        return NumpyEngine(training, state)
    return OrtEngine(training, state, provider=choices.provider, threads=choices.threads)
