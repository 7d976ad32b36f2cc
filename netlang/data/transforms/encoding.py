"""Numbers of classes as vectors."""

from __future__ import annotations

from typing import ClassVar

from netlang.data.transforms.transform import Transform
from netlang.ir.types import F32, TensorType
from netlang.system.numpy import Array, np


class OneHot(Transform, frozen=True):
    """A number for each of the classes: 1 for that of the example, else 0."""

    name: ClassVar[str] = "one_hot"
    classes: int

    def result(self, type: TensorType) -> TensorType:
        return TensorType(F32, (*type.shape, self.classes))

    def apply(self, images: Array, u: Array) -> Array:
        del u
        return (images[..., np.newaxis] == np.arange(self.classes)).astype(np.float32)
