"""Where steps are computed: parameters and optimizer state stay there from step to step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from netlang.backends.indices import Indices, indices_of
from netlang.backends.sizes import check_sizes
from netlang.diagnostics import rules
from netlang.diagnostics.errors import NetlangError
from netlang.ir.arrays import numpy_dtype
from netlang.ir.dims import is_symbol
from netlang.ir.graph import Graph, State
from netlang.ir.types import TensorType
from netlang.system.numpy import Array, np
from netlang.training.step.graphs import Training, optimizer_state
from netlang.training.step.watching import is_watched

if TYPE_CHECKING:
    from netlang.backends.ort import Held, Provider, Session

Arrays = Mapping[str, Array]
Numbers = Mapping[str, float | Array]
"""Inputs of a step besides the batch: counters, learning rates, shares, and totals."""
_BATCH = "batch."


class Evaluates(Protocol):
    """Evaluates batches; ``state`` is what the evaluation depends on besides them."""

    def evaluate(self, batch: Arrays, numbers: Numbers, *, first: bool) -> Arrays:
        """Return the loss, the metrics and their accumulators of a batch in evaluation mode.

        With ``first``, nets reset the state they carry from one evaluated batch to the next.
        """
        ...

    def state(self) -> dict[str, Array]:
        """Return a copy of all parameters, statistics, and the state of optimizers and nets."""
        ...


class Engine(Evaluates, Protocol):
    """Runs the graphs of a training.

    State is named as in the graphs: a parameter by its path, the optimizer's state for it by
    ``path/name``, what a net carries from batch to batch by ``path.name/state``.
    """

    def step(self, graph: Graph, batch: Arrays, numbers: Numbers) -> Arrays:
        """Run a step on a batch; return what it measures: loss, metrics, accumulators, norm.

        An update from sums has an empty batch.
        """
        ...

    def read(self, names: Iterable[str]) -> dict[str, Array]:
        """Return some of the state, valid until the next step."""
        ...

    def reset(self) -> None:
        """Reset the state that nets carry from batch to batch."""
        ...

    def restore(self, state: Arrays) -> None:
        """Continue from a state."""
        ...

    def snapshot(self, names: Collection[str]) -> Callable[[], dict[str, Array]]:
        """Return what copies a part of the state as it is now, when it is called."""
        ...

    def assign(self, state: Arrays) -> None:
        """Continue with other values of a part of the state, read until the next step."""
        ...

    def savepoint(self) -> Callable[[], None]:
        """Return a function that restores the current state; nothing is copied."""
        ...


def initial_state(training: Training, parameters: Arrays) -> dict[str, Array]:
    """Return the state before the first step: of the parameters and of the optimizers."""
    state = {value.name: parameters[path] for path, value in training.parameters.items()}
    state = cast_state(training, state)
    for chosen in training.steps:
        for stored in optimizer_state(chosen.graph):
            type = stored.value.type
            shape = tuple(size for size in type.shape if isinstance(size, int))
            state[stored.name] = np.full(shape, stored.start, dtype=numpy_dtype(type.dtype))
    return state


def require_state(training: Training, state: Arrays) -> Arrays:
    """Return a state, with sums of gradients of 0, as between updates, if it has none.

    Raises ``NetlangError`` for a state of an optimizer that is missing or of another shape.
    """
    sums = {v.name: v for each in training.steps for v in each.sums}
    state = {**{name: _zeros(v.type) for name, v in sums.items() if name not in state}, **state}
    for stored in (s for chosen in training.steps for s in optimizer_state(chosen.graph)):
        array = state.get(stored.name)
        if array is None or array.shape != stored.value.type.shape:
            found = "nothing of that name" if array is None else f"{list(array.shape)}"
            raise NetlangError(
                rules.SETTINGS_CHANGED,
                f"the checkpoint does not have the state `{stored.name}` of this optimizer",
                notes=[f"it should be {stored.value.type}, and there is {found}"],
                helps=["begin a new run: leave `--resume` out, in another folder"],
            )
    return state


def _zeros(type: TensorType) -> Array:
    shape = tuple(size for size in type.shape if isinstance(size, int))
    return np.zeros(shape, numpy_dtype(type.dtype))


def cast_state(training: Training, state: Arrays) -> dict[str, Array]:
    """Cast the arrays of a state to the element types of the graphs."""
    values = (
        v for graph in training.graphs for v in (*graph.inputs, *(s.value for s in graph.states))
    )
    dtypes = {v.name: numpy_dtype(v.type.dtype) for v in values}
    return {
        name: array.astype(dtypes.get(name, array.dtype), copy=False)
        for name, array in state.items()
    }


def fed(graph: Graph, batch: Arrays, numbers: Numbers) -> dict[str, Array]:
    """Return the inputs of a step by name, except state, with the element types of its graph."""
    given: dict[str, Array] = {f"{_BATCH}{name}": array for name, array in batch.items()}
    feeds: dict[str, Array] = {}
    for value in graph.inputs:
        found = given.get(value.name, numbers.get(value.name))
        if found is not None:
            # A rate or an example beyond the range becomes infinite, and the loss reports it.
            with np.errstate(over="ignore"):
                feeds[value.name] = np.asarray(found, dtype=numpy_dtype(value.type.dtype))
    return feeds


class BatchChecks:
    """What a batch is checked for before its step: its sizes, once, and its indices.

    The graph is that of the evaluation, which computes of a batch what every step does.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        inputs = (v for v in graph.inputs if v.name.startswith(_BATCH))
        self._columns = [(v.name.removeprefix(_BATCH), v.type) for v in inputs]
        self._shapes: list[tuple[int, ...]] = []
        self._indices: list[tuple[str, Indices]] = []
        self._on_nothing = False

    def __call__(self, batch: Arrays) -> bool:
        """Check a batch; return whether the interpreter computes its step: it has no elements."""
        shapes = [batch[name].shape for name, _ in self._columns]
        if shapes != self._shapes:
            self._accept(shapes)
        for name, indices in self._indices:
            indices.check(batch[name])
        return self._on_nothing

    def _accept(self, shapes: list[tuple[int, ...]]) -> None:
        pairs = zip(self._columns, shapes, strict=True)
        axes = (axis for (_, type), shape in pairs for axis in zip(type.shape, shape, strict=True))
        sizes = {name: size for dim, size in axes if (name := is_symbol(dim)) is not None}
        self._on_nothing = check_sizes(self._graph, sizes)
        found = indices_of(self._graph, sizes)
        self._indices = [(each.name.removeprefix(_BATCH), each) for each in found]
        self._shapes = shapes


def interpreted(graph: Graph, given: Arrays) -> dict[str, Array]:
    """Return the results of a graph, computed by the interpreter from its inputs and states."""
    from netlang.backends import reference

    wanted = [*(v.name for v in graph.inputs), *(s.value.name for s in graph.states)]
    return reference.run(graph, {n: given[n] for n in wanted}, {})


def initial_carried(carried: Sequence[State], size: int) -> dict[str, Array]:
    """Return the state that nets carry, as it is before their first batch of ``size``."""
    found: dict[str, Array] = {}
    for state in carried:
        shape = [axis if isinstance(axis, int) else size for axis in state.value.type.shape]
        dtype = numpy_dtype(state.value.type.dtype)
        found[state.name] = np.full(shape, state.start, dtype=dtype)
    return found


def batch_size(batch: Arrays) -> int:
    """Return the number of examples in a batch."""
    return len(next(iter(batch.values())))


def copied(held: Held) -> Array:
    """Return a copy on the host of an array that onnxruntime holds."""
    # Of what is on the host already, `numpy` returns a view of memory that is used again.
    return held.numpy().copy()


class Measured(dict[str, Array]):
    """What a step measures; what is watched of it is copied when it is read, which is seldom."""

    def __init__(self, copied: Arrays, watched: Mapping[str, Held]) -> None:
        super().__init__(copied)
        self._watched = watched

    def __missing__(self, name: str) -> Array:
        return copied(self._watched[name])

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._watched


class OrtEngine:
    """Steps on onnxruntime, whose state stays on the device: batches go in, metrics come out."""

    def __init__(
        self, training: Training, state: Arrays, *, provider: Provider = "cpu",
        threads: int | None = None,
    ) -> None:  # fmt: skip
        self._training = training
        self._provider: Provider = provider
        self._threads = threads
        self._checks = BatchChecks(training.evaluation)
        self._sessions: dict[int, Session] = {}
        # onnxruntime computes only some operators in f64: better to fail now than after an epoch.
        graphs = [chosen.graph for chosen in training.steps]
        for graph in training.graphs if training.double else graphs:
            self._any = self._session(graph)
        self._held: dict[str, Held] = {}
        self._evaluated: dict[str, Held] = {}
        self.restore(state)

    def _session(self, graph: Graph) -> Session:
        """Return the session of a graph, which is opened when it is first needed."""
        if id(graph) not in self._sessions:
            # Imported while the data are read: it takes as long as opening a large dataset.
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

    def _run(
        self, graph: Graph, before: Mapping[str, Held], batch: Arrays, numbers: Numbers
    ) -> tuple[Arrays, dict[str, Held]]:
        """Run a graph; return what it measures, and the next state, which stays on the device."""
        from netlang.backends.ort import held

        feeds = {**before, **{n: held(array) for n, array in fed(graph, batch, numbers).items()}}
        after = {s.next_name: s.name for s in graph.states}
        if batch and self._checks(batch):
            found = interpreted(graph, {n: each.numpy() for n, each in feeds.items()})
            state = {name: found[made] for made, name in after.items()}
            return {name: found[name] for name in graph.outputs}, self._store(state)
        session = self._session(graph)
        watched = [name for name in graph.outputs if is_watched(name)]
        with self._computable():
            results = session.run_held(feeds, kept=(*after, *watched))
        measured = {n: copied(results[n]) for n in graph.outputs if n not in watched}
        return (
            Measured(measured, {name: results[name] for name in watched}),
            {name: results[made] for made, name in after.items()},
        )

    @contextmanager
    def _computable(self) -> Generator[None]:
        """Report what to do where onnxruntime lacks an operator in f64."""
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

    def step(self, graph: Graph, batch: Arrays, numbers: Numbers) -> Arrays:
        self._start(self._held, batch)
        measured, after = self._run(graph, self._held, batch, numbers)
        self._held = self._held | after
        return measured

    def evaluate(self, batch: Arrays, numbers: Numbers, *, first: bool) -> Arrays:
        if first:
            self._evaluated = {}
        self._start(self._evaluated, batch)
        state = self._held | self._evaluated
        measured, after = self._run(self._training.evaluation, state, batch, numbers)
        self._evaluated = self._evaluated | after
        return measured

    def _start(self, held: dict[str, Held], batch: Arrays) -> None:
        carried = self._training.carried
        if batch and carried and carried[0].name not in held:
            held.update(self._store(initial_carried(carried, batch_size(batch))))

    def _store(self, arrays: Arrays) -> dict[str, Held]:
        return {name: self._any.store(array) for name, array in arrays.items()}

    def reset(self) -> None:
        dropped = {s.name for s in self._training.carried}
        self._held = {name: held for name, held in self._held.items() if name not in dropped}

    def state(self) -> dict[str, Array]:
        return self.snapshot(self._held)()

    def snapshot(self, names: Collection[str]) -> Callable[[], dict[str, Array]]:
        held = {name: self._held[name] for name in names}
        return lambda: {name: copied(each) for name, each in held.items()}

    def read(self, names: Iterable[str]) -> dict[str, Array]:
        return {name: self._held[name].numpy() for name in names}

    def restore(self, state: Arrays) -> None:
        self._held = self._store(state)

    def assign(self, state: Arrays) -> None:
        self._held = self._held | self._store(state)

    def savepoint(self) -> Callable[[], None]:
        held = dict(self._held)

        def restore() -> None:
            self._held = held

        return restore


class NumpyEngine:
    """Steps on the interpreter: slow, and the reference for what a step computes."""

    def __init__(self, training: Training, state: Arrays) -> None:
        self._training = training
        self._checks = BatchChecks(training.evaluation)
        self._state = dict(state)
        self._evaluated: dict[str, Array] = {}

    def step(self, graph: Graph, batch: Arrays, numbers: Numbers) -> dict[str, Array]:
        self._start(self._state, batch)
        if batch:
            self._checks(batch)
        measured, after = self._run(graph, self._state, fed(graph, batch, numbers))
        self._state = self._state | after
        return measured

    def evaluate(self, batch: Arrays, numbers: Numbers, *, first: bool) -> dict[str, Array]:
        if first:
            self._evaluated = {}
        self._start(self._evaluated, batch)
        graph = self._training.evaluation
        state = self._state | self._evaluated
        self._checks(batch)
        measured, after = self._run(graph, state, fed(graph, batch, numbers))
        self._evaluated = self._evaluated | after
        return measured

    def _start(self, held: dict[str, Array], batch: Arrays) -> None:
        carried = self._training.carried
        if batch and carried and carried[0].name not in held:
            held.update(initial_carried(carried, batch_size(batch)))

    def _run(
        self, graph: Graph, state: Arrays, feeds: Arrays
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        results = interpreted(graph, {**state, **feeds})
        measured = {name: results[name] for name in graph.outputs}
        return measured, {s.name: results[s.next_name] for s in graph.states}

    def reset(self) -> None:
        dropped = {s.name for s in self._training.carried}
        self._state = {name: a for name, a in self._state.items() if name not in dropped}

    def state(self) -> dict[str, Array]:
        return {name: array.copy() for name, array in self._state.items()}

    def read(self, names: Iterable[str]) -> dict[str, Array]:
        return {name: self._state[name] for name in names}

    def snapshot(self, names: Collection[str]) -> Callable[[], dict[str, Array]]:
        state = {name: self._state[name] for name in names}
        return lambda: {name: array.copy() for name, array in state.items()}

    def restore(self, state: Arrays) -> None:
        self._state = dict(state)

    def assign(self, state: Arrays) -> None:
        self._state = {**self._state, **state}

    def savepoint(self) -> Callable[[], None]:
        state = dict(self._state)

        def restore() -> None:
            self._state = state

        return restore
