"""Whatever the header of a safetensors file says, it is answered.

Tests ``netlang.storage.weights``.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import tensor_headers
from running import MEMORY_KIB, answered
from tensor_headers import file, write


def check(first: int, count: int) -> None:
    script = Path(tensor_headers.__file__)
    found = answered(script, first, count, lambda number: repr(file(number)[0][:2_000]))
    assert found["peak_kib"] < MEMORY_KIB


def test_hundreds_of_headers_are_answered() -> None:
    check(0, 300)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_ten_thousand_headers_are_answered(part: int) -> None:
    check(2_500 * part, 2_500)


def test_files_are_as_large_as_they_say_and_take_no_room(tmp_path: Path) -> None:
    sizes = [file(number)[1] for number in range(200)]
    assert max(sizes) > 2**30
    assert sum(20 < size < 1_000 for size in sizes) > 100
    for number in range(200):
        write(tmp_path / "w.safetensors", number)
        assert (tmp_path / "w.safetensors").stat().st_blocks * 512 < 2**22
