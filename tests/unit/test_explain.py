"""The arithmetic of a layer.

Tests ``netlang.manual.explain`` and ``netlang.manual.arithmetic``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from netlang.diagnostics.errors import NetlangError
from netlang.ir.graph import Graph
from netlang.ir.op import OPS
from netlang.manual.explain import explain, explain_layer
from netlang.program import load

PROGRAM = """
net All(image: f32[N, 3, 33, 33], ids: i64[N, T], h: f32[N, 3, H, W]) -> (
  y: f32[N, 4, 33, 33], z: f32[N, T, 7], s: f32[N, 8, 17, 17],
  p: f32[N, 3, (H - 3) // 2 + 1, (W - 3) // 2 + 1],
  k: f32[N, 12, 17, 17], g: f32[N, 12], q: f32[N, 8, 2, 5], r: f32[N, 8, 1, 3], u: f32[N, T, 64]
) {
  a = image |> conv(8, 3, dilation=2, pad=same) |> batch_norm |> relu
  b = max_pool(a, 3, stride=2, pad=1)
  s = conv(b, 8, 3, pad=1, groups=4)
  y = conv_transpose(s, 4, 3, stride=2, pad=1)
  e = embedding(ids, 1000, 16)
  z = dense(e, 7)
  p = max_pool(h, 3, stride=2)
  k = concat([s, conv(s, 4, 1)], axis=1)
  g = mean(k, axis=[2, 3])
  q = adaptive_avg_pool(s, (2, 5))
  r = adaptive_max_pool(a, (1, 3))
  u = lstm(e, 64).y
}
"""


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    path = tmp_path / "all.net"
    path.write_text(PROGRAM)
    return load(path).net(None).graph


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        ("a", ["height    (33 + 2·2 - 5) / 1 + 1 = 33",
               "window    kernel 3, dilation 2: (3 - 1)·2 + 1 = 5",
               "params    8·(3·3·3) + 8 = 224  (a.conv.weight, a.conv.bias)",
               "params    8 + 8 = 16  (a.batch_norm.scale, a.batch_norm.shift)",
               "buffers   8 + 8 = 16  (a.batch_norm.mean, a.batch_norm.var)",
               "MACs      8·33·33 outputs · (3·3·3) = 235,224"]),
        ("b", ["width     (33 + 2·1 - 3) / 2 + 1 = 17",
               "receptive field: 7×7 of the input",
               "a.conv convolve  1 + (5 - 1)·1 = 5",
               "b max_pool  5 + (3 - 1)·1 = 7"]),
        ("s", ["params    8·(2·3·3) + 8 = 152  (s.weight, s.bias)",
               "MACs      8·17·17 outputs · (2·3·3) = 41,616",
               "groups    4, each with 8 / 4 = 2 of the input's channels",
               "s convolve  7 + (3 - 1)·2 = 11"]),
        ("y", ["height    (17 - 1)·2 + 3 - 2·1 = 33",
               "params    8·(4·3·3) + 4 = 292  (y.weight, y.bias)",
               "MACs      8·17·17 inputs · (4·3·3) = 83,232",
               "receptive field: 13×13 of the input",
               "y convolve_transpose  11 + (2 - 1)·2 = 13"]),
        ("k", ["concat    8 + 4 = 12 along axis 1"]),
        ("g", ["over      17·17 = 289 elements per result"]),
        ("q", ["height    2 windows: from floor(i·17 / 2) to ceil((i + 1)·17 / 2)",
               "width     5 windows: from floor(i·17 / 5) to ceil((i + 1)·17 / 5)",
               "q adaptive_avg_pool  11 + (9 - 1)·2 = 27  and  11 + (5 - 1)·2 = 19"]),
        ("r", ["height    one window over all 33",
               "width     3 windows of 33 / 3 = 11"]),
        ("u", ["gates     4 of 64 units: 4·64 = 256 rows",
               "params    256·16 + 256·64 + 256 + 256 = 20,992  "
               "(u.0.weight_ih, u.0.weight_hh, u.0.bias_ih, u.0.bias_hh)",
               "MACs      T·64 outputs · 4·(16 + 64) = 20,480·T"]),
        ("e", ["params    1,000·16 = 16,000  (e.weight)"]),
        ("z", ["params    7·16 + 7 = 119  (z.weight, z.bias)",
               "MACs      T·7 outputs · 16 = 112·T"]),
        ("p", ["height    floor((H - 3) / 2) + 1 = (H + 1)//2 - 1"]),
    ],
)  # fmt: skip
def test_a_layer_is_worked_out_with_its_numbers(graph: Graph, path: str, lines: list[str]) -> None:
    worked = [line.strip() for line in explain_layer(graph, path).splitlines()]
    assert [line for line in lines if line not in worked] == []


def test_a_path_may_be_cut_off_at_the_front(tmp_path: Path) -> None:
    path = tmp_path / "nested.net"
    path.write_text(
        "block pair(x) -> y {\n  first = dense(x, 4)\n  y = dense(first, 4)\n}\n\n"
        "net Nested(x: f32[N, 3]) -> y: f32[N, 4] {\n  body = pair(x)\n  y = relu(body)\n}\n"
    )
    graph = load(path).net(None).graph
    assert explain_layer(graph, "first") == explain_layer(graph, "body.first")


def test_an_unknown_layer_gets_the_near_ones(graph: Graph) -> None:
    with pytest.raises(NetlangError) as rejected:
        explain_layer(graph, "a.cnv")
    assert rejected.value.notes == ("its layers are: a, b, e, g, k, p, q, r, s, u, y, z",)
    assert rejected.value.helps == ("did you mean `a.conv`?",)


def test_a_file_alone_requires_a_layer() -> None:
    with pytest.raises(NetlangError) as rejected:
        explain("models/lenet.net")
    assert rejected.value.message == "nothing is called `models/lenet.net`"
    assert rejected.value.helps == (
        "`netlang explain models/lenet.net LAYER`, with a layer that `netlang summary` shows",
    )


def test_a_name_with_several_forms_has_a_page_for_each() -> None:
    text = explain("split")
    assert "  op split(x: tensor[...S], parts: any, *, axis: int) -> y" in text
    assert '  op split(d: rows, fraction: float, *, by: str = "", seed: int = 0)' in text
    assert 'split(0.8, seed=0, by="label")' in text
    assert "_split_rows" not in text


@pytest.mark.parametrize("name", sorted(OPS))
def test_types_of_attributes_are_shown_as_they_are_written(name: str) -> None:
    lines = [line for line in explain(name).splitlines() if line.startswith("attribute: ")]
    assert not [line for line in lines if "<class" in line or "netlang." in line]
