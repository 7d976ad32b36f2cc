"""Bad data get a message that says where, soon and without using much.

Tests ``netlang.data``.
"""

from __future__ import annotations

import gzip
import os
import shutil
import struct
import time
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import batches_of, source_of, write_idx
from PIL import Image

from netlang.data.columns import check_classes
from netlang.data.source import Source
from netlang.diagnostics.errors import NetlangError

EVERYTHING = slice(None)
HOUSES = 'dataset houses -> (x: f32[2], y: i64[]) {{ {} = "{}" }}'


@pytest.fixture(autouse=True)
def _no_data_but_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("NETLANG_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


def houses(folder: Path, kind: str, name: str) -> Source:
    return source_of(folder, "houses()", HOUSES.format(kind, name))


def rejected(folder: Path, kind: str, name: str) -> NetlangError:
    with pytest.raises(NetlangError) as caught:
        houses(folder, kind, name)
    return caught.value


# ---- D1, D2: tables ----------------------------------------------------------------------

TABLES = {
    "ragged": (b"1,2,3\n4,5\n6,7,8\n", ":2:2: 2 values, and the first line has 3"),
    "too wide": (b"1,2,3\n4,5,6,7\n", ":2:4: 4 values, and the first line has 3"),
    "empty": (b"", " is empty"),
    "blank": (b"\n\n  \n", " is empty"),
    "header only": (b"a,b,c\n", " has a line of names and no examples"),
    "text": (b"a,b,c\n1,2,3\n1,two,3\n", ":3:2: `two` is not a number in the column `b`"),
    "gap": (b"a,b,c\n1,,3\n", ":2:2: nothing is not a number in the column `b`"),
    "long field": (
        b"1," + b"7" * 200_000 + b",3\n",
        ":1: field larger than field limit (131072)",
    ),
    "longish field": (
        b"1," + b"7" * 5_000 + b",3\n",
        ":1:2: a value of 5,000 characters; 4,096 are the most",
    ),
    "open quote": (b'1,2,3\n"4,5,6\n', ":2: unexpected end of data"),
    "NUL": (b"1,2,3\n4,\x005,6\n", ":2: a NUL byte, which no text has"),
    "UTF-16": ("1,2,3\n".encode("utf-16"), " is UTF-16 text"),
    "latin-1": (b"a,b,c\n1,2,3 \xe9\n", ":2: byte 12 is not valid UTF-8"),
    "nan": (b"1,nan,3\n", ":1:2: `nan` is not a number"),
    "inf": (b"1,2,3\n1,-inf,3\n", ":2:2: `-inf` is not a number"),
    "1e999": (b"1,1e999,3\n", ":1:2: `1e999` is outside of what f32 holds"),
    "1e39": (b"1,1e39,3\n", ":1:2: `1e39` is outside of what f32 holds"),
    "-1e39": (b"1,-1e39,3\n", ":1:2: `-1e39` is outside of what f32 holds"),
    "hexadecimal": (b"1,0x10,3\n", ":1:2: `0x10` is not a number"),
    "underscore": (b"1,1_000,3\n", ":1:2: `1_000` is not a number"),
    "comma": (b'1,"1,5",3\n', ":1:2: `1,5` has a comma: the decimal separator is a point"),
    "other digits": ("1,٣,3\n".encode(), ":1:2: `٣` is not a number"),
    "fraction": (b"1,2,3\n1,2,1.5\n", ":2:3: `1.5` is not an integer"),
    "too large": (
        b"1,2,9223372036854775808\n",
        ":1:3: `9223372036854775808` is outside of what i64 holds",
    ),
    "semicolons": (
        b"1;2;3\n",
        ' has no "," in its first line, which should separate its values',
    ),
    "one value": (b"1\n2\n", " has 1 value in a line, and the columns take 3"),
    "no vector": (
        b"x,z,y\n1,2,3\n",
        ":1: `x` is f32[2], and there are no 2 columns of that name",
    ),
    "renamed": (
        b"x.0,x.1,yy\n1,2,3\n",
        ":1: no column is named `y`, which the dataset declares as i64[]",
    ),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_bad_table_is_reported_by_line_and_column(tmp_path: Path, case: str) -> None:
    data, message = TABLES[case]
    path = tmp_path / "houses.csv"
    path.write_bytes(data)
    fault = rejected(tmp_path, "csv", "houses.csv")
    assert fault.message.startswith(f"{path}{message}")
    assert (fault.rule.code, fault.exit_code) == ("bad-file", 1)


@pytest.mark.parametrize(
    ("separator", "shown"), [(";", ";"), ("\t", "\\t"), ("|", "|"), (" ", " ")]
)
def test_the_separator_of_a_table_is_reported(tmp_path: Path, separator: str, shown: str) -> None:
    (tmp_path / "houses.csv").write_text(separator.join(["x1", "x2", "y"]) + "\n")
    fault = rejected(tmp_path, "csv", "houses.csv")
    assert fault.helps == (f'give the dataset the field `separator = "{shown}"`',)


def test_the_names_of_a_vector_are_reported(tmp_path: Path) -> None:
    (tmp_path / "houses.csv").write_text("x,z,y\n1,2,3\n")
    fault = rejected(tmp_path, "csv", "houses.csv")
    assert fault.notes == ("the columns are: x, z, y",)
    assert fault.helps == ("call them `x1` to `x2`, or `x_0` to `x_1`",)


def test_all_errors_of_a_table_are_reported_up_to_twenty(tmp_path: Path) -> None:
    (tmp_path / "houses.csv").write_text("1,2,3\n" + "1,x,y\n" * 30)
    fault = rejected(tmp_path, "csv", "houses.csv")
    assert fault.message.endswith("houses.csv:2:2: `x` is not a number")
    assert fault.notes[0].endswith("houses.csv:2:3: `y` is not an integer")
    assert len(fault.notes) == 20
    assert fault.notes[-1] == "and 40 more"


# ---- D3: labels --------------------------------------------------------------------------


@pytest.mark.parametrize(("labels", "message"), [
    ([0, 1, -1, 7], "`y` of {} is -1 in example 2, counted from 0, and the 3 classes are 0 to 2"),
    ([0, 1, 3], "`y` of {} is 3 in example 2, counted from 0, and the 3 classes are 0 to 2"),
])  # fmt: skip
def test_a_label_outside_of_the_classes_is_reported_by_example(
    tmp_path: Path, labels: list[int], message: str
) -> None:
    path = tmp_path / "houses.npz"
    np.savez(path, x=np.zeros((len(labels), 2)), y=np.array(labels))
    with pytest.raises(NetlangError) as caught:
        check_classes(houses(tmp_path, "npz", "houses.npz"), "y", 3)
    assert caught.value.message == message.format(path)


def test_a_label_that_is_not_an_integer_is_reported(tmp_path: Path) -> None:
    np.savez(tmp_path / "houses.npz", x=np.zeros((3, 2)), y=np.array([0, 1.5, 2]))
    fault = rejected(tmp_path, "npz", "houses.npz")
    assert "is f64[3], and the dataset declares examples of i64[]" in fault.message
    assert fault.notes == ("value 1 is 1.5, counted from 0",)
    assert fault.helps == ('save it as such: `x.astype("int64")`',)


def test_labels_of_a_collection_are_checked_when_it_is_opened(tmp_path: Path) -> None:
    folder = tmp_path / "data/mnist"
    folder.mkdir(parents=True)
    write_idx(folder / "train-images-idx3-ubyte", np.zeros((3, 28, 28), np.uint8))
    write_idx(folder / "train-labels-idx1-ubyte", np.array([1, 10, 2], np.uint8))
    with pytest.raises(NetlangError, match=r"is 10 in example 1.*the 10 classes are 0 to 9"):
        source_of(tmp_path, 'mnist("train")')


# ---- D4: idx files -----------------------------------------------------------------------


def idx(*sizes: int, type: int = 8, body: bytes = b"") -> bytes:
    return struct.pack(f">BBBB{len(sizes)}I", 0, 0, type, len(sizes), *sizes) + body


IDX = {
    "empty": (b"", "is not an idx file: it begins with nothing"),
    "png": (b"\x89PNG\r\n\x1a\n", "is not an idx file: it begins with 89 50 4e 47"),
    "magic": (idx(3, type=7, body=bytes(3)), "is not an idx file: it begins with 00 00 07 01"),
    "no axes": (idx(), "is not an idx file: it begins with 00 00 08 00"),
    "cut header": (idx(3, 3)[:9], "is not an idx file: it begins with 00 00 08 02"),
    "short": (
        idx(1_000_000, 28, 28, body=bytes(784)),
        "its header claims 784,000,000 bytes of data, and 784 follow",
    ),
    "overflow": (
        idx(*[2**32 - 1] * 4, body=bytes(9)),
        f"its header claims {(2**32 - 1) ** 4:,} bytes of data, and 9 follow",
    ),
    "long": (idx(3, body=bytes(4)), "its header claims 3 bytes of data, and more follow"),
    "packed short": (gzip.compress(idx(9, body=bytes(3))), "9 bytes of data, and 3 follow"),
    "packed long": (gzip.compress(idx(9, body=bytes(30))), "9 bytes of data, and more follow"),
    "packed cut": (gzip.compress(idx(9, body=os.urandom(9)))[:-12], "bytes of data, and"),
    "packed and damaged": (
        b"\x1f\x8b\x08\x00" + bytes(6) + b"\xff" * 30,
        "is damaged: Error -3 while decompressing data",
    ),
    "bad sum": (
        gzip.compress(idx(3, body=b"abc"))[:-8] + bytes(8),
        "is damaged: Error -3 while decompressing data: incorrect data check",
    ),
    "no rows": (idx(0), "has no examples"),
}


@pytest.mark.parametrize("case", IDX)
def test_a_bad_idx_file_is_reported(tmp_path: Path, case: str) -> None:
    data, message = IDX[case]
    (tmp_path / "x.idx").write_bytes(data)
    declared = 'dataset d -> (x: f32[]) { idx = "x.idx" }'
    with pytest.raises(NetlangError) as caught:
        source_of(tmp_path, "d()", declared)
    assert message in caught.value.message
    assert str(tmp_path / "x.idx") in caught.value.message


def test_a_bomb_is_neither_unpacked_nor_believed(tmp_path: Path) -> None:
    honest = gzip.compress(idx(1 << 28, body=bytes(1 << 28)))
    (tmp_path / "x.idx").write_bytes(gzip.compress(idx(10, body=bytes(1 << 28))))
    declared = 'dataset d -> (x: f32[]) { idx = "x.idx" }'
    tracemalloc.start()
    with pytest.raises(NetlangError, match="10 bytes of data, and more follow"):
        source_of(tmp_path, "d()", declared)
    (tmp_path / "x.idx").write_bytes(honest)
    with pytest.raises(NetlangError) as caught:
        source_of(tmp_path, "d()", declared)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.rule.code == "too-large"
    assert "claims to unpack to 268,435,456" in caught.value.message
    assert peak < 1 << 24


# ---- D5: images --------------------------------------------------------------------------


def png(width: int, height: int) -> bytes:
    """Write the head of an image that would be huge."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + chunk(b"IDAT", zlib.compress(bytes(100)))
        + chunk(b"IEND", b"")
    )


def picture(folder: Path, name: str = "a.png") -> Path:
    path = folder / "pets/cat" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def images(folder: Path) -> np.ndarray:
    return source_of(folder, 'image_folder("pets", size=4)').examples(EVERYTHING)["image"]


PICTURES = {
    "100,000 x 100,000": (png(100_000, 100_000), "too-large", "pixels"),
    "10,000 x 10,000": (png(10_000, 10_000), "too-large", "has 10,000 x 10,000 pixels"),
    "truncated": (png(64, 64), "bad-file", "is a damaged image"),
    "text": (
        b"not a picture at all\n" * 9,
        "bad-file",
        "is not a PNG, JPEG, WebP, BMP or TIFF image",
    ),
    "empty": (b"", "bad-file", "is not a PNG, JPEG, WebP, BMP or TIFF image"),
}


@pytest.mark.parametrize("case", PICTURES)
def test_a_bad_image_is_rejected_before_it_is_decoded(tmp_path: Path, case: str) -> None:
    data, rule, message = PICTURES[case]
    path = picture(tmp_path)
    path.write_bytes(data)
    begun = time.perf_counter()
    with pytest.raises(NetlangError) as caught:
        images(tmp_path)
    assert time.perf_counter() - begun < 2
    assert caught.value.rule.code == rule
    assert str(path) in caught.value.message
    assert message in caught.value.message


def test_deep_and_printed_images_are_read_and_films_are_not(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), 65535, np.uint16)).save(picture(tmp_path, "deep.png"))
    Image.new("CMYK", (4, 4), (0, 0, 0, 0)).save(picture(tmp_path, "printed.jpg"))
    Image.new("P", (4, 4)).save(picture(tmp_path, "palette.png"))
    assert images(tmp_path).round(2).mean(axis=(1, 2, 3)).tolist() == [1, 0, 1]
    frames = [Image.new("L", (4, 4), i) for i in (0, 200)]
    frames[0].save(picture(tmp_path, "film.png"), save_all=True, append_images=frames[1:])
    with pytest.raises(NetlangError, match="holds 2 images"):
        images(tmp_path)


def test_a_folder_without_images_is_reported(tmp_path: Path) -> None:
    picture(tmp_path, "notes.txt").touch()
    with pytest.raises(NetlangError, match=r"pets/cat holds no images"):
        images(tmp_path)


# ---- D6, W1-W6: arrays -------------------------------------------------------------------


@pytest.mark.parametrize(("arrays", "message"), [
    ({"x": np.zeros((3, 2))}, "has no column `y`, which the dataset declares as i64[]"),
    ({"x": np.zeros((3, 2)), "y": np.zeros(2, int)},
     "differ in their number of examples: `x` has 3, `y` has 2"),
    ({"x": np.zeros((0, 2)), "y": np.zeros(0, int)}, "has no examples"),
    ({"x": np.zeros((3, 5)), "y": np.zeros(3, int)},
     "`x` of {} is f64[3, 5], and the dataset declares examples of f32[2]"),
    ({"x": np.array(1.0), "y": np.zeros(3, int)}, "`x` of {} is f64[], a single number"),
    ({"x": np.array([[0, 1], [0, np.nan]]), "y": np.zeros(2, int)},
     "`x` of {} holds nan in example 1, counted from 0"),
    ({"x": np.array([[0, 1], [1e300, 0]]), "y": np.zeros(2, int)},
     "`x` of {} holds 1e+300 in example 1, counted from 0, which is more than f32 holds"),
    ({"x": np.zeros((3, 2), bool), "y": np.zeros(3, int)}, "`x` of {} is bool[3, 2]"),
    ({"x": np.full((3, 2), "a"), "y": np.zeros(3, int)}, "`x` of {} is str32[3, 2]"),
    ({"x": np.zeros((3, 2)), "y": np.array(["a", "", "c"])},
     "`y` of {} has no class in example 1, counted from 0"),
])  # fmt: skip
def test_arrays_that_are_not_the_columns_are_reported(
    tmp_path: Path, arrays: dict[str, Any], message: str
) -> None:
    path = tmp_path / "houses.npz"
    np.savez(path, **arrays)
    assert message.format(path) in rejected(tmp_path, "npz", "houses.npz").message


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "houses.npz", x=np.array([{}, []], object), y=np.zeros(2, int))
    assert "holds Python objects" in rejected(tmp_path, "npz", "houses.npz").message


def test_other_kinds_of_files_are_not_read(tmp_path: Path) -> None:
    shutil.make_archive(str(tmp_path / "houses"), "zip", tmp_path)
    (tmp_path / "houses.zip").rename(tmp_path / "houses.npz")
    assert rejected(tmp_path, "npz", "houses.npz").rule.code == "bad-file"


# ---- D9: few examples --------------------------------------------------------------------


def test_one_example_is_a_batch_of_one(tmp_path: Path) -> None:
    (tmp_path / "houses.csv").write_text("1,2,3\n")
    batches = batches_of(tmp_path, "houses() |> batches(10)", HOUSES.format("csv", "houses.csv"))
    assert [b["x"].tolist() for b in batches.epoch(0)] == [[[1, 2]]]


# ---- D10: files that change --------------------------------------------------------------


def folder_of_pictures(folder: Path) -> None:
    for i in range(8):
        Image.new("L", (4, 4), i).save(picture(folder, f"{i}.png"))


@pytest.mark.parametrize("change", ["replaced", "gone"])
@pytest.mark.parametrize("when", ["between", "during"])
def test_images_that_change_end_the_run(tmp_path: Path, change: str, when: str) -> None:
    folder_of_pictures(tmp_path)
    batches = batches_of(tmp_path, 'image_folder("pets", size=4) |> batches(2)')
    stream = batches.epoch(0, ahead=0)
    next(stream)
    last = picture(tmp_path, "7.png")
    last.unlink()
    if change == "replaced":
        Image.new("L", (5, 5)).save(last)
    with pytest.raises(NetlangError) as caught:
        if when == "during":
            list(stream)
        else:
            batches.epoch(1)
    assert caught.value.exit_code == 3
    assert caught.value.rule.code == {"replaced": "data-changed", "gone": "cannot-read"}[change]
    assert str(last) in caught.value.message


def test_examples_in_memory_are_not_hurt_by_a_file_that_changes(tmp_path: Path) -> None:
    (tmp_path / "houses.csv").write_text("1,2,3\n4,5,6\n")
    batches = batches_of(tmp_path, "houses() |> batches(2)", HOUSES.format("csv", "houses.csv"))
    (tmp_path / "houses.csv").unlink()
    assert next(batches.epoch(1))["y"].tolist() == [3, 6]


# ---- D11: texts --------------------------------------------------------------------------


@pytest.mark.parametrize(("data", "message"), [
    (b"ab\ncd\xff\n", ":2: byte 5 is not valid UTF-8"),
    (b"ab\0cd", ":1: a NUL byte, which no text has"),
    ("ab".encode("utf-16"), " is UTF-16 text"),
    (b"", " is empty"),
    (b"abcdefg", " has 7 characters, too few for windows of 4"),
])  # fmt: skip
def test_a_bad_text_is_reported(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(data)
    with pytest.raises(NetlangError) as caught:
        source_of(tmp_path, 'char_windows("t.txt", length=4)')
    assert caught.value.message == f"{path}{message}"


def test_more_characters_than_the_net_has_are_reported(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("abcdefghijklmnop")
    source = source_of(tmp_path, 'char_windows("t.txt", length=4)')
    with pytest.raises(
        NetlangError, match="has 16 different values, and there are 10 classes"
    ) as caught:
        check_classes(source, "tokens", 10)
    assert caught.value.helps == ("give the net 16",)


def test_a_character_that_another_text_has_not_is_reported(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("abcdefghijkl")
    (tmp_path / "v.txt").write_text("abcdfghijkl")
    with pytest.raises(NetlangError, match=r"has 'e' at character 4, which .*v.txt has not"):
        source_of(tmp_path, 'char_windows("t.txt", length=4, vocabulary="v.txt")')


def test_a_line_without_a_translation_is_reported(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("Go.\tVa !\nStop.\n")
    with pytest.raises(NetlangError, match=r"p.txt:2: no tab stands between"):
        source_of(tmp_path, 'sentence_pairs("p.txt", vocab=20)')


# ---- P: paths ----------------------------------------------------------------------------

PATHS = ["/etc/passwd", "~/x.csv", "file:///etc/passwd", "http://a.b/x.csv", "C:/x.csv", "a\\b", ""]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_starts_elsewhere_is_rejected(tmp_path: Path, path: str) -> None:
    assert rejected(tmp_path, "csv", path.replace("\\", "\\\\")).rule.code == "data-path"


def test_no_way_leads_out_of_the_folders_of_a_program(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("1,2,3\n")
    own = tmp_path / "nets/own"
    own.mkdir(parents=True)
    (own / "link.csv").symlink_to(tmp_path / "secret.csv")
    os.chdir(own)
    for path in ("../../secret.csv", "link.csv"):
        fault = rejected(own, "csv", path)
        assert fault.rule.code == "data-path"
        assert fault.message.endswith("leads out of the program's folders")
    (own / "pets").mkdir()
    (own / "pets/cat").symlink_to(tmp_path)
    with pytest.raises(NetlangError) as caught:
        source_of(own, 'image_folder("pets/cat", size=4)')
    assert caught.value.rule.code == "data-path"
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    with pytest.raises(NetlangError) as caught:
        source_of(own, 'image_folder("pets", size=4)')
    assert caught.value.rule.code == "data-path"


def test_what_is_not_a_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()
    for name in ("pipe.csv", "folder.csv"):
        assert rejected(tmp_path, "csv", name).message.endswith("is not a regular file")
    fault = rejected(tmp_path, "csv", "nothing.csv")
    assert (fault.rule.code, fault.exit_code) == ("data-missing", 3)
    assert rejected(tmp_path, "csv", "x" * 5000).rule.code == "data-path"
