"""What counts as data in a folder: not the files that operating systems leave behind."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

_LEFTOVERS = {
    "thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "#recycle", "$recycle.bin",
    "system volume information", "lost+found",
}  # fmt: skip


def entries(folder: Path) -> list[Path]:
    """Return what is in a folder, sorted by name, except hidden files and leftovers."""
    return sorted(
        path
        for path in folder.iterdir()
        if not path.name.startswith(".") and path.name.lower() not in _LEFTOVERS
    )


def files_of(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """Return the files with one of some suffixes, in either case, sorted by name."""
    return [path for path in entries(folder) if path.suffix.lower() in suffixes]


def left_out(folder: Path, used: Collection[Path], which: str) -> tuple[str, ...]:
    """Return a remark on the files below a folder that are not used; ``which`` says which are."""
    others = [path for path in _below(folder) if path not in used]
    if not others:
        return ()
    example = others[0].relative_to(folder)
    if len(others) == 1:
        return (f"1 file in {folder} is left out, {example}: {which}",)
    return (f"{len(others):,} files in {folder} are left out, such as {example}: {which}",)


def _below(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, without following links to folders."""
    for path in entries(folder):
        if not path.is_dir():
            yield path
        elif not path.is_symlink():
            yield from _below(path)
