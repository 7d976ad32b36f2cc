"""What computes a graph: NumPy, and onnxruntime by way of ONNX."""

from __future__ import annotations

from typing import Literal

from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError

Backend = Literal["onnxruntime", "numpy"]
Provider = Literal["cpu", "cuda", "auto"]
"""Where onnxruntime computes; ``auto`` takes the best there is."""


def check_provider(backend: Backend, provider: Provider) -> None:
    """Raise ``NetlangError`` where a provider of onnxruntime is asked of NumPy."""
    if backend == "numpy" and provider == "cuda":
        raise NetlangError(
            rules.PROVIDER_MISSING,
            "NumPy computes on the CPU only",
            helps=["use --backend onnxruntime for --provider cuda"],
            exit_code=USAGE,
        )
