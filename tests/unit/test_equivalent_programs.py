"""Programs that say the same have the same graph, whatever they look like.

Tests ``netlang.evaluate`` and ``netlang.syntax.walk``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from canonical import canonical
from checked import checked
from hypothesis import given, settings
from hypothesis import strategies as st

from netlang.ir.graph import Graph
from netlang.program import Program, load
from netlang.syntax import ast
from netlang.syntax.formatting.format import format_file
from netlang.syntax.walk import walk

DATA = Path(__file__).parents[1] / "data"
LANGUAGE = sorted((DATA / "language").glob("*.net"))
FOLDERS = [DATA / "language", Path(__file__).parents[2] / "examples"]
EXAMPLES = sorted(path for folder in FOLDERS for path in folder.glob("*.net"))


def named(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


def graphs(program: Program) -> list[Graph]:
    assert program.diagnostics.items == []
    return [net.graph for net in program.nets.values()]


@cache
def meanings(path: Path) -> list[object]:
    """Return what the nets of an example mean, whatever they are called."""
    return list(map(canonical, graphs(checked(path))))


def graphs_of(text: str, folder: Path) -> list[Graph]:
    """Return the graphs of a program; the file that examples import lies next to it."""
    path = folder / "example.net"
    path.write_text(text, "utf-8")
    if '"resnet.net"' in text:
        (folder / "resnet.net").write_bytes((DATA / "language" / "resnet.net").read_bytes())
    return graphs(load(path))


def test_the_examples_are_all_there() -> None:
    assert len(LANGUAGE) == 22


@pytest.mark.parametrize("path", EXAMPLES, ids=named)
def test_an_example_passes_the_check_silently(path: Path) -> None:
    program = checked(path)
    assert program.diagnostics.items == []
    assert program.nets or program.plans


@pytest.mark.parametrize("path", EXAMPLES, ids=named)
def test_an_example_is_laid_out_as_the_formatter_lays_it_out(path: Path) -> None:
    program = checked(path)
    assert program.file is not None
    assert format_file(program.file) == path.read_text("utf-8")


# ---- white space -------------------------------------------------------------------------

TOKEN = re.compile(r'#[^\n]*|"(?:[^"\\\n]|\\.)*"|[,\[({]|[\])}]|[^#",\[\](){}]+')


def roomy(text: str) -> str:
    """Break the lines of a program wherever that is allowed, and indent them anyhow."""
    parts: list[str] = []
    for i, token in enumerate(TOKEN.findall(text)):
        parts.append(token)
        if token in {",", "[", "("}:
            parts.append(f"\n{' ' * (i * 7 % 11)}")
        if token == "{":
            parts.append("\n\n\n\t")
    return "".join(parts)


def narrow(text: str) -> str:
    """Take every comment, blank line and indentation out of a program."""
    lines = [
        re.sub(r'^((?:[^"#]|"(?:[^"\\]|\\.)*")*)#.*$', r"\1", line) for line in text.splitlines()
    ]
    return "".join(f"{line.strip()}\n" for line in lines if line.strip())


@pytest.mark.parametrize("path", LANGUAGE, ids=named)
@pytest.mark.parametrize("layout", [roomy, narrow])
def test_white_space_means_nothing(path: Path, layout, tmp_path: Path) -> None:
    text = layout(path.read_text("utf-8"))
    assert text != path.read_text("utf-8")
    assert list(map(canonical, graphs_of(text, tmp_path))) == meanings(path)


# ---- names -------------------------------------------------------------------------------


def locals_of(definition: ast.Definition) -> set[str]:
    """Name what a body binds, but for its results and what has a name outside of it."""
    assert isinstance(definition.body, ast.Suite)
    found: set[str] = set()
    for node in walk(definition.body):
        match node:
            case ast.Bind(targets=targets):
                found.update(target.text for target in targets)
            case ast.For(names=names, carries=carries):
                found.update(name.text for name in names)
                found.update(carry.name.text for carry in carries)
            case ast.Comprehension(names=names):
                found.update(name.text for name in names)
            case _:
                pass
    return found - {out.name.text for out in definition.outs} - {"_"}


def places(definition: ast.Definition, names: set[str]) -> Iterator[tuple[int, int]]:
    """Find where names are bound or used in a body; the names after dots, `as` and in front of
    `=` in a call are not theirs."""
    assert isinstance(definition.body, ast.Suite)
    for node in walk(definition.body):
        match node:
            case ast.Name(text=text, span=span) if text in names:
                yield span.start, span.end
            case ast.Bind(targets=idents) | ast.For(names=idents) | ast.Comprehension(names=idents):
                yield from ((i.span.start, i.span.end) for i in idents if i.text in names)
            case ast.Next(name=name) | ast.Carry(name=name) if name.text in names:
                yield name.span.start, name.span.end
            case _:
                pass


def renamed(program, text: str) -> str:
    """Rename every local name of a program; leave out what names weights from outside."""
    assert program.file is not None
    changes: set[tuple[int, int]] = set()
    module = next(iter(program.nets.values())).function.module
    for definition in program.file.declarations:
        if isinstance(definition, ast.Definition) and isinstance(definition.body, ast.Suite):
            names = {name for name in locals_of(definition) if not module.knows(name)}
            changes.update(places(definition, names))
        if isinstance(definition, ast.Train):
            changes.add((definition.span.start, definition.span.end))
    for start, end in sorted(changes, reverse=True):
        name = text[start:end]
        text = f"{text[:start]}{f'{name}_renamed' if name.isidentifier() else ''}{text[end:]}"
    return text


@pytest.mark.parametrize("path", LANGUAGE, ids=named)
def test_names_of_bindings_mean_nothing_to_the_graph(path: Path, tmp_path: Path) -> None:
    program = checked(path)
    if not program.nets:
        pytest.skip("no net in it")
    text = renamed(program, path.read_text("utf-8"))
    assert list(map(canonical, graphs_of(text, tmp_path))) == meanings(path)


def test_renaming_changes_bindings_and_the_paths_of_weights(tmp_path: Path) -> None:
    path = DATA / "language" / "resnet.net"
    text = renamed(checked(path), path.read_text("utf-8"))
    assert "b_renamed = a_renamed |> conv_bn(width, 3)" in text
    assert any("_renamed." in p.path for p in graphs_of(text, tmp_path)[0].params.values())


# ---- loops by hand, calls by hand --------------------------------------------------------

STAGES = st.sampled_from(
    [
        "dense({w})",
        "dense(4, bias=false)",
        "relu",
        "layer_norm",
        "unit(3)",
        "unit(width=4)",
        "tanh()",
        "dropout(0.5)",
        "residual(half)",
    ]
)
CHAINS = st.lists(STAGES, min_size=1, max_size=5)

BLOCKS = """\
op half(x) = x * 0.5

block residual(x, inner: op) = inner(x) + x

block unit(x: f32[N, D], width: int) -> y {
  wide = x |> dense(2 * D) |> relu
  y = if width == D then dense(wide, width) + x else dense(wide, width)
}

net Law(x: f32[N, 4]) -> y: f32[N, 4] {
"""


def piped(value: str, stages: list[str]) -> str:
    return " |> ".join([value, *stages])


def called(value: str, stages: list[str]) -> str:
    for stage in stages:
        name, _, rest = stage.partition("(")
        arguments = rest.removesuffix(")")
        value = f"{name}({value}{', ' if arguments else ''}{arguments})"
    return value


@settings(max_examples=60, deadline=None)
@given(chain=CHAINS, w=st.integers(1, 5))
def test_a_pipeline_and_the_calls_it_denotes_are_one_graph(
    chain: list[str], w: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("law")
    stages = [stage.format(w=w) for stage in [*chain, "dense(4)"]]
    one = graphs_of(f"{BLOCKS}  y = {piped('x', stages)}\n}}\n", folder)
    other = graphs_of(f"{BLOCKS}  y = {called('x', stages)}\n}}\n", folder)
    assert canonical(one[0]) == canonical(other[0])
    assert list(map(str, one[0].params)) == list(map(str, other[0].params))


@settings(max_examples=60, deadline=None)
@given(chain=CHAINS, widths=st.lists(st.integers(1, 5), max_size=4))
def test_a_loop_is_its_iterations_written_out(
    chain: list[str], widths: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("law")
    body = piped("h", [stage.format(w="w") for stage in chain])
    loop = (
        f"  all, last = for w in {widths} with h = x {{\n"
        f"    turn = {body}\n    yield turn\n    next h = turn\n  }}\n"
        "  y = dense(concat(all + [last], axis=1), 4)\n}\n"
    )
    turns = [
        f"  h{i + 1} = {piped(f'h{i}', [stage.format(w=w) for stage in chain])}\n"
        for i, w in enumerate(widths)
    ]
    listed = ", ".join([*(f"h{i + 1}" for i in range(len(widths))), f"h{len(widths)}"])
    hand = f"  h0 = x\n{''.join(turns)}  y = dense(concat([{listed}], axis=1), 4)\n}}\n"
    one = graphs_of(BLOCKS + loop, folder)
    other = graphs_of(BLOCKS + hand, folder)
    assert canonical(one[0]) == canonical(other[0])


@settings(max_examples=40, deadline=None)
@given(chain=CHAINS, widths=st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_a_comprehension_is_a_loop_that_yields(
    chain: list[str], widths: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("law")
    body = piped("x", [stage.format(w="w") for stage in chain])
    end = "  y = dense(concat(all, axis=1), 4)\n}\n"
    one = graphs_of(f"{BLOCKS}  all = [{body} for w in {widths}]\n{end}", folder)
    loop = f"  all = for w in {widths} {{\n    yield {body}\n  }}\n{end}"
    other = graphs_of(BLOCKS + loop, folder)
    assert canonical(one[0]) == canonical(other[0])
    assert [p.path for p in one[0].params.values()] == [p.path for p in other[0].params.values()]


def test_graphs_that_differ_are_distinguished(tmp_path: Path) -> None:
    texts = ["relu(dense(x, 4))", "dense(relu(x), 4)", "dense(x, 4)", "dense(x, 4, init=1.0)"]
    found = [canonical(graphs_of(f"{BLOCKS}  y = {t}\n}}\n", tmp_path)[0]) for t in texts]
    assert all(a != b for i, a in enumerate(found) for b in found[:i])
