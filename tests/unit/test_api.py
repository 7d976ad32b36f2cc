"""The Python interface."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

import netlang
from netlang.backends.ort import ProviderError
from netlang.diagnostics.errors import InputError, NetlangError, WeightsError

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def lenet() -> netlang.Network:
    return netlang.load(EXAMPLES / "lenet.net")["LeNet"]


def image(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((2, 1, 28, 28), dtype=np.float32)


def test_a_network_knows_its_counts(lenet: netlang.Network) -> None:
    assert (lenet.params, lenet.running, lenet.macs) == (61_706, 0, 416_520)


def test_a_summary_prints_and_shows_itself(lenet: netlang.Network) -> None:
    summary = lenet.summary()
    assert "61,706 trainable" in summary
    assert repr(summary) == str(summary)
    assert summary._repr_html_().startswith("<pre")
    assert "f32" not in summary.splitlines()[3]
    assert summary.layers.params == 61_706
    assert len(lenet.summary(depth=1).layers.rows) == 5
    assert lenet._repr_html_() == summary._repr_html_()


def test_both_ways_to_compute_agree(lenet: netlang.Network) -> None:
    fast, exact = lenet(image=image()), lenet.interpret(image=image(), double=True)
    assert fast["logits"].shape == (2, 10)
    assert exact["logits"].dtype == np.float64
    np.testing.assert_allclose(fast["logits"], exact["logits"], atol=1e-5)
    assert all(c.ok for c in lenet.verify())


def test_weights_are_saved_loaded_and_shared_by_path(
    lenet: netlang.Network, tmp_path: Path
) -> None:
    other = netlang.load(EXAMPLES / "lenet.net")["LeNet"]
    other.weights = {path: array + 1 for path, array in lenet.weights.items()}
    assert not np.array_equal(lenet(image=image())["logits"], other(image=image())["logits"])
    lenet.save(tmp_path / "lenet.safetensors")
    other.load(tmp_path / "lenet.safetensors")
    np.testing.assert_array_equal(lenet(image=image())["logits"], other(image=image())["logits"])
    with pytest.raises(WeightsError, match="do not fit"):
        other.weights = {}


def test_a_network_is_compiled_to_a_file(lenet: netlang.Network, tmp_path: Path) -> None:
    model = lenet.onnx(tmp_path / "lenet.onnx", opset=20)
    assert (tmp_path / "lenet.onnx").stat().st_size > 4 * 61_706
    assert model.opset_import[0].version == 20


def test_bind_fixes_the_sizes_of_a_net(tmp_path: Path) -> None:
    unet = netlang.load(EXAMPLES / "unet.net")["UNet"].bind(H=32, W=48)
    assert str(unet.graph.inputs[0].type) == "f32[N, 3, 32, 48]"


def test_numbers_of_numpy_fix_sizes_and_parameters(tmp_path: Path) -> None:
    path = tmp_path / "a.net"
    path.write_text(
        "net A(x: f32[N, H], rate: float = 0.5, deep: bool = true) -> y {\n"
        "  y = if deep then x * rate else x\n}\n"
    )
    net = netlang.load(path)["A"]
    sizes: dict[str, Any] = {"H": np.int64(3), "rate": np.float64(0.25), "deep": False}
    bound = net.bind(**sizes)
    assert str(bound.graph.inputs[0].type) == "f32[N, 3]"
    with pytest.raises(NetlangError, match="a dimension must be an int"):
        net.bind(H=cast("int", "x"))


def test_state_is_kept_between_calls_and_reset(tmp_path: Path) -> None:
    file = tmp_path / "count.net"
    file.write_text(
        "net Count(x: f32[N, 2]) -> y: f32[N, 2] {\n"
        "  state sum: f32[N, 2] = 0.0\n"
        "  y = sum + x\n"
        "  next sum = y\n"
        "}\n"
    )
    count = netlang.load(file)["Count"]
    ones = np.ones((1, 2), dtype=np.float32)
    assert [float(count(x=ones)["y"][0, 0]) for _ in range(3)] == [1.0, 2.0, 3.0]
    assert float(count.interpret(x=ones)["y"][0, 0]) == 4.0
    count.reset()
    assert float(count(x=ones)["y"][0, 0]) == 1.0


def test_mistakes_are_raised_with_their_text_when_a_net_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "wrong.net"
    file.write_text("net Wrong(x: f32[N, 8]) -> y: f32[N, 2] = dens(x, 2)\n")
    program = netlang.load(file)
    assert list(program) == ["Wrong"]
    assert "I don't know `dens`" in program.problems
    with pytest.raises(NetlangError, match="did you mean `dense`"):
        program["Wrong"]


def test_numbers_in_lists_are_arrays(lenet: netlang.Network) -> None:
    zeros = np.zeros((1, 1, 28, 28), np.float32)
    expected = lenet(image=zeros)["logits"]
    for given in (zeros.tolist(), zeros.astype(int).tolist(), zeros.tolist()[0:1]):
        np.testing.assert_array_equal(lenet(image=given)["logits"], expected)
        np.testing.assert_allclose(lenet.interpret(image=given)["logits"], expected, atol=1e-6)


class Foreign:
    """A tensor of another library, which gives its numbers to NumPy or refuses to."""

    def __init__(self, array: np.ndarray, refusal: str = "") -> None:
        self._array, self._refusal = array, refusal

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        if self._refusal:
            raise RuntimeError(self._refusal)
        return self._array


def test_tensors_of_other_libraries_are_arrays(lenet: netlang.Network) -> None:
    given: Any = Foreign(image())
    expected = lenet(image=image())["logits"]
    np.testing.assert_array_equal(lenet(image=given)["logits"], expected)
    refusing: Any = Foreign(image(), "call detach() first")
    with pytest.raises(InputError) as caught:
        lenet(image=refusing)
    assert caught.value.message == "`image` must be an array of numbers, and is a Foreign"
    assert caught.value.notes == ("call detach() first",)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "`image` must be an array of numbers, and is a NoneType"),
        ("picture.png", "`image` must be an array of numbers, and is a str"),
        ([[1.0], [2.0, 3.0]], "`image` must be an array of numbers, and is a list"),
        ({"a": 1}, "`image` must be an array of numbers, and is a dict"),
        (3, "`image` must be f32[N, 1, 28, 28], got f64[]: it has 0 dimensions, and must have 4"),
    ],
)
def test_what_is_no_array_is_told(lenet: netlang.Network, given: object, said: str) -> None:
    for compute in (lenet, lenet.interpret):
        with pytest.raises(InputError) as caught:
            compute(image=given)  # pyright: ignore[reportArgumentType]
        assert caught.value.message == said


@pytest.mark.parametrize(
    ("given", "message", "notes"),
    [
        (None, "weights are arrays by their paths, and this is a NoneType", ()),
        ([1], "weights are arrays by their paths, and this is a list", ()),
        (
            {"c1.weight": [1.0], "c1.bias": None},
            "the weights do not fit `LeNet`: 2 differences",
            (
                "different: `c1.weight` must be an array, is a list",
                "different: `c1.bias` must be an array, is a NoneType",
            ),
        ),
    ],
)
def test_what_are_no_weights_is_told(
    lenet: netlang.Network, given: Any, message: str, notes: tuple[str, ...]
) -> None:
    with pytest.raises(WeightsError) as caught:
        lenet.weights = given
    assert caught.value.message == message
    assert caught.value.notes == notes


@pytest.mark.parametrize("provider", ["gpu", "CUDA", None])
def test_an_unknown_provider_is_not_the_cpu(lenet: netlang.Network, provider: Any) -> None:
    with pytest.raises(ProviderError) as caught:
        lenet(image=image(), provider=provider)
    assert caught.value.message == f"the provider `{provider}` is not available"
    assert caught.value.notes == ("available here: auto, cpu",)


def test_an_unknown_net_is_named(lenet: netlang.Network) -> None:
    with pytest.raises(NetlangError, match="has no net `Lenet`"):
        netlang.load(EXAMPLES / "lenet.net")["Lenet"]
    assert lenet.name == "LeNet"


def test_importing_the_package_loads_nothing_heavy() -> None:
    import subprocess
    import sys

    code = "import netlang, sys; print([m for m in ('numpy', 'lark', 'onnx') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
