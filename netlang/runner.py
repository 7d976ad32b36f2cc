"""Nets ready to be called again and again, with the state they keep in between."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from netlang.backends.feeds import prepare
from netlang.ir.graph import Graph
from netlang.numeric import Array

Backend = Literal["onnxruntime", "numpy"]
Provider = Literal["cpu", "cuda", "auto"]


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
        self.graph = graph
        self.state: dict[str, Array] = {}
        self._weights = weights
        self._session = None
        if backend == "onnxruntime":
            from netlang.backends.onnx import to_onnx
            from netlang.backends.ort import Session
            from netlang.passes.pipeline import transform

            self._session = Session(to_onnx(transform(graph), weights), provider=provider)

    def reset(self) -> None:
        """Start from the state a net begins with."""
        self.state = {}

    def __call__(self, **inputs: Array) -> dict[str, Array]:
        """Compute the outputs; raises ``BadInput`` for arrays that do not fit."""
        feeds = {**inputs, **self.state}
        if self._session is None:
            from netlang.backends import reference

            results = reference.run(self.graph, feeds, self._weights)
        else:
            results = self._session.run(prepare(self.graph, feeds).arrays)
        self.state = {s.name: results.pop(f"{s.name}_next") for s in self.graph.states}
        return results
