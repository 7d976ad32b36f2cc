"""Every rule a diagnostic can name, by its code."""

from __future__ import annotations

from netlang.rules import syntax
from netlang.rules.rule import Rule

__all__ = ["RULES", "Rule"]

RULES: dict[str, Rule] = {rule.code: rule for module in (syntax,) for rule in module.RULES}
