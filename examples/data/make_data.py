"""Generate the data of ``../shapes.net``: images of shapes, and sentences letter by letter.

The images in ``scenes`` are files, each with its mask.

``python make_data.py`` writes the files next to this one, with the same arrays on every machine.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
SIZE = 32
SHAPES = ("circle", "square", "triangle", "cross")
LONGEST = 32
LETTERS = "abcdefghijklmnopqrstuvwxyzàâçéèêëîïôùûœ'"


def outline(shape: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return which points are inside a shape of radius 1 around the origin."""
    match shape:
        case "circle":
            return x**2 + y**2 < 1
        case "square":
            return np.maximum(abs(x), abs(y)) < 0.85
        case "triangle":
            return (y < 0.8) & (y > 2 * abs(x) - 1)
        case _:
            return (np.minimum(abs(x), abs(y)) < 0.3) & (np.maximum(abs(x), abs(y)) < 1)


def shapes(
    examples: int, seed: int, *, hole: float = 0.0, near: float = 1.0, smallest: float = 7.0
) -> dict[str, np.ndarray]:
    """Return colored shapes on striped backgrounds, their masks, and their classes.

    ``hole`` is the part of the radius that is left out in the middle. With ``near`` below 1, shapes
    are that much nearer to the center of the image. ``smallest`` is the smallest radius.
    """
    rng = np.random.default_rng(seed)
    images = np.zeros((examples, 3, SIZE, SIZE), np.uint8)
    masks = np.zeros((examples, SIZE, SIZE), np.uint8)
    rows, columns = np.mgrid[:SIZE, :SIZE] + 0.5
    for number in range(examples):
        shape = SHAPES[number % len(SHAPES)]
        radius = rng.uniform(smallest, smallest + 4)
        center = SIZE / 2 + near * (rng.uniform(radius, SIZE - radius, 2) - SIZE / 2)
        x, y = (columns - center[0]) / radius, (rows - center[1]) / radius
        inside = outline(shape, x, y)
        if hole:
            inside &= ~outline(shape, x / hole, y / hole)
        angle, width = rng.uniform(0, np.pi), rng.integers(3, 8)
        wave = (columns * np.cos(angle) + rows * np.sin(angle)) // width % 2
        paint, ground, stripe = rng.integers(0, 8, (3, 3)) * 16
        back = np.where(wave == 0, ground[:, None, None], stripe[:, None, None])
        images[number] = np.where(inside, paint[:, None, None] + 128, back)
        masks[number] = inside
    return {"image": images, "mask": masks, "label": np.arange(examples) % len(SHAPES)}


def letters() -> dict[str, np.ndarray]:
    """Return sentences as letters from 1, padded with 0, and whether each is French."""
    pairs = (HERE / "english-french.txt").read_text(encoding="utf-8").splitlines()
    sentences = [line.split("\t")[side].lower() for line in pairs for side in (0, 1)]
    tokens = np.zeros((len(sentences), LONGEST), np.uint8)
    for row, sentence in enumerate(sentences):
        numbers = [LETTERS.find(letter) + 1 for letter in sentence[:LONGEST]]
        tokens[row, : len(numbers)] = [number or len(LETTERS) + 1 for number in numbers]
    return {"tokens": tokens, "label": np.arange(len(sentences)) % 2}


def save_scenes(examples: dict[str, np.ndarray], folder: Path) -> None:
    """Write images and their masks, of 0 and 255, as files, and a table that names the images."""
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    pairs = zip(examples["image"], examples["mask"], strict=True)
    for number, (image, mask) in enumerate(pairs):
        Image.fromarray(image.transpose(1, 2, 0)).save(folder / f"images/{number:02}.png")
        Image.fromarray(mask * np.uint8(255)).save(folder / f"masks/{number:02}.png")
    rows = [
        f"{number:02}.png,{SHAPES[label]},{mask.mean():.2f}"
        for number, (label, mask) in enumerate(
            zip(examples["label"], examples["mask"], strict=True)
        )
    ]
    table = "\n".join(["file,shape,covered", *rows, ""])
    (folder / "scenes.csv").write_text(table, "utf-8", newline="\n")


if __name__ == "__main__":
    save_scenes(shapes(60, 2015), HERE / "scenes")
    np.savez_compressed(HERE / "shapes.npz", **shapes(400, 1895))
    np.savez_compressed(HERE / "outlines.npz", **shapes(120, 1984, hole=0.7))
    plain = shapes(1000, 1815, near=0.25, smallest=8.5)
    images = plain["image"] * plain["mask"][:, np.newaxis]
    np.savez_compressed(HERE / "plain_shapes.npz", image=images, label=plain["label"])
    np.savez_compressed(HERE / "letters.npz", **letters())
