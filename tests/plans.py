"""Train sections of programs that have no errors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from netlang.plan.plan import Plan
from netlang.program import open_program


def plan_of(path: Path, name: str | None = None, given: Mapping[str, str] | None = None) -> Plan:
    """Return the plan of a section, or of the only one."""
    program = open_program(path)
    plan = program.plan(name, given)
    assert [d.message for d in program.diagnostics.items if d.is_error] == []
    assert plan is not None
    return plan
