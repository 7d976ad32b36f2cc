"""What a net costs and sees, on graphs made by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

import netlang.ops  # noqa: F401  fills the table of operators
from netlang.analysis.counts import macs, running, trained
from netlang.analysis.memory import peak
from netlang.analysis.receptive_field import receptive_fields, show_field
from netlang.analysis.summary import Summary, fold, summarize
from netlang.analysis.table import default_depth, render_summary
from netlang.ir.dims import Size, symbol
from netlang.ir.graph import Builder, Graph, Init, Param, Scope, Value, verify
from netlang.ir.op import OPS
from netlang.ir.types import F32, TensorType

N = symbol("N")


@dataclass
class Net:
    """A graph under construction; calls open scopes as the elaborator opens them."""

    name: str = "Net"
    b: Builder = field(default_factory=Builder)
    inputs: list[Value] = field(default_factory=list[Value])
    params: dict[Value, Param] = field(default_factory=dict[Value, Param])
    root: Scope = field(default_factory=lambda: Scope("", "Net", None, None))

    def input(self, name: str, *shape: Size) -> Value:
        value = self.b.fresh(name, TensorType(F32, shape))
        self.inputs.append(value)
        return value

    def param(self, path: str, *shape: Size, trained: bool = True) -> Value:
        value = self.b.fresh(path, TensorType(F32, shape))
        self.params[value] = Param(path, value.type, Init("constant", (0.0,)), trained)
        return value

    def add(
        self,
        scope: Scope,
        name: str,
        *operands: Value,
        path: str | None = None,
        binding: str | None = None,
        **attributes: Any,
    ) -> Value:
        """Make a node; with a ``path`` as a call of the library of that kind.

        ``binding`` is the path of the binding an operator of the text stands in.
        """
        call = scope if path is None else Scope(path, name, None, scope, library=True)
        self.b.scope = call
        op = OPS[name].make(tuple(v.type for v in operands), attributes)
        (made,) = self.b.add(op, *operands, name=binding)
        return made

    def layer(
        self, scope: Scope, kind: str, path: str, x: Value, *weights: Value, **attributes: Any
    ) -> Value:
        call = Scope(path, kind, None, scope, library=True)
        primitive = {"conv": "convolve", "dense": "linear"}[kind]
        return self.add(call, primitive, x, *weights, path=path, **attributes)

    def conv(
        self,
        path: str,
        x: Value,
        out: int,
        kernel: int,
        *,
        scope: Scope | None = None,
        **attributes: Any,
    ) -> Value:
        window = (kernel,) * (x.type.rank - 2)
        w = self.param(f"{path}.weight", out, x.type.shape[1], *window)
        bias = self.param(f"{path}.bias", out)
        return self.layer(scope or self.root, "conv", path, x, w, bias, **attributes)

    def dense(self, path: str, x: Value, out: int) -> Value:
        w = self.param(f"{path}.weight", out, x.type.shape[-1])
        bias = self.param(f"{path}.bias", out)
        return self.layer(self.root, "dense", path, x, w, bias)

    def call(self, path: str, name: str, x: Value, **attributes: Any) -> Value:
        return self.add(self.root, name, x, path=path, **attributes)

    def graph(self, outputs: Mapping[str, Value], **units: int) -> Graph:
        made = Graph(
            self.name,
            tuple(self.inputs),
            self.params,
            tuple(self.b.nodes),
            outputs,
            units=units,
        )
        verify(made)
        return made


def lenet() -> Graph:
    net = Net("LeNet")
    x = net.input("image", N, 1, 28, 28)
    c1 = net.call("c1", "sigmoid", net.conv("c1", x, 6, 5, pad=2))
    c1 = net.call("c1", "avg_pool", c1, kernel=2)
    c2 = net.call("c2", "sigmoid", net.conv("c2", c1, 16, 5))
    c2 = net.call("c2", "avg_pool", c2, kernel=2)
    f1 = net.dense("f1", net.call("f1", "flatten", c2), 120)
    f1 = net.call("f1", "sigmoid", f1)
    f2 = net.call("f2", "sigmoid", net.dense("f2", f1, 84))
    return net.graph({"logits": net.dense("logits", f2, 10)})


def residual(depth: int = 2) -> Graph:
    """Iterations of a loop with the convolutions ``a``, ``b`` and a sum, inside user blocks."""
    net = Net("Residual")
    h = net.conv("stem", net.input("image", N, 3, 32, 32), 8, 3, pad=1)
    stage = Scope("stage", "stage", None, net.root)
    for i in range(1, depth + 1):
        turn = Scope(f"stage.{i}", "for", None, stage)
        unit = Scope(f"stage.{i}", "basic", None, turn)
        a = net.conv(f"stage.{i}.a", h, 8, 3, pad=1, scope=unit)
        b = net.conv(f"stage.{i}.b", a, 8, 3, pad=1, scope=unit)
        h = net.add(unit, "add", h, b, binding=f"stage.{i}.y")
    return net.graph({"y": h})


def columns(summary: Summary) -> list[tuple[str, str, str, Size, Size]]:
    return [(r.path, r.kind, r.output, r.params, r.macs) for r in summary.rows]


def test_lenet_has_the_counts_of_the_book() -> None:
    assert columns(summarize(lenet())) == [
        ("c1", "conv", "f32[N, 6, 28, 28]", 156, 117_600),
        ("c1", "sigmoid", "f32[N, 6, 28, 28]", 0, 0),
        ("c1", "avg_pool", "f32[N, 6, 14, 14]", 0, 0),
        ("c2", "conv", "f32[N, 16, 10, 10]", 2_416, 240_000),
        ("c2", "sigmoid", "f32[N, 16, 10, 10]", 0, 0),
        ("c2", "avg_pool", "f32[N, 16, 5, 5]", 0, 0),
        ("f1", "flatten", "f32[N, 400]", 0, 0),
        ("f1", "dense", "f32[N, 120]", 48_120, 48_000),
        ("f1", "sigmoid", "f32[N, 120]", 0, 0),
        ("f2", "dense", "f32[N, 84]", 10_164, 10_080),
        ("f2", "sigmoid", "f32[N, 84]", 0, 0),
        ("logits", "dense", "f32[N, 10]", 850, 840),
    ]


def test_totals_of_lenet_are_those_of_the_book() -> None:
    graph = lenet()
    assert (trained(graph), running(graph), macs(graph)) == (61_706, 0, 416_520)


def test_a_layer_called_twice_counts_its_weights_once_and_its_work_twice() -> None:
    net = Net()
    x = net.input("x", N, 4)
    w, bias = net.param("tower.weight", 4, 4), net.param("tower.bias", 4)
    once = net.layer(net.root, "dense", "tower", x, w, bias)
    twice = net.layer(net.root, "dense", "tower", once, w, bias)
    graph = net.graph({"y": twice})
    assert (trained(graph), macs(graph)) == (20, 32)
    assert [(row.params, row.macs) for row in summarize(graph).rows] == [(20, 16), (0, 16)]


def test_running_statistics_are_counted_separately() -> None:
    net = Net()
    x = net.input("x", N, 4, 8, 8)
    scale, shift = net.param("bn.scale", 4), net.param("bn.shift", 4)
    mean = net.param("bn.mean", 4, trained=False)
    var = net.param("bn.var", 4, trained=False)
    y = net.add(net.root, "normalize_batch", x, scale, shift, mean, var, path="bn")
    summary = summarize(net.graph({"y": y}))
    assert (summary.params, summary.running) == (8, 8)
    assert [(row.params, row.running) for row in summary.rows] == [(8, 8)]


def test_an_unused_weight_has_its_own_row() -> None:
    net = Net()
    x = net.input("x", N, 4)
    net.param("spare", 7)
    summary = summarize(net.graph({"y": net.call("y", "relu", x)}))
    assert [(row.path, row.kind, row.params) for row in summary.rows] == [
        ("y", "relu", 0),
        ("spare", "param", 7),
    ]


def test_free_sizes_give_polynomials_for_one_example() -> None:
    net = Net()
    x = net.input("image", N, 3, symbol("H", 2), symbol("W", 2))
    y = net.conv("c", x, 4, 2, stride=2)
    graph = net.graph({"y": y}, H=2, W=2)
    assert str(macs(graph)) == "12*H*W"
    summary = summarize(graph)
    assert summary.json()["macs"] == "12*H*W"
    assert summary.memory.inference is None


def test_a_declared_batch_multiple_still_counts_one_example() -> None:
    net = Net()
    x = net.input("x", symbol("N", 4), 4)
    assert macs(net.graph({"y": net.dense("y", x, 2)}, N=4)) == 8


def test_folding_adds_up_the_layers_of_a_binding() -> None:
    folded = fold(summarize(residual()), 1)
    assert columns(folded) == [
        ("stem", "conv", "f32[N, 8, 32, 32]", 224, 216 * 1024),
        ("stage", "stage", "f32[N, 8, 32, 32]", 4 * 584, 4 * 576 * 1024),
    ]
    assert (folded.params, folded.macs) == (224 + 4 * 584, 2520 * 1024)


def test_folding_names_every_call_that_shares_a_binding() -> None:
    rows = fold(summarize(lenet()), 1).rows
    assert [(row.path, row.kind) for row in rows] == [
        ("c1", "conv, sigmoid, avg_pool"),
        ("c2", "conv, sigmoid, avg_pool"),
        ("f1", "flatten, dense, sigmoid"),
        ("f2", "dense, sigmoid"),
        ("logits", "dense"),
    ]


@pytest.mark.parametrize("depth", [None, 4, 99])
def test_a_depth_past_the_longest_path_merges_nothing(depth: int | None) -> None:
    summary = summarize(residual())
    assert fold(summary, depth) == summary


def test_a_depth_of_two_shows_the_iterations_of_a_loop() -> None:
    rows = fold(summarize(residual()), 2).rows
    assert [(row.path, row.kind) for row in rows] == [
        ("stem", "conv"),
        ("stage.1", "basic"),
        ("stage.2", "basic"),
    ]


def test_long_nets_fold_to_the_deepest_level_that_fits() -> None:
    summary = summarize(residual(20))
    assert default_depth(summary, 100) is None
    assert default_depth(summary, 40) == 2
    assert default_depth(summary, 5) == 1


def test_operators_in_the_program_are_rows_named_by_their_binding() -> None:
    rows = summarize(residual(1)).rows
    assert [(row.path, row.kind) for row in rows] == [
        ("stem", "conv"),
        ("stage.1.a", "conv"),
        ("stage.1.b", "conv"),
        ("stage.1.y", "add"),
    ]


def test_operators_of_one_binding_share_its_path() -> None:
    net = Net()
    x = net.input("x", N, 4)
    once = net.add(net.root, "add", x, x, binding="y")
    y = net.add(net.root, "mul", once, x, binding="y")
    assert y.name == "y.1"
    summary = summarize(net.graph({"y": y}))
    assert [(row.path, row.kind) for row in summary.rows] == [("y", "add"), ("y", "mul")]
    assert [(row.path, row.kind) for row in fold(summary, 1).rows] == [("y", "add, mul")]


def test_an_operator_that_is_a_whole_iteration_has_its_path() -> None:
    net = Net()
    x = net.input("x", N, 4)
    turn = Scope("h.1", "for", None, net.root)
    y = net.add(turn, "add", x, x, binding="h.1")
    z = net.add(turn, "add", y, x, binding="h.1")
    rows = summarize(net.graph({"z": z})).rows
    assert [(row.path, row.kind) for row in rows] == [("h.1", "add"), ("h.1", "add")]


def test_a_call_of_several_operators_is_one_row_with_its_outputs() -> None:
    net = Net()
    x = net.input("x", N, 4)
    call = Scope("norm", "layer_norm", None, net.root, library=True)
    centre = net.add(call, "mean", x, axis=-1, keep=True, path="norm")
    y = net.add(call, "sub", x, centre)
    assert columns(summarize(net.graph({"y": y}))) == [("norm", "layer_norm", "f32[N, 4]", 0, 0)]


def test_memory_at_inference_is_the_largest_sum_of_live_values() -> None:
    net = Net()
    x = net.input("x", N, 100)
    a = net.call("a", "relu", x)
    square = net.call("square", "reshape", a, shape=(N, 10, 10))
    b = net.call("b", "relu", square)
    y = net.add(net.root, "add", x, net.call("line", "reshape", b, shape=(N, 100)))
    # x, a and b are alive at once, and at the end x, b and the sum; a reshape is a view.
    assert peak(net.graph({"y": y})) == 3 * 400


def test_weights_computed_from_weights_take_no_activation_memory() -> None:
    net = Net()
    x = net.input("x", N, 4)
    turned = net.add(net.root, "transpose", net.param("w", 1000, 4), path="w")
    graph = net.graph({"y": net.add(net.root, "matmul", x, turned)})
    assert peak(graph) == 16 + 4000


def test_training_stores_weights_gradients_moments_and_what_a_step_occupies() -> None:
    memory = summarize(lenet()).memory
    weights, kept = 4 * 61_706, memory.activations
    assert (memory.weights, memory.trained) == (weights, weights)
    assert memory.training("sgd") == 2 * weights + kept
    assert memory.training("momentum") == 3 * weights + kept
    assert memory.training("adam", batch=8) == 4 * weights + 8 * kept
    # The image, each layer that a gradient reads, and the gradients that are computed from it.
    stored = 4 * (784 + 2 * 4704 + 1176 + 2 * 1600 + 400 + 2 * 120 + 2 * 84 + 10)
    assert isinstance(kept, int) and kept > stored


def seen(net: Net, value: Value) -> str:
    field = receptive_fields(net.graph({"y": value})).at(value)
    assert field is not None
    return show_field(field)


@pytest.mark.parametrize(("layers", "field"), [(0, "1×1"), (1, "3×3"), (2, "5×5"), (3, "7×7")])
def test_each_stacked_3x3_convolution_widens_the_receptive_field_by_two(
    layers: int, field: str
) -> None:
    net = Net()
    h = net.input("image", N, 1, 32, 32)
    for i in range(layers):
        h = net.conv(f"c{i}", h, 1, 3)
    if layers == 0:
        assert receptive_fields(net.graph({"y": h})).at(h) is None
    else:
        assert seen(net, h) == field


def test_strides_and_dilation_widen_the_receptive_field() -> None:
    net = Net()
    x = net.input("image", N, 1, 64, 64)
    a = net.conv("a", x, 1, 7, stride=2, pad=3)
    b = net.call("b", "max_pool", a, kernel=3, stride=2, pad=1)
    c = net.conv("c", b, 1, 3, pad=2, dilation=2)
    # 7, then 7 + 2·2 = 11, then 11 + (5 - 1)·4 = 27.
    assert seen(net, c) == "27×27"
    steps = receptive_fields(net.graph({"y": c})).steps
    assert [(show_field(s.before), show_field(s.after)) for s in steps] == [
        ("1×1", "7×7"),
        ("7×7", "11×11"),
        ("11×11", "27×27"),
    ]
    assert [(axis.jump, axis.start) for axis in steps[-1].after] == [(4, -13), (4, -13)]


def test_padding_moves_the_receptive_field_without_widening_it() -> None:
    net = Net()
    x = net.input("x", N, 1, 16, 16)
    padded = net.call("a", "pad", x, amounts=1, mode="reflect")
    assert seen(net, net.conv("b", padded, 1, 3)) == "3×3"


def test_branches_have_the_union_of_their_receptive_fields() -> None:
    net = Net()
    x = net.input("image", N, 2, 16, 16)
    small, large = net.conv("small", x, 2, 1), net.conv("large", x, 2, 5, pad=2)
    joined = net.add(net.root, "concat", small, large, axis=1)
    assert seen(net, joined) == "5×5"


def test_branches_that_look_to_either_side_cover_both() -> None:
    net = Net()
    x = net.input("image", N, 2, 16)
    left = net.conv("left", x, 2, 3, pad=((2, 0),))
    right = net.conv("right", x, 2, 3, pad=((0, 2),))
    assert seen(net, net.add(net.root, "add", left, right)) == "5"


@pytest.mark.parametrize("op", ["flatten", "mean"])
def test_flattening_and_averaging_depend_on_the_whole_image(op: str) -> None:
    net = Net()
    c = net.conv("c", net.input("image", N, 1, 16, 16), 4, 3)
    attributes: dict[str, Any] = {"axis": (2, 3)} if op == "mean" else {}
    assert seen(net, net.add(net.root, op, c, **attributes)) == "all"


def test_a_gate_per_channel_makes_its_result_depend_on_the_whole_image() -> None:
    net = Net()
    c = net.conv("c", net.input("image", N, 1, 16, 16), 4, 3)
    gate = net.add(net.root, "mean", c, axis=(2, 3), keep=True)
    assert seen(net, net.add(net.root, "mul", c, gate)) == "all"


def test_the_mean_over_channels_keeps_the_receptive_field() -> None:
    net = Net()
    c = net.conv("c", net.input("image", N, 1, 16, 16), 4, 3)
    assert seen(net, net.add(net.root, "mean", c, axis=1)) == "3×3"


def test_a_channel_shuffle_keeps_the_receptive_field() -> None:
    net = Net()
    c = net.conv("c", net.input("image", N, 1, 16, 12), 4, 3)
    apart = net.add(net.root, "reshape", c, shape=(N, 2, 2, 14, 10))
    turned = net.add(net.root, "transpose", apart, order=(0, 2, 1, 3, 4))
    assert seen(net, net.add(net.root, "reshape", turned, shape=(N, 4, 14, 10))) == "3×3"


def test_the_receptive_field_follows_its_axes_through_a_transpose() -> None:
    net = Net()
    c = net.conv("c", net.input("image", N, 1, 16, 12), 4, 3)
    last = net.add(net.root, "transpose", c, order=(0, 2, 3, 1))
    assert seen(net, net.add(net.root, "softmax", last, axis=-1)) == "3×3"


def test_patches_have_the_receptive_field_of_their_windows() -> None:
    net = Net()
    c = net.conv("c", net.input("image", N, 1, 16, 12), 4, 3)
    columns = net.add(
        net.root, "unfold", c, kernel=(3, 3), stride=(1, 1), pad=((0, 0), (0, 0)), dilation=(1, 1)
    )
    assert seen(net, columns) == "5×5"
    assert seen(net, net.add(net.root, "relu", columns)) == "5×5"


def test_selecting_a_row_or_a_range_keeps_the_receptive_field() -> None:
    net = Net()
    c = net.conv("c", net.input("image", N, 1, 16, 12), 4, 3)
    row = net.add(net.root, "index", c, items=(None, None, 0, (2, None)))
    assert row.type.shape == (N, 4, 8)
    assert seen(net, row) == "3×3"
    (down, across) = receptive_fields(net.graph({"y": row})).fields[row]
    assert (down.axis, across.axis, across.start) == (None, 2, 2)


def test_a_transposed_convolution_brings_neighbors_closer() -> None:
    net = Net()
    x = net.input("image", N, 1, 16, 16)
    a = net.conv("a", x, 1, 2, stride=2)
    up = net.add(net.root, "convolve_transpose", a, net.param("up", 1, 1, 2, 2), stride=2)
    assert seen(net, up) == "2×2"
    (rows, _) = receptive_fields(net.graph({"y": up})).fields[up]
    assert rows.jump == 1


def test_the_json_object_has_the_documented_fields() -> None:
    printed = json.loads(json.dumps(summarize(lenet()).json()))
    assert printed["net"] == "LeNet"
    assert printed["inputs"] == {"image": "f32[N, 1, 28, 28]"}
    assert printed["outputs"] == {"logits": "f32[N, 10]"}
    assert (
        printed["trainable_parameters"],
        printed["non_trainable_parameters"],
        printed["macs"],
    ) == (61_706, 0, 416_520)
    assert printed["layers"][0] == {
        "path": "c1",
        "kind": "conv",
        "output": "f32[N, 6, 28, 28]",
        "trainable_parameters": 156,
        "non_trainable_parameters": 0,
        "macs": 117_600,
        "activation_bytes": 18_816,
        "receptive_field": "5×5",
    }


TABLE = """\
LeNet  lenet.net
image f32[N, 1, 28, 28] → logits f32[N, 10]

layer   kind      output           params           MACs        field    memory
───────────────────────────────────────────────────────────────────────────────
c1      conv      [N, 6, 28, 28]      156        117,600  ██      5×5  18.4 KiB
        sigmoid   [N, 6, 28, 28]        ·              ·          5×5  18.4 KiB
        avg_pool  [N, 6, 14, 14]        ·              ·          6×6  4.59 KiB
c2      conv      [N, 16, 10, 10]   2,416  ▎     240,000  ████  14×14  6.25 KiB
        sigmoid   [N, 16, 10, 10]       ·              ·        14×14  6.25 KiB
        avg_pool  [N, 16, 5, 5]         ·              ·        16×16  1.56 KiB
f1      flatten   [N, 400]              ·              ·          all  1.56 KiB
        dense     [N, 120]         48,120  ████   48,000  ▊       all     480 B
        sigmoid   [N, 120]              ·              ·          all     480 B
f2      dense     [N, 84]          10,164  ▉      10,080  ▏       all     336 B
        sigmoid   [N, 84]               ·              ·          all     336 B
logits  dense     [N, 10]             850  ▏         840          all      40 B

parameters       61,706 trainable, 241 KiB
MACs             416,520 per example (417 k; 833 kFLOPs)
inference        36.8 KiB per example at peak, excluding parameters
training         about 482 KiB (sgd) or 964 KiB (adam) + 123 KiB per example
receptive field  the whole image
"""


def test_the_table_shows_each_layer_and_the_totals() -> None:
    summary = summarize(lenet(), source_name="lenet.net")
    assert render_summary(summary, depth=None, color=False, width=80) == TABLE


def test_a_net_without_layers_has_totals_and_no_table() -> None:
    net = Net()
    summary = summarize(net.graph({"y": net.input("x", N, 3)}))
    _, shapes, blank, first, *_ = render_summary(
        summary, depth=None, color=False, width=80
    ).splitlines()
    assert (shapes, blank) == ("x f32[N, 3] → y f32[N, 3]", "")
    assert first.startswith("parameters")


def test_a_narrow_table_cuts_texts_and_never_numbers() -> None:
    lines = render_summary(summarize(lenet()), depth=1, color=False, width=60).splitlines()
    assert lines[3:6] == [
        "layer   kind                 output          params     MACs",
        "─" * 60,
        "c1      conv, sigmoid, avg…  [N, 6, 14, 14]     156  117,600",
    ]


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_no_line_of_the_table_is_wider_than_the_page(width: int) -> None:
    text = render_summary(summarize(residual(9)), depth=9, color=False, width=width)
    assert max(map(len, text.splitlines())) <= width


def test_colors_change_nothing_but_the_colors() -> None:
    summary = summarize(lenet())
    plain = render_summary(summary, depth=None, color=False, width=80)
    coloured = render_summary(summary, depth=None, color=True, width=80)
    stripped = re.sub(r"\x1b\[\d+m", "", coloured)
    assert coloured != plain
    assert [line.rstrip() for line in stripped.splitlines()] == plain.splitlines()
