"""Columns of images and masks: by a pattern of file names, or by names in another column."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from netlang.data.pipeline import Images, Location, Reading
from netlang.data.source import Arrays, Source, Stamp
from netlang.data.sources.images.source import ImageFiles, ImageSource, MaskFiles, require_pillow
from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, FileError, NetlangError
from netlang.ir.types import TensorType
from netlang.storage.inputs import IMAGES
from netlang.storage.pixels import Pixels
from netlang.system.numpy import np

_MOST_SHOWN = 5
_WILDCARDS = re.compile(r"\*\*/|\*+|\?|\[[^]]+\]")


def find_images(readings: Mapping[str, Reading], location: Location) -> Arrays:
    """Return the files of several columns, matched by what the wildcards of their patterns are.

    ``images/*.jpg`` and ``masks/*_mask.png`` have the pair ``images/7.jpg``, ``masks/7_mask.png``.
    A pattern that is a folder is all images in it. Raises ``NetlangError`` where there are none, or
    a file of one column has no counterpart in another.
    """
    found: dict[str, dict[str, Path]] = {}
    for name, reading in readings.items():
        assert reading.images is not None
        require_pillow(reading.images.files[0])
        found[name] = _by_wildcards(reading.images.files, location)
    first, *others = found
    keys = list(found[first])
    for other in others:
        _check_pairs(found, readings, (first, other))
    names = {name: [str(files[key]) for key in keys] for name, files in found.items()}
    stored = {name: np.arange(len(keys)) for name in found}
    place = ", ".join(pattern for r in readings.values() if r.images for pattern in r.images.files)
    return Arrays(place, location.columns, stored, names=names, checksum=str(len(keys)))


def _by_wildcards(patterns: Sequence[str], location: Location) -> dict[str, Path]:
    """Return the images that some patterns name, by the text that their wildcards match."""
    found: dict[str, Path] = {}
    for number, pattern in enumerate(patterns):
        paths = location.find_all((pattern,))
        if len(paths) == 1 and paths[0].is_dir():
            pattern = f"{pattern.rstrip('/')}/*"
            paths = location.find_all((pattern,))
        images = [p for p in paths if p.suffix.lower() in IMAGES and not p.name.startswith(".")]
        if not images:
            raise FileError(
                f"no file that `{pattern}` names is an image",
                notes=[f"one is {paths[0]}"],
                helps=[f"images end in {', '.join(IMAGES)}"],
            )
        for path in images:
            key = f"{number}:{_wildcards_of(pattern, path)}"
            if key in found:
                raise FileError(
                    f"{found[key]} and {path} have the same name",
                    helps=["remove one of them, or name the files by a narrower pattern"],
                )
            found[key] = path
    return found


def _wildcards_of(pattern: str, path: Path) -> str:
    """Return what the wildcards of a pattern match in a path, without the ending of images."""
    pattern = PurePosixPath(pattern).as_posix()  # a path has neither `./` nor `//`
    parts: list[str] = []
    start = 0
    for wild in _WILDCARDS.finditer(pattern):
        parts += [re.escape(pattern[start : wild.start()]), _matching(wild[0])]
        start = wild.end()
    parts.append(re.escape(pattern[start:]))
    match = re.search(f"(?:^|/){''.join(parts)}$", path.as_posix())
    if match is None or not match.groups():
        return ""
    *before, last = (group or "" for group in match.groups())
    suffix = Path(last).suffix
    return "/".join([*before, last.removesuffix(suffix) if suffix.lower() in IMAGES else last])


def _matching(wild: str) -> str:
    if wild.startswith("["):
        return f"({wild.replace('[!', '[^')})"
    return {"**/": "(?:(.*)/)?", "?": "([^/])"}.get(wild, "([^/]*)")


def _check_pairs(
    found: Mapping[str, Mapping[str, Path]],
    readings: Mapping[str, Reading],
    pair: tuple[str, str],
) -> None:
    """Raise ``FileError`` for a file of one column without a counterpart in the other."""
    for one, other in (pair, pair[::-1]):
        alone = [path for key, path in found[one].items() if key not in found[other]]
        if not alone:
            continue
        counts = " and ".join(f"`{name}` has {len(found[name]):,} files" for name in pair)
        images = readings[other].images
        patterns = ", ".join(f"`{each}`" for each in images.files) if images else ""
        rest = len(alone) - 1
        also = f", nor has any of {rest:,} others" if rest > 1 else ", nor has 1 other" * rest
        raise FileError(
            f"{alone[0]} has no `{other}` among {patterns}{also}",
            notes=[counts],
            helps=[
                "files belong together if `*` matches the same text in both names: name them "
                "alike, or remove those without a counterpart"
            ],
        )


def with_images(
    source: Source,
    readings: Mapping[str, Reading],
    location: Location,
    columns: Mapping[str, TensorType],
) -> ImageSource:
    """Return examples with the images of files whose names a source has, by column.

    ``columns`` are the declared types. Raises ``FileError`` for a name of no file.
    """
    images: dict[str, ImageFiles | MaskFiles] = {}
    for name, reading in readings.items():
        given = reading.images
        assert given is not None
        names = source.names[name]
        require_pillow(source.place)
        paths = [Path(n) for n in names] if given.files else _named(names, source, given, location)
        stamps = [Stamp.of(path) for path in paths]
        shown = [_below(path, location.root) for path in paths] if given.files else names
        *channels, rows, width = (n for n in columns[name].shape if isinstance(n, int))
        if given.kind == "masks":
            resize = given.size is not None
            images[name] = MaskFiles(stamps, shown, (rows, width), resize, given.values)
            continue
        how = "exact" if given.size is None else "resize"
        pixels = Pixels(channels[0] if channels else 1, (rows, width), how)
        images[name] = ImageFiles(stamps, shown, pixels)
    return ImageSource(source, columns, images)


def _below(path: Path, root: Path) -> str:
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def _named(names: Sequence[str], source: Source, given: Images, location: Location) -> list[Path]:
    """Return the paths of files that are named in a table; raise ``FileError`` for missing ones."""
    folder = location.find(given.folder or ".")
    real = folder.resolve()
    found: list[Path] = []
    missing: list[tuple[int, str]] = []
    for number, name in enumerate(names):
        path = folder / f"{name}{given.ending}"
        if not path.resolve().is_relative_to(real):
            raise NetlangError(
                rules.DATA_PATH,
                f"{source.place} names `{name}` in example {number:,}, counted from 0, which leads "
                f"out of {folder}",
                helps=["name files below the folder of the images"],
            )
        if not path.is_file():
            missing.append((number, f"{name}{given.ending}"))
        found.append(path)
    if missing:
        number, name = missing[0]
        rest = [f"`{each}`" for _, each in missing[1 : _MOST_SHOWN + 1]]
        more = len(missing) - 1 - len(rest)
        raise NetlangError(
            rules.DATA_MISSING,
            f"{source.place} names `{name}` in example {number:,}, counted from 0, and {folder} "
            "has no such file",
            notes=[f"nor {', '.join(rest)}" + (f", and {more:,} more" if more else "")]
            * bool(rest),
            helps=_advice(given, name),
            exit_code=ENVIRONMENT,
        )
    return found


def _advice(given: Images, name: str) -> list[str]:
    stage = f"`{given.kind}(folder="
    if Path(name).suffix.lower() not in IMAGES:
        return [f'say how the names of the files end: {stage}"…", ending=".png")`']
    return [f'say in which folder they are: {stage}"…")`'] if not given.folder else []
