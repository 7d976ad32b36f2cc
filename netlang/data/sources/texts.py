"""Texts character by character, and reviews with their sentiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

from netlang.data.pipeline import Location
from netlang.data.sampling import uniform
from netlang.data.source import Batch, Chosen, Epoch, Source
from netlang.data.sources.folders import files_of
from netlang.data.tables.text_files import Lines, most_frequent, only_letters, read_text, words_of
from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, FileError, NetlangError
from netlang.ir.types import TensorType
from netlang.system.files import data_folders
from netlang.system.numpy import Array, np

_OFFSET_SITE = 1 << 16
_FIRST_WORD = 2
_VERDICTS = ("neg", "pos")
_VOCABULARY = 'give `data` and `valid` a file that has every character: `vocabulary="…"`'


@dataclass(frozen=True, slots=True, eq=False)
class Windows(Source):
    """Neighboring windows of a text, each with the same window one character later."""

    place: str
    columns: Mapping[str, TensorType]
    ids: Array
    length: int
    names: Mapping[str, Sequence[str]]
    checksum: str
    offset: int = 0

    def __len__(self) -> int:
        # One window less than there may be, so that every offset has as many.
        return (len(self.ids) - self.length) // self.length

    def examples(self, chosen: Chosen) -> Batch:
        numbers = np.arange(len(self))[chosen] if isinstance(chosen, slice) else chosen
        starts = numbers * self.length + self.offset
        windows = self.ids[starts[:, np.newaxis] + np.arange(self.length + 1)]
        return {
            "tokens": np.ascontiguousarray(windows[:, :-1]),
            "target": np.ascontiguousarray(windows[:, 1:]),
        }

    def during(self, epoch: Epoch) -> Source:
        if not epoch.shuffle:
            return self
        first = np.zeros(1, np.int64)
        drawn = uniform(epoch.seed, epoch.number, _OFFSET_SITE, first, 1)[0, 0]
        return replace(self, offset=int(drawn * self.length))

    def fingerprint(self) -> str:
        return self.checksum


def open_windows(
    path: Path,
    columns: Mapping[str, TensorType],
    length: int,
    *,
    letters: bool = False,
    vocabulary: Path | None = None,
    known: Sequence[str] = (),
) -> Windows:
    """Open a text as windows of characters, numbered in the order of their codes.

    The characters are those of the text, or of a ``vocabulary``, or ``known`` from the training
    data. Raises ``FileError`` for any other.
    """
    codes, sum = _codes(path, letters)
    used = np.unique(codes if vocabulary is None else _codes(vocabulary, letters)[0])
    if known:
        trained = np.array(sorted(map(ord, known)), np.uint32)
        if vocabulary is not None and not np.array_equal(trained, used):
            raise FileError(
                f"{vocabulary} has {len(used):,} characters that are not the {len(trained):,} of "
                "the training data",
                helps=["leave `vocabulary` out, or give it to `data` and `valid`"],
            )
        used = trained
    ids = np.searchsorted(used, codes)
    strange = used[np.minimum(ids, len(used) - 1)] != codes
    if strange.any():
        at = int(np.argmax(strange))
        where = f"{vocabulary} has not" if vocabulary else "the training data has not"
        raise FileError(
            f"{path} has {chr(codes[at])!r} at character {at:,}, which {where}",
            helps=[] if vocabulary else [_VOCABULARY],
        )
    characters = tuple(map(chr, used.tolist()))
    names = {"tokens": characters, "target": characters}
    source = Windows(str(path), columns, ids, length, names, sum)
    if len(source) < 1:
        raise FileError(
            f"{path} has {len(codes):,} characters, too few for windows of {length:,}",
            helps=[f"at least {2 * length:,} are needed"],
        )
    return source


def _codes(path: Path, letters: bool) -> tuple[Array, str]:
    text, sum = read_text(path)
    # How a system ends lines is not part of a text.
    text = text.replace("\r\n", "\n")
    if letters:
        text = only_letters(text)
    if not text:
        raise FileError(f"{path} is empty")
    return np.frombuffer(text.encode("utf-32-le"), np.uint32), sum


@dataclass(frozen=True, slots=True, eq=False)
class Reviews(Source):
    """Texts of any length with a class; a batch is padded to its longest."""

    place: str
    columns: Mapping[str, TensorType]
    lines: Lines
    labels: Array
    names: Mapping[str, Sequence[str]]

    def __len__(self) -> int:
        return len(self.labels)

    def examples(self, chosen: Chosen) -> Batch:
        numbers = np.arange(len(self))[chosen] if isinstance(chosen, slice) else chosen
        return {
            "tokens": self.lines.padded(numbers),
            "length": self.lines.lengths(numbers),
            "label": self.labels[numbers],
        }

    def whole(self, column: str) -> Array | None:
        return self.labels if column == "label" else None

    def fingerprint(self) -> str:
        return f"{len(self)}:{crc32(self.lines.flat.data):08x}"


def open_reviews(split: str, location: Location, vocab: int, longest: int) -> Reviews:
    """Open the film reviews of Maas et al., 2011, from the folder ``aclImdb``."""
    root, known = location.root, location.known("tokens")
    folder = next((f / "aclImdb" for f in data_folders(root) if (f / "aclImdb").is_dir()), None)
    if folder is None:
        raise NetlangError(
            rules.DATA_MISSING,
            "the film reviews are not on this machine",
            notes=[f"looked for `aclImdb` in {', '.join(map(str, data_folders(root)))}"],
            helps=["unpack aclImdb_v1.tar.gz into `data`, so that there is `data/aclImdb`"],
            exit_code=ENVIRONMENT,
        )
    trained = _reviews(folder / "train") if not known or split == "train" else []
    found = trained if split == "train" else _reviews(folder / split)
    texts = (line for line, _ in trained)
    words = known[_FIRST_WORD:] if known else most_frequent(texts, vocab - _FIRST_WORD)
    number = {word: i for i, word in enumerate(words, _FIRST_WORD)}
    lines = Lines.of([[number.get(w, 1) for w in line[:longest]] for line, _ in found])
    labels = np.array([label for _, label in found], np.int64)
    names = {"tokens": ("", "?", *words), "label": _VERDICTS}
    return Reviews(str(folder / split), location.columns, lines, labels, names)


def _reviews(folder: Path) -> list[tuple[list[str], int]]:
    found = [
        (words_of(read_text(path)[0]), label)
        for label, verdict in enumerate(_VERDICTS)
        if (folder / verdict).is_dir()
        for path in files_of(folder / verdict, [".txt"])
    ]
    if not found:
        raise FileError(f"{folder} holds no reviews", helps=["they are in `pos` and `neg`"])
    return found
