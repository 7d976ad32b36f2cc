"""What the test runner needs of the files of tests."""

from __future__ import annotations

from collections import Counter
from pathlib import Path


def test_no_two_modules_of_tests_share_a_name() -> None:
    modules = [path.name for path in Path(__file__).parents[1].rglob("*.py")]
    shared = {name for name, count in Counter(modules).items() if count > 1}
    assert shared <= {"conftest.py", "__init__.py"}
