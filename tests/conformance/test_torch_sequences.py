"""Sequences with PyTorch's own weights: the same results, and the same gradients, in float64.

What is called is compared with what PyTorch computes now, so nothing here was written down by
hand; weights go from module to net by their names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netlang.backends import reference
from netlang.ir.arrays import numpy_dtype
from netlang.ir.types import DType
from netlang.passes.autodiff import gradient_name, vjp
from netlang.program import load
from netlang.system.numpy import Array

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.slow

Tensors = dict[str, Any]
"""Tensors of PyTorch by a name of ours: the inputs or results of a net."""

COUNT, STEPS, FEATURES, UNITS = 4, 5, 3, 4
LENGTHS = [5, 2, 1, 3]


def drawn(*shape: int, seed: int = 0) -> Any:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator, requires_grad=True)


def same(
    folder: Path,
    text: str,
    module: Any,
    called: Callable[[], Tensors],
    inputs: Tensors,
    rename: Callable[[str], str],
    split: Callable[[str, Array], Mapping[str, Array]] = lambda name, array: {name: array},
) -> None:
    """Hold a net to a module: its results, and the gradients of the sum of their cubes.

    ``split`` turns a weight of the module, or its gradient, into those of the net by PyTorch's
    names, which ``rename`` turns into paths.
    """
    file = folder / "same.net"
    file.write_text(text, "utf-8")
    program = load(file)
    assert program.diagnostics.items == []
    graph = program.net(None).graph

    def ours(arrays: Mapping[str, Any]) -> dict[str, Array]:
        return {
            rename(part): piece
            for name, tensor in arrays.items()
            for part, piece in split(name, tensor.detach().numpy()).items()
        }

    named = dict(module.named_parameters())
    weights = ours(named)
    types = {p.path: p.type for p in graph.params.values()}
    assert weights.keys() == types.keys()
    weights = {n: a.astype(numpy_dtype(types[n].dtype)) for n, a in weights.items()}
    results = called()
    loss: Any = sum(result.pow(3).sum() for result in results.values())
    loss.backward()
    expected = {name: tensor.detach().numpy() for name, tensor in results.items()}
    slopes = ours({name: tensor.grad for name, tensor in named.items()})
    slopes |= {n: t.grad.numpy() for n, t in inputs.items() if t.dtype.is_floating_point}

    wrt = [v for v in (*graph.inputs, *graph.params) if v.type.dtype.is_float]
    extended = vjp(graph, wrt, of="loss")
    feeds = {name: tensor.detach().numpy() for name, tensor in inputs.items()}
    found = reference.run(extended, feeds, weights, dtype=DType.F64)
    for name, array in expected.items():
        close(found[name], array, name)
    for value in wrt:
        name = graph.params[value].path if value in graph.params else value.name
        gradient = found[gradient_name(value, graph)]
        close(gradient, slopes[name], name)


def close(found: Array, expected: Array, name: str) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11, err_msg=name)


def loss_of(results: str) -> str:
    """Write the sum of the cubes of all results: squares of what is normalized add up to one."""
    total = " + ".join(f"sum({name} * {name} * {name})" for name in results.split(", "))
    return f"  loss = {total}\n"


# ---- recurrent layers ----------------------------------------------------------------------

KINDS = {"rnn": "h", "gru": "h", "lstm": "hc", "relu": "h"}
SHAPES = list(product([1, 2], [False, True]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("layers", "both"), SHAPES, ids=[f"{n}-{2 if b else 1}" for n, b in SHAPES]
)
@pytest.mark.parametrize("started", [False, True], ids=["zeros", "started"])
@pytest.mark.parametrize("lengths", [False, True], ids=["full", "lengths"])
def test_a_recurrent_layer_is_that_of_pytorch(
    tmp_path: Path, kind: str, layers: int, both: bool, started: bool, lengths: bool
) -> None:
    module, name = recurrent(kind, layers, both=both)
    sides = layers * (2 if both else 1)
    inputs: Tensors = {"x": drawn(COUNT, STEPS, FEATURES)}
    if started:
        inputs |= {
            f"{s}0": drawn(sides, COUNT, UNITS, seed=i) for i, s in enumerate(KINDS[kind], 1)
        }
    if lengths:
        inputs["length"] = torch.tensor(LENGTHS)

    def called() -> Tensors:
        starts = tuple(inputs[f"{s}0"] for s in KINDS[kind]) if started else None
        given = starts[0] if starts and len(starts) == 1 else starts
        x = inputs["x"]
        if lengths:
            x = torch.nn.utils.rnn.pack_padded_sequence(
                x, inputs["length"], batch_first=True, enforce_sorted=False
            )
        y, ends = module(x, given)
        if lengths:
            y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, batch_first=True, total_length=STEPS)
        ends = ends if isinstance(ends, tuple) else (ends,)
        last = [end if sides > 1 else end[0] for end in ends]
        return {"y": y} | dict(zip(KINDS[kind], last, strict=True))

    states = ", ".join(KINDS[kind])
    starts = "".join(f", {s}0: f64[{sides}, N, {UNITS}]" for s in KINDS[kind]) if started else ""
    options = "".join(
        [f", {s}0={s}0{'' if sides > 1 else '[0]'}" for s in KINDS[kind] if started]
        + [", length=length"] * lengths
        + [", bidirectional=true"] * both
        + [', activation="relu"'] * (kind == "relu")
    )
    text = (
        f"net Same(x: f64[N, T, {FEATURES}]{starts}{', length: i64[N]' * lengths}) "
        f"-> (loss, y, {states}) {{\n"
        f"  layer = {name}(x, {UNITS}, layers={layers}{options})\n"
        + "".join(f"  {r} = layer.{r}\n" for r in f"y, {states}".split(", "))
        + loss_of(f"y, {states}")
        + "}\n"
    )
    same(tmp_path, text, module, called, inputs, recurrent_path)


def recurrent(kind: str, layers: int, *, both: bool) -> tuple[Any, str]:
    """Make a layer of PyTorch, and name ours."""
    torch.manual_seed(3)
    options: dict[str, Any] = {
        "num_layers": layers, "bidirectional": both, "batch_first": True, "dtype": torch.float64,
    }  # fmt: skip
    match kind:
        case "relu":
            return torch.nn.RNN(FEATURES, UNITS, nonlinearity="relu", **options), "rnn"
        case _:
            return getattr(torch.nn, kind.upper())(FEATURES, UNITS, **options), kind


def recurrent_path(name: str) -> str:
    """Turn PyTorch's name of a recurrent weight into our path."""
    weight, _, place = name.rpartition("_l")
    number, _, reverse = place.partition("_")
    return f"layer.{number}.{'reverse.' if reverse else ''}{weight}"


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_a_cell_is_that_of_pytorch(tmp_path: Path, kind: str) -> None:
    torch.manual_seed(4)
    module = getattr(torch.nn, f"{kind.upper()}Cell")(FEATURES, UNITS, dtype=torch.float64)
    states = KINDS[kind]
    inputs = {"x": drawn(COUNT, FEATURES)}
    inputs |= {s: drawn(COUNT, UNITS, seed=i) for i, s in enumerate(states, 1)}

    def called() -> Tensors:
        given = [inputs[s] for s in states]
        made = module(inputs["x"], given[0] if len(given) == 1 else tuple(given))
        return dict(zip(("y", "c1"), made if isinstance(made, tuple) else (made,), strict=False))

    results = "y, c1" if kind == "lstm" else "y"
    text = (
        f"net Same(x: f64[N, {FEATURES}]{''.join(f', {s}: f64[N, {UNITS}]' for s in states)}) "
        f"-> (loss, {results}) {{\n"
        f"  {results} = {kind}_cell(x, {', '.join(states)}, {UNITS}) as layer\n"
        f"{loss_of(results)}}}\n"
    )
    same(tmp_path, text, module, called, inputs, lambda name: f"layer.{name}")


def test_a_projected_lstm_is_that_of_pytorch(tmp_path: Path) -> None:
    torch.manual_seed(5)
    module = torch.nn.LSTM(FEATURES, UNITS, proj_size=2, batch_first=True, dtype=torch.float64)
    inputs = {"x": drawn(COUNT, STEPS, FEATURES)}

    def called() -> Tensors:
        y, (h, c) = module(inputs["x"])
        return {"y": y, "h": h[0], "c": c[0]}

    text = (
        f"net Same(x: f64[N, T, {FEATURES}]) -> (loss, y, h, c) {{\n"
        f"  y, h, c = projected_lstm(x, {UNITS}, 2) as layer\n"
        f"{loss_of('y, h, c')}}}\n"
    )
    same(tmp_path, text, module, called, inputs, lambda n: f"layer.{n.removesuffix('_l0')}")


# ---- attention -----------------------------------------------------------------------------

WIDTH, HEADS, HIDDEN, MEMORY = 6, 2, 8, 4


def stacked(name: str, array: Array) -> dict[str, Array]:
    """Part what PyTorch stacks: the weights of queries, keys and values."""
    if "in_proj_" not in name:
        return {name: array}
    stem, kind = name.split("in_proj_")
    parts = zip("qkv", np.split(array, 3), strict=True)
    return {f"{stem}{part}.{kind}": piece for part, piece in parts}


def open_places() -> Any:
    """Return which steps of the memory are words, and not padding."""
    return torch.arange(MEMORY) < torch.tensor([4, 2, 1, 3])[:, None]


@pytest.mark.parametrize("cross", [False, True], ids=["itself", "memory"])
@pytest.mark.parametrize("masked", ["open", "padding", "causal"])
def test_multi_head_attention_is_that_of_pytorch(tmp_path: Path, cross: bool, masked: str) -> None:
    torch.manual_seed(6)
    module = torch.nn.MultiheadAttention(WIDTH, HEADS, batch_first=True, dtype=torch.float64)
    inputs: Tensors = {"x": drawn(COUNT, MEMORY, WIDTH)}
    if cross:
        inputs["memory"] = drawn(COUNT, MEMORY, WIDTH, seed=1)
    if masked == "padding":
        inputs["open"] = open_places()

    def called() -> Tensors:
        memory = inputs.get("memory", inputs["x"])
        later = torch.ones(MEMORY, MEMORY, dtype=torch.bool).triu(1)
        y, _ = module(
            inputs["x"],
            memory,
            memory,
            key_padding_mask=~inputs["open"] if masked == "padding" else None,
            attn_mask=later if masked == "causal" else None,
            need_weights=False,
        )
        return {"y": y}

    options = (
        [", key=memory"] * cross
        + [", mask=open"] * (masked == "padding")
        + [", causal=true"] * (masked == "causal")
    )
    given = [f"x: f64[N, T, {WIDTH}]"]
    given += [f"memory: f64[N, S, {WIDTH}]"] * cross
    given += [f"open: bool[N, {'S' if cross else 'T'}]"] * (masked == "padding")
    text = (
        f"net Same({', '.join(given)}) -> (loss, y) {{\n"
        f"  y = multi_head_attention(x, {HEADS}{''.join(options)}) as layer\n"
        f"{loss_of('y')}}}\n"
    )
    same(tmp_path, text, module, called, inputs, attention_path, stacked)


def attention_path(name: str) -> str:
    return f"layer.{name.replace('out_proj', 'out')}"


@pytest.mark.parametrize("first", [False, True], ids=["after", "first"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("masked", ["open", "padding", "causal"])
def test_an_encoder_layer_is_that_of_pytorch(
    tmp_path: Path, first: bool, activation: str, masked: str
) -> None:
    torch.manual_seed(7)
    module = torch.nn.TransformerEncoderLayer(
        WIDTH, HEADS, HIDDEN, dropout=0.0, activation=activation, norm_first=first,
        batch_first=True, dtype=torch.float64,
    )  # fmt: skip
    inputs: Tensors = {"x": drawn(COUNT, MEMORY, WIDTH)}
    if masked == "padding":
        inputs["open"] = open_places()

    def called() -> Tensors:
        later = torch.ones(MEMORY, MEMORY, dtype=torch.bool).triu(1)
        closed = ~inputs["open"] if masked == "padding" else None
        mask = later if masked == "causal" else None
        return {"y": module(inputs["x"], src_mask=mask, src_key_padding_mask=closed)}

    options = {"open": "", "padding": ", mask=open", "causal": ", causal=true"}[masked]
    given = f"x: f64[N, T, {WIDTH}]" + ", open: bool[N, T]" * (masked == "padding")
    text = (
        f"net Same({given}) -> (loss, y) {{\n"
        f"  y = encoder_layer(x, {HEADS}, {HIDDEN}, activation={activation}, "
        f"norm_first={word(first)}{options}) as layer\n"
        f"{loss_of('y')}}}\n"
    )
    same(tmp_path, text, module, called, inputs, block_path, stacked)


@pytest.mark.parametrize("first", [False, True], ids=["after", "first"])
@pytest.mark.parametrize("padded", [False, True], ids=["open", "padding"])
def test_a_decoder_layer_is_that_of_pytorch(tmp_path: Path, first: bool, padded: bool) -> None:
    torch.manual_seed(8)
    module = torch.nn.TransformerDecoderLayer(
        WIDTH, HEADS, HIDDEN, dropout=0.0, norm_first=first, batch_first=True, dtype=torch.float64
    )
    inputs: Tensors = {"x": drawn(COUNT, 3, WIDTH), "memory": drawn(COUNT, MEMORY, WIDTH, seed=1)}
    if padded:
        inputs["open"] = open_places()

    def called() -> Tensors:
        later = torch.ones(3, 3, dtype=torch.bool).triu(1)
        closed = ~inputs["open"] if padded else None
        y = module(inputs["x"], inputs["memory"], tgt_mask=later, memory_key_padding_mask=closed)
        return {"y": y}

    given = f"x: f64[N, T, {WIDTH}], memory: f64[N, S, {WIDTH}]" + ", open: bool[N, S]" * padded
    text = (
        f"net Same({given}) -> (loss, y) {{\n"
        f"  y = decoder_layer(x, memory, {HEADS}, {HIDDEN}, norm_first={word(first)}"
        f"{', mask=open' * padded}) as layer\n"
        f"{loss_of('y')}}}\n"
    )
    same(tmp_path, text, module, called, inputs, block_path, stacked)


def block_path(name: str) -> str:
    """Turn PyTorch's name of a weight in a Transformer's layer into our path."""
    names = {
        "self_attn": "attention",
        "multihead_attn": "cross",
        "linear1": "ffn.grow",
        "linear2": "ffn.shrink",
        "out_proj": "out",
    }
    for theirs, ours in names.items():
        name = name.replace(theirs, ours)
    return f"layer.{norm_path(name)}"


def norm_path(name: str) -> str:
    """Turn the weight and bias of a normalization into scale and shift."""
    if "norm" not in name:
        return name
    return name.replace("weight", "scale").replace("bias", "shift")


def word(value: bool) -> str:
    return "true" if value else "false"


def test_an_embedding_and_a_layer_norm_are_those_of_pytorch(tmp_path: Path) -> None:
    torch.manual_seed(9)
    module = torch.nn.ModuleDict(
        {
            "words": torch.nn.Embedding(7, WIDTH),
            "norm": torch.nn.LayerNorm(WIDTH),
        }
    ).to(torch.float64)
    inputs = {"tokens": torch.tensor([[1, 6, 1], [0, 3, 1]])}
    text = (
        f"net Same(tokens: i64[N, T]) -> (loss, y) {{\n"
        f"  words = embedding(tokens, 7, {WIDTH})\n"
        f"  norm = layer_norm(words)\n"
        f"  y = tanh(norm)\n"
        f"{loss_of('y')}}}\n"
    )

    def called() -> Tensors:
        return {"y": module["norm"](module["words"](inputs["tokens"])).tanh()}

    same(tmp_path, text, module, called, inputs, norm_path)
