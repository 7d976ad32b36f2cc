"""Manual pages of the library: what a definition is for, how it is called, an example worked out.

A line `## e.g. x: f32[N, 8] |> dense(4)` before a definition is an example: its inputs, and a call
with the first of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import fill

from netlang.analysis.counts import grouped, macs, running, trained
from netlang.diagnostics.source import Source
from netlang.program import Program, load
from netlang.syntax.library import FOLDER as PRELUDE
from netlang.syntax.library import definition
from netlang.syntax.parser import split_definitions
from netlang.syntax.reader import read_source

EXAMPLE = "e.g. "
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """A definition of the library: a part of one of its files, with the lines that tell of it."""

    name: str
    file: Path
    source: Source
    start: int
    end: int

    @property
    def module(self) -> str:
        """The file as an import names it: ``layers``, ``std.vision``."""
        return self.file.relative_to(PRELUDE).with_suffix("").as_posix().replace("/", ".")

    @property
    def place(self) -> str:
        line, _ = self.source.line_col(self.start)
        return f"{self.file.relative_to(PRELUDE.parent).as_posix()}, line {line}"

    @property
    def about(self) -> list[str]:
        return [line[2:].removeprefix(" ") for line in self._lines() if line.startswith("##")]

    @property
    def code(self) -> str:
        code = "\n".join(line for line in self._lines() if not line.startswith("##")).strip()
        if code.startswith("extern "):
            return code.removeprefix("extern ").removesuffix("{}").rstrip()
        return code

    @property
    def kind(self) -> str:
        return self.code.partition(" ")[0]

    @property
    def examples(self) -> list[str]:
        return [line.removeprefix(EXAMPLE) for line in self.about if line.startswith(EXAMPLE)]

    @property
    def outs(self) -> list[str]:
        """The names of what a call gives."""
        file = self.file.relative_to(PRELUDE).as_posix()
        return [out.name.text for out in definition(file, self.name).outs] or ["y"]

    def _lines(self) -> list[str]:
        return self.source.text[self.start : self.end].rstrip().splitlines()

    def page(self) -> str:
        """Write the page, with every example worked out."""
        article = "an" if self.kind == "op" else "a"
        told = "\n".join(line for line in self.about if not line.startswith(EXAMPLE))
        parts = [f"{self.name}: {article} {self.kind} ({self.place})"]
        # A line that begins with a blank is set as it is: a formula, a list.
        parts += [
            p if p.startswith(" ") else fill(p, _WIDTH) for p in told.strip("\n").split("\n\n")
        ]
        parts.append("\n".join(f"  {line}".rstrip() for line in self.code.splitlines()))
        parts += [self.worked_out(example) for example in self.examples]
        return "\n\n".join(part for part in parts if part)

    def worked_out(self, example: str) -> str:
        """Say what an example gives, and what it costs for one example of a batch."""
        net = load_text(self.program(example)).net(None)
        graph = net.graph
        given = ", ".join(f"{name}: {value.type}" for name, value in graph.outputs.items())
        one = net.bind({"N": 1}) if "N" in example else graph
        counts = {
            "weights": trained(graph), "running statistics": running(graph), "MACs": macs(one)
        }  # fmt: skip
        shown = [f"{grouped(count)} {what}" for what, count in counts.items() if count != 0]
        return f"  example  {example}\n  gives    {'; '.join([given, *shown])}"

    def program(self, example: str) -> str:
        """Write an example as a program of one net."""
        inputs, _, call = example.partition(" |> ")
        outs = self.outs
        shown = outs[0] if len(outs) == 1 else f"({', '.join(outs)})"
        imported = f"from {self.module} import {self.name}\n\n" if "." in self.module else ""
        value = f"{inputs.partition(':')[0]} |> {call}"
        return f"{imported}net Example({inputs}) -> {shown} = {value}\n"


@cache
def library() -> dict[str, Entry]:
    """Give every definition of the prelude and the standard library by its name."""
    # The modules of the standard library lie in folders: the prelude's own files come first.
    paths = sorted(PRELUDE.glob("**/*.net"), key=lambda path: (len(path.parts), path))
    found: dict[str, Entry] = {}
    for path in paths:
        source = read_source(path)
        for name, (start, end) in split_definitions(source).items():
            found.setdefault(name, Entry(name, path, source, start, end))
    return found


def load_text(text: str) -> Program:
    """Check a program that is in no file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "example.net"
        path.write_text(text, "utf-8")
        return load(path)
