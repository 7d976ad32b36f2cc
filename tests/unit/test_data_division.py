"""Examples that are divided at random, in folds, and by the values of a column.

Tests ``netlang.data.chosen``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from datasets import PROGRAM, source_of
from PIL import Image

import netlang
from netlang.data.chosen import ChosenSource
from netlang.data.source import Source
from netlang.diagnostics.errors import NetlangError
from netlang.program import load

EVERYTHING = slice(None)
ROWS = 'dataset rows -> (x: f32[1], y: i64[]) { csv = "t.csv" }'


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def save(count: int = 100, rare: int = 10) -> None:
    """Write a table in which the first examples are of a rare class."""
    lines = [f"{i},{'rare' if i < rare else 'usual'}" for i in range(count)]
    Path("t.csv").write_text("\n".join(["x,y", *lines]))


def divided(call: str, declared: str = ROWS) -> tuple[Source, Source]:
    """Return both results of a call."""
    first = source_of(Path.cwd(), f"(rows() |> {call}).rows", declared)
    return first, source_of(Path.cwd(), f"(rows() |> {call}).rest", declared)


def numbers(source: Source) -> list[int]:
    return [int(x) for x in source.examples(EVERYTHING)["x"].ravel()]


@pytest.mark.parametrize("fraction", [0.8, 0.29, 0.5, 0.999])
@pytest.mark.parametrize("by", ["", ', by="y"'])
def test_a_split_has_all_examples_once_and_shares_of_each_class(fraction: float, by: str) -> None:
    save()
    rows, rest = divided(f"split({fraction}{by})")
    assert sorted([*numbers(rows), *numbers(rest)]) == list(range(100))
    assert len(rows) == int(100 * fraction + 1e-9)
    assert numbers(rows) == sorted(numbers(rows))
    if by:
        rare = rows.examples(EVERYTHING)["y"].tolist().count(0)
        assert abs(rare - 10 * fraction) < 1
    assert numbers(divided(f"split({fraction}{by})")[0]) == numbers(rows)
    assert numbers(divided(f"split({fraction}{by}, seed=1)")[0]) != numbers(rows) or fraction > 0.9
    assert rows.fingerprint() != rest.fingerprint()


def test_folds_have_each_example_once() -> None:
    save()
    folds = [divided(f'folds(5, {i}, by="y")') for i in range(5)]
    assert sorted(n for _, fold in folds for n in numbers(fold)) == list(range(100))
    for rows, fold in folds:
        assert sorted([*numbers(rows), *numbers(fold)]) == list(range(100))
        assert fold.examples(EVERYTHING)["y"].tolist().count(0) == 2


def test_only_some_values_are_kept_with_their_numbers() -> None:
    Path("t.csv").write_text("x,y\n0,b\n1,a\n2,c\n3,b\n")
    for values in ("[1, 2]", "1..2", '["c", "b"]'):
        source = source_of(Path.cwd(), f"rows() |> only(y={values})", ROWS)
        assert numbers(source) == [0, 2, 3]
        assert source.examples(np.array([2, 0]))["y"].tolist() == [1, 1]
        assert source.names["y"] == ("a", "b", "c")
    with pytest.raises(NetlangError, match="has no class `d`"):
        source_of(Path.cwd(), 'rows() |> only(y="d")', ROWS)
    with pytest.raises(NetlangError, match=r"no example of .* is left, of 4"):
        source_of(Path.cwd(), "rows() |> only(y=7)", ROWS)


AGES = """dataset rows -> (x: f32[1], age: f32[], y: i64[]) {
  csv = "t.csv"
  x = column("x")
  age = column("age", fill=mean) |> normalize
  y = column("y") |> categories
}"""


@pytest.mark.parametrize(
    ("conditions", "kept"),
    [
        ("age >= 18", [1, 2, 3, 4]),
        ("age > 18.0, age <= 40", [2, 3, 4]),
        ("age < 18", [0]),
        ("age == 18", [1]),
        ("age != 18, x < 3", [0, 2]),
        ('y == "b"', [2]),
        ('age > 10, y != "b"', [1, 3, 4]),
        ("y < 1", [0, 3]),
        ('age > 18, y=["a", "b"]', [2, 3]),
        ("x >= 1, x < 0.5 * 6", [1, 2]),
    ],
)
def test_columns_are_compared_before_they_are_normalized(conditions: str, kept: list[int]) -> None:
    Path("t.csv").write_text("x,age,y\n0,5,a\n1,18,c\n2,40,b\n3,30,a\n4,,c\n")
    source = source_of(Path.cwd(), f"rows() |> only({conditions})", AGES)
    assert numbers(source) == kept
    statistics = source.column("age").statistics
    assert statistics is not None
    ages = [[5, 18, 40, 30][i] for i in kept if i < 4]
    if 4 not in kept:
        assert statistics.mean == (pytest.approx(np.mean(ages)),)


def test_other_data_are_compared_by_their_own_values() -> None:
    Path("t.csv").write_text("x,age,y\n0,5,a\n1,18,c\n2,40,b\n3,30,a\n4,,c\n")
    fitted = source_of(Path.cwd(), "rows()", AGES).fitted()
    Path("t.csv").write_text("x,age,y\n7,100,a\n8,200,b\n9,300,c\n")
    source = source_of(Path.cwd(), "rows() |> only(age < 250)", AGES, fitted=fitted)
    assert numbers(source) == [7, 8]


def test_a_number_is_not_compared_with_categories_that_are_numbers() -> None:
    Path("t.csv").write_text("x,age,y\n0,1,3\n1,1,5\n2,1,4\n")
    for condition in ("y < 4", "y == 4", "y=4", "y < 4.5"):
        with pytest.raises(NetlangError, match="has categories that are numbers") as caught:
            source_of(Path.cwd(), f"rows() |> only({condition})", AGES)
        helps = caught.value.diagnostic.helps
        assert helps[0] == 'give them by name: `only(y=["3", "4", "5"])`'
    assert numbers(source_of(Path.cwd(), 'rows() |> only(y=["3", "4"])', AGES)) == [0, 2]
    Path("t.csv").write_text("x,age,y\n0,1,0\n1,1,2\n2,1,1\n")
    assert numbers(source_of(Path.cwd(), "rows() |> only(y < 2)", AGES)) == [0, 2]


def test_what_is_fitted_is_that_of_the_examples_that_are_kept() -> None:
    save(10, 5)
    declared = ROWS.replace(" }", '\nx = column("x") |> normalize }')
    source = source_of(Path.cwd(), "rows() |> only(y=0)", declared)
    statistics = source.column("x").statistics
    assert statistics is not None
    assert statistics.mean == (2,)
    part = source_of(Path.cwd(), "rows() |> only(y=0) |> part(0..1)", declared)
    assert part.examples(EVERYTHING)["x"].ravel().tolist() == [-1, 1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ('split(0.5, by="z")', "these examples have no column `z`"),
        ('split(0.5, by="x")', "`split` takes a column of classes, and `x` is f32[1]"),
        ("batches(2) |> split(0.5)", "`split` chooses single examples"),
        ("folds(5, 5)", "`index` of `folds` must be less than `count`"),
        ("split(1.5)", "`fraction` of `split` must be less than 1.0"),
        ("only(x=1)", "`only` compares integers, and `x` is f32[1]"),
        ("only(y=0.5)", "the values are integers, names of classes, or a range"),
        ("only()", "`only` needs the values of a column"),
        ("only(3)", "`only` takes its values by column"),
        ("only(z < 1)", "these examples have no column `z`"),
        ("only(y < 1 and x > 2)", "`only` takes comparisons such as `label < 5`, without `and`"),
        ("only(y < 1 or y > 2)", "`only` takes comparisons such as `label < 5`, without `or`"),
        ("only(y in [1])", "`only` takes comparisons such as `label < 5`, without `in`"),
        ("only(3 > y)", "`only` compares a column, on the left of `>`"),
        ('only(y < "a")', '`<` compares numbers, and the string "a" is the name of a class'),
        ('only(x == "a")', "`x` is f32[1], and is compared with a number"),
        ("only(y < true)", "`y` is i64[], and is compared with a number, or the name of a class"),
    ],
)
def test_wrong_divisions_are_found_before_anything_is_read(call: str, message: str) -> None:
    data = f"(rows() |> {call}).rows" if "only" not in call else f"rows() |> {call}"
    Path("it.net").write_text(PROGRAM.format(data=f"{data} |> batches(2)", declared=ROWS))
    assert message in [d.message for d in load(Path("it.net")).diagnostics.items]


TRAINED = """
dataset rows -> (x: f32[1], y: i64[]) {
  csv = "t.csv"
  x = column("x") |> normalize
  y = column("y") |> categories
}
net Two(x: f32[N, 1]) -> logits: f32[N, 2] { logits = dense(x, 2) }
train two {
  chosen, others = rows() |> split(0.8, by="y")
  data = chosen |> batches(10, shuffle=true)
  valid = others |> batches(10)
  model = new Two()
  logits = model(batch.x)
  loss = cross_entropy(logits, batch.y)
  metrics = [accuracy(logits, batch.y)]
  optimizer = adam(0.3)
  run = 20 epochs
}
"""


def test_a_section_trains_and_validates_on_the_parts_of_one_file() -> None:
    save(50, 25)
    Path("it.net").write_text(TRAINED)
    run = netlang.load("it.net").train(folder="run")
    assert run.history[-1].valid["accuracy"] > 0.9
    assert netlang.load("it.net").evaluate("run/model.safetensors").examples == 10


def test_a_division_does_not_depend_on_how_classes_are_numbered() -> None:
    save()
    declared = ROWS.replace(" }", '\ny = column("y") |> categories(order=ORDER) }')
    one, other = (
        divided('split(0.7, by="y")', declared.replace("ORDER", order))[0]
        for order in ('["rare", "usual"]', '["usual", "rare"]')
    )
    assert numbers(one) == numbers(other)
    unknown = ROWS.replace(" }", '\ny = column("y") |> categories(unknown=true) }')
    with pytest.raises(NetlangError, match="has a category for all that the training data lack"):
        divided('split(0.7, by="y")', unknown)


def test_a_folder_of_images_is_divided_into_training_and_validation() -> None:
    for name, color in (("cat", 0), ("dog", 255)):
        Path("photos", name).mkdir(parents=True)
        for i in range(5):
            Image.new("RGB", (4, 4), (color, i, i)).save(f"photos/{name}/{i}.png")
    call = '(image_folder("photos", size=4) |> split(0.6, by="label"))'
    rows = source_of(Path.cwd(), f"{call}.rows |> map(image=[flip()])")
    rest = source_of(Path.cwd(), f"{call}.rest")
    assert rows.examples(EVERYTHING)["label"].tolist() == [0, 0, 0, 1, 1, 1]
    assert rest.examples(EVERYTHING)["label"].tolist() == [0, 0, 1, 1]
    seen = [tuple(i[:, 0, 0]) for s in (rows, rest) for i in s.examples(EVERYTHING)["image"]]
    assert len(set(seen)) == 10
    assert rest.column("image").shorter_side == 4


def test_an_example_keeps_the_name_that_it_has_in_the_file() -> None:
    save()
    for part in divided("split(0.8, seed=1)"):
        assert isinstance(part, ChosenSource)
        names = [part.name_of(i) for i in range(len(part))]
        assert names == [part.inner.name_of(n) for n in numbers(part)]
        assert names != [Source.name_of(part, i) for i in range(len(part))]
        assert len(set(names)) == len(part)
