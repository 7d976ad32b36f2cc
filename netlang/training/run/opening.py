"""From a checked train section to a run that is ready to begin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from netlang.backends import check_provider
from netlang.data.batches import Batches, open_batches
from netlang.data.source import Arrays
from netlang.evaluate.context.values import Rows
from netlang.plan.section import Plan
from netlang.system.numpy import Array, np
from netlang.training.run.beginning import first_weights
from netlang.training.run.engine import Engine, NumpyEngine, OrtEngine, beginning, typed
from netlang.training.step.step import Training, prepare

if TYPE_CHECKING:
    from netlang.backends import Backend, Provider

Check = Callable[[Training, Batches, Batches | None], None]
"""Looks at a training and its data before anything is computed."""


@dataclass(frozen=True, slots=True)
class Choices:
    """How a run is computed, as far as the program does not say it."""

    folder: Path
    """The program's own, where its paths begin."""
    seed: int | None = None
    backend: Backend = "onnxruntime"
    provider: Provider = "cpu"
    threads: int | None = None
    allow_python: bool = False

    def __post_init__(self) -> None:
        check_provider(self.backend, self.provider)


@dataclass(frozen=True, slots=True)
class Opened:
    """A training with its data and the engine it runs on."""

    training: Training
    seed: int
    data: Batches
    valid: Batches | None
    engine: Engine


def seed_of(plan: Plan, choices: Choices) -> int:
    """Give the seed of a run: the one chosen, else that of the program, else 0."""
    own = plan.settings.get("seed", 0)
    assert isinstance(own, int)
    return own if choices.seed is None else choices.seed


def open_data(plan: Plan, choices: Choices) -> tuple[Batches, Batches | None]:
    """Open the rows of a section, for training and for validation."""
    seed = seed_of(plan, choices)

    def opened(name: str) -> Batches | None:
        rows = plan.settings.get(name)
        if not isinstance(rows, Rows):
            return None
        return open_batches(rows, choices.folder, seed, allow_python=choices.allow_python)

    return opened("data") or _NOTHING, opened("valid")


_NOTHING = Batches(Arrays("nothing", {}, {"row": np.zeros(1)}), 1)
"""The data of a section that needs none: an epoch of one step."""


def open_training(
    plan: Plan,
    choices: Choices,
    state: Mapping[str, Array] | None = None,
    *,
    planned: Callable[[Training], None] = lambda _: None,
    check: Check | None = None,
) -> Opened:
    """Make the graphs of a section and open its data at the same time.

    The engine starts from ``state``, or from weights as the section starts them. ``planned`` is
    called before there are weights, ``check`` before anything is computed.
    """
    seed = seed_of(plan, choices)
    with ThreadPoolExecutor(1) as pool:
        data: Future[tuple[Batches, Batches | None]] = pool.submit(open_data, plan, choices)
        training = prepare(plan, seed)
        planned(training)
        if state is None:
            state = beginning(training, first_weights(training, seed, choices.folder))
        engine = engine_of(training, typed(training, state), choices)
        opened = data.result()
    if check is not None:
        check(training, *opened)
    return Opened(training, seed, *opened, engine)


def engine_of(training: Training, state: Mapping[str, Array], choices: Choices) -> Engine:
    """Make the engine that was chosen."""
    if choices.backend == "numpy":
        return NumpyEngine(training, state)
    return OrtEngine(training, state, provider=choices.provider, threads=choices.threads)
