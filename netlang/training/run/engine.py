"""Where steps are computed: weights and optimizer state stay there from step to step."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, cast

from netlang.diagnostics import rules
from netlang.diagnostics.errors import NetlangError
from netlang.ir.arrays import numpy_dtype
from netlang.ir.graph import Graph, State
from netlang.system.numpy import Array, np
from netlang.training.step.step import Training, kept

if TYPE_CHECKING:
    from netlang.backends.ort import Held, Provider, Session

Arrays = Mapping[str, Array]
Numbers = Mapping[str, float]
"""Inputs of a step that are single numbers: counts, learning rates, shares."""


class Engine(Protocol):
    """Runs the graphs of a training.

    State is named as in the graphs: a weight by its path, what an optimizer keeps for it by
    ``path/name``, what a net keeps from batch to batch by ``path.name/state``.
    """

    def step(self, graph: Graph, batch: Arrays, numbers: Numbers) -> dict[str, float]:
        """Run a step on a batch; give its loss, its metrics, the length of its gradient."""
        ...

    def measure(self, batch: Arrays, numbers: Numbers, *, anew: bool) -> dict[str, float]:
        """Give the loss and the metrics of a batch in evaluation mode.

        With ``anew``, nets forget what they kept from measured batches before.
        """
        ...

    def forget(self) -> None:
        """Let nets start over with what they keep from batch to batch."""
        ...

    def state(self) -> dict[str, Array]:
        """Copy out all weights, statistics and what optimizers and nets keep."""
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
    state = typed(training, state)
    for chosen in training.steps:
        for name, type in kept(chosen.graph).items():
            shape = tuple(size for size in type.shape if isinstance(size, int))
            state[name] = np.zeros(shape, dtype=numpy_dtype(type.dtype))
    return state


def typed(training: Training, state: Arrays) -> dict[str, Array]:
    """Give the arrays of a state the elements that the graphs ask for."""
    values = (
        v for graph in training.graphs for v in (*graph.inputs, *(s.value for s in graph.states))
    )
    dtypes = {v.name: numpy_dtype(v.type.dtype) for v in values}
    return {
        name: array.astype(dtypes.get(name, array.dtype), copy=False)
        for name, array in state.items()
    }


def fed(graph: Graph, batch: Arrays, numbers: Numbers) -> dict[str, Array]:
    """Name the inputs of a step, state apart, in the elements that its graph asks for."""
    given: dict[str, Array] = {f"batch.{name}": array for name, array in batch.items()}
    feeds: dict[str, Array] = {}
    for value in graph.inputs:
        found = given.get(value.name, numbers.get(value.name))
        if found is not None:
            feeds[value.name] = np.asarray(found, dtype=numpy_dtype(value.type.dtype))
    return feeds


def starts(carried: Sequence[State], rows: int) -> dict[str, Array]:
    """Give what nets keep as it is before their first batch."""
    found: dict[str, Array] = {}
    for state in carried:
        shape = [size if isinstance(size, int) else rows for size in state.value.type.shape]
        dtype = numpy_dtype(state.value.type.dtype)
        found[state.name] = np.full(shape, state.start, dtype=dtype)
    return found


def _rows(batch: Arrays) -> int:
    return len(next(iter(batch.values())))


class OrtEngine:
    """Steps on onnxruntime."""

    def __init__(
        self, training: Training, state: Arrays, *, provider: Provider = "cpu",
        threads: int | None = None,
    ) -> None:  # fmt: skip
        self._training = training
        self._provider: Provider = provider
        self._threads = threads
        self._sessions: dict[int, Session] = {}
        # Only some operators are computed in f64: better to know now than after an epoch.
        graphs = [chosen.graph for chosen in training.steps]
        for graph in training.graphs if training.double else graphs:
            self._any = self._session(graph)
        self._held: dict[str, Held] = {}
        self._measured: dict[str, Held] = {}
        self.restore(state)

    def _session(self, graph: Graph) -> Session:
        """Open the session of a graph, when it is first needed."""
        if id(graph) not in self._sessions:
            # Read while the data are: importing these takes as long as opening a large data set.
            from netlang.backends.compile import compile_graph
            from netlang.backends.ort import Session

            with self._computable():
                self._sessions[id(graph)] = Session(
                    compile_graph(graph, {}, optimize=False).proto,
                    provider=self._provider,
                    threads=self._threads,
                    shared_arena=True,
                )
        return self._sessions[id(graph)]

    def _run(self, graph: Graph, feeds: Mapping[str, Held]) -> dict[str, Held]:
        session = self._session(graph)
        with self._computable():
            return session.run_held(feeds)

    @contextmanager
    def _computable(self) -> Generator[None]:
        """Tell what to do where onnxruntime lacks an operator in f64."""
        from netlang.backends.ort import NoKernel

        try:
            yield
        except NoKernel as lacking:
            if not self._training.double:
                raise
            raise NetlangError(
                rules.PRECISION,
                f"onnxruntime computes no {lacking.kind} in f64",
                notes=lacking.notes,
                helps=["compute the run on the interpreter: `--backend numpy`"],
            ) from None

    def step(self, graph: Graph, batch: Arrays, numbers: Numbers) -> dict[str, float]:
        self._start(self._held, batch)
        feeds = self._held | self._hold(fed(graph, batch, numbers))
        results = self._run(graph, feeds)
        measured = {name: float(results.pop(name).numpy()) for name in graph.outputs}
        self._held = self._held | _after(results)
        return measured

    def measure(self, batch: Arrays, numbers: Numbers, *, anew: bool) -> dict[str, float]:
        if anew:
            self._measured = {}
        self._start(self._measured, batch)
        graph = self._training.evaluation
        feeds = self._held | self._measured | self._hold(fed(graph, batch, numbers))
        results = self._run(graph, feeds)
        measured = {name: float(results.pop(name).numpy()) for name in graph.outputs}
        self._measured = self._measured | _after(results)
        return measured

    def _start(self, held: dict[str, Held], batch: Arrays) -> None:
        carried = self._training.carried
        if carried and carried[0].name not in held:
            held.update(self._hold(starts(carried, _rows(batch))))

    def _hold(self, arrays: Arrays) -> dict[str, Held]:
        return {name: self._any.hold(array) for name, array in arrays.items()}

    def forget(self) -> None:
        dropped = {s.name for s in self._training.carried}
        self._held = {name: held for name, held in self._held.items() if name not in dropped}

    def state(self) -> dict[str, Array]:
        return {name: held.numpy() for name, held in self._held.items()}

    def restore(self, state: Arrays) -> None:
        self._held = self._hold(state)

    def mark(self) -> object:
        return dict(self._held)

    def go_back(self, mark: object) -> None:
        self._held = cast("dict[str, Held]", mark)


def _after(results: Mapping[str, Held]) -> dict[str, Held]:
    return {name.removesuffix("_next"): held for name, held in results.items()}


class NumpyEngine:
    """Steps on the interpreter: slow, and what a step means."""

    def __init__(self, training: Training, state: Arrays) -> None:
        self._training = training
        self._state = dict(state)
        self._measured: dict[str, Array] = {}

    def step(self, graph: Graph, batch: Arrays, numbers: Numbers) -> dict[str, float]:
        self._start(self._state, batch)
        measured, after = self._run(graph, self._state, fed(graph, batch, numbers))
        self._state = self._state | after
        return measured

    def measure(self, batch: Arrays, numbers: Numbers, *, anew: bool) -> dict[str, float]:
        if anew:
            self._measured = {}
        self._start(self._measured, batch)
        graph = self._training.evaluation
        state = self._state | self._measured
        measured, after = self._run(graph, state, fed(graph, batch, numbers))
        self._measured = self._measured | after
        return measured

    def _start(self, held: dict[str, Array], batch: Arrays) -> None:
        carried = self._training.carried
        if carried and carried[0].name not in held:
            held.update(starts(carried, _rows(batch)))

    def _run(
        self, graph: Graph, state: Arrays, feeds: Arrays
    ) -> tuple[dict[str, float], dict[str, Array]]:
        from netlang.backends import reference

        wanted = [*(v.name for v in graph.inputs), *(s.value.name for s in graph.states)]
        given = {**state, **feeds}
        results = reference.run(graph, {n: given[n] for n in wanted}, {})
        measured = {name: float(results.pop(name)) for name in graph.outputs}
        return measured, {name.removesuffix("_next"): array for name, array in results.items()}

    def forget(self) -> None:
        dropped = {s.name for s in self._training.carried}
        self._state = {name: a for name, a in self._state.items() if name not in dropped}

    def state(self) -> dict[str, Array]:
        return dict(self._state)

    def restore(self, state: Arrays) -> None:
        self._state = dict(state)

    def mark(self) -> object:
        return dict(self._state)

    def go_back(self, mark: object) -> None:
        self._state = cast("dict[str, Array]", mark)
