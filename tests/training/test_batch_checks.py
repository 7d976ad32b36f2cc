"""What a batch is checked for before its step.

Tests ``netlang.training.run.engine``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sections import engines, prepared

import netlang
from netlang.diagnostics.errors import NetlangError
from netlang.training.run.engine import Engine


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


TRAINED = """\
dataset d -> (tokens: i64[T], label: i64[]) {{ npz = "d.npz" }}

net O(tokens: i64[N, T]) -> y {{
  y = {call} |> dense(3)
}}

train run {{
  data = d() |> batches(2)
  model = new O()
  loss = cross_entropy(model(batch.tokens), batch.label)
  optimizer = sgd(0.1)
  run = 1 epochs
}}
"""


def both(call: str) -> tuple[Engine, Engine]:
    path = Path("a.net")
    path.write_text(TRAINED.format(call=call))
    np.savez("d.npz", tokens=np.ones((4, 5), np.int64), label=np.zeros(4, np.int64))
    return engines(prepared(path), Path("run"))


@pytest.mark.parametrize(
    ("call", "tokens", "message"),
    [
        ("one_hot(tokens, 10) |> mean(axis=1)", [[1, 10]], "`batch.tokens` holds the index 10"),
        ("mean(cast(tokens, f32), axis=1, keep=true)", [[]], "`mean` needs at least one element"),
        (
            "unsqueeze(cast(tokens, f32), 1) |> max_pool(3) |> mean(axis=2)",
            [[1, 1]],
            "the window is bigger than the image",
        ),
    ],
)
def test_a_batch_is_checked_before_its_step(
    call: str, tokens: list[list[int]], message: str
) -> None:
    batch = {"tokens": np.array(tokens, np.int64), "label": np.zeros(1, np.int64)}
    for engine in both(call):
        with pytest.raises(NetlangError, match=message):
            engine.evaluate(batch, {"draw": 1}, first=True)


def test_a_step_on_nothing_is_computed_by_the_interpreter() -> None:
    call = "concat([sum(lstm(one_hot(tokens, 4), 2).y, axis=1), full([N, 1], 1.0)], axis=1)"
    batch = {"tokens": np.zeros((1, 0), np.int64), "label": np.zeros(1, np.int64)}
    losses = [engine.evaluate(batch, {"draw": 1}, first=True)["loss"] for engine in both(call)]
    assert losses[0] == losses[1] > 0


def test_an_index_outside_of_one_hot_is_rejected_before_training() -> None:
    call = "one_hot(tokens, 10) |> mean(axis=1)"
    Path("a.net").write_text(TRAINED.format(call=call))
    np.savez("d.npz", tokens=np.full((4, 5), 10), label=np.zeros(4, int))
    with pytest.raises(NetlangError, match="is 10 in example 0, counted from 0, and the 10 cla"):
        netlang.load("a.net").train(folder="run")
