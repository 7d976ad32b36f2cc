"""A page trains as the command line does, can stop, and classifies what is drawn.

Tests ``netlang.serve``, ``netlang.cli.commands.tools.serve`` and ``netlang.training.lines``.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from itertools import islice
from pathlib import Path

import pytest
from commands import ran, said
from serve_client import Answer, Page, page

LENET = """\
net LeNet(image: f32[N, 1, 8, 8]) -> logits: f32[N, 10] {
  c1 = image |> conv(6, 5, pad=2) |> sigmoid |> avg_pool(2)
  c2 = c1 |> conv(16, 3, pad=1) |> sigmoid |> avg_pool(2)
  logits = c2 |> flatten |> dense(84) |> sigmoid |> dense(10)
}

train digits(lr: float = 0.9) {
  data = digits("train") |> map(image=[crop(8, pad=1)]) |> batches(64, shuffle=true)
  valid = digits("test") |> batches(100)
  model = new LeNet()
  logits = model(batch.image)
  loss = cross_entropy(logits, batch.label)
  metrics = [accuracy(logits, batch.label)]
  optimizer = sgd(lr)
  init = [fill(convs(model), xavier_uniform())]
  run = 2 epochs
}
"""
NORMED = LENET.replace("|> sigmoid |> avg_pool", "|> batch_norm |> sigmoid |> avg_pool")
LETTERS = """\
net Letters(tokens: i64[N, T]) -> logits: f32[N, T, 12] {
  state h: f32[1, N, 16] = 0.0
  r = tokens |> embedding(12, 8) |> gru(16, h0=h[0])
  next h = stack([r.h], axis=0)
  logits = dense(r.y, 12)
}

train letters {
  data = char_windows("text.txt", length=8) |> batches(4, in_order=true)
  carry_state = true
  model = new Letters()
  logits = model(batch.tokens)
  loss = cross_entropy(logits, batch.target)
  optimizer = adam(0.01)
  clip = clip_norm(1.0)
  run = 2 epochs
}
"""
GAN = """\
net Generator(z: f32[N, 8]) -> image: f32[N, 1, 8, 8] =
  z |> dense(32) |> relu |> dense(64) |> sigmoid |> reshape([N, 1, 8, 8])

net Judge(image: f32[N, 1, 8, 8]) -> logit: f32[N] =
  image |> flatten |> dense(32) |> leaky_relu(0.2) |> dense(1) |> reshape([N])

train gan {
  data = digits("train") |> batches(100, shuffle=true)
  gen = new Generator()
  judge = new Judge()
  fake = gen(random_normal([N, 8]))

  step judging {
    loss = bce_with_logits(judge(batch.image), 1.0) + bce_with_logits(judge(fake), 0.0)
    update = [judge]
    optimizer = adam(0.001)
  }

  step generating {
    loss = bce_with_logits(judge(fake), 1.0)
    update = [gen]
    optimizer = adam(0.001)
  }

  run = 30 steps
}
"""
SLOW = """\
net Line(x: f32[N, 2]) -> y: f32[N, 1] = dense(x, 1)

train line {
  data = two_moons(1000) |> batches(10)
  model = new Line()
  loss = mse(model(batch.x), unsqueeze(cast(batch.label, f32), 1))
  optimizer = sgd(0.001)
  run = 100000 epochs
}
"""
TEXT = "abc abd hello cold bold hold " * 20


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    (tmp_path / "text.txt").write_text(TEXT, "utf-8")
    (tmp_path / "slow.net").write_text(SLOW, "utf-8")
    monkeypatch.chdir(tmp_path)  # the command stores runs in the current folder
    with page(tmp_path, "slow.net") as asked:
        yield asked


def log(folder: Path) -> list[Answer]:
    """Return the log of a run without its times."""
    lines = (folder / "log.jsonl").read_text("utf-8").splitlines()
    return [{**json.loads(line), "seconds": 0} for line in lines]


@pytest.mark.parametrize(
    ("name", "program"), [("lenet", LENET), ("norm", NORMED), ("letters", LETTERS), ("gan", GAN)]
)
def test_a_run_of_the_page_has_the_log_of_the_command(
    served: Page, tmp_path: Path, name: str, program: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = served.train(path=f"{name}.net", text=program, seed=0)
    answers = [answer for answer in answers if answer["type"] != "remark"]
    kinds = [answer["type"] for answer in answers]
    assert kinds[:3] == ["preparing", "prepared", "samples"] and kinds[-1] == "finished", answers
    ended = answers[-1]
    found = log(tmp_path / ended["folder"])
    epochs = [answer for answer in answers if answer["type"] == "epoch"]
    assert [{**json.loads(each["line"]), "seconds": 0} for each in epochs] == found
    (tmp_path / f"{name}.net").write_text(program, "utf-8")
    code, out, _ = said(capsys, "train", f"{name}.net", "--seed", "0", "--run", "own")
    assert code == 0 and log(tmp_path / "own") == found
    texts = [answers[1]["text"], *(each["text"] for each in epochs)]
    assert [line for line in out.splitlines() if "run:" not in line and "..." not in line] == texts
    steps = (tmp_path / "own" / "steps.jsonl").read_text("utf-8").splitlines()
    points = [p for answer in answers if answer["type"] == "steps" for p in answer["points"]]
    assert [(p["step"], p["train"]) for p in points] == [
        (each["step"], each["train"]) for each in map(json.loads, steps)
    ]


def test_a_classifier_has_samples_a_confusion_matrix_and_predictions(served: Page) -> None:
    answers = served.train(path="lenet.net", text=LENET, settings={"lr": "0.5"}, seed=1)
    by_type = {answer["type"]: answer for answer in answers}
    samples = by_type["samples"]
    assert [(each["name"], each["kind"]) for each in samples["columns"]] == [
        ("image", "image"), ("label", "class")
    ]  # fmt: skip
    image = samples["examples"][0]["image"]
    assert (image["width"], image["height"], image["channels"]) == (8, 8, 1)
    assert len(base64.b64decode(image["pixels"])) == 64 and len(samples["examples"]) == 16
    confusion = by_type["confusion"]
    assert sum(map(sum, confusion["counts"])) == sum(confusion["actual"]) == 297
    ended = by_type["finished"]
    assert ended["networks"] == ["model"]
    assert ended["predicts"]["input"] == {"name": "image", "shape": [1, 8, 8], "kind": "image"}
    drawing = [[1.0 if 11 <= x < 17 and 2 < y < 26 else 0.0 for x in range(28)] for y in range(28)]
    found = served.ask("predict", run=ended["run"], drawing=drawing)
    assert found["type"] == "predicted" and found["output"] == "logits"
    assert len(found["classes"]) == 10
    assert sum(each["probability"] for each in found["classes"]) == pytest.approx(1, abs=1e-5)
    seen = base64.b64decode(found["seen"]["pixels"])
    assert max(seen) > 200 and seen[0] == 0
    assert served.ask("predict", run=None, drawing=drawing)["classes"] == found["classes"]


def test_an_image_is_read_as_netlang_run_reads_it(served: Page) -> None:
    images = pytest.importorskip("PIL.Image")
    ended = served.train(path="lenet.net", text=LENET, seed=0)[-1]
    data = BytesIO()
    images.new("RGB", (40, 30), "white").save(data, "PNG")
    sent = {"name": "white.png", "bytes": base64.b64encode(data.getvalue()).decode()}
    found = served.ask("predict", run=ended["run"], image=sent)
    assert set(base64.b64decode(found["seen"]["pixels"])) == {255}
    for name, content, message in (
        ("notes.txt", b"x", "`notes.txt` is not an image"),
        ("../../x.png", b"no image", "`x.png` is not a PNG, JPEG, WebP, BMP or TIFF image"),
    ):
        sent = {"name": name, "bytes": base64.b64encode(content).decode()}
        answer = served.ask("predict", run=ended["run"], image=sent)
        assert message in answer["error"]["message"]


def test_predictions_need_a_run_and_one_thing_to_predict(served: Page) -> None:
    answer = served.ask("predict", run="r1", drawing=[[0.0]])
    assert answer["error"]["message"] == "this run is not in memory any more"
    ended = served.train(path="gan.net", text=GAN, seed=0)[-1]
    assert ended["networks"] == ["gen", "judge"] and ended["predicts"]["layer"] == "judge"
    scores = served.ask("predict", run=ended["run"], drawing=[[0.0, 1.0], [1.0, 0.0]])
    assert scores["classes"] == [] and len(scores["values"]["logit"]) == 1
    for fields, message in (
        ({}, "a prediction is of an image or of a drawing, and not of both"),
        ({"drawing": []}, "a drawing has rows of the same length"),
        ({"drawing": [[1.0], [1.0, 2.0]]}, "a drawing has rows of the same length"),
        ({"drawing": [[0.0]], "layer": "gen"}, "`Generator` takes no single image"),
        ({"drawing": [[0.0]], "layer": "x"}, "the run trained no network `x`"),
    ):
        answer = served.ask("predict", run=ended["run"], **fields)
        assert answer["error"]["message"] == message


def begun(answers: Iterator[Answer]) -> str:
    """Read until a run takes steps; return its name."""
    return next(each["run"] for each in answers if each["type"] == "steps")


def test_a_run_stops_after_its_step_and_can_be_resumed(served: Page, tmp_path: Path) -> None:
    with served.stream(path="slow.net", text=SLOW) as answers:
        run = begun(answers)
        second = served.train(path="slow.net", text=SLOW)
        assert [(each["type"], each["error"]["rule"]) for each in second] == [
            ("failed", "run-in-use")
        ]
        busy = served.ask("predict", run=run, drawing=[[0.0]])
        assert busy["error"]["message"] == "the run is still in progress"
        assert served.ask("stop", run="other")["found"] is False
        assert served.ask("check", path="slow.net", text=SLOW)["problems"] == []
        assert served.ask("stop", run=run) == {
            "type": "stopping", "version": 1, "id": 7, "run": run, "found": True
        }  # fmt: skip
        ended = list(answers)[-1]
    assert ended["type"] == "stopped" and ended["step"] > 0
    assert (tmp_path / ended["folder"] / "checkpoint.safetensors").exists()
    assert served.ask("stop", run=run)["found"] is False
    assert ran("runs", "runs") == 0


def test_a_page_that_goes_away_stops_its_run(served: Page, tmp_path: Path) -> None:
    with served.stream(path="slow.net", text=SLOW) as answers:
        begun(answers)
    after = served.train(path="lenet.net", text=LENET, seed=0)  # waits for the first to stop
    assert after[-1]["type"] == "finished"
    assert (tmp_path / "runs" / "line-1" / "checkpoint.safetensors").exists()


def test_a_run_imports_nothing_from_the_folder(served: Page, tmp_path: Path) -> None:
    """A program may lie next to a file with the name of a module of Python."""
    for name in ("selectors.py", "multiprocessing.py"):
        (tmp_path / name).write_text("raise SystemExit(3)\n", "utf-8")
    answers = served.train(path="a.net", text=LENET, seed=0)
    assert answers[-1]["type"] == "finished", answers[-1]


def test_a_run_that_cannot_begin_says_why(served: Page) -> None:
    wrong = LENET.replace("dense(84)", "dens(84)")
    (failed,) = served.train(path="a.net", text=wrong)
    (problem,) = failed["problems"]
    assert failed["type"] == "failed" and failed["error"]["message"] == "I don't know `dens`"
    assert wrong[problem["start"] : problem["end"]] == "dens"
    for fields, message in (
        ({"section": "other"}, "a.net has no train section `other`"),
        ({"settings": {"speed": "1"}}, "`digits` has no parameter `speed`"),
        ({"seed": -1}, "`seed` is -1, and must be at least 0"),
    ):
        answers = served.train(path="a.net", text=LENET, **fields)
        assert answers[-1]["type"] == "failed"
        assert message in answers[-1]["error"]["message"]
    rows = 'dataset rows -> (image: f32[1, 8, 8], label: i64[]) { csv = "none.csv" }\n'
    missing = rows + LENET.replace('digits("train")', "rows()")
    failed = served.train(path="a.net", text=missing)[-1]
    assert (failed["type"], failed["error"]["rule"]) == ("failed", "data-missing")


def test_a_loss_that_is_not_finite_ends_the_run(served: Page) -> None:
    answers = served.train(path="slow.net", text=SLOW.replace("sgd(0.001)", "sgd(1e30)"))
    assert answers[-1]["type"] == "failed" and answers[-1]["error"]["rule"] == "not-finite"
    assert answers[1]["type"] == "prepared"


def test_the_warnings_of_a_run_are_remarks(served: Page) -> None:
    answers = served.train(path="a.net", text=NORMED, seed=0)
    remarks = [each["text"] for each in answers if each["type"] == "remark"]
    assert len(remarks) == 1 and remarks[0].count("this bias has no effect") == 2


def test_a_process_that_is_killed_does_not_take_the_page_with_it(served: Page) -> None:
    with served.stream(path="slow.net", text=SLOW) as answers:
        begun(answers)
        worker = served.server.messages.runs.worker
        assert worker is not None
        worker.process.kill()
        ended = list(answers)[-1]
    assert ended["type"] == "failed"
    assert ended["error"]["message"] == "the process of the run has ended before the run"
    assert served.ask("hello")["type"] == "welcome"
    assert served.train(path="lenet.net", text=LENET, seed=0)[-1]["type"] == "finished"


# ---- the command -----------------------------------------------------------------------------


def started(folder: Path, *arguments: str) -> tuple[subprocess.Popen[str], int, str]:
    command = [sys.executable, "-m", "netlang", "serve", *arguments, "--no-browser"]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.fullmatch(r"serving (.+) at http://127\.0\.0\.1:(\d+)/#token=([\w-]{32})\n", line)
    assert found is not None, line
    assert process.stdout.readline() == "Ctrl-C ends it\n"
    return process, int(found[2]), found[3]


def test_the_command_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    (tmp_path / "slow.net").write_text(SLOW, "utf-8")
    process, port, token = started(tmp_path, "slow.net")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with process, closing(connection):
        headers = {"Content-Type": "application/json", "X-Netlang-Token": token}
        message = json.dumps({"type": "train", "path": "slow.net", "text": SLOW})
        connection.request("POST", "/message", message, headers)
        answer = connection.getresponse()
        lines = (line for line in answer if line.strip())
        assert any(json.loads(line)["type"] == "steps" for line in islice(lines, 50))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        answer.close()
    assert (process.returncode, out, err) == (0, "", "ended\n")
    assert (tmp_path / "runs" / "line-1" / "checkpoint.safetensors").exists()


def test_the_command_says_what_it_cannot_serve(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = said(capsys, "serve", "none.net")
    assert (code, err.splitlines()[0]) == (
        2, "error[no-such-file]: there is no file or folder `none.net`"
    )  # fmt: skip
    (tmp_path / "notes.txt").write_text("", "utf-8")
    code, _, err = said(capsys, "serve", "notes.txt")
    assert (code, err.splitlines()[0]) == (
        2, "error[unknown-format]: `notes.txt` is not a program"
    )  # fmt: skip
    with page(tmp_path) as asked:
        code, _, err = said(capsys, "serve", "--port", str(asked.server.port))
    assert code == 3 and f"port {asked.server.port} cannot be used" in err
