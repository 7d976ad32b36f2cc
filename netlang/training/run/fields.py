"""What a run is made of, field by field, so that a resumed one can be compared with the first."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from hashlib import blake2b

from netlang.evaluate.context.describe import short
from netlang.evaluate.context.values import Function, Layer, Object, Part, Rows, Setting
from netlang.ir.graph import Value
from netlang.ir.text import print_graph
from netlang.training.step.step import Training

_ELSEWHERE = frozenset({"loss", "metrics", "seed"})
"""Settings that are in the graph, or have a field of their own."""


def fields_of(training: Training, *, seed: int, data: str) -> dict[str, str]:
    """List what decides how a run goes; ``data`` is the fingerprint of the rows."""
    plan = training.plan
    graph = print_graph(training.evaluation, origins=False)
    found = {
        "program": blake2b(graph.encode(), digest_size=8).hexdigest(),
        "rows": data,
        "seed": str(seed),
    }
    for name, value in plan.settings.items():
        if name not in _ELSEWHERE:
            found.update(_flat(name, value))
    for step, own in plan.steps.items():
        for name, value in own.items():
            found.update(_flat(f"{step}.{name}", value))
    return found


def _flat(name: str, value: Object) -> Iterator[tuple[str, str]]:
    match value:
        case Value():
            return
        case Setting(name=kind, arguments=arguments):
            yield name, kind
            for key, part in arguments.items():
                yield from _flat(f"{name}.{key}", part)
        case Rows(origin=origin):
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


def differences(
    before: Mapping[str, str], now: Mapping[str, str], allowed: Collection[str] = ()
) -> tuple[list[str], set[str]]:
    """List the fields that differ and may not, as lines; and which of ``allowed`` were of use.

    A field is allowed by its whole name, what that begins with, or its last part.
    """
    told: list[str] = []
    used: set[str] = set()
    for name in dict.fromkeys((*before, *now)):
        old, new = before.get(name, "nothing"), now.get(name, "nothing")
        if old == new:
            continue
        parts = name.split(".")
        names = {".".join(parts[:n]) for n in range(1, len(parts) + 1)}
        names |= {parts[-1], parts[0].partition("[")[0]}
        if names & set(allowed):
            used |= names & set(allowed)
        else:
            told.append(f"{name}: it was {old}, and is {new}")
    return told, used
