"""The backends that run a graph: NumPy, and onnxruntime through ONNX."""

from __future__ import annotations

from typing import Literal, get_args

from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError

Backend = Literal["onnxruntime", "numpy"]
Provider = str
"""A provider with its options: ``cpu``, ``cuda:device_id=1``, ``auto``, or a package."""

Lower = Literal["f16", "bf16", "int8"]
LOWER: tuple[Lower, ...] = get_args(Lower)
"""Precisions that a compiled model can be converted to."""


def check_backend(backend: Backend, provider: Provider) -> None:
    """Raise ``NetlangError`` for an unknown backend or provider, or a device with NumPy."""
    if backend not in (known := get_args(Backend)):
        raise NetlangError(
            rules.USAGE,
            f"there is no backend `{backend}`",
            notes=[f"the backends are {' and '.join(known)}"],
            exit_code=USAGE,
        )
    from netlang.backends.providers import requested

    name = requested(provider).name
    if backend == "numpy" and name not in ("cpu", "auto"):
        raise NetlangError(
            rules.PROVIDER_MISSING,
            "NumPy computes on the CPU only",
            helps=[f"use the backend onnxruntime for the provider {name}"],
            exit_code=USAGE,
        )
