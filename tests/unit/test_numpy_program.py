"""Nets as programs that need only NumPy: what they compute, and how they read.

Tests ``netlang.codegen.numpy_program.functions``,
``netlang.codegen.numpy_program.graphs``,
``netlang.codegen.numpy_program.layout``,
``netlang.codegen.numpy_program.levels``,
``netlang.codegen.numpy_program.literals``,
``netlang.codegen.numpy_program.names``,
``netlang.codegen.numpy_program.output``,
``netlang.codegen.numpy_program.program``,
``netlang.codegen.numpy_program.regions``,
``netlang.codegen.numpy_program.shapes``,
``netlang.codegen.numpy_program.variants``,
``netlang.codegen.numpy_program.writing`` and
``netlang.codegen.definitions``.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from checked import checked
from commands import said
from numpy_programs import compute

import netlang as nl
from netlang.analysis import counts
from netlang.backends import reference
from netlang.codegen.definitions import definition
from netlang.codegen.numpy_program.layout import statement
from netlang.codegen.numpy_program.program import numpy_program
from netlang.diagnostics.errors import InputError, NetlangError
from netlang.inference.verification import choose_sizes, lively, sample_inputs
from netlang.ir.graph import Graph, Node
from netlang.program import Net
from netlang.storage.npy import write_npz
from netlang.system.numpy import Array

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.net"))
CASES = Path(__file__).with_name("blocks_and_loops.net")
LARGE = 10_000_000
"""Nets with more parameters take too long for every run of the tests."""
SEVERAL = {"bigru": "the second of two calls returns other results than the first"}
"""Blocks that are more than one function, and why."""

RUNNER = """
import runpy, sys
sys.path.insert(0, sys.argv[1])
sys.modules["netlang"] = None
import numpy as np
program, net, weights, inputs, outputs = sys.argv[2:]
names = runpy.run_path(program)
arguments = dict(np.load(inputs))
if weights:
    arguments["p"] = names["load"](weights)
with np.errstate(all="ignore"):
    results = names[net](**arguments)
np.savez(outputs, **results)
"""


def nets(path: Path) -> list[Net]:
    return list(checked(path).nets.values())


ALL = [
    pytest.param(path, net.name, id=f"{path.stem}-{net.name}")
    for path in EXAMPLES
    for net in nets(path)
]


@cache
def program_of(net: Net) -> str:
    module = net.function.module
    return numpy_program(net.graph, lambda name: definition(module, name), "weights.npz")


def run_alone(
    folder: Path, text: str, net: str, weights: Mapping[str, Array], inputs: Mapping[str, Array]
) -> dict[str, Array]:
    """Run a program in a Python that has nothing but NumPy."""
    (folder / "program.py").write_text(text, "utf-8")
    write_npz(folder / "weights.npz", weights)
    write_npz(folder / "inputs.npz", inputs)
    packages = str(Path(np.__file__).parents[1])
    files = [str(folder / name) for name in ("program.py", "weights.npz", "inputs.npz")]
    given = [files[0], net, files[1] if weights else "", files[2], str(folder / "outputs.npz")]
    command = [sys.executable, "-I", "-S", "-c", RUNNER, packages, *given]
    subprocess.run(command, check=True)
    with np.load(folder / "outputs.npz") as outputs:
        return dict(outputs)


def sampled(
    graph: Graph, weights: Mapping[str, Array]
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return inputs for which the net can be computed, and its outputs."""
    sizes = choose_sizes(graph, {})
    for below in (10, 2):
        feeds = sample_inputs(graph, sizes, 0, below=below)
        try:
            return feeds, reference.run(graph, feeds, weights, sizes=sizes)
        except InputError:  # an index beyond a table
            continue
    raise AssertionError("no inputs fit")


# ---- what programs compute ---------------------------------------------------------------------


def compare(net: Net, folder: Path) -> None:
    graph = net.graph
    weights = lively(graph, 0)
    inputs, expected = sampled(graph, weights)
    results = run_alone(folder, program_of(net), graph.name, weights, inputs)
    assert list(results) == list(expected)
    for name, array in expected.items():
        assert (results[name].shape, results[name].dtype) == (array.shape, array.dtype)
        scale = float(np.abs(array).max(initial=0.0))
        np.testing.assert_allclose(results[name], array, rtol=1e-6, atol=2e-6 * scale)


def parameter_count(net: Net) -> int:
    trained, running = counts.trained(net.graph), counts.running(net.graph)
    assert isinstance(trained, int) and isinstance(running, int)
    return trained + running


@pytest.mark.parametrize(("path", "name"), ALL)
def test_a_program_of_an_example_computes_what_the_interpreter_does(
    path: Path, name: str, tmp_path: Path
) -> None:
    net = checked(path).nets[name]
    if parameter_count(net) > LARGE:
        pytest.skip("run with the slow tests")
    compare(net, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("path", "name"), ALL)
def test_a_program_of_a_large_example_computes_what_the_interpreter_does(
    path: Path, name: str, tmp_path: Path
) -> None:
    net = checked(path).nets[name]
    if parameter_count(net) > LARGE:
        compare(net, tmp_path)


@pytest.mark.parametrize("net", nets(CASES), ids=lambda net: net.name)
def test_blocks_and_loops_of_all_kinds_compute_what_the_interpreter_does(net: Net) -> None:
    weights = lively(net.graph, 0)
    inputs, expected = sampled(net.graph, weights)
    results = compute(net.graph, inputs, weights)
    assert list(results) == list(expected)
    for name, array in expected.items():
        np.testing.assert_allclose(results[name], array, rtol=1e-6, atol=1e-6)


def test_recurrent_nets_give_the_same_to_the_last_bit(tmp_path: Path) -> None:
    net = checked(EXAMPLES[0].with_name("char_lstm.net")).nets["CharLSTM"]
    weights = lively(net.graph, 0)
    inputs, expected = sampled(net.graph, weights)
    results = run_alone(tmp_path, program_of(net), "CharLSTM", weights, inputs)
    for name in ("logits", "h_next", "c_next"):
        np.testing.assert_array_equal(results[name], expected[name])
    del inputs["h"], inputs["c"]  # zeros, as the net says
    first = run_alone(tmp_path, program_of(net), "CharLSTM", weights, inputs)
    assert not np.array_equal(first["logits"], results["logits"])


def test_a_program_runs_on_batches_of_any_size(tmp_path: Path) -> None:
    net = nl.load(str(EXAMPLES[0].with_name("lenet.net")))["LeNet"]
    files = net.write_numpy(tmp_path / "lenet.py")
    assert [file.name for file in files] == ["lenet.py", "lenet.npz"]
    text = files[0].read_text("utf-8")
    for count in (1, 5):
        image = np.random.default_rng(0).standard_normal((count, 1, 28, 28)).astype(np.float32)
        arrays = net.parameters.arrays()
        results = run_alone(tmp_path, text, "LeNet", arrays, {"image": image})
        expected = net.interpret(image)["logits"]
        np.testing.assert_allclose(results["logits"], expected, rtol=1e-6, atol=1e-6)


def test_a_program_is_an_example_of_itself(tmp_path: Path) -> None:
    nl.load(str(EXAMPLES[0].with_name("lenet.net")))["LeNet"].write_numpy(tmp_path / "lenet.py")
    done = subprocess.run(
        [sys.executable, str(tmp_path / "lenet.py")], capture_output=True, text=True, check=True
    )
    assert done.stdout == "logits (1, 10)\n"


# ---- how programs read -------------------------------------------------------------------------


def test_programs_are_formatted_and_have_no_lint(tmp_path: Path) -> None:
    for path in EXAMPLES:
        for net in nets(path):
            (tmp_path / f"{path.stem}_{net.name}.py").write_text(program_of(net), "utf-8")
    for command in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", str(tmp_path)]
        done = subprocess.run(ruff, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout if done.returncode else "") == (0, "")


def called(graph: Graph) -> Iterator[str]:
    """Yield the names of the blocks and ops of the program that nodes are in."""

    def inside(nodes: tuple[Node, ...]) -> Iterator[str]:
        for node in nodes:
            scope = node.scope
            while scope is not None and scope.parent is not None:
                if not scope.library and scope.kind not in ("for", "scan"):
                    yield scope.kind
                scope = scope.parent

    return inside(graph.nodes)


@pytest.mark.parametrize(("path", "name"), ALL)
def test_each_block_is_one_function(path: Path, name: str) -> None:
    net = checked(path).nets[name]
    functions = re.findall(r"^def (\w+)", program_of(net), re.MULTILINE)
    for block in set(called(net.graph)):
        found = [f for f in functions if re.fullmatch(rf"{block}(_\d+)?", f)]
        assert found == [block] or (block in SEVERAL and found[0] == block)


SMALL = """\
## A convolution and its normalization.
block conv_bn(x, width: int, kernel: int, stride: int = 1) =
  x |> conv(width, kernel, stride=stride, pad=kernel // 2, bias=false) |> batch_norm

## Two convolutions, and a shortcut around them.
block residual(x: f32[N, C, H, W], width: int, stride: int = 1) -> y {
  a = x |> conv_bn(width, 3, stride) |> relu
  b = conv_bn(a, width, 3)
  skip = if stride == 1 and C == width then x else conv_bn(x, width, 1, stride)
  y = relu(b + skip)
}

## A residual network for small images.
net Small(image: f32[N, 3, 32, 32]) -> (logits: f32[N, 10], maps: f32[N, 16, 8, 8]) {
  maps = for i in 1..4 with h = image {
    next h = residual(h, 16, if i % 2 == 0 then 2 else 1)
  }
  logits = maps |> global_avg_pool |> dense(10)
}
"""

BLOCKS = '''\
def conv_bn(x, p, stride, pad):
    """A convolution and its normalization."""
    conv = convolve(x, p["conv"]["weight"], stride=stride, pad=pad)
    batch_norm = normalize_batch(
        conv,
        p["batch_norm"]["scale"],
        p["batch_norm"]["shift"],
        p["batch_norm"]["mean"],
        p["batch_norm"]["var"],
    )
    return batch_norm


def residual(x, p, stride):
    """Two convolutions, and a shortcut around them."""
    a = conv_bn(x, p["a"], stride=stride, pad=((1, 1), (1, 1)))
    a = relu(a)
    b = conv_bn(a, p["b"], stride=(1, 1), pad=((1, 1), (1, 1)))
    if "skip" in p:
        skip = conv_bn(x, p["skip"], stride=stride, pad=((0, 0), (0, 0)))
    else:
        skip = x
    y = b + skip
    return relu(y)


def Small(image, p):
    """A residual network for small images."""
    image = np.asarray(image, dtype=np.float32)
    maps = image
    for i, stride in enumerate(((1, 1), (2, 2), (1, 1), (2, 2)), start=1):
        maps = residual(maps, p["maps"][i], stride=stride)
    logits = mean(maps, axis=(2, 3))
    logits = linear(logits, p["logits"]["weight"], p["logits"]["bias"])
    return {"logits": logits, "maps": maps}
'''


def test_a_program_reads_like_the_net() -> None:
    graph = nl.loads(SMALL)["Small"]
    module = graph._net.function.module
    text = numpy_program(graph.graph, lambda name: definition(module, name), "small.npz")
    assert BLOCKS in text


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("x = f(a, b)", ["x = f(a, b)"]),
        (f"x = f({'a' * 50}, {'b' * 31})", ["x = f(", f"    {'a' * 50}, {'b' * 31}", ")"]),
        (
            f"x = f({'a' * 50}, {'b' * 40})",
            ["x = f(", f"    {'a' * 50},", f"    {'b' * 40},", ")"],
        ),
        (
            f'return {{"{"a" * 50}": 1, "{"b" * 31}": 2}}',
            ["return {", f'    "{"a" * 50}": 1,', f'    "{"b" * 31}": 2,', "}"],
        ),
    ],
)
def test_long_statements_break_at_their_last_brackets(text: str, lines: list[str]) -> None:
    assert statement(text) == lines


# ---- what programs cannot be made of -----------------------------------------------------------

EXTERN = """\
extern op warp(x: f32[N, C], *, by: float = 2.0) -> y: f32[N, C] {{
  {field} = "{value}"
}}

net Warped(x: f32[N, 4]) -> y: f32[N, 4] = warp(x, by=0.5)
"""


def test_an_extern_op_calls_its_function(tmp_path: Path) -> None:
    path = tmp_path / "warped.net"
    path.write_text(EXTERN.format(field="numpy", value="warps:by_factor"), "utf-8")
    files = nl.load(path)["Warped"].write_numpy(tmp_path / "warped.py")
    assert [file.name for file in files] == ["warped.py"]
    text = files[0].read_text("utf-8")
    assert "\nimport numpy as np\nfrom warps import by_factor\n" in text
    assert "    return " in text and "by_factor(x, by=0.5)\n" in text


def test_an_extern_op_without_a_function_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("warped.net").write_text(EXTERN.format(field="onnx", value="acme::Warp"), "utf-8")
    code, out, err = said(capsys, "compile", "warped.net", "--target", "numpy", "-o", "w.py")
    assert (code, out) == (1, "")
    assert err == (
        "error[not-in-numpy]: the `extern op` that warped.net:5 calls has no function for NumPy\n"
        "   |\n"
        "   = note: a NumPy program calls the Python function that an `extern op` names\n"
        '   = help: add it to the `extern op`: `numpy = "package:function"`\n'
    )
    assert [file.name for file in tmp_path.iterdir()] == ["warped.net"]


def test_bf16_is_an_error() -> None:
    half = nl.loads("net Half(x: bf16[N, 4]) -> y: bf16[N, 4] = relu(x)", name="half.net")["Half"]
    with pytest.raises(NetlangError) as raised:
        half.write_numpy("half.py")
    assert str(raised.value) == "half.net:1 computes with bf16, which NumPy does not have"
    assert raised.value.helps == ("use f16 or f32, or compile to ONNX",)


@pytest.mark.parametrize("option", [["--opset", "20"], ["--no-fold"], ["--only", "y"]])
def test_options_of_onnx_models_are_errors(
    option: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "half.net"
    path.write_text("net Half(x: f32[N, 4]) -> y: f32[N, 4] = x / 2.0", "utf-8")
    code, out, err = said(
        capsys, "compile", path, "--target", "numpy", "-o", tmp_path / "half.py", *option
    )
    assert (code, out) == (2, "")
    assert err == (
        f"error[usage]: {option[0]} applies to ONNX models; "
        "a program computes the whole net as it is\n"
        "   |\n"
        "   = help: `netlang compile --help` lists the arguments and options\n"
    )
    assert not (tmp_path / "half.py").exists()
