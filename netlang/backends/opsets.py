"""The versions of ONNX's operator set, and what an older one costs."""

from __future__ import annotations

OPSETS = range(13, 25)
"""The opsets that can be written."""

DEFAULT = 18
"""Runtimes from the end of 2022 on read it, and a newer one improves few networks."""

LOSSES = {
    19: "`gelu` takes four nodes instead of one",
    17: "`resize` and `upsample` with antialiasing take 30 to 70 nodes; training steps compute "
    "the gradients of some convolutions with ConvTranspose, which is slower",
    16: "`layer_norm` takes eight nodes instead of one",
    15: "`scatter` with a reduction is an error, and so are most training steps: the gradients of "
    "cross entropies, embeddings and overlapping pools need it",
}
"""What a network loses in an opset and all older ones."""


def losses_text() -> str:
    """Return what each opset loses, as sentences for the help of a command."""
    return " ".join(f"Opset {opset} and older: {what}." for opset, what in LOSSES.items())
