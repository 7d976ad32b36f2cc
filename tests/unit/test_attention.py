"""What attention computes, against its formulas in NumPy.

Tests ``netlang.prelude``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from graphs import graph_of

from netlang.backends import reference
from netlang.ir.graph import Graph
from netlang.ir.initializers import initialize
from netlang.ir.types import DType
from netlang.system.numpy import Array

rng = np.random.default_rng(5)


def draw(*shape: int) -> Array:
    return rng.standard_normal(shape).astype(np.float32)


def run(graph: Graph, **feeds: Array) -> Array:
    (y,) = reference.run(graph, feeds, initialize(graph, 0), dtype=DType.F64).values()
    return y


def attend(q: Array, k: Array, v: Array, open: Array) -> Array:
    score = np.where(open, q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1]), -np.inf)
    weights = np.exp(score - score.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True) @ v


@pytest.mark.parametrize("lead", [(), (2,), (2, 3)], ids=["one", "batch", "heads"])
def test_attention_is_its_formula(tmp_path: Path, lead: tuple[int, ...]) -> None:
    letters = "".join(f"{'NH'[i]}, " for i in range(len(lead)))
    graph = graph_of(
        tmp_path,
        f"""net A(q: f32[{letters}T, 4], k: f32[{letters}S, 4], v: f32[{letters}S, 3],
  open: bool[T, S]) -> y {{
  y = attention(q, k, v, mask=open)
}}""",
    )
    q, k, v = draw(*lead, 3, 4), draw(*lead, 5, 4), draw(*lead, 5, 3)
    open = np.array([[True, False, True, True, False], [False] * 4 + [True], [True] * 5])
    expected = attend(q.astype(float), k.astype(float), v.astype(float), open)
    np.testing.assert_allclose(run(graph, q=q, k=k, v=v, open=open), expected, rtol=1e-9)


@pytest.mark.parametrize("steps", [5, 2], ids=["all", "the last two"])
def test_causal_attention_sees_nothing_later(tmp_path: Path, steps: int) -> None:
    graph = graph_of(
        tmp_path,
        """net A(q: f32[N, T, 4], k: f32[N, S, 4], v: f32[N, S, 4]) -> y {
  y = attention(q, k, v, causal=true)
}""",
    )
    q, k, v = draw(1, steps, 4), draw(1, 5, 4), draw(1, 5, 4)
    open = np.tri(5, dtype=bool)[5 - steps :]
    expected = attend(q.astype(float), k.astype(float), v.astype(float), open)
    np.testing.assert_allclose(run(graph, q=q, k=k, v=v), expected, rtol=1e-9)


def test_several_heads_each_see_their_share_of_the_width(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """net A(x: f32[N, T, 6], memory: f32[N, S, 5], open: bool[N, S]) -> y {
  y = multi_head_attention(x, 2, key=memory, mask=open)
}""",
    )
    weights = {name: a.astype(float) for name, a in initialize(graph, 0).items()}
    x, memory, open = (
        draw(2, 3, 6),
        draw(2, 4, 5),
        np.array([[True] * 4, [True, True, False, False]]),
    )

    def dense(name: str, given: Array) -> Array:
        return given @ weights[f"y.{name}.weight"].T + weights[f"y.{name}.bias"]

    q, k, v = dense("q", x), dense("k", memory), dense("v", memory)
    heads = [
        attend(q[..., part], k[..., part], v[..., part], open[:, None])
        for part in (slice(0, 3), slice(3, 6))
    ]
    expected = dense("out", np.concatenate(heads, axis=-1))
    np.testing.assert_allclose(run(graph, x=x, memory=memory, open=open), expected, rtol=1e-9)


def test_a_query_that_may_look_nowhere_gives_numbers(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        """net A(x: f32[N, T, 4], n: i64[N]) -> y {
  y = multi_head_attention(x, 2, mask=length_mask(n, x))
}""",
    )
    assert np.isfinite(run(graph, x=draw(2, 3, 4), n=np.array([0, 2]))).all()


@pytest.mark.parametrize("pairs", ["false", "true"], ids=["halves", "interleaved"])
def test_rotary_products_depend_on_the_distance_alone(tmp_path: Path, pairs: str) -> None:
    graph = graph_of(
        tmp_path,
        f"net A(x: f32[N, T, 6]) -> y {{ y = rotary(x, interleaved={pairs}) }}",
    )
    q, k = np.tile(draw(1, 1, 6), (1, 8, 1)), np.tile(draw(1, 1, 6), (1, 8, 1))
    products = (run(graph, x=q) @ run(graph, x=k).swapaxes(1, 2))[0]
    for distance in range(-5, 6):
        diagonal = np.diagonal(products, distance)
        np.testing.assert_allclose(diagonal, diagonal[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(run(graph, x=q)[:, 0], q[:, 0], rtol=1e-6)
    assert len({round(float(p), 3) for p in products[0]}) > 5


def test_sinusoids_are_waves_over_the_places(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "net A(x: f32[T, 6]) -> y { y = x + sinusoids(T, 6) }")
    x = np.zeros((9, 6), dtype=np.float32)
    expected = [
        [
            (np.sin, np.cos)[column % 2](place / 10_000 ** (2 * (column // 2) / 6))
            for column in range(6)
        ]
        for place in range(9)
    ]
    np.testing.assert_allclose(run(graph, x=x), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("first", ["false", "true"], ids=["after", "first"])
def test_a_decoder_sees_no_later_word(tmp_path: Path, first: str) -> None:
    graph = graph_of(
        tmp_path,
        f"""net A(x: f32[N, T, 8], memory: f32[N, S, 8]) -> y {{
  y = decoder_layer(x, memory, 2, 16, norm_first={first})
}}""",
    )
    x, memory = draw(1, 5, 8), draw(1, 3, 8)
    changed = x.copy()
    changed[:, 3:] += 1
    before, after = run(graph, x=x, memory=memory), run(graph, x=changed, memory=memory)
    np.testing.assert_allclose(after[:, :3], before[:, :3], rtol=1e-9)
    assert np.abs(after[:, 3:] - before[:, 3:]).min() > 1e-6
