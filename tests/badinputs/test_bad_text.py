"""Rows S: texts that are not programs, or not quite."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from answers import MEMORY, SECONDS, accepted, keeps_the_contract, measured, net, rejected

GOOD = "net A(x: f32[N, 4]) -> y: f32[N, 2] {\n  y = dense(x, 2)\n}\n"


@pytest.mark.parametrize("text", [b"", b"\n\n", b"# a comment\n", b"\xef\xbb\xbf", b"  \t\n# x"])
def test_s1_a_file_without_a_definition_is_named_as_such(text: bytes, tmp_path: Path) -> None:
    answer = rejected(text, "no-definition", folder=tmp_path)
    assert "help: start with a net" in answer.text


def test_s1_a_byte_order_mark_is_not_an_error(tmp_path: Path) -> None:
    accepted(b"\xef\xbb\xbf" + GOOD.encode(), tmp_path)


@pytest.mark.parametrize(
    "text", ["net A(x: f32[N, 4]) -> y {", "net A(x: f32[N, 4]) -> y {\n  y = x"]
)
def test_s2_an_open_brace_at_the_end_is_shown(text: str, tmp_path: Path) -> None:
    rejected(text, "unclosed-bracket", folder=tmp_path, line=1)


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("conv(x, 16, 3 ", "unclosed-bracket"),
        ("conv(x, 16, 3]", "mismatched-bracket"),
        ("conv(x, 16, 3))", "stray-bracket"),
        ("conv(x 16)", "missing-comma"),
        ("[1, 2", "unclosed-bracket"),
    ],
)
def test_s3_a_bracket_is_reported_by_its_own_name(body: str, rule: str, tmp_path: Path) -> None:
    rejected(net(body), rule, folder=tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.encode().replace(b"dense", b"den\x00se"), "NUL byte at offset 47"),
        (GOOD.encode().replace(b"dense", b"den\x80se"), "0x80, at offset 47"),
        (GOOD.encode().replace(b"dense", b"den\xc3\x28se"), "0xc3, at offset 47"),
        (GOOD.encode() + b"# \xe2\x82", "0xe2"),
        (GOOD.encode("utf-16"), "UTF-16"),
        (GOOD.encode("utf-16-le"), "UTF-16"),
        (GOOD.encode("utf-16-be"), "UTF-16"),
        (GOOD.encode("latin-1").replace(b"dense", b"d\xe9nse"), "0xe9"),
    ],
)
def test_s4_bytes_that_are_not_text_are_reported_with_their_offset(
    text: bytes, said: str, tmp_path: Path
) -> None:
    assert said in rejected(text, "not-text", folder=tmp_path).text


@pytest.mark.parametrize(
    ("character", "shown"),
    [
        ("\u202e", "U+202E"), ("\u200b", "U+200B"), ("\u2066", "U+2066"), ("\u200d", "U+200D"),
        ("\u0430", "U+0430"), ("\u03b1", "U+03B1"), ("\u2028", "U+2028"), ("\x07", "U+0007"),
        ("\x1b", "U+001B"), ("\u00e9", "U+00E9"),
    ],
)  # fmt: skip
def test_s5_a_character_that_deceives_the_eye_is_escaped(
    character: str, shown: str, tmp_path: Path
) -> None:
    answer = rejected(
        GOOD.replace("dense", f"den{character}se"), "foreign-character", folder=tmp_path, line=2
    )
    assert shown in answer.text
    assert character not in answer.text or character.isprintable()


@pytest.mark.parametrize("character", ["\u202e", "\x1b[31m", "\u200b", "\x07"])
def test_s5_a_message_does_not_carry_it_to_the_terminal(character: str, tmp_path: Path) -> None:
    answer = rejected(
        f'net A(x: f32[N, 4]) -> y {{\n  assert 1 == 2, "a{character}b"\n  y = x\n}}\n',
        "assertion", "foreign-character",
        folder=tmp_path,
    )  # fmt: skip
    assert character not in answer.text


def test_s6_a_no_break_space_is_named(tmp_path: Path) -> None:
    answer = rejected(GOOD.replace("y = ", "y =\u00a0"), "foreign-character", folder=tmp_path)
    assert "U+00A0" in answer.text


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n", "\n\t", "\r\n\r\n"])
def test_s6_line_ends_and_tabs_are_free(end: str, tmp_path: Path) -> None:
    accepted(GOOD.replace("\n", end).replace("  ", "\t"), tmp_path)


@pytest.mark.parametrize("number", ["1e999", "inf", "nan", "1e400", "Infinity", "1.0e309"])
def test_s7_no_literal_is_infinite(number: str, tmp_path: Path) -> None:
    rejected(
        net(f"x * {number}"), "number-too-large", "unknown-name", "unknown-dimension",
        folder=tmp_path, line=2,
    )  # fmt: skip
    rejected(
        net(f"dense(x, {number})"), "number-too-large", "unknown-name", "unknown-dimension",
        folder=tmp_path, line=2,
    )  # fmt: skip


@pytest.mark.parametrize("digits", [19, 20, 5_000, 100_000])
def test_s8_a_number_of_any_length_is_read(digits: int, tmp_path: Path) -> None:
    rejected(net("dense(x, " + "9" * digits + ")"), "number-too-large", folder=tmp_path, line=2)


@pytest.mark.parametrize(
    "size", ["-4", "0", "2.5", '"4"', "true", "none", "[4]", "x", "relu", "N", "4.0", "(1, 2)"]
)
def test_s9_a_size_is_a_positive_int(size: str, tmp_path: Path) -> None:
    rejected(
        net(f"dense(x, {size})"), "out-of-range", "wrong-type", "symbolic-weight",
        folder=tmp_path, line=2,
    )  # fmt: skip


@pytest.mark.parametrize(
    "text", ['"' + "a" * 1_000_000, '"' + "\\" * 999_999, '"' + '\\"' * 500_000]
)
def test_s10_an_unclosed_string_of_a_megabyte_is_found_at_once(text: str, tmp_path: Path) -> None:
    rejected(net(text), "unclosed-string", folder=tmp_path, line=2)


@pytest.mark.parametrize("opening", ["[", "(", "f(", "x[", "((", "[(", "f32["])
def test_s11_nesting_has_an_end(opening: str, tmp_path: Path) -> None:
    rejected(net(opening * 100_000 + "x"), "too-deep", folder=tmp_path, line=2)


def test_s11_a_brace_where_no_body_can_start_is_an_error_before_it_is_deep(tmp_path: Path) -> None:
    rejected(net("{" * 100_000 + "x"), "foreign-operator", folder=tmp_path, line=2)


@pytest.mark.parametrize("sign", ["1 ** ", "if 1 then ", "new ", "if 1 then 1 else ", "-", "not "])
def test_s11_words_may_be_nested_as_deep_as_brackets(sign: str, tmp_path: Path) -> None:
    answer = refused_or_accepted(net(sign * 10_000 + "x"), tmp_path)
    assert answer.code == 1
    assert answer.seconds < SECONDS


def refused_or_accepted(text: str, folder: Path):
    from answers import ask

    path = folder / "deep.net"
    path.write_text(text)
    answer = ask("check", path)
    keeps_the_contract(answer)
    return answer


@pytest.mark.parametrize("sign", [" + ", " and ", " |> relu |> ", " == ", " - ", " * "])
def test_s12_a_chain_of_thousands_of_terms_is_answered(sign: str, tmp_path: Path) -> None:
    answer = refused_or_accepted(net(sign.join(["x"] * 5_000)), tmp_path)
    assert answer.seconds < SECONDS


@pytest.mark.slow
def test_s12_a_sum_of_a_hundred_thousand_terms_is_legal(tmp_path: Path) -> None:
    path = tmp_path / "sum.net"
    path.write_text("a = " + " + ".join(["1"] * 100_000) + "\n")
    answer = measured("check", path)
    assert (answer.code, answer.err) == (0, "")
    assert answer.memory < MEMORY


@pytest.mark.slow
def test_s12_a_hundred_thousand_terms_that_are_tensors_are_legal(tmp_path: Path) -> None:
    path = tmp_path / "sum.net"
    path.write_text(net(" + ".join(["x"] * 100_000)))
    answer = measured("check", path)
    assert (answer.code, answer.err) == (0, "")
    assert answer.seconds < 20
    assert answer.memory < MEMORY


@pytest.mark.slow
def test_s13_a_program_of_a_hundred_thousand_lines_is_legal(tmp_path: Path) -> None:
    path = tmp_path / "long.net"
    lines = "".join(f"  h{i} = relu(h{i - 1})\n" for i in range(1, 100_000))
    path.write_text(
        f"net A(x: f32[N, 8]) -> y: f32[N, 8] {{\n  h0 = relu(x)\n{lines}  y = h99999\n}}\n"
    )
    answer = measured("check", path)
    assert answer.code == 0, answer.text
    assert answer.seconds < 20


def test_s13_more_than_four_megabytes_are_rejected(tmp_path: Path) -> None:
    rejected(GOOD + "#" * (4 * 2**20), "file-too-large", folder=tmp_path)


def test_s14_a_line_of_three_megabytes_is_shown_in_part(tmp_path: Path) -> None:
    path = tmp_path / "wide.net"
    path.write_text(net("x + nothing_here" + " " * 3_000_000 + "+ x"))
    answer = measured("check", path)
    keeps_the_contract(answer)
    assert answer.rules[0] == "unknown-name"
    assert max(map(len, answer.text.splitlines())) <= 140 + len(str(path))
    assert answer.seconds < SECONDS
    assert answer.memory < MEMORY


@pytest.mark.parametrize("word", ["net", "for", "if", "true", "none", "scan", "new", "in"])
def test_s15_a_word_of_the_language_is_not_a_name(word: str, tmp_path: Path) -> None:
    text = net("x").replace("y = x", f"{word} = x\n  y = x")
    rejected(
        text, "reserved-word", "missing-name", "unexpected-token", "missing-operand",
        "missing-parameters", "misplaced-definition", "bare-expression", "foreign-keyword",
        "missing-dimensions", "nested-definition",
        folder=tmp_path,
    )  # fmt: skip


def test_s15_two_nets_of_one_name_show_both_places(tmp_path: Path) -> None:
    answer = rejected(GOOD + GOOD, "already-defined", folder=tmp_path, line=4)
    assert "first defined here" in answer.text


def test_s15_two_statements_on_a_line_are_distinguished(tmp_path: Path) -> None:
    rejected("net A(x: f32[N, 4]) -> y {\n  a = x y = a\n}\n", "two-statements", folder=tmp_path)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a PNG image"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "a JPEG image"),
        (b"\x08\x08\x12\x07pytorch" + bytes(20), "an ONNX model"),
        (b"PK\x03\x04" + bytes(50), "a zip archive"),
        (b"\x93NUMPY\x01\x00" + bytes(50), "a NumPy array"),
        (b"\x80\x04\x95" + bytes(50), "a Python pickle"),
        (b"\x1f\x8b\x08" + bytes(50), "gzip"),
        (b"\x7fELF" + bytes(50), "an executable"),
        (b"%PDF-1.7" + bytes(50), "a PDF"),
        (b"\x89HDF\r\n\x1a\n" + bytes(50), "an HDF5 file"),
        ((40).to_bytes(8, "little") + b'{"a":{}}', "a safetensors file"),
    ],
)
def test_s16_another_format_is_named(data: bytes, said: str, tmp_path: Path) -> None:
    assert said in rejected(data, "not-text", folder=tmp_path).text


@pytest.mark.parametrize("seed", range(20))
def test_s16_ten_thousand_random_bytes_are_not_program(seed: int, tmp_path: Path) -> None:
    rejected(random.Random(seed).randbytes(10_000), "not-text", folder=tmp_path)
