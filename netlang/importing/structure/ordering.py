"""Steps in an order in which what belongs together is together."""

from __future__ import annotations

from collections.abc import Sequence

from netlang.importing.structure.steps import Step, reads
from netlang.ir.graph import Value


def ordered(steps: Sequence[Step], results: Sequence[Value]) -> list[Step]:
    """Return steps as a walk from the results to the inputs finds them: each before its readers.

    Each branch of a fork is together then, and equal parts have their steps in the same order,
    whatever the order in the file.
    """
    maker = {v: step for step in steps for v in step.results}
    done: set[int] = set()
    found: list[Step] = []
    for result in results:
        stack = [maker[result]] if result in maker else []
        while stack:
            step = stack[-1]
            if id(step) in done:
                stack.pop()
                continue
            waiting = [maker[v] for v in reads(step) if v in maker and id(maker[v]) not in done]
            if waiting:
                stack.extend(reversed(waiting))
                continue
            stack.pop()
            done.add(id(step))
            found.append(step)
    # Layers that several steps call come first: what calls them is alike then.
    return sorted(found, key=lambda step: step.form != "new")
