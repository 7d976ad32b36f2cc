"""What computes a graph: NumPy, and onnxruntime by way of ONNX."""

from __future__ import annotations

from typing import Literal

Backend = Literal["onnxruntime", "numpy"]
Provider = Literal["cpu", "cuda", "auto"]
"""Where onnxruntime computes; ``auto`` takes the best there is."""
