"""Tables that a model is applied to are read as those of its training: separator, encoding, names.

Tests ``netlang.inference.preprocessing`` and ``netlang.inference.sources``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from commands import said

import netlang
from netlang.diagnostics.errors import FileError

pytestmark = pytest.mark.filterwarnings("ignore:`kind` of t.csv has names")

PROGRAM = """
dataset rows -> (x: f32[2], kind: i64[], y: i64[]) {
  csv = "t.csv"
  DECLARED
}

net Two(x: f32[N, 2], kind: i64[N]) -> logits: f32[N, 2] {
  logits = dense(concat([x, unsqueeze(cast(kind, f32), 1)], axis=1), 2)
}

train two {
  data = rows() |> batches(4)
  model = new Two()
  loss = cross_entropy(model(batch.x, batch.kind), batch.y)
  optimizer = sgd(0.1)
  run = 1 epochs
}
"""
SOURCES = """
  x = columns(["a", "b"])
  kind = column("kind") |> categories
"""
ROWS = [(0.5, 1, "café", 0), (2, 3, "thé", 1), (4, 5, "café", 1), (6, 7, "thé", 0)]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def save(path: str, mark: str, encoding: str, names: str, columns: int = 4) -> None:
    lines = [names.replace(",", mark)] * bool(names)
    lines += [mark.join(map(str, row[:columns])) for row in ROWS]
    Path(path).write_bytes("\n".join(lines).encode(encoding))


def trained(declared: str) -> netlang.Network:
    Path("two.net").write_text(PROGRAM.replace("DECLARED", declared))
    program = netlang.load("two.net")
    program.train(folder="run")
    network = netlang.load("two.net")["Two"]
    network.load("run/model.safetensors")
    return network


def check(network: netlang.Network, path: str = "new.csv") -> None:
    found = network.read_inputs({"x": path, "kind": path})
    assert found["x"].tolist() == [[0.5, 1], [2, 3], [4, 5], [6, 7]]
    assert found["kind"].tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("declared", "mark", "encoding", "names"),
    [
        ("", ",", "utf-8", "a,b,kind,y"),
        ('separator = ";"', ";", "utf-8", "a,b,kind,y"),
        ('encoding = "cp1252"', ",", "cp1252", "a,b,kind,y"),
        ('separator = "|"\n encoding = "utf-16"', "|", "utf-16", "a,b,kind,y"),
    ],
)
def test_columns_are_found_by_name(declared: str, mark: str, encoding: str, names: str) -> None:
    save("t.csv", mark, encoding, names)
    network = trained(declared + SOURCES + 'y = column("y")')
    save("new.csv", mark, encoding, "b,a,y,kind")
    rows = [f"{b}{mark}{a}{mark}{y}{mark}{kind}" for a, b, kind, y in ROWS]
    lines = [f"b{mark}a{mark}y{mark}kind", *rows]
    Path("new.csv").write_bytes("\n".join(lines).encode(encoding))
    check(network)


@pytest.mark.parametrize("declared", ['separator = ";"', 'separator = ";"\n header = false'])
@pytest.mark.parametrize("columns", [3, 4])
def test_columns_without_names_are_taken_in_order(declared: str, columns: int) -> None:
    """A file to predict has the column of the labels, or lacks it."""
    save("t.csv", ";", "utf-8", "")
    network = trained(declared)
    save("new.csv", ";", "utf-8", "", columns)
    check(network)


def test_a_table_with_another_number_of_columns_is_reported() -> None:
    save("t.csv", ",", "utf-8", "")
    network = trained("")
    save("new.csv", ",", "utf-8", "", 2)
    with pytest.raises(FileError) as caught:
        network.read_inputs({"x": "new.csv", "kind": "new.csv"})
    assert caught.value.diagnostic.message == (
        "new.csv has 2 values in a line, and the training data have 4"
    )
    assert caught.value.diagnostic.helps == ("give these, or only the 3 of the inputs: x, kind",)


def test_another_separator_is_reported_as_unlike_the_training(
    capsys: pytest.CaptureFixture[str],
) -> None:
    save("t.csv", ";", "utf-8", "a,b,kind,y")
    trained('separator = ";"' + SOURCES + 'y = column("y")')
    save("new.csv", ",", "utf-8", "a,b,kind,y")
    weights = ("-w", "run/model.safetensors")
    _, _, err = said(capsys, "run", "two.net", "-i", "x=new.csv", "-i", "kind=new.csv", *weights)
    assert 'new.csv has no ";" in its first line, which should separate its values' in err
    assert 'help: separate its values by ";", as those of the training data are' in err


def test_columns_that_are_chosen_by_name_have_the_separator_of_the_training() -> None:
    save("t.csv", ";", "cp1252", "a,b,kind,y")
    network = trained('separator = ";"\n encoding = "cp1252"' + SOURCES + 'y = column("y")')
    save("new.csv", ";", "cp1252", "a,b,kind,y")
    found = network.read_inputs({"x": "new.csv:b,a", "kind": "new.csv"})
    assert np.array_equal(found["x"][1], [3, 2])
