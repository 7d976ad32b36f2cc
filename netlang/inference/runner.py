"""Nets that are called repeatedly, with the state they carry from call to call."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from netlang.backends import Backend, Provider, check_backend
from netlang.backends.calls import prepare_call
from netlang.backends.feeds import Feeds
from netlang.backends.sizes import check_sizes
from netlang.ir.graph import Graph
from netlang.system.numpy import Array

if TYPE_CHECKING:
    from netlang.backends.ort import Session


class Runner:
    """A graph with its parameters; its state is carried from call to call until ``reset``.

    ``runner(tokens=ids)`` returns the outputs by name. ``state`` holds the state by name; assign
    a copy of it to return to that point.
    """

    def __init__(
        self,
        graph: Graph,
        parameters: Mapping[str, Array],
        *,
        backend: Backend = "onnxruntime",
        provider: Provider = "cpu",
    ) -> None:
        check_backend(backend, provider)
        self.graph = graph
        self.state: dict[str, Array] = {}
        self._parameters = parameters
        self._backend = backend
        self._provider: Provider = provider

    def reset(self) -> None:
        """Return to the initial state."""
        self.state = {}

    def __call__(self, /, **inputs: Array) -> dict[str, Array]:
        """Compute the outputs; raises ``InputError`` for arrays that do not fit."""
        results = self.compute({**inputs, **self.state})
        self.state = {s.name: results.pop(s.next_name) for s in self.graph.states}
        return results

    def compute(self, feeds: Mapping[str, Array] | Feeds) -> dict[str, Array]:
        """Compute the outputs, and the next value of each state ``h`` as ``h_next``.

        A state that is not among ``feeds`` has its initial value. Raises as a call does.
        """
        prepared = feeds if isinstance(feeds, Feeds) else prepare_call(self.graph, feeds)
        if self._backend == "numpy" or check_sizes(self.graph, prepared.sizes):
            from netlang.backends import reference

            return reference.run(self.graph, prepared, self._parameters)
        return self._session.run(prepared.arrays)

    @cached_property
    def _session(self) -> Session:
        from netlang.backends.compile import compile_graph
        from netlang.backends.ort import Session

        model = compile_graph(self.graph, self._parameters)
        return Session(model.proto, provider=self._provider)
