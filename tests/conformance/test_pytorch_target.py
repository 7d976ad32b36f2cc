"""Every example compiled to PyTorch: the same parameters, the same outputs, the same gradients.

Tests ``netlang.codegen``.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from safetensors.numpy import load_file

import netlang
from netlang.api.network import Network
from netlang.backends import reference
from netlang.codegen.pytorch.tables.forms import MODULE_ATTRIBUTES
from netlang.ir.dims import bind
from netlang.ops.terms import terms
from netlang.passes.autodiff import builder_after, gradient_name, vjp
from netlang.program import load
from netlang.system.numpy import Array

torch = pytest.importorskip("torch")

EXAMPLES = Path(__file__).parents[2] / "examples"
NETS = [(file.name, net) for file in sorted(EXAMPLES.glob("*.net")) for net in load(file).nets]
SIZES = {"N": 2, "T": 5, "S": 6, "K": 3, "W": 32, "H": 32}
LARGE = 5_000_000
"""Networks with more parameters take seconds each."""

RATE = 1e-3
STEPS: list[tuple[str, str, dict[str, float | str]]] = [
    ("lenet.net", "LeNet", {}),
    ("densenet_d2l.net", "DenseNet", {"growth": 8}),
    ("recurrent_by_hand.net", "Peephole", {"units": 32}),
    ("bigru.net", "Sentiment", {"vocab": 100, "units": 16}),
    ("gpt2.net", "GPT2", {"vocab": 50, "places": 16, "width": 128, "depth": 2}),
]


def sized() -> list[Any]:
    """Return the nets, those with many parameters marked as slow."""
    cases: list[Any] = []
    for file, name in NETS:
        count = netlang.load(EXAMPLES / file)[name].trainable_parameters
        large = not isinstance(count, int) or count > LARGE
        marks = [pytest.mark.slow] if large else []
        cases.append(pytest.param(file, name, id=f"{file}-{name}", marks=marks))
    return cases


def compiled(network: Network, folder: Path) -> Any:
    """Compile a net and load its module with the parameters next to it."""
    path, weights = network.write_pytorch(folder / "compiled.py")
    spec = importlib.util.spec_from_file_location("compiled", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = getattr(module, network.name)()
    arrays = load_file(weights)
    model.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return model.eval()


def with_statistics(network: Network) -> Network:
    """Return the network with running statistics that matter."""
    draw = np.random.default_rng(1)
    arrays: dict[str, Array] = {name: np.array(a) for name, a in network.parameters.items()}
    for param in network.graph.params.values():
        if not param.trained:
            shape = arrays[param.path].shape
            spread = param.path.endswith("var")
            made = draw.uniform(0.5, 1.5, shape) if spread else draw.normal(0, 0.1, shape)
            arrays[param.path] = made.astype(np.float32)
    network.parameters = arrays
    return network


def inputs(network: Network) -> dict[str, Array]:
    draw = np.random.default_rng(0)
    made: dict[str, Array] = {}
    for value in network.graph.inputs:
        shape = tuple(bind(size, SIZES) for size in value.type.shape)
        if value.type.dtype.is_float:
            made[value.name] = draw.standard_normal(shape).astype(np.float32)
        elif value.type.dtype.is_integer:
            made[value.name] = draw.integers(0, 2, shape) + (value.type.rank == 1)
        else:
            made[value.name] = draw.random(shape) < 0.7
    return made


@pytest.mark.parametrize(("file", "name"), sized())
def test_a_compiled_example_has_the_parameters_and_outputs_of_the_interpreter(
    file: str, name: str, tmp_path: Path
) -> None:
    network = with_statistics(netlang.load(EXAMPLES / file)[name])
    model = compiled(network, tmp_path)
    assert sum(p.numel() for p in model.parameters()) == network.trainable_parameters
    assert sum(b.numel() for b in model.buffers()) == network.non_trainable_parameters
    feeds = inputs(network)
    with torch.no_grad():
        found = model(*[torch.from_numpy(array) for array in feeds.values()])
    expected = [*network.run(feeds, backend="numpy").values(), *network.state.values()]
    results = [found] if torch.is_tensor(found) else list(found)
    for ours, theirs in zip(expected, results, strict=True):
        scale = max(1.0, float(np.abs(ours).max()))
        np.testing.assert_allclose(theirs.numpy(), ours, rtol=0, atol=1e-5 * scale)


@pytest.mark.parametrize("value", [
    "gather(x, ids, axis=0)", "gather(x, ids, axis=1)", "gather(x, ids, axis=-1)",
    "gather(x, ids[0], axis=1)", "gather(x, ids[0, 0], axis=1)",
    "ranked(x, 2)[0]", "ranked(x, 3, axis=1, smallest=true)[0]",
])  # fmt: skip
def test_a_choice_by_index_or_by_rank_is_that_of_netlang(value: str, tmp_path: Path) -> None:
    text = f"net Chosen(x: f32[N, 3, 4], ids: i64[2, 2]) -> y = {value} + 0.0 * sum(cast(ids, f32))"
    (tmp_path / "chosen.net").write_text(text, "utf-8")
    network = netlang.load(tmp_path / "chosen.net")["Chosen"]
    feeds = inputs(network)
    found = compiled(network, tmp_path)(*[torch.from_numpy(array) for array in feeds.values()])
    np.testing.assert_array_equal(found.numpy(), network.run(feeds, backend="numpy")["y"])


@pytest.mark.parametrize(("file", "name", "sizes"), STEPS, ids=[name for _, name, _ in STEPS])
def test_a_gradient_step_of_a_compiled_example_is_that_of_netlang(
    file: str, name: str, sizes: dict[str, float | str], tmp_path: Path
) -> None:
    network = with_statistics(netlang.load(EXAMPLES / file).network(name, sizes))
    model = compiled(network, tmp_path)
    feeds = inputs(network)
    output = model(*[torch.from_numpy(array) for array in feeds.values()])
    (output * output).mean().backward()
    torch.optim.SGD(model.parameters(), lr=RATE).step()
    slopes = gradients(network, feeds)
    for path, parameter in model.named_parameters():
        before = np.asarray(network.parameters[path])
        after = before - RATE * slopes[path]
        assert np.abs(slopes[path]).max() > 0, path
        np.testing.assert_allclose(parameter.detach().numpy(), after, rtol=0, atol=1e-5)
        np.testing.assert_allclose(parameter.grad.numpy(), slopes[path], rtol=1e-3, atol=1e-5)


def gradients(network: Network, feeds: Mapping[str, Array]) -> dict[str, Array]:
    """Return the gradients of the mean of the squares of the output, by path."""
    graph = network.graph
    (output,) = graph.outputs.values()
    b = builder_after(graph)
    (y,) = terms(b, output)
    size = bind(output.type.size, SIZES)
    loss = (y * y).sum(list(range(y.rank))) * (1.0 / size)
    extended = replace(graph, nodes=tuple(b.nodes), outputs={"loss": loss.value})
    wrt = [value for value, param in graph.params.items() if param.trained]
    found = reference.run(vjp(extended, wrt, of="loss"), feeds, network.parameters.arrays())
    return {graph.params[v].path: found[gradient_name(v, graph)] for v in wrt}


def test_every_attribute_of_a_module_is_known() -> None:
    modules = (torch.nn.Module(), torch.nn.ModuleDict(), torch.nn.ModuleList())
    attributes = {name for module in modules for name in dir(module) if name[0] != "_"}
    assert attributes <= MODULE_ATTRIBUTES
