"""Limits on gradients."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from netlang.ops.elementwise.choice import Clamp
from netlang.ops.terms import Term


class Clip(Struct, frozen=True, eq=False):
    """A limit on gradients."""

    name: ClassVar[str]
    limit: float

    def apply(self, gradients: list[Term], norm: Term) -> list[Term]:
        """Return the limited gradients; ``norm`` is that of all of them together."""
        raise NotImplementedError


class ClipNorm(Clip, frozen=True, eq=False):
    name: ClassVar[str] = "clip_norm"

    def apply(self, gradients: list[Term], norm: Term) -> list[Term]:
        # The small number is PyTorch's, and avoids dividing by 0.
        scale = self.limit / (norm + 1e-6)
        scale = scale.where(scale < 1.0, 1.0)
        return [gradient * scale for gradient in gradients]


class ClipValue(Clip, frozen=True, eq=False):
    name: ClassVar[str] = "clip_value"

    def apply(self, gradients: list[Term], norm: Term) -> list[Term]:
        return [gradient.to(Clamp(-self.limit, self.limit)) for gradient in gradients]
