"""Large tables: read in parts, several at once, and kept in files.

Tests ``netlang.data.tables``, ``netlang.data.tables.coded``, ``netlang.data.tables.later`` and
``netlang.data.tables.tokenized``.
"""

from __future__ import annotations

import gzip
import os
import platform
import random
import subprocess
import sys
from pathlib import Path
from typing import Never

import numpy as np
import pytest
from datasets import source_of

import netlang
from netlang.data.source import Arrays, Source
from netlang.data.sources import tables
from netlang.data.tables import cache, large, reading
from netlang.data.tables.numbers import MARGIN, Fields, floats, integers
from netlang.diagnostics.errors import NetlangError
from netlang.system.watching import WATCHER

COLUMNS = "x: f32[2], kind: i64[], y: f32[]"
READ = """
x = columns(["a", "b c"], fill=mean) |> normalize
kind = column("Kind") |> categories
y = column("y")
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def in_parts(
    monkeypatch: pytest.MonkeyPatch, *, cached: bool = False, chunk: int = 1 << 10
) -> None:
    """Read small tables as large ones are read."""
    monkeypatch.setattr(large, "SMALLEST", 0)
    monkeypatch.setattr(large, "SMALLEST_CACHED", 0 if cached else 1 << 40)
    monkeypatch.setattr(reading, "_CHUNK", chunk)


def table(rows: int = 500) -> str:
    """Return a table with gaps, categories in quotes and numbers in many notations."""
    rng = random.Random(0)
    lines = ["id,a,b c,Kind,y"]
    for i in range(rows):
        a = rng.choice(["", "NA", f"{rng.gauss(0, 9):.4f}", f" {rng.gauss(0, 1)!r} "])
        b = rng.choice([f"{rng.gauss(0, 1e-7):e}", str(rng.randrange(10**6)), "-.5", "+7."])
        kind = rng.choice(['"one, or two"', "zwölf", "b"])
        lines.append(f"{i},{a},{b},{kind},{rng.random()!r}")
    return "\n".join([*lines, ""])


def opened(
    text: str = "", columns: str = COLUMNS, fields: str = READ, trained: Source | None = None
) -> Source:
    Path("t.csv").write_text(text or table(), newline="")
    declared = f'dataset rows -> ({columns}) {{ csv = "t.csv"\n{fields} }}'
    fitted = None if trained is None else trained.fitted()
    return source_of(Path.cwd(), "rows()", declared, fitted=fitted)


def rejected(text: str, columns: str = COLUMNS, fields: str = READ) -> str:
    with pytest.raises(NetlangError) as caught:
        opened(text, columns, fields)
    error = caught.value
    lines = [error.message, *error.notes, *error.helps]
    return "\n".join(lines).replace(f"{Path.cwd()}/", "")


# ---- numbers -----------------------------------------------------------------------------


def fields_of(texts: list[str]) -> Fields:
    """Return texts as the cells of a line."""
    data = ("0" * MARGIN + ",".join(texts) + ",").encode()
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord(","))
    starts = np.concatenate(([MARGIN], ends[:-1] + 1))
    return Fields(np.frombuffer(bytearray(data), np.uint8), starts, ends)


def notations(count: int) -> list[str]:
    rng = random.Random(1)
    found: list[str] = []
    for _ in range(count):
        digits = "".join(rng.choices("0123456789", k=rng.randint(1, 21)))
        at = rng.randint(0, len(digits))
        found.append(
            rng.choice(["", "-", "+"])
            + rng.choice(
                [digits, f"{digits[:at]}.{digits[at:]}", repr(abs(rng.gauss(0, 1))), f"0.{digits}"]
            )
        )
    return found


@pytest.mark.parametrize("narrow", [False, True])
def test_a_number_is_read_as_python_reads_it_or_left_to_python(narrow: bool) -> None:
    texts = notations(60_000)
    expected = np.array(list(map(float, texts)))
    values, valid = floats(fields_of(texts), narrow=narrow)
    if narrow:
        values, expected = values.astype(np.float32), expected.astype(np.float32)
    assert (values == expected)[valid].all()
    assert valid.mean() > (0.8 if narrow else 0.4)


def test_an_integer_is_read_as_python_reads_it() -> None:
    texts = [text for text in notations(20_000) if "." not in text]
    values, valid = integers(fields_of(texts))
    assert values[valid].tolist() == [int(t) for t, v in zip(texts, valid, strict=True) if v]
    assert valid.mean() > 0.8


@pytest.mark.parametrize(
    "text",
    ["", ".", "-", "+-1", "1.2.3", "1e5", "0x10", "1_0", "nan", "inf", "1/2", "1;", "1 2",
     "12345678.1234.5", "1.12345678901.2", "99999999999999999999999999"],
)  # fmt: skip
def test_another_notation_is_left_to_python(text: str) -> None:
    assert not floats(fields_of([text, "1"]), narrow=True)[1][0]
    assert not integers(fields_of([text, "1"]))[1][0]


# ---- whole tables ------------------------------------------------------------------------


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_table_in_parts_is_the_table(
    monkeypatch: pytest.MonkeyPatch, *, cached: bool, ending: str
) -> None:
    text = table().replace("\n", ending)
    whole = opened(text)
    in_parts(monkeypatch, cached=cached)
    parts = opened(text)
    rows = np.random.default_rng(0).permutation(len(whole))[:99]
    for chosen in (slice(None), slice(3, 400, 7), rows):
        for name, array in whole.examples(chosen).items():
            found = parts.examples(chosen)[name]
            assert (found.dtype, found.shape) == (array.dtype, array.shape)
            np.testing.assert_allclose(found, array, rtol=1e-6, atol=1e-6)
    assert parts.fingerprint() == whole.fingerprint()
    assert parts.column("kind") == whole.column("kind")
    assert parts.column("x").fill == pytest.approx(whole.column("x").fill)
    again = opened(text, trained=whole)
    for name, array in whole.examples(slice(None)).items():
        np.testing.assert_array_equal(again.examples(slice(None))[name], array)


def test_columns_in_files_are_not_read_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    in_parts(monkeypatch, cached=True)
    source = opened()
    assert isinstance(source, Arrays)
    assert isinstance(source.arrays["x"], np.memmap)
    assert isinstance(source.arrays["y"], np.memmap)
    assert source.arrays["kind"].dtype == np.uint8
    assert source.whole("x") is None


@pytest.mark.parametrize("cached", [False, True])
def test_names_of_classes_and_several_files(
    monkeypatch: pytest.MonkeyPatch, *, cached: bool
) -> None:
    Path("a.csv").write_text("x,label\n" + "1.5,cat\n-2,dog\n" * 99)
    Path("b.csv").write_text("label,x\n" + "emu,7\n" * 99)
    declared = 'dataset rows -> (x: f32[], label: i64[]) { csv = ["a.csv", "b.csv"] }'
    whole = source_of(Path.cwd(), "rows()", declared)
    in_parts(monkeypatch, cached=cached)
    parts = source_of(Path.cwd(), "rows()", declared)
    assert list(parts.names["label"]) == ["cat", "dog", "emu"]
    for name, array in whole.examples(slice(None)).items():
        np.testing.assert_array_equal(parts.examples(slice(None))[name], array)
    assert parts.remarks() == whole.remarks()


def test_truth_tabs_and_lines_without_a_header(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("t.tsv").write_text("1\ttrue\t-5\n2\tFalse\t6\n" * 50)
    declared = "dataset rows -> (x: f64[], on: bool[], n: i32[]) { tsv }".replace(
        "tsv", 'csv = "t.tsv"'
    )
    in_parts(monkeypatch, chunk=64)
    found = source_of(Path.cwd(), "rows()", declared).examples(slice(0, 2))
    assert {name: array.tolist() for name, array in found.items()} == {
        "x": [1.0, 2.0], "on": [True, False], "n": [-5, 6]
    }  # fmt: skip


def test_an_error_in_a_large_table_has_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = table().splitlines()
    lines[400] = "399,1,many,b,2"
    in_parts(monkeypatch)
    assert rejected("\n".join(lines)) == ("t.csv:401:3: `many` is not a number in the column `b c`")
    lines[400] = "399,1,2,b"
    assert rejected("\n".join(lines)) == "t.csv:401:4: 4 values, and the first line has 5"
    lines[400] = "399,1,2,,2"
    assert rejected("\n".join(lines)) == (
        "t.csv:401:4: nothing stands where a category should in the column `Kind`\n"
        'fill it in: `column("Kind", fill=…)`'
    )


def test_a_column_of_names_with_a_number_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "x,label\n" + "1,cat\n" * 400 + "1,7\n" * 400
    in_parts(monkeypatch)
    assert rejected(text, "x: f32[], label: i64[]", "").startswith(
        "t.csv:342:2: `cat` is not an integer in the column `label`"
    )
    Path("a.csv").write_text("x,label\n1,cat\n")
    Path("b.csv").write_text("x,label\n1,7\n")
    declared = 'dataset rows -> (x: f32[], label: i64[]) { csv = ["a.csv", "b.csv"] }'
    with pytest.raises(NetlangError) as caught:
        source_of(Path.cwd(), "rows()", declared)
    assert caught.value.message.replace(f"{Path.cwd()}/", "") == (
        "`label` has names in a.csv, and numbers in b.csv"
    )


def test_blank_lines_and_quotes_with_lines_in_them(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "x,label\n" + '1,"a ""b"""\n\n2,"c\nd"\n' * 100
    in_parts(monkeypatch, chunk=100)
    source = opened(
        text, "x: f32[], label: i64[]", 'label = column("label") |> categories\nx = column("x")'
    )
    assert list(source.names["label"]) == ['a "b"', "c\nd"]
    assert source.examples(slice(0, 4))["x"].tolist() == [1, 2, 1, 2]


@pytest.mark.parametrize("chunk", [16, 50, 1000])
@pytest.mark.parametrize("quote", ["", '"'])
def test_lines_without_values_count_wherever_a_part_ends(
    quote: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only those at the end of the file do not: spreadsheets write them."""
    rows = "".join(f"{quote}{i}{quote},{i}\n{',' * (i % 4 > 0)}\n , \n" for i in range(90))
    text = f"x,y\n{rows}{','.center(9)}\n,\n"
    fields = 'x = column("x", fill=0)\ny = column("y", fill=0)'
    whole = opened(text, "x: f32[], y: f32[]", fields)
    in_parts(monkeypatch, chunk=chunk)
    parts = opened(text, "x: f32[], y: f32[]", fields)
    assert len(parts) == len(whole) > 200
    assert parts.gaps("x") == whole.gaps("x")
    every = slice(None)
    np.testing.assert_array_equal(parts.examples(every)["x"], whole.examples(every)["x"])


# ---- the cache ---------------------------------------------------------------------------


def forbid_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("the table is read again")

    monkeypatch.setattr(large, "read_into", fail)


def test_a_table_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    in_parts(monkeypatch, cached=True)
    first = opened()
    forbid_reading(monkeypatch)
    declared = f'dataset rows -> ({COLUMNS}) {{ csv = "t.csv"\n{READ} }}'
    again = source_of(Path.cwd(), "rows()", declared)
    for name, array in first.examples(slice(None)).items():
        np.testing.assert_array_equal(again.examples(slice(None))[name], array)
    assert cache.cache_folder() == Path.cwd() / "cache" / "netlang" / "tables"
    assert len(list(cache.cache_folder().iterdir())) == 1


def test_a_table_that_changed_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    in_parts(monkeypatch, cached=True)
    assert len(opened()) == 500
    assert len(opened(table(501))) == 501
    os.utime("t.csv", (0, 0))
    forbid_reading(monkeypatch)
    with pytest.raises(AssertionError, match="read again"):
        source_of(Path.cwd(), "rows()", f'dataset rows -> ({COLUMNS}) {{ csv = "t.csv"\n{READ} }}')


def test_a_damaged_entry_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    in_parts(monkeypatch, cached=True)
    opened()
    (entry,) = cache.cache_folder().iterdir()
    for damage in ("index.json", "0.values"):
        (entry / damage).write_bytes(b"?")
        assert (
            len(
                source_of(
                    Path.cwd(), "rows()", f'dataset rows -> ({COLUMNS}) {{ csv = "t.csv"\n{READ} }}'
                )
            )
            == 500
        )


def test_entries_of_files_that_are_gone_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    in_parts(monkeypatch, cached=True)
    opened()
    Path("t.csv").rename("u.csv")
    source_of(Path.cwd(), "rows()", f'dataset rows -> ({COLUMNS}) {{ csv = "u.csv"\n{READ} }}')
    assert len(list(cache.cache_folder().iterdir())) == 1


def test_without_a_cache_a_table_is_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    in_parts(monkeypatch, cached=True)
    Path("cache").write_text("a file")
    source = opened()
    assert len(source) == 500
    assert [remark.replace(f"{Path.cwd()}/", "") for remark in source.remarks()] == [
        "t.csv is kept in memory, because cache/netlang/tables cannot be written: not a directory"
    ]


def test_reading_reports_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    in_parts(monkeypatch)
    seen: list[tuple[str, int, int]] = []
    token = WATCHER.set(lambda *args: seen.append(args))
    try:
        opened()
    finally:
        WATCHER.reset(token)
    size = Path("t.csv").stat().st_size
    assert len(seen) > 5
    assert seen[-1] == (str(Path.cwd() / "t.csv"), size, size)


def test_a_net_trains_on_a_table_in_files(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("t.csv").write_text(table())
    program = netlang.loads(
        f"""
dataset rows -> ({COLUMNS}) {{ csv = "t.csv"
{READ} }}
net Line(x: f32[N, 2]) -> y: f32[N] = dense(x, 1) |> squeeze(1)
train line {{
  model = new Line()
  data = rows() |> batches(50, shuffle=true)
  loss = mse(model(batch.x), batch.y)
  optimizer = sgd(0.01)
  run = 2 epochs
}}
""",
        str(Path("line.net")),
    )
    whole = program.train(folder="whole").history[-1].train["loss"]
    in_parts(monkeypatch, cached=True)
    assert program.train(folder="parts").history[-1].train["loss"] == pytest.approx(whole, rel=1e-5)


def test_what_killed_processes_left_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of other machines is not, which may share the folder: their processes are not known."""
    in_parts(monkeypatch, cached=True)
    Path("t.csv").write_text(table(), newline="")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    made: list[Path] = []

    def begin(process: int, host: str = platform.node()) -> Path:
        with monkeypatch.context() as there, pytest.raises(InterruptedError):
            there.setattr(platform, "node", lambda: host)
            there.setattr(os, "getpid", lambda: process)
            cache.Entry([Path("t.csv")], f"{process} {host}").write(stop)
        made[-1].mkdir()
        return made[-1]

    def stop(folder: Path) -> Never:
        made.append(folder)
        raise InterruptedError

    elsewhere = begin(ended.pid, "another.example")
    other, begun = begin(os.getppid()), begin(ended.pid)
    opened()
    assert not begun.exists()
    assert other.exists()
    assert elsewhere.exists()


# ---- gzip and texts ------------------------------------------------------------------------


@pytest.mark.parametrize("cached", [False, True])
def test_a_table_in_gzip_is_read_in_parts(monkeypatch: pytest.MonkeyPatch, *, cached: bool) -> None:
    declared = f'dataset rows -> ({COLUMNS}) {{ csv = "t.csv.gz"\n{READ} }}'
    half = len(table()) // 2
    parts = [gzip.compress(part.encode()) for part in (table()[:half], table()[half:])]
    Path("t.csv.gz").write_bytes(b"".join(parts))
    whole = source_of(Path.cwd(), "rows()", declared).examples(slice(None))
    in_parts(monkeypatch, cached=cached)
    monkeypatch.setattr(tables, "read_text", None)
    source = source_of(Path.cwd(), "rows()", declared)
    for name, array in source.examples(slice(None)).items():
        np.testing.assert_array_equal(array, whole[name])
    Path("t.csv.gz").write_bytes(parts[0] + parts[1][:-20])
    with pytest.raises(NetlangError, match="is damaged: its end, with the checksum, is cut off"):
        source_of(Path.cwd(), "rows()", declared)


TEXTS = """dataset rows -> (text: i64[T], length: i64[], letters: i64[U], y: i64[]) {
  csv = "t.csv"
  text, length = column("text", fill="nothing") |> words(vocab=30, longest=6)
  letters = column("text", fill="nothing") |> characters(lower=true)
  y = column("y") |> categories
}"""


def save_texts(rows: int = 300) -> None:
    rng = random.Random(1)
    words = ["Good", "bad", "it's", "zwölf", "?", *(f"w{i}" for i in range(40))]
    lines = ["text,y"]
    for i in range(rows):
        text = " ".join(rng.choices(words, k=rng.randrange(12))) + ("\n, so" if i % 7 == 0 else "")
        lines.append(f'"{text}",{rng.choice("ab")}')
    Path("t.csv").write_text("\n".join([*lines, ""]), "utf-8")


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("step", ["", " |> part(0..99)", ' |> only(y="a")'])
def test_texts_in_parts_are_those_of_the_whole(
    monkeypatch: pytest.MonkeyPatch, *, cached: bool, step: str
) -> None:
    save_texts()
    whole = source_of(Path.cwd(), f"rows(){step}", TEXTS)
    in_parts(monkeypatch, cached=cached)
    monkeypatch.setattr(tables, "read_text", None)
    for _ in range(2):
        source = source_of(Path.cwd(), f"rows(){step}", TEXTS)
        assert source.names == whole.names
        for chosen in (slice(None), np.array([5, 3, 60])):
            for name, array in source.examples(chosen).items():
                np.testing.assert_array_equal(array, whole.examples(chosen)[name], name)
        if cached:
            forbid_reading(monkeypatch)
    other = source_of(Path.cwd(), "rows() |> part(200..299)", TEXTS, fitted=whole.fitted())
    assert other.names == whole.names
    assert other.examples(slice(None))["text"].max() < 30


def test_a_missing_text_has_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    save_texts()
    text = Path("t.csv").read_text("utf-8")
    Path("t.csv").write_text(f'{text}"",b\n', "utf-8")
    in_parts(monkeypatch)
    with pytest.raises(NetlangError, match=r"t.csv:\d+:1: nothing stands where a text should"):
        source_of(Path.cwd(), "rows()", TEXTS.replace(', fill="nothing"', ""))
