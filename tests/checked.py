"""Programs that come with the project, each checked once for every test that only looks at it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from netlang.program import Program, load


@cache
def checked(path: Path) -> Program:
    """Check a file that no test changes; nobody may add to what is given."""
    return load(path)
