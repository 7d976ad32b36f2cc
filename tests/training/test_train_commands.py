"""What `netlang train`, `evaluate` and `compile --train` do, as a person sees it.

Tests ``netlang.cli.commands`` and ``netlang.training.export``.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from commands import ran, said
from PIL import Image
from plans import plan_of
from safetensors.numpy import load_file
from sections import LENET, NORMED, gan, section, write

from netlang.system.numpy import Array
from netlang.training.run.engine import OrtEngine
from netlang.training.step.graphs import DRAW, SHARE, STEP


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_run_saves_everything_in_its_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = 'checkpoint = [save_best(model, "best-{epoch}.weights", by=acc), '
    more += 'save_every(model.h, "h-{step}.weights", every=2 epochs)]'
    write(tmp_path, section(more=more))
    assert ran("train", "it.net") == 0
    folder = tmp_path / "runs" / "it"
    names = {path.name for path in folder.iterdir()}
    assert {"program.net", "log.jsonl", "curves.svg", "model.safetensors"} <= names
    assert {"checkpoint.safetensors", "best-1.weights", "h-6.weights", "h-12.weights"} <= names
    lines = (folder / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3, 4]
    last = json.loads(lines[-1])
    assert last["step"] == 12
    assert last["train"].keys() == last["valid"].keys() == {"loss", "acc"}
    assert last["valid"]["loss"] < json.loads(lines[0])["valid"]["loss"]
    text = capsys.readouterr().out.splitlines()
    assert text.pop(0) == "reading rows ..."
    assert text[0] == "it: 1,091 parameters, 40 examples, 3 steps per epoch"
    assert text[1] == "run: runs/it-1, which is now runs/it"
    assert len(text) == 6
    assert text[-1].startswith("epoch 4/4  loss ")
    assert "\x1b" not in "".join(text)
    tree = ElementTree.parse(folder / "curves.svg")
    told = [e.text for e in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert {"train loss", "valid loss", "train acc", "valid acc", "it"} <= set(told)


def test_a_metric_may_have_the_name_of_an_input_of_the_step(tmp_path: Path) -> None:
    metrics = "metrics = [acc as rate, mean(logits) as draw]"
    write(tmp_path, section().replace("metrics = [acc]", metrics))
    assert ran("train", "it.net", "--set", "lr=0.2") == 0
    last = json.loads((tmp_path / "runs" / "it" / "log.jsonl").read_text().splitlines()[-1])
    assert last["train"].keys() == last["valid"].keys() == {"loss", "rate", "draw2"}
    assert last["rate"] == 0.2


def test_the_program_that_is_saved_trains_the_same_weights(tmp_path: Path) -> None:
    write(tmp_path, section())
    assert ran("train", "it.net", "--threads", "1") == 0
    kept = tmp_path / "kept"
    shutil.copytree(tmp_path, kept, ignore=shutil.ignore_patterns("runs", "kept"))
    shutil.copy(tmp_path / "runs" / "it" / "program.net", kept / "it.net")
    assert ran("train", kept / "it.net", "--run", kept / "run", "--threads", "1") == 0
    weights = [(f / "model.safetensors").read_bytes() for f in (Path("runs/it"), kept / "run")]
    assert weights[0] == weights[1]


def test_each_run_gets_a_folder_and_none_is_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, section())
    assert [ran("train", "it.net") for _ in range(2)] == [0, 0]
    assert {p.name for p in Path("runs").iterdir()} == {"it", "it-1", "it-2"}
    assert Path("runs/it").resolve() == Path("runs/it-2").resolve()
    assert ran("train", "it.net", "--run", "runs/it") == 2
    assert "error[run-exists]: runs/it holds a run already" in capsys.readouterr().err


def test_the_state_is_copied_once_for_all_files_that_end_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies: list[int] = []
    state = OrtEngine.state

    def counted(self: OrtEngine) -> dict[str, Array]:
        copies.append(1)
        return state(self)

    monkeypatch.setattr(OrtEngine, "state", counted)
    write(tmp_path, gan(epochs=1))
    assert ran("train", "it.net") == 0
    assert {"gen.safetensors", "disc.safetensors"} <= {p.name for p in Path("runs/gan").iterdir()}
    assert len(copies) == 1


def test_as_json_the_log_is_what_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, section())
    assert ran("train", "it.net", "--json") == 0
    assert capsys.readouterr().out == Path("runs/it/log.jsonl").read_text()


def test_parameters_are_set_from_outside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, section().replace("lr: float", "lr: schedule"))
    assert ran("train", "it.net", "--dry-run", "--set", "lr=0.5 |> cosine(4 epochs)") == 0
    assert "step         1  0.5 " in capsys.readouterr().out
    assert ran("train", "it.net", "--set", "rl=0.5") == 2
    assert "did you mean `lr`?" in capsys.readouterr().err
    assert not Path("runs").exists()


@pytest.mark.parametrize("command", [["train"], ["evaluate", "--weights", "w.safetensors"]])
def test_numpy_has_no_provider(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, section())
    assert ran(*command, "it.net", "--backend", "numpy", "--provider", "cuda") == 2
    assert capsys.readouterr().err.startswith(
        "error[provider-missing]: NumPy computes on the CPU only\n"
    )
    assert not (tmp_path / "runs").exists()


def test_a_dry_run_tells_and_trains_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, section(LENET, "adam(0.01 |> warmup(1 epoch))", "accumulate = 2"))
    assert ran("train", "it.net", "--dry-run") == 0
    told = capsys.readouterr().out
    assert "examples    40 in batches of 16\n" in told
    assert "steps       2 per epoch, 8 in total (4 epochs)\n" in told
    assert "graph       it_gathering: " in told
    assert "learning rate\n  step         1  0\n" in told
    assert not Path("runs").exists()


def test_a_learning_rate_that_is_too_high_is_reported_with_its_location(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, section())
    assert ran("train", "it.net", "--set", "lr=1e30") == 4
    told = capsys.readouterr().err
    assert told.startswith("error[not-finite]: the loss is nan at step 2\n")
    assert "it.net:8" in told
    assert "lower the learning rate" in told


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [("|> relu", "|> log |> relu", "log"), ("dense(h, 3)", "dense(sqrt(h - 9.0), 3)", "sqrt")],
)
def test_a_nan_is_reported_with_its_operator_and_line(
    old: str, new: str, place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, section().replace(old, new))
    assert ran("train", "it.net") == 4
    told = capsys.readouterr().err
    assert "at step 1\n" in told
    assert f"({place}, it.net:" in told


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_labels_that_are_not_classes_are_reported_before_the_first_step(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, section().replace("N, 3]", "N, 2]").replace("dense(h, 3)", "dense(h, 2)"))
    assert ran("train", "it.net", *options) == 1
    assert "the 2 classes are 0 to 1" in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_a_last_batch_of_one_is_warned_of(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, section(NORMED), rows=33)
    ran("train", "it.net", *options)
    assert "the last batch of an epoch has one example" in capsys.readouterr().err


@pytest.mark.parametrize("over", ["5 epochs", "50 steps"])
def test_a_schedule_longer_than_the_run_is_warned_of_once(
    over: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, section(optimizer=f"sgd(0.1 |> cosine({over}))"))
    assert ran("train", "it.net") == 0
    told = capsys.readouterr().err
    assert told.count("the learning rate changes over") == 1
    assert f"changes over {over}, and the run ends after" in told


def test_both_back_ends_train_alike(tmp_path: Path) -> None:
    write(tmp_path, section(NORMED, "adam(0.01)"))
    assert ran("train", "it.net", "--run", "a") == 0
    assert ran("train", "it.net", "--run", "b", "--backend", "numpy") == 0
    logs = [
        [json.loads(line) for line in Path(name, "log.jsonl").read_text().splitlines()]
        for name in "ab"
    ]
    for first, second in zip(*logs, strict=True):
        assert first["valid"] == pytest.approx(second["valid"], rel=1e-3, abs=1e-3)
        assert first["train"] == pytest.approx(second["train"], rel=1e-3, abs=1e-3)


def test_evaluating_returns_the_metrics_of_the_last_epoch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, section(NORMED, "adam(0.01)"))
    ran("train", "it.net")
    last = json.loads(Path("runs/it/log.jsonl").read_text().splitlines()[-1])
    capsys.readouterr()
    assert ran("evaluate", "it.net", "--weights", "runs/it/model.safetensors", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["of"] == "valid"
    assert told["examples"] == 40
    assert told["metrics"] == pytest.approx(last["valid"])
    assert ran("evaluate", "it.net", "--weights", "runs/it/model.safetensors") == 0
    assert capsys.readouterr().out.startswith("40 examples of `valid`\n  loss  ")


def test_evaluating_requires_the_weights_of_each_layer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, gan())
    assert ran("train", "it.net") == 0
    capsys.readouterr()
    assert ran("evaluate", "it.net", "-w", "runs/gan/gen.safetensors") == 2
    assert capsys.readouterr().err == (
        "error[which-layer]: `gan` has several layers: name the layer of these parameters\n"
        "   |\n"
        "   = note: its layers: gen, disc\n"
        '   = help: `--weights gen=runs/gan/gen.safetensors`, or `{"gen": …}`\n'
    )
    assert ran("evaluate", "it.net", "-w", "gen=a.safetensors", "-w", "gen=b.safetensors") == 2
    assert "the parameters of `gen` are given twice" in capsys.readouterr().err
    assert ran("evaluate", "it.net", "-w", "a.safetensors", "-w", "b.safetensors") == 2
    assert "two files are given without a layer" in capsys.readouterr().err
    files = ("-w", "gen=runs/gan/gen.safetensors", "-w", "disc=runs/gan/disc.safetensors")
    assert ran("evaluate", "it.net", *files) == 0
    assert "d.loss" in capsys.readouterr().out


class Written:
    """The models of a step and their state, run by onnxruntime alone."""

    def __init__(self) -> None:

        self.step, self.gathering = _opened("step.onnx"), _opened("step.gathering.onnx")
        self.weighing = _opened("step.weighing.onnx")
        metadata = self.step.get_modelmeta().custom_metadata_map
        self.contract: dict[str, Any] = json.loads(metadata["netlang.contract"])
        self.state: dict[str, Array] = load_file("step.safetensors")
        self.steps = 0

    def update(self, batches: list[dict[str, Array]]) -> None:
        """Do one update with the batches it gathers."""
        rows = sum(len(batch["y"]) for batch in batches)
        totals = self.totals(batches)
        for i, batch in enumerate(batches):
            session = self.step if i == len(batches) - 1 else self.gathering
            numbers = {
                STEP: np.int64(self.steps + 1),
                DRAW: np.int64(self.steps * len(batches) + i + 1),
                SHARE: np.float32(len(batch["y"]) / rows),
                "rate": np.float32(0.01),
                **totals,
            }
            columns = {f"batch.{name}": array for name, array in batch.items()}
            given = self.state | columns | {n: np.asarray(v) for n, v in numbers.items()}
            feeds = {v.name: given[v.name] for v in session.get_inputs()}
            names = [v.name for v in session.get_outputs()]
            made = dict(zip(names, session.run(None, feeds), strict=True))
            new = {n.removesuffix("_next"): a for n, a in made.items() if n.endswith("_next")}
            self.state |= new
        self.steps += 1

    def totals(self, batches: list[dict[str, Array]]) -> dict[str, Any]:
        """Return the totals that a step takes, as its contract describes them."""
        of = {
            n: t.removeprefix("sum of ") for n, t in self.contract["numbers"].items() if "sum" in t
        }
        if not of:
            return {}
        found: list[dict[str, Array]] = []
        for batch in batches:
            names = [v.name for v in self.weighing.get_outputs()]
            feeds = {v.name: batch[v.name[6:]] for v in self.weighing.get_inputs()}
            found.append(dict(zip(names, self.weighing.run(None, feeds), strict=True)))
        return {
            name: np.sum([e[output] for e in found], axis=0, dtype=np.float64).astype(np.float32)
            for name, output in of.items()
        }


def _opened(model: str) -> Any:
    import onnxruntime

    if not Path(model).exists():
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"], disabled_optimizers=["Pad_Fusion"]
    )


@pytest.mark.parametrize(
    ("more", "loss"),
    [("", ""), ("accumulate = 2", ""), ("accumulate = 2", ", ignore=0"), ("", ", ignore=0")],
)
def test_a_step_that_was_written_trains_as_the_run_does(
    more: str, loss: str, tmp_path: Path
) -> None:

    from netlang.data.opening import open_batches

    text = section(NORMED, "adam(0.01)", more)
    path = write(
        tmp_path,
        text.replace("(logits, batch.y)\n  metrics", f"(logits, batch.y{loss})\n  metrics"),
    )
    assert ran("train", "it.net", "--threads", "1") == 0
    assert ran("compile", "it.net", "--train", "-o", "step.onnx") == 0
    written = Written()
    many = written.contract["batches"]
    assert (written.weighing is not None) == (bool(loss) and many > 1)
    assert many == (1 if written.gathering is None else 2)
    pipeline = plan_of(path).data
    assert pipeline is not None
    data = open_batches(pipeline, tmp_path, 0)
    for epoch in range(4):
        with data.epoch(epoch) as stream:
            batches = list(stream)
        for start in range(0, len(batches), many):
            written.update(batches[start : start + many])
    trained = load_file("runs/it/model.safetensors")
    for name, array in trained.items():
        np.testing.assert_array_equal(written.state[f"model.{name}"], array)


def test_the_state_of_a_step_replaces_nothing_it_is_made_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from safetensors.numpy import save_file

    body = {"h.weight": np.ones((16, 64), np.float32), "h.bias": np.zeros(16, np.float32)}
    save_file(body, tmp_path / "body.safetensors")
    before = (tmp_path / "body.safetensors").read_bytes()
    write(tmp_path, section(more='init = [load(model.h, "body.safetensors")]'))
    assert ran("compile", "it.net", "--train", "-o", "body.onnx") == 2
    assert capsys.readouterr().err == (
        "error[output-is-input]: the output body.safetensors would overwrite the input "
        "body.safetensors\n   |\n   = help: choose another name for the output\n"
    )
    assert ran("compile", "it.net", "--train", "-o", "step.safetensors") == 2
    assert "step.safetensors: the target onnx is written as .onnx" in capsys.readouterr().err
    assert {file.name for file in tmp_path.glob("*.*")} == {
        "it.net", "rows.npz", "points.npz", "body.safetensors"
    }  # fmt: skip
    assert (tmp_path / "body.safetensors").read_bytes() == before
    assert ran("compile", "it.net", "--train", "-o", "step.onnx") == 0


@pytest.mark.parametrize(
    "setting",
    ['save_best(model, "../x", by=acc)', 'save_every(model, "log.jsonl", every=1 epoch)'],
)
def test_a_program_names_no_file_outside_of_its_run(
    setting: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, section(more=f"checkpoint = [{setting}]"))
    assert ran("train", "it.net") == 1
    assert "error[file-name]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "epochs"),
    [
        ('stop = early_stop(loss, patience=1 epoch, mode="max")', 2),
        ('stop = early_stop(loss, patience=1 epoch, mode="min")', 4),
        ("stop = early_stop(loss, patience=1 epoch)", 4),
        ("stop = early_stop(loss, patience=2 epochs, min_change=100.0)", 3),
    ],
)
def test_a_run_stops_when_its_metric_no_longer_improves(
    more: str, epochs: int, tmp_path: Path
) -> None:
    write(tmp_path, section(more=more))
    assert ran("train", "it.net") == 0
    assert len(Path("runs/it/log.jsonl").read_text().splitlines()) == epochs


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("train", "it.net", "--set", "lr"), 2),
        (("train", "it.net", "other"), 2),
        (("train", "missing.net"), 2),
        (("train", "it.net", "--resume"), 2),
        (("train", "it.net", "--override", "lr"), 2),
        (("train", "it.net", "--threads", "0"), 2),
        (("train", "it.net", "--seed", "-1"), 2),
        (("train", "it.net", "--provider", "cuda"), 3),
    ],
)
def test_incorrect_usage_is_reported(
    arguments: tuple[str, ...], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, section())
    assert ran(*arguments) == code
    told = capsys.readouterr().err
    assert told.startswith("error[")
    assert "Traceback" not in told


def test_what_was_decided_about_the_data_is_reported_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        section().replace('npz = "rows.npz"', 'csv = "rows.csv"').replace("f32[1, 8, 8]", "f32[2]")
    )
    write(tmp_path, text.replace("x: f32[N, 1, 8, 8]", "x: f32[N, 2]").replace("flatten |> ", ""))
    Path("rows.csv").write_text("a,b,c\n" + "1.5,2.5,0\n0.5,1.5,2\n" * 10)
    report = (
        "warning: rows.csv names none of the columns, which are taken in order: "
        "`x` is a, b; `y` is c\n"
    )
    assert said(capsys, "train", "it.net", "--dry-run")[::2] == (0, report)
    assert said(capsys, "train", "it.net")[::2] == (0, report)


@pytest.mark.parametrize("kind", ["numbers", "folders"])
@pytest.mark.parametrize(
    ("valid", "shared"), [("cd", False), ("d", False), ("bc", True), ("a", True)]
)
def test_validation_data_without_a_trained_class_are_reported(
    valid: str, shared: bool, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = {name: str(i) for i, name in enumerate("abcd")}
    for split, classes in (("train", "ab"), ("valid", valid)):
        for name in classes:
            folder = Path(split, name)
            folder.mkdir(parents=True)
            Image.new("RGB", (8, 8)).save(folder / "0.png")
        labels = np.array([int(numbers[name]) for name in classes])
        np.savez(f"{split}.npz", image=np.zeros((len(labels), 3, 8, 8), np.float32), label=labels)
    files = "dataset rows(file: str) -> (image: f32[3, 8, 8], label: i64[]) { npz = file }"
    text = f"""{files}
net Net(image: f32[N, 3, 8, 8]) -> y: f32[N, 4] = image |> flatten |> dense(4)
train it {{
  data = rows("train.npz") |> batches(2)
  valid = rows("valid.npz") |> batches(2)
  model = new Net()
  loss = cross_entropy(model(batch.image), batch.label)
  optimizer = sgd(0.1)
  run = 1 step
}}
"""
    if kind == "folders":
        for split in ("train", "valid"):
            text = text.replace(f'rows("{split}.npz")', f'image_folder("{split}", size=8)')
    Path("it.net").write_text(text)
    code, report = 0, ""
    if kind == "folders" and set(valid) - set("ab"):
        code, report = (
            1,
            (
                f"error[bad-file]: valid has the folder `{min(set(valid) - set('ab'))}`, which the "
                "training data does not have\n   |\n   = note: its classes are: a, b\n"
            ),
        )
    elif not shared:
        report = (
            "warning: `valid` has no class of `data`: its `label` is "
            f"{', '.join(numbers[name] for name in valid)}, and that of `data` is 0, 1\n"
        )
    assert said(capsys, "train", "it.net")[::2] == (code, report)


CARRYING = """
net Net(x: f32[N, 1, 8, 8]) -> logits: f32[N, 3] {
  state h: f32[N, 16] = 1.5
  now = x |> flatten |> dense(16) |> tanh
  next h = now
  logits = dense(now + h, 3)
}
"""


@pytest.mark.parametrize(
    ("net", "more", "carried"),
    [
        (NORMED, "", {}),
        (LENET, "freeze = [model.a]\n  accumulate = 2", {}),
        (CARRYING, "carry_state = true", {"model.h/state": 1.5}),
        (CARRYING, "", {}),
    ],
)
def test_a_written_step_comes_with_all_that_its_first_batch_needs(
    net: str, more: str, carried: dict[str, float], tmp_path: Path
) -> None:
    import onnx

    write(tmp_path, section(net, "adam(lr)", more))
    assert ran("compile", "it.net", "--train", "-o", "step.onnx") == 0
    for path in Path().glob("*.onnx"):
        model = onnx.load(path)
        (text,) = (p.value for p in model.metadata_props if p.key == "netlang.contract")
        contract: dict[str, Any] = json.loads(text)
        assert contract["carried"] == carried
        known = {*load_file("step.safetensors"), *carried, *contract["batch"], *contract["numbers"]}
        assert {value.name for value in model.graph.input} <= known
