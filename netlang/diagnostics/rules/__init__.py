"""Every rule that a diagnostic can name: ``rules.SHAPE_MISMATCH``.

A module of rules is loaded when one of its rules is first named: a program without errors must
not pay for the pages of all of them.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from netlang.diagnostics.rules.rule import Rule as Rule

if TYPE_CHECKING:
    from netlang.diagnostics.rules.commands import *  # noqa: F403
    from netlang.diagnostics.rules.data import *  # noqa: F403
    from netlang.diagnostics.rules.files import *  # noqa: F403
    from netlang.diagnostics.rules.limits import *  # noqa: F403
    from netlang.diagnostics.rules.machine import *  # noqa: F403
    from netlang.diagnostics.rules.names import *  # noqa: F403
    from netlang.diagnostics.rules.programs import *  # noqa: F403
    from netlang.diagnostics.rules.runs import *  # noqa: F403
    from netlang.diagnostics.rules.shapes import *  # noqa: F403
    from netlang.diagnostics.rules.syntax import *  # noqa: F403
    from netlang.diagnostics.rules.tokens import *  # noqa: F403
    from netlang.diagnostics.rules.training import *  # noqa: F403
    from netlang.diagnostics.rules.types import *  # noqa: F403
    from netlang.diagnostics.rules.weights import *  # noqa: F403

MODULES = (
    "tokens", "syntax", "names", "programs", "types", "shapes", "weights", "training", "runs",
    "data", "limits", "files", "commands", "machine",
)  # fmt: skip
"""In the order in which ``netlang explain`` lists them."""


def __getattr__(name: str) -> Rule:
    for module in MODULES:
        found = getattr(import_module(f"{__name__}.{module}"), name, None)
        if isinstance(found, Rule):
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def all_rules() -> dict[str, Rule]:
    """Return every rule by its code."""
    return {rule.code: rule for module in MODULES for rule in rules_of(module)}


def rules_of(module: str) -> list[Rule]:
    """Return the rules of one of ``MODULES``, in the order in which they are written."""
    values = vars(import_module(f"{__name__}.{module}")).values()
    return [value for value in values if isinstance(value, Rule)]
