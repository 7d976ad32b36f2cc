"""The libraries we compute with, and the versions that we support."""

from __future__ import annotations

import re
from collections.abc import Mapping

from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, NetlangError

KNOWN: Mapping[str, tuple[str, str]] = {
    "numpy": ("2.0", "3"),
    "onnx": ("1.17", "2"),
    "onnxruntime": ("1.20", "2"),
    "safetensors": ("0.5", "1"),
}
"""The first supported version, and the next major version, which may change anything."""


class VersionError(NetlangError):
    """A library is installed in a version that we do not support."""

    def __init__(
        self, message: str, package: str, *, found: str, need: str, helps: tuple[str, ...] = ()
    ) -> None:
        super().__init__(
            rules.LIBRARY_VERSION,
            message,
            notes=[f"installed: {package} {found}", f"needed: {need}"],
            helps=helps,
            exit_code=ENVIRONMENT,
        )


def check_version(package: str, found: str) -> None:
    """Raise ``VersionError`` for a library that is too old or too new.

    >>> check_version("numpy", "2.4.6")
    >>> check_version("numpy", "1.26.4")
    Traceback (most recent call last):
    netlang.system.versions.VersionError: numpy 1.26.4 is too old
    """
    first, end = KNOWN[package]
    if _numbers(first) <= _numbers(found) < _numbers(end):
        return
    old = _numbers(found) < _numbers(first)
    raise VersionError(
        f"{package} {found} is too {'old' if old else 'new'}",
        package,
        found=found,
        need=f"{package} {first} or newer, before {end}",
        helps=(f'install another: pip install "{package}>={first},<{end}"',),
    )


def own_version() -> str:
    """Return the version of netlang; ``unknown`` in a source tree that is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("netlang")
    except PackageNotFoundError:
        return "unknown"


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, without a suffix (`rc1`, `.dev3`, `+cu12`)."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(n) for n in found[0].split(".")) if found is not None else ()
