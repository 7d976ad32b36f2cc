"""What the arrays of a call are checked for, by one rule on both backends.

Tests ``netlang.backends.calls``, ``netlang.backends.sizes`` and ``netlang.backends.indices``.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from commands import said

import netlang
from netlang.backends import Backend
from netlang.backends.indices import indices_of
from netlang.backends.sizes import SizeError, check_sizes
from netlang.diagnostics.errors import InputError, NetlangError

BACKENDS: tuple[Backend, ...] = ("onnxruntime", "numpy")

POOLS = (
    "net P(x: f32[N, 1, H, W]) -> y { y = x |> max_pool(3, stride=2) |> max_pool(3, stride=2) }\n"
)

TOO_SMALL = """\
error[window-too-big]: the window is bigger than the image
  --> a.net:1:68
   |
 1 | net P(x: f32[N, 1, H, W]) -> y { y = x |> max_pool(3, stride=2) |> max_pool(3, stride=2) }
   |                                                                    ^^^^^^^^^^^^^^^^^^^^^ a 3x3 window on a 2x2 map
   |
   = note: (2 - 3) // 2 + 1 = 0 positions
   = note: for N = 1, H = 5, W = 5
   = help: pass a larger one: H >= 7, W >= 7
   = help: pad it (`pad=same`), use a smaller window, or drop an earlier pool or stride
"""  # noqa: E501


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def error_of(net: netlang.Network, x: np.ndarray, backend: Backend) -> NetlangError:
    with pytest.raises(NetlangError) as caught:
        net.run({net.graph.inputs[0].name: x}, backend=backend)
    return caught.value


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_image_too_small_is_an_error_that_names_the_least_size(
    backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.net").write_text(POOLS)
    np.save("x.npy", np.zeros((1, 1, 5, 5), np.float32))
    assert said(capsys, "run", "a.net", "-i", "x=x.npy", "--backend", backend) == (1, "", TOO_SMALL)
    net = netlang.load("a.net")["P"]
    assert f"{error_of(net, np.load('x.npy'), backend)}\n" == TOO_SMALL
    made = net.run({"x": np.zeros((1, 1, 7, 7), np.float32)}, backend=backend)
    assert made["y"].shape == (1, 1, 1, 1)


def test_the_help_is_followed() -> None:
    """The sizes that the error proposes are accepted, and none that is smaller."""
    layers = "conv(2, 5, stride=3) |> relu |> max_pool(2) |> conv(2, 3, dilation=2)"
    net = netlang.loads(f"net P(x: f32[N, 1, H, W]) -> y = x |> {layers}")["P"]
    helps = error_of(net, np.zeros((1, 1, 9, 50), np.float32), "numpy").helps
    assert helps[0] == "pass a larger one: H >= 32"
    assert net(np.zeros((1, 1, 32, 50), np.float32))["y"].shape[2] == 1
    assert error_of(net, np.zeros((1, 1, 31, 50), np.float32), "numpy").helps == helps


@pytest.mark.parametrize("backend", BACKENDS)
def test_sizes_inside_a_loop_are_checked(backend: Backend) -> None:
    text = """net A(x: f32[N, T, 1, H]) -> y {
  y, _ = scan xt in x with total = 0.0 * x[:, 0] {
    next total = total + xt
    yield conv(xt, 1, 3)
  }
}"""
    net = netlang.loads(text)["A"]
    caught = error_of(net, np.zeros((2, 3, 1, 2), np.float32), backend)
    assert isinstance(caught, SizeError)
    assert (caught.diagnostic.span.line, caught.helps[0]) == (4, "pass a larger one: H >= 3")


NOTHING = {
    "lstm(x, 3).y": ((0, 5, 3), (2, 0, 3)),
    "gru(x, 3).y": ((0, 5, 3), (2, 0, 3)),
    "rnn(x, 3).y": ((0, 5, 3), (2, 0, 3)),
    'einsum("ntd,nsd->nts", x, x)': ((0, 5, 5), (2, 0, 0)),
    "sum(x, axis=1)": ((0, 4), (2, 4)),
    "mean(x, axis=1)": ((0, 4), "`mean` needs at least one element along axis 1"),
    "max(x, axis=1)": ((0, 4), "`max` needs at least one element along axis 1"),
    "softmax(x, axis=1)": ((0, 5, 4), "`softmax` needs at least one element along axis 1"),
    "attention(x, x, x)": ((0, 5, 4), "`softmax` needs at least one element along axis 2"),
    "transpose(x, [0, 2, 1]) |> conv(2, 3, pad=1)": (
        (0, 2, 5),
        "the window is bigger than the image",
    ),
    "concat([x, full([N, 2, 4], 1.0)], axis=1)": ((0, 7, 4), (2, 2, 4)),
}
"""Results with no example and with no step: a shape, or the error."""


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("call", NOTHING)
def test_of_nothing_comes_what_the_interpreter_makes_of_it(call: str, backend: Backend) -> None:
    net = netlang.loads(f"net A(x: f32[N, T, 4]) -> y {{ y = {call} }}")["A"]
    for shape, wanted in zip(((0, 5, 4), (2, 0, 4)), NOTHING[call], strict=True):
        x = np.zeros(shape, np.float32)
        if isinstance(wanted, str):
            assert error_of(net, x, backend).message == wanted
        else:
            assert net.run({"x": x}, backend=backend)["y"].shape == wanted


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_loop_over_no_example_has_no_result(backend: Backend) -> None:
    text = """net A(x: f32[N, T, 4]) -> y {
  y, _ = scan xt in x with total = full([N, 4], 0.0) {
    next total = total + xt
    yield total
  }
}"""
    net = netlang.loads(text)["A"]
    for shape in ((0, 5, 4), (2, 0, 4), (2, 5, 4)):
        made = net.run({"x": np.ones(shape, np.float32)}, backend=backend)["y"]
        assert made.shape == shape


EMPTY = """\
error[shape-mismatch]: `mean` needs at least one element along axis 0
  --> a.net:1:35
   |
 1 | net A(x: f32[N, 3]) -> y: f32[] = mean(x)
   |                                   ^^^^^^^ this is f32[0, 3]
   |
   = note: for N = 0
   = help: pass at least one element along N
"""


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_command_reports_where_nothing_has_no_value(
    backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.net").write_text("net A(x: f32[N, 3]) -> y: f32[] = mean(x)\n")
    np.save("x.npy", np.zeros((0, 3), np.float32))
    assert said(capsys, "run", "a.net", "-i", "x=x.npy", "--backend", backend) == (1, "", EMPTY)


LOOKED_UP = {
    "embedding": "net L(tokens: i64[N, 5]) -> y { y = embedding(tokens, 10, 8) }",
    "one_hot": "net L(tokens: i64[N, 5]) -> y { y = one_hot(tokens, 10) }",
    "cast": "net L(tokens: i32[N, 5]) -> y { y = one_hot(cast(tokens, i64), 10) }",
    "gather": "net L(tokens: i64[N, 5]) -> y { y = gather(iota(10), tokens, axis=0) }",
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("index", [-1, 10])
@pytest.mark.parametrize("call", LOOKED_UP)
def test_an_index_outside_is_an_error(call: str, index: int, backend: Backend) -> None:
    net = netlang.loads(LOOKED_UP[call])["L"]
    tokens = np.array([[0, 1, 9, index, index]])
    caught = error_of(net, tokens, backend)
    assert str(caught) == (
        f"`tokens` holds the index {index}, and the 10 entries that it selects from "
        "at <text>:1 are 0 to 9"
    )
    assert caught.notes == ("2 of its elements are outside",)
    assert net.run({"tokens": tokens % 10}, backend=backend)["y"].shape[:2] == (1, 5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_index_past_the_end_of_a_sequence_is_an_error(backend: Backend) -> None:
    net = netlang.loads("net A(at: i64[N], x: f32[T, 3]) -> y { y = gather(x, at, axis=0) }")["A"]
    x = np.zeros((4, 3), np.float32)
    with pytest.raises(InputError, match="`at` holds the index 4, and the 4 entries"):
        net.run({"at": [4], "x": x}, backend=backend)
    assert net.run({"at": [3], "x": x}, backend=backend)["y"].shape == (1, 3)


def test_what_a_mask_leaves_out_may_have_any_index() -> None:
    net = netlang.loads(
        "net A(ids: i64[N], seen: bool[N]) -> y {\n"
        "  rows = one_hot(ids, 3)\n"
        "  y = select(unsqueeze(seen, 1), rows, 0.0 * rows)\n"
        "}"
    )["A"]
    assert net(np.array([1, 7]), np.array([True, False]))["y"].tolist() == [[0, 1, 0], [0, 0, 0]]


def test_a_check_takes_little_of_a_call() -> None:
    net = netlang.loads(LOOKED_UP["embedding"])["L"]
    tokens = {"tokens": np.zeros((64, 5), np.int64)}
    check_sizes(net.graph, {"N": 64})

    def once() -> float:
        begun = time.perf_counter()
        check_sizes(net.graph, {"N": 64})
        for indices in indices_of(net.graph, {"N": 64}):
            indices.check(tokens[indices.name])
        return time.perf_counter() - begun

    assert min(once() for _ in range(100)) < 1e-4
