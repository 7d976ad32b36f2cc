"""The backends that run a graph: NumPy, and onnxruntime through ONNX."""

from __future__ import annotations

from typing import Literal

from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError

Backend = Literal["onnxruntime", "numpy"]
Provider = Literal["cpu", "cuda", "auto"]
"""The device of onnxruntime; ``auto`` takes the best available one."""


def check_provider(backend: Backend, provider: Provider) -> None:
    """Raise ``NetlangError`` if NumPy is combined with a provider of onnxruntime."""
    if backend == "numpy" and provider == "cuda":
        raise NetlangError(
            rules.PROVIDER_MISSING,
            "NumPy computes on the CPU only",
            helps=["use --backend onnxruntime for --provider cuda"],
            exit_code=USAGE,
        )
