"""Nets ready to be called again and again, with the state they keep in between."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from netlang.backends import Backend, Provider, check_provider
from netlang.backends.feeds import prepare
from netlang.ir.graph import Graph
from netlang.system.numpy import Array

if TYPE_CHECKING:
    from netlang.backends.ort import Session


class Runner:
    """A net with its weights; its state goes on from call to call until ``reset``.

    ``runner(tokens=ids)`` gives the outputs by name. The state is in ``state``, by name, and may
    be put back later: a copy of it is a point to return to.
    """

    def __init__(
        self,
        graph: Graph,
        weights: Mapping[str, Array],
        *,
        backend: Backend = "onnxruntime",
        provider: Provider = "cpu",
    ) -> None:
        check_provider(backend, provider)
        self.graph = graph
        self.state: dict[str, Array] = {}
        self._weights = weights
        self._backend = backend
        self._provider: Provider = provider

    def reset(self) -> None:
        """Start from the state a net begins with."""
        self.state = {}

    def __call__(self, /, **inputs: Array) -> dict[str, Array]:
        """Compute the outputs; raises ``InputError`` for arrays that do not fit."""
        results = self.compute({**inputs, **self.state})
        self.state = {s.name: results.pop(f"{s.name}_next") for s in self.graph.states}
        return results

    def compute(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Compute the outputs, and each state ``h`` of the next call as ``h_next``; keep nothing.

        A state that is not among ``feeds`` starts anew. Raises as a call does.
        """
        if self._backend == "numpy":
            from netlang.backends import reference

            return reference.run(self.graph, feeds, self._weights)
        prepared = prepare(self.graph, feeds)
        return self._session.run(prepared.arrays)

    @cached_property
    def _session(self) -> Session:
        from netlang.backends.compile import compile_graph
        from netlang.backends.ort import Session

        model = compile_graph(self.graph, self._weights)
        return Session(model.proto, provider=self._provider)
