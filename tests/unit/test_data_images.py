"""Images and masks in files, as columns of a dataset.

Tests ``netlang.data.sources.images``, ``netlang.evaluate.calls.image_columns`` and
``netlang.storage.images``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from commands import ran
from datasets import source_of
from numpy.typing import NDArray
from PIL import Image

import netlang
from netlang.data.examine import examine
from netlang.data.source import Source
from netlang.diagnostics.errors import NetlangError

EVERYTHING = slice(None)
PAIRS = 'image = pictures("images/*")\nmask = masks("masks/*.png")'


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def save(path: str, pixels: NDArray[np.generic], palette: bool = False) -> None:
    """Write an image: gray ``[H, W]`` or in color ``[H, W, 3]``."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    if palette:
        image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    image.save(path)


def opened(columns: str, fields: str) -> Source:
    """Open a dataset whose columns are in files."""
    return source_of(Path.cwd(), "data()", f"dataset data -> ({columns}) {{\n{fields}\n}}")


def rejected(columns: str, fields: str) -> str:
    """Return the message for a dataset that cannot be opened or read."""
    with pytest.raises(NetlangError) as caught:
        opened(columns, fields).examples(EVERYTHING)
    error = caught.value
    lines = [error.message, *error.notes, *error.helps]
    return "\n".join(lines).replace(f"{Path.cwd()}/", "")


# ---- pairs of files ------------------------------------------------------------------------


def test_images_and_masks_belong_together_by_what_the_wildcard_matches() -> None:
    for i in (10, 9, 2):
        save(f"images/{i}.png", np.full((4, 6, 3), i, np.uint8))
        save(f"masks/{i}_mask.png", np.full((4, 6), i, np.uint8))
    source = opened(
        "image: f32[3, 4, 6], mask: i64[4, 6]",
        'image = pictures("images/*")\nmask = masks("masks/*_mask.png")',
    )
    rows = source.examples(EVERYTHING)
    assert [source.name_of(i) for i in range(3)] == [
        "images/10.png",
        "images/2.png",
        "images/9.png",
    ]
    assert rows["image"].shape == (3, 3, 4, 6)
    assert rows["image"].dtype == np.float32
    assert rows["mask"].dtype == np.int64
    assert np.rint(rows["image"][:, 0, 0, 0] * 255).tolist() == rows["mask"][:, 0, 0].tolist()


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        ("a", "b/*.png"),
        ("a/*", "b"),
        ("a/*.jpg", "b/*"),
        ("**/*.jpg", "**/*.png"),
        ("?/x[0-9].jpg", "?/x[0-9].png"),
        (["a/x1.jpg", "a/x2.jpg"], ["b/x1.png", "b/x2.png"]),
    ],
)
def test_files_are_named_by_folders_and_patterns(
    images: str | list[str], masks: str | list[str]
) -> None:
    folders = ("z", "z") if isinstance(images, str) and images.startswith(("**", "?")) else "ab"
    for i in (1, 2):
        save(f"{folders[0]}/x{i}.jpg", np.full((4, 4), 100 * i, np.uint8))
        save(f"{folders[1]}/x{i}.png", np.full((4, 4), i, np.uint8))
    shown = str(images).replace("'", '"') if isinstance(images, list) else f'"{images}"'
    other = str(masks).replace("'", '"') if isinstance(masks, list) else f'"{masks}"'
    rows = opened(
        "image: f32[4, 4], mask: i64[4, 4]", f"image = pictures({shown})\nmask = masks({other})"
    ).examples(EVERYTHING)
    assert rows["mask"][:, 0, 0].tolist() == [1, 2]
    assert np.rint(rows["image"][:, 0, 0] * 255).tolist() == [100, 200]


def test_files_without_a_counterpart_are_reported() -> None:
    for i in range(4):
        save(f"images/{i}.png", np.zeros((4, 4, 3), np.uint8))
        save(f"masks/{i + 1}.png", np.zeros((4, 4), np.uint8))
    columns = "image: f32[3, 4, 4], mask: i64[4, 4]"
    assert rejected(columns, PAIRS) == (
        "images/0.png has no `mask` among `masks/*.png`\n"
        "`image` has 4 files and `mask` has 4 files\n"
        "files belong together if `*` matches the same text in both names: name them alike, or "
        "remove those without a counterpart"
    )
    save("images/4.png", np.zeros((4, 4, 3), np.uint8))
    Path("images/0.png").unlink()
    save("masks/8.png", np.zeros((4, 4), np.uint8))
    save("masks/9.png", np.zeros((4, 4), np.uint8))
    assert rejected(columns, PAIRS).startswith(
        "masks/8.png has no `image` among `images/*`, nor has 1 other\n"
    )
    save("images/4.jpg", np.zeros((4, 4, 3), np.uint8))
    assert rejected(columns, PAIRS) == (
        "images/4.jpg and images/4.png have the same name\n"
        "remove one of them, or name the files by a narrower pattern"
    )


def test_patterns_of_nothing_are_reported() -> None:
    Path("images").mkdir()
    Path("images/notes.txt").write_text("none")
    assert rejected("image: f32[3, 4, 4]", 'image = pictures("images")') == (
        "no file that `images/*` names is an image\n"
        "one is images/notes.txt\n"
        "images end in .png, .jpg, .jpeg, .webp, .bmp, .tif, .tiff"
    )
    assert rejected("image: f32[3, 4, 4]", 'image = pictures("photos/*.png")').startswith(
        "there is no `photos`\n"
    )


# ---- sizes and classes ---------------------------------------------------------------------


def test_images_are_resized_and_masks_keep_their_classes() -> None:
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[:, 15:] = 200
    save("images/a.png", pixels)
    save("masks/a.png", (pixels[:, :, 0] > 0).astype(np.uint8) * 2, palette=True)
    rows = opened(
        "image: f32[3, 8, 16], mask: i64[8, 16]",
        'image = pictures("images/*") |> resize((8, 16))\n'
        'mask = masks("masks/*.png") |> resize((8, 16))',
    ).examples(EVERYTHING)
    assert rows["mask"][0].tolist() == [[0] * 8 + [2] * 8] * 8
    assert np.rint(rows["image"][0, 0, 0, [0, -1]] * 255).tolist() == [0, 200]
    assert np.unique(rows["image"]).size > 2  # an edge is between two pixels


def test_images_have_the_declared_size_or_are_resized() -> None:
    save("images/a.png", np.zeros((20, 30, 3), np.uint8))
    assert rejected("image: f32[3, 8, 8]", 'image = pictures("images/*")') == (
        "images/a.png is 20 rows by 30 columns, and the dataset declares 8 by 8\n"
        "resize all of them: `|> resize(8)`"
    )


def test_masks_are_palettes_gray_or_bits() -> None:
    classes = np.array([[0, 1], [2, 1]], np.uint8)
    save("masks/a.png", classes, palette=True)
    save("masks/b.png", classes)
    save("masks/c.png", np.repeat(classes[:, :, np.newaxis], 3, axis=2))
    save("masks/d.png", classes.astype(np.uint16))
    save("masks/e.png", np.dstack([classes, classes, classes, np.full((2, 2), 255, np.uint8)]))
    rows = opened("mask: i64[2, 2]", 'mask = masks("masks/*.png")').examples(EVERYTHING)
    assert rows["mask"].tolist() == [classes.tolist()] * 5
    save("masks/f.png", np.arange(12, dtype=np.uint8).reshape(2, 2, 3))
    assert rejected("mask: i64[2, 2]", 'mask = masks("masks/*.png")') == (
        "masks/f.png is in color, and a mask has the number of a class for each pixel\n"
        "save it with a palette, or as a gray image"
    )


def test_values_of_masks_are_numbered() -> None:
    save("masks/a.png", np.array([[0, 255], [128, 0]], np.uint8))
    rows = opened("mask: i64[2, 2]", 'mask = masks("masks/*.png", values=[255, 0, 128])')
    assert rows.examples(EVERYTHING)["mask"].tolist() == [[[1, 0], [2, 1]]]
    assert rejected("mask: i64[2, 2]", 'mask = masks("masks/*.png", values=[0, 255])') == (
        "masks/a.png has pixels of 128, and `values` are: 0, 255\n"
        "add what is missing to `values`: their places are the classes"
    )


# ---- names in a table ----------------------------------------------------------------------


@pytest.mark.parametrize("table", ["csv", "jsonl"])
def test_a_table_has_the_names_of_images(table: str) -> None:
    for i in range(3):
        save(f"photos/{i}.png", np.full((4, 4, 3), i, np.uint8))
    if table == "csv":
        Path("t.csv").write_text("File,Kind\n2,cat\n0,dog\n1,cat\n")
    else:
        rows = ({"File": f, "Kind": k} for f, k in (("2", "cat"), ("0", "dog"), ("1", "cat")))
        Path("t.jsonl").write_text("\n".join(map(json.dumps, rows)))
    source = opened(
        "photo: f32[3, 4, 4], kind: i64[]",
        f'{table} = "t.{table}"\nphoto = column("File") |> pictures(folder="photos", ending=".png")'
        '\nkind = column("Kind") |> categories',
    )
    rows = source.examples(EVERYTHING)
    assert np.rint(rows["photo"][:, 0, 0, 0] * 255).tolist() == [2, 0, 1]
    assert rows["kind"].tolist() == [0, 1, 0]
    assert source.names == {"kind": ("cat", "dog")}
    assert [source.name_of(i) for i in range(3)] == ["2", "0", "1"]


def test_names_of_no_file_are_reported() -> None:
    save("photos/a.png", np.zeros((4, 4, 3), np.uint8))
    table, columns = 'csv = "t.csv"\n', "photo: f32[3, 4, 4]"
    Path("t.csv").write_text("file\na.png\nb.png\nc.png\n")
    fields = f'{table}photo = column("file") |> pictures(folder="photos")'
    assert rejected(columns, fields) == (
        "t.csv names `b.png` in example 1, counted from 0, and photos has no such file\nnor `c.png`"
    )
    fields = f'{table}photo = column("file") |> pictures'
    assert rejected(columns, fields).endswith(
        'say in which folder they are: `pictures(folder="…")`'
    )
    Path("t.csv").write_text("file\na\n")
    fields = f'{table}photo = column("file") |> pictures(folder="photos")'
    assert rejected(columns, fields) == (
        "t.csv names `a` in example 0, counted from 0, and photos has no such file\n"
        'say how the names of the files end: `pictures(folder="…", ending=".png")`'
    )
    Path("t.csv").write_text("file\n../t.csv\n")
    assert rejected(columns, fields) == (
        "t.csv names `../t.csv` in example 0, counted from 0, which leads out of photos\n"
        "name files below the folder of the images"
    )


# ---- training, and the trained model -------------------------------------------------------

SEGMENT = """
dataset roads -> (image: f32[3, 16, 16], mask: i64[16, 16]) {
  image = pictures("images/*") |> resize(16)
  mask = masks("masks/*.png"VALUES) |> resize(16)
}

net Segment(image: f32[N, 3, 16, 16]) -> logits: f32[N, 2, 16, 16] = conv(image, 2, 3, pad=1)

train segment {
  rows, rest = roads() |> split(0.75)
  data = rows |> together(["image", "mask"], [flip(), crop(16, pad=2)]) |> batches(3)
  valid = rest |> batches(3)
  model = new Segment()
  logits = model(batch.image)
  loss = cross_entropy(logits, batch.mask, axis=1)
  metrics = [iou(logits, batch.mask, axis=1)]
  optimizer = adam(0.05)
  run = 3 epochs
}
"""


def shapes(count: int, top: int = 1) -> None:
    """Write images of bright squares, and their masks."""
    generator = np.random.default_rng(0)
    for i in range(count):
        row, column = generator.integers(0, 10, 2)
        mask = np.zeros((20, 24), np.uint8)
        mask[row : row + 9, column : column + 9] = 1
        noise = generator.integers(0, 60, (20, 24, 3), dtype=np.uint8)
        save(f"images/{i}.png", noise + mask[:, :, np.newaxis] * np.uint8(180))
        save(f"masks/{i}.png", mask * np.uint8(top))


def test_an_image_and_its_mask_are_cropped_and_flipped_alike() -> None:
    for i in range(6):
        pixels = np.random.default_rng(i).integers(0, 200, (12, 12), dtype=np.uint8)
        save(f"images/{i}.png", pixels)
        save(f"masks/{i}.png", pixels)
    declared = (
        "dataset data -> (image: f32[1, 12, 12], mask: i64[12, 12]) {\n"
        'image = pictures("images/*")\nmask = masks("masks/*")\n}'
    )
    changes = (
        "[flip(), crop(12, pad=3), random_resized_crop(12, scale=(1.0, 1.0), ratio=(1.0, 1.0))]"
    )
    source = source_of(Path.cwd(), f'data() |> together(["image", "mask"], {changes})', declared)
    rows = source.examples(EVERYTHING)
    assert np.rint(rows["image"][:, 0] * 255).astype(np.int64).tolist() == rows["mask"].tolist()
    assert not np.array_equal(rows["mask"][0], np.asarray(Image.open("masks/0.png")))


def test_a_trained_model_reads_files_as_the_training_did() -> None:
    shapes(8)
    Path("seg.net").write_text(SEGMENT.replace("VALUES", ""))
    program = netlang.load("seg.net")
    run = program.train(folder="run", seed=1)
    assert run.best is not None
    found = run.model.predict("images")
    examples = source_of(
        Path.cwd(), "roads()", SEGMENT.replace("VALUES", "").split("net Segment")[0]
    ).examples(EVERYTHING)
    expected = run.model.run({"image": examples["image"]})["logits"]
    np.testing.assert_allclose(found.outputs["logits"], expected, rtol=1e-5, atol=1e-6)
    run.model.compile(raw_input=True).save("seg.onnx")
    session = ort.InferenceSession("seg.onnx")
    files = sorted(Path("images").iterdir())
    raw = [Image.open(f).resize((16, 16), Image.Resampling.BILINEAR) for f in files]
    pixels = np.stack([np.asarray(image).transpose(2, 0, 1) for image in raw])
    (logits,) = session.run(["logits"], {"image": pixels})
    np.testing.assert_allclose(np.asarray(logits), expected, rtol=1e-4, atol=1e-5)


def test_a_mask_with_other_numbers_than_those_of_classes_is_reported_before_the_first_step() -> (
    None
):
    shapes(8, top=255)
    Path("seg.net").write_text(SEGMENT.replace("VALUES", ""))
    with pytest.raises(netlang.Error) as caught:
        netlang.load("seg.net").train(folder="run")
    assert caught.value.message == (
        "`mask` of images/*, masks/*.png has 255 in example images/0.png, and the 2 classes are 0 "
        "to 1"
    )
    assert caught.value.helps == (
        "if its classes are 0, 255, number them: `masks(…, values=[0, 255])`",
    )
    Path("seg.net").write_text(SEGMENT.replace("VALUES", ", values=[0, 255]"))
    netlang.load("seg.net").train(folder="run")


def test_arrays_replace_the_images_of_a_program() -> None:
    Path("seg.net").write_text(SEGMENT.replace("VALUES", ", values=[0, 255]"))
    images = np.zeros((6, 3, 16, 16), np.uint8)
    given = {"image": images, "mask": np.ones((6, 16, 16), np.int64)}
    run = netlang.load("seg.net").train(data=given, valid=given, folder="run")
    assert run.step == 6


def test_commands_read_images_and_masks() -> None:
    shapes(8)
    Path("seg.net").write_text(SEGMENT.replace("VALUES", ""))
    weights = ("--weights", "runs/segment/model.safetensors")
    assert ran("train", "seg.net") == 0
    assert ran("evaluate", "seg.net", "segment", *weights) == 0
    assert ran("run", "seg.net", "Segment", *weights, "-i", "image=images", "-o", "out.npz") == 0
    assert np.load("out.npz")["logits"].shape == (8, 2, 16, 16)


# ---- damaged images ------------------------------------------------------------------------


def test_every_image_that_cannot_be_read_is_named_before_the_first_step() -> None:
    shapes(150)
    for i in (3, 77, 149):
        path = Path(f"images/{i}.png")
        path.write_bytes(path.read_bytes()[:200])
    save("masks/8.png", np.full((20, 24, 3), (1, 2, 3), np.uint8))
    source = source_of(
        Path.cwd(),
        "roads() |> map(image=[flip()]) |> part(0..149)",
        SEGMENT.replace("VALUES", "").split("net Segment")[0],
    )
    told = sorted(error.message.replace(f"{Path.cwd()}/", "") for error in examine(source))
    assert told == [
        "images/149.png is a damaged image: image file is truncated",
        "images/3.png is a damaged image: image file is truncated",
        "images/77.png is a damaged image: image file is truncated",
        "masks/8.png is in color, and a mask has the number of a class for each pixel",
    ]
    assert len(examine(source, most=2)) == 2


def test_examples_in_memory_are_not_read_again() -> None:
    assert examine(source_of(Path.cwd(), "two_moons(10)")) == []
