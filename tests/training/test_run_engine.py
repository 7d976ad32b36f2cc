"""The state of a run stays where it is computed: what is copied to the device, and from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from commands import ran
from sections import engines, prepared, section, walk, write

from netlang.backends.ort.selection import Selected
from netlang.training.run.engine import OrtEngine

MEASURED = 3
"""The loss, a metric and the norm of the gradient."""


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute with the memory of a device, which here is that of the processor."""
    monkeypatch.setattr(Selected, "memory", "cpu")


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Count the arrays that go into the memory of onnxruntime, and those that come out."""
    counted: Counter[str] = Counter()
    take, give = onnxruntime.OrtValue.ortvalue_from_numpy, onnxruntime.OrtValue.numpy

    def taking(array: np.ndarray) -> onnxruntime.OrtValue:
        counted["in"] += 1
        return take(array)

    def giving(self: onnxruntime.OrtValue) -> np.ndarray:
        counted["out"] += 1
        return give(self)

    monkeypatch.setattr(onnxruntime.OrtValue, "ortvalue_from_numpy", staticmethod(taking))
    monkeypatch.setattr(onnxruntime.OrtValue, "numpy", giving)
    yield counted


@pytest.mark.parametrize("on_device", [False, True])
def test_only_batches_go_in_and_only_metrics_come_out(
    on_device: bool, tmp_path: Path, copies: Counter[str], request: pytest.FixtureRequest
) -> None:
    if on_device:
        request.getfixturevalue("device")
    training = prepared(write(tmp_path, section(optimizer="adam(lr)")))
    engine, interpreter = engines(training, tmp_path)
    (chosen,) = training.steps
    known = {s.value.name for s in chosen.graph.states}
    given = [v.name for v in chosen.graph.inputs if v.name not in {*training.parameters, *known}]
    copies.clear()
    steps = 5
    found = walk(training, engine, tmp_path, steps)
    assert copies["out"] == steps * len(chosen.graph.outputs)
    assert copies["in"] <= steps * len(given)
    expected = walk(training, interpreter, tmp_path, steps)
    assert [t["loss"] for t in found] == pytest.approx([t["loss"] for t in expected], rel=1e-5)


def test_a_device_computes_the_same_run(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    training = prepared(write(tmp_path, section(optimizer="adam(lr)")))
    plain, _ = engines(training, tmp_path)
    walk(training, plain, tmp_path, 5)
    request.getfixturevalue("device")
    other, _ = engines(training, tmp_path)
    walk(training, other, tmp_path, 5)
    for name, array in plain.state().items():
        np.testing.assert_array_equal(other.state()[name], array, err_msg=name)


def test_the_best_parameters_are_copied_when_they_are_saved(
    tmp_path: Path, copies: Counter[str]
) -> None:
    training = prepared(write(tmp_path, section()))
    engine, _ = engines(training, tmp_path)
    names = [value.name for value in training.parameters.values()]
    before = engine.snapshot(names)()
    copies.clear()
    snapshot = engine.snapshot(names)
    restore = engine.savepoint()
    engine.assign({names[0]: before[names[0]] + 1})
    assert copies == {"in": 1}
    assert (engine.state()[names[0]] == before[names[0]] + 1).all()
    copies.clear()
    for name, array in snapshot().items():
        np.testing.assert_array_equal(array, before[name])
    assert copies == {"out": len(names)}
    restore()
    np.testing.assert_array_equal(engine.state()[names[0]], before[names[0]])


def test_what_is_watched_is_copied_only_where_it_is_recorded(
    tmp_path: Path, copies: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    step = OrtEngine.step

    def counted(self: OrtEngine, *given: object) -> object:
        before = copies["out"]
        found = step(self, *given)  # pyright: ignore[reportArgumentType]
        taken.append(copies["out"] - before)
        return found

    monkeypatch.setattr(OrtEngine, "step", counted)
    monkeypatch.chdir(tmp_path)
    program = write(tmp_path, section())
    assert ran("train", program, "--watch", "gradients", "--watch-every", "1000") == 0
    assert set(taken) == {MEASURED}
