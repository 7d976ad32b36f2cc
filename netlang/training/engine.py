"""Where steps are computed: weights and optimizer state stay there from step to step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, cast

from netlang.arrays import numpy_dtype
from netlang.backends.ort import Held, Provider, Session
from netlang.ir.graph import Graph
from netlang.numeric import Array, np
from netlang.training.step import STEP, StepGraph, Training, kept

Arrays = Mapping[str, Array]


class Engine(Protocol):
    """Runs the steps of a training and measures batches.

    State is named as in the graphs: a weight by its path, what an optimizer keeps for it by
    ``path/name``.
    """

    def step(
        self, chosen: StepGraph, batch: Arrays, count: int, rates: Mapping[str, float]
    ) -> dict[str, float]:
        """Do one update with a batch; give its loss."""
        ...

    def measure(self, batch: Arrays, count: int) -> dict[str, float]:
        """Give the loss and the metrics of a batch, in evaluation mode."""
        ...

    def state(self) -> dict[str, Array]:
        """Copy out all weights, statistics and what optimizers keep."""
        ...

    def restore(self, state: Arrays) -> None:
        """Go on from a state."""
        ...

    def mark(self) -> object:
        """Remember where the engine is, without copying anything."""
        ...

    def go_back(self, mark: object) -> None:
        """Return to where the engine was."""
        ...


def beginning(training: Training, weights: Arrays) -> dict[str, Array]:
    """Give the state before the first step: the weights, and zeros for the optimizers."""
    state = {value.name: weights[path] for path, value in training.weights.by_path.items()}
    for chosen in training.steps:
        for name, type in kept(chosen.graph).items():
            shape = tuple(size for size in type.shape if isinstance(size, int))
            state[name] = np.zeros(shape, dtype=numpy_dtype(type.dtype))
    return state


class OrtEngine:
    """Steps on onnxruntime."""

    def __init__(
        self, training: Training, state: Arrays, *, provider: Provider = "cpu",
        threads: int | None = None,
    ) -> None:  # fmt: skip
        from netlang.backends.onnx import to_onnx

        def session(chosen: StepGraph | None) -> Session:
            graph = chosen.graph if chosen else training.evaluation
            return Session(to_onnx(graph, {}), provider=provider, threads=threads)

        self._steps = {chosen.name: session(chosen) for chosen in training.steps}
        self._training = training
        self._measure: Session | None = None
        self._session = session
        self._any = next(iter(self._steps.values()))
        self._held: dict[str, Held] = {}
        self.restore(state)

    def step(
        self, chosen: StepGraph, batch: Arrays, count: int, rates: Mapping[str, float]
    ) -> dict[str, float]:
        session = self._steps[chosen.name]
        results = session.run_held(self._feeds(batch, count, rates))
        measured = {name: float(results.pop(name).numpy()) for name in chosen.graph.outputs}
        self._held = self._held | {
            name.removesuffix("_next"): held for name, held in results.items()
        }
        return measured

    def measure(self, batch: Arrays, count: int) -> dict[str, float]:
        if self._measure is None:
            self._measure = self._session(None)
        results = self._measure.run_held(self._feeds(batch, count, {}))
        return {name: float(held.numpy()) for name, held in results.items()}

    def state(self) -> dict[str, Array]:
        return {name: held.numpy() for name, held in self._held.items()}

    def restore(self, state: Arrays) -> None:
        self._held = {name: self._any.hold(array) for name, array in state.items()}

    def mark(self) -> object:
        return self._held

    def go_back(self, mark: object) -> None:
        self._held = cast("dict[str, Held]", mark)

    def _feeds(self, batch: Arrays, count: int, rates: Mapping[str, float]) -> dict[str, Held]:
        hold = self._any.hold
        feeds = self._held | {f"batch.{name}": hold(array) for name, array in batch.items()}
        feeds[STEP] = hold(np.asarray(count, dtype=np.int64))
        return feeds | {n: hold(np.asarray(r, dtype=np.float32)) for n, r in rates.items()}


class NumpyEngine:
    """Steps on the interpreter: slow, and what a step means."""

    def __init__(self, training: Training, state: Arrays) -> None:
        self._training = training
        self._state = dict(state)

    def step(
        self, chosen: StepGraph, batch: Arrays, count: int, rates: Mapping[str, float]
    ) -> dict[str, float]:
        from netlang.backends import reference

        results = reference.run(chosen.graph, self._feeds(chosen.graph, batch, count, rates), {})
        measured = {name: float(results.pop(name)) for name in chosen.graph.outputs}
        self._state = self._state | {
            name.removesuffix("_next"): array for name, array in results.items()
        }
        return measured

    def measure(self, batch: Arrays, count: int) -> dict[str, float]:
        from netlang.backends import reference

        graph = self._training.evaluation
        results = reference.run(graph, self._feeds(graph, batch, count, {}), {})
        return {name: float(array) for name, array in results.items()}

    def state(self) -> dict[str, Array]:
        return dict(self._state)

    def restore(self, state: Arrays) -> None:
        self._state = dict(state)

    def mark(self) -> object:
        return self._state

    def go_back(self, mark: object) -> None:
        self._state = cast("dict[str, Array]", mark)

    def _feeds(
        self, graph: Graph, batch: Arrays, count: int, rates: Mapping[str, float]
    ) -> dict[str, Array]:
        given = {
            **self._state,
            **{f"batch.{name}": array for name, array in batch.items()},
            STEP: np.asarray(count, dtype=np.int64),
            **{name: np.asarray(rate, dtype=np.float32) for name, rate in rates.items()},
        }
        wanted = [*(v.name for v in graph.inputs), *(s.value.name for s in graph.states)]
        return {name: given[name] for name in wanted}
