"""The outputs of a net, as text and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from netlang.inference.scores import shares
from netlang.ir.arrays import show_array
from netlang.system.numpy import Array, np

FEW = 12
"""The most numbers that are listed one by one; of more, the range is shown."""

MANY = 10_000
"""The most numbers that JSON lists."""

Classes = Callable[[str], Sequence[str]]


def unnamed(output: str) -> Sequence[str]:
    """Return no names of classes."""
    del output
    return ()


_SCORES = ("logit", "score", "prob", "class")
_BAR = 20


def describe(
    outputs: Mapping[str, Array], top: int, classes: Classes = unnamed, examples: Sequence[str] = ()
) -> str:
    """Describe each output: the best classes of scores, a few numbers in full, else the range.

    ``classes`` returns the names of the classes that an output scores, ``examples`` are names of
    the examples.
    """
    return "\n".join(
        line
        for name, array in outputs.items()
        for line in _output(name, array, top, classes(name), examples)
    )


def write(
    path: Path, outputs: Mapping[str, Array], top: int, classes: Classes = unnamed,
    examples: Sequence[str] = (),
) -> Iterator[str]:  # fmt: skip
    """Write outputs as arrays, a table, JSON or images; yield what was written."""
    from netlang.storage.outputs import write_arrays, write_images, write_table

    match path.suffix.lower():
        case ".csv":
            rows = write_table(path, outputs, examples, classes)
            yield f"{path}: {rows:,} {'row' if rows == 1 else 'rows'}"
        case ".json":
            from netlang.system.files import write_atomically
            from netlang.system.json_text import json_text

            text = json_text(to_json(outputs, top, classes), indent=2)
            write_atomically(path, [f"{text}\n".encode()])
            yield f"{path}: {_listed(outputs)}"
        case ".png":
            yield from write_images(path, outputs, lambda name: _are_scores(name, classes(name)))
        case _:
            write_arrays(path, outputs)
            yield f"{path}: {_listed(outputs)}"


def write_folder(
    folder: Path, outputs: Mapping[str, Array], examples: Sequence[str],
    classes: Classes = unnamed, values: Callable[[str], Sequence[int]] | None = None,
) -> Iterator[str]:  # fmt: skip
    """Write an image for each example to a folder; yield what was written.

    ``values`` returns what the pixels of a mask are for each class.
    """
    from netlang.storage.outputs import write_each_image

    def scores(name: str) -> bool:
        return _are_scores(name, classes(name))

    yield from write_each_image(folder, outputs, examples, scores, values or (lambda _: ()))


def _listed(outputs: Mapping[str, Array]) -> str:
    return ", ".join(f"{name} {show_array(array)}" for name, array in outputs.items())


def _are_scores(name: str, classes: Sequence[str]) -> bool:
    return bool(classes) or any(s in name.lower() for s in _SCORES)


def to_json(
    outputs: Mapping[str, Array], top: int, classes: Classes = unnamed
) -> dict[str, object]:
    """Return each output as plain values, with its numbers if they are at most ``MANY``."""
    return {name: _json(name, array, top, classes(name)) for name, array in outputs.items()}


def _output(
    name: str, array: Array, top: int, classes: Sequence[str], examples: Sequence[str]
) -> Iterator[str]:
    yield f"{name}  {show_array(array)}"
    scores = _as_scores(name, array, classes)
    if scores is not None:
        for example, row in enumerate(scores[:FEW]):
            own = examples[example] if len(examples) == len(scores) else f"example {example}"
            yield from _classes(row, top, own if len(scores) > 1 else "", classes)
        if len(scores) > FEW:
            yield f"  + {len(scores) - FEW:,} more examples"
    elif array.size <= FEW:
        yield f"  {np.array2string(array, separator=', ', prefix='  ', precision=6)}"
    else:
        yield f"  {_range(array)}"


def _as_scores(name: str, array: Array, classes: Sequence[str]) -> Array | None:
    """Return class scores as ``(N, K)``, or ``None`` for an output of another kind."""
    kind_fits = array.dtype.kind == "f" and array.ndim in (1, 2) and array.shape[-1] > 1
    if not kind_fits or array.size == 0 or not np.isfinite(array).all():
        return None
    return array.reshape(-1, array.shape[-1]) if _are_scores(name, classes) else None


def _class(at: int, digits: int, classes: Sequence[str]) -> str:
    """Return the name of a class, or its number where that is the name."""
    name = classes[at] if at < len(classes) else str(at)
    return f"class {at:>{digits}}" if name == str(at) else name


def _classes(row: Array, top: int, title: str, classes: Sequence[str]) -> Iterator[str]:
    if title:
        yield f"  {title}"
    share = shares(row.reshape(1, -1))[0]
    best = np.argsort(-share, kind="stable")[:top]
    digits = len(str(len(row) - 1))
    names = [_class(int(at), digits, classes) for at in best]
    width = max(map(len, names))
    for name, at in zip(names, best, strict=True):
        bar = "█" * round(float(share[at]) * _BAR)
        line = f"  {name:<{width}}  {float(row[at]):>9.4f}  {float(share[at]):>6.1%}  {bar}"
        yield line.rstrip()


def _range(array: Array) -> str:
    if array.dtype.kind not in "fiu":
        return f"{int(np.count_nonzero(array)):,} of {array.size:,} are true"
    finite: Array = array[np.isfinite(array)].astype("float64")
    wrong = array.size - finite.size
    suffix = f", {wrong:,} not finite" if wrong else ""
    if not finite.size:
        return f"none of {array.size:,} numbers is finite"
    least, most, mean = float(finite.min()), float(finite.max()), float(finite.mean())
    return f"from {least:.6g} to {most:.6g}, mean {mean:.6g}{suffix}"


def _json(name: str, array: Array, top: int, classes: Sequence[str]) -> dict[str, object]:
    content: dict[str, object] = {"type": show_array(array), "shape": list(array.shape)}
    scores = _as_scores(name, array, classes)
    if scores is not None:
        content["top"] = [
            [
                {
                    "class": int(at),
                    **({"name": classes[at]} if at < len(classes) else {}),
                    "score": float(row[at]),
                    "share": float(share[at]),
                }
                for at in np.argsort(-share, kind="stable")[:top]
            ]
            for row, share in zip(scores, shares(scores), strict=True)
        ]
    if array.size <= MANY:
        content["values"] = _plain(array.tolist())
    return content


def _plain(value: object) -> object:
    """Return nested lists that JSON can represent: numbers that are not finite as strings."""
    match value:
        case list():
            return [_plain(item) for item in cast("list[object]", value)]
        case float() if not np.isfinite(value):
            return str(value)
        case _:
            return value
