"""A file is read as a program, or rejected with a reason."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

import pytest

from netlang.diagnostics.diagnostic import Diagnostics
from netlang.diagnostics.errors import DIAGNOSED, ENVIRONMENT, USAGE, NetlangError
from netlang.diagnostics.render import to_json
from netlang.diagnostics.rules import all_rules
from netlang.syntax.parser import parse
from netlang.syntax.reader import SIZE_LIMIT, read_source


def refusal(path: Path) -> NetlangError:
    with pytest.raises(NetlangError) as caught:
        read_source(path)
    assert caught.value.rule.code in all_rules()
    return caught.value


def written(folder: Path, data: bytes) -> Path:
    path = folder / "test.net"
    path.write_bytes(data)
    return path


def test_a_program_is_read_with_its_name(tmp_path: Path) -> None:
    source = read_source(written(tmp_path, "# é\na = 1\n".encode()))
    assert source.text == "# é\na = 1\n"
    assert source.name == str(tmp_path / "test.net")


def test_every_kind_of_line_end_is_one(tmp_path: Path) -> None:
    source = read_source(written(tmp_path, b"a = 1\r\nb = 2\rc = 3\n"))
    assert source.text == "a = 1\nb = 2\nc = 3\n"
    assert source.line_col(source.text.index("c")) == (3, 1)


def test_a_byte_order_mark_is_not_a_text(tmp_path: Path) -> None:
    assert read_source(written(tmp_path, b"\xef\xbb\xbfa = 1\n")).text == "a = 1\n"
    assert read_source(written(tmp_path, b"\xef\xbb\xbf")).text == ""


@pytest.mark.parametrize(("wrong", "right"), [
    ("a = 1\r\n# é\r\nb = f(1,, 2)\r\n", "a = 1\r\n# é\r\nb = f(1, 2)\r\n"),
    ("\ufeffa = f(1,, 2)\nb = 1\n", "\ufeffa = f(1, 2)\nb = 1\n"),
    ("\ufeffa = 1\r\n\r\nb = f(1,, 2)\n", "\ufeffa = 1\r\n\r\nb = f(1, 2)\n"),
    ("a = 1\r\nb = (3\r\nc = 4\r\n", "a = 1\r\nb = (3)\r\nc = 4\r\n"),
    ("a = 1\rb = (3\rc = 4\r", "a = 1\rb = (3)\rc = 4\r"),
    ("op f(x) {\r\n  y = x\r\nop g(x) = x\r\n", "op f(x) {\r\n  y = x\r\n}\r\nop g(x) = x\r\n"),
])  # fmt: skip
def test_the_edits_of_a_fix_are_those_of_the_file_as_it_is(
    tmp_path: Path, wrong: str, right: str
) -> None:
    found = Diagnostics()
    parse(read_source(written(tmp_path, wrong.encode())), found)
    (fix,) = cast("Any", to_json(found.items[0]))["fixes"]
    text = wrong
    for edit in sorted(fix["edits"], key=lambda edit: edit["start"], reverse=True):
        text = text[: edit["start"]] + edit["text"] + text[edit["end"] :]
    assert text == right


def test_what_is_not_a_file_is_rejected_unopened(tmp_path: Path) -> None:
    missing = refusal(tmp_path / "none.net")
    assert (missing.rule.code, missing.exit_code) == ("no-such-file", USAGE)
    folder = refusal(tmp_path)
    assert (folder.rule.code, folder.exit_code) == ("not-a-file", USAGE)
    assert "is a folder" in folder.message
    os.mkfifo(tmp_path / "pipe")
    pipe = refusal(tmp_path / "pipe")
    assert (pipe.rule.code, pipe.exit_code) == ("not-a-file", DIAGNOSED)
    assert "is a named pipe" in pipe.message
    assert "is a device" in refusal(Path("/dev/null")).message


def test_a_name_that_no_system_accepts_is_rejected(tmp_path: Path) -> None:
    assert refusal(tmp_path / "a\0b").exit_code == ENVIRONMENT
    assert refusal(tmp_path / ("a" * 5000)).rule.code == "unreadable-file"


def test_the_limit_is_4_mib(tmp_path: Path) -> None:
    assert len(read_source(written(tmp_path, b"#" * SIZE_LIMIT)).text) == SIZE_LIMIT
    fault = refusal(written(tmp_path, b"#" * (SIZE_LIMIT + 1)))
    assert fault.rule.code == "file-too-large"
    assert fault.notes == ("it has 4,194,305 bytes",)


def test_a_byte_that_is_not_utf8_is_named_with_its_location(tmp_path: Path) -> None:
    fault = refusal(written(tmp_path, b"a = 1\r\nb = \x80\n"))
    assert fault.rule.code == "not-text"
    (note,) = fault.notes
    assert note.startswith("line 2, column 5 has the byte 0x80, at offset 11")


def test_a_nul_byte_is_named_with_its_offset(tmp_path: Path) -> None:
    fault = refusal(written(tmp_path, b"a = 1\n# \x00 and more text than that\n"))
    assert fault.notes == ("it has a NUL byte at offset 8",)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_recognized_and_utf8_suggested(tmp_path: Path, encoding: str) -> None:
    fault = refusal(written(tmp_path, "net A(x) -> y = x\n".encode(encoding)))
    assert "is UTF-16, not UTF-8" in fault.message
    assert fault.helps == ("save it as UTF-8",)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG image"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG image"),
        (b"PK\x03\x04\x14\0\0\0", "a zip archive"),
        (b"\x1f\x8b\x08\0", "gzip-compressed"),
        (b"\x93NUMPY\x01\0", "a NumPy array"),
        (b"\x40\0\0\0\0\0\0\0" + b'{"a":{"dtype":"F32"}}', "a safetensors file"),
        (b"\x08\x08\x12\x07pytorch\x1a\x052.0.0:", "an ONNX model"),
        (b"\x80\x04\x95\x10\0\0\0\0\0\0\0", "a Python pickle"),
        (b"\x7fELF\x02\x01\x01\0", "an executable"),
    ],
)
def test_files_of_other_kinds_are_recognized(tmp_path: Path, data: bytes, what: str) -> None:
    fault = refusal(written(tmp_path, data))
    assert f"is not a program: it looks like {what}" in fault.message


def test_random_bytes_are_rejected(tmp_path: Path) -> None:
    assert refusal(written(tmp_path, bytes(range(255, 0, -1)) * 40)).rule.code == "not-text"
