"""Formats of tables and images: several files, gzip, encodings, JSON Lines.

Tests ``netlang.data.sources.json_lines``, ``netlang.data.tables.text_files`` and
``netlang.system.files``.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from datasets import source_of
from PIL import Image

from netlang.data.source import Source
from netlang.diagnostics.errors import NetlangError

EVERYTHING = slice(None)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def opened(columns: str, fields: str, trained: Source | None = None) -> Source:
    fitted = None if trained is None else trained.fitted()
    declared = f"dataset rows -> ({columns}) {{ {fields} }}"
    return source_of(Path.cwd(), "rows()", declared, fitted=fitted)


def rejected(columns: str, fields: str) -> str:
    with pytest.raises(NetlangError) as caught:
        opened(columns, fields)
    error = caught.value
    lines = [error.message, *error.notes, *error.helps]
    return "\n".join(lines).replace(f"{Path.cwd()}/", "")


# ---- several files, gzip, tabs, encodings --------------------------------------------------


@pytest.mark.parametrize("given", ['"t/*.csv"', '["t/a.csv", "t/b.csv"]', '["t/a*", "t/b.csv"]'])
def test_several_files_are_one_dataset(given: str) -> None:
    Path("t").mkdir()
    Path("t/a.csv").write_text("x,kind,z\n1,old,7\n,new,8\n")
    Path("t/b.csv").write_text("kind,x\nolder,5\n")  # by name, in any order
    source = opened("x: f32[], kind: i64[]", f'csv = {given}\nx = column("x", fill=mean)')
    rows = source.examples(EVERYTHING)
    assert rows["x"].tolist() == [1, 3, 5]
    assert rows["kind"].tolist() == [1, 0, 2]
    Path("t/b.csv").write_text("kind,x\nolder,five\n")
    told = rejected("x: f32[], kind: i64[]", f'csv = {given}\nx = column("x", fill=mean)')
    assert told == "t/b.csv:2:2: `five` is not a number in the column `x`"


def test_a_row_of_separators_is_missing_values_but_at_the_end() -> None:
    Path("t.csv").write_text("a,b\n1,2\n,\n\n5,6\n,\n,\n", "utf-8")
    filled = opened("x: f32[2]", 'csv = "t.csv"\n  x = columns(["a", "b"], fill=0.0)')
    assert filled.examples(slice(0, len(filled)))["x"].tolist() == [[1, 2], [0, 0], [5, 6]]
    message = rejected("x: f32[2]", 'csv = "t.csv"\n  x = columns(["a", "b"])')
    assert "t.csv:3:1" in message


def test_a_pattern_without_a_file_is_reported() -> None:
    Path("t").mkdir()
    assert rejected("x: f32[]", 'csv = "t/*.tsv"') == (
        "no file is named like `t/*.tsv`\nlooked for in t\n"
        "`*` matches any part of a name, `**` any folders"
    )
    assert rejected("x: f32[]", 'csv = "u/*.tsv"').startswith("there is no `u`")
    with pytest.raises(NetlangError) as caught:
        opened("x: f32[]", 'csv = "../*/x.csv"')
    assert caught.value.rule.code in ("data-path", "data-missing")


def test_files_disagree_about_names_and_numbers() -> None:
    Path("a.csv").write_text("y,z\nold,1\n")
    Path("b.csv").write_text("y,z\n3,1\n")
    assert rejected("y: i64[]", 'csv = ["a.csv", "b.csv"]') == (
        "`y` has names in a.csv, and numbers in b.csv\n"
        'read both as categories: `y = column("y") |> categories`'
    )


@pytest.mark.parametrize("name", ["t.csv.gz", "t.tsv", "t.tsv.gz", "t.csv"])
def test_tables_may_have_tabs_and_be_gzipped(name: str) -> None:
    text = "A b,c\n1,2\n3,4\n".replace(",", "\t" if ".tsv" in name else ",").encode()
    Path(name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    rows = opened("x: f32[2]", f'csv = "{name}"\nx = columns(["A b", "c"])')
    assert rows.examples(EVERYTHING)["x"].tolist() == [[1, 2], [3, 4]]


def test_a_damaged_or_huge_archive_is_reported() -> None:
    packed = gzip.compress(b"x,y\n" + b"1,2\n" * 1000)
    Path("t.csv.gz").write_bytes(packed[:-9])
    assert rejected("x: f32[]", 'csv = "t.csv.gz"') == (
        "t.csv.gz is damaged: its end, with the checksum, is cut off"
    )
    Path("t.csv.gz").write_bytes(gzip.compress(b"x,y\n" + b"1,2\n" * (1 << 25)))
    assert "t.csv.gz would unpack to more than" in rejected("x: f32[]", 'csv = "t.csv.gz"')


def test_an_encoding_is_declared() -> None:
    Path("t.csv").write_bytes("Größe,x\n1,2\n".encode("cp1252"))
    field = 'csv = "t.csv"\nx = column("Größe")'
    assert rejected("x: f32[]", field) == (
        "t.csv:1: byte 2 is not valid UTF-8\nsave it as UTF-8\n"
        'or declare its encoding in the dataset: `encoding = "cp1252"`'
    )
    source = opened("x: f32[]", f'{field}\nencoding = "cp1252"')
    assert source.examples(EVERYTHING)["x"].tolist() == [1]
    assert rejected("x: f32[]", f'{field}\nencoding = "cp1251x"') == (
        "`cp1251x` is not an encoding of texts\n"
        'such as `encoding = "cp1252"`, `"latin-1"` or `"utf-16"`'
    )
    Path("t.csv").write_bytes("Größe,x\n1,2\n".encode("utf-16"))
    assert 'encoding = "utf-16"`' in rejected("x: f32[]", field)
    source = opened("x: f32[]", f'{field}\nencoding = "utf-16"')
    assert source.examples(EVERYTHING)["x"].tolist() == [1]


# ---- JSON Lines ----------------------------------------------------------------------------

ROWS = [
    {"x y": [1, 2.5], "tokens": [3, 1], "kind": "b", "ok": True, "area": 3, "text": "so so"},
    {"x y": [0, 1], "tokens": [], "kind": "a", "ok": False, "area": None, "text": "good"},
    {"x y": [4, 1], "tokens": [5, 6, 7], "kind": "b", "ok": True, "area": 5.0, "text": "so bad"},
]


def save_lines(rows: list[dict[str, object]], name: str = "t.jsonl") -> None:
    text = "\n".join(map(json.dumps, rows)).encode()
    Path(name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)


@pytest.mark.parametrize("name", ["t.jsonl", "t.jsonl.gz"])
def test_json_lines_have_values_and_ragged_lists(name: str) -> None:
    save_lines(ROWS, name)
    source = opened(
        "x: f32[2], tokens: i64[T], kind: i64[], ok: bool[], area: f32[1]",
        f'''jsonl = "{name}"
        x = column("x y")
        area = column("area", fill=mean) |> normalize''',
    )
    rows = source.examples(EVERYTHING)
    assert rows["x"].tolist() == [[1, 2.5], [0, 1], [4, 1]]
    assert rows["tokens"].tolist() == [[3, 1, 0], [0, 0, 0], [5, 6, 7]]
    assert rows["kind"].tolist() == [1, 0, 1]
    assert rows["ok"].tolist() == [True, False, True]
    assert rows["area"].ravel() == pytest.approx([-1.2247449, 0, 1.2247449])
    assert source.names["kind"] == ("a", "b")
    assert source.fitted().columns["area"].fill == (4,)


def test_json_lines_have_texts_and_categories() -> None:
    save_lines(ROWS)
    fields = """jsonl = "t.jsonl"
    text, length = column("text") |> words(vocab=4)
    kind = column("kind") |> categories(order=["b", "a"])"""
    source = opened("text: i64[T], length: i64[], kind: i64[]", fields)
    rows = source.examples(EVERYTHING)
    assert rows["text"].tolist() == [[2, 2], [3, 0], [2, 1]] or source.names["text"][2] == "so"
    assert rows["length"].tolist() == [2, 1, 2]
    assert rows["kind"].tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('{"x": 1}\n{"y": 2}', "t.jsonl:2: there is no `x`\nit has `y`"),
        ('{"x": 1}\n\n{"x": null}', "t.jsonl:3: `x` is null\n"),
        ('{"x": 1}\n{"x": "two"}', 't.jsonl:2: `x` is `"two"`, and is declared f32[]'),
        ('{"x": [1, 2]}', "t.jsonl:1: `x` has the shape (2,), and is declared f32[]"),
        ('{"x": [[1], [2, 3]]}', "t.jsonl:1: the lists of `x` differ in length"),
        ('{"x": 1', "t.jsonl:1: this line is not JSON: "),
        ("[1, 2]", "t.jsonl:1: `[1, 2]` is not an object\n"),
        ("", "t.jsonl is empty"),
    ],
)
def test_what_is_not_json_lines_is_reported(lines: str, told: str) -> None:
    Path("t.jsonl").write_text(lines)
    assert rejected("x: f32[]", 'jsonl = "t.jsonl"').startswith(told)


# ---- images --------------------------------------------------------------------------------


def test_images_may_be_in_other_formats() -> None:
    Path("photos/a").mkdir(parents=True)
    for i, suffix in enumerate(("png", "bmp", "tif", "tiff", "webp", "jpg")):
        # WebP loses colors otherwise; the others do not know the option.
        Image.new("RGB", (4, 4), (255, 0, 0)).save(f"photos/a/{i}.{suffix}", lossless=True)
    source = source_of(Path.cwd(), 'image_folder("photos", size=4)')
    images = source.examples(EVERYTHING)["image"]
    assert images.shape == (6, 3, 4, 4)
    np.testing.assert_allclose(images[:, 0], 1, atol=0.01)
    assert images[:, 1:].max() < 0.01
