"""The Python interface."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

import netlang
from netlang.backends import feeds
from netlang.backends.feeds import bind_sizes
from netlang.backends.ort import ProviderError
from netlang.diagnostics.errors import InputError, NetlangError, WeightsError

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def lenet() -> netlang.Network:
    return netlang.load(EXAMPLES / "lenet.net")["LeNet"]


def image(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((2, 1, 28, 28), dtype=np.float32)


def test_a_network_knows_its_counts(lenet: netlang.Network) -> None:
    assert lenet.trainable_parameters == 61_706
    assert lenet.non_trainable_parameters == 0
    assert lenet.macs == 416_520


def test_a_summary_prints_and_shows_itself(lenet: netlang.Network) -> None:
    summary = lenet.summary()
    assert "61,706 trainable" in str(summary)
    assert repr(summary) == str(summary)
    assert summary._repr_html_().startswith("<pre")
    assert "f32" not in str(summary).splitlines()[3]
    assert summary.layers.params == 61_706
    assert len(lenet.summary(depth=1).layers.rows) == 5
    assert lenet._repr_html_().startswith(summary._repr_html_())


def test_both_ways_to_compute_agree(lenet: netlang.Network) -> None:
    fast, exact = lenet(image=image()), lenet.interpret(image=image(), double=True)
    assert fast["logits"].shape == (2, 10)
    assert exact["logits"].dtype == np.float64
    np.testing.assert_allclose(fast["logits"], exact["logits"], atol=1e-5)
    assert all(c.ok for c in lenet.verify())


def test_parameters_are_saved_and_loaded_by_path(lenet: netlang.Network, tmp_path: Path) -> None:
    other = netlang.load(EXAMPLES / "lenet.net")["LeNet"]
    other.parameters = {path: array + 1 for path, array in lenet.parameters.items()}
    assert not np.array_equal(lenet(image=image())["logits"], other(image=image())["logits"])
    lenet.save(tmp_path / "lenet.safetensors")
    other.load(tmp_path / "lenet.safetensors")
    np.testing.assert_array_equal(lenet(image=image())["logits"], other(image=image())["logits"])
    assert lenet.diff(tmp_path / "lenet.safetensors") == []
    assert len(other.bind().diff(EXAMPLES / "data" / "digits.safetensors")) > 10
    with pytest.raises(WeightsError, match="do not fit"):
        other.parameters = {}


def test_a_network_is_compiled_to_a_file(lenet: netlang.Network, tmp_path: Path) -> None:
    model = lenet.compile(opset=20)
    (path,) = model.save(tmp_path / "lenet.onnx")
    written = path.read_bytes()
    assert len(written) > 4 * 61_706
    assert model.proto.opset_import[0].version == 20
    assert written == model.save(path)[0].read_bytes()
    assert {p.key: p.value for p in model.proto.metadata_props} == {"netlang.net": "LeNet"}


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


SIDES = "net A(x: f32[N, H]) -> y: f32[N, H] where H % 2 == 0 = x\n"


def test_values_that_fail_leave_the_program_as_it_was() -> None:
    program = netlang.loads(SIDES, "sides.net")
    messages: list[str] = []
    for _ in range(2):
        with pytest.raises(netlang.ProgramError) as caught:
            program["A"].bind(H=3)
        messages.append(caught.value.message)
    assert messages[0] == messages[1]
    assert messages[0].startswith("sides.net has errors\n\nerror[where-fails]")
    assert "sides.net:1:" in messages[0]
    assert str(program["A"].bind(H=4).graph.inputs[0].type) == "f32[N, 4]"
    assert program.diagnostics == ()


def test_an_error_of_a_constant_is_shown_by_each_use() -> None:
    program = netlang.loads("a = 1 // 0\nnet A(x: f32[N, H]) -> y: f32[N, H] = x * a\n")
    for _ in range(2):
        for sizes in ({}, {"H": 4}):
            with pytest.raises(netlang.ProgramError, match="divides by zero"):
                program.network("A", sizes)


def test_a_sweep_over_sizes_has_no_end() -> None:
    text = "net A(x: f32[N, H]) -> y: f32[N, H] = x" + " + x" * 100 + "\n"
    program = netlang.loads(text)
    for size in range(1, 900):
        program["A"].bind(H=size)
    assert program.checked._budget.spent < 1000
    assert len(program.checked._graphs) == 2


def test_numbers_of_numpy_fix_sizes_by_name_too() -> None:
    sizes: dict[str, Any] = {"H": np.int64(4)}
    assert str(netlang.loads(SIDES).network("A", sizes).graph.inputs[0].type) == "f32[N, 4]"


COUNT = """
net Count(x: f32[N, 2]) -> y: f32[N, 2] {
  state sum: f32[N, 2] = 0.0
  y = sum + x
  next sum = y
}
"""


def test_state_is_carried_from_call_to_call_until_reset() -> None:
    count = netlang.loads(COUNT)["Count"]
    ones = np.ones((1, 2), dtype=np.float32)
    assert [float(count(x=ones)["y"][0, 0]) for _ in range(3)] == [1.0, 2.0, 3.0]
    assert float(count.interpret(x=ones)["y"][0, 0]) == 4.0
    count.reset()
    assert float(count(x=ones)["y"][0, 0]) == 1.0


@pytest.mark.parametrize("backend", ["onnxruntime", "numpy"])
def test_a_state_shares_no_memory_with_results(backend: Any) -> None:
    count, ones = netlang.loads(COUNT)["Count"], {"x": [[1, 1]]}
    count.run(ones, backend=backend)["y"] *= 100
    assert count.state["sum"].max() == 1
    with pytest.raises(ValueError, match="read-only"):
        count.state["sum"][0, 0] = 100
    given = np.ones((1, 2), np.float32)
    count.reset({"sum": given})
    given *= 100
    assert count.run(ones, backend=backend)["y"].max() == 2


@pytest.mark.parametrize("backend", ["onnxruntime", "numpy"])
def test_inputs_are_checked_once_for_a_call(
    lenet: netlang.Network, monkeypatch: pytest.MonkeyPatch, backend: Any
) -> None:
    checked: list[object] = []

    def counting(*given: Any, **options: Any) -> dict[str, int]:
        checked.append(given)
        return bind_sizes(*given, **options)

    monkeypatch.setattr(feeds, "bind_sizes", counting)
    lenet.run({"image": image()}, backend=backend)
    assert len(checked) == 1
    lenet.run({"image": image()}, backend=backend)
    assert len(checked) == 2


@pytest.mark.parametrize("backend", ["torch", "NumPy", None])
def test_an_unknown_backend_is_not_onnxruntime(lenet: netlang.Network, backend: Any) -> None:
    with pytest.raises(NetlangError) as caught:
        lenet.run({"image": image()}, backend=backend)
    assert (caught.value.rule.code, caught.value.exit_code) == ("usage", 2)
    assert caught.value.message == f"there is no backend `{backend}`"
    assert caught.value.notes == ("the backends are onnxruntime and numpy",)


def test_a_net_with_errors_raises_them_as_they_are_printed(tmp_path: Path) -> None:
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
    """A tensor of another library, which converts to NumPy or raises."""

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
def test_an_input_that_is_not_an_array_is_rejected(
    lenet: netlang.Network, given: object, said: str
) -> None:
    for compute in (lenet, lenet.interpret):
        with pytest.raises(InputError) as caught:
            compute(image=given)  # pyright: ignore[reportArgumentType]
        assert caught.value.message == said


@pytest.mark.parametrize(
    ("given", "message", "notes"),
    [
        (None, "parameters must be a mapping from path to array, got a NoneType", ()),
        ([1], "parameters must be a mapping from path to array, got a list", ()),
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
def test_parameters_that_do_not_fit_are_rejected(
    lenet: netlang.Network, given: Any, message: str, notes: tuple[str, ...]
) -> None:
    with pytest.raises(WeightsError) as caught:
        lenet.parameters = given
    assert caught.value.message == message
    assert caught.value.notes == notes


@pytest.mark.parametrize("provider", ["gpu", "CUDA", "CUDAExecutionProvider", None])
def test_an_unknown_provider_is_not_the_cpu(lenet: netlang.Network, provider: Any) -> None:
    with pytest.raises(ProviderError) as caught:
        lenet(image=image(), provider=provider)
    assert caught.value.message == f"there is no provider `{provider}`"
    known = "did you mean `cuda`?" if provider else "`netlang providers` lists all of them"
    assert caught.value.helps == (known,)


def test_an_unknown_net_is_named(lenet: netlang.Network) -> None:
    with pytest.raises(NetlangError, match="has no net `Lenet`"):
        netlang.load(EXAMPLES / "lenet.net")["Lenet"]
    assert lenet.name == "LeNet"


def test_importing_the_package_loads_nothing_heavy() -> None:
    import subprocess
    import sys

    code = "import netlang, sys; dir(netlang); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {module.partition(".")[0] for module in done.stdout.split()}
    assert loaded & {"numpy", "lark", "onnx", "click"} == set()
    assert {module for module in done.stdout.split() if "netlang" in module} <= {"netlang"}


def test_the_package_shows_its_public_names_only() -> None:
    assert dir(netlang) == [
        "Callback", "Error", "FileError", "Imported", "InputError", "NetlangWarning", "Network",
        "Program", "ProgramError", "ProgramWarning", "Run", "WeightsError", "allow_python",
        "contents", "explain", "format", "from_torch", "load", "loads", "nearest", "new",
        "read_caffe", "read_onnx", "runs",
    ]  # fmt: skip
    assert all(getattr(netlang, name).__doc__ for name in dir(netlang))
    with pytest.raises(AttributeError, match="has no attribute 'File'"):
        netlang.File  # noqa: B018  # pyright: ignore


# Calls.

ADD = "net Add(x: f32[N, 2], y: f32[N, 2]) -> z: f32[N, 2] = 2.0 * x + y\n"


def test_inputs_are_assigned_by_position_or_by_name() -> None:
    add = netlang.loads(ADD)["Add"]
    for outputs in (
        add([[1, 2]], [[3, 4]]),
        add([[1, 2]], y=[[3, 4]]),
        add(y=[[3, 4]], x=[[1, 2]]),
    ):
        np.testing.assert_array_equal(outputs["z"], [[5, 8]])
    np.testing.assert_array_equal(add.interpret([[1, 2]], [[3, 4]], double=True)["z"], [[5, 8]])


@pytest.mark.parametrize(
    ("positional", "named", "message"),
    [
        (3, (), "`Add` takes 2 inputs but 3 were given"),
        (1, ("x",), "`Add` got multiple values for input `x`"),
        (1, (), "no value was given for input `y` (f32[N, 2])"),
        (2, ("z",), "`Add` has no input `z`"),
    ],
)
def test_inputs_that_a_function_would_reject_are_rejected(
    positional: int, named: tuple[str, ...], message: str
) -> None:
    add = netlang.loads(ADD)["Add"]
    arrays = [np.zeros((1, 2), np.float32)] * positional
    inputs: dict[str, Any] = dict.fromkeys(named, arrays[0])
    for compute in (add, add.interpret):
        with pytest.raises(InputError) as caught:
            compute(*arrays, **inputs)
        assert caught.value.message == message


# Parameters.


def test_an_assigned_parameter_takes_effect_at_the_next_call(lenet: netlang.Network) -> None:
    before, bias = lenet(image())["logits"], lenet.parameters["logits.bias"]
    lenet.parameters["logits.bias"] += 100
    for after in (lenet(image())["logits"], lenet.interpret(image())["logits"]):
        np.testing.assert_allclose(after, before + 100, rtol=1e-5)
    lenet.parameters.update({"logits.bias": bias.astype(np.float64)})
    assert lenet.parameters["logits.bias"].dtype == np.float32
    np.testing.assert_array_equal(lenet(image())["logits"], before)


def test_the_arrays_of_parameters_are_read_only(lenet: netlang.Network) -> None:
    assigned = np.ones(10, np.float32)
    lenet.parameters["logits.bias"] = assigned
    assigned[0] = 7
    for bias in (lenet.parameters["logits.bias"], lenet.parameters["logits.bias"][:2]):
        with pytest.raises(ValueError, match="read-only"):
            bias[0] = 7
    assert lenet.parameters["logits.bias"].max() == 1
    own = lenet.parameters["logits.bias"].copy()
    alias = own
    alias -= 1
    assert own.max() == 0
    assert type(lenet.parameters["logits.bias"] * 2) is np.ndarray


@pytest.mark.parametrize(
    ("path", "value", "message", "helps"),
    [
        ("logits.bia", np.zeros(10), "`LeNet` has no parameter `logits.bia`",
         ("did you mean `logits.bias`?",)),
        ("logits.bias", np.zeros(9), "`logits.bias` must be f32[10], got f64[9]", ()),
        ("logits.bias", np.zeros(10, bool),
         "`logits.bias` must be f32[10], got bool[10]: its elements are bool, and must be f32",
         ('convert it first: numpy.asarray(x, "float32")',)),
        ("logits.bias", ["a"] * 10,
         "`logits.bias` must be an array of numbers, and is a list", ()),
        ("logits.bias", [[1.0], [2.0, 3.0]],
         "`logits.bias` must be an array of numbers, and is a list", ()),
    ],
)  # fmt: skip
def test_an_array_that_does_not_fit_is_not_assigned(
    lenet: netlang.Network, path: str, value: Any, message: str, helps: tuple[str, ...]
) -> None:
    before = lenet(image())["logits"]
    with pytest.raises(WeightsError) as caught:
        lenet.parameters[path] = value
    assert (caught.value.message, caught.value.helps) == (message, helps)
    np.testing.assert_array_equal(lenet(image())["logits"], before)


def test_parameters_are_a_mapping_of_fixed_paths(lenet: netlang.Network) -> None:
    assert len(lenet.parameters) == 10
    assert "c1.weight" in lenet.parameters
    assert lenet.parameters.get("c1") is None
    assert repr(lenet.parameters).splitlines()[0] == "c1.weight  f32[6, 1, 5, 5]"
    with pytest.raises(TypeError, match="cannot be removed"):
        del lenet.parameters["c1.weight"]
    with pytest.raises(AttributeError):
        lenet.weights = {}  # pyright: ignore


def test_a_deep_copy_has_parameters_and_a_state_of_its_own(lenet: netlang.Network) -> None:
    before = lenet(image())["logits"]
    lenet.parameters["logits.bias"] += 1
    copied = copy.deepcopy(lenet)
    copied.parameters["logits.bias"] -= 1
    np.testing.assert_allclose(copied(image())["logits"], before, rtol=1e-5)
    copied.parameters["logits.bias"] += 2
    np.testing.assert_allclose(copied(image())["logits"], before + 2, rtol=1e-5)
    np.testing.assert_allclose(lenet(image())["logits"], before + 1, rtol=1e-5)
    assert (copied.name, copied.seed) == ("LeNet", 0)
    count = netlang.loads(COUNT)["Count"]
    count([[1, 1]])
    further = copy.deepcopy(count)
    assert [float(further([[1, 1]])["y"][0, 0]) for _ in range(2)] == [2.0, 3.0]
    assert float(count([[1, 1]])["y"][0, 0]) == 2.0


def test_programs_and_untouched_networks_are_copied() -> None:
    program = copy.deepcopy(netlang.loads(SIDES))
    assert str(program["A"].bind(H=4).graph.inputs[0].type) == "f32[N, 4]"
    double = copy.deepcopy(netlang.loads(ADD).network(seed=3))
    assert double.seed == 3
    assert double.parameters.initial


def test_values_that_are_not_finite_are_warned_about(
    lenet: netlang.Network, tmp_path: Path
) -> None:
    lenet.parameters["logits.bias"] = np.full(10, np.nan)
    lenet.save(tmp_path / "nan.safetensors")
    with pytest.warns(netlang.NetlangWarning, match="10 values are not finite") as caught:
        lenet.load(tmp_path / "nan.safetensors")
    assert caught[0].filename == __file__


def test_verification_uses_the_parameters_that_were_assigned(lenet: netlang.Network) -> None:
    (initial,) = lenet.verify()
    lenet.parameters = {path: np.zeros_like(a) for path, a in lenet.parameters.items()}
    (zero,) = lenet.verify()
    assert initial.largest > 0
    assert (zero.largest, zero.ok) == (0, True)


# Programs.


def test_a_program_is_read_from_a_string(tmp_path: Path) -> None:
    (tmp_path / "blocks.net").write_text("block twice(x: f32[N, 2]) -> y = x + x\n", "utf-8")
    text = 'from "blocks.net" import twice\r\nnet A(x: f32[N, 2]) -> y: f32[N, 2] = twice(x)\r\n'
    program = netlang.loads(text, str(tmp_path / "a.net"))
    np.testing.assert_array_equal(program["A"]([[1, 2]])["y"], [[2, 4]])
    assert program.check() is program
    assert repr(netlang.loads("")) == "<text>: no net"


def test_a_program_with_an_error_is_reported_where_it_is_used() -> None:
    text = f"{ADD}net Wrong(x: f32[N, 8]) -> y: f32[N, 2] = x\n"
    program = netlang.loads(text, "two.net")
    assert program["Add"].name == "Add"
    with pytest.raises(netlang.ProgramError, match=r"two\.net:2") as caught:
        program["Wrong"]
    assert [d.rule.code for d in caught.value.diagnostics] == ["shape-mismatch"]
    with pytest.raises(
        netlang.ProgramError, match=r"^two\.net has errors\n\nerror\[shape-mismatch\]"
    ):
        program.check()
    assert [d.is_error for d in program.diagnostics] == [True]
    with pytest.raises(netlang.ProgramError):
        netlang.loads("net (")["A"]
    with pytest.raises(netlang.Error, match="there is no file"):
        netlang.load("missing.net")


def test_warnings_fail_a_strict_check_only() -> None:
    program = netlang.loads(ADD.replace(" + y", ""))
    assert program.problems.startswith("warning[unused-input]: the input `y` is never used")
    program.check()
    with pytest.raises(netlang.ProgramError):
        program.check(strict=True)


def test_programs_are_formatted_shown_and_explained() -> None:
    assert netlang.format("net A( x:f32[N,2] )->y=x") == "net A(x: f32[N, 2]) -> y = x\n"
    with pytest.raises(netlang.ProgramError, match=r"wrong\.net:1"):
        netlang.format("net A(", "wrong.net")
    program = netlang.load(EXAMPLES / "lenet.net")
    assert "conv(6, 5, pad=2" in program.show()
    assert program["LeNet"].show(after="eliminate-dead-code").startswith("graph LeNet")
    assert "156" in program["LeNet"].explain("c1")
    assert repr(netlang.explain("conv")) == netlang.explain("conv")
    assert "conv" in dict(netlang.contents())["spatial:"]


def test_python_runs_only_where_it_is_allowed(tmp_path: Path) -> None:
    program = netlang.loads(
        'extern op tanh_(x: f32[N, 2]) -> y: f32[N, 2] {\n  numpy = "numpy:tanh"\n}\n'
        "net A(x: f32[N, 2]) -> y: f32[N, 2] = tanh_(x)\n"
    )
    with pytest.raises(netlang.Error, match="runs Python"):
        program["A"].interpret([[0, 1]])
    with netlang.allow_python():
        np.testing.assert_allclose(program["A"].interpret([[0, 1]])["y"], np.tanh([[0, 1]]))


def test_text_is_generated_and_words_are_compared(tmp_path: Path) -> None:
    net = netlang.loads("net Next(tokens: i64[N, T]) -> logits = embedding(tokens, 3, 3)\n")["Next"]
    vocabulary = tmp_path / "next.vocab"
    vocabulary.write_text('"a"\n"b"\n"c"\n', "utf-8")
    net.parameters["weight"] = np.roll(np.eye(3), 1, axis=1)
    net.save(tmp_path / "next.safetensors")
    text = net.generate("ab", vocabulary=vocabulary, length=4, temperature=0)
    assert (str(text), text.text, text.tokens) == ("abcabc", "cabc", (2, 0, 1, 2))
    with pytest.raises(netlang.Error, match="no vocabulary"):
        net.generate("ab")
    assert (
        str(net.load(tmp_path / "next.safetensors").generate("a", length=2, temperature=0)) == "abc"
    )
    near = netlang.nearest(tmp_path / "next.safetensors", "a", count=2)
    assert [(n.word, n.cosine) for n in near] == [("b", 0.0), ("c", 0.0)]
    without = netlang.nearest(tmp_path / "next.safetensors", "a", minus="b")
    assert without == netlang.nearest(tmp_path / "next.safetensors", ["a"], minus=["b"])
    vocabulary.write_text('"a"\n"b"\n"ab"\n', "utf-8")
    assert [n.word for n in netlang.nearest(tmp_path / "next.safetensors", "a", minus="ab")] == [
        "b"
    ]
    with pytest.raises(InputError, match=r"^`count` is -1, and must be at least 1$"):
        netlang.nearest(tmp_path / "next.safetensors", "a", count=-1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -1}, "`temperature` is -1, and must be at least 0"),
        ({"temperature": float("nan")}, "`temperature` is nan, and must be at least 0"),
        ({"top": 0}, "`top` is 0, and must be at least 1"),
        ({"window": 0}, "`window` is 0, and must be at least 1"),
        ({"length": -1}, "`length` is -1, and must be at least 0"),
        ({"seed": -1}, "`seed` is -1, and must be at least 0"),
    ],
)
def test_numbers_that_generate_nothing_are_rejected(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    net = netlang.loads("net Next(tokens: i64[N, T]) -> logits = embedding(tokens, 1, 1)\n")["Next"]
    (tmp_path / "a.vocab").write_text('"a"\n', "utf-8")
    with pytest.raises(InputError) as caught:
        net.generate("a", vocabulary=tmp_path / "a.vocab", **options)
    assert caught.value.message == message


def test_numbers_that_show_nothing_are_rejected(lenet: netlang.Network) -> None:
    for use in (lambda: lenet.summary(-1), lambda: lenet.draw(depth=0), lambda: lenet.summary(0)):
        with pytest.raises(InputError, match=r"^`depth` is -?[01], and must be at least 1$"):
            use()
    with pytest.raises(InputError, match=r"^`seed` is -1, and must be at least 0$"):
        lenet.verify(seed=-1)


def test_one_name_is_not_its_letters(lenet: netlang.Network) -> None:
    model = lenet.compile(only="logits")
    assert [output.name for output in model.proto.graph.output] == ["logits"]


def test_a_model_is_shown_by_its_name_and_size(lenet: netlang.Network) -> None:
    assert repr(lenet.compile()) == "LeNet: 12 ONNX nodes"


def test_a_program_is_a_mapping() -> None:
    program = netlang.loads(SIDES)
    assert program.get("Nope") is None
    assert program.get("Nope", 3) == 3
    found = program.get("A")
    assert found is not None
    assert found.name == "A"
