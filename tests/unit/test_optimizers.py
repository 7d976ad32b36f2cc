"""Updates against PyTorch's, and against formulas of their own, in double precision.

Tests ``netlang.evaluate.optimizers`` and ``netlang.plan.optimizers``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from updates import update_graph

from netlang.backends import reference
from netlang.evaluate.modules.families import returning
from netlang.ir.graph import Graph
from netlang.ir.types import DType
from netlang.system.numpy import Array

TRACES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "optimizer_traces.jsonl")
    .read_text()
    .splitlines()
]


def update(graph: Graph, weight: Array, gradient: Array, lr: float, state: dict[str, Array]) -> Any:
    """Compute one update; return the new weight and change ``state``, which also counts."""
    count = state.setdefault("count", np.array(0, np.int64)) + 1
    for stored in graph.states:
        shape = [size for size in stored.value.type.shape if isinstance(size, int)]
        state.setdefault(stored.name, np.full(shape, stored.start))
    feeds = {"weight": weight, "gradient": gradient, "count": count, "lr": np.array(lr)}
    feeds |= {s.value.name: state[s.name] for s in graph.states}
    made = reference.run(graph, feeds, {}, dtype=DType.F64)
    state |= {s.name: made[s.next_name] for s in graph.states} | {"count": count}
    return made["weight"]


def call(name: str, settings: Mapping[str, Any]) -> str:
    given = (f"{key}={json.dumps(value)}" for key, value in settings.items())
    return f"{name}({', '.join(given)})"


def gradient(w: np.ndarray) -> np.ndarray:
    """Differentiate sum(w^4)/4 + sum((w * [0.5, 1, 2])^2)/2."""
    return w**3 + w * np.array([0.25, 1.0, 4.0])


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: f"{trace['name']}-{trace['id']}")
def test_five_steps_are_those_of_pytorch(trace: dict[str, Any]) -> None:
    graph = update_graph(call(trace["name"], trace["settings"]), (3,))
    w, state = np.array(trace["start"]), dict[str, Array]()
    for expected in trace["after_each_step"]:
        w = update(graph, w, gradient(w), trace["settings"]["lr"], state)
        # The bias corrections pass through single precision, as they do in a step.
        np.testing.assert_allclose(w, expected, atol=3e-8)


# ---- formulas of the papers, written once more ------------------------------------------------

Formula = Callable[[Array, Array, dict[str, Any]], Array]
FORMULAS: dict[str, Formula] = {}


def formula(text: str) -> Callable[[Formula], Formula]:
    """Register what a call means: it takes a weight, its gradient and a state to change."""

    def register(rule: Formula) -> Formula:
        FORMULAS[text] = rule
        return rule

    return register


@formula("sgd(0.01)")
def _sgd(w: Array, g: Array, s: dict[str, Any]) -> Array:
    return w - 0.01 * g


@formula("sgd(0.01, momentum=0.9, decay=0.02)")
def _momentum(w: Array, g: Array, s: dict[str, Any]) -> Array:
    s["v"] = 0.9 * s.get("v", 0) + (g + 0.02 * w)
    return w - 0.01 * s["v"]


@formula("sgd(0.01, momentum=0.9, nesterov=true)")
def _nesterov(w: Array, g: Array, s: dict[str, Any]) -> Array:
    s["v"] = 0.9 * s.get("v", 0) + g
    return w - 0.01 * (g + 0.9 * s["v"])


@formula("adagrad(0.01, decay=0.02)")
def _adagrad(w: Array, g: Array, s: dict[str, Any]) -> Array:
    g = g + 0.02 * w
    s["h"] = s.get("h", 0) + g**2
    return w - 0.01 * g / (np.sqrt(s["h"]) + 1e-10)


@formula("rmsprop(0.01, momentum=0.5)")
def _rmsprop(w: Array, g: Array, s: dict[str, Any]) -> Array:
    s["h"] = 0.99 * s.get("h", 0) + 0.01 * g**2
    s["v"] = 0.5 * s.get("v", 0) + g / (np.sqrt(s["h"]) + 1e-8)
    return w - 0.01 * s["v"]


@formula("adadelta(0.01)")
def _adadelta(w: Array, g: Array, s: dict[str, Any]) -> Array:
    s["h"] = 0.9 * s.get("h", 0) + 0.1 * g**2
    change = g * np.sqrt((s.get("d", 0) + 1e-6) / (s["h"] + 1e-6))
    s["d"] = 0.9 * s.get("d", 0) + 0.1 * change**2
    return w - 0.01 * change


def _moments(g: Array, s: dict[str, Any]) -> tuple[Array, Array, int]:
    """Return the running means of a gradient and of its square, without bias."""
    s["t"] = t = s.get("t", 0) + 1
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["u"] = 0.999 * s.get("u", 0) + 0.001 * g**2
    return s["m"] / (1 - 0.9**t), s["u"] / (1 - 0.999**t), t


@formula("adam(0.01, decay=0.02)")
def _adam(w: Array, g: Array, s: dict[str, Any]) -> Array:
    mean, square, _ = _moments(g + 0.02 * w, s)
    return w - 0.01 * mean / (np.sqrt(square) + 1e-8)


@formula("adamw(0.01, decay=0.1)")
def _adamw(w: Array, g: Array, s: dict[str, Any]) -> Array:
    mean, square, _ = _moments(g, s)
    return w - 0.01 * (mean / (np.sqrt(square) + 1e-8) + 0.1 * w)


@formula("adamax(0.01)")
def _adamax(w: Array, g: Array, s: dict[str, Any]) -> Array:
    mean, _, _ = _moments(g, s)
    s["n"] = np.maximum(0.999 * s.get("n", 0), np.abs(g) + 1e-8)
    return w - 0.01 * mean / s["n"]


@formula("radam(0.01)")
def _radam(w: Array, g: Array, s: dict[str, Any]) -> Array:
    mean, square, t = _moments(g, s)
    most = 2 / (1 - 0.999) - 1
    seen = most - 2 * t * 0.999**t / (1 - 0.999**t)
    if seen <= 5:
        return w - 0.01 * mean
    rectified = np.sqrt((seen - 4) * (seen - 2) * most / ((most - 4) * (most - 2) * seen))
    # eps is added before the bias is corrected, as in PyTorch.
    return w - 0.01 * rectified * mean / (np.sqrt(square) + 1e-8 / np.sqrt(1 - 0.999**t))


@formula("lion(0.001, decay=0.1)")
def _lion(w: Array, g: Array, s: dict[str, Any]) -> Array:
    before = s.get("m", 0)
    s["m"] = 0.99 * before + 0.01 * g
    return w - 0.001 * (np.sign(0.9 * before + 0.1 * g) + 0.1 * w)


@formula("lamb(0.0003, decay=0.02)")
def _lamb(w: Array, g: Array, s: dict[str, Any]) -> Array:
    mean, square, _ = _moments(g, s)
    change = mean / (np.sqrt(square) + 1e-6) + 0.02 * w
    return w - 0.0003 * change * np.linalg.norm(w) / np.linalg.norm(change)


def test_every_optimizer_has_a_formula() -> None:
    assert {text.partition("(")[0] for text in FORMULAS} == set(returning("optimizer"))


@pytest.mark.parametrize("text", FORMULAS)
def test_a_thousand_updates_are_those_of_the_formula(text: str) -> None:
    graph, draw = update_graph(text, (2, 3)), np.random.default_rng(3)
    start, scale = draw.normal(size=(2, 3)), draw.uniform(0.5, 2.0, (2, 3))
    lr = float(text.partition("(")[2].partition(",")[0].rstrip(")"))
    ours, theirs = start, start
    stored, own = dict[str, Array](), dict[str, Any]()
    for _ in range(1000):
        ours = update(graph, ours, ours / 4 - scale * np.sin(ours * scale), lr, stored)
        theirs = FORMULAS[text](theirs, theirs / 4 - scale * np.sin(theirs * scale), own)
    # The bias corrections pass through single precision, and Lion's steps are signs.
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)
    assert np.abs(ours - start).max() > 0.05
