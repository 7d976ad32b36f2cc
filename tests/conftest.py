"""Collects the specification: Markdown pages whose programs are tests.

A block ``net`` is a program; blocks ``file NAME`` before it lie next to it. The blocks after it say
what comes of it:

- ``error``: every message, exactly as ``netlang check`` prints it;
- ``rejected``: one line a message, ``LINE rule: what is wrong``;
- ``names``, ``summary``, ``show``: what the command prints (``names Big`` for one net of several);
- ``types``, ``ir``: the results and the graph of a net;
- ``same``: another program with the same graph up to names;
- ``fmt``: the program laid out.

A program with neither ``error`` nor ``rejected`` passes the check silently; ``ok`` says so
aloud. ``pytest --update`` writes the blocks again; read the difference before you keep it.

Tests ``netlang.evaluate``, ``netlang.evaluate.builtins``, ``netlang.evaluate.calls``,
``netlang.evaluate.types``, ``netlang.names`` and ``netlang.plan``.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

EXPECTATIONS = ("error", "errors", "names", "types", "ir", "summary", "same", "fmt", "show", "ok")
WRITTEN = ("error", "errors", "names", "types", "ir", "summary", "fmt", "show")
"""Blocks that ``--update`` writes."""


@dataclass
class Block:
    """A fenced block: its kind, what stands after the kind, its lines, and where they start."""

    kind: str
    about: str
    line: int
    text: str


@dataclass
class Case:
    """A program with the files next to it and what comes of it."""

    title: str
    program: Block
    beside: list[Block]
    expected: list[Block] = field(default_factory=list)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write the blocks of tests/spec anew")


def pytest_collection_finish() -> None:
    # Thousands of tests are alive to the end: the collector need not look at them again and
    # again, which would be counted as the time of whatever is measured. It need not run after
    # every few hundred objects either: that alone is a tenth of the time of all tests.
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 10, 10)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.File | None:
    if file_path.suffix == ".md" and "spec" in file_path.parts:
        return Page.from_parent(parent, path=file_path)
    return None


class Page(pytest.File):
    """One page of the specification."""

    def collect(self) -> Iterator[pytest.Item]:
        self.updates: list[tuple[Block, str]] = []
        for case in cases(self.path.read_text("utf-8")):
            name = f"{case.title} (line {case.program.line})"
            yield Program.from_parent(self, name=name, case=case)

    def write(self, block: Block, text: str) -> None:
        self.updates.append((block, text))

    def teardown(self) -> None:
        if not self.updates:
            return
        lines = self.path.read_text("utf-8").splitlines()
        for block, text in sorted(self.updates, key=lambda u: u[0].line, reverse=True):
            old = len(block.text.splitlines())
            lines[block.line : block.line + old] = text.splitlines()
        self.path.write_text("\n".join(lines) + "\n", "utf-8")


class Program(pytest.Item):
    """One program and what comes of it."""

    def __init__(self, *, case: Case, **rest: object) -> None:
        super().__init__(**rest)  # type: ignore[arg-type]
        self.case = case

    def runtest(self) -> None:
        kinds = {block.kind for block in self.case.expected}
        blocks = self.case.expected
        if not kinds & {"error", "errors"}:
            blocks = [Block("error", "", 0, ""), *blocks]
        with TemporaryDirectory() as folder:
            for block in blocks:
                self._compare(block, Path(folder))

    def _compare(self, block: Block, folder: Path) -> None:
        actual = outcome(self.case, block, folder)
        if actual.strip() == block.text.strip():
            return
        page = self.parent
        if self.config.getoption("--update") and block.kind in WRITTEN and block.line:
            assert isinstance(page, Page)
            page.write(block, actual)
            return
        raise Differs(block, actual)

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None
    ) -> str:
        if not isinstance(excinfo.value, Differs):
            return str(super().repr_failure(excinfo))
        block, actual = excinfo.value.block, excinfo.value.actual
        wanted = block.text.strip() or "(nothing)"
        return (
            f"{self.path}:{block.line or self.case.program.line}: {block.kind} {block.about}\n\n"
            f"{self.case.program.text}\n--- the page says\n{wanted}\n"
            f"--- the program gives\n{actual.strip() or '(nothing)'}"
        )

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.case.program.line, self.name


class Differs(Exception):
    """A program does not give what its page says."""

    def __init__(self, block: Block, actual: str) -> None:
        super().__init__(block.kind)
        self.block, self.actual = block, actual


def cases(page: str) -> Iterator[Case]:
    """Find the programs of a page, each with the blocks that belong to it."""
    beside: list[Block] = []
    case: Case | None = None
    for title, block in blocks(page):
        match block.kind:
            case "file":
                beside.append(block)
            case "net":
                if case is not None:
                    yield case
                case, beside = Case(title, block, beside), []
            case kind if kind in EXPECTATIONS:
                assert case is not None, f"line {block.line}: a `{kind}` block before any program"
                case.expected.append(block)
            case _:
                pass
    if case is not None:
        yield case
    assert not beside, "a `file` block with no program after it"


def blocks(page: str) -> Iterator[tuple[str, Block]]:
    """Find the fenced blocks of a page, each with the heading above it."""
    title = ""
    opened: Block | None = None
    body: list[str] = []
    for number, line in enumerate(page.splitlines(), 1):
        if opened is not None and line.rstrip() == "```":
            yield title, Block(opened.kind, opened.about, opened.line, "".join(body))
            opened = None
        elif opened is not None:
            body.append(f"{line}\n")
        elif line.startswith("```"):
            kind, _, about = line[3:].strip().partition(" ")
            opened, body = Block(kind, about.strip(), number, ""), []
        elif line.startswith("#"):
            title = line.lstrip("#").strip()


def outcome(case: Case, block: Block, folder: Path) -> str:
    """Return what a program comes to, in the form of one kind of block."""
    from netlang.program import load

    for beside in case.beside:
        (folder / beside.about).write_text(beside.text, "utf-8")
    path = folder / (case.program.about or "example.net")
    path.write_text(case.program.text, "utf-8")
    program = load(path)
    match block.kind:
        case "error":
            from netlang.diagnostics.render import render

            found = "\n\n".join(map(render, program.diagnostics.sorted()))
            return found.replace(f"{folder}/", "")
        case "errors":
            return "\n".join(
                f"{d.span.line} {d.rule.code}: {d.message}" for d in program.diagnostics.sorted()
            )
        case "ok":
            return ""
        case "same":
            return _compared(program, block, folder)
        case "fmt":
            assert program.file is not None
            from netlang.syntax.formatting.format import format_file

            return format_file(program.file)
        case "names" | "summary" | "show":
            return said(block.kind, path, block.about)
        case "types":
            graph = program.net(block.about or None).graph
            states = [f"state {s.name}: {s.value.type}" for s in graph.states]
            return "\n".join([*states, *(f"{n}: {v.type}" for n, v in graph.outputs.items())])
        case kind:
            from netlang.ir.text import print_graph

            assert kind == "ir"
            return print_graph(program.net(block.about or None).graph, origins=False)


def said(command: str, path: Path, net: str) -> str:
    """Return what a command of the tool prints about a program."""
    from click.testing import CliRunner

    from netlang.cli.main import load_command

    arguments = [str(path), net] if net else [str(path)]
    result = CliRunner(env={"COLUMNS": "100"}).invoke(
        load_command(command), arguments, catch_exceptions=False
    )
    return result.output.replace(f"{path.parent}/", "")


def _compared(program, block: Block, folder: Path) -> str:
    """Return the block's own text where both programs mean the same."""
    from canonical import canonical

    from netlang.program import load

    path = folder / "other.net"
    path.write_text(block.text, "utf-8")
    other = load(path)
    if other.diagnostics.items:
        return f"this has mistakes: {other.diagnostics.items[0].message}"
    for (name, net), twin in zip(program.nets.items(), other.nets.values(), strict=True):
        if canonical(net.graph) != canonical(twin.graph):
            return f"the graph of `{name}` differs"
    return block.text
