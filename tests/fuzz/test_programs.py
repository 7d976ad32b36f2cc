"""Whatever a program says, it is answered: in time, in bounds, by a diagnostic."""

from __future__ import annotations

from pathlib import Path

import programs
import pytest
from programs import program
from running import MEMORY_KIB, answered


def check(first: int, count: int) -> None:
    """Check a range of programs in a process of its own."""
    script = Path(programs.__file__)
    found = answered(script, first, count, lambda n: program(n).decode(errors="replace"))
    assert found["peak_kib"] < MEMORY_KIB


def test_hundreds_of_programs_are_answered() -> None:
    check(0, 500)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_twenty_thousand_programs_are_answered(part: int) -> None:
    check(5_000 * part, 5_000)


def test_a_program_has_one_number_everywhere() -> None:
    assert program(7) == program(7)
    assert len({program(number) for number in range(200)}) > 190


def test_a_program_that_is_not_answered_is_found(tmp_path: Path, monkeypatch) -> None:
    def broken(path: Path) -> None:
        raise KeyError(path)

    monkeypatch.setattr(programs, "_use", broken)
    assert "KeyError" in (programs.answer(b"a = 1\n", tmp_path) or "")
