"""A folder with a folder of images for each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from netlang.data.fitted import numbered
from netlang.data.source import Arrays, Stamp
from netlang.data.sources.folders import entries, files_of, left_out
from netlang.data.sources.images.source import ImageFiles, ImageSource, require_pillow
from netlang.diagnostics import rules
from netlang.diagnostics.errors import FileError, NetlangError
from netlang.ir.types import I64, TensorType
from netlang.storage.inputs import IMAGES
from netlang.storage.pixels import Pixels
from netlang.system.numpy import np


def open_folder(
    folder: Path, columns: Mapping[str, TensorType], size: int, known: Sequence[str] = ()
) -> ImageSource:
    """Open a folder of images; the classes are its folders, by their place in ``known``.

    Without known classes, they are sorted by name. A folder with images and no folders is one
    class. Raises ``NetlangError`` where there are none, for a folder of another class, or where
    Pillow is not installed.
    """
    require_pillow(folder)
    if not folder.is_dir():
        raise FileError(f"{folder} is not a folder")
    classes = [path for path in entries(folder) if path.is_dir()]
    own = [path.name for path in classes]
    if not own:
        # The name of the whole folder, such as `valid`, is not that of a class.
        own = list(known) if len(known) == 1 else [folder.name]
    names, numbers = numbered(own, known, str(folder), "folder")
    real = folder.resolve()
    files: list[Stamp] = []
    labels: list[int] = []
    for label, place in zip(numbers, classes or [folder], strict=True):
        found = files_of(place, IMAGES)
        if not found:
            raise FileError(
                f"{place} holds no images", helps=[f"images end in {', '.join(IMAGES)}"]
            )
        for path in found:
            if not path.resolve().is_relative_to(real):
                raise NetlangError(rules.DATA_PATH, f"{path} leads out of {folder}")
            files.append(Stamp.of(path))
            labels.append(label)
    which = f"images end in {', '.join(IMAGES)}"
    which += " and are in the folder of their class" if classes else ""
    decided = left_out(folder, {stamp.path for stamp in files}, which)
    stored = {"image": np.arange(len(files)), "label": np.array(labels, np.int64)}
    types = {**columns, "image": TensorType(I64, ())}
    inner = Arrays(str(folder), types, stored, names={"label": names})
    shown = [stamp.path.relative_to(folder).as_posix() for stamp in files]
    images = ImageFiles(files, shown, Pixels(3, (size, size), "crop"))
    return ImageSource(inner, columns, {"image": images}, decided)
