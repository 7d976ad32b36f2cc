"""Outputs that are written to files: arrays, tables and images."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import StringIO
from itertools import product
from pathlib import Path

from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, USAGE, InputError, NetlangError
from netlang.storage.image_grids import grid_of
from netlang.storage.npy import write_npy, write_npz
from netlang.system.files import cannot_write, write_atomically
from netlang.system.numpy import Array, np

Classes = Callable[[str], Sequence[str]]

FORMATS = (".npz", ".npy", ".csv", ".json", ".png")

_WIDEST = 10_000
"""The most columns of a table."""


def check_format(path: Path) -> None:
    """Raise ``NetlangError`` for a path that outputs are not written to."""
    if path.suffix.lower() not in FORMATS:
        raise NetlangError(
            rules.UNKNOWN_FORMAT,
            f"{path}: outputs are written as {', '.join(FORMATS[:-1])} or {FORMATS[-1]}",
            helps=[f"write to `{path.with_suffix('.npz')}`"],
            exit_code=USAGE,
        )


def write_arrays(path: Path, outputs: Mapping[str, Array]) -> None:
    """Write one output as ``.npy``, or any number of them as ``.npz``; raises ``NetlangError``."""
    if path.suffix.lower() == ".npz":
        write_npz(path, outputs)
        return
    if len(outputs) > 1:
        raise NetlangError(
            rules.SEVERAL_OUTPUTS,
            f"{path} can hold one array, and there are {len(outputs)}: {', '.join(outputs)}",
            helps=["write them to a .npz file, or name one output"],
            exit_code=USAGE,
        )
    write_npy(path, next(iter(outputs.values())))


def write_image(path: Path, pixels: Array) -> None:
    """Write ``u8[H, W, 3]`` as a PNG image; raises ``NetlangError`` for another format."""
    if path.suffix.lower() != ".png":
        raise NetlangError(
            rules.UNKNOWN_FORMAT,
            f"{path}: an image is written as .png",
            helps=[f"write to `{path.with_suffix('.png')}`"],
            exit_code=USAGE,
        )
    _png_writer(path)(path, pixels)


def write_images(
    path: Path, outputs: Mapping[str, Array], scores: Callable[[str], bool]
) -> Iterator[str]:
    """Write each output as an image, several to files of their own; yield what was written.

    ``scores`` returns whether the channels of an output are scores of classes. Raises
    ``NetlangError`` for an output that is not an image, unless others are.
    """
    write_png = _png_writer(path)
    images = {name: array for name, array in outputs.items() if array.ndim in (2, 3, 4)}
    # A table of numbers, such as logits, is an image only where there is nothing else.
    images = {n: a for n, a in images.items() if a.ndim > 2} or images or outputs
    for name, array in images.items():
        file = path.with_stem(f"{path.stem}-{name}") if len(images) > 1 else path
        grid = grid_of(name, array, classes=scores(name))
        write_png(file, grid.pixels())
        height, width = grid.tiles.shape[2:4]
        many = f"{grid.count:,} images" if grid.count != 1 else "1 image"
        yield f"{file}: {many} of {height} by {width} from `{name}`, {grid.shown}"


def write_each_image(
    folder: Path, outputs: Mapping[str, Array], examples: Sequence[str],
    scores: Callable[[str], bool], values: Callable[[str], Sequence[int]],
) -> Iterator[str]:  # fmt: skip
    """Write an image for each example to a folder, by its name; yield what was written.

    The pixels of a mask are the numbers of classes, or what ``values`` returns for them, as in the
    masks that a dataset reads. Raises ``NetlangError`` where no output is images.
    """
    write_png = _png_writer(folder)
    kept = {n: a for n, a in outputs.items() if _is_images(a, scores(n))}
    if not kept:
        shapes = ", ".join(f"`{name}` is {list(array.shape)}" for name, array in outputs.items())
        raise InputError(
            f"{folder} is a folder for images, and {shapes}",
            helps=[f"write to a file: `{folder}.csv` or `{folder}.npz`"],
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from None
    for name, array in kept.items():
        images, what = _each(name, array, scores(name), values(name))
        stems = ["-".join(Path(each).with_suffix("").parts) for each in examples]
        if len(set(stems)) != len(images):
            stems = [f"{i:0{len(str(len(images) - 1))}}" for i in range(len(images))]
        ending = f"-{name}" if len(kept) > 1 else ""
        for stem, image in zip(stems, images, strict=True):
            write_png(folder / f"{stem}{ending}.png", image)
        yield f"{folder}: {len(images):,} {what} from `{name}`, such as {stems[0]}{ending}.png"


def _is_images(array: Array, scores: bool) -> bool:
    """Return whether there is an image or a mask for each example."""
    if array.ndim == 4:
        return array.shape[1] in (1, 3) or (scores and array.shape[1] > 1)
    return array.ndim == 3 and array.dtype.kind in "iu"


def _each(
    name: str, array: Array, scores: bool, values: Sequence[int]
) -> tuple[Sequence[Array], str]:
    """Return images ``u8[H, W, 3]`` or masks ``u8[H, W]`` of the examples, and what they are."""
    if scores and array.ndim == 4 and array.shape[1] > 1:
        array = array.argmax(axis=1)
    if array.ndim == 4:
        tiles = grid_of(name, array).tiles
        return list(tiles.reshape(-1, *tiles.shape[2:])[: len(array)]), "images"
    if values:
        array = np.array(values)[array]
    if array.size and not 0 <= array.min() <= array.max() <= 255:
        raise InputError(
            f"`{name}` has the numbers {array.min()} to {array.max()}, and a mask has 0 to 255",
            helps=["write it to a .npz file"],
        )
    return list(array.astype(np.uint8)), "masks"


def _png_writer(path: Path) -> Callable[[Path, Array], None]:
    """Return what writes images; raises ``NetlangError`` without Pillow."""
    try:
        from netlang.storage.images import write_png
    except ImportError:
        raise NetlangError(
            rules.PILLOW_MISSING,
            f"{path} is an image, and writing images needs Pillow",
            helps=['pip install "netlang[images]"'],
            exit_code=ENVIRONMENT,
        ) from None
    return write_png


def write_table(
    path: Path, outputs: Mapping[str, Array], examples: Sequence[str], classes: Classes
) -> int:
    """Write a CSV file with a row for each example, and a column for each number of an output.

    ``examples`` are the names of the examples, their numbers if there are none; ``classes`` returns
    the names of the classes that an output scores, whose best is a column too. Raises
    ``InputError`` where outputs have different numbers of rows. Returns how many there are.
    """
    rows = {name: len(array) if array.ndim else 1 for name, array in outputs.items()}
    if len({*rows.values()}) > 1:
        listed = ", ".join(f"`{name}` has {count:,}" for name, count in rows.items())
        raise InputError(
            f"{path} has a row for each example, and the outputs do not have the same number",
            notes=[listed],
            helps=["write them to a .npz file, or choose one with `--at`"],
        )
    count = next(iter(rows.values()), 0)
    table: dict[str, list[str]] = {}
    table["example"] = list(examples) if len(examples) == count else [*map(str, range(count))]
    for name, array in outputs.items():
        flat = array.reshape(count, -1)
        if len(table) + flat.shape[1] > _WIDEST:
            raise InputError(
                f"`{name}` has {flat.shape[1]:,} numbers for each example, and a table has at most "
                f"{_WIDEST:,} columns",
                helps=["write it to a .npz file"],
            )
        known = classes(name)
        if len(known) == flat.shape[1] > 1:
            table[f"{name} predicted"] = [known[int(at)] for at in flat.argmax(axis=1)]
        titles = _titles(name, array.shape[1:], known)
        for title, column in zip(titles, flat.T, strict=True):
            table[title] = [_text(number) for number in column.tolist()]
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    write_atomically(path, [text.getvalue().encode("utf-8", "surrogateescape")])
    return count


def _titles(name: str, shape: Sequence[int], known: Sequence[str]) -> Iterator[str]:
    """Yield a title for each number of an example."""
    if not shape or shape == (1,):
        yield name
        return
    for place in product(*map(range, shape)):
        at = known[place[0]] if len(place) == 1 and len(known) == shape[0] else None
        yield f"{name}[{', '.join(map(str, place)) if at is None else at}]"


def _text(number: object) -> str:
    return f"{number:.9g}" if isinstance(number, float) else str(number)
