"""NumPy, loaded when it is first used.

``netlang check`` and ``netlang summary`` use no arrays and must not pay for loading NumPy, while an
operator states its shape rule and its arithmetic in one place.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]
else:

    class _Deferred:
        def __getattr__(self, name: str) -> object:
            from netlang.system.versions import check_version

            numpy = import_module("numpy")
            check_version("numpy", numpy.__version__)
            value = getattr(numpy, name)
            setattr(self, name, value)
            return value

    np = _Deferred()
    Array = object  # for annotations, which are not evaluated

__all__ = ["Array", "np"]
