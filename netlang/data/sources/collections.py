"""Well-known collections of images: digits, MNIST, Fashion-MNIST, CIFAR-10."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from netlang.data.columns import check_classes, fit
from netlang.data.pipeline import Location
from netlang.data.source import Arrays
from netlang.data.sources.idx import read_idx
from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, FileError, NetlangError
from netlang.storage.npy import read_npz
from netlang.system.files import data_folders, reading
from netlang.system.numpy import Array, np

_DIGITS = tuple("0123456789")
_CLOTHES = (
    "t-shirt", "trouser", "pullover", "dress", "coat",
    "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
_THINGS = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
_TRAINING_DIGITS, _GRAY_LEVELS = 1500, 16
_CIFAR_ROW = 1 + 3 * 32 * 32


@dataclass(frozen=True, slots=True)
class _Collection:
    """Where a collection may be found, and how to get it."""

    title: str
    folders: tuple[str, ...]
    system: tuple[str, ...]
    names: Sequence[str]
    help: str


_MNIST = _Collection(
    "MNIST",
    ("mnist", "MNIST/raw", "MNIST"),
    ("/usr/share/mnist", "/usr/share/datasets/mnist"),
    _DIGITS,
    "put train-images-idx3-ubyte.gz and its three companions into `data/mnist`",
)
_FASHION = _Collection(
    "Fashion-MNIST",
    ("fashion-mnist", "fashion_mnist", "FashionMNIST/raw", "FashionMNIST"),
    ("/usr/share/datasets/fashion-mnist",),
    _CLOTHES,
    "Debian and Ubuntu bring it: `apt install dataset-fashion-mnist`; or put "
    "train-images-idx3-ubyte.gz and its three companions into `data/fashion-mnist`",
)
_CIFAR = _Collection(
    "CIFAR-10",
    ("cifar-10-batches-bin", "cifar10", "cifar-10"),
    (),
    _THINGS,
    "unpack cifar-10-binary.tar.gz into `data`, so that there is `data/cifar-10-batches-bin`",
)


def open_digits(split: str, location: Location) -> Arrays:
    """Open the digits that come with netlang."""
    part = slice(_TRAINING_DIGITS) if split == "train" else slice(_TRAINING_DIGITS, None)
    arrays = {n: a[part] for n, a in read_npz(Path(__file__).parents[1] / "digits.npz").items()}
    known = location.known("label")
    source = fit("digits", location.columns, arrays).named("label", _DIGITS, known)
    return replace(source, divisors={"image": float(_GRAY_LEVELS)})


def open_mnist(dataset: str, split: str, location: Location) -> Arrays:
    """Open MNIST or Fashion-MNIST from their four files."""
    collection = _MNIST if dataset == "mnist" else _FASHION
    prefix = "train" if split == "train" else "t10k"
    found = {
        "image": (f"{prefix}-images", "idx3-ubyte"),
        "label": (f"{prefix}-labels", "idx1-ubyte"),
    }
    names = {
        column: [f"{stem}{dot}{kind}{packed}" for packed in ("", ".gz") for dot in "-."]
        for column, (stem, kind) in found.items()
    }
    folder = _folder(collection, location.root, list(names.values()))
    read = {
        column: read_idx(next(folder / n for n in choices if (folder / n).is_file()))
        for column, choices in names.items()
    }
    arrays = {column: array for column, (array, _) in read.items()}
    source = fit(
        str(folder),
        location.columns,
        arrays,
        checksum="-".join(checksum for _, checksum in read.values()),
    )
    check_classes(source, "label", len(collection.names))
    return source.named("label", collection.names, location.known("label"))


def open_cifar10(split: str, location: Location) -> Arrays:
    """Open the binary version of CIFAR-10: a byte for the class, then red, green, blue."""
    training = [f"data_batch_{i}.bin" for i in range(1, 6)]
    names = training if split == "train" else ["test_batch.bin"]
    folder = _folder(_CIFAR, location.root, [[name] for name in names])
    parts: list[Array] = []
    for name in names:
        with reading(folder / name) as stream:
            data = stream.read()
        if not data or len(data) % _CIFAR_ROW:
            raise FileError(
                f"{folder / name} is damaged: it has {len(data):,} bytes, and each of its images "
                f"takes {_CIFAR_ROW:,}"
            )
        parts.append(np.frombuffer(data, np.uint8).reshape(-1, _CIFAR_ROW))
    whole = np.concatenate(parts)
    arrays = {"image": whole[:, 1:].reshape(-1, 3, 32, 32), "label": whole[:, 0]}
    source = fit(str(folder), location.columns, arrays)
    check_classes(source, "label", len(_THINGS))
    return source.named("label", _THINGS, location.known("label"))


def _folder(collection: _Collection, root: Path, wanted: list[list[str]]) -> Path:
    """Return the folder that holds one file of each list of names."""
    folders = [base / name for base in data_folders(root) for name in collection.folders]
    folders += [Path(name) for name in collection.system]
    for folder in folders:
        if all(any((folder / name).is_file() for name in names) for names in wanted):
            return folder
    looked = dict.fromkeys(str(base) for base in data_folders(root))
    raise NetlangError(
        rules.DATA_MISSING,
        f"{collection.title} is not on this machine",
        notes=[
            f"looked for `{collection.folders[0]}` in {', '.join(looked)}",
            *(f"and in {place}" for place in collection.system),
        ],
        helps=[collection.help],
        exit_code=ENVIRONMENT,
    )
