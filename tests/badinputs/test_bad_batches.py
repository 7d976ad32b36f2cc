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


EVERY_KIND = """net A(x: f32[N, 3, 16, 16]) -> (y: f32[N, 2], m: f32[N], n: f32[N, 4, 8, 8]) {
  n = x |> conv(4, 3, pad=1) |> batch_norm |> relu |> max_pool(2)
  m = mean(n, axis=[1, 2, 3])
  y = n |> layer_norm |> flatten |> dense(2) |> softmax
}
"""


def test_t10_a_batch_of_nothing_gives_nothing(tmp_path: Path) -> None:
    file, x = tmp_path / "none.net", tmp_path / "x.npy"
    file.write_text(EVERY_KIND)
    np.save(x, np.ones((0, 3, 16, 16), dtype=np.float32))
    for backend in ("numpy", "onnxruntime"):
        out = tmp_path / f"{backend}.npz"
        answer = ask("run", file, "-i", f"x={x}", "--backend", backend, "-o", out)
        assert answer.code == 0, answer.text
        with np.load(out) as made:
            shapes = {name: made[name].shape for name in made}
        assert shapes == {"y": (0, 2), "m": (0,), "n": (0, 4, 8, 8)}


def test_t10_the_mean_of_nothing_is_not_an_error_of_ours(tmp_path: Path) -> None:
    file, x = tmp_path / "none.net", tmp_path / "x.npy"
    file.write_text("net A(x: f32[N, 3]) -> y: f32[] = mean(x)\n")
    np.save(x, np.ones((0, 3), dtype=np.float32))
    # In NumPy it would be NaN, and 0 in onnxruntime.
    for backend in ("numpy", "onnxruntime"):
        answer = ask("run", file, "-i", f"x={x}", "--backend", backend)
        assert (answer.code, answer.out) == (1, "")
        assert "`mean` needs at least one element along axis 0" in answer.err


def test_t12_a_single_class_is_remarked_on(tmp_path: Path) -> None:
    text = (
        TRAINED.replace("10]", "1]")
        .replace("dense(hidden, 10)", "dense(hidden, 1)")
        .replace(" |> batch_norm", "")
        .replace("%s", "8")
    )
    answer = accepted(text, tmp_path, "one-class")
    assert "= help: for yes or no, use `bce_with_logits`" in answer.text


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
