"""What decides how a run goes, as text, so that a resumed run can be compared with the first."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from hashlib import blake2b

from netlang.diagnostics.suggestions import common_length
from netlang.ir.graph import Graph
from netlang.ir.text import print_graph
from netlang.plan.plan import Plan
from netlang.training.step.graphs import Training

_PROGRAM, _NODES, _EXAMPLES = "program", "program.nodes", "examples"
RANKS = "ranks"
"""How many processes divide each batch, if there are several."""
_SHOWN = 6
"""The differences between two programs that are listed."""


def run_settings(training: Training, *, seed: int, data: str) -> dict[str, str]:
    """Return what decides how a run goes; ``data`` is the fingerprint of the examples."""
    graph = print_graph(training.evaluation, origins=False)
    return {
        _PROGRAM: blake2b(graph.encode(), digest_size=8).hexdigest(),
        _NODES: "\n".join(_nodes(training.plan)),
        _EXAMPLES: data,
        "seed": str(seed),
        **training.plan.settings,
        **({RANKS: str(training.plan.ranks)} if training.plan.ranks > 1 else {}),
    }


_ABSENT = "none"
"""What a setting is that a program does not give."""


def _nodes(plan: Plan) -> Iterator[str]:
    """Yield each value that a section computes, by name, as ``name: text``.

    Which values are losses and metrics comes first. Includes what evaluation leaves out, such as
    dropout.
    """
    computed = plan.computation
    inputs = (*computed.batch.values(), *computed.noise, *computed.gradients)
    graph = Graph(
        plan.name, inputs, computed.params, computed.nodes, plan.measured, computed.states
    )
    lines = print_graph(graph, origins=False).splitlines()[1:-1]
    for line in sorted(lines, key=lambda line: not line.startswith("  output ")):
        kind, _, rest = line.strip().partition("%")
        name, _, text = rest.partition(": ")
        if kind.startswith("output "):
            name, text = kind.removesuffix(" = ").replace(" ", "."), rest
        yield f"{name}: {'running ' if kind == 'running ' else ''}{text}"


SINCE = ("it was {}, and is {}", "their contents have changed")
"""What is said of a setting that differs, and of examples."""


def differences(
    before: Mapping[str, str],
    now: Mapping[str, str],
    allowed: Collection[str] = (),
    said: tuple[str, str] = SINCE,
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
            lines.append(f"{name}: {_difference(name, old, new, said)}")
    return lines, used


_LONG, _NEAR = 120, 30
"""The length from which a text is shown only near what differs in it, and how near."""


def _difference(name: str, old: str, new: str, said: tuple[str, str]) -> str:
    """Return how a setting differs: its two values, or where two long ones differ."""
    if name == _EXAMPLES:
        return said[1]
    if max(len(old), len(new)) > _LONG:
        start = max(0, common_length(old, new) - _NEAR)
        end = max(0, common_length(old[start:][::-1], new[start:][::-1]) - _NEAR)
        old, new = (_part(text, start, len(text) - end) for text in (old, new))
    return said[0].format(old, new)


def _part(text: str, start: int, end: int) -> str:
    """Return a part of a text, with dots for what is left out."""
    end = min(end, start + _LONG)
    return "…" * (start > 0) + text[start:end] + "…" * (end < len(text))


def _changes(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield the name of each setting that differs, and its two values.

    A run of an earlier version has only a hash of its program.
    """
    known = _NODES in before and _NODES in now
    nodes = [*_changed_nodes(before[_NODES], now[_NODES])] if known else []
    yield from nodes[:_SHOWN]
    if len(nodes) > _SHOWN:
        yield f"{_PROGRAM}.…", f"{len(nodes) - _SHOWN} more", "different"
    for name in dict.fromkeys((*before, *now)):
        old, new = before.get(name, _ABSENT), now.get(name, _ABSENT)
        if old != new and name != _NODES and not (name == _PROGRAM and known):
            yield name, old, new


def _changed_nodes(before: str, now: str) -> Iterator[tuple[str, str, str]]:
    """Yield what differs between two programs."""
    old, new = _by_name(before), _by_name(now)
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield f"{_PROGRAM}.{name}", old.get(name, _ABSENT), new.get(name, _ABSENT)


def _by_name(nodes: str) -> dict[str, str]:
    """Return the text of each value; of the bodies of loops, several may have one name."""
    found: dict[str, str] = {}
    for line in nodes.split("\n"):
        name, _, text = line.partition(": ")
        while name in found:
            name += "'"
        found[name] = text
    return found
