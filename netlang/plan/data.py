"""The data of a train section as records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netlang.data.datasets import DATASETS, Csv, Idx, Npy, Npz, PythonFunction
from netlang.data.pipeline import (
    Batching,
    Change,
    Dataset,
    Pipeline,
    Subset,
    Transformation,
)
from netlang.data.transforms.transform import Transform
from netlang.evaluate.context.values import Examples, Object, Origin, Setting
from netlang.plan.records import Records


def pipeline(rows: Examples, records: Records) -> Pipeline:
    """Return the record of some batched examples."""
    origin = rows.origin
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
    fields = _plain(origin.fields)
    normalize = fields.get("normalize", False)
    if not isinstance(normalize, bool):
        normalize = _listed(normalize)
    match fields:
        case {"python": str() as place}:
            return PythonFunction(origin.dataset, normalize, place, origin.arguments)
        case {"csv": str() as path}:
            separator, header = fields.get("separator", ","), fields.get("header")
            return Csv(origin.dataset, normalize, path, separator, header)
        case {"npz": str() as path}:
            return Npz(origin.dataset, normalize, path)
        case {"npy": paths}:
            return Npy(origin.dataset, normalize, _listed(paths))
        case _:
            return Idx(origin.dataset, normalize, _listed(fields["idx"]))


def _listed(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _step(step: Setting, records: Records) -> Subset | Transformation:
    match step.name:
        case "part":
            return Subset(**_plain(step.arguments))
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


def _plain(arguments: Mapping[str, Object]) -> dict[str, Any]:
    """Return arguments with tuples in place of lists, which a record could not keep unchanged."""
    return {name: _frozen(value) for name, value in arguments.items()}


def _frozen(value: Object) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
