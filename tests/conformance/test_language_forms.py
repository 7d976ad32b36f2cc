"""Forms of the language on every target, and their gradients: interpreter, ONNX, NumPy, PyTorch.

Tests ``netlang.evaluate.calls``, ``netlang.codegen`` and ``netlang.prelude``.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graphs import graph_of
from models import to_onnx
from msgspec.structs import replace
from numpy_programs import compute

import netlang
from netlang.backends import reference
from netlang.backends.ort import Session
from netlang.inference.translation import bleu
from netlang.ir.dims import bind
from netlang.ops.terms import terms
from netlang.passes.autodiff import builder_after, gradient_name, vjp
from netlang.program import load
from netlang.system.numpy import Array

torch = pytest.importorskip("torch")

SIZES = {"N": 4, "T": 5}

PROGRAMS = {
    "rows of a plan": """
plan = [(kernel=3, out=6), (kernel=5, out=4)]
net Forms(x: f32[N, 3, 6, 6]) -> y: f32[N, 4, 6, 6] {
  y = for row in plan with h = x {
    next h = conv(h, row.out, row.kernel, pad=row.kernel // 2) |> tanh
  }
}""",
    "blocks with arguments": """
narrow = group_norm(2)
block unit(x, width: int, norm: block = layer_norm(axis=1), act: op = leaky_relu(slope=0.2)) -> y {
  y = x |> conv(width, 3, pad=1) |> norm |> act
}
net Forms(x: f32[N, 4, 6, 6]) -> y: f32[N, 4, 6, 6] {
  a = x |> unit(4) |> unit(8, norm=group_norm(4, eps=1e-3), act=softplus(beta=2.0))
  y = a |> narrow |> unit(4, narrow)
}""",
    "a list of equal blocks": """
layers = [conv(8, 3, pad=1), conv(out=4, kernel=1)]
net Forms(x: f32[N, 4, 6, 6]) -> y: f32[N, 4, 6, 6] {
  y = for layer in layers with h = x {
    next h = layer(h) |> tanh
  }
}""",
    "layers in a comprehension": """
block head(x, n: int) -> y {
  y = concat([x |> dense(2 * k) |> tanh |> dense(k) for k in [3, n]], axis=1)
}
net Forms(x: f32[N, 6]) -> y: f32[N, 8] {
  a = [dense(x, 5) for i in 1..4 if i != 2]
  b = [dense(x, i * j) for i in 1..2 for j in 1..3]
  c = [scale * dense(x, k) for scale, k in [(2.0, 3), (3.0, 4)]]
  d = [dense(x, k) + dense(x, k) * k for k in 1..4 if k > 2]
  y = concat(a + b + c + d, axis=1) |> head(2) |> head(5)
}""",
    "items of lists": """
block pick(x, k: int) -> y {
  parts = [x |> dense(5) |> tanh |> dense(4) for i in 1..3]
  y = parts[k] + parts[2]
}
block heads(x, n: int) -> y {
  y = [x |> dense(5) |> tanh |> dense(4) for i in 1..n]
}
net Forms(x: f32[N, 6]) -> y: f32[N, 20] {
  parts = [dense(x, 4) for i in 1..2]
  table = [[dense(x, i + j) for i in 1..2] for j in 1..2]
  both = [pick(x, 0) * pick(x, 1), parts[0] - parts[1]]
  y = concat(both + table[0] + heads(x, 2), axis=1)[:, 0:20]
}""",
    "attention and its weights": """
net Forms(x: f32[N, T, 8]) -> y: f32[N, 2, T, T + 8] {
  r = multi_head_attention_with_weights(x, 2, causal=true)
  y = concat([r.weights, expand(unsqueeze(r.y, 1), [N, 2, T, 8])], axis=-1)
}""",
    "batch norm of the batch": """
net Forms(x: f32[N, 3, 4, 4]) -> y: f32[N, 3, 4, 4] = batch_norm(conv(x, 3, 1), running=false)""",
    "variance over the batch": """
net Forms(x: f32[N, 4]) -> y: f32[3] {
  h = dense(x, 3)
  y = variance(h, axis=0) + deviation(h, axis=0) + variance(h)
}""",
    "sums and single losses": """
net Forms(x: f32[N, 4], target: f32[N, 4]) -> y: f32[N, 4] {
  h = dense(x, 4)
  y = mse(h, target, reduction="none") + mae(h, target, reduction="sum")
    + unsqueeze(soft_cross_entropy(h, target, reduction="none"), 1)
}""",
}
NO_PYTORCH = {"a list of equal blocks"}
"""Loops whose iterations have other arguments, for which PyTorch would need a class each."""


def _feeds(graph: Any) -> dict[str, Array]:
    rng = np.random.default_rng(0)
    return {
        v.name: rng.normal(size=[bind(size, SIZES) for size in v.type.shape]).astype(np.float32)
        for v in graph.inputs
    }


def _loss_of(graph: Any) -> Any:
    """Return the graph with the mean of the squares of its output as its only output."""
    (output,) = graph.outputs.values()
    b = builder_after(graph)
    (y,) = terms(b, output)
    loss = (y * y).mean(list(range(y.rank)))
    return replace(graph, nodes=tuple(b.nodes), outputs={"loss": loss.value})


@pytest.mark.parametrize("title", PROGRAMS)
def test_a_form_means_the_same_on_every_target(tmp_path: Path, title: str) -> None:
    graph = graph_of(tmp_path, PROGRAMS[title])
    network = netlang.load(tmp_path / "written.net")["Forms"]
    feeds, weights = _feeds(graph), network.parameters.arrays()
    (y,) = reference.run(graph, feeds, weights).values()
    (onnx,) = Session(to_onnx(graph, weights)).run(feeds).values()
    (program,) = compute(graph, feeds, weights).values()
    np.testing.assert_allclose(onnx, y, atol=1e-5, rtol=1e-4)
    np.testing.assert_allclose(program, y, atol=1e-5, rtol=1e-4)
    loss = _loss_of(graph)
    wrt = [value for value, param in graph.params.items() if param.trained]
    slopes = reference.run(vjp(loss, wrt, of="loss"), feeds, weights)
    if title in NO_PYTORCH:
        _differs_as_the_gradients_say(loss, feeds, weights, slopes, wrt)
        return
    model = _torch_module(network, tmp_path)
    found = model(*[torch.from_numpy(array) for array in feeds.values()])
    np.testing.assert_allclose(found.detach().numpy(), y, atol=1e-5, rtol=1e-4)
    (found * found).mean().backward()
    theirs = dict(model.named_parameters())
    for value in wrt:
        ours = slopes[gradient_name(value, graph)]
        grad = theirs[graph.params[value].path].grad
        found = np.zeros_like(ours) if grad is None else grad.numpy()
        np.testing.assert_allclose(found, ours, atol=1e-5, rtol=1e-3)


def _torch_module(network: Any, folder: Path) -> Any:
    path, _ = network.write_pytorch(folder / "compiled.py")
    spec = importlib.util.spec_from_file_location("compiled", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = module.Forms()
    arrays = network.parameters.arrays()
    model.load_state_dict({name: torch.from_numpy(np.array(a)) for name, a in arrays.items()})
    return model


def _differs_as_the_gradients_say(
    loss: Any, feeds: dict[str, Array], weights: Any, slopes: Any, wrt: list[Any]
) -> None:
    """Compare a derivative with a difference quotient, along the gradient of each parameter."""
    for value in wrt:
        path, slope = loss.params[value].path, slopes[gradient_name(value, loss)].astype(float)
        length = float(np.linalg.norm(slope))
        ends: list[float] = []
        for step in (1e-2, -1e-2):
            moved = {**weights, path: (weights[path] + step * slope / length).astype(np.float32)}
            ends.append(float(reference.run(loss, feeds, moved)["loss"]))
        assert (ends[0] - ends[1]) / 2e-2 == pytest.approx(length, rel=2e-2)


def test_bleu_is_that_of_decode(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        "net Score(x: i64[N, P], y: i64[N, T]) -> z: f32[] {\n"
        "  z = bleu(x, y, length=sum(cast(x != 0, i64), axis=1), mask=y != 0, order=3)\n}\n",
    )
    rng = np.random.default_rng(0)
    for _ in range(5):
        x, y = (rng.integers(1, 4, (6, width)) for width in (8, 6))
        for tokens, least in ((x, 0), (y, 1)):
            lengths = rng.integers(least, tokens.shape[1] + 1, 6)
            tokens[np.arange(tokens.shape[1]) >= lengths[:, None]] = 0
        pairs = zip(x, y, strict=True)
        expected = np.mean(
            [bleu([str(t) for t in a if t], [str(t) for t in b if t], 3) for a, b in pairs]
        )
        for z in (
            reference.run(graph, {"x": x, "y": y}, {})["z"],
            Session(to_onnx(graph, {})).run({"x": x, "y": y})["z"],
        ):
            assert float(z) == pytest.approx(float(expected), abs=1e-6)


REDUCED: dict[str, Any] = {
    "cross_entropy(x, label, reduction={})": lambda f, x, t, i, r: f.cross_entropy(
        x, i, reduction=r
    ),
    "cross_entropy(x, label, ignore=1, reduction={})": lambda f, x, t, i, r: f.cross_entropy(
        x, i, ignore_index=1, reduction=r
    ),
    "cross_entropy(x, label, class_weights=[1.0, 2.0, 3.0], ignore=1, reduction={})": (
        lambda f, x, t, i, r: f.cross_entropy(
            x, i, weight=torch.tensor([1.0, 2.0, 3.0]), ignore_index=1, reduction=r
        )
    ),
    "nll(log_softmax(x), label, reduction={})": lambda f, x, t, i, r: f.nll_loss(
        f.log_softmax(x, 1), i, reduction=r
    ),
    "soft_cross_entropy(x, target, reduction={})": lambda f, x, t, i, r: f.cross_entropy(
        x, t, reduction=r
    ),
    "mse(x, target, reduction={})": lambda f, x, t, i, r: f.mse_loss(x, t, reduction=r),
    "mae(x, target, reduction={})": lambda f, x, t, i, r: f.l1_loss(x, t, reduction=r),
    "huber(x, target, delta=0.5, reduction={})": lambda f, x, t, i, r: f.huber_loss(
        x, t, delta=0.5, reduction=r
    ),
    "smooth_l1(x, target, beta=0.5, reduction={})": lambda f, x, t, i, r: f.smooth_l1_loss(
        x, t, beta=0.5, reduction=r
    ),
    "bce_with_logits(x, target, reduction={})": (
        lambda f, x, t, i, r: f.binary_cross_entropy_with_logits(x, t, reduction=r)
    ),
    "bce(sigmoid(x), target, reduction={})": lambda f, x, t, i, r: f.binary_cross_entropy(
        f.sigmoid(x), t, reduction=r
    ),
    "poisson_nll(x, target, reduction={})": lambda f, x, t, i, r: f.poisson_nll_loss(
        x, t, reduction=r
    ),
    "gaussian_nll(x, target, exp(x), reduction={})": lambda f, x, t, i, r: f.gaussian_nll_loss(
        x, t, torch.exp(x), reduction=r
    ),
    "soft_margin(x, 2.0 * target - 1.0, reduction={})": lambda f, x, t, i, r: f.soft_margin_loss(
        x, 2 * t - 1, reduction=r
    ),
    "margin_ranking(x, target, 2.0 * target - 1.0, reduction={})": (
        lambda f, x, t, i, r: f.margin_ranking_loss(x, t, 2 * t - 1, reduction=r)
    ),
    "hinge_embedding(abs(x), 2.0 * one_hot(label, 3) - 1.0, reduction={})": (
        lambda f, x, t, i, r: f.hinge_embedding_loss(
            x.abs(), 2.0 * f.one_hot(i, 3).float() - 1, reduction=r
        )
    ),
    "cosine_embedding(x, target, 2.0 * cast(label, f32) - 1.0, reduction={})": (
        lambda f, x, t, i, r: f.cosine_embedding_loss(
            x, t, torch.where(i > 0, 1.0, -1.0), reduction=r
        )
    ),
    "triplet(x, target, x * target, reduction={})": lambda f, x, t, i, r: f.triplet_margin_loss(
        x, t, x * t, reduction=r
    ),
    "multi_margin(x, label, reduction={})": lambda f, x, t, i, r: f.multi_margin_loss(
        x, i, reduction=r
    ),
    "multilabel_margin(x, one_hot(label, 3) > 0.5, reduction={})": (
        lambda f, x, t, i, r: f.multilabel_margin_loss(
            x, torch.stack([i, -torch.ones_like(i), -torch.ones_like(i)], 1), reduction=r
        )
    ),
}  # fmt: skip
"""Losses of logits ``x``, probabilities ``target`` and classes ``label``, and PyTorch's."""


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("call", REDUCED)
def test_a_reduction_is_that_of_pytorch(tmp_path: Path, call: str, reduction: str) -> None:
    text = call.format(f'"{reduction}"')
    graph = graph_of(
        tmp_path,
        "net Loss(x: f32[N, 3], target: f32[N, 3], label: i64[N]) -> (y, used: f32[N, 3]) {\n"
        f"  y = {text}\n  used = x + target + unsqueeze(cast(label, f32), 1)\n}}\n",
    )
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 3)).astype(np.float32)
    target = rng.dirichlet(np.ones(3), 4).astype(np.float32)
    label = np.array([0, 2, 1, 2])
    found = reference.run(graph, {"x": x, "target": target, "label": label}, {})["y"]
    given = [torch.from_numpy(array) for array in (x, target, label)]
    wanted = REDUCED[call](torch.nn.functional, *given, reduction).numpy()
    np.testing.assert_allclose(np.squeeze(found), np.squeeze(wanted), atol=1e-5, rtol=1e-5)


def test_a_reduction_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "loss.net"
    file.write_text('net L(x: f32[N], t: f32[N]) -> y: f32[] = mse(x, t, reduction="average")\n')
    (error,) = load(file).diagnostics.items
    assert error.message == '`reduction` is "mean", "sum" or "none"'
