"""Every kind of bad input has its tests: which kinds there are, and that each is met."""

from __future__ import annotations

import ast
import re
from functools import cache
from itertools import takewhile
from pathlib import Path

import pytest

ROWS = {
    "S1": "an empty file, only comments, only a byte order mark",
    "S2": "a brace that the end of the file leaves open",
    "S3": "a bracket that another closes",
    "S4": "bytes that are no text: NUL, bad UTF-8, UTF-16",
    "S5": "characters that reorder text, have no width, or look like others",
    "S6": "no-break spaces; tabs and any ends of lines are legal",
    "S7": "literals that would be infinite",
    "S8": "numbers of thousands of digits",
    "S9": "sizes that are not positive ints",
    "S10": "unclosed strings of a megabyte",
    "S11": "a hundred thousand nested brackets",
    "S12": "sums of a hundred thousand terms",
    "S13": "programs of a hundred thousand lines, and of more than 4 MiB",
    "S14": "a line of three megabytes",
    "S15": "keywords as names, two nets of one name, two statements on a line",
    "S16": "random bytes and other formats",
    "N1": "misspelt names",
    "N2": "names used too early, or never defined",
    "N3": "arguments that are misspelt, given twice, missing",
    "N4": "blocks that call themselves",
    "N5": "names and labels bound twice",
    "N6": "what is never used, and outputs that are never set",
    "N7": "names that mean something to Python or to a file system",
    "N8": "values that depend on themselves",
    "T1": "windows larger than the map",
    "T2": "strides, dilations and groups of 0, groups that do not divide",
    "T3": "pools padded by a window or more",
    "T4": "sums and joins of shapes that differ",
    "T5": "a dense layer on a map",
    "T6": "reshapes that do not add up",
    "T7": "splits, slices and axes beyond the end",
    "T8": "element types that do not fit",
    "T9": "a last batch that is shorter",
    "T10": "tensors without axes, sizes of 0, empty batches",
    "T11": "output padding of a stride or more",
    "T12": "labels a loss does not want; a single class",
    "T13": "batch norm over one number",
    "T14": "heads and groups that do not divide the width",
    "T15": "zeros around negative numbers before a pool",
    "T16": "factors whose square is past all bounds",
    "L1": "loops of a billion turns",
    "L2": "loops in loops in loops",
    "L3": "blocks that each call the one before ten times",
    "L4": "a trillion weights",
    "L5": "products past 64 bits",
    "L6": "chains of thousands of layers",
    "L7": "weights of more than 2 GiB",
    "L8": "constants that grow for ever",
    "L9": "lists and ranges of 10 ** 12",
    "L10": "ten thousand mistakes",
    "P1": "imports by absolute path, from above, from an address",
    "P2": "imports through links",
    "P3": "imports in circles, chains and diamonds",
    "P4": "folders, pipes, sockets, devices, huge files",
    "P5": "names of files with control characters, or of thousands of letters",
    "P6": "outputs that would replace an input or cannot be written",
    "P7": "labels that would be paths",
    "P8": "modules in the working folder",
    "W1": "arrays of Python objects",
    "W2": "formats that run code",
    "W3": "headers that claim more than there is",
    "W4": "shapes and types of arrays, odd and legal",
    "W5": "files cut short, or with something behind their end",
    "W6": "archives: bombs, damage, members that lead out",
    "W7": "damaged safetensors",
    "W8": "weights that do not fit the net",
    "W9": "weights that are not finite",
    "R4": "too little memory",
    "R5": "a graphics card that is missing or fails",
    "R6": "libraries missing, too old, too new",
    "R7": "closed streams, no terminal, no home, any locale",
    "R8": "wrong use of the command line",
    "R9": "any mode of Python",
}

FOLDER = Path(__file__).parent
ROW = re.compile(r"[SNTLPWR]\d+")


def rows_of(test: ast.FunctionDef) -> set[str]:
    """Read the rows a test is for off its name, such as ``test_w3_w5_…``, or its first column."""
    words = test.name.removeprefix("test_").upper().split("_")
    rows = set(takewhile(ROW.fullmatch, words))
    for node in ast.walk(test):
        match node:
            case ast.Tuple(elts=[ast.Constant(value=str(first)), *_]) if ROW.fullmatch(first):
                rows.add(first)
            case _:
                pass
    return rows


@cache
def rows_by_test() -> dict[str, set[str]]:
    """Map each test to the rows it is for."""
    return {
        f"{path.name}::{node.name}": rows_of(node)
        for path in FOLDER.glob("test_*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }


@pytest.mark.parametrize("row", ROWS)
def test_every_row_has_a_test(row: str) -> None:
    assert [name for name, rows in rows_by_test().items() if row in rows]


def test_no_test_is_for_a_row_that_is_not_reported_of() -> None:
    assert {row for rows in rows_by_test().values() for row in rows} == set(ROWS)
