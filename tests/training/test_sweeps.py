"""Sweeps over parameters of a section, and lists of runs.

Tests ``netlang.api.sweeps``, ``netlang.training.run.comparison`` and ``netlang.cli.commands.runs``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from commands import said

import netlang
from netlang.api.sweeps import split_values
from netlang.training.run.comparison import recorded_runs

MOONS = """\
net Moons(x: f32[N, 2], width: int = 4) -> logits: f32[N, 2] = x |> dense(width) |> tanh |> dense(2)

train moons(lr: float = 0.1, width: int = 4, note: str = "x") {
  data = two_moons(40) |> batches(20)
  valid = two_moons(40, seed=1) |> batches(40)
  model = new Moons(width=width)
  logits = model(batch.x)
  loss = cross_entropy(logits, batch.label)
  metrics = [accuracy(logits, batch.label)]
  optimizer = sgd(lr)
  checkpoint = [save_every(model, every=2 epochs, path=note)]
  run = 2 epochs
}
"""


@pytest.fixture(autouse=True)
def _program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = MOONS.replace(', note: str = "x"', "").replace(
        "  checkpoint = [save_every(model, every=2 epochs, path=note)]\n", ""
    )
    Path("moons.net").write_text(text)


def test_each_value_has_an_ordinary_run(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys, "train", "moons.net", "--sweep", "lr=0.1,0.5", "--set", "width=3")
    assert (code, err) == (0, "")
    alone = netlang.load("moons.net").train(settings={"lr": 0.5, "width": 3}, folder="alone")
    for name in ("model.safetensors", "steps.jsonl", "program.net"):
        own = Path("runs/moons-sweep/lr=0.5", name).read_bytes()
        assert own == (alone.folder / name).read_bytes()
    assert "lr=0.1 (1 of 2)\n" in out
    assert "\nlr=0.5 (2 of 2)\n" in out
    *_, plot = out.splitlines()
    assert plot == "plot: runs/moons-sweep-1/curves.svg"
    svg = Path("runs/moons-sweep-1/curves.svg").read_text()
    assert all(f">{text}<" in svg for text in ("lr=0.1", "lr=0.5", "valid loss", "valid accuracy"))


def test_several_parameters_are_combined(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(
        capsys, "train", "moons.net", "--sweep", "lr=0.1,0.5", "--sweep", "width=2, 3"
    )
    assert code == 0
    rows = [line.split() for line in out.splitlines() if line.startswith("lr=") and "(" not in line]
    assert [row[0] for row in rows] == [
        "lr=0.1,width=2", "lr=0.1,width=3", "lr=0.5,width=2", "lr=0.5,width=3",
    ]  # fmt: skip
    assert rows[0][1:4] == ["0.1", "2", "finished"]
    lowest = min(rows, key=lambda row: float(row[5]))[0]
    assert f"lowest loss: {lowest}\n" in out


def test_a_run_that_diverges_is_a_row_of_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "train", "moons.net", "--sweep", "lr=1e38,0.1")
    assert code == 0
    (row,) = (line for line in out.splitlines() if line.startswith("lr=1e38 ") and "(" not in line)
    assert row.split()[1:4] == ["1e38", "the", "loss"] or "gradient norm" in row
    assert "lowest loss: lr=0.1\n" in out


def test_a_sweep_in_python() -> None:
    found = netlang.load("moons.net").sweep({"lr": [0.01, 0.5], "width": [2]}, pause=0.0)
    assert list(found.runs) == ["lr=0.01,width=2", "lr=0.5,width=2"]
    assert found.finished
    assert found.best is found.runs["lr=0.5,width=2"]
    assert found.folder == Path("runs/moons-sweep-1")
    assert str(found).splitlines()[0].split()[:3] == ["run", "lr", "state"]


class Counted(netlang.Callback):
    steps = 0

    def stepped(self, step: int, measured: Mapping[str, float]) -> None:
        self.steps += 1


def test_an_interrupted_sweep_continues_where_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    program = netlang.load("moons.net")
    counted = Counted()
    found = program.sweep(
        {"lr": [0.1, 0.2, 0.3]}, callback=counted, interrupted=lambda: counted.steps > 4
    )
    assert (found.finished, len(found.runs)) == (False, 2)
    code, out, _ = said(capsys, "train", "moons.net", "--sweep", "lr=0.1,0.2,0.3", "--resume")
    assert code == 0
    assert "run: runs/moons-sweep-1/lr=0.3\n" in out
    whole = program.sweep({"lr": [0.1, 0.2, 0.3]}, folder="whole")
    for own in whole.runs.values():
        name = Path(own.folder.name, "model.safetensors")
        assert Path("whole", name).read_bytes() == Path("runs/moons-sweep", name).read_bytes()


LISTS = {
    "q=1,2": "the train section `moons` has no parameter `q`",
    "lr=1,1": "`lr` has the value 1 twice",
    "lr=,": "invalid value for '--sweep': there are no values for `lr`",
    "lr": "invalid value for '--sweep': `lr` is not of the form NAME=VALUES",
    "width=2,x": "`width=x`: I don't know `x`",
}


@pytest.mark.parametrize("text", LISTS)
def test_a_list_that_cannot_be_swept_over_is_reported_before_the_first_run(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = said(capsys, "train", "moons.net", "--sweep", text)
    assert (code, out) == (2, "")
    assert f"]: {LISTS[text]}\n" in err
    assert not Path("runs").exists()


def test_a_parameter_has_one_value_or_several(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = said(capsys, "train", "moons.net", "--sweep", "lr=1,2", "--set", "lr=3")
    assert (code, "`lr` is swept over, and set to one value" in err) == (2, True)
    code, _, err = said(capsys, "train", "moons.net", "--sweep", "lr=1", "--dry-run")
    assert (code, "--dry-run is for one run: leave out --sweep, or use --set" in err) == (2, True)
    Path("full").mkdir()
    Path("full/file").touch()
    code, _, err = said(capsys, "train", "moons.net", "--sweep", "lr=1", "--run", "full")
    assert (code, "full is not empty" in err) == (2, True)
    code, _, err = said(capsys, "train", "moons.net", "--sweep", "lr=1", "--resume")
    assert (code, "there is no sweep of `moons` in runs" in err) == (2, True)


def test_values_are_separated_at_commas_outside_of_brackets_and_strings() -> None:
    assert split_values('[1, 2], "a,b", f(1, 2), 3 epochs') == [
        "[1, 2]", '"a,b"', "f(1, 2)", "3 epochs",
    ]  # fmt: skip


def test_folders_of_strange_values_are_distinct() -> None:
    Path("moons.net").write_text(MOONS)
    found = netlang.load("moons.net").sweep({"note": ["a b", "a;b", "ü"]}, folder="odd")
    assert len({run.folder for run in found.runs.values()}) == 3
    assert all(run.folder.parent == Path("odd") for run in found.runs.values())


# Lists of runs.


def test_runs_are_listed_with_what_they_differ_in(capsys: pytest.CaptureFixture[str]) -> None:
    program = netlang.load("moons.net")
    for lr in (0.1, 0.5):
        program.train(settings={"lr": lr})
    program.train(settings={"lr": 0.5}, seed=3)
    code, out, _ = said(capsys, "runs")
    assert code == 0
    head, *rows = (line.split() for line in out.splitlines() if line)
    assert head == [
        "run",
        "lr",
        "seed",
        "state",
        "best",
        "epoch",
        "valid",
        "loss",
        "valid",
        "accuracy",
    ]
    assert [row[:4] for row in rows[:3]] == [
        ["moons-1", "0.1", "0", "finished"],
        ["moons-2", "0.5", "0", "finished"],
        ["moons-3", "0.5", "3", "finished"],
    ]
    assert rows[3][:2] == ["lowest", "loss:"]


def test_runs_as_json_and_as_a_plot(capsys: pytest.CaptureFixture[str]) -> None:
    program = netlang.load("moons.net")
    runs = [program.train(settings={"lr": lr}) for lr in (0.1, 0.5)]
    code, out, _ = said(capsys, "runs", "runs", "--json", "-o", "plot.svg")
    assert code == 0
    listed = json.loads(out)["runs"]
    assert [each["differences"] for each in listed] == [{"lr": "0.1"}, {"lr": "0.5"}]
    assert [each["last"]["valid"] for each in listed] == [dict(r.history[-1].valid) for r in runs]
    assert all(each["steps"] == each["total"] == 4 for each in listed)
    assert ">moons-2<" in Path("plot.svg").read_text()


def test_a_run_in_progress_and_a_damaged_one_are_listed() -> None:
    netlang.load("moons.net").train(settings={"lr": 0.1})
    stops = iter([False] * 2)
    netlang.load("moons.net").train(interrupted=lambda: next(stops, True))
    Path("runs/bad").mkdir()
    Path("runs/bad/checkpoint.safetensors").write_bytes(b"\x05")
    Path("runs/bad/log.jsonl").write_bytes(b"\xff{")
    found = recorded_runs(Path("runs"))
    states = {run.name: run.state for run in found.runs}
    assert states == {
        "bad": "no checkpoint", "moons-1": "finished", "moons-2": "2 of 4 steps",
    }  # fmt: skip
    assert found.drawing().svg()


def test_programs_that_differ_are_numbered() -> None:
    netlang.load("moons.net").train()
    text = Path("moons.net").read_text().replace("tanh", "relu")
    netlang.loads(text).train()
    assert netlang.runs().differences() == {"program": ["#1", "#2"]}


def test_there_are_no_runs(capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty").mkdir()
    for folder, message in (("empty", "there is no run in empty"), ("nope", "no folder nope")):
        code, out, err = said(capsys, "runs", folder)
        assert (code, out, message in err) == (2, "", True)
