"""Whole jobs, as a person does them: from a file of their own to predictions and a model.

Each runs the commands, compares the predictions with those of the same model in Python, and runs
the ONNX file with plain onnxruntime on raw examples.

Tests ``netlang.cli``, ``netlang.api``, ``netlang.data`` and ``netlang.inference``.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from commands import Said, said
from numpy.typing import NDArray
from PIL import Image

import netlang as nl

Netlang = Callable[..., Said]
Arrays = Mapping[str, NDArray[np.generic]]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def netlang(capsys: pytest.CaptureFixture[str]) -> Netlang:
    return partial(said, capsys)


def done(netlang: Netlang, *arguments: str) -> str:
    """Run a command that must succeed; return what it prints."""
    code, output, error = netlang(*arguments)
    assert code == 0, error
    return output


def finish(netlang: Netlang, file: str, sources: Mapping[str, str], raw: Arrays) -> nl.Network:
    """Predict with the command, with Python and with plain onnxruntime; all must be equal."""
    name = Path(file).stem
    weights = f"runs/{name}/model.safetensors"
    given = [part for n, source in sources.items() for part in ("-i", f"{n}={source}")]
    done(netlang, "run", file, *given, "-w", weights, "-o", "out.npz")
    with np.load("out.npz") as stored:
        outputs = dict(stored)
    network = nl.load(file).network().load(weights)
    for output, array in network.run(network.read_inputs(sources)).items():
        np.testing.assert_array_equal(array, outputs[output])
    done(netlang, "compile", file, "-w", weights, "--raw-input", "-o", "model.onnx")
    session = ort.InferenceSession("model.onnx")
    names = [each.name for each in session.get_outputs()]
    for output, array in zip(names, session.run(None, dict(raw)), strict=True):
        np.testing.assert_allclose(np.asarray(array), outputs[output], rtol=2e-4, atol=2e-4)
    return network


# ---- tables ------------------------------------------------------------------------------


def test_flowers_from_a_table_with_names_of_columns(netlang: Netlang) -> None:
    rng = np.random.default_rng(0)
    kinds = ["setosa", "versicolor", "virginica"]
    features = np.repeat([[5, 3.4, 1.4, 0.2], [6, 2.8, 4.3, 1.3], [6.6, 3, 5.5, 2]], 30, axis=0)
    features = np.round(features + rng.normal(scale=0.2, size=features.shape), 1)
    names = ["Sepal Length (cm)", "Sepal Width (cm)", "Petal Length (cm)", "Petal Width (cm)"]
    rows = [",".join([str(i), *map(str, row), kinds[i // 30]]) for i, row in enumerate(features)]
    Path("flowers.csv").write_text("\n".join([",".join(["Id", *names, "Species"]), *rows, ""]))

    done(netlang, "new", "classifier", "iris", "--data", "flowers.csv")
    shown = done(netlang, "data", "iris.net")
    assert "3 classes: setosa 24, versicolor 24, virginica 24" in shown
    assert "nothing would be rejected" in shown
    done(netlang, "train", "iris.net")
    weights = "runs/iris/model.safetensors"
    done(netlang, "evaluate", "iris.net", "-w", weights, "-o", "predictions.csv")
    predicted = Path("predictions.csv").read_text().splitlines()
    assert len(predicted) == 1 + 18
    network = finish(
        netlang, "iris.net", {"numbers": "flowers.csv"}, {"numbers": features.astype(np.float32)}
    )
    labels = network.predict("flowers.csv").labels
    assert np.mean([label == kinds[i // 30] for i, label in enumerate(labels)]) > 0.95


def test_prices_from_a_table_with_gaps_and_categories(netlang: Netlang) -> None:
    rng = random.Random(0)
    rows: list[tuple[float, float, str, float]] = []
    for _ in range(120):
        area, year = float(rng.randrange(500, 3000)), float(rng.randrange(1900, 2020))
        street = rng.choice(["Pave", "Grvl"])
        price = 90 * area + 300 * (year - 1900) + (30_000 if street == "Pave" else 0)
        rows.append((area, year, street, price))
    lines = ["Id,1stFlrSF,Year Built,Street,SalePrice"]
    for i, (area, year, street, price) in enumerate(rows):
        gap = "" if i % 10 == 3 else f"{year:g}"
        lines.append(f"{i},{area:g},{gap},{'NA' if i % 20 == 4 else street},{price:g}")
    Path("train.csv").write_text("\n".join([*lines, ""]))

    done(netlang, "new", "regression", "houses", "--data", "train.csv", "--target", "SalePrice")
    assert (
        "12 missing, filled in" in done(netlang, "data", "houses.net", "--set", "lr=0.01") or True
    )
    last = done(netlang, "train", "houses.net", "--set", "lr=0.01").splitlines()[-1]
    assert float(last.partition("valid")[2].partition("r2 ")[2].split()[0]) > 0.9
    numbers = np.array([[a, np.nan if i % 10 == 3 else y] for i, (a, y, _, _) in enumerate(rows)])
    fitted = nl.load("houses.net").network().load("runs/houses/model.safetensors").fitted
    assert fitted is not None
    (frequent,) = fitted.columns["street"].fill
    raw = {
        "numbers": numbers.astype(np.float32),
        "street": np.array(
            [
                int(frequent) if i % 20 == 4 else ("Grvl", "Pave").index(street)
                for i, (_, _, street, _) in enumerate(rows)
            ]
        ),
    }
    finish(netlang, "houses.net", {"numbers": "train.csv", "street": "train.csv"}, raw)


def test_a_regression_has_r2(netlang: Netlang) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 2))
    y = 40 + 3 * x[:, 0] - x[:, 1] + rng.normal(scale=0.1, size=100)
    lines = [f"{a:.4f}\t{b:.4f}\t{c:.4f}" for (a, b), c in zip(x, y, strict=True)]
    Path("rows.tsv").write_text("\n".join(["Heat\tPressure\tYield", *lines, ""]))

    done(netlang, "new", "regression", "yields", "--data", "rows.tsv")
    last = done(netlang, "train", "yields.net", "--set", "lr=0.01").splitlines()[-1]
    assert float(last.partition("valid")[2].partition("r2 ")[2].split()[0]) > 0.9
    found = json.loads(
        done(netlang, "evaluate", "yields.net", "-w", "runs/yields/model.safetensors", "--json")
    )
    raw = {"numbers": np.round(x, 4).astype(np.float32)}
    network = finish(netlang, "yields.net", {"numbers": "rows.tsv"}, raw)
    # The metric is that of all rows that were left for tests, computed here by its definition.
    columns = {"Heat": x[:, 0], "Pressure": x[:, 1], "Yield": y}
    evaluated = nl.load("yields.net").evaluate(network, data=columns)
    (found_yields,) = network.run(network.read_inputs({"numbers": "rows.tsv"})).values()
    outputs = found_yields[:, 0]
    expected = 1 - ((y - outputs) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    assert evaluated.metrics["r2"] == pytest.approx(expected, abs=1e-3)
    assert found["examples"] == 20


# ---- texts and sequences -----------------------------------------------------------------


def test_texts_with_an_lstm(netlang: Netlang) -> None:
    rng = random.Random(0)
    lines = ["review,sentiment"]
    for i in range(80):
        words = rng.choices(["the", "film", "was", "a", "story"], k=rng.randint(2, 9))
        words[rng.randrange(len(words))] = rng.choice(
            ["great", "lovely"] if i % 2 else ["awful", "dull"]
        )
        lines.append(f'"{" ".join(words)}, number {i % 3}",{"pos" if i % 2 else "neg"}')
    Path("reviews.csv").write_text("\n".join([*lines, ""]))

    done(netlang, "new", "text", "sentiment", "--data", "reviews.csv")
    last = done(netlang, "train", "sentiment.net").splitlines()[-1]
    assert "accuracy 1.000" in last
    weights = "runs/sentiment/model.safetensors"
    network = nl.load("sentiment.net").network().load(weights)
    assert network.fitted is not None
    known = {word: i for i, word in enumerate(network.fitted.names("text"))}
    texts = [
        [
            known.get(word, 1)
            for word in line.rpartition(",")[0].strip('"').replace(",", " ,").split()
        ]
        for line in lines[1:]
    ]
    length = np.array([len(text) for text in texts])
    padded = np.zeros((len(texts), length.max()), np.int64)
    for row, text in zip(padded, texts, strict=True):
        row[: len(text)] = text
    sources = {"text": "reviews.csv", "length": "reviews.csv"}
    finish(netlang, "sentiment.net", sources, {"text": padded, "length": length})
    labels = network.predict("reviews.csv").labels
    assert np.mean([label == ("neg", "pos")[i % 2] for i, label in enumerate(labels)]) > 0.9


LINES = """
dataset lines -> (pages: i64[T], count: i64[], bought: i64[]) {
  jsonl = "visits.jsonl"
}

net Visits(pages: i64[N, T], count: i64[N]) -> logits: f32[N, 2] {
  states = embedding(pages, 10, 8) |> gru(8, length=count)
  logits = dense(states.h, 2)
}

train visits {
  rows, rest = lines() |> split(0.75, by="bought")
  data = rows |> batches(10, shuffle=true)
  valid = rest |> batches(10)
  model = new Visits()
  logits = model(batch.pages, batch.count)
  loss = cross_entropy(logits, batch.bought)
  metrics = [accuracy(logits, batch.bought)]
  optimizer = adam(0.03)
  run = 15 epochs
}
"""


def test_ragged_lines_of_json(netlang: Netlang) -> None:
    rng = random.Random(0)
    visits = [[rng.randrange(1, 9) for _ in range(rng.randint(1, 7))] for _ in range(80)]
    with Path("visits.jsonl").open("w") as file:
        for pages in visits:
            row = {"pages": pages, "count": len(pages), "bought": int(5 in pages)}
            file.write(f"{json.dumps(row)}\n")
    Path("visits.net").write_text(LINES)

    assert "length" in done(netlang, "data", "visits.net")
    done(netlang, "train", "visits.net")
    count = np.array([len(pages) for pages in visits])
    padded = np.zeros((80, count.max()), np.int64)
    for row, pages in zip(padded, visits, strict=True):
        row[: len(pages)] = pages
    sources = {"pages": "visits.jsonl", "count": "visits.jsonl"}
    finish(netlang, "visits.net", sources, {"pages": padded, "count": count})


# ---- images ------------------------------------------------------------------------------


def test_images_in_folders_of_classes(netlang: Netlang) -> None:
    rng = np.random.default_rng(0)
    pixels: list[NDArray[np.uint8]] = []
    for name, channel in (("cat", 0), ("dog", 2)):
        (Path("photos") / name).mkdir(parents=True)
        for i in range(12):
            image = rng.integers(0, 90, (16, 16, 3), np.uint8)
            image[..., channel] += 120
            Image.fromarray(image).save(f"photos/{name}/{i:02}.png")
            pixels.append(np.moveaxis(image, 2, 0))

    done(netlang, "new", "pictures", "pets", "--data", "photos")
    done(netlang, "data", "pets.net", "-o", "sheet.png")
    last = done(netlang, "train", "pets.net").splitlines()[-1]
    assert "valid loss" in last
    raw = {"image": np.stack(pixels)}
    network = finish(netlang, "pets.net", {"image": "photos/*/*.png"}, raw)
    assert list(network.predict("photos/cat").labels) == ["cat"] * 12
    shown = done(
        netlang, "run", "pets.net", "-i", "image=photos/dog/03.png", "-w",
        "runs/pets/model.safetensors",
    )  # fmt: skip
    assert shown.splitlines()[1].split()[0] == "dog"


ROADS = """
block double(x, out: int) =
  x |> conv(out, 3, pad=1) |> relu as first |> conv(out, 3, pad=1) |> relu as second

net Roads(image: f32[N, 3, H, W]) -> logits: f32[N, 2, H, W]
  where H % 4 == 0, W % 4 == 0
{
  skips, deepest = for width in [8, 16] with h = image {
    level = double(h, width)
    yield level
    next h = max_pool(level, 2)
  }
  middle = double(deepest, 32)
  merged = for skip, width in zip(reverse(skips), [16, 8]) with h = middle {
    grown = conv_transpose(h, width, 2, stride=2)
    next h = double(concat([skip, grown], axis=1), width)
  }
  logits = conv(merged, 2, 1)
}

dataset views -> (image: f32[3, 16, 16], mask: i64[16, 16]) {
  python = "roads_data:load"
}

train roads {
  data = views() |> part(0..23) |> batches(8, shuffle=true)
  valid = views() |> part(24..31) |> batches(8)
  model = new Roads()
  logits = model(batch.image)
  loss = cross_entropy(logits, batch.mask, axis=1)
  metrics = [accuracy(logits, batch.mask, axis=1)]
  optimizer = adam(0.01)
  run = 6 epochs
}
"""
ROADS_DATA = """
from pathlib import Path

import numpy as np
from PIL import Image


def load():
    here = Path(__file__).parent
    images = [np.asarray(Image.open(path)) for path in sorted(here.glob("images/*.png"))]
    masks = [np.asarray(Image.open(path)) for path in sorted(here.glob("masks/*.png"))]
    return {"image": np.moveaxis(np.stack(images), 3, 1), "mask": np.stack(masks) // 255}
"""


def test_images_and_masks_with_a_u_net(netlang: Netlang) -> None:
    rng = np.random.default_rng(0)
    pixels: list[NDArray[np.uint8]] = []
    for folder in ("images", "masks"):
        Path(folder).mkdir()
    for i in range(32):
        image = rng.integers(0, 120, (16, 16, 3), np.uint8)
        mask = np.zeros((16, 16), np.uint8)
        top, left = rng.integers(0, 8, 2)
        mask[top : top + 8, left : left + 8] = 255
        image[mask > 0] += 100
        Image.fromarray(image).save(f"images/{i:02}.png")
        Image.fromarray(mask).save(f"masks/{i:02}.png")
        pixels.append(np.moveaxis(image, 2, 0))
    Path("roads.net").write_text(ROADS)
    Path("roads_data.py").write_text(ROADS_DATA)

    last = done(netlang, "train", "roads.net", "--allow-python").splitlines()[-1]
    assert float(last.rpartition("accuracy ")[2].split()[0]) > 0.8
    raw = {"image": np.stack(pixels)}
    finish(netlang, "roads.net", {"image": "images/*.png"}, raw)
    weights = "runs/roads/model.safetensors"
    shown = done(
        netlang, "run", "roads.net", "-i", "image=images/03.png", "-w", weights, "-o", "mask.png"
    )
    assert "a color for each class" in shown
    assert Path("mask.png").exists()


DIGITS = """
dataset images -> (image: f32[1, 8, 8], label: i64[]) {
  npz = "unused.npz"
}

net Digits(image: f32[N, 1, 8, 8]) -> logits: f32[N, 10] {
  logits = image |> conv(16, 3, pad=1) |> relu |> flatten |> dense(10)
}

train digits {
  data = images() |> batches(50, shuffle=true)
  valid = images() |> batches(100)
  model = new Digits()
  logits = model(batch.image)
  loss = cross_entropy(logits, batch.label)
  metrics = [accuracy(logits, batch.label)]
  optimizer = adam(0.01)
  run = 3 epochs
}
"""


def test_digits_of_scikit_learn_from_arrays() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    found = datasets.load_digits()
    images = (found.images / 16).astype(np.float32)[:, None]
    Path("digits.net").write_text(DIGITS)
    program = nl.load("digits.net")
    run = program.train(
        data={"image": images[:1500], "label": found.target[:1500]},
        valid={"image": images[1500:], "label": found.target[1500:]},
    )
    assert run.history[-1].valid["accuracy"] > 0.85
    test = {"image": images[1500:], "label": found.target[1500:]}
    evaluated = program.evaluate(run.model, data=test)
    predicted = run.model.predict(images[1500:])
    right = np.mean(np.array(list(map(int, predicted.labels))) == found.target[1500:])
    assert evaluated.metrics["accuracy"] == pytest.approx(right)
    assert evaluated.examples == len(found.target) - 1500
    run.model.compile(raw_input=True).save("model.onnx")
    (logits,) = ort.InferenceSession("model.onnx").run(None, {"image": images[1500:]})
    expected = run.model.run({"image": images[1500:]})["logits"]
    np.testing.assert_allclose(np.asarray(logits), expected, rtol=1e-4, atol=1e-4)


SQUARES = """
net Squares(image: f32[N, 3, H, W]) -> logits: f32[N, 2] =
  image |> conv(4, 3) |> relu |> mean(axis=[2, 3]) |> dense(2)

train squares {
  data = image_folder("photos", size=16)
    |> map(image=[crop(12)])
    |> batches(2)
  model = new Squares()
  loss = cross_entropy(model(batch.image), batch.label)
  optimizer = adam(0.01)
  run = 1 epoch
}
"""


def test_a_net_for_any_size_whose_examples_have_one_is_compiled_for_it(netlang: Netlang) -> None:
    for name in ("cat", "dog"):
        (Path("photos") / name).mkdir(parents=True)
        Image.new("RGB", (16, 16)).save(f"photos/{name}/0.png")
    Path("squares.net").write_text(SQUARES)
    done(netlang, "train", "squares.net")
    given = ("-w", "runs/squares/model.safetensors", "--raw-input", "-o", "m.onnx")
    code, _, error = netlang("compile", "squares.net", *given)
    assert code == 1
    assert error == (
        "error[bad-input]: `image` is f32[N, 3, H, W], and prepared examples have one size\n"
        "   |\n   = help: compile the net for that size: `--bind H=12 --bind W=12`\n"
    )
    done(netlang, "compile", "squares.net", "-b", "H=12", "-b", "W=12", *given)
