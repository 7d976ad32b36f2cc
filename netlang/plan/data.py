"""The data of a train section as records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netlang.data.datasets import DATASETS, DECLARED, ImageFiles, PythonFunction
from netlang.data.pipeline import (
    Batching,
    Categories,
    Change,
    Condition,
    Dataset,
    Division,
    Images,
    Pipeline,
    Reading,
    Restriction,
    Step,
    Subset,
    Tokens,
    Transformation,
)
from netlang.data.transforms.transform import Transform
from netlang.evaluate.calls.datasets import FIELDS
from netlang.evaluate.calls.image_columns import stages_of
from netlang.evaluate.context.values import Examples, Object, Origin, Setting
from netlang.plan.records import Records


def pipeline(examples: Examples, records: Records) -> Pipeline:
    """Return the record of some batched examples."""
    origin = examples.origin
    return Pipeline(
        _dataset(origin),
        origin.columns,
        tuple(_step(step, records) for step in origin.steps),
        Batching(**_plain(origin.batches)),
        "" if origin.library else origin.about,
    )


def _dataset(origin: Origin) -> Dataset:
    if origin.library:
        return DATASETS[origin.dataset](**_plain(origin.arguments))
    kinds = (kind for place, kind in DECLARED.items() if place in origin.fields)
    kind = next(kinds, ImageFiles)
    fields = _plain(origin.fields)
    known = FIELDS.keys() & kind.__struct_fields__  # columns may be called `name`
    own = {name: fields[name] for name in known if name in fields}
    own["readings"] = {
        name: _reading(value)
        for name, value in origin.fields.items()
        if isinstance(value, Setting) and value.type == "column"
    }
    for name in _LISTS.intersection(own):
        if isinstance(own[name], str):
            own[name] = (own[name],)
    if kind is PythonFunction:
        own["arguments"] = origin.arguments
    return kind(name=origin.dataset, **own)


def _reading(column: Setting) -> Reading:
    """Return how a column is read, from the calls that make it."""
    from netlang.evaluate.calls.columns import TOKENS, statistic

    stages = {stage.name: _plain(stage.arguments) for stage in stages_of(column)}
    images = _images(stages)
    if images is not None and images.files:
        return Reading((), images=images)
    given = stages.get("columns") or stages["column"]
    fill, categories = given["fill"], stages.get("categories")
    constant = isinstance(fill, int | float | str)
    return Reading(
        given["names"] if "columns" in stages else (given["name"],),
        fill=fill if constant else None,
        statistic=statistic(fill),
        categories=None
        if categories is None
        else Categories(categories["order"], categories["unknown"], categories["one_hot"]),
        normalize="normalize" in stages,
        tokens=next(
            (
                Tokens(unit, **{k: v for k, v in stages[unit].items() if k != "x"})
                for unit in TOKENS
                if unit in stages
            ),
            None,
        ),
        length="length" in stages,
        images=images,
    )


def _images(stages: Mapping[str, Mapping[str, Any]]) -> Images | None:
    """Return how the images of a column are read, from its calls by name."""
    masks, images = "masks" in stages, "pictures" in stages
    if not masks and not images:
        return None
    kind = "masks" if masks else "pictures"
    given = stages[kind]
    files = given["x"]
    if isinstance(files, str):
        files = (files,)
    size = stages["resize"]["size"] if "resize" in stages else None
    return Images(
        kind,
        () if isinstance(files, Setting) else files,
        given["folder"],
        given["ending"],
        (size, size) if isinstance(size, int) else size,
        given.get("values", ()),
    )


_LISTS = frozenset({"csv", "jsonl", "npy", "idx", "normalize"})
"""The fields that take a list, or one string for a list of one."""


def _step(step: Setting, records: Records) -> Step:
    match step.name:
        case "part":
            return Subset(**_plain(step.arguments))
        case "split" | "folds":
            return Division(**_plain(step.arguments))
        case "only":
            return _restriction(step)
        case "together":
            columns = _plain(step.arguments)["columns"]
            transforms = records.several(Transform, step.arguments["transforms"])
            return Transformation((Change(columns, transforms),))
        case _:
            return Transformation(
                tuple(
                    Change((column,), records.several(Transform, transforms))
                    for column, transforms in step.arguments.items()
                )
            )


def _restriction(step: Setting) -> Restriction:
    given = _plain(step.arguments)
    conditions = (Condition(**_plain(c.arguments), comparison=c.name) for c in given["conditions"])
    return Restriction(dict(zip(given["columns"], given["values"], strict=True)), tuple(conditions))


def _plain(arguments: Mapping[str, Object]) -> dict[str, Any]:
    """Return arguments with tuples in place of lists, which a record could not keep unchanged."""
    return {name: _frozen(value) for name, value in arguments.items()}


def _frozen(value: Object) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
