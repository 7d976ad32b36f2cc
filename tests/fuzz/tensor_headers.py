"""Safetensors files with headers nobody would write. Each number gives one file.

Run as ``python tensor_headers.py FIRST COUNT`` it reads files in one process, in every way in which
netlang reads parameters, and prints a line of JSON for each that was not answered.
``tensor_headers.py 0 10000`` finds nothing: no traceback, no exit code 70, no signal, none over 2 s
or 300 MiB.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from running import command, main, within_time

Entry = dict[str, Any]
Header = dict[str, Any]

PROGRAM = """\
net H(x: f32[N, 2]) -> y: f32[N, 2] {
  y = dense(x, 2)
}
train t {
  data = two_moons(8) |> batches(4)
  model = new H()
  loss = cross_entropy(model(batch.x), batch.label)
  init = [load(model, "w.safetensors")]
  optimizer = sgd(0.1)
  run = 1 epochs
}
"""
KINDS = (
    "F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL",
    "F8_E4M3", "F8_E5M2", "F8_E8M0", "F4", "F6_E2M3", "C64", "f32", "", "X" * 10_000,
)  # fmt: skip
NUMBERS = (
    0, 1, 2, 3, 4, 8, 12, 16, 24, 2**31, 2**32, 2**40, 2**53, 2**62, 2**63 - 1, 2**63, 2**64,
    2**64 - 1, 10**30, -1, -8, 0.5, 1e308, float("nan"), float("inf"),
)  # fmt: skip
VALUES = (
    None, True, False, "", "a", "F32", [], {}, [[]], [None], [0, 8], {"a": 1}, *NUMBERS,
)  # fmt: skip
NAMES = ("y.weight", "y.bias", "y", "", "more", "é", "\u202e", "\n", "a" * 10_000, "__metadata__")


def file(number: int) -> tuple[bytes, int]:
    """Return the first bytes of the file of a number, and its size: what is missing is a hole."""
    chance = random.Random(number)
    header: Header = {
        "y.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
        "y.bias": {"dtype": "F32", "shape": [2], "data_offsets": [16, 24]},
    }
    size = 24
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
        size = chance.choice(CHANGES)(header, size, chance)
    text = _damaged(_written(header, chance), chance)
    length = len(text)
    if chance.random() < 0.1:
        length = chance.choice(
            (0, 1, 7, length - 1, length + 1, length + 24, 2**30, 2**63, 2**64 - 1)
        )
    data = length.to_bytes(8, "little", signed=False) + text
    total = len(data) + max(0, size)
    data += chance.choice((b"\0", b"\x7f", b"\xff")) * min(max(0, size), 24)
    if chance.random() < 0.1:
        total = chance.choice((0, 1, 8, len(data) // 2, total - 1, total + 1, total + 8))
    return data[:total], total


def _kind(header: Header, size: int, chance: random.Random) -> int:
    entry = _entry(header, chance)
    entry["dtype"] = chance.choice((*KINDS, *KINDS, *VALUES))
    return size


def _shape(header: Header, size: int, chance: random.Random) -> int:
    entry = _entry(header, chance)
    many = chance.choice((0, 1, 2, 2, 3, 4, 33, 70, 2_000))
    entry["shape"] = [chance.choice(NUMBERS) for _ in range(many)]
    if chance.random() < 0.2:
        entry["shape"] = chance.choice(VALUES)
    return size


def _offsets(header: Header, size: int, chance: random.Random) -> int:
    """Move a tensor over another, past the end, or nowhere."""
    entry = _entry(header, chance)
    entry["data_offsets"] = [
        chance.choice(NUMBERS) for _ in range(chance.choice((0, 1, 2, 2, 2, 3)))
    ]
    if chance.random() < 0.2:
        entry["data_offsets"] = chance.choice(VALUES)
    return size


def _grow(header: Header, size: int, chance: random.Random) -> int:
    """Make a tensor as large as a hole in the file is, so that only reading it takes memory."""
    name = chance.choice(NAMES)
    kind, each = chance.choice((("F32", 4), ("F64", 8), ("U8", 1), ("BF16", 2), ("BOOL", 1)))
    count = chance.choice((1, 2, 2**20, 2**28, 2**30, 2**31, 2**33))
    shape = chance.choice(([count], [count, 1], [1, count], [2, count // 2], [2, 0, count]))
    bytes_ = each
    for length in shape:
        bytes_ *= length
    header[name] = {"dtype": kind, "shape": shape, "data_offsets": [size, size + bytes_]}
    return size + bytes_


def _rename(header: Header, size: int, chance: random.Random) -> int:
    if header:
        header[chance.choice(NAMES)] = header.pop(chance.choice([*header]))
    return size


def _drop(header: Header, size: int, chance: random.Random) -> int:
    entry = _entry(header, chance)
    if entry and chance.random() < 0.7:
        entry.pop(chance.choice([*entry]))
    elif header:
        header.pop(chance.choice([*header]))
    return size


def _add(header: Header, size: int, chance: random.Random) -> int:
    """Add a field, metadata, or a value that is not a tensor."""
    match chance.randrange(4):
        case 0:
            _entry(header, chance)[chance.choice(NAMES)] = chance.choice(VALUES)
        case 1:
            header["__metadata__"] = chance.choice((*VALUES, {"a": "b"}, {"a": {"b": 1}}))
        case 2:
            header["__metadata__"] = {chance.choice(NAMES): chance.choice(VALUES)}
        case _:
            header[chance.choice(NAMES)] = chance.choice(VALUES)
    return size


def _many(header: Header, size: int, chance: random.Random) -> int:
    for i in range(chance.choice((10, 1_000, 20_000))):
        header[f"n{i}"] = {"dtype": "F32", "shape": [0], "data_offsets": [size, size]}
    return size


CHANGES: tuple[Callable[[Header, int, random.Random], int], ...] = (
    _kind, _kind, _shape, _shape, _shape, _offsets, _offsets, _offsets, _grow, _grow, _rename,
    _drop, _add, _add, _many,
)  # fmt: skip


def _entry(header: Header, chance: random.Random) -> Entry:
    """Choose a tensor of a header."""
    entries = [entry for entry in header.values() if isinstance(entry, dict)]
    return chance.choice(entries) if entries else {}


def _written(header: Header, chance: random.Random) -> bytes:
    """Write a header, sometimes with names that occur twice, or deep inside lists."""
    text = json.dumps(header, ensure_ascii=chance.random() < 0.5)
    match chance.randrange(20):
        case 0:
            text = text.replace("y.bias", "y.weight")
        case 1:
            text = text.replace('"dtype"', '"dtype": "F32", "dtype"')
        case 2:
            depth = chance.choice((10, 1_000, 100_000))
            text = f'{{"__metadata__": {"[" * depth}{"]" * depth}}}'
        case 3:
            text = chance.choice(("", "[]", "1", "null", '"a"', "{", "{}", "[" * 100_000, text[1:]))
        case 4:
            text += chance.choice((" ", " " * 1_000, "\0", "\n", "x", text))
        case 5:
            text = " " + text
        case _:
            pass
    encoded = text.encode(errors="surrogatepass")
    return encoded + b" " * (-len(encoded) % 8 if chance.random() < 0.5 else 0)


def _damaged(text: bytes, chance: random.Random) -> bytes:
    """Change some bytes of a header."""
    data = bytearray(text)
    for _ in range(chance.choice((0, 0, 0, 0, 1, 1, 2, 5))):
        if not data:
            break
        at = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                data[at] ^= 1 << chance.randrange(8)
            case 2:
                data[at:at] = chance.choice((b"0", b"9" * 400, b'"', b"{", b"\0", b"\xff", b"-"))
            case _:
                del data[at : at + chance.randrange(9)]
    return bytes(data)


def write(path: Path, number: int) -> None:
    """Write the file of a number, with a hole where it has no bytes."""
    data, size = file(number)
    with path.open("wb") as out:
        out.write(data)
        out.truncate(size)


def answer(number: int, folder: Path) -> str | None:
    """Read one file; return what netlang got wrong, if anything."""
    program, path, x = folder / "h.net", folder / "w.safetensors", folder / "x.npy"
    if not x.exists():
        import numpy

        program.write_text(PROGRAM, "utf-8")
        numpy.save(x, numpy.ones((1, 2), numpy.float32))
    write(path, number)

    def use() -> None:
        command("names", program, "H", "--diff", path)
        match number % 4:
            case 0:
                command("run", program, "H", "-w", path, "-i", f"x={x}", "--backend", "numpy")
            case 1:
                command("evaluate", program, "-w", path, "--backend", "numpy")
            case 2:
                command("train", program, "--dry-run")
            case _:
                run = folder / f"run{number}"
                command("train", program, "--backend", "numpy", "--run", run)

    return within_time(use)


if __name__ == "__main__":
    main(answer)
