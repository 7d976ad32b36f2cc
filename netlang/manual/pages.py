"""Manual pages of the library: what a definition is for, its signature, and worked examples.

A line `## e.g. …` before a definition is an example. It is one of five:

- the inputs of a net and a call with the first of them: `x: f32[N, 8] |> dense(4)`
- the inputs of a net and an expression: `x: f32[N, 8] -> x + full([8], 0.5)`
- a setting of a train section: `optimizer = adam(1e-3)`
- a column of a dataset: `species: i64[] = column("Species") |> categories`
- a fact about numbers: `larger(3, 4) == 4`
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from netlang.analysis.counts import grouped, macs, running, trained
from netlang.diagnostics.source import Source
from netlang.evaluate.context.describe import article_of
from netlang.evaluate.context.values import public_name
from netlang.evaluate.modules.module import is_private
from netlang.manual.topics import filled
from netlang.program import Program, open_program
from netlang.syntax.library import FOLDER as PRELUDE
from netlang.syntax.library import definition
from netlang.syntax.parser import split_definitions
from netlang.syntax.reader import read_source

EXAMPLE = "e.g. "
_SMALL = """\
net Small(image: f32[N, 1, 8, 8]) -> logits: f32[N, 10] {
  features = image |> conv(8, 3, pad=1, bias=false) |> batch_norm |> relu
  logits = features |> flatten |> dense(10)
}
"""
_SECTION = {
    "data": '  data = digits("train") |> batches(32, shuffle=true)\n',
    "model": "  model = new Small()\n  right = accuracy(model(batch.image), batch.label)\n",
    "metrics": "  metrics = [right]\n",
    "loss": "  loss = cross_entropy(model(batch.image), batch.label)\n",
    "optimizer": "  optimizer = sgd(0.1)\n",
    "run": "  run = 10 epochs\n",
}
"""The train section around an example of a setting."""
_COLUMNS = {
    "data": "",
    "model": "  model = new Small()\n",
    "loss": "  loss = mse(model(random_normal([8, 1, 8, 8])), random_normal([8, 10]))\n",
    "optimizer": "  optimizer = sgd(0.1)\n",
    "run": "  run = 10 epochs\n",
}
"""The train section around examples of data, whatever the columns."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A definition of the library: a part of one of its files, with its documentation."""

    name: str
    file: Path
    source: Source
    start: int
    end: int

    @property
    def shown(self) -> str:
        """The name that programs use."""
        return public_name(self.name)

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
        code = code.replace(f" {self.name}(", f" {self.shown}(", 1)
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
        """The names of the results of a call."""
        file = self.file.relative_to(PRELUDE).as_posix()
        return [out.name.text for out in definition(file, self.name).outs] or ["y"]

    def _lines(self) -> list[str]:
        return self.source.text[self.start : self.end].rstrip().splitlines()

    def page(self) -> str:
        """Return the page: what the definition is for, its code, and its worked examples."""
        text = "\n".join(line for line in self.about if not line.startswith(EXAMPLE))
        parts = [f"{self.shown}: {article_of(self.kind)} ({self.place})"]
        # A line that begins with a blank is set as it is: a formula, a list.
        parts += [p if p.startswith(" ") else filled(p) for p in text.strip("\n").split("\n\n")]
        if "." in self.module:
            parts.append(f"  from {self.module} import {self.name}")
        parts.append("\n".join(f"  {line}".rstrip() for line in self.code.splitlines()))
        parts += [self.worked_out(example) for example in self.examples]
        return "\n\n".join(part for part in parts if part)

    def worked_out(self, example: str) -> str:
        """Return an example of a call with the types and counts of its net for one example."""
        shown = f"  example  {example}"
        if _inputs_of(example) is None:
            return shown
        net = load_text(self.program(example)).net(None)
        graph = net.graph
        outputs = ", ".join(f"{name}: {value.type}" for name, value in graph.outputs.items())
        one = net.bind({"N": 1}) if "N" in example else graph
        counts = {
            "parameters": trained(graph), "running statistics": running(graph), "MACs": macs(one)
        }  # fmt: skip
        known = [f"{grouped(count)} {what}" for what, count in counts.items() if count != 0]
        costs = f"\n  costs    {'; '.join(known)}" if known else ""
        return f"{shown}\n  returns  {outputs}{costs}"

    def program(self, example: str) -> str:
        """Return a program that contains an example: a call in a net, a setting, or a fact."""
        column = _COLUMN.match(example)
        if column is not None:
            section = _COLUMNS | {"data": "  data = table() |> batches(32)\n"}
            value = example[column.end() :]
            place = '  csv = "example.csv"\n' if value.startswith("column") else ""
            fields = f"{place}  {column['name']} = {value}\n"
            dataset = f"dataset table -> ({column['declared']}) {{\n{fields}}}\n"
            return f"{_SMALL}\n{dataset}\ntrain example {{\n{''.join(section.values())}}}\n"
        inputs = _inputs_of(example)
        if inputs is None:
            setting, equals, _ = example.partition(" = ")
            if not equals:
                return f"{_SMALL}\nassert {example}\n"
            kept = {setting: f"  {example}\n"}
            section = (_COLUMNS if setting == "data" else _SECTION) | kept
            return f"{_SMALL}\ntrain example {{\n{''.join(section.values())}}}\n"
        outs = self.outs
        shown = outs[0] if len(outs) == 1 else f"({', '.join(outs)})"
        imported = f"from {self.module} import {self.name}\n\n" if "." in self.module else ""
        called = example.removeprefix(inputs)
        first = inputs.partition(":")[0]
        value = f"{first}{called}" if called.startswith(" |>") else called.removeprefix(" -> ")
        return f"{imported}net Example({inputs}) -> {shown} = {value}\n"


_COLUMN = re.compile(r"(?P<declared>(?P<name>\w+): \w+\[[^]]*\]) = ")
"""The beginning of an example of a column of a dataset."""


def _inputs_of(example: str) -> str | None:
    """Return the inputs of an example that is a call of tensors."""
    if _COLUMN.match(example) is not None:
        return None
    found = re.match(r"\w+: .+?(?= \|> | -> )", example)
    return found[0] if found is not None else None


@cache
def library() -> dict[str, Entry]:
    """Return every definition of the prelude and the standard library by its name."""
    # The modules of the standard library lie in folders: the prelude's own files come first.
    paths = sorted(PRELUDE.glob("**/*.net"), key=lambda path: (len(path.parts), path))
    found: dict[str, Entry] = {}
    for path in paths:
        source = read_source(path)
        for name, (start, end) in split_definitions(source).items():
            found.setdefault(name, Entry(name, path, source, start, end))
    return found


def public() -> dict[str, Entry]:
    """Return the definitions that programs can use."""
    return {name: entry for name, entry in library().items() if not is_private(name)}


def forms(name: str) -> list[Entry]:
    """Return the definition of a name, and those that it denotes for examples, images, columns."""
    own = public().get(name)
    others = (entry for n, entry in library().items() if is_private(n) and entry.shown == name)
    return [*([own] if own else []), *(e for e in others if own and e.name != f"_{name}")]


def load_text(text: str) -> Program:
    """Load a program from its text."""
    program = open_program("example.net", text)
    program.check()
    return program
