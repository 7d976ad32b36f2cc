"""What decides how a run goes, as text, so that a resumed run can be compared with the first."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from hashlib import blake2b

from netlang.ir.graph import Graph
from netlang.ir.text import print_graph
from netlang.plan.plan import Computation
from netlang.training.step.graphs import Training

_PROGRAM, _NODES = "program", "program.nodes"
_SHOWN = 6
"""The differences between two programs that are listed."""


def run_settings(training: Training, *, seed: int, data: str) -> dict[str, str]:
    """Return what decides how a run goes; ``data`` is the fingerprint of the examples."""
    graph = print_graph(training.evaluation, origins=False)
    return {
        _PROGRAM: blake2b(graph.encode(), digest_size=8).hexdigest(),
        _NODES: "\n".join(_nodes(training.plan.computation)),
        "examples": data,
        "seed": str(seed),
        **training.plan.settings,
    }


_ABSENT = "none"
"""What a setting is that a program does not give."""


def _nodes(computation: Computation) -> Iterator[str]:
    """Yield each parameter and each node, with what evaluation leaves out, such as dropout."""
    for value, param in computation.params.items():
        yield f"{value.name}: {'' if param.trained else 'running '}{value.type}"
    for node in computation.nodes:
        written = print_graph(Graph("", (), {}, (node,), {}), origins=False)
        yield written.splitlines()[1].strip().removeprefix("%")


def differences(
    before: Mapping[str, str], now: Mapping[str, str], allowed: Collection[str] = ()
) -> tuple[list[str], set[str]]:
    """List the settings that differ and may not, as lines; and which of ``allowed`` were of use.

    A setting is allowed by its whole name, what that begins with, or its last part.
    """
    lines: list[str] = []
    used: set[str] = set()
    for name, old, new in _changes(before, now):
        parts = name.split(".")
        names = {".".join(parts[:n]) for n in range(1, len(parts) + 1)}
        names |= {parts[-1], parts[0].partition("[")[0]}
        if names & set(allowed):
            used |= names & set(allowed)
        else:
            lines.append(f"{name}: it was {old}, and is {new}")
    return lines, used


def _changes(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield the name of each setting that differs, and its two values."""
    nodes = [*_changed_nodes(before.get(_NODES), now.get(_NODES))]
    yield from nodes[:_SHOWN]
    if len(nodes) > _SHOWN:
        yield f"{_PROGRAM}.…", f"{len(nodes) - _SHOWN} more", "different"
    for name in dict.fromkeys((*before, *now)):
        old, new = before.get(name, _ABSENT), now.get(name, _ABSENT)
        if old != new and name != _NODES and not (name == _PROGRAM and nodes):
            yield name, old, new


def _changed_nodes(before: str | None, now: str | None) -> Iterator[tuple[str, str, str]]:
    """Yield what differs between two programs; nothing for a run of an earlier version."""
    if before is None or now is None:
        return
    old, new = _by_name(before), _by_name(now)
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield f"{_PROGRAM}.{name}", old.get(name, _ABSENT), new.get(name, _ABSENT)


def _by_name(nodes: str) -> dict[str, str]:
    parts = (line.partition(": ") for line in nodes.split("\n"))
    return {name: text for name, _, text in parts}
