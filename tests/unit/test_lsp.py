"""The language server answers an editor: over its streams, with what the facts say.

``tests/golden/lsp.json`` has the answers to a script of requests; ``--update`` writes it.

Tests ``netlang.lsp`` and ``netlang.cli.commands.tools.lsp``.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import said
from lsp_client import Client, served

from netlang.editor import analyse
from netlang.editor.facts.positions import Positions

TESTS = Path(__file__).parents[1]
GOLDEN = TESTS / "golden" / "lsp.json"
FILES = (
    "language/lenet.net", "language/resnet.net", "language/tour.net", "language/gpt.net",
    "language/densenet.net", "language/char_lstm.net", "language/mlp.net",
    "single_errors/01_residual.net", "single_errors/08_paren.net", "single_errors/04_unknown.net",
    "single_errors/29_import.net",
)  # fmt: skip
SCRIPT: list[tuple[str, str, str, dict[str, Any]]] = [
    ("lenet", "inlayHint", "", {}),
    ("lenet", "hover", "conv(6", {}),
    ("lenet", "hover", "c1", {}),
    ("lenet", "completion", "image |> |conv", {}),
    ("lenet", "completion", "batch.|", {}),
    ("lenet", "definition", "avg_pool", {}),
    ("lenet", "references", "c1", {"context": {"includeDeclaration": True}}),
    ("lenet", "references", "c1", {"context": {"includeDeclaration": False}}),
    ("lenet", "prepareRename", "c1", {}),
    ("lenet", "prepareRename", "conv(6", {}),
    ("lenet", "rename", "c1", {"newName": "first"}),
    ("lenet", "rename", "c1", {"newName": "2nd"}),
    ("lenet", "documentSymbol", "", {}),
    ("lenet", "foldingRange", "", {}),
    ("lenet", "semanticTokens/full", "", {}),
    ("lenet", "codeLens", "", {}),
    ("lenet", "formatting", "", {"options": {"tabSize": 2, "insertSpaces": True}}),
    ("resnet", "inlayHint", "", {}),
    ("resnet", "codeLens", "", {}),
    ("resnet", "documentSymbol", "", {}),
    ("resnet", "hover", "basic, ", {}),
    ("resnet", "references", "conv_bn", {"context": {"includeDeclaration": True}}),
    ("tour", "inlayHint", "", {}),
    ("tour", "definition", "residual", {}),
    ("tour", "hover", "vocab", {}),
    ("tour", "foldingRange", "", {}),
    ("tour", "documentSymbol", "", {}),
    ("densenet", "inlayHint", "", {}),
    ("densenet", "semanticTokens/full", "", {}),
    ("char_lstm", "inlayHint", "", {}),
    ("char_lstm", "codeLens", "", {}),
    ("char_lstm", "completion", "optimizer|", {}),
    ("mlp", "inlayHint", "", {}),
    ("mlp", "hover", "dense", {}),
    ("01_residual", "inlayHint", "", {}),
    ("01_residual", "codeAction", "+ x", {"context": {"diagnostics": []}}),
    ("08_paren", "inlayHint", "", {}),
    ("08_paren", "codeAction", "(x, 16", {"context": {"diagnostics": []}}),
    ("08_paren", "formatting", "", {"options": {"tabSize": 2, "insertSpaces": True}}),
    ("04_unknown", "codeAction", "Conv2d", {"context": {"diagnostics": []}}),
    ("04_unknown", "inlayHint", "", {}),
    ("29_import", "codeAction", "bottelneck", {"context": {"diagnostics": []}}),
]
"""A file, a method, where in the text (before the bar), and other parameters."""

SHOWN_ITEMS, SHOWN_LETTERS = 12, 400


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("language", "single_errors"):
        shutil.copytree(TESTS / "data" / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def client(folder: Path) -> Iterator[Client]:
    with served(folder) as client:
        yield client


def range_of(text: str) -> dict[str, Any]:
    line, column = Positions(text).position(len(text))
    return {"start": {"line": 0, "character": 0}, "end": {"line": line, "character": column}}


def place(text: str, mark: str) -> dict[str, int]:
    before, bar, after = mark.partition("|") if "|" in mark.replace("|>", "") else (mark, "", "")
    if "|> |" in mark:
        before, bar, after = mark.replace("|> |", "|> ", 1).rpartition("|> ")
        before, after = f"{before}|> ", after
    at = text.index(before + after) + (len(before) if bar else 1)
    line, column = Positions(text).position(at)
    return {"line": line, "character": column}


def cut(answer: Any, folder: Path) -> Any:
    """Return an answer without the folder, and without what changes with the library."""
    match answer:
        case {"uri": str() as uri, "range": {"start": start, "end": end}} if "/prelude/" in uri:
            lines = Path(uri.removeprefix("file://")).read_text("utf-8").split("\n")
            text = lines[start["line"]][start["character"] : end["character"]]
            return {"library": uri.rpartition("/")[2], "text": text}
        case dict():
            return {str(cut(key, folder)): cut(value, folder) for key, value in answer.items()}
        case list() if len(answer) > SHOWN_ITEMS and not isinstance(answer[0], int):
            return [cut(item, folder) for item in answer[:SHOWN_ITEMS]]
        case list():
            return [cut(item, folder) for item in answer]
        case str():
            text = answer.replace(folder.as_uri(), "file://").replace(f"{folder}/", "")
            text = re.sub(r"(prelude/\w+\.net, line) \d+", r"\1 …", text)
            return text if len(text) <= SHOWN_LETTERS else f"{text[:SHOWN_LETTERS]}…"
        case _:
            return answer


def test_a_scripted_client_gets_the_answers_of_the_golden_file(
    folder: Path, client: Client, request: pytest.FixtureRequest
) -> None:
    paths = {path.stem: path for name in FILES if (path := folder / name).is_file()}
    assert len(paths) >= 10 and len(SCRIPT) >= 40
    answers: list[Any] = []
    for name, path in paths.items():
        client.open(path.as_uri(), path.read_text("utf-8"))
        answers.append([name, "diagnostics", "", client.problems(path.as_uri())])
    for name, method, mark, more in SCRIPT:
        text, uri = paths[name].read_text("utf-8"), paths[name].as_uri()
        parameters: dict[str, Any] = {"textDocument": {"uri": uri}, **more}
        if method == "inlayHint":
            parameters["range"] = range_of(text)
        elif mark:
            parameters["position"] = at = place(text, mark)
            parameters["range"] = {"start": at, "end": at}
        if method == "codeAction":
            parameters.pop("position")
        answers.append([name, method, mark, client.ask(f"textDocument/{method}", **parameters)])
    found = [cut(answer, folder) for answer in answers]
    if request.config.getoption("--update"):
        lines = ",\n".join(json.dumps(answer, ensure_ascii=False) for answer in found)
        GOLDEN.write_text(f"[\n{lines}\n]\n", "utf-8")
    assert found == json.loads(GOLDEN.read_text("utf-8"))


WRONG = "net A(x: f32[N, 4]) -> y = dens(x, 2)\n"
RIGHT = "net A(x: f32[N, 4]) -> y = dense(x, 2)\n"


FORMS = """\
net Small(image: f32[N, 1, 8, 8]) -> logits: f32[N, 10] = image |> flatten |> dense(10)

train small {
  data = §
  model = new Small()
  loss = cross_entropy(model(batch.image), batch.label)
  optimizer = sgd(0.1)
  run = 1 epochs
}
"""


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ('digits("train") |> |', ["batches", "folds", "map", "only"]),
        ('table("a.csv", pictures(|', ["x", "folder", "ending"]),
        ('table("a.csv", masks("mask", |', ["folder", "ending", "values"]),
        ('table("a.csv", columns(|', ["names", "fill"]),
        ('digits("train") |> batches(8, |', ["shuffle", "in_order", "drop_last"]),
    ],
)
def test_forms_of_data_are_completed_as_they_are_typed(
    typed: str, first: list[str], folder: Path, client: Client
) -> None:
    text = FORMS.replace("§", typed)
    mark = text.index(typed) + len(typed) - 1
    text = text[:mark] + text[mark + 1 :]
    line, column = Positions(text).position(mark)
    uri = (folder / "forms.net").as_uri()
    client.open(uri, text)
    position = {"line": line, "character": column}
    answer = client.ask(
        "textDocument/completion", textDocument={"uri": uri}, position=position
    )  # fmt: skip
    assert [each["label"] for each in answer["items"]][: len(first)] == first


def test_problems_are_those_of_the_last_keystroke(folder: Path, client: Client) -> None:
    uri = (folder / "typed.net").as_uri()
    client.open(uri, "net A(x: f32[N, 4]) -> y = x\n")
    for version, end in enumerate(range(30, len(WRONG) + 1), 2):
        client.change(uri, WRONG[:end], version)
    last = len(WRONG) - 28
    (problem,) = client.problems(uri, last)
    assert problem["code"] == "unknown-name"
    assert problem["range"]["start"] == {"line": 0, "character": 27}
    shown = [
        m for m in client.notifications if m.get("method") == "textDocument/publishDiagnostics"
    ]
    assert [m["params"]["version"] for m in shown if m["params"]["version"] > 1] == []
    client.change(uri, RIGHT, last + 1)
    assert client.problems(uri, last + 1) == []


def test_a_fix_that_is_applied_removes_its_problem(folder: Path, client: Client) -> None:
    uri = (folder / "wrong.net").as_uri()
    client.open(uri, WRONG)
    (problem,) = client.problems(uri)
    (action,) = client.ask(
        "textDocument/codeAction",
        textDocument={"uri": uri}, range=problem["range"], context={"diagnostics": [problem]},
    )  # fmt: skip
    assert action["title"] == "Replace `dens` with `dense`"
    (edit,) = action["edit"]["changes"][uri]
    positions = Positions(WRONG)
    start, end = (positions.offset(*at.values()) for at in edit["range"].values())
    client.change(uri, WRONG[:start] + edit["newText"] + WRONG[end:], 2)
    assert client.problems(uri, 2) == []


def test_an_unsaved_import_counts(folder: Path, client: Client) -> None:
    blocks, main = ((folder / name).as_uri() for name in ("blocks.net", "main.net"))
    client.open(main, 'from "blocks.net" import unit\n\nnet A(x: f32[N, 4]) -> y = unit(x)\n')
    assert [p["code"] for p in client.problems(main)] == ["import-file"]
    client.open(blocks, "block unit(x) -> y = dense(x, 8)\n")
    assert client.problems(main) == []
    client.change(blocks, "block unit(x) -> y = dens(x, 8)\n", 2)
    (problem,) = client.problems(main)
    assert problem["message"].startswith("blocks.net, line 1: I don't know `dens`")
    assert problem["range"]["start"] == {"line": 0, "character": 5}
    client.tell("textDocument/didClose", textDocument={"uri": blocks})
    assert [p["code"] for p in client.problems(main)] == ["import-file"]


def test_references_are_in_files_that_are_not_open_too(folder: Path, client: Client) -> None:
    blocks, main = folder / "shared.net", folder / "uses_shared.net"
    text = "block unit(x) -> y = dense(x, 8)\n"
    main.write_text(
        'from "shared.net" import unit\n\nnet A(x: f32[N, 4]) -> y = unit(x)\n', "utf-8"
    )
    client.open(blocks.as_uri(), text)
    found = client.ask(
        "textDocument/references", textDocument={"uri": blocks.as_uri()},
        position={"line": 0, "character": 7}, context={"includeDeclaration": True},
    )  # fmt: skip
    lines = [(Path(each["uri"]).name, each["range"]["start"]["line"]) for each in found]
    assert lines == [("shared.net", 0), ("uses_shared.net", 0), ("uses_shared.net", 2)]
    main.unlink()


def test_renaming_says_what_happens_to_the_weights(folder: Path, client: Client) -> None:
    uri = (folder / "rename.net").as_uri()
    text = "net A(x: f32[N, 4]) -> y {\n  c = x |> dense(8) |> dense(3)\n  y = relu(c)\n}\n"
    client.open(uri, text)
    at = {"line": 1, "character": 2}
    client.ask("textDocument/rename", textDocument={"uri": uri}, position=at, newName="wide")
    message = client.wait_for("window/showMessage")["message"]
    assert message.startswith("4 parameters get other names: `c.dense.weight` becomes")
    refused = client.ask("textDocument/rename", textDocument={"uri": uri}, position=at, newName="y")
    assert refused["message"] == "`y` is used in this definition already"


@pytest.mark.parametrize(("encoding", "units"), [("utf-8", 4), ("utf-16", 2), ("utf-32", 1)])
def test_columns_are_in_the_encoding_of_the_editor(encoding: str, units: int, folder: Path) -> None:
    text = 'train t {\n  data = digits("😀") |> batches(3)\n}\n'
    uri = (folder / "text.net").as_uri()
    with served(folder, (encoding,)) as client:
        client.open(uri, text)
        ranges = [problem["range"] for problem in client.problems(uri)]
    (wrong,) = (r for r in ranges if r["start"] == {"line": 1, "character": 16})
    assert wrong["end"] == {"line": 1, "character": 16 + units + 2}


def test_the_message_without_the_extra_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(capsys, "lsp", "--check") == (0, "", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert said(capsys, "lsp") == (
        3, "",
        'error[missing-library]: the language server is an extra: pip install "netlang[lsp]"\n',
    )  # fmt: skip


def test_edits_leave_the_answers_of_a_server_that_opens_the_text(folder: Path) -> None:
    path = folder / "language" / "lenet.net"
    text, uri = path.read_text("utf-8"), path.as_uri()
    versions = [
        text.replace("dense(120)", "dense(12"), text.replace("conv(6", "conv(7"), f"\n{text}",
        text.replace("c1 |>", "c2 |>"), text.replace("}", "", 1), text[:200], text,
    ]  # fmt: skip
    with served(folder) as edited, served(folder) as fresh:
        edited.open(uri, text)
        for number, version in enumerate(versions, 2):
            edited.change(uri, version, number)
            fresh.open(uri, version, number)
            given = {"textDocument": {"uri": uri}, "range": range_of(version)}
            for method in ("inlayHint", "documentSymbol", "codeLens", "semanticTokens/full"):
                one, other = (c.ask(f"textDocument/{method}", **given) for c in (edited, fresh))
                assert one == other
            assert edited.problems(uri, number) == fresh.problems(uri, number)
            fresh.tell("textDocument/didClose", textDocument={"uri": uri})
    assert analyse(text, path=path).problems == ()
