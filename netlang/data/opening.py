"""From the data that a train section describes to examples that can be read."""

from __future__ import annotations

from pathlib import Path

from msgspec import structs

from netlang.data.batches import Batches
from netlang.data.fitted import Fitted
from netlang.data.pipeline import Division, Location, Pipeline, Restriction, Subset
from netlang.data.source import Epoch, Source, SubsetSource
from netlang.system.numpy import Array, np


def open_examples(
    pipeline: Pipeline,
    *,
    root: Path,
    seed: int = 0,
    allow_python: bool = False,
    fitted: Fitted | None = None,
) -> Source:
    """Open the examples of a pipeline; paths start at ``root``, the program's folder.

    Files are checked against the declared columns, and read with what is ``fitted`` on the training
    data, if they are others. Raises ``NetlangError`` where one is missing, damaged or something
    else than declared, and for ``python =`` unless ``allow_python``.
    """
    location = Location(
        pipeline.columns, root, seed, allow_python, pipeline.about, fitted, _used(pipeline)
    )
    dataset = pipeline.dataset
    choices: list[Array] = []
    fits = fitted is None and dataset.is_fitted
    if (fits and _is_chosen(pipeline)) or (dataset.is_fitted and _compares(pipeline)):
        # Which examples are used depends on their values, and how they are read on which are used.
        stored = dataset.unnormalized().open(location)
        used = _after_steps(stored, pipeline, choices)[1]
        if fits:
            location = structs.replace(location, used=used)
    return _after_steps(dataset.open(location), pipeline, choices)[0]


def _after_steps(source: Source, pipeline: Pipeline, choices: list[Array]) -> tuple[Source, Array]:
    """Return the examples after all steps, and their indices in the dataset.

    The steps that choose examples choose those of ``choices``, to which they are added if it is
    empty.
    """
    indices = np.arange(len(source))
    before = iter([*choices])
    site = 0
    for step in pipeline.steps:
        match step:
            case Subset(first=first, last=last):
                source = SubsetSource(source, first, last)
                indices = indices[first : last + 1]
            case Division() | Restriction():
                from netlang.data.chosen import ChosenSource, chosen_by

                kept = next(before, None)
                if kept is None:
                    kept = chosen_by(step, source)
                    choices.append(kept)
                source, indices = ChosenSource(source, kept), indices[kept]
            case _:
                from netlang.data.mapped import MappedSource

                source = MappedSource(source, step.changes, site, Epoch())
                site += sum(len(change.transforms) for change in step.changes)
    return source, indices


def _is_chosen(pipeline: Pipeline) -> bool:
    """Return whether the values of examples, or chance, decide which are used."""
    return any(isinstance(step, Division | Restriction) for step in pipeline.steps)


def _compares(pipeline: Pipeline) -> bool:
    """Return whether the values of examples before `normalize` decide which are used."""
    return any(isinstance(step, Restriction) and step.conditions for step in pipeline.steps)


def _used(pipeline: Pipeline) -> slice:
    """Return which examples of the dataset the steps keep, as far as ranges decide it."""
    first, count = 0, None
    for step in pipeline.steps:
        match step:
            case Subset():
                first, count = first + step.first, step.last - step.first + 1
            case Division() | Restriction():
                return slice(None)
            case _:
                pass
    return slice(first, None if count is None else first + count)


def open_batches(
    pipeline: Pipeline,
    root: Path,
    seed: int = 0,
    *,
    allow_python: bool = False,
    fitted: Fitted | None = None,
) -> Batches:
    """Open the batches of a pipeline; the arguments are those of ``open_examples``."""
    source = open_examples(pipeline, root=root, seed=seed, allow_python=allow_python, fitted=fitted)
    batching = pipeline.batching
    return Batches(
        source,
        batching.size,
        batching.shuffle,
        batching.in_order,
        batching.drop_last,
        seed,
    )
