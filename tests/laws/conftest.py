"""The laws hold for operators that call Python too: here they may."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from netlang.ops.extern import PYTHON_ALLOWED


@pytest.fixture(autouse=True)
def python_is_allowed() -> Iterator[None]:
    token = PYTHON_ALLOWED.set(True)
    yield
    PYTHON_ALLOWED.reset(token)
