"""Trained models on raw examples: `run`, `compile` and Python prepare them as the training did.

Tests ``netlang.inference.preprocessing`` and ``netlang.inference.raw_input``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from commands import said
from numpy.typing import NDArray
from PIL import Image

import netlang
from netlang.data.batches import Batches
from netlang.data.opening import open_batches
from netlang.diagnostics.errors import InputError
from netlang.storage.weights import load_weights, save_weights

WEIGHTS = "run/model.safetensors"

NET = """
DECLARED
net C(image: f32[N, 3, 12, 12]) -> scores: f32[N, 2] {
  scores = image |> conv(4, 5, stride=2, pad=2) |> relu |> flatten |> dense(2)
}
train t {
  data = DATA |> map(image=[flip(), STEPS]) |> batches(4)
  valid = DATA |> map(image=[STEPS]) |> batches(8)
  model = new C()
  scores = model(batch.image)
  loss = cross_entropy(scores, batch.label)
  metrics = [accuracy(scores, batch.label)]
  optimizer = adam(0.003)
  run = 5 epochs
}
"""
STEPS = {
    "standardize": "resize(12), standardize([0.2, 0.4, 0.3], [0.3, 0.2, 0.5])",
    "rescale": "center_crop(14), resize(12), rescale(-1.0, 3.0)",
    "crop": "center_crop(12)",
    "up": "center_crop(9), resize(12), standardize([0.2, 0.4, 0.3], [0.3, 0.2, 0.5])",
}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def photos(count: int = 8, rows: int = 20, columns: int = 16) -> NDArray[np.uint8]:
    """Return random images with large areas: u8[count, rows, columns, 3]."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (count, rows // 4, columns // 4, 3), np.uint8)
    return np.repeat(np.repeat(coarse, 4, axis=1), 4, axis=2)


def save_folders(size: tuple[int, int] = (20, 16)) -> None:
    for i, image in enumerate(photos(8, *size)):
        folder = Path("photos", ("circle", "narrow")[i % 2])
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{i}.png")


def save_npz(dtype: type[np.generic] = np.uint8) -> None:
    images = np.moveaxis(photos(8, 16, 16), 3, 1)
    stored = images if dtype is np.uint8 else (images / np.float32(255)).astype(dtype)
    np.savez("photos.npz", image=stored, label=np.array(["circle", "narrow"] * 4))


def train(data: str, declared: str = "", steps: str = "standardize") -> Batches:
    """Train for a while; return the batches of ``valid``."""
    text = NET.replace("DATA", data).replace("DECLARED", declared).replace("STEPS", STEPS[steps])
    Path("it.net").write_text(text)
    program = netlang.load("it.net")
    program.train(folder="run")
    valid = program.plan("t").valid
    assert valid is not None
    return open_batches(valid, Path())


FOLDER = 'image_folder("photos", size=16)'
DECLARED = 'dataset rows -> (image: f32[3, 16, 16], label: i64[]) { npz = "photos.npz" }'


@pytest.mark.parametrize("steps", STEPS)
def test_an_image_file_is_prepared_as_in_the_training(steps: str) -> None:
    save_folders()
    batch = next(train(FOLDER, steps=steps).epoch(0))
    network = netlang.load("it.net")["C"].load(WEIGHTS)
    files = [*sorted(Path("photos/circle").iterdir()), *sorted(Path("photos/narrow").iterdir())]
    for file, image in zip(files, batch["image"], strict=True):
        found = network.read_inputs({"image": str(file)})["image"]
        np.testing.assert_array_equal(found[0], image)


def test_run_prints_the_names_of_classes(capsys: pytest.CaptureFixture[str]) -> None:
    save_folders()
    train(FOLDER)
    network = netlang.load("it.net")["C"].load(WEIGHTS)
    file = "photos/circle/0.png"
    scores = network.run(network.read_inputs({"image": file}))["scores"][0]
    best = ["circle", "narrow"][int(scores.argmax())]
    command = ["run", "it.net", "-i", f"image={file}", "-w", WEIGHTS, "--top", "1"]
    code, out, err = said(capsys, *command)
    assert (code, err) == (0, "")
    title, line = out.splitlines()
    assert title == "scores  f32[1, 2]"
    assert line.split()[:2] == [best, f"{scores.max():.4f}"]
    code, out, _ = said(capsys, *command, "--json")
    assert json.loads(out)["outputs"]["scores"]["top"][0][0]["name"] == best


@pytest.mark.parametrize("stored", [np.uint8, np.float32])
def test_examples_of_an_npz_file_are_prepared_as_in_the_training(
    stored: type[np.generic], capsys: pytest.CaptureFixture[str]
) -> None:
    save_npz(stored)
    with pytest.warns(UserWarning, match="0 is circle, 1 is narrow"):
        batch = next(train("rows()", DECLARED).epoch(0))
    network = netlang.load("it.net")["C"].load(WEIGHTS)
    found = network.read_inputs({"image": "photos.npz:image"})
    np.testing.assert_array_equal(found["image"], batch["image"])
    np.testing.assert_array_equal(
        network.preprocess(image=np.load("photos.npz")["image"])["image"], batch["image"]
    )
    Image.fromarray(photos(8, 16, 16)[0]).save("one.png")
    one = network.read_inputs({"image": "one.png"})["image"]
    np.testing.assert_array_equal(one[0], batch["image"][0])
    np.save("prepared.npy", batch["image"])
    command = ["run", "it.net", "-w", WEIGHTS, "--json"]
    raw = said(capsys, *command, "-i", "image=photos.npz:image")
    assert raw == said(capsys, *command, "-i", "image=prepared.npy", "--prepared")
    assert raw[0] == 0


def test_normalized_columns_of_a_csv_file_are_prepared_as_in_the_training() -> None:
    xs = np.random.default_rng(0).normal(50, 20, (30, 2)).round(2)
    rows = [f"{a},{b},{'high' if a > 50 else 'low'}" for a, b in xs.tolist()]
    Path("rows.csv").write_text("\n".join(["x1,x2,label", *rows]))
    Path("it.net").write_text("""
dataset rows -> (x: f32[2], label: i64[]) {
  csv = "rows.csv"
  normalize = ["x"]
}
net L(x: f32[N, 2]) -> y: f32[N, 2] = dense(x, 2)
train t {
  data = rows() |> part(0..19) |> batches(10)
  model = new L()
  loss = cross_entropy(model(batch.x), batch.label)
  optimizer = adam(0.2)
  run = 50 epochs
}
""")
    with pytest.warns(UserWarning, match="numbered"):
        network = netlang.load("it.net").train(folder="run").networks["model"]
    assert network.fitted is not None
    assert network.fitted.classes("y") == ("high", "low")
    used = xs[:20].astype(np.float32).astype(np.float64)
    wanted = (xs.astype(np.float32) - used.mean(axis=0)) / used.std(axis=0)
    found = network.preprocess(x=xs.astype(np.float32))["x"]
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    scores = network(x=found)["y"]
    assert ((scores[:, 0] > scores[:, 1]) == (xs[:, 0] > 50)).mean() > 0.9
    model = network.compile(raw_input=True)
    session = onnxruntime.InferenceSession(model.proto.SerializeToString())
    (computed,) = session.run(["y"], {"x": xs.astype(np.float32)})
    np.testing.assert_allclose(np.asarray(computed), scores, atol=1e-5)


@pytest.mark.parametrize("steps", STEPS)
def test_a_model_with_raw_input_prepares_it_as_the_training(
    steps: str, capsys: pytest.CaptureFixture[str]
) -> None:
    save_npz()
    with pytest.warns(UserWarning, match="numbered"):
        batch = next(train("rows()", DECLARED, steps).epoch(0))
    network = netlang.load("it.net")["C"].load(WEIGHTS)
    command = ["compile", "it.net", "-w", WEIGHTS]
    assert said(capsys, *command, "--raw-input", "-o", "raw.onnx")[0] == 0
    assert said(capsys, *command, "-o", "plain.onnx")[0] == 0
    session = onnxruntime.InferenceSession("raw.onnx")
    assert session.get_inputs()[0].type == "tensor(uint8)"
    (computed,) = session.run(["scores"], {"image": np.load("photos.npz")["image"]})
    np.testing.assert_allclose(
        np.asarray(computed), network(image=batch["image"])["scores"], atol=1e-5
    )
    for file, kind in (("raw.onnx", "raw"), ("plain.onnx", "prepared")):
        found = {p.key: json.loads(p.value) for p in onnx.load(file).metadata_props[1:]}
        assert found["netlang.classes"] == {"scores": ["circle", "narrow"]}
        assert found["netlang.inputs"] == {"image": kind}
        transforms = found["netlang.data"]["columns"]["image"]["transforms"]
        assert [each["name"] for each in transforms] == [
            part.split("(")[0] for part in STEPS[steps].replace("]", "").split(", ") if "(" in part
        ]


def test_a_digit_is_standardized_as_in_the_training(capsys: pytest.CaptureFixture[str]) -> None:
    Path("it.net").write_text("""
net D(image: f32[N, 1, 8, 8]) -> logits: f32[N, 10] {
  logits = image |> flatten |> dense(32) |> relu |> dense(10)
}
train t {
  data = digits("train") |> map(image=[standardize([0.9], [0.1])]) |> batches(64, shuffle=true)
  valid = digits("test") |> map(image=[standardize([0.9], [0.1])]) |> batches(99)
  model = new D()
  loss = cross_entropy(model(batch.image), batch.label)
  optimizer = adam(3e-3)
  run = 6 epochs
}
""")
    netlang.load("it.net").train(folder="run")
    for digit in (0, 3):
        file = Path(__file__).parents[2] / f"examples/data/digit-{digit}.png"
        _, out, _ = said(capsys, "run", "it.net", "-i", f"image={file}", "-w", WEIGHTS)
        assert out.splitlines()[1].startswith(f"  class {digit} ")


def test_a_snippet_says_how_inputs_are_prepared() -> None:
    save_folders()
    train(FOLDER)
    network = netlang.load("it.net")["C"].load(WEIGHTS)
    square = "resize the shorter side to 16, crop the middle square"
    lines = network.compile().snippet("c.onnx").splitlines()
    at = lines.index(
        f"# image: f32[N, 3, 12, 12]; {square}, divide by 255, resize(12), "
        "standardize([0.2, 0.4, 0.3], [0.3, 0.2, 0.5])"
    )
    assert lines[at + 1] == "image = np.zeros((1, 3, 12, 12), np.float32)"
    lines = network.compile(raw_input=True).snippet("c.onnx").splitlines()
    at = lines.index(f"# image: u8[N, 3, 16, 16], 0 to 255; {square}")
    assert lines[at + 1].startswith("photo = Image.open(")


def test_random_crops_are_those_of_the_middle_without_valid() -> None:
    save_npz()
    cropped = "crop(14, pad=2), random_resized_crop(12)"
    text = NET.replace("DATA", "rows()").replace("DECLARED", DECLARED).replace("STEPS", cropped)
    lines = [line for line in text.split("\n") if "valid" not in line]
    Path("it.net").write_text("\n".join(lines))
    with pytest.warns(UserWarning, match="numbered"):
        network = netlang.load("it.net").train(folder="run").networks["model"]
    image = np.load("photos.npz")["image"]
    found = network.preprocess(image=image)["image"]
    assert found.shape == (8, 3, 12, 12)
    inner = image[:, :, 1:15, 1:15] / np.float32(255)
    np.testing.assert_allclose(found.mean(axis=(2, 3)), inner.mean(axis=(2, 3)), atol=0.02)
    session = onnxruntime.InferenceSession(
        network.compile(raw_input=True).proto.SerializeToString()
    )
    (computed,) = session.run(["scores"], {"image": image})
    np.testing.assert_allclose(np.asarray(computed), network(image=found)["scores"], atol=1e-5)


def test_arrays_that_are_not_raw_are_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    save_npz()
    with pytest.warns(UserWarning, match="numbered"):
        batch = next(train("rows()", DECLARED).epoch(0))
    np.save("prepared.npy", np.pad(batch["image"], [(0, 0), (0, 0), (2, 2), (2, 2)]))
    low, high = batch["image"].min(), batch["image"].max()
    assert said(capsys, "run", "it.net", "-w", WEIGHTS, "-i", "image=prepared.npy")[::2] == (
        1,
        f"error[bad-input]: prepared.npy has numbers from {low:.4g} to {high:.4g}, and the "
        "examples that the model was trained on are floats from 0 to 1, or bytes from 0 to 255\n"
        "   |\n   = help: if it is preprocessed already: `--prepared`, or `prepared=True`\n",
    )


def test_images_are_not_read_where_the_training_had_another_range() -> None:
    images = np.moveaxis(photos(8, 16, 16), 3, 1).astype(np.float32)
    np.savez("photos.npz", image=images, label=np.arange(8) % 2)
    train("rows()", DECLARED)
    network = netlang.load("it.net")["C"].load(WEIGHTS)
    Image.fromarray(photos(8, 16, 16)[0]).save("one.png")
    with pytest.raises(InputError) as caught:
        network.read_inputs({"image": "one.png"})
    assert caught.value.message == (
        "one.png is read as numbers from 0 to 1, and the examples that the model was trained on "
        f"are from {images.min():g} to {images.max():g}"
    )
    with pytest.raises(InputError):
        network.preprocess(image=images.astype(np.uint8))
    assert network.preprocess(image=images)["image"].shape == (8, 3, 12, 12)


def test_an_array_of_another_shape_is_an_error() -> None:
    save_npz()
    with pytest.warns(UserWarning, match="numbered"):
        train("rows()", DECLARED)
    network = netlang.load("it.net")["C"].load(WEIGHTS)
    with pytest.raises(netlang.Error, match="and the dataset declares"):
        network.preprocess(image=np.zeros((2, 3, 9, 16), np.uint8))


def test_inputs_are_passed_as_they_are_to_parameters_from_elsewhere() -> None:
    save_npz()
    with pytest.warns(UserWarning, match="numbered"):
        train("rows()", DECLARED)
    save_weights(Path("other.safetensors"), load_weights(Path(WEIGHTS)))
    network = netlang.load("it.net")["C"].load("other.safetensors")
    np.save("x.npy", np.full((1, 3, 12, 12), 7, np.float32))
    assert network.read_inputs({"image": "x.npy"})["image"].max() == 7
    with pytest.raises(InputError, match="it is not known how"):
        network.preprocess(image=np.load("x.npy"))
    with pytest.raises(InputError, match="it is not known how"):
        network.compile(raw_input=True)


def test_an_input_that_the_section_computes_is_reported() -> None:
    save_npz()
    text = NET.replace("DATA", "rows()").replace("DECLARED", DECLARED).replace("STEPS", STEPS["up"])
    Path("it.net").write_text(text.replace("model(batch.image)", "model(2.0 * batch.image)"))
    with pytest.warns(UserWarning, match="numbered"):
        network = netlang.load("it.net").train(folder="run").networks["model"]
    np.save("x.npy", np.zeros((1, 3, 12, 12), np.float32))
    with pytest.warns(UserWarning, match="`image` is passed on as it is: the train section"):
        network.read_inputs({"image": "x.npy"})
    assert network.fitted is not None
    assert network.fitted.classes("scores") == ("circle", "narrow")


def test_a_column_in_another_shape_is_prepared() -> None:
    save_npz()
    flat = "net C(pixels: f32[N, 432]) -> scores: f32[N, 2] = dense(pixels, 2)\ntrain"
    text = NET.replace("DATA", "rows()").replace("DECLARED", DECLARED).replace("STEPS", STEPS["up"])
    start, end = text.index("net C"), text.index("train t")
    text = text[:start] + flat + text[end + len("train") :]
    Path("it.net").write_text(text.replace("model(batch.image)", "model(flatten(batch.image))"))
    with pytest.warns(UserWarning, match="numbered"):
        network = netlang.load("it.net").train(folder="run").networks["model"]
    raw = np.load("photos.npz")["image"]
    found = network.preprocess(pixels=raw)["pixels"]
    assert found.shape == (8, 432)
    session = onnxruntime.InferenceSession(
        network.compile(raw_input=True).proto.SerializeToString()
    )
    (computed,) = session.run(["scores"], {"pixels": raw})
    np.testing.assert_allclose(np.asarray(computed), network(found)["scores"], atol=1e-5)


def test_a_net_of_another_size_does_not_match_what_was_trained() -> None:
    save_npz()
    with pytest.warns(UserWarning, match="numbered"):
        train("rows()", DECLARED)
    program = netlang.loads(
        "net C(image: f32[N, 3, H, H]) -> scores: f32[N, 2] {\n"
        "  scores = image |> conv(4, 5, stride=2, pad=2) |> relu |> adaptive_avg_pool(6)\n"
        "    |> flatten |> dense(2)\n}"
    )
    network = program.network("C", {"H": 24}).load(WEIGHTS)
    with pytest.raises(InputError) as caught:
        network.preprocess(image=np.load("photos.npz")["image"])
    assert caught.value.message == (
        "`image` is f32[3, 24, 24], and the parameters were trained on examples of f32[3, 12, 12]"
    )
    with pytest.raises(InputError, match="were trained on examples of"):
        network.compile(raw_input=True)


def save_as_an_earlier_version(path: str) -> None:
    """Write the parameters with the section and the layer, and nothing else."""
    save_weights(Path(path), load_weights(Path(WEIGHTS)), {"section": "t", "layer": "model"})


def test_parameters_of_an_earlier_version_are_used_as_in_their_section(
    capsys: pytest.CaptureFixture[str],
) -> None:
    save_folders()
    train(FOLDER)
    save_as_an_earlier_version("older.safetensors")
    command = ["run", "it.net", "-i", "image=photos/circle/0.png", "--json"]
    _, wanted, _ = said(capsys, *command, "-w", WEIGHTS)
    assert said(capsys, *command, "-w", "older.safetensors") == (
        0,
        wanted,
        "warning: older.safetensors does not say how the inputs were prepared in the training: "
        "they are prepared as in the train section `t`\n",
    )
    Path("photos").rename("moved")
    command[3] = "image=moved/circle/0.png"
    code, _, err = said(capsys, *command, "-w", "older.safetensors", "--resize")
    assert code == 0
    assert err.startswith(
        "warning: older.safetensors does not say how the inputs were prepared in the training, and "
        "they are passed on as they are: "
    )


def test_parameters_keep_what_was_fitted_when_they_are_saved_again() -> None:
    save_npz()
    with pytest.warns(UserWarning, match="numbered"):
        train("rows()", DECLARED)
    network = netlang.load("it.net")["C"].load(WEIGHTS)
    network.save("again.safetensors")
    assert netlang.load("it.net")["C"].load("again.safetensors").fitted == network.fitted
