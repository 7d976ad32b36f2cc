"""A compiler for neural networks written as short text files.

``load`` and ``loads`` read a program. A program maps the names of its nets to networks, which
report their layers, compile to ONNX and compute; and it trains and evaluates its train sections.

>>> import netlang
>>> lenet = netlang.load("examples/lenet.net")["LeNet"]
>>> lenet
LeNet(image: f32[N, 1, 28, 28]) -> logits: f32[N, 10]
>>> lenet.trainable_parameters, lenet.macs
(61706, 416520)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netlang.api.callbacks import Callback as Callback
    from netlang.api.errors import NetlangWarning as NetlangWarning
    from netlang.api.errors import ProgramError as ProgramError
    from netlang.api.errors import ProgramWarning as ProgramWarning
    from netlang.api.functions import allow_python as allow_python
    from netlang.api.functions import contents as contents
    from netlang.api.functions import explain as explain
    from netlang.api.functions import format as format
    from netlang.api.functions import nearest as nearest
    from netlang.api.functions import runs as runs
    from netlang.api.importing import Imported as Imported
    from netlang.api.importing import from_torch as from_torch
    from netlang.api.importing import read_caffe as read_caffe
    from netlang.api.importing import read_onnx as read_onnx
    from netlang.api.network import Network as Network
    from netlang.api.program import Program as Program
    from netlang.api.program import load as load
    from netlang.api.program import loads as loads
    from netlang.api.templates.writing import new as new
    from netlang.api.training import Run as Run
    from netlang.diagnostics.errors import FileError as FileError
    from netlang.diagnostics.errors import InputError as InputError
    from netlang.diagnostics.errors import NetlangError as Error
    from netlang.diagnostics.errors import WeightsError as WeightsError

_MODULES = {
    "Callback": "api.callbacks",
    "Error": "diagnostics.errors",
    "FileError": "diagnostics.errors",
    "Imported": "api.importing",
    "InputError": "diagnostics.errors",
    "NetlangWarning": "api.errors",
    "Network": "api.network",
    "Program": "api.program",
    "ProgramError": "api.errors",
    "ProgramWarning": "api.errors",
    "Run": "api.training",
    "WeightsError": "diagnostics.errors",
    "allow_python": "api.functions",
    "contents": "api.functions",
    "explain": "api.functions",
    "format": "api.functions",
    "from_torch": "api.importing",
    "load": "api.program",
    "loads": "api.program",
    "nearest": "api.functions",
    "new": "api.templates.writing",
    "read_caffe": "api.importing",
    "read_onnx": "api.importing",
    "runs": "api.functions",
}
"""The module of each public name, which is imported when the name is first used."""

__all__ = [
    "Callback", "Error", "FileError", "Imported", "InputError", "NetlangWarning", "Network",
    "Program", "ProgramError", "ProgramWarning", "Run", "WeightsError", "allow_python", "contents",
    "explain", "format", "from_torch", "load", "loads", "nearest", "new", "read_caffe",
    "read_onnx", "runs",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    inner = "NetlangError" if name == "Error" else name
    value = getattr(import_module(f"netlang.{_MODULES[name]}"), inner)
    globals()[name] = value
    return value


def load_ipython_extension(shell: Any) -> None:
    """Register the cell magic ``%%netlang`` after ``%load_ext netlang``."""
    from netlang.api.cells import register

    register(shell)


def __dir__() -> list[str]:
    return __all__
