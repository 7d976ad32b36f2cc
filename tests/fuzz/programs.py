"""Programs nobody would write: mutated, generated, and noise. Each number gives one program.

Run as ``python programs.py FIRST COUNT`` it checks programs in one process and prints a line of
JSON for each that the checker did not answer, and one last line with the peak of its memory.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from running import main, within_time

if TYPE_CHECKING:
    from netlang.syntax.ast import File

TESTS = Path(__file__).parent.parent
_TOKEN = re.compile(
    r"\"(?:[^\"\\\n]|\\.)*\"|[A-Za-z_]\w*|\d[\d_.eE]*|\|>|->|==|!=|<=|>=|\*\*|//|\.\.\.?|\s+|#[^\n]*|."
)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_WORDS = _words(
    "net block op extern dataset train from import as new if then else for scan in with next "
    "yield state where assert and or not true false none step"
)
_SIGNS = _words("|> -> == != <= >= < > + - * / // % @ ** .. ... ( ) [ ] { } , : = . ? #")
_NUMBERS = _words(
    "0 1 -1 2 3 7 8 16 100 1_000_000 9223372036854775807 9223372036854775808 1e999 1e308 1e-400 "
    "0.5 -0.0 4294967296 2147483648 10_000_000_000 1_0 3.0 10_epochs 10 epochs"
)
_TYPES = _words("f32 f16 f64 i64 i32 u8 bool tensor float int str ints padding init block duration")
_NAMES = _words(
    "x y h N C H W D T S image logits batch model self __class__ same valid half causal"
)
_TEXTS = ('""', '"a"', '"' + "a" * 300 + '"', '"../x.net"', '"\\n"', '"lenet.net"', '"\u202e"')


@cache
def corpus() -> tuple[str, ...]:
    """Return the programs to start from, short ones only, so that thousands are checked quickly."""
    folders = [TESTS / "data", TESTS.parent / "examples"]
    texts = [p.read_text("utf-8") for folder in folders for p in sorted(folder.rglob("*.net"))]
    return tuple(text for text in texts if len(text) < 2_500)


@cache
def library() -> tuple[str, ...]:
    """Name every definition of the prelude."""
    folder = TESTS.parent / "netlang" / "prelude"
    found: set[str] = set()
    for path in folder.glob("*.net"):
        found |= set(re.findall(r"^(?:extern op|op|block) (\w+)", path.read_text("utf-8"), re.M))
    return tuple(sorted(found))


def program(number: int) -> bytes:
    """Return the program of a number: the same one on every machine."""
    chance = random.Random(number)
    kind = chance.choices((mutated, generated, noisy), (6, 3, 1))[0]
    return kind(chance)


# ---- mutations ---------------------------------------------------------------------------


def mutated(chance: random.Random) -> bytes:
    """Change some tokens of a real program."""
    tokens = _TOKEN.findall(chance.choice(corpus()))
    mutations = chance.choice((_MUTATIONS, _SEMANTIC, _SEMANTIC))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        if tokens:
            chance.choice(mutations)(tokens, chance)
    return "".join(tokens).encode()


def token(chance: random.Random) -> str:
    """Draw a token of any kind."""
    pool: Sequence[str] = chance.choice(
        (_WORDS, _SIGNS, _NUMBERS, _TYPES, _NAMES, library(), library(), _TEXTS)
    )
    return chance.choice(pool)


def _delete(tokens: list[str], chance: random.Random) -> None:
    first = chance.randrange(len(tokens))
    del tokens[first : first + chance.choice((1, 1, 2, 5, 20))]


def _insert(tokens: list[str], chance: random.Random) -> None:
    tokens.insert(chance.randrange(len(tokens)), f" {token(chance)} ")


def _replace(tokens: list[str], chance: random.Random) -> None:
    tokens[chance.randrange(len(tokens))] = token(chance)


def _replace_alike(tokens: list[str], chance: random.Random) -> None:
    at = chance.randrange(len(tokens))
    old = tokens[at]
    if old[0].isdigit():
        tokens[at] = chance.choice(_NUMBERS)
    elif old.isidentifier():
        names = [t for t in tokens if t.isidentifier()]
        tokens[at] = chance.choice((chance.choice(names), chance.choice(library())))
    elif old in _SIGNS:
        tokens[at] = chance.choice(_SIGNS)


def _number(tokens: list[str], chance: random.Random) -> None:
    places = [i for i, t in enumerate(tokens) if t[0].isdigit()]
    if places:
        tokens[chance.choice(places)] = chance.choice(_NUMBERS)


def _name(tokens: list[str], chance: random.Random) -> None:
    places = [i for i, t in enumerate(tokens) if t.isidentifier()]
    if places:
        tokens[chance.choice(places)] = chance.choice((*(tokens[i] for i in places), *library()))


def _argument(tokens: list[str], chance: random.Random) -> None:
    places = [i for i, t in enumerate(tokens) if t in ("(", ",")]
    if places:
        writer = _Writer(chance)
        writer.tensors = [t for t in tokens if t.isidentifier() and t not in _WORDS] or ["x"]
        made = writer.tensor(1) if chance.random() < 0.5 else writer.number(1)
        tokens.insert(chance.choice(places) + 1, f"{made}, ")


def _swap(tokens: list[str], chance: random.Random) -> None:
    a, b = chance.randrange(len(tokens)), chance.randrange(len(tokens))
    tokens[a], tokens[b] = tokens[b], tokens[a]


def _repeat(tokens: list[str], chance: random.Random) -> None:
    first = chance.randrange(len(tokens))
    part = tokens[first : first + chance.choice((1, 3, 10, 40))]
    tokens[first:first] = part * chance.choice((1, 1, 3, 30))


def _splice(tokens: list[str], chance: random.Random) -> None:
    other = _TOKEN.findall(chance.choice(corpus()))
    first, at = chance.randrange(len(other)), chance.randrange(len(tokens))
    tokens[at:at] = other[first : first + chance.choice((3, 10, 40, 200))]


def _wrap(tokens: list[str], chance: random.Random) -> None:
    first = chance.randrange(len(tokens))
    last = min(len(tokens), first + chance.choice((1, 3, 7)))
    opened, closed = chance.choice(
        (("(", ")"), ("[", "]"), ("-", " "), ("not ", " "), ("new ", "()"))
    )
    tokens[first:last] = [opened, *tokens[first:last], closed]


def _cut(tokens: list[str], chance: random.Random) -> None:
    del tokens[chance.randrange(len(tokens)) :]


_MUTATIONS: tuple[Callable[[list[str], random.Random], None], ...] = (
    _delete, _insert, _replace, _replace_alike, _replace_alike, _number, _number, _name, _name,
    _swap, _repeat, _splice, _wrap, _cut,
)  # fmt: skip


_SEMANTIC = (_replace_alike, _number, _name, _argument)
"""Mutations that leave most programs well formed."""


def noisy(chance: random.Random) -> bytes:
    """Change some bytes of a real program, or draw all of them."""
    if chance.random() < 0.2:
        return chance.randbytes(chance.choice((0, 1, 10, 300)))
    data = bytearray(chance.choice(corpus()).encode())
    for _ in range(chance.choice((1, 2, 5))):
        if not data:
            break
        at = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                data[at] ^= 1 << chance.randrange(8)
            case 2:
                data[at:at] = chance.choice(
                    ("\u202e", "\u00a0", "é", "\0", "\ufeff", "\r")
                ).encode()
            case _:
                del data[at : at + chance.randrange(9)]
    return bytes(data)


# ---- generation --------------------------------------------------------------------------


def generated(chance: random.Random) -> bytes:
    """Write a program by the grammar: nearly all are well formed, some are right."""
    return _Writer(chance).program().encode()


@cache
def signatures() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return each definition of the prelude with its parameters, as they are written."""
    folder = TESTS.parent / "netlang" / "prelude"
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted(folder.glob("*.net")):
        pattern = r"^(?:extern op|op|block) (\w+)\((.*?)\)\s*(?:->|=|\{|where)"
        for match in re.finditer(pattern, path.read_text("utf-8"), re.M | re.S):
            found[match[1]] = tuple(" ".join(p.split()) for p in _commas(match[2]))
    return tuple(found.items())


def _commas(text: str) -> list[str]:
    """Cut a text at the commas outside its brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


class _Writer:
    """Writes random definitions whose calls have arguments of about the right kinds."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.tensors = ["x"]
        self.numbers: list[str] = []
        self.blocks: list[tuple[str, tuple[str, ...]]] = []
        self.fresh = 0

    def program(self) -> str:
        parts = [self.definition(f"part{i}") for i in range(self.chance.randint(0, 3))]
        if self.chance.random() < 0.3:
            parts.insert(0, f"size = {self.number(2)}")
            self.numbers = ["size"]
        parts.append(self.definition("Net"))
        return "\n\n".join(parts) + "\n"

    def definition(self, name: str) -> str:
        kind = "net" if name == "Net" else self.chance.choice(("block", "op", "block"))
        self.tensors, self.numbers = ["x"], ["n"] if self.chance.random() < 0.4 else []
        typed = kind == "net" or self.chance.random() < 0.5
        params = [f"x: {self.type()}" if typed else "x"]
        if self.chance.random() < 0.4:
            params.append(f"z: {self.type()}")
            self.tensors.append("z")
        if self.numbers:
            params.append(f"n: int = {self.chance.choice(('1', '2', '3', '100'))}")
        self.numbers += [d for d in ("N", "C", "H") if re.search(rf"\b{d}\b", params[0])]
        out = "y: " + self.type() if self.chance.random() < 0.1 else "y"
        where = " where N % 2 == 0" if "N" in self.numbers and self.chance.random() < 0.2 else ""
        head = f"{kind} {name}({', '.join(params)}) -> {out}{where}"
        if self.chance.random() < 0.2:
            text = f"{head} = {self.tensor(3)}"
        else:
            text = f"{head} {{\n{self.body(2)}  y = {self.tensor(3)}\n}}"
        if kind != "net":
            self.blocks.append((name, tuple(params)))
        return text

    def body(self, depth: int) -> str:
        lines: list[str] = []
        for _ in range(self.chance.randint(0, 4)):
            self.fresh += 1
            name = f"_v{self.fresh}"
            tensor = self.chance.random() < 0.8
            lines.append(f"  {name} = {self.tensor(depth) if tensor else self.number(depth)}\n")
            (self.tensors if tensor else self.numbers).append(name)
        return "".join(lines)

    def type(self) -> str:
        sizes = [
            self.chance.choice(("N", "C", "H", "N", "1", "2", "8", "16", "28", "2 * H"))
            for _ in range(self.chance.choice((0, 1, 2, 2, 3, 4, 4, 4, 5)))
        ]
        element = self.chance.choice(("f32", "f32", "f32", "f32", "f32", "i64", "bool", "u8"))
        return f"{element}[{', '.join(sizes)}]"

    def tensor(self, depth: int) -> str:
        if depth == 0 or self.chance.random() < 0.1:
            return self.chance.choice(self.tensors)
        inner = depth - 1
        match self.chance.randrange(15):
            case 0 | 1 | 2 | 3 | 4:
                stages = " |> ".join(self.stage(inner) for _ in range(self.chance.randint(1, 3)))
                return f"({self.chance.choice(self.tensors)} |> {stages})"
            case 5 | 6 | 7 | 8:
                return self.call(inner)
            case 9:
                sign = self.chance.choice(
                    ("+", "-", "*", "/", "//", "%", "@", "**", "==", "<", "and")
                )
                right = self.tensor(inner) if self.chance.random() < 0.7 else self.number(inner)
                return f"({self.tensor(inner)}) {sign} ({right})"
            case 10:
                condition = f"{self.number(inner)} > 1"
                return f"if {condition} then {self.tensor(inner)} else {self.tensor(inner)}"
            case 11:
                last = self.chance.choice(("2", "3", "3", "50", self.number(0), "1_000_000_000"))
                self.fresh += 1
                name = f"_h{self.fresh}"
                start = self.tensor(inner)
                self.tensors.append(name)
                turn = self.tensor(inner)
                self.tensors.remove(name)
                return (
                    f"for _i in 1..{last} with {name} = {start} {{\n    next {name} = {turn}\n  }}"
                )
            case 12:
                item = self.chance.choice(("0", "-1", ":", "1:", "..., 0", ":, 0", self.number(0)))
                return f"({self.tensor(inner)})[{item}]"
            case 13:
                kind = self.chance.choice(("concat", "stack"))
                return f"{kind}({self.items(inner)}, axis={self.number(0)})"
            case _:
                return f"{self.chance.choice(('-', 'not '))}({self.tensor(inner)})"

    def items(self, depth: int) -> str:
        return f"[{', '.join(self.tensor(depth) for _ in range(self.chance.randint(1, 3)))}]"

    def number(self, depth: int) -> str:
        if depth == 0 or self.chance.random() < 0.3:
            if self.numbers and self.chance.random() < 0.4:
                return self.chance.choice(self.numbers)
            usual = self.chance.random() < 0.8
            return self.chance.choice(("0", "1", "2", "3", "4", "8", "-1") if usual else _NUMBERS)
        sign = self.chance.choice(("+", "-", "*", "//", "%", "**", "/"))
        return f"({self.number(depth - 1)} {sign} {self.number(depth - 1)})"

    def stage(self, depth: int) -> str:
        name, params = self.chance.choice((*signatures(), *self.blocks))
        args = self.arguments(params[1:], depth)
        return f"{name}({args})" if args or self.chance.random() < 0.3 else name

    def call(self, depth: int) -> str:
        name, params = self.chance.choice((*signatures(), *self.blocks))
        return f"{name}({self.arguments(params, depth)})"

    def arguments(self, params: Sequence[str], depth: int) -> str:
        """Return what a signature requires; sometimes what it does not."""
        given: list[str] = []
        named = False
        for param in params:
            if param == "*":
                named = True
                continue
            optional = "=" in param
            if optional and self.chance.random() < 0.6:
                named = True
                continue
            name, _, type = param.partition("=")[0].partition(":")
            value = self.argument(type.strip(), depth)
            given.append(f"{name.strip()}={value}" if named else value)
        if self.chance.random() < 0.05 and given:
            given.pop(self.chance.randrange(len(given)))
        return ", ".join(given)

    def argument(self, type: str, depth: int) -> str:
        if self.chance.random() < 0.05:
            return self.chance.choice((*_NAMES, *_NUMBERS, *_TEXTS))
        match type.rstrip("?"):
            case "int" | "float" | "ints":
                if type == "ints" and self.chance.random() < 0.3:
                    return f"({self.number(0)}, {self.number(0)})"
                return self.number(min(depth, 1))
            case "bool":
                return self.chance.choice(("true", "false"))
            case "str":
                return self.chance.choice(('"a"', '"b,a->ab"', '"sum"', '"linear"', '""'))
            case "padding":
                return self.chance.choice(("same", "valid", "0", "1", "(1, 2)", "((1, 2), (0, 1))"))
            case "[int]":
                return f"[{', '.join(self.number(0) for _ in range(self.chance.randint(0, 4)))}]"
            case "block" | "op":
                return self.chance.choice(("relu", "dense", "batch_norm", "tanh", "conv"))
            case kind if kind.startswith("[") or kind == "list":
                return self.items(depth)
            case _:
                return self.tensor(depth)


# ---- checking ----------------------------------------------------------------------------


def answer(data: bytes, folder: Path) -> str | None:
    """Check, lay out and summarize one program; return what netlang got wrong, if anything."""
    path = folder / "fuzz.net"
    path.write_bytes(data)
    return within_time(lambda: _use(path))


def _use(path: Path) -> None:
    from netlang.analysis.summary import summarize
    from netlang.diagnostics.diagnostic import Diagnostics
    from netlang.diagnostics.errors import NetlangError
    from netlang.diagnostics.render import render_all, to_json
    from netlang.diagnostics.source import Source
    from netlang.program import load
    from netlang.syntax.formatting.format import format_file
    from netlang.syntax.parser import parse

    try:
        loaded = load(path)
    except NetlangError as fault:
        assert fault.exit_code in (1, 2, 3)
        return
    found = loaded.diagnostics.sorted()
    text = render_all(found)
    assert "Traceback" not in text and "\x1b" not in text
    json.dumps([to_json(d) for d in found])
    if loaded.file is not None:
        laid = format_file(loaded.file)
        again = Diagnostics()
        tree = parse(Source("laid.net", laid), again)
        assert tree is not None, f"the layout does not parse:\n{laid}"
        assert format_file(tree) == laid, f"the layout is not final:\n{laid}"
        assert shape_of(tree) == shape_of(loaded.file), f"the layout means something else:\n{laid}"
    if not loaded.diagnostics.failed:
        for net in loaded.nets.values():
            try:
                summarize(net.graph)
            except (
                NetlangError
            ) as fault:  # a parameter without a value, a size too long to count with
                assert fault.rule.code in ("open-parameter", "too-large"), fault.message


def shape_of(tree: File) -> list[tuple[str, object]]:
    """List the nodes of a file without their spans, and without parentheses."""
    from netlang.syntax.ast import Paren
    from netlang.syntax.walk import walk

    found: list[tuple[str, object]] = []
    for node in walk(*tree.imports, *tree.declarations):
        if isinstance(node, Paren):
            continue
        plain = [
            value
            for name in node.__struct_fields__
            if name not in ("span", "op_span", "head", "doc")
            and isinstance(value := getattr(node, name), str | int | float | bool | None)
        ]
        found.append((type(node).__name__, tuple(plain)))
    return found


if __name__ == "__main__":
    main(lambda number, folder: answer(program(number), folder))
