"""Whatever a program says, it is answered: in time, in bounds, by a diagnostic."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from programs import program

MEMORY_KIB = 300 * 1024


def answered(first: int, count: int) -> None:
    """Check a range of programs in a process of its own."""

    def limit() -> None:
        bytes_ = 4 * 1024 * MEMORY_KIB
        resource.setrlimit(resource.RLIMIT_AS, (bytes_, bytes_))

    script = Path(__file__).with_name("programs.py")
    done = subprocess.run(
        [sys.executable, script, str(first), str(count)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )
    assert done.returncode == 0, done.stderr
    *wrong, last = [json.loads(line) for line in done.stdout.splitlines()]
    told = "\n\n".join(
        f"program {w['program']}:\n{program(w['program']).decode(errors='replace')}\n{w['wrong']}"
        for w in wrong[:3]
    )
    assert not wrong, f"{len(wrong)} programs were not answered\n{told}"
    assert last["peak_kib"] < MEMORY_KIB


def test_hundreds_of_programs_are_answered() -> None:
    answered(0, 500)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_twenty_thousand_programs_are_answered(part: int) -> None:
    answered(5_000 * part, 5_000)


def test_a_program_has_one_number_everywhere() -> None:
    assert program(7) == program(7)
    assert len({program(number) for number in range(200)}) > 190


def test_a_program_that_is_not_answered_is_found(tmp_path: Path, monkeypatch) -> None:
    import programs

    def broken(path: Path) -> None:
        raise KeyError(path)

    monkeypatch.setattr(programs, "_use", broken)
    assert "KeyError" in (programs.answer(b"a = 1\n", tmp_path) or "")
