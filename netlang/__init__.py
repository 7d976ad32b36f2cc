"""A compiler for neural networks written as short text files.

``netlang.load("lenet.net")["LeNet"]`` gives a network: its summary, its graph, its counts, its
weights; called, it computes on onnxruntime.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netlang.api import File as File
    from netlang.api import Network as Network
    from netlang.api import load as load

__all__ = ["File", "Network", "load"]


def __getattr__(name: str) -> object:
    # The command line imports this package too, and must not pay for what it does not use.
    if name in __all__:
        from netlang import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
