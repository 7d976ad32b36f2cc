"""What decides how a run goes, as text, so that a resumed run can be compared with the first."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import blake2b

from netlang.ir.text import print_graph
from netlang.training.step.graphs import Training


def run_settings(training: Training, *, seed: int, data: str) -> dict[str, str]:
    """Return what decides how a run goes; ``data`` is the fingerprint of the examples."""
    graph = print_graph(training.evaluation, origins=False)
    return {
        "program": blake2b(graph.encode(), digest_size=8).hexdigest(),
        "examples": data,
        "seed": str(seed),
        **training.plan.settings,
    }


_ABSENT = "none"
"""What a setting is that a program does not give."""


def differences(
    before: Mapping[str, str], now: Mapping[str, str], allowed: Collection[str] = ()
) -> tuple[list[str], set[str]]:
    """List the settings that differ and may not, as lines; and which of ``allowed`` were of use.

    A setting is allowed by its whole name, what that begins with, or its last part.
    """
    lines: list[str] = []
    used: set[str] = set()
    for name in dict.fromkeys((*before, *now)):
        old, new = before.get(name, _ABSENT), now.get(name, _ABSENT)
        if old == new:
            continue
        parts = name.split(".")
        names = {".".join(parts[:n]) for n in range(1, len(parts) + 1)}
        names |= {parts[-1], parts[0].partition("[")[0]}
        if names & set(allowed):
            used |= names & set(allowed)
        else:
            lines.append(f"{name}: it was {old}, and is {new}")
    return lines, used
