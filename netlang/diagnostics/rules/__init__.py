"""Every rule a diagnostic can name, by its code."""

from __future__ import annotations

from netlang.diagnostics.rules import (
    commands,
    data,
    files,
    limits,
    machine,
    names,
    programs,
    runs,
    shapes,
    syntax,
    training,
    types,
    weights,
)
from netlang.diagnostics.rules.rule import Rule

__all__ = ["RULES", "Rule"]

_MODULES = (
    syntax, names, programs, types, shapes, weights, training, runs, data, limits, files, commands,
    machine,
)  # fmt: skip

RULES: dict[str, Rule] = {rule.code: rule for module in _MODULES for rule in module.RULES}
