"""Rows T9, T13 and T15: batches that are short, alone, or negative before a pool."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from answers import accepted, ask, net

import netlang

TRAINED = """net Small(image: f32[N, 1, 8, 8]) -> logits: f32[N, 10] {
  hidden = image |> flatten |> dense(8, bias=false) |> batch_norm |> relu
  logits = dense(hidden, 10)
}

train small {
  data = digits("train") |> part(0..40) |> batches(%s)
  model = new Small()
  loss = cross_entropy(model(batch.image), batch.label)
  optimizer = sgd(0.1)
  run = 1 epochs
}
"""


def test_t9_the_last_batch_is_kept_short_or_left_out(tmp_path: Path) -> None:
    for batches, steps in (("8", 6), ("8, drop_last=true", 5)):
        (tmp_path / "small.net").write_text(TRAINED % batches)
        answer = ask("train", tmp_path / "small.net", "--run", tmp_path / f"run{steps}", "--json")
        assert answer.code == 0
        assert f'"step": {steps}' in answer.out


def test_t9_a_compiled_net_takes_batches_of_any_size(tmp_path: Path) -> None:
    file = tmp_path / "any.net"
    file.write_text(net("x |> conv(4, 3) |> flatten |> dense(2)"))
    any_size = next(iter(netlang.load(file).values()))
    for rows in (32, 7, 1):
        x = np.ones((rows, 3, 16, 16), dtype=np.float32)
        (made,) = any_size(x=x).values()
        assert made.shape == (rows, 2)


def test_t13_a_batch_of_one_with_batch_norm_is_remarked_on(tmp_path: Path) -> None:
    accepted(TRAINED % "1", tmp_path, "batch-of-one")


def test_t15_zeros_around_negative_numbers_reach_the_pool(tmp_path: Path) -> None:
    file = tmp_path / "padded.net"
    file.write_text(net("x |> pad(((1, 1), (1, 1))) |> max_pool(3, stride=1)"))
    padded = next(iter(netlang.load(file).values()))
    x = -np.ones((1, 3, 16, 16), dtype=np.float32)
    (fast,), (exact,) = padded(x=x).values(), padded.interpret(x=x).values()
    np.testing.assert_array_equal(fast, exact)
    assert fast[0, 0, 0, 0] == 0.0
    assert fast[0, 0, 5, 5] == -1.0
