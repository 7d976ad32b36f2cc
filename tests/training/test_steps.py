"""A step means the same on onnxruntime and on the interpreter, whatever the section requires.

Tests ``netlang.training.step``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sections import LENET, MIXED, MLP, NORMED, engines, gan, prepared, section, walk, write

RECURRENT = """
dataset texts -> (x: i64[5], y: i64[5]) {
  npz = "texts.npz"
}

net Net(x: i64[N, T]) -> logits: f32[N, T, 7] {
  state h: f32[N, 6] = 0.0
  y, last = gru(embedding(x, 7, 4), 6, h0=h)
  next h = last
  logits = dense(y, 7)
}

train it {
  data = texts() |> batches(4, in_order=true)
  valid = texts() |> batches(4, in_order=true)
  carry_state = CARRY
  model = new Net()
  loss = cross_entropy(model(batch.x), batch.y)
  optimizer = adam(0.01)
  run = 2 epochs
}
"""

CASES = {
    "mlp": section(MLP),
    "mlp, momentum": section(MLP, "sgd(lr, momentum=0.9, nesterov=true, decay=0.01)"),
    "lenet": section(LENET, "adam(lr |> cosine(4 epochs))"),
    "windows of one position": section(MIXED, "adamw(0.01)"),
    "batch norm": section(NORMED, "adamw(0.01)", "clip = clip_norm(0.5)"),
    "clip value": section(LENET, "rmsprop(0.01)", "clip = clip_value(0.01)"),
    "groups": section(MLP, "sgd(lr, groups=[group(model.h, lr_scale=0.1, decay=0.1)])"),
    "frozen": section(NORMED, more="freeze = [model.a]"),
    "accumulating": section(NORMED, "adam(0.01)", "accumulate = 2"),
    "penalty": section(MLP).replace("batch.y)\n  m", "batch.y) + 0.1 * l2(weights(model))\n  m"),
    "gan": gan(),
    "gan, repeating": gan(repeat=2),
    "carried": RECURRENT.replace("CARRY", "true"),
    "not carried": RECURRENT.replace("CARRY", "false"),
}  # fmt: skip


def written(folder: Path, text: str) -> Path:
    draw = np.random.default_rng(1)
    letters = draw.integers(0, 7, (16, 6))
    np.savez(folder / "texts.npz", x=letters[:, :-1], y=letters[:, 1:])
    return write(folder, text)


@pytest.mark.parametrize("name", CASES)
def test_steps_agree_on_both_back_ends(name: str, tmp_path: Path) -> None:
    training = prepared(written(tmp_path, CASES[name]))
    ort, numpy = engines(training, tmp_path)
    first = walk(training, ort, tmp_path, 6)
    second = walk(training, numpy, tmp_path, 6)
    for a, b in zip(first, second, strict=True):
        assert a == pytest.approx(b, rel=2e-4, abs=1e-5)
    state = numpy.state()
    assert ort.state().keys() == state.keys()
    for path, array in ort.state().items():
        np.testing.assert_allclose(array, state[path], rtol=2e-3, atol=2e-5, err_msg=path)


def test_weights_that_are_frozen_stay_and_their_statistics_too(tmp_path: Path) -> None:
    training = prepared(write(tmp_path, section(NORMED, more="freeze = [model.a]")))
    ort, _ = engines(training, tmp_path)
    before = {name: array.copy() for name, array in ort.state().items()}
    walk(training, ort, tmp_path, 3)
    changed = {n for n, a in ort.state().items() if not np.array_equal(a, before[n])}
    assert changed
    assert not any(name.startswith("model.a.") for name in changed)
    graph = training.steps[0].graph
    assert not any(s.name.startswith("model.a.") for s in graph.states)


def test_numbers_meet_no_weights_whose_last_axis_is_1(tmp_path: Path) -> None:
    # onnxruntime would compute them element by element.
    training = prepared(write(tmp_path, section(MIXED, "adamw(0.01)")))
    nodes = training.steps[0].graph.nodes
    shapes = [{v.type.shape for v in node.inputs} for node in nodes if len(node.inputs) == 2]
    beside = {shape for pair in shapes if () in pair for shape in pair}
    assert {(4, 1, 3, 3), (24,)} <= beside
    assert (6, 4, 1, 1) not in beside


def test_running_statistics_are_those_of_the_batches(tmp_path: Path) -> None:
    text = section(NORMED.replace("conv(4, 3, bias=false) |> batch_norm", "batch_norm"))
    training = prepared(write(tmp_path, text))
    ort, _ = engines(training, tmp_path)
    walk(training, ort, tmp_path, 1)
    from netlang.training.run.preparation import Choices, open_data

    data, _ = open_data(training.plan, Choices(tmp_path, 0))
    with data.epoch(0) as stream:
        x = next(stream)["x"].astype(np.float64)
    state = ort.state()
    np.testing.assert_allclose(state["model.a.mean"], [0.1 * x.mean()], rtol=1e-5)
    np.testing.assert_allclose(state["model.a.var"], [0.9 + 0.1 * x.var(ddof=1)], rtol=1e-5)


def test_accumulating_is_one_step_with_a_larger_batch(tmp_path: Path) -> None:
    small = section(LENET, "adam(0.01)", "accumulate = 2").replace("16", "8")
    large = section(LENET, "adam(0.01)")
    states = []
    for name, text in (("small", small), ("large", large)):
        folder = tmp_path / name
        folder.mkdir()
        training = prepared(write(folder, text))
        ort, _ = engines(training, folder)
        walk(training, ort, folder, 5)
        states.append(ort.state())
    first, second = states
    for name, array in second.items():
        np.testing.assert_allclose(first[name], array, rtol=1e-3, atol=1e-5, err_msg=name)


def test_decay_by_a_penalty_is_that_of_the_optimizer(tmp_path: Path) -> None:
    text = section(LENET, "sgd(lr)").replace(
        "batch.y)\n  metrics", "batch.y) + 0.1 * l2(weights(model))\n  metrics"
    )
    other = section(LENET, "sgd(lr, groups=[group(weights(model), decay=0.1)])")
    states = []
    for name, program in (("a", text), ("b", other)):
        folder = tmp_path / name
        folder.mkdir()
        training = prepared(write(folder, program))
        ort, _ = engines(training, folder)
        walk(training, ort, folder, 5)
        states.append(ort.state())
    for name, array in states[0].items():
        np.testing.assert_allclose(array, states[1][name], rtol=1e-4, atol=1e-6, err_msg=name)


def test_noise_is_one_sample_for_all_steps_of_a_batch_and_another_for_each_batch(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, gan(batch=20))
    training = prepared(path)
    ort, _ = engines(training, tmp_path)
    batch = {"p": np.load(tmp_path / "points.npz")["p"][:20]}
    d, g = training.steps
    still = {"rate": 0.0}

    def losses(draw: int, step: int) -> tuple[float, float]:
        numbers = {"draw": draw, "step": step, **still}
        return (
            float(ort.step(d.graph, batch, numbers)["loss"]),
            float(ort.step(g.graph, batch, numbers)["loss"]),
        )

    assert losses(1, 1) == losses(1, 2)
    assert losses(1, 1) != losses(2, 1)


def test_dropout_masks_are_sampled_in_each_step_and_never_in_evaluation(tmp_path: Path) -> None:
    training = prepared(write(tmp_path, section(MLP)))
    ort, _ = engines(training, tmp_path)
    batch = {name: a[:16] for name, a in np.load(tmp_path / "rows.npz").items()}
    graph = training.steps[0].graph
    told = [ort.step(graph, batch, {"step": n, "rate": 0.0})["loss"] for n in (1, 2, 1)]
    assert told[0] == told[2] != told[1]
    assert "step" not in {v.name for v in training.evaluation.inputs}


def test_carried_state_is_reset_in_each_epoch(tmp_path: Path) -> None:
    training = prepared(written(tmp_path, RECURRENT.replace("CARRY", "true")))
    ort, _ = engines(training, tmp_path)
    assert "model.h/state" not in ort.state()
    walk(training, ort, tmp_path, 1)
    assert ort.state()["model.h/state"].shape == (4, 6)
    assert np.any(ort.state()["model.h/state"])
    ort.reset()
    assert "model.h/state" not in ort.state()
