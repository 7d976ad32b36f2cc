"""Snippets that run a compiled model.

Tests ``netlang.backends.snippets``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import said
from PIL import Image

import netlang as nl

EXAMPLES = Path(__file__).parents[2] / "examples"

SEVERAL = """\
net Several(image: u8[N, 3, H, W], lambda: f32[N, 2], on: bool[N, 2], class: i64[N, T])
  -> (y: f32[N, 3], z) where H % 32 == 0, W % 32 == 0
{
  state total: f32[N, 3] = 0.5

  pixels = image |> cast(f32) |> mean(axis=[2, 3])
  y = total + pixels + (class |> cast(f32) |> mean(axis=1, keep=true))
  next total = y
  z = lambda * cast(on, f32)
}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(program: str) -> str:
    """Run a snippet without netlang, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", program], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_a_snippet_reads_an_image_and_prints_the_outputs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copy(EXAMPLES / "data/digit-3.png", "image.png")
    weights = EXAMPLES / "data/digits.safetensors"
    code, out, err = said(
        capsys, "compile", EXAMPLES / "digits.net", "-o", "d.onnx", "-w", weights, "--snippet"
    )
    assert code == 0
    assert err.startswith("d.onnx: ")
    assert (
        out
        == """\
import numpy as np
import onnxruntime as ort
from PIL import Image

session = ort.InferenceSession("d.onnx")

# image: f32[N, 1, 8, 8], 0 to 1
photo = Image.open("image.png").convert("L").resize((8, 8), Image.BILINEAR)
image = np.asarray(photo, np.float32)[None, None] / 255

outputs = session.run(["logits"], {"image": image})
for name, array in zip(["logits"], outputs):
    print(name, array.shape)
"""
    )
    assert run(out) == "logits (1, 10)\n"


def test_a_snippet_computes_what_netlang_run_does() -> None:
    shutil.copy(EXAMPLES / "data/digit-3.png", "image.png")
    network = nl.load(EXAMPLES / "digits.net").network()
    network.load(EXAMPLES / "data/digits.safetensors")
    model = network.compile()
    model.save("d.onnx")
    found = run(model.snippet("d.onnx") + "\nprint(outputs[0].tolist())").splitlines()[-1]
    expected = network.run(network.read_inputs({"image": "image.png"}))["logits"]
    np.testing.assert_allclose(np.array(eval(found)), expected, atol=1e-5)


def photos(folder: str, count: int) -> None:
    """Write photos of 20 by 12 pixels, brighter from one to the next."""
    Path(folder).mkdir(parents=True)
    columns, rows = np.meshgrid(np.arange(20), np.arange(12))
    for i in range(count):
        pixels = np.stack([columns * 9, rows * 11, (columns + rows) * (i + 1)], axis=2)
        Image.fromarray(pixels.astype(np.uint8)).save(f"{folder}/{i}.png")


PHOTOS = """
net Classes(image: f32[N, 3, 8, 8]) -> logits: f32[N, 2] = image |> flatten |> dense(2)

train photos {
  data = image_folder("photos", size=8) |> batches(4)
  model = new Classes()
  loss = cross_entropy(model(batch.image), batch.label)
  optimizer = sgd(0.1)
  run = 1 epochs
}
"""
SIZES = """
dataset both -> (image: f32[3, 8, 16], mask: i64[8, 16]) {
  image = pictures("photos/*.png") |> resize((8, 16))
  mask = masks("masks/*.png") |> resize((8, 16))
}

net Classes(image: f32[N, 3, H, W]) -> logits: f32[N, 2, H, W] = conv(image, 2, 1)

train photos {
  data = both() |> batches(4)
  model = new Classes()
  loss = cross_entropy(model(batch.image), batch.mask, axis=1)
  optimizer = sgd(0.1)
  run = 1 epochs
}
"""


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("text", [PHOTOS, SIZES], ids=["cropped", "resized"])
def test_a_snippet_reads_a_photo_as_the_training_did(text: str, raw: bool) -> None:
    for folder in ("photos",) if text is SIZES else ("photos/a", "photos/b"):
        photos(folder, 2)
    Path("masks").mkdir()
    for i in range(2):
        Image.new("L", (20, 12), i).save(f"masks/{i}.png")
    program = nl.loads(text, "photos.net")
    network = program.train().model
    shutil.copy(next(Path("photos").rglob("1.png")), "image.png")
    model = network.compile(raw_input=raw)
    model.save("p.onnx")
    found = run(model.snippet("p.onnx") + "\nprint(outputs[0].tolist())").splitlines()[-1]
    expected = network.run(network.read_inputs({"image": "image.png"}))["logits"]
    np.testing.assert_allclose(np.array(eval(found)), expected, atol=1e-5)


ROWS = """
dataset table -> (x: f32[2], kind: f32[2], label: i64[]) {
  csv = "rows.csv"
  x = columns(["Width", "Height (m)"], fill=mean) |> normalize
  kind = column("Kind") |> categories(one_hot=true)
  label = column("Label") |> categories
}

net Classes(x: f32[N, 2], kind: f32[N, 2]) -> logits: f32[N, 2] {
  logits = concat([x, kind], axis=1) |> dense(2)
}

train rows {
  data = table() |> batches(2)
  model = new Classes()
  loss = cross_entropy(model(batch.x, batch.kind), batch.label)
  optimizer = sgd(0.1)
  run = 1 epochs
}
"""


def test_a_snippet_says_which_cells_of_a_table_an_input_is() -> None:
    Path("rows.csv").write_text("Width,Height (m),Kind,Label\n1,2,gas,yes\n,1,oil,no\n")
    network = nl.loads(ROWS, "rows.net").train().model
    lines = network.compile(raw_input=True).snippet("r.onnx").splitlines()
    assert "# x: f32[N, 2]; Width, Height (m), NaN where one is missing" in lines
    assert "# kind: i64[N]; Kind: 0 is gas, 1 is oil" in lines


def test_every_kind_of_input_has_a_value() -> None:
    Image.new("RGB", (10, 10)).save("image.png")
    model = nl.loads(SEVERAL)["Several"].compile()
    model.save("s.onnx")
    program = model.snippet("s.onnx")
    assert "lambda_ = np.zeros((1, 2), np.float32)\n" in program
    assert "# total: f32[N, 3], a state: feed total_next to the next call\n" in program
    assert "total = np.full((1, 3), 0.5, np.float32)\n" in program
    assert "class_ = np.zeros((1, 16), np.int64)\n" in program
    assert ".transpose(2, 0, 1)[None]\n" in program
    assert run(program) == "y (1, 3)\nz (1, 2)\ntotal_next (1, 3)\n"


def test_a_snippet_has_the_inputs_and_outputs_of_a_partial_model() -> None:
    model = nl.loads(SEVERAL)["Several"].compile(only="z")
    model.save("s.onnx")
    program = model.snippet("s.onnx")
    assert "image" not in program
    assert run(program) == "z (1, 2)\n"


@pytest.mark.parametrize(("file", "net"), [
    ("lenet", "LeNet"), ("char_lstm", "CharLSTM"), ("bigru", "Sentiment"), ("unet", "UNet"),
    ("seq2seq", "DecodeStep"), ("siamese", "Siamese"),
])  # fmt: skip
def test_snippets_of_examples_run(file: str, net: str) -> None:
    network = nl.load(EXAMPLES / f"{file}.net")[net]
    model = network.compile()
    model.save("m.onnx")
    for name in ("image", "left", "right", "x", "one", "other"):
        Image.new("RGB", (28, 28)).save(f"{name}.png")
    assert run(model.snippet("m.onnx")).count("\n") == len(network.graph.results)


def test_a_snippet_in_javascript(capsys: pytest.CaptureFixture[str]) -> None:
    Path("s.net").write_text(SEVERAL, "utf-8")
    code, out, _ = said(capsys, "compile", "s.net", "-o", "s.onnx", "--snippet", "js")
    assert code == 0
    assert (
        out
        == """\
import * as ort from "onnxruntime-web";

const session = await ort.InferenceSession.create("s.onnx");

// image: u8[N, 3, H, W], 0 to 255
const imagePixels = canvas.getContext("2d").getImageData(0, 0, 224, 224).data;
const imageValues = Uint8Array.from(
  { length: 150528 },
  (_, i) => imagePixels[4 * (i % 50176) + Math.floor(i / 50176)],
);
const image = new ort.Tensor("uint8", imageValues, [1, 3, 224, 224]);

// lambda: f32[N, 2]
const lambda = new ort.Tensor("float32", new Float32Array(2), [1, 2]);

// on: bool[N, 2]
const on = new ort.Tensor("bool", new Uint8Array(2), [1, 2]);

// class: i64[N, T]
const class_ = new ort.Tensor("int64", new BigInt64Array(16), [1, 16]);

// total: f32[N, 3], a state: feed total_next to the next call
const total = new ort.Tensor("float32", new Float32Array(3).fill(0.5), [1, 3]);

const outputs = await session.run({ image, lambda, on, class: class_, total });
for (const name of ["y", "z", "total_next"]) console.log(name, outputs[name].dims);
"""
    )
    if node := shutil.which("node"):
        Path("s.mjs").write_text(out, "utf-8")
        subprocess.run([node, "--check", "s.mjs"], check=True)


def test_an_unknown_language_is_an_error() -> None:
    model = nl.loads("net A(x: f32[N]) -> y = relu(x)")["A"].compile()
    with pytest.raises(nl.Error, match="there is no snippet in `c`") as caught:
        model.snippet("a.onnx", "c")  # pyright: ignore[reportArgumentType]
    assert caught.value.notes == ("the languages are: python, js",)
