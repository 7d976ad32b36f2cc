"""The settings of a train section, their types, and what they are as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from netlang.evaluate.context.describe import short
from netlang.evaluate.context.values import Examples, Function, Layer, Object, Part, Setting
from netlang.ir.graph import Value

SETTINGS = {
    "data": "rows",
    "valid": "rows",
    "loss": "f32[]",
    "metrics": "list",
    "optimizer": "optimizer",
    "init": "list",
    "freeze": "list",
    "clip": "clip",
    "run": "duration",
    "stop": "stop",
    "checkpoint": "list",
    "seed": "int",
    "precision": "str",
    "accumulate": "int",
    "carry_state": "bool",
}
STEP_SETTINGS = frozenset({"loss", "update", "optimizer", "clip", "repeat"})

_ELSEWHERE = frozenset({"loss", "metrics", "seed"})
"""Settings that are in the graph, or recorded by the run itself."""


def settings_text(
    settings: Mapping[str, Object], steps: Mapping[str, Mapping[str, Object]]
) -> dict[str, str]:
    """Return every setting by its path: ``optimizer`` and ``optimizer.momentum``.

    A resumed run is compared with the first by them.
    """
    found: dict[str, str] = {}
    for name, value in settings.items():
        if name not in _ELSEWHERE:
            found.update(_flat(name, value))
    for step, own in steps.items():
        for name, value in own.items():
            found.update(_flat(f"{step}.{name}", value))
    return found


def same(one: Object, other: Object) -> bool:
    """Return whether two values of a setting mean the same."""
    return dict(_flat("", one)) == dict(_flat("", other))


def _flat(name: str, value: Object) -> Iterator[tuple[str, str]]:
    match value:
        case Value():
            return
        case Setting(name=kind, arguments=arguments):
            yield name, kind
            for key, part in arguments.items():
                yield from _flat(f"{name}.{key}", part)
        case Examples(origin=origin):
            yield name, f"{origin.dataset}({', '.join(map(short, origin.arguments.values()))})"
            for key, part in origin.batches.items():
                yield from _flat(f"{name}.{key}", part)
            for step in origin.steps:
                yield from _flat(f"{name}.{step.name}", step)
        case list() | tuple():
            for i, part in enumerate(value):
                yield from _flat(f"{name}[{i}]", part)
        case Layer(path=path):
            yield name, path
        case Part(layer=layer, path=path):
            yield name, f"{layer.path}.{path}"
        case Function(name=own):
            yield name, own
        case _:
            yield name, short(value)
