"""Layers worked out as on a blackboard."""

from __future__ import annotations

from pathlib import Path

import pytest

from netlang.explain import explain_layer
from netlang.faults import Fault
from netlang.ir.graph import Graph
from netlang.program import load

PROGRAM = """
net All(image: f32[N, 3, 33, 33], ids: i64[N, T], h: f32[N, 3, H, W]) -> (
  y: f32[N, 4, 33, 33], z: f32[N, T, 7], s: f32[N, 8, 17, 17],
  p: f32[N, 3, (H - 3) // 2 + 1, (W - 3) // 2 + 1]
) {
  a = image |> conv(8, 3, dilation=2, pad=same) |> batch_norm |> relu
  b = max_pool(a, 3, stride=2, pad=1)
  s = conv(b, 8, 3, pad=1, groups=4)
  y = conv_transpose(s, 4, 3, stride=2, pad=1)
  e = embedding(ids, 1000, 16)
  z = dense(e, 7)
  p = max_pool(h, 3, stride=2)
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
               "window    3 wide, 2 apart: (3 - 1)·2 + 1 = 5",
               "weights   8·(3·3·3) + 8 = 224  (a.conv.weight, a.conv.bias)",
               "weights   8 + 8 = 16  (a.batch_norm.scale, a.batch_norm.shift)",
               "kept      8 + 8 = 16  (a.batch_norm.mean, a.batch_norm.var)",
               "MACs      8·33·33 outputs · (3·3·3) = 235,224"]),
        ("b", ["width     (33 + 2·1 - 3) / 2 + 1 = 17",
               "one position sees 7×7 of the image:",
               "a.conv convolve  1 + (5 - 1)·1 = 5",
               "b max_pool  5 + (3 - 1)·1 = 7"]),
        ("s", ["weights   8·(2·3·3) + 8 = 152  (s.weight, s.bias)",
               "MACs      8·17·17 outputs · (2·3·3) = 41,616",
               "s convolve  7 + (3 - 1)·2 = 11"]),
        ("y", ["height    (17 - 1)·2 + 3 - 2·1 = 33",
               "weights   8·(4·3·3) + 4 = 292  (y.weight, y.bias)",
               "MACs      8·17·17 inputs · (4·3·3) = 83,232"]),
        ("e", ["weights   1,000·16 = 16,000  (e.weight)"]),
        ("z", ["weights   7·16 + 7 = 119  (z.weight, z.bias)",
               "MACs      T·7 outputs · 16 = 112*T"]),
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
    with pytest.raises(Fault) as refused:
        explain_layer(graph, "a.cnv")
    assert refused.value.notes == ("its layers are: a, b, e, p, s, y, z",)
    assert refused.value.helps == ("did you mean `a.conv`?",)
