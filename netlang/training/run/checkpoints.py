"""Checkpoints: everything a run needs to resume, in a file that is complete or absent.

A checkpoint holds the state of the engine and the progress of the run, sealed by a hash. The
previous one is kept until the new one has been read back, so there is always one that is valid.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path

from msgspec import convert, to_builtins

from netlang.data.fitted import Fitted
from netlang.diagnostics import rules
from netlang.diagnostics.errors import NetlangError
from netlang.storage.weights import load_with_metadata, read_metadata, save_weights
from netlang.system.files import cannot_write
from netlang.system.numpy import Array, np

LATEST, BEFORE = "checkpoint.safetensors", "checkpoint.before.safetensors"
BEST = "best:"
"""The prefix of the names of the best parameters."""
EXAMPLES = "examples:"
"""The prefix of the names of stored examples, before the name of the step."""

FORMAT = "2"
"""The version of the content of a checkpoint; a newer one is rejected."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over the batches of an epoch so far, of ``Totals``; tensors are lists of elements.

    The arrays of ``stored`` examples are next to the state in the file.
    """

    sums: Mapping[str, list[float]]
    counts: Mapping[str, int]
    examples: int
    stored: Mapping[str, Array] = field(default_factory=dict[str, Array])


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, and its settings, which are compared when it resumes.

    ``epochs`` counts those that are evaluated and reported; ``totals``, by step, are of the current
    epoch. ``waited`` is how many steps the watched metric has not improved, ``best_epoch`` the
    epoch where it was best. ``fitted`` is what the training data determine. ``section`` and
    ``total``, the steps of the whole run, are for lists of runs. ``flat`` and ``reduced`` are
    those of ``Monitors``.
    """

    step: int
    settings: Mapping[str, str]
    epochs: int = 0
    best: Mapping[str, float] = field(default_factory=dict[str, float])
    waited: int = 0
    stopped: bool = False
    totals: Mapping[str, Sums] = field(default_factory=dict[str, Sums])
    seconds: float = 0.0
    best_epoch: int = 0
    fitted: Fitted | None = None
    section: str = ""
    total: int = 0
    flat: int = 0
    reduced: list[int] = field(default_factory=list[int])


class CheckpointError(NetlangError):
    """A checkpoint that a run cannot resume from."""

    def __init__(
        self, message: str, *, notes: tuple[str, ...] = (), helps: tuple[str, ...] = ()
    ) -> None:
        super().__init__(rules.BAD_CHECKPOINT, message, notes=notes, helps=helps)


def save(
    folder: Path, last: Mapping[str, Array], progress: Progress, best: Mapping[str, Array]
) -> Path:
    """Write a checkpoint; the previous one is kept next to it.

    ``last`` is the state to continue from, ``best`` are the parameters that are the result so far,
    where they are others.
    """
    state = {**last, **{f"{BEST}{name}": array for name, array in best.items()}}
    latest, before = folder / LATEST, folder / BEFORE
    for step, sums in progress.totals.items():
        state |= {f"{EXAMPLES}{step}:{name}": array for name, array in sums.stored.items()}
    bare = {step: replace(sums, stored={}) for step, sums in progress.totals.items()}
    text = json.dumps(to_builtins(replace(progress, totals=bare)), sort_keys=True)
    unproven = folder / f".{LATEST}.new"
    metadata = {"format": FORMAT, "progress": text, "seal": seal(state, text)}
    try:
        try:
            save_weights(unproven, state, metadata)
            _read(unproven)
            if latest.exists():
                latest.replace(before)
            unproven.replace(latest)
            _sync(folder)
        finally:
            unproven.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(latest, error) from None
    return latest


def split(state: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return the state to continue from, and the best parameters."""
    best = {n.removeprefix(BEST): array for n, array in state.items() if n.startswith(BEST)}
    return {n: array for n, array in state.items() if not n.startswith(BEST)}, best


def load(folder: Path) -> tuple[dict[str, Array], Progress, list[str]]:
    """Read the latest valid checkpoint of a folder; return it and what was wrong with a later one.

    Raises ``CheckpointError`` where there is none.
    """
    warnings: list[str] = []
    for name in (LATEST, BEFORE):
        path = folder / name
        if not path.exists():
            continue
        try:
            state, progress = _read(path)
        except NetlangError as fault:
            warnings.append(f"{path}: {fault.message}")
            continue
        return state, progress, warnings
    if warnings:
        raise CheckpointError(f"no checkpoint in {folder} is complete", notes=tuple(warnings))
    raise CheckpointError(
        f"there is no checkpoint in {folder}",
        helps=("leave out --resume to begin a run there",),
    )


def progress_of(folder: Path) -> Progress | None:
    """Return the progress in the latest checkpoint that can be read, without reading its state."""
    for name in (LATEST, BEFORE):
        with suppress(OSError, KeyError, ValueError, RecursionError, NetlangError):
            return convert(json.loads(read_metadata(folder / name)["progress"]), Progress)
    return None


def _read(path: Path) -> tuple[dict[str, Array], Progress]:
    state, metadata = load_with_metadata(path)
    text = metadata.get("progress", "")
    if metadata.get("format", FORMAT) != FORMAT:
        raise CheckpointError(
            f"it has format {metadata['format']}, and this netlang reads format {FORMAT}"
        )
    if metadata.get("seal") != seal(state, text):
        raise CheckpointError("its content is not what was written")
    try:
        progress = convert(json.loads(text), Progress)
        if progress.fitted is not None:
            progress.fitted.check()
        return _with_examples(state, progress)
    except (ValueError, OverflowError, RecursionError):
        raise CheckpointError("its progress is not that of a run") from None


def _with_examples(
    state: Mapping[str, Array], progress: Progress
) -> tuple[dict[str, Array], Progress]:
    """Return the state of a file, and its progress with the stored examples of each step."""
    stored: dict[str, dict[str, Array]] = {}
    for key in [key for key in state if key.startswith(EXAMPLES)]:
        step, _, name = key.removeprefix(EXAMPLES).partition(":")
        stored.setdefault(step, {})[name] = state[key]
    totals = {
        step: replace(sums, stored=stored.get(step, {})) for step, sums in progress.totals.items()
    }
    rest = {name: array for name, array in state.items() if not name.startswith(EXAMPLES)}
    return rest, replace(progress, totals=totals)


def seal(state: Mapping[str, Array], text: str) -> str:
    """Return the hash of a checkpoint's content."""
    made = blake2b(text.encode(), digest_size=32)
    for name in sorted(state):
        array = np.ascontiguousarray(state[name])
        made.update(f"{name} {array.dtype.str} {array.shape}".encode())
        made.update(array.reshape(-1).view(np.uint8).data)
    return made.hexdigest()


def _sync(folder: Path) -> None:
    """Flush the names in a folder to disk, where the system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        return
    finally:
        os.close(handle)
