"""Columns by their names in a file: missing values, categories, and what a model keeps of them.

Tests ``netlang.data.readings``, ``netlang.data.sources.tables``,
``netlang.data.sources.table_columns`` and ``netlang.data.transforms.encoding``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from datasets import source_of

import netlang
from netlang.data.source import Source
from netlang.diagnostics.errors import NetlangError
from netlang.storage.npy import write_npz

EVERYTHING = slice(None)

IRIS = """,Sepal Length (cm),Sepal Width (cm),1stFlr,Species,Grade
0,5.1,3.5,1.4,setosa,10
1,4.9,,1.5,setosa,9
2,6.3,3.3,6.0,virginica,9
3,5.8,2.7,NA,versicolor,-1
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def opened(columns: str, fields: str, text: str = IRIS, trained: Source | None = None) -> Source:
    """Open a table whose columns a dataset reads as some fields say."""
    Path("iris.csv").write_text(text)
    declared = f'dataset iris -> ({columns}) {{ csv = "iris.csv"\n{fields} }}'
    fitted = None if trained is None else trained.fitted()
    return source_of(Path.cwd(), "iris()", declared, fitted=fitted)


def values(columns: str, fields: str, text: str = IRIS) -> list[float]:
    """Return the one column of a table."""
    rows = opened(columns, fields, text).examples(EVERYTHING)
    return next(iter(rows.values())).tolist()


def rejected(columns: str, fields: str, text: str = IRIS, trained: Source | None = None) -> str:
    """Return the message for a table, with its notes and helps."""
    with pytest.raises(NetlangError) as caught:
        opened(columns, fields, text, trained)
    error = caught.value
    lines = [error.message, *error.notes, *error.helps]
    return "\n".join(lines).replace(f"{Path.cwd()}/", "")


# ---- names -------------------------------------------------------------------------------


def test_columns_have_the_names_of_the_file_whatever_they_are() -> None:
    rows = opened(
        "sizes: f32[2], first: f32[1], length: f32[], species: i64[]",
        """sizes = columns(["1stFlr", "Sepal Length (cm)"])
        first = column("Sepal Length (cm)")
        length = column("Sepal Length (cm)")""",
        IRIS.replace("NA", "2"),
    ).examples(EVERYTHING)
    assert rows["sizes"].ravel() == pytest.approx([1.4, 5.1, 1.5, 4.9, 6, 6.3, 2, 5.8])
    assert rows["first"].shape == (4, 1)
    assert rows["length"].shape == (4,)
    assert rows["species"].tolist() == [0, 0, 2, 1]  # under its own name


def test_names_may_depend_on_parameters() -> None:
    Path("t.csv").write_text("A b,C d\n1,2\n")
    declared = 'dataset rows(which: str) -> (x: f32[]) { csv = "t.csv"\n x = column(which) }'
    assert source_of(Path.cwd(), 'rows("C d")', declared).examples(EVERYTHING)["x"].tolist() == [2]


def test_a_name_that_the_file_lacks_is_reported_with_those_it_has() -> None:
    assert rejected("x: f32[]", 'x = column("Sepal Lenght (cm)")') == (
        "iris.csv:1: no column is named `Sepal Lenght (cm)`\n"
        "the columns are: , Sepal Length (cm), Sepal Width (cm), 1stFlr, Species, Grade\n"
        "did you mean `Sepal Length (cm)`?"
    )


@pytest.mark.parametrize(("column", "fields"), [("x", 'x = column("a b")'), ("a", "")])
def test_two_columns_of_one_name_are_not_told_apart_by_chance(column: str, fields: str) -> None:
    name = "a b" if fields else "a"
    assert rejected(f"{column}: f32[]", fields, f"{name},c,{name}\n1,2,3\n") == (
        f"iris.csv:1: 2 columns are named `{name}`: column 1 and column 3\n"
        "rename all but one of them in the first line of the file"
    )


def test_only_columns_that_are_used_must_have_a_name_of_their_own() -> None:
    assert values("x: f32[]", 'x = column("c")', "a,c,a\n1,2,3\n") == [2]


# ---- missing values and other notations -----------------------------------------------------


def test_a_missing_value_is_an_error_that_says_how_to_fill_it() -> None:
    assert rejected("x: f32[]", 'x = column("1stFlr")') == (
        "iris.csv:5:4: `NA` is not a number in the column `1stFlr`\n"
        'fill it in: `column("1stFlr", fill=…)`'
    )
    filled = values("x: f32[]", 'x = column("1stFlr", fill=0)')
    assert filled == pytest.approx([1.4, 1.5, 6, 0])


@pytest.mark.parametrize(
    ("fill", "value"), [("mean", 3.5), ("most_frequent", 3), ("-1.5", -1.5), ("2", 2)]
)
def test_missing_values_are_filled(fill: str, value: float) -> None:
    text = "a,b\n3,1\n,1\n3,n/a\n4.5,1\n"
    got = values("x: f32[2]", f'x = columns(["a", "b"], fill={fill})', text)
    first = value if fill != "mean" else pytest.approx(3.5)
    second = value if fill[-1].isdigit() else 1
    assert got == [[3, 1], [first, 1], [3, second], [4.5, 1]]


def test_integers_are_filled_without_losing_digits() -> None:
    text = "a\n9007199254740993\nnull\n9007199254740993\n"
    assert values("x: i64[]", 'x = column("a", fill=7)', text) == [
        9007199254740993,
        7,
        9007199254740993,
    ]


def test_the_fill_is_that_of_the_training_data() -> None:
    fields = 'x = columns(["a"], fill=mean) |> normalize'
    trained = opened("x: f32[1]", fields, "a\n1\n3\n\n,\n".replace(",", "NA"))
    assert trained.column("x").fill == (2,)
    other = opened("x: f32[1]", fields, "a\n100\nNA\n", trained)
    normalized = other.examples(EVERYTHING)["x"].ravel()
    assert normalized[1] == 0
    assert other.column("x") == trained.column("x")


def test_the_fill_is_that_of_training_data_without_gaps() -> None:
    fields = 'x = columns(["a"], fill=mean)'
    trained = opened("x: f32[1]", fields, "a\n1\n3\n")
    assert trained.column("x").fill == (2,)
    other = opened("x: f32[1]", fields, "a\n100\nNA\n", trained)
    assert other.examples(EVERYTHING)["x"].ravel().tolist() == [100, 2]


def test_the_fill_is_that_of_the_part_that_is_kept() -> None:
    Path("t.csv").write_text("a\n1\nNA\n100\n")
    declared = 'dataset rows -> (x: f32[]) { csv = "t.csv"\n x = column("a", fill=mean) }'
    part = source_of(Path.cwd(), "rows() |> part(0..1)", declared)
    assert part.examples(EVERYTHING)["x"].tolist() == [1, 1]


def test_a_column_of_texts_is_not_to_be_filled() -> None:
    told = rejected("x: f32[]", 'x = column("a")', "a,b\ngreen,1\nred,2\n,3\n")
    assert told.splitlines()[0] == "iris.csv:2:1: `green` is not a number in the column `a`"
    assert told.splitlines()[-1] == ('number its texts as classes: `column("a") |> categories`')


def test_nothing_can_be_filled_from_nothing() -> None:
    assert rejected("x: f32[]", 'x = column("a", fill=mean)', "a,b\nNA,1\nNA,2\n") == (
        "all values of `a` in iris.csv are missing, so there is nothing to fill with\n"
        "leave the column out, or fill it with a number"
    )
    assert "all values of `x` of iris.csv are missing" in rejected(
        "x: i64[]", 'x = column("a", fill=most_frequent) |> categories', "a,b\nNA,1\nNA,2\n"
    )


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("1,234,567", "has thousands separators: write `1234567`"),
        ("1,234.5", "has thousands separators: write `1234.5`"),
        ("1,234", "has a comma: write `1234` if it separates thousands, else `1.234`"),
        ("1,5", "has a comma: the decimal separator is a point"),
        ("$5", "is not a number"),
    ],
)
def test_other_notations_of_numbers_are_reported(cell: str, told: str) -> None:
    message = rejected("x: f32[]", 'x = column("a")', f'a\n"{cell}"\n')
    assert message == f"iris.csv:2:1: `{cell}` {told} in the column `a`"


def test_a_cell_that_is_not_true_or_false_is_reported() -> None:
    assert rejected("on: bool[]", 'on = column("a")', "a\ntrue\nyes\n") == (
        "iris.csv:3:1: `yes` is not true, false, 1 or 0 in the column `a`"
    )


# ---- categories --------------------------------------------------------------------------


def test_texts_are_numbered_by_name_and_numbers_by_size() -> None:
    rows = opened(
        "species: i64[], grade: i64[]",
        """species = column("Species") |> categories
        grade = column("Grade") |> categories""",
    )
    assert rows.examples(EVERYTHING)["species"].tolist() == [0, 0, 2, 1]
    assert rows.examples(EVERYTHING)["grade"].tolist() == [2, 1, 1, 0]
    assert rows.names["grade"] == ("-1", "9", "10")
    assert rows.remarks() == ()


def test_an_order_numbers_categories_and_has_all_of_them() -> None:
    order = 'categories(order=["virginica", "setosa", "versicolor"])'
    assert values("y: i64[]", f'y = column("Species") |> {order}') == [1, 1, 0, 2]
    short = 'y = column("Species") |> categories(order=["virginica", "Setosa"])'
    assert rejected("y: i64[]", short) == (
        "`y` of iris.csv has the category `setosa`, which `order` does not have\n"
        "`order` has: virginica, Setosa\n"
        "did you mean `Setosa`?\n"
        "add it to `order`, or read it as unknown: `categories(order=…, unknown=true)`"
    )


def test_a_category_that_training_lacks_is_an_error_or_the_last() -> None:
    def field(options: str) -> str:
        return f'y = column("Species") |> categories{options}'

    other = "Species\nsetosa\niris\n"
    trained = opened("y: i64[]", field(""))
    assert rejected("y: i64[]", field(""), other, trained) == (
        "`y` of iris.csv has the category `iris`, which the training data does not have\n"
        "its categories are: setosa, versicolor, virginica\n"
        "to read it as a category of its own: `categories(unknown=true)`"
    )
    trained = opened("y: i64[]", field("(unknown=true)"))
    assert trained.names["y"] == ("setosa", "versicolor", "virginica", "?")
    found = opened("y: i64[]", field("(unknown=true)"), other, trained)
    assert found.examples(EVERYTHING)["y"].tolist() == [0, 3]
    ordered = field('(unknown=true, order=["virginica"])')
    assert values("y: i64[]", ordered) == [1, 1, 0, 1]


def test_missing_categories_are_reported_or_filled() -> None:
    text = "a,b\nx,1\n,1\ny,1\nx,1\n"
    plain = 'y = column("a") |> categories'
    assert rejected("y: i64[]", plain, text) == (
        "iris.csv:3:1: nothing stands where a category should in the column `a`\n"
        'fill it in: `column("a", fill=…)`'
    )
    filled = plain.replace('"a"', '"a", fill=most_frequent')
    trained = opened("y: i64[]", filled, text)
    assert trained.examples(EVERYTHING)["y"].tolist() == [0, 0, 1, 0]
    assert opened("y: i64[]", filled, "a,b\n,1\ny,1\ny,1\n", trained).examples(EVERYTHING)[
        "y"
    ].tolist() == [0, 1, 1]
    named = plain.replace('"a"', '"a", fill="none at all"')
    assert opened("y: i64[]", named, text).names["y"] == ("none at all", "x", "y")


def test_one_hot_vectors_have_a_number_for_each_category() -> None:
    hot = 'y = column("Species") |> categories(one_hot=true)'
    source = opened("y: f32[3]", hot)
    assert source.columns["y"].shape == (3,)
    rows = source.examples(np.array([2, 0]))["y"]
    assert rows.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert rows.dtype == np.float32
    assert opened("y: f32[K]", hot).examples(EVERYTHING)["y"].shape == (4, 3)
    assert rejected("y: f32[4]", hot) == (
        "`y` of iris.csv has 3 categories, and the dataset declares f32[4]\n"
        "they are: setosa, versicolor, virginica\n"
        "declare it as `y: f32[3]`"
    )


# ---- texts -------------------------------------------------------------------------------

REVIEWS = """id,review,Sentiment,stars
1,"Good, very good!",pos,5
2,"Bad
and long",neg,
3,good,pos,4
"""
TEXTS = "text: i64[T], length: i64[], label: i64[], stars: f32[1]"
SPLIT = """text, length = column("review") |> words(vocab=5, longest=4)
label = column("Sentiment") |> categories
stars = column("stars", fill=mean) |> normalize"""


def test_texts_are_numbered_by_the_words_of_the_training_data() -> None:
    trained = opened(TEXTS, SPLIT, REVIEWS)
    assert trained.names["text"] == ("", "?", "good", "!", ",")
    rows = trained.examples(EVERYTHING)
    assert rows["text"].tolist() == [[2, 4, 1, 2], [1, 1, 1, 0], [2, 0, 0, 0]]
    assert rows["length"].tolist() == [4, 3, 1]
    assert rows["label"].tolist() == [1, 0, 1]
    assert rows["stars"].ravel()[1] == 0
    assert trained.examples(np.array([2]))["text"].tolist() == [[2]]
    other = opened(TEXTS, SPLIT, 'id,review,Sentiment,stars\n1,"! New",neg,1\n', trained)
    assert other.examples(EVERYTHING)["text"].tolist() == [[3, 1]]
    assert trained.fitted().names("text") == trained.names["text"]
    assert other.fingerprint() != trained.fingerprint()


def test_characters_are_numbered_in_sorted_order() -> None:
    field = 'x = column("review") |> characters(longest=3)'
    trained = opened("x: i64[T]", field, "review,n\ncab,1\nb?,1\n")
    assert trained.names["x"] == ("", "?", "a", "b", "c")
    assert trained.examples(EVERYTHING)["x"].tolist() == [[4, 2, 3], [3, 1, 0]]


@pytest.mark.parametrize(
    ("call", "names"),
    [
        ("words(vocab=9)", ("", "?", "no", "!", "'", "it's", "late", "8")),
        ("words(vocab=9, lower=false)", ("", "?", "!", "'", "8", "It's", "No", "late", "no")),
        ("words(vocab=9, letters=true)", ("", "?", "no", "it", "late", "s")),
        ("characters(letters=true)", ("", "?", " ", "a", "e", "i", "l", "n", "o", "s", "t")),
        ("characters(lower=true, longest=2)", ("", "?", " ", *"!'8aeilnost")),
    ],
)
def test_texts_may_keep_capitals_or_be_reduced_to_letters(
    call: str, names: tuple[str, ...]
) -> None:
    field = f'x = column("a") |> {call}'
    source = opened("x: i64[T]", field, "a,b\nNo no! It's late,1\n'8',2\n")
    assert set(source.names["x"]) == set(names)


def test_a_text_may_be_long_and_is_not_empty() -> None:
    long = "word " * 5000
    field = 'x = column("a") |> words(vocab=3)'
    source = opened("x: i64[T]", field, f"a,b\n{long},1\n")
    assert source.examples(EVERYTHING)["x"].shape == (1, 5000)
    assert rejected("x: i64[T]", field, "a,b\nx,1\n,1\n") == (
        "iris.csv:3:1: nothing stands where a text should in the column `a`\n"
        'fill it in: `column("a", fill=…)`'
    )
    filled = field.replace('"a"', '"a", fill="nothing to say"')
    assert values("x: i64[T]", filled, "a,b\nx,1\n,1\n") == [[1, 0, 0], [2, 1, 1]]


# ---- arrays ------------------------------------------------------------------------------


def test_arrays_of_an_archive_are_taken_by_their_names_too() -> None:
    arrays = {"X train": np.array([1.0, np.nan]), "b": np.array([2.0, 4.0])}
    write_npz(Path("a.npz"), {**arrays, "y": np.array([7, 3])})
    declared = """dataset a -> (x: f32[2], y: i64[]) {
      npz = "a.npz"
      x = columns(["X train", "b"], fill=mean)
      y = column("y") |> categories
    }"""
    rows = source_of(Path.cwd(), "a()", declared)
    assert rows.examples(EVERYTHING)["x"].tolist() == [[1, 2], [1, 4]]
    assert rows.examples(EVERYTHING)["y"].tolist() == [1, 0]
    assert rows.names["y"] == ("3", "7")
    with pytest.raises(NetlangError, match="has no column `x train`"):
        source_of(Path.cwd(), "a()", declared.replace("X", "x"))


# ---- the model ---------------------------------------------------------------------------

PROGRAM = """
dataset iris -> (features: f32[3], kind: f32[4], species: i64[]) {
  csv = "iris.csv"
  features = columns(["Sepal Length (cm)", "Sepal Width (cm)", "1stFlr"], fill=mean) |> normalize
  kind = column("Species") |> categories(one_hot=true, unknown=true)
  species = column("Species") |> categories
}

net Small(features: f32[N, 3], kind: f32[N, 4]) -> logits: f32[N, 3] {
  logits = dense(features, 3) + dense(kind, 3)
}

train small {
  data = iris() |> batches(2)
  model = new Small()
  logits = model(batch.features, batch.kind)
  loss = cross_entropy(logits, batch.species)
  optimizer = adam(0.1)
  run = 3 epochs
}
"""


def test_a_model_keeps_names_and_fills_and_takes_raw_examples() -> None:
    Path("iris.csv").write_text(IRIS)
    Path("it.net").write_text(PROGRAM)
    run = netlang.load("it.net").train(folder="run")
    network = run.networks["model"]
    raw = {
        "features": np.array([[5.1, np.nan, 1.4], [5.8, 2.7, np.nan]], np.float32),
        "kind": np.array([0, 3]),
    }
    prepared = network.preprocess(**raw)
    expected = network.run(prepared)["logits"]
    assert prepared["features"][0, 1] == pytest.approx(0, abs=1e-6)
    assert prepared["kind"].tolist() == [[1, 0, 0, 0], [0, 0, 0, 1]]
    network.compile(raw_input=True).save("m.onnx")
    logits = np.asarray(ort.InferenceSession("m.onnx").run(None, raw)[0])
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-6)
    assert sorted(path.name for path in Path("run").glob("*.vocab")) == []
    # What was fitted is used again, whatever the file has now.
    Path("iris.csv").write_text(IRIS.replace("virginica", "setosa"))
    found = netlang.load("it.net").evaluate("run/model.safetensors")
    assert found.examples == 4


SENTIMENT = """
dataset reviews(file: str) -> (text: i64[T], length: i64[], label: i64[]) {
  csv = file
  text, length = column("review") |> words(vocab=20)
  label = column("sentiment") |> categories
}

net Sentiment(text: i64[N, T], length: i64[N]) -> logits: f32[N, 2] {
  states = embedding(text, 20, 8) |> lstm(8, length=length)
  logits = dense(states.h, 2)
}

train sentiment {
  data = reviews("train.csv") |> batches(4, shuffle=true)
  valid = reviews("test.csv") |> batches(4)
  model = new Sentiment()
  logits = model(batch.text, batch.length)
  loss = cross_entropy(logits, batch.label)
  metrics = [accuracy(logits, batch.label)]
  optimizer = adam(0.05)
  run = 30 epochs
}
"""


def test_a_table_of_texts_trains_a_recurrent_net() -> None:
    rows = ["good,pos", "very good film,pos", "bad,neg", "a bad film,neg"]
    Path("train.csv").write_text("\n".join(["review,sentiment", *rows]))
    Path("test.csv").write_text("review,sentiment\na good story,pos\nbad story indeed,neg\n")
    Path("it.net").write_text(SENTIMENT)
    run = netlang.load("it.net").train(folder="run")
    assert run.history[-1].valid["accuracy"] == 1
    words = Path("run/model.vocab").read_text()
    assert "film" in words
    assert "story" not in words
    found = netlang.load("it.net").evaluate("run/model.safetensors")
    assert found.metrics["accuracy"] == 1


def test_a_run_is_not_resumed_with_columns_that_are_read_otherwise() -> None:
    Path("iris.csv").write_text(IRIS)
    Path("it.net").write_text(PROGRAM)
    netlang.load("it.net").train(folder="run")
    again = PROGRAM.replace("fill=mean", "fill=0").replace("3 epochs", "4 epochs")
    Path("it.net").write_text(again)
    with pytest.raises(NetlangError) as caught:
        netlang.load("it.net").train(folder="run", resume=True, override=("run",))
    assert "data.features.x.fill" in str([caught.value.message, *caught.value.notes])


def test_a_new_category_in_valid_is_one_message_that_says_what_to_do() -> None:
    Path("train.csv").write_text("review,sentiment\ngood,pos\nbad,neg\n")
    Path("test.csv").write_text("review,sentiment\nwell,mixed\n")
    Path("it.net").write_text(SENTIMENT)
    with pytest.raises(NetlangError) as caught:
        netlang.load("it.net").train(folder="run")
    error = caught.value
    assert error.message.endswith(
        "test.csv has the category `mixed`, which the training data does not have"
    )
    assert error.notes == ("its categories are: neg, pos",)
    assert error.helps == ("to read it as a category of its own: `categories(unknown=true)`",)
