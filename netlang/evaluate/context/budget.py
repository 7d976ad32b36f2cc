"""Limits on the work and memory of checking one program, counted before they are spent."""

from __future__ import annotations

from typing import NoReturn

from msgspec import Struct, field

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
"""Additional steps per character of a program, so that a long one without loops is valid."""

STEPS_PER_COPY = 2
"""The cost of one copied node or parameter."""

NESTING_LIMIT = 100
"""The nesting depth of lists."""

_ITEMS_PER_STEP = 16

_LETTERS_PER_ITEM = 8

_SMALL = 32
"""The weight from which a list is stored with its weight; traversing a smaller one costs less."""


class BudgetError(DiagnosticError):
    """A program exceeds the work that checking may take: nothing more is evaluated."""


class Budget(Struct):
    """The steps ``spent`` so far of ``limit``, and the weights of the lists made so far.

    A list that contains one list many times is small in memory and expensive to traverse: its
    weight is the number of items that a traversal visits.
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

    def traverse(self, span: Span, *values: Object) -> None:
        """Count the items of lists and the letters of strings before a loop goes over them."""
        items = 0
        for value in values:
            if isinstance(value, str):
                items += len(value) // _LETTERS_PER_ITEM
            elif isinstance(value, list | tuple | Setting):
                items += self._weigh(value, span)[0]
        self.spend(items // _ITEMS_PER_STEP, span)

    def reserve(self, items: int, span: Span) -> None:
        """Count the items of a list before it is built; reject one that would be too long."""
        if items > LENGTH_LIMIT:
            reject_length(items, span)
        self.spend(items // _ITEMS_PER_STEP, span)

    def weigh(self, value: Object, span: Span) -> None:
        """Reject a list that is too long or too deep to traverse."""
        weight, depth = self._weigh(value, span)
        if weight > LENGTH_LIMIT:
            reject_length(weight, span)
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
        weight, depth, small = 1 + len(items), 1, 0
        for item in items:
            if isinstance(item, list | tuple | Setting):
                more, deeper = self._weigh(item, span)
                weight, depth = weight + more, max(depth, 1 + deeper)
                small += more if more < _SMALL else 0
        self.spend(small // _ITEMS_PER_STEP, span)
        if weight >= _SMALL:
            # The list is stored, so that no other object can have its identity.
            self._weights[id(value)] = (value, weight, depth)
        return weight, depth


def reject_length(items: int, span: Span) -> NoReturn:
    """Reject a list or a string that would be too long."""
    raise DiagnosticError(
        diagnostic(
            rules.TOO_LARGE,
            f"lists and strings end at {LENGTH_LIMIT:,} items",
            span,
            f"this would have {items:,}",
        )
    )
