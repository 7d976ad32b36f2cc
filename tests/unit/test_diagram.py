"""Diagrams of networks: their content, their errors, and golden files of two of them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from commands import Said, said
from PIL import Image

import netlang
from netlang.diagnostics.errors import NetlangError
from netlang.diagram.dark import adaptive_svg, dark, darkened
from netlang.diagram.drawing import Drawing, Label, Rectangle, text_width
from netlang.diagram.layout import lay_out
from netlang.diagram.outline import Box, Frame, Item, Outline
from netlang.diagram.placement.layering import Layering, assign_levels
from netlang.diagram.placement.nesting import Nesting
from netlang.diagram.png import save_drawing
from netlang.diagram.rendering import measured, render
from netlang.diagram.sketch import sketch
from netlang.program import load

CHECKOUT = Path(__file__).parents[2]
GOLDEN = CHECKOUT / "tests" / "golden"

Netlang = Callable[..., Said]

SMALL = """\
net Small(x: f32[N, 4]) -> y: f32[N, 3] {
  h = x |> dense(8) |> relu
  y = dense(h, 3)
}
"""

UNITS = """\
block unit(x, mask, width: int) -> y {
  a = dense(x, width) |> relu
  y = (dense(a, 8) as b + x) * mask
}

"""


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Netlang:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.net").write_text(SMALL, "utf-8")
    return partial(said, capsys)


def drawn(folder: Path, text: str, depth: int | None = None) -> Outline:
    path = folder / "a.net"
    path.write_text(text, "utf-8")
    return sketch(load(path).net(None).graph, depth)


def lines(items: Sequence[Item], indent: str = "") -> Iterator[str]:
    """Write an outline as text: boxes with their facts, frames with what is in them."""
    for item in items:
        if isinstance(item, Frame):
            yield f"{indent}[{item.label}]"
            yield from lines(item.items, f"{indent}  ")
        elif item.role == "layer":
            heading = f"{item.name} {item.description}".lstrip()
            yield f"{indent}{heading}: {', '.join(item.facts)}"


def chain(length: int) -> str:
    made = "".join(f"  h{i} = dense(h{i - 1}, 8)\n" for i in range(1, length + 1))
    return f"net Deep(x: f32[N, 8]) -> y: f32[N, 8] {{\n  h0 = x\n{made}  y = h{length}\n}}\n"


# What is shown.


def test_layers_are_described_as_in_textbooks(tmp_path: Path) -> None:
    text = """\
net Kinds(image: f32[N, 4, 32, 32], ids: i64[N, T]) -> (a: f32[N, 5], b: f32[N, T, 9]) {
  c = image
    |> conv(8, 7, stride=2, pad=3) as first
    |> conv(8, 3, pad=2, dilation=2, groups=4) as second
    |> conv_transpose(6, 2, stride=2) as third
    |> max_pool(3, stride=2)
    |> dropout(0.5)
  a = c |> flatten |> dense(5)
  y, _ = embedding(ids, 100, 16) |> gru(9) as rnn
  b = y
}
"""
    assert list(lines(drawn(tmp_path, text).items)) == [
        "first conv 8 7×7 /2: [N, 8, 16, 16], 1,576 parameters",
        "second conv 8 3×3 dilated 2 4 groups: [N, 8, 16, 16], 152 parameters",
        "third conv_transpose 6 2×2 /2: [N, 6, 32, 32], 198 parameters",
        "c max_pool 3×3 /2: [N, 6, 15, 15]",
        "dropout 0.5: [N, 6, 15, 15]",
        "a flatten: [N, 1350]",
        "dense 5: [N, 5], 6,755 parameters",
        "y embedding 100×16: [N, T, 16], 1,600 parameters",
        "rnn gru 9: [N, T, 9], 729 parameters",
    ]


def test_equal_iterations_of_a_loop_are_drawn_once(tmp_path: Path) -> None:
    text = UNITS + (
        "net Same(x: f32[N, 8], mask: f32[N, 8]) -> y: f32[N, 8] {\n"
        "  y = for i in 1..4 with h = x {\n    next h = unit(h, mask, 8)\n  }\n}\n"
    )
    outline = drawn(tmp_path, text)
    assert list(lines(outline.items)) == [
        "[y.1–4  unit  ×4]",
        "  a dense 8: [N, 8], 72 parameters",
        "  relu: [N, 8]",
        "  b dense 8: [N, 8], 72 parameters",
        "  y add: [N, 8]",
        "  mul: [N, 8]",
    ]
    # x and the mask enter, and the last iteration's result leaves: 0 x, 1 mask, 7 the output.
    assert outline.edges == ((0, 2), (2, 3), (3, 4), (4, 5), (0, 5), (5, 6), (1, 6), (6, 7))
    assert list(lines(drawn(tmp_path, text, 2).items)) == ["y.1–4 unit: [N, 8], 4 × 144 parameters"]
    assert str(outline) == "Same: 20 layers in 5 boxes"


def test_different_iterations_are_drawn_separately(tmp_path: Path) -> None:
    text = UNITS + (
        "net Unlike(x: f32[N, 8], mask: f32[N, 8]) -> y: f32[N, 8] {\n"
        "  y = for i in 1..4 with h = x {\n"
        "    next h = unit(h, mask, if i < 3 then 8 else 9)\n  }\n}\n"
    )
    assert list(lines(drawn(tmp_path, text, 2).items)) == [
        "y.1–2 unit: [N, 8], 2 × 144 parameters",
        "y.3–4 unit: [N, 8], 2 × 161 parameters",
    ]


def test_iterations_with_other_connections_are_drawn_separately(tmp_path: Path) -> None:
    text = UNITS + (
        "net Joined(x: f32[N, 8], m: f32[N, 8], n: f32[N, 8]) -> y: f32[N, 8] {\n"
        "  y = for i in 1..4 with h = x {\n"
        "    next h = unit(h, if i < 3 then m else n, 8)\n  }\n}\n"
    )
    outline = drawn(tmp_path, text, 2)
    assert [box.name for box in outline.boxes()] == ["x", "m", "n", "y.1–2", "y.3–4", "y"]
    assert outline.edges == ((0, 3), (1, 3), (3, 4), (2, 4), (4, 5))


def test_iterations_whose_results_are_read_elsewhere_are_drawn_separately(tmp_path: Path) -> None:
    text = """\
net Kept(x: f32[N, 8]) -> y: f32[N, 24] {
  all, _ = for i in 1..3 with h = x {
    yield h
    next h = dense(h, 8) |> relu
  }
  y = concat(all, axis=1)
}
"""
    labels = [item.label for item in drawn(tmp_path, text).items if isinstance(item, Frame)]
    assert labels == ["all.1", "all.2", "all.3"]


def test_shared_parameters_are_marked(tmp_path: Path) -> None:
    text = """\
net Shared(x: f32[N, 8]) -> y: f32[N, 8] {
  cell = new dense(8)
  y = for i in 1..2 with h = x {
    next h = cell(h) |> relu
  }
}
"""
    assert list(lines(drawn(tmp_path, text).items)) == [
        "cell dense 8: [N, 8], 72 parameters",
        "y.1 relu: [N, 8]",
        "cell dense 8: [N, 8], shared parameters",
        "y.2 relu: [N, 8]",
    ]


def test_calls_of_one_layer_have_frames_of_their_own(tmp_path: Path) -> None:
    text = """\
block tower(x) -> y {
  a = dense(x, 4)
  y = relu(a)
}

net Twins(left: f32[N, 8], right: f32[N, 8]) -> d: f32[N, 4] {
  twin = new tower()
  d = twin(left) - twin(right)
}
"""
    outline = drawn(tmp_path, text)
    assert list(lines(outline.items)) == [
        "[twin  tower]",
        "  a dense 4: [N, 4], 36 parameters",
        "  y relu: [N, 4]",
        "[twin  tower]",
        "  a dense 4: [N, 4], shared parameters",
        "  y relu: [N, 4]",
        "d sub: [N, 4]",
    ]
    assert [box.name for box in outline.boxes() if box.role == "layer"][-1] == "d"


def test_a_state_is_an_input_an_output_and_a_loop(tmp_path: Path) -> None:
    text = """\
net Memory(x: f32[N, T, 4]) -> y: f32[N, T, 8] {
  state h: f32[N, 8] = 0.0
  y, last = gru(x, 8, h0=h) as rnn
  next h = last
}
"""
    outline = drawn(tmp_path, text)
    ends = [(box.name, box.role, box.recurrent) for box in outline.boxes()]
    assert ends == [
        ("x", "input", False),
        ("h", "state", False),
        ("rnn", "layer", True),
        ("y", "output", False),
        ("next h", "state", False),
    ]
    assert outline.edges == ((0, 2), (1, 2), (2, 3), (2, 4))
    # The state's boxes are dashed, and the loop next to the layer is one more curve than the edges.
    svg = render(outline).svg()
    assert svg.count("stroke-dasharray") == 2
    assert svg.count("<polygon") == len(outline.edges) + 1


def test_the_tooltip_of_a_box_shows_its_location_and_its_costs(tmp_path: Path) -> None:
    path = CHECKOUT / "examples" / "lenet.net"
    box = sketch(load(path).net(None).graph).boxes()[1]
    assert box.tooltip.splitlines() == [
        "c1: conv 6 5×5",
        "f32[N, 6, 28, 28]",
        "156 parameters, 117,600 MACs per example",
        f"{path}:3",
    ]


# Where it goes.


def test_a_skip_connection_runs_next_to_what_it_skips() -> None:
    graph = load(CHECKOUT / "examples" / "resnet.net").net("ResNet18").graph
    outline = sketch(graph, 9)
    layout = lay_out(outline, measured)
    frame = next(f for f in layout.frames if f.frame.label.endswith("basic  ×2"))
    inside = [item for item in frame.frame.items if isinstance(item, Box)]
    middles = {box.name: mid(layout.boxes[box.number]) for box in inside}
    # The main line is straight, and the skip leaves it.
    assert len(set(middles.values())) == 1
    last = next(box.number for box in inside if box.name == "y")
    ways = [layout.routes[edge] for edge in outline.edges if edge[1] == last]
    assert sorted(max(x for x, _ in way) > middles["y"] + 50 for way in ways) == [False, True]


def mid(area: object) -> float:
    return round(area.x + area.width / 2, 1)  # type: ignore[attr-defined]


def test_a_diagram_grows_with_its_chain(tmp_path: Path) -> None:
    calls: dict[int, int] = {}
    heights: dict[int, int] = {}
    for length in (100, 1_000):
        outline = drawn(tmp_path, chain(length))
        count = 0

        def counted(*_: object) -> None:
            nonlocal count
            count += 1

        sys.setprofile(counted)
        heights[length] = render(outline, wrap=False).height
        sys.setprofile(None)
        calls[length] = count
    assert calls[1_000] < 11 * calls[100]
    assert 9 * heights[100] < heights[1_000] < 11 * heights[100]


def test_values_bend_once_on_each_level_however_many_read_them(tmp_path: Path) -> None:
    names = [f"h{i}" for i in range(1, 21)]
    text = "net Fan(x: f32[N, 8]) -> y: f32[N, 8] {\n  h0 = x\n"
    text += "".join(f"  h{i} = h{i - 1} + x\n" for i in range(1, 21)) + "  y = h20\n}\n"
    outline = drawn(tmp_path, text)
    content = Nesting.of(outline).frames[0]
    made: Layering = assign_levels(content.count, content.links())
    assert [box.name for box in outline.boxes()[1:-1]] == names
    assert len(made.levels) - made.count == 19


def test_data_can_flow_to_the_right() -> None:
    outline = sketch(load(CHECKOUT / "examples" / "lenet.net").net(None).graph)
    for direction, place in (("down", "y"), ("right", "x")):
        boxes = lay_out(outline, measured, direction, wrap=False).boxes.values()  # type: ignore[arg-type]
        along = [getattr(area, place) for area in boxes]
        assert all(a < b for a, b in pairwise(along))
    with pytest.raises(NetlangError, match="goes down or right, and not up"):
        lay_out(outline, measured, "up")  # type: ignore[arg-type]


def test_a_deep_net_is_in_columns_unless_it_is_not_wrapped(tmp_path: Path) -> None:
    outline = drawn(tmp_path, chain(20))
    plain, wrapped = (lay_out(outline, measured, wrap=wrap) for wrap in (False, True))
    assert plain.width < 200
    assert plain.height > 1_000
    assert 0.5 < wrapped.width / wrapped.height < 2
    # The edge from column to column runs below the first one and above the second one.
    tops = {box: area.y for box, area in wrapped.boxes.items()}
    turn = next(edge for edge in outline.edges if tops[edge[1]] < tops[edge[0]])
    ways = [y for _, y in wrapped.routes[turn]]
    assert max(ways) > tops[turn[0]] + wrapped.boxes[turn[0]].height
    assert min(ways) < tops[turn[1]]
    rows = lay_out(outline, measured, "right")
    assert 0.5 < rows.width / rows.height < 3


def test_columns_that_make_a_net_hardly_less_high_are_not_made(tmp_path: Path) -> None:
    text = (
        "net Decoder(ids: i64[N, T], memory: f32[N, S, 8]) -> y {\n"
        "  y = for i in 1..6 with h = embedding(ids, 9, 8) {\n"
        "    s = h + multi_head_attention(layer_norm(h), 4)\n"
        "    c = s + multi_head_attention(layer_norm(s), 4, key=memory)\n"
        "    next h = c + (c |> layer_norm |> dense(16) |> gelu |> dense(8))\n  }\n}\n"
    )
    outline = drawn(tmp_path, text)
    tops = {box: area.y for box, area in lay_out(outline, measured).boxes.items()}
    assert all(tops[target] > tops[source] for source, target, *_ in outline.edges)


def test_a_column_ends_where_few_values_cross(tmp_path: Path) -> None:
    text = UNITS + (
        "net Skips(x: f32[N, 8], mask: f32[N, 8]) -> y: f32[N, 8] {\n  h0 = x * mask\n"
        + "".join(f"  h{i + 1} = relu(tanh(h{i}) |> relu |> tanh) + h{i}\n" for i in range(6))
        + "  y = h6\n}\n"
    )
    outline = drawn(tmp_path, text)
    layout = lay_out(outline, measured)
    tops = {box: area.y for box, area in layout.boxes.items()}
    turns = [edge for edge in outline.edges if tops[edge[1]] < tops[edge[0]]]
    assert turns
    assert all(len([t for t in turns if t[1] == turn[1]]) == 1 for turn in turns)


def test_a_u_net_is_a_u() -> None:
    outline = sketch(load(CHECKOUT / "examples" / "unet.net").net("UNet").graph)
    layout = lay_out(outline, measured)
    boxes = {
        box.name: layout.boxes[box.number]
        for item in outline.items if isinstance(item, Box) for box in [item]
    }  # fmt: skip
    down, up = [boxes[f"skips.{i}"] for i in range(4)], [boxes[f"merged.{i}"] for i in range(4)]
    middle = boxes["middle"]
    assert [area.y for area in down] == sorted(area.y for area in down)
    assert [area.y for area in up] == sorted((area.y for area in up), reverse=True)
    assert all(a.x + a.width < b.x for a, b in zip(down, up, strict=True))
    assert middle.y > max(area.y + area.height for area in (*down, *up))
    # What is concatenated is at the same height.
    for a, b in zip(down, reversed(up), strict=True):
        assert a.y + a.height == pytest.approx(b.y + b.height)


def test_a_block_that_repeats_is_once_in_detail_next_to_the_folded_net() -> None:
    outline = sketch(load(CHECKOUT / "examples" / "squeezenet.net").net(None).graph)
    *net, detail = outline.items
    assert [isinstance(item, Box) for item in net] == [True] * len(net)
    assert isinstance(detail, Frame)
    assert detail.detail
    assert (detail.label, detail.paths) == ("in detail: f2  fire", ("f2",))
    assert next(item.role for item in detail.items if isinstance(item, Box)) == "input"
    assert "f2 fire" in " ".join(f"{b.name} {b.description}" for b in outline.boxes())
    layout = lay_out(outline, measured)
    right = max(a.x + a.width for n, a in layout.boxes.items() if n < len(net))
    (frame,) = layout.frames
    assert frame.area.x > right


def test_an_svg_is_dark_where_the_viewer_prefers_that(tmp_path: Path) -> None:
    drawing = render(drawn(tmp_path, SMALL))
    text = adaptive_svg(drawing)
    assert "@media (prefers-color-scheme:dark)" in text
    colors = set(re.findall(r'(?:fill|stroke)="(#\w+|white)"', text))
    assert {c for c in colors if f'="{c}"]' not in text.partition("</style>")[0]} == set()
    always = darkened(drawing).svg()
    assert "prefers-color-scheme" not in always
    assert f'fill="{dark("white")}"' in always


def test_a_png_can_be_dark(run: Netlang) -> None:
    assert run("draw", "small.net", "-o", "small.png", "--dark")[0] == 0
    with Image.open("small.png") as opened:
        assert opened.convert("RGB").getpixel((0, 0)) == (0x21, 0x21, 0x21)


# The command.


def test_draw_writes_an_svg_and_reports_it(run: Netlang) -> None:
    code, out, err = run("draw", "small.net", "-o", "small.svg")
    size = Path("small.svg").stat().st_size
    assert (code, out, err) == (0, f"small.svg: {size:,} bytes\nSmall: 3 layers in 3 boxes\n", "")
    assert Path("small.svg").read_text("utf-8").startswith("<svg ")


def test_draw_writes_a_png_of_the_same(run: Netlang) -> None:
    assert run("draw", "small.net", "-o", "small.PNG", "--direction", "right", "--no-wrap")[0] == 0
    with Image.open("small.PNG") as picture:
        wide, high = picture.size
        colors = {color for _, color in picture.convert("RGB").getcolors(1 << 20) or ()}
    assert wide > 2 * high
    assert {(0xE6, 0xD3, 0xEA), (0xC5, 0xEB, 0xDD), (0xFF, 0xFF, 0xFF)} <= colors


def test_draw_folds_and_binds(run: Netlang) -> None:
    assert run("draw", "small.net", "-o", "a.svg", "--depth", "1")[1].endswith("in 2 boxes\n")
    run("draw", "small.net", "-o", "a.svg", "--bind", "N=7")
    assert "[7, 8]" in Path("a.svg").read_text("utf-8")


REFUSED = {
    "small.gif": (
        2,
        "error[unknown-format]: small.gif: drawings are written as .svg, .png or .html\n"
        "   |\n   = help: write to `small.svg`\n",
    ),
    "small": (
        2,
        "error[unknown-format]: small: drawings are written as .svg, .png or .html\n"
        "   |\n   = help: write to `small.svg`\n",
    ),
    "nowhere/a.svg": (
        3,
        "error[cannot-write]: cannot write nowhere/a.svg: no such file or directory\n",
    ),
}


@pytest.mark.parametrize("output", REFUSED)
def test_what_cannot_be_written_is_an_error(run: Netlang, output: str) -> None:
    code, message = REFUSED[output]
    assert run("draw", "small.net", "-o", output) == (code, "", message)
    assert sorted(path.name for path in Path().iterdir()) == ["small.net"]


def test_a_diagram_does_not_replace_the_program(run: Netlang) -> None:
    Path("small.svg").write_text(SMALL, "utf-8")
    code, out, err = run("draw", "small.svg", "-o", "./small.svg")
    assert (code, out) == (2, "")
    assert err == (
        "error[output-is-input]: the output ./small.svg would overwrite the input small.svg\n"
        "   |\n   = help: choose another name for the output\n"
    )
    assert Path("small.svg").read_text("utf-8") == SMALL


def test_a_program_with_errors_is_not_drawn(run: Netlang) -> None:
    Path("wrong.net").write_text(SMALL.replace("relu", "rellu"), "utf-8")
    code, out, err = run("draw", "wrong.net", "-o", "wrong.svg")
    assert (code, out) == (1, "")
    assert err.startswith("error[unknown-name]: ")
    assert "  --> wrong.net:2:24\n" in err
    assert not Path("wrong.svg").exists()


WITHOUT = """\
error[pillow-missing]: small.png is a PNG image, and drawing those needs Pillow
   |
   = help: pip install "netlang[images]"
   = help: an .svg file needs nothing more
"""


def test_a_png_needs_pillow_and_an_svg_does_not(run: Netlang, tmp_path: Path) -> None:
    start = "import sys; sys.modules['PIL'] = None; from netlang.cli.main import main; main()"

    def without(output: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-c", start, "draw", "small.net", "-o", output],
            capture_output=True, check=False, text=True, cwd=tmp_path,
        )  # fmt: skip
        return done.returncode, done.stderr

    assert without("small.png") == (3, WITHOUT)
    assert without("small.svg") == (0, "")


MANY = """\
error[too-large]: a diagram of `Deep` would have 1,001 boxes, and 1,000 are the most
   |
   = help: layers of a block share a box: put some into blocks
"""
MANY_INSIDE = """\
error[too-large]: a diagram of `Deep` would have 1,200 boxes, and 1,000 are the most
   |
   = help: `--depth 2` draws 600
"""
BLACK = """\
error[too-large]: the edges of this diagram would pass other layers 161,700 times, \
and 50,000 are the most
   |
   = help: fold it: layers whose paths begin alike share a box with `--depth 1`
"""


def test_an_unreadable_diagram_is_not_drawn(run: Netlang) -> None:
    Path("deep.net").write_text(chain(1_001), "utf-8")
    assert run("draw", "deep.net", "-o", "deep.svg") == (1, "", MANY)
    loop = (
        "net Deep(x: f32[N, 8]) -> y: f32[N, 8] {\n  y = for i in 1..600 with h = x {\n"
        "    a = dense(h, i)\n    next h = dense(a, 8)\n  }\n}\n"
    )
    Path("loop.net").write_text(loop, "utf-8")
    assert run("draw", "loop.net", "-o", "loop.svg", "--depth", "3") == (1, "", MANY_INSIDE)
    seen = "".join(
        f"  h{i} = concat([{', '.join(f'h{j}' for j in range(i))}], axis=1) |> mean(axis=1)"
        f" |> unsqueeze(1)\n"
        for i in range(1, 100)
    )
    black = f"net Black(h0: f32[N, 1]) -> y: f32[N, 1] {{\n{seen}  y = h99\n}}\n"
    Path("black.net").write_text(black, "utf-8")
    assert run("draw", "black.net", "-o", "black.svg", "--depth", "1") == (1, "", BLACK)


def test_a_large_png_has_a_lower_resolution_and_a_huge_one_is_an_error(tmp_path: Path) -> None:
    shapes = (Rectangle((1, 1), 8, 8, "#ff0000", "#000000"),)
    save_drawing(Drawing(100, 30_000, shapes), tmp_path / "large.png")
    with Image.open(tmp_path / "large.png") as picture:
        assert picture.size == (200, 60_000)
        assert picture.getpixel((10, 10)) == (255, 0, 0)
    with pytest.raises(NetlangError, match=r"huge\.png would have 10,000 x 10,000 pixels"):
        save_drawing(Drawing(10_000, 10_000, shapes), tmp_path / "huge.png")
    assert [path.name for path in tmp_path.iterdir()] == ["large.png"]


# Python.


def test_a_network_draws_itself(tmp_path: Path) -> None:
    lenet = netlang.load(CHECKOUT / "examples" / "lenet.net")["LeNet"]
    diagram = lenet.draw()
    diagram.save(tmp_path / "lenet.svg")
    assert repr(diagram) == "LeNet: 12 layers in 12 boxes"
    assert diagram._repr_svg_() == (tmp_path / "lenet.svg").read_text("utf-8")
    lenet.draw(depth=1, direction="right").save(tmp_path / "lenet.png")
    with Image.open(tmp_path / "lenet.png") as opened:
        assert opened.format == "PNG"
    with pytest.raises(NetlangError, match=r"lenet\.pdf: drawings are written as "):
        lenet.draw().save(tmp_path / "lenet.pdf")


# How it looks.

BRANCHES = """\
block unit(x, width: int) -> y {
  a = dense(x, width) |> relu
  y = dense(a, 8) as b + x
}

net Branches(x: f32[N, 8]) -> (y: f32[N, 16], z: f32[N, 2]) {
  one = unit(x, 4)
  two = for i in 1..3 with h = x {
    next h = unit(h, 4)
  }
  y = concat([one, two], axis=1)
  z = dense(two, 2)
}
"""


@pytest.mark.parametrize(("name", "text"), [("small", SMALL), ("branches", BRANCHES)])
def test_a_diagram_is_exactly_its_golden_file(
    name: str, text: str, run: Netlang, request: pytest.FixtureRequest
) -> None:
    Path(f"{name}.net").write_text(text, "utf-8")
    assert run("draw", f"{name}.net", "-o", f"{name}.svg")[0] == 0
    made = Path(f"{name}.svg").read_text("utf-8")
    golden = GOLDEN / f"{name}.svg"
    if request.config.getoption("--update"):
        golden.write_text(made, "utf-8")
    assert made == golden.read_text("utf-8")


def test_markup_in_a_text_is_text() -> None:
    drawing = Drawing(10, 10, (Label((0, 9), "a < b & \x07c", lead="<i>"),), "</title><script>")
    svg = drawing.svg()
    assert "<title>&lt;/title&gt;&lt;script&gt;</title>" in svg
    assert '<tspan font-weight="bold">&lt;i&gt;</tspan>a &lt; b &amp; �c</text>' in svg


def test_texts_are_estimated_wider_than_pillow_draws_them() -> None:
    from PIL import ImageFont

    font = ImageFont.load_default(12)
    for text in ("[N, 1024, 14, 14] · 264,192 parameters", "conv_bn 256 3x3, relu", "MMWWmmww"):
        assert font.getlength(text) <= text_width(text, 12) <= 1.5 * font.getlength(text)
