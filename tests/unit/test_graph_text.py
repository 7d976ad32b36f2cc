"""A graph's text says everything about it and reads back.

Tests ``netlang.ir.text``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

import netlang.ops  # noqa: F401  (registers the operators)
from netlang.diagnostics.source import Source, Span
from netlang.ir.dims import Size, symbol, symbols
from netlang.ir.graph import Builder, Graph, Init, Node, Param, Scope, State, Value, verify
from netlang.ir.op import OPS, OnnxBuilder, Operand, Primitive, Sample
from netlang.ir.text import GraphTextError, parse_graph, print_graph
from netlang.ir.types import F32, I64, DType, TensorType, Types
from netlang.ops.looping.scan import Scan


class Everything(Primitive, frozen=True):
    """Carry an attribute of each kind and give the first operand twice."""

    name = "everything"
    operands = ("x*",)

    flag: bool = False
    text: str = ""
    whole: int = 0
    real: float = 0.0
    nothing: int | None = None
    element: DType = F32
    nested: tuple[object, ...] = ()
    size: Size = 0

    def infer(self, *types: TensorType) -> Types:
        return (types[0], types[0])

    def forward(self, *operands: Any) -> tuple[Any, ...]:
        return (operands[0], operands[0])

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("Identity", operands[0]), b.add("Identity", operands[0]))

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return ()


@pytest.fixture(autouse=True)
def only_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPS, "everything", Everything)


def graph() -> Graph:
    n, h = symbol("N"), symbol("H", 16)
    b = Builder()
    image = b.fresh("image", TensorType(F32, (n, 3, h, 2 * (h // 32) + 1)))
    weight = b.fresh("stem.weight", TensorType(F32, (6, 3)))
    mean = b.fresh("stem.mean", TensorType(F32, ()))
    state = b.fresh("memory", TensorType(I64, (n,)))
    source = Source("small.net", "\n\nx")
    b.scope = Scope("stem", "conv", None, None)
    b.span = Span(source, 2, 3)
    op = Everything(
        True, 'a "quoted\\name"\n', -3, -1e-05, None, I64, (1, (2.5, "b"), (), h // 2), 3 * n - 1
    )
    first, second = b.add(op, image, weight)
    b.scope = b.span = None
    (third, _) = b.add(Everything(), second, mean, name="y")
    return Graph(
        "Small",
        (image,),
        {
            weight: Param("stem.weight", weight.type, Init("normal", (0.0, 1 / 3)), True),
            mean: Param("stem.running mean", mean.type, Init("zeros"), False),
        },
        tuple(b.nodes),
        {"y": third, "again": first},
        (State("memory", state, 0.0, state),),
        {"N": 1, "H": 16},
    )


TEXT = """\
graph Small {
  sizes N, H % 16
  input %image: f32[N, 3, H, 2*((H//16)//2) + 1]
  weight %stem.weight: f32[6, 3] = normal(0.0, 0.3333333333333333)
  running %stem.mean: f32[] = zeros() at "stem.running mean"
  state memory %memory: i64[N] = 0.0 next %memory
  %stem.everything: f32[N, 3, H, 2*((H//16)//2) + 1], \
%stem.everything.1: f32[N, 3, H, 2*((H//16)//2) + 1] \
= everything{flag=true, text="a \\"quoted\\\\name\\"\\n", whole=-3, real=-1e-05, nothing=none, \
element=i64, nested=[1, [2.5, "b"], [], H//2], size=3*N - 1}(%image, %stem.weight)\
  # stem (conv), small.net:3
  %y: f32[N, 3, H, 2*((H//16)//2) + 1], %y.1: f32[N, 3, H, 2*((H//16)//2) + 1] \
= everything{flag=false, text="", whole=0, real=0.0, nothing=none, element=f32, nested=[], \
size=0}(%stem.everything.1, %stem.mean)
  output y = %y
  output again = %stem.everything
}
"""


def test_a_graph_is_printed_one_value_a_line() -> None:
    assert print_graph(graph()) == TEXT


def test_without_origins_no_scope_or_place_is_printed() -> None:
    assert "#" not in print_graph(graph(), origins=False)


def test_a_printed_graph_reads_back_the_same() -> None:
    read = parse_graph(TEXT)
    verify(read)
    assert print_graph(read, origins=False) == print_graph(graph(), origins=False)
    assert [n.op for n in read.nodes] == [n.op for n in graph().nodes]
    assert [v.type for v in read.inputs] == [v.type for v in graph().inputs]
    assert [(p.path, p.type, p.init, p.trained) for p in read.params.values()] == [
        ("stem.weight", TensorType(F32, (6, 3)), Init("normal", (0.0, 1 / 3)), True),
        ("stem.running mean", TensorType(F32, ()), Init("zeros"), False),
    ]
    assert dict(read.units) == {"N": 1, "H": 16}


def test_a_symbol_keeps_the_unit_it_is_a_multiple_of() -> None:
    read = parse_graph(TEXT)
    assert read.inputs[0].type.shape[2] == symbol("H", 16)
    assert read.inputs[0].type.shape[2] != symbol("H")


def test_an_attribute_without_a_text_form_is_rejected() -> None:
    value = Value("x", TensorType(F32, ()))
    node = Node(Everything(nested=(object(),)), (value,), (Value("y", value.type),))
    with pytest.raises(TypeError, match="object has no text form"):
        print_graph(Graph("G", (value,), {}, (node,), {}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("graph G {\n", "line 2: expected a word, found ''"),
        ("graph G {\n  guess\n}", "line 2: expected a statement, found 'guess'"),
        ("graph G {\n  output y = %y\n}", "line 2: expected a value defined above, found '%y'"),
        ("graph G {\n  %y: f32[] = tanhh(%x)\n}", "line 2: expected an operator, found 'tanhh'"),
        ("graph G {\n  input %x: f33[]\n}", "line 2: expected an element type, found '['"),
        ("graph G {\n  input %x: f32[]\n  input %x: f32[]\n}", "line 3: expected a new name"),
        ("graph G {\n  ?\n}", "line 2: unexpected character '?'"),
        ("graph G {\n  input %x: f32[] %y\n}", "line 2: expected the end of the line"),
        ("graph G {\n}\ngraph", "line 3: expected the end, found 'graph'"),
        (
            "graph G {\n  input %x: f32[]\n  %y: f32[] = everything{flag=true}(%x)\n}",
            "line 3: expected the attributes element, flag,",
        ),
        ("graph G {\n  %x: f32[] = everything(%x)\n}", "line 2: expected the attributes"),
    ],
)
def test_a_text_that_is_not_a_graph_is_rejected_with_its_line(text: str, message: str) -> None:
    with pytest.raises(GraphTextError) as rejected:
        parse_graph(text)
    assert str(rejected.value).startswith(message)


def samples() -> list[Sample]:
    return [sample for op in list(OPS.values()) for sample in op.samples()]


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.op.name)
def test_every_operator_reads_back_with_its_attributes_and_types(sample: Sample) -> None:
    b = Builder()
    operands = tuple(b.fresh(f"x{i}", t) for i, t in enumerate(sample.types))
    results = b.add(sample.op, *operands)
    outputs = {f"y{i}": value for i, value in enumerate(results)}
    units = {
        n: u for v in (*operands, *results) for s in v.type.shape for n, u in symbols(s).items()
    }
    text = print_graph(Graph("G", operands, {}, tuple(b.nodes), outputs, units=units))
    read = parse_graph(text)
    assert [type(node.op) for node in read.nodes] == [type(sample.op)]
    if not isinstance(sample.op, Scan):  # graphs are equal only to themselves
        assert [node.op for node in read.nodes] == [sample.op]
    assert [v.type for v in read.outputs.values()] == [v.type for v in results]
    assert print_graph(read) == text
