"""The work and the room that checking one program may take, counted before they are spent."""

from __future__ import annotations

from dataclasses import dataclass, field

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import DiagnosticError, diagnostic
from netlang.diagnostics.source import Span
from netlang.evaluate.context.values import Object, Setting

LENGTH_LIMIT = 1_000_000
"""Items of a list, letters of a string."""

STEP_LIMIT = 150_000
"""Expressions that are evaluated for one program, or copied from evaluations before.

Counted, not timed, so the answer never depends on the machine.
"""

STEPS_PER_LETTER = 2
"""What the text of a program adds to that, so that a long program without loops is legal."""

STEPS_PER_COPY = 2
"""What one copied node or weight costs."""

NESTING_LIMIT = 100
"""Lists inside lists."""

_ITEMS_PER_STEP = 32


class BudgetError(DiagnosticError):
    """A program asked for more work than checking may take: nothing more is evaluated."""


@dataclass(slots=True)
class Budget:
    """The steps ``spent`` so far of ``limit``, and the weights of the lists made so far.

    A list that holds one list many times is small in memory and huge to whoever walks over it:
    its weight is what a walk would meet.
    """

    limit: int = STEP_LIMIT
    spent: int = 0
    _weights: dict[int, tuple[object, int, int]] = field(
        default_factory=dict[int, "tuple[object, int, int]"]
    )

    def spend(self, steps: int, span: Span, label: str = "counted up to here") -> None:
        """Count work before it is done; raises ``BudgetError`` where it would be too much."""
        self.spent += steps
        if self.spent > self.limit:
            raise BudgetError(
                diagnostic(
                    rules.TOO_LARGE,
                    f"checking this program takes more than {self.limit:,} steps",
                    span,
                    label,
                    helps=("use fewer repetitions",),
                )
            )

    def weigh(self, value: Object, span: Span) -> None:
        """Refuse a list that a walk would take too long over, or go too deep into."""
        weight, depth = self._weigh(value, span)
        if weight > LENGTH_LIMIT:
            raise DiagnosticError(
                diagnostic(
                    rules.TOO_LARGE,
                    f"lists and strings end at {LENGTH_LIMIT:,} items",
                    span,
                    f"this would have {weight:,}",
                )
            )
        if depth > NESTING_LIMIT:
            raise DiagnosticError(
                diagnostic(
                    rules.TOO_DEEP,
                    f"lists are nested more than {NESTING_LIMIT} deep",
                    span,
                    "this list is inside too many others",
                )
            )

    def _weigh(self, value: Object, span: Span) -> tuple[int, int]:
        known = self._weights.get(id(value))
        if known is not None:
            return known[1:]
        match value:
            case list() | tuple():
                items = value
            case Setting(arguments=arguments):
                items = list(arguments.values())
            case _:
                return 1, 0
        self.spend(len(items) // _ITEMS_PER_STEP, span)
        weight, depth = 1 + len(items), 1
        for item in items:
            if isinstance(item, list | tuple | Setting):
                more, deeper = self._weigh(item, span)
                weight, depth = weight + more, max(depth, 1 + deeper)
        # The list is kept, so that no other can ever have its identity.
        self._weights[id(value)] = (value, weight, depth)
        return weight, depth
